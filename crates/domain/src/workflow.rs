//! The workflow: what follows from what a request's document holds. Pure functions, the only place that knows.
//!
//! Which stages a request passes is data of its [`Channel`]; the functions here only walk over them.

use std::time::Duration;

use jiff::Timestamp;

use crate::{
    About, AreaVerdict, Audio, Channel, DispatchSection, DispatchState, Document, Facts, Lane,
    LeadRequest, NoAudio, OpenWork, QualificationSection, SpamGate, Stage, Status, Talk,
    TranscriptState, Verdict, VerdictKind, WorkState, WorkflowConfig,
};

/// A step that should be open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The stage.
    pub stage: Stage,
    /// For a dispatch, the name of its connection; else empty.
    pub target: String,
    /// How long it waits before it is due.
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
pub enum Route {
    /// On to CRM and people.
    Dispatch,
    /// A person decides.
    Review,
    /// Spam: kept apart.
    Quarantine,
    /// Outside the service area.
    OutOfArea,
}

/// What the analysis, the configuration and a person's verdict say together. `None` before qualification.
pub fn route(document: &Document) -> Option<Route> {
    let qualification = document.qualification.as_ref()?;
    Some(route_by(qualification, document.verdict.as_ref()))
}

/// What this qualification and a person's verdict say together.
pub(crate) fn route_by(qualification: &QualificationSection, verdict: Option<&Verdict>) -> Route {
    let overrules_area = verdict.is_some_and(|verdict| verdict.overrules_area);
    let gate = match verdict.map(|verdict| verdict.decision) {
        Some(VerdictKind::Rejected) => return Route::Quarantine,
        Some(VerdictKind::Approved) => SpamGate::Pass,
        None => qualification.gate,
    };
    match (gate, qualification.area) {
        (SpamGate::Quarantine, _) => Route::Quarantine,
        (SpamGate::Review, _) => Route::Review,
        (SpamGate::Pass, AreaVerdict::Out(_)) if !overrules_area => Route::OutOfArea,
        (SpamGate::Pass, _) => Route::Dispatch,
    }
}

/// Why a lead reached nobody when this stage is done, for the person who must look, and the provider's words where
/// there are any. A lead whose office's saved configuration names nobody is meant to reach nobody.
pub(crate) fn unreached(document: &Document, stage: Stage) -> Option<(String, Option<String>)> {
    if route(document) != Some(Route::Dispatch) {
        return None;
    }
    match stage {
        Stage::Analysis => {
            let qualification = document.qualification.as_ref()?;
            let is_alone = qualification.destinations.is_empty() && !qualification.notify;
            let is_unset = is_alone && qualification.config_version == 0;
            let is_in_crm = |section: &DispatchSection| section.state == DispatchState::Done;
            (is_unset && !document.dispatches.values().any(is_in_crm)).then(|| {
                let why = "no CRM and no recipient is configured, so the lead would reach nobody: set up an office \
                           (`pipeline office add`, or POST …/offices) and its configuration (`pipeline config set`, or \
                           PUT …/offices/{office_id}/config), then redrive";
                (why.to_owned(), None)
            })
        }
        Stage::Notification => {
            let section = document.notifications.as_ref()?;
            section.told_nobody().then(|| {
                let why =
                    "none of the recipients was told: mend what each message says, then redrive";
                let first = section.messages.first();
                (
                    why.to_owned(),
                    first.and_then(|message| message.reason.clone()),
                )
            })
        }
        Stage::Reading
        | Stage::Details
        | Stage::Documents
        | Stage::Recording
        | Stage::Transcript
        | Stage::Booking
        | Stage::Dispatch => None,
    }
}

/// The steps that should be open but are not. Total, and runs inside every settle on the request as re-read there.
pub fn next(request: &LeadRequest, open: &OpenWork) -> Vec<Step> {
    let document = &request.document;
    if document.erased || document.merged_into.is_some() {
        return Vec::new();
    }
    let mut steps = Vec::new();
    for stage in document.channel().pipeline() {
        if !needs(document, stage) {
            continue;
        }
        if !open.has(stage, "") {
            steps.push(Step::now(stage));
        }
        if blocks(document, stage) {
            return steps;
        }
    }
    match route(document) {
        Some(Route::Dispatch) => steps.extend(effects(document, open)),
        Some(Route::Review | Route::Quarantine | Route::OutOfArea) | None => {}
    }
    steps
}

/// Whether a stage of the pipeline has something to do: for the first time, or because its input changed.
pub fn needs(document: &Document, stage: Stage) -> bool {
    let is_stale = |revision: Option<u32>| {
        revision.is_none_or(|revision| revision < document.revisions.of(stage))
    };
    match stage {
        Stage::Reading => document.source.unread.is_some(),
        Stage::Details => is_stale(document.details.as_ref().map(|section| section.revision)),
        Stage::Documents => {
            // Most forms have no files.
            !document.source.said.about.files().is_empty()
                && is_stale(document.documents.as_ref().map(|section| section.revision))
        }
        Stage::Recording => is_stale(document.recording.as_ref().map(|section| section.revision)),
        Stage::Transcript => needs_transcript(document),
        Stage::Booking => is_stale(document.booking.as_ref().map(|section| section.revision)),
        Stage::Analysis => needs_model(document) || needs_qualification(document),
        // Opened by the route, not by the pipeline.
        Stage::Dispatch | Stage::Notification => false,
    }
}

