use std::time::Duration;

use serde_json::{Value, json};
use simulators::Fault;
use simulators::hubspot::Conflict;

use crate::world::{Answer, World, client, get, send};

const TOKEN: &str = "pat-na1-simulated-hubspot-token";

async fn call(world: &World, method: &str, path: &str, body: Option<Value>) -> Answer {
    let url = format!("{}{path}", world.simulators.hubspot().base_url());
    let mut request = client()
        .request(method.parse().unwrap(), url)
        .bearer_auth(TOKEN);
    if let Some(body) = body {
        request = request.json(&body);
    }
    send(request).await
}

async fn post(world: &World, path: &str, body: Value) -> Answer {
    call(world, "POST", path, Some(body)).await
}

/// Makes the unique property that a product keys its contacts by.
async fn unique_property(world: &World, kind: &str, name: &str) -> Answer {
    let property = json!({
        "name": name, "label": "Lead id", "type": "string", "fieldType": "text", "groupName": "information",
        "hasUniqueValue": true,
    });
    post(world, &format!("/crm/v3/properties/{kind}"), property).await
}

fn upsert(id: &str, mut properties: Value) -> Value {
    properties["lead_id"] = json!(id);
    json!({ "inputs": [{ "idProperty": "lead_id", "id": id, "objectWriteTraceId": id, "properties": properties }] })
}

const UPSERT: &str = "/crm/v3/objects/contacts/batch/upsert";

#[tokio::test]
async fn a_request_without_a_good_token_is_refused() {
    let world = World::start().await;
    let url = format!(
        "{}/crm/v3/objects/contacts",
        world.simulators.hubspot().base_url()
    );
    let refused = send(
        client()
            .post(&url)
            .bearer_auth("pat-other")
            .json(&json!({})),
    )
    .await
    .expect(401);
    assert_eq!(refused["category"], "INVALID_AUTHENTICATION");
    assert!(refused["correlationId"].is_string());
}

#[tokio::test]
async fn an_upsert_twice_makes_one_contact() {
    let world = World::start().await;
    unique_property(&world, "contacts", "lead_id")
        .await
        .expect(201);
    let row = upsert(
        "ld_1",
        json!({ "firstname": "Dana", "phone": "+15125550142" }),
    );
    let first = post(&world, UPSERT, row.clone()).await;
    assert_eq!(
        first.header("x-hubspot-ratelimit-interval-milliseconds"),
        "10000"
    );
    let first = first.expect(200);
    assert_eq!(
        (&first["results"][0]["new"], &first["status"]),
        (&json!(true), &json!("COMPLETE"))
    );
    let second = post(&world, UPSERT, row).await.expect(200);
    assert_eq!(second["results"][0]["new"], false);
    assert_eq!(second["results"][0]["id"], first["results"][0]["id"]);
    assert_eq!(second["results"][0]["objectWriteTraceId"], "ld_1");
    let contacts = world.simulators.hubspot().contacts();
    assert_eq!(contacts.len(), 1);
    assert_eq!(
        contacts[0].property("hs_searchable_calculated_phone_number"),
        "5125550142"
    );
}

#[tokio::test]
async fn a_taken_email_is_a_conflict_as_configured() {
    for conflict in [Conflict::Status, Conflict::Row] {
        let world =
            World::with(|config| config.of::<simulators::hubspot::Config>().conflict = conflict)
                .await;
        unique_property(&world, "contacts", "lead_id")
            .await
            .expect(201);
        let id = world
            .simulators
            .hubspot()
            .add_contact(&[("email", "Dana@example.com")]);
        let answer = post(
            &world,
            UPSERT,
            upsert("ld_1", json!({ "email": "dana@example.com" })),
        )
        .await;
        let wanted = format!("Contact already exists. Existing ID: {id}");
        match conflict {
            Conflict::Status => assert_eq!(answer.expect(409)["message"], wanted),
            Conflict::Row => {
                let answer = answer.expect(207);
                assert_eq!(answer["numErrors"], 1);
                assert_eq!(answer["errors"][0]["message"], wanted);
                assert_eq!(
                    answer["errors"][0]["context"]["objectWriteTraceId"],
                    json!(["ld_1"])
                );
            }
        }
    }
}

