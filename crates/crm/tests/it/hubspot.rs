use std::time::Duration;

use crm::{Credential, PushError, Written};
use domain::{Classify, Disposition};
use futures::future::join_all;
use serde_json::json;
use simulators::{
    Fault,
    hubspot::{Config, Conflict},
};

use crate::world::{World, connector, credential, known, lead};

const ONE: &str = "req_00000000000000000000000000000001";

#[tokio::test]
async fn two_requests_of_one_person_are_one_contact_with_two_deals() {
    let world = World::start().await;
    let first = world.push(&lead(1, 9, |_| ()), None).await.unwrap();
    let second = world.push(&lead(2, 9, |_| ()), None).await.unwrap();

    assert_eq!(
        (first.contact, first.deal),
        (Written::Created, Written::Created)
    );
    assert_eq!(
        (second.contact, second.deal),
        (Written::Unchanged, Written::Created)
    );
    assert_eq!(first.contact_id, second.contact_id);
    assert_eq!(world.hubspot().contacts().len(), 1);
    let deals = world.hubspot().deals();
    assert_eq!(deals.len(), 2);
    assert_eq!(deals[0].property("deal_external_id"), ONE);
    assert_eq!(deals[0].property("dealname"), "Kitchen - Ann Marie Lee");
    assert_eq!(deals[0].property("dealstage"), "appointmentscheduled");
    assert_eq!(deals[0].property("lead_intake_score"), "82");
    assert!(
        deals[0]
            .property("lead_intake_transcript")
            .contains("We want a new kitchen")
    );
    let pairs = [first, second].map(|pushed| (pushed.contact_id, pushed.deal_id));
    assert_eq!(world.hubspot().associations(), pairs);
}

#[tokio::test]
async fn a_hundred_pushes_of_one_lead_at_once_make_one_contact_and_one_deal() {
    let world = World::start().await;
    let lead = lead(1, 9, |_| ());
    let pushed = join_all((0..100).map(|_| world.push(&lead, None))).await;

    let ids: Vec<_> = pushed
        .into_iter()
        .map(Result::unwrap)
        .map(|p| (p.contact_id, p.deal_id))
        .collect();
    assert!(ids.windows(2).all(|pair| pair[0] == pair[1]), "{ids:?}");
    assert_eq!(world.hubspot().contacts().len(), 1);
    assert_eq!(world.hubspot().deals().len(), 1);
    assert_eq!(world.hubspot().associations().len(), 1);
    assert_eq!(
        world.count("/properties/contacts"),
        2,
        "looked at once, our key defined once"
    );
}

