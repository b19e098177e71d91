//! The configuration of an office: saved, compared, restored.

use domain::OfficeId;
use http_client::Response;
use management_api::auth::Role::TenantAdmin;
use serde_json::{Value, json};
use store::{ConfigKind, Store as _};

use crate::{
    openapi::assert_is_as_described,
    world::{World, body, problem, tenant, wrong_fields},
};

/// A tenant's office without a configuration.
struct Office {
    world: World,
    path: String,
}

impl Office {
    async fn new() -> Self {
        let world = World::start().await;
        let new = json!({ "name": "Austin", "time_zone": "America/Chicago" });
        let offices = "/v1/tenants/a/offices";
        let made = world
            .call_as(TenantAdmin, "POST", offices, Some(&new))
            .await;
        let made: Value = made.json().unwrap();
        let path = format!("{offices}/{}/config", made["office_id"].as_str().unwrap());
        Self { world, path }
    }

    async fn get(&self, path: &str) -> Response {
        self.world.get(&format!("{}{path}", self.path)).await
    }

    /// Saves; without a version, no precondition is sent.
    async fn save(&self, config: &Value, version: &str) -> Response {
        let body = json!({ "config": config, "note": format!("upon {version}") });
        if version.is_empty() {
            return self
                .world
                .call_as(TenantAdmin, "PUT", &self.path, Some(&body))
                .await;
        }
        self.world
            .call_on(TenantAdmin, ("PUT", &self.path), version, &body)
            .await
    }
}

fn review_from(percent: u32) -> Value {
    json!({ "spam": { "review_from": percent } })
}

#[tokio::test]
async fn a_configuration_begins_with_the_defaults_and_is_saved_by_versions() {
    let office = Office::new().await;
    let answer = office.get("").await;
    let shown = body(&answer);
    assert_is_as_described(&shown, "OfficeConfig");
    assert_eq!(
        (&shown["version"], answer.header("etag")),
        (&json!(0), Some("\"0\""))
    );
    assert_eq!(shown["config"]["spam"]["review_from"], 50.0);
    assert_eq!(shown["author"], Value::Null);

    let answer = office.save(&review_from(40), "").await;
    let saved = body(&answer);
    assert_is_as_described(&saved, "OfficeConfig");
    assert_eq!(answer.header("etag"), Some("\"1\""));
    assert_eq!(
        saved["config"]["spam"],
        json!({ "review_from": 40, "quarantine_above": 85.0 })
    );
    assert_eq!(
        (&saved["author"], &saved["note"], &saved["created_at"]),
        (
            &json!("ann"),
            &json!("upon "),
            &json!("2020-06-01T12:00:00Z")
        )
    );
    assert_eq!(body(&office.get("").await), saved);
    // What is equal makes no version; what was shown can be sent back.
    let again = body(&office.save(&review_from(40), "\"1\"").await);
    assert_eq!(again["version"], 1);
    let whole = body(&office.save(&saved["config"], "\"1\"").await);
    assert_eq!(whole, saved);
    let acts = office.world.acts().await;
    let saves = acts.iter().filter(|(_, action, _)| action == "config.save");
    assert_eq!(saves.count(), 1);
}

#[tokio::test]
async fn of_two_admins_the_later_is_told_both_versions() {
    let office = Office::new().await;
    problem(&office.save(&review_from(10), "\"1\"").await, 412);
    body(&office.save(&review_from(10), "\"0\"").await);
    problem(&office.save(&review_from(20), "").await, 428);
    body(&office.save(&review_from(20), "\"1\"").await);
    let told = problem(&office.save(&review_from(30), "\"1\"").await, 412);
    assert_is_as_described(&told, "Problem");
    for (which, version, percent) in [("seen", 1, 10), ("current", 2, 20)] {
        let shown = &told[which];
        assert_eq!(shown["version"], version, "{told}");
        // Whole, as GET shows it.
        assert_eq!(shown["config"]["spam"]["review_from"], percent);
        assert_eq!(shown["config"]["spam"]["quarantine_above"], 85.0);
        assert_eq!(shown["author"], "ann");
        assert_eq!(shown["created_at"], "2020-06-01T12:00:00Z");
    }
    assert_eq!(told["current"]["note"], "upon \"1\"");
    assert_eq!(body(&office.get("").await), told["current"]);
}

