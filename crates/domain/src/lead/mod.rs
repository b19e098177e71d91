//! The unified request: whatever came in, in one shape, with one section for each stage.

mod analysis;
pub mod attribution;
pub mod brief;
mod channel;
mod documents;
mod facts;
pub mod links;
pub mod normalized;
mod required;
mod sections;
mod slot;
mod talk;
pub mod thread;
mod touch;

use std::{borrow::Cow, collections::BTreeMap, str::FromStr, sync::Arc};

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};

pub use analysis::{
    AnalysisSection, Budget, Engine, Intent, ProjectType, Reason, Sentiment, Timeline, Tokens,
};
pub use attribution::Visits;
pub use brief::Brief;
pub use channel::Channel;
pub use documents::{DocumentReading, DocumentsSection, KeptDocument, ReadValue};
pub use facts::{
    About, ApiFacts, BookingFacts, BookingStatus, CallFacts, ChatFacts, ChatStatus, Consent,
    DocumentFacts, Facts, FormFacts, Labels, PersonFacts, TextFacts,
};
pub use links::{Link, LinkReason, Unlinked};
pub use normalized::{Doubt, Normalized, NormalizedField};
pub use required::RequiredField;
pub use sections::{
    Audio, ContactSection, DetailsAnswer, DetailsSection, DispatchSection, DispatchState,
    MapOutcome, Message, NoAudio, NoDetails, NotificationsSection, QualificationSection,
    RecordingSection, Recovered, RemoteIds, SourceSection, SpamGate, TranscriptSection,
    TranscriptState, Turn, Verdict, VerdictKind,
};
pub use slot::{BookingSection, Busy, Conflict, MAX_CONFLICTS, Slot, Span, UnknownBusy, conflicts};
pub use talk::Talk;
pub use thread::{Attachment, Author, ChatMessage};
pub use touch::{MAX_TOUCHES, NewTouch, Touch, TouchKind, TouchOutcome};

use crate::{ConnectionName, PersonId, PostalCode, RequestId, Stage, TenantId, figures::Counted};

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
    /// What the figures count of it.
    pub counted: Arc<Counted>,
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
    /// A connection must be fixed first.
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
    /// A word that this build does not know, written by a newer one. It is shown, and never written.
    Unrecognized,
}

impl Status {
    /// Every status that this build writes, in the order of a request's life.
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
            Self::Unrecognized => "unrecognized",
        }
    }

    /// Reads [`Status::as_str`] from a store. A newer build may have written a word that this one does not know.
    pub fn from_stored(text: &str) -> Self {
        text.parse().unwrap_or(Self::Unrecognized)
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
    /// Version of this shape. It rises when an older build could no longer work on what a newer one wrote; a new
    /// section alone does not raise it.
    pub v: u16,
    /// What came in, and from where.
    pub source: SourceSection,
    /// Which input each stage should have seen; see [`Revisions`].
    #[serde(default)]
    pub revisions: Revisions,
    /// A person had it run again from this stage on: every stage behind it waits until it has run.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "known_stage"
    )]
    pub awaits: Option<Stage>,
    /// What was written of a chat, or by texts, and not judged yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub talk: Option<Talk>,
    /// How the person can be reached.
    #[serde(default)]
    pub contact: ContactSection,
    /// What the provider's API says of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<DetailsSection>,
    /// The files that came with a form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub documents: Option<DocumentsSection>,
    /// The audio of a call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recording: Option<RecordingSection>,
    /// What was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transcript: Option<TranscriptSection>,
    /// Whether something else takes a booking's time, too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub booking: Option<BookingSection>,
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
    /// Requests of the same person, who came by another door; and those that were taken for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<Link>,
    /// What people did about it, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub touches: Vec<Touch>,
    /// The request that this one turned out to be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merged_into: Option<RequestId>,
    /// Whether its personal data was erased.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub erased: bool,
    /// Sections of a newer build. They are written back as they were, so that a rollback loses nothing.
    #[serde(flatten)]
    pub rest: BTreeMap<String, serde_json::Value>,
}

/// A stage of a newer build is none that this one can name.
pub(crate) fn known_stage<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Stage>, D::Error> {
    let word = Option::<Cow<'de, str>>::deserialize(deserializer)?;
    Ok(word.and_then(|word| word.parse().ok()))
}

/// The revision of each stage's input, by the stage's name. A section carries the revision that its stage saw; a lower
/// one is stale, and the stage runs again. So a later event that arrives while a stage runs is never lost.
///
/// The names are text, so that the counter of a newer build's stage survives being written by this one.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Revisions(BTreeMap<Cow<'static, str>, u32>);

impl Revisions {
    /// Qualification is part of the analysis stage, but runs again by itself: it asks no model.
    const QUALIFICATION: &'static str = "qualification";

    /// The revision of a stage's input. For [`Stage::Notification`] it is part of the messages' names.
    pub fn of(&self, stage: Stage) -> u32 {
        self.0.get(stage.as_str()).copied().unwrap_or_default()
    }

    /// The revision of what qualifies the request.
    pub fn of_qualification(&self) -> u32 {
        self.0.get(Self::QUALIFICATION).copied().unwrap_or_default()
    }

