//! Sunshine Conversations: messages as its webhooks and its API show them.

use std::collections::BTreeMap;

use domain::{
    About, Attachment, Author, ChatFacts, ChatMessage, Facts, PersonFacts, Reading, text,
};

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

/// Reads a body, which holds several events. Those of the first conversation are one piece of it.
pub(super) fn read(delivery: &Verified, body: &Fields<'_>) -> Result<Reading, ReadError> {
    let events = body.get("events").map_or(&[][..], Field::items);
    let told = events.iter().filter_map(|event| match event {
        Field::Object(event) if event.text("type") == Some("conversation:message") => Some(event),
        _ => None,
    });
    let told: Vec<_> = told.take(MAX_MESSAGES).collect();
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
    let (mut facts, mut chat) = (Facts::default(), ChatFacts::default());
    let mut is_from_person = false;
    for event in &told {
        if event.object("payload").object("conversation").text("id") != Some(id) {
            // Its own next message brings the whole of the other conversation.
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
    let content_type = content.line(&["mediaType"], 100)?;
    let kind = content.text("type").unwrap_or("file");
    Some(Attachment {
        name: content.line(&["altText"], 200).or_else(|| line(kind, 50))?,
        content_type: Some(content_type),
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
