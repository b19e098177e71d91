//! What was said: the audio of a call, and its transcript.

use domain::{Audio, TranscriptSection, TranscriptState};
use serde::Serialize;
use utoipa::ToSchema;

use crate::words::{NoAudio, RecordingState, TranscriptOutcome};

/// The audio of a call, or why there is none.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Recording {
    /// Whether there is audio.
    state: RecordingState,
    /// Length in milliseconds, measured from the file.
    duration_ms: Option<u64>,
    /// Size in bytes.
    size_bytes: Option<u64>,
    /// SHA-256 of the file, lower-case hexadecimal.
    sha256: Option<String>,
    /// Why there is none.
    reason: Option<NoAudio>,
}

impl From<Audio> for Recording {
    fn from(audio: Audio) -> Self {
        match audio {
            Audio::Stored {
                name: _, // where it is kept is nobody's business
                sha256,
                size_bytes,
                duration_ms,
            } => Self {
                state: RecordingState::Stored,
                duration_ms: Some(duration_ms),
                size_bytes: Some(size_bytes),
                sha256: Some(sha256),
                reason: None,
            },
            Audio::Absent { reason } => Self {
                state: RecordingState::Absent,
                duration_ms: None,
                size_bytes: None,
                sha256: None,
                reason: Some(reason.into()),
            },
        }
    }
}

/// What was said.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Transcript {
    /// How it went.
    outcome: TranscriptOutcome,
    /// Why it could not be made.
    reason: Option<String>,
    /// The engine.
    engine: String,
    /// BCP-47 language.
    language: Option<String>,
    /// Seconds that the provider charges for.
    billed_seconds: u32,
    /// The turns, in order of time.
    turns: Vec<Turn>,
}

/// What one speaker said before another spoke.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Turn {
    /// The engine's label: who spoke, not what their part was.
    speaker: String,
    /// Start, in milliseconds from the recording's start.
    start_ms: u64,
    /// End, in milliseconds from the recording's start.
    end_ms: u64,
    /// The words.
    text: String,
}

impl From<TranscriptSection> for Transcript {
    fn from(section: TranscriptSection) -> Self {
        let (outcome, reason) = match section.state {
            TranscriptState::Spoken => (TranscriptOutcome::Spoken, None),
            TranscriptState::Silent => (TranscriptOutcome::Silent, None),
            TranscriptState::Unavailable { reason } => {
                (TranscriptOutcome::Unavailable, Some(reason))
            }
        };
        let turn = |turn: domain::Turn| Turn {
            speaker: turn.speaker,
            start_ms: turn.start_ms,
            end_ms: turn.end_ms,
            text: turn.text,
        };
        Self {
            outcome,
            reason,
            engine: section.engine,
            language: section.language,
            billed_seconds: section.billed_seconds,
            turns: section.turns.into_iter().map(turn).collect(),
        }
    }
}