#[tokio::test]
async fn a_push_whose_answer_is_lost_at_any_point_is_completed_by_the_next_without_a_second_record()
{
    let steps = [
        "GET /crm/v3/properties/contacts",
        "POST /crm/v3/properties/contacts",
        "POST /crm/v3/properties/deals",
        "GET /crm/v3/pipelines/deals",
        "contacts/batch/read",
        "contacts/search",
        "contacts/batch/upsert",
        "deals/batch/upsert",
        "associations",
    ];
    for fault in [Fault::ResetAfterWrite, Fault::Malformed, Fault::Status(502)] {
        for step in steps {
            let world = World::start().await;
            world.hubspot().answer_next_to(step, fault.clone(), 1);
            let lead = lead(1, 9, |_| ());
            let error = world.push(&lead, None).await.unwrap_err();
            assert_eq!(
                error.disposition(),
                Disposition::Retry { after: None },
                "{step}: {error}"
            );

            world.push(&lead, None).await.unwrap();
            let counts = (
                world.hubspot().contacts().len(),
                world.hubspot().deals().len(),
            );
            assert_eq!(
                (counts, world.hubspot().associations().len()),
                ((1, 1), 1),
                "{step} {fault:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_push_that_timed_out_after_it_was_written_is_completed_by_the_next() {
    let world = World::start().await;
    world
        .hubspot()
        .answer_next_to("deals/batch/upsert", Fault::TimeoutAfterWrite, 1);
    let lead = lead(1, 9, |_| ());
    let error = world.push(&lead, None).await.unwrap_err();
    assert!(matches!(error, PushError::OutcomeUnknown(_)), "{error}");
    assert_eq!(world.hubspot().deals().len(), 1, "it was written");

    let pushed = world.push(&lead, None).await.unwrap();
    assert_eq!(
        (pushed.contact, pushed.deal),
        (Written::Unchanged, Written::Updated)
    );
    assert_eq!(world.hubspot().deals().len(), 1);
    assert_eq!(world.hubspot().associations().len(), 1);
}

#[tokio::test]
async fn a_contact_that_a_person_typed_in_is_found_by_address_or_number_completed_and_not_changed()
{
    for (name, properties) in [
        (
            "address",
            [
                ("email", "Ann@Example.com"),
                ("firstname", "Annie"),
                ("city", "Austin"),
            ],
        ),
        (
            "number",
            [
                ("phone", "(512) 555-0142"),
                ("firstname", "Annie"),
                ("city", "Austin"),
            ],
        ),
        (
            "mobile number",
            [
                ("mobilephone", "+1 512-555-0142"),
                ("firstname", "Annie"),
                ("city", "Austin"),
            ],
        ),
    ] {
        let world = World::start().await;
        let typed = world.hubspot().add_contact(&properties);
        world
            .hubspot()
            .add_contact(&[("phone", "+442075550142"), ("firstname", "Somebody else")]);
        let pushed = world.push(&lead(1, 9, |_| ()), None).await.unwrap();

        assert_eq!(
            (&pushed.contact_id, pushed.contact),
            (&typed, Written::Updated),
            "{name}"
        );
        let contacts = world.hubspot().contacts();
        assert_eq!(contacts.len(), 2, "{name}");
        let contact = &contacts[0];
        for (property, value) in [
            properties[0],
            ("firstname", "Annie"),
            ("city", "Austin"),
            ("lastname", "Lee"),
            ("zip", "78664"),
        ] {
            assert_eq!(contact.property(property), value, "{name}");
        }
        assert_eq!(
            contact.property("lead_external_id"),
            "per_00000000000000000000000000000009",
            "{name}"
        );
        let again = world.push(&lead(2, 9, |_| ()), None).await.unwrap();
        assert_eq!(
            (again.contact_id, again.contact),
            (typed, Written::Unchanged),
            "{name}"
        );
    }
}

#[tokio::test]
async fn a_contact_of_another_person_with_the_same_address_keeps_its_key_and_gets_the_deal() {
    let world = World::start().await;
    let earlier = world.push(&lead(1, 8, |_| ()), None).await.unwrap();
    let later = world.push(&lead(2, 9, |_| ()), None).await.unwrap();
    assert_eq!(earlier.contact_id, later.contact_id);
    let contacts = world.hubspot().contacts();
    assert_eq!(contacts.len(), 1);
    assert_eq!(
        contacts[0].property("lead_external_id"),
        "per_00000000000000000000000000000008"
    );
    assert_eq!(world.hubspot().associations().len(), 2);
}

#[tokio::test]
async fn a_conflict_that_looking_did_not_show_leads_to_the_holder() {
    for conflict in [Conflict::Status, Conflict::Row] {
        let world = World::with(Config {
            conflict,
            ..Config::default()
        })
        .await;
        let holder = world.hubspot().add_contact(&[("email", "ann@example.com")]);
        let nothing = Fault::Answer {
            status: 200,
            retry_after_seconds: None,
            body: Some(json!({ "status": "COMPLETE", "results": [] })),
        };
        world
            .hubspot()
            .answer_next_to("contacts/batch/read", nothing, 2);
        let pushed = world.push(&lead(1, 9, |_| ()), None).await.unwrap();
        assert_eq!(pushed.contact_id, holder, "{conflict:?}");
        assert_eq!(world.hubspot().contacts().len(), 1);
        assert_eq!(world.hubspot().contacts()[0].property("lastname"), "Lee");
    }
}

#[tokio::test]
async fn an_address_that_belongs_to_another_contact_is_left_to_that_one() {
    let world = World::start().await;
    let first = world
        .push(
            &lead(1, 9, |document| document.source.call.caller_email = None),
            None,
        )
        .await
        .unwrap();
    world.hubspot().add_contact(&[("email", "ann@example.com")]);
    let completed = world
        .push(&lead(1, 9, |_| ()), Some(&known(&first)))
        .await
        .unwrap();
    assert_eq!(
        (completed.contact_id, completed.contact),
        (first.contact_id, Written::Unchanged)
    );
    assert_eq!(world.hubspot().contacts()[0].property("email"), "");
}

#[tokio::test]
async fn labels_and_notes_that_change_reach_the_same_deal_and_leave_alone_what_people_changed() {
    let world = World::start().await;
    let first = world
        .push(
            &lead(1, 9, |document| document.source.call.value = None),
            None,
        )
        .await
        .unwrap();
    let edits = json!({ "properties": {
        "dealname": "Lees' kitchen", "dealstage": "contractsent", "description": "Met them on Friday.",
    } });
    edit(&world, &format!("deals/{}", first.deal_id), &edits).await;

    let changed = lead(1, 9, |document| {
        document.source.call.tags = Some(vec!["hot".to_owned()]);
        document.source.call.note = Some(String::new());
    });
    let pushed = world.push(&changed, Some(&known(&first))).await.unwrap();

    assert_eq!(
        (&pushed.deal_id, pushed.deal),
        (&first.deal_id, Written::Updated)
    );
    assert_ne!(pushed.fields_hash, first.fields_hash);
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
async fn a_lead_that_did_not_change_is_not_sent_again() {
    let world = World::start().await;
    let first = world.push(&lead(1, 9, |_| ()), None).await.unwrap();
    world.hubspot().forget_requests();
    let again = world
        .push(&lead(1, 9, |_| ()), Some(&known(&first)))
        .await
        .unwrap();
    assert_eq!(
        (again.contact, again.deal),
        (Written::Unchanged, Written::Unchanged)
    );
    assert_eq!(known(&again), known(&first));
    assert!(world.hubspot().requests().is_empty());
}

#[tokio::test]
async fn a_deal_or_contact_that_was_deleted_is_made_anew_when_the_lead_changes() {
    let world = World::start().await;
    let first = world.push(&lead(1, 9, |_| ()), None).await.unwrap();
    let client = client();
    for path in [
        format!("deals/{}", first.deal_id),
        format!("contacts/{}", first.contact_id),
    ] {
        let request = client.delete(format!(
            "{}/crm/v3/objects/{path}",
            world.hubspot().base_url()
        ));
        assert!(
            request
                .bearer(&world.credential.token)
                .send()
                .await
                .unwrap()
                .status
                .is_success()
        );
    }
    let changed = lead(1, 9, |document| document.source.call.tags = None);
    let second = world.push(&changed, Some(&known(&first))).await.unwrap();
    assert_eq!(
        (second.contact, second.deal),
        (Written::Created, Written::Created)
    );
    assert_ne!(
        (&second.contact_id, &second.deal_id),
        (&first.contact_id, &first.deal_id)
    );
    assert_eq!(
        world.hubspot().associations(),
        [(second.contact_id, second.deal_id)]
    );
}

#[tokio::test]
async fn the_id_of_a_merged_contact_is_taken_over() {
    let world = World::start().await;
    let first = world
        .push(
            &lead(1, 9, |document| document.source.call.caller_email = None),
            None,
        )
        .await
        .unwrap();
    let remaining = world.hubspot().add_contact(&[("firstname", "Ann")]);
    let merged = Fault::Answer {
        status: 200,
        retry_after_seconds: None,
        body: Some(json!({ "id": remaining, "properties": {} })),
    };
    world
        .hubspot()
        .answer_next_to("PATCH /crm/v3/objects/contacts", merged, 1);
    let pushed = world
        .push(&lead(1, 9, |_| ()), Some(&known(&first)))
        .await
        .unwrap();
    assert_eq!(pushed.contact_id, remaining);
    assert!(
        world
            .hubspot()
            .associations()
            .contains(&(remaining, first.deal_id))
    );
}

#[tokio::test]
async fn hostile_text_is_kept_as_text_and_runs_nowhere() {
    let world = World::start().await;
    let hostile = lead(1, 9, |document| {
        let call = &mut document.source.call;
        call.caller_name = Some(
            "=HYPERLINK(\"http://evil.example\") <script>alert(1)</script>\u{202e}\u{0}".to_owned(),
        );
        call.caller_city = Some("@SUM(A1)".to_owned());
        call.caller_email = Some("=1+1@example.com".to_owned());
        call.tags = Some(vec!["+cmd".to_owned(), "x".repeat(5_000)]);
        call.note = Some(format!("-1\nnull\u{0} byte {}", "n".repeat(100_000)));
        let turns = &mut document.transcript.as_mut().unwrap().turns;
        for turn in turns.iter_mut() {
            turn.text = "💥".repeat(90_000);
        }
        *turns = std::iter::repeat_n(turns.clone(), 10).flatten().collect();
    });
    world.push(&hostile, None).await.unwrap();
    let contact = &world.hubspot().contacts()[0];
    assert_eq!(
        contact.property("firstname"),
        "'=HYPERLINK(\"http://evil.example\")"
    );
    assert_eq!(contact.property("lastname"), "<script>alert(1)</script>");
    assert_eq!(contact.property("city"), "'@SUM(A1)");
    assert_eq!(contact.property("email"), "");
    assert_eq!(contact.property("phone"), "+15125550142");
    let deal = &world.hubspot().deals()[0];
    assert!(
        deal.property("dealname")
            .starts_with("Kitchen - '=HYPERLINK")
    );
    for (name, value) in &deal.properties {
        assert!(value.encode_utf16().count() <= 65_536, "{name}");
        assert!(
            !value.starts_with(['=', '+', '-', '@']) || name == "lead_intake_phone",
            "{name}: {value}"
        );
        assert!(!value.contains('\0'), "{name}");
    }
}

#[tokio::test]
async fn what_hubspot_asks_for_is_done() {
    let seconds = Duration::from_secs;
    let answer = |status, retry_after_seconds, body| Fault::Answer {
        status,
        retry_after_seconds,
        body,
    };
    for (fault, disposition) in [
        (
            answer(429, Some(7), None),
            Disposition::Retry {
                after: Some(seconds(7)),
            },
        ),
        (
            Fault::RateLimit,
            Disposition::Retry {
                after: Some(seconds(10)),
            },
        ),
        (
            answer(429, None, Some(json!({ "policyName": "DAILY" }))),
            Disposition::Retry {
                after: Some(seconds(3_600)),
            },
        ),
        (
            answer(429, None, None),
            Disposition::Retry {
                after: Some(seconds(1)),
            },
        ),
        (
            answer(477, Some(90), None),
            Disposition::Retry {
                after: Some(seconds(90)),
            },
        ),
        (
            Fault::Status(423),
            Disposition::Retry {
                after: Some(seconds(2)),
            },
        ),
        (Fault::Status(500), Disposition::Retry { after: None }),
        (
            answer(503, Some(30), None),
            Disposition::Retry {
                after: Some(seconds(30)),
            },
        ),
        (Fault::RevokedToken, Disposition::Hold),
        (Fault::Status(403), Disposition::Hold),
        (Fault::Status(400), Disposition::Park),
        (Fault::Status(414), Disposition::Park),
    ] {
        let world = World::start().await;
        world.connector.ensure(&world.credential).await.unwrap();
        world.hubspot().answer_next(fault.clone());
        let error = world.push(&lead(1, 9, |_| ()), None).await.unwrap_err();
        assert_eq!(error.disposition(), disposition, "{fault:?}: {error}");
        assert!(
            world.push(&lead(1, 9, |_| ()), None).await.is_ok(),
            "{fault:?}"
        );
    }
}

#[tokio::test]
async fn a_field_that_became_required_is_named_with_hubspots_words() {
    let world = World::start().await;
    world.hubspot().always(Fault::MissingField {
        property: "closedate".to_owned(),
    });
    let error = world.push(&lead(1, 9, |_| ()), None).await.unwrap_err();
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
    let world = World::start().await;
    for token in ["pat-wrong", "pat\nwrong"] {
        let credential = Credential {
            token: token.into(),
            version: 2,
            ..world.credential.clone()
        };
        let error = world.connector.ensure(&credential).await.unwrap_err();
        assert_eq!(error.disposition(), Disposition::Hold, "{error}");
        assert!(!format!("{error:?} {error}").contains("wrong"));
    }
}

#[tokio::test]
async fn a_crm_that_is_not_reached_is_tried_again() {
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", free.local_addr().unwrap());
    drop(free);
    let error = connector(&url).ensure(&credential()).await.unwrap_err();
    assert!(matches!(error, PushError::NotSent(_)), "{error}");
    assert_eq!(error.disposition(), Disposition::Retry { after: None });
}

#[tokio::test]
async fn our_key_without_uniqueness_stops_the_push_and_says_what_to_do() {
    let properties = vec!["lead_external_id".to_owned()];
    let world = World::with(Config {
        contact_properties: properties,
        ..Config::default()
    })
    .await;
    let error = world.push(&lead(1, 9, |_| ()), None).await.unwrap_err();
    assert!(matches!(error, PushError::Misconfigured(_)));
    assert_eq!(error.disposition(), Disposition::Park);
    assert!(
        error
            .to_string()
            .contains("`lead_external_id` of contacts must require unique values"),
        "{error}"
    );
    assert!(world.hubspot().contacts().is_empty());
}

#[tokio::test]
async fn a_property_that_another_process_defines_meanwhile_is_read_back() {
    let world = World::start().await;
    world.connector.ensure(&world.credential).await.unwrap();
    let nothing = || Fault::Answer {
        status: 200,
        retry_after_seconds: None,
        body: Some(json!({ "results": [] })),
    };
    world
        .hubspot()
        .answer_next_to("GET /crm/v3/properties/contacts", nothing(), 1);
    world
        .hubspot()
        .answer_next_to("GET /crm/v3/properties/deals", nothing(), 1);
    connector(&world.hubspot().base_url())
        .ensure(&world.credential)
        .await
        .unwrap();
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
        (
            Fault::Answer {
                status: 200,
                retry_after_seconds: None,
                body: Some(pipelines),
            },
            "qualifiedtobuy",
        ),
        // The credential may lack the permission to see pipelines.
        (Fault::Status(403), "appointmentscheduled"),
    ] {
        let world = World::start().await;
        world.hubspot().answer_next_to("pipelines", fault, 1);
        world.push(&lead(1, 9, |_| ()), None).await.unwrap();
        let deal = &world.hubspot().deals()[0];
        assert_eq!(
            (deal.property("pipeline"), deal.property("dealstage")),
            ("default", expected)
        );
    }
}

#[tokio::test]
async fn a_property_that_somebody_deleted_is_put_back_by_the_next_attempt() {
    let world = World::start().await;
    world.push(&lead(1, 9, |_| ()), None).await.unwrap();
    let gone = json!({ "status": "error", "category": "VALIDATION_ERROR", "message": "Property values were not valid",
        "errors": [{ "message": "Property \"lead_intake_tags\" does not exist", "code": "PROPERTY_DOESNT_EXIST",
            "in": "lead_intake_tags" }] });
    let fault = Fault::Answer {
        status: 400,
        retry_after_seconds: None,
        body: Some(gone),
    };
    world
        .hubspot()
        .answer_next_to("deals/batch/upsert", fault, 1);
    world.hubspot().forget_requests();

    let error = world.push(&lead(2, 9, |_| ()), None).await.unwrap_err();
    assert_eq!(
        error.disposition(),
        Disposition::Retry { after: None },
        "{error}"
    );
    assert_eq!(world.count("/properties/"), 0);
    world.push(&lead(2, 9, |_| ()), None).await.unwrap();
    assert_eq!(world.count("/properties/"), 2, "looked at again");
    assert_eq!(world.hubspot().deals().len(), 2);
}

#[tokio::test]
async fn an_address_that_hubspot_does_not_take_does_not_keep_the_lead_out() {
    let invalid = json!({ "status": "error", "category": "VALIDATION_ERROR",
        "errors": [{ "message": "Email address is invalid", "code": "INVALID_EMAIL", "in": "email" }] });
    let taken =
        json!({ "status": "error", "category": "OBJECT_ALREADY_EXISTS", "message": "It exists." });
    for (status, body) in [(400, invalid), (409, taken)] {
        let world = World::start().await;
        let fault = Fault::Answer {
            status,
            retry_after_seconds: None,
            body: Some(body),
        };
        world
            .hubspot()
            .answer_next_to("contacts/batch/upsert", fault, 1);
        world.push(&lead(1, 9, |_| ()), None).await.unwrap();
        let contact = &world.hubspot().contacts()[0];
        assert_eq!(
            (contact.property("lastname"), contact.property("email")),
            ("Lee", ""),
            "{status}"
        );
        let details = world.hubspot().deals()[0]
            .property("lead_intake_details")
            .to_owned();
        assert!(details.contains("E-mail: ann@example.com"), "{details}");
    }
}

#[tokio::test]
async fn search_that_lags_does_not_make_a_second_contact() {
    let world = World::start().await;
    world.hubspot().set_search_lag(Duration::from_secs(3_600));
    let nobody = |document: &mut domain::Document| document.source.call.caller_email = None;
    let first = world.push(&lead(1, 9, nobody), None).await.unwrap();
    let second = world.push(&lead(2, 9, nobody), None).await.unwrap();
    assert_eq!(first.contact_id, second.contact_id);
    assert_eq!(world.hubspot().contacts().len(), 1);
}

#[tokio::test]
async fn a_caller_of_whom_nothing_is_known_is_a_lead_all_the_same() {
    let world = World::start().await;
    let unknown = lead(1, 9, |document| {
        document.source.call = domain::CallFacts::default();
        document.analysis = None;
        document.transcript = None;
    });
    let first = world.push(&unknown, None).await.unwrap();
    assert_eq!(
        world.hubspot().deals()[0].property("dealname"),
        "Lead - unknown caller"
    );
    assert_eq!(
        world.hubspot().contacts()[0].property("lastname"),
        "Unknown caller"
    );

    world
        .push(&lead(1, 9, |_| ()), Some(&known(&first)))
        .await
        .unwrap();
    let contact = &world.hubspot().contacts()[0];
    assert_eq!(
        (contact.property("firstname"), contact.property("lastname")),
        ("Ann Marie", "Lee")
    );
}

fn client() -> http_client::Client {
    let options = http_client::Options {
        allow_loopback: true,
        ..Default::default()
    };
    http_client::Client::new(options).unwrap()
}

/// What a salesperson does in HubSpot's window.
async fn edit(world: &World, path: &str, body: &serde_json::Value) {
    let client = client();
    let request = client.patch(format!(
        "{}/crm/v3/objects/{path}",
        world.hubspot().base_url()
    ));
    let answer = request
        .bearer(&world.credential.token)
        .json(body)
        .send()
        .await
        .unwrap();
    assert!(answer.status.is_success(), "{answer:?}");
}
