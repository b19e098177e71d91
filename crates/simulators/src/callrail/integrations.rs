//! A company's webhooks: one integration that everybody shares, and what it posts.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{CallRail, Sim, calls, demo, paged};
use crate::extract::{Authorized, JsonBody, Path, Query};
use crate::outbox::Outbox;
use crate::provider::{Provider as _, Shared, lock};

/// The integration's id.
const ID: u64 = 4;
const KIND: &str = "Webhooks";

/// The events whose URLs can be set.
const EVENTS: &[&str] = &[
    "pre_call_webhook",
    "answered_call_webhook",
    "post_call_webhook",
    "updated_call_webhook",
    "post_outbound_call_webhook",
    "updated_outbound_call_webhook",
    "sms_received_webhook",
    "sms_sent_webhook",
    "form_captured_webhook",
];

/// The integration, once somebody made it: the URLs of each event.
#[derive(Default)]
pub(super) struct Integration {
    config: Option<Map<String, Value>>,
    is_off: bool,
}

impl Integration {
    /// Sets the URLs, and has the outbox post to them.
    pub(super) fn set(&mut self, config: Map<String, Value>, is_on: bool, outbox: &Outbox) {
        for known in outbox.subscriptions() {
            outbox.unsubscribe(known.id);
        }
        for (event, urls) in &config {
            for url in urls.as_array().into_iter().flatten() {
                let url = url.as_str().unwrap_or_default();
                outbox.subscribe(
                    url,
                    vec![event.clone()],
                    demo::SIGNING_KEY,
                    Timestamp::UNIX_EPOCH,
                );
            }
        }
        self.config = Some(config);
        self.switch(is_on, outbox);
    }

    pub(super) fn switch(&mut self, is_on: bool, outbox: &Outbox) {
        self.is_off = !is_on;
        outbox.switch(is_on);
    }

    fn shown(&self, query: &Query<CallRail>) -> Option<Value> {
        let state = if self.is_off { "disabled" } else { "active" };
        let config = self.config.as_ref()?;
        let mut shown = json!({ "id": ID, "type": KIND, "state": state, "config": config });
        let fields = query.list("fields").unwrap_or_default();
        if fields.iter().any(|field| field == "signing_key") {
            shown["signing_key"] = json!(demo::SIGNING_KEY);
        }
        Some(shown)
    }
}

/// The URLs of a tenant's two events, as they are entered for it.
pub(super) fn config_for(url: &str) -> Map<String, Value> {
    let mut config = Map::new();
    config.insert(
        "post_call_webhook".to_owned(),
        json!([format!("{url}/post-call")]),
    );
    config.insert(
        "updated_call_webhook".to_owned(),
        json!([format!("{url}/call-modified")]),
    );
    config
}

/// What a webhook says of a call: what the API says, with the ids as webhooks have them.
pub(super) fn body(shared: &Shared<CallRail>, known: &calls::Known) -> Vec<u8> {
    let mut fields = shared.render(&shared.provider.config.account_id, known);
    let numeric = known.call.numeric_id;
    fields.insert("resource_id".to_owned(), json!(known.id));
    fields.insert("id".to_owned(), json!(numeric));
    fields.insert(
        "company_resource_id".to_owned(),
        json!(shared.provider.config.company_id),
    );
    fields.insert("company_id".to_owned(), json!(demo::COMPANIES[0]));
    let duration = fields.get("duration").map(ToString::to_string);
    fields.insert("duration".to_owned(), json!(duration));
    Value::Object(fields).to_string().into_bytes()
}

#[derive(Deserialize)]
pub(super) struct IntegrationBody {
    #[serde(rename = "type")]
    kind: Option<String>,
    company_id: Option<String>,
    state: Option<String>,
    config: Option<Map<String, Value>>,
}

impl IntegrationBody {
    fn check(&self) -> Result<(), Response> {
        let config = self.config.iter().flatten();
        let is_url = |url: &Value| url.as_str().is_some_and(|url| url.starts_with("http"));
        for (event, urls) in config {
            let are_urls = urls.as_array().is_some_and(|urls| urls.iter().all(is_url));
            if !EVENTS.contains(&event.as_str()) || !are_urls {
                let message = format!("config: {event} is invalid");
                return Err(CallRail::error(StatusCode::BAD_REQUEST, &message));
            }
        }
        Ok(())
    }
}

/// `GET /v3/a/{account}/integrations.json?company_id=…`.
pub(super) async fn list(
    State(sim): Sim,
    _: Authorized<CallRail>,
    query: Query<CallRail>,
) -> Result<Response, Response> {
    let Some(company) = query.text("company_id") else {
        let message = "company_id is required";
        return Err(CallRail::error(StatusCode::BAD_REQUEST, message));
    };
    let is_known = company == sim.provider.config.company_id || demo::COMPANIES.contains(&company);
    if !is_known {
        return Err(CallRail::refuse(StatusCode::FORBIDDEN));
    }
    let shown = lock(&sim.provider.integration).shown(&query);
    Ok(Json(paged(&query, "integrations", shown.into_iter().collect())?).into_response())
}

/// `POST /v3/a/{account}/integrations.json`: there is one for a company.
pub(super) async fn create(
    State(sim): Sim,
    _: Authorized<CallRail>,
    JsonBody(body): JsonBody<IntegrationBody>,
) -> Result<Response, Response> {
    body.check()?;
    let mut integration = lock(&sim.provider.integration);
    if body.kind.as_deref() != Some(KIND) || body.company_id.is_none() {
        let message = "type and company_id are required";
        return Err(CallRail::error(StatusCode::BAD_REQUEST, message));
    }
    if integration.config.is_some() {
        let message = "the company has an integration of this type already";
        return Err(CallRail::error(StatusCode::UNPROCESSABLE_ENTITY, message));
    }
    integration.set(body.config.unwrap_or_default(), true, &sim.provider.outbox);
    let config = integration.config.clone();
    let made = json!({
        "id": ID, "type": KIND, "state": "active", "config": config, "signing_key": demo::SIGNING_KEY,
    });
    Ok((StatusCode::CREATED, Json(made)).into_response())
}

/// `PUT /v3/a/{account}/integrations/{id}.json`: what is sent replaces what is there.
pub(super) async fn update(
    State(sim): Sim,
    _: Authorized<CallRail>,
    Path((_, file)): Path<(String, String)>,
    query: Query<CallRail>,
    JsonBody(body): JsonBody<IntegrationBody>,
) -> Result<Response, Response> {
    body.check()?;
    let mut integration = lock(&sim.provider.integration);
    let Some(before) = integration
        .config
        .clone()
        .filter(|_| file == format!("{ID}.json"))
    else {
        return Err(CallRail::refuse(StatusCode::NOT_FOUND));
    };
    let is_on = match body.state.as_deref() {
        Some(state) => state == "active",
        None => !integration.is_off,
    };
    integration.set(body.config.unwrap_or(before), is_on, &sim.provider.outbox);
    Ok(Json(integration.shown(&query)).into_response())
}
