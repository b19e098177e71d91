//! Two requests that turn out to be the same thing become one.

use std::time::Duration;

use jiff::Timestamp;

use super::RequestState;
use crate::{Document, Link, MAX_TOUCHES, Stage, Talk, workflow};

/// Makes one of two requests that are the same: `(winner, loser)`. The one that has had effects wins, else the older.
/// Two that both had effects stay apart, because a CRM already shows both.
pub(super) fn merge(
    a: RequestState,
    b: RequestState,
    now: Timestamp,
) -> Result<(RequestState, RequestState), Box<RequestState>> {
    let (mut winner, mut loser) = choose(a, b, now)?;
    let gathered: Vec<_> = [Stage::Details, Stage::Recording]
        .into_iter()
        .filter(|stage| !workflow::needs(&winner.request.document, *stage))
        .collect();
    let (into, from) = (&mut winner.request.document, &loser.request.document);
    let before = into.facts();

    let disagree = unite_deliveries(into, from);
    let shared = [
        Stage::Details,
        Stage::Documents,
        Stage::Recording,
        Stage::Booking,
        Stage::Analysis,
        Stage::Transcript,
        Stage::Notification,
    ];
    into.revisions.raise_to(&from.revisions, &shared);
    take_gathered(into, from);
    let is_running = winner.work.is_running(Stage::Analysis);
    if !take_judgment(into, from, is_running) {
        workflow::raise_stage(into, &winner.work, Stage::Analysis);
    }
    into.talk = Talk::united(into.talk, from.talk);
    if into.verdict.is_none() {
        into.verdict.clone_from(&from.verdict);
    }
    into.touches.extend(from.touches.iter().cloned());
    into.touches.sort_by_key(|touch| touch.at);
    into.touches.truncate(MAX_TOUCHES);
    if disagree && into.channel().position(Stage::Details).is_some() {
        into.revisions.raise(Stage::Details);
    }
    // What the other request knew is no later event, so it counts even if the request is withheld.
    let reentry = workflow::reenter(&before, &into.facts());
    workflow::raise(into, &winner.work, reentry);
    workflow::end_wait(into);
    workflow::end_talk(into);

    unite_links(&mut winner, &loser);
    loser.request.document.merged_into = Some(winner.request.id);
    loser.work.remove_all();
    let (winner_id, loser_id) = (winner.request.id, loser.request.id);
    winner.note(now, "merged", Some(format!("{loser_id} was the same")));
    loser.note(now, "merging", Some(format!("is the same as {winner_id}")));
    drop_needless_steps(&mut winner, &gathered, now);
    winner.advance(now, Duration::ZERO, None);
    Ok((winner, loser))
}

/// Takes over the other's links. Two that are one are linked no longer.
fn unite_links(winner: &mut RequestState, loser: &RequestState) {
    let (id, other) = (winner.request.id, loser.request.id);
    let links = &mut winner.request.document.links;
    links.retain(|link| link.request != other);
    for link in &loser.request.document.links {
        let is_known = |known: &Link| (known.request, known.reason) == (link.request, link.reason);
        if link.request != id && !links.iter().any(is_known) {
            links.push(link.clone());
        }
    }
    links.sort_by_key(|link| (link.came_at, link.request, link.reason));
}

/// Which of the two goes on.
fn choose(
    a: RequestState,
    b: RequestState,
    now: Timestamp,
) -> Result<(RequestState, RequestState), Box<RequestState>> {
    match (a.has_effects(), b.has_effects()) {
        (true, true) => {
            let why = format!("{} is the same, but both were dispatched", b.request.id);
            let mut apart = a;
            apart.note(now, "kept_apart", Some(why));
            Err(Box::new(apart))
        }
        (true, false) => Ok((a, b)),
        (false, false) if a.request.id < b.request.id => Ok((a, b)),
        (false, _) => Ok((b, a)),
    }
}

