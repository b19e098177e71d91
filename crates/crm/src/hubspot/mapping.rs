//! Our lead in HubSpot's fields. Pure; every value is a string.
//!
//! Two kinds of property, and one rule for each:
//! - HubSpot's own (`firstname`, `dealname`, …) belong to the company. They are filled while they are empty, and what
//!   stands in them is never changed: a person may have written it.
//! - Ours (`lead_intake_…`) always show the newest of what we know.

use std::collections::BTreeMap;

use domain::E164;
use sha2::{Digest, Sha256};

use super::api::Record;
use crate::{Lead, words::label};

/// Values by property name.
pub(super) type Properties = BTreeMap<&'static str, String>;

/// Our unique property of contacts: the person's id.
pub(super) const CONTACT_KEY: &str = "lead_external_id";
/// Our unique property of deals: the request's id.
pub(super) const DEAL_KEY: &str = "deal_external_id";

/// What a contact is called while nothing is known of its name: HubSpot wants a name or an address. It counts as
/// empty when a name is learned.
const NAMELESS: &str = "Unknown caller";

/// The properties of a contact that we read before we write.
pub(super) const CONTACT_PROPERTIES: &[&str] = &[
    CONTACT_KEY,
    "firstname",
    "lastname",
    "email",
    "phone",
    "mobilephone",
    "city",
    "state",
    "zip",
];
/// The company's properties of a deal that we fill.
pub(super) const DEAL_PROPERTIES: &[&str] = &["dealname", "description", "amount"];

/// A property of ours: name, label, type and kind of field.
pub(super) struct OwnProperty {
    pub(super) name: &'static str,
    pub(super) label: &'static str,
    pub(super) kind: &'static str,
    pub(super) field: &'static str,
}

const fn own(
    name: &'static str,
    label: &'static str,
    kind: &'static str,
    field: &'static str,
) -> OwnProperty {
    OwnProperty {
        name,
        label,
        kind,
        field,
    }
}

/// Our unique property of contacts.
pub(super) const CONTACT_KEY_PROPERTY: OwnProperty =
    own(CONTACT_KEY, "Lead intake: person", "string", "text");
/// Our unique property of deals.
pub(super) const DEAL_KEY_PROPERTY: OwnProperty =
    own(DEAL_KEY, "Lead intake: request", "string", "text");

/// Our properties of deals, besides the unique one.
pub(super) const OWN: &[OwnProperty] = &[
    own("lead_intake_score", "Lead score", "number", "number"),
    own("lead_intake_project_type", "Project type", "string", "text"),
    own("lead_intake_intent", "Caller's intent", "string", "text"),
    own("lead_intake_timeline", "Timeline", "string", "text"),
    own("lead_intake_budget", "Budget", "string", "text"),
    own(
        "lead_intake_sentiment",
        "Caller's sentiment",
        "string",
        "text",
    ),
    own("lead_intake_area", "Service area", "string", "text"),
    own("lead_intake_phone", "Caller's phone", "string", "text"),
    own("lead_intake_tags", "Call tags", "string", "text"),
    own("lead_intake_note", "Call note", "string", "textarea"),
    own("lead_intake_source", "Lead source", "string", "text"),
    own("lead_intake_recording", "Recording", "string", "text"),
    own("lead_intake_details", "Lead details", "string", "textarea"),
    own("lead_intake_transcript", "Transcript", "string", "textarea"),
];

/// The person, as far as we know them.
pub(super) fn contact(lead: &Lead) -> Properties {
    let is_nameless = lead.first_name.is_none() && lead.last_name.is_none() && lead.email.is_none();
    let values = [
        (CONTACT_KEY, Some(lead.person.to_string())),
        ("firstname", lead.first_name.clone()),
        (
            "lastname",
            lead.last_name
                .clone()
                .or_else(|| is_nameless.then(|| NAMELESS.to_owned())),
        ),
        ("email", lead.email.clone().map(String::from)),
        ("phone", lead.phone.clone().map(String::from)),
        ("city", lead.city.clone()),
        ("state", lead.state.clone()),
        ("zip", lead.postal_code.clone().map(String::from)),
    ];
    filled(values)
}

