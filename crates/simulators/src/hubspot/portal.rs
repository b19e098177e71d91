//! The content of an account: records, properties, associations.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Deref;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Config;
use super::Page;
use super::properties::{Property, standard};

/// The kinds of objects that are simulated. A path has their name or their type id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(try_from = "String")]
pub(super) enum Kind {
    Contacts,
    Deals,
    Notes,
}

impl Kind {
    pub(super) const ALL: [Self; 3] = [Self::Contacts, Self::Deals, Self::Notes];

    pub(super) fn singular(self) -> &'static str {
        match self {
            Self::Contacts => "contact",
            Self::Deals => "deal",
            Self::Notes => "note",
        }
    }

    pub(super) fn plural(self) -> &'static str {
        match self {
            Self::Contacts => "contacts",
            Self::Deals => "deals",
            Self::Notes => "notes",
        }
    }

    /// The id of the association that HubSpot defines between two kinds.
    pub(super) fn association_type(self, to: Self) -> Option<u32> {
        match (self, to) {
            (Self::Contacts, Self::Deals) => Some(4),
            (Self::Deals, Self::Contacts) => Some(3),
            (Self::Notes, Self::Contacts) => Some(202),
            (Self::Contacts, Self::Notes) => Some(201),
            (Self::Notes, Self::Deals) => Some(214),
            (Self::Deals, Self::Notes) => Some(213),
            _ => None,
        }
    }

    fn modified(self) -> &'static str {
        if self == Self::Contacts {
            "lastmodifieddate"
        } else {
            "hs_lastmodifieddate"
        }
    }
}

impl TryFrom<String> for Kind {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.as_str() {
            "contacts" | "contact" | "0-1" => Ok(Self::Contacts),
            "deals" | "deal" | "0-3" => Ok(Self::Deals),
            "notes" | "note" | "0-46" => Ok(Self::Notes),
            _ => Err(format!("Unable to infer object type from: {text}")),
        }
    }
}

/// An object of the CRM.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Record {
    /// The id that HubSpot gave it.
    pub id: String,
    /// The properties that are set. None is empty.
    pub properties: BTreeMap<String, String>,
    /// When it was created.
    #[serde(rename = "createdAt")]
    pub created_at: Timestamp,
    /// When it was last written.
    #[serde(rename = "updatedAt")]
    pub updated_at: Timestamp,
    /// The properties before the last write, which a lagging search still sees.
    #[serde(skip)]
    pub(super) before: Option<BTreeMap<String, String>>,
}

impl Record {
    /// The value of a property. Empty if it is not set.
    pub fn property(&self, name: &str) -> &str {
        self.properties.get(name).map_or("", String::as_str)
    }

    pub(super) fn number(&self) -> u64 {
        self.id.parse().unwrap_or(u64::MAX)
    }

    /// The properties that a view shows.
    fn shown(&self, page: &Page) -> BTreeMap<&str, &str> {
        self.properties
            .iter()
            .filter(|(name, _)| page.shows(name))
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect()
    }

    /// The same with only the properties that a view shows.
    pub(super) fn cut_to(&self, page: &Page) -> Self {
        let mut cut = self.clone();
        cut.properties.retain(|name, _| page.shows(name));
        cut
    }

    /// As the API shows it, with the wanted properties and those of `always`.
    pub(super) fn render(&self, wanted: Option<&[String]>, always: &[&str]) -> Value {
        let mut properties = serde_json::Map::new();
        match wanted {
            None => properties.extend(
                self.properties
                    .iter()
                    .map(|(name, value)| (name.clone(), json!(value))),
            ),
            Some(wanted) => {
                let names = wanted
                    .iter()
                    .map(String::as_str)
                    .chain(always.iter().copied());
                properties
                    .extend(names.map(|name| (name.to_owned(), json!(self.properties.get(name)))));
            }
        }
        json!({
            "id": self.id,
            "properties": properties,
            "createdAt": show(self.created_at),
            "updatedAt": show(self.updated_at),
            "archived": false,
        })
    }
}

/// A time with milliseconds, as HubSpot writes it.
pub(super) fn show(at: Timestamp) -> String {
    format!("{at:.3}")
}

/// The properties that are indexed by value, besides the unique ones.
const INDEXED: &[&str] = &[
    "phone",
    "mobilephone",
    "hs_searchable_calculated_phone_number",
];

pub(super) struct Portal {
    pub(super) properties: BTreeMap<Kind, BTreeMap<String, Property>>,
    records: BTreeMap<Kind, BTreeMap<u64, Record>>,
    /// By kind, property and value in lower case: the records that have the value, or had it once.
    holders: HashMap<(Kind, String, String), BTreeSet<u64>>,
    associations: BTreeSet<(Kind, u64, Kind, u64)>,
    next_id: u64,
}

