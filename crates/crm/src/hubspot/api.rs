//! HubSpot's wire: one method for each call that we make.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use domain::{Clock, ProviderAnswer};
use http_client::{Client, Request, Response, Url};
use secrecy::SecretString;
use serde::{
    Deserialize,
    de::{DeserializeOwned, IgnoredAny},
};
use serde_json::json;

use super::mapping::{OwnProperty, Properties};
use crate::PushError;

/// The pause if the account's limit over ten seconds is reached and no other pause is named.
const TEN_SECONDS: Duration = Duration::from_secs(10);
/// The pause if the limit of searches is reached.
const ONE_SECOND: Duration = Duration::from_secs(1);
/// The pause if the account's daily limit is reached: when its midnight is, we do not know.
const ONE_HOUR: Duration = Duration::from_secs(3_600);

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

/// An error as HubSpot writes it, of an answer or of a row. Every field may be missing.
#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Fault {
    category: String,
    message: String,
    policy_name: String,
    errors: Vec<FieldFault>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct FieldFault {
    message: String,
    code: String,
    #[serde(rename = "in")]
    field: String,
    context: BTreeMap<String, serde_json::Value>,
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
        }
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
            body["idProperty"] = json!(key);
        }
        let request = self.http.post(self.objects(kind) + "/batch/read");
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
        let batch: Batch = self
            .call(request.json(&json!({ "inputs": [row] })), token)
            .await?;
        match (batch.results.into_iter().next(), batch.errors.first()) {
            (Some(record), _) => Ok(record),
            (None, Some(fault)) => Err(fault.row_refusal()),
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
        self.call(request.json(&json!({ "properties": properties })), token)
            .await
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
        let answer = self.call(self.http.put(url), token).await;
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
        match self.call(self.http.post(&url).json(&body), token).await {
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

impl Fault {
    /// What the error of one row means: there is no status, so the category decides.
    fn row_refusal(&self) -> PushError {
        self.refusal(match self.category.as_str() {
            "CONFLICT" | "OBJECT_ALREADY_EXISTS" => 409,
            "OBJECT_NOT_FOUND" => 404,
            _ => 400,
        })
    }

    fn refusal(&self, status: u16) -> PushError {
        let answer = ProviderAnswer::new(&self.message);
        match status {
            401 => PushError::Unauthorized { answer },
            403 => PushError::MissingScopes { answer },
            404 => PushError::Moved { holder: None },
            409 => PushError::Moved {
                holder: holder(&self.message),
            },
            _ => self.field_refusal(status),
        }
    }

    fn field_refusal(&self, status: u16) -> PushError {
        let Some(fault) = self.errors.first() else {
            let code = if self.category.is_empty() {
                status.to_string()
            } else {
                name(&self.category)
            };
            return PushError::Refused {
                code,
                answer: ProviderAnswer::new(&self.message),
            };
        };
        let context = || {
            fault
                .context
                .get("propertyName")
                .and_then(|names| names.get(0)?.as_str())
        };
        let field = Some(fault.field.as_str())
            .filter(|field| !field.is_empty())
            .or_else(context)
            .unwrap_or("?");
        let field = name(field);
        let is_stage = matches!(field.as_str(), "dealstage" | "pipeline");
        match fault.code.as_str() {
            "PROPERTY_DOESNT_EXIST" => PushError::Outdated { field },
            "INVALID_OPTION" if is_stage => PushError::Outdated { field },
            "MISSING_REQUIRED_PROPERTY" | "MISSING_CONDITIONAL_REQUIRED_PROPERTY" => {
                PushError::Required {
                    field,
                    code: name(&fault.code),
                    answer: ProviderAnswer::new(&fault.message),
                }
            }
            code => PushError::Rejected {
                field,
                code: name(code),
                answer: ProviderAnswer::new(&fault.message),
            },
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

/// HubSpot's name of a field or a code, if it looks like one; a value of ours that it repeats is `?`.
fn name(raw: &str) -> String {
    let is_name = raw.len() <= 100
        && raw.starts_with(|c: char| c.is_ascii_alphabetic())
        && raw
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'));
    if is_name { raw } else { "?" }.to_owned()
}

/// The record that a conflict names: `… Existing ID: 40051`.
fn holder(message: &str) -> Option<String> {
    let (_, rest) = message.split_once("Existing ID:")?;
    let digits: String = rest
        .trim_start()
        .chars()
        .take_while(char::is_ascii_digit)
        .take(20)
        .collect();
    (!digits.is_empty()).then_some(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(json: &str) -> Fault {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn a_conflict_names_the_holder() {
        let conflict = fault(include_str!("fixtures/conflict-409.json"));
        assert!(
            matches!(conflict.refusal(409), PushError::Moved { holder: Some(id) } if id == "40051")
        );
        assert_eq!(holder("Existing ID: 12; more"), Some("12".to_owned()));
        assert_eq!(holder("Existing ID: none"), None);
        assert_eq!(holder("taken"), None);
    }

    #[test]
    fn a_refused_row_says_which_field_and_why_without_repeating_it() {
        let batch: Batch = serde_json::from_str(include_str!("fixtures/upsert-207.json")).unwrap();
        let error = batch.errors[0].row_refusal();
        assert_eq!(
            error.to_string(),
            "the CRM refused the field `email` (INVALID_EMAIL)"
        );
        assert!(!format!("{error:?}").contains("not-an-email"), "{error:?}");
        assert!(
            domain::Classify::answer(&error)
                .unwrap()
                .contains("not-an-email")
        );
    }

    #[test]
    fn a_field_that_is_gone_is_looked_for_again() {
        for (body, field) in [
            (
                r#"{"errors":[{"code":"PROPERTY_DOESNT_EXIST","in":"lead_intake_tags"}]}"#,
                "lead_intake_tags",
            ),
            (
                r#"{"errors":[{"code":"INVALID_OPTION","context":{"propertyName":["dealstage"]}}]}"#,
                "dealstage",
            ),
        ] {
            assert!(
                matches!(fault(body).refusal(400), PushError::Outdated { field: found } if found == field)
            );
        }
        let other = fault(r#"{"errors":[{"code":"INVALID_OPTION","in":"state"}]}"#).refusal(400);
        assert!(matches!(other, PushError::Rejected { .. }));
    }

    #[test]
    fn what_is_no_name_is_not_repeated_as_one() {
        for value in [
            "+15125550142",
            "5125550142",
            "Ann Example",
            "ann@example.com",
            "Zoë",
            "",
        ] {
            assert_eq!(name(value), "?", "{value}");
        }
        for known in [
            "email",
            "lead_intake_tags",
            "properties.email",
            "INVALID_EMAIL",
        ] {
            assert_eq!(name(known), known);
        }
    }

    #[test]
    fn an_error_without_fields_is_still_one() {
        let error = fault("{}").refusal(418);
        assert_eq!(error.to_string(), "the CRM refused the lead (418)");
    }
}
