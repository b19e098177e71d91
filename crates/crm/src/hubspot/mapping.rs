//! A lead's brief in HubSpot's fields. Pure; every value is a string.
//!
//! Two kinds of property, and one rule for each:
//! - HubSpot's own (`firstname`, `dealname`, …) belong to the company. They are filled while they are empty, and what
//!   stands in them is never changed: a person may have written it.
//! - Ours (`lead_intake_…`) always show the newest of what we know.

use std::{borrow::Cow, collections::BTreeMap};

use domain::{
    Brief, E164, EmailAddress, PostalCode, ProjectType,
    lead::brief::{Judgment, label},
};
use jiff::tz::TimeZone;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{
    Lead,
    api::{Kind, Record},
};
use crate::{
    PushError,
    cell::{cell, is_formula, plain_amount},
    mapping::{Datum, DefaultField, Mapped, MappingSpec, ObjectSpec, Takes},
    names::{NAMELESS, Part, parted, whole},
};

/// Values by property name.
pub(super) type Properties = BTreeMap<Cow<'static, str>, String>;

/// Our unique property of contacts: the person's id.
pub(super) const CONTACT_KEY: &str = "lead_external_id";
/// Our unique property of deals: the request's id.
pub(super) const DEAL_KEY: &str = "deal_external_id";
/// Our property of a contact that people should look at. It is written once, with the contact.
pub(super) const NOTICE: &str = "lead_intake_notice";
/// What a record is known by, and what a deal cannot be without: never left out.
const NEEDED: [&str; 5] = [CONTACT_KEY, DEAL_KEY, "dealname", "pipeline", "dealstage"];

/// Longest conversation, in UTF-16 code units. HubSpot takes 65,536 characters, and does not say how it counts them.
const MAX_CONVERSATION: usize = 64_000;

/// Longest text of a mapped property, in UTF-16 code units.
const MAX_MAPPED: usize = 65_000;

const CONTACTS: &str = "contacts";
const DEALS: &str = "deals";

/// What can be mapped, and what is filled without any mapping.
pub(super) static MAPPING: MappingSpec = MappingSpec {
    objects: &[
        ObjectSpec {
            name: CONTACTS,
            about: "the person",
            is_updated: true,
        },
        ObjectSpec {
            name: DEALS,
            about: "the request",
            is_updated: true,
        },
    ],
    fields: &[
        DefaultField::key(CONTACTS, CONTACT_KEY, "contact.person_id"),
        DefaultField::key(CONTACTS, NOTICE, "what people should look at"),
        DefaultField::new(CONTACTS, "firstname", "contact.first_name"),
        DefaultField::new(
            CONTACTS,
            "lastname",
            "contact.last_name; `Unknown person` where neither name nor address is known",
        ),
        DefaultField::found_by(CONTACTS, "email", "contact.email"),
        DefaultField::found_by(CONTACTS, "phone", "contact.phone"),
        DefaultField::key(
            CONTACTS,
            "mobilephone",
            "contact.phone, where `phone` has another number",
        ),
        DefaultField::new(CONTACTS, "city", "property.city"),
        DefaultField::new(CONTACTS, "state", "property.state"),
        DefaultField::new(CONTACTS, "zip", "property.postal_code"),
        DefaultField::key(DEALS, DEAL_KEY, "lead_id"),
        DefaultField::new(DEALS, "dealname", "project.type as a label, and title").needed(),
        DefaultField::new(DEALS, "description", "details"),
        DefaultField::new(DEALS, "amount", "project.value, if it is an amount"),
        DefaultField::new(
            DEALS,
            "pipeline",
            "the pipeline of a mapped dealstage, else the first, with a new deal",
        )
        .needed(),
        DefaultField::new(
            DEALS,
            "dealstage",
            "the first stage of the pipeline, with a new deal",
        )
        .needed(),
        DefaultField::new(DEALS, "lead_intake_channel", "channel").always(),
        DefaultField::new(DEALS, "lead_intake_score", "judgment.score").always(),
        DefaultField::new(DEALS, "lead_intake_project_type", "project.type").always(),
        DefaultField::new(DEALS, "lead_intake_intent", "judgment.intent").always(),
        DefaultField::new(DEALS, "lead_intake_timeline", "project.timeline").always(),
        DefaultField::new(DEALS, "lead_intake_budget", "project.budget").always(),
        DefaultField::new(DEALS, "lead_intake_sentiment", "judgment.sentiment").always(),
        DefaultField::new(
            DEALS,
            "lead_intake_area",
            "`inside`, or that property.is_area_unknown",
        )
        .always(),
        DefaultField::new(DEALS, "lead_intake_phone", "contact.phone").always(),
        DefaultField::new(DEALS, "lead_intake_tags", "tags").always(),
        DefaultField::new(DEALS, "lead_intake_note", "note").always(),
        DefaultField::new(DEALS, "lead_intake_source", "attribution in one line").always(),
        DefaultField::new(DEALS, "lead_intake_recording", "recording").always(),
        DefaultField::new(DEALS, "lead_intake_details", "details").always(),
        DefaultField::new(DEALS, "lead_intake_transcript", "conversation").always(),
    ],
    is_name: |name| {
        (1..=100).contains(&name.len())
            && name.starts_with(|c: char| c.is_ascii_lowercase())
            && name
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
    },
    name_rule: "HubSpot's internal name of a property, in small letters",
    is_open: false,
    records: |call| {
        let object = [CONTACTS, DEALS]
            .into_iter()
            .find(|object| call.url.contains(&format!("/crm/v3/objects/{object}/")));
        let properties = call.body.pointer("/inputs/0/properties");
        let properties = properties.or_else(|| call.body.get("properties"));
        let properties = properties.and_then(Value::as_object).cloned();
        object.zip(properties).into_iter().collect()
    },
};

