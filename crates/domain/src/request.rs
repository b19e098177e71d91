//! The unified request: whatever came in, in one shape, with one section for each stage.

use std::{collections::BTreeMap, str::FromStr};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    AreaVerdict, ConnectionName, E164, EmailAddress, EventId, Inbound, OfficeId, PersonId,
    PostalCode, RequestId, SourceId, TenantId,
};

/// One lead of one tenant, from its delivery to its last effect.
#[derive(Debug, Clone, PartialEq)]
pub struct LeadRequest {
    /// Its id.
    pub id: RequestId,
    /// Whose it is.
    pub tenant: TenantId,
    /// Grows by one with every write.
    pub version: u64,
    /// When its first delivery was stored.
    pub created_at: Timestamp,
    /// When it was last written.
    pub updated_at: Timestamp,
    /// Where it stands: always what [`crate::workflow::status`] says of document and open work.
    pub status: Status,
    /// Who it is from, once that was asked.
    pub person: Option<PersonId>,
    /// What is known.
    pub document: Document,
}

/// Where a request stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Stored, not yet worked on.
    Received,
    /// Being worked on.
    Processing,
    /// A person decides whether it goes on.
    InReview,
    /// A connection must be mended first.
    Held,
    /// A person must look at a step.
    Parked,
    /// Nothing is left to do.
    Completed,
    /// Spam, kept apart; can be released.
    Quarantined,
    /// From outside the service area.
    OutOfArea,
    /// Was found to be the same as another request, which goes on.
    Merged,
    /// Its personal data is gone.
    Erased,
}

impl Status {
    /// Every status, in the order of a request's life.
    pub const ALL: [Self; 10] = [
        Self::Received,
        Self::Processing,
        Self::InReview,
        Self::Held,
        Self::Parked,
        Self::Completed,
        Self::Quarantined,
        Self::OutOfArea,
        Self::Merged,
        Self::Erased,
    ];

    /// As it is stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Processing => "processing",
            Self::InReview => "in_review",
            Self::Held => "held",
            Self::Parked => "parked",
            Self::Completed => "completed",
            Self::Quarantined => "quarantined",
            Self::OutOfArea => "out_of_area",
            Self::Merged => "merged",
            Self::Erased => "erased",
        }
    }

    /// Whether the request rests here without open work.
    pub const fn is_terminal(self) -> bool {
        matches!(
            self,
            Self::Completed | Self::Quarantined | Self::OutOfArea | Self::Merged | Self::Erased
        )
    }
}

impl FromStr for Status {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or_else(|| {
                format!(
                    "a status is one of {}",
                    Self::ALL.map(Self::as_str).join(", ")
                )
            })
    }
}

/// The stored document of a request. A stage writes only its own section.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Document {
    /// What came in, and from where.
    pub source: SourceSection,
    /// Which input each stage should have seen; see [`Revisions`].
    #[serde(default)]
    pub revisions: Revisions,
    /// How the person can be reached.
    #[serde(default)]
    pub contact: ContactSection,
    /// The call's details and audio.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recording: Option<RecordingSection>,
    /// What was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transcript: Option<TranscriptSection>,
    /// What it means.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub analysis: Option<AnalysisSection>,
    /// What follows from that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub qualification: Option<QualificationSection>,
    /// A person's decision; outranks the analysis.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
    /// Each CRM's state, by the name of its connection.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub dispatches: BTreeMap<ConnectionName, DispatchSection>,
    /// Messages to people; present once they are due.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notifications: Option<NotificationsSection>,
    /// The request that this one turned out to be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merged_into: Option<RequestId>,
    /// Whether its personal data was erased.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub erased: bool,
}

