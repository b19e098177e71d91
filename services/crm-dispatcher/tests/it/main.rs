//! The dispatch stage, with a real store and a simulated CRM.
#![expect(clippy::unwrap_used, reason = "tests")]

mod world;

use std::time::Duration;

use domain::{Channel, DispatchState, Outcome, ParkCause, Stage, Status};
use serde_json::json;
use simulators::Fault;
use store::{AuditAction, ConnectionState, Store as _};

use crate::world::{APP, TOKEN, World, name};

#[tokio::test]
async fn a_lead_of_every_channel_reaches_the_crm() {
    for channel in Channel::ALL {
        let world = World::start().await;
        let request = world.qualified(channel, 1).await;
        let outcome = world.dispatch(request).await;
        assert!(matches!(outcome, Outcome::Done { .. }), "{outcome:?}");

        let view = world.view(request).await;
        assert_eq!(view.request.status, Status::Completed);
        let document = &view.request.document;
        let section = &document.dispatches[&name()];
        assert_eq!(section.state, DispatchState::Done);
        assert_eq!(section.revision, document.revisions.of(Stage::Dispatch));
        assert_eq!(section.fields_hash.as_ref().map(String::len), Some(64));
        let (contact, deal) = (&world.hubspot().contacts()[0], &world.hubspot().deals()[0]);
        let ids: Vec<_> = section.remote_ids.iter().collect();
        assert_eq!(ids, [("contact", &*contact.id), ("deal", &*deal.id)]);
        assert_eq!(deal.property("deal_external_id"), request.to_string());
        assert_eq!(deal.property("lead_intake_channel"), channel.as_str());
        let person = view.request.person.unwrap().to_string();
        assert_eq!(contact.property("lead_external_id"), person);
        assert_eq!(view.attempts.len(), 1);
        assert_eq!(view.attempts[0].outcome, "done");
        assert_eq!(view.attempts[0].external_ids, section.remote_ids);
        assert_eq!(view.attempts[0].sent, None, "it is in the CRM");
    }
}

#[tokio::test]
async fn a_worker_that_dies_before_settling_leaves_no_second_record() {
    let world = World::start().await;
    let request = world.qualified(Channel::Phone, 1).await;
    let job = world.claim(request, Stage::Dispatch).await;
    world.handler.handle(&job).await.unwrap();
    drop(job);

    let outcome = world.dispatch(request).await;
    assert!(matches!(outcome, Outcome::Done { .. }));
    assert_eq!(world.records(), (1, 1));
}

#[tokio::test]
async fn a_call_and_a_booking_of_one_person_share_a_contact() {
    let world = World::start().await;
    for channel in [Channel::Phone, Channel::Calendar] {
        let request = world.qualified(channel, 1).await;
        world.dispatch(request).await;
    }
    assert_eq!(world.records(), (1, 2));
    assert_eq!(world.hubspot().associations().len(), 2);
}

#[tokio::test]
async fn a_later_label_reaches_the_same_deal() {
    let world = World::start().await;
    let request = world.qualified(Channel::Form, 1).await;
    world.dispatch(request).await;
    world
        .deliver(Channel::Form, 1, |news| {
            news.delivery_id = Some("later".to_owned());
            news.is_modified = true;
            news.facts.labels.tags = Some(vec!["hot".to_owned()]);
        })
        .await;
    let outcome = world.dispatch(request).await;
    assert!(matches!(outcome, Outcome::Done { .. }));

    let deals = world.hubspot().deals();
    assert_eq!(deals.len(), 1);
    assert_eq!(deals[0].property("lead_intake_tags"), "hot");
    let view = world.view(request).await;
    assert_eq!(view.attempts.len(), 2);
    assert_eq!(view.request.status, Status::Completed);
}