/// What of the person an existing contact lacks. Another telephone number goes where mobile numbers stand, if there
/// is room; what has none is on the deal.
pub(super) fn missing_in_contact(existing: &Record, lead: &Lead) -> Properties {
    let is_empty = |name: &str| matches!(existing.get(name), "" | NAMELESS);
    let mut wanted = contact(lead);
    if wanted.get("lastname").is_some_and(|name| name == NAMELESS) {
        wanted.remove("lastname");
    }
    if lead.first_name.is_some() && existing.get("lastname") == NAMELESS {
        // The stand-in goes with the first name that is learned.
        wanted.entry("lastname").or_default();
    }
    let is_known = |phone: &E164| phones(existing).contains(phone);
    match &lead.phone {
        Some(phone) if is_known(phone) => drop(wanted.remove("phone")),
        Some(phone) if !is_empty("phone") => {
            drop(wanted.insert("mobilephone", phone.as_str().to_owned()));
        }
        Some(_) | None => {}
    }
    wanted.retain(|name, _| is_empty(name));
    wanted
}

/// The numbers at which a contact is reached.
pub(super) fn phones(contact: &Record) -> Vec<E164> {
    ["phone", "mobilephone"]
        .into_iter()
        .filter_map(|name| E164::parse(contact.get(name)).ok())
        .collect()
}

/// The job in the company's own properties.
pub(super) fn deal(lead: &Lead) -> Properties {
    let project = lead
        .judgement
        .as_ref()
        .map(|judgement| judgement.project_type);
    let project = match project {
        None | Some(domain::ProjectType::Unknown | domain::ProjectType::Other) => "Lead".to_owned(),
        Some(known) => label(known.as_str()),
    };
    let values = [
        ("dealname", Some(format!("{project} - {}", lead.title()))),
        ("description", Some(lead.details())),
        ("amount", lead.value.as_deref().and_then(amount)),
    ];
    filled(values)
}

/// What of the job an existing deal lacks.
pub(super) fn missing_in_deal(existing: &Record, lead: &Lead) -> Properties {
    let mut wanted = deal(lead);
    wanted.retain(|name, _| existing.get(name).is_empty());
    wanted
}

/// The job in our properties. One that has nothing to show is empty, which clears what it showed before.
pub(super) fn own_properties(lead: &Lead) -> Properties {
    let judgement = lead.judgement.as_ref();
    let area = if lead.is_area_unknown {
        "unknown: please check"
    } else {
        "inside"
    };
    let values = [
        (
            "lead_intake_score",
            judgement.map(|judgement| judgement.score.to_string()),
        ),
        (
            "lead_intake_project_type",
            judgement.map(|judgement| judgement.project_type.as_str().to_owned()),
        ),
        (
            "lead_intake_intent",
            judgement.map(|judgement| judgement.intent.as_str().to_owned()),
        ),
        (
            "lead_intake_timeline",
            judgement.map(|judgement| judgement.timeline.as_str().to_owned()),
        ),
        (
            "lead_intake_budget",
            judgement.map(|judgement| judgement.budget.as_str().to_owned()),
        ),
        (
            "lead_intake_sentiment",
            judgement.map(|judgement| judgement.sentiment.as_str().to_owned()),
        ),
        ("lead_intake_area", Some(area.to_owned())),
        ("lead_intake_phone", lead.phone.clone().map(String::from)),
        ("lead_intake_tags", lead.tags.clone()),
        ("lead_intake_note", lead.note.clone()),
        ("lead_intake_source", lead.source.clone()),
        ("lead_intake_recording", lead.recording.clone()),
        ("lead_intake_details", Some(lead.details())),
        ("lead_intake_transcript", lead.transcript.clone()),
    ];
    values
        .into_iter()
        .map(|(name, value)| (name, value.unwrap_or_default()))
        .collect()
}

/// SHA-256 over everything that is mapped, in lower-case hexadecimal.
pub(super) fn fields_hash(lead: &Lead) -> String {
    let mut hash = Sha256::new();
    for properties in [contact(lead), deal(lead), own_properties(lead)] {
        for (name, value) in properties {
            // Lengths in front, so that no two different sets read the same.
            for part in [name, &value] {
                hash.update(part.len().to_be_bytes());
                hash.update(part);
            }
        }
    }
    hex::encode(hash.finalize())
}

fn filled<const N: usize>(values: [(&'static str, Option<String>); N]) -> Properties {
    let values = values
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)));
    values.filter(|(_, value)| !value.is_empty()).collect()
}

