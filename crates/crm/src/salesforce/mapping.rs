//! A lead's brief in Salesforce's fields. Pure.

use std::collections::BTreeMap;

use domain::{Brief, Channel, E164, EmailAddress, PostalCode, ProjectType, lead::brief::label};
use jiff::tz::TimeZone;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::{api::Record, org::Org};
use crate::{
    cell::{cell, cut, is_formula},
    mapping::{DefaultField, Mapped, MappingSpec, ObjectSpec},
    names::{NAMELESS, Part, parted, whole},
};

/// Values by field.
pub(super) type Fields = BTreeMap<String, Value>;

/// The unique field of leads: the person's id.
pub(super) const LEAD_KEY: &str = "Lead_External_Id__c";
/// The unique field of tasks: the request's id.
pub(super) const TASK_KEY: &str = "Task_External_Id__c";

/// The longest description, in UTF-16 code units: 32,000 is Salesforce's.
const MAX_DESCRIPTION: usize = 31_900;

/// The kinds of record.
pub(super) const LEAD_OBJECT: &str = "Lead";
pub(super) const TASK_OBJECT: &str = "Task";

/// What can be mapped, and what is filled without any mapping.
pub(super) static MAPPING: MappingSpec = MappingSpec {
    objects: &[
        ObjectSpec {
            name: LEAD_OBJECT,
            about: "the person",
            is_updated: true,
        },
        ObjectSpec {
            name: TASK_OBJECT,
            about: "the request; what is written while empty is written with a new task alone",
            is_updated: true,
        },
    ],
    fields: &[
        DefaultField::key(LEAD_OBJECT, LEAD_KEY, "contact.person_id"),
        DefaultField::new(
            LEAD_OBJECT,
            "LastName",
            "contact.last_name; a name of one word; `Unknown person` where no name is known",
        )
        .needed(),
        DefaultField::new(
            LEAD_OBJECT,
            "FirstName",
            "contact.first_name, if there is a last name",
        ),
        DefaultField::new(
            LEAD_OBJECT,
            "Company",
            "LastName and `household`, where the org requires it",
        )
        .needed(),
        DefaultField::found_by(LEAD_OBJECT, "Email", "contact.email"),
        DefaultField::found_by(LEAD_OBJECT, "Phone", "contact.phone"),
        DefaultField::key(
            LEAD_OBJECT,
            "MobilePhone",
            "contact.phone, where `Phone` has another number",
        ),
        DefaultField::new(LEAD_OBJECT, "Street", "property.street"),
        DefaultField::new(LEAD_OBJECT, "City", "property.city"),
        DefaultField::new(
            LEAD_OBJECT,
            "State",
            "property.state, where the org has no codes of states",
        ),
        DefaultField::new(
            LEAD_OBJECT,
            "StateCode",
            "property.state, where the org has codes of states",
        ),
        DefaultField::new(LEAD_OBJECT, "CountryCode", "US, with a StateCode"),
        DefaultField::new(LEAD_OBJECT, "PostalCode", "property.postal_code"),
        DefaultField::new(LEAD_OBJECT, "Description", "details"),
        DefaultField::key(TASK_OBJECT, TASK_KEY, "lead_id"),
        DefaultField::key(TASK_OBJECT, "WhoId", "the person's lead or contact"),
        DefaultField::new(TASK_OBJECT, "Description", "details, then conversation").always(),
        DefaultField::new(
            TASK_OBJECT,
            "Subject",
            "project.type as a label, else what happened, and title",
        ),
        DefaultField::new(TASK_OBJECT, "Status", "`Not Started`"),
        DefaultField::new(TASK_OBJECT, "Priority", "`Normal`"),
        DefaultField::new(TASK_OBJECT, "ActivityDate", "received_at as a day in UTC"),
        DefaultField::new(TASK_OBJECT, "TaskSubtype", "`Call`, if channel is phone"),
    ],
    // It stands in queries.
    is_name: |name| {
        (1..=80).contains(&name.len())
            && name.starts_with(|c: char| c.is_ascii_alphabetic())
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    },
    name_rule: "Salesforce's API name of a field, such as Project_Type__c",
    is_open: false,
    records: |call| {
        let parts = call.body["compositeRequest"]
            .as_array()
            .into_iter()
            .flatten();
        let record = |part: &Value| {
            let url = part["url"].as_str()?;
            let object = [LEAD_OBJECT, TASK_OBJECT]
                .into_iter()
                .find(|object| url.contains(&format!("/sobjects/{object}/")))?;
            Some((object, part["body"].as_object()?.clone()))
        };
        parts.filter_map(record).collect()
    },
};

