//! The workflow: what follows from what a request's document holds. Pure functions, the only place that knows.

use std::time::Duration;

use crate::{
    AreaVerdict, Audio, CallFacts, ContactSection, DispatchState, Document, E164, EmailAddress,
    Lane, LeadRequest, NoAudio, OpenWork, PostalCode, SpamGate, Stage, Status, TranscriptState,
    VerdictKind, WorkState, text,
};

/// A step that should be open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The stage.
    pub stage: Stage,
    /// For a dispatch, the name of its connection; else empty.
    pub target: String,
    /// How long it should wait.
    pub delay: Duration,
}

impl Step {
    fn now(stage: Stage) -> Self {
        Self {
            stage,
            target: String::new(),
            delay: Duration::ZERO,
        }
    }
}

/// Where a qualified request goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// On to CRM and people.
    Dispatch,
    /// A person decides.
    Review,
    /// Spam: kept apart.
    Quarantine,
    /// Outside the service area.
    OutOfArea,
}

/// What the analysis, the configuration and a person's verdict say together; none before qualification.
pub fn decision(document: &Document) -> Option<Decision> {
    let qualification = document.qualification.as_ref()?;
    let gate = match document.verdict.as_ref().map(|verdict| verdict.decision) {
        Some(VerdictKind::Rejected) => return Some(Decision::Quarantine),
        Some(VerdictKind::Approved) => SpamGate::Pass,
        None => qualification.gate,
    };
    Some(match (gate, qualification.area) {
        (SpamGate::Quarantine, _) => Decision::Quarantine,
        (SpamGate::Review, _) => Decision::Review,
        (SpamGate::Pass, AreaVerdict::Out(_)) => Decision::OutOfArea,
        (SpamGate::Pass, AreaVerdict::In(_) | AreaVerdict::Unknown) => Decision::Dispatch,
    })
}

/// The steps that should be open but are not. Total, and runs inside every settle on the request as re-read there.
pub fn next(request: &LeadRequest, open: &OpenWork) -> Vec<Step> {
    let document = &request.document;
    if document.erased || document.merged_into.is_some() {
        return Vec::new();
    }
    let mut steps = Vec::new();
    let mut want = |stage: Stage, is_missing: bool| {
        if is_missing && !open.has(stage, "") {
            steps.push(Step::now(stage));
        }
        is_missing
    };
    // A recording that is looked for once more keeps nobody waiting: what it brings makes the later stages run again.
    if want(Stage::Reading, document.source.unread.is_some())
        || (want(Stage::Recording, needs_recording(document))
            && (document.recording.is_none() || document.revisions.awaits_recording))
        || want(Stage::Transcript, needs_transcript(document))
        || want(
            Stage::Analysis,
            needs_model(document) || needs_qualification(document),
        )
    {
        return steps;
    }
    match decision(document) {
        Some(Decision::Dispatch) => steps.extend(effects(document, open)),
        Some(Decision::Review | Decision::Quarantine | Decision::OutOfArea) | None => {}
    }
    steps
}

/// Dispatches that are missing or out of date, and the notification once none is in its first try or fast lane. A
/// dispatch that waits (for its breaker, or to learn what came of its first try) has had its try.
fn effects(document: &Document, open: &OpenWork) -> Vec<Step> {
    let Some(qualification) = &document.qualification else {
        return Vec::new();
    };
    let mut steps: Vec<_> = qualification
        .destinations
        .keys()
        .filter(|name| {
            needs_dispatch(document, name.as_str()) && !open.has(Stage::Dispatch, name.as_str())
        })
        .map(|name| Step {
            stage: Stage::Dispatch,
            target: name.to_string(),
            delay: Duration::ZERO,
        })
        .collect();
    let is_dispatching = !steps.is_empty()
        || open.iter().any(|row| {
            row.key.stage == Stage::Dispatch
                && row.lane < Lane::Slow
                && row.waits == 0
                && matches!(row.state, WorkState::Ready | WorkState::InFlight { .. })
        });
    if qualification.notify && document.notifications.is_none() && !is_dispatching {
        steps.push(Step::now(Stage::Notification));
    }
    steps
}

/// Whether the call's details and audio must be fetched, for the first time or anew.
pub fn needs_recording(document: &Document) -> bool {
    document
        .recording
        .as_ref()
        .is_none_or(|section| section.revision < document.revisions.recording)
}

/// Whether there is audio without its transcript, or a person wants it anew.
pub fn needs_transcript(document: &Document) -> bool {
    match document.recording.as_ref().map(|section| &section.audio) {
        Some(Audio::Stored { sha256, .. }) => {
            document.transcript.as_ref().is_none_or(|transcript| {
                transcript.audio_sha256 != *sha256
                    || transcript.revision < document.revisions.transcript
            })
        }
        Some(Audio::Absent { .. }) | None => false,
    }
}

/// Whether the conversation must be judged, for the first time or anew.
pub fn needs_model(document: &Document) -> bool {
    document
        .analysis
        .as_ref()
        .is_none_or(|section| section.revision < document.revisions.analysis)
}

/// Whether it must be decided where the request goes, for the first time or anew.
pub fn needs_qualification(document: &Document) -> bool {
    document
        .qualification
        .as_ref()
        .is_none_or(|section| section.revision < document.revisions.qualification)
}

