//! What the checker is given: what was sent, what the product keeps, what the providers have.

/// What becomes of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It reaches CRM and people.
    Lead,
    /// It is kept apart.
    Spam,
    /// It is outside the service area.
    OutOfArea,
}

impl Fate {
    /// The status that it ends with.
    pub(super) fn status(self) -> &'static str {
        match self {
            Self::Lead => "completed",
            Self::Spam => "quarantined",
            Self::OutOfArea => "out_of_area",
        }
    }
}

/// All that is compared.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    /// The calls that deliveries are about.
    pub calls: Vec<Call>,
    /// The deliveries of the sender's log.
    pub sent: Vec<Sent>,
    /// What the product's database has.
    pub stored: Stored,
    /// What the product's API shows: each request and its status.
    pub shown: Vec<(String, String)>,
    /// The contacts in the CRM.
    pub contacts: Vec<Contact>,
    /// The deals in the CRM.
    pub deals: Vec<Deal>,
    /// The mails that the provider accepted.
    pub mails: Vec<Mail>,
}

/// A call, as it stands once everything was said of it.
#[derive(Debug, Clone)]
pub struct Call {
    /// CallRail's id.
    pub id: String,
    /// Who called; one number is one person.
    pub phone: String,
    /// What becomes of it.
    pub fate: Fate,
    /// The tag that its newest delivery brought.
    pub newest_tag: String,
}

/// What tells a delivery: its event and the SHA-256 of its body.
pub type DeliveryKey = (String, [u8; 32]);

/// A delivery in the sender's log.
#[derive(Debug, Clone)]
pub struct Sent {
    /// Its event and body; repeats have the same.
    pub key: DeliveryKey,
    /// The call that it is about; none for an event that is not used.
    pub call: Option<usize>,
    /// How often it was sent.
    pub attempts: u32,
    /// The request that its acknowledgement named; the outer one is none while it is not acknowledged.
    pub acknowledged: Option<Option<String>>,
    /// An answer that is neither an acknowledgement nor "later".
    pub refused: Option<String>,
}

/// What the product keeps.
#[derive(Debug, Clone, Default)]
pub struct Stored {
    /// CallRail's deliveries, with the request that each belongs to.
    pub events: Vec<(DeliveryKey, Option<String>)>,
    /// The requests.
    pub requests: Vec<Request>,
    /// The request of each name of a call.
    pub aliases: Vec<(String, String)>,
    /// The work that is left, each row in a few words.
    pub work: Vec<String>,
    /// Outside effects: key and state.
    pub effects: Vec<(String, String)>,
    /// The messages to people: the request and what came of each.
    pub messages: Vec<(String, String)>,
}

/// A request as it is stored.
#[derive(Debug, Clone)]
pub struct Request {
    /// Its id.
    pub id: String,
    /// Where it stands.
    pub status: String,
    /// The request that it turned out to be the same as.
    pub merged_into: Option<String>,
    /// Its timeline: the word of each entry, in order.
    pub timeline: Vec<String>,
}

/// A contact in the CRM.
#[derive(Debug, Clone)]
pub struct Contact {
    /// The CRM's id.
    pub id: String,
    /// The telephone number.
    pub phone: String,
    /// The CRM's ids of the deals that belong to it.
    pub deals: Vec<String>,
}

/// A deal in the CRM.
#[derive(Debug, Clone)]
pub struct Deal {
    /// The CRM's id.
    pub id: String,
    /// The request that it names.
    pub request: String,
    /// The call's tags.
    pub tags: String,
}

/// A mail that the provider accepted.
#[derive(Debug, Clone)]
pub struct Mail {
    /// The request that it names.
    pub request: String,
    /// Our name of the message.
    pub message: String,
}

/// How the product records a mail that it began as often as it may and that nobody confirmed.
pub const GIVEN_UP: &str = "unconfirmed";
/// How it records an attempt whose answer was lost. It is no end: another one follows.
pub(super) const UNKNOWN: &str = "unknown";
