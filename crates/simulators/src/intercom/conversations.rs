//! The conversations of the simulated Intercom, the people who have them, and how both are shown.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::demo::WORKSPACE;

/// How many conversations are kept that were only read.
const INVENTED: usize = 10_000;
/// Parts of a conversation that the API shows: the newest.
const SHOWN: usize = 500;

/// How a conversation differs from the usual one.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Wanted {
    /// The person's name; empty for somebody who has not said it, for whom one is invented.
    pub name: String,
    /// Their number; may be empty.
    pub phone: String,
    /// Their address; may be empty.
    pub email: String,
    /// What they wrote first.
    pub text: String,
    /// The page that they wrote on.
    pub page: String,
    /// Tags of the conversation.
    pub tags: Vec<String>,
    /// The person was deleted, or the token may not see them.
    pub has_no_contact: bool,
    /// It does not exist, or the token may not see it.
    pub missing: bool,
}

impl Default for Wanted {
    fn default() -> Self {
        let text = str::to_owned;
        Self {
            name: text("Dana Whitfield"),
            phone: text("+1 512-555-0142"),
            email: text("dana.whitfield@example.com"),
            text: text(
                "Hi, can you remodel a 200 sq ft kitchen in 78664? We want to start in May.",
            ),
            page: text("https://remodel.example.com/kitchens?utm_source=google"),
            tags: Vec::new(),
            has_no_contact: false,
            missing: false,
        }
    }
}

/// Who writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Who {
    /// The person who began the conversation.
    #[default]
    Person,
    /// Somebody of the company.
    Admin,
    /// The workspace's bot.
    Bot,
    /// Somebody of the company, to others of it.
    Note,
}

impl Who {
    /// The topic that tells of it.
    pub(super) const fn topic(self) -> &'static str {
        match self {
            Self::Person => "conversation.user.replied",
            Self::Admin | Self::Bot => "conversation.admin.replied",
            Self::Note => "conversation.admin.noted",
        }
    }
}

/// A message.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Message {
    /// Who writes it.
    pub from: Who,
    /// The words.
    pub text: String,
    /// When, by Intercom's clock; now if absent.
    pub at: Option<Timestamp>,
    /// The names of its files.
    pub files: Vec<String>,
}

impl Message {
    /// Words of the person.
    pub fn person(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            ..Self::default()
        }
    }

    /// The same from somebody else.
    #[must_use]
    pub fn from(self, from: Who) -> Self {
        Self { from, ..self }
    }

    /// The same at this time.
    #[must_use]
    pub fn at(self, at: Timestamp) -> Self {
        Self {
            at: Some(at),
            ..self
        }
    }
}

#[derive(Debug, Clone)]
struct Part {
    id: String,
    message: Message,
    at: Timestamp,
    updated: Timestamp,
    is_redacted: bool,
}

#[derive(Debug, Clone)]
struct Conversation {
    id: String,
    wanted: Wanted,
    parts: Vec<Part>,
    is_open: bool,
    is_deleted: bool,
    made: Timestamp,
    updated: Timestamp,
}

/// All conversations by id.
#[derive(Default)]
pub(super) struct Conversations {
    known: BTreeMap<String, Conversation>,
    invented: usize,
    last_part: u64,
}

impl Conversations {
    /// Begins one; returns its id, and how a webhook shows it.
    pub(super) fn begin(
        &mut self,
        id: Option<&str>,
        wanted: Wanted,
        now: Timestamp,
    ) -> (String, Value) {
        let id = id.map_or_else(fresh, str::to_owned);
        let conversation = Conversation::new(&id, wanted, now);
        let shown = conversation.told(&[]);
        self.known.insert(id.clone(), conversation);
        (id, shown)
    }

    /// The conversation of an id; an invented one if nobody began it.
    fn of(&mut self, id: &str) -> &mut Conversation {
        if !self.known.contains_key(id) && self.invented >= INVENTED {
            self.known.clear();
            self.invented = 0;
        }
        let is_new = !self.known.contains_key(id);
        self.invented += usize::from(is_new);
        // Made long ago: whatever a webhook tells is newer.
        let made = Timestamp::constant(1_767_600_000, 0);
        self.known
            .entry(id.to_owned())
            .or_insert_with(|| Conversation::new(id, Wanted::default(), made))
    }