/// What a lead's fields are read as: the usual ones, and those that the mapping speaks of.
pub(super) fn read(mapped: &Mapped) -> String {
    let more = mapped.fields(LEAD_OBJECT).map(|(name, _)| name);
    let usual = |name: &&str| {
        let mut known = READ.split(", ");
        !known.any(|known| known.trim().eq_ignore_ascii_case(name))
    };
    let more: String = more.filter(usual).map(|name| format!(", {name}")).collect();
    format!("{READ}{more}")
}

/// Puts what the mapping says in place of what is usual.
pub(super) fn map_new(
    fields: &mut Fields,
    mapped: &Mapped,
    object: &str,
    org: &Org,
    zone: &TimeZone,
) {
    for (name, field) in mapped.fields(object) {
        let value = field.value.as_ref();
        let value = value.and_then(|value| match org.takes(object, name) {
            Some(takes) => takes.written(value, zone),
            None => Some(value.json()),
        });
        match value {
            Some(value) => drop(fields.insert(name.to_owned(), value)),
            None => drop(fields.remove(name)),
        }
    }
}

/// Writes a name once where the mapping has put all of it into one of its fields. `existing` is the lead that is there.
fn part_name(fields: &mut Fields, existing: Option<&Record>, brief: &Brief, mapped: &Mapped) {
    let text = |name: &str| fields.get(name).and_then(Value::as_str).map(str::to_owned);
    let written = ["FirstName", "LastName"].map(|name| (name, text(name)));
    let [first, last] = written.each_ref().map(|(name, written)| match written {
        Some(text) if mapped.has(LEAD_OBJECT, name) => Part::Mapped(text),
        Some(text) => Part::Usual(text),
        None => Part::There(existing.map_or("", |lead| lead.get(name))),
    });
    let (first, last) = parted(brief, first, last);
    for (name, part) in [("FirstName", first), ("LastName", last)] {
        if !fields.contains_key(name) {
            continue;
        }
        // What the CRM must have stays in any case.
        if !part.is_empty() {
            fields.insert(name.to_owned(), part.into());
        } else if name == "FirstName" || existing.is_some() {
            fields.remove(name);
        }
    }
}

/// The fields of a lead that we read before we write.
const READ: &str = "Id, FirstName, LastName, Company, Email, Phone, MobilePhone, Street, City, State, \
    PostalCode, Description, IsConverted, ConvertedContactId, Lead_External_Id__c";

/// How a text may be made to fit.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fit {
    /// Cut: the task's description has all of it.
    Cut,
    /// Left out: half of a key or of an address is another one.
    Whole,
}

