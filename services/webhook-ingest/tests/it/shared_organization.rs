//! One account at a provider that several companies share: each gets what is its own, and nothing of the others is kept.

use std::collections::BTreeMap;

use aws_lc_rs::hmac;
use axum::http::StatusCode;
use domain::{Clock as _, ConnectionName, TenantId};
use secrecy::SecretString;
use serde_json::{Value, json};
use store::{Connection, ConnectionState, Deliveries as _, DeliveryQuery, Store as _, StoredEvent};

use crate::world::{Answer, World};

const ADDRESS: &str = "192.0.2.1";
const KEY: &str = "the key of the subscription";
const OURS: &str = "https://api.calendly.com/users/OURS0000000000001";
const OTHERS: &str = "https://api.calendly.com/users/OTHERS0000000001";

/// A tenant that shares an organization, and has named its people and its routing forms.
async fn company(world: &World, settings: &[(&str, &str)]) -> TenantId {
    let key = SecretString::from(KEY);
    let tenant = world.tenant_with("calendly", key).await;
    let settings = settings.iter();
    let connection = Connection {
        tenant: tenant.clone(),
        name: ConnectionName::new("calendly").unwrap(),
        provider: "calendly".to_owned(),
        version: 1,
        secret_version: 1,
        state: ConnectionState::Active,
        settings: settings
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect::<BTreeMap<_, _>>(),
    };
    world.store.put_connection(&connection).await.unwrap();
    tenant
}

fn booked(number: u32, host: Option<&str>) -> Value {
    let event = format!("https://api.calendly.com/scheduled_events/EVENT{number}");
    let mut payload = json!({
        "uri": format!("{event}/invitees/INVITEE{number}"), "event": event, "name": "Dana Whitfield",
        "email": "dana.whitfield@example.com", "text_reminder_number": "+1 512-555-0142", "status": "active",
    });
    if let Some(host) = host {
        payload["scheduled_event"] = json!({
            "uri": event, "name": "A kitchen of Dana's",
            "event_memberships": [{ "user": host, "user_name": "Luis Ortega" }],
        });
    }
    json!({ "event": "invitee.created", "created_at": "2026-03-17T14:59:00Z", "created_by": OURS, "payload": payload })
}

fn answered(form: &str) -> Value {
    json!({
        "event": "routing_form_submission.created", "created_at": "2026-03-17T14:59:00Z", "created_by": OURS,
        "payload": {
            "uri": format!("https://api.calendly.com/routing_form_submissions/of-{form}"),
            "routing_form": format!("https://api.calendly.com/routing_forms/{form}"),
            "questions_and_answers": [{ "question": "Your name", "answer": "Dana Whitfield" }],
        },
    })
}

async fn send(world: &World, tenant: &TenantId, body: &Value) -> Answer {
    let body = body.to_string();
    let time = world.clock.now().as_second().to_string();
    let key = hmac::Key::new(hmac::HMAC_SHA256, KEY.as_bytes());
    let tag = hmac::sign(&key, format!("{time}.{body}").as_bytes());
    let hex: String = tag
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let signature = format!("t={time},v1={hex}");
    let headers = [("calendly-webhook-signature", signature.as_str())];
    let url = format!("/v1/hooks/{tenant}");
    let answer = world.send(ADDRESS, &url, &headers, body).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    answer
}

/// What is stored of a tenant's deliveries, the newest first.
async fn stored(world: &World, tenant: &TenantId) -> Vec<StoredEvent> {
    let query = DeliveryQuery {
        limit: 50,
        ..DeliveryQuery::default()
    };
    let page = world.store.deliveries(tenant, &query).await.unwrap();
    let mut stored = Vec::new();
    for delivery in page.items {
        let event = world.store.event(tenant, delivery.id).await.unwrap();
        stored.push(event.unwrap());
    }
    stored
}

fn says_who(event: &StoredEvent) -> bool {
    let text = String::from_utf8_lossy(&event.body).into_owned();
    ["Dana", "example.com", "555", "Luis"]
        .iter()
        .any(|said| text.contains(said))
}

#[tokio::test]
async fn each_company_gets_its_own_peoples_bookings_alone() {
    let world = World::start().await;
    let tenant = company(&world, &[("users", OURS)]).await;
    let own = send(&world, &tenant, &booked(1, Some(OURS))).await;
    assert!(own.body["request_id"].is_string(), "{own:?}");
    let others = send(&world, &tenant, &booked(2, Some(OTHERS))).await;
    assert_eq!(others.body["request_id"], Value::Null, "{others:?}");

    let events = stored(&world, &tenant).await;
    assert_eq!(events.len(), 2);
    assert!(says_who(&events[1]) && !says_who(&events[0]), "{events:?}");
    assert_eq!(events[0].request, None);
    assert!(
        events[0]
            .remark
            .as_ref()
            .unwrap()
            .contains("another company's")
    );
    // That it came is known, so that it is no second one.
    send(&world, &tenant, &booked(2, Some(OTHERS))).await;
    assert_eq!(stored(&world, &tenant).await.len(), 2);
}

#[tokio::test]
async fn a_booking_of_nobody_knows_whom_is_stored_without_its_person() {
    let world = World::start().await;
    let tenant = company(&world, &[("users", OURS)]).await;
    let answer = send(&world, &tenant, &booked(1, None)).await;
    let request = answer.body["request_id"].as_str().unwrap().parse().unwrap();
    let events = stored(&world, &tenant).await;
    assert!(!says_who(&events[0]), "{events:?}");
    let shown = world
        .store
        .request(&tenant, request)
        .await
        .unwrap()
        .unwrap();
    let facts = shown.request.document.facts();
    assert_eq!(
        facts.person.name, None,
        "the API is asked first whose it is"
    );
    assert!(facts.external_id.unwrap().ends_with("/invitees/INVITEE1"));
}

#[tokio::test]
async fn answers_come_to_whoever_chose_the_form() {
    let world = World::start().await;
    let form = "https://api.calendly.com/routing_forms/KITCHENS";
    for (settings, forms) in [
        (
            vec![("users", OURS), ("routing_forms", form)],
            [true, false],
        ),
        (vec![("routing_forms", form)], [true, false]),
        (vec![("users", OURS)], [false, false]),
        (vec![], [true, true]),
    ] {
        let tenant = company(&world, &settings).await;
        for (form, is_ours) in ["KITCHENS", "ROOFS"].into_iter().zip(forms) {
            let answer = send(&world, &tenant, &answered(form)).await;
            let is_lead = answer.body["request_id"].is_string();
            assert_eq!(is_lead, is_ours, "{settings:?} {form}: {answer:?}");
        }
        let kept = stored(&world, &tenant).await;
        let with_person = kept.iter().filter(|event| says_who(event)).count();
        let ours = forms.into_iter().filter(|is_ours| *is_ours).count();
        assert_eq!((kept.len(), with_person), (2, ours), "{settings:?}");
    }
}
