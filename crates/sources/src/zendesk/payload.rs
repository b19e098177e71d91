//! What an event or a trigger says of a ticket.
//!
//! A ticket's words are its description, which is the API's first comment, and its comments. Internal notes are nobody's
//! words to the person and are left out; one that was public before is taken back.

use std::collections::{BTreeMap, BTreeSet};

use domain::{About, Author, ChatFacts, ChatMessage, ChatStatus, Facts, PersonFacts, Reading};
use jiff::Timestamp;

use super::sunshine;
use crate::{
    ReadError, TEST_REMARK, Verified, aliases,
    fields::{Fields, line},
    html, ignored,
};

pub(super) const PROVIDER: &str = "zendesk";
pub(super) const CONVERSATION: &str = "conversation";

/// What a ticket's description is called among its messages: events do not tell its id. Of what was written in one second,
/// it comes first.
pub(super) const DESCRIPTION: &str = "0";

/// What stands before every event's name.
const EVENT: &str = "zen:event-type:";

/// Reads a body.
pub(super) fn read(delivery: &Verified) -> Result<Reading, ReadError> {
    let body = &delivery.fields(is_wanted)?;
    if body.has("events") {
        return sunshine::read(delivery, body);
    }
    if body.has("ticket_id") || body.has("schema") {
        return trigger(delivery, body);
    }
    let kind = body.id(&["type"])?;
    let detail = body.object("detail");
    let event = body.object("event");
    let (mut facts, mut chat) = facts(detail);
    let mut is_addition = true;
    match kind.strip_prefix(EVENT).unwrap_or(kind) {
        "ticket.created" => is_addition = is_from_staff(detail),
        "ticket.comment_added" => {
            let comment = event.object("comment");
            if comment.flag("is_public") == Some(false) {
                return Ok(ignored("a note among the company's people"));
            }
            let (id, message) = comment_of(detail, comment, body.time("time"))?;
            is_addition = message.from != Author::Customer;
            chat.messages.insert(id, message);
        }
        "messaging_ticket.message_added" => {
            let (id, message) = told_message(event, body.time("time"))?;
            is_addition = message.from != Author::Customer;
            if message.from == Author::Customer {
                facts.person.name.clone_from(&message.name);
            }
            chat.messages.insert(id, message);
        }
        "ticket.status_changed" => {}
        "ticket.marked_as_spam" => facts.marked_spam = Some(true),
        "ticket.permanently_deleted" => {
            chat = ChatFacts {
                is_deleted: Some(true),
                ..ChatFacts::default()
            };
        }
        "test" => return Ok(ignored(TEST_REMARK)),
        _ => return Ok(ignored("an event that is not used")),
    }
    let id = ticket_id(detail.id(&["id"])?)?;
    facts.canonical_id = Some(id.to_owned());
    chat.stated_at = body.time("time").or_else(|| detail.time("updated_at"));
    let is_gone = chat.is_deleted == Some(true);
    facts.about = About::Chat(chat);
    note_unread(&mut facts, body);
    let mut news = delivery.news("ticket", &[id], facts);
    let conversation = event.text("conversation_id").filter(|id| is_id(id));
    news.aliases
        .extend(aliases(PROVIDER, CONVERSATION, conversation.as_slice()));
    news.delivery_id = body.id(&["id"]).ok().map(str::to_owned);
    news.is_addition = is_addition;
    news.is_thin = !is_gone;
    Ok(Reading::News(news))
}

/// The body of a trigger, as our template makes it. A place that the trigger did not fill says nothing.
fn trigger(delivery: &Verified, body: &Fields<'_>) -> Result<Reading, ReadError> {
    let id = ticket_id(body.id(&["ticket_id"])?)?;
    let requester = body.object("requester");
    let filled = |of: &Fields<'_>, name: &str, max| {
        let text = of.text(name).filter(|text| !text.contains("{{"))?;
        line(text, max)
    };
    let mut facts = Facts {
        canonical_id: Some(id.to_owned()),
        person: PersonFacts {
            name: filled(requester, "name", 200),
            email: filled(requester, "email", 254),
            phone: filled(requester, "phone", 64),
            ..PersonFacts::default()
        },
        about: About::Chat(ChatFacts {
            subject: filled(body, "title", 200),
            ..ChatFacts::default()
        }),
        ..Facts::default()
    };
    for name in ["brand", "via", "latest_comment"] {
        if let Some(text) = filled(body, name, 500) {
            facts.extra.insert(name.to_owned(), text);
        }
    }
    note_unread(&mut facts, body);
    let mut news = delivery.news("ticket", &[id], facts);
    news.is_thin = true;
    Ok(Reading::News(news))
}