/// What the portal's properties take that hold anything but text, by kind and name.
pub(super) type PortalTakes = BTreeMap<(&'static str, String), Takes>;

/// Puts what the mapping says of a new record in place of what is usual.
pub(super) fn map_new(
    properties: &mut Properties,
    lead: &Lead<'_>,
    kind: Kind,
    takes: &PortalTakes,
) {
    for (name, field) in lead.mapped.fields(kind.as_str()) {
        let takes = takes.get(&(kind.as_str(), name.to_owned()));
        match &field.value {
            Some(value) => {
                let value = written(value, takes, &lead.brief.zone);
                drop(properties.insert(Cow::Owned(name.to_owned()), value));
            }
            None => drop(properties.remove(name)),
        }
    }
}

/// The same for a record that is there: what is to be written while it is empty is left out where it is not.
pub(super) fn map_existing(
    properties: &mut Properties,
    lead: &Lead<'_>,
    kind: Kind,
    takes: &PortalTakes,
    existing: &Record,
) {
    map_new(properties, lead, kind, takes);
    for (name, _) in lead.mapped.fields(kind.as_str()) {
        let is_wanted = match existing.get(name) {
            "" => true,
            NAMELESS if name == "lastname" => true,
            there => {
                lead.mapped.is_always(kind.as_str(), name)
                    && properties.get(name).is_some_and(|value| value != there)
            }
        };
        if !is_wanted {
            properties.remove(name);
        }
    }
}

/// Writes a name once where the mapping has put all of it into one of its properties. `existing` is the contact that is
/// there.
pub(super) fn part_name(properties: &mut Properties, lead: &Lead<'_>, existing: Option<&Record>) {
    let names = ["firstname", "lastname"];
    let written = names.map(|name| (name, properties.get(name).cloned()));
    let [first, last] = written.each_ref().map(|(name, written)| match written {
        Some(text) if lead.mapped.has(CONTACTS, name) => Part::Mapped(text),
        Some(text) => Part::Usual(text),
        None => Part::There(existing.map_or("", |contact| contact.get(name))),
    });
    let (is_first, is_last) = (first, last);
    let (first, last) = parted(lead.brief, first, last);
    for (name, before, part) in [("firstname", is_first, first), ("lastname", is_last, last)] {
        if matches!(before, Part::There(_)) || before.text() == part {
            continue;
        }
        if part.is_empty() {
            properties.remove(name);
        } else {
            properties.insert(name.into(), part.to_owned());
        }
    }
}

/// The names that are read before we write: the usual ones, and those that the mapping speaks of.
pub(super) fn names<'a>(usual: &[&'a str], mapped: &'a Mapped, kind: Kind) -> Vec<&'a str> {
    let more = mapped.fields(kind.as_str()).map(|(name, _)| name);
    let mut names = usual.to_vec();
    names.extend(more.filter(|name| !usual.contains(name)));
    names
}

