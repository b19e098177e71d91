use domain::{Brief, Channel, PersonId};
use proptest::prelude::*;
use serde_json::{Value, json};
use testkit::lead;

use super::{
    check::{Fit, check, fit},
    *,
};
use crate::{CONNECTORS, CrmField, CrmObject, Holds};

fn brief() -> Brief {
    let person = PersonId::from_uuid(uuid::Uuid::from_u128(2));
    Brief::new(&lead::qualified(Channel::Phone), &lead::office()).from_person(person)
}

fn usual() -> &'static MappingSpec {
    CONNECTORS[0].mapping
}

fn mapping(rule: &Value) -> Result<Mapping, Vec<String>> {
    let json = json!({ "fields": { "deals": { "their_field": rule } } });
    Mapping::read(usual(), &json).map_err(|error| {
        let faults = error.faults.iter();
        faults.map(ToString::to_string).collect()
    })
}

fn comes_to(rule: &Value, brief: &Brief) -> Option<Datum> {
    let mapped = mapping(rule)
        .unwrap_or_else(|faults| panic!("{rule}: {faults:?}"))
        .of(brief);
    let Some(field) = mapped.get("deals", "their_field") else {
        panic!("{rule}: there is no such rule");
    };
    field.value.clone()
}

#[test]
fn each_function_does_what_its_example_says() {
    let lead = Brief {
        email: None,
        ..brief()
    };
    for function in FUNCTIONS {
        let example: Value = serde_json::from_str(function.example).unwrap();
        let outcome = comes_to(&example, &lead).map(|value| value.plain());
        assert_eq!(
            outcome.as_deref(),
            Some(function.outcome),
            "{}",
            function.name
        );
    }
    let mut names: Vec<_> = FUNCTIONS.iter().map(|function| function.name).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        FUNCTIONS.iter().map(|it| it.name).collect::<Vec<_>>()
    );
}

#[test]
fn every_path_has_its_kind_and_its_words() {
    for channel in Channel::ALL {
        let brief = Brief::new(&lead::qualified(channel), &lead::office());
        for path in PATHS {
            let Some(value) = comes_to(&json!(path.name), &brief) else {
                continue;
            };
            assert_eq!(value.kind(), path.kind, "{}", path.name);
            let is_word = path.words.contains(&value.plain().as_str());
            assert!(path.words.is_empty() || is_word, "{}: {value:?}", path.name);
        }
    }
}

#[test]
fn parts_are_joined_and_the_first_that_is_there_is_taken() {
    let nameless = Brief {
        name: Some("Ann".to_owned()),
        email: None,
        ..brief()
    };
    for (rule, expected) in [
        (
            json!({ "concat": ["contact.first_name", "contact.last_name"] }),
            Some("Ann"),
        ),
        (
            json!({ "concat": ["contact.first_name", { "value": "TX" }], "separator": ", " }),
            Some("Ann, TX"),
        ),
        (
            json!({ "first": ["contact.email", "contact.phone"] }),
            Some("+15125550142"),
        ),
        (json!({ "first": ["contact.email"] }), None),
        (json!({ "concat": ["contact.email"] }), None),
        (json!({ "from": "contact.email", "then": ["upper"] }), None),
        (json!({ "from": "attribution.utm_campaign" }), None),
        (
            json!({ "from": "received_at", "then": [{ "date": "us_date" }] }),
            Some("11/02/2026"),
        ),
        (
            json!({ "from": "judgment.score", "then": [{ "map": { "values": { "82": "hot" } } }] }),
            Some("hot"),
        ),
        (
            json!({ "from": "tags", "then": [{ "map": { "values": { "Kitchen": "K" }, "otherwise": null } }] }),
            Some("K"),
        ),
        (json!({ "value": "a lot", "then": ["number"] }), None),
        (json!({ "value": "-5", "then": ["number"] }), None),
        (
            json!({ "value": "soon", "then": [{ "date": "date" }] }),
            None,
        ),
        (
            json!({ "value": "no number", "then": [{ "phone": "national" }, { "default": "-" }] }),
            Some("-"),
        ),
    ] {
        let value = comes_to(&rule, &nameless).map(|value| value.plain());
        assert_eq!(value.as_deref(), expected, "{rule}");
    }
}

