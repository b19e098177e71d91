//! People.

use domain::{E164, EmailAddress, LinkReason, PersonId, StoreError};

use super::*;
use crate::{Identified, PersonIdentity};

const WEEK: Duration = Duration::from_secs(7 * 24 * 60 * 60);

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
        .person_for_request(&tenant, id, identities, WEEK)
        .await;
    let found = found.unwrap().person;
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
    let own = store.person_for_request(&tenant, id, &[], WEEK).await;
    let own = own.unwrap().person;
    assert_ne!(own, ann);
    let again = store
        .person_for_request(&tenant, id, &[phone(1)], WEEK)
        .await;
    assert_eq!(again.unwrap().person, own);
    assert_eq!(person(subject, "3", &[phone(1)]).await, ann);
    // A later settle keeps it.
    subject.qualify(&tenant, id, &[]).await;
    assert_eq!(subject.lead(&tenant, id).await.person, Some(own));
    let nobody = RequestId::from_uuid(Uuid::from_u128(7));
    let missing = store.person_for_request(&tenant, nobody, &[], WEEK).await;
    assert!(matches!(missing, Err(StoreError::NotFound)), "{missing:?}");
}

pub async fn later_identities_are_remembered(subject: &Subject) {
    let tenant = subject.tenant("a");
    let id = subject.request(&Lead::new(&tenant, "1")).await;
    let store = &subject.store;
    let own = store.person_for_request(&tenant, id, &[], WEEK).await;
    let own = own.unwrap().person;
    let again = store
        .person_for_request(&tenant, id, &[phone(1), email("ann")], WEEK)
        .await;
    assert_eq!(again.unwrap().person, own);
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
    let asked = ids.iter().map(|id| {
        subject
            .store
            .person_for_request(&tenant, *id, &identities, WEEK)
    });
    let found = futures::future::join_all(asked).await;
    let found: Vec<_> = found
        .into_iter()
        .map(|found| found.unwrap().person)
        .collect();
    assert!(found.iter().all(|person| *person == found[0]), "{found:?}");
}

/// A lead of somebody with this name, who is known by this.
fn lead_of(subject: &Subject, lead: &str, name: &str, identities: &[PersonIdentity]) -> Lead {
    let mut lead = Lead::new(&subject.tenant("a"), lead);
    let person = &mut lead.facts.person;
    person.name = Some(name.to_owned());
    for identity in identities {
        match identity {
            PersonIdentity::Phone(phone) => person.phone = Some(phone.as_str().to_owned()),
            PersonIdentity::Email(email) => person.email = Some(email.as_str().to_owned()),
        }
    }
    lead
}

/// The same, as a request whose identities are learned; what links it then has.
async fn linked(
    subject: &Subject,
    lead: &str,
    name: &str,
    identities: &[PersonIdentity],
) -> (RequestId, Identified) {
    let tenant = subject.tenant("a");
    let id = subject
        .request(&lead_of(subject, lead, name, identities))
        .await;
    let found = subject
        .store
        .person_for_request(&tenant, id, identities, WEEK)
        .await;
    (id, found.unwrap())
}

/// The requests that a request is linked to, each with the reason.
async fn links(subject: &Subject, id: RequestId) -> Vec<(RequestId, LinkReason)> {
    let lead = subject.lead(&subject.tenant("a"), id).await;
    let active = lead.document.links.iter().filter(|link| link.is_active());
    active.map(|link| (link.request, link.reason)).collect()
}