impl Portal {
    /// Ids begin with the time and the number of the account, so that they never repeat between runs or accounts.
    pub(super) fn new(config: &Config, now: Timestamp, account: u64) -> Self {
        let mut properties: BTreeMap<_, _> = Kind::ALL
            .iter()
            .map(|kind| (*kind, standard(*kind)))
            .collect();
        let extra = [
            (Kind::Contacts, &config.contact_properties),
            (Kind::Deals, &config.deal_properties),
        ];
        for (kind, names) in extra {
            let known: &mut BTreeMap<_, _> = properties.entry(kind).or_default();
            known.extend(
                names
                    .iter()
                    .map(|name| (name.clone(), Property::text(name))),
            );
        }
        let began = u64::try_from(now.as_second()).unwrap_or(1).max(1) * 100;
        let next_id = began + account * 1_000_000_000_000;
        Self {
            properties,
            records: BTreeMap::new(),
            holders: HashMap::new(),
            associations: BTreeSet::new(),
            next_id,
        }
    }

    pub(super) fn all(&self, kind: Kind) -> Vec<Record> {
        self.records
            .get(&kind)
            .into_iter()
            .flat_map(BTreeMap::values)
            .cloned()
            .collect()
    }

    pub(super) fn records(&self, kind: Kind) -> impl Iterator<Item = &Record> {
        self.records
            .get(&kind)
            .into_iter()
            .flat_map(BTreeMap::values)
    }

    /// The records with greater ids. Ids rise from one account to the next.
    pub(super) fn after(&self, kind: Kind, after: u64) -> impl Iterator<Item = &Record> {
        self.records
            .get(&kind)
            .into_iter()
            .flat_map(move |records| records.range(after.saturating_add(1)..))
            .map(|(_, record)| record)
    }

    pub(super) fn get(&self, kind: Kind, id: &str) -> Option<&Record> {
        self.records.get(&kind)?.get(&id.parse().ok()?)
    }

    /// The record whose unique property has this value. The case of e-mail addresses does not matter.
    pub(super) fn by_unique(&self, kind: Kind, property: &str, value: &str) -> Option<&Record> {
        let value = value.trim();
        self.holders(kind, property, value)?
            .find(|record| match record.properties.get(property) {
                Some(found) if property == "email" => found.eq_ignore_ascii_case(value),
                Some(found) => found == value,
                None => false,
            })
    }

    /// The records that have this value in any case, or had it once. `None` for a property that is not indexed.
    pub(super) fn holders(
        &self,
        kind: Kind,
        property: &str,
        value: &str,
    ) -> Option<impl Iterator<Item = &Record>> {
        self.is_indexed(kind, property).then(|| {
            let key = (kind, property.to_owned(), value.to_lowercase());
            let numbers = self.holders.get(&key).into_iter().flatten();
            numbers.filter_map(move |number| self.records.get(&kind)?.get(number))
        })
    }

    fn is_indexed(&self, kind: Kind, property: &str) -> bool {
        let known = self.properties.get(&kind);
        let is_unique = known
            .and_then(|known| known.get(property))
            .is_some_and(|property| property.is_unique);
        is_unique || INDEXED.contains(&property)
    }

    pub(super) fn insert(
        &mut self,
        kind: Kind,
        properties: BTreeMap<String, String>,
        now: Timestamp,
    ) -> Record {
        self.next_id += 1;
        let number = self.next_id;
        let fresh = Record {
            id: number.to_string(),
            properties: BTreeMap::from([
                ("createdate".to_owned(), show(now)),
                ("hs_object_id".to_owned(), number.to_string()),
            ]),
            created_at: now,
            updated_at: now,
            before: None,
        };
        self.records.entry(kind).or_default().insert(number, fresh);
        let written = self.write(kind, number, properties, now);
        let record = self
            .records
            .get_mut(&kind)
            .and_then(|records| records.get_mut(&number));
        if let Some(record) = record {
            record.before = None;
        }
        written
    }

    /// Sets properties. An empty value clears one.
    pub(super) fn update(
        &mut self,
        kind: Kind,
        id: &str,
        properties: BTreeMap<String, String>,
        now: Timestamp,
    ) -> Option<Record> {
        let number = self.get(kind, id)?.id.parse().ok()?;
        Some(self.write(kind, number, properties, now))
    }

