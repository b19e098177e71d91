//! The tickets of the simulated Zendesk, and how they are shown.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::demo::ACCOUNT;

/// How many tickets are kept that were only read.
const INVENTED: usize = 10_000;
const REQUESTER: u64 = 8_447_388_090_494;
const AGENT: u64 = 8_447_388_090_500;

/// How a ticket differs from the usual one.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Wanted {
    /// The person's name.
    pub name: String,
    /// Their number; may be empty.
    pub phone: String,
    /// Their address; may be empty.
    pub email: String,
    /// What the ticket is called.
    pub subject: String,
    /// What they wrote first.
    pub description: String,
    /// Its tags.
    pub tags: Vec<String>,
    /// It does not exist, or the token may not see it.
    pub missing: bool,
}

impl Default for Wanted {
    fn default() -> Self {
        let text = str::to_owned;
        Self {
            name: text("Sam Reyes"),
            phone: text("+1 512-555-0163"),
            email: text("sam.reyes@example.com"),
            subject: text("Bathroom remodel quote"),
            description: text("Looking for a bathroom remodel quote, 60 sq ft, 78681."),
            tags: vec![text("web"), text("bath")],
            missing: false,
        }
    }
}

/// A comment.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Comment {
    /// Whether an agent writes it, not the requester.
    pub is_staff: bool,
    /// Whether only the company's people see it.
    pub is_internal: bool,
    /// The words.
    pub text: String,
    /// When; now if absent.
    pub at: Option<Timestamp>,
}

impl Comment {
    /// Words of the requester.
    pub fn person(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            ..Self::default()
        }
    }

    /// Words of an agent to the requester.
    pub fn agent(text: &str) -> Self {
        Self {
            is_staff: true,
            ..Self::person(text)
        }
    }

    /// Words among the company's people.
    pub fn internal(text: &str) -> Self {
        Self {
            is_internal: true,
            ..Self::agent(text)
        }
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
struct Written {
    id: u64,
    comment: Comment,
    at: Timestamp,
}

#[derive(Debug, Clone)]
struct Ticket {
    id: String,
    wanted: Wanted,
    /// The first is the description.
    comments: Vec<Written>,
    is_solved: bool,
    is_deleted: bool,
    made: Timestamp,
    updated: Timestamp,
}

/// All tickets by number.
#[derive(Default)]
pub(super) struct Tickets {
    known: BTreeMap<String, Ticket>,
    invented: usize,
    last: u64,
}

impl Tickets {
    pub(super) fn make(
        &mut self,
        id: Option<&str>,
        wanted: Wanted,
        now: Timestamp,
    ) -> (String, Value) {
        let id = id.map_or_else(fresh, str::to_owned);
        let ticket = Ticket::new(&id, wanted, now);
        let told = ticket.told("ticket.created", &json!({}), now);
        self.known.insert(id.clone(), ticket);
        (id, told)
    }

    /// The ticket of a number; an invented one if nobody made it.
    fn of(&mut self, id: &str) -> &mut Ticket {
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
            .or_insert_with(|| Ticket::new(id, Wanted::default(), made))
    }

    pub(super) fn comment(
        &mut self,
        id: &str,
        comment: Comment,
        now: Timestamp,
    ) -> (String, Value) {
        self.last += 1;
        let comment_id = 9_876_543_210 + self.last;
        let ticket = self.of(id);
        let at = comment.at.unwrap_or(now);
        ticket.updated = ticket.updated.max(at);
        ticket.comments.push(Written {
            id: comment_id,
            comment,
            at,
        });
        let told = ticket.told_of(ticket.comments.len() - 1);
        (comment_id.to_string(), told)
    }

    pub(super) fn solve(&mut self, id: &str, now: Timestamp) -> Value {
        let ticket = self.of(id);
        ticket.is_solved = true;
        ticket.updated = now;
        let event = json!({ "current": "SOLVED", "previous": "OPEN" });
        ticket.told("ticket.status_changed", &event, now)
    }

    pub(super) fn delete(&mut self, id: &str, now: Timestamp) -> Value {
        let ticket = self.of(id);
        ticket.is_deleted = true;
        ticket.told("ticket.permanently_deleted", &json!({}), now)
    }

    /// Every webhook's body that tells of words.
    pub(super) fn told(&mut self, id: &str) -> Vec<Value> {
        let ticket = self.of(id);
        let first = ticket.told("ticket.created", &json!({}), ticket.made);
        let comments = (1..ticket.comments.len()).map(|index| ticket.told_of(index));
        std::iter::once(first).chain(comments).collect()
    }

    pub(super) fn show(&mut self, id: &str) -> Option<Value> {
        let ticket = self.readable(id)?;
        Some(json!({ "ticket": ticket.shown(), "users": [ticket.requester(), agent()] }))
    }

    pub(super) fn comments(&mut self, id: &str, after: usize, size: usize) -> Option<Value> {
        let ticket = self.readable(id)?;
        let page = ticket.comments.iter().skip(after).take(size);
        let page: Vec<_> = page.map(Written::shown).collect();
        let next = after + page.len();
        Some(json!({
            "comments": page, "users": [ticket.requester(), agent()],
            "meta": { "has_more": next < ticket.comments.len(), "after_cursor": next.to_string(), "before_cursor": null },
            "links": { "next": format!("https://demo.zendesk.com/api/v2/tickets/{id}/comments.json?page[after]={next}") },
        }))
    }

    fn readable(&mut self, id: &str) -> Option<&Ticket> {
        let is_id = (1..=20).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_digit());
        if !is_id {
            return None;
        }
        let ticket = &*self.of(id);
        (!ticket.wanted.missing && !ticket.is_deleted).then_some(ticket)
    }

    pub(super) fn view(&self) -> Vec<Value> {
        let known = self.known.values();
        known
            .map(|ticket| {
                let comments: Vec<_> = ticket.comments.iter().map(Written::shown).collect();
                json!({ "ticket": ticket.shown(), "comments": comments })
            })
            .collect()
    }
}

