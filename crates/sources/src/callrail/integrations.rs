//! Where CallRail posts webhooks to.
//!
//! A company has one integration of type `Webhooks`, shared by everybody. Each of its events has several URLs: ours are
//! added to what is there, and nothing is taken away.
//!
//! Source: apidocs.callrail.com, "Integrations" (read 2026-11). UNCONFIRMED: that `state` can be set back to `active` by a
//! `PUT`; if it cannot, the integration stays off and is reported again.

use async_trait::async_trait;
use bytes::Bytes;
use domain::Account;
use secrecy::SecretString;
use serde_json::{Map, Value, json};

use super::{
    api::Api,
    listing::{PER_PAGE, companies_to_ask},
    payload,
};
use crate::{ApiError, Registration, Thing, WebhooksApi, api::json_value};

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

#[async_trait]
impl WebhooksApi for Api {
    async fn check(
        &self,
        account: &Account,
        accounts_of_source: &[String],
    ) -> Result<String, ApiError> {
        let companies = self.companies(account, accounts_of_source).await?;
        let companies: Vec<&str> = companies.iter().map(String::as_str).collect();
        let asked_for = companies_to_ask(&companies);
        // A source would refuse what the others sign.
        if asked_for.len() > 1 {
            return Err(ApiError::NotConfigured(
                "each company at CallRail signs with a key of its own, so each needs a source of its own: enter the ids of one \
                 company, and connect every other one under another `connection`",
            ));
        }
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

    fn wanted(&self, _account: &Account, url: &str) -> Vec<(String, String)> {
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
        let companies = self.companies(account, accounts_of_source).await?;
        let companies: Vec<&str> = companies.iter().map(String::as_str).collect();
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
                    failing_since: None,
                }));
            }
        }
        Ok(all)
    }

    async fn register(
        &self,
        account: &Account,
        accounts_of_source: &[String],
        wanted: &[(String, String)],
        _signing_key: Option<&SecretString>,
    ) -> Result<Option<SecretString>, ApiError> {
        let companies = self.companies(account, accounts_of_source).await?;
        let companies: Vec<&str> = companies.iter().map(String::as_str).collect();
        let mut key = None;
        for company in companies_to_ask(&companies) {
            let known = self.integrations(account, company).await?;
            let before = known.as_ref().map(|known| known.config.clone());
            let config = with_ours(before.unwrap_or_default(), wanted);
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
}
