//! Values and stages that HubSpot does not take.

use crm::{
    PushError,
    contract::{Bench as _, first_push},
};
use domain::{Classify as _, Disposition};
use serde_json::{Value, json};
use simulators::Fault;

use crate::world::{World, call};

/// A refusal that names its property in this way.
#[derive(Debug, Clone, Copy)]
enum Named {
    Errors,
    Message,
    Words,
}

const EVERY: [Named; 3] = [Named::Errors, Named::Message, Named::Words];

fn refused(property: &str, code: &str, words: &str, named: Named) -> Fault {
    let mut body = json!({ "status": "error", "category": "VALIDATION_ERROR" });
    let list = json!([{ "isValid": false, "message": words, "error": code, "name": property,
        "localizedErrorMessage": words }]);
    match named {
        Named::Errors => {
            body["message"] = json!("Property values were not valid");
            body["errors"] = json!([{ "message": words, "code": code, "in": property }]);
        }
        Named::Message => {
            body["message"] = json!(format!("Property values were not valid: {list}"));
        }
        Named::Words => body["message"] = json!(words),
    }
    answer(400, body)
}

fn answer(status: u16, body: Value) -> Fault {
    Fault::Answer {
        status,
        retry_after_seconds: None,
        body: Some(body),
    }
}

fn stage_gone(named: Named) -> Fault {
    let words = "dealstage: appointmentscheduled was not one of the allowed options";
    refused("dealstage", "INVALID_OPTION", words, named)
}

fn pipelines(stage: &str) -> Fault {
    let stages =
        json!([{ "id": stage, "displayOrder": 0 }, { "id": "closedwon", "displayOrder": 9 }]);
    answer(
        200,
        json!({ "results": [{ "id": "default", "displayOrder": 0, "stages": stages }] }),
    )
}

#[tokio::test]
async fn a_value_that_is_refused_is_left_out() {
    for (write, property, words, told) in [
        (
            "contacts/batch/upsert",
            "email",
            "Email address ann@example.com is invalid",
            "E-mail: ann@example.com",
        ),
        (
            "contacts/batch/upsert",
            "phone",
            "Phone number +15125550142 is invalid",
            "Phone: +15125550142",
        ),
        (
            "contacts/batch/upsert",
            "zip",
            "zip is not what our rules allow",
            "Round Rock, TX 78664",
        ),
        (
            "deals/batch/upsert",
            "amount",
            "18500 was not a valid number for `amount`",
            "Value: ",
        ),
        (
            "deals/batch/upsert",
            "lead_intake_tags",
            "lead_intake_tags is too long",
            "Tags: kitchen",
        ),
    ] {
        for named in EVERY {
            let world = World::start().await;
            let fault = refused(property, "INVALID_VALUE", words, named);
            world.hubspot().answer_next_to(write, fault, 1);
            first_push(&world, &call(1, 9, |_| ())).await.unwrap();
            assert_eq!(world.count(write), 2, "{property} {named:?}");
            let (contacts, deals) = (world.hubspot().contacts(), world.hubspot().deals());
            assert_eq!((contacts.len(), deals.len()), (1, 1), "{property}");
            let written = if write.starts_with("contacts") {
                &contacts[0]
            } else {
                &deals[0]
            };
            assert_eq!(written.property(property), "", "{property} {named:?}");
            assert_eq!(contacts[0].property("lastname"), "Lee", "{property}");
            let details = deals[0].property("lead_intake_details");
            assert!(details.contains(told), "{property}: {details}");
            assert_eq!(world.hubspot().associations().len(), 1, "{property}");
        }
    }
}

#[tokio::test]
async fn a_contact_that_loses_its_address_keeps_a_name() {
    let world = World::start().await;
    let words = "Email address ann@example.com is invalid";
    let fault = refused("email", "INVALID_EMAIL", words, Named::Message);
    world
        .hubspot()
        .answer_next_to("contacts/batch/upsert", fault, 1);
    let nameless = call(1, 9, |document| {
        document.source.said.person.name = None;
    });
    first_push(&world, &nameless).await.unwrap();
    let contact = &world.hubspot().contacts()[0];
    assert_eq!(contact.property("lastname"), "Unknown person");
}

