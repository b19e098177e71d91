//! Where Zendesk posts to: events of tickets, or messages.
//!
//! - A webhook is a URL with its events, made active. What signs is its own secret, which Zendesk makes and tells.
//! - Its events, and whether it is active, can be changed; a webhook that triggers use cannot become one of events, so those
//!   are left alone.
//! - The token has to be an admin's: others may read tickets, but no webhooks.
//! - An app of Sunshine Conversations, whose connection names no agent, has webhooks of its own.
//!
//! Source: developer.zendesk.com, "Webhooks API", "Creating and monitoring webhooks" and "Webhook event types" (read
//! 2026-11). UNCONFIRMED: that an account without messaging takes its event all the same.

use std::collections::BTreeSet;

use async_trait::async_trait;
use bytes::Bytes;
use domain::Account;
use secrecy::SecretString;
use serde_json::{Value, json};

use super::{
    api::{Api, agent},
    messaging::{self, App},
};
use crate::{
    ApiError, Registration, Thing, WebhooksApi,
    api::json_value,
    audit::{all_at, registrations},
};

const PER_PAGE: &str = "100";
const MAX_PAGES: usize = 5;

/// The name that people see in Zendesk's list.
const NAME: &str = "Leads";

/// What a webhook that triggers and automations use subscribes to.
const BY_TRIGGER: &str = "conditional_ticket_events";

/// The events that are subscribed.
const EVENTS: [&str; 6] = [
    "zen:event-type:ticket.created",
    "zen:event-type:ticket.comment_added",
    "zen:event-type:ticket.status_changed",
    "zen:event-type:ticket.marked_as_spam",
    "zen:event-type:ticket.permanently_deleted",
    "zen:event-type:messaging_ticket.message_added",
];

#[async_trait]
impl WebhooksApi for Api {
    async fn check(
        &self,
        account: &Account,
        _accounts_of_source: &[String],
    ) -> Result<String, ApiError> {
        if let Some(app) = App::of(account) {
            return self.check_app(account, app).await;
        }
        let path = ["api", "v2", "users", "me.json"];
        let answer = self.get(account, &agent(account)?, &path, &[]).await?;
        let answer = json_value(&answer)?;
        let me = &answer["user"];
        // A wrong token is answered, too: as a visitor without an id.
        if me["id"].as_u64().is_none() {
            return Err(ApiError::NotConfigured(
                "the token is nobody's: enter an API token, and as email the address of the agent who made it",
            ));
        }
        let name = me["name"].as_str().unwrap_or("somebody");
        Ok(format!("the token is that of {name}"))
    }

    fn wanted(&self, account: &Account, url: &str) -> Vec<(String, String)> {
        match App::of(account) {
            Some(_) => all_at(url, &messaging::TRIGGERS),
            None => all_at(url, &EVENTS),
        }
    }

    async fn registered(
        &self,
        account: &Account,
        _accounts_of_source: &[String],
    ) -> Result<Vec<Registration>, ApiError> {
        if let Some(app) = App::of(account) {
            let all = self.hooks(account, app).await?.into_iter();
            let each =
                all.flat_map(|known| registrations(known.triggers, &known.url, known.is_on, None));
            return Ok(each.collect());
        }
        let all = self.webhooks(account).await?;
        let each = all.into_iter();
        let each =
            each.flat_map(|known| registrations(known.events, &known.url, known.is_on, None));
        Ok(each.collect())
    }

    async fn register(
        &self,
        account: &Account,
        _accounts_of_source: &[String],
        wanted: &[(String, String)],
        _signing_key: Option<&SecretString>,
    ) -> Result<Option<SecretString>, ApiError> {
        // All of them go to one URL.
        let Some((_, url)) = wanted.first() else {
            return Ok(None);
        };
        let events: BTreeSet<_> = wanted.iter().map(|(event, _)| event.clone()).collect();
        if let Some(app) = App::of(account) {
            return self.register_hook(account, app, url, events).await;
        }
        let user = agent(account)?;
        let known = self.webhooks(account).await?;
        let ours = known
            .into_iter()
            .find(|known| known.url == *url && !known.events.contains(BY_TRIGGER));
        let id = match ours {
            Some(known) if known.is_on && known.events.is_superset(&events) => known.id,
            Some(known) => {
                let all: BTreeSet<_> = known.events.union(&events).collect();
                let body = json!({ "webhook": { "status": "active", "subscriptions": all } });
                let path = ["api", "v2", "webhooks", &known.id];
                self.patch(account, &user, &path, &body).await?;
                known.id
            }
            None => {
                let body = json!({ "webhook": {
                    "name": NAME, "status": "active", "endpoint": url, "http_method": "POST", "request_format": "json",
                    "subscriptions": events,
                } });
                let path = ["api", "v2", "webhooks"];
                let answer = self.post(account, &user, &path, &body).await?;
                let made = Webhook::read(&json_value(&answer)?["webhook"]);
                made.ok_or_else(|| ApiError::Unreadable("it names no webhook".into()))?
                    .id
            }
        };
        self.signing_secret(account, &id).await.map(Some)
    }

    fn test(&self, mark: &str) -> Thing {
        // An event that is not used, so it is stored and makes no lead.
        Thing {
            event: None,
            content_type: "application/json",
            body: Bytes::from(json!({ "type": "test", "mark": mark }).to_string()),
        }
    }

    fn requests(&self) -> u32 {
        2
    }
}

struct Webhook {
    id: String,
    url: String,
    events: BTreeSet<String>,
    is_on: bool,
}

impl Webhook {
    fn read(shown: &Value) -> Option<Self> {
        let id = shown["id"].as_str()?;
        let is_id = (1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric());
        let events = shown["subscriptions"].as_array().into_iter().flatten();
        is_id.then(|| Self {
            id: id.to_owned(),
            url: shown["endpoint"].as_str().unwrap_or_default().to_owned(),
            events: events
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect(),
            is_on: shown["status"] == json!("active"),
        })
    }
}

impl Api {
    async fn webhooks(&self, account: &Account) -> Result<Vec<Webhook>, ApiError> {
        let user = agent(account)?;
        let path = ["api", "v2", "webhooks"];
        let mut all = Vec::new();
        let mut cursor: Option<String> = None;
        for _ in 0..MAX_PAGES {
            let mut query = vec![("page[size]", PER_PAGE)];
            query.extend(cursor.as_deref().map(|cursor| ("page[after]", cursor)));
            let answer = self.get(account, &user, &path, &query).await?;
            let answer = json_value(&answer)?;
            let list = answer["webhooks"].as_array();
            let list = list.ok_or_else(|| ApiError::Unreadable("it lists no webhooks".into()))?;
            all.extend(list.iter().filter_map(Webhook::read));
            let meta = &answer["meta"];
            cursor = meta["after_cursor"].as_str().map(str::to_owned);
            if meta["has_more"] != json!(true) || cursor.is_none() {
                break;
            }
        }
        Ok(all)
    }

    /// The secret that signs a webhook's deliveries.
    async fn signing_secret(&self, account: &Account, id: &str) -> Result<SecretString, ApiError> {
        let path = ["api", "v2", "webhooks", id, "signing_secret"];
        let answer = self.get(account, &agent(account)?, &path, &[]).await?;
        let answer = json_value(&answer)?;
        let secret = answer["signing_secret"]["secret"].as_str();
        let secret = secret.filter(|secret| !secret.is_empty());
        secret
            .map(SecretString::from)
            .ok_or_else(|| ApiError::Unreadable("it tells no signing secret".into()))
    }
}
