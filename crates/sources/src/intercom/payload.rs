//! What a webhook's body says of a conversation. The API shows one by the same names, so its answers are read here too.
//!
//! Two generations of bodies are about: today's has `source` and `contacts`, the older one `conversation_message` and
//! `user`. Times are Unix seconds, or RFC 3339.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    About, Attachment, Author, Channel, ChatFacts, ChatMessage, ChatStatus, Facts, PersonFacts,
    Reading,
};
use jiff::Timestamp;

use super::pseudonym;
use crate::{
    ReadError, Verified,
    fields::{Field, Fields, line},
    html, ignored, mapping,
};

/// What the message that a conversation began with is called among the others. Its own id is of another kind than theirs;
/// of what was written in one second, this one comes first.
const OPENING: &str = "0";
/// Messages of one delivery that are read: a reply tells of one.
const MAX_TOLD: usize = 30;
/// Files of one message that are named, in a delivery.
const MAX_TOLD_FILES: usize = 3;

/// What a topic means for a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Topic {
    /// A person began or wrote.
    FromPerson,
    /// Something happened to a conversation that is known.
    Update,
    /// It was deleted, with all that was said in it.
    Deleted,
}

/// Reads a body.
pub(super) fn read(delivery: &Verified) -> Result<Reading, ReadError> {
    let body = &delivery.fields(is_wanted)?;
    let topic = match body.id(&["topic"])? {
        "ping" => return Ok(Reading::Ping),
        "conversation.user.created" | "conversation.user.replied" => Topic::FromPerson,
        "conversation.admin.replied"
        | "conversation.admin.closed"
        | "conversation.admin.opened"
        | "conversation.admin.single.created"
        | "conversation.contact.attached"
        | "conversation_part.redacted" => Topic::Update,
        "conversation.deleted" => Topic::Deleted,
        topic if topic.starts_with("contact.") => {
            return Ok(ignored(
                "a person without a conversation; theirs are read from the API",
            ));
        }
        topic if topic.starts_with("ticket.") => return Ok(ignored("a ticket, not a chat")),
        _ => return Ok(ignored("a topic that is not used")),
    };
    let item = body.object("data").object("item");
    let id = conversation_id(item)?;
    let mut facts = facts(item);
    facts.canonical_id = Some(id.to_owned());
    note_unread(&mut facts, body);
    if let About::Chat(chat) = &mut facts.about {
        shorten(chat);
        if topic == Topic::Deleted {
            *chat = ChatFacts {
                is_deleted: Some(true),
                ..ChatFacts::default()
            };
        }
    }
    let mut news = delivery.news("conversation", &[id], facts);
    news.delivery_id = delivery_id(body);
    news.is_addition = topic != Topic::FromPerson;
    news.is_thin = topic != Topic::Deleted;
    Ok(Reading::News(news))
}

/// The delivery's own id, which the signature covers. Some deliveries have none.
fn delivery_id(body: &Fields<'_>) -> Option<String> {
    body.id(&["id"]).ok().map(str::to_owned)
}

/// The conversation that an item is, or is a part of.
fn conversation_id<'f>(item: &'f Fields<'_>) -> Result<&'f str, ReadError> {
    let id = if item.text("type") == Some("conversation_part") {
        item.id(&["conversation_id"])
            .or_else(|_| item.object("conversation").id(&["id"]))?
    } else {
        item.id(&["id", "conversation_id"])?
    };
    if is_id(id) {
        Ok(id)
    } else {
        Err(ReadError::BadId {
            field: "id",
            expected: "1 to 64 letters, digits and hyphens",
        })
    }
}

/// Whether an id can be a conversation's or a contact's. Such an id is safe in a path.
pub(super) fn is_id(id: &str) -> bool {
    let is_sign = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (1..=64).contains(&id.len()) && id.bytes().all(is_sign)
}

