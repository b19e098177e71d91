use jsonschema::Validator;
use proptest::{prelude::*, sample::Index};

use super::*;

/// A configuration that says everything that can be said.
fn whole() -> Value {
    json!({
        "service_area": {
            "postal_codes": ["78664", "786xx", "7867x"],
            "cities": [{ "name": "Round Rock", "state": "TX" }],
            "radius": { "latitude": 30.2672, "longitude": -97.7431, "miles": 25 },
            "polygons": [{
                "name": "North",
                "ring": [[-97.9, 30.4], [-97.5, 30.4], [-97.5, 30.7], [-97.9, 30.7], [-97.9, 30.4]],
                "holes": [[[-97.7, 30.5], [-97.6, 30.5], [-97.6, 30.6]]],
            }],
        },
        "spam": { "review_from": 40, "quarantine_above": 85.5 },
        "destinations": [{ "connector": "crm", "connection": "our_crm-2" }],
        "notifications": {
            "email": ["sales@example.com"],
            "from": "leads@mail.example.com",
            "from_name": "Acme",
            "connection": "mail",
            "channels": [
                { "channel": "slack", "connection": "team", "to": "C0123456789", "shows_contact": true },
            ],
            "unknown_wait_seconds": 600,
        },
        "retry": { "fast_ms": [1000, 2000], "slow_lane": false, "jitter": 0.25 },
        "recording": { "wait_seconds": [30, 60] },
        "links": { "window_days": 30 },
        "required_fields": ["name", "postal_code"],
        "chat": { "quiet_seconds": 30, "longest_seconds": 300 },
        "texts": { "quiet_seconds": 20, "longest_seconds": 200 },
        "documents": { "read_by": "extractor" },
    })
}

fn paths(json: &Value) -> Vec<String> {
    let error = WorkflowConfig::read(json).unwrap_err();
    error.faults.into_iter().map(|fault| fault.path).collect()
}

fn validator() -> Validator {
    let schema = WorkflowConfig::schema();
    assert!(jsonschema::draft202012::meta::is_valid(&schema), "{schema}");
    jsonschema::draft202012::new(&schema).unwrap()
}

/// Every place of a value, as JSON pointers.
fn places(json: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match json {
        Value::Object(members) => {
            for (name, value) in members {
                places(value, &format!("{at}/{name}"), found);
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                places(value, &format!("{at}/{index}"), found);
            }
        }
        _ => {}
    }
}

#[test]
fn one_bad_item_hides_no_other_fault() {
    let crossing = json!([[0, 0], [1, 1], [1, 0], [0, 1]]);
    let json = json!({
        "service_area": {
            "postal_codes": ["7x"],
            "polygons": [{ "name": 5, "ring": [] }, { "name": "B", "ring": crossing }],
        },
        "destinations": [
            { "connector": "hubspot" },
            { "connector": "hubspot", "connection": "crm" },
            { "connector": "hubspot", "connection": "crm" },
        ],
        "notifications": { "email": ["nobody", "a@example.com"], "from_name": 5 },
    });
    assert_eq!(
        paths(&json),
        [
            "service_area.postal_codes.0",
            "service_area.polygons.0.name",
            "service_area.polygons.0.ring",
            "destinations.0.connection",
            "notifications.email.0",
            "notifications.from_name",
            "service_area.polygons.1.ring",
            "destinations.2.connection",
            "notifications.from",
        ]
    );
    // Further checks are told the paths of the whole, too, and nothing twice.
    let error = WorkflowConfig::read_with(&json, |sound| {
        let path = |index: usize| format!("destinations.{index}.connector");
        let found = sound.destinations.iter().enumerate();
        let mut found: Vec<_> = found
            .map(|(index, _)| ConfigFault::new(path(index), "known"))
            .collect();
        found.push(ConfigFault::new("notifications.from_name", "again"));
        found
    })
    .unwrap_err();
    let further: Vec<_> = error.faults.iter().skip(9).map(|it| &it.path).collect();
    assert_eq!(
        further,
        ["destinations.1.connector", "destinations.2.connector"]
    );
}

