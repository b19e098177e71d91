//! A field mapping, from the CRM's own fields to its records.

use domain::{RequestId, Status, TenantId};
use http::StatusCode;
use serde_json::{Value, json};
use tests::World;

const PATH: &str = "/v1/tenants/tenant_demo/connections/hubspot/mapping";

async fn post(world: &World, id: &str) -> RequestId {
    let lead = json!({
        "external_id": id,
        "contact": { "name": "Nora Whitlock", "phone": "(512) 555-0188", "email": "nora.whitlock@example.com" },
        "place": { "city": "Round Rock", "state": "TX", "postal_code": "78664" },
        "project": { "type": "Bathroom", "budget": "$25,000" },
        "message": "We would like a quote for remodeling our bathroom with a walk-in shower.",
    });
    let posted = world
        .post_to_api("/v1/tenants/tenant_demo/leads", &lead)
        .await;
    assert_eq!(posted.status, StatusCode::ACCEPTED, "{posted:?}");
    posted.body["request_id"].as_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_mapping_is_checked_previewed_saved_and_pushed() {
    let world = World::start().await;
    let tenant = TenantId::new("tenant_demo").unwrap();
    let hubspot = world.simulators().hubspot();
    hubspot.add_property("contacts", "their_town", &[]);
    hubspot.add_property("deals", "job_kind", &["Bath", "Other"]);
    let first = post(&world, "L-1").await;
    world.becomes(first, Status::Completed).await;

    let told = world
        .get_as_admin(&tenant, "connections/hubspot/schema")
        .await;
    let fields = told.body["objects"][1]["fields"].as_array().unwrap();
    let kind = fields
        .iter()
        .find(|field| field["name"] == "job_kind")
        .unwrap();
    assert_eq!(
        (&kind["holds"], &kind["options"]),
        (&json!("choice"), &json!(["Bath", "Other"]))
    );

    let mapping = |bath: &str| {
        json!({ "fields": {
            "contacts": { "their_town": { "from": "property.city", "then": ["upper"] } },
            "deals": { "job_kind": {
                "from": "project.type",
                "then": [{ "map": { "values": { "bathroom": bath }, "otherwise": "Other" } }],
            } },
        } })
    };
    let refused = world
        .put_to_api(PATH, &json!({ "mapping": mapping("Tub") }))
        .await;
    assert_eq!(
        refused.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "{refused:?}"
    );
    let fault = &refused.body["errors"][0];
    assert_eq!(fault["field"], "mapping.fields.deals.job_kind");
    assert!(
        fault["message"].as_str().unwrap().contains("`Tub`"),
        "{fault}"
    );

    // What would be sent is shown before anything is saved, and nothing is written.
    let before = json!([hubspot.contacts(), hubspot.deals()]);
    let wanted = json!({ "request_id": first.to_string(), "mapping": mapping("Bath") });
    let seen = world.post_to_api(&format!("{PATH}/preview"), &wanted).await;
    assert_eq!(seen.status, StatusCode::OK, "{seen:?}");
    assert_eq!(
        (&seen.body["error"], &seen.body["problems"]),
        (&Value::Null, &json!([]))
    );
    let values = values(&seen.body);
    assert_eq!(
        values,
        [("their_town", "ROUND ROCK"), ("job_kind", "Bath")].map(owned)
    );
    assert_eq!(json!([hubspot.contacts(), hubspot.deals()]), before);

    let saved = world
        .put_to_api(
            PATH,
            &json!({ "mapping": mapping("Bath"), "note": "towns" }),
        )
        .await;
    assert_eq!(saved.status, StatusCode::OK, "{saved:?}");
    assert_eq!(saved.body["check"]["is_asked"], true);
    assert_eq!(saved.body["check"]["warnings"], json!([]));
    let second = post(&world, "L-2").await;
    world.becomes(second, Status::Completed).await;
    let contacts = hubspot.contacts();
    assert_eq!(contacts.len(), 1, "one person");
    assert_eq!(contacts[0].property("their_town"), "ROUND ROCK");
    let deals = hubspot.deals();
    let kinds: Vec<_> = deals.iter().map(|deal| deal.property("job_kind")).collect();
    assert_eq!(kinds, ["", "Bath"]);
    let attempts = world.shown(second).await["dispatch_attempts"].clone();
    assert_eq!(attempts[0]["mapping_version"], 1, "{attempts}");
    world.finish().await;
}

fn owned((name, value): (&str, &str)) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

/// The mapped fields of a preview, in order.
fn values(preview: &Value) -> Vec<(String, String)> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let mut found = Vec::new();
    for call in list(&preview["calls"]) {
        for record in list(&call["records"]) {
            for field in list(&record["fields"]) {
                if field["is_mapped"] == true {
                    assert_eq!(field["state"], "ok", "{field}");
                    found.push(owned((
                        field["name"].as_str().unwrap(),
                        field["value"].as_str().unwrap(),
                    )));
                }
            }
        }
    }
    found
}
