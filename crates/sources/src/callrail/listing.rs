//! CallRail's lists, and its webhooks' set-up, as an audit needs them.
//!
//! - Lists have no time of change: calls are asked for by the days on which they began, in the order of their beginning,
//!   so that what comes in meanwhile stands on the last page.
//! - A company has one integration of type `Webhooks`, shared by everybody. Each of its events has several URLs: ours are
//!   added to what is there, and nothing is taken away.
//!
//! - Texts and forms are not compared: their lists' ids are not documented to be those of their webhooks, and a thing
//!   under two ids would become two leads.
//!
//! Source: apidocs.callrail.com, "Listing All Calls", "Integrations" (read 2026-11). UNCONFIRMED: that `state` can be set
//! back to `active` by a `PUT`; if it cannot, the integration stays off and is reported again.

use async_trait::async_trait;
use bytes::Bytes;
use domain::Account;
use jiff::{SignedDuration, Timestamp, ToSpan as _, tz::TimeZone};
use secrecy::SecretString;
use serde_json::{Map, Value, json};

use super::{
    api::{Api, FIELDS},
    payload,
};
use crate::{
    ApiError, Asked, Found, ListPage, Listed, ListingApi, Registration, Thing, WebhooksApi,
    aliases, api::json_value,
};

/// The most calls of a page.
const PER_PAGE: &str = "250";

/// A call is reported at most 20 minutes after its end, and a little later where nobody hurries.
const REPORTED_WITHIN: SignedDuration = SignedDuration::from_mins(25);

/// The integration that posts webhooks.
const WEBHOOKS: &str = "Webhooks";

/// What the integration calls an event of ours.
const EVENTS: &[(&str, &str)] = &[
    ("post-call", "post_call_webhook"),
    ("call-modified", "updated_call_webhook"),
    ("sms-received", "sms_received_webhook"),
    ("sms-sent", "sms_sent_webhook"),
    ("form-submission", "form_captured_webhook"),
];

const CALLS: &str = "calls";

#[async_trait]
impl ListingApi for Api {
    fn kinds(&self) -> &'static [&'static str] {
        &[CALLS]
    }

    async fn list(
        &self,
        account: &Account,
        accounts_of_source: &[String],
        asked: &Asked<'_>,
    ) -> Result<ListPage, ApiError> {
        let companies = companies(account, accounts_of_source)?;
        let asked_for = companies_to_ask(&companies);
        // `{which company}:{page}`
        let place = asked.place.and_then(|place| place.split_once(':'));
        let place =
            place.and_then(|(company, page)| Some((company.parse().ok()?, page.parse().ok()?)));
        let (index, number): (usize, u64) = place.unwrap_or((0, 1));
        let Some(company) = asked_for.get(index) else {
            return Ok(ListPage::default());
        };
        // Days are the company's own, and those of no zone begin more than a day away from UTC's.
        let day = |at: Timestamp| at.to_zoned(TimeZone::UTC).date();
        let first = day(asked.from).saturating_sub(1.day()).to_string();
        let last = day(asked.to).saturating_add(1.day()).to_string();
        let page = number.to_string();
        let query = [
            ("company_id", *company),
            ("start_date", first.as_str()),
            ("end_date", last.as_str()),
            ("sort", "start_time"),
            ("order", "asc"),
            ("per_page", PER_PAGE),
            ("page", page.as_str()),
            ("fields", FIELDS),
        ];
        let answer = self.get(account, &["calls.json"], &query).await?;
        let answer = json_value(&answer)?;
        let calls = answer[CALLS].as_array();
        let calls = calls.ok_or_else(|| ApiError::Unreadable("it lists no calls".into()))?;
        let is_theirs = |call: &&Value| {
            let company = call["company_id"].as_str().unwrap_or_default();
            companies.contains(&company)
        };
        let things = calls.iter().filter(is_theirs).filter_map(listed);
        let in_time = |thing: &Listed| thing.at >= asked.from && thing.at < asked.to;
        let has_more = number < answer["total_pages"].as_u64().unwrap_or(1);
        let next = if has_more {
            Some(format!("{index}:{}", number + 1))
        } else {
            (index + 1 < asked_for.len()).then(|| format!("{}:1", index + 1))
        };
        Ok(ListPage {
            things: things.filter(in_time).collect(),
            next,
            requests: 1,
        })
    }

    async fn fetch(
        &self,
        _account: &Account,
        _accounts_of_source: &[String],
        _place: &str,
    ) -> Result<Vec<Listed>, ApiError> {
        Ok(Vec::new()) // a list has everything
    }
}

