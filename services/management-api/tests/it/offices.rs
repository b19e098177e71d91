//! Offices: created, shown, changed.

use std::time::Duration;

use http_client::Response;
use management_api::auth::Role::{TenantAdmin, Viewer};
use serde_json::{Value, json};

use crate::{
    openapi::assert_is_as_described,
    world::{World, body, created, problem, wrong_fields},
};

const PATH: &str = "/v1/tenants/a/offices";

fn austin() -> Value {
    json!({
        "name": "Austin",
        "address": "500 Example Ave, Austin, TX 78701",
        "time_zone": "America/Chicago",
        "business_hours": { "monday": [{ "from": "06:00", "to": "12:00" }, { "from": "13:00", "to": "24:00" }] },
    })
}

async fn post(world: &World, office: &Value, key: Option<&str>) -> Response {
    world
        .call_with(TenantAdmin, "POST", PATH, Some(office), key)
        .await
}

#[tokio::test]
async fn an_office_is_created_shown_and_changed() {
    let world = World::start().await;
    let answer = post(&world, &austin(), None).await;
    let shown = created(&answer);
    assert_is_as_described(&shown, "Office");
    assert_eq!(answer.header("etag"), Some("\"1\""));
    assert_eq!(
        (&shown["version"], &shown["config_version"]),
        (&json!(1), &json!(0))
    );
    // It is a Monday, seven in the morning there.
    assert_eq!(shown["is_open"], true);
    assert_eq!(shown["business_hours"]["monday"][1]["to"], "24:00");
    assert_eq!(shown["business_hours"]["sunday"], json!([]));

    let path = format!("{PATH}/{}", shown["office_id"].as_str().unwrap());
    let list = body(&world.get(PATH).await);
    assert_is_as_described(&list, "OfficeList");
    assert_eq!(list["items"], json!([shown]));
    assert_eq!(body(&world.get(&path).await), shown);

    let moved = json!({ "name": "Round Rock", "time_zone": "america/denver" });
    let answer = world
        .call_on(TenantAdmin, ("PUT", &path), "\"1\"", &moved)
        .await;
    let now = body(&answer);
    assert_eq!(answer.header("etag"), Some("\"2\""));
    assert_eq!(
        [
            &now["name"],
            &now["address"],
            &now["business_hours"],
            &now["is_open"]
        ],
        [&json!("Round Rock"), &json!(""), &Value::Null, &Value::Null]
    );
    let id = shown["office_id"].as_str().unwrap().to_owned();
    let act = |action: &str| ("ann".to_owned(), action.to_owned(), id.clone());
    assert_eq!(
        world.acts().await,
        [act("office.create"), act("office.change")]
    );
}