/// Everything that is said of a conversation.
pub(super) fn facts(item: &Fields<'_>) -> Facts {
    let mut unread = BTreeSet::new();
    let mut time = |name: &str| {
        let time = instant(item, name);
        if time.is_none() && item.has(name) {
            unread.insert(name.to_owned());
        }
        time
    };
    let (started_at, stated_at) = (time("created_at"), time("updated_at"));
    let opening = opening(item);
    let mut messages = BTreeMap::new();
    let mut person = PersonFacts::default();
    let mut first: Option<String> = None;
    let has_one_contact = contacts(item).count() < 2;
    let mut keep = |id: &str, part: &Fields<'_>, at: Option<Timestamp>| {
        let author = part.object("author");
        let from = author_of(author);
        // Somebody else may take part. Whoever began has another id once their contact was merged.
        if from == Author::Customer {
            let (said, own) = (who(author), author.text("id").unwrap_or_default());
            let is_first = first.get_or_insert_with(|| own.to_owned()) == own;
            if is_first || are_one(&person, &said, has_one_contact) {
                person = person.or(&said);
            }
        }
        messages.insert(id.to_owned(), message(part, from, at));
    };
    if let Some(opening) = opening
        && opening.has("author")
    {
        keep(OPENING, opening, started_at);
    }
    for part in parts(item) {
        if let Some(id) = part.text("id").filter(|id| is_id(id))
            && is_said(part)
        {
            keep(id, part, instant(part, "created_at"));
        }
    }
    // Bodies of the older generation name the person beside the conversation.
    let named = who(item.object("user"));
    if first.is_none() || are_one(&person, &named, has_one_contact) {
        person = person.or(&named);
    }
    // What a bot asked for before the conversation is kept with that.
    person = person.or(&mapping::contact_in(item.object("custom_attributes")));
    let page_url = opening.and_then(|opening| opening.line(&["url"], 500));
    let subject = opening.and_then(|opening| opening.text("subject"));
    let subject = subject.and_then(|subject| line(&html::text(subject), 200));
    let mut chat = ChatFacts {
        subject: subject.or_else(|| item.line(&["title"], 200)),
        page_url,
        started_at,
        status: status(item),
        messages,
        stated_at,
        ..ChatFacts::default()
    };
    chat.bound();
    Facts {
        person,
        attribution: campaign(item.object("custom_attributes")),
        unread_fields: unread,
        about: About::Chat(chat),
        ..Facts::default()
    }
}

/// The people of a conversation.
pub(super) fn contacts<'f, 'a>(item: &'f Fields<'a>) -> impl Iterator<Item = &'f Fields<'a>> {
    let contacts = item.object("contacts").get("contacts");
    let contacts = contacts.map_or(&[][..], Field::items).iter();
    contacts.filter_map(|contact| match contact {
        Field::Object(contact) => Some(contact),
        _ => None,
    })
}

/// Whether two are one person under two ids: they share a number or an address, or nothing differs and nobody else is
/// known to take part.
pub(super) fn are_one(known: &PersonFacts, other: &PersonFacts, has_one_contact: bool) -> bool {
    let of = |person: &PersonFacts| Facts {
        person: person.clone(),
        ..Facts::nothing(Channel::Chat)
    };
    let (known, other) = (of(known), of(other));
    let (mine, others) = (known.contact(), other.contact());
    let shares = (mine.phone.is_some() && mine.phone == others.phone)
        || (mine.email.is_some() && mine.email == others.email);
    (shares || has_one_contact) && known.can_be_of_one_person(&other)
}

/// The message that a conversation began with.
fn opening<'f, 'a>(item: &'f Fields<'a>) -> Option<&'f Fields<'a>> {
    ["source", "conversation_message"]
        .into_iter()
        .find(|name| item.has(name))
        .map(|name| item.object(name))
}

/// The parts of a conversation, or the part that an item is.
pub(super) fn parts<'f, 'a>(item: &'f Fields<'a>) -> Vec<&'f Fields<'a>> {
    if item.text("type") == Some("conversation_part") {
        return vec![item];
    }
    let list = item.object("conversation_parts");
    let list = list.get("conversation_parts").map_or(&[][..], Field::items);
    let parts = list.iter().filter_map(|part| match part {
        Field::Object(part) => Some(part),
        _ => None,
    });
    parts.collect()
}

/// Whether a part was said to somebody. Notes among the company's people, hints of Intercom's own and what only happened
/// are no conversation.
fn is_said(part: &Fields<'_>) -> bool {
    matches!(part.text("part_type"), Some("comment" | "quick_reply"))
        || (part.flag("redacted") == Some(true) && !matches!(part.text("part_type"), Some("note")))
}

fn message(part: &Fields<'_>, from: Author, at: Option<Timestamp>) -> ChatMessage {
    if part.flag("redacted") == Some(true) {
        return ChatMessage::deleted(from, at);
    }
    let words = html::text(part.text("body").unwrap_or_default());
    let edited_at = instant(part, "updated_at").filter(|edited| at.is_some_and(|at| *edited > at));
    ChatMessage {
        name: part
            .object("author")
            .line(&["name"], 100)
            .filter(|name| from != Author::Customer || !pseudonym::is_pseudonym(name)),
        edited_at,
        attachments: attachments(part),
        ..ChatMessage::new(from, at, &words)
    }
}

