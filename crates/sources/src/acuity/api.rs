//! Acuity Scheduling's API v1, as far as one appointment.
//!
//! - Auth: HTTP Basic, the numeric user id and the API key.
//! - Limits: 10 requests a second and 20 connections for each address that asks, so all tenants share them; over them 429,
//!   without a time to wait. An appointment takes one request for each delivery. Work that meets the limit waits in its
//!   lanes.
//! - A canceled appointment stays readable.
//!
//! Source: developers.acuityscheduling.com, "GET /appointments/:id" and "API errors" (read 2026-11).

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use domain::{Account, Facts};
use http_client::{Client, Request, Response, Url, header};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

use super::payload;
use crate::{ApiError, Apis, Details, DetailsApi, aliases, api::json_fields};

/// Calls the API.
pub(super) struct Api {
    client: Client,
    base_url: Url,
}

/// The API at this address.
pub(super) fn apis(client: &Client, base_url: &Url) -> Apis {
    let api = Arc::new(Api {
        client: client.clone(),
        base_url: base_url.clone(),
    });
    Apis {
        details: api.clone(),
        recordings: None,
        listing: Some(api.clone()),
        webhooks: Some(api),
    }
}

/// The longest time for one request of the API.
const DEADLINE: Duration = Duration::from_secs(15);

#[async_trait]
impl DetailsApi for Api {
    async fn details(
        &self,
        account: &Account,
        accounts_of_source: &[String],
        facts: &Facts,
    ) -> Result<Details, ApiError> {
        let id = facts.external_id.as_deref();
        let id = id
            .filter(|id| payload::is_id(id))
            .ok_or(ApiError::NotFound)?;
        let answer = self.get(account, &["appointments", id], &[]).await?;
        let appointment = json_fields(&answer, payload::is_wanted)?;
        if appointment.text("id") != Some(id) {
            return Err(ApiError::Unreadable(
                "it is about another appointment".into(),
            ));
        }
        let calendar = appointment.text("calendarID");
        let is_theirs = |known: &String| Some(known.as_str()) == calendar;
        if !accounts_of_source.is_empty() && !accounts_of_source.iter().any(is_theirs) {
            return Err(ApiError::Foreign);
        }
        Ok(Details {
            facts: payload::facts(id, &appointment),
            aliases: aliases("acuity", "appointment", &[id]),
        })
    }
}

impl Api {
    pub(super) async fn get(
        &self,
        account: &Account,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<Response, ApiError> {
        let request = self.client.get(self.url(path).as_str()).query(query);
        answered(account, request).await
    }

    pub(super) async fn post(
        &self,
        account: &Account,
        path: &[&str],
        body: &Value,
    ) -> Result<Response, ApiError> {
        let request = self.client.post(self.url(path).as_str()).json(body);
        answered(account, request).await
    }

    /// What is gone already counts as deleted.
    pub(super) async fn delete(&self, account: &Account, path: &[&str]) -> Result<(), ApiError> {
        let request = self.client.delete(self.url(path).as_str());
        match answered(account, request).await {
            Ok(_) | Err(ApiError::NotFound) => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn url(&self, path: &[&str]) -> Url {
        let mut url = self.base_url.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(["api", "v1"]).extend(path);
        }
        url
    }
}

async fn answered(account: &Account, request: Request<'_>) -> Result<Response, ApiError> {
    let user = account.setting("user_id");
    if user.is_empty() {
        return Err(ApiError::NotConfigured(
            "the connection names no user: enter its user_id",
        ));
    }
    let pair = format!("{user}:{}", account.secret.expose_secret());
    let basic = format!("Basic {}", STANDARD.encode(pair));
    let request = request.secret_header(header::AUTHORIZATION, &SecretString::from(basic));
    ApiError::of_status(request.deadline(DEADLINE).send().await?)
}
