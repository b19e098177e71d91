//! The conversations of Sunshine Conversations, which is Zendesk's messaging, and how their messages are listed.
//!
//! Source: the API reference of Sunshine Conversations, "List Messages" and "Author" (read 2026-11): a page has the 100
//! messages before a cursor, the newest without one.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::demo::shown_message;

const PAGE: usize = 100;

/// A message that somebody writes.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Wrote {
    pub(super) text: String,
    /// Whether somebody of the company writes it, not the person.
    pub(super) is_business: bool,
}

/// The messages of each conversation, the oldest first. One in which nobody wrote has none.
#[derive(Default)]
pub(super) struct Conversations(BTreeMap<String, Vec<Value>>);

impl Conversations {
    /// Returns the message as a webhook shows it.
    pub(super) fn write(&mut self, id: &str, wrote: &Wrote, now: Timestamp) -> Value {
        let mut told = shown_message(now, &wrote.text);
        if wrote.is_business {
            told["author"] = json!({ "type": "business", "displayName": "Luis Ortega" });
            told["source"] = json!({ "type": "zd:agentWorkspace" });
        }
        let mut message = told.clone();
        if !wrote.is_business {
            // Unlike a webhook, the API shows no person in an author.
            message["author"] = json!({
                "type": "user", "userId": told["author"]["userId"], "displayName": "Sam Reyes",
            });
        }
        self.0.entry(id.to_owned()).or_default().push(message);
        told
    }

    /// The messages before one of them, or the newest.
    pub(super) fn page(&self, id: &str, before: Option<&str>) -> Value {
        let all = self.0.get(id).map_or(&[][..], Vec::as_slice);
        let end = before.and_then(|before| all.iter().position(|message| message["id"] == before));
        let end = end.unwrap_or(all.len());
        let start = end.saturating_sub(PAGE);
        let page = all.get(start..end).unwrap_or_default();
        let mut meta = json!({ "hasMore": start > 0 });
        if let (Some(first), Some(last)) = (page.first(), page.last()) {
            meta["beforeCursor"] = first["id"].clone();
            meta["afterCursor"] = last["id"].clone();
        }
        json!({ "messages": page, "meta": meta, "links": {} })
    }
}