#[test]
fn every_fault_is_told_at_its_path() {
    let json = json!({
        "extra": 1,
        "fields": {
            "companies": {},
            "contacts": {
                "lead_external_id": { "value": "mine" },
                "phone": null,
                "email": { "from": "contact.email", "then": ["upper"] },
                "Bad Name": "contact.name",
            },
            "deals": {
                "a": "contact.nmae",
                "b": { "from": "contact.name", "value": "x" },
                "c": { "concat": [] },
                "d": { "from": "tags", "then": ["shout", { "cut": 0 }, { "map": { "values": {} } }] },
                "e": { "value": "x", "separator": ",", "write": "never" },
                "f": { "first": [{ "first": [{ "first": [{ "first": ["note"] }] }] }] },
                "g": 5,
                "h": { "value": -1 },
            },
        },
    });
    let error = Mapping::read(usual(), &json).map(drop).unwrap_err();
    let faults: Vec<_> = error
        .faults
        .iter()
        .map(|fault| (fault.path.as_str(), fault.code))
        .collect();
    let expected = [
        ("extra", "unknown_field"),
        ("fields.companies", "unknown_field"),
        ("fields.contacts.Bad Name", "unknown_field"),
        ("fields.contacts.email", "fixed"),
        ("fields.contacts.lead_external_id", "fixed"),
        ("fields.contacts.phone", "fixed"),
        ("fields.deals.a", "unknown_path"),
        ("fields.deals.b", "invalid"),
        ("fields.deals.c.concat", "wrong_type"),
        ("fields.deals.d.then.0.shout", "unknown_function"),
        ("fields.deals.d.then.1.cut", "invalid"),
        ("fields.deals.d.then.2.map.values", "wrong_type"),
        ("fields.deals.e.separator", "invalid"),
        ("fields.deals.e.write", "invalid"),
        ("fields.deals.f.first.0.first.0.first.0", "invalid"),
        ("fields.deals.g", "wrong_type"),
        ("fields.deals.h.value", "wrong_type"),
    ];
    assert_eq!(faults, expected);
    let near = error
        .faults
        .iter()
        .find(|fault| fault.path == "fields.deals.a");
    assert!(near.unwrap().message.contains("`contact.name`"), "{near:?}");
    // What was saved is read without its rules on what is ours alone.
    let saved =
        json!({ "fields": { "contacts": { "phone": null, "city": "property.city" } }, "newer": 1 });
    let read = Mapping::saved(usual(), &saved, 4).map_err(|error| error.to_string());
    let mapped = read.unwrap().of(&brief());
    assert_eq!(mapped.fields("contacts").count(), 1);
}

fn faults(spec: &MappingSpec, json: &Value) -> Vec<(String, &'static str)> {
    let error = Mapping::read(spec, json).map(drop).unwrap_err();
    let faults = error.faults.into_iter();
    faults.map(|fault| (fault.path, fault.code)).collect()
}

#[test]
fn what_a_person_is_found_by_stays_in_every_form() {
    let contacts = |rules: Value| json!({ "fields": { "contacts": rules } });
    let phone = |form: &str| json!({ "from": "contact.phone", "then": [{ "phone": form }] });
    for form in ["e164", "national", "dashes"] {
        let rules = contacts(json!({ "phone": phone(form) }));
        assert!(Mapping::read(usual(), &rules).is_ok(), "{form}");
    }
    let always = json!({ "from": "contact.phone", "write": "always" });
    for (name, rule, path) in [
        ("phone", phone("digits"), "fields.contacts.phone"),
        ("phone", always, "fields.contacts.phone.write"),
        // An address is no number, so that this would take it away.
        (
            "email",
            json!({ "from": "contact.email", "then": [{ "phone": "e164" }] }),
            "fields.contacts.email",
        ),
    ] {
        let found = faults(usual(), &contacts(json!({ name: rule })));
        assert_eq!(found, [(path.to_owned(), "fixed")], "{name}");
    }
}