/// Whether the stages behind this one wait for it. Fetching details or audio once more does not hold up the rest: what
/// it brings makes the later stages run again. Only a person's replay waits for it.
fn blocks(document: &Document, stage: Stage) -> bool {
    let is_first_time = match stage {
        // A chat's thread is fetched before it is judged: else it would be judged twice.
        Stage::Details => document.details.is_none() || document.talk.is_some(),
        Stage::Documents => document.documents.is_none(),
        Stage::Recording => document.recording.is_none(),
        Stage::Booking => document.booking.is_none(),
        _ => return true,
    };
    is_first_time || is_awaited(document, stage)
}

/// Whether a person's replay from an earlier stage, or this one, waits for this stage.
fn is_awaited(document: &Document, stage: Stage) -> bool {
    let channel = document.channel();
    let from = document.awaits.and_then(|from| channel.position(from));
    from.is_some_and(|from| channel.position(stage).is_some_and(|at| at >= from))
}

/// Ends a replay's wait once nothing is left to gather.
pub(crate) fn end_wait(document: &mut Document) {
    let gathering = document.channel().gathering();
    let is_waiting = gathering
        .iter()
        .any(|stage| is_awaited(document, *stage) && needs(document, *stage));
    if !is_waiting {
        document.awaits = None;
    }
}

/// Until when this stage of a chat, or of texts, waits for whoever may be writing still: the thread is fetched and judged
/// once, after a pause. `None`: it does not wait. Neither does a chat that was closed, or what a person replays.
pub fn pause(
    document: &Document,
    stage: Stage,
    config: &WorkflowConfig,
    now: Timestamp,
) -> Option<Timestamp> {
    if !matches!(stage, Stage::Details | Stage::Analysis) {
        return None;
    }
    let policy = match document.channel() {
        Channel::Text => &config.texts,
        _ => &config.chat,
    };
    let talk = document.talk.filter(|_| is_talking(document))?;
    Some(talk.ends(policy)).filter(|until| *until > now)
}

/// Whether somebody may be writing on: something was written that is not judged yet, and nobody closed the chat. Nobody
/// closes texts.
pub(crate) fn is_talking(document: &Document) -> bool {
    let is_open = || match document.facts().about {
        About::Chat(chat) => !chat.is_closed(),
        About::Text(_) => true,
        _ => false,
    };
    document.talk.is_some() && is_open()
}

/// Something was written now, or may have been, that is to be judged.
pub(crate) fn note_talk(document: &mut Document, now: Timestamp) {
    if matches!(document.channel(), Channel::Chat | Channel::Text) {
        document.talk = Some(Talk::goes_on(document.talk, now));
    }
}

/// Forgets what was written once all of it is judged.
pub(crate) fn end_talk(document: &mut Document) {
    let asks = document.channel().position(Stage::Details).is_some();
    let waits_for_details = asks && needs(document, Stage::Details);
    if !waits_for_details && !needs_model(document) {
        document.talk = None;
    }
}

/// Dispatches that are missing or stale, and the notification once none is in its first try or fast lane. A dispatch
/// that waits (for its breaker, or to learn what came of its first try) has had its try.
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

/// Whether there is audio without its transcript, or a person wants it transcribed again.
fn needs_transcript(document: &Document) -> bool {
    match document.recording.as_ref().map(|section| &section.audio) {
        Some(Audio::Stored { sha256, .. }) => {
            document.transcript.as_ref().is_none_or(|transcript| {
                transcript.audio_sha256 != *sha256
                    || transcript.revision < document.revisions.of(Stage::Transcript)
            })
        }
        Some(Audio::Absent { .. }) | None => false,
    }
}

/// Whether the request must be judged, for the first time or again.
pub fn needs_model(document: &Document) -> bool {
    document
        .analysis
        .as_ref()
        .is_none_or(|section| section.revision < document.revisions.of(Stage::Analysis))
}

/// Whether it must be decided where the request goes, for the first time or again.
pub fn needs_qualification(document: &Document) -> bool {
    document
        .qualification
        .as_ref()
        .is_none_or(|section| section.revision < document.revisions.of_qualification())
}

