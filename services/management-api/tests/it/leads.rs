//! Leads that other systems post.

use std::time::Duration;

use domain::{Reading, Stage, Tenant, TenantStatus};
use http_client::Response;
use management_api::auth::Role::{Operator, TenantAdmin, Viewer};
use secrecy::SecretString;
use serde_json::{Value, json};
use store::{PersonIdentity, Store as _};

use crate::{
    openapi::assert_is_as_described,
    world::{World, body, created, problem, started, tenant},
};

const LEADS: &str = "/v1/tenants/a/leads";

fn lead() -> Value {
    json!({
        "contact": { "name": "Ann Lee", "phone": "(512) 555-0142 x7", "email": "ann.lee@example.com" },
        "place": { "city": "Round Rock", "state": "TX", "postal_code": "78664" },
        "project": { "type": "Kitchen", "budget": "about forty thousand" },
        "message": "We want a new kitchen before spring.",
        "attribution": { "first": { "source": "bing" }, "last": { "source": "google", "gclid": "g-1" } },
        "consent": { "text": "You may call me.", "at": "2020-06-01T11:59:00Z" },
        "occurred_at": "2020-06-01T11:58:00Z",
        "extra": { "referred_by": "Bo" },
    })
}

async fn post(world: &World, lead: &Value) -> Response {
    world.call_as(Operator, "POST", LEADS, Some(lead)).await
}

fn accepted(response: &Response) -> Value {
    let shown = started(response);
    assert_is_as_described(&shown, "AcceptedLead");
    shown
}

async fn shown(world: &World, posted: &Value) -> Value {
    let id = posted["request_id"].as_str().unwrap();
    let path = format!("/v1/tenants/a/requests/{id}");
    let shown = body(&world.get(&path).await);
    assert_is_as_described(&shown, "RequestDetail");
    shown
}

#[tokio::test]
async fn a_posted_lead_is_a_request_before_it_is_answered() {
    let world = World::start().await;
    let posted = accepted(&post(&world, &lead()).await);
    assert_eq!(
        (&posted["status"], &posted["warnings"]),
        (&json!("accepted"), &json!([]))
    );
    assert_eq!(world.handed_over(Stage::Analysis), 1);
    let shown = shown(&world, &posted).await;
    assert_eq!(shown["channel"], "api");
    assert_eq!(shown["headline"], "lead from Ann Lee");
    assert_eq!(shown["contact"]["phone"], "+15125550142");
    assert_eq!(shown["contact"]["extension"], "7");
    assert_eq!(
        shown["about"]["message"],
        "We want a new kitchen before spring."
    );
    assert_eq!(shown["about"]["answers"]["Budget"], "about forty thousand");
    assert_eq!(shown["about"]["occurred_at"], "2020-06-01T11:58:00Z");
    assert_eq!(shown["consent"]["text"], "You may call me.");
    assert_eq!(shown["extra"]["referred_by"], "Bo");

    let events = body(&world.get("/v1/tenants/a/events?provider=direct").await);
    assert_eq!(events["items"][0]["event_id"], posted["event_id"]);
    let path = format!(
        "/v1/tenants/a/events/{}",
        posted["event_id"].as_str().unwrap()
    );
    let event = body(&world.call_as(Operator, "GET", &path, None).await);
    assert_eq!(event["scheme"], "token");
    assert_eq!(event["headers"]["sent-by"], "ann");
    let raw: Value = serde_json::from_str(event["body"].as_str().unwrap()).unwrap();
    assert_eq!(raw, lead());
    let again = world
        .call_as(Operator, "POST", &format!("{path}/replay"), None)
        .await;
    assert_eq!(body(&again)["request_id"], posted["request_id"]);
}

#[tokio::test]
async fn a_key_of_the_scope_ingest_posts_leads_and_reads_nothing() {
    let world = World::start().await;
    let key = async |scope: &str| {
        let new = json!({ "name": "k", "scopes": [scope] });
        let made = world.call_as(TenantAdmin, "POST", "/v1/tenants/a/api-keys", Some(&new));
        let key = created(&made.await)["key"].as_str().unwrap().to_owned();
        SecretString::from(key)
    };
    let ingest = key("ingest").await;
    let posted = accepted(&world.call_by(&ingest, "POST", LEADS, &lead()).await);
    let path = format!(
        "/v1/tenants/a/requests/{}",
        posted["request_id"].as_str().unwrap()
    );
    problem(&world.get_with(&path, &ingest).await, 403);
    problem(
        &world
            .call_by(&ingest, "POST", "/v1/tenants/b/leads", &lead())
            .await,
        404,
    );
    let read = key("read").await;
    let refused = problem(&world.call_by(&read, "POST", LEADS, &lead()).await, 403);
    assert!(
        refused["detail"].as_str().unwrap().contains("ingest"),
        "{refused}"
    );
    problem(
        &world.call_as(Viewer, "POST", LEADS, Some(&lead())).await,
        403,
    );
    let limits = world.call_by(&ingest, "POST", LEADS, &lead()).await;
    assert!(limits.header("ratelimit").is_some());
}