/// A value as HubSpot takes it: everything is a text.
fn written(value: &Datum, takes: Option<&Takes>, zone: &TimeZone) -> String {
    let written = takes.and_then(|takes| takes.written(value, zone));
    let written = match written {
        Some(Value::String(text)) => text,
        Some(other) => other.to_string(),
        None => value.written(),
    };
    crate::cell::cut(&written, MAX_MAPPED)
}

/// The properties of a contact that we read before we write.
pub(super) const CONTACT_PROPERTIES: &[&str] = &[
    CONTACT_KEY,
    NOTICE,
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

/// A property of ours: name, label and kind of field.
pub(super) struct OwnProperty {
    pub(super) name: &'static str,
    pub(super) label: &'static str,
    pub(super) field: &'static str,
}

impl OwnProperty {
    /// The type of its values.
    pub(super) fn kind(&self) -> &'static str {
        match self.field {
            "number" => "number",
            _ => "string",
        }
    }
}

const fn own(name: &'static str, label: &'static str, field: &'static str) -> OwnProperty {
    OwnProperty { name, label, field }
}

/// Our unique property of contacts.
pub(super) const CONTACT_KEY_PROPERTY: OwnProperty =
    own(CONTACT_KEY, "Lead intake: person", "text");
/// Our properties of contacts, besides the unique one.
pub(super) const OWN_OF_CONTACTS: &[OwnProperty] =
    &[own(NOTICE, "Lead intake: notice", "textarea")];
/// Our unique property of deals.
pub(super) const DEAL_KEY_PROPERTY: OwnProperty = own(DEAL_KEY, "Lead intake: request", "text");

/// Our properties of deals, besides the unique one.
pub(super) const OWN: &[OwnProperty] = &[
    own("lead_intake_channel", "Channel", "text"),
    own("lead_intake_score", "Lead score", "number"),
    own("lead_intake_project_type", "Project type", "text"),
    own("lead_intake_intent", "Intent", "text"),
    own("lead_intake_timeline", "Timeline", "text"),
    own("lead_intake_budget", "Budget", "text"),
    own("lead_intake_sentiment", "Sentiment", "text"),
    own("lead_intake_area", "Service area", "text"),
    own("lead_intake_phone", "Phone", "text"),
    own("lead_intake_tags", "Tags", "text"),
    own("lead_intake_note", "Note", "textarea"),
    own("lead_intake_source", "Lead source", "text"),
    own("lead_intake_recording", "Recording", "text"),
    own("lead_intake_details", "Lead details", "textarea"),
    own("lead_intake_transcript", "Conversation", "textarea"),
];

/// The person, as far as we know them. An address that a spreadsheet would run is not written.
pub(super) fn contact(brief: &Brief) -> Properties {
    let (first, last) = brief.split_name();
    let email = brief.email.as_ref().map(EmailAddress::as_str);
    let email = email.filter(|email| !is_formula(email));
    let is_nameless = brief.name.is_none() && email.is_none();
    let values = [
        (CONTACT_KEY, Some(brief.person_key())),
        ("firstname", first.map(cell)),
        (
            "lastname",
            last.or(is_nameless.then_some(NAMELESS)).map(cell),
        ),
        ("email", email.map(str::to_owned)),
        ("phone", brief.phone.clone().map(String::from)),
        ("city", brief.city.as_deref().map(cell)),
        ("state", brief.state.as_deref().map(cell)),
        (
            "zip",
            brief.postal_code.as_ref().map(PostalCode::as_str).map(cell),
        ),
    ];
    filled(values)
}

