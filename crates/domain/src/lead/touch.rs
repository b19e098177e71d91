//! What people did about a lead, and whether somebody still has to.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Channel, Document, Intent};
use crate::workflow::{self, Route};

/// Touches that are kept of a request. Whoever is called this often has more in the CRM than here.
pub const MAX_TOUCHES: usize = 100;

/// How somebody got in touch, or tried to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TouchKind {
    /// By telephone.
    Call,
    /// By a text message.
    Text,
    /// By e-mail.
    Email,
    /// At the person's home, or in the office.
    Visit,
    /// In another way.
    Other,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TouchOutcome {
    /// They talked, or wrote to each other.
    Reached,
    /// A message was left.
    LeftMessage,
    /// Nobody answered.
    NoAnswer,
    /// It was somebody else's number or address.
    WrongPerson,
}

/// Somebody of the company got in touch with whom a lead is from, or tried to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Touch {
    /// How.
    pub kind: TouchKind,
    /// What came of it, if that was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<TouchOutcome>,
    /// What the person noted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Who: the subject of their token.
    pub by: String,
    /// When it was noted.
    pub at: Timestamp,
}

/// A touch as somebody tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTouch {
    /// How.
    pub kind: TouchKind,
    /// What came of it.
    pub outcome: Option<TouchOutcome>,
    /// A note.
    pub note: Option<String>,
}

impl Document {
    /// Whether somebody should call: a genuine lead inside the service area, with a number, about whom nobody did
    /// anything yet. A booking has its time already.
    pub fn needs_call(&self) -> bool {
        let is_open = !self.erased && self.merged_into.is_none() && self.touches.is_empty();
        let is_wrong_number = |document: &Self| {
            let analysis = document.analysis.as_ref();
            analysis.is_some_and(|analysis| analysis.intent == Intent::WrongNumber)
        };
        is_open
            && workflow::route(self) == Some(Route::Dispatch)
            && !is_wrong_number(self)
            && self.channel() != Channel::Calendar
            && self.contact.phone.is_some()
    }
}
