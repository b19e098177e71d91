//! Where Sunshine Conversations posts messages to.
//!
//! - A custom integration of the app has one webhook: a URL with its triggers. What proves its deliveries is the webhook's own
//!   secret, which Zendesk makes, and shows to whoever has the app's key.
//! - Whether an integration is active is Zendesk's to say. One that is not is left as it is, and another made.
//!
//! Source: the OpenAPI description of Sunshine Conversations, "Create Integration", "List Webhooks", "Update Webhook" (read
//! 2026-11). UNCONFIRMED: that an app which belongs to an account with tickets takes integrations that were made by its API.

use std::collections::BTreeSet;

use domain::Account;
use secrecy::SecretString;
use serde_json::{Value, json};

use super::{api::Api, payload};
use crate::{ApiError, api::json_value};

/// What is subscribed.
pub(super) const TRIGGERS: [&str; 1] = ["conversation:message"];

const PER_PAGE: &str = "100";

/// The name that people see in the app.
const NAME: &str = "Leads";

/// An app of Sunshine Conversations, and the id of its key.
#[derive(Debug, Clone, Copy)]
pub(super) struct App<'a> {
    id: &'a str,
    key: &'a str,
}

impl<'a> App<'a> {
    /// The app that a connection opens; none if it opens an account with tickets.
    pub(super) fn of(account: &'a Account) -> Option<Self> {
        let (id, key) = (account.setting("app_id"), account.setting("key_id"));
        let is_one = account.setting("email").is_empty() && payload::is_id(id) && !key.is_empty();
        is_one.then_some(Self { id, key })
    }

    fn path<'b>(&self, rest: &[&'b str]) -> Vec<&'b str>
    where
        'a: 'b,
    {
        let begin = ["sc", "v2", "apps", self.id];
        begin.into_iter().chain(rest.iter().copied()).collect()
    }
}

/// A webhook of a custom integration.
pub(super) struct Hook {
    integration: String,
    id: String,
    pub(super) url: String,
    pub(super) triggers: BTreeSet<String>,
    pub(super) is_on: bool,
    has_users: bool,
    secret: Option<String>,
}

impl Hook {
    fn read(integration: &Value, shown: &Value) -> Option<Self> {
        let id = |of: &Value| {
            let id = of["id"].as_str().filter(|id| payload::is_id(id))?;
            Some(id.to_owned())
        };
        let triggers = shown["triggers"].as_array().into_iter().flatten();
        Some(Self {
            integration: id(integration)?,
            id: id(shown)?,
            url: shown["target"].as_str().unwrap_or_default().to_owned(),
            triggers: triggers
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect(),
            is_on: integration["status"] == json!("active"),
            has_users: shown["includeFullUser"] == json!(true),
            secret: shown["secret"].as_str().map(str::to_owned),
        })
    }

    fn secret(self) -> Result<Option<SecretString>, ApiError> {
        let secret = self.secret.filter(|secret| !secret.is_empty());
        let secret = secret.map(SecretString::from);
        secret
            .map(Some)
            .ok_or_else(|| ApiError::Unreadable("it tells no secret of the webhook".into()))
    }
}

impl Api {
    /// The webhooks of the app's custom integrations, the first 100.
    pub(super) async fn hooks(
        &self,
        account: &Account,
        app: App<'_>,
    ) -> Result<Vec<Hook>, ApiError> {
        let query = [("filter[types]", "custom"), ("page[size]", PER_PAGE)];
        let path = app.path(&["integrations"]);
        let answer = self.get(account, app.key, &path, &query).await?;
        let answer = json_value(&answer)?;
        let known = answer["integrations"].as_array();
        let known = known.ok_or_else(|| ApiError::Unreadable("it lists no integrations".into()))?;
        let mut hooks = Vec::new();
        for integration in known
            .iter()
            .filter(|known| known["type"] == json!("custom"))
        {
            let id = integration["id"].as_str().unwrap_or_default();
            if !payload::is_id(id) {
                continue;
            }
            let path = app.path(&["integrations", id, "webhooks"]);
            let answer = self.get(account, app.key, &path, &[]).await?;
            let answer = json_value(&answer)?;
            let shown = answer["webhooks"].as_array().into_iter().flatten();
            hooks.extend(shown.filter_map(|shown| Hook::read(integration, shown)));
        }
        Ok(hooks)
    }

    /// Whose key it is, in words.
    pub(super) async fn check_app(
        &self,
        account: &Account,
        app: App<'_>,
    ) -> Result<String, ApiError> {
        let path = app.path(&["integrations"]);
        self.get(account, app.key, &path, &[("page[size]", "1")])
            .await?;
        Ok(format!(
            "the key opens the app {} of Sunshine Conversations",
            app.id
        ))
    }

    /// Has these triggers posted to a URL, with the person who wrote. Returns the webhook's secret.
    pub(super) async fn register_hook(
        &self,
        account: &Account,
        app: App<'_>,
        url: &str,
        wanted: BTreeSet<String>,
    ) -> Result<Option<SecretString>, ApiError> {
        let hooks = self.hooks(account, app).await?;
        let ours = hooks
            .into_iter()
            .find(|known| known.is_on && known.url == url);
        if let Some(known) = ours {
            if !known.has_users || !known.triggers.is_superset(&wanted) {
                let all: BTreeSet<_> = known.triggers.union(&wanted).collect();
                let body = json!({ "triggers": all, "includeFullUser": true });
                let path = ["integrations", &known.integration, "webhooks", &known.id];
                self.patch(account, app.key, &app.path(&path), &body)
                    .await?;
            }
            return known.secret();
        }
        let body = json!({
            "type": "custom", "displayName": NAME,
            "webhooks": [{ "target": url, "triggers": wanted, "includeFullUser": true, "includeFullSource": false }],
        });
        let path = app.path(&["integrations"]);
        self.post(account, app.key, &path, &body).await?;
        // What was made is looked up: an answer need not show the secret.
        let hooks = self.hooks(account, app).await?;
        let made = hooks.into_iter().rev().find(|known| known.url == url);
        made.ok_or_else(|| {
            ApiError::Unreadable("it does not show the webhook that it made".into())
        })?
        .secret()
    }
}
