//! Salesforce's wire: one method for each call that we make.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use domain::{Account, Clock, E164};
use http_client::{Client, Request, Response, Url};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::{
    INSTANCE_URL, LEAD, TASK,
    fault::{Fault, Refusal},
    mapping::{Fields, LEAD_KEY, TASK_KEY},
    org::Field,
};
use crate::PushError;

/// The version that is spoken.
const VERSION: &str = "v62.0";
/// How many of its duplicates a person may have that we look at.
const MAX_FOUND: u32 = 20;

/// A record as Salesforce shows it.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Record(BTreeMap<String, Value>);

impl Record {
    /// Its id.
    pub(super) fn id(&self) -> &str {
        self.get("Id")
    }

    /// A field's text; empty when it has none.
    pub(super) fn get(&self, name: &str) -> &str {
        self.value(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// What a field has. Salesforce answers with its own letters' case, whatever was asked for.
    pub(super) fn value(&self, name: &str) -> Option<&Value> {
        let alike = || {
            let mut all = self.0.iter();
            all.find(|(known, _)| known.eq_ignore_ascii_case(name))
                .map(|(_, value)| value)
        };
        let value = self.0.get(name).or_else(alike);
        value.filter(|value| !value.is_null())
    }

    #[cfg(test)]
    pub(super) fn new(fields: &[(&str, &str)]) -> Self {
        let fields = fields
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).into()));
        Self(fields.collect())
    }
}

/// A part of a write.
pub(super) struct Part {
    path: String,
    reference: &'static str,
    fields: Fields,
}

impl Part {
    /// Writes by a unique field, and makes the record if there is none.
    pub(super) fn upsert(object: &str, key: &str, value: &str, mut fields: Fields) -> Self {
        // It stands in the path, and is refused beside that.
        fields.remove(key);
        Self {
            path: format!("{object}/{key}/{value}"),
            reference: reference(object),
            fields,
        }
    }

    /// Changes the given fields of a record.
    pub(super) fn update(object: &str, id: &str, fields: Fields) -> Self {
        Self {
            path: format!("{object}/{id}"),
            reference: reference(object),
            fields,
        }
    }
}

fn reference(object: &str) -> &'static str {
    if object == "Task" { TASK } else { LEAD }
}

/// What came of a write.
pub(super) struct Written {
    /// The id of each record, by its word; an update tells none.
    pub(super) ids: Result<BTreeMap<String, String>, Refusal>,
    /// How much of the org's calls of a day is used up, in percent.
    pub(super) share_used: Option<u64>,
}

/// Calls Salesforce.
pub(super) struct Api {
    http: Client,
    base_url: String,
    clock: Arc<dyn Clock>,
    timeout: Duration,
}

#[derive(Deserialize)]
struct Described {
    fields: Vec<Field>,
}