/// What of the person an existing contact lacks. Another telephone number becomes the mobile number if there is none;
/// otherwise the deal alone has it.
pub(super) fn missing_in_contact(
    existing: &Record,
    lead: &Lead<'_>,
    takes: &PortalTakes,
) -> Properties {
    let brief = lead.brief;
    let is_empty = |name: &str| matches!(existing.get(name), "" | NAMELESS);
    let mut wanted = contact(brief);
    if wanted.get("lastname").is_some_and(|name| name == NAMELESS) {
        wanted.remove("lastname");
    }
    if brief.name.is_some() && existing.get("lastname") == NAMELESS {
        // The stand-in is cleared when a first name alone is learned.
        wanted.entry("lastname".into()).or_default();
    }
    let is_known = |phone: &E164| phones(existing).contains(phone);
    match &brief.phone {
        Some(phone) if is_known(phone) => drop(wanted.remove("phone")),
        Some(phone) if !is_empty("phone") => {
            drop(wanted.insert("mobilephone".into(), phone.as_str().to_owned()));
        }
        Some(_) | None => {}
    }
    wanted.retain(|name, _| is_empty(name));
    let has_number = !wanted.contains_key("phone");
    map_existing(&mut wanted, lead, Kind::Contacts, takes, existing);
    if has_number {
        // Another form of a number is no other number.
        wanted.remove("phone");
    }
    part_name(&mut wanted, lead, Some(existing));
    wanted
}

/// The whole name of a contact; empty if it has none.
pub(super) fn name(contact: &Record) -> String {
    whole(contact.get("firstname"), contact.get("lastname"))
}

/// Leaves out the value that HubSpot rejects, so that the rest is written; false if nothing can be left out. The deal's
/// details have it all the same.
pub(super) fn leave_out(
    error: &PushError,
    properties: &mut Properties,
    mapped: &Mapped,
    kind: Kind,
) -> bool {
    let PushError::Rejected { field, .. } = error else {
        return false;
    };
    let field = field.rsplit('.').next().unwrap_or_default();
    let is_needed = NEEDED.contains(&field) || mapped.has(kind.as_str(), field);
    !is_needed && properties.remove(field).is_some()
}

/// Gives a new contact that lost its name and address the stand-in; true if it did.
pub(super) fn stand_in(contact: &mut Properties) -> bool {
    let names = ["firstname", "lastname", "email"];
    let is_nameless = !names.iter().any(|name| contact.contains_key(*name));
    if is_nameless {
        contact.insert("lastname".into(), NAMELESS.to_owned());
    }
    is_nameless
}

/// Puts what people should know of the contact in front of what the deal tells.
pub(super) fn add_notice(deal: &mut Properties, notice: &str) {
    if notice.is_empty() {
        return;
    }
    for name in ["description", "lead_intake_details"] {
        if let Some(told) = deal.get_mut(name) {
            *told = cell(format!("{notice}\n\n{told}"));
        }
    }
}

/// The numbers at which a contact is reached.
pub(super) fn phones(contact: &Record) -> Vec<E164> {
    ["phone", "mobilephone"]
        .into_iter()
        .filter_map(|name| E164::parse(contact.get(name)).ok())
        .collect()
}

/// The job in the company's own properties.
pub(super) fn deal(brief: &Brief) -> Properties {
    let project = brief
        .judgment
        .as_ref()
        .map(|judgment| judgment.project_type);
    let project = match project {
        None | Some(ProjectType::Unknown | ProjectType::Other) => "Lead".to_owned(),
        Some(known) => label(known.as_str()),
    };
    let values = [
        (
            "dealname",
            Some(cell(format!("{project} - {}", brief.title()))),
        ),
        ("description", Some(cell(brief.details()))),
        ("amount", brief.value.as_deref().and_then(amount)),
    ];
    filled(values)
}

/// What of the job an existing deal lacks.
pub(super) fn missing_in_deal(existing: &Record, brief: &Brief) -> Properties {
    let mut wanted = deal(brief);
    wanted.retain(|name, _| existing.get(name).is_empty());
    wanted
}

