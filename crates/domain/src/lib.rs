//! The vocabulary and the rules of the product. No I/O, no task, and nothing here reads a clock.
#![warn(missing_docs)]

mod announcement;
mod area;
mod clock;
mod contact;
mod effects;
mod failure;
mod ids;
pub mod metric_names;
pub mod qualification;
mod queue;
mod request;
mod retry;
mod stage;
mod tenant;
pub mod text;
pub mod transition;
mod work;
pub mod workflow;

pub use announcement::Announcement;
pub use area::{AreaBasis, AreaVerdict, City, Coordinates, Place, Radius, ServiceArea};
pub use clock::{Clock, later};
pub use contact::{ContactError, E164, EmailAddress, PostalCode};
pub use effects::{EffectFailure, EffectKey, EffectTiming, Effects, Lookup, Once};
pub use failure::{Classify, Disposition, ParkCause, StageError};
pub use ids::{
    AuditId, ConnectionName, DispatchId, EventId, IdError, NotificationId, OfficeId, PersonId,
    RequestId, SourceId, TenantId,
};
pub use queue::{
    DueWake, EffectEnd, EffectLog, Intent, Outbox, OutboxRow, Settled, StoreError, WorkQueue,
};
pub use request::{
    AnalysisSection, Audio, Budget, CallFacts, ContactSection, DispatchSection, DispatchState,
    Document, Engine, Intent as CallerIntent, LeadRequest, Message, NoAudio, NotificationsSection,
    ProjectType, QualificationSection, Reason, RecordingSection, Revisions, Sentiment,
    SourceSection, SpamGate, Status, Timeline, Tokens, TranscriptSection, TranscriptState, Turn,
    Verdict, VerdictKind,
};
pub use retry::{Lane, NextTry, RetryPolicy};
pub use stage::{
    Alias, Claim, Claimed, DispatchAttempt, NotificationRecord, OfficeConfig, Outcome, Record,
    Section, StageHandler, Usage,
};
pub use tenant::{
    ConfigError, Destination, NotificationRules, Office, RecordingPolicy, SpamThresholds, Tenant,
    TenantStatus, WorkflowConfig,
};
pub use transition::{
    Change, Inbound, LogEntry, Origin, Plan, RequestState, Ruling, SettleContext, Stale,
};
pub use work::{ClaimResult, OpenWork, Stage, Wake, WorkKey, WorkRow, WorkState};
