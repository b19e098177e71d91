//! People.

use domain::{E164, EmailAddress, PersonId, StoreError};

use super::*;
use crate::PersonIdentity;

fn phone(last: u32) -> PersonIdentity {
    PersonIdentity::Phone(E164::parse(&format!("+1512555{last:04}")).unwrap())
}

fn email(name: &str) -> PersonIdentity {
    PersonIdentity::Email(EmailAddress::parse(&format!("{name}@example.com")).unwrap())
}

/// The person behind a new request with these identities.
async fn person(subject: &Subject, lead: &str, identities: &[PersonIdentity]) -> PersonId {
    let tenant = subject.tenant("a");
    let id = subject.request(&Lead::new(&tenant, lead)).await;
    let found = subject
        .store
        .person_for_request(&tenant, id, identities)
        .await;
    let found = found.unwrap();
    assert_eq!(subject.lead(&tenant, id).await.person, Some(found));
    found
}

pub async fn a_person_is_found_by_number_then_by_address(subject: &Subject) {
    let ann = person(subject, "1", &[phone(1), email("ann")]).await;
    assert_eq!(person(subject, "2", &[phone(1)]).await, ann);
    assert_eq!(person(subject, "3", &[email("ANN")]).await, ann);
    assert_eq!(person(subject, "4", &[email("ann"), phone(2)]).await, ann);
    assert_eq!(
        person(subject, "5", &[phone(2)]).await,
        ann,
        "the new number is theirs"
    );
    assert_ne!(person(subject, "6", &[phone(3)]).await, ann);
}

pub async fn the_number_wins_over_the_address(subject: &Subject) {
    let ann = person(subject, "1", &[phone(1)]).await;
    let bob = person(subject, "2", &[email("bob")]).await;
    assert_ne!(ann, bob);
    assert_eq!(person(subject, "3", &[email("bob"), phone(1)]).await, ann);
    assert_eq!(
        person(subject, "4", &[email("bob")]).await,
        bob,
        "the address stays theirs"
    );
}

pub async fn a_request_without_identity_is_its_own_person(subject: &Subject) {
    let first = person(subject, "1", &[]).await;
    let second = person(subject, "2", &[]).await;
    assert_ne!(first, second);
}

pub async fn asking_again_answers_the_same_person(subject: &Subject) {
    let tenant = subject.tenant("a");
    let ann = person(subject, "1", &[phone(1)]).await;
    let id = subject.request(&Lead::new(&tenant, "2")).await;
    let store = &subject.store;
    let own = store.person_for_request(&tenant, id, &[]).await.unwrap();
    assert_ne!(own, ann);
    let again = store.person_for_request(&tenant, id, &[phone(1)]).await;
    assert_eq!(again.unwrap(), own);
    assert_eq!(person(subject, "3", &[phone(1)]).await, ann);
    // A later settle keeps it.
    subject.qualify(&tenant, id, &[]).await;
    assert_eq!(subject.lead(&tenant, id).await.person, Some(own));
    let nobody = RequestId::from_uuid(Uuid::from_u128(7));
    let missing = store.person_for_request(&tenant, nobody, &[]).await;
    assert!(matches!(missing, Err(StoreError::NotFound)), "{missing:?}");
}

pub async fn later_identities_are_remembered(subject: &Subject) {
    let tenant = subject.tenant("a");
    let id = subject.request(&Lead::new(&tenant, "1")).await;
    let store = &subject.store;
    let own = store.person_for_request(&tenant, id, &[]).await.unwrap();
    let again = store
        .person_for_request(&tenant, id, &[phone(1), email("ann")])
        .await;
    assert_eq!(again.unwrap(), own);
    assert_eq!(person(subject, "2", &[email("ann")]).await, own);
}

pub async fn a_person_that_is_asked_for_at_once_is_one(subject: &Subject) {
    let tenant = subject.tenant("a");
    let mut ids = Vec::new();
    for lead in 0..10 {
        ids.push(
            subject
                .request(&Lead::new(&tenant, &lead.to_string()))
                .await,
        );
    }
    let identities = [phone(1), email("ann")];
    let asked = ids
        .iter()
        .map(|id| subject.store.person_for_request(&tenant, *id, &identities));
    let found = futures::future::join_all(asked).await;
    let found: Vec<_> = found.into_iter().map(Result::unwrap).collect();
    assert!(found.iter().all(|person| *person == found[0]), "{found:?}");
}