#[tokio::test]
async fn an_existing_contact_takes_the_other_values() {
    let world = World::start().await;
    world
        .hubspot()
        .add_contact(&[("firstname", "Ann"), ("phone", "512-555-0142")]);
    let words = "Email address ann@example.com is invalid";
    let fault = refused("email", "INVALID_EMAIL", words, Named::Message);
    world
        .hubspot()
        .answer_next_to("PATCH /crm/v3/objects/contacts", fault, 1);
    first_push(&world, &call(1, 9, |_| ())).await.unwrap();
    let contacts = world.hubspot().contacts();
    let shown = ["email", "zip", "lastname"].map(|name| contacts[0].property(name));
    assert_eq!((contacts.len(), shown), (1, ["", "78664", "Lee"]));
}

#[tokio::test]
async fn a_key_that_is_refused_parks_the_lead() {
    for (write, property) in [
        ("contacts/batch/upsert", "lead_external_id"),
        ("deals/batch/upsert", "deal_external_id"),
        ("deals/batch/upsert", "dealname"),
    ] {
        for named in EVERY {
            let world = World::start().await;
            let words = format!("{property} is read only");
            let fault = refused(property, "READ_ONLY_VALUE", &words, named);
            world.hubspot().answer_next_to(write, fault, 1);
            let error = first_push(&world, &call(1, 9, |_| ())).await.unwrap_err();
            assert_eq!(error.disposition(), Disposition::Park, "{error}");
            assert!(error.to_string().contains(property), "{error}");
            assert_eq!(world.count(write), 1, "{property} {named:?}");
        }
    }
}

#[tokio::test]
async fn a_refusal_that_names_nothing_parks_the_lead() {
    for words in [
        "Deal stage is locked by your admin.",
        "The pipeline is locked by your admin.",
        "Something else is wrong: [not a list]",
        "",
    ] {
        let world = World::start().await;
        let body = json!({ "status": "error", "category": "VALIDATION_ERROR", "message": words });
        world
            .hubspot()
            .answer_next_to("deals/batch/upsert", answer(400, body), 1);
        let error = first_push(&world, &call(1, 9, |_| ())).await.unwrap_err();
        assert!(
            matches!(error, PushError::Refused { .. }),
            "{words}: {error}"
        );
        assert_eq!(world.count("deals/batch/upsert"), 1, "{words}");
    }
}

#[tokio::test]
async fn a_portal_that_takes_no_name_is_not_asked_for_ever() {
    for named in EVERY {
        let world = World::start().await;
        let fault = refused(
            "lastname",
            "INVALID_VALUE",
            "lastname is not allowed",
            named,
        );
        world.hubspot().always_to("contacts/batch/upsert", fault);
        let nameless = call(1, 9, |document| {
            let person = &mut document.source.said.person;
            (person.name, person.email) = (None, None);
        });
        let pushed = first_push(&world, &nameless).await;
        assert!(pushed.is_err(), "{named:?}");
        assert!(world.count("contacts/batch/upsert") <= 3, "{named:?}");
    }
}

#[tokio::test]
async fn a_stage_that_was_made_anew_is_found_at_once() {
    for named in EVERY {
        let world = World::start().await;
        first_push(&world, &call(1, 9, |_| ())).await.unwrap();
        let hubspot = world.hubspot();
        hubspot.answer_next_to("deals/batch/upsert", stage_gone(named), 1);
        hubspot.answer_next_to("pipelines", pipelines("qualifiedtobuy"), 1);
        first_push(&world, &call(2, 9, |_| ())).await.unwrap();
        let deals = hubspot.deals();
        assert_eq!(deals.len(), 2, "{named:?}");
        assert_eq!(deals[1].property("dealstage"), "qualifiedtobuy");
        assert_eq!(hubspot.contacts().len(), 1, "{named:?}");
    }
}

#[tokio::test]
async fn a_stage_that_stays_unknown_parks_after_one_more_push() {
    for named in EVERY {
        let world = World::start().await;
        let hubspot = world.hubspot();
        hubspot.always_to("deals/batch/upsert", stage_gone(named));
        let error = first_push(&world, &call(1, 9, |_| ())).await.unwrap_err();
        assert_eq!(error.disposition(), Disposition::Park, "{named:?}: {error}");
        let words = error.to_string();
        for part in [
            "`appointmentscheduled` is not in the pipeline",
            "`closedwon`",
        ] {
            assert!(words.contains(part), "{words}");
        }
        assert_eq!(world.count("deals/batch/upsert"), 2, "{named:?}");
        assert_eq!(hubspot.contacts().len(), 1, "the contact is kept");

        hubspot.clear_faults();
        hubspot.answer_next_to("pipelines", pipelines("contractsent"), 1);
        first_push(&world, &call(1, 9, |_| ())).await.unwrap();
        assert_eq!(hubspot.deals()[0].property("dealstage"), "contractsent");
    }
}
