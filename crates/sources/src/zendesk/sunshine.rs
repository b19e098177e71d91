//! Sunshine Conversations: messages as its webhooks and its API show them.

use std::collections::BTreeMap;

use bytes::Bytes;
use domain::{
    About, Attachment, Author, Channel, ChatFacts, ChatMessage, Facts, PersonFacts, Reading, text,
};

use serde_json::Value;

use super::payload::{self, CONVERSATION, PROVIDER, is_id};
use crate::{
    ReadError, Verified, aliases,
    body::kind_named,
    fields::{Field, Fields, line},
    ignored, mapping,
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
    let mut person = Person::default();
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
            person.add(message);
        }
        said.attachments.truncate(MAX_FILES);
        chat.messages.insert(message_id.to_owned(), said);
    }
    facts.person = person.facts;
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
    let items = all(page).filter_map(|message| {
        let id = message.text("id").filter(|id| is_id(id))?;
        Some((id.to_owned(), said(message)))
    });
    items.collect()
}

fn all<'f, 'a>(page: &'f Fields<'a>) -> impl Iterator<Item = &'f Fields<'a>> {
    let items = page.get("messages").map_or(&[][..], Field::items);
    items.iter().filter_map(|item| match item {
        Field::Object(message) => Some(message),
        Field::Text(_) | Field::Bool(_) | Field::List(_) => None,
    })
}

/// Who writes in a conversation: whoever wrote first. Of others in it only what shows that they are the same under
/// another id is taken.
#[derive(Default)]
pub(super) struct Person {
    id: Option<String>,
    pub(super) facts: PersonFacts,
}

impl Person {
    /// Takes what the messages of a page of the API tell.
    pub(super) fn add_all(&mut self, page: &Fields<'_>) {
        for message in all(page) {
            if said(message).from == Author::Customer {
                self.add(message);
            }
        }
    }

    fn add(&mut self, message: &Fields<'_>) {
        let author = message.object("author");
        let id = author.text("userId").or(author.object("user").text("id"));
        let is_first = self.id.is_none() || self.id.as_deref() == id;
        let told = who(message);
        if is_first || shares_contact(&self.facts, &told) {
            self.facts = told.or(&self.facts);
            self.id = self.id.take().or(id.map(str::to_owned));
        }
    }
}

/// Whether two say one number or one address.
fn shares_contact(known: &PersonFacts, told: &PersonFacts) -> bool {
    let of = |person: &PersonFacts| Facts {
        person: person.clone(),
        ..Facts::nothing(Channel::Chat)
    };
    let (known, told) = (of(known).contact(), of(told).contact());
    (known.phone.is_some() && known.phone == told.phone)
        || (known.email.is_some() && known.email == told.email)
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
            let answer = answer(field)?;
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

/// What was entered in a field of a form, or chosen in it.
fn answer(field: &Fields<'_>) -> Option<String> {
    let chosen = field.get("select").map_or(&[][..], Field::items);
    let chosen = chosen.iter().filter_map(|choice| match choice {
        Field::Object(choice) => choice.text("label").or(choice.text("name")),
        choice => choice.text(),
    });
    let chosen: Vec<_> = chosen.collect();
    let entered = field.line(&["text", "email"], 500);
    entered.or_else(|| line(&chosen.join(", "), 500))
}

/// Who wrote a message, as far as their profile says so, what the company's own page notes of them, and what they
/// entered in the form before the chat: the form last, so first.
fn who(message: &Fields<'_>) -> PersonFacts {
    let user = message.object("author").object("user");
    let profile = user.object("profile");
    let identities = user.get("identities").map_or(&[][..], Field::items);
    let identity = |wanted: &str, max| {
        identities.iter().find_map(|identity| match identity {
            Field::Object(identity) if identity.text("type") == Some(wanted) => {
                identity.line(&["value"], max)
            }
            _ => None,
        })
    };
    let known = PersonFacts {
        name: name(profile),
        email: profile
            .line(&["email"], 254)
            .or_else(|| identity("email", 254)),
        phone: identity("phone_number", 64).or_else(|| identity("phone", 64)),
        ..PersonFacts::default()
    };
    let noted = mapping::contact_in(user.object("metadata"));
    let noted = noted.or(&mapping::contact_in(message.object("metadata")));
    entered(message.object("content")).or(&known.or(&noted))
}

/// What a form's answers say of whoever entered them.
fn entered(content: &Fields<'_>) -> PersonFacts {
    if content.text("type") != Some("formResponse") {
        return PersonFacts::default();
    }
    let fields = content.get("fields").map_or(&[][..], Field::items);
    let fields = fields.iter().filter_map(|field| match field {
        Field::Object(field) => {
            let mut names = ["name", "label"].iter().filter_map(|name| field.text(name));
            let known = names.clone().find(|name| mapping::is_common(name));
            // What people read says more than what a company's developer calls it.
            let name = known
                .or_else(|| field.text("label"))
                .or_else(|| names.next())?;
            Some((
                name,
                answer(field)?,
                field.text("type").and_then(kind_named),
            ))
        }
        Field::Text(_) | Field::Bool(_) | Field::List(_) => None,
    });
    mapping::person_of(fields)
}

fn name(profile: &Fields<'_>) -> Option<String> {
    let parts = ["givenName", "surname"].map(|part| profile.text(part).unwrap_or_default());
    line(&parts.join(" "), 200)
}

/// The names of a conversation.
pub(super) fn names(id: &str) -> Vec<domain::Alias> {
    aliases(PROVIDER, CONVERSATION, &[id])
}
