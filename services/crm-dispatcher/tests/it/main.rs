//! The dispatch stage, with a real store and a simulated HubSpot.
#![expect(clippy::unwrap_used, reason = "tests")]

mod world;

use std::time::Duration;

use domain::{DispatchState, Outcome, ParkCause, Stage, Status};
use simulators::Fault;
use store::Store as _;

use crate::world::{TOKEN, World, name};

#[tokio::test]
async fn a_qualified_request_reaches_the_crm_and_knows_what_it_is_called_there() {
    let world = World::start().await;
    let request = world.qualified("1").await;
    assert!(matches!(
        world.dispatch(request).await,
        Outcome::Done { .. }
    ));

    let view = world.view(request).await;
    assert_eq!(view.request.status, Status::Completed);
    let section = &view.request.document.dispatches[&name()];
    let deals = world.hubspot().deals();
    assert_eq!(deals.len(), 1);
    assert_eq!(
        (section.state, section.deal_id.as_deref()),
        (DispatchState::Done, Some(deals[0].id.as_str()))
    );
    assert_eq!(
        section.contact_id.as_deref(),
        Some(world.hubspot().contacts()[0].id.as_str())
    );
    assert_eq!(section.revision, view.request.document.revisions.dispatch);
    assert_eq!(section.fields_hash.as_ref().map(String::len), Some(64));
    assert_eq!(deals[0].property("deal_external_id"), request.to_string());
    let attempts: Vec<_> = view
        .attempts
        .iter()
        .map(|attempt| (attempt.outcome.as_str(), &attempt.external_ids))
        .collect();
    assert_eq!(attempts.len(), 1);
    assert_eq!(
        (attempts[0].0, &attempts[0].1["deal"]),
        ("done", &deals[0].id)
    );
    let person = world.view(request).await.request.person.unwrap();
    assert_eq!(
        world.hubspot().contacts()[0].property("lead_external_id"),
        person.to_string()
    );
}

#[tokio::test]
async fn a_worker_that_dies_before_it_settles_leaves_no_second_record() {
    let world = World::start().await;
    let request = world.qualified("1").await;
    let job = world.claim(request, Stage::Dispatch).await;
    world.handler.handle(&job).await.unwrap();
    drop(job);

    assert!(matches!(
        world.dispatch(request).await,
        Outcome::Done { .. }
    ));
    assert_eq!(
        (
            world.hubspot().contacts().len(),
            world.hubspot().deals().len()
        ),
        (1, 1)
    );
}

#[tokio::test]
async fn two_requests_of_one_person_share_a_contact() {
    let world = World::start().await;
    for call in ["1", "2"] {
        let request = world.qualified(call).await;
        world.dispatch(request).await;
    }
    assert_eq!(
        (
            world.hubspot().contacts().len(),
            world.hubspot().deals().len()
        ),
        (1, 2)
    );
    assert_eq!(world.hubspot().associations().len(), 2);
}

#[tokio::test]
async fn a_later_label_reaches_the_same_deal() {
    let world = World::start().await;
    let request = world.qualified("1").await;
    world.dispatch(request).await;
    world
        .deliver("1", "modified", |call| {
            call.tags = Some(vec!["hot".to_owned()]);
        })
        .await;
    assert!(matches!(
        world.dispatch(request).await,
        Outcome::Done { .. }
    ));

    let deals = world.hubspot().deals();
    assert_eq!(
        (deals.len(), deals[0].property("lead_intake_tags")),
        (1, "hot")
    );
    let view = world.view(request).await;
    assert_eq!(view.attempts.len(), 2);
    assert_eq!(view.request.status, Status::Completed);
}

#[tokio::test]
async fn a_refused_credential_holds_the_request_until_it_is_replaced() {
    let world = World::start().await;
    let request = world.qualified("1").await;
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
    let view = world.view(request).await;
    assert_eq!(view.request.status, Status::Held);
    assert_eq!(view.attempts[0].outcome, "unauthorized");

    world.hubspot().clear_faults();
    let secret = world.put_secret(TOKEN).await;
    world
        .store
        .replace_secret(
            &world.tenant,
            &name(),
            secret,
            None,
            &store::Act::new("test", "secret.set", ""),
        )
        .await
        .unwrap();
    assert!(matches!(
        world.dispatch(request).await,
        Outcome::Done { .. }
    ));
    assert_eq!(world.hubspot().deals().len(), 1);
}

#[tokio::test]
async fn a_connection_whose_secret_is_gone_holds_the_request() {
    let world = World::start().await;
    let request = world.qualified("1").await;
    world
        .store
        .replace_secret(
            &world.tenant,
            &name(),
            99,
            None,
            &store::Act::new("test", "secret.set", ""),
        )
        .await
        .unwrap();
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
        (Some("callrail"), "is one to callrail"),
    ] {
        let world = World::without_connection().await;
        if let Some(provider) = provider {
            world.connect(provider).await;
        }
        let request = world.qualified("1").await;
        let Outcome::Park { cause, reason, .. } = world.dispatch(request).await else {
            panic!("not parked")
        };
        assert_eq!(cause, ParkCause::Permanent);
        assert!(reason.contains(words), "{reason}");
        let view = world.view(request).await;
        assert_eq!(
            view.request.document.dispatches[&name()].state,
            DispatchState::Parked
        );
    }
}

#[tokio::test]
async fn what_the_crm_refuses_is_parked_with_its_words() {
    let world = World::start().await;
    let request = world.qualified("1").await;
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
}

#[tokio::test]
async fn a_crm_that_asks_for_a_pause_gets_it_and_every_try_is_recorded() {
    let world = World::start().await;
    let request = world.qualified("1").await;
    let fault = Fault::Answer {
        status: 429,
        retry_after_seconds: Some(90),
        body: None,
    };
    world.hubspot().answer_next(fault);
    let Outcome::Retry { after, .. } = world.dispatch(request).await else {
        panic!("not tried again")
    };
    assert_eq!(after, Some(Duration::from_secs(90)));
    world.hubspot().answer_next(Fault::Status(500));
    assert!(matches!(
        world.dispatch(request).await,
        Outcome::Retry { after: None, .. }
    ));
    assert!(matches!(
        world.dispatch(request).await,
        Outcome::Done { .. }
    ));

    let outcomes: Vec<_> = world
        .view(request)
        .await
        .attempts
        .into_iter()
        .map(|attempt| attempt.outcome)
        .collect();
    assert_eq!(outcomes, ["throttled", "unavailable", "done"]);
}