/// The job in our properties. One that has nothing to show is empty, which clears what it showed before.
pub(super) fn own_properties(brief: &Brief) -> Properties {
    let judgment = brief.judgment.as_ref();
    let area = if brief.is_area_unknown {
        "unknown: please check"
    } else {
        "inside"
    };
    let word = |of: fn(&Judgment) -> &'static str| judgment.map(|it| of(it).to_owned());
    let conversation = &brief.conversation;
    let values = [
        ("lead_intake_channel", Some(brief.channel.to_string())),
        ("lead_intake_score", judgment.map(|it| it.score.to_string())),
        (
            "lead_intake_project_type",
            word(|it| it.project_type.as_str()),
        ),
        ("lead_intake_intent", word(|it| it.intent.as_str())),
        ("lead_intake_timeline", word(|it| it.timeline.as_str())),
        ("lead_intake_budget", word(|it| it.budget.as_str())),
        ("lead_intake_sentiment", word(|it| it.sentiment.as_str())),
        ("lead_intake_area", Some(area.to_owned())),
        ("lead_intake_phone", brief.phone.clone().map(String::from)),
        ("lead_intake_tags", Some(cell(brief.tags.join(", ")))),
        ("lead_intake_note", brief.note.as_deref().map(cell)),
        ("lead_intake_source", brief.found_by().map(cell)),
        (
            "lead_intake_recording",
            conversation.recording.as_deref().map(cell),
        ),
        ("lead_intake_details", Some(cell(brief.details()))),
        (
            "lead_intake_transcript",
            conversation.script(MAX_CONVERSATION).map(cell),
        ),
    ];
    values
        .into_iter()
        .map(|(name, value)| (name.into(), value.unwrap_or_default()))
        .collect()
}

