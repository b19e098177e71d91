//! The properties of objects, and the values that they accept.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::portal::Kind;
use super::{HubSpot, Provider, Sim, error_in, lock};
use crate::extract::{Authorized, JsonBody, Path};

/// How many unique properties may be added to an object.
const UNIQUE_LIMIT: usize = 10;

/// The stages of the default pipeline of deals.
pub(super) const STAGES: &[(&str, &str)] = &[
    ("appointmentscheduled", "Appointment scheduled"),
    ("qualifiedtobuy", "Qualified to buy"),
    ("presentationscheduled", "Presentation scheduled"),
    ("decisionmakerboughtin", "Decision maker bought-in"),
    ("contractsent", "Contract sent"),
    ("closedwon", "Closed won"),
    ("closedlost", "Closed lost"),
];

const LIFECYCLE_STAGES: &[&str] = &[
    "subscriber",
    "lead",
    "marketingqualifiedlead",
    "salesqualifiedlead",
    "opportunity",
    "customer",
    "evangelist",
    "other",
];

const LEAD_STATUSES: &[&str] = &[
    "NEW",
    "OPEN",
    "IN_PROGRESS",
    "OPEN_DEAL",
    "UNQUALIFIED",
    "ATTEMPTED_TO_CONTACT",
    "CONNECTED",
    "BAD_TIMING",
];

#[derive(Debug, Clone)]
pub(super) struct Property {
    pub(super) value: ValueType,
    pub(super) is_unique: bool,
    pub(super) is_read_only: bool,
    definition: Value,
    is_own: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ValueType {
    Text,
    Email,
    Number,
    Date,
    Bool,
    OneOf(Vec<String>),
}

/// A property that an administrator has added.
pub(super) fn own(name: &str, options: &[&str]) -> Property {
    let value = match options {
        [] => ValueType::Text,
        options => ValueType::OneOf(options.iter().map(|option| (*option).to_owned()).collect()),
    };
    let mut own = Property::new(name, value);
    own.definition["hubspotDefined"] = json!(false);
    own
}

impl Property {
    /// A text property that accepts anything.
    pub(super) fn text(name: &str) -> Self {
        Self::new(name, ValueType::Text)
    }

    fn new(name: &str, value: ValueType) -> Self {
        let (kind, field) = match &value {
            ValueType::Text | ValueType::Email => ("string", "text"),
            ValueType::Number => ("number", "number"),
            ValueType::Date => ("datetime", "date"),
            ValueType::Bool => ("bool", "booleancheckbox"),
            ValueType::OneOf(_) => ("enumeration", "select"),
        };
        let options: Vec<_> = match &value {
            ValueType::OneOf(options) => options
                .iter()
                .map(|value| json!({ "label": value, "value": value }))
                .collect(),
            _ => Vec::new(),
        };
        let definition = json!({
            "name": name, "label": name, "type": kind, "fieldType": field, "groupName": "", "description": "",
            "hasUniqueValue": value == ValueType::Email, "options": options, "hubspotDefined": true,
        });
        Self {
            is_unique: value == ValueType::Email,
            value,
            is_read_only: false,
            definition,
            is_own: true,
        }
    }

    fn read_only(mut self) -> Self {
        self.is_read_only = true;
        self
    }

