//! Whatever comes in, by whatever channel, is a request of one shape.

use std::{collections::BTreeSet, time::Duration};

use domain::SourceId;
use http::StatusCode;
use serde_json::{Value, json};
use sources::{ReadAs, SOURCES, contract::Signer};
use tests::{TRIAL, World};
use uuid::Uuid;

/// How long the slowest sample waits for what its provider never has.
const LONGEST: Duration = Duration::from_secs(4 * 60 * 60);
const STEP: Duration = Duration::from_secs(10 * 60);

/// Posts every sample of every source that is a lead, to sources of the demo tenant; the channels that they are of.
async fn deliver_all(world: &World) -> BTreeSet<&'static str> {
    let mut channels = BTreeSet::new();
    for source in SOURCES.iter().chain(TRIAL) {
        let spec = source.spec();
        let is_lead = |sample: &&sources::Sample| matches!(sample.read_as, ReadAs::News(_));
        let leads: Vec<_> = spec.samples.iter().filter(is_lead).collect();
        if leads.is_empty() {
            continue;
        }
        let signer = Signer::all(spec).remove(0);
        let id = SourceId::from_uuid(Uuid::new_v5(&Uuid::nil(), spec.slug.as_bytes()));
        let token = format!("every-sample-of-{}", spec.slug);
        world
            .add_source_at(id, spec.slug, &signer.key(), &token)
            .await;
        for sample in leads {
            let path = match sample.event {
                Some(event) => format!("/v1/hooks/{token}/{event}"),
                None => format!("/v1/hooks/{token}"),
            };
            let signed = signer.sign(sample.body, world.now());
            let mut headers: Vec<_> = signed
                .iter()
                .map(|(name, value)| (name.as_str(), value.to_str().unwrap()))
                .collect();
            headers.push(("content-type", sample.content_type));
            let answer = world.post(&path, &headers, sample.body).await;
            // A form is accepted, or its browser is sent on.
            let is_taken = [StatusCode::OK, StatusCode::ACCEPTED, StatusCode::SEE_OTHER];
            assert!(
                is_taken.contains(&answer.status),
                "{}: {answer:?}",
                sample.name
            );
        }
        channels.extend(spec.channels.first().map(|channel| channel.as_str()));
    }
    channels
}

/// Everything of the demo tenant.
async fn all(world: &World) -> Vec<Value> {
    let list = world
        .get("/v1/tenants/tenant_demo/requests?limit=200")
        .await;
    assert_eq!(list.body["next_cursor"], Value::Null, "there are more");
    list.body["items"].as_array().unwrap().clone()
}

/// The schema, closed: a field that it does not describe is a fault.
fn closed(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            if members.contains_key("properties") && !members.contains_key("additionalProperties") {
                members.insert("additionalProperties".to_owned(), json!(false));
            }
            members.values_mut().for_each(closed);
        }
        Value::Array(items) => items.iter_mut().for_each(closed),
        _ => {}
    }
}

#[tokio::test]
async fn every_sample_becomes_a_request_of_one_shape() {
    let world = World::on_manual_clock().await;
    let mut schema = world.get("/v1/schemas/request").await.body;
    closed(&mut schema);
    let schema = jsonschema::validator_for(&schema).unwrap();

    let mut channels = deliver_all(&world).await;
    let lead = json!({ "contact": { "name": "Ann Lee", "email": "ann@example.com" }, "message": "A new kitchen, please." });
    let posted = world
        .post_to_api("/v1/tenants/tenant_demo/leads", &lead)
        .await;
    assert_eq!(posted.status, StatusCode::ACCEPTED, "{posted:?}");
    channels.insert("api");

    let mut waited = Duration::ZERO;
    while waited < LONGEST {
        world.rest().await;
        world.pass(STEP);
        waited += STEP;
    }
    world.rest().await;

    let requests = all(&world).await;
    let mut seen = BTreeSet::new();
    for summary in &requests {
        let id = summary["request_id"].as_str().unwrap();
        let shown = world.shown(id.parse().unwrap()).await;
        let faults: Vec<_> = schema
            .iter_errors(&shown)
            .map(|fault| format!("{}: {fault}", fault.instance_path()))
            .collect();
        assert!(
            faults.is_empty(),
            "{}: {faults:?}",
            shown["source"]["provider"]
        );
        let status = shown["status"].as_str().unwrap();
        let is_done = [
            "completed",
            "quarantined",
            "out_of_area",
            "in_review",
            "merged",
        ];
        assert!(is_done.contains(&status), "{status}: {}", shown["timeline"]);
        seen.insert(shown["channel"].as_str().unwrap().to_owned());
    }
    for channel in channels {
        assert!(seen.contains(channel), "no request of {channel}: {seen:?}");
    }
    world.finish().await;
}
