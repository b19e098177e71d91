//! HubSpot's wire: one method for each call that we make.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use domain::Clock;
use http_client::{Client, Request, Response, Url, is_rehearsal};
use secrecy::SecretString;
use serde::{
    Deserialize,
    de::{DeserializeOwned, IgnoredAny},
};
use serde_json::json;

use super::{
    fault::{Fault, named},
    mapping::{OwnProperty, Properties},
};
use crate::{CrmField, Holds, PushError};

/// The pause if the account's limit over ten seconds is reached and no other pause is named.
const TEN_SECONDS: Duration = Duration::from_secs(10);
/// The pause if the limit of searches is reached.
const ONE_SECOND: Duration = Duration::from_secs(1);
/// The pause if the account's daily limit is reached: when its midnight is, we do not know.
const ONE_HOUR: Duration = Duration::from_secs(3_600);

/// What stands in a rehearsal for the id of a record that would be made.
const NEW: &str = "0";

/// The kinds of object that we write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Contacts,
    Deals,
}

impl Kind {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Contacts => "contacts",
            Self::Deals => "deals",
        }
    }

    /// Where HubSpot shows a property of this kind.
    const fn group(self) -> &'static str {
        match self {
            Self::Contacts => "contactinformation",
            Self::Deals => "dealinformation",
        }
    }
}

/// An object as HubSpot shows it.
#[derive(Deserialize)]
pub(super) struct Record {
    #[serde(deserialize_with = "object_id")]
    pub(super) id: String,
    #[serde(default)]
    properties: BTreeMap<String, Option<String>>,
}

impl Record {
    /// A property's value; empty when it has none.
    pub(super) fn get(&self, name: &str) -> &str {
        self.properties
            .get(name)
            .and_then(Option::as_deref)
            .unwrap_or_default()
    }

    #[cfg(test)]
    pub(super) fn new(id: &str, properties: &[(&str, &str)]) -> Self {
        let properties = properties
            .iter()
            .map(|(name, value)| ((*name).to_owned(), Some((*value).to_owned())))
            .collect();
        Self {
            id: id.to_owned(),
            properties,
        }
    }
}

/// A property as HubSpot defines it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Property {
    pub(super) name: String,
    #[serde(default)]
    pub(super) has_unique_value: bool,
    #[serde(default)]
    label: String,
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default)]
    field_type: String,
    #[serde(default)]
    options: Vec<Choice>,
    #[serde(default)]
    calculated: bool,
    #[serde(default)]
    modification_metadata: Modification,
}

/// What of a property may be changed.
#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Modification {
    read_only_value: bool,
}

/// A value that a property takes.
#[derive(Deserialize)]
struct Choice {
    value: String,
}

impl From<Property> for CrmField {
    /// HubSpot does not say which properties a portal requires.
    fn from(property: Property) -> Self {
        let holds = holds(&property);
        let options = property.options.into_iter();
        Self {
            holds,
            is_read_only: property.calculated || property.modification_metadata.read_only_value,
            name: property.name,
            label: property.label,
            kind: property.kind,
            options: options.map(|choice| choice.value).collect(),
            ..Self::default()
        }
    }
}

/// Source: HubSpot, "Properties", "Property type and fieldType values" (read 2026-11).
fn holds(property: &Property) -> Holds {
    match (property.kind.as_str(), property.field_type.as_str()) {
        ("enumeration", "checkbox") => Holds::Choices,
        ("enumeration", _) => Holds::Choice,
        ("number", _) => Holds::Number,
        ("bool", _) => Holds::Flag,
        ("date", _) => Holds::Date,
        ("datetime", _) => Holds::Time,
        ("string" | "phone_number", _) => Holds::Text,
        _ => Holds::Other,
    }
}

/// A pipeline of deals, or a stage of one, which has no stages.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Pipeline {
    pub(super) id: String,
    #[serde(default)]
    pub(super) display_order: i64,
    #[serde(default)]
    pub(super) archived: bool,
    #[serde(default)]
    pub(super) stages: Vec<Pipeline>,
}

