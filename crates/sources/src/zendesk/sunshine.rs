//! Sunshine Conversations: messages as its webhooks and its API show them.

use std::collections::BTreeMap;

use bytes::Bytes;
use domain::{
    About, Attachment, Author, ChatFacts, ChatMessage, Facts, PersonFacts, Reading, text,
};

use serde_json::Value;

use super::payload::{self, CONVERSATION, PROVIDER, is_id};
use crate::{
    ReadError, Verified, aliases,
    fields::{Field, Fields, line},
    ignored,
};

/// Messages of one body that are read.
const MAX_MESSAGES: usize = 30;
/// Files of one of them that are named.
const MAX_FILES: usize = 3;
/// Conversations of one body that are taken apart. The others stay together, which is a delivery that a person sees.
const MAX_PARTS: usize = 50;
/// The event that is used.
const MESSAGE: &str = "conversation:message";

/// A body for each conversation that a body has messages of. Other events stay with the first.
pub(super) fn parts(delivery: Verified) -> Vec<Verified> {
    let Ok(Value::Object(mut body)) = serde_json::from_slice::<Value>(delivery.body()) else {
        // It may be read all the same; one of several conversations is not.
        return vec![delivery];
    };
    let Some(Value::Array(events)) = body.get("events") else {
        return vec![delivery];
    };
    // In the order in which they come. A message that names no conversation is a part, too: a person sees it.
    let mut parts: Vec<(&Value, Vec<&Value>)> = Vec::new();
    let mut others = Vec::new();
    for event in events {
        if event["type"] != MESSAGE {
            others.push(event);
            continue;
        }
        let id = &event["payload"]["conversation"]["id"];
        let is_full = parts.len() >= MAX_PARTS;
        match parts.iter_mut().find(|(known, _)| *known == id) {
            Some((_, events)) => events.push(event),
            None => match parts.last_mut().filter(|_| is_full) {
                Some((_, events)) => events.push(event),
                None => parts.push((id, vec![event])),
            },
        }
    }
    if parts.len() < 2 {
        return vec![delivery];
    }
    if let Some((_, events)) = parts.first_mut() {
        events.extend(others);
    }
    let parts: Vec<Value> = parts
        .into_iter()
        .map(|(_, events)| events.into_iter().cloned().collect())
        .collect();
    let parts = parts.into_iter().map(|events| {
        body.insert("events".to_owned(), events);
        delivery.part(Bytes::from(Value::Object(body.clone()).to_string()))
    });
    parts.collect()
}

/// Reads a body, which holds several events, all of one conversation ([`parts`]).
pub(super) fn read(delivery: &Verified, body: &Fields<'_>) -> Result<Reading, ReadError> {
    let events = body.get("events").map_or(&[][..], Field::items);
    let told = events.iter().filter_map(|event| match event {
        Field::Object(event) if event.text("type") == Some(MESSAGE) => Some(event),
        _ => None,
    });
    let told: Vec<_> = told.collect();
    let Some(first) = told.first() else {
        return if body.is_cut() {
            Err(ReadError::Cut)
        } else if events.iter().any(Field::says_something) && names_all(events) {
            Ok(ignored("events that are not used"))
        } else {
            Err(ReadError::Missing {
                fields: &["events"],
            })
        };
    };
    let id = conversation_id(first)?;
    if told.iter().any(|event| is_of_another(event, id)) {
        return Err(ReadError::Several {
            what: "conversations",
        });
    }
    let (mut facts, mut chat) = (Facts::default(), ChatFacts::default());
    let mut is_from_person = false;
    // The rest of the conversation comes with what the API is asked for.
    for event in told.iter().take(MAX_MESSAGES) {
        if event.object("payload").object("conversation").text("id") != Some(id) {
            facts.unread_fields.insert("events".to_owned());
            continue;
        }
        let message = event.object("payload").object("message");
        let Some(message_id) = message.text("id").filter(|id| is_id(id)) else {
            facts.unread_fields.insert("events".to_owned());
            continue;
        };
        let mut said = said(message);
        if said.from == Author::Customer {
            is_from_person = true;
            facts.person = who(message).or(&facts.person);
        }
        said.attachments.truncate(MAX_FILES);
        chat.messages.insert(message_id.to_owned(), said);
    }
    facts.about = About::Chat(chat);
    payload::note_unread(&mut facts, body);
    let mut news = delivery.news(CONVERSATION, &[id], facts);
    news.delivery_id = match told[..] {
        [only] => only.id(&["id"]).ok().map(str::to_owned),
        _ => None,
    };
    news.is_addition = !is_from_person;
    news.is_thin = true;
    Ok(Reading::News(news))
}