#[tokio::test]
async fn every_fault_is_told_at_once_and_nothing_is_stored() {
    let world = World::start().await;
    let wrong = json!({
        "contact": { "name": "Ann", "mobile": "1" },
        "place": { "city": 5 },
        "occurred_at": "2020-06-03T12:00:00Z",
        "office_id": "ofc_0199f3a1000070008000000000000099",
    });
    let answer = problem(&post(&world, &wrong).await, 422);
    let told = |answer: &Value| {
        let errors = answer["errors"].as_array().unwrap().iter();
        let told = errors.map(|error| format!("{}: {}", error["field"], error["code"]));
        told.collect::<Vec<_>>().join(", ").replace('"', "")
    };
    assert_eq!(
        told(&answer),
        "contact.mobile: unknown_field, place.city: wrong_type, occurred_at: in_the_future, office_id: unknown"
    );
    let later = json!({
        "contact": { "phone": "512 555 0142" },
        "occurred_at": "2020-06-03T12:00:00Z",
        "office_id": "ofc_0199f3a1000070008000000000000099",
    });
    let answer = problem(&post(&world, &later).await, 422);
    assert_eq!(
        told(&answer),
        "occurred_at: in_the_future, office_id: unknown"
    );
    problem(&world.call_as(Operator, "POST", LEADS, None).await, 415);
    let long = json!({ "contact": { "phone": "1" }, "extra": { "x": "x".repeat(300_000) } });
    problem(&post(&world, &long).await, 413);
    let events = body(&world.get("/v1/tenants/a/events").await);
    assert_eq!(events["items"], json!([]));
}

