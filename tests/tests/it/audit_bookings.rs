//! Bookings whose webhooks were lost are found at Calendly and Acuity, and webhooks that these switched off are on again.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use simulators::{Trouble, acuity, calendly};
use tests::World;

use crate::audit::{audited, pass, requests};

const LOST: Trouble = Trouble {
    lose: u32::MAX,
    repeat: 0,
    delay_ms: 0,
};

/// Somebody else's URL, which nobody of ours may touch.
const STRANGER: &str = "http://127.0.0.1:9/a-strangers-hook";

const MINUTES: fn(u64) -> Duration = |minutes| Duration::from_secs(minutes * 60);

fn begins(world: &World, hours: i64) -> Timestamp {
    let begins = world.now().checked_add(SignedDuration::from_hours(hours));
    begins.unwrap()
}

fn invitee(world: &World, who: &str, hours: i64, limit: u32) -> calendly::Wanted {
    calendly::Wanted {
        email: format!("{who}@example.com"),
        starts_at: begins(world, hours),
        limit,
        ..calendly::Wanted::default()
    }
}

fn appointment(world: &World, who: &str, hours: i64) -> acuity::Wanted {
    acuity::Wanted {
        email: format!("{who}@example.com"),
        starts_at: begins(world, hours),
        ..acuity::Wanted::default()
    }
}

/// Who booked, as far as is known, and whether an audit found it.
async fn found(world: &World) -> Vec<(String, bool)> {
    let mut found = Vec::new();
    for request in requests(world, &world.tenant()).await {
        let shown = world.shown(request.id).await;
        let email = shown["contact"]["email"].as_str().unwrap_or_default();
        let is_recovered = request.document.source.recovered.is_some();
        found.push((email.to_owned(), is_recovered));
    }
    found.sort();
    found
}

fn expected(of: &[(&str, bool)]) -> Vec<(String, bool)> {
    let all = of.iter();
    let mut all: Vec<_> = all
        .map(|(who, is_recovered)| (format!("{who}@example.com"), *is_recovered))
        .collect();
    all.sort();
    all
}

#[tokio::test]
async fn lost_bookings_are_found_once() {
    let world = audited().await;
    let calendly = world.simulators().calendly();
    let acuity = world.simulators().acuity();
    pass(&world, MINUTES(1)).await;
    // These arrive: an event for one person, one of a group, and an appointment.
    calendly.book(invitee(&world, "kept", 72, 1));
    calendly.book(invitee(&world, "kept-group", 76, 5));
    acuity.book(appointment(&world, "kept-appointment", 80));
    world
        .eventually("the webhooks arrive", async || {
            requests(&world, &world.tenant()).await.len() == 3
        })
        .await;
    // One of each is lost.
    calendly.trouble(LOST);
    acuity.trouble(LOST);
    calendly.book(invitee(&world, "lost", 84, 1));
    calendly.book(invitee(&world, "lost-group", 88, 5));
    acuity.book(appointment(&world, "lost-appointment", 92));
    calendly.trouble(Trouble::default());
    acuity.trouble(Trouble::default());
    let all = expected(&[
        ("kept", false),
        ("kept-appointment", false),
        ("kept-group", false),
        ("lost", true),
        ("lost-appointment", true),
        ("lost-group", true),
    ]);
    for _ in 0..5 {
        pass(&world, MINUTES(4)).await;
    }
    world.rest().await;
    assert_eq!(found(&world).await, all);
    // Later looks find nothing more.
    for _ in 0..5 {
        pass(&world, MINUTES(4)).await;
    }
    world.rest().await;
    assert_eq!(found(&world).await, all);
    world.stop_early().await;
}