    pub(super) fn write(&mut self, id: &str, message: Message, now: Timestamp) -> (String, Value) {
        self.last_part += 1;
        let part = (3_300 + self.last_part).to_string();
        let conversation = self.of(id);
        conversation.add(&part, message, now);
        let told = conversation.told(&[&part]);
        (part, told)
    }

    pub(super) fn set_open(&mut self, id: &str, is_open: bool, now: Timestamp) -> Value {
        let conversation = self.of(id);
        conversation.is_open = is_open;
        conversation.updated = now;
        conversation.told(&[])
    }

    pub(super) fn redact(&mut self, id: &str, part: &str, now: Timestamp) -> Value {
        let conversation = self.of(id);
        for known in &mut conversation.parts {
            if known.id == part {
                known.is_redacted = true;
                known.updated = now;
            }
        }
        conversation.updated = now;
        conversation.told(&[part])
    }

    pub(super) fn delete(&mut self, id: &str) -> Value {
        self.of(id).is_deleted = true;
        json!({ "type": "conversation", "id": id })
    }

    /// The bodies' items of every webhook that tells of a message, with their envelopes.
    pub(super) fn told(&mut self, id: &str) -> Vec<Value> {
        let conversation = self.of(id);
        let first = super::demo::envelope(
            "conversation.user.created",
            &conversation.told(&[]),
            conversation.made,
        );
        let mut bodies = vec![first];
        for part in &conversation.parts {
            let item = conversation.told(&[&part.id]);
            bodies.push(super::demo::envelope(
                part.message.from.topic(),
                &item,
                part.at,
            ));
        }
        bodies
    }

    pub(super) fn show(&mut self, id: &str, is_plain: bool) -> Option<Value> {
        if !is_id(id) {
            return None;
        }
        let conversation = self.of(id);
        let is_there = !conversation.wanted.missing && !conversation.is_deleted;
        is_there.then(|| conversation.shown(is_plain))
    }

    /// The person of a conversation. One of whom nobody knows a conversation does not exist.
    pub(super) fn contact(&self, id: &str) -> Option<Value> {
        let mut known = self.known.values();
        let conversation = known.find(|known| known.contact_id() == id)?;
        (!conversation.wanted.has_no_contact).then(|| conversation.contact())
    }

    pub(super) fn view(&self) -> Vec<Value> {
        let known = self.known.values();
        known.map(|known| known.shown(true)).collect()
    }
}

impl Conversation {
    fn new(id: &str, wanted: Wanted, now: Timestamp) -> Self {
        Self {
            id: id.to_owned(),
            wanted,
            parts: Vec::new(),
            is_open: true,
            is_deleted: false,
            made: now,
            updated: now,
        }
    }

    fn add(&mut self, part: &str, message: Message, now: Timestamp) {
        let at = message.at.unwrap_or(now);
        self.is_open |= message.from == Who::Person;
        self.updated = self.updated.max(at);
        self.parts.push(Part {
            id: part.to_owned(),
            message,
            at,
            updated: at,
            is_redacted: false,
        });
    }

    fn contact_id(&self) -> String {
        let hash = hex::encode(Sha256::digest(format!("contact {}", self.id)));
        hash.get(..24).unwrap_or_default().to_owned()
    }

    /// As a webhook shows it: with these of its parts alone.
    fn told(&self, parts: &[&str]) -> Value {
        let mut shown = self.base(false);
        if !parts.is_empty() {
            let parts: Vec<_> = self
                .parts
                .iter()
                .filter(|part| parts.contains(&part.id.as_str()))
                .map(|part| self.part(part, false))
                .collect();
            shown["conversation_parts"] = list(&parts, parts.len());
        }
        shown
    }

    /// As the API shows it.
    fn shown(&self, is_plain: bool) -> Value {
        let mut shown = self.base(is_plain);
        let first = self.parts.len().saturating_sub(SHOWN);
        let parts: Vec<_> = self
            .parts
            .iter()
            .skip(first)
            .map(|part| self.part(part, is_plain))
            .collect();
        shown["conversation_parts"] = list(&parts, self.parts.len());
        shown
    }