/// Whether an event names a conversation, and another one.
fn is_of_another(event: &Fields<'_>, id: &str) -> bool {
    let conversation = event.object("payload").object("conversation");
    conversation
        .text("id")
        .is_some_and(|known| known != id && is_id(known))
}

/// Whether every event says what it is.
fn names_all(events: &[Field<'_>]) -> bool {
    events.iter().all(|event| match event {
        Field::Object(event) => event.text("type").is_some(),
        _ => false,
    })
}

fn conversation_id<'f>(event: &'f Fields<'_>) -> Result<&'f str, ReadError> {
    let conversation = event.object("payload").object("conversation");
    let id = conversation.id(&["id"])?;
    if is_id(id) {
        Ok(id)
    } else {
        Err(ReadError::BadId {
            field: "id",
            expected: "8 to 64 letters and digits",
        })
    }
}

/// The messages of a page of the API.
pub(super) fn messages(page: &Fields<'_>) -> BTreeMap<String, ChatMessage> {
    let items = page.get("messages").map_or(&[][..], Field::items);
    let items = items.iter().filter_map(|item| match item {
        Field::Object(message) => {
            let id = message.text("id").filter(|id| is_id(id))?;
            Some((id.to_owned(), said(message)))
        }
        _ => None,
    });
    items.collect()
}

/// One message. What the company's software sends comes from a source that names no agent.
pub(super) fn said(message: &Fields<'_>) -> ChatMessage {
    let author = message.object("author");
    let source = message.object("source").text("type").unwrap_or_default();
    let from = match author.text("type") {
        Some("user") => Author::Customer,
        Some("business") if source.contains("agent") => Author::Agent,
        _ => Author::Bot,
    };
    let content = message.object("content");
    ChatMessage {
        name: author
            .line(&["displayName"], 100)
            .or_else(|| name(author.object("user").object("profile"))),
        attachments: Vec::from_iter(attachment(content)),
        ..ChatMessage::new(from, message.time("received"), &words(content))
    }
}

/// What a message says; of the answers to a form, each with its question.
fn words(content: &Fields<'_>) -> String {
    let fields = content.get("fields").map_or(&[][..], Field::items);
    let answers = fields.iter().filter_map(|field| match field {
        Field::Object(field) => {
            let answer = field.line(&["text", "email"], 500)?;
            let label = field.line(&["label", "name"], 100)?;
            Some(format!("{label}: {answer}"))
        }
        _ => None,
    });
    let said = content.text("text").map(str::to_owned);
    let lines: Vec<_> = said.into_iter().chain(answers.take(40)).collect();
    text::bounded(&lines.join("\n"), 5_000)
}

/// A picture or a file that a message is.
fn attachment(content: &Fields<'_>) -> Option<Attachment> {
    let content_type = content.line(&["mediaType"], 100);
    let kind = match content.text("type") {
        Some(kind @ ("image" | "file")) => kind,
        kind => kind.filter(|_| content_type.is_some())?,
    };
    Some(Attachment {
        name: content.line(&["altText"], 200).or_else(|| line(kind, 50))?,
        content_type,
        size_bytes: content.text("mediaSize").and_then(|size| size.parse().ok()),
    })
}

/// Who wrote a message, as far as their profile says so.
fn who(message: &Fields<'_>) -> PersonFacts {
    let profile = message.object("author").object("user").object("profile");
    PersonFacts {
        name: name(profile),
        email: profile.line(&["email"], 254),
        ..PersonFacts::default()
    }
}

fn name(profile: &Fields<'_>) -> Option<String> {
    let parts = ["givenName", "surname"].map(|part| profile.text(part).unwrap_or_default());
    line(&parts.join(" "), 200)
}

/// The names of a conversation.
pub(super) fn names(id: &str) -> Vec<domain::Alias> {
    aliases(PROVIDER, CONVERSATION, &[id])
}