/// Counters of what each stage's input is at. A section carries the number that its stage had seen; a lower one is
/// out of date, and the stage runs again. So a later event that arrives while a stage runs is never lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Revisions {
    /// The call's details and audio should be fetched again.
    pub recording: u32,
    /// The text to analyse changed.
    pub analysis: u32,
    /// What qualifies the request changed.
    pub qualification: u32,
    /// What a CRM should show changed.
    pub dispatch: u32,
    /// A person wants the audio transcribed again.
    pub transcript: u32,
    /// A person wants people told again; part of the messages' names.
    pub notification: u32,
    /// A person wants everything from the recording on again: later stages wait for it.
    pub awaits_recording: bool,
}

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
    /// Whether a later edit was among them: those outrank first reports, whatever the order of arrival.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_modified: bool,
    /// Why its delivery could not be read, while it could not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unread: Option<String>,
    /// What the deliveries said of the call.
    #[serde(default)]
    pub call: CallFacts,
}

/// Facts about a call, as a webhook or the provider's API states them. Absent means: not said.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
#[serde(rename_all = "snake_case")]
pub struct CallFacts {
    /// The provider's own id of the call, canonical form first (`CAL…`, else the number).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub call_id: Option<String>,
    /// Whether the call was picked up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_answered: Option<bool>,
    /// Whether it ended on the answering machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_voicemail: Option<bool>,
    /// Length in seconds, as the provider counts it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_seconds: Option<u32>,
    /// When it began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// The caller's name, as the carrier knows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub caller_name: Option<String>,
    /// The caller's number, as delivered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub caller_number: Option<String>,
    /// The caller's e-mail address, as delivered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub caller_email: Option<String>,
    /// Town of the caller's number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub caller_city: Option<String>,
    /// State of the caller's number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub caller_state: Option<String>,
    /// Country of the caller's number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub caller_country: Option<String>,
    /// The caller's ZIP code, as delivered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub caller_postal_code: Option<String>,
    /// The number that was dialled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tracking_number: Option<String>,
    /// The number that it rang at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub business_number: Option<String>,
    /// Whether the provider says that there is a recording.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub has_recording: Option<bool>,
    /// Labels; an empty list says that there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<String>>,
    /// A person's note; an empty one says that there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// What the job is worth, as written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// The provider's own judgement: `good_lead`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lead_status: Option<String>,
    /// Where the caller found the company: source, medium, campaign, keywords, pages, click ids.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub marketing: BTreeMap<String, String>,
}

impl SourceSection {
    /// Whether an edit came before this first report: then the report only fills what is missing.
    pub(crate) const fn has_overtaken(&self, inbound: &Inbound) -> bool {
        self.is_modified && !inbound.is_modified
    }

    /// Takes what a delivery says of the call.
    pub fn hear(&mut self, inbound: &Inbound) {
        if self.has_overtaken(inbound) {
            self.call = self.call.or(&inbound.call);
        } else {
            self.call.overlay(&inbound.call);
        }
        self.is_modified |= inbound.is_modified;
    }
}

impl CallFacts {
    /// Overlays `newer`: what it says counts, what it leaves out stays.
    pub fn overlay(&mut self, newer: &Self) {
        fn take<T: Clone>(mine: &mut Option<T>, theirs: &Option<T>) {
            if theirs.is_some() {
                mine.clone_from(theirs);
            }
        }
        // Named one by one, so that a new field does not compile until it is thought about here.
        let Self {
            call_id,
            is_answered,
            is_voicemail,
            duration_seconds,
            started_at,
            caller_name,
            caller_number,
            caller_email,
            caller_city,
            caller_state,
            caller_country,
            caller_postal_code,
            tracking_number,
            business_number,
            has_recording,
            tags,
            note,
            value,
            lead_status,
            marketing,
        } = newer;
        take(&mut self.call_id, call_id);
        take(&mut self.is_answered, is_answered);
        take(&mut self.is_voicemail, is_voicemail);
        take(&mut self.duration_seconds, duration_seconds);
        take(&mut self.started_at, started_at);
        take(&mut self.caller_name, caller_name);
        take(&mut self.caller_number, caller_number);
        take(&mut self.caller_email, caller_email);
        take(&mut self.caller_city, caller_city);
        take(&mut self.caller_state, caller_state);
        take(&mut self.caller_country, caller_country);
        take(&mut self.caller_postal_code, caller_postal_code);
        take(&mut self.tracking_number, tracking_number);
        take(&mut self.business_number, business_number);
        take(&mut self.has_recording, has_recording);
        take(&mut self.tags, tags);
        take(&mut self.note, note);
        take(&mut self.value, value);
        take(&mut self.lead_status, lead_status);
        self.marketing.extend(
            marketing
                .iter()
                .map(|(key, value)| (key.clone(), value.clone())),
        );
    }