/// Calls HubSpot.
pub(super) struct Api {
    http: Client,
    base_url: String,
    clock: Arc<dyn Clock>,
    timeout: Duration,
    /// Properties that a rehearsal would have defined: nothing has them, and HubSpot refuses to look by them.
    unmade: Mutex<BTreeSet<&'static str>>,
}

#[derive(Deserialize)]
struct List<T> {
    results: Vec<T>,
}

/// The answer of a batch: what went well, and what did not.
#[derive(Deserialize)]
struct Batch {
    #[serde(default)]
    results: Vec<Record>,
    #[serde(default)]
    errors: Vec<Fault>,
}

impl Api {
    pub(super) fn new(
        http: Client,
        base_url: &Url,
        clock: Arc<dyn Clock>,
        timeout: Duration,
    ) -> Self {
        Self {
            http,
            base_url: base_url.as_str().trim_end_matches('/').to_owned(),
            clock,
            timeout,
            unmade: Mutex::default(),
        }
    }

    pub(super) const fn timeout(&self) -> Duration {
        self.timeout
    }

    fn unmade(&self) -> MutexGuard<'_, BTreeSet<&'static str>> {
        self.unmade.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One object by its id or by a unique property. The value goes into the body: it can be personal data, and paths
    /// are logged.
    pub(super) async fn read(
        &self,
        token: &SecretString,
        kind: Kind,
        key: Option<&str>,
        value: &str,
        properties: &[&str],
    ) -> Result<Option<Record>, PushError> {
        let mut body = json!({ "properties": properties, "inputs": [{ "id": value }] });
        if let Some(key) = key {
            if self.unmade().contains(key) {
                return Ok(None);
            }
            body["idProperty"] = json!(key);
        }
        let request = self.http.post(self.objects(kind) + "/batch/read");
        let request = request.only_reads();
        let batch: Batch = self.call(request.json(&body), token).await?;
        match batch.errors.first() {
            Some(fault) if batch.results.is_empty() && fault.category != "OBJECT_NOT_FOUND" => {
                Err(fault.refusal(400))
            }
            _ => Ok(batch.results.into_iter().next()),
        }
    }

    /// Contacts with one of these values: groups are alternatives. The index may lag behind writes.
    pub(super) async fn search_contacts(
        &self,
        token: &SecretString,
        alternatives: &[(&str, &str)],
        properties: &[&str],
    ) -> Result<Vec<Record>, PushError> {
        let groups: Vec<_> = alternatives
            .iter()
            .map(|(name, value)| json!({ "filters": [{ "propertyName": name, "operator": "EQ", "value": value }] }))
            .collect();
        let body = json!({ "filterGroups": groups, "properties": properties, "limit": 20 });
        let request = self.http.post(self.objects(Kind::Contacts) + "/search");
        let request = request.only_reads();
        let found: List<Record> = self.call(request.json(&body), token).await?;
        Ok(found.results)
    }

    /// Writes an object by our unique property, and makes it if there is none. A repeat is harmless.
    pub(super) async fn upsert(
        &self,
        token: &SecretString,
        kind: Kind,
        key: &str,
        value: &str,
        properties: &Properties,
    ) -> Result<Record, PushError> {
        let row = json!({ "idProperty": key, "id": value, "objectWriteTraceId": value, "properties": properties });
        let request = self.http.post(self.objects(kind) + "/batch/upsert");
        let request = request.stand_in(|| json!({ "results": [{ "id": NEW }] }));
        let batch = self
            .call(request.json(&json!({ "inputs": [row] })), token)
            .await;
        let batch: Batch = batch.map_err(|error| named(error, properties))?;
        match (batch.results.into_iter().next(), batch.errors.first()) {
            (Some(record), _) => Ok(record),
            (None, Some(fault)) => Err(named(fault.row_refusal(), properties)),
            // Neither done nor refused: the next attempt looks it up.
            (None, None) => Err(PushError::Moved { holder: None }),
        }
    }

    /// Changes the given properties of an object. Its id in the answer is another one after a merge.
    pub(super) async fn update(
        &self,
        token: &SecretString,
        kind: Kind,
        id: &str,
        properties: &Properties,
    ) -> Result<Record, PushError> {
        let request = self.http.patch(format!("{}/{id}", self.objects(kind)));
        let request = request.stand_in(|| json!({ "id": id }));
        let written = self.call(request.json(&json!({ "properties": properties })), token);
        written.await.map_err(|error| named(error, properties))
    }

    /// Associates a contact and a deal. A repeat is harmless.
    pub(super) async fn associate(
        &self,
        token: &SecretString,
        contact: &str,
        deal: &str,
    ) -> Result<(), PushError> {
        let objects = format!("{}/crm/v4/objects", self.base_url);
        let url = format!("{objects}/contacts/{contact}/associations/default/deals/{deal}");
        let request = self.http.put(url).stand_in(|| json!({}));
        let answer = self.call(request, token).await;
        answer.map(|_: IgnoredAny| ())
    }

    /// Every property of a kind.
    pub(super) async fn properties(
        &self,
        token: &SecretString,
        kind: Kind,
    ) -> Result<Vec<Property>, PushError> {
        let request = self.http.get(self.properties_url(kind));
        Ok(self.call::<List<Property>>(request, token).await?.results)
    }

    /// Defines a property, or returns the one of this name that exists.
    pub(super) async fn create_property(
        &self,
        token: &SecretString,
        kind: Kind,
        property: &OwnProperty,
        is_unique: bool,
    ) -> Result<Property, PushError> {
        let url = self.properties_url(kind);
        let body = json!({
            "name": property.name, "label": property.label, "type": property.kind(), "fieldType": property.field,
            "groupName": kind.group(), "hasUniqueValue": is_unique, "formField": false,
        });
        if is_rehearsal() {
            self.unmade().insert(property.name);
        }
        let request = self.http.post(&url).stand_in(|| body.clone());
        match self.call(request.json(&body), token).await {
            Err(PushError::Moved { .. }) => {
                let request = self.http.get(format!("{url}/{}", property.name));
                self.call(request, token).await
            }
            created => created,
        }
    }

    /// The pipelines of deals.
    pub(super) async fn pipelines(&self, token: &SecretString) -> Result<Vec<Pipeline>, PushError> {
        let request = self
            .http
            .get(format!("{}/crm/v3/pipelines/deals", self.base_url));
        Ok(self.call::<List<Pipeline>>(request, token).await?.results)
    }

    fn objects(&self, kind: Kind) -> String {
        format!("{}/crm/v3/objects/{}", self.base_url, kind.as_str())
    }

    fn properties_url(&self, kind: Kind) -> String {
        format!("{}/crm/v3/properties/{}", self.base_url, kind.as_str())
    }

    async fn call<T: DeserializeOwned>(
        &self,
        request: Request<'_>,
        token: &SecretString,
    ) -> Result<T, PushError> {
        let answer = request.bearer(token).deadline(self.timeout).send().await?;
        if answer.status.is_success() {
            Ok(answer.json()?)
        } else {
            Err(self.refusal(&answer))
        }
    }

    /// What an answer other than 2xx means. The status decides; categories are not promised.
    ///
    /// Source: HubSpot, "Error handling" and "API usage guidelines". UNCONFIRMED: `Retry-After` on 429.
    fn refusal(&self, answer: &Response) -> PushError {
        let fault = answer.json::<Fault>().unwrap_or_default();
        let retry_after = answer.retry_after(self.clock.now());
        match answer.status.as_u16() {
            429 => {
                let pause = match fault.policy_name.as_str() {
                    "DAILY" => ONE_HOUR,
                    // The limit of searches names no policy.
                    "" => ONE_SECOND,
                    _ => TEN_SECONDS,
                };
                PushError::Throttled {
                    retry_after: retry_after.or(Some(pause)),
                }
            }
            // 423: locked by another write. 477: the account moves to another data centre.
            status @ (408 | 423 | 425 | 477 | 500..) => {
                let pause = (status == 423).then_some(Duration::from_secs(2));
                PushError::Unavailable {
                    status,
                    retry_after: retry_after.or(pause),
                }
            }
            status => fault.refusal(status),
        }
    }
}

/// An object's id: digits, so that it can stand in a path.
fn object_id<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let id = String::deserialize(deserializer)?;
    let is_id = (1..=20).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_digit());
    if is_id {
        Ok(id)
    } else {
        Err(serde::de::Error::custom("an object's id is a number"))
    }
}