    /// Makes a stage's section stale.
    pub fn raise(&mut self, stage: Stage) {
        *self.0.entry(stage.as_str().into()).or_default() += 1;
    }

    /// Makes the qualification stale.
    pub fn raise_qualification(&mut self) {
        *self.0.entry(Self::QUALIFICATION.into()).or_default() += 1;
    }

    /// Takes over what is higher for these stages in another request's revisions.
    pub(crate) fn raise_to(&mut self, other: &Self, stages: &[Stage]) {
        for stage in stages {
            let theirs = other.of(*stage);
            if theirs > self.of(*stage) {
                self.0.insert(stage.as_str().into(), theirs);
            }
        }
    }
}

impl Document {
    /// The version of this shape that this build writes. It rises with a change that an older build could not carry
    /// along: a new field inside a section, a new word. Unknown sections are carried along as they are.
    pub const VERSION: u16 = 1;

    /// The document of a request that is new.
    pub fn new(source: SourceSection) -> Self {
        Self {
            v: Self::VERSION,
            source,
            revisions: Revisions::default(),
            awaits: None,
            talk: None,
            contact: ContactSection::default(),
            details: None,
            documents: None,
            recording: None,
            transcript: None,
            booking: None,
            analysis: None,
            qualification: None,
            verdict: None,
            dispatches: BTreeMap::new(),
            notifications: None,
            links: Vec::new(),
            touches: Vec::new(),
            merged_into: None,
            erased: false,
            rest: BTreeMap::new(),
        }
    }

    /// How the lead reached the company.
    pub const fn channel(&self) -> Channel {
        self.source.said.about.channel()
    }

    /// The channel as it is stored, also one of a newer build.
    pub fn channel_word(&self) -> &str {
        match &self.source.said.about {
            About::Unrecognized(map) => map.get("channel").and_then(serde_json::Value::as_str),
            _ => None,
        }
        .unwrap_or_else(|| self.channel().as_str())
    }

    /// The facts as they are best known: deliveries outrank the API, which fills what they leave out, and what was read of
    /// files fills what both leave out. Labels come from the API if it was asked after the last delivery.
    pub fn facts(&self) -> Facts {
        let typed = self.facts_without_documents();
        match self
            .documents
            .as_ref()
            .and_then(|section| section.said.as_deref())
        {
            Some(read) => typed.or(read),
            None => typed,
        }
    }

    /// The same without what was read of files.
    pub fn facts_without_documents(&self) -> Facts {
        let Some(details) = self.details.as_ref().and_then(DetailsSection::facts) else {
            return self.source.said.clone();
        };
        let mut facts = self.source.said.or(details);
        self.take_newer_labels(&mut facts);
        facts
    }

    /// What the deliveries say, with the labels that the API was asked for after the last of them.
    pub(crate) fn delivered_facts(&self) -> Facts {
        let mut facts = self.source.said.clone();
        self.take_newer_labels(&mut facts);
        facts
    }

    fn take_newer_labels(&self, facts: &mut Facts) {
        if let Some(details) = self.details.as_ref().filter(|details| details.is_newer)
            && let Some(newer) = details.facts()
        {
            facts.labels.overlay(&newer.labels);
        }
    }

    /// Whether it is known to be of another thing than the one with this canonical id. Two such requests are never one,
    /// whatever alias they share.
    pub fn is_other_than(&self, canonical_id: Option<&str>) -> bool {
        let mine = self.canonical_id();
        mine.is_some() && canonical_id.is_some() && mine != canonical_id
    }

    /// Whether what a delivery says can be the same person's, about the same wish, as what this request says: the next
    /// step of a form, or one that was sent again with a correction. Two people share a number, an address or an id
    /// that a tool gives everybody, and are told apart by what else they say.
    pub fn can_go_on_with(&self, facts: &Facts) -> bool {
        let mine = self.facts();
        let is_one_submission = mine.external_id.is_some() && mine.external_id == facts.external_id;
        let (words, other_words) = (mine.about.message(), facts.about.message());
        let are_other_words = words.zip(other_words).is_some_and(|(a, b)| a != b);
        (is_one_submission || !are_other_words) && mine.can_be_of_one_person(facts)
    }

    /// The thing's id at its provider that no other thing has, if a delivery or the API named it.
    pub fn canonical_id(&self) -> Option<&str> {
        let details = self.details.as_ref().and_then(DetailsSection::facts);
        let said = self.source.said.canonical_id.as_deref();
        said.or(details.and_then(|facts| facts.canonical_id.as_deref()))
    }

    /// How the person can be reached. The section is filled when a stage first settles; before that it is derived.
    pub fn contact(&self) -> ContactSection {
        if self.contact == ContactSection::default() {
            self.facts().contact()
        } else {
            self.contact.clone()
        }
    }

    /// The ZIP code of the project: as said, else as delivered.
    pub fn postal_code(&self) -> Option<&PostalCode> {
        self.analysis
            .as_ref()
            .and_then(|analysis| analysis.postal_code.as_ref())
            .or(self.contact.postal_code.as_ref())
    }
}
