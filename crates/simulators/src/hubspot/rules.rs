//! What may be written, and the errors for what may not.

use std::collections::BTreeMap;

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use super::portal::{Kind, Portal, Record};
use super::{HubSpot, Shared, correlation_id};
use crate::fault::Fault;

/// Why a row was refused.
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    category: &'static str,
    message: String,
    errors: Vec<Value>,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, category: &'static str, message: String) -> Self {
        Self {
            status,
            category,
            message,
            errors: Vec::new(),
        }
    }

    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "VALIDATION_ERROR", message.into())
    }

    pub(super) fn not_found() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "OBJECT_NOT_FOUND",
            "resource not found".to_owned(),
        )
    }

    pub(super) fn exists(kind: Kind, id: &str) -> Self {
        let name = if kind == Kind::Contacts {
            "Contact"
        } else {
            "Object"
        };
        Self::new(
            StatusCode::CONFLICT,
            "CONFLICT",
            format!("{name} already exists. Existing ID: {id}"),
        )
    }

    pub(super) fn to_json(&self) -> Value {
        let mut json =
            json!({ "status": "error", "message": self.message, "category": self.category });
        if !self.errors.is_empty() {
            json["errors"] = json!(self.errors);
        }
        json
    }
}

impl From<Refusal> for Response {
    fn from(refusal: Refusal) -> Self {
        let mut body = refusal.to_json();
        body["correlationId"] = json!(correlation_id());
        (refusal.status, Json(body)).into_response()
    }
}

/// Finds a record by id or by a unique property.
pub(super) fn find<'a>(
    portal: &'a Portal,
    kind: Kind,
    id_property: Option<&str>,
    value: &str,
) -> Result<Option<&'a Record>, Refusal> {
    let Some(id_property) = id_property else {
        return Ok(portal.get(kind, value));
    };
    let property = portal
        .properties
        .get(&kind)
        .and_then(|properties| properties.get(id_property));
    if property.is_some_and(|property| property.is_unique) {
        Ok(portal.by_unique(kind, id_property, value))
    } else {
        Err(Refusal::invalid(format!(
            "Unable to perform update/upsert by non-unique property {id_property}"
        )))
    }
}

/// Checks the properties to be written to a new or an existing record.
pub(super) fn check(
    sim: &Shared<HubSpot>,
    portal: &Portal,
    kind: Kind,
    existing: Option<&Record>,
    properties: Map<String, Value>,
    line: &str,
) -> Result<BTreeMap<String, String>, Refusal> {
    let mut checked = BTreeMap::new();
    let mut errors = Vec::new();
    let known = portal.properties.get(&kind);
    for (name, value) in properties {
        let Value::String(value) = value else {
            return Err(Refusal::invalid(format!(
                "Invalid input JSON: the value of \"{name}\" is not a string"
            )));
        };
        let error = match known.and_then(|known| known.get(&name)) {
            None => Some((
                "PROPERTY_DOESNT_EXIST",
                format!("Property \"{name}\" does not exist"),
            )),
            Some(property) => property.refuses(&name, &value),
        };
        if let Some((code, message)) = error {
            errors.push(json!({ "message": message, "code": code, "in": name }));
        }
        checked.insert(name, value);
    }
    if !errors.is_empty() {
        let message = "Property values were not valid".to_owned();
        return Err(Refusal {
            errors,
            ..Refusal::invalid(message)
        });
    }
    required(sim, kind, existing, &checked, line)?;
    for (name, value) in checked.iter().filter(|(_, value)| !value.is_empty()) {
        let is_unique = known
            .and_then(|known| known.get(name))
            .is_some_and(|property| property.is_unique);
        let holder = is_unique
            .then(|| portal.by_unique(kind, name, value))
            .flatten();
        if let Some(holder) =
            holder.filter(|holder| existing.is_none_or(|existing| existing.id != holder.id))
        {
            return Err(Refusal::exists(kind, &holder.id));
        }
    }
    Ok(checked)
}

/// Checks that a record has what it needs after a write.
fn required(
    sim: &Shared<HubSpot>,
    kind: Kind,
    existing: Option<&Record>,
    changes: &BTreeMap<String, String>,
    line: &str,
) -> Result<(), Refusal> {
    let has = |name: &str| match changes.get(name) {
        Some(value) => !value.is_empty(),
        None => existing.is_some_and(|record| record.properties.contains_key(name)),
    };
    let missing = sim.control.take(line, |fault| match fault {
        Fault::MissingField { property } if !has(property) => Some(property.clone()),
        _ => None,
    });
    if let Some(name) = missing {
        let error = json!({
            "message": format!("Required property \"{name}\" was not set"), "in": name,
            "code": "MISSING_REQUIRED_PROPERTY", "context": { "propertyName": [name] },
        });
        let message = format!(
            "Error creating {}. Some required properties were not set.",
            kind.plural()
        );
        return Err(Refusal {
            errors: vec![error],
            ..Refusal::invalid(message)
        });
    }
    if existing.is_some() {
        return Ok(());
    }
    let absent = match kind {
        Kind::Contacts
            if ["email", "firstname", "lastname"]
                .iter()
                .any(|name| has(name)) =>
        {
            None
        }
        Kind::Contacts => Some("one of email, firstname, lastname"),
        Kind::Deals => ["dealname", "dealstage"]
            .into_iter()
            .find(|name| !has(name)),
        Kind::Notes => ["hs_timestamp"].into_iter().find(|name| !has(name)),
    };
    match absent {
        Some(absent) => Err(Refusal::invalid(format!(
            "Some required properties were not set: {absent}"
        ))),
        None => Ok(()),
    }
}
