//! Who gets webhooks, as Zendesk's API manages it: each is a URL with its events, and has a secret of its own.
//!
//! Source: developer.zendesk.com, "Webhooks API" (read 2026-11): a made webhook is answered with 201, a changed one with
//! 204; a webhook of events takes POST and JSON alone, and none of triggers becomes one of events.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};

use super::integrations::is_of_messages;
use super::{EVENTS, Sim, Zendesk};
use crate::extract::{Authorized, JsonBody, Path};
use crate::outbox::Subscription;
use crate::provider::Provider as _;

/// What stands before every event's name.
const EVENT: &str = "zen:event-type:";
/// What stands before the numbers of webhooks, whose ids are no numbers.
const ID: &str = "01JX";

#[derive(Deserialize)]
pub(super) struct Body {
    webhook: Given,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Given {
    name: String,
    status: Option<String>,
    endpoint: String,
    http_method: String,
    request_format: String,
    subscriptions: Option<Vec<String>>,
}

fn id(subscription: &Subscription) -> String {
    format!("{ID}{:022}", subscription.id)
}

fn shown(subscription: &Subscription) -> Value {
    let status = if subscription.is_on {
        "active"
    } else {
        "inactive"
    };
    let events = subscription.events.iter();
    let events: Vec<_> = events.map(|event| format!("{EVENT}{event}")).collect();
    json!({
        "id": id(subscription), "name": "Leads", "status": status, "endpoint": subscription.url, "http_method": "POST",
        "request_format": "json", "subscriptions": events, "created_at": subscription.made.to_string(),
    })
}

fn invalid(message: &str) -> Response {
    Zendesk::error(StatusCode::BAD_REQUEST, message)
}

/// The events without what stands before them.
fn events(given: &[String]) -> Result<Vec<String>, Response> {
    let event = |given: &String| {
        let event = given.strip_prefix(EVENT)?;
        EVENTS.contains(&event).then(|| event.to_owned())
    };
    let events: Option<Vec<_>> = given.iter().map(event).collect();
    let events = events.filter(|events| !events.is_empty());
    events.ok_or_else(|| invalid("subscriptions: contains an event type that does not exist"))
}

fn is_on(given: Option<&str>) -> Result<Option<bool>, Response> {
    match given {
        None => Ok(None),
        Some("active") => Ok(Some(true)),
        Some("inactive") => Ok(Some(false)),
        Some(_) => Err(invalid("status: must be active or inactive")),
    }
}

fn find(sim: &Sim, wanted: &str) -> Result<Subscription, Response> {
    let mut known = sim.0.provider.outbox.subscriptions().into_iter();
    let found = known.find(|known| id(known) == wanted && !is_of_messages(known));
    found.ok_or_else(|| Zendesk::refuse(StatusCode::NOT_FOUND))
}

pub(super) async fn list(State(sim): Sim, _: Authorized<Zendesk>) -> Response {
    let known = sim.provider.outbox.subscriptions();
    let of_tickets = known.iter().filter(|known| !is_of_messages(known));
    let webhooks: Vec<_> = of_tickets.map(shown).collect();
    let meta = json!({ "has_more": false, "after_cursor": null, "before_cursor": null });
    Json(json!({ "webhooks": webhooks, "meta": meta })).into_response()
}

pub(super) async fn make(
    State(sim): Sim,
    _: Authorized<Zendesk>,
    JsonBody(body): JsonBody<Body>,
) -> Result<Response, Response> {
    let given = body.webhook;
    if given.name.is_empty() || given.endpoint.is_empty() {
        return Err(invalid("name and endpoint are required"));
    }
    if given.http_method != "POST" || given.request_format != "json" {
        return Err(invalid("a webhook of events takes POST and json alone"));
    }
    let events = events(given.subscriptions.as_deref().unwrap_or_default())?;
    let is_on = is_on(given.status.as_deref())?;
    let outbox = &sim.provider.outbox;
    let secret = STANDARD.encode(rand::random::<[u8; 32]>());
    let mut made = outbox.subscribe(&given.endpoint, events, &secret, sim.control.now());
    if let Some(is_on) = is_on {
        outbox.change(made.id, None, Some(is_on));
        made.is_on = is_on;
    }
    let made = json!({ "webhook": shown(&made) });
    Ok((StatusCode::CREATED, Json(made)).into_response())
}

pub(super) async fn show(
    sim: Sim,
    _: Authorized<Zendesk>,
    Path(id): Path<String>,
) -> Result<Response, Response> {
    let found = find(&sim, &id)?;
    Ok(Json(json!({ "webhook": shown(&found) })).into_response())
}

pub(super) async fn change(
    sim: Sim,
    _: Authorized<Zendesk>,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<Body>,
) -> Result<StatusCode, Response> {
    let found = find(&sim, &id)?;
    let given = body.webhook;
    let events = given.subscriptions.as_deref().map(events).transpose()?;
    let is_on = is_on(given.status.as_deref())?;
    sim.0.provider.outbox.change(found.id, events, is_on);
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn secret(
    sim: Sim,
    _: Authorized<Zendesk>,
    Path(id): Path<String>,
) -> Result<Response, Response> {
    let found = find(&sim, &id)?;
    let secret = json!({ "algorithm": "SHA256", "secret": found.key });
    Ok(Json(json!({ "signing_secret": secret })).into_response())
}
