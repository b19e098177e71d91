//! The vocabulary and the rules of the product. No I/O, no task, and nothing here reads a clock.

mod account;
mod area;
mod clock;
mod config;
mod contact;
pub mod dry_run;
pub mod effect;
mod failure;
pub mod figures;
mod ids;
pub mod lead;
pub mod loops;
pub mod metric_names;
pub mod name;
mod news;
mod phone;
mod posted;
pub mod qualification;
mod queue;
mod request_event;
mod retry;
mod stage;
mod tenant;
pub mod text;
pub mod transition;
mod words;
mod work;
pub mod workflow;

pub use account::{
    Account, AccountFault, AccountSpec, BaseUrl, CheckAccount, ClientProof, Grant, ProviderAnswer,
    RefreshSpec, SettingSpec, TokenEndpoint,
};
pub use area::{
    AddressMap, AreaBasis, AreaVerdict, City, Coordinates, MapAddress, MapAnswer, MapFault, Place,
    Polygon, Radius, ServiceArea,
};
pub use clock::{Clock, later};
pub use config::{
    ConfigError, ConfigFault, Difference, differences,
    office::{BusinessHours, OfficeDetails, TimeOfDay, TimeSpan},
    says_the_same, shape,
};
pub use contact::{ContactError, EmailAddress, PostalCode};
pub use dry_run::{ChangedRequest, DryRun, DryRunAspect, DryRunOutcome};
pub use effect::{
    Effect, EffectEnd, EffectFailure, EffectIntent, EffectKey, EffectLog, EffectOutcome,
    EffectState, EffectTiming, Effects, Lookup,
};
pub use failure::{Classify, Disposition, ParkCause, StageError};
pub use ids::{
    ApiKeyId, AuditId, ConnectionName, DispatchId, EventId, IdError, InvitationId, JobId,
    NotificationId, OfficeId, PersonId, RequestId, SessionId, SourceId, TenantId, UserId,
};
pub use lead::{
    About, AnalysisSection, ApiFacts, Attachment, Audio, Author, BookingFacts, BookingSection,
    BookingStatus, Brief, Budget, Busy, CallFacts, Channel, ChatFacts, ChatMessage, ChatStatus,
    Conflict, Consent, ContactSection, DetailsAnswer, DetailsSection, DispatchSection,
    DispatchState, Document, DocumentFacts, DocumentReading, DocumentsSection, Engine, Facts,
    FormFacts, Intent, KeptDocument, Labels, LeadRequest, Link, LinkReason, MAX_CONFLICTS,
    MAX_TOUCHES, MapOutcome, Message, NewTouch, NoAudio, NoDetails, Normalized,
    NotificationsSection, PersonFacts, ProjectType, QualificationSection, ReadValue, Reason,
    RecordingSection, Recovered, RemoteIds, RequiredField, Revisions, Sentiment, Slot,
    SourceSection, SpamGate, Span, Status, Talk, TextFacts, Timeline, Tokens, Touch, TouchKind,
    TouchOutcome, TranscriptSection, TranscriptState, Turn, UnknownBusy, Unlinked, Verdict,
    VerdictKind, Visits, conflicts,
};
pub use news::{Apart, News, Reading, Receipt};
pub use phone::E164;
pub use posted::PostedLead;
pub use queue::{DueWake, Outbox, OutboxRow, SettleResult, StoreError, Wanted, WorkQueue};
pub use request_event::RequestEvent;
pub use retry::{Lane, NextTry, RetryPolicy};
pub use stage::{
    Alias, Claim, Claimed, DispatchAttempt, NotificationRecord, OfficeConfig, Outcome, Record,
    Section, Stage, StageHandler, Usage,
};
pub use tenant::{
    ChannelRecipient, ChatPolicy, Destination, DocumentPolicy, DocumentReader, LinkPolicy,
    NotificationRules, Office, RecordingPolicy, SpamThresholds, Tenant, TenantStatus,
    WorkflowConfig,
};
pub use transition::{
    Change, Circle, LogEntry, Origin, Plan, RequestState, ReviewAction, SettleContext, Stale,
};
pub use work::{ClaimResult, OpenWork, Wake, WorkKey, WorkRow, WorkState};
