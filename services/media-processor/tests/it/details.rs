//! The stage `details`.

use std::collections::BTreeMap;

use domain::{
    Channel, DetailsAnswer, DetailsSection, NoDetails, Outcome, RequestId, Stage, Status, WorkState,
};
use serde_json::json;
use simulators::Fault;
use testkit::lead;

use crate::{
    trial,
    world::{CALL, CALLRAIL, World, callrail_key},
};

async fn section(world: &World, request: RequestId) -> DetailsSection {
    world.request(request).await.document.details.unwrap()
}

async fn absent(world: &World, request: RequestId) -> NoDetails {
    match section(world, request).await.answer {
        DetailsAnswer::Absent(reason) => reason,
        DetailsAnswer::Known(facts) => panic!("{facts:?}"),
    }
}

fn settings(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
    pairs.iter().map(owned).collect()
}

#[tokio::test]
async fn the_api_adds_facts_and_other_names() {
    let world = World::start().await;
    world.register(json!({ "numeric_id": 902_134_477, "zip_code": "78664" }));
    let request = world.call().await;
    let Outcome::Done { aliases, .. } = world.step(request).await.outcome else {
        panic!("not done")
    };
    let ids = aliases.iter().filter(|alias| alias.kind == "call");
    assert_eq!(ids.count(), 1);
    let section = section(&world, request).await;
    let facts = section.facts().unwrap();
    assert_eq!(facts.person.postal_code.as_deref(), Some("78664"));
    assert_eq!(facts.external_id.as_deref(), Some(CALL));
    assert!(!section.is_newer);
    assert_eq!(world.open(request).await.key.stage, Stage::Recording);
    let asked = world.asked_callrail();
    assert_eq!(asked.len(), 1, "not for the recording: {asked:?}");
}

#[tokio::test]
async fn a_call_named_by_its_number_gets_both_names() {
    let world = World::start().await;
    world.register(json!({ "numeric_id": 902_134_477 }));
    let request = world
        .deliver(json!({ "id": 902_134_477, "answered": true }))
        .await;
    world.step(request).await;
    let later = world
        .deliver(json!({ "resource_id": CALL, "changes": ["note"], "note": "call back" }))
        .await;
    assert_eq!(later, request, "the other name leads to the same request");
}

#[tokio::test]
async fn a_lead_the_provider_does_not_know_goes_on() {
    let world = World::start().await;
    world.register(json!({ "missing": true }));
    let request = world.call().await;
    assert_eq!(world.waits(request).await, [30, 60, 120]);
    assert_eq!(absent(&world, request).await, NoDetails::Unknown);
    let facts = world.request(request).await.document.facts();
    let call = facts.about.call().unwrap();
    assert_eq!(call.duration_seconds, Some(41), "the delivery's facts stay");
}

#[tokio::test]
async fn a_new_lead_that_shows_late_is_found() {
    let world = World::start().await;
    world.register(json!({ "missing": true }));
    let request = world.call().await;
    let Outcome::Wait { reason, .. } = world.step(request).await.outcome else {
        panic!("not waiting")
    };
    assert_eq!(reason, "CallRail does not know the lead yet");
    world.register(json!({ "missing": false }));
    world.step(request).await;
    assert!(section(&world, request).await.facts().is_some());
}

#[tokio::test]
async fn a_tenant_without_an_account_goes_on() {
    let mut world = World::start().await;
    world.tenant = "tenant_b".parse().unwrap();
    let request = world.call().await;
    world.step(request).await;
    assert_eq!(absent(&world, request).await, NoDetails::NotConnected);
    assert_eq!(world.asked_callrail(), [""; 0]);
}

#[tokio::test]
async fn a_refused_key_holds_the_lead_until_there_is_another() {
    let world = World::start().await;
    let settings = settings(&[("account_id", "ACC1")]);
    world.connect(CALLRAIL, "revoked", settings.clone()).await;
    let request = world.call().await;
    let outcome = world.step(request).await.outcome;
    assert!(
        matches!(&outcome, Outcome::Hold { connection, .. } if connection.as_str() == CALLRAIL),
        "{outcome:?}"
    );
    assert_eq!(world.status(request).await, Status::Held);

    world.connect(CALLRAIL, &callrail_key(), settings).await;
    world.step(request).await;
    assert!(section(&world, request).await.facts().is_some());
}

#[tokio::test]
async fn a_lead_of_another_company_is_parked() {
    let world = World::start().await;
    world.register(json!({ "company_id": "COMother", "note": "s3cret" }));
    let request = world.call().await;
    let outcome = world.step(request).await.outcome;
    assert!(matches!(outcome, Outcome::Park { .. }), "{outcome:?}");
    let row = world.open(request).await;
    assert!(matches!(row.state, WorkState::Parked { .. }));
    let document = world.request(request).await.document;
    assert_eq!(document.details, None, "nothing of it is stored");
}

#[tokio::test]
async fn an_agency_names_its_companies_with_the_connection() {
    let world = World::start().await;
    world.register(json!({ "company_id": "COMother" }));
    let settings = settings(&[("account_id", "ACC1"), ("company_ids", "COMone, COMother")]);
    world.connect(CALLRAIL, &callrail_key(), settings).await;
    let request = world.call().await;
    world.step(request).await;
    assert!(section(&world, request).await.facts().is_some());
}

