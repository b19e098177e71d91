//! Where CallRail posts webhooks to.
//!
//! A company has one integration of type `Webhooks`, shared by everybody. Each of its events has several URLs: ours are
//! added to what is there, and nothing of others is taken away. Where a company is no longer the source's, ours go.
//!
//! Source: apidocs.callrail.com, "Integrations" (read 2026-11). UNCONFIRMED: that `state` can be set back to `active` by a
//! `PUT`; if it cannot, the integration stays off and is reported again.

use async_trait::async_trait;
use bytes::Bytes;
use domain::Account;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Map, Value, json};

use super::{
    api::Api,
    listing::{PER_PAGE, companies_to_ask},
    payload,
};
use crate::{ApiError, Registration, Thing, WebhooksApi, api::json_value, audit::leads_to};

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

    async fn accounts(
        &self,
        account: &Account,
        accounts_of_source: &[String],
    ) -> Result<Option<Vec<String>>, ApiError> {
        self.companies(account, accounts_of_source).await.map(Some)
    }

    async fn withdraw(
        &self,
        account: &Account,
        gone: &[String],
        kept: &[String],
        url: &str,
    ) -> Result<Vec<SecretString>, ApiError> {
        let mut keys = Vec::new();
        let mut asked: Vec<String> = Vec::new();
        for id in gone {
            let Some(company) = self.company(account, id).await? else {
                continue;
            };
            // A number may be another name of one that is kept.
            if kept.contains(&company) || asked.contains(&company) {
                continue;
            }
            let known = self.integrations(account, &company).await?;
            asked.push(company);
            let Some(known) = known else { continue };
            let config = without_ours(known.config.clone(), url);
            if config != known.config {
                let path = ["integrations", &format!("{}.json", known.id)];
                self.put(account, &path, &json!({ "config": config }))
                    .await?;
            }
            keys.extend(known.signing_key);
        }
        if keys.is_empty() {
            return Ok(keys);
        }
        let kept: Vec<&str> = kept.iter().map(String::as_str).collect();
        for company in companies_to_ask(&kept) {
            let known = self.integrations(account, company).await?;
            if let Some(signs) = known.and_then(|known| known.signing_key) {
                keys.retain(|key| key.expose_secret() != signs.expose_secret());
            }
        }
        Ok(keys)
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

/// A configuration without the URLs of the source that this one of ours leads to.
fn without_ours(mut config: Map<String, Value>, ours: &str) -> Map<String, Value> {
    let is_ours = |known: &Value| known.as_str().is_some_and(|known| leads_to(known, ours));
    for known in config.values_mut() {
        match known {
            Value::Array(urls) => urls.retain(|url| !is_ours(url)),
            one if is_ours(one) => *one = json!([]),
            _ => {}
        }
    }
    config
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_urls_alone_are_taken_away() {
        let before = json!({
            "post_call_webhook": ["https://other.example/a", "https://ours/v1/hooks/mine/post-call"],
            "updated_call_webhook": "https://before.example/v1/hooks/mine/call-modified",
            "sms_sent_webhook": ["https://ours/v1/hooks/anothers/sms-sent"],
            "sms_received_webhook": null,
        });
        let config = before.as_object().cloned().unwrap();
        let config = without_ours(config, "https://ours/v1/hooks/mine");
        let expected = json!({
            "post_call_webhook": ["https://other.example/a"],
            "updated_call_webhook": [],
            "sms_sent_webhook": ["https://ours/v1/hooks/anothers/sms-sent"],
            "sms_received_webhook": null,
        });
        assert_eq!(json!(config), expected);
    }

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
