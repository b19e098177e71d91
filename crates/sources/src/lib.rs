//! Webhook sources: who sends what, how it is proven genuine, and what it says.
//!
//! A source declares itself in a [`SourceSpec`] and reads proven deliveries; signatures, limits, storing and
//! deduplication are not its business. A new source is a folder and a line in [`SOURCES`].
#![warn(missing_docs)]

pub mod callrail;
mod fields;
pub mod sendgrid;
mod signature;

use domain::{TenantId, transition::Inbound};
use jiff::Timestamp;

pub use signature::{Refused, SignatureScheme, Verified, verify, verify_dummy};

/// Every webhook source.
pub static SOURCES: &[&dyn Source] = &[&callrail::CallRail, &sendgrid::SendGrid];

/// The source of this slug.
pub fn source(slug: &str) -> Option<&'static dyn Source> {
    SOURCES
        .iter()
        .copied()
        .find(|source| source.spec().slug == slug)
}

/// A place that webhooks come from.
pub trait Source: Send + Sync {
    /// What it declares.
    fn spec(&self) -> &'static SourceSpec;

    /// Whose delivery this claims to be: the only thing that is read of a body before its signature is checked.
    /// Nothing of it may be trusted until that tenant's key proves the body.
    fn hint(&self, _content_type: Option<&str>, _body: &[u8]) -> Option<TenantHint> {
        None
    }

    /// Reads a proven delivery; `event` is the name of the event in its URL, where it has one.
    ///
    /// # Errors
    /// [`ReadError`] when it cannot be understood: it is kept for a person, never refused.
    fn read(&self, delivery: &Verified, event: Option<&str>) -> Result<Reading, ReadError>;
}

/// What a source declares.
#[derive(Debug)]
pub struct SourceSpec {
    /// Its name in URLs and rows.
    pub slug: &'static str,
    /// Its name for people.
    pub name: &'static str,
    /// The schemes that prove its deliveries, the usual one first.
    pub signatures: &'static [SignatureScheme],
    /// The largest body that is taken.
    pub body_limit_bytes: usize,
    /// Whether it sends again what was not taken. If not, a delivery that is refused is lost.
    pub is_resent: bool,
    /// The events that are used and have a URL of their own: its last part, and the provider's name for it. None: one
    /// URL takes everything.
    pub events: &'static [(&'static str, &'static str)],
    /// What to do at the provider with the URLs, for whoever sets it up.
    pub set_up: &'static str,
}

/// Whose delivery an unproven body claims to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantHint {
    /// Account ids at the provider, in the forms that the body has.
    pub accounts: Vec<String>,
    /// A tenant's slug.
    pub tenant: Option<TenantId>,
}

/// What a delivery says.
#[derive(Debug, Clone, PartialEq)]
pub enum Reading {
    /// A lead, or news of one.
    Lead(Box<Inbound>),
    /// An event that is not used.
    Ignored {
        /// Why.
        reason: &'static str,
    },
    /// What became of messages that we sent.
    Receipts(Vec<Receipt>),
}

/// What became of a message that we sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// Our own id of the message.
    pub message_id: String,
    /// What happened, in the provider's word.
    pub event: String,
    /// The provider's id of the message.
    pub provider_message_id: String,
    /// The provider's id of this event; the same on every repeat.
    pub event_id: String,
    /// When it happened.
    pub at: Option<Timestamp>,
    /// Why, where it went wrong: the words of the other mail server.
    pub reason: Option<String>,
}

/// Why a delivery cannot be understood. Says where, never what: bodies carry personal data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// Broken, or nested too deeply.
    #[error("the body is no JSON that can be read (line {line}, column {column})")]
    Json {
        /// Counted from 1.
        line: usize,
        /// Counted from 1.
        column: usize,
    },
    /// JSON of another shape.
    #[error("the body is not {expected}")]
    Shape {
        /// What it should be.
        expected: &'static str,
    },
    /// Nothing says what it is about.
    #[error("the body names no call: `resource_id`, `id` and `call_id` are missing or empty")]
    NoCall,
    /// An id that cannot be one.
    #[error("`{field}` is no id: expected 1 to 64 letters, digits, `_` and `-`")]
    BadId {
        /// The field.
        field: &'static str,
    },
}
