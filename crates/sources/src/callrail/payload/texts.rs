//! Text messages: one conversation of one person with one number of the company is one request.
//!
//! - Identity: `thread_resource_id` where there is one, and `conversation_id`, which stays the same for as long as the
//!   two numbers write to each other. Not every delivery of a thread names it, and lists never do: so both are names, and
//!   two threads of one conversation are two all the same. UNCONFIRMED: when CallRail begins a new thread.
//! - Numbers are in any form (`512-555-0142`), and may be masked (`***0157`): then the person has no number.
//! - A message's own id is `resource_id` (`SCI…`). The numeric `id` is not always one: some deliveries repeat the
//!   conversation's there.
//! - Order: not promised. Messages are kept by their ids and shown by their times.
//!
//! - The API lists messages without their ids. So one that a person wrote has a name by its circumstances, too.
//!
//! What the company writes belongs to the conversation, but makes no lead of it: nobody has asked for anything yet.
//!
//! Source: support.callrail.com, "Webhooks", "Text Message" (read 2026-11).

use std::collections::BTreeMap;

use domain::{
    About, Alias, Author, ChatMessage, E164, Facts, Labels, PersonFacts, Reading, TextFacts,
    lead::thread, text,
};
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use super::{
    ids::{is_id, is_placeholder},
    is_likely,
    kind::Sender,
    reader::Reader,
};
use crate::{ReadError, Verified, fields::Fields};

/// Longest text of a message that is kept, in characters: a long one of ten parts, and more.
const MAX_CONTENT: usize = 5_000;

/// Where a body names the conversation, the narrower form first.
const NAMES: &[&str] = &["thread_resource_id", "conversation_id"];

pub(super) fn read(
    delivery: &Verified,
    fields: &Fields<'_>,
    from: Sender,
) -> Result<Reading, ReadError> {
    let mut reader = Reader::new(fields);
    let (customer, company) = match from {
        Sender::Customer => ("source_number", "destination_number"),
        Sender::Company => ("destination_number", "source_number"),
    };
    let customer = reader.line(&[customer], 64);
    let company = reader.line(&[company], 64);
    let names = conversation(fields, customer.as_deref(), company.as_deref())?;
    let message = message_id(fields).unwrap_or_else(|| thread::unnamed(&digest(delivery.body())));
    let content = content(&mut reader);
    let at: Option<Timestamp> =
        reader.parsed("timestamp", |raw| raw.parse().ok().filter(is_likely));
    let author = match from {
        Sender::Customer => Author::Customer,
        Sender::Company => Author::Agent,
    };
    let facts = Facts {
        canonical_id: thread_id(fields).map(str::to_owned),
        person: PersonFacts {
            name: reader.line(&["customer_name"], 200),
            phone: customer,
            ..PersonFacts::default()
        },
        labels: Labels {
            status: reader.line(&["lead_status"], 50),
            ..Labels::default()
        },
        attribution: reader.attribution(),
        about: About::Text(TextFacts {
            company_number: company,
            messages: content
                .map(|text| {
                    let message_of = ChatMessage::new(author, at, &text);
                    BTreeMap::from([(message, message_of)])
                })
                .unwrap_or_default(),
        }),
        ..Facts::default()
    };
    let facts = Facts {
        unread_fields: reader.unread(),
        ..facts
    };
    let mut news = delivery.news("conversation", &names, facts);
    news.is_addition = from == Sender::Company;
    if from == Sender::Customer {
        news.aliases.extend(name(fields, at));
    }
    Ok(Reading::News(news))
}

/// The name of a message by its conversation, its minute and its words; none where one of these is not told.
fn name(fields: &Fields<'_>, at: Option<Timestamp>) -> Option<Alias> {
    let conversation = fields.text("conversation_id");
    // What is missing of a body may be some of its words.
    let conversation = conversation.filter(|_| !fields.is_cut());
    let conversation = conversation.filter(|id| is_id(id) && !is_placeholder(id))?;
    let content = fields.text("content").unwrap_or_default();
    let [name, ..] = names(conversation, at?, content);
    Some(name)
}