/// The person, as far as we know them.
pub(super) fn lead(brief: &Brief, org: &Org) -> Fields {
    let (first, last) = match brief.split_name() {
        // A name of one word is the one that must be there.
        (Some(only), None) => (None, Some(only)),
        names => names,
    };
    let email = brief.email.as_ref().map(EmailAddress::as_str);
    let last = last.unwrap_or(NAMELESS);
    let household = match last {
        NAMELESS => NAMELESS.to_owned(),
        last => format!("{last} household"),
    };
    let state = brief.state.as_deref();
    let is_code = state.is_some_and(|state| state.len() == 2);
    let codes = org.has_state_codes && is_code;
    let values = [
        ("LastName", Some(cell(last)), Fit::Cut, 80),
        ("FirstName", first.map(cell), Fit::Cut, 40),
        (
            "Company",
            org.needs_company.then(|| cell(household)),
            Fit::Cut,
            255,
        ),
        (
            "Email",
            email.filter(|email| !is_formula(email)).map(str::to_owned),
            Fit::Whole,
            80,
        ),
        (
            "Phone",
            brief.phone.clone().map(String::from),
            Fit::Whole,
            40,
        ),
        ("Street", brief.address.as_deref().map(cell), Fit::Cut, 255),
        ("City", brief.city.as_deref().map(cell), Fit::Cut, 40),
        (
            "State",
            state.filter(|_| !org.has_state_codes).map(cell),
            Fit::Cut,
            80,
        ),
        (
            "StateCode",
            state.filter(|_| codes).map(cell),
            Fit::Whole,
            10,
        ),
        (
            "CountryCode",
            codes.then(|| "US".to_owned()),
            Fit::Whole,
            10,
        ),
        (
            "PostalCode",
            brief.postal_code.as_ref().map(PostalCode::as_str).map(cell),
            Fit::Cut,
            20,
        ),
        ("Description", Some(cell(brief.details())), Fit::Cut, 32_000),
    ];
    let fitted = values.into_iter().filter_map(|(name, value, fit, usual)| {
        let (value, longest) = (value?, org.longest(name, usual));
        let is_short = value.encode_utf16().count() <= longest;
        let value = match fit {
            _ if is_short => value,
            Fit::Cut => cut(&value, longest),
            Fit::Whole => return None,
        };
        (!value.is_empty()).then(|| (name.to_owned(), value.into()))
    });
    fitted.collect()
}

/// The lead as it is made.
pub(super) fn mapped_lead(brief: &Brief, mapped: &Mapped, org: &Org) -> Fields {
    let mut fields = lead(brief, org);
    map_new(&mut fields, mapped, LEAD_OBJECT, org, &brief.zone);
    fields
}

/// The name of a lead that is made, once.
pub(super) fn part_new(fields: &mut Fields, brief: &Brief, mapped: &Mapped) {
    part_name(fields, None, brief, mapped);
}

/// What of the person an existing lead lacks. Another telephone number becomes the mobile number if there is none.
pub(super) fn missing(
    existing: &Record,
    mut wanted: Fields,
    brief: &Brief,
    mapped: &Mapped,
    key: &str,
) -> Fields {
    let is_empty = |name: &str| match existing.value(name) {
        // A box that is not ticked is as nobody has touched it.
        None | Some(Value::Bool(false)) => true,
        Some(Value::String(text)) => matches!(text.as_str(), "" | NAMELESS),
        Some(_) => false,
    };
    if existing.get(LEAD_KEY).is_empty() {
        wanted.insert(LEAD_KEY.to_owned(), key.into());
    }
    let numbers = ["Phone", "MobilePhone"].map(|name| E164::parse(existing.get(name)).ok());
    match &brief.phone {
        Some(phone) if numbers.contains(&Some(phone.clone())) => drop(wanted.remove("Phone")),
        Some(phone) if !is_empty("Phone") => {
            let mobile = ("MobilePhone".to_owned(), phone.as_str().into());
            wanted.extend([mobile]);
        }
        Some(_) | None => {}
    }
    // A state that is there, there is as a text and as a code.
    if !is_empty("State") {
        wanted.remove("StateCode");
        wanted.remove("CountryCode");
    }
    if brief.name.is_none() && !mapped.has(LEAD_OBJECT, "LastName") {
        wanted.remove("LastName");
    }
    wanted.retain(|name, value| {
        is_empty(name)
            || (mapped.is_always(LEAD_OBJECT, name) && existing.value(name) != Some(&*value))
    });
    part_name(&mut wanted, Some(existing), brief, mapped);
    wanted
}

