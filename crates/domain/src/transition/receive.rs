//! A delivery: it makes a request, or changes one that is known.

use std::{mem, sync::Arc, time::Duration};

use jiff::Timestamp;

use super::{Origin, Plan, RequestState, close};
use crate::{
    DetailsAnswer, Document, Facts, LeadRequest, News, OpenWork, ParkCause, Recovered, RequestId,
    SourceSection, Stage, Status,
    workflow::{self, Reentry},
};

/// A new request from a first delivery. An error says why the delivery could not be read.
pub fn receive(id: RequestId, origin: &Origin, news: Result<News, String>, now: Timestamp) -> Plan {
    let (said, is_modified, delay, unread) = match news {
        Ok(mut news) => {
            news.facts.date_messages(now);
            (news.facts, news.is_modified, news.delay, None)
        }
        Err(reason) => {
            let said = Facts::nothing(origin.channel);
            (said, false, Duration::ZERO, Some(reason))
        }
    };
    let mut document = Document::new(SourceSection {
        provider: origin.provider.clone(),
        source: origin.source,
        office: origin.office,
        events: 1,
        last_event: origin.event,
        is_modified,
        unread: unread.clone(),
        recovered: origin.recovered.map(|happened_at| Recovered {
            at: now,
            happened_at,
        }),
        said,
    });
    if unread.is_none() {
        workflow::note_talk(&mut document, now);
    }
    let request = LeadRequest {
        id,
        tenant: origin.tenant.clone(),
        version: 0,
        created_at: now,
        updated_at: now,
        status: Status::Received,
        person: None,
        counted: Arc::default(),
        document,
    };
    let mut state = RequestState {
        request,
        work: OpenWork::default(),
        log: Vec::new(),
        before: None,
    };
    state.note(
        now,
        "received",
        Some(match &state.request.document.source.recovered {
            None => format!("first delivery by {}", origin.provider),
            Some(recovered) => format!(
                "found at {} {} min after it happened: its webhook had not come",
                origin.provider,
                recovered.minutes_late()
            ),
        }),
    );
    state.advance(now, delay, origin.traceparent.as_deref());
    if let Some(reason) = unread {
        let key = state.key(Stage::Reading, "");
        state
            .work
            .change(&key, |row| row.park(ParkCause::Unreadable, reason, None));
    }
    let mut plan = Plan::default();
    let change = state.finish(now, &mut plan.wakes);
    plan.changes.push(change);
    plan
}

/// A later delivery of something that is known. `others` are further requests that its aliases belong to.
pub fn receive_again(
    mut state: RequestState,
    others: Vec<RequestState>,
    origin: &Origin,
    news: &News,
    now: Timestamp,
) -> Plan {
    let document = &mut state.request.document;
    let before = document.facts();
    let source = &mut document.source;
    source.events += 1;
    source.last_event = origin.event;
    source.unread = None;
    if !source.is_overtaken(news)
        && let Some(details) = &mut document.details
        && mem::take(&mut details.is_newer)
    {
        // From here on the deliveries are newer than the API's answer. What it said of labels stays until they differ.
        source.said.labels.overlay(&before.labels);
    }
    source.absorb(news);
    source.said.date_messages(now);
    if let Some(DetailsAnswer::Known(facts)) =
        document.details.as_mut().map(|details| &mut details.answer)
    {
        // What was taken back is not kept for as long as the API is not asked again.
        facts.about.take_back(&news.facts.about);
    }
    let mut reentry = workflow::reenter(&before, &document.facts());
    let announces_recording =
        |facts: &Facts| facts.about.call().and_then(|call| call.has_recording) == Some(true);
    if announces_recording(&news.facts) && workflow::is_audio_missing(document) {
        reentry.gather = Some(Stage::Recording);
    }
    state.note(
        now,
        "received",
        Some(format!("later delivery by {}", origin.provider)),
    );
    let document = &mut state.request.document;
    let has_details = document
        .details
        .as_ref()
        .is_some_and(|details| details.facts().is_some());
    // The provider may know it by the id that is new.
    let is_to_be_asked =
        news.is_thin || (!has_details && before.external_id != document.facts().external_id);
    if !workflow::is_withheld(document) {
        if is_to_be_asked {
            workflow::raise_stage(document, &state.work, Stage::Details);
        }
        if is_to_be_asked || reentry.gather == Some(Stage::Analysis) {
            workflow::note_talk(document, now);
        }
    }
    rework(&mut state, reentry, news.delay, origin, now);
    close(state, others, now)
}

/// A delivery that came before. The thing may have changed since, or changed back, so its API is asked.
pub fn refetch(mut state: RequestState, origin: &Origin, now: Timestamp) -> Plan {
    let document = &mut state.request.document;
    document.source.last_event = origin.event;
    let has_details = document.channel().position(Stage::Details).is_some();
    if has_details && !workflow::is_withheld(document) {
        // A first answer that is still to come counts as newer, too: its labels outrank those of the deliveries.
        document.revisions.raise(Stage::Details);
        if !workflow::is_audio_stored(document) {
            workflow::raise_stage(document, &state.work, Stage::Recording);
        }
    }
    state.note(
        now,
        "received",
        Some("a delivery came again, so the provider is asked".to_owned()),
    );
    rework(&mut state, Reentry::default(), Duration::ZERO, origin, now);
    close(state, Vec::new(), now)
}

/// Makes stages run again, unless the request is withheld: then later events are only stored.
fn rework(
    state: &mut RequestState,
    reentry: Reentry,
    delay: Duration,
    origin: &Origin,
    now: Timestamp,
) {
    let document = &mut state.request.document;
    if workflow::is_withheld(document) {
        // This opens nothing now. If the request is let through later, the CRMs get what was stored meanwhile.
        if reentry.dispatch {
            document.revisions.raise(Stage::Dispatch);
        }
        if state.work.is_running(Stage::Details) {
            // The API may have answered before this delivery, and its labels must not outrank the delivery's.
            let key = state.key(Stage::Details, "");
            state.work.change(&key, |row| row.request_rerun(now, delay));
        }
        // A step that a person replayed may have waited for just this delivery.
        state.advance(now, Duration::ZERO, origin.traceparent.as_deref());
        return;
    }
    workflow::raise(document, &state.work, reentry);
    if reentry.gather == Some(Stage::Recording) {
        // The API may have answered while the call was still going on.
        workflow::raise_stage(document, &state.work, Stage::Details);
    }
    let open: Vec<_> = state.work.iter().map(|row| row.key.clone()).collect();
    for key in open {
        let is_concerned = match key.stage {
            // Each may be waiting for just this event.
            Stage::Reading | Stage::Details | Stage::Recording => true,
            Stage::Documents => reentry.documents,
            Stage::Booking => reentry.booking,
            // Its input is the archived audio, which no delivery changes.
            Stage::Transcript => false,
            Stage::Analysis => reentry.qualification || reentry.gather == Some(Stage::Analysis),
            Stage::Dispatch => reentry.dispatch,
            // People are not told twice.
            Stage::Notification => false,
        };
        let is_talking = workflow::is_talking(&state.request.document);
        state.work.change(&key, |row| {
            // Whoever writes on does not end the pause that a step waits for.
            if is_concerned && !(is_talking && row.is_paused()) {
                row.request_rerun(now, delay);
            }
        });
    }
    state.advance(now, Duration::ZERO, origin.traceparent.as_deref());
}