    fn base(&self, is_plain: bool) -> Value {
        let tags: Vec<_> = self
            .wanted
            .tags
            .iter()
            .map(|name| json!({ "type": "tag", "id": name, "name": name }))
            .collect();
        json!({
            "type": "conversation", "id": self.id, "created_at": self.made.as_second(),
            "updated_at": self.updated.as_second(), "waiting_since": null, "snoozed_until": null,
            "source": {
                "type": "conversation", "id": format!("{}0", self.id), "delivered_as": "customer_initiated",
                "subject": "", "body": body(&self.wanted.text, is_plain), "author": self.person(),
                "attachments": [], "url": self.wanted.page, "redacted": false,
            },
            "contacts": {
                "type": "contact.list",
                "contacts": [{ "type": "contact", "id": self.contact_id(), "external_id": null }],
            },
            "open": self.is_open, "state": if self.is_open { "open" } else { "closed" }, "read": false,
            "tags": { "type": "tag.list", "tags": tags }, "title": null, "custom_attributes": {},
            "ai_agent_participated": false,
        })
    }

    fn part(&self, part: &Part, is_plain: bool) -> Value {
        let Message {
            from, text, files, ..
        } = &part.message;
        let author = match from {
            Who::Person => self.person(),
            Who::Admin | Who::Note => {
                json!({ "type": "admin", "id": "274", "name": "Luis Ortega", "email": "luis@example.com" })
            }
            Who::Bot => json!({
                "type": "bot", "id": "5107", "name": "Operator", "email": "operator+demo@intercom.io",
                "from_ai_agent": true, "is_ai_answer": true,
            }),
        };
        let files: Vec<_> = files
            .iter()
            .map(|name| {
                json!({
                    "type": "upload", "name": name, "content_type": "image/jpeg", "filesize": 48_211,
                    "url": format!("https://downloads.intercomcdn.example/{name}?signature=5e"),
                })
            })
            .collect();
        let words = if part.is_redacted {
            json!("")
        } else {
            body(text, is_plain)
        };
        json!({
            "type": "conversation_part", "id": part.id,
            "part_type": if *from == Who::Note { "note" } else { "comment" },
            "body": words, "created_at": part.at.as_second(), "updated_at": part.updated.as_second(),
            "notified_at": part.at.as_second(), "assigned_to": null, "author": author,
            "attachments": if part.is_redacted { Vec::new() } else { files }, "external_id": null,
            "redacted": part.is_redacted,
        })
    }

    /// The person as the author of a message.
    fn person(&self) -> Value {
        let name = if self.wanted.name.is_empty() {
            "Violet Suitcase"
        } else {
            &self.wanted.name
        };
        json!({
            "type": "lead", "id": self.contact_id(), "name": name, "email": self.wanted.email,
        })
    }

    /// The person as the API shows them.
    fn contact(&self) -> Value {
        let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        json!({
            "type": "contact", "id": self.contact_id(), "workspace_id": WORKSPACE, "external_id": null, "role": "lead",
            "email": text(&self.wanted.email), "phone": text(&self.wanted.phone), "name": text(&self.wanted.name),
            "created_at": self.made.as_second(), "updated_at": self.updated.as_second(),
            "location": { "type": "location", "country": "United States", "region": "Texas", "city": "Round Rock" },
            "custom_attributes": { "utm_source": "google", "utm_campaign": "austin-kitchen-remodel" },
        })
    }
}

fn list(parts: &[Value], total: usize) -> Value {
    json!({ "type": "conversation_part.list", "conversation_parts": parts, "total_count": total })
}

/// Words as Intercom keeps them: in markup, unless plain text is asked for.
fn body(text: &str, is_plain: bool) -> Value {
    if is_plain {
        return json!(text);
    }
    let escaped = text
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    json!(format!("<p>{escaped}</p>"))
}

fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// An id as conversations have them: 15 digits.
pub(super) fn fresh() -> String {
    let number = rand::random_range(215_000_000_000_000_u64..216_000_000_000_000);
    number.to_string()
}
