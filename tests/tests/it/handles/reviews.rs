//! People decide what becomes of a lead in doubt.

use domain::{RequestId, Status};
use http::{Method, StatusCode};
use pipeline::demo;
use serde_json::{Value, json};
use tests::{CallBody, Form, World, in_both_forms, sha1_signature};

use super::{act, acts, call, command, counts, delivered, json_of};

in_both_forms![
    an_approval_lets_a_request_go_on_exactly_once,
    what_was_rejected_is_quarantined_until_it_is_released,
    what_is_out_of_area_goes_on_when_a_person_says_so,
    what_the_source_marked_as_spam_is_released,
    a_delivery_that_cannot_be_read_is_shown_as_it_came,
];

/// Delivers a call whose simulated provider says this of it.
async fn delivered_as(world: &World, id: &str, said: Value) -> RequestId {
    let callrail = world.simulators().callrail();
    callrail.register(id, said).unwrap();
    delivered(world, id).await
}

async fn what_is_out_of_area_goes_on_when_a_person_says_so(form: Form) {
    let world = World::of(form).await;
    let outside = json!({ "recording": "out-of-area" });
    let request = delivered_as(&world, "CALfaraway", outside).await;
    world.becomes(request, Status::OutOfArea).await;
    let id = request.to_string();
    let list = command(&world, &["quarantine", "list", "--out-of-area"]).await;
    assert!(list.as_ref().unwrap().contains(&id), "{list:?}");
    let refused = command(&world, &["review", "approve", &id]).await;
    let refused = refused.unwrap_err();
    let instead = format!("instead: `pipeline quarantine release {id}`");
    assert!(refused.contains(&instead), "{refused}");
    assert_eq!(counts(&world), (0, 0, 0));

    command(&world, &["quarantine", "release", &id])
        .await
        .unwrap();
    world.becomes(request, Status::Completed).await;
    assert_eq!(counts(&world), (1, 1, 1));
    let again = format!("/v1/tenants/tenant_demo/requests/{id}/release");
    let again = call(&world, Method::POST, &again, &Value::Null).await;
    assert_eq!(again.status, StatusCode::CONFLICT, "{again:?}");
    let expected = [act("ann", "request.release", &id)];
    assert_eq!(acts(&world, demo::TENANT).await, expected);
    world.finish().await;
}

async fn a_delivery_that_cannot_be_read_is_shown_as_it_came(form: Form) {
    let world = World::of(form).await;
    let body = format!("{} Mara Quill \u{1b}[2J", "[".repeat(500));
    let signature = sha1_signature(simulators::callrail::SIGNING_KEY, body.as_bytes());
    let headers = [
        ("content-type", "application/json"),
        ("signature", signature.as_str()),
    ];
    let path = "/v1/hooks/demo-callrail/post-call";
    let request = world.post(path, &headers, body.into_bytes()).await;
    let request = request.request_id();
    world.becomes(request, Status::Parked).await;
    let id = request.to_string();
    let shown = command(&world, &["request", "delivery", &id]).await;
    let shown = shown.unwrap();
    for part in ["Mara Quill", "callrail", "content-type"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    assert!(!shown.contains('\u{1b}'), "it steers the terminal");
    world.finish().await;
}

async fn what_the_source_marked_as_spam_is_released(form: Form) {
    let world = World::of(form).await;
    let body = CallBody::post_call("CALmarked").with("spam", json!(true));
    let request = world.deliver("post-call", &body).await.request_id();
    let view = world.becomes(request, Status::Quarantined).await;
    let section = view.request.document.qualification.unwrap();
    assert_eq!(section.gate_reason.as_deref(), Some("marked by the source"));
    assert_eq!(counts(&world), (0, 0, 0));

    let id = request.to_string();
    command(&world, &["quarantine", "release", &id])
        .await
        .unwrap();
    world.becomes(request, Status::Completed).await;
    assert_eq!(counts(&world), (1, 1, 1));
    world.finish().await;
}

async fn an_approval_lets_a_request_go_on_exactly_once(form: Form) {
    let world = World::of(form).await;
    world
        .simulators()
        .gemini()
        .answer_with(json!({ "spam_likelihood": 60 }));
    let request = delivered(&world, "CALreview").await;
    world.becomes(request, Status::InReview).await;
    let id = request.to_string();
    let list = json_of(&world, &["review", "list"]).await;
    assert_eq!(list["items"][0]["request_id"], id);
    let refused = command(&world, &["quarantine", "release", &id])
        .await
        .unwrap_err();
    let instead = format!("instead: `pipeline review approve {id}`");
    assert!(refused.contains(&instead), "{refused}");

    command(&world, &["review", "approve", &id]).await.unwrap();
    let again = format!("/v1/tenants/tenant_demo/requests/{id}/approve");
    let again = call(&world, Method::POST, &again, &Value::Null).await;
    assert_eq!(again.status, StatusCode::CONFLICT, "{again:?}");
    let view = world.becomes(request, Status::Completed).await;
    assert_eq!(view.request.document.verdict.unwrap().by, "ann");
    assert_eq!(counts(&world), (1, 1, 1));
    let again = command(&world, &["review", "approve", &id])
        .await
        .unwrap_err();
    assert!(again.contains("`completed`"), "{again}");
    assert_eq!(
        acts(&world, demo::TENANT).await,
        [act("ann", "request.approve", &id)]
    );
    world.finish().await;
}

async fn what_was_rejected_is_quarantined_until_it_is_released(form: Form) {
    let world = World::of(form).await;
    world
        .simulators()
        .gemini()
        .answer_with(json!({ "spam_likelihood": 60 }));
    let request = delivered(&world, "CALreject").await;
    world.becomes(request, Status::InReview).await;
    let id = request.to_string();
    command(&world, &["review", "reject", &id]).await.unwrap();
    assert_eq!(
        world.view(request).await.request.status,
        Status::Quarantined
    );
    assert_eq!(counts(&world), (0, 0, 0));
    let list = command(&world, &["quarantine", "list"]).await.unwrap();
    assert!(list.contains(&id), "{list}");
    let refused = command(&world, &["review", "approve", &id])
        .await
        .unwrap_err();
    let instead = format!("instead: `pipeline quarantine release {id}`");
    assert!(refused.contains(&instead), "{refused}");

    command(&world, &["quarantine", "release", &id])
        .await
        .unwrap();
    world.becomes(request, Status::Completed).await;
    assert_eq!(counts(&world), (1, 1, 1));
    let expected = [
        act("ann", "request.reject", &id),
        act("ann", "request.release", &id),
    ];
    assert_eq!(acts(&world, demo::TENANT).await, expected);
    world.finish().await;
}
