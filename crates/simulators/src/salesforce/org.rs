//! The content of an org: records, and what is demanded of their fields.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::Config;

/// What a duplicate rule does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// It warns: `allowSave=true` passes.
    Alert,
    /// It refuses whatever is said.
    Block,
}

/// An error of a write.
pub(super) struct Fault {
    code: &'static str,
    message: String,
    fields: Vec<String>,
    duplicate: Option<Value>,
}

impl Fault {
    pub(super) fn new(code: &'static str, message: &str) -> Self {
        Self {
            code,
            message: message.to_owned(),
            fields: Vec::new(),
            duplicate: None,
        }
    }

    fn of(code: &'static str, field: &str, message: String) -> Self {
        Self {
            message,
            fields: vec![field.to_owned()],
            ..Self::new(code, "")
        }
    }

    pub(super) fn body(&self) -> Value {
        let mut body =
            json!({ "errorCode": self.code, "message": self.message, "fields": self.fields });
        if let Some(found) = &self.duplicate {
            body["duplicateResult"] = found.clone();
        }
        body
    }
}

/// What is demanded of a field.
#[derive(Debug, Clone)]
struct Field {
    object: &'static str,
    name: String,
    kind: &'static str,
    length: usize,
    is_required: bool,
    is_key: bool,
}

/// A record, with when it was last written.
#[derive(Debug, Clone)]
pub(super) struct Record {
    pub(super) object: &'static str,
    pub(super) fields: Map<String, Value>,
    pub(super) written_at: Timestamp,
}

/// The org.
#[derive(Clone)]
pub(super) struct Org {
    fields: Vec<Field>,
    /// By number.
    pub(super) records: BTreeMap<u64, Record>,
    rule: Option<Rule>,
    rule_names: bool,
    /// How many of the next writes find their row locked.
    pub(super) locked: u32,
    /// Whether somebody else is faster with the next key.
    pub(super) is_raced: bool,
}

const LEAD: &str = "Lead";
const TASK: &str = "Task";

impl Org {
    pub(super) fn new(config: &Config) -> Self {
        let field = |object, name: &str, kind, length, is_required, is_key| Field {
            object,
            name: name.to_owned(),
            kind,
            length,
            is_required,
            is_key,
        };
        let mut fields = vec![
            field(LEAD, "LastName", "string", 80, true, false),
            field(LEAD, "FirstName", "string", 40, false, false),
            field(LEAD, "Company", "string", 255, config.needs_company, false),
            field(LEAD, "Email", "email", 80, false, false),
            field(LEAD, "Phone", "phone", 40, false, false),
            field(LEAD, "MobilePhone", "phone", 40, false, false),
            field(LEAD, "Street", "textarea", 255, false, false),
            field(LEAD, "City", "string", 40, false, false),
            field(LEAD, "State", "string", 80, false, false),
            field(LEAD, "PostalCode", "string", 20, false, false),
            field(LEAD, "Description", "textarea", 32_000, false, false),
            field(LEAD, "Status", "picklist", 255, false, false),
            field(LEAD, "Budget__c", "string", 80, false, false),
            field(TASK, "Subject", "combobox", 255, false, false),
            field(TASK, "WhoId", "reference", 18, false, false),
            field(TASK, "Status", "picklist", 255, false, false),
            field(TASK, "Priority", "picklist", 255, false, false),
            field(TASK, "ActivityDate", "date", 0, false, false),
            field(TASK, "TaskSubtype", "picklist", 40, false, false),
            field(TASK, "Description", "textarea", 32_000, false, false),
        ];
        if config.has_state_codes {
            fields.push(field(LEAD, "StateCode", "picklist", 10, false, false));
            fields.push(field(LEAD, "CountryCode", "picklist", 10, false, false));
        }
        if config.has_keys {
            fields.push(field(
                LEAD,
                "Lead_External_Id__c",
                "string",
                80,
                false,
                true,
            ));
            fields.push(field(
                TASK,
                "Task_External_Id__c",
                "string",
                80,
                false,
                true,
            ));
        }
        Self {
            fields,
            records: BTreeMap::new(),
            rule: config.rule,
            rule_names: config.rule_names,
            locked: 0,
            is_raced: false,
        }
    }

