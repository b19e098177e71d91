//! The content of a company: records and fields, and what is demanded of bodies.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

/// The kinds of record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Person,
    Lead,
    Deal,
    Note,
}

impl Kind {
    /// The members of a body, and whether one is needed.
    fn members(self) -> &'static [(&'static str, Shape)] {
        use Shape::{Key, List, Number, Object, Text};
        match self {
            Self::Person => &[
                ("name", Text),
                ("owner_id", Number),
                ("org_id", Number),
                ("emails", List),
                ("phones", List),
                ("visible_to", Number),
                ("label_ids", List),
                ("custom_fields", Object),
            ],
            Self::Deal => &[
                ("title", Text),
                ("person_id", Number),
                ("pipeline_id", Number),
                ("stage_id", Number),
                ("value", Number),
                ("currency", Text),
                ("custom_fields", Object),
            ],
            Self::Lead => &[
                ("title", Text),
                ("person_id", Number),
                ("value", Object),
                ("origin_id", Text),
                ("", Key),
            ],
            Self::Note => &[
                ("content", Text),
                ("lead_id", Text),
                ("deal_id", Number),
                ("person_id", Number),
            ],
        }
    }

    fn needed(self) -> &'static [&'static str] {
        match self {
            Self::Person => &["name"],
            Self::Deal => &["title"],
            Self::Lead => &["title", "person_id"],
            Self::Note => &["content"],
        }
    }
}

/// What a member must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Text,
    Number,
    List,
    Object,
    /// A text under the key of an own field.
    Key,
}

struct Record {
    kind: Kind,
    fields: Map<String, Value>,
    written_at: Timestamp,
    is_deleted: bool,
}

struct Field {
    kind: Kind,
    name: String,
    key: String,
}

/// The company.
pub(super) struct Company {
    records: BTreeMap<u64, Record>,
    fields: Vec<Field>,
    made: u32,
}

impl Company {
    pub(super) fn new() -> Self {
        let mut company = Self {
            records: BTreeMap::new(),
            fields: Vec::new(),
            made: 0,
        };
        let usual = [
            (Kind::Person, ["name", "emails", "phones"]),
            (Kind::Deal, ["title", "value", "stage_id"]),
        ];
        for (kind, names) in usual {
            for name in names {
                company.fields.push(Field {
                    kind,
                    name: name.to_owned(),
                    key: name.to_owned(),
                });
            }
        }
        company
    }

    pub(super) fn fields(&self, kind: Kind) -> Vec<Value> {
        let fields = self.fields.iter().filter(|field| field.kind == kind);
        fields.map(shown_field).collect()
    }

    pub(super) fn count_fields(&self, name: &str) -> usize {
        self.fields
            .iter()
            .filter(|field| field.name == name)
            .count()
    }

    pub(super) fn add_field(&mut self, kind: Kind, name: &str) -> Value {
        self.made += 1;
        let hash = hex::encode(Sha256::digest(format!("{name}{}", self.made)));
        let field = Field {
            kind,
            name: name.to_owned(),
            key: hash.chars().take(40).collect(),
        };
        let shown = shown_field(&field);
        self.fields.push(field);
        shown
    }

    pub(super) fn remove_field(&mut self, key: &str) {
        self.fields.retain(|field| field.key != key);
    }

    pub(super) fn remake_field(&mut self, name: &str) {
        let kinds: Vec<_> = self
            .fields
            .iter()
            .filter(|field| field.name == name)
            .map(|field| field.kind)
            .collect();
        self.fields.retain(|field| field.name != name);
        for kind in kinds {
            self.add_field(kind, name);
        }
    }

    fn has_key(&self, kind: Kind, key: &str) -> bool {
        // Leads have the fields of deals.
        let kind = if kind == Kind::Lead { Kind::Deal } else { kind };
        key.len() == 40
            && self
                .fields
                .iter()
                .any(|field| field.kind == kind && field.key == key)
    }

    /// A body without what vanishes; else why it is refused.
    pub(super) fn checked(
        &self,
        kind: Kind,
        body: &Map<String, Value>,
        is_new: bool,
    ) -> Result<Map<String, Value>, String> {
        let mut kept = Map::new();
        for (name, value) in body {
            let known = kind.members().iter().find(|(known, _)| known == name);
            let shape = match known {
                Some((_, shape)) => *shape,
                None if kind == Kind::Lead && self.has_key(kind, name) => Shape::Key,
                // The key of an own field beside `custom_fields`.
                None if name.len() == 40 && kind != Kind::Lead => continue,
                None => return Err(format!("Validation failed: {name}: unknown field")),
            };
            let fits = match shape {
                Shape::Text | Shape::Key => value.as_str().is_some_and(|text| !text.is_empty()),
                Shape::Number => value.is_number(),
                Shape::List => value.is_array(),
                Shape::Object => value.is_object(),
            };
            if !fits {
                return Err(format!("Validation failed: {name}: wrong type"));
            }
            kept.insert(name.clone(), value.clone());
        }
        for list in ["emails", "phones"] {
            let items = kept.get(list).and_then(Value::as_array);
            let is_item = |item: &Value| {
                let names = item.as_object().map(|item| {
                    item.keys()
                        .all(|name| matches!(name.as_str(), "value" | "primary" | "label"))
                });
                names == Some(true) && item["value"].is_string() && !item["primary"].is_string()
            };
            if items.is_some_and(|items| !items.iter().all(is_item)) {
                return Err(format!("Validation failed: {list}: malformed"));
            }
        }
        let own = kept.get("custom_fields").and_then(Value::as_object);
        for key in own.into_iter().flat_map(Map::keys) {
            if !self.has_key(kind, key) {
                return Err(format!(
                    "Validation failed: custom_fields.{key}: unknown field"
                ));
            }
        }
        if kind == Kind::Lead
            && let Some(value) = kept.get("value")
            && !(value["amount"].is_number() && value["currency"].is_string())
        {
            return Err("Validation failed: value: amount and currency".to_owned());
        }
        let missing = kind.needed().iter().find(|name| !kept.contains_key(**name));
        match missing {
            Some(name) if is_new => Err(format!("Validation failed: {name}: required")),
            _ => Ok(kept),
        }
    }