#[tokio::test]
async fn a_refused_credential_holds_the_request_until_it_is_replaced() {
    let world = World::start().await;
    let request = world.qualified(Channel::Phone, 1).await;
    world.hubspot().always(Fault::RevokedToken);
    let Outcome::Hold {
        connection,
        version,
        ..
    } = world.dispatch(request).await
    else {
        panic!("not held")
    };
    assert_eq!((connection, version), (name(), 1));
    assert_eq!(world.view(request).await.request.status, Status::Held);
    assert_eq!(world.attempts(request).await, ["unauthorized"]);

    world.hubspot().clear_faults();
    world.replace_secret(TOKEN).await;
    let outcome = world.dispatch(request).await;
    assert!(matches!(outcome, Outcome::Done { .. }));
    assert_eq!(world.records(), (1, 1));
}

#[tokio::test]
async fn a_push_that_is_done_marks_a_refused_connection_as_working() {
    let world = World::start().await;
    let held = world.qualified(Channel::Phone, 1).await;
    world.hubspot().always(Fault::RevokedToken);
    let outcome = world.dispatch(held).await;
    assert!(matches!(outcome, Outcome::Hold { .. }), "{outcome:?}");
    assert_eq!(world.connection().await.state, ConnectionState::Refused);

    // The provider was wrong for a while: nobody entered another secret.
    world.hubspot().clear_faults();
    let next = world.qualified(Channel::Form, 2).await;
    let outcome = world.dispatch(next).await;
    assert!(matches!(outcome, Outcome::Done { .. }), "{outcome:?}");
    assert_eq!(world.connection().await.state, ConnectionState::Active);
    let outcome = world.dispatch(held).await;
    assert!(matches!(outcome, Outcome::Done { .. }), "it was released");
}

#[tokio::test]
async fn a_refused_access_token_is_refreshed_once() {
    let world = World::without_connection().await;
    world.connect("hubspot", APP).await;
    let request = world.qualified(Channel::Form, 1).await;
    world
        .hubspot()
        .answer_next_to("batch/upsert", Fault::RevokedToken, 1);
    let outcome = world.dispatch(request).await;
    assert!(matches!(outcome, Outcome::Done { .. }), "{outcome:?}");
    assert_eq!(world.attempts(request).await, ["unauthorized", "done"]);

    let request = world.qualified(Channel::Form, 2).await;
    world.hubspot().always_to("crm/", Fault::RevokedToken);
    world.hubspot().forget_requests();
    let outcome = world.dispatch(request).await;
    assert!(matches!(outcome, Outcome::Hold { .. }), "{outcome:?}");
    let requests = world.hubspot().requests();
    let refreshes = requests.iter().filter(|it| it.path.contains("/oauth/"));
    assert_eq!(refreshes.count(), 1);
}

#[tokio::test]
async fn a_connection_whose_secret_is_gone_holds_the_request() {
    let world = World::start().await;
    let request = world.qualified(Channel::Phone, 1).await;
    let act = AuditAction::new("test", "secret.set", "");
    let replaced = world
        .store
        .replace_secret(&world.tenant, &name(), 99, None, &act)
        .await;
    replaced.unwrap();
    let Outcome::Hold {
        version, reason, ..
    } = world.dispatch(request).await
    else {
        panic!("not held")
    };
    assert_eq!(version, 2);
    assert!(reason.contains("enter it again"), "{reason}");
    assert!(world.hubspot().requests().is_empty());
}

#[tokio::test]
async fn a_missing_or_wrong_connection_asks_a_person() {
    for (provider, words) in [
        (None, "there is no connection `hubspot`"),
        (Some("callrail"), "belongs to callrail"),
    ] {
        let world = World::without_connection().await;
        if let Some(provider) = provider {
            world.connect(provider, TOKEN).await;
        }
        let request = world.qualified(Channel::Phone, 1).await;
        let Outcome::Park { cause, reason, .. } = world.dispatch(request).await else {
            panic!("not parked")
        };
        assert_eq!(cause, ParkCause::Permanent);
        assert!(reason.contains(words), "{reason}");
        let view = world.view(request).await;
        let section = &view.request.document.dispatches[&name()];
        assert_eq!(section.state, DispatchState::Parked);
    }
}

