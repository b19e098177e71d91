//! Who gets webhooks, as Calendly's API manages it.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::bookings::instant;
use super::{Calendly, EVENTS, ORGANIZATION, ORIGIN, Sim, USER, resource};
use crate::extract::{Authorized, JsonBody, Path};
use crate::outbox::Subscription;
use crate::provider::Provider as _;

/// The body of `POST /webhook_subscriptions`.
#[derive(Deserialize)]
pub(super) struct SubscriptionBody {
    url: String,
    events: Vec<String>,
    organization: String,
    scope: String,
    user: Option<String>,
    signing_key: Option<String>,
}

pub(super) async fn subscribe(
    State(sim): Sim,
    _: Authorized<Calendly>,
    JsonBody(body): JsonBody<SubscriptionBody>,
) -> Result<Response, Response> {
    let invalid = |message: &str| Calendly::error(StatusCode::BAD_REQUEST, message);
    if body.events.is_empty()
        || body
            .events
            .iter()
            .any(|event| !EVENTS.contains(&event.as_str()))
    {
        return Err(invalid("events: is invalid"));
    }
    if body.organization != ORGANIZATION {
        return Err(Calendly::refuse(StatusCode::FORBIDDEN));
    }
    let is_routing = |event: &String| event.starts_with("routing_form_submission");
    match body.scope.as_str() {
        "organization" => {}
        "user" if body.user.is_none() => return Err(invalid("user: is missing")),
        "user" if body.events.iter().any(is_routing) => {
            return Err(invalid("events: routing forms need the scope organization"));
        }
        "user" => {}
        _ => return Err(invalid("scope: is invalid")),
    }
    let outbox = &sim.provider.outbox;
    if outbox
        .subscriptions()
        .iter()
        .any(|known| known.url == body.url)
    {
        let message = "Hook with this url already exists";
        return Err(Calendly::error(StatusCode::CONFLICT, message));
    }
    let key = body.signing_key.unwrap_or_default();
    let made = outbox.subscribe(&body.url, body.events, &key, sim.control.now());
    Ok((
        StatusCode::CREATED,
        Json(json!({ "resource": shown(&made) })),
    )
        .into_response())
}

fn shown(subscription: &Subscription) -> Value {
    let state = if subscription.is_on {
        "active"
    } else {
        "disabled"
    };
    json!({
        "uri": format!("{ORIGIN}/webhook_subscriptions/{}", subscription.id), "callback_url": subscription.url,
        "created_at": instant(subscription.made), "retry_started_at": subscription.failing_since.map(instant),
        "state": state, "events": subscription.events, "scope": "organization", "organization": ORGANIZATION,
        "creator": USER,
    })
}

pub(super) async fn list(State(sim): Sim, _: Authorized<Calendly>) -> Response {
    let known = sim.provider.outbox.subscriptions();
    let collection: Vec<_> = known.iter().map(shown).collect();
    let pagination =
        json!({ "count": collection.len(), "next_page": null, "next_page_token": null });
    Json(json!({ "collection": collection, "pagination": pagination })).into_response()
}

pub(super) async fn show(
    State(sim): Sim,
    _: Authorized<Calendly>,
    Path(id): Path<String>,
) -> Result<Response, Response> {
    let known = sim.provider.outbox.subscriptions();
    let found = known.iter().find(|known| known.id.to_string() == id);
    resource(found.map(shown))
}

pub(super) async fn unsubscribe(
    State(sim): Sim,
    _: Authorized<Calendly>,
    Path(id): Path<String>,
) -> Result<StatusCode, Response> {
    let id = id.parse().ok();
    if id.is_some_and(|id| sim.provider.outbox.unsubscribe(id)) {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Calendly::refuse(StatusCode::NOT_FOUND))
    }
}