#[tokio::test]
async fn what_says_the_same_as_the_newest_makes_no_version() {
    let office = Office::new().await;
    let sent = json!({ "spam": { "review_from": 10 }, "service_area": { "polygons": [
        { "name": "North", "ring": [[0, 0], [1, 0], [1, 1]] }
    ] } });
    body(&office.save(&sent, "").await);
    let shown = body(&office.get("").await);
    for same in [
        &shown["config"],
        &sent,
        &json!({ "chat": {}, "spam": { "review_from": 10.0 }, "service_area": sent["service_area"] }),
    ] {
        let saved = body(&office.save(same, "\"1\"").await);
        assert_eq!(saved, shown, "{same}");
    }
    let diff = body(&office.get("/diff").await);
    assert_eq!(diff["to"], 1);
    let other = json!({ "spam": { "review_from": 11 } });
    assert_eq!(body(&office.save(&other, "\"1\"").await)["version"], 2);
}

#[tokio::test]
async fn a_list_names_each_once() {
    let office = Office::new().await;
    office.world.mail_connection().await;
    let twice = json!({
        "notifications": { "email": ["a@b.co", "A@b.co"], "from": "leads@b.co" },
        "required_fields": ["name", "name"],
    });
    let mut wrong = wrong_fields(&office.save(&twice, "").await);
    wrong.sort();
    assert_eq!(
        wrong,
        ["config.notifications.email.1", "config.required_fields.1"]
    );
    let schema = body(&office.world.get_openly("/v1/schemas/workflow-config").await);
    let fields = &schema["properties"];
    assert_eq!(fields["required_fields"]["uniqueItems"], true);
    assert_eq!(
        fields["notifications"]["properties"]["email"]["uniqueItems"],
        true
    );
}

#[tokio::test]
async fn nobody_is_told_to_create_a_connection_to_what_is_no_provider() {
    let office = Office::new().await;
    let config = json!({
        "destinations": [{ "connector": "nope", "connection": "x" }],
        "notifications": { "channels": [{ "channel": "nope", "connection": "y" }] },
    });
    let answer = office.save(&config, "").await;
    assert_eq!(wrong_fields(&answer).len(), 4);
    let told = problem(&answer, 422).to_string();
    assert!(!told.contains("--provider nope"), "{told}");
    assert!(told.contains("none is called `x`"), "{told}");
}

#[tokio::test]
async fn of_saves_at_once_one_is_taken() {
    let office = Office::new().await;
    let saves = [1, 2, 3, 4].map(review_from);
    let saves = saves.iter().map(|config| office.save(config, "\"0\""));
    let mut statuses: Vec<_> = futures::future::join_all(saves)
        .await
        .iter()
        .map(|answer| answer.status.as_u16())
        .collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412, 412, 412]);
}

#[tokio::test]
async fn every_fault_is_named_at_once() {
    let office = Office::new().await;
    let config = json!({
        "service_area": {
            "postal_codes": ["7x"],
            "polygons": [{ "name": "A", "ring": [[0, 0], [1, 0], [1, 1], [0, "1"]] }],
        },
        "spam": { "review_from": 101, "model": "new" },
        "retry": { "slow_lane": "no" },
        "notifications": { "email": ["a@example.com"] },
    });
    let sent = json!({ "config": config, "note": "two\nlines", "why": 1 });
    let answer = office
        .world
        .call_as(TenantAdmin, "PUT", &office.path, Some(&sent))
        .await;
    let expected = [
        "why",
        "note",
        "config.service_area.postal_codes.0",
        "config.service_area.polygons.0.ring.3.1",
        "config.spam.review_from",
        "config.spam.model",
        "config.retry.slow_lane",
        "config.notifications.from",
        "config.notifications.connection",
    ];
    assert_eq!(wrong_fields(&answer), expected);
    for (sent, expected) in [
        (json!({}), "config"),
        (json!([1]), ""),
        (json!({ "config": 5 }), "config"),
    ] {
        let answer = office
            .world
            .call_as(TenantAdmin, "PUT", &office.path, Some(&sent))
            .await;
        assert_eq!(wrong_fields(&answer), [expected], "{sent}");
    }
    assert_eq!(body(&office.get("").await)["version"], 0);
}

