//! The sections of a request's document: each stage writes its own.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};

use super::{Facts, RequiredField};
use crate::{
    AreaVerdict, ConnectionName, E164, EmailAddress, EventId, News, OfficeId, PostalCode, SourceId,
};

/// Where a request came from, and what its deliveries said.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SourceSection {
    /// The source's slug: `callrail`.
    pub provider: String,
    /// The configured source that took the first delivery.
    pub source: SourceId,
    /// The office that it belongs to, when one is set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub office: Option<OfficeId>,
    /// How many deliveries it was made of.
    pub events: u32,
    /// The newest of them.
    pub last_event: EventId,
    /// Whether a later edit was among them: edits outrank first reports, whatever the order of arrival.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_modified: bool,
    /// Why its delivery could not be read, while it could not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unread: Option<String>,
    /// Set if no delivery brought it first: it was found at the provider by comparing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovered: Option<Recovered>,
    /// What the deliveries said.
    pub said: Facts,
}

/// That a lead was found at the provider, because its webhook had not come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recovered {
    /// When it was found.
    pub at: Timestamp,
    /// When it happened, by the provider.
    pub happened_at: Timestamp,
}

impl Recovered {
    /// How many whole minutes the lead was missing; 0 where the provider's clock is ahead.
    pub fn minutes_late(&self) -> u64 {
        let late = self.at.duration_since(self.happened_at);
        u64::try_from(late.as_mins()).unwrap_or(0)
    }
}

impl SourceSection {
    /// Whether an edit came before this first report: then the report only fills what is missing.
    pub(crate) const fn is_overtaken(&self, news: &News) -> bool {
        self.is_modified && !news.is_modified
    }

    /// Takes over what a delivery says.
    pub fn absorb(&mut self, news: &News) {
        if self.is_overtaken(news) {
            self.said = self.said.or(&news.facts);
        } else {
            self.said.overlay(&news.facts);
        }
        self.is_modified |= news.is_modified;
    }
}

/// How the person can be reached: normalized, from deliveries and API.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ContactSection {
    /// Name as delivered, on one line; absent if what was delivered only stands in for one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Telephone number; absent if it was withheld, stands in for one, or has no form of a number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<E164>,
    /// What is dialed behind the number: the digits of an extension.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extension: Option<String>,
    /// E-mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<EmailAddress>,
    /// Town.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub city: Option<String>,
    /// State, two letters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// ZIP code, as delivered; absent if it stands in for one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub postal_code: Option<PostalCode>,
    /// Street address, as typed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
}

/// What the provider's API says of the thing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DetailsSection {
    /// The input that was seen; see [`Revisions`](super::Revisions).
    pub revision: u32,
    /// The facts as the API states them, or why there are none.
    pub answer: DetailsAnswer,
    /// Whether the API was asked after a later delivery. Then its labels are newer than the deliveries'.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_newer: bool,
}

/// What came of asking a provider's API about a lead.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DetailsAnswer {
    /// It answered.
    Known(Box<Facts>),
    /// There are none; the request goes on without.
    Absent(NoDetails),
}

/// Why a provider's API gave no details.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoDetails {
    /// The source has no API, or the tenant has not connected its account.
    NotConnected,
    /// The provider does not know the thing.
    Unknown,
    /// The API failed for as long as the lead could wait.
    Unavailable,
}

impl DetailsSection {
    /// The facts, if the API answered.
    pub fn facts(&self) -> Option<&Facts> {
        match &self.answer {
            DetailsAnswer::Known(facts) => Some(facts),
            DetailsAnswer::Absent(_) => None,
        }
    }
}

/// What the recording stage found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecordingSection {
    /// The input that was seen; see [`Revisions`](super::Revisions).
    pub revision: u32,
    /// The audio, or why there is none.
    pub audio: Audio,
}

/// The audio of a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum Audio {
    /// Archived.
    Stored {
        /// File name under the tenant's folder: `CAL….mp3`.
        name: String,
        /// SHA-256 of the file, lower-case hexadecimal.
        sha256: String,
        /// Size in bytes.
        size_bytes: u64,
        /// Length in milliseconds, measured from the file.
        duration_ms: u64,
    },
    /// There is none; the call goes on without.
    Absent {
        /// Why.
        reason: NoAudio,
    },
}

/// Why a call has no audio.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoAudio {
    /// Waited for, and never there.
    NeverArrived,
    /// The call was not answered and left no message.
    NotRecorded,
    /// The file was empty or too small to hold speech.
    Empty,
    /// The file is no audio that can be read.
    Unreadable,
    /// The file is over the size that is taken.
    TooLarge,
    /// The provider does not know the call.
    UnknownCall,
    /// The tenant has no account for the provider's API.
    NotConnected,
}

/// What was said, in turns.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TranscriptSection {
    /// SHA-256 of the audio that was transcribed.
    pub audio_sha256: String,
    /// The engine: `chirp_3`.
    pub engine: String,
    /// How it went.
    pub state: TranscriptState,
    /// BCP-47 language, when known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// The turns, in order of time.
    pub turns: Vec<Turn>,
    /// Seconds that the provider charges for.
    pub billed_seconds: u32,
    /// The input that it had seen; see [`Revisions`](super::Revisions).
    #[serde(default)]
    pub revision: u32,
}