#[test]
fn a_name_in_other_letters_is_the_same_field() {
    let salesforce = CONNECTORS
        .iter()
        .find(|spec| spec.slug == "salesforce")
        .unwrap();
    let leads = |rules: Value| json!({ "fields": { "Lead": rules } });
    for name in ["lead_external_id__c", "PHONE", "email"] {
        let found = faults(
            salesforce.mapping,
            &leads(json!({ name: { "value": "x" } })),
        );
        assert_eq!(found, [(format!("fields.Lead.{name}"), "fixed")]);
    }
    let twice = leads(json!({ "Their__c": "note", "their__C": "note" }));
    assert_eq!(
        faults(salesforce.mapping, &twice),
        [("fields.Lead.their__C".to_owned(), "invalid")]
    );
    let other = leads(json!({ "lastname": "contact.name" }));
    let read = Mapping::read(salesforce.mapping, &other).unwrap();
    assert!(read.of(&brief()).has("Lead", "LastName"));
}

#[test]
fn a_mapping_has_an_end_in_each_direction() {
    let huge = json!({ "fields": {}, "more": "x".repeat(300_000) });
    assert_eq!(faults(usual(), &huge), [(String::new(), "wrong_length")]);
    let long = "v".repeat(1_001);
    let map = json!({ "from": "note", "then": [{ "map": { "values": { &long: "x" } } }] });
    let found = faults(usual(), &json!({ "fields": { "deals": { "a": map } } }));
    assert_eq!(found[0].1, "wrong_length", "{found:?}");
    let many: serde_json::Map<String, Value> = (0..201)
        .map(|number| (format!("a{number}"), json!("note")))
        .collect();
    let found = faults(usual(), &json!({ "fields": { "deals": many } }));
    assert_eq!(found, [("fields".to_owned(), "wrong_length")]);
}

#[test]
fn members_that_lead_into_a_value_are_told() {
    let custom = CONNECTORS
        .iter()
        .find(|spec| spec.slug == "customcrm")
        .unwrap();
    let json = json!({ "fields": { "lead": {
        "lead_id.theirs": "lead_id", "who": "contact.name", "who.phone": "contact.phone",
    } } });
    let expected = [
        ("fields.lead.lead_id.theirs".to_owned(), "invalid"),
        ("fields.lead.who.phone".to_owned(), "invalid"),
    ];
    assert_eq!(faults(custom.mapping, &json), expected);
}

#[test]
fn a_time_without_a_zone_is_the_offices() {
    let rule = json!({ "value": "2026-11-02T09:00", "then": [{ "date": "time" }] });
    let value = comes_to(&rule, &brief()).map(|value| value.plain());
    assert_eq!(value.as_deref(), Some("2026-11-02T15:00:00Z"));
    let odd = json!({ "value": "1,5", "then": ["number"] });
    assert_eq!(comes_to(&odd, &brief()), None, "fifteen it is not");
}

#[test]
fn keys_stay_ours_at_every_connector() {
    for spec in CONNECTORS {
        let keys = spec.mapping.fields.iter();
        let keys: Vec<_> = keys.filter(|field| field.usage == FieldUse::Key).collect();
        assert!(!keys.is_empty(), "{}", spec.slug);
        for key in keys {
            for rule in [Value::Null, json!({ "value": "x" }), json!("lead_id")] {
                let json = json!({ "fields": { key.object: { key.field: rule } } });
                let read = Mapping::read(spec.mapping, &json).map(drop);
                let code = read.unwrap_err().faults[0].code;
                assert_eq!(code, "fixed", "{}: {}", spec.slug, key.field);
            }
        }
    }
}

fn field(name: &str, holds: Holds, options: &[&str]) -> CrmField {
    CrmField {
        name: name.to_owned(),
        kind: holds.as_str().to_owned(),
        holds,
        options: options.iter().map(|option| (*option).to_owned()).collect(),
        ..CrmField::default()
    }
}

fn checked(rule: &Value, fields: Vec<CrmField>) -> (Vec<&'static str>, Vec<&'static str>) {
    let objects = [CrmObject {
        name: "deals".to_owned(),
        fields,
    }];
    let checked = check(&mapping(rule).unwrap(), usual(), &objects);
    let codes = |faults: Vec<domain::ConfigFault>| faults.iter().map(|fault| fault.code).collect();
    (codes(checked.faults), codes(checked.warnings))
}