pub async fn requests_of_one_person_are_linked_on_both_sides(subject: &Subject) {
    let (first, alone) = linked(subject, "1", "Ann Lee", &[phone(1), email("ann")]).await;
    assert!(alone.links.is_empty());
    subject.wait(SECOND).await;
    let (second, found) = linked(subject, "2", "Ms. Ann Lee", &[phone(1)]).await;
    assert_eq!(links(subject, second).await, [(first, LinkReason::Phone)]);
    assert_eq!(links(subject, first).await, [(second, LinkReason::Phone)]);
    let lead = subject.lead(&subject.tenant("a"), second).await;
    assert_eq!(found.links, lead.document.links);
    assert_eq!(lead.person, Some(found.person));
    let link = &lead.document.links[0];
    assert_eq!(
        (link.channel.as_str(), link.by.as_str()),
        ("api", "pipeline")
    );
    // What is learned again makes nothing new.
    let versions = async || {
        let tenant = subject.tenant("a");
        let (first, second) = (
            subject.lead(&tenant, first).await,
            subject.lead(&tenant, second).await,
        );
        (first.version, second.version)
    };
    let before = versions().await;
    let tenant = subject.tenant("a");
    let learn = async |identities: &[PersonIdentity]| {
        let store = &subject.store;
        let found = store
            .person_for_request(&tenant, second, identities, WEEK)
            .await;
        found.unwrap()
    };
    assert_eq!(learn(&[phone(1)]).await, found);
    assert_eq!(versions().await, before);
    // An address that is learned later is one more thing in common.
    learn(&[phone(1), email("ann")]).await;
    let both = [(first, LinkReason::Phone), (first, LinkReason::Email)];
    assert_eq!(links(subject, second).await, both);
}

pub async fn a_number_that_was_corrected_links_no_longer(subject: &Subject) {
    let tenant = subject.tenant("a");
    let (before, now) = (phone(171), phone(172));
    let lead = lead_of(subject, "1", "Ann Lee", &[before.clone(), email("ann")]);
    let learn = async |id, identities: &[PersonIdentity]| {
        let found = subject
            .store
            .person_for_request(&tenant, id, identities, WEEK)
            .await;
        found.unwrap()
    };
    let first = subject.request(&lead).await;
    learn(first, &[before.clone(), email("ann")]).await;
    let (second, _) = linked(subject, "2", "Ann Lee", &[before.clone(), email("ann")]).await;
    let both = [(first, LinkReason::Phone), (first, LinkReason::Email)];
    assert_eq!(links(subject, second).await, both);
    let found = learn(second, &[now.clone(), email("ann")]).await;
    assert_eq!(found.links.len(), 1, "{found:?}");
    assert_eq!(links(subject, second).await, [(first, LinkReason::Email)]);
    assert_eq!(links(subject, first).await, [(second, LinkReason::Email)]);
    // Whoever still has the number does not find it there again.
    learn(first, &[before, email("ann")]).await;
    assert_eq!(links(subject, first).await, [(second, LinkReason::Email)]);
    learn(second, &[now]).await;
    assert_eq!(links(subject, second).await, []);
    assert_eq!(links(subject, first).await, []);
}

pub async fn a_number_that_somebody_gave_by_mistake_is_not_theirs(subject: &Subject) {
    let tenant = subject.tenant("a");
    let (first, _) = linked(subject, "1", "Ann Lee", &[phone(1)]).await;
    // She corrects it, and was linked to nobody until then.
    let corrected = lead_of(subject, "1", "Ann Lee", &[phone(2)]).body("corrected");
    let again = subject.accept(&corrected).await;
    assert_eq!(again.request(), Some(first));
    // Whose it is comes before she is asked for again, and after.
    let (second, found) = linked(subject, "2", "Ann Lee", &[phone(1)]).await;
    assert_eq!(found.links, []);
    subject
        .store
        .person_for_request(&tenant, first, &[phone(2)], WEEK)
        .await
        .unwrap();
    let (third, found) = linked(subject, "3", "Ann Lee", &[phone(1)]).await;
    assert_eq!(found.links.len(), 1, "{found:?}");
    assert_eq!(links(subject, third).await, [(second, LinkReason::Phone)]);
    assert_eq!(links(subject, first).await, []);
}

pub async fn a_request_outside_the_window_is_not_linked(subject: &Subject) {
    let (first, _) = linked(subject, "1", "Ann", &[phone(1)]).await;
    let tenant = subject.tenant("a");
    let late = subject.request(&Lead::new(&tenant, "2")).await;
    let store = &subject.store;
    let within = async |window| {
        let found = store
            .person_for_request(&tenant, late, &[phone(1)], window)
            .await;
        found.unwrap().links.len()
    };
    assert_eq!(within(Duration::ZERO).await, 0, "no window links nobody");
    assert_eq!(within(WEEK).await, 1);
    assert_eq!(links(subject, first).await, [(late, LinkReason::Phone)]);
}