    /// What people write at the provider, alone: labels, note, value and judgement.
    pub(crate) fn labels(&self) -> Self {
        Self {
            tags: self.tags.clone(),
            note: self.note.clone(),
            value: self.value.clone(),
            lead_status: self.lead_status.clone(),
            ..Self::default()
        }
    }

    /// `self` where it says something, else `older`.
    #[must_use]
    pub fn or(&self, older: &Self) -> Self {
        let mut merged = older.clone();
        merged.overlay(self);
        merged
    }
}

/// How the person can be reached: normalised, from deliveries and API.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ContactSection {
    /// Name as delivered, on one line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Telephone number; absent when it was withheld or is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<E164>,
    /// E-mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<EmailAddress>,
    /// Town.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub city: Option<String>,
    /// State, two letters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// ZIP code, as delivered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub postal_code: Option<PostalCode>,
}

/// What the recording stage found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecordingSection {
    /// The input that was seen; see [`Revisions`].
    pub revision: u32,
    /// The call as the provider's API states it; empty when it could not be asked.
    pub call: CallFacts,
    /// Whether the API was asked after a later event and so knows better than the deliveries.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_refetched: bool,
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
    /// The input that it had seen; see [`Revisions`].
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

macro_rules! word_enum {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident => $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$variant_doc])* #[serde(rename = $word)] $variant),+ }

        impl $name {
            /// Every value, as it is stored, shown and asked of the model.
            pub const WORDS: &'static [&'static str] = &[$($word),+];

            /// The value as a word.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// Reads a word; none for any other text.
            pub fn from_word(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

word_enum! {
    /// What the caller wants.
    Intent {
        /// A price for a project.
        Quote => "quote_request",
        /// A visit or a meeting.
        Appointment => "appointment",
        /// Something broke.
        Repair => "repair",
        /// A question before a project.
        Information => "information",
        /// About a project that runs already.
        ExistingProject => "existing_project",
        /// A complaint.
        Complaint => "complaint",
        /// To sell something.
        Solicitation => "solicitation",
        /// Somebody else.
        WrongNumber => "wrong_number",
        /// None of these.
        Other => "other",
    }
}

word_enum! {
    /// How the caller feels about it.
    Sentiment {
        /// Well.
        Positive => "positive",
        /// Neither way.
        Neutral => "neutral",
        /// Badly.
        Negative => "negative",
    }
}

word_enum! {
    /// What is to be remodeled.
    ProjectType {
        /// Kitchen.
        Kitchen => "kitchen",
        /// Bathroom.
        Bathroom => "bathroom",
        /// The whole home.
        WholeHome => "whole_home",
        /// A room more.
        Addition => "addition",
        /// Basement.
        Basement => "basement",
        /// Roof.
        Roofing => "roofing",
        /// Windows and doors.
        WindowsDoors => "windows_doors",
        /// Floors.
        Flooring => "flooring",
        /// Deck, patio, outside.
        Outdoor => "outdoor",
        /// Something else.
        Other => "other",
        /// Not said.
        Unknown => "unknown",
    }
}

word_enum! {
    /// When it should start.
    Timeline {
        /// At once.
        Immediate => "immediate",
        /// Within three months.
        OneToThreeMonths => "1_3_months",
        /// Three to six months from now.
        ThreeToSixMonths => "3_6_months",
        /// Later.
        SixMonthsPlus => "6_plus_months",
        /// Not said.
        Unknown => "unknown",
    }
}

word_enum! {
    /// What it may cost.
    Budget {
        /// Large for its kind.
        High => "high",
        /// Usual for its kind.
        Medium => "medium",
        /// Small for its kind.
        Low => "low",
        /// Not said.
        Unknown => "unknown",
    }
}

/// What the conversation means.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AnalysisSection {
    /// The input that was seen; see [`Revisions`].
    pub revision: u32,
    /// Who judged.
    pub engine: Engine,
    /// Version of our prompt and schema, or of our lexicon.
    pub prompt_version: String,
    /// What the caller wants.
    pub intent: Intent,
    /// How they feel about it.
    pub sentiment: Sentiment,
    /// What is to be remodeled.
    pub project_type: ProjectType,
    /// When.
    pub timeline: Timeline,
    /// For how much.
    pub budget: Budget,
    /// How promising the lead is, 0 to 100.
    pub lead_score: u8,
    /// How sure the engine is of the score, 0 to 1.
    pub confidence: f64,
    /// Why, each with the words that show it.
    pub reasons: Vec<Reason>,
    /// How likely it is spam, 0 to 100.
    pub spam_likelihood: f64,
    /// A few sentences.
    pub summary: String,
    /// ZIP code as said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub postal_code: Option<PostalCode>,
    /// Address as said: free text, for people only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Whether the model refused for safety: then a person decides.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_blocked: bool,
    /// Tokens that were used, all attempts together.
    #[serde(default)]
    pub tokens: Tokens,
}