#[tokio::test]
async fn a_call_that_is_repeated_creates_one_office() {
    let world = World::start().await;
    let first = created(&post(&world, &austin(), Some("k-1")).await);
    assert_eq!(created(&post(&world, &austin(), Some("k-1")).await), first);
    let mut other = austin();
    other["name"] = json!("Dallas");
    assert_eq!(
        wrong_fields(&post(&world, &other, Some("k-1")).await),
        ["Idempotency-Key"]
    );
    let second = created(&post(&world, &austin(), None).await);
    assert_ne!(second["office_id"], first["office_id"]);
    assert_eq!(
        body(&world.get(PATH).await)["items"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
}

#[tokio::test]
async fn a_name_of_a_call_is_its_callers_own_and_forgotten_after_a_day() {
    let world = World::start().await;
    let first = created(&post(&world, &austin(), Some("k-1")).await);
    let ben = world.token_of("ben", &[TenantAdmin], &["a"]);
    let mut dallas = austin();
    dallas["name"] = json!("Dallas");
    let his = world
        .call_with_token(&ben, "POST", PATH, Some(&dallas), Some("k-1"))
        .await;
    assert_ne!(created(&his)["office_id"], first["office_id"]);
    world.clock.advance(Duration::from_secs(25 * 3_600));
    let later = created(&post(&world, &austin(), Some("k-1")).await);
    assert_ne!(later["office_id"], first["office_id"]);
    assert_eq!(
        created(&post(&world, &austin(), Some("k-1")).await)["office_id"],
        later["office_id"]
    );
}

#[tokio::test]
async fn a_later_office_takes_no_leads_over() {
    let world = World::start().await;
    let first = created(&post(&world, &austin(), None).await);
    world.clock.advance(Duration::from_secs(1));
    // An id of a named call can be smaller than any that was made before. This one is the smallest.
    let second = world.office_of("a").await;
    let lead = world.call(1).await;
    let first = first["office_id"].as_str().unwrap();
    let list = body(&world.get(PATH).await);
    assert_eq!(list["items"][0]["office_id"], first);
    for (office, leads) in [(first, 1), (&second.to_string(), 0)] {
        let path = format!("/v1/tenants/a/requests?office_id={office}");
        let found = body(&world.get(&path).await);
        assert_eq!(found["items"].as_array().unwrap().len(), leads, "{office}");
        let path = format!("/v1/tenants/a/metrics/summary?office={office}");
        let figures = body(&world.get(&path).await);
        let mut figures = figures.as_array().unwrap().iter();
        let came_in = figures.find(|figure| figure["key"] == "came_in").unwrap();
        assert_eq!(came_in["value"], json!(leads as f64), "{office}");
    }
    let saved = json!({ "config": { "spam": { "review_from": 7 } } });
    let path = format!("{PATH}/{first}/config");
    body(&world.call_as(TenantAdmin, "PUT", &path, Some(&saved)).await);
    world.gather().await;
    let work = world.claim(domain::Stage::Analysis).await;
    assert_eq!(work.row.key.request, lead);
    assert_eq!(work.config.workflow.spam.review_from.to_string(), "7");
}

#[tokio::test]
async fn every_fault_of_an_office_is_named() {
    let world = World::start().await;
    let office = json!({
        "name": 5,
        "time_zone": "America/Austin",
        "business_hours": { "monday": [{ "from": "17:00", "to": "08:00" }], "holidays": [] },
        "zone": 1,
    });
    let expected = [
        "name",
        "time_zone",
        "business_hours.holidays",
        "zone",
        "business_hours.monday.0.to",
    ];
    assert_eq!(wrong_fields(&post(&world, &office, None).await), expected);
    assert_eq!(wrong_fields(&post(&world, &json!([]), None).await), [""]);
    let office = json!({ "business_hours": { "monday": [{ "from": "17:00", "to": "08:00" }] } });
    let expected = ["name", "time_zone", "business_hours.monday.0.to"];
    assert_eq!(wrong_fields(&post(&world, &office, None).await), expected);
    assert!(world.acts().await.is_empty());
}

#[tokio::test]
async fn an_office_is_removed_when_nothing_is_left_of_it() {
    let world = World::start().await;
    let used_id = world.office_of("a").await;
    let added = created(&post(&world, &austin(), None).await);
    let paths = [
        used_id.to_string(),
        added["office_id"].as_str().unwrap().to_owned(),
    ];
    let [used, added] = paths.map(|id| format!("{PATH}/{id}"));
    problem(
        &world.call_as(TenantAdmin, "DELETE", &added, None).await,
        428,
    );
    let remove = async |path: &str| {
        let nothing = Value::Null;
        world
            .call_on(TenantAdmin, ("DELETE", path), "*", &nothing)
            .await
    };
    // A call of the first office has still to be worked on.
    world.call_at(used_id, 1).await;
    let told = problem(&remove(&used).await, 409);
    assert!(
        told["detail"]
            .as_str()
            .unwrap()
            .contains("under way, 1 in all"),
        "{told}"
    );
    let was = body(&remove(&added).await);
    assert_is_as_described(&was, "Office");
    problem(&world.get(&added).await, 404);
    problem(&remove(&added).await, 404);
    let left = body(&world.get(PATH).await);
    assert_eq!(left["items"].as_array().unwrap().len(), 1);
    let told = problem(&remove(&used).await, 409);
    assert!(
        told["detail"].as_str().unwrap().contains("only office"),
        "{told}"
    );
    let acts: Vec<_> = world
        .acts()
        .await
        .into_iter()
        .map(|(_, act, _)| act)
        .collect();
    assert_eq!(
        acts.last().map(String::as_str),
        Some("office.remove"),
        "{acts:?}"
    );
}

#[tokio::test]
async fn an_office_changes_from_what_its_editor_saw() {
    let world = World::start().await;
    let first = created(&post(&world, &austin(), None).await);
    let path = format!("{PATH}/{}", first["office_id"].as_str().unwrap());
    let unsaid = world
        .call_as(TenantAdmin, "PUT", &path, Some(&austin()))
        .await;
    problem(&unsaid, 428);
    let named = |name: &str| {
        let mut office = austin();
        office["name"] = json!(name);
        office
    };
    let put = async |version: &str, name: &str| {
        world
            .call_on(TenantAdmin, ("PUT", &path), version, &named(name))
            .await
    };
    body(&put("\"1\"", "Ann's").await);
    let told = problem(&put("\"1\"", "Ben's").await, 412);
    assert_is_as_described(&told, "Problem");
    assert_eq!(
        (
            &told["seen"]["config"]["name"],
            &told["current"]["config"]["name"]
        ),
        (&json!("Austin"), &json!("Ann's"))
    );
    assert_eq!(told["current"]["author"], "ann");
    let shown = body(&world.get(&path).await);
    let current = told["current"]["config"].as_object().unwrap();
    let names: Vec<_> = current.keys().map(String::as_str).collect();
    assert_eq!(names, ["address", "business_hours", "name", "time_zone"]);
    for (name, value) in current {
        assert_eq!(value, &shown[name], "{name}");
    }
    assert_eq!(wrong_fields(&put("1", "Ben's").await), ["If-Match"]);
    body(&put("*", "Ben's").await);
    let viewer = world
        .call_on(Viewer, ("PUT", &path), "*", &named("Viewer's"))
        .await;
    problem(&viewer, 403);
}