/// A booking may stand for weeks before it is called off.
#[tokio::test]
async fn a_lost_cancellation_of_an_old_booking_is_found() {
    const DAYS_AHEAD: i64 = 20;
    let world = audited().await;
    let calendly = world.simulators().calendly();
    let acuity = world.simulators().acuity();
    pass(&world, MINUTES(1)).await;
    let invited = calendly.book(invitee(&world, "invited", 24 * DAYS_AHEAD, 1));
    let appointed = acuity.book(appointment(&world, "appointed", 24 * DAYS_AHEAD + 2));
    world
        .eventually("the webhooks arrive", async || {
            requests(&world, &world.tenant()).await.len() == 2
        })
        .await;
    world.rest().await;
    // Longer than any look goes back.
    pass(&world, MINUTES(9 * 24 * 60)).await;
    calendly.trouble(LOST);
    acuity.trouble(LOST);
    calendly.cancel(&invited);
    acuity.cancel(&appointed);
    for _ in 0..2 {
        pass(&world, MINUTES(6)).await;
    }
    world
        .eventually("both are canceled", async || {
            let found = requests(&world, &world.tenant()).await;
            let is_canceled = |request: &domain::LeadRequest| {
                let about = request.document.facts().about;
                matches!(about, domain::About::Calendar(booking)
                    if booking.status == Some(domain::BookingStatus::Canceled))
            };
            found.len() == 2 && found.iter().all(is_canceled)
        })
        .await;
    world.rest().await;
    world.stop_early().await;
}

#[tokio::test]
async fn nothing_is_taken_for_a_tenant_that_is_suspended() {
    let world = audited().await;
    pass(&world, MINUTES(1)).await;
    let tenant = world.tenant();
    let mut known = world.store.tenant(&tenant).await.unwrap().unwrap();
    known.status = domain::TenantStatus::Suspended;
    world.store.put_tenant(&known).await.unwrap();
    world
        .simulators()
        .acuity()
        .register("914500777", appointment(&world, "lost", 72));
    for _ in 0..2 {
        world.pass(MINUTES(6));
        let now = world.now();
        world
            .eventually("every sweep was looked at", async || {
                let sweeps = world.store.sweeps(&tenant).await.unwrap();
                sweeps.iter().all(|sweep| sweep.due_at > now)
            })
            .await;
    }
    assert!(requests(&world, &tenant).await.is_empty());

    // Once it takes part again, it is found.
    known.status = domain::TenantStatus::Active;
    world.store.put_tenant(&known).await.unwrap();
    for _ in 0..3 {
        pass(&world, MINUTES(61)).await;
    }
    world.rest().await;
    assert_eq!(found(&world).await, expected(&[("lost", true)]));
    world.stop_early().await;
}

/// Each subscription's number, URL, events, and whether it is posted to.
type Subscriptions = Vec<(u64, String, Vec<String>, bool)>;

/// The stranger's, and all others.
fn split(all: Subscriptions) -> (Subscriptions, Subscriptions) {
    all.into_iter().partition(|(_, url, ..)| url == STRANGER)
}

#[tokio::test]
async fn webhooks_that_were_switched_off_are_on_again() {
    let world = audited().await;
    let calendly = world.simulators().calendly();
    let acuity = world.simulators().acuity();
    calendly.subscribe(STRANGER, &["invitee.created"]);
    acuity.subscribe(STRANGER, &["appointment.scheduled"]);
    for _ in 0..2 {
        pass(&world, MINUTES(4)).await;
    }
    calendly.switch_webhooks(false);
    acuity.switch_webhooks(false);
    let (strangers, ours) = split(calendly.subscriptions());
    let (strangers_too, ours_too) = split(acuity.subscriptions());
    assert!(!ours.is_empty() && !ours_too.is_empty());
    for _ in 0..3 {
        pass(&world, MINUTES(4)).await;
    }
    world.rest().await;
    for (now, strangers) in [
        (calendly.subscriptions(), strangers),
        (acuity.subscriptions(), strangers_too),
    ] {
        let (theirs, ours) = split(now);
        assert_eq!(theirs, strangers, "a stranger's is left alone");
        assert!(!ours.is_empty());
        assert!(ours.iter().all(|(.., is_on)| *is_on), "{ours:?}");
    }
    // What is booked now comes by itself.
    calendly.book(invitee(&world, "invited", 72, 1));
    acuity.book(appointment(&world, "appointed", 80));
    world
        .eventually("the webhooks arrive", async || {
            requests(&world, &world.tenant()).await.len() == 2
        })
        .await;
    world.rest().await;
    let both = expected(&[("appointed", false), ("invited", false)]);
    assert_eq!(found(&world).await, both);
    world.stop_early().await;
}
