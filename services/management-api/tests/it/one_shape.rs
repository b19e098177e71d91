//! One schema for the requests of every channel, and what is normalized of each.

use domain::{Channel, News, Reading};
use jsonschema::Validator;
use serde_json::{Value, json};
use testkit::lead;

use crate::world::{World, body};

/// The served schema, closed: a field that it does not describe is a fault.
async fn schema(world: &World) -> Validator {
    let served = world.get_openly("/v1/schemas/request").await;
    let mut schema = body(&served);
    close(&mut schema);
    jsonschema::validator_for(&schema).unwrap()
}

fn close(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            if members.contains_key("properties") && !members.contains_key("additionalProperties") {
                members.insert("additionalProperties".to_owned(), json!(false));
            }
            members.values_mut().for_each(close);
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        _ => {}
    }
}

#[tokio::test]
async fn requests_of_every_channel_have_one_shape() {
    let world = World::start().await;
    let schema = schema(&world).await;
    for (number, channel) in (1..).zip(Channel::ALL) {
        let news = News {
            facts: lead::facts(channel),
            aliases: Vec::new(),
            ..crate::world::news(number)
        };
        let id = world
            .accept("a", Ok(Reading::News(Box::new(news))), number)
            .await;
        let shown = body(&world.get(&format!("/v1/tenants/a/requests/{id}")).await);
        let faults: Vec<_> = schema
            .iter_errors(&shown)
            .map(|fault| format!("{}: {fault}", fault.instance_path()))
            .collect();
        assert!(faults.is_empty(), "{channel}: {faults:?}");
        assert_eq!(shown["channel"], channel.as_str());

        let fields = shown["normalized"]["fields"].as_array().unwrap();
        let field = |name: &str| {
            let mut fields = fields.iter();
            let found = fields.find(|field| field["field"] == name);
            found
                .unwrap_or_else(|| panic!("{channel} has no {name}: {fields:?}"))
                .clone()
        };
        for (name, value, from, is_derived) in [
            ("phone", "+15125550142", "phone", false),
            ("first_name", "Ann", "name", true),
            ("last_name", "Lee", "name", true),
            ("state", "TX", "state", false),
            ("country", "US", "country", false),
        ] {
            let expected = json!({ "field": name, "value": value, "from": from, "is_derived": is_derived, "percent_sure": null });
            assert_eq!(field(name), expected, "{channel}");
        }
    }
    let wrong = json!({ "request_id": 5 });
    assert!(!schema.is_valid(&wrong), "the schema takes anything");
}