    pub(super) fn describe(&self, object: &str) -> Option<Value> {
        let fields = self.fields.iter().filter(|field| field.object == object);
        let fields: Vec<_> = fields
            .map(|field| {
                json!({
                    "name": field.name, "label": field.name.replace("__c", "").replace('_', " "), "type": field.kind,
                    "length": field.length, "nillable": !field.is_required, "createable": true,
                    "defaultedOnCreate": false, "externalId": field.is_key, "unique": field.is_key, "picklistValues": [],
                })
            })
            .collect();
        (!fields.is_empty()).then(|| json!(fields))
    }

    pub(super) fn require(&mut self, name: &str) {
        for field in self.fields.iter_mut().filter(|field| field.name == name) {
            field.is_required = true;
        }
    }

    pub(super) fn all(&self, object: &str) -> Vec<Map<String, Value>> {
        let records = self
            .records
            .values()
            .filter(|record| record.object == object);
        records.map(|record| record.fields.clone()).collect()
    }

    /// The troubles that were used up stay so although nothing else of a write does.
    pub(super) fn keep_troubles_of(&mut self, other: &Self) {
        self.locked = other.locked;
        if self.is_raced && !other.is_raced {
            self.is_raced = false;
            let twins = other
                .records
                .iter()
                .filter(|(_, record)| record.fields.get("FirstName") == Some(&json!("Twin")));
            self.records
                .extend(twins.map(|(number, record)| (*number, record.clone())));
        }
    }

    pub(super) fn add(
        &mut self,
        object: &str,
        mut fields: Map<String, Value>,
        now: Timestamp,
    ) -> String {
        let number = self.records.len() as u64 + 1;
        let (object, prefix) = if object == TASK {
            (TASK, "00T")
        } else {
            (LEAD, "00Q")
        };
        let id = format!("{prefix}{number:015}");
        fields.insert("Id".to_owned(), json!(id));
        if object == LEAD {
            fields.insert("IsConverted".to_owned(), json!(false));
        }
        let record = Record {
            object,
            fields,
            written_at: now,
        };
        self.records.insert(number, record);
        id
    }

    pub(super) fn edit(&mut self, id: &str, field: &str, value: &str) {
        let value = if value == "true" {
            json!(true)
        } else {
            json!(value)
        };
        for record in self.records.values_mut() {
            if record.fields.get("Id") == Some(&json!(id)) {
                record.fields.insert(field.to_owned(), value.clone());
            }
        }
    }

    pub(super) fn upsert(
        &mut self,
        object: &str,
        key: &str,
        value: &str,
        mut fields: Map<String, Value>,
        allows: bool,
        now: Timestamp,
    ) -> Result<(String, bool), Fault> {
        let is_key = |field: &Field| field.object == object && field.name == key && field.is_key;
        if !self.fields.iter().any(is_key) {
            return Err(Fault::new(
                "NOT_FOUND",
                "Provided external ID field does not exist",
            ));
        }
        if fields.contains_key(key) || fields.contains_key("Id") {
            return Err(Fault::of(
                "INVALID_FIELD",
                key,
                "the key stands in the path".to_owned(),
            ));
        }
        if let Some(id) = self.holder(object, key, value) {
            return Ok((self.update(object, &id, fields, now)?, false));
        }
        fields.insert(key.to_owned(), json!(value));
        if object == LEAD && std::mem::take(&mut self.is_raced) {
            let mut twin = fields.clone();
            twin.insert("FirstName".to_owned(), json!("Twin"));
            let id = self.add(LEAD, twin, now);
            return Err(Fault::new(
                "DUPLICATE_VALUE",
                &format!("duplicate value found: {key} duplicates value on record with id: {id}"),
            ));
        }
        self.check(object, &fields)?;
        self.check_required(object, &fields)?;
        self.check_rules(object, None, &fields, allows)?;
        Ok((self.add(object, fields, now), true))
    }