pub async fn what_several_people_share_links_nobody(subject: &Subject) {
    let office = email("info");
    let toll_free = PersonIdentity::Phone(E164::parse("+18005550142").unwrap());
    for (number, identity) in [office, toll_free].into_iter().enumerate() {
        let (first, _) = linked(
            subject,
            &format!("a{number}"),
            "Ann Lee",
            std::slice::from_ref(&identity),
        )
        .await;
        let (second, _) = linked(subject, &format!("b{number}"), "Ann Lee", &[identity]).await;
        assert_eq!(links(subject, first).await, []);
        assert_eq!(links(subject, second).await, []);
    }
    // An address that stands in for one is nobody's.
    let none = PersonIdentity::Email(EmailAddress::parse("none@none.com").unwrap());
    for lead in ["c1", "c2"] {
        let (request, _) = linked(subject, lead, "Ann Lee", std::slice::from_ref(&none)).await;
        assert_eq!(links(subject, request).await, []);
    }
    // Two desks behind one number are two people's, whether or not they say their names.
    for desk in ["1", "2"] {
        let tenant = subject.tenant("a");
        let mut lead = Lead::new(&tenant, &format!("desk {desk}"));
        lead.facts.person.phone = Some(format!("(512) 555-1011 x{desk}"));
        let request = subject.request(&lead).await;
        let known_by = [phone(1011)];
        let found = subject
            .store
            .person_for_request(&tenant, request, &known_by, WEEK);
        found.await.unwrap();
        assert_eq!(links(subject, request).await, []);
    }
    // Two of one name are linked until another name has the number, too.
    let (ann, _) = linked(subject, "1", "Ann Lee", &[phone(1)]).await;
    let (again, _) = linked(subject, "2", "Ann Lee", &[phone(1)]).await;
    assert_eq!(links(subject, ann).await, [(again, LinkReason::Phone)]);
    let (bob, found) = linked(subject, "3", "Bob Ray", &[phone(1)]).await;
    assert!(found.links.is_empty());
    for id in [ann, again, bob] {
        assert_eq!(links(subject, id).await, []);
    }
}

pub async fn what_was_taken_apart_stays_apart(subject: &Subject) {
    let (tenant, store) = (subject.tenant("a"), &subject.store);
    let mut ids = Vec::new();
    for lead in ["1", "2"] {
        let lead = lead_of(subject, lead, "Ann Lee", &[phone(1), email("ann")]);
        let id = subject.request(&lead).await;
        let known_by = [phone(1)];
        let found = store.person_for_request(&tenant, id, &known_by, WEEK);
        found.await.unwrap();
        ids.push(id);
    }
    let (first, second) = (ids[0], ids[1]);
    assert_eq!(links(subject, first).await, [(second, LinkReason::Phone)]);
    let act = AuditAction::new("eve", "request.unlink", &first);
    store.unlink(&tenant, first, second, &act).await.unwrap();
    for id in [first, second] {
        assert_eq!(links(subject, id).await, []);
        store
            .person_for_request(&tenant, id, &[phone(1)], WEEK)
            .await
            .unwrap();
        assert_eq!(links(subject, id).await, [], "a person said so");
    }
    let again = store.unlink(&tenant, second, first, &act).await;
    assert!(matches!(again, Err(StoreError::Conflict(_))), "{again:?}");
    let nobody = RequestId::from_uuid(Uuid::from_u128(7));
    let missing = store.unlink(&tenant, first, nobody, &act).await;
    assert!(matches!(missing, Err(StoreError::NotFound)), "{missing:?}");
    let log = store
        .audit_log(&tenant, &AuditQuery::newest(10))
        .await
        .unwrap()
        .items;
    let acts = log.iter().filter(|entry| entry.action == "request.unlink");
    assert_eq!(acts.count(), 1);
    // Nor does another thing that they have in common link them.
    store
        .person_for_request(&tenant, first, &[email("ann")], WEEK)
        .await
        .unwrap();
    store
        .person_for_request(&tenant, second, &[email("ann")], WEEK)
        .await
        .unwrap();
    assert_eq!(links(subject, first).await, []);
}