fn needs_dispatch(document: &Document, connection: &str) -> bool {
    document
        .dispatches
        .iter()
        .find(|(name, _)| name.as_str() == connection)
        .is_none_or(|(_, section)| {
            section.state != DispatchState::Done || section.revision < document.revisions.dispatch
        })
}

/// Where a request stands, from its document and open work alone.
pub fn status(document: &Document, open: &OpenWork) -> Status {
    let any = |test: fn(&WorkState) -> bool| open.iter().any(|row| test(&row.state));
    if document.erased {
        Status::Erased
    } else if document.merged_into.is_some() {
        Status::Merged
    } else if any(|state| matches!(state, WorkState::Parked { .. })) {
        Status::Parked
    } else if any(|state| matches!(state, WorkState::Held { .. })) {
        Status::Held
    } else if decision(document) == Some(Decision::Review) {
        Status::InReview
    } else if !open.is_empty() {
        let is_untouched = open
            .iter()
            .all(|row| row.claims == 0 && row.failures == 0 && row.reason.is_none());
        let is_new = document.recording.is_none() && document.source.unread.is_none();
        if is_untouched && is_new {
            Status::Received
        } else {
            Status::Processing
        }
    } else {
        match decision(document) {
            Some(Decision::Quarantine) => Status::Quarantined,
            Some(Decision::OutOfArea) => Status::OutOfArea,
            Some(Decision::Dispatch | Decision::Review) | None => Status::Completed,
        }
    }
}

/// What a later event makes run again. Never a notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reentry {
    /// Details and audio.
    pub recording: bool,
    /// Qualification.
    pub qualification: bool,
    /// The CRMs.
    pub dispatch: bool,
}

/// What the difference between two states of a call makes run again.
pub fn reenter(before: &CallFacts, after: &CallFacts) -> Reentry {
    let reach = |call: &CallFacts| {
        (
            call.caller_number.clone(),
            call.caller_email.clone(),
            call.caller_postal_code.clone(),
        )
    };
    let labels = |call: &CallFacts| {
        (
            call.tags.clone(),
            call.note.clone(),
            call.value.clone(),
            call.lead_status.clone(),
            call.caller_name.clone(),
        )
    };
    let is_moved = reach(before) != reach(after);
    Reentry {
        recording: before.has_recording != Some(true) && after.has_recording == Some(true),
        qualification: is_moved,
        dispatch: is_moved || labels(before) != labels(after),
    }
}

/// Raises the revisions of what `reentry` makes run again. Stages that have not begun yet read the new data anyway.
pub fn raise(document: &mut Document, open: &OpenWork, reentry: Reentry) {
    let raised = |revision: &mut u32, is_due: bool| *revision += u32::from(is_due);
    raised(
        &mut document.revisions.recording,
        reentry.recording && (document.recording.is_some() || open.is_running(Stage::Recording)),
    );
    raised(
        &mut document.revisions.qualification,
        reentry.qualification
            && (document.qualification.is_some() || open.is_running(Stage::Analysis)),
    );
    raised(&mut document.revisions.dispatch, reentry.dispatch);
}

/// Asks for a new analysis because the text changed. One that has not begun yet reads the new text anyway.
pub(crate) fn raise_analysis(document: &mut Document, open: &OpenWork) {
    let is_begun = document.analysis.is_some() || open.is_running(Stage::Analysis);
    document.revisions.analysis += u32::from(is_begun);
}

/// Whether the request is kept from CRM and people: then later events are stored only.
pub(crate) fn is_kept_back(document: &Document) -> bool {
    match decision(document) {
        Some(Decision::Review | Decision::Quarantine | Decision::OutOfArea) => true,
        Some(Decision::Dispatch) | None => false,
    }
}

/// Whether the call's audio may have come since it was looked for.
pub(crate) fn is_audio_missing(document: &Document) -> bool {
    let audio = document.recording.as_ref().map(|section| &section.audio);
    match audio {
        Some(Audio::Absent { reason }) => match reason {
            NoAudio::NeverArrived
            | NoAudio::NotRecorded
            | NoAudio::UnknownCall
            | NoAudio::NotConnected => true,
            NoAudio::Empty | NoAudio::Unreadable | NoAudio::TooLarge => false,
        },
        Some(Audio::Stored { .. }) | None => false,
    }
}

/// How the person can be reached, from the call as it is best known. The company's own numbers and withheld ones are
/// no way to reach anybody.
pub fn contact(call: &CallFacts) -> ContactSection {
    let number = |raw: &Option<String>| raw.as_deref().and_then(|raw| E164::parse(raw).ok());
    let own = [number(&call.tracking_number), number(&call.business_number)];
    let line = |raw: &Option<String>, max| raw.as_deref().and_then(|raw| text::line(raw, max));
    ContactSection {
        name: line(&call.caller_name, 200),
        phone: number(&call.caller_number)
            .filter(|phone| !phone.is_withheld() && !own.contains(&Some(phone.clone()))),
        email: call
            .caller_email
            .as_deref()
            .and_then(|raw| EmailAddress::parse(raw).ok()),
        city: line(&call.caller_city, 100),
        state: line(&call.caller_state, 50),
        postal_code: call
            .caller_postal_code
            .as_deref()
            .and_then(|raw| PostalCode::parse(raw).ok()),
    }
}

/// Whether there is a transcript in which somebody spoke.
pub fn is_spoken(document: &Document) -> bool {
    document
        .transcript
        .as_ref()
        .is_some_and(|transcript| transcript.state == TranscriptState::Spoken)
}