/// The ids of the tenant's company, in every form.
pub(super) fn companies<'a>(
    account: &'a Account,
    accounts_of_source: &'a [String],
) -> Result<Vec<&'a str>, ApiError> {
    let companies = account.setting("company_ids").split(',').map(str::trim);
    let companies: Vec<_> = companies
        .filter(|id| !id.is_empty())
        .chain(accounts_of_source.iter().map(String::as_str))
        .collect();
    if companies.is_empty() {
        return Err(ApiError::NotConfigured(
            "it is not known whose calls the tenant may see: enter the ids of its company, as number and as `COM…`, as \
             company_ids of the connection or as accounts of the source",
        ));
    }
    Ok(companies)
}

/// Companies by the id that the API asks for, each once: a number names the same company as the `COM…` beside it.
fn companies_to_ask<'a>(companies: &[&'a str]) -> Vec<&'a str> {
    let mut asked: Vec<&str> = Vec::new();
    for id in companies.iter().filter(|id| id.starts_with("COM")) {
        if !asked.contains(id) {
            asked.push(id);
        }
    }
    if asked.is_empty() {
        asked.extend(companies.first());
    }
    asked
}

/// A call of a list, as its webhook would say it. One that is going on, or has no id, is left to a later list.
fn listed(call: &Value) -> Option<Listed> {
    let id = call["id"].as_str().filter(|id| payload::is_canonical(id))?;
    let at: Timestamp = call["start_time"].as_str()?.parse().ok()?;
    if call["call_type"] == json!("in_progress") {
        return None;
    }
    let seconds = call["duration"].as_i64().unwrap_or(0);
    let ended_at = at.checked_add(SignedDuration::from_secs(seconds.clamp(0, 86_400)));
    let due_at = ended_at.and_then(|at| at.checked_add(REPORTED_WITHIN)).ok();
    Some(Listed {
        aliases: aliases("callrail", "call", &[id]),
        at,
        due_at,
        found: Found::Here(Thing {
            event: Some("post-call"),
            content_type: "application/json",
            body: Bytes::from(call.to_string()),
        }),
    })
}

#[async_trait]
impl WebhooksApi for Api {
    async fn check(
        &self,
        account: &Account,
        accounts_of_source: &[String],
    ) -> Result<String, ApiError> {
        let companies = companies(account, accounts_of_source)?;
        let asked_for = companies_to_ask(&companies);
        // Whoever may not see the company gets its integrations refused.
        for company in &asked_for {
            self.integrations(account, company).await?;
        }
        let named = asked_for.join(", ");
        Ok(format!(
            "the key sees company {named} of account {}",
            account.setting("account_id")
        ))
    }

    fn wanted(&self, url: &str) -> Vec<(String, String)> {
        let events = EVENTS.iter();
        events
            .map(|(event, name)| ((*name).to_owned(), format!("{url}/{event}")))
            .collect()
    }

    async fn registered(
        &self,
        account: &Account,
        accounts_of_source: &[String],
    ) -> Result<Vec<Registration>, ApiError> {
        let companies = companies(account, accounts_of_source)?;
        let mut all = Vec::new();
        for company in companies_to_ask(&companies) {
            let Some(known) = self.integrations(account, company).await? else {
                continue;
            };
            let is_on = known.state == "active";
            for (event, urls) in &known.config {
                let urls = urls.as_array().into_iter().flatten();
                all.extend(urls.filter_map(Value::as_str).map(|url| Registration {
                    event: event.clone(),
                    url: url.to_owned(),
                    is_on,
                }));
            }
        }
        Ok(all)
    }

