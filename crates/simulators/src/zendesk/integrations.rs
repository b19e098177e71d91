//! Who gets messages, as the API of Sunshine Conversations manages it: custom integrations of an app, each with one webhook
//! that has a secret of its own.
//!
//! Source: the OpenAPI description of Sunshine Conversations, "Integrations" and "Webhooks" (read 2026-11): what is made is
//! answered with 201, a custom integration takes exactly one webhook, and its status is nothing that can be set.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Sim, Zendesk, demo};
use crate::extract::{Authorized, JsonBody, Path, Query};
use crate::outbox::Subscription;

/// What stands before every trigger's name that concerns conversations.
const TRIGGER: &str = "conversation:";
/// What stands behind a trigger whose webhook shows people by their ids alone.
const BY_ID: &str = " by id";

const TRIGGERS: &[&str] = &[
    "conversation:create",
    "conversation:message",
    "conversation:postback",
    "conversation:read",
    "conversation:referral",
    "conversation:typing",
];

#[derive(Deserialize)]
pub(super) struct Made {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    webhooks: Vec<Given>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Given {
    target: Option<String>,
    triggers: Option<Vec<String>>,
    include_full_user: Option<bool>,
}

/// Whether a subscription is one of messages, and none of tickets.
pub(super) fn is_of_messages(subscription: &Subscription) -> bool {
    let mut events = subscription.events.iter();
    events.any(|event| event.starts_with(TRIGGER))
}

/// What is posted of a message: the event's name in the outbox, and the body. A webhook without full users shows their ids.
pub(super) fn told(body: &Value) -> [(String, Value); 2] {
    let event = body["events"][0]["type"].as_str().unwrap_or_default();
    let mut by_id = body.clone();
    let author = &mut by_id["events"][0]["payload"]["message"]["author"];
    if let Some(user) = author.get_mut("user") {
        *user = json!({ "id": user["id"], "authenticated": user["authenticated"] });
    }
    [
        (event.to_owned(), body.clone()),
        (format!("{event}{BY_ID}"), by_id),
    ]
}

fn id(subscription: &Subscription) -> String {
    format!("5e4af71a{:016x}", subscription.id)
}

fn webhook_id(subscription: &Subscription) -> String {
    format!("5e554d2c{:016x}", subscription.id)
}

fn shown(subscription: &Subscription) -> Value {
    let status = if subscription.is_on {
        "active"
    } else {
        "inactive"
    };
    json!({ "id": id(subscription), "type": "custom", "status": status, "displayName": "Leads" })
}

fn shown_webhook(subscription: &Subscription) -> Value {
    let events = subscription.events.iter();
    let triggers: Vec<_> = events
        .map(|event| event.strip_suffix(BY_ID).unwrap_or(event))
        .collect();
    let has_users = !subscription
        .events
        .iter()
        .any(|event| event.ends_with(BY_ID));
    json!({
        "id": webhook_id(subscription), "version": "v2", "target": subscription.url, "triggers": triggers,
        "secret": subscription.key, "includeFullUser": has_users, "includeFullSource": false,
    })
}

fn invalid(title: &str) -> Response {
    let body = json!({ "errors": [{ "code": "bad_request", "title": title }] });
    (StatusCode::BAD_REQUEST, Json(body)).into_response()
}

fn not_found(code: &str) -> Response {
    let body = json!({ "errors": [{ "code": code, "title": "Not found" }] });
    (StatusCode::NOT_FOUND, Json(body)).into_response()
}

fn check_app(app: &str) -> Result<(), Response> {
    if app == demo::APP {
        Ok(())
    } else {
        Err(not_found("app_not_found"))
    }
}

fn events(triggers: &[String], has_users: bool) -> Result<Vec<String>, Response> {
    let is_known = |trigger: &String| TRIGGERS.contains(&trigger.as_str());
    if triggers.is_empty() || !triggers.iter().all(is_known) {
        return Err(invalid("triggers: contains one that does not exist"));
    }
    let behind = if has_users { "" } else { BY_ID };
    let events = triggers.iter();
    Ok(events.map(|trigger| format!("{trigger}{behind}")).collect())
}

fn find(sim: &Sim, integration: &str) -> Result<Subscription, Response> {
    let known = sim.0.provider.outbox.subscriptions().into_iter();
    let mut known = known.filter(is_of_messages);
    let found = known.find(|known| id(known) == integration);
    found.ok_or_else(|| not_found("integration_not_found"))
}

pub(super) async fn list(
    State(sim): Sim,
    _: Authorized<Zendesk>,
    Path(app): Path<String>,
    query: Query<Zendesk>,
) -> Result<Response, Response> {
    check_app(&app)?;
    let wants = query.text("filter[types]");
    let is_wanted = wants.is_none_or(|wants| wants.split(',').any(|kind| kind == "custom"));
    let known = sim.provider.outbox.subscriptions();
    let known = known
        .iter()
        .filter(|known| is_wanted && is_of_messages(known));
    let known: Vec<_> = known.map(shown).collect();
    Ok(Json(json!({ "integrations": known, "meta": { "hasMore": false } })).into_response())
}

pub(super) async fn make(
    State(sim): Sim,
    _: Authorized<Zendesk>,
    Path(app): Path<String>,
    JsonBody(body): JsonBody<Made>,
) -> Result<Response, Response> {
    check_app(&app)?;
    if body.kind != "custom" {
        return Err(invalid("Invalid integration type"));
    }
    let [given] = body.webhooks.as_slice() else {
        return Err(invalid("webhooks: exactly one is required"));
    };
    let (Some(target), Some(triggers)) = (&given.target, &given.triggers) else {
        return Err(invalid("webhooks: target and triggers are required"));
    };
    let events = events(triggers, given.include_full_user.unwrap_or(false))?;
    let secret = hex::encode(rand::random::<[u8; 16]>());
    let outbox = &sim.provider.outbox;
    let made = outbox.subscribe(target, events, &secret, sim.control.now());
    let mut integration = shown(&made);
    integration["webhooks"] = json!([shown_webhook(&made)]);
    let made = json!({ "integration": integration });
    Ok((StatusCode::CREATED, Json(made)).into_response())
}

pub(super) async fn webhooks(
    sim: Sim,
    _: Authorized<Zendesk>,
    Path((app, integration)): Path<(String, String)>,
) -> Result<Response, Response> {
    check_app(&app)?;
    let found = find(&sim, &integration)?;
    Ok(Json(json!({ "webhooks": [shown_webhook(&found)] })).into_response())
}

pub(super) async fn change(
    sim: Sim,
    _: Authorized<Zendesk>,
    Path((app, integration, webhook)): Path<(String, String, String)>,
    JsonBody(given): JsonBody<Given>,
) -> Result<Response, Response> {
    check_app(&app)?;
    let found = find(&sim, &integration)?;
    if webhook_id(&found) != webhook {
        return Err(not_found("webhook_not_found"));
    }
    let before = shown_webhook(&found);
    let triggers = given.triggers.unwrap_or_else(|| {
        let known = before["triggers"].as_array().into_iter().flatten();
        known
            .filter_map(|one| Some(one.as_str()?.to_owned()))
            .collect()
    });
    let has_users = given.include_full_user;
    let has_users = has_users.unwrap_or(before["includeFullUser"] == json!(true));
    let events = events(&triggers, has_users)?;
    sim.0.provider.outbox.change(found.id, Some(events), None);
    let changed = find(&sim, &integration)?;
    Ok(Json(json!({ "webhook": shown_webhook(&changed) })).into_response())
}
