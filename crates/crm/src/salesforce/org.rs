//! What a company's org is like: its fields, as it describes them.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::mapping::{LEAD_KEY, TASK_KEY, TASK_OBJECT};
use crate::{CrmField, Holds, PushError};

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
    /// The same of a task.
    task_lengths: BTreeMap<String, u32>,
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
            task_lengths: lengths(task),
            needs_company: company.is_none_or(Field::is_required),
            has_state_codes: lead.iter().any(|field| field.name == "StateCode"),
        })
    }

    /// The longest text that a field of a lead takes; `usual` if the org does not say.
    pub(super) fn longest(&self, field: &str, usual: usize) -> usize {
        let length = self.lengths.get(field);
        length.map_or(usual, |length| usize::try_from(*length).unwrap_or(usual))
    }

    /// The longest text that a field of a kind of record takes, if the org says.
    pub(super) fn longest_of(&self, object: &str, field: &str) -> Option<usize> {
        let lengths = match object {
            TASK_OBJECT => &self.task_lengths,
            _ => &self.lengths,
        };
        usize::try_from(*lengths.get(field)?).ok()
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
            task_lengths: BTreeMap::new(),
            needs_company,
            has_state_codes,
        }
    }
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