/// How a transcription went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "outcome")]
pub enum TranscriptState {
    /// Somebody spoke.
    Spoken,
    /// Nobody spoke.
    Silent,
    /// It could not be made; the call goes on without.
    Unavailable {
        /// Why, in the provider's or our words.
        reason: String,
    },
}

/// What one speaker said before another spoke.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turn {
    /// The engine's label: `1`, `2`. It says who spoke, not what their part was.
    pub speaker: String,
    /// Start, in milliseconds from the recording's start.
    pub start_ms: u64,
    /// End, in milliseconds from the recording's start.
    pub end_ms: u64,
    /// The words.
    pub text: String,
}

/// What follows from the analysis for this tenant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct QualificationSection {
    /// The input that was seen; see [`Revisions`](super::Revisions).
    pub revision: u32,
    /// What the spam gate says.
    pub gate: SpamGate,
    /// Why, where it was not the analysis that decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gate_reason: Option<String>,
    /// Whether the project is in the service area.
    pub area: AreaVerdict,
    /// What came of asking a map, where nothing that was said decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub map: Option<MapOutcome>,
    /// The fields that the company, or the lead's source, wants of every lead and that this one lacks.
    #[serde(
        default,
        skip_serializing_if = "BTreeSet::is_empty",
        deserialize_with = "known_fields"
    )]
    pub missing_fields: BTreeSet<RequiredField>,
    /// Version of the configuration that decided.
    pub config_version: u64,
    /// The CRMs that get it: connector by connection.
    pub destinations: BTreeMap<ConnectionName, String>,
    /// Whether people are told.
    pub notify: bool,
}

/// What came of asking a map where a project is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MapOutcome {
    /// It knows the house: the area follows from that.
    Found,
    /// It knows several houses, or not the very one.
    Doubtful,
    /// It does not know the address.
    NotFound,
    /// It was not asked: as many addresses were looked up as may be.
    OverQuota,
    /// It did not answer, or refuses us.
    Unavailable,
    /// A word of a newer build.
    #[serde(other)]
    Unrecognized,
}

/// A field of a newer build is none that this one can name.
fn known_fields<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeSet<RequiredField>, D::Error> {
    let words = Vec::<Cow<'de, str>>::deserialize(deserializer)?;
    let known = words
        .iter()
        .filter_map(|word| RequiredField::from_word(word));
    Ok(known.collect())
}

/// What the spam gate says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SpamGate {
    /// No spam: goes on.
    Pass,
    /// A person decides.
    Review,
    /// Spam.
    Quarantine,
}

/// A person's decision about a request that was held back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// What was decided.
    pub decision: VerdictKind,
    /// Who decided: the subject of their token.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// Whether it goes on although the project is outside the service area.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub overrules_area: bool,
}

/// What a person decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VerdictKind {
    /// No spam: goes on.
    Approved,
    /// Spam after all.
    Rejected,
}

/// Where a request stands with one CRM.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DispatchSection {
    /// The connector's slug.
    pub connector: String,
    /// The state.
    pub state: DispatchState,
    /// The input that the last success had seen; see [`Revisions`](super::Revisions).
    #[serde(default)]
    pub revision: u32,
    /// What the CRM calls the records that it has.
    #[serde(default, skip_serializing_if = "RemoteIds::is_empty")]
    pub remote_ids: RemoteIds,
    /// Hash of the fields as they were last written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fields_hash: Option<String>,
    /// When it was last written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dispatched_at: Option<Timestamp>,
    /// Why it is not there yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A CRM's ids of the records that a request became, by the connector's word for each: `contact`, `deal`, `lead`,
/// `note`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RemoteIds(BTreeMap<String, String>);

impl RemoteIds {
    /// The id of a record.
    pub fn get(&self, record: &str) -> Option<&str> {
        self.0.get(record).map(String::as_str)
    }

    /// The same with one more record.
    #[must_use]
    pub fn with(mut self, record: &str, id: impl Into<String>) -> Self {
        self.0.insert(record.to_owned(), id.into());
        self
    }

    /// Whether nothing was written yet.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Every record with its id, by the record's name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(record, id)| (record.as_str(), id.as_str()))
    }
}

/// The state of a dispatch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DispatchState {
    /// Not there yet; being worked on.
    Pending,
    /// Waits for its connection.
    Held,
    /// Waits for a person.
    Parked,
    /// In the CRM.
    Done,
}

/// Messages to people about this request.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct NotificationsSection {
    /// Whether all of them have ended.
    pub is_done: bool,
    /// One for each recipient.
    pub messages: Vec<Message>,
}

impl NotificationsSection {
    /// Whether every message has ended, and none of them reached anybody.
    pub fn told_nobody(&self) -> bool {
        let is_lost = |message: &Message| !message.is_sent;
        self.is_done && !self.messages.is_empty() && self.messages.iter().all(is_lost)
    }
}

/// One message to one person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// `email`, or the slug of the chat's provider.
    pub channel: String,
    /// Who got it: an address, or a connection and the place that it leads to.
    pub recipient: String,
    /// Our own id of it, which comes back with the provider's receipts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Whether it was taken by the provider, and not reported as undeliverable since; else `reason` says why not.
    pub is_sent: bool,
    /// The provider's id of the message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_id: Option<String>,
    /// Why it was not sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}