/// `$18,500.50` is 18500.50; what is no such amount is left to the details.
fn amount(written: &str) -> Option<String> {
    let digits: String = written
        .trim()
        .trim_start_matches('$')
        .chars()
        .filter(|c| *c != ',')
        .collect();
    let digits = digits.trim();
    let (whole, cents) = digits.split_once('.').unwrap_or((digits, "0"));
    let is_number = |text: &str, max| {
        (1..=max).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
    };
    let is_amount = is_number(whole, 12)
        && is_number(cents, 4)
        && digits.bytes().any(|b| (b'1'..=b'9').contains(&b));
    is_amount.then(|| digits.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lead::sample;

    #[test]
    fn every_value_goes_where_it_belongs() {
        let lead = sample();
        let contact = contact(&lead);
        for (name, value) in [
            (CONTACT_KEY, "per_00000000000000000000000000000002"),
            ("firstname", "Ann Marie"),
            ("lastname", "Lee"),
            ("email", "ann@example.com"),
            ("phone", "+15125550142"),
            ("city", "Round Rock"),
            ("state", "TX"),
            ("zip", "78664"),
        ] {
            assert_eq!(contact.get(name).map(String::as_str), Some(value), "{name}");
        }
        let deal = deal(&lead);
        assert_eq!(deal["dealname"], "Kitchen - Ann Marie Lee");
        assert_eq!(deal["amount"], "18500");
        let own = own_properties(&lead);
        assert_eq!(own["lead_intake_score"], "82");
        assert_eq!(own["lead_intake_timeline"], "1_3_months");
        assert_eq!(own["lead_intake_area"], "unknown: please check");
        assert!(
            own["lead_intake_details"].contains("Timeline: 1–3 months"),
            "{}",
            own["lead_intake_details"]
        );
        assert!(own["lead_intake_transcript"].starts_with("[0:00] Speaker 1: "));
    }

    #[test]
    fn every_property_of_ours_is_defined_and_every_defined_one_is_written() {
        let mut defined: Vec<_> = OWN.iter().map(|property| property.name).collect();
        defined.sort_unstable();
        assert_eq!(
            own_properties(&sample()).into_keys().collect::<Vec<_>>(),
            defined
        );
    }

    #[test]
    fn a_person_without_name_and_address_has_a_stand_in_until_a_name_is_learned() {
        let nameless = Lead {
            first_name: None,
            last_name: None,
            email: None,
            ..sample()
        };
        assert_eq!(contact(&nameless)["lastname"], NAMELESS);
        let existing = Record::new("1", &[(CONTACT_KEY, "per_x"), ("lastname", NAMELESS)]);
        assert!(!missing_in_contact(&existing, &nameless).contains_key("lastname"));
        assert_eq!(missing_in_contact(&existing, &sample())["lastname"], "Lee");
        let first_only = Lead {
            last_name: None,
            ..sample()
        };
        let missing = missing_in_contact(&existing, &first_only);
        assert_eq!(
            (missing["firstname"].as_str(), missing["lastname"].as_str()),
            ("Ann Marie", "")
        );
    }

    #[test]
    fn an_existing_contact_is_completed_and_never_changed() {
        let existing = Record::new(
            "1",
            &[
                (CONTACT_KEY, "per_other"),
                ("firstname", "Annie"),
                ("phone", "(512) 555-0142"),
                ("zip", "78701"),
            ],
        );
        let missing = missing_in_contact(&existing, &sample());
        let names: Vec<_> = missing.keys().copied().collect();
        assert_eq!(names, ["city", "email", "lastname", "state"]);
    }

    #[test]
    fn another_number_goes_where_there_is_room() {
        let with = |properties| missing_in_contact(&Record::new("1", properties), &sample());
        assert_eq!(
            with(&[("phone", "+15125550199")])["mobilephone"],
            "+15125550142"
        );
        assert!(
            !with(&[("phone", "+15125550199"), ("mobilephone", "+15125550198")])
                .contains_key("mobilephone")
        );
        let known = with(&[("mobilephone", "512-555-0142")]);
        assert!(!known.contains_key("phone") && !known.contains_key("mobilephone"));
    }

    #[test]
    fn the_hash_changes_with_every_field_and_with_nothing_else() {
        let lead = sample();
        assert_eq!(fields_hash(&lead), fields_hash(&lead.clone()));
        for changed in [
            Lead {
                tags: Some("hot".to_owned()),
                ..lead.clone()
            },
            Lead {
                note: None,
                ..lead.clone()
            },
            Lead {
                email: None,
                ..lead.clone()
            },
            Lead {
                transcript: None,
                ..lead.clone()
            },
            Lead {
                is_area_unknown: false,
                ..lead.clone()
            },
        ] {
            assert_ne!(fields_hash(&changed), fields_hash(&lead));
        }
    }

    #[test]
    fn only_plain_amounts_of_money_become_numbers() {
        for (written, expected) in [
            ("18500", Some("18500")),
            ("$18,500.50", Some("18500.50")),
            (" 42 ", Some("42")),
            ("0", None),
            ("", None),
            ("a lot", None),
            ("-5", None),
            ("1e9", None),
            ("9999999999999", None),
        ] {
            assert_eq!(amount(written).as_deref(), expected, "{written}");
        }
    }
}
