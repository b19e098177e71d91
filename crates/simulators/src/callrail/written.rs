//! What people wrote: text messages in conversations, and forms.
//!
//! Source: apidocs.callrail.com, "Text Messages" and "Form Submissions" (read 2026-11). UNCONFIRMED: every field of a
//! conversation but its id, its numbers and its messages, of which no id is documented.

use std::collections::BTreeMap;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use super::calls::digits_of;
use super::demo::COMPANIES;
use super::{CallRail, Sim, check_days, is_within_days, lock, paged};
use crate::control;
use crate::extract::{Authorized, Path, Query};
use crate::provider::Provider as _;

/// Conversations and submissions by their ids, each as its webhooks showed it.
#[derive(Default)]
pub(super) struct Written {
    conversations: BTreeMap<String, Vec<Value>>,
    forms: BTreeMap<String, Value>,
}

/// How many messages a list shows of a conversation.
const RECENT: usize = 20;

impl Written {
    /// Adds a message. One that is known is replaced.
    pub(super) fn add_message(&mut self, conversation: &str, message: Value) {
        let messages = self
            .conversations
            .entry(conversation.to_owned())
            .or_default();
        messages.retain(|known| known["resource_id"] != message["resource_id"]);
        messages.push(message);
        messages.sort_by_key(|message| text(message, "timestamp").to_owned());
    }

    pub(super) fn add_form(&mut self, id: &str, form: Value) {
        self.forms.insert(id.to_owned(), form);
    }

    pub(super) fn view(&self) -> Value {
        json!({ "conversations": self.conversations, "forms": self.forms })
    }
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap_or_default()
}

/// A conversation as the API shows it.
fn conversation(id: &str, messages: &[Value], shown: usize) -> Value {
    let is_from_company = |message: &Value| message.get("agent").is_some();
    let first = messages.first().cloned().unwrap_or_default();
    let (customer, company) = if is_from_company(&first) {
        ("destination_number", "source_number")
    } else {
        ("source_number", "destination_number")
    };
    let shown = messages.iter().rev().take(shown).map(|message| {
        let direction = if is_from_company(message) {
            "outgoing"
        } else {
            "incoming"
        };
        json!({
            "direction": direction, "content": message["content"],
            "created_at": message["timestamp"], "type": message["message_type"], "media_urls": message["media_urls"],
        })
    });
    json!({
        "id": id, "company_id": COMPANIES[1], "company_name": "Demo Company", "company_time_zone": "America/Chicago",
        "customer_name": null, "customer_phone_number": first[customer],
        "initial_tracking_number": first[company], "current_tracking_number": first[company],
        "last_message_at": messages.last().map(|message| &message["timestamp"]), "state": "active",
        "recent_messages": shown.collect::<Vec<_>>(),
    })
}

/// `GET /v3/a/{account}/text-messages.json`, the newest conversation first.
pub(super) async fn list_conversations(
    State(sim): Sim,
    _: Authorized<CallRail>,
    query: Query<CallRail>,
) -> Result<Response, Response> {
    check_days(&query)?;
    let written = lock(&sim.provider.written);
    let mut found: Vec<_> = written
        .conversations
        .iter()
        .map(|(id, messages)| conversation(id, messages, RECENT))
        .filter(|found| is_of_company(found, &query))
        .filter(|found| is_within_days(text(found, "last_message_at"), &query))
        .collect();
    found.sort_by_key(|found| std::cmp::Reverse(text(found, "last_message_at").to_owned()));
    Ok(Json(paged(&query, "conversations", found)?).into_response())
}

/// `GET /v3/a/{account}/text-messages/{id}.json`, with all its messages.
pub(super) async fn show_conversation(
    State(sim): Sim,
    _: Authorized<CallRail>,
    Path((_, file)): Path<(String, String)>,
) -> Result<Response, Response> {
    let id = file.strip_suffix(".json").unwrap_or(&file);
    let written = lock(&sim.provider.written);
    let messages = written.conversations.get(id);
    let messages = messages.ok_or_else(|| CallRail::refuse(StatusCode::NOT_FOUND))?;
    Ok(Json(conversation(id, messages, usize::MAX)).into_response())
}

/// A submission as the API shows it.
fn submission(id: &str, form: &Value) -> Value {
    let entered = |name: &str| form["form_data"][name].clone();
    let mut shown = json!({
        "id": format!("FOR{}", digits_of(&format!("form {id}"), 32)), "company_id": COMPANIES[1],
        "person_id": format!("PER{}", digits_of(&format!("person of form {id}"), 32)),
        "customer_name": entered("full_name"), "customer_email": entered("email"),
        "customer_phone_number": entered("phone"),
    });
    let others = [
        "form_data",
        "form_url",
        "landing_page_url",
        "referrer",
        "referring_url",
        "submitted_at",
        "first_form",
        "source",
        "keywords",
        "campaign",
        "medium",
    ];
    for name in others {
        shown[name] = form[name].clone();
    }
    shown
}

/// `GET /v3/a/{account}/form_submissions.json`, the newest first.
pub(super) async fn list_forms(
    State(sim): Sim,
    _: Authorized<CallRail>,
    query: Query<CallRail>,
) -> Result<Response, Response> {
    check_days(&query)?;
    let fields = query.list("fields").unwrap_or_default();
    let written = lock(&sim.provider.written);
    let mut found: Vec<_> = written
        .forms
        .iter()
        .map(|(id, form)| {
            let mut shown = submission(id, form);
            for name in fields.iter().filter(|name| name.starts_with("utm_")) {
                shown[name.as_str()] = form[name.as_str()].clone();
            }
            shown
        })
        .filter(|found| is_of_company(found, &query))
        .filter(|found| is_within_days(text(found, "submitted_at"), &query))
        .collect();
    found.sort_by_key(|found| std::cmp::Reverse(text(found, "submitted_at").to_owned()));
    Ok(Json(paged(&query, "form_submissions", found)?).into_response())
}

fn is_of_company(found: &Value, query: &Query<CallRail>) -> bool {
    let wanted = query.text("company_id").map(super::integrations::company);
    wanted.is_none_or(|wanted| wanted == text(found, "company_id"))
}

/// `PUT /_sim/texts/{conversation}`: a message without a webhook, as webhooks show one.
pub(super) async fn register_message(
    State(sim): Sim,
    Path(conversation): Path<String>,
    body: Bytes,
) -> Response {
    control::done(control::read::<Map<String, Value>>(&body).map(|message| {
        lock(&sim.provider.written).add_message(&conversation, Value::Object(message));
    }))
}

/// `PUT /_sim/forms/{id}`: a submission without a webhook, as webhooks show one.
pub(super) async fn register_form(
    State(sim): Sim,
    Path(id): Path<String>,
    body: Bytes,
) -> Response {
    control::done(control::read::<Map<String, Value>>(&body).map(|form| {
        lock(&sim.provider.written).add_form(&id, Value::Object(form));
    }))
}