impl Ticket {
    fn new(id: &str, wanted: Wanted, now: Timestamp) -> Self {
        let first = Written {
            id: 1_276_511_668,
            comment: Comment::person(&wanted.description),
            at: now,
        };
        Self {
            id: id.to_owned(),
            wanted,
            comments: vec![first],
            is_solved: false,
            is_deleted: false,
            made: now,
            updated: now,
        }
    }

    /// An event about it. Its id follows from what it tells, so that a repeat has the same.
    fn told(&self, kind: &str, event: &Value, at: Timestamp) -> Value {
        let hash = hex::encode(Sha256::digest(format!("{kind} {} {event} {at}", self.id)));
        json!({
            "account_id": ACCOUNT.parse::<u64>().unwrap_or_default(),
            "detail": {
                "actor_id": REQUESTER.to_string(), "assignee_id": null, "created_at": seconds(self.made),
                "description": self.wanted.description, "external_id": null, "id": self.id, "is_public": true,
                "priority": "NORMAL", "requester_id": REQUESTER.to_string(),
                "status": if self.is_solved { "SOLVED" } else { "OPEN" }, "subject": self.wanted.subject,
                "submitter_id": REQUESTER.to_string(), "tags": self.wanted.tags, "type": "QUESTION",
                "updated_at": seconds(self.updated), "via": { "channel": "web_service" },
            },
            "event": event, "id": hash.get(..32), "subject": format!("zen:ticket:{}", self.id), "time": format!("{at:.9}"),
            "type": format!("zen:event-type:{kind}"), "zendesk_event_version": "2022-11-06",
        })
    }

    fn told_of(&self, index: usize) -> Value {
        let Some(written) = self.comments.get(index) else {
            return Value::Null;
        };
        let Written { id, comment, at } = written;
        let (author, name) = if comment.is_staff {
            (AGENT, "Luis Ortega")
        } else {
            (REQUESTER, self.wanted.name.as_str())
        };
        let event = json!({
            "comment": {
                "id": id.to_string(), "body": comment.text, "is_public": !comment.is_internal,
                "author": { "id": author.to_string(), "is_staff": comment.is_staff, "name": name },
            },
        });
        self.told("ticket.comment_added", &event, *at)
    }

    fn shown(&self) -> Value {
        json!({
            "id": self.id.parse::<u64>().unwrap_or_default(), "subject": self.wanted.subject,
            "description": self.wanted.description, "status": if self.is_solved { "solved" } else { "open" },
            "created_at": seconds(self.made), "updated_at": seconds(self.updated), "requester_id": REQUESTER,
            "submitter_id": REQUESTER, "tags": self.wanted.tags, "via": { "channel": "web" },
        })
    }

    fn requester(&self) -> Value {
        let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        json!({
            "id": REQUESTER, "name": self.wanted.name, "email": text(&self.wanted.email),
            "phone": text(&self.wanted.phone), "role": "end-user",
        })
    }
}

impl Written {
    fn shown(&self) -> Value {
        let Comment {
            is_staff,
            is_internal,
            text,
            ..
        } = &self.comment;
        json!({
            "id": self.id, "type": "Comment", "author_id": if *is_staff { AGENT } else { REQUESTER }, "body": text,
            "html_body": format!("<p>{text}</p>"), "plain_body": text, "public": !is_internal,
            "created_at": seconds(self.at), "attachments": [], "via": { "channel": "web" },
        })
    }
}

/// The agent who answers.
pub(super) fn agent() -> Value {
    json!({
        "id": AGENT, "name": "Luis Ortega", "email": "luis@example.com", "phone": null, "role": "agent",
    })
}

fn seconds(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// A ticket's number.
pub(super) fn fresh() -> String {
    rand::random_range(100_000_u64..100_000_000).to_string()
}
