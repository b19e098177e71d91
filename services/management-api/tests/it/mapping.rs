//! Field mappings of connections. No CRM can be asked here.

use management_api::auth::Role::{TenantAdmin, Viewer};
use serde_json::{Value, json};

use crate::{
    openapi::assert_is_as_described,
    world::{World, body, problem, wrong_fields},
};

const PATH: &str = "/v1/tenants/a/connections/crm/mapping";

async fn world() -> World {
    let world = World::start().await;
    let secret = json!({ "secret": "pat-na1-one", "provider": "hubspot" });
    let path = "/v1/tenants/a/connections/crm/secret";
    body(&world.call_as(TenantAdmin, "PUT", path, Some(&secret)).await);
    world
}

fn town(then: &str) -> Value {
    json!({ "fields": { "contacts": { "town": { "from": "property.city", "then": [then] } } } })
}

async fn put(world: &World, version: u64, mapping: &Value) -> http_client::Response {
    let new = json!({ "mapping": mapping, "note": format!("upon {version}") });
    let version = format!("\"{version}\"");
    world
        .call_on(TenantAdmin, ("PUT", PATH), &version, &new)
        .await
}

#[tokio::test]
async fn a_mapping_has_versions_and_a_way_back() {
    let world = world().await;
    let shown = body(&world.call_as(Viewer, "GET", PATH, None).await);
    assert_is_as_described(&shown, "FieldMapping");
    assert_eq!(shown["version"], 0);
    assert_eq!(shown["mapping"], json!({ "fields": {} }));
    let usual = shown["usual"].as_array().unwrap();
    let is_key =
        |field: &&Value| field["field"] == "lead_external_id" && field["mapping"] == "none";
    assert!(usual.iter().any(|field| is_key(&field)), "{usual:?}");

    for (version, then) in [(0, "upper"), (1, "lower")] {
        let saved = put(&world, version, &town(then)).await;
        assert_eq!(saved.header("etag"), Some(&*format!("\"{}\"", version + 1)));
        let saved = body(&saved);
        assert_is_as_described(&saved, "FieldMapping");
        assert_eq!(saved["mapping"], town(then));
        // It is saved although nobody could be asked, and that is said.
        assert_eq!(saved["check"]["is_asked"], false);
        let detail = saved["check"]["detail"].as_str().unwrap();
        assert!(detail.contains("could not be asked"), "{detail}");
    }
    let late = problem(&put(&world, 1, &town("upper")).await, 412);
    assert_eq!(late["current"]["version"], 2);
    let unsaid = json!({ "mapping": town("upper") });
    problem(
        &world.call_as(TenantAdmin, "PUT", PATH, Some(&unsaid)).await,
        428,
    );

    let versions = format!("{PATH}/versions");
    let list = body(&world.call_as(Viewer, "GET", &versions, None).await);
    let notes: Vec<_> = list["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["note"])
        .collect();
    assert_eq!(notes, ["upon 1", "upon 0"]);
    let diff = body(
        &world
            .call_as(Viewer, "GET", &format!("{PATH}/diff"), None)
            .await,
    );
    assert_is_as_described(&diff, "ConfigDiff");
    assert!(!diff["items"].as_array().unwrap().is_empty(), "{diff}");
    let restore = format!("{versions}/1/restore");
    let call = ("POST", restore.as_str());
    let restored = body(
        &world
            .call_on(TenantAdmin, call, "\"2\"", &Value::Null)
            .await,
    );
    assert_eq!(
        (&restored["version"], &restored["mapping"]),
        (&json!(3), &town("upper"))
    );
    let why = json!({ "note": "the field is gone" });
    let restore = format!("{versions}/2/restore");
    let call = ("POST", restore.as_str());
    let noted = body(&world.call_on(TenantAdmin, call, "\"3\"", &why).await);
    assert_eq!(noted["note"], why["note"]);
    let old = body(
        &world
            .call_as(Viewer, "GET", &format!("{versions}/2"), None)
            .await,
    );
    assert_eq!(old["mapping"], town("lower"));
    let acts = world.acts().await;
    let acts: Vec<_> = acts.iter().map(|(_, act, _)| act.as_str()).collect();
    assert_eq!(
        acts.iter().filter(|act| **act == "mapping.save").count(),
        2,
        "{acts:?}"
    );
    assert_eq!(
        acts.iter().filter(|act| **act == "mapping.restore").count(),
        2,
        "{acts:?}"
    );
}

#[tokio::test]
async fn what_no_lead_could_be_mapped_by_is_refused_with_its_paths() {
    let world = world().await;
    let mapping = json!({ "fields": {
        "contacts": { "lead_external_id": "lead_id", "town": "property.ctiy" },
        "companies": {},
    } });
    let mut fields = wrong_fields(&put(&world, 0, &mapping).await);
    fields.sort();
    let expected = [
        "mapping.fields.companies",
        "mapping.fields.contacts.lead_external_id",
        "mapping.fields.contacts.town",
    ];
    assert_eq!(fields, expected);
    let path = "/v1/tenants/a/connections/nobody/mapping";
    problem(&world.call_as(Viewer, "GET", path, None).await, 404);
    world.mail_connection().await;
    let path = "/v1/tenants/a/connections/sendgrid/mapping";
    problem(&world.call_as(Viewer, "GET", path, None).await, 409);
}

#[tokio::test]
async fn where_nobody_can_be_asked_a_preview_and_a_schema_say_so() {
    let world = world().await;
    let request = world.call(1).await;
    let wanted = json!({ "request_id": request.to_string() });
    let path = format!("{PATH}/preview");
    let refused = world
        .call_as(TenantAdmin, "POST", &path, Some(&wanted))
        .await;
    problem(&refused, 409);
    let path = "/v1/tenants/a/connections/crm/schema";
    let shown = body(&world.call_as(TenantAdmin, "GET", path, None).await);
    assert_is_as_described(&shown, "ConnectionSchema");
    assert_eq!(shown["is_told"], false);
}

#[tokio::test]
async fn the_schema_of_mappings_is_served() {
    let world = World::start().await;
    let answer = world.get_openly("/v1/schemas/field-mapping").await;
    let schema: Value = answer.json().unwrap();
    let compiled = jsonschema::validator_for(&schema).unwrap();
    assert!(compiled.is_valid(&town("upper")));
    for wrong in [
        json!({ "fields": { "deals": { "a": { "from": "note", "value": 1 } } } }),
        json!({ "fields": { "deals": { "a": { "from": "note", "then": ["shout"] } } } }),
        json!({ "extra": 1 }),
    ] {
        assert!(!compiled.is_valid(&wrong), "{wrong}");
    }
}