/// Unites what the deliveries of both said. Returns whether they disagree about labels: an older delivery may have
/// arrived last, and the provider's answer later than either, so then the provider must be asked again.
fn unite_deliveries(into: &mut Document, from: &Document) -> bool {
    // An edit outranks first reports; of the same kind, what was delivered last counts.
    let rank = |document: &Document| (document.source.is_modified, document.source.last_event);
    let (newer, older) = if rank(from) > rank(into) {
        (from.delivered_facts(), into.delivered_facts())
    } else {
        (into.delivered_facts(), from.delivered_facts())
    };
    let said = newer.or(&older);
    let disagree = said.labels != older.or(&newer).labels;
    let source = &mut into.source;
    source.said = said;
    source.is_modified |= from.source.is_modified;
    source.events += from.source.events;
    source.last_event = source.last_event.max(from.source.last_event);
    if from.source.unread.is_none() {
        source.unread = None;
    }
    disagree
}

/// Takes over what the other gathered and the winner lacks.
fn take_gathered(into: &mut Document, from: &Document) {
    let has_facts = |document: &Document| {
        let details = document.details.as_ref();
        details.is_some_and(|details| details.facts().is_some())
    };
    if into.details.is_none() || (!has_facts(into) && has_facts(from)) {
        into.details.clone_from(&from.details);
    }
    if let Some(details) = &mut into.details {
        // The labels of both were united above; whichever API answered first no longer outranks them.
        details.is_newer = false;
    }
    match (&mut into.documents, &from.documents) {
        (Some(mine), Some(theirs)) => mine.unite(theirs),
        (mine, theirs) if mine.is_none() => mine.clone_from(theirs),
        _ => {}
    }
    if into.booking.is_none() {
        into.booking.clone_from(&from.booking);
    }
    let has_audio = workflow::is_audio_stored;
    if into.recording.is_none() || (!has_audio(into) && has_audio(from)) {
        into.recording.clone_from(&from.recording);
    }
}

/// Takes over the other's transcript and analysis where the winner has none. Returns whether the analysis that is kept,
/// or running (`is_running`), has seen the words that are kept: transcript, messages, answers.
fn take_judgment(into: &mut Document, from: &Document, is_running: bool) -> bool {
    let is_winners = into.analysis.is_some() || is_running;
    let seen = if is_winners {
        &into.transcript
    } else {
        &from.transcript
    };
    let has_seen_transcript =
        into.transcript.as_ref().or(from.transcript.as_ref()) == seen.as_ref();
    // Words that are new to the winner's own analysis make it run again like those of a later event.
    let has_seen_words = is_winners || {
        let difference = from.facts().about.gather_again(&into.facts().about);
        difference != Some(Stage::Analysis)
    };
    if into.transcript.is_none() {
        into.transcript.clone_from(&from.transcript);
    }
    if !is_winners {
        into.analysis.clone_from(&from.analysis);
    }
    has_seen_transcript && has_seen_words
}

/// Removes steps that the merge made needless; the others run on the united document. `gathered` are the stages that the
/// winner had finished before: an open step of those fetches again, for news, and stays.
fn drop_needless_steps(winner: &mut RequestState, gathered: &[Stage], now: Timestamp) {
    let document = &winner.request.document;
    let needless: Vec<_> = winner
        .work
        .iter()
        .filter(|row| match row.key.stage {
            Stage::Reading | Stage::Documents | Stage::Transcript | Stage::Booking => {
                !workflow::needs(document, row.key.stage)
            }
            Stage::Details | Stage::Recording => {
                !gathered.contains(&row.key.stage) && !workflow::needs(document, row.key.stage)
            }
            Stage::Analysis | Stage::Dispatch | Stage::Notification => false,
        })
        .map(|row| row.key.clone())
        .collect();
    for key in &needless {
        winner.work.remove(key);
    }
    // What waits for the provider may wait for just what the other request brought.
    for stage in [Stage::Details, Stage::Recording] {
        let waiting = winner.key(stage, "");
        winner
            .work
            .change(&waiting, |row| row.request_rerun(now, Duration::ZERO));
    }
}