/// The job. What a salesperson changes is written with a new task alone.
pub(super) fn task(brief: &Brief, is_new: bool, org: &Org, mapped: &Mapped) -> Fields {
    let project = brief.judgment.as_ref().map(|it| it.project_type);
    let project = match project {
        None | Some(ProjectType::Unknown | ProjectType::Other) => brief.happened.label.to_owned(),
        Some(known) => label(known.as_str()),
    };
    let subject = cell(format!("{project} - {}", brief.title()));
    let mut fields = Fields::new();
    let mut set = |name: &str, value: String| drop(fields.insert(name.to_owned(), value.into()));
    set("Description", description(brief));
    if is_new {
        set("Subject", cut(&subject, org.longest("Subject", 255)));
        set("Status", "Not Started".to_owned());
        set("Priority", "Normal".to_owned());
        set(
            "ActivityDate",
            brief.received_at.strftime("%Y-%m-%d").to_string(),
        );
        if brief.channel == Channel::Phone {
            set("TaskSubtype", "Call".to_owned());
        }
    }
    map_new(&mut fields, mapped, TASK_OBJECT, org, &brief.zone);
    if !is_new {
        let is_kept = |name: &String| name == "Description" || mapped.is_always(TASK_OBJECT, name);
        fields.retain(|name, _| is_kept(name));
    }
    fields
}

/// Everything: the facts, then as much of the conversation as there is room for.
fn description(brief: &Brief) -> String {
    let details = brief.details();
    let room = MAX_DESCRIPTION.saturating_sub(details.encode_utf16().count() + 2);
    let told = match brief.conversation.script(room) {
        Some(script) => format!("{details}\n\n{script}"),
        None => details,
    };
    cut(&cell(told), MAX_DESCRIPTION)
}

/// Puts what people should know of the lead in front of what is told.
pub(super) fn add_notice(fields: &mut Fields, notice: Option<&str>) {
    let Some(notice) = notice else { return };
    if let Some(Value::String(told)) = fields.get_mut("Description") {
        *told = cut(&cell(format!("{notice}\n\n{told}")), MAX_DESCRIPTION);
    }
}

/// Whether a lead has this number.
pub(super) fn has_phone(lead: &Record, phone: &E164) -> bool {
    let typed = ["Phone", "MobilePhone"].map(|name| lead.get(name));
    typed
        .iter()
        .any(|typed| E164::parse(typed).as_ref() == Ok(phone))
}

/// The whole name of a lead; empty if it has none.
pub(super) fn name(lead: &Record) -> String {
    whole(lead.get("FirstName"), lead.get("LastName"))
}

/// SHA-256 over everything that is mapped, in lower-case hexadecimal.
pub(super) fn fields_hash(brief: &Brief) -> String {
    let org = Org::default();
    let mut hash = Sha256::new();
    for fields in [
        lead(brief, &org),
        task(brief, true, &org, &Mapped::default()),
    ] {
        hash.update(serde_json::to_vec(&fields).unwrap_or_default());
        hash.update([0]);
    }
    hex::encode(hash.finalize())
}

#[cfg(test)]
mod tests {
    use domain::PersonId;
    use testkit::lead as sample;

    use super::*;

    fn call() -> Brief {
        let person = PersonId::from_uuid(uuid::Uuid::from_u128(2));
        Brief::new(&sample::qualified(Channel::Phone), &sample::office()).from_person(person)
    }

    #[test]
    fn every_value_goes_where_it_belongs() {
        let lead = lead(&call(), &Org::with(&[], true, false));
        for (name, value) in [
            ("FirstName", "Ann"),
            ("LastName", "Lee"),
            ("Company", "Lee household"),
            ("Email", "ann@example.com"),
            ("Phone", "+15125550142"),
            ("City", "Round Rock"),
            ("State", "TX"),
            ("PostalCode", "78664"),
        ] {
            assert_eq!(lead[name], value, "{name}");
        }
        let task = task(&call(), true, &Org::default(), &Mapped::default());
        assert_eq!(task["Subject"], "Kitchen - Ann Lee");
        assert_eq!(task["TaskSubtype"], "Call");
        let told = task["Description"].as_str().unwrap();
        assert!(told.contains("Score") || told.contains("score"), "{told}");
        assert!(told.contains("Speaker 1: Thanks for calling"), "{told}");
    }

