//! Where a company's webhooks go, as CallRail's API manages it: one integration of the type `Webhooks` for each company,
//! with a list of URLs for each event.
//!
//! Source: apidocs.callrail.com, "Configuring Integrations" (read 2026-11). UNCONFIRMED: the status of a second
//! integration of one company; after how many failures CallRail disables one.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::calls::digits_of;
use super::demo::{COMPANIES, EVENTS, SIGNING_KEY};
use super::{CallRail, Sim, lock, paged};
use crate::extract::{Authorized, JsonBody, Path, Query};
use crate::outbox::Outbox;
use crate::provider::Provider as _;

/// The webhooks of one company.
#[derive(Debug, Clone)]
pub(super) struct Integration {
    id: u64,
    company: String,
    config: BTreeMap<String, Vec<String>>,
    is_on: bool,
    /// Its URLs in the outbox.
    subscriptions: Vec<u64>,
}

/// All integrations by their ids.
#[derive(Default)]
pub(super) struct Integrations {
    last_id: u64,
    all: BTreeMap<u64, Integration>,
}

/// The body of `POST` and `PUT`.
#[derive(Deserialize)]
pub(super) struct Body {
    #[serde(rename = "type")]
    kind: Option<String>,
    company_id: Option<Value>,
    config: Option<Map<String, Value>>,
    state: Option<String>,
}

/// The company by the id that integrations have: every id of the demo company is one company.
pub(super) fn company(id: &str) -> String {
    if COMPANIES.contains(&id) {
        COMPANIES[1].to_owned()
    } else {
        id.to_owned()
    }
}

/// The key that signs a company's webhooks.
fn signing_key(company: &str) -> String {
    if company == COMPANIES[1] {
        SIGNING_KEY.to_owned()
    } else {
        digits_of(&format!("signing key {company}"), 32)
    }
}

/// What the outbox calls an event of one company.
pub(super) fn topic(company: &str, list: &str) -> String {
    format!("{company}/{list}")
}

impl Integration {
    /// Puts its URLs into the outbox in place of those that were there.
    fn subscribe(&mut self, outbox: &Outbox, now: jiff::Timestamp) {
        for id in self.subscriptions.drain(..) {
            outbox.unsubscribe(id);
        }
        if !self.is_on {
            return;
        }
        let key = signing_key(&self.company);
        for (list, urls) in &self.config {
            for url in urls {
                let made = outbox.subscribe(url, vec![topic(&self.company, list)], &key, now);
                self.subscriptions.push(made.id);
            }
        }
    }

    fn shown(&self, outbox: &Outbox, with_key: bool) -> Value {
        let known = outbox.subscriptions();
        let has_failed = known
            .iter()
            .any(|known| self.subscriptions.contains(&known.id) && !known.is_on);
        let state = if self.is_on && !has_failed {
            "active"
        } else {
            "disabled"
        };
        let mut shown = json!({
            "id": self.id, "type": "Webhooks", "state": state, "config": self.config,
        });
        if with_key {
            shown["signing_key"] = json!(signing_key(&self.company));
        }
        shown
    }
}

impl Integrations {
    /// Sets the URLs of the demo company, which has an integration then, and switches it on.
    pub(super) fn set(
        &mut self,
        config: BTreeMap<String, Vec<String>>,
        outbox: &Outbox,
        now: jiff::Timestamp,
    ) {
        let known = self.all.values_mut();
        let mut known: Vec<_> = known
            .filter(|known| known.company == COMPANIES[1])
            .collect();
        if let Some(known) = known.first_mut() {
            (known.config, known.is_on) = (config, true);
            known.subscribe(outbox, now);
            return;
        }
        self.last_id += 1;
        let mut made = Integration {
            id: self.last_id,
            company: COMPANIES[1].to_owned(),
            config,
            is_on: true,
            subscriptions: Vec::new(),
        };
        made.subscribe(outbox, now);
        self.all.insert(made.id, made);
    }

    /// The URLs of a company, each with whether it is posted to.
    pub(super) fn urls(&self, of: &str, outbox: &Outbox) -> Vec<(String, bool)> {
        let of = company(of);
        let known = self.all.values().find(|known| known.company == of);
        let subscriptions = known.map_or(&[][..], |known| &known.subscriptions);
        let posted = outbox.subscriptions().into_iter();
        posted
            .filter(|one| subscriptions.contains(&one.id))
            .map(|one| (one.url, one.is_on))
            .collect()
    }
}

/// The URLs for each event. What is no event, or no list of URLs, is refused.
fn config(config: &Map<String, Value>) -> Result<BTreeMap<String, Vec<String>>, Response> {
    let invalid = |message: &str| CallRail::error(StatusCode::BAD_REQUEST, message);
    let mut lists = BTreeMap::new();
    for (name, urls) in config {
        if !EVENTS.iter().any(|event| event.list == name) {
            return Err(invalid(&format!("config: {name} is not a webhook")));
        }
        let is_url = |url: &&str| url.starts_with("http://") || url.starts_with("https://");
        let urls: Option<Vec<String>> = urls.as_array().and_then(|urls| {
            let url = |url: &Value| url.as_str().filter(is_url).map(str::to_owned);
            urls.iter().map(url).collect()
        });
        let urls =
            urls.ok_or_else(|| invalid(&format!("config: {name} must be a list of URLs")))?;
        lists.insert(name.clone(), urls);
    }
    Ok(lists)
}

fn wants_key(query: &Query<CallRail>) -> bool {
    let fields = query.list("fields").unwrap_or_default();
    fields.iter().any(|field| field == "signing_key")
}

