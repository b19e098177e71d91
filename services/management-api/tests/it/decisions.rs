//! Approving, rejecting, releasing and replaying requests.

use std::collections::BTreeMap;

use domain::{
    AreaBasis, AreaVerdict, ConnectionName, Engine, Outcome, QualificationSection, RequestId,
    Section, SpamGate, Stage,
};
use management_api::auth::Role::{Operator, Viewer};
use serde_json::{Value, json};

use crate::{
    openapi::assert_is_as_described,
    requests::analysis,
    world::{World, body, problem, wrong_fields},
};

/// A request that the gate let pass, or kept back.
pub(crate) async fn judged(world: &World, number: u32, gate: SpamGate) -> RequestId {
    judged_at(world, number, gate, AreaVerdict::In(AreaBasis::Everywhere)).await
}

async fn judged_at(world: &World, number: u32, gate: SpamGate, area: AreaVerdict) -> RequestId {
    let id = world.call(number).await;
    world.gather().await;
    let hubspot = ConnectionName::new("hubspot").unwrap();
    let qualification = Section::Qualification(QualificationSection {
        missing_fields: Default::default(),
        revision: 0,
        gate,
        gate_reason: None,
        area,
        map: None,
        config_version: 1,
        destinations: BTreeMap::from([(hubspot, "hubspot".to_owned())]),
        notify: false,
    });
    let outcome = Outcome::Done {
        sections: vec![analysis(Engine::Model("m".to_owned())), qualification],
        aliases: Vec::new(),
    };
    world.settle(Stage::Analysis, outcome, Vec::new()).await;
    id
}

async fn act(world: &World, id: RequestId, verb: &str) -> http_client::Response {
    let path = format!("/v1/tenants/a/requests/{id}/{verb}");
    world.call_as(Operator, "POST", &path, None).await
}