#[tokio::test]
async fn a_refused_lead_is_parked_with_the_crms_words() {
    let world = World::start().await;
    let request = world.qualified(Channel::Phone, 1).await;
    world.hubspot().always(Fault::MissingField {
        property: "closedate".to_owned(),
    });
    let Outcome::Park { reason, answer, .. } = world.dispatch(request).await else {
        panic!("not parked")
    };
    assert!(reason.contains("`closedate`"), "{reason}");
    assert!(answer.unwrap().contains("was not set"));
    let attempt = &world.view(request).await.attempts[0];
    assert_eq!(attempt.outcome, "required");
    assert!(attempt.answer.as_ref().unwrap().contains("closedate"));
    assert_eq!(attempt.status, Some(400));
    assert!(attempt.sent.as_ref().unwrap().starts_with('{'));
}

#[tokio::test]
async fn a_requested_pause_is_kept_and_every_try_recorded() {
    let world = World::start().await;
    let request = world.qualified(Channel::Phone, 1).await;
    world.hubspot().answer_next(Fault::Answer {
        status: 429,
        retry_after_seconds: Some(90),
        body: None,
    });
    let Outcome::Retry { after, .. } = world.dispatch(request).await else {
        panic!("not tried again")
    };
    assert_eq!(after, Some(Duration::from_secs(90)));
    world.hubspot().answer_next(Fault::Status(500));
    let outcome = world.dispatch(request).await;
    assert!(matches!(outcome, Outcome::Retry { after: None, .. }));
    let outcome = world.dispatch(request).await;
    assert!(matches!(outcome, Outcome::Done { .. }));
    let outcomes = world.attempts(request).await;
    assert_eq!(outcomes, ["throttled", "unavailable", "done"]);
}

#[tokio::test]
async fn the_mapping_that_holds_at_the_push_is_used_and_on_record() {
    let world = World::start().await;
    world.hubspot().add_property("contacts", "their_town", &[]);
    world
        .hubspot()
        .add_property("deals", "kind", &["Kitchen", "Other"]);
    let map = |otherwise: &str| {
        json!({ "fields": {
            "contacts": { "their_town": { "from": "property.city", "then": ["upper"] } },
            "deals": { "kind": {
                "from": "project.type",
                "then": [{ "map": { "values": { "kitchen": otherwise } } }],
            } },
        } })
    };
    let first = world.qualified(Channel::Phone, 1).await;
    let outcome = world.dispatch(first).await;
    assert!(matches!(outcome, Outcome::Done { .. }), "{outcome:?}");
    assert_eq!(world.view(first).await.attempts[0].mapping_version, 0);

    world.save_mapping(map("Sunroom")).await;
    let second = world.qualified(Channel::Phone, 2).await;
    let Outcome::Park { reason, answer, .. } = world.dispatch(second).await else {
        panic!("not parked")
    };
    assert!(
        reason.contains("`kind`") && reason.contains("mapping"),
        "{reason}"
    );
    assert!(answer.unwrap().contains("allowed options"));
    let attempt = &world.view(second).await.attempts[0];
    assert_eq!(
        (attempt.outcome.as_str(), attempt.mapping_version),
        ("schema", 1)
    );

    world.save_mapping(map("Kitchen")).await;
    world.redrive(second).await;
    let outcome = world.dispatch(second).await;
    assert!(matches!(outcome, Outcome::Done { .. }), "{outcome:?}");
    let attempts = world.view(second).await.attempts;
    assert_eq!(attempts[1].mapping_version, 2);
    let contact = &world.hubspot().contacts()[0];
    assert_eq!(contact.property("their_town"), "ROUND ROCK");
    assert_eq!(world.hubspot().deals()[1].property("kind"), "Kitchen");
    assert_eq!(
        world.records(),
        (1, 2),
        "one person, two requests, nothing doubled"
    );
}
