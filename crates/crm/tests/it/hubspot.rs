//! What is HubSpot's own.

use std::time::Duration;

use crm::{
    PushError, Pushed,
    contract::{Bench as _, first_push, known, push},
};
use domain::{Brief, Channel, Classify, Disposition, Document, Facts};
use http_client::Method;
use serde_json::json;
use simulators::{
    Fault,
    hubspot::{Config, Conflict},
};
use testkit::RefusingPort;

use crate::world::{World, brief, call};

fn contact(pushed: &Pushed) -> &str {
    pushed.remote_ids.get("contact").unwrap()
}

fn deal(pushed: &Pushed) -> &str {
    pushed.remote_ids.get("deal").unwrap()
}

fn answer(status: u16, body: serde_json::Value) -> Fault {
    Fault::Answer {
        status,
        retry_after_seconds: None,
        body: Some(body),
    }
}

fn without_email(document: &mut Document) {
    document.source.said.person.email = None;
}

/// What a salesperson does in HubSpot's window.
async fn by_hand(world: &World, method: Method, path: &str, body: &serde_json::Value) {
    let options = http_client::Options {
        allow_loopback: true,
        ..Default::default()
    };
    let client = http_client::Client::new(options).unwrap();
    let url = format!("{}/crm/v3/objects/{path}", world.hubspot().base_url());
    let request = client.request(method, url).bearer(&world.account.secret);
    let answer = request.json(body).send().await.unwrap();
    assert!(answer.status.is_success(), "{answer:?}");
}

#[tokio::test]
async fn two_requests_of_one_person_share_a_contact() {
    let world = World::start().await;
    let first = first_push(&world, &call(1, 9, |_| ())).await.unwrap();
    let second = first_push(&world, &call(2, 9, |_| ())).await.unwrap();

    assert_eq!(contact(&first), contact(&second));
    assert_eq!(world.hubspot().contacts().len(), 1);
    let deals = world.hubspot().deals();
    assert_eq!(deals.len(), 2);
    for (property, value) in [
        ("deal_external_id", "req_00000000000000000000000000000001"),
        ("dealname", "Kitchen - Ann Lee"),
        ("dealstage", "appointmentscheduled"),
        ("lead_intake_score", "82"),
    ] {
        assert_eq!(deals[0].property(property), value);
    }
    let pairs = [first, second].map(|it| (contact(&it).to_owned(), deal(&it).to_owned()));
    assert_eq!(world.hubspot().associations(), pairs);
}

#[tokio::test]
async fn a_portal_is_prepared_once_for_pushes_at_once() {
    let world = World::start().await;
    let brief = call(1, 9, |_| ());
    futures::future::join_all((0..20).map(|_| first_push(&world, &brief))).await;
    let (read, defined) = (
        world.count("GET /crm/v3/properties/contacts"),
        world.count("POST /crm/v3/properties/contacts"),
    );
    assert_eq!((read, defined), (1, 2), "the key and the notice");
}

#[tokio::test]
async fn a_contact_typed_in_by_hand_is_completed_and_not_changed() {
    for reached_by in [
        ("email", "Ann@Example.com"),
        ("phone", "(512) 555-0142"),
        ("mobilephone", "+1 512-555-0142"),
    ] {
        let world = World::start().await;
        let typed = [reached_by, ("firstname", "Annie"), ("city", "Austin")];
        let id = world.hubspot().add_contact(&typed);
        let other = [("phone", "+442075550142"), ("firstname", "Somebody else")];
        world.hubspot().add_contact(&other);
        let pushed = first_push(&world, &call(1, 9, |_| ())).await.unwrap();

        assert_eq!(contact(&pushed), id, "{reached_by:?}");
        let contacts = world.hubspot().contacts();
        assert_eq!(contacts.len(), 2, "{reached_by:?}");
        let completed = [
            ("lastname", "Lee"),
            ("zip", "78664"),
            ("lead_external_id", "per_00000000000000000000000000000009"),
        ];
        for (property, value) in typed.into_iter().chain(completed) {
            assert_eq!(contacts[0].property(property), value, "{reached_by:?}");
        }
        let second = first_push(&world, &call(2, 9, |_| ())).await.unwrap();
        assert_eq!(contact(&second), id, "{reached_by:?}");
    }
}

#[tokio::test]
async fn people_with_one_address_share_a_contact() {
    let world = World::start().await;
    let earlier = first_push(&world, &call(1, 8, |_| ())).await.unwrap();
    let later = first_push(&world, &call(2, 9, |_| ())).await.unwrap();
    assert_eq!(contact(&earlier), contact(&later));
    let contacts = world.hubspot().contacts();
    assert_eq!(contacts.len(), 1);
    assert_eq!(
        contacts[0].property("lead_external_id"),
        "per_00000000000000000000000000000008",
        "it keeps its key"
    );
    assert_eq!(world.hubspot().associations().len(), 2);
}