#[test]
fn a_mapping_is_checked_against_the_crms_fields() {
    let one = |holds, options: &[&str]| vec![field("their_field", holds, options)];
    let options = ["Kitchen", "Other"];
    let map = |otherwise: Value| json!({ "from": "project.type", "then": [{ "map": { "values": { "kitchen": "Kitchen" }, "otherwise": otherwise } }] });
    let read_only = CrmField {
        is_read_only: true,
        ..field("their_field", Holds::Text, &[])
    };
    let required = CrmField {
        is_required: true,
        ..field("their_field", Holds::Text, &[])
    };
    let nothing: [&str; 0] = [];
    for (rule, fields, faults, warnings) in [
        (
            json!("note"),
            Vec::new(),
            ["unknown_field"].as_slice(),
            nothing.as_slice(),
        ),
        (json!("note"), one(Holds::Text, &[]), &[], &[]),
        (json!("note"), one(Holds::Number, &[]), &["wrong_type"], &[]),
        (
            json!({ "from": "note", "then": ["number"] }),
            one(Holds::Number, &[]),
            &[],
            &[],
        ),
        (
            json!("received_at"),
            one(Holds::Date, &[]),
            &["wrong_type"],
            &[],
        ),
        (json!("judgment.score"), one(Holds::Text, &[]), &[], &[]),
        (json!("note"), one(Holds::Other, &[]), &["wrong_type"], &[]),
        (
            json!("note"),
            one(Holds::Choice, &options),
            &[],
            &["options"],
        ),
        (
            json!("project.type"),
            one(Holds::Choice, &options),
            &["options"],
            &[],
        ),
        (
            json!({ "value": "kitchen" }),
            one(Holds::Choice, &options),
            &[],
            &[],
        ),
        (map(json!("Other")), one(Holds::Choice, &options), &[], &[]),
        (map(Value::Null), one(Holds::Choice, &options), &[], &[]),
        (
            map(json!("Else")),
            one(Holds::Choice, &options),
            &["options"],
            &[],
        ),
        (json!("note"), vec![read_only], &["read_only"], &[]),
        (json!("note"), vec![required.clone()], &[], &["required"]),
        (
            json!({ "from": "note", "then": [{ "default": "-" }] }),
            vec![required.clone()],
            &[],
            &[],
        ),
        (Value::Null, vec![required], &["required"], &[]),
    ] {
        let found = checked(&rule, fields);
        assert_eq!(found, (faults.to_vec(), warnings.to_vec()), "{rule}");
    }
    let unmapped = CrmField {
        is_required: true,
        ..field("closedate", Holds::Date, &[])
    };
    let both = vec![field("their_field", Holds::Text, &[]), unmapped];
    assert_eq!(checked(&json!("note"), both).1, ["required"]);
}

#[test]
fn the_schema_takes_what_is_read() {
    let schema = schema();
    for function in FUNCTIONS {
        let is_described = schema["$defs"]["function"]
            .to_string()
            .contains(&format!("\"{}\"", function.name));
        assert!(is_described, "{}", function.name);
    }
}