#[test]
fn nobody_is_told_twice() {
    let json = json!({
        "notifications": { "email": ["a@example.com", "b@example.com", "a@example.com"], "from": "l@example.com" },
    });
    assert_eq!(paths(&json), ["notifications.email.2"]);
    let json = json!({
        "notifications": { "email": ["ann@example.com", "Ann@Example.com"], "from": "l@example.com" },
        "required_fields": ["name", "phone", "name"],
    });
    assert_eq!(paths(&json), ["required_fields.2", "notifications.email.1"]);
    let place = |to: Value, shows_contact: bool| json!({ "channel": "slack", "connection": "team", "to": to, "shows_contact": shows_contact });
    let places = [
        place(json!("C1"), false),
        place(json!("C2"), false),
        place(Value::Null, false),
        place(json!("C1"), true),
    ];
    let json = json!({ "notifications": { "channels": places } });
    assert_eq!(paths(&json), ["notifications.channels.3"]);
}

#[test]
fn the_whole_configuration_reads_back_as_it_was_written() {
    let config = WorkflowConfig::read(&whole()).unwrap();
    let json = serde_json::to_value(&config).unwrap();
    assert_eq!(WorkflowConfig::read(&json).unwrap(), config);
    assert_eq!(config.check(), Ok(()));
    // Every field of the types is in the shape, and the other way round.
    let (mut here, mut there) = (Vec::new(), Vec::new());
    places(&whole(), "", &mut here);
    places(&json, "", &mut there);
    assert_eq!(here, there);
}

#[test]
fn every_fault_is_named_at_once_with_its_path() {
    let json = json!({
        "service_area": {
            "postal_codes": ["78664", "7x", 78664],
            "cities": [{ "name": "Austin" }],
            "radius": { "latitude": 91, "longitude": 0, "miles": 0 },
            "polygons": [{ "name": "A", "ring": [[0, 0], [1, 0], [1, 1], [0, 91]] }, 5],
        },
        "spam": { "review_from": "50", "model": 1 },
        "notifications": { "email": ["Ann <a@example.com>"], "unknown_wait_seconds": -1 },
        "retry": { "fast_ms": [600_001], "jitter": null, "slow_lane": "yes" },
        "recording": { "wait_seconds": [0.5] },
        "links": { "window_days": 91 },
        "required_fields": ["name", "fax"],
        "spma": {},
        "destinations": [
            { "connector": "a", "connection": "crm" },
            { "connector": "b", "connection": "crm" },
        ],
    });
    assert_eq!(
        paths(&json),
        [
            "service_area.postal_codes.1",
            "service_area.postal_codes.2",
            "service_area.cities.0.state",
            "service_area.radius.latitude",
            "service_area.radius.miles",
            "service_area.polygons.0.ring.3.1",
            "service_area.polygons.1",
            "spam.review_from",
            "spam.model",
            "notifications.email.0",
            "notifications.unknown_wait_seconds",
            "retry.fast_ms.0",
            "retry.slow_lane",
            "retry.jitter",
            "recording.wait_seconds.0",
            "links.window_days",
            "required_fields.1",
            "spma",
            "destinations.1.connection",
        ]
    );
}

#[test]
fn a_bad_member_hides_no_fault_of_the_ring_beside_it() {
    let (crossing, square) = (
        json!([[0, 0], [1, 1], [1, 0], [0, 1]]),
        json!([[0, 0], [1, 0], [1, 1], [0, 1]]),
    );
    let polygons = json!([
        { "name": 5, "ring": crossing },
        { "name": "extra", "ring": crossing, "color": "red" },
        { "name": "", "ring": square, "holes": 7 },
        { "name": "far", "ring": [[0, 0], [1, 1], [1, 0], [0, 91]], "color": "red" },
        { "name": "well", "ring": square },
        { "ring": crossing },
        7,
    ]);
    let place = "service_area.polygons";
    let found = paths(&json!({ "service_area": { "polygons": polygons } }));
    let expected = [
        "0.name",
        "1.color",
        "2.name",
        "2.holes",
        "3.ring.3.1",
        "3.color",
        "5.name",
        "6",
        "0.ring",
        "1.ring",
        "5.ring",
    ];
    assert_eq!(found, expected.map(|path| format!("{place}.{path}")));
}