    async fn register(
        &self,
        account: &Account,
        accounts_of_source: &[String],
        url: &str,
        _signing_key: Option<&SecretString>,
    ) -> Result<Option<SecretString>, ApiError> {
        let companies = companies(account, accounts_of_source)?;
        let mut key = None;
        for company in companies_to_ask(&companies) {
            let known = self.integrations(account, company).await?;
            let before = known.as_ref().map(|known| known.config.clone());
            let config = with_ours(before.unwrap_or_default(), &self.wanted(url));
            let answer = match known {
                Some(known) if known.state == "active" && known.config == config => {
                    key = key.or(known.signing_key);
                    continue;
                }
                Some(known) => {
                    let body = json!({ "state": "active", "config": config });
                    let path = ["integrations", &format!("{}.json", known.id)];
                    self.put(account, &path, &body).await?
                }
                None => {
                    let body = json!({ "type": WEBHOOKS, "company_id": company, "config": config });
                    self.post(account, &["integrations.json"], &body).await?
                }
            };
            let made = Integration::read(&json_value(&answer)?);
            let made_key = made.and_then(|made| made.signing_key);
            key = key.or(match made_key {
                Some(made_key) => Some(made_key),
                // It is not in every answer.
                None => {
                    let known = self.integrations(account, company).await?;
                    known.and_then(|known| known.signing_key)
                }
            });
        }
        Ok(key)
    }

    fn test(&self, mark: &str) -> Thing {
        // A URL's event that is not used, so it is stored and makes no lead.
        Thing {
            event: Some("test"),
            content_type: "application/json",
            body: Bytes::from(json!({ "resource_id": "CALtest", "test": mark }).to_string()),
        }
    }
}

/// The company's integration that posts webhooks.
struct Integration {
    id: String,
    state: String,
    config: Map<String, Value>,
    signing_key: Option<SecretString>,
}

impl Integration {
    fn read(shown: &Value) -> Option<Self> {
        if shown["type"] != json!(WEBHOOKS) {
            return None;
        }
        let id = shown["id"].as_u64().map(|id| id.to_string());
        let text = |name: &str| shown[name].as_str().map(str::to_owned);
        Some(Self {
            id: id.or_else(|| text("id").filter(|id| payload::is_id(id)))?,
            state: text("state").unwrap_or_default(),
            config: shown["config"].as_object().cloned().unwrap_or_default(),
            signing_key: text("signing_key").map(SecretString::from),
        })
    }
}

impl Api {
    async fn integrations(
        &self,
        account: &Account,
        company: &str,
    ) -> Result<Option<Integration>, ApiError> {
        let query = [
            ("company_id", company),
            ("fields", "signing_key"),
            ("per_page", PER_PAGE),
        ];
        let answer = self.get(account, &["integrations.json"], &query).await?;
        let answer = json_value(&answer)?;
        let list = answer["integrations"].as_array();
        let list = list.ok_or_else(|| ApiError::Unreadable("it lists no integrations".into()))?;
        Ok(list.iter().find_map(Integration::read))
    }
}

/// A configuration in which our URLs stand beside those of others.
fn with_ours(mut config: Map<String, Value>, wanted: &[(String, String)]) -> Map<String, Value> {
    for (event, url) in wanted {
        let known = config.entry(event.clone()).or_insert_with(|| json!([]));
        // One URL may stand alone, and a cleared one is null.
        if let Value::String(one) = known {
            *known = json!([one]);
        }
        if let Value::Array(urls) = known {
            if !urls.iter().any(|known| known == url) {
                urls.push(json!(url));
            }
        } else {
            *known = json!([url]);
        }
    }
    config
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_of_others_stay() {
        let before = json!({
            "post_call_webhook": ["https://other.example/a"],
            "updated_call_webhook": "https://other.example/b",
            "sms_sent_webhook": ["https://other.example/c"],
        });
        let wanted = [
            (
                "post_call_webhook".to_owned(),
                "https://ours/post-call".to_owned(),
            ),
            (
                "updated_call_webhook".to_owned(),
                "https://ours/call-modified".to_owned(),
            ),
        ];
        let config = with_ours(before.as_object().cloned().unwrap(), &wanted);
        let expected = json!({
            "post_call_webhook": ["https://other.example/a", "https://ours/post-call"],
            "updated_call_webhook": ["https://other.example/b", "https://ours/call-modified"],
            "sms_sent_webhook": ["https://other.example/c"],
        });
        assert_eq!(json!(config), expected);
        // Ours are not added twice.
        assert_eq!(json!(with_ours(config, &wanted)), expected);
    }

    #[test]
    fn a_company_is_asked_for_once() {
        assert_eq!(
            companies_to_ask(&["7", "COM1", "COM1", "COM2"]),
            ["COM1", "COM2"]
        );
        assert_eq!(companies_to_ask(&["7", "8"]), ["7"]);
    }
}
