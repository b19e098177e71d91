//! Stages: their names, what a stage is given, and what it answers.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    AnalysisSection, BookingSection, ConnectionName, DetailsSection, DispatchSection, Disposition,
    DocumentsSection, LeadRequest, NotificationsSection, ParkCause, QualificationSection,
    RecordingSection, RemoteIds, RequestId, SourceSection, StageError, TranscriptSection, Wake,
    WorkKey, WorkRow, WorkflowConfig, words::words,
};

words! {
    /// A stage of the workflow. Which ones a request passes, and in which order, is its channel's business:
    /// [`Channel::pipeline`](crate::Channel::pipeline). Stages have no order of their own.
    pub enum Stage ("a stage") {
        /// Reads a stored delivery that could not be read when it came.
        Reading => "reading",
        /// Asks the provider's API about the lead.
        Details => "details",
        /// Keeps the files of a form, and has them read where its company wants that.
        Documents => "documents",
        /// Fetches a call's audio.
        Recording => "recording",
        /// Turns audio into text.
        Transcript => "transcript",
        /// Looks whether something else takes a booking's time, too.
        Booking => "booking",
        /// Judges what was said or written, and qualifies the request.
        Analysis => "analysis",
        /// Pushes the request into one CRM.
        Dispatch => "dispatch",
        /// Notifies people.
        Notification => "notification",
    }
}

/// Handles the claimed work of one stage.
#[async_trait]
pub trait StageHandler: Send + Sync {
    /// Which stage.
    fn stage(&self) -> Stage;

    /// Does the work. It may run again after a crash at any point, and must then do no outside effect twice.
    ///
    /// # Errors
    /// [`StageError`] says what to do next: retry, hold or park.
    async fn handle(&self, job: &Claimed) -> Result<Outcome, StageError>;
}

/// Work that is ours until its lease ends, with the request as it was when it was claimed.
#[derive(Debug)]
pub struct Claimed {
    /// The row, as claimed: its token is the proof.
    pub row: WorkRow,
    /// The request.
    pub request: LeadRequest,
    /// The configuration of its office, and its version.
    pub config: Arc<OfficeConfig>,
    records: Mutex<Vec<Record>>,
    wakes: Mutex<Vec<Wake>>,
}

/// The configuration that applies to a request.
#[derive(Debug, Clone, Default)]
pub struct OfficeConfig {
    /// The tenant's name, as people read it.
    pub tenant_name: String,
    /// The office's IANA time zone; empty when there is no office.
    pub time_zone: String,
    /// The configuration.
    pub workflow: WorkflowConfig,
    /// Its version.
    pub version: u64,
}

impl Claimed {
    /// Claimed work. Only a store makes it.
    pub fn new(row: WorkRow, request: LeadRequest, config: Arc<OfficeConfig>) -> Self {
        Self {
            row,
            request,
            config,
            records: Mutex::default(),
            wakes: Mutex::default(),
        }
    }

    /// The proof that the work is ours.
    pub fn claim_token(&self) -> Claim {
        Claim {
            key: self.row.key.clone(),
            token: self.row.token,
        }
    }

    /// Keeps a record of something done; it is stored with the settle, whatever the outcome.
    pub fn record(&self, record: Record) {
        self.records
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(record);
    }

    /// The records kept so far, in order; they are taken out.
    pub fn take_records(&self) -> Vec<Record> {
        std::mem::take(&mut *self.records.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Has steps of other requests woken, which this one made due: once it has ended, whatever its outcome.
    pub fn wake(&self, others: impl IntoIterator<Item = Wake>) {
        self.wakes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend(others);
    }

    /// Whom to wake; they are taken out.
    pub fn take_wakes(&self) -> Vec<Wake> {
        std::mem::take(&mut *self.wakes.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The proof that a row is ours: nothing is written without it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Which row.
    pub key: WorkKey,
    /// Its token since the claim.
    pub token: u64,
}

/// What came of a step.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// It is done.
    Done {
        /// The sections that it wrote.
        sections: Vec<Section>,
        /// Other names of the same thing that it learned.
        aliases: Vec<Alias>,
    },
    /// Not yet: no failure.
    Wait {
        /// When to look again.
        until: Timestamp,
        /// What is waited for.
        reason: String,
        /// When waiting ends and a person must look.
        deadline: Option<Timestamp>,
    },
    /// People are still writing: no failure, and no wait that counts.
    Pause {
        /// When to look again.
        until: Timestamp,
    },
    /// It failed and is tried again.
    Retry {
        /// Not before this, from now.
        after: Option<std::time::Duration>,
        /// Why.
        reason: String,
        /// The provider's answer.
        answer: Option<String>,
    },
    /// The connection must be mended first.
    Hold {
        /// Which.
        connection: ConnectionName,
        /// The version of its secret that failed.
        version: u64,
        /// Why.
        reason: String,
        /// The provider's answer.
        answer: Option<String>,
    },
    /// A person must look.
    Park {
        /// Why.
        cause: ParkCause,
        /// Why, in a sentence.
        reason: String,
        /// The provider's answer.
        answer: Option<String>,
    },
    /// This request is the same as another.
    Merge {
        /// The other.
        other: RequestId,
    },
}

impl Outcome {
    /// Done, with one section.
    pub fn done(section: Section) -> Self {
        Self::Done {
            sections: vec![section],
            aliases: Vec::new(),
        }
    }

    /// Not yet.
    pub fn wait(until: Timestamp, reason: impl Into<String>) -> Self {
        Self::Wait {
            until,
            reason: reason.into(),
            deadline: None,
        }
    }

    /// As it stands in the timeline.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Done { .. } => "done",
            Self::Wait { .. } | Self::Pause { .. } => "waiting",
            Self::Retry { .. } => "retry",
            Self::Hold { .. } => "held",
            Self::Park { .. } => "parked",
            Self::Merge { .. } => "merged",
        }
    }
}

impl From<StageError> for Outcome {
    fn from(error: StageError) -> Self {
        let StageError {
            disposition,
            reason,
            answer,
            connection,
        } = error;
        match (disposition, connection) {
            (Disposition::Retry { after }, _) => Self::Retry {
                after,
                reason,
                answer,
            },
            (Disposition::Hold, Some((connection, version))) => Self::Hold {
                connection,
                version,
                reason,
                answer,
            },
            // Nothing could release it: a person must look.
            (Disposition::Hold, None) | (Disposition::Park, _) => Self::Park {
                cause: ParkCause::Permanent,
                reason,
                answer,
            },
        }
    }
}

/// What a stage writes into the document.
#[derive(Debug, Clone, PartialEq)]
pub enum Section {
    /// The delivery, read at last.
    Source(Box<SourceSection>),
    /// What the provider's API says.
    Details(DetailsSection),
    /// The files of a form.
    Documents(Box<DocumentsSection>),
    /// The audio.
    Recording(RecordingSection),
    /// What was said.
    Transcript(TranscriptSection),
    /// Whether something else takes its time.
    Booking(BookingSection),
    /// What it means.
    Analysis(Box<AnalysisSection>),
    /// What follows from that.
    Qualification(QualificationSection),
    /// One CRM's state.
    Dispatch(ConnectionName, DispatchSection),
    /// Messages to people.
    Notifications(NotificationsSection),
}

/// Another name of a request's thing, at its provider.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Alias {
    /// Who gave the id: the provider's slug, and behind it whose it is where it is not the provider's
    /// ([`Alias::scoped`]). At most 64 characters.
    pub provider: String,
    /// What kind of thing: `call`, `form`.
    pub kind: String,
    /// The id.
    pub value: String,
}