    #[test]
    fn where_no_company_is_needed_a_person_has_none_and_states_are_codes() {
        let lead = lead(&call(), &Org::with(&[], false, true));
        assert!(!lead.contains_key("Company") && !lead.contains_key("State"));
        assert_eq!(
            (&lead["StateCode"], &lead["CountryCode"]),
            (&"TX".into(), &"US".into())
        );
    }

    #[test]
    fn texts_are_cut_to_what_the_org_says_and_keys_are_left_out() {
        let long = Brief {
            city: Some("out past Dripping Springs near the old Fitzhugh church".to_owned()),
            name: Some(format!("Ann {}", "L".repeat(90))),
            address: Some("💥".repeat(60)),
            ..call()
        };
        let org = Org::with(
            &[("City", 40), ("LastName", 80), ("Street", 41), ("Email", 5)],
            true,
            false,
        );
        let lead = lead(&long, &org);
        assert_eq!(lead["City"], "out past Dripping Springs near the old F");
        assert_eq!(lead["LastName"].as_str().unwrap().len(), 80);
        assert_eq!(lead["Street"], "💥".repeat(20), "never half of a character");
        assert!(!lead.contains_key("Email"));
        let told = task(&long, true, &org, &Mapped::default())["Description"]
            .as_str()
            .unwrap()
            .to_owned();
        for whole in [
            long.name.as_deref().unwrap(),
            "Fitzhugh church",
            "ann@example.com",
        ] {
            assert!(told.contains(whole), "{told}");
        }
    }

    #[test]
    fn what_is_mapped_is_written_as_the_org_describes_its_field() {
        let json = serde_json::json!({ "fields": { "Lead": {
            "Score__c": "judgment.score", "Contacted__c": "received_at", "Mail__c": { "value": "ann@example.com" },
            "LastName": "contact.name", "Company": "contact.extension",
        } } });
        let mapped = crate::Mapping::read(&MAPPING, &json).unwrap().of(&call());
        let org = Org::with(&[], true, false).taking(&[
            ("Score__c", "string", 80),
            ("Contacted__c", "date", 0),
            ("Mail__c", "email", 5),
        ]);
        let mut lead = mapped_lead(&call(), &mapped, &org);
        part_new(&mut lead, &call(), &mapped);
        for (name, value) in [
            ("Score__c", "82"),
            ("Contacted__c", "2026-11-02"),
            ("LastName", "Ann Lee"),
            ("Company", "Lee household"),
        ] {
            assert_eq!(lead[name], value, "{name}");
        }
        for name in ["Mail__c", "FirstName"] {
            assert!(!lead.contains_key(name), "{name}");
        }
    }

    #[test]
    fn an_existing_lead_is_completed_and_never_changed() {
        let existing = Record::new(&[
            ("Id", "00Q1"),
            ("FirstName", "Annie"),
            ("LastName", "Unknown person"),
            ("Phone", "(512) 555-0199"),
            ("Company", "Cedar Works"),
            ("State", "Texas"),
        ]);
        let missing = missing(
            &existing,
            lead(&call(), &Org::with(&[], true, false)),
            &call(),
            &Mapped::default(),
            "per_2",
        );
        let names: Vec<_> = missing.keys().map(String::as_str).collect();
        assert_eq!(
            names,
            [
                "City",
                "Description",
                "Email",
                "LastName",
                LEAD_KEY,
                "MobilePhone",
                "PostalCode",
                "Street"
            ]
        );
        assert_eq!(missing["MobilePhone"], "+15125550142");
    }
}