/// The names that a message has by its conversation, its minute and its words: its own first, then those that it has if
/// the clocks differ.
pub(in crate::callrail) fn names(conversation: &str, at: Timestamp, content: &str) -> [Alias; 3] {
    let words: Vec<_> = content.split_whitespace().collect();
    let words = words.join(" ");
    let minute = at.as_second().div_euclid(60);
    [minute, minute - 1, minute + 1].map(|minute| Alias {
        provider: "callrail".to_owned(),
        kind: "text".to_owned(),
        // Hashed so that nobody reads the words in passing.
        value: format!(
            "{minute}-{}",
            digest(format!("{conversation} {minute} {words}").as_bytes())
        ),
    })
}

/// The words, and how many pictures or files came along. Links to those end soon and are as good as keys, so they are
/// not kept. None if nothing was sent.
fn content(reader: &mut Reader<'_>) -> Option<String> {
    let words = reader.paragraphs("content", MAX_CONTENT);
    let files = reader.fields().get("media_urls");
    let files = files.map_or(0, |files| match files.items() {
        [] => usize::from(files.text().is_some()),
        items => items.iter().filter(|item| item.says_something()).count(),
    });
    let note = match files {
        0 => None,
        1 => Some("[1 picture or file: see CallRail]".to_owned()),
        _ => Some(format!("[{files} pictures or files: see CallRail]")),
    };
    let parts: Vec<_> = words.into_iter().chain(note).collect();
    (!parts.is_empty()).then(|| text::bounded(&parts.join(" "), MAX_CONTENT))
}

/// The id of the thread, which no other thread has.
fn thread_id<'f>(fields: &'f Fields<'_>) -> Option<&'f str> {
    let id = fields.text("thread_resource_id")?;
    (is_id(id) && !is_placeholder(id)).then_some(id)
}

/// What names the conversation: the provider's ids, the narrower one first, or the two numbers where a body has none.
fn conversation(
    fields: &Fields<'_>,
    customer: Option<&str>,
    company: Option<&str>,
) -> Result<Vec<String>, ReadError> {
    let mut ids: Vec<String> = Vec::new();
    for name in NAMES {
        match fields.get(name).filter(|field| field.says_something()) {
            None => {}
            Some(field) => match field.text() {
                Some(id) if is_placeholder(id) => {}
                Some(id) if ids.iter().any(|known| known == id) => {}
                Some(id) if is_id(id) => ids.push(id.to_owned()),
                // One that is good is enough.
                _ if !ids.is_empty() => {}
                _ => {
                    return Err(ReadError::BadId {
                        field: name,
                        expected: "1 to 64 letters, digits, `_` and `-`",
                    });
                }
            },
        }
    }
    if !ids.is_empty() {
        return Ok(ids);
    }
    if fields.is_cut() {
        // What is missing may be the conversation's id.
        return Err(ReadError::Cut);
    }
    let number = |raw: Option<&str>| {
        let number = E164::parse(raw?).ok()?;
        (!number.reaches_nobody()).then_some(number)
    };
    if let (Some(customer), Some(company)) = (number(customer), number(company)) {
        // Hashed so that nobody reads the numbers in passing; it is the person's data all the same.
        let numbers = format!("{} {}", customer.as_str(), company.as_str());
        return Ok(vec![format!("numbers-{}", digest(numbers.as_bytes()))]);
    }
    // A message of nobody in particular is a conversation of its own.
    let own = message_id(fields).map(|id| vec![id]);
    own.ok_or(ReadError::Missing { fields: NAMES })
}

/// The id of the message itself.
fn message_id(fields: &Fields<'_>) -> Option<String> {
    let good = |name| {
        fields
            .text(name)
            .filter(|id| is_id(id) && !is_placeholder(id))
    };
    let own = good("id").filter(|id| good("conversation_id") != Some(id));
    good("resource_id").or(own).map(str::to_owned)
}

fn digest(bytes: &[u8]) -> String {
    let mut digest = hex::encode(Sha256::digest(bytes));
    digest.truncate(32);
    digest
}