impl Alias {
    /// The kind of a name by circumstances: when a thing began, and between whom. A delivery leaves it with its request,
    /// and joins nothing by it: only what the provider's API says of a thing does.
    pub const BEGINNING: &str = "beginning";

    /// The kind of the name that marks what was found at the provider, because its webhook had not come.
    pub const RECOVERED: &str = "recovered";

    /// What stands between a provider's slug and whose an id is. No slug holds it.
    const SCOPE: char = '/';

    /// The same id among those of one sender alone, such as a source: an equal id of another sender's is another name.
    #[must_use]
    pub fn scoped(&self, scope: &str) -> Self {
        Self {
            provider: format!("{}{}{scope}", self.provider, Self::SCOPE),
            ..self.clone()
        }
    }

    /// What the id was called when every id was taken for the provider's own; none for one that is.
    pub fn unscoped(&self) -> Option<Self> {
        let (provider, _) = self.provider.split_once(Self::SCOPE)?;
        Some(Self {
            provider: provider.to_owned(),
            ..self.clone()
        })
    }

    /// Whether a delivery that has this name is about the request that has it already.
    pub fn joins_deliveries(&self) -> bool {
        self.kind != Self::BEGINNING && self.kind != Self::RECOVERED
    }
}

/// A record of something that was done, stored with the settle.
#[derive(Debug, Clone, PartialEq)]
pub enum Record {
    /// An attempt to push into a CRM.
    Dispatch(DispatchAttempt),
    /// A message to a person.
    Notification(NotificationRecord),
    /// A paid operation.
    Usage(Usage),
}

/// An attempt to push a request into a CRM.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DispatchAttempt {
    /// The connector's slug.
    pub connector: String,
    /// The connection.
    pub connection: ConnectionName,
    /// When it began.
    pub at: Timestamp,
    /// How long it took, in milliseconds.
    pub latency_ms: u64,
    /// `done`, or what went wrong in a word.
    pub outcome: String,
    /// What the CRM calls the records that were written.
    pub external_ids: RemoteIds,
    /// The CRM's answer where it refused, capped.
    pub answer: Option<String>,
    /// The status of the last answer that came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// What was sent last, where it failed, capped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent: Option<String>,
    /// How many bytes of both were left out by their caps.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub bytes_cut: u64,
    /// The version of the connection's field mapping that it went by; 0: none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub mapping_version: u64,
}

const fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// A message to a person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NotificationRecord {
    /// `email`, or the slug of the chat's provider.
    pub channel: String,
    /// Who got it.
    pub recipient: String,
    /// The template and its version.
    pub template: String,
    /// When.
    pub at: Timestamp,
    /// `sent`, or why not in a word.
    pub outcome: String,
    /// The provider's id.
    pub provider_id: Option<String>,
    /// How long the provider took, in milliseconds; `None` where it was not called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency_ms: Option<u64>,
    /// The status of its answer, if one came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Its answer where it failed, capped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
    /// How many bytes of the answer were left out by its cap.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub bytes_cut: u64,
}

/// A paid operation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// What: `speech_seconds`, `document_pages`, `model_prompt_tokens`, `model_output_tokens`, `map_lookups`, `emails`.
    pub unit: String,
    /// How much.
    pub amount: u64,
    /// By which model or service.
    pub by: String,
}