#[test]
fn what_fields_say_together_is_checked() {
    let square = json!([[0, 0], [2, 0], [2, 2], [0, 2]]);
    let json = json!({
        "service_area": { "postal_codes": [7], "polygons": [
            { "name": "bow tie", "ring": [[0, 0], [2, 2], [2, 0], [0, 2]] },
            { "name": "line", "ring": [[0, 0], [2, 2], [0, 0]] },
            { "name": "pole", "ring": [[-120, 80], [0, 80], [120, 80]] },
            { "name": "holes", "ring": square, "holes": [square, [[1, 1], [3, 1], [1, 2]]] },
        ] },
        "spam": { "review_from": 90, "quarantine_above": 85 },
        "destinations": [
            { "connector": "a", "connection": "crm" },
            { "connector": "b", "connection": "other" },
            { "connector": "b", "connection": "crm" },
        ],
        "notifications": { "email": ["a@example.com"] },
    });
    assert_eq!(
        paths(&json),
        [
            "service_area.postal_codes.0",
            "service_area.polygons.0.ring",
            "service_area.polygons.1.ring",
            "service_area.polygons.2.ring",
            "service_area.polygons.3.holes.0",
            "service_area.polygons.3.holes.1",
            "spam.review_from",
            "destinations.2.connection",
            "notifications.from",
        ]
    );
    let ring: Vec<_> = (0..2_501)
        .map(|i| json!([f64::from(i) / 100.0, 0]))
        .collect();
    let polygon = json!({ "name": "much", "ring": ring });
    let json = json!({ "service_area": { "polygons": [polygon, polygon] } });
    assert_eq!(paths(&json), ["service_area.polygons"]);
}

#[test]
fn faults_without_number_are_cut_off() {
    let codes: Vec<_> = (0..5_000).map(|_| "x").collect();
    let found = paths(&json!({ "service_area": { "postal_codes": codes } }));
    assert_eq!(found.len(), 201);
    assert_eq!(found.last().unwrap(), "");
}

#[test]
fn what_is_left_out_is_filled_with_defaults() {
    let given = json!({ "spam": { "review_from": 40 }, "later": 1 });
    let shown = WorkflowConfig::with_defaults(&given);
    assert_eq!(
        shown["spam"],
        json!({ "review_from": 40, "quarantine_above": 85.0 })
    );
    assert_eq!(shown["retry"]["fast_ms"], json!([1000, 2000, 4000, 8000]));
    assert_eq!(
        (&shown["later"], &shown["destinations"]),
        (&json!(1), &json!([]))
    );
}

#[test]
fn what_is_shown_says_the_same_when_it_is_saved() {
    let place = json!({ "channel": "slack", "connection": "team" });
    let area = json!({ "name": "North", "ring": [[0, 0], [1, 0], [1, 1]] });
    let given = json!({
        "notifications": { "channels": [place, { "channel": "slack", "connection": "team", "to": "C1", "later": 1 }] },
        "service_area": { "polygons": [area] },
    });
    let shown = WorkflowConfig::with_defaults(&given);
    let channels = &shown["notifications"]["channels"];
    assert_eq!(channels[0]["shows_contact"], false);
    assert_eq!(
        (&channels[0]["to"], &channels[1]["to"]),
        (&Value::Null, &json!("C1"))
    );
    assert_eq!(channels[1]["later"], 1);
    assert_eq!(shown["service_area"]["polygons"][0]["holes"], json!([]));
    assert_eq!(WorkflowConfig::with_defaults(&shown), shown);
}

#[test]
fn the_schema_names_defaults_and_closes_every_object() {
    let schema = WorkflowConfig::schema();
    let default = |path: &str| schema.pointer(path).unwrap()["default"].clone();
    assert_eq!(default("/properties/spam/properties/review_from"), 50.0);
    assert_eq!(default("/properties/retry/properties/slow_lane"), true);
    let mut all = Vec::new();
    places(&schema, "", &mut all);
    let objects: Vec<_> = all
        .iter()
        .filter(|place| schema.pointer(place).unwrap()["properties"].is_object())
        .collect();
    assert!(objects.len() >= 10, "{objects:?}");
    for place in objects {
        let schema = schema.pointer(place).unwrap();
        assert_eq!(schema["additionalProperties"], false, "{place}");
    }
}