/// SHA-256 over everything that is mapped, in lower-case hexadecimal.
pub(super) fn fields_hash(brief: &Brief) -> String {
    let mut hash = Sha256::new();
    for properties in [contact(brief), deal(brief), own_properties(brief)] {
        for (name, value) in properties {
            // Lengths in front, so that no two different sets read the same.
            for part in [&*name, &value] {
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
        .filter_map(|(name, value)| Some((name.into(), value?)));
    values.filter(|(_, value)| !value.is_empty()).collect()
}

/// `$18,500.50` is 18500.50; only the details show what is no such amount.
fn amount(written: &str) -> Option<String> {
    let digits = plain_amount(written)?;
    let digits = digits.as_str();
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
    use domain::{Channel, Facts, PersonId};
    use testkit::lead;

    use super::*;

    fn brief(channel: Channel) -> Brief {
        brief_of(channel, |_| ())
    }

    fn brief_of(channel: Channel, change: impl Fn(&mut Facts)) -> Brief {
        let mut request = lead::qualified(channel);
        change(&mut request.document.source.said);
        request.document.details = None;
        let person = PersonId::from_uuid(uuid::Uuid::from_u128(2));
        Brief::new(&request, &lead::office()).from_person(person)
    }

    fn call() -> Brief {
        brief(Channel::Phone)
    }

    fn missing(existing: &Record, brief: &Brief) -> Properties {
        let mapped = &Mapped::default();
        missing_in_contact(existing, &Lead { brief, mapped }, &PortalTakes::new())
    }

    #[test]
    fn every_value_goes_where_it_belongs() {
        let contact = contact(&call());
        for (name, value) in [
            (CONTACT_KEY, "per_00000000000000000000000000000002"),
            ("firstname", "Ann"),
            ("lastname", "Lee"),
            ("email", "ann@example.com"),
            ("phone", "+15125550142"),
            ("city", "Round Rock"),
            ("state", "TX"),
            ("zip", "78664"),
        ] {
            assert_eq!(contact.get(name).map(String::as_str), Some(value), "{name}");
        }
        let deal = deal(&call());
        assert_eq!(deal["dealname"], "Kitchen - Ann Lee");
        assert_eq!(deal["amount"], "18500");
        let own = own_properties(&call());
        assert_eq!(own["lead_intake_score"], "82");
        assert_eq!(own["lead_intake_timeline"], "1_3_months");
        assert_eq!(own["lead_intake_tags"], "kitchen, call back");
        let details = &own["lead_intake_details"];
        for line in ["Timeline: 1–3 months", "Lead status: good_lead"] {
            assert!(details.contains(line), "{details}");
        }
    }

    #[test]
    fn each_channel_shows_its_own_conversation() {
        for (channel, begin) in [
            (Channel::Phone, "[0:00] Speaker 1: Thanks for calling"),
            (
                Channel::Text,
                "[Mon 2 Nov 2026, 9:04 AM CST] Customer: Hello",
            ),
            (Channel::Form, "Customer: We want a new kitchen"),
            (Channel::Calendar, "Customer: We want a new kitchen"),
            (
                Channel::Chat,
                "[Mon 2 Nov 2026, 9:04 AM CST] Customer: Hello",
            ),
            (Channel::Api, "Customer: We want a new kitchen"),
        ] {
            let own = own_properties(&brief(channel));
            assert_eq!(own["lead_intake_channel"], channel.as_str());
            let shown = &own["lead_intake_transcript"];
            assert!(shown.starts_with(begin), "{channel}: {shown}");
        }
    }

    #[test]
    fn every_property_of_ours_is_defined_and_written() {
        let mut defined: Vec<_> = OWN.iter().map(|property| property.name).collect();
        defined.sort_unstable();
        let written: Vec<_> = own_properties(&call()).into_keys().collect();
        assert_eq!(written, defined);
    }

    #[test]
    fn a_long_conversation_fits() {
        let mut long = call();
        let utterance = domain::lead::brief::Utterance {
            text: "💥".repeat(8_000),
            ..long.conversation.utterances.remove(0)
        };
        long.conversation.utterances = vec![utterance; 10];
        let shown = &own_properties(&long)["lead_intake_transcript"];
        let length = shown.encode_utf16().count();
        assert!((40_000..=MAX_CONVERSATION).contains(&length), "{length}");
        assert!(shown.ends_with("is in the dashboard]"));
    }

    #[test]
    fn text_that_looks_like_a_formula_is_marked_as_text() {
        let hostile = brief_of(Channel::Phone, |facts| {
            let text = |text: &str| Some(text.to_owned());
            facts.person.name = text("=HYPERLINK(\"http://evil.example\") @Lee");
            facts.person.city = text("@SUM(A1)");
            facts.person.email = text("=1+1@example.com");
            facts.labels.tags = Some(vec!["+cmd".to_owned()]);
            facts.labels.note = text("-1");
            facts.attribution = [("source".to_owned(), "＝1".to_owned())].into();
        });
        let properties = [contact(&hostile), deal(&hostile), own_properties(&hostile)];
        let all: Properties = properties.into_iter().flatten().collect();
        for (name, value) in &all {
            let is_phone = hostile.phone.as_ref().map(E164::as_str) == Some(value);
            assert!(is_phone || !is_formula(value), "{name}: {value}");
        }
        for (name, value) in [
            ("firstname", "'=HYPERLINK(\"http://evil.example\")"),
            ("lastname", "'@Lee"),
            ("city", "'@SUM(A1)"),
            ("lead_intake_tags", "'+cmd"),
            ("lead_intake_note", "'-1"),
            ("lead_intake_source", "'＝1"),
        ] {
            assert_eq!(all[name], value, "{name}");
        }
        assert!(!all.contains_key("email"));
    }

    #[test]
    fn a_stand_in_is_the_name_until_one_is_learned() {
        let nameless = Brief {
            name: None,
            email: None,
            ..call()
        };
        assert_eq!(contact(&nameless)["lastname"], NAMELESS);
        let existing = Record::new("1", &[(CONTACT_KEY, "per_x"), ("lastname", NAMELESS)]);
        assert!(!missing(&existing, &nameless).contains_key("lastname"));
        assert_eq!(missing(&existing, &call())["lastname"], "Lee");
        let first_only = Brief {
            name: Some("Ann".to_owned()),
            ..call()
        };
        let missing = missing(&existing, &first_only);
        assert_eq!(
            (missing["firstname"].as_str(), missing["lastname"].as_str()),
            ("Ann", "")
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
        let missing = missing(&existing, &call());
        let names: Vec<_> = missing.keys().map(|name| &**name).collect();
        assert_eq!(names, ["city", "email", "lastname", "state"]);
    }

    #[test]
    fn another_number_becomes_the_mobile_number() {
        let with = |properties| missing(&Record::new("1", properties), &call());
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
    fn the_hash_changes_with_every_field() {
        let brief = call();
        assert_eq!(fields_hash(&brief), fields_hash(&brief.clone()));
        let changes: [fn(&mut Brief); 7] = [
            |brief| brief.tags = vec!["hot".to_owned()],
            |brief| brief.note = None,
            |brief| brief.email = None,
            |brief| brief.lead_status = None,
            |brief| brief.conversation.utterances.clear(),
            |brief| brief.is_area_unknown = !brief.is_area_unknown,
            |brief| brief.happened.at = None,
        ];
        for (number, change) in changes.into_iter().enumerate() {
            let mut changed = brief.clone();
            change(&mut changed);
            assert_ne!(fields_hash(&changed), fields_hash(&brief), "{number}");
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