    fn write(
        &mut self,
        kind: Kind,
        number: u64,
        changes: BTreeMap<String, String>,
        now: Timestamp,
    ) -> Record {
        let records = self.records.entry(kind).or_default();
        let record = records
            .get_mut(&number)
            .expect("the callers have just found it");
        record.before = Some(record.properties.clone());
        for (name, value) in changes {
            if value.is_empty() {
                record.properties.remove(&name);
            } else {
                record.properties.insert(name, value);
            }
        }
        record.updated_at = now;
        record
            .properties
            .insert(kind.modified().to_owned(), show(now));
        if kind == Kind::Contacts {
            let phone = record
                .properties
                .get("phone")
                .or_else(|| record.properties.get("mobilephone"));
            let digits = phone
                .map(|phone| national_digits(phone))
                .filter(|digits| !digits.is_empty());
            let searchable = "hs_searchable_calculated_phone_number".to_owned();
            match digits {
                Some(digits) => record.properties.insert(searchable, digits),
                None => record.properties.remove(&searchable),
            };
        }
        let written = record.clone();
        for (name, value) in &written.properties {
            if self.is_indexed(kind, name) {
                let key = (kind, name.clone(), value.to_lowercase());
                self.holders.entry(key).or_default().insert(number);
            }
        }
        written
    }

    pub(super) fn remove(&mut self, kind: Kind, id: &str) {
        if let Ok(number) = id.parse() {
            self.records.entry(kind).or_default().remove(&number);
            self.associations.retain(|(from, a, to, b)| {
                (*from, *a) != (kind, number) && (*to, *b) != (kind, number)
            });
        }
    }

    /// Associates two records, in both directions. Repeating it changes nothing.
    pub(super) fn associate(&mut self, from: (Kind, &str), to: (Kind, &str)) -> bool {
        let numbers = (self.get(from.0, from.1), self.get(to.0, to.1));
        let (Some(a), Some(b)) = numbers else {
            return false;
        };
        let (Ok(a), Ok(b)) = (a.id.parse(), b.id.parse()) else {
            return false;
        };
        self.associations.insert((from.0, a, to.0, b));
        self.associations.insert((to.0, b, from.0, a));
        true
    }

    /// The ids of the records of one kind that are associated with a record.
    pub(super) fn associated(&self, from: (Kind, &str), to: Kind) -> Vec<u64> {
        let Ok(number) = from.1.parse::<u64>() else {
            return Vec::new();
        };
        self.associations
            .range((from.0, number, to, 0)..=(from.0, number, to, u64::MAX))
            .map(|entry| entry.3)
            .collect()
    }

    pub(super) fn pairs(
        &self,
        from: Kind,
        to: Kind,
    ) -> impl Iterator<Item = (String, String)> + '_ {
        self.associations
            .iter()
            .filter(move |entry| (entry.0, entry.2) == (from, to))
            .map(|entry| (entry.1.to_string(), entry.3.to_string()))
    }

    /// The contacts of some accounts, each with its deals and notes, and the number of records of each kind.
    pub(super) fn view<P: Deref<Target = Self>>(
        portals: impl Iterator<Item = P>,
        page: &Page,
    ) -> Value {
        let portals: Vec<P> = portals.collect();
        let contacts = portals.iter().flat_map(|portal| {
            let records = portal.after(Kind::Contacts, page.after.unwrap_or(0));
            records.map(move |contact| (portal, contact))
        });
        let (contacts, next) = page.cut(contacts, |(_, contact)| contact.number());
        let contacts: Vec<_> = contacts
            .into_iter()
            .map(|(portal, contact)| portal.view_contact(contact, page))
            .collect();
        let count = |kind: Kind| -> usize {
            let records = |portal: &P| portal.records.get(&kind).map_or(0, BTreeMap::len);
            portals.iter().map(records).sum()
        };
        let pairs = |portal: &P| portal.pairs(Kind::Contacts, Kind::Deals).count();
        json!({
            "contacts": contacts,
            "counts": {
                "contacts": count(Kind::Contacts),
                "deals": count(Kind::Deals),
                "notes": count(Kind::Notes),
                "associations": portals.iter().map(pairs).sum::<usize>(),
            },
            "next": next,
        })
    }

    fn view_contact(&self, contact: &Record, page: &Page) -> Value {
        let associated = |kind: Kind| -> Vec<Value> {
            let ids = self.associated((Kind::Contacts, &contact.id), kind);
            let records = ids.iter().filter_map(|id| self.get(kind, &id.to_string()));
            records
                .map(|record| json!({ "id": record.id, "properties": record.shown(page) }))
                .collect()
        };
        json!({
            "id": contact.id,
            "properties": contact.shown(page),
            "deals": associated(Kind::Deals),
            "notes": associated(Kind::Notes),
        })
    }
}

/// The digits of a phone number without the country code of North America.
fn national_digits(phone: &str) -> String {
    let digits: String = phone.chars().filter(char::is_ascii_digit).collect();
    match digits.strip_prefix('1') {
        Some(national) if national.len() == 10 => national.to_owned(),
        _ => digits,
    }
}