/// Values at and beyond the edges of what is valid somewhere.
fn value() -> impl Strategy<Value = Value> {
    let numbers = prop_oneof![
        (-2i64..3).prop_map(Value::from),
        prop::sample::select(vec![
            20i64, 90, 91, 100, 101, 180, 181, 86_400, 86_401, 600_001
        ])
        .prop_map(Value::from),
        (-200.5f64..200.0).prop_map(Value::from),
    ];
    let texts = prop::sample::select(vec![
        "",
        " ",
        "a",
        "TX",
        "T1",
        "TXX",
        "78664",
        "786xx",
        "7866x",
        "78xxx",
        "78664x",
        "７８６６４",
        "crm",
        "-crm",
        "Crm",
        "a@b.co",
        "a@b",
        "a.@b.co",
        ".a@b.co",
        "a..b@c.de",
        "a@-b.co",
        " a@b.co",
        "a@b.co.",
        "a@b_c.de",
        "line\nbreak",
        "Cañon",
        "ñ",
        "\u{7f}",
        "\u{85}",
    ]);
    let long = (60usize..330).prop_map(|n| Value::from("a".repeat(n)));
    let mail = (60usize..66).prop_map(|n| Value::from(format!("{}@b.co", "a".repeat(n))));
    prop_oneof![
        4 => numbers,
        4 => texts.prop_map(Value::from),
        1 => long,
        1 => mail,
        1 => any::<bool>().prop_map(Value::from),
        1 => Just(Value::Null),
        1 => Just(json!([])),
        1 => Just(json!({})),
        1 => Just(json!([[0, 0], [1, 0], [1, 1]])),
    ]
}

#[derive(Debug, Clone)]
enum Change {
    Put(Index, Value),
    Add(Index, Value),
    Drop(Index),
    Repeat(Index, usize),
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        4 => (any::<Index>(), value()).prop_map(|(at, value)| Change::Put(at, value)),
        1 => (any::<Index>(), value()).prop_map(|(at, value)| Change::Add(at, value)),
        2 => any::<Index>().prop_map(Change::Drop),
        1 => (any::<Index>(), 2usize..60).prop_map(|(at, times)| Change::Repeat(at, times)),
    ]
}

fn apply(json: &mut Value, change: &Change) {
    let mut all = Vec::new();
    places(json, "", &mut all);
    let (Change::Put(at, _) | Change::Add(at, _) | Change::Drop(at) | Change::Repeat(at, _)) =
        change;
    let place = at.get(&all).clone();
    match (change, json.pointer_mut(&place).unwrap()) {
        (Change::Put(_, value), there) => *there = value.clone(),
        (Change::Add(_, value), Value::Object(members)) => {
            members.insert("added".to_owned(), value.clone());
        }
        (Change::Add(_, value), Value::Array(items)) => items.push(value.clone()),
        (Change::Drop(_), Value::Object(members)) => {
            let first = members.keys().next().cloned();
            first.and_then(|name| members.remove(&name));
        }
        (Change::Drop(_), Value::Array(items)) => {
            items.pop();
        }
        (Change::Repeat(_, times), Value::Array(items)) => {
            let count = items.len() * times;
            *items = items.iter().cycle().take(count).cloned().collect();
        }
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// Whatever the schema takes, the check takes, and types can hold; and the other way round.
    #[test]
    fn the_schema_says_what_the_check_says(changes in prop::collection::vec(change(), 0..4)) {
        thread_local!(static VALIDATOR: Validator = validator());
        let mut json = whole();
        changes.iter().for_each(|change| apply(&mut json, change));
        let faults = WORKFLOW.faults(&json);
        let is_valid = VALIDATOR.with(|validator| validator.is_valid(&json));
        prop_assert_eq!(is_valid, faults.is_empty(), "{:?} {}", faults, json);
        if is_valid {
            prop_assert!(WorkflowConfig::deserialize(&json).is_ok(), "{}", json);
        }
    }
}
