//! What a map said of addresses.

use domain::{Coordinates, MapAddress, MapAnswer};

use super::*;
use crate::PlaceKey;

const DAY: Duration = Duration::from_secs(24 * 3_600);

fn key(line: &str) -> PlaceKey {
    PlaceKey::of(&MapAddress::new(line, None, None).unwrap())
}

fn found() -> MapAnswer {
    MapAnswer::Found {
        at: Coordinates {
            latitude: 30.508_312_5,
            longitude: -97.678_9,
        },
    }
}

async fn kept(subject: &Subject, tenant: &TenantId, key: &PlaceKey) -> Option<MapAnswer> {
    subject.store.place(tenant, key).await.unwrap()
}

pub async fn what_a_map_said_is_kept_for_its_tenant(subject: &Subject) {
    let (tenant, other) = (subject.tenant("a"), subject.tenant("b"));
    let house = key("12 Elm St, Round Rock, TX");
    assert_eq!(kept(subject, &tenant, &house).await, None);
    subject
        .store
        .keep_place(&tenant, &house, &found())
        .await
        .unwrap();
    let written_otherwise = key("12 elm street apt 4, Round Rock TX");
    assert_eq!(
        kept(subject, &tenant, &written_otherwise).await,
        Some(found())
    );
    assert_eq!(kept(subject, &other, &house).await, None);
    assert_eq!(
        kept(subject, &tenant, &key("14 Elm St, Round Rock, TX")).await,
        None
    );
    let doubtful = MapAnswer::Doubtful;
    subject
        .store
        .keep_place(&tenant, &house, &doubtful)
        .await
        .unwrap();
    assert_eq!(kept(subject, &tenant, &house).await, Some(doubtful));
}

pub async fn coordinates_are_forgotten_within_a_month_and_nothing_within_a_day(subject: &Subject) {
    let tenant = subject.tenant("a");
    let (house, field) = (key("12 Elm St, Austin, TX"), key("99 Elm St, Austin, TX"));
    subject
        .store
        .keep_place(&tenant, &house, &found())
        .await
        .unwrap();
    let nothing = MapAnswer::NotFound;
    subject
        .store
        .keep_place(&tenant, &field, &nothing)
        .await
        .unwrap();
    (subject.advance)(DAY / 2).await;
    assert_eq!(kept(subject, &tenant, &field).await, Some(nothing));
    (subject.advance)(DAY / 2).await;
    assert_eq!(kept(subject, &tenant, &field).await, None);
    assert_eq!(kept(subject, &tenant, &house).await, Some(found()));
    (subject.advance)(DAY * 24).await;
    assert_eq!(kept(subject, &tenant, &house).await, None);
    // What is new takes its place.
    subject
        .store
        .keep_place(&tenant, &house, &nothing)
        .await
        .unwrap();
    assert_eq!(kept(subject, &tenant, &house).await, Some(nothing));
}