    /// Why a value is not accepted: a code and a message.
    pub(super) fn refuses(&self, name: &str, value: &str) -> Option<(&'static str, String)> {
        if self.is_read_only {
            return Some((
                "READ_ONLY_VALUE",
                format!("\"{name}\" is a read only property"),
            ));
        }
        if value.is_empty() {
            return None;
        }
        if value.chars().count() > 65_536 {
            let message =
                format!("The value of \"{name}\" exceeds the maximum length of 65536 characters");
            return Some(("PROPERTY_VALUE_TOO_LONG", message));
        }
        match &self.value {
            ValueType::Text => None,
            ValueType::Email => (!is_email(value))
                .then(|| ("INVALID_EMAIL", format!("Email address {value} is invalid"))),
            ValueType::Number => value
                .parse::<f64>()
                .is_err()
                .then(|| ("INVALID_DOUBLE", format!("{value} was not a valid number."))),
            ValueType::Date => (value.parse::<i64>().is_err()
                && value.parse::<jiff::Timestamp>().is_err()
                && value.parse::<jiff::civil::Date>().is_err())
            .then(|| ("INVALID_DATE", format!("{value} was not a valid date."))),
            ValueType::Bool => (!["true", "false"].contains(&value)).then(|| {
                (
                    "INVALID_BOOLEAN",
                    format!("{value} was not a valid boolean."),
                )
            }),
            ValueType::OneOf(options) => {
                let unknown = value
                    .split(';')
                    .find(|part| !options.iter().any(|option| option == part))?;
                Some((
                    "INVALID_OPTION",
                    format!("{unknown} was not one of the allowed options: {options:?}"),
                ))
            }
        }
    }
}

fn is_email(text: &str) -> bool {
    let Some((name, host)) = text.split_once('@') else {
        return false;
    };
    !name.is_empty()
        && !host.contains('@')
        && host.contains('.')
        && host.split('.').all(|part| !part.is_empty())
        && !text
            .chars()
            .any(|letter| letter.is_whitespace() || letter.is_control())
}

/// The properties that every account has.
pub(super) fn standard(kind: Kind) -> BTreeMap<String, Property> {
    let text = |names: &[&'static str]| {
        names
            .iter()
            .map(|name| (*name, ValueType::Text))
            .collect::<Vec<_>>()
    };
    let one_of = |options: &[&str]| {
        ValueType::OneOf(options.iter().map(|option| (*option).to_owned()).collect())
    };
    let mut properties = match kind {
        Kind::Contacts => text(&[
            "firstname",
            "lastname",
            "phone",
            "mobilephone",
            "address",
            "city",
            "state",
            "zip",
            "country",
            "company",
            "website",
            "jobtitle",
            "message",
            "hs_additional_emails",
            "hs_language",
            "salutation",
            "fax",
            "hubspot_owner_id",
        ]),
        Kind::Deals => text(&[
            "dealname",
            "description",
            "dealtype",
            "hubspot_owner_id",
            "hs_priority",
            "hs_next_step",
            "deal_currency_code",
            "closed_lost_reason",
            "closed_won_reason",
        ]),
        Kind::Notes => text(&["hs_note_body", "hubspot_owner_id", "hs_attachment_ids"]),
    };
    properties.extend(match kind {
        Kind::Contacts => vec![
            ("email", ValueType::Email),
            ("lifecyclestage", one_of(LIFECYCLE_STAGES)),
            ("hs_lead_status", one_of(LEAD_STATUSES)),
        ],
        Kind::Deals => vec![
            ("amount", ValueType::Number),
            ("closedate", ValueType::Date),
            ("pipeline", one_of(&["default"])),
            (
                "dealstage",
                ValueType::OneOf(STAGES.iter().map(|(id, _)| (*id).to_owned()).collect()),
            ),
        ],
        Kind::Notes => vec![("hs_timestamp", ValueType::Date)],
    });
    let read_only = [
        "createdate",
        "lastmodifieddate",
        "hs_lastmodifieddate",
        "hs_object_id",
        "hs_searchable_calculated_phone_number",
    ];
    let read_only = read_only
        .iter()
        .map(|name| (*name, Property::text(name).read_only()));
    let writable = properties
        .into_iter()
        .map(|(name, value)| (name, Property::new(name, value)));
    writable
        .chain(read_only)
        .map(|(name, property)| (name.to_owned(), property))
        .collect()
}

/// `GET /crm/v3/properties/{kind}`. HubSpot does not page this list.
pub(super) async fn list(
    State(_): Sim,
    Authorized(account): Authorized<HubSpot>,
    Path(kind): Path<Kind>,
) -> Response {
    let portal = lock(&account.portal);
    let known = portal
        .properties
        .get(&kind)
        .into_iter()
        .flat_map(BTreeMap::values);
    let results: Vec<_> = known.map(|property| &property.definition).collect();
    Json(json!({ "results": results })).into_response()
}

/// `GET /crm/v3/properties/{kind}/{name}`.
pub(super) async fn show(
    State(_): Sim,
    Authorized(account): Authorized<HubSpot>,
    Path((kind, name)): Path<(Kind, String)>,
) -> Result<Response, Response> {
    let portal = lock(&account.portal);
    let property = portal
        .properties
        .get(&kind)
        .and_then(|properties| properties.get(&name));
    let property = property.ok_or_else(|| {
        let message = format!("Property with the name \"{name}\" does not exist");
        HubSpot::error(StatusCode::NOT_FOUND, &message)
    })?;
    Ok(Json(&property.definition).into_response())
}

/// `POST /crm/v3/properties/{kind}`.
pub(super) async fn create(
    State(_): Sim,
    Authorized(account): Authorized<HubSpot>,
    Path(kind): Path<Kind>,
    JsonBody(mut definition): JsonBody<Value>,
) -> Result<Response, Response> {
    let invalid = |message: &str| HubSpot::error(StatusCode::BAD_REQUEST, message);
    if !definition.is_object() {
        return Err(HubSpot::bad_json("expected an object"));
    }
    let text = |field: &str| {
        definition[field]
            .as_str()
            .filter(|text| !text.is_empty())
            .map(str::to_owned)
    };
    let absent = ["name", "label", "type", "fieldType", "groupName"]
        .into_iter()
        .find(|field| text(field).is_none());
    if let Some(field) = absent {
        return Err(invalid(&format!(
            "Some required fields were not set: [{field}]"
        )));
    }
    let name = text("name").unwrap_or_default();
    let mut letters = name.chars();
    let is_name = letters
        .next()
        .is_some_and(|letter| letter.is_ascii_lowercase())
        && letters
            .all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_');
    if !is_name {
        return Err(invalid(&format!("\"{name}\" is not a valid property name")));
    }
    let options = definition["options"].as_array().into_iter().flatten();
    let options: Vec<_> = options
        .filter_map(|option| option["value"].as_str().map(str::to_owned))
        .collect();
    let value = match text("type").unwrap_or_default().as_str() {
        "string" | "phone_number" => ValueType::Text,
        "number" => ValueType::Number,
        "date" | "datetime" => ValueType::Date,
        "bool" => ValueType::Bool,
        "enumeration" => ValueType::OneOf(options),
        other => {
            return Err(invalid(&format!(
                "\"{other}\" is not a valid property type"
            )));
        }
    };
    let is_unique = definition["hasUniqueValue"].as_bool().unwrap_or(false);
    let mut portal = lock(&account.portal);
    let properties = portal.properties.entry(kind).or_default();
    if properties.contains_key(&name) {
        let message = format!("A property named '{name}' already exists.");
        return Err(error_in(
            StatusCode::CONFLICT,
            "OBJECT_ALREADY_EXISTS",
            &message,
        ));
    }
    let unique = properties
        .values()
        .filter(|property| property.is_unique && !property.is_own)
        .count();
    if is_unique && unique >= UNIQUE_LIMIT {
        return Err(invalid(
            "The limit of 10 properties with unique values has been reached.",
        ));
    }
    for (field, default) in [
        ("description", json!("")),
        ("options", json!([])),
        ("hasUniqueValue", json!(false)),
    ] {
        if definition[field].is_null() {
            definition[field] = default;
        }
    }
    let property = Property {
        value,
        is_unique,
        is_read_only: false,
        definition: definition.clone(),
        is_own: false,
    };
    properties.insert(name, property);
    Ok((StatusCode::CREATED, Json(definition)).into_response())
}

/// `GET /crm/v3/pipelines/deals`.
pub(super) async fn pipelines(
    State(_): Sim,
    _: Authorized<HubSpot>,
    Path(kind): Path<Kind>,
) -> Result<Response, Response> {
    if kind != Kind::Deals {
        return Err(HubSpot::refuse(StatusCode::NOT_FOUND));
    }
    let stages: Vec<_> = STAGES
        .iter()
        .enumerate()
        .map(|(order, (id, label))| json!({ "id": id, "label": label, "displayOrder": order, "archived": false }))
        .collect();
    let pipeline = json!({ "id": "default", "label": "Sales Pipeline", "displayOrder": 0, "archived": false, "stages": stages });
    Ok(Json(json!({ "results": [pipeline] })).into_response())
}
