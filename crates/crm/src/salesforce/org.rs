//! What a company's org is like: its fields, as it describes them.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::mapping::{LEAD_KEY, TASK_KEY, TASK_OBJECT};
use crate::{CrmField, Holds, PushError, mapping::Takes};

/// How many options of a field are remembered; of more, none is compared.
const MAX_OPTIONS: usize = 300;

/// A field as the org describes it.
#[derive(Debug, Clone, Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Field {
    pub(super) name: String,
    label: String,
    #[serde(rename = "type")]
    kind: String,
    length: u32,
    nillable: bool,
    createable: bool,
    defaulted_on_create: bool,
    external_id: bool,
    unique: bool,
    picklist_values: Vec<Choice>,
}

/// A value that a field takes.
#[derive(Debug, Clone, Deserialize, Default)]
#[serde(default)]
struct Choice {
    value: String,
    active: bool,
}

impl Field {
    /// Whether a record cannot be made without it. A box that is ticked or not is never empty.
    fn is_required(&self) -> bool {
        self.createable && !self.nillable && !self.defaulted_on_create && self.kind != "boolean"
    }
}

impl From<Field> for CrmField {
    fn from(field: Field) -> Self {
        let is_required = field.is_required();
        let holds = holds(&field.kind);
        let choices = field.picklist_values.into_iter();
        Self {
            name: field.name,
            label: field.label,
            kind: field.kind,
            is_required,
            options: choices
                .filter(|choice| choice.active)
                .map(|choice| choice.value)
                .collect(),
            max_length: Some(field.length).filter(|length| *length > 0),
            holds,
            is_read_only: !field.createable,
        }
    }
}

/// Source: Salesforce, "Field Types" (read 2026-11).
fn holds(kind: &str) -> Holds {
    match kind {
        "string" | "textarea" | "email" | "phone" | "url" | "combobox" | "encryptedstring"
        | "id" => Holds::Text,
        "picklist" => Holds::Choice,
        "multipicklist" => Holds::Choices,
        "int" | "double" | "currency" | "percent" | "long" => Holds::Number,
        "boolean" => Holds::Flag,
        "date" => Holds::Date,
        "datetime" => Holds::Time,
        _ => Holds::Other,
    }
}

/// What we write by.
#[derive(Debug, Clone, Default)]
pub(super) struct Org {
    /// The longest text of each field of a lead, in characters.
    lengths: BTreeMap<String, u32>,
    /// What each field of a lead takes that we may write, by its name in small letters: so Salesforce compares names.
    takes: BTreeMap<String, Takes>,
    /// The same of a task.
    task_takes: BTreeMap<String, Takes>,
    /// Whether a lead must have a company. Where it need not, a person without one becomes a person account.
    pub(super) needs_company: bool,
    /// Whether states are codes from a list.
    pub(super) has_state_codes: bool,
}

impl Org {
    pub(super) fn new(lead: &[Field], task: &[Field]) -> Result<Self, PushError> {
        let missing = missing_key("Lead", LEAD_KEY, lead);
        if let Some(missing) = missing.or_else(|| missing_key("Task", TASK_KEY, task)) {
            return Err(PushError::Misconfigured(missing));
        }
        let company = lead.iter().find(|field| field.name == "Company");
        Ok(Self {
            lengths: lengths(lead),
            needs_company: company.is_none_or(Field::is_required),
            has_state_codes: lead.iter().any(|field| field.name == "StateCode"),
            takes: takes(lead),
            task_takes: takes(task),
        })
    }

    /// The longest text that a field of a lead takes; `usual` if the org does not say.
    pub(super) fn longest(&self, field: &str, usual: usize) -> usize {
        let length = self.lengths.get(field);
        length.map_or(usual, |length| usize::try_from(*length).unwrap_or(usual))
    }

    /// What a field of a kind of record takes, if the org says.
    pub(super) fn takes(&self, object: &str, field: &str) -> Option<&Takes> {
        let takes = match object {
            TASK_OBJECT => &self.task_takes,
            _ => &self.takes,
        };
        takes.get(&field.to_ascii_lowercase())
    }

    #[cfg(test)]
    pub(super) fn with(
        lengths: &[(&str, u32)],
        needs_company: bool,
        has_state_codes: bool,
    ) -> Self {
        Self {
            lengths: lengths
                .iter()
                .map(|(name, length)| ((*name).to_owned(), *length))
                .collect(),
            takes: BTreeMap::new(),
            task_takes: BTreeMap::new(),
            needs_company,
            has_state_codes,
        }
    }

    /// The same with what fields of a lead take, by name and type.
    #[cfg(test)]
    pub(super) fn taking(mut self, fields: &[(&str, &str, u32)]) -> Self {
        let fields: Vec<_> = fields
            .iter()
            .map(|(name, kind, length)| Field {
                name: (*name).to_owned(),
                kind: (*kind).to_owned(),
                length: *length,
                createable: true,
                ..Field::default()
            })
            .collect();
        self.takes = takes(&fields);
        self
    }
}

fn takes(fields: &[Field]) -> BTreeMap<String, Takes> {
    let written = fields.iter().filter(|field| field.createable);
    let takes = written.map(|field| {
        let mut field = field.clone();
        let is_uncut = matches!(field.kind.as_str(), "email" | "phone" | "url" | "id");
        if field.picklist_values.len() > MAX_OPTIONS {
            field.picklist_values.clear();
        }
        (
            field.name.to_ascii_lowercase(),
            Takes::of(field.into(), is_uncut),
        )
    });
    takes.collect()
}

fn lengths(fields: &[Field]) -> BTreeMap<String, u32> {
    let texts = fields.iter().filter(|field| field.length > 0);
    texts
        .map(|field| (field.name.clone(), field.length))
        .collect()
}

/// What an administrator has to do before anything can be written once.
pub(super) fn missing_key(object: &str, key: &str, fields: &[Field]) -> Option<String> {
    let found = fields.iter().find(|field| field.name == key);
    let is_key = found.is_some_and(|field| field.external_id && field.unique);
    let label = if object == "Task" { "Activity" } else { object };
    (!is_key).then(|| {
        format!(
            "{label} needs the text field `{key}`, of 80 characters, marked as an external id and as unique, which the \
             app's user can see and edit; an administrator adds it under Object Manager, then redrive"
        )
    })
}