    pub(super) fn add(&mut self, kind: Kind, fields: Map<String, Value>, now: Timestamp) -> u64 {
        let id = self.records.len() as u64 + 781;
        let record = Record {
            kind,
            fields,
            written_at: now,
            is_deleted: false,
        };
        self.records.insert(id, record);
        id
    }

    pub(super) fn change(&mut self, id: u64, fields: Map<String, Value>, now: Timestamp) {
        let Some(record) = self.records.get_mut(&id) else {
            return;
        };
        record.written_at = now;
        for (name, value) in fields {
            match (record.fields.get_mut(&name), &value) {
                // Own fields that are not named stay.
                (Some(Value::Object(old)), Value::Object(new)) => old.extend(new.clone()),
                _ => drop(record.fields.insert(name, value)),
            }
        }
    }

    pub(super) fn delete(&mut self, id: u64) {
        if let Some(record) = self.records.get_mut(&id) {
            record.is_deleted = true;
        }
    }

    pub(super) fn of(&self, kind: Kind, id: u64) -> Option<Value> {
        let record = self.records.get(&id)?;
        (record.kind == kind && !record.is_deleted).then(|| Value::Object(shown(id, record)))
    }

    /// A lead by its UUID.
    pub(super) fn lead(&self, id: &str) -> Option<Value> {
        self.of(Kind::Lead, number_of(id)?)
    }

    pub(super) fn shown(&self, id: u64) -> Option<Value> {
        let record = self.records.get(&id)?;
        Some(Value::Object(shown(id, record)))
    }

    pub(super) fn all(&self, kind: Kind) -> Vec<Map<String, Value>> {
        let records = self.records.iter();
        let own = records.filter(|(_, record)| record.kind == kind && !record.is_deleted);
        own.map(|(id, record)| shown(*id, record)).collect()
    }

    /// What the index shows of records with exactly this text in one of the fields.
    pub(super) fn search(
        &self,
        kind: Kind,
        term: &str,
        fields: &str,
        seen_until: Timestamp,
    ) -> Vec<Value> {
        let records = self.records.iter().filter(|(_, record)| {
            record.kind == kind && !record.is_deleted && record.written_at <= seen_until
        });
        let item = |(id, record): (&u64, &Record)| {
            let values = |name: &str| -> Vec<String> {
                let list = record.fields.get(name).and_then(Value::as_array);
                let list = list.into_iter().flatten();
                list.filter_map(|item| Some(item["value"].as_str()?.to_owned()))
                    .collect()
            };
            let (emails, phones) = (values("emails"), values("phones"));
            let own: Vec<String> = match kind {
                Kind::Lead => record
                    .fields
                    .iter()
                    .filter(|(name, _)| self.has_key(kind, name))
                    .filter_map(|(_, value)| Some(value.as_str()?.to_owned()))
                    .collect(),
                _ => record
                    .fields
                    .get("custom_fields")
                    .and_then(Value::as_object)
                    .into_iter()
                    .flatten()
                    .filter_map(|(_, value)| Some(value.as_str()?.to_owned()))
                    .collect(),
            };
            let searched = match fields {
                "email" => &emails,
                "phone" => &phones,
                _ => &own,
            };
            let is_found = searched.iter().any(|text| text.eq_ignore_ascii_case(term));
            is_found.then(|| {
                let id = shown(*id, record).remove("id");
                json!({ "result_score": 0.99, "item": {
                    "id": id, "type": "record", "name": record.fields.get("name").cloned().unwrap_or(json!("")),
                    "emails": emails, "phones": phones, "custom_fields": own, "notes": [],
                }})
            })
        };
        records.filter_map(item).collect()
    }
}

/// The number that ends a lead's UUID.
pub(super) fn number_of(id: &str) -> Option<u64> {
    id.rsplit('-').next()?.parse().ok()
}

fn shown_field(field: &Field) -> Value {
    json!({
        "field_name": field.name, "field_code": field.key, "description": null, "field_type": "varchar", "options": null,
        "is_custom_field": field.key.len() == 40, "is_optional_response_field": false,
    })
}

/// A record as the API shows it. Leads have UUIDs for ids.
fn shown(id: u64, record: &Record) -> Map<String, Value> {
    let mut shown = record.fields.clone();
    let id = match record.kind {
        Kind::Lead => json!(format!("adf21080-0e10-41eb-879b-{id:012}")),
        _ => json!(id),
    };
    shown.insert("id".to_owned(), id);
    shown
}