#[tokio::test]
async fn an_account_that_is_not_named_needs_a_person() {
    let world = World::start().await;
    world
        .connect(CALLRAIL, &callrail_key(), BTreeMap::new())
        .await;
    let request = world.call().await;
    let Outcome::Park { reason, .. } = world.step(request).await.outcome else {
        panic!("not parked")
    };
    assert!(reason.contains("account_id"), "{reason}");
}

#[tokio::test]
async fn an_outage_is_waited_out() {
    for fault in [Fault::Status(503), Fault::RateLimit, Fault::Malformed] {
        let world = World::start().await;
        let request = world.call().await;
        world.simulators.callrail().answer_next(fault.clone());
        let outcome = world.step(request).await.outcome;
        assert!(
            matches!(outcome, Outcome::Retry { .. }),
            "{fault:?}: {outcome:?}"
        );
        world.step(request).await;
        assert!(section(&world, request).await.facts().is_some());
    }
}

#[tokio::test]
async fn an_outage_that_lasts_lets_the_lead_go_on() {
    let world = World::start().await;
    world.simulators.callrail().always(Fault::Status(503));
    let request = world.call().await;
    let tries = world.tries(request).await;
    assert_eq!(
        tries,
        1 + 4 + 3,
        "the first, the fast lane, three of the slow lane"
    );
    assert_eq!(absent(&world, request).await, NoDetails::Unavailable);
}

/// A call whose first delivery came again after another: it may say how things are now, so the API is asked again.
async fn asked_again(world: &World) -> RequestId {
    let request = world.known_call().await;
    world.step(request).await;
    world
        .deliver(json!({ "resource_id": CALL, "changes": ["note"], "note": "call back" }))
        .await;
    assert_eq!(world.call().await, request);
    world.asked_callrail();
    request
}

#[tokio::test]
async fn labels_of_a_later_answer_outrank_the_deliveries() {
    let world = World::start().await;
    let request = asked_again(&world).await;
    world.register(json!({ "note": "called back" }));
    world.step(request).await;
    let section = section(&world, request).await;
    assert!(section.is_newer);
    assert_eq!(section.revision, 1);
    assert_eq!(world.asked_callrail().len(), 1, "not for the recording");
    let facts = world.request(request).await.document.facts();
    assert_eq!(facts.labels.note.as_deref(), Some("called back"));
}

#[tokio::test]
async fn a_repeat_without_an_answer_keeps_what_is_known() {
    let world = World::start().await;
    let request = asked_again(&world).await;
    let known = section(&world, request).await;
    world.register(json!({ "missing": true }));
    world.waits(request).await;
    let section = section(&world, request).await;
    assert_eq!((section.revision, section.is_newer), (1, false));
    assert_eq!(section.answer, known.answer);
}

/// A world that is connected to the trial source.
async fn connected(secret: &str) -> World {
    let world = World::start().await;
    world.connect(lead::PROVIDER, secret, BTreeMap::new()).await;
    world
}

#[tokio::test]
async fn every_channel_with_an_api_is_asked_about() {
    for (channel, next) in [
        (Channel::Calendar, Stage::Booking),
        (Channel::Chat, Stage::Analysis),
    ] {
        let world = connected(trial::SECRET).await;
        let request = world.deliver_news(lead::news(channel)).await;
        world.step(request).await;
        let facts = section(&world, request).await.facts().cloned();
        assert_eq!(facts, Some(lead::facts(channel)), "{channel}");
        assert_eq!(world.open(request).await.key.stage, next);

        let mut unknown = lead::news(channel);
        unknown.facts.external_id = Some(trial::MISSING.to_owned());
        let world = connected(trial::SECRET).await;
        let request = world.deliver_news(unknown).await;
        assert_eq!(world.waits(request).await, [30, 60, 120], "{channel}");
        assert_eq!(absent(&world, request).await, NoDetails::Unknown);

        let world = World::start().await;
        let request = world.deliver_news(lead::news(channel)).await;
        world.step(request).await;
        assert_eq!(absent(&world, request).await, NoDetails::NotConnected);
        assert_eq!(world.open(request).await.key.stage, next);
    }
}

#[tokio::test]
async fn a_lead_without_an_id_is_not_asked_about() {
    let world = connected("a secret that would be refused").await;
    let mut nameless = lead::news(Channel::Calendar);
    nameless.facts.external_id = None;
    let request = world.deliver_news(nameless).await;
    world.step(request).await;
    assert_eq!(absent(&world, request).await, NoDetails::Unknown);
}

#[tokio::test]
async fn a_source_is_opened_by_its_own_connection() {
    let booking = || lead::news(Channel::Calendar);
    let world = World::start().await;
    let name = "bookings-eu";
    world.put_source(lead::PROVIDER, Some(name)).await;
    world
        .connect_as(name, lead::PROVIDER, trial::SECRET, BTreeMap::new())
        .await;
    let request = world.deliver_news(booking()).await;
    world.step(request).await;
    assert!(section(&world, request).await.facts().is_some());

    let world = World::start().await;
    world.put_source(lead::PROVIDER, Some(CALLRAIL)).await;
    let request = world.deliver_news(booking()).await;
    let outcome = world.step(request).await.outcome;
    assert!(
        matches!(outcome, Outcome::Park { .. }),
        "another provider's: {outcome:?}"
    );
}
