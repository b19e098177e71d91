//! What happened, and what is still to be done.

use domain::{LogEntry, Usage, WorkRow};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::given;
use crate::words::{Lane, ParkCause, Stage, WorkState};

/// Something that happened.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TimelineEntry {
    /// When.
    at: Timestamp,
    /// In which stage; null for the request as a whole.
    stage: Option<Stage>,
    /// For a dispatch, its connection.
    target: Option<String>,
    /// What, in a word, such as `received`, `done`, `waiting`, `retry`, `held`, `parked` or `completed`.
    outcome: String,
    /// What, in a sentence.
    detail: Option<String>,
    /// How long the step took, in milliseconds.
    duration_ms: Option<u64>,
}

impl From<LogEntry> for TimelineEntry {
    fn from(entry: LogEntry) -> Self {
        Self {
            at: entry.at,
            stage: entry.stage.map(Into::into),
            target: given(entry.target),
            outcome: entry.outcome,
            detail: entry.detail,
            duration_ms: entry.duration_ms,
        }
    }
}

/// A step that is still to be done.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct OpenWork {
    /// The stage.
    stage: Stage,
    /// For a dispatch, its connection.
    target: Option<String>,
    /// Its state.
    state: WorkState,
    /// The connection that it waits for while it is held.
    held_for: Option<String>,
    /// Why it is parked.
    park_cause: Option<ParkCause>,
    /// Where it stands among its attempts.
    lane: Lane,
    /// Not before this time.
    due_at: Timestamp,
    /// Failed attempts.
    attempts: u32,
    /// How often it was not yet time.
    waits: u32,
    /// When waiting or retrying ends.
    deadline: Option<Timestamp>,
    /// Why it waits, was held or parked, in a sentence.
    reason: Option<String>,
    /// The provider's last answer.
    answer: Option<String>,
}

impl From<WorkRow> for OpenWork {
    fn from(row: WorkRow) -> Self {
        let (state, held_for, park_cause) = match row.state {
            domain::WorkState::Ready => (WorkState::Ready, None, None),
            domain::WorkState::InFlight { .. } => (WorkState::InFlight, None, None),
            domain::WorkState::Held { connection, .. } => {
                (WorkState::Held, Some(connection.to_string()), None)
            }
            domain::WorkState::Parked { cause } => (WorkState::Parked, None, Some(cause.into())),
        };
        Self {
            stage: row.key.stage.into(),
            target: given(row.key.target),
            state,
            held_for,
            park_cause,
            lane: row.lane.into(),
            due_at: row.due_at,
            attempts: row.failures,
            waits: row.waits,
            deadline: row.deadline,
            reason: row.reason,
            answer: row.answer,
        }
    }
}

/// A paid operation.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct UsageLine {
    /// When.
    at: Timestamp,
    /// What is counted: `speech_seconds`, `document_pages`, `model_prompt_tokens`, `model_output_tokens`, `map_lookups`, `emails`.
    unit: String,
    /// How much.
    amount: u64,
    /// By which model or service.
    by: String,
}

impl From<(Timestamp, Usage)> for UsageLine {
    fn from((at, usage): (Timestamp, Usage)) -> Self {
        Self {
            at,
            unit: usage.unit,
            amount: usage.amount,
            by: usage.by,
        }
    }
}