#[tokio::test]
async fn what_cannot_be_used_is_told_and_kept() {
    let world = World::start().await;
    let odd = json!({ "contact": { "phone": "call me", "email": "ann@home" } });
    let posted = accepted(&post(&world, &odd).await);
    let codes: Vec<_> = posted["warnings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|told| &told["code"])
        .collect();
    assert_eq!(codes, ["not_a_phone", "not_an_email"]);
    let shown = shown(&world, &posted).await;
    assert_eq!(shown["person"]["phone"], "call me");
    assert_eq!(shown["contact"]["phone"], Value::Null);
}

#[tokio::test]
async fn a_repeat_is_the_same_request() {
    let world = World::start().await;
    let named = async |lead: &Value, key| {
        world
            .call_with(Operator, "POST", LEADS, Some(lead), key)
            .await
    };
    let first = accepted(&named(&lead(), Some("k1")).await);
    let again = accepted(&named(&lead(), Some("k1")).await);
    assert_eq!(again["status"], "duplicate");
    assert_eq!(again["request_id"], first["request_id"]);
    world.clock.advance(Duration::from_secs(30 * 24 * 3_600));
    let much_later = accepted(&named(&lead(), Some("k1")).await);
    assert_eq!(much_later["request_id"], first["request_id"], "for good");
    let other = accepted(&named(&lead(), Some("k2")).await);
    assert_ne!(other["request_id"], first["request_id"]);

    // Without a name the same body is one lead on one day.
    let unnamed = accepted(&named(&lead(), None).await);
    let twice = accepted(&named(&lead(), None).await);
    assert_eq!(
        (&twice["status"], &twice["request_id"]),
        (&json!("duplicate"), &unnamed["request_id"])
    );
    world.clock.advance(Duration::from_secs(24 * 3_600));
    let tomorrow = accepted(&named(&lead(), None).await);
    assert_ne!(tomorrow["request_id"], unnamed["request_id"]);
}

#[tokio::test]
async fn a_later_post_of_the_same_external_id_changes_the_request() {
    let world = World::start().await;
    let with = |field: &str, value: Value| {
        let mut lead = lead();
        lead["external_id"] = json!("L-1");
        lead[field] = value;
        lead
    };
    let first = with("message", json!("A kitchen."));
    let posted = accepted(&post(&world, &first).await);
    let changed = with("message", json!("Two kitchens."));
    let second = accepted(&post(&world, &changed).await);
    assert_eq!(
        (&second["status"], &second["request_id"]),
        (&json!("accepted"), &posted["request_id"])
    );
    let message = async || shown(&world, &posted).await["about"]["message"].clone();
    assert_eq!(message().await, "Two kitchens.");
    // What is said last holds, though it was said before.
    assert_eq!(
        accepted(&post(&world, &first).await)["request_id"],
        posted["request_id"]
    );
    assert_eq!(message().await, "A kitchen.");
    let less = json!({ "contact": { "phone": "512 555 0142" }, "external_id": "L-1" });
    post(&world, &less).await;
    assert_eq!(message().await, "A kitchen.", "what is left out stays");
    let other = json!({ "contact": { "phone": "512 555 0142" }, "external_id": "L-2" });
    assert_ne!(
        accepted(&post(&world, &other).await)["request_id"],
        posted["request_id"]
    );
}

#[tokio::test]
async fn a_suspended_tenants_lead_is_refused() {
    let world = World::start().await;
    let suspended = Tenant {
        id: tenant("a"),
        name: "Company a".to_owned(),
        status: TenantStatus::Suspended,
    };
    world.store.put_tenant(&suspended).await.unwrap();
    let refused = problem(&post(&world, &lead()).await, 403);
    assert_eq!(refused["errors"][0]["code"], "tenant_suspended");
}

#[tokio::test]
async fn a_stored_lead_reads_as_it_was_posted() {
    let world = World::start().await;
    let posted = accepted(&post(&world, &lead()).await);
    let id = posted["event_id"].as_str().unwrap().parse().unwrap();
    let event = world.store.event(&tenant("a"), id).await.unwrap().unwrap();
    let source = sources::Sources::standard()
        .reader_of(&event.provider)
        .unwrap();
    let delivery =
        sources::Verified::restored(source.spec(), &event.scheme, event.headers, event.body);
    let read = sources::read_for(source, &[], &delivery.unwrap(), None).unwrap();
    let Reading::News(news) = read else {
        panic!("it is a lead")
    };
    let request = event.request.unwrap();
    let view = world
        .store
        .request(&tenant("a"), request)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(view.request.document.source.said, news.facts);
}

#[tokio::test]
async fn linked_requests_show_each_other_until_they_are_taken_apart() {
    let world = World::start().await;
    let mut requests = Vec::new();
    for id in ["L-1", "L-2"] {
        let mut lead = lead();
        lead["external_id"] = json!(id);
        let posted = accepted(&post(&world, &lead).await);
        let request = posted["request_id"].as_str().unwrap().parse().unwrap();
        let phone = domain::E164::parse("+15125550142").unwrap();
        let identities = [PersonIdentity::Phone(phone)];
        let week = Duration::from_secs(7 * 24 * 3_600);
        let (store, tenant) = (&world.store, tenant("a"));
        let identified = store.person_for_request(&tenant, request, &identities, week);
        identified.await.unwrap();
        requests.push(posted);
    }
    let [first, second] = requests.try_into().unwrap();
    for (one, other) in [(&first, &second), (&second, &first)] {
        let links = shown(&world, one).await["links"].clone();
        assert_eq!(links[0]["request_id"], other["request_id"], "{links}");
        assert_eq!(
            (&links[0]["reason"], &links[0]["channel"]),
            (&json!("phone"), &json!("api"))
        );
    }
    let id = |posted: &Value| posted["request_id"].as_str().unwrap().to_owned();
    let path = format!(
        "/v1/tenants/a/requests/{}/links/{}/unlink",
        id(&second),
        id(&first)
    );
    problem(&world.call_as(Viewer, "POST", &path, None).await, 403);
    body(&world.call_as(Operator, "POST", &path, None).await);
    for posted in [&first, &second] {
        assert_eq!(shown(&world, posted).await["links"], json!([]));
    }
    problem(&world.call_as(Operator, "POST", &path, None).await, 409);
    let act = world.acts().await.pop().unwrap();
    assert_eq!(
        act,
        ("ann".to_owned(), "request.unlink".to_owned(), id(&second))
    );
}