/// Who judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "engine", content = "version")]
pub enum Engine {
    /// A model, by the id that answered.
    Model(String),
    /// Our own lexicon, while no model could be had.
    Rules(String),
}

/// One reason for a score.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// The reason in a few words.
    pub reason: String,
    /// What was said, word for word.
    pub quote: String,
}

/// Tokens that a model counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Tokens {
    /// What we sent.
    pub prompt: u32,
    /// What it answered.
    pub output: u32,
    /// What it thought; billed as output.
    pub thoughts: u32,
}

/// What follows from the analysis for this tenant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct QualificationSection {
    /// The input that was seen; see [`Revisions`].
    pub revision: u32,
    /// What the spam gate says.
    pub gate: SpamGate,
    /// Whether the project is in the service area.
    pub area: AreaVerdict,
    /// Version of the configuration that decided.
    pub config_version: u64,
    /// The CRMs that get it: connector by connection.
    pub destinations: BTreeMap<ConnectionName, String>,
    /// Whether people are told.
    pub notify: bool,
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
    /// The input that the last success had seen; see [`Revisions`].
    #[serde(default)]
    pub revision: u32,
    /// What the CRM calls the person, once it has them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact_id: Option<String>,
    /// What the CRM calls the job, once it has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deal_id: Option<String>,
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

/// One message to one person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// `email`.
    pub channel: String,
    /// Who got it.
    pub recipient: String,
    /// Whether it was taken by the provider; else `reason` says why not.
    pub is_sent: bool,
    /// The provider's id of the message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_id: Option<String>,
    /// Why it was not sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl Document {
    /// The call as it is best known: deliveries outrank the API, which fills what they leave out. Labels, note and
    /// value come from the API where it was asked again after the last delivery.
    pub fn call(&self) -> CallFacts {
        let Some(recording) = &self.recording else {
            return self.source.call.clone();
        };
        let mut call = self.source.call.or(&recording.call);
        if recording.is_refetched {
            call.overlay(&recording.call.labels());
        }
        call
    }

    /// What the deliveries say, with the labels that the API was asked for after the last of them.
    pub(crate) fn told(&self) -> CallFacts {
        let mut call = self.source.call.clone();
        if let Some(recording) = self.recording.as_ref().filter(|known| known.is_refetched) {
            call.overlay(&recording.call.labels());
        }
        call
    }

    /// The ZIP code of the project: as said, else as delivered.
    pub fn postal_code(&self) -> Option<&PostalCode> {
        self.analysis
            .as_ref()
            .and_then(|analysis| analysis.postal_code.as_ref())
            .or(self.contact.postal_code.as_ref())
    }
}