#[derive(Deserialize)]
struct Found {
    records: Vec<Record>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Searched {
    search_records: Vec<Record>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Composite {
    composite_response: Vec<Partial>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Partial {
    #[serde(default)]
    body: Value,
    http_status_code: u16,
    reference_id: String,
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

    pub(super) const fn timeout(&self) -> Duration {
        self.timeout
    }

    /// The fields of an object.
    pub(super) async fn describe(
        &self,
        account: &Account,
        object: &str,
    ) -> Result<Vec<Field>, PushError> {
        let url = self.url(account, &format!("sobjects/{object}/describe"));
        // Large orgs have hundreds of fields with long lists of values.
        let request = self.http.get(url).max_body_bytes(16 * 1024 * 1024);
        Ok(self.call::<Described>(request, account).await?.fields)
    }

    /// Leads with our key or with an e-mail address, the oldest first.
    pub(super) async fn leads_by(
        &self,
        account: &Account,
        read: &str,
        key: &str,
        email: Option<&str>,
    ) -> Result<Vec<Record>, PushError> {
        let mut wanted = format!("{LEAD_KEY} = '{}'", quoted(key));
        if let Some(email) = email {
            wanted.push_str(&format!(" OR Email = '{}'", quoted(email)));
        }
        self.query(
            account,
            &format!(
                "SELECT {read} FROM Lead WHERE {wanted} ORDER BY CreatedDate LIMIT {MAX_FOUND}"
            ),
        )
        .await
    }

    /// A lead by its id.
    pub(super) async fn lead(
        &self,
        account: &Account,
        read: &str,
        id: &str,
    ) -> Result<Option<Record>, PushError> {
        let query = format!("SELECT {read} FROM Lead WHERE Id = '{}'", quoted(id));
        Ok(self.query(account, &query).await?.into_iter().next())
    }

    /// Whether a task has our key.
    pub(super) async fn has_task(&self, account: &Account, key: &str) -> Result<bool, PushError> {
        let query = format!("SELECT Id FROM Task WHERE {TASK_KEY} = '{}'", quoted(key));
        Ok(!self.query(account, &query).await?.is_empty())
    }

    /// Leads that may have a number. The index may lag behind writes.
    pub(super) async fn leads_by_phone(
        &self,
        account: &Account,
        read: &str,
        phone: &E164,
    ) -> Result<Vec<Record>, PushError> {
        let full = phone.as_str();
        let national = full.strip_prefix("+1").unwrap_or(full);
        // Digits alone: there is nothing to escape.
        let digits = national.trim_start_matches('+');
        let search =
            format!("FIND {{{digits}}} IN PHONE FIELDS RETURNING Lead({read} LIMIT {MAX_FOUND})");
        let request = self
            .http
            .get(self.url(account, "search"))
            .query(&[("q", &search)]);
        let searched: Searched = self.call(request, account).await?;
        Ok(searched.search_records)
    }

    /// Writes all parts or none. A repeat is harmless.
    pub(super) async fn composite(
        &self,
        account: &Account,
        parts: &[Part],
        is_saved_anyway: bool,
    ) -> Result<Written, PushError> {
        let rules = format!(
            "allowSave={is_saved_anyway}; includeRecordDetails=false; runAsCurrentUser=false"
        );
        let part = |part: &Part| {
            json!({
                "method": "PATCH",
                "url": format!("/services/data/{VERSION}/sobjects/{}", part.path),
                "referenceId": part.reference,
                "httpHeaders": { "Sforce-Duplicate-Rule-Header": rules },
                "body": part.fields,
            })
        };
        let body = json!({
            "allOrNone": true,
            "compositeRequest": parts.iter().map(part).collect::<Vec<_>>(),
        });
        let request = self
            .http
            .post(self.url(account, "composite"))
            .header("Sforce-Duplicate-Rule-Header", &rules)
            .stand_in(|| stand_in(parts))
            .json(&body);
        let answer = self.send(request, account).await?;
        let composite: Composite = answer.json()?;
        Ok(Written {
            ids: ids(composite.composite_response),
            share_used: share_used(&answer),
        })
    }

    async fn query(&self, account: &Account, query: &str) -> Result<Vec<Record>, PushError> {
        let request = self
            .http
            .get(self.url(account, "query"))
            .query(&[("q", query)]);
        Ok(self.call::<Found>(request, account).await?.records)
    }

    /// Where the org is: as logging in has told, or the account says.
    fn url(&self, account: &Account, path: &str) -> String {
        let org = match account.setting(INSTANCE_URL) {
            "" => &self.base_url,
            org => org.trim_end_matches('/'),
        };
        format!("{org}/services/data/{VERSION}/{path}")
    }

    async fn call<T: DeserializeOwned>(
        &self,
        request: Request<'_>,
        account: &Account,
    ) -> Result<T, PushError> {
        Ok(self.send(request, account).await?.json()?)
    }

    async fn send(
        &self,
        mut request: Request<'_>,
        account: &Account,
    ) -> Result<Response, PushError> {
        let org = account.setting(INSTANCE_URL);
        let is_ours = org.trim_end_matches('/') == self.base_url.trim_end_matches('/');
        if !org.is_empty() && !is_ours {
            request = request.to_a_tenants_url();
        }
        let request = request.bearer(&account.secret).deadline(self.timeout);
        let answer = request.send().await?;
        if answer.status.is_success() {
            return Ok(answer);
        }
        let faults: Vec<Fault> = answer.json().unwrap_or_default();
        let fault = faults.into_iter().next().unwrap_or_default();
        let retry_after = answer.retry_after(self.clock.now());
        Err(fault.error(answer.status.as_u16(), retry_after))
    }
}

/// What a rehearsal is answered: each part is done. Zeros stand for the id of a record that would be made.
fn stand_in(parts: &[Part]) -> Value {
    let done = |part: &Part| {
        json!({
            "body": { "id": "000000000000000" }, "httpStatusCode": 200, "referenceId": part.reference,
        })
    };
    json!({ "compositeResponse": parts.iter().map(done).collect::<Vec<_>>() })
}

/// The ids of what was written, or the fault for which nothing was.
fn ids(parts: Vec<Partial>) -> Result<BTreeMap<String, String>, Refusal> {
    let mut ids = BTreeMap::new();
    for part in parts {
        let status = part.http_status_code;
        if (200..300).contains(&status) {
            let id = part.body.get("id").and_then(Value::as_str);
            ids.extend(id.map(|id| (part.reference_id, id.to_owned())));
            continue;
        }
        let faults: Vec<Fault> = serde_json::from_value(part.body).unwrap_or_default();
        let fault = faults.into_iter().next().unwrap_or_default();
        if !fault.is_halted() {
            return Err(fault.refusal(status, None));
        }
        ids.clear();
    }
    if ids.is_empty() {
        // Neither done nor refused: the next attempt looks it up.
        return Err(Refusal::Other(PushError::Moved { holder: None }));
    }
    Ok(ids)
}

/// `Sforce-Limit-Info: api-usage=788/115000` is 0 percent.
fn share_used(answer: &Response) -> Option<u64> {
    let info = answer.header("sforce-limit-info")?;
    let usage = info
        .split([';', ','])
        .find_map(|part| part.trim().strip_prefix("api-usage="))?;
    let (used, limit) = usage.split_once('/')?;
    let (used, limit): (u64, u64) = (used.parse().ok()?, limit.parse().ok()?);
    used.checked_mul(100)?.checked_div(limit)
}

/// A text within the quotes of a query.
fn quoted(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\'', "\\'")
}

/// Whether this is a record's id: 15 or 18 letters and digits, so that it can stand in a path.
pub(super) fn is_id(text: &str) -> bool {
    matches!(text.len(), 15 | 18) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}