#[tokio::test]
async fn an_unexpected_conflict_leads_to_the_holder() {
    for conflict in [Conflict::Status, Conflict::Row] {
        let world = World::with(Config {
            conflict,
            ..Config::default()
        })
        .await;
        let holder = world.hubspot().add_contact(&[("email", "ann@example.com")]);
        let nothing = answer(200, json!({ "status": "COMPLETE", "results": [] }));
        world
            .hubspot()
            .answer_next_to("contacts/batch/read", nothing, 2);
        let pushed = first_push(&world, &call(1, 9, |_| ())).await.unwrap();
        assert_eq!(contact(&pushed), holder, "{conflict:?}");
        assert_eq!(world.hubspot().contacts().len(), 1);
        assert_eq!(world.hubspot().contacts()[0].property("lastname"), "Lee");
    }
}

#[tokio::test]
async fn another_contacts_address_stays_with_that_contact() {
    let world = World::start().await;
    let first = first_push(&world, &call(1, 9, without_email))
        .await
        .unwrap();
    world.hubspot().add_contact(&[("email", "ann@example.com")]);
    let completed = push(&world, &call(1, 9, |_| ()), &known(&first))
        .await
        .unwrap();
    assert_eq!(contact(&completed), contact(&first));
    assert_eq!(world.hubspot().contacts()[0].property("email"), "");
}

#[tokio::test]
async fn a_changed_lead_leaves_alone_what_people_changed() {
    let world = World::start().await;
    let without_value = |document: &mut Document| document.source.said.labels.value = None;
    let first = first_push(&world, &call(1, 9, without_value))
        .await
        .unwrap();
    let edits = json!({ "properties": {
        "dealname": "Lees' kitchen", "dealstage": "contractsent", "description": "Met them on Friday.",
    } });
    by_hand(
        &world,
        Method::PATCH,
        &format!("deals/{}", deal(&first)),
        &edits,
    )
    .await;

    let changed = call(1, 9, |document| {
        let labels = &mut document.source.said.labels;
        labels.tags = Some(vec!["hot".to_owned()]);
        labels.note = Some(String::new());
    });
    push(&world, &changed, &known(&first)).await.unwrap();

    let deals = world.hubspot().deals();
    assert_eq!(deals.len(), 1);
    for (property, value) in [
        ("lead_intake_tags", "hot"),
        ("lead_intake_note", ""),
        ("dealname", "Lees' kitchen"),
        ("dealstage", "contractsent"),
        ("description", "Met them on Friday."),
        ("amount", "18500"),
    ] {
        assert_eq!(deals[0].property(property), value, "{property}");
    }
}

#[tokio::test]
async fn deleted_records_are_created_again_when_the_lead_changes() {
    let world = World::start().await;
    let first = first_push(&world, &call(1, 9, |_| ())).await.unwrap();
    for path in [
        format!("deals/{}", deal(&first)),
        format!("contacts/{}", contact(&first)),
    ] {
        by_hand(&world, Method::DELETE, &path, &json!({})).await;
    }
    let changed = call(1, 9, |document| document.source.said.labels.tags = None);
    let second = push(&world, &changed, &known(&first)).await.unwrap();
    assert_ne!(contact(&second), contact(&first));
    assert_ne!(deal(&second), deal(&first));
    let pair = (contact(&second).to_owned(), deal(&second).to_owned());
    assert_eq!(world.hubspot().associations(), [pair]);
}

#[tokio::test]
async fn the_id_of_a_merged_contact_is_taken_over() {
    let world = World::start().await;
    let first = first_push(&world, &call(1, 9, without_email))
        .await
        .unwrap();
    let remaining = world.hubspot().add_contact(&[("firstname", "Ann")]);
    let merged = answer(200, json!({ "id": remaining, "properties": {} }));
    world
        .hubspot()
        .answer_next_to("PATCH /crm/v3/objects/contacts", merged, 1);
    let pushed = push(&world, &call(1, 9, |_| ()), &known(&first))
        .await
        .unwrap();
    assert_eq!(contact(&pushed), remaining);
    let pair = (remaining, deal(&first).to_owned());
    assert!(world.hubspot().associations().contains(&pair));
}

