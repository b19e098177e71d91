//! Deliveries as a provider sends them: what documents a source, and what its contract runs on.

use std::fmt;

/// A delivery, and what is read of it.
#[derive(Clone, Copy)]
pub struct Sample {
    /// Its name: that of its file, without the ending.
    pub name: &'static str,
    /// Its type.
    pub content_type: &'static str,
    /// The event that its URL names.
    pub event: Option<&'static str>,
    /// The raw body.
    pub body: &'static [u8],
    /// What is read of it.
    pub read_as: ReadAs,
    /// A signature of the body that was made elsewhere: what shows that the scheme is understood.
    pub recorded: Option<Recorded>,
}

/// What is read of a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadAs {
    /// A lead, or news of one, by the values of its aliases, the canonical one first.
    News(&'static [&'static str]),
    /// Nothing that is used.
    Ignored,
    /// So many receipts.
    Receipts(usize),
    /// A test of the URL.
    Ping,
}

/// A recorded signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recorded {
    /// The key.
    pub key: &'static str,
    /// The headers that carry the signature.
    pub headers: &'static [(&'static str, &'static str)],
    /// When it was made: Unix seconds.
    pub at: i64,
}

impl Sample {
    /// A body in JSON.
    pub const fn json(name: &'static str, body: &'static [u8], read_as: ReadAs) -> Self {
        Self {
            name,
            content_type: "application/json",
            event: None,
            body,
            read_as,
            recorded: None,
        }
    }

    /// A submitted form.
    pub const fn form(name: &'static str, body: &'static [u8], read_as: ReadAs) -> Self {
        Self {
            content_type: "application/x-www-form-urlencoded",
            ..Self::json(name, body, read_as)
        }
    }

    /// The same under the URL of an event.
    #[must_use]
    pub const fn of_event(self, event: &'static str) -> Self {
        Self {
            event: Some(event),
            ..self
        }
    }

    /// The same with a recorded signature.
    #[must_use]
    pub const fn signed(self, recorded: Recorded) -> Self {
        Self {
            recorded: Some(recorded),
            ..self
        }
    }
}

/// Without the body.
impl fmt::Debug for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sample")
            .field("name", &self.name)
            .field("read_as", &self.read_as)
            .finish_non_exhaustive()
    }
}