/// Any expression of the grammar, valid or not far from it.
fn expressions() -> impl Strategy<Value = Value> {
    let scalars = prop_oneof![
        "\\PC{0,20}".prop_map(Value::from),
        (0.0..1e300_f64).prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
    ];
    let names: Vec<_> = PATHS.iter().map(|path| path.name).collect();
    let paths = prop_oneof![
        proptest::sample::select(names).prop_map(str::to_owned),
        "attribution\\.[a-z_]{1,10}",
        "answers\\..{1,10}",
    ];
    let forms = |words: &'static [&'static str]| proptest::sample::select(words);
    let steps = prop_oneof![
        proptest::sample::select(vec!["label", "lower", "upper", "number"]).prop_map(Value::from),
        (1..70_000_u32).prop_map(|max| json!({ "cut": max })),
        forms(&["date", "us_date", "time", "words"]).prop_map(|form| json!({ "date": form })),
        forms(&["e164", "national", "dashes", "digits"]).prop_map(|form| json!({ "phone": form })),
        (0..8_u32).prop_map(|decimals| json!({ "number": decimals })),
        scalars.clone().prop_map(|value| json!({ "default": value })),
        ".{0,5}".prop_map(|between| json!({ "join": between })),
        (".{0,8}", scalars.clone(), proptest::option::of(scalars.clone())).prop_map(|(value, becomes, otherwise)| {
            json!({ "map": { "values": { value: becomes, "kitchen": "K" }, "otherwise": otherwise } })
        }),
    ];
    let then = proptest::collection::vec(steps, 0..5);
    let leaf = prop_oneof![
        (paths, then.clone()).prop_map(|(path, then)| json!({ "from": path, "then": then })),
        (scalars, then.clone()).prop_map(|(value, then)| json!({ "value": value, "then": then })),
    ];
    leaf.prop_recursive(2, 12, 4, move |inner| {
        let parts = proptest::collection::vec(inner, 1..4);
        prop_oneof![
            (parts.clone(), ".{0,3}", then.clone())
                .prop_map(|(parts, separator, then)| json!({ "concat": parts, "separator": separator, "then": then })),
            (parts, then.clone()).prop_map(|(parts, then)| json!({ "first": parts, "then": then })),
        ]
    })
}

proptest! {
    #[test]
    fn an_expression_is_total_and_comes_to_the_same_each_time(
        rule in expressions(), name in "\\PC{0,30}", note in "\\PC{0,60}", value in "\\PC{0,20}", zone in 0..3_usize,
    ) {
        let Ok(mapping) = mapping(&rule) else { return Ok(()) };
        let text = |text: String| Some(text).filter(|text| !text.is_empty());
        let zones = ["UTC", "America/Chicago", "Asia/Kathmandu"];
        let brief = Brief {
            name: text(name),
            note: text(note),
            value: text(value),
            zone: jiff::tz::TimeZone::get(zones[zone]).unwrap(),
            ..brief()
        };
        let first = mapping.of(&brief);
        prop_assert_eq!(&first, &mapping.of(&brief));
        prop_assert_eq!(first.hash(String::new()), mapping.of(&brief).hash(String::new()));
        let field = first.get("deals", "their_field").unwrap();
        let rule = &mapping.rules["deals"]["their_field"];
        let outcomes = rule.expression.as_ref().unwrap().outcomes();
        match &field.value {
            Some(value) => {
                // What is said of an expression before any lead came holds for each of them.
                prop_assert!(outcomes.kinds.contains(&value.kind()), "{:?}", value);
                if let (Some(words), Datum::Text(text)) = (&outcomes.words, value) {
                    prop_assert!(words.contains(text), "{} is none of {:?}", text, words);
                }
                prop_assert!(value.written().chars().count() <= 2 * 65_536);
                value.json_with_lists();
            }
            None => prop_assert!(!outcomes.is_always),
        }
    }

    #[test]
    fn what_is_no_mapping_is_refused_and_never_panics(json in any_json()) {
        for spec in CONNECTORS {
            drop(Mapping::read(spec.mapping, &json));
            drop(Mapping::saved(spec.mapping, &json!({ "fields": { "deals": { "x": json } } }), 1));
        }
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(|number| json!(number)),
        ".{0,10}".prop_map(Value::from),
    ];
    let names = prop_oneof![
        proptest::sample::select(vec![
            "fields", "deals", "from", "value", "then", "map", "values", "first"
        ])
        .prop_map(str::to_owned),
        ".{0,6}",
    ];
    leaf.prop_recursive(6, 40, 4, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map(names.clone(), inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

#[test]
fn every_kind_has_its_answer_for_every_field() {
    for kind in Kind::ALL {
        assert_eq!(fit(kind, Holds::Anything), Fit::Same);
        assert!(matches!(fit(kind, Holds::Other), Fit::Not(_)));
        assert!(!matches!(fit(kind, Holds::Text), Fit::Not(_)));
    }
}
