//! People decide what becomes of a lead in doubt.

use domain::Status;
use http::{Method, StatusCode};
use pipeline::demo;
use serde_json::{Value, json};
use tests::{Form, World, in_both_forms};

use super::{act, acts, call, command, counts, delivered, json_of};

in_both_forms![
    an_approval_lets_a_request_go_on_exactly_once,
    what_was_rejected_is_quarantined_until_it_is_released,
];

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