/// What every ticket event says of its ticket.
fn facts(detail: &Fields<'_>) -> (Facts, ChatFacts) {
    let mut unread = BTreeSet::new();
    let started_at = detail.time("created_at");
    if started_at.is_none() && detail.has("created_at") {
        unread.insert("created_at".to_owned());
    }
    let mut messages = BTreeMap::new();
    if let Some(words) = detail.text("description")
        && detail.flag("is_public") != Some(false)
    {
        let from = if is_from_staff(detail) {
            Author::Agent
        } else {
            Author::Customer
        };
        let message = ChatMessage::new(from, started_at, &html::text(words));
        messages.insert(DESCRIPTION.to_owned(), message);
    }
    let mut extra = BTreeMap::new();
    if let Some(via) = detail.object("via").line(&["channel"], 100) {
        extra.insert("via".to_owned(), via);
    }
    let facts = Facts {
        extra,
        unread_fields: unread,
        ..Facts::default()
    };
    let chat = ChatFacts {
        subject: detail.line(&["subject"], 200),
        started_at,
        status: status(detail),
        messages,
        ..ChatFacts::default()
    };
    (facts, chat)
}

/// Whether somebody of the company made the ticket for the person.
fn is_from_staff(detail: &Fields<'_>) -> bool {
    let pair = detail.text("submitter_id").zip(detail.text("requester_id"));
    pair.is_some_and(|(submitter, requester)| submitter != requester)
}

fn comment_of(
    detail: &Fields<'_>,
    comment: &Fields<'_>,
    at: Option<Timestamp>,
) -> Result<(String, ChatMessage), ReadError> {
    let author = comment.object("author");
    let from = if author.flag("is_staff") == Some(true) {
        Author::Agent
    } else {
        Author::Customer
    };
    let words = comment.text("body").unwrap_or_default();
    // The first comment is the description.
    let is_description = detail.text("description") == Some(words);
    let id = if is_description {
        DESCRIPTION
    } else {
        comment.id(&["id"])?
    };
    let message = ChatMessage {
        name: author.line(&["name"], 100),
        ..ChatMessage::new(from, at, &html::text(words))
    };
    Ok((id.to_owned(), message))
}

/// A message of messaging, as its ticket tells of it.
fn told_message(
    event: &Fields<'_>,
    at: Option<Timestamp>,
) -> Result<(String, ChatMessage), ReadError> {
    let (actor, message) = (event.object("actor"), event.object("message"));
    let from = match actor.text("type") {
        Some("end_user") => Author::Customer,
        Some("agent") => Author::Agent,
        _ => Author::Bot,
    };
    let words = html::text(message.text("body").unwrap_or_default());
    let told = ChatMessage {
        name: actor.line(&["name"], 100),
        ..ChatMessage::new(from, at, &words)
    };
    Ok((message.id(&["id"])?.to_owned(), told))
}

/// A ticket's status: capital letters in events, small ones in the API.
pub(super) fn status(ticket: &Fields<'_>) -> Option<ChatStatus> {
    match ticket.text("status")?.to_ascii_lowercase().as_str() {
        "solved" | "closed" => Some(ChatStatus::Closed),
        "new" | "open" | "pending" | "hold" => Some(ChatStatus::Open),
        _ => None,
    }
}

/// The number of a ticket: 1 to 20 digits. Such an id is safe in a path.
fn ticket_id(id: &str) -> Result<&str, ReadError> {
    if is_ticket_id(id) {
        Ok(id)
    } else {
        Err(ReadError::BadId {
            field: "id",
            expected: "a ticket's number, 1 to 20 digits",
        })
    }
}

pub(super) fn is_ticket_id(id: &str) -> bool {
    (1..=20).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether an id can be one of Sunshine Conversations. Such an id is safe in a path.
pub(super) fn is_id(id: &str) -> bool {
    (8..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// Notes what a broken body lost.
pub(super) fn note_unread(facts: &mut Facts, body: &Fields<'_>) {
    let nested = [body, body.object("detail"), body.object("event")];
    let mended = nested.iter().flat_map(|fields| fields.mended());
    facts.unread_fields.extend(mended.cloned());
    if body.is_cut() {
        facts.unread_fields.insert("body".to_owned());
    }
}

/// The members that anything here asks for, at every depth.
pub(super) fn is_wanted(name: &str) -> bool {
    matches!(
        name,
        "id" | "type" | "account_id" | "time" | "detail" | "event"
            // A ticket.
            | "ticket" | "subject" | "description" | "status" | "is_public" | "requester_id" | "submitter_id"
            | "created_at" | "updated_at" | "tags" | "via" | "channel" | "comment" | "comments" | "body" | "plain_body"
            | "public" | "author" | "author_id" | "is_staff" | "name" | "attachments" | "file_name" | "content_type"
            | "size" | "users" | "user" | "role" | "email" | "phone" | "meta" | "has_more" | "after_cursor"
            // Messaging.
            | "actor" | "conversation_id" | "message"
            // A trigger.
            | "schema" | "ticket_id" | "title" | "requester" | "latest_comment" | "brand"
            // Sunshine Conversations.
            | "app" | "events" | "createdAt" | "payload" | "conversation" | "messages" | "received" | "userId"
            | "displayName" | "profile" | "givenName" | "surname" | "content" | "text" | "source" | "mediaType"
            | "mediaSize" | "altText" | "fields" | "label" | "beforeCursor" | "hasMore"
    )
}