#[tokio::test]
async fn no_value_is_longer_than_hubspot_takes() {
    let world = World::start().await;
    let long = call(1, 9, |document| {
        document.source.said.labels.note = Some("n".repeat(100_000));
        document.source.said.labels.tags = Some(vec!["x".repeat(5_000)]);
        let turns = &mut document.transcript.as_mut().unwrap().turns;
        for turn in turns.iter_mut() {
            turn.text = "💥".repeat(90_000);
        }
        *turns = std::iter::repeat_n(turns.clone(), 10).flatten().collect();
    });
    first_push(&world, &long).await.unwrap();
    for (name, value) in &world.hubspot().deals()[0].properties {
        assert!(value.encode_utf16().count() <= 65_536, "{name}");
    }
}

#[tokio::test]
async fn hubspots_own_pauses_are_kept() {
    let seconds = |seconds| Disposition::Retry {
        after: Some(Duration::from_secs(seconds)),
    };
    let after = |status, retry_after_seconds| Fault::Answer {
        status,
        retry_after_seconds,
        body: None,
    };
    for (fault, disposition) in [
        (Fault::RateLimit, seconds(10)),
        (
            answer(429, json!({ "policyName": "DAILY" })),
            seconds(3_600),
        ),
        (after(429, None), seconds(1)),
        (after(477, Some(90)), seconds(90)),
        (Fault::Status(423), seconds(2)),
        (Fault::Status(414), Disposition::Park),
    ] {
        let world = World::start().await;
        world
            .hubspot()
            .answer_next_to("contacts/batch", fault.clone(), 1);
        let error = first_push(&world, &call(1, 9, |_| ())).await.unwrap_err();
        assert_eq!(error.disposition(), disposition, "{fault:?}: {error}");
    }
}

#[tokio::test]
async fn a_field_that_became_required_is_named() {
    let world = World::start().await;
    world.hubspot().always(Fault::MissingField {
        property: "closedate".to_owned(),
    });
    let error = first_push(&world, &call(1, 9, |_| ())).await.unwrap_err();
    assert_eq!(error.disposition(), Disposition::Park);
    assert_eq!(
        error.to_string(),
        "the CRM requires the field `closedate`, which the lead does not have (MISSING_REQUIRED_PROPERTY)"
    );
    assert_eq!(
        error.answer().unwrap(),
        "Required property \"closedate\" was not set"
    );
}

#[tokio::test]
async fn a_token_that_is_wrong_or_no_header_holds_the_work() {
    for token in ["pat-wrong", "pat\nwrong"] {
        let mut world = World::start().await;
        world.account.secret = token.into();
        let error = first_push(&world, &call(1, 9, |_| ())).await.unwrap_err();
        assert_eq!(error.disposition(), Disposition::Hold, "{error}");
        assert!(!format!("{error:?} {error}").contains("wrong"));
    }
}

#[tokio::test]
async fn a_crm_that_is_not_reached_is_tried_again() {
    let nobody = RefusingPort::new();
    let mut world = World::start().await;
    world.connect_to(&nobody.url());
    let error = first_push(&world, &call(1, 9, |_| ())).await.unwrap_err();
    assert!(matches!(error, PushError::NotSent(_)), "{error}");
    assert_eq!(error.disposition(), Disposition::Retry { after: None });
}

#[tokio::test]
async fn a_key_that_is_not_unique_parks_the_push() {
    let world = World::with(Config {
        contact_properties: vec!["lead_external_id".to_owned()],
        ..Config::default()
    })
    .await;
    let error = first_push(&world, &call(1, 9, |_| ())).await.unwrap_err();
    assert!(matches!(error, PushError::Misconfigured(_)));
    assert_eq!(error.disposition(), Disposition::Park);
    let words = "`lead_external_id` of contacts must require unique values";
    assert!(error.to_string().contains(words), "{error}");
    assert!(world.hubspot().contacts().is_empty());
}

#[tokio::test]
async fn a_property_that_another_process_defines_is_read_back() {
    let mut world = World::start().await;
    first_push(&world, &call(1, 9, |_| ())).await.unwrap();
    for kind in ["contacts", "deals"] {
        let nothing = answer(200, json!({ "results": [] }));
        let path = format!("GET /crm/v3/properties/{kind}");
        world.hubspot().answer_next_to(&path, nothing, 1);
    }
    let url = world.hubspot().base_url();
    world.connect_to(&url);
    first_push(&world, &call(2, 9, |_| ())).await.unwrap();
    assert_eq!(world.count("/properties/contacts/lead_external_id"), 1);
}

