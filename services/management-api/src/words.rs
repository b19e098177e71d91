//! The words of closed lists, as they are on the wire. Each is written down here, so that a change of the domain's own
//! names does not change an answer, and a new value does not compile until it has a word.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

// `tt`, not `literal`: utoipa does not see into a literal that a macro has matched.
macro_rules! words {
    ($($(#[$doc:meta])* $name:ident of $domain:ty { $($variant:ident => $word:tt),+ $(,)? })+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, Serialize, ToSchema)]
        pub(crate) enum $name { $(#[serde(rename = $word)] $variant),+ }

        impl From<$domain> for $name {
            fn from(value: $domain) -> Self {
                match value { $(<$domain>::$variant => Self::$variant),+ }
            }
        }
    )+};
}

words! {
    /// Where a request stands.
    Status of domain::Status {
        Received => "received",
        Processing => "processing",
        InReview => "in_review",
        Held => "held",
        Parked => "parked",
        Completed => "completed",
        Quarantined => "quarantined",
        OutOfArea => "out_of_area",
        Merged => "merged",
        Erased => "erased",
        Unrecognized => "unrecognized",
    }

    /// How a lead reached the company.
    Channel of domain::Channel {
        Phone => "phone",
        Text => "text",
        Form => "form",
        Calendar => "calendar",
        Chat => "chat",
        Api => "api",
    }

    /// What a person may do in one tenant.
    TenantRole of store::TenantRole {
        Viewer => "viewer",
        Operator => "operator",
        TenantAdmin => "tenant_admin",
    }

    /// What a caller may do.
    Role of crate::auth::Role {
        Viewer => "viewer",
        Operator => "operator",
        TenantAdmin => "tenant_admin",
        PlatformAdmin => "platform_admin",
    }

    /// What a key opens.
    Scope of store::Scope {
        Ingest => "ingest",
        Read => "read",
        Operate => "operate",
        Admin => "admin",
    }

    /// The order of a list of requests.
    RequestSort of store::RequestSort {
        Newest => "newest",
        Oldest => "oldest",
        Waiting => "waiting",
        Score => "score",
    }

    /// A field that a company may want of every lead.
    RequiredField of domain::RequiredField {
        Name => "name",
        Phone => "phone",
        Email => "email",
        Address => "address",
        City => "city",
        State => "state",
        PostalCode => "postal_code",
        Message => "message",
        ProjectType => "project_type",
        Budget => "budget",
        Timeline => "timeline",
        Consent => "consent",
    }

    /// What two linked requests have in common.
    LinkReason of domain::LinkReason {
        Phone => "phone",
        Email => "email",
    }

    /// Whether a booking stands.
    BookingStatus of domain::BookingStatus {
        Booked => "booked",
        Canceled => "canceled",
        NoShow => "no_show",
        Unrecognized => "unrecognized",
    }

    /// Whether a chat goes on.
    ChatStatus of domain::ChatStatus {
        Open => "open",
        Closed => "closed",
        Unrecognized => "unrecognized",
    }

    /// Who wrote a message: the lead, somebody of the company, or its software.
    Author of domain::Author {
        Customer => "customer",
        Agent => "agent",
        Bot => "bot",
    }

    /// A stage of the workflow.
    Stage of domain::Stage {
        Reading => "reading",
        Details => "details",
        Documents => "documents",
        Recording => "recording",
        Transcript => "transcript",
        Booking => "booking",
        Analysis => "analysis",
        Dispatch => "dispatch",
        Notification => "notification",
    }

    /// What the person wants.
    Intent of domain::Intent {
        Quote => "quote_request",
        Appointment => "appointment",
        Repair => "repair",
        Information => "information",
        ExistingProject => "existing_project",
        Complaint => "complaint",
        Solicitation => "solicitation",
        WrongNumber => "wrong_number",
        Other => "other",
    }

    /// How the person feels about it.
    Sentiment of domain::Sentiment {
        Positive => "positive",
        Neutral => "neutral",
        Negative => "negative",
    }

    /// What is to be remodeled.
    ProjectType of domain::ProjectType {
        Kitchen => "kitchen",
        Bathroom => "bathroom",
        WholeHome => "whole_home",
        Addition => "addition",
        Basement => "basement",
        Roofing => "roofing",
        WindowsDoors => "windows_doors",
        Flooring => "flooring",
        Outdoor => "outdoor",
        Other => "other",
        Unknown => "unknown",
    }

    /// When it should start.
    ProjectStart of domain::Timeline {
        Immediate => "immediate",
        OneToThreeMonths => "1_3_months",
        ThreeToSixMonths => "3_6_months",
        SixMonthsPlus => "6_plus_months",
        Unknown => "unknown",
    }

    /// What it may cost, compared with others of its kind.
    Budget of domain::Budget {
        High => "high",
        Medium => "medium",
        Low => "low",
        Unknown => "unknown",
    }

    /// Why a call has no audio.
    NoAudio of domain::NoAudio {
        NeverArrived => "never_arrived",
        NotRecorded => "not_recorded",
        Empty => "empty",
        Unreadable => "unreadable",
        TooLarge => "too_large",
        UnknownCall => "unknown_call",
        NotConnected => "not_connected",
    }

    /// What a job does.
    JobKind of store::jobs::JobKind {
        Redrive => "redrive",
        Replay => "replay",
        Release => "release",
        DryRun => "dry_run",
        Reconcile => "reconcile",
        Recount => "recount",
    }

    /// Where a job stands.
    JobState of store::jobs::JobState {
        Queued => "queued",
        Running => "running",
        Done => "done",
        Cancelled => "cancelled",
        Failed => "failed",
    }

    /// What another configuration would do differently: the request would end elsewhere, in other CRMs, or with other
    /// people.
    DryRunAspect of domain::DryRunAspect {
        Outcome => "outcome",
        Destinations => "destinations",
        Recipients => "recipients",
    }

    /// What the spam gate says.
    SpamGate of domain::SpamGate {
        Pass => "pass",
        Review => "review",
        Quarantine => "quarantine",
    }

    /// What a statement about the service area rests on.
    AreaBasis of domain::AreaBasis {
        Everywhere => "everywhere",
        PostalCode => "postal_code",
        Radius => "radius",
        Polygon => "polygon",
        Address => "address",
        CallerCity => "caller_city",
    }

    /// What came of asking a map where a project is.
    MapOutcome of domain::MapOutcome {
        Found => "found",
        Doubtful => "doubtful",
        NotFound => "not_found",
        OverQuota => "over_quota",
        Unavailable => "unavailable",
        Unrecognized => "unrecognized",
    }

    /// How somebody got in touch.
    TouchKind of domain::TouchKind {
        Call => "call",
        Text => "text",
        Email => "email",
        Visit => "visit",
        Other => "other",
    }

    /// What came of it.
    TouchOutcome of domain::TouchOutcome {
        Reached => "reached",
        LeftMessage => "left_message",
        NoAnswer => "no_answer",
        WrongPerson => "wrong_person",
    }

    /// What a person decided.
    Decision of domain::VerdictKind {
        Approved => "approved",
        Rejected => "rejected",
    }

    /// Where a request stands with one CRM.
    DispatchState of domain::DispatchState {
        Pending => "pending",
        Held => "held",
        Parked => "parked",
        Done => "done",
    }

    /// Where a step stands among its attempts: not failed yet, tried again within seconds, or within hours.
    Lane of domain::Lane {
        First => "first",
        Fast => "fast",
        Slow => "slow",
    }

    /// Whether a tenant takes part.
    TenantStatus of domain::TenantStatus {
        Active => "active",
        Suspended => "suspended",
    }

    /// Whether a source is in use.
    SourceState of store::SourceState {
        Active => "active",
        Disabled => "disabled",
    }

    /// Whether a connection works, as far as is known.
    ConnectionState of store::ConnectionState {
        Active => "active",
        Refused => "refused",
    }

    /// Why a step waits for a person.
    ParkCause of domain::ParkCause {
        Permanent => "permanent",
        Exhausted => "exhausted",
        Deadline => "deadline",
        CrashLoop => "crash_loop",
        Unreadable => "unreadable",
        Unreached => "unreached",
    }
}

// `tt` as above.
macro_rules! asked {
    ($($(#[$doc:meta])* $name:ident { $($variant:ident => $word:tt),+ $(,)? })+) => {$(
        $(#[$doc])*
        #[derive(Serialize, ToSchema)]
        #[expect(dead_code, reason = "describes the words of a list that callers may send")]
        pub(crate) enum $name { $(#[serde(rename = $word)] $variant),+ }
    )+};
}

asked! {
    /// Where a request may be asked to stand: one whose state a newer version wrote is not asked for.
    AskedStatus {
        Received => "received",
        Processing => "processing",
        InReview => "in_review",
        Held => "held",
        Parked => "parked",
        Completed => "completed",
        Quarantined => "quarantined",
        OutOfArea => "out_of_area",
        Merged => "merged",
        Erased => "erased",
    }

    /// What a job does that is started by `POST …/jobs`. A dry run is started with the office whose configuration it tries.
    NewJobKind {
        Redrive => "redrive",
        Replay => "replay",
        Release => "release",
        Reconcile => "reconcile",
        Recount => "recount",
    }
}

/// Whether the project is in the service area.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Area {
    /// It is.
    In,
    /// It is not.
    Out,
    /// Cannot be known: it goes on, flagged.
    Unknown,
}

/// Something that a reader should know before trusting the rest.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Flag {
    /// It was found at its provider by an audit, because its webhook had not come.
    Recovered,
    /// The call went on without its recording.
    NoRecording,
    /// A file that was to be read could not be: see `documents`.
    UnreadDocument,
    /// Our own rules judged it, because no model was available.
    AnalyzedByRules,
    /// Whether the project is in the service area cannot be known.
    AreaUnknown,
    /// The provider that it came from marked it as spam.
    MarkedSpam,
    /// A delivery, or the provider's API, said something that could not be read: see `unread_fields`.
    UnreadFields,
    /// A recipient was not told: see `notifications`.
    NotTold,
}

/// Whether there is audio.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RecordingState {
    /// It is archived.
    Stored,
    /// There is none; the call goes on without.
    Absent,
}

/// How a transcription went.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum TranscriptOutcome {
    /// Somebody spoke.
    Spoken,
    /// Nobody spoke.
    Silent,
    /// It could not be made; the call goes on without.
    Unavailable,
}

/// Who judged.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Engine {
    /// A model.
    Model,
    /// Our own rules.
    Rules,
}

/// The state of a step that is still to be done.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum WorkState {
    /// Runs once it is due.
    Ready,
    /// Runs now.
    InFlight,
    /// Waits until a connection is fixed.
    Held,
    /// Waits for a person.
    Parked,
}

/// How a step stopped.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum StopKind {
    /// It waits until a connection is fixed.
    Held,
    /// It waits for a person.
    Parked,
}

impl From<store::StopKind> for StopKind {
    fn from(stop: store::StopKind) -> Self {
        match stop {
            store::StopKind::Held => Self::Held,
            store::StopKind::Parked => Self::Parked,
        }
    }
}

impl From<StopKind> for store::StopKind {
    fn from(stop: StopKind) -> Self {
        match stop {
            StopKind::Held => Self::Held,
            StopKind::Parked => Self::Parked,
        }
    }
}