#[tokio::test]
async fn a_bad_row_fails_alone() {
    let world = World::start().await;
    unique_property(&world, "contacts", "lead_id")
        .await
        .expect(201);
    let mut both = upsert("ld_1", json!({ "firstname": "Dana" }));
    let bad = upsert(
        "ld_2",
        json!({ "email": "not-an-email", "shoe_size": "44" }),
    );
    both["inputs"]
        .as_array_mut()
        .unwrap()
        .push(bad["inputs"][0].clone());
    let mixed = post(&world, UPSERT, both).await.expect(207);
    assert_eq!(mixed["results"].as_array().unwrap().len(), 1);
    let codes: Vec<_> = mixed["errors"][0]["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| &error["code"])
        .collect();
    assert_eq!(codes, ["INVALID_EMAIL", "PROPERTY_DOESNT_EXIST"]);
    post(&world, UPSERT, bad).await.expect(400);
}

#[tokio::test]
async fn values_are_strings_of_bounded_length_and_known_options() {
    let world = World::start().await;
    let create = async |kind: &str, properties: Value| {
        post(
            &world,
            &format!("/crm/v3/objects/{kind}"),
            json!({ "properties": properties }),
        )
        .await
        .status
    };
    assert_eq!(create("contacts", json!({ "firstname": 7 })).await, 400);
    assert_eq!(
        create("contacts", json!({ "firstname": "a".repeat(65_537) })).await,
        400
    );
    assert_eq!(
        create("contacts", json!({ "phone": "+15125550142" })).await,
        400
    );
    assert_eq!(
        create(
            "contacts",
            json!({ "firstname": "Dana", "hs_object_id": "1" })
        )
        .await,
        400
    );
    assert_eq!(create("deals", json!({ "dealname": "Kitchen" })).await, 400);
    assert_eq!(
        create(
            "deals",
            json!({ "dealname": "Kitchen", "dealstage": "dreaming" })
        )
        .await,
        400
    );
    assert_eq!(
        create(
            "deals",
            json!({ "dealname": "Kitchen", "dealstage": "qualifiedtobuy", "amount": "much" })
        )
        .await,
        400
    );
    assert_eq!(
        create(
            "deals",
            json!({ "dealname": "Kitchen", "dealstage": "qualifiedtobuy", "amount": "45000" })
        )
        .await,
        201
    );
    assert_eq!(
        create("notes", json!({ "hs_note_body": "hello" })).await,
        400
    );
}

#[tokio::test]
async fn upserts_by_a_property_that_is_not_unique_are_refused() {
    let world = World::start().await;
    let rows = json!({ "inputs": [{ "idProperty": "firstname", "id": "Dana", "properties": {} }] });
    let refused = post(&world, UPSERT, rows).await.expect(400);
    assert!(refused["message"].as_str().unwrap().contains("non-unique"));
}

#[tokio::test]
async fn unique_properties_exist_once_and_are_ten_at_most() {
    let world = World::start().await;
    unique_property(&world, "deals", "deal_id")
        .await
        .expect(201);
    assert_eq!(
        unique_property(&world, "deals", "deal_id")
            .await
            .expect(409)["category"],
        "OBJECT_ALREADY_EXISTS"
    );
    let read = call(&world, "GET", "/crm/v3/properties/deals/deal_id", None)
        .await
        .expect(200);
    assert_eq!(read["hasUniqueValue"], true);
    call(&world, "GET", "/crm/v3/properties/deals/nothing", None)
        .await
        .expect(404);
    for number in 1..10 {
        unique_property(&world, "deals", &format!("extra_{number}"))
            .await
            .expect(201);
    }
    unique_property(&world, "deals", "one_too_many")
        .await
        .expect(400);
}

#[tokio::test]
async fn contacts_deals_and_notes_are_associated_and_viewed_so() {
    let world = World::start().await;
    let hubspot = world.simulators.hubspot();
    let contact = hubspot.add_contact(&[("firstname", "Dana")]);
    let mut deals = Vec::new();
    for name in ["Kitchen", "Bathroom"] {
        let deal =
            json!({ "properties": { "dealname": name, "dealstage": "appointmentscheduled" } });
        deals.push(
            post(&world, "/crm/v3/objects/deals", deal)
                .await
                .expect(201)["id"]
                .as_str()
                .unwrap()
                .to_owned(),
        );
    }
    for deal in [&deals[0], &deals[1], &deals[1]] {
        let path = format!("/crm/v4/objects/contacts/{contact}/associations/default/deals/{deal}");
        let answer = call(&world, "PUT", &path, None).await.expect(200);
        assert_eq!(
            answer["results"][0]["associationSpec"]["associationTypeId"],
            4
        );
    }
    let types = json!([{ "associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 202 }]);
    let note = json!({
        "properties": { "hs_timestamp": "2026-11-02T15:04:06Z", "hs_note_body": "Call back" },
        "associations": [{ "to": { "id": contact }, "types": types }],
    });
    post(&world, "/crm/v3/objects/notes", note)
        .await
        .expect(201);
    let path = format!("/crm/v4/objects/contacts/{contact}/associations/deals");
    let tied = call(&world, "GET", &path, None).await.expect(200);
    assert_eq!(tied["results"].as_array().unwrap().len(), 2);
    assert_eq!(hubspot.associations().len(), 2);
    let view = get(&format!("{}/_sim/view", hubspot.base_url()))
        .await
        .expect(200);
    assert_eq!(
        view["counts"],
        json!({ "contacts": 1, "deals": 2, "notes": 1, "associations": 2 })
    );
    assert_eq!(
        view["contacts"][0]["deals"][1]["properties"]["dealname"],
        "Bathroom"
    );
    assert_eq!(view["contacts"][0]["notes"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_contact_is_read_and_changed_by_its_email() {
    let world = World::start().await;
    world
        .simulators
        .hubspot()
        .add_contact(&[("email", "dana@example.com"), ("city", "Austin")]);
    let path = "/crm/v3/objects/contacts/dana%40example.com?idProperty=email&properties=city,zip";
    let read = call(&world, "GET", path, None).await.expect(200);
    assert_eq!(
        (&read["properties"]["city"], &read["properties"]["zip"]),
        (&json!("Austin"), &json!(null))
    );
    let changes = json!({ "properties": { "city": "", "zip": "78664" } });
    call(&world, "PATCH", path, Some(changes)).await.expect(200);
    let contact = &world.simulators.hubspot().contacts()[0];
    assert_eq!(
        (contact.property("city"), contact.property("zip")),
        ("", "78664")
    );
    let inputs = json!({ "idProperty": "email", "properties": ["zip"], "inputs": [{ "id": "dana@example.com" }, { "id": "no@example.com" }] });
    let read = post(&world, "/crm/v3/objects/contacts/batch/read", inputs)
        .await
        .expect(207);
    assert_eq!(read["results"][0]["properties"]["zip"], "78664");
}

#[tokio::test]
async fn search_finds_by_phone_and_lags_behind_as_configured() {
    let world = World::with(|config| {
        config.of::<simulators::hubspot::Config>().search_lag = Duration::from_secs(5);
    })
    .await;
    world
        .simulators
        .hubspot()
        .add_contact(&[("firstname", "Dana"), ("phone", "+1 (512) 555-0142")]);
    let query = json!({
        "filterGroups": [
            { "filters": [{ "propertyName": "email", "operator": "EQ", "value": "x@example.com" }] },
            { "filters": [{ "propertyName": "hs_searchable_calculated_phone_number", "operator": "EQ", "value": "5125550142" }] },
        ],
        "properties": ["phone"],
        "limit": 10,
    });
    let path = "/crm/v3/objects/contacts/search";
    assert_eq!(
        post(&world, path, query.clone()).await.expect(200)["total"],
        0
    );
    world.pass(Duration::from_secs(5));
    let found = post(&world, path, query).await;
    assert_eq!(found.header("x-hubspot-ratelimit-max"), "");
    let found = found.expect(200);
    assert_eq!(
        (&found["total"], &found["results"][0]["properties"]["phone"]),
        (&json!(1), &json!("+1 (512) 555-0142"))
    );
    let token = json!({ "filterGroups": [{ "filters": [{ "propertyName": "firstname", "operator": "CONTAINS_TOKEN", "value": "da*" }] }] });
    assert_eq!(post(&world, path, token).await.expect(200)["total"], 1);
}

#[tokio::test]
async fn over_the_limit_is_429_until_the_window_has_moved_on() {
    let world =
        World::with(|config| config.of::<simulators::hubspot::Config>().ten_second_limit = Some(2))
            .await;
    let path = "/crm/v3/properties/contacts";
    assert_eq!(
        call(&world, "GET", path, None)
            .await
            .header("x-hubspot-ratelimit-remaining"),
        "1"
    );
    call(&world, "GET", path, None).await.expect(200);
    let refused = call(&world, "GET", path, None).await;
    assert_eq!(refused.header("x-hubspot-ratelimit-remaining"), "0");
    assert_eq!(refused.expect(429)["errorType"], "RATE_LIMIT");
    world.pass(Duration::from_secs(11));
    call(&world, "GET", path, None).await.expect(200);
}

#[tokio::test]
async fn a_newly_required_property_refuses_writes_without_it() {
    let world = World::start().await;
    let hubspot = world.simulators.hubspot();
    hubspot.always_to(
        "/contacts",
        Fault::MissingField {
            property: "zip".to_owned(),
        },
    );
    let create = async |properties: Value| {
        post(
            &world,
            "/crm/v3/objects/contacts",
            json!({ "properties": properties }),
        )
        .await
    };
    for _ in 0..2 {
        let refused = create(json!({ "firstname": "Dana" })).await.expect(400);
        assert_eq!(refused["errors"][0]["code"], "MISSING_REQUIRED_PROPERTY");
        assert_eq!(refused["errors"][0]["in"], "zip");
    }
    create(json!({ "firstname": "Dana", "zip": "78664" }))
        .await
        .expect(201);
    hubspot.clear_faults();
    create(json!({ "firstname": "Kim" })).await.expect(201);
}

#[tokio::test]
async fn the_dated_paths_answer_as_well() {
    let world = World::start().await;
    let contact = json!({ "properties": { "firstname": "Dana" } });
    post(&world, "/crm/objects/2026-03/contacts", contact)
        .await
        .expect(201);
    assert_eq!(world.simulators.hubspot().contacts().len(), 1);
}

#[tokio::test]
async fn each_token_opens_an_account_of_its_own() {
    let world = World::start().await;
    let hubspot = world.simulators.hubspot();
    hubspot.add_account("pat-na1-second");
    let id = hubspot.add_contact(&[("email", "dana@example.com")]);
    let url = format!("{}/crm/v3/objects/contacts", hubspot.base_url());
    let same = json!({ "properties": { "email": "dana@example.com" } });
    let other = send(
        client()
            .post(&url)
            .bearer_auth("pat-na1-second")
            .json(&same),
    )
    .await
    .expect(201);
    assert_ne!(other["id"], json!(id));
    send(
        client()
            .get(format!("{url}/{id}"))
            .bearer_auth("pat-na1-second"),
    )
    .await
    .expect(404);
    assert_eq!(hubspot.view_of("pat-na1-second")["counts"]["contacts"], 1);
    assert_eq!(hubspot.contacts().len(), 2);
}

#[tokio::test]
async fn search_by_an_indexed_number_follows_its_changes() {
    let world = World::start().await;
    let hubspot = world.simulators.hubspot();
    let ann = hubspot.add_contact(&[("firstname", "Ann"), ("phone", "+15125550142")]);
    let bob = hubspot.add_contact(&[("firstname", "Bob"), ("phone", "+15125550143")]);
    let change = json!({ "properties": { "phone": "+15125550199" } });
    let path = format!("/crm/v3/objects/contacts/{ann}");
    call(&world, "PATCH", &path, Some(change)).await.expect(200);
    let found = async |groups: Value| {
        let body = json!({ "filterGroups": groups });
        let answer = post(&world, "/crm/v3/objects/contacts/search", body).await;
        let results = answer.expect(200)["results"].as_array().unwrap().clone();
        let ids = results
            .iter()
            .map(|found| found["id"].as_str().unwrap().to_owned());
        ids.collect::<Vec<_>>()
    };
    let group = |name: &str, operator: &str, value: &str| json!({ "filters": [{ "propertyName": name, "operator": operator, "value": value }] });
    let (old, new) = (
        group("phone", "EQ", "+15125550142"),
        group("phone", "EQ", "+15125550199"),
    );
    assert!(found(json!([old])).await.is_empty());
    assert_eq!(found(json!([new])).await, [ann.as_str()]);
    let other = group("hs_searchable_calculated_phone_number", "EQ", "5125550143");
    assert_eq!(
        found(json!([other, new])).await,
        [ann.as_str(), bob.as_str()]
    );
    // One group that no index answers is looked for in all records.
    let by_name = group("firstname", "EQ", "bob");
    assert_eq!(found(json!([new, by_name])).await, [ann, bob]);
}

#[tokio::test]
async fn views_come_in_pages_with_the_properties_asked_for() {
    let world = World::start().await;
    let hubspot = world.simulators.hubspot();
    let ids: Vec<_> = ["Ann", "Bob", "Cy"]
        .iter()
        .map(|name| hubspot.add_contact(&[("firstname", name), ("city", "Austin")]))
        .collect();
    for view in ["contacts", "view"] {
        let url = format!(
            "{}/_sim/{view}?properties=firstname&limit=2",
            hubspot.base_url()
        );
        let first = get(&url).await.expect(200);
        assert_eq!(first["contacts"].as_array().unwrap().len(), 2, "{first}");
        assert_eq!(
            first["contacts"][0]["properties"],
            json!({ "firstname": "Ann" })
        );
        assert_eq!(first["next"].to_string(), ids[1]);
        let rest = get(&format!("{url}&after={}", first["next"]))
            .await
            .expect(200);
        assert_eq!(rest["contacts"].as_array().unwrap().len(), 1, "{rest}");
        assert_eq!(rest["contacts"][0]["id"], json!(ids[2]));
        assert_eq!(rest["next"], Value::Null);
    }
}

#[tokio::test]
async fn lists_are_cut_at_the_limit_and_go_on_at_the_cursor() {
    let world = World::start().await;
    let hubspot = world.simulators.hubspot();
    let ids: Vec<_> = (0..13)
        .map(|number| hubspot.add_contact(&[("firstname", &format!("c{number}"))]))
        .collect();
    let path = "/crm/v3/objects/contacts";
    let default = call(&world, "GET", path, None).await.expect(200);
    assert_eq!(default["results"].as_array().unwrap().len(), 10);
    let mut found = Vec::new();
    let mut url = format!("{}{path}?limit=5&properties=firstname", hubspot.base_url());
    loop {
        let page = send(client().get(&url).bearer_auth(TOKEN))
            .await
            .expect(200);
        let results = page["results"].as_array().unwrap();
        assert!(results.len() <= 5, "{page}");
        found.extend(
            results
                .iter()
                .map(|it| it["id"].as_str().unwrap().to_owned()),
        );
        let Some(link) = page["paging"]["next"]["link"].as_str() else {
            break;
        };
        let after = page["paging"]["next"]["after"].as_str().unwrap();
        assert_eq!(Some(after), found.last().map(String::as_str));
        url = link.to_owned();
    }
    assert_eq!(found, ids);
    for query in [
        "limit=0",
        "limit=101",
        "limit=many",
        "after=x",
        "archived=maybe",
    ] {
        let refused = call(&world, "GET", &format!("{path}?{query}"), None).await;
        let refused = refused.expect(400);
        assert_eq!(
            refused["category"], "VALIDATION_ERROR",
            "{query}: {refused}"
        );
    }
    let archived = call(&world, "GET", &format!("{path}?archived=true"), None).await;
    assert_eq!(archived.expect(200)["results"], json!([]));
}

#[tokio::test]
async fn parameters_may_be_repeated_or_separated_by_commas() {
    let world = World::start().await;
    let hubspot = world.simulators.hubspot();
    let id = hubspot.add_contact(&[("firstname", "Dana"), ("city", "Austin"), ("zip", "78664")]);
    let deal =
        json!({ "properties": { "dealname": "Kitchen", "dealstage": "appointmentscheduled" } });
    let deal = post(&world, "/crm/v3/objects/deals", deal)
        .await
        .expect(201);
    let deal = deal["id"].as_str().unwrap();
    let path = format!("/crm/v4/objects/contacts/{id}/associations/default/deals/{deal}");
    call(&world, "PUT", &path, None).await.expect(200);
    for query in [
        "properties=city&properties=zip&associations=deals&associations=notes",
        "properties=city,zip&associations=deals,notes&unknown=parameter",
    ] {
        let path = format!("/crm/v3/objects/contacts/{id}?{query}");
        let read = call(&world, "GET", &path, None).await.expect(200);
        let properties = &read["properties"];
        assert_eq!(
            (&properties["city"], &properties["zip"]),
            (&json!("Austin"), &json!("78664"))
        );
        assert_eq!(properties["firstname"], Value::Null, "{query}");
        let expected =
            json!({ "deals": { "results": [{ "id": deal, "type": "contact_to_deal" }] } });
        assert_eq!(read["associations"], expected, "{query}");
    }
    let path = format!("/crm/v3/objects/contacts/{id}?associations=false");
    let refused = call(&world, "GET", &path, None).await.expect(400);
    assert_eq!(
        refused["message"],
        "Unable to infer object type from: false"
    );
    let refused = call(&world, "GET", "/crm/v3/objects/leads/1", None)
        .await
        .expect(400);
    assert_eq!(
        refused["message"],
        "Unable to infer object type from: leads"
    );
}

#[tokio::test]
async fn associations_come_in_pages() {
    let world = World::start().await;
    let contact = world
        .simulators
        .hubspot()
        .add_contact(&[("firstname", "Dana")]);
    for name in ["Kitchen", "Bathroom", "Roof"] {
        let types = json!([{ "associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 3 }]);
        let deal = json!({
            "properties": { "dealname": name, "dealstage": "appointmentscheduled" },
            "associations": [{ "to": { "id": contact }, "types": types }],
        });
        post(&world, "/crm/v3/objects/deals", deal)
            .await
            .expect(201);
    }
    let path = format!("/crm/v4/objects/contacts/{contact}/associations/deals?limit=2");
    let first = call(&world, "GET", &path, None).await.expect(200);
    assert_eq!(first["results"].as_array().unwrap().len(), 2);
    let after = first["paging"]["next"]["after"].as_str().unwrap();
    let rest = call(&world, "GET", &format!("{path}&after={after}"), None)
        .await
        .expect(200);
    assert_eq!(rest["results"].as_array().unwrap().len(), 1);
    assert_eq!(rest["paging"], Value::Null);
}

#[tokio::test]
async fn errors_carry_the_rate_headers_too() {
    let world = World::start().await;
    let missing = call(&world, "GET", "/crm/v3/objects/contacts/1", None).await;
    assert_eq!(missing.header("x-hubspot-ratelimit-remaining"), "99");
    assert!(!missing.header("x-hubspot-correlation-id").is_empty());
    missing.expect(404);
}