#[tokio::test]
async fn a_deal_begins_in_the_first_stage_that_is_in_use() {
    let stage =
        |id, order, archived| json!({ "id": id, "displayOrder": order, "archived": archived });
    let pipelines = json!({ "results": [
        { "id": "old", "displayOrder": 0, "archived": true, "stages": [stage("new", 0, false)] },
        { "id": "default", "displayOrder": 1, "archived": false, "stages": [
            stage("closedwon", 5, false), stage("qualifiedtobuy", 2, false), stage("contractsent", 1, true) ] },
        { "id": "other", "displayOrder": 2, "archived": false, "stages": [stage("new", 0, false)] },
    ] });
    for (fault, expected) in [
        (answer(200, pipelines), "qualifiedtobuy"),
        // The credential may lack the permission to see pipelines.
        (Fault::Status(403), "appointmentscheduled"),
    ] {
        let world = World::start().await;
        world.hubspot().answer_next_to("pipelines", fault, 1);
        first_push(&world, &call(1, 9, |_| ())).await.unwrap();
        let deal = &world.hubspot().deals()[0];
        assert_eq!(
            (deal.property("pipeline"), deal.property("dealstage")),
            ("default", expected)
        );
    }
}

#[tokio::test]
async fn a_deleted_property_is_defined_again_by_the_next_attempt() {
    let world = World::start().await;
    first_push(&world, &call(1, 9, |_| ())).await.unwrap();
    let gone = json!({ "status": "error", "category": "VALIDATION_ERROR", "message": "Property values were not valid",
        "errors": [{ "message": "Property \"lead_intake_tags\" does not exist", "code": "PROPERTY_DOESNT_EXIST",
            "in": "lead_intake_tags" }] });
    world
        .hubspot()
        .answer_next_to("deals/batch/upsert", answer(400, gone), 1);
    world.hubspot().forget_requests();

    let error = first_push(&world, &call(2, 9, |_| ())).await.unwrap_err();
    let retry = Disposition::Retry { after: None };
    assert_eq!(error.disposition(), retry, "{error}");
    assert_eq!(world.count("/properties/"), 0);
    first_push(&world, &call(2, 9, |_| ())).await.unwrap();
    assert_eq!(world.count("/properties/"), 2, "read again");
    assert_eq!(world.hubspot().deals().len(), 2);
}

#[tokio::test]
async fn a_refused_address_does_not_stop_the_lead() {
    let invalid = json!({ "status": "error", "category": "VALIDATION_ERROR",
        "errors": [{ "message": "Email address is invalid", "code": "INVALID_EMAIL", "in": "email" }] });
    let taken =
        json!({ "status": "error", "category": "OBJECT_ALREADY_EXISTS", "message": "It exists." });
    for (status, body) in [(400, invalid), (409, taken)] {
        let world = World::start().await;
        let fault = answer(status, body);
        world
            .hubspot()
            .answer_next_to("contacts/batch/upsert", fault, 1);
        first_push(&world, &call(1, 9, |_| ())).await.unwrap();
        let contact = &world.hubspot().contacts()[0];
        let shown = (contact.property("lastname"), contact.property("email"));
        assert_eq!(shown, ("Lee", ""), "{status}");
        let deal = &world.hubspot().deals()[0];
        let details = deal.property("lead_intake_details");
        assert!(details.contains("E-mail: ann@example.com"), "{details}");
    }
}

#[tokio::test]
async fn search_that_lags_does_not_make_a_second_contact() {
    let world = World::start().await;
    world.hubspot().set_search_lag(Duration::from_secs(3_600));
    let first = first_push(&world, &call(1, 9, without_email))
        .await
        .unwrap();
    let second = first_push(&world, &call(2, 9, without_email))
        .await
        .unwrap();
    assert_eq!(contact(&first), contact(&second));
    assert_eq!(world.hubspot().contacts().len(), 1);
}

#[tokio::test]
async fn a_person_of_whom_nothing_is_known_gets_a_stand_in() {
    let world = World::start().await;
    let unknown = call(1, 9, |document| {
        document.source.said = Facts::nothing(Channel::Phone);
        document.analysis = None;
        document.transcript = None;
    });
    let first = first_push(&world, &unknown).await.unwrap();
    let deal = &world.hubspot().deals()[0];
    assert_eq!(deal.property("dealname"), "Lead - unknown caller");
    let contact = &world.hubspot().contacts()[0];
    assert_eq!(contact.property("lastname"), "Unknown person");

    push(&world, &call(1, 9, |_| ()), &known(&first))
        .await
        .unwrap();
    let contact = &world.hubspot().contacts()[0];
    let name = (contact.property("firstname"), contact.property("lastname"));
    assert_eq!(name, ("Ann", "Lee"));
}

#[tokio::test]
async fn a_request_without_a_person_has_a_contact_of_its_own() {
    let world = World::start().await;
    let nobody = Brief {
        person: None,
        ..brief(Channel::Form)
    };
    first_push(&world, &nobody).await.unwrap();
    let contact = &world.hubspot().contacts()[0];
    assert_eq!(
        contact.property("lead_external_id"),
        nobody.request.to_string()
    );
}