fn conflict(answer: &http_client::Response) -> String {
    problem(answer, 409)["detail"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn what_is_in_review_goes_on_once_when_it_is_approved() {
    let world = World::start().await;
    let id = judged(&world, 1, SpamGate::Review).await;
    let path = "/v1/tenants/a/requests?status=in_review";
    let list = body(&world.call_as(Viewer, "GET", path, None).await);
    assert_eq!(list["items"][0]["request_id"], id.to_string());
    assert!(conflict(&act(&world, id, "release").await).contains("approve it"));

    let shown = body(&act(&world, id, "approve").await);
    assert_is_as_described(&shown, "RequestSummary");
    assert_eq!(shown["status"], "processing");
    assert_eq!(world.handed_over(Stage::Dispatch), 1);
    for verb in ["approve", "reject", "release"] {
        assert!(
            conflict(&act(&world, id, verb).await).contains("`processing`"),
            "{verb}"
        );
    }
    world.claim(Stage::Dispatch).await;
    let detail = body(&world.get(&format!("/v1/tenants/a/requests/{id}")).await);
    assert_eq!(
        detail["verdict"],
        json!({ "decision": "approved", "by": "ann", "at": "2020-06-01T12:00:00Z", "overrules_area": false })
    );
    assert_eq!(
        world.acts().await,
        [(
            "ann".to_owned(),
            "request.approve".to_owned(),
            id.to_string()
        )]
    );
}

#[tokio::test]
async fn what_is_rejected_is_quarantined_and_can_be_released() {
    let world = World::start().await;
    let id = judged(&world, 1, SpamGate::Review).await;
    assert_eq!(
        body(&act(&world, id, "reject").await)["status"],
        "quarantined"
    );
    assert!(conflict(&act(&world, id, "approve").await).contains("release it"));
    assert!(conflict(&act(&world, id, "reject").await).contains("already"));
    assert_eq!(world.handed_over(Stage::Dispatch), 0);
    assert_eq!(
        body(&act(&world, id, "release").await)["status"],
        "processing"
    );
    assert_eq!(world.handed_over(Stage::Dispatch), 1);
    let actions: Vec<_> = world
        .acts()
        .await
        .into_iter()
        .map(|(_, action, _)| action)
        .collect();
    assert_eq!(actions, ["request.reject", "request.release"]);
}

#[tokio::test]
async fn what_is_out_of_area_is_released_by_a_person() {
    let world = World::start().await;
    let out = AreaVerdict::Out(AreaBasis::PostalCode);
    let id = judged_at(&world, 1, SpamGate::Pass, out).await;
    let path = format!("/v1/tenants/a/requests/{id}/release");
    problem(&world.call_as(Viewer, "POST", &path, None).await, 403);
    assert!(conflict(&act(&world, id, "approve").await).contains("release it"));
    assert!(conflict(&act(&world, id, "reject").await).contains("`out_of_area`"));
    assert_eq!(world.handed_over(Stage::Dispatch), 0);

    let shown = body(&act(&world, id, "release").await);
    assert_is_as_described(&shown, "RequestSummary");
    assert_eq!(
        (&shown["status"], &shown["area"]),
        (&json!("processing"), &json!("out"))
    );
    assert_eq!(world.handed_over(Stage::Dispatch), 1);
    world.claim(Stage::Dispatch).await;
    let detail = body(&world.get(&format!("/v1/tenants/a/requests/{id}")).await);
    let expected = json!({ "decision": "approved", "by": "ann", "at": "2020-06-01T12:00:00Z", "overrules_area": true });
    assert_eq!(detail["verdict"], expected);
    let acts = world.acts().await;
    assert_eq!(acts.len(), 1, "{acts:?}");
    assert_eq!(acts[0].1, "request.release");
}

#[tokio::test]
async fn two_people_who_decide_at_once_decide_once() {
    let world = World::start().await;
    let id = judged(&world, 1, SpamGate::Review).await;
    let (one, two) = tokio::join!(act(&world, id, "approve"), act(&world, id, "approve"));
    let statuses = [one.status.as_u16(), two.status.as_u16()];
    assert!(
        statuses == [200, 409] || statuses == [409, 200],
        "{statuses:?}"
    );
    assert_eq!(world.acts().await.len(), 1);
}

#[tokio::test]
async fn what_waits_for_a_verdict_with_stopped_work_can_be_decided() {
    let world = World::start().await;
    let id = judged(&world, 1, SpamGate::Review).await;
    let path = format!("/v1/tenants/a/requests/{id}/replay");
    body(
        &world
            .call_as(
                Operator,
                "POST",
                &path,
                Some(&json!({ "from": "recording" })),
            )
            .await,
    );
    let parked = Outcome::Park {
        cause: domain::ParkCause::Permanent,
        reason: "the call is gone".to_owned(),
        answer: None,
    };
    world.settle(Stage::Recording, parked, Vec::new()).await;
    let shown = body(&world.get(&format!("/v1/tenants/a/requests/{id}")).await);
    assert_eq!(shown["status"], "parked");
    body(&act(&world, id, "approve").await);
}

#[tokio::test]
async fn a_request_runs_again_from_a_stage_on() {
    let world = World::start().await;
    let id = judged(&world, 1, SpamGate::Review).await;
    let path = format!("/v1/tenants/a/requests/{id}/replay");
    let replay = async |body: Value| world.call_as(Operator, "POST", &path, Some(&body)).await;
    let shown = body(&replay(json!({ "from": "analysis" })).await);
    assert_is_as_described(&shown, "RequestSummary");
    assert_eq!(world.handed_over(Stage::Analysis), 1);
    let entry = world.audit("a").await.pop().unwrap();
    assert_eq!(
        (entry.action.as_str(), entry.object),
        ("request.replay", id.to_string())
    );
    assert_eq!(entry.detail, "from analysis on");

    assert!(
        conflict(&replay(json!({ "from": "notification" })).await).contains("withheld from CRMs")
    );
    let wrong = replay(json!({ "from": "nowhere" })).await;
    assert_eq!(wrong_fields(&wrong), ["from"]);
    let shown = problem(&wrong, 422).to_string();
    for stage in Stage::ALL {
        assert!(shown.contains(stage.as_str()), "{shown}");
    }
    assert_eq!(wrong_fields(&replay(json!({})).await), ["from"]);
    assert_eq!(
        wrong_fields(&replay(json!({ "from": "analysis", "to": "dispatch" })).await),
        ["to"]
    );
    assert_eq!(world.acts().await.len(), 1);
}

#[tokio::test]
async fn an_id_of_nothing_is_not_found() {
    let world = World::start().await;
    let id = RequestId::from_uuid(uuid::Uuid::from_u128(7));
    for verb in ["approve", "reject", "release"] {
        problem(&act(&world, id, verb).await, 404);
    }
    let path = format!("/v1/tenants/a/requests/{id}/replay");
    let body = json!({ "from": "analysis" });
    problem(
        &world.call_as(Operator, "POST", &path, Some(&body)).await,
        404,
    );
}

#[tokio::test]
async fn whoever_was_called_needs_no_call_any_more() {
    let world = World::start().await;
    let id = judged(&world, 1, SpamGate::Pass).await;
    let path = format!("/v1/tenants/a/requests/{id}/touches");
    let call = json!({ "kind": "call", "outcome": "left_message", "note": "  wants a visit  " });
    let shown = body(&world.call_as(Operator, "POST", &path, Some(&call)).await);
    assert_is_as_described(&shown, "RequestSummary");
    assert_eq!(shown["needs_call"], json!(false));
    assert_eq!(
        shown["touch"],
        json!({ "first_at": "2020-06-01T12:00:00Z", "by": "ann" })
    );
    let detail = body(&world.get(&format!("/v1/tenants/a/requests/{id}")).await);
    assert_is_as_described(&detail, "RequestDetail");
    assert_eq!(
        detail["touches"],
        json!([{ "kind": "call", "outcome": "left_message", "note": "wants a visit", "by": "ann", "at": "2020-06-01T12:00:00Z" }])
    );
    let list = body(&world.get("/v1/tenants/a/requests?needs_call=true").await);
    assert_eq!(list["items"], json!([]));
    assert_eq!(
        world.acts().await,
        [("ann".to_owned(), "request.touch".to_owned(), id.to_string())]
    );
    for wrong in [
        json!({ "kind": "fax" }),
        json!({ "kind": "call", "note": "a".repeat(2_001) }),
        json!({ "kind": "call", "by": "somebody else" }),
    ] {
        problem(
            &world.call_as(Operator, "POST", &path, Some(&wrong)).await,
            422,
        );
    }
    let odd = world.get("/v1/tenants/a/requests?needs_call=perhaps").await;
    assert!(
        problem(&odd, 422)["errors"]
            .to_string()
            .contains("needs_call")
    );
}