    pub(super) fn update(
        &mut self,
        object: &str,
        id: &str,
        fields: Map<String, Value>,
        now: Timestamp,
    ) -> Result<String, Fault> {
        self.check(object, &fields)?;
        let is_it = |record: &&mut Record| record.fields.get("Id") == Some(&json!(id));
        let record = self.records.values_mut().find(is_it);
        let record = record
            .ok_or_else(|| Fault::new("NOT_FOUND", "The requested resource does not exist"))?;
        if record.fields.get("IsConverted") == Some(&json!(true)) {
            return Err(Fault::new(
                "CANNOT_UPDATE_CONVERTED_LEAD",
                "cannot reference converted lead",
            ));
        }
        record.fields.extend(fields);
        record.written_at = now;
        Ok(id.to_owned())
    }

    fn holder(&self, object: &str, key: &str, value: &str) -> Option<String> {
        let mut records = self.records.values();
        let found = records.find(|record| {
            let text = record.fields.get(key).and_then(Value::as_str);
            record.object == object && text.is_some_and(|text| text.eq_ignore_ascii_case(value))
        })?;
        Some(found.fields.get("Id")?.as_str()?.to_owned())
    }

    pub(super) fn add_field(&mut self, name: &str) {
        self.fields.push(Field {
            object: LEAD,
            name: name.to_owned(),
            kind: "string",
            length: 255,
            is_required: false,
            is_key: false,
        });
    }

    pub(super) fn remove_field(&mut self, name: &str) {
        self.fields
            .retain(|field| field.object != LEAD || field.name != name);
    }

    fn check(&mut self, object: &str, fields: &Map<String, Value>) -> Result<(), Fault> {
        if self.locked > 0 {
            self.locked -= 1;
            return Err(Fault::new(
                "UNABLE_TO_LOCK_ROW",
                "unable to obtain exclusive access to this record",
            ));
        }
        for (name, value) in fields {
            let known = |field: &&Field| field.object == object && field.name == *name;
            let Some(field) = self.fields.iter().find(known) else {
                let message = format!("No such column '{name}' on sobject of type {object}");
                return Err(Fault::of("INVALID_FIELD", name, message));
            };
            let Some(text) = value.as_str() else {
                let message = format!("{name}: value not of required type");
                return Err(Fault::of("INVALID_TYPE_ON_FIELD_IN_RECORD", name, message));
            };
            if field.length > 0 && text.encode_utf16().count() > field.length {
                let message = format!("{name}: data value too large (max length={})", field.length);
                return Err(Fault::of("STRING_TOO_LONG", name, message));
            }
            let is_address = |text: &str| text.contains('@') && !text.contains(' ');
            if field.kind == "email" && !(text.is_empty() || is_address(text)) {
                let message = format!("{name}: invalid email address: {text}");
                return Err(Fault::of("INVALID_EMAIL_ADDRESS", name, message));
            }
        }
        Ok(())
    }

    fn check_required(&self, object: &str, fields: &Map<String, Value>) -> Result<(), Fault> {
        let is_missing = |field: &&Field| {
            field.object == object && field.is_required && !fields.contains_key(&field.name)
        };
        match self.fields.iter().find(is_missing) {
            None => Ok(()),
            Some(field) => Err(Fault::of(
                "REQUIRED_FIELD_MISSING",
                &field.name,
                format!("Required fields are missing: [{}]", field.name),
            )),
        }
    }

    fn check_rules(
        &self,
        object: &str,
        own: Option<&str>,
        fields: &Map<String, Value>,
        allows: bool,
    ) -> Result<(), Fault> {
        let (Some(rule), true) = (self.rule, object == LEAD) else {
            return Ok(());
        };
        let same = |record: &&Record, name: &str| {
            let value = fields.get(name);
            value.is_some() && record.fields.get(name) == value
        };
        let found = self.records.values().find(|record| {
            record.object == LEAD
                && record.fields.get("Id").and_then(Value::as_str) != own
                && ["LastName", "PostalCode"]
                    .iter()
                    .all(|name| same(record, name))
        });
        let Some(found) = found else { return Ok(()) };
        if rule == Rule::Alert && allows {
            return Ok(());
        }
        let named = json!({
            "allowSave": rule == Rule::Alert, "duplicateRule": "Standard_Lead_Duplicate_Rule",
            "matchResults": [{ "entityType": "Lead", "matchRecords": [{ "record": { "Id": found.fields.get("Id") } }] }],
        });
        Err(Fault {
            duplicate: self.rule_names.then_some(named),
            ..Fault::new("DUPLICATES_DETECTED", "Use one of these records?")
        })
    }
}