#[tokio::test]
async fn what_the_tenant_does_not_have_is_refused_when_saved() {
    let office = Office::new().await;
    office.world.connection_of("a").await;
    office.world.connection_of("b").await;
    let config = |connector: &str, connection: &str, mail: Value| {
        json!({
            "destinations": [{ "connector": connector, "connection": connection }],
            "notifications": { "connection": mail },
        })
    };
    let wrong = office
        .save(&config("nocrm", "our_crm", json!("mail")), "")
        .await;
    let expected = [
        "config.destinations.0.connector",
        "config.destinations.0.connection",
        "config.notifications.connection",
    ];
    assert_eq!(wrong_fields(&wrong), expected);
    let told = problem(&wrong, 422);
    let message = |index: usize| {
        told["errors"][index]["message"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    // Together with what is wrong in itself.
    let mut also = config("nocrm", "our_crm", json!("mail"));
    also["recording"] = json!("soon");
    let both = office.save(&also, "").await;
    assert_eq!(
        wrong_fields(&both),
        [["config.recording"].as_slice(), &expected].concat()
    );
    assert!(message(0).contains("hubspot"), "{told}");
    assert!(message(1).contains("none is called `our_crm`"), "{told}");
    let lost = office
        .save(&config("hubspot", "our_crm", Value::Null), "")
        .await;
    let lost = problem(&lost, 422).to_string();
    assert!(
        lost.contains("pipeline secret set our_crm --provider hubspot"),
        "{lost}"
    );
    // A CRM carries no mail, and a mail provider takes no leads.
    let mail = office
        .save(&config("hubspot", "hubspot", json!("hubspot")), "")
        .await;
    assert_eq!(wrong_fields(&mail), ["config.notifications.connection"]);
    // Without a name it is the first that sends mail, which is not there.
    let recipients =
        json!({ "notifications": { "email": ["a@x.example"], "from": "l@x.example" } });
    let nobody = office.save(&recipients, "").await;
    assert_eq!(wrong_fields(&nobody), ["config.notifications.connection"]);
    let told = problem(&nobody, 422)["errors"][0]["message"].to_string();
    assert!(
        told.contains("pipeline secret set sendgrid --provider sendgrid"),
        "{told}"
    );
    office.world.mail_connection().await;
    body(&office.save(&recipients, "").await);
    let crm = office
        .save(&config("hubspot", "sendgrid", Value::Null), "\"1\"")
        .await;
    assert_eq!(wrong_fields(&crm), ["config.destinations.0.connection"]);
    body(
        &office
            .save(&config("hubspot", "hubspot", json!("sendgrid")), "\"1\"")
            .await,
    );
}

#[tokio::test]
async fn a_place_in_a_chat_needs_its_connection() {
    let office = Office::new().await;
    office.world.mail_connection().await;
    for (name, secret) in [
        (
            "bot",
            json!({ "secret": "xoxb-1-a", "provider": "slack", "settings": { "channel": "C0123456789" } }),
        ),
        (
            "hook",
            json!({ "secret": "https://hooks.slack.com/services/T1/B1/abc", "provider": "slack" }),
        ),
    ] {
        let path = format!("/v1/tenants/a/connections/{name}/secret");
        let set = office
            .world
            .call_as(TenantAdmin, "PUT", &path, Some(&secret));
        body(&set.await);
    }
    let place = |channel: &str, connection: &str, to: Value| json!({ "channel": channel, "connection": connection, "to": to });
    let config = |places: &[Value]| json!({ "notifications": { "channels": places } });
    let wrong = [
        place("slack", "nowhere", Value::Null),
        place("slack", "sendgrid", Value::Null),
        place("sendgrid", "sendgrid", Value::Null),
        place("slack", "bot", json!("general")),
        place("slack", "hook", json!("C0123456789")),
        place("slack", "bot", json!("#general")),
    ];
    let refused = office.save(&config(&wrong), "").await;
    let fields: Vec<_> = [
        (0, "connection"),
        (1, "connection"),
        (2, "channel"),
        (3, "to"),
        (4, "to"),
        (5, "to"),
    ]
    .into_iter()
    .map(|(index, member)| format!("config.notifications.channels.{index}.{member}"))
    .collect();
    let mut named = wrong_fields(&refused);
    named.sort();
    assert_eq!(named, fields);
    let told = problem(&refused, 422).to_string();
    assert!(
        told.contains("pipeline secret set nowhere --provider slack"),
        "{told}"
    );
    let right = [
        place("slack", "bot", Value::Null),
        place("slack", "bot", json!("C9876543210")),
        place("slack", "hook", Value::Null),
    ];
    let saved = body(&office.save(&config(&right), "").await);
    let kept = &saved["config"]["notifications"]["channels"][1];
    assert_eq!(kept["to"], "C9876543210");
}

#[tokio::test]
async fn a_history_is_walked_compared_and_restored() {
    let office = Office::new().await;
    for (seen, percent) in [(0, 10), (1, 20), (2, 30)] {
        body(
            &office
                .save(&review_from(percent), &format!("\"{seen}\""))
                .await,
        );
    }
    let (mut walked, mut path) = (Vec::new(), "/versions?limit=2".to_owned());
    loop {
        let page = body(&office.get(&path).await);
        assert_is_as_described(&page, "ConfigVersionList");
        let items = page["items"].as_array().unwrap();
        walked.extend(items.iter().map(|item| item["version"].as_u64().unwrap()));
        match page["next_cursor"].as_str() {
            Some(cursor) => path = format!("/versions?limit=2&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(walked, [3, 2, 1]);
    assert_eq!(
        wrong_fields(&office.get("/versions?limit=0&cursor=x").await),
        ["limit", "cursor"]
    );

    let first = body(&office.get("/versions/1").await);
    assert_is_as_described(&first, "OfficeConfig");
    assert_eq!(first["config"]["spam"]["review_from"], 10);
    problem(&office.get("/versions/4").await, 404);
    problem(&office.get("/versions/x").await, 404);

    let diff = body(&office.get("/diff?from=1&to=3").await);
    let change = json!({ "path": "spam.review_from", "before": 10, "after": 30 });
    assert_eq!(diff, json!({ "from": 1, "to": 3, "items": [change] }));
    let from_defaults = body(&office.get("/diff?from=0&to=1").await);
    assert_eq!(from_defaults["items"][0]["before"], 50.0);
    let last = body(&office.get("/diff").await);
    assert_eq!(
        (&last["from"], &last["to"], &last["items"][0]["before"]),
        (&json!(2), &json!(3), &json!(20))
    );
    assert_eq!(
        wrong_fields(&office.get("/diff?from=-1&to=x").await),
        ["from", "to"]
    );
    problem(&office.get("/diff?from=1&to=9").await, 404);

    let restore = format!("{}/versions/1/restore", office.path);
    let world = &office.world;
    problem(
        &world.call_as(TenantAdmin, "POST", &restore, None).await,
        428,
    );
    let outdated = world
        .call_on(TenantAdmin, ("POST", &restore), "\"2\"", &Value::Null)
        .await;
    problem(&outdated, 412);
    let answer = world
        .call_on(TenantAdmin, ("POST", &restore), "\"3\"", &Value::Null)
        .await;
    let now = body(&answer);
    assert_eq!(answer.header("etag"), Some("\"4\""));
    assert_eq!(
        (&now["config"], &now["note"]),
        (&first["config"], &json!("version 1 again"))
    );
    assert_eq!(world.acts().await.last().unwrap().1, "config.restore");
}

#[tokio::test]
async fn what_was_saved_applies_to_the_next_lead() {
    let office = Office::new().await;
    let world = &office.world;
    body(&office.save(&review_from(40), "").await);
    world.call(1).await;
    let job = world.claim(domain::Stage::Details).await;
    assert_eq!(
        (job.config.version, job.config.workflow.spam.review_from),
        (1, 40.0)
    );
    body(&office.save(&review_from(45), "\"1\"").await);
    world.call(2).await;
    let job = world.claim(domain::Stage::Details).await;
    assert_eq!(
        (job.config.version, job.config.workflow.spam.review_from),
        (2, 45.0)
    );
}

#[tokio::test]
async fn what_is_stored_is_what_was_sent() {
    let office = Office::new().await;
    body(&office.save(&review_from(40), "").await);
    let id: OfficeId = office.path.split('/').nth(5).unwrap().parse().unwrap();
    let stored = office
        .world
        .store
        .config(&tenant("a"), ConfigKind::Workflow, &id.to_string(), None)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(stored.json, review_from(40));
    let shown = body(&office.get("").await);
    let mut newer = shown["config"].clone();
    newer["from_later"] = json!(1);
    assert_eq!(
        wrong_fields(&office.save(&newer, "\"1\"").await),
        ["config.from_later"]
    );
}

#[tokio::test]
async fn the_schema_is_served_to_anybody() {
    let world = World::start().await;
    let answer = world.get_openly("/v1/schemas/workflow-config").await;
    assert_eq!(
        answer.header("content-type"),
        Some("application/schema+json")
    );
    let shown = body(&answer);
    assert_eq!(shown, domain::WorkflowConfig::schema());
    assert_eq!(
        shown["$schema"],
        "https://json-schema.org/draft/2020-12/schema"
    );
}