/// The names of its files. Their addresses are as good as keys, so they are left out.
fn attachments(part: &Fields<'_>) -> Vec<Attachment> {
    let files = part.get("attachments").map_or(&[][..], Field::items);
    let files = files.iter().filter_map(|file| match file {
        Field::Object(file) => Some(Attachment {
            name: file.line(&["name"], 200)?,
            content_type: file.line(&["content_type"], 100),
            size_bytes: file.text("filesize").and_then(|size| size.parse().ok()),
        }),
        _ => None,
    });
    files.take(domain::lead::thread::MAX_ATTACHMENTS).collect()
}

/// Who wrote something. Whoever is not known to be a person is the company's software: their words are nobody's wish.
fn author_of(author: &Fields<'_>) -> Author {
    let is_ai = ["from_ai_agent", "is_ai_answer"]
        .iter()
        .any(|name| author.flag(name) == Some(true));
    match author.text("type") {
        Some("user" | "lead" | "contact" | "visitor") => Author::Customer,
        Some("admin" | "team" | "teammate") if !is_ai => Author::Agent,
        _ => Author::Bot,
    }
}

/// Who a person is. Intercom invents a name for somebody who has not said theirs.
pub(super) fn who(person: &Fields<'_>) -> PersonFacts {
    let email = person.line(&["email"], 254);
    let phone = person.line(&["phone"], 64);
    let name = person.line(&["name"], 200);
    let is_known = email.is_some() || phone.is_some();
    let place = person.object("location");
    let said = PersonFacts {
        name: name.filter(|name| is_known || !pseudonym::is_pseudonym(name)),
        phone,
        email,
        city: place.line(&["city"], 100),
        state: place.line(&["region"], 50),
        country: place.line(&["country"], 100),
        ..PersonFacts::default()
    };
    said.or(&mapping::contact_in(person.object("custom_attributes")))
}

/// What a company's website noted about how the person found it.
pub(super) fn campaign(attributes: &Fields<'_>) -> BTreeMap<String, String> {
    attributes.lines(is_campaign_tag, 500)
}

fn is_campaign_tag(name: &str) -> bool {
    (name.starts_with("utm_") && name.len() <= 50) || matches!(name, "gclid" | "fbclid" | "msclkid")
}

fn status(item: &Fields<'_>) -> Option<ChatStatus> {
    match (item.text("state"), item.flag("open")) {
        (Some("closed"), _) | (None, Some(false)) => Some(ChatStatus::Closed),
        (Some("open" | "snoozed"), _) | (None, Some(true)) => Some(ChatStatus::Open),
        _ => None,
    }
}

/// Unix seconds, or RFC 3339.
pub(super) fn instant(of: &Fields<'_>, name: &str) -> Option<Timestamp> {
    let raw = of.text(name)?;
    match raw.parse() {
        Ok(0) => None,
        Ok(seconds) => Timestamp::from_second(seconds).ok(),
        Err(_) => raw.parse().ok(),
    }
}

/// Notes what a broken body lost.
fn note_unread(facts: &mut Facts, body: &Fields<'_>) {
    let item = body.object("data").object("item");
    let mended = [body, body.object("data"), item]
        .into_iter()
        .flat_map(Fields::mended);
    facts.unread_fields.extend(mended.cloned());
    if body.is_cut() {
        facts.unread_fields.insert("body".to_owned());
    }
}

/// A delivery tells of a few messages; the API shows them all.
fn shorten(chat: &mut ChatFacts) {
    while chat.messages.len() > MAX_TOLD {
        chat.messages.pop_first();
    }
    for message in chat.messages.values_mut() {
        message.attachments.truncate(MAX_TOLD_FILES);
    }
}

/// The members that anything here asks for, at every depth.
pub(super) fn is_wanted(name: &str) -> bool {
    matches!(
        name,
        "id" | "topic" | "app_id" | "data" | "item" | "type"
            // A conversation.
            | "conversation_id" | "conversation" | "created_at" | "updated_at" | "state" | "open" | "title" | "source"
            | "conversation_message" | "user" | "contacts" | "conversation_parts" | "total_count" | "tags"
            | "custom_attributes"
            // A message.
            | "subject" | "body" | "author" | "url" | "redacted" | "attachments" | "part_type" | "content_type"
            | "filesize" | "from_ai_agent" | "is_ai_answer"
            // A person.
            | "name" | "email" | "phone" | "location" | "city" | "region" | "country" | "workspace_id" | "role"
    ) || is_campaign_tag(name)
        || mapping::may_be_contact(name)
}