/// An id as text, whether it is quoted or not.
fn text(id: &Value) -> Option<String> {
    match id {
        Value::String(id) => Some(id.clone()),
        Value::Number(id) => Some(id.to_string()),
        _ => None,
    }
}

/// `GET /v3/a/{account}/companies/{id}.json`: by any of its ids, and the answer has the newest.
pub(super) async fn show_company(
    _: Sim,
    _: Authorized<CallRail>,
    Path((_, file)): Path<(String, String)>,
) -> Result<Response, Response> {
    let id = company(file.strip_suffix(".json").unwrap_or(&file));
    if !id.starts_with("COM") {
        return Err(CallRail::error(StatusCode::NOT_FOUND, "Not found"));
    }
    let shown = json!({
        "id": id, "name": "Demo Company", "status": "active", "time_zone": "America/Chicago",
    });
    Ok(Json(shown).into_response())
}

/// `GET /v3/a/{account}/integrations.json?company_id=…`.
pub(super) async fn list(
    State(sim): Sim,
    _: Authorized<CallRail>,
    query: Query<CallRail>,
) -> Result<Response, Response> {
    let wanted = query.text("company_id").map(company);
    let wanted = wanted.ok_or_else(|| {
        CallRail::error(
            StatusCode::BAD_REQUEST,
            "company_id is required to list integrations",
        )
    })?;
    let outbox = &sim.provider.outbox;
    let integrations = lock(&sim.provider.integrations);
    let found = integrations
        .all
        .values()
        .filter(|known| known.company == wanted)
        .map(|known| known.shown(outbox, wants_key(&query)))
        .collect();
    Ok(Json(paged(&query, "integrations", found)?).into_response())
}

/// `POST /v3/a/{account}/integrations.json`.
pub(super) async fn create(
    State(sim): Sim,
    _: Authorized<CallRail>,
    JsonBody(body): JsonBody<Body>,
) -> Result<Response, Response> {
    let invalid = |message: &str| CallRail::error(StatusCode::BAD_REQUEST, message);
    if body.kind.as_deref() != Some("Webhooks") {
        return Err(invalid("type: only Webhooks are simulated"));
    }
    let company_id = body.company_id.as_ref().and_then(text);
    let company = company(&company_id.ok_or_else(|| invalid("company_id is required"))?);
    let config = config(&body.config.unwrap_or_default())?;
    let mut integrations = lock(&sim.provider.integrations);
    if integrations
        .all
        .values()
        .any(|known| known.company == company)
    {
        let message = "This company already has a Webhooks integration";
        return Err(CallRail::error(StatusCode::UNPROCESSABLE_ENTITY, message));
    }
    integrations.last_id += 1;
    let mut made = Integration {
        id: integrations.last_id,
        company,
        config,
        is_on: body.state.as_deref() != Some("disabled"),
        subscriptions: Vec::new(),
    };
    made.subscribe(&sim.provider.outbox, sim.control.now());
    let shown = made.shown(&sim.provider.outbox, true);
    integrations.all.insert(made.id, made);
    Ok((StatusCode::CREATED, Json(shown)).into_response())
}

/// `GET /v3/a/{account}/integrations/{id}.json`.
pub(super) async fn show(
    State(sim): Sim,
    _: Authorized<CallRail>,
    Path((_, file)): Path<(String, String)>,
    query: Query<CallRail>,
) -> Result<Response, Response> {
    let integrations = lock(&sim.provider.integrations);
    let known = id(&file).and_then(|id| integrations.all.get(&id));
    let known = known.ok_or_else(|| CallRail::refuse(StatusCode::NOT_FOUND))?;
    Ok(Json(known.shown(&sim.provider.outbox, wants_key(&query))).into_response())
}

/// `PUT /v3/a/{account}/integrations/{id}.json`: a list that is given replaces the one that was there. What is switched on
/// again begins anew.
pub(super) async fn update(
    State(sim): Sim,
    _: Authorized<CallRail>,
    Path((_, file)): Path<(String, String)>,
    JsonBody(body): JsonBody<Body>,
) -> Result<Response, Response> {
    let lists = config(&body.config.unwrap_or_default())?;
    let mut integrations = lock(&sim.provider.integrations);
    let known = id(&file).and_then(|id| integrations.all.get_mut(&id));
    let known = known.ok_or_else(|| CallRail::refuse(StatusCode::NOT_FOUND))?;
    known.config.extend(lists);
    match body.state.as_deref() {
        None => {}
        Some("active") => known.is_on = true,
        Some("disabled") => known.is_on = false,
        Some(_) => {
            let message = "state must be active or disabled";
            return Err(CallRail::error(StatusCode::BAD_REQUEST, message));
        }
    }
    known.subscribe(&sim.provider.outbox, sim.control.now());
    Ok(Json(known.shown(&sim.provider.outbox, false)).into_response())
}

/// `DELETE /v3/a/{account}/integrations/{id}.json`.
pub(super) async fn delete(
    State(sim): Sim,
    _: Authorized<CallRail>,
    Path((_, file)): Path<(String, String)>,
) -> Result<StatusCode, Response> {
    let mut integrations = lock(&sim.provider.integrations);
    let known = id(&file).and_then(|id| integrations.all.remove(&id));
    let known = known.ok_or_else(|| CallRail::refuse(StatusCode::NOT_FOUND))?;
    for subscription in known.subscriptions {
        sim.provider.outbox.unsubscribe(subscription);
    }
    Ok(StatusCode::NO_CONTENT)
}

fn id(file: &str) -> Option<u64> {
    file.strip_suffix(".json").unwrap_or(file).parse().ok()
}