fn needs_dispatch(document: &Document, connection: &str) -> bool {
    document
        .dispatches
        .iter()
        .find(|(name, _)| name.as_str() == connection)
        .is_none_or(|(_, section)| {
            section.state != DispatchState::Done
                || section.revision < document.revisions.of(Stage::Dispatch)
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
    } else if route(document) == Some(Route::Review) {
        Status::InReview
    } else if !open.is_empty() {
        let is_untouched = open
            .iter()
            .all(|row| row.claims == 0 && row.failures == 0 && row.reason.is_none());
        if is_untouched && is_new(document) {
            Status::Received
        } else {
            Status::Processing
        }
    } else {
        match route(document) {
            Some(Route::Quarantine) => Status::Quarantined,
            Some(Route::OutOfArea) => Status::OutOfArea,
            Some(Route::Dispatch | Route::Review) | None => Status::Completed,
        }
    }
}

/// Whether no stage has written anything yet.
fn is_new(document: &Document) -> bool {
    document.source.unread.is_none()
        && document.details.is_none()
        && document.documents.is_none()
        && document.recording.is_none()
        && document.booking.is_none()
        && document.analysis.is_none()
}

/// What a later event makes run again. Never a notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reentry {
    /// The first stage whose input changed: one that gathers, or the analysis.
    pub gather: Option<Stage>,
    /// Whether a booking's time is free: it was moved, called off, or given to somebody else.
    pub booking: bool,
    /// The files of a form.
    pub documents: bool,
    /// Qualification.
    pub qualification: bool,
    /// The CRMs.
    pub dispatch: bool,
}

/// What the difference between two states of a lead makes run again.
pub fn reenter(before: &Facts, after: &Facts) -> Reentry {
    let reach = |facts: &Facts| {
        let person = &facts.person;
        (
            person.phone.clone(),
            person.email.clone(),
            person.postal_code.clone(),
            person.address.clone(),
        )
    };
    let is_moved = reach(before) != reach(after);
    // What people typed is read by the model, which may have taken their ZIP code of before for the project's.
    let place = |facts: &Facts| {
        let person = facts.person.clone();
        (
            person.postal_code,
            person.address,
            person.city,
            person.state,
        )
    };
    let is_typed = !after.about.channel().is_by_number();
    let is_place_corrected = is_typed && place(before) != place(after);
    // What a company wants of every lead, and what may be missing.
    let given = |facts: &Facts| {
        let person = &facts.person;
        let (city, state) = (person.city.is_some(), person.state.is_some());
        (person.name.is_some(), city, state, facts.consent.is_some())
    };
    Reentry {
        gather: before
            .about
            .gather_again(&after.about)
            .or_else(|| is_place_corrected.then_some(Stage::Analysis)),
        booking: before.about.slot("") != after.about.slot(""),
        documents: before.about.files() != after.about.files(),
        qualification: is_moved
            || before.marked_spam != after.marked_spam
            || given(before) != given(after)
            || before.required_fields != after.required_fields,
        dispatch: is_moved
            || before.labels != after.labels
            || before.person.name != after.person.name
            || before.about.is_shown_differently(&after.about),
    }
}

/// Raises the revisions of what `reentry` makes run again. Stages that have not begun yet read the new data anyway.
pub fn raise(document: &mut Document, open: &OpenWork, reentry: Reentry) {
    if let Some(stage) = reentry.gather {
        raise_stage(document, open, stage);
        let details = document.details.as_ref();
        if details.is_some_and(|details| details.facts().is_none()) {
            // The provider may know the lead by now, or the tenant may have connected its account.
            document.revisions.raise(Stage::Details);
        }
    }
    if reentry.booking {
        raise_stage(document, open, Stage::Booking);
    }
    if reentry.documents {
        raise_stage(document, open, Stage::Documents);
    }
    if reentry.qualification
        && (document.qualification.is_some() || open.is_running(Stage::Analysis))
    {
        document.revisions.raise_qualification();
    }
    if reentry.dispatch {
        document.revisions.raise(Stage::Dispatch);
    }
}

/// Makes a stage run again because its input changed. One that has not begun yet reads the new input anyway.
pub(crate) fn raise_stage(document: &mut Document, open: &OpenWork, stage: Stage) {
    let has_run = match stage {
        Stage::Details => document.details.is_some(),
        Stage::Recording => document.recording.is_some(),
        Stage::Documents => document.documents.is_some(),
        Stage::Booking => document.booking.is_some(),
        Stage::Analysis => document.analysis.is_some(),
        Stage::Reading | Stage::Transcript | Stage::Dispatch | Stage::Notification => false,
    };
    if has_run || open.is_running(stage) {
        document.revisions.raise(stage);
    }
}

/// Whether the request is withheld from CRMs and people. Then later events are only stored.
pub(crate) fn is_withheld(document: &Document) -> bool {
    match route(document) {
        Some(Route::Review | Route::Quarantine | Route::OutOfArea) => true,
        Some(Route::Dispatch) | None => false,
    }
}

/// Whether the call's audio is archived.
pub(crate) fn is_audio_stored(document: &Document) -> bool {
    let audio = document.recording.as_ref().map(|section| &section.audio);
    matches!(audio, Some(Audio::Stored { .. }))
}

/// Whether the call's audio may have become available since it was fetched.
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

/// Whether there is a transcript in which somebody spoke.
pub fn is_spoken(document: &Document) -> bool {
    document
        .transcript
        .as_ref()
        .is_some_and(|transcript| transcript.state == TranscriptState::Spoken)
}
