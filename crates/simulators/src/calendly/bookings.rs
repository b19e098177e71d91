//! The bookings of the simulated Calendly, and how they are shown.

use std::collections::BTreeMap;

use jiff::{Timestamp, ToSpan};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{ORIGIN, USER};

/// How many bookings are kept that were only read.
const INVENTED: usize = 10_000;

/// How a booking differs from the usual one.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Wanted {
    /// The person's name.
    pub name: String,
    /// Their address.
    pub email: String,
    /// The number that is reminded by text.
    pub phone: Option<String>,
    /// Their time zone.
    pub time_zone: String,
    /// When it begins.
    pub starts_at: Timestamp,
    /// How long it takes.
    pub minutes: i64,
    /// What was booked.
    pub service: String,
    /// How many people may book one event.
    pub limit: u32,
    /// Where it takes place, as the API shows it.
    pub location: Value,
    /// Questions with their answers.
    pub answers: Vec<(String, String)>,
    /// Campaign tags.
    pub tracking: BTreeMap<String, String>,
    /// The routing form submission that led to it, by its id.
    pub submission: Option<String>,
    /// It does not exist, or the token may not see it.
    pub missing: bool,
}

impl Default for Wanted {
    fn default() -> Self {
        let text = str::to_owned;
        Self {
            name: text("Dana Whitfield"),
            email: text("dana.whitfield@example.com"),
            phone: Some(text("+1 512-555-0142")),
            time_zone: text("America/Chicago"),
            starts_at: Timestamp::constant(1_796_054_400, 0),
            minutes: 60,
            service: text("In-home kitchen estimate (60 min)"),
            limit: 1,
            location: json!({ "type": "physical", "location": "78664, Round Rock TX" }),
            answers: vec![
                (
                    text("What is the project?"),
                    text("Kitchen remodel, 200 sq ft, new cabinets"),
                ),
                (text("Phone"), text("+1 512-555-0142")),
                (text("ZIP code"), text("78664")),
            ],
            tracking: BTreeMap::from([
                (text("utm_campaign"), text("austin-kitchen-remodel")),
                (text("utm_source"), text("google")),
                (text("utm_medium"), text("cpc")),
            ]),
            submission: None,
            missing: false,
        }
    }
}

/// Where a booking goes.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Move {
    /// When it begins now. Default: a day later.
    pub starts_at: Option<Timestamp>,
}

/// What somebody answers to a routing form.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Submission {
    /// Questions with their answers.
    pub answers: Vec<(String, String)>,
    /// The id of the invitee that they became.
    pub invitee: Option<String>,
}

/// A booking as it is.
#[derive(Debug, Clone)]
pub(super) struct Booking {
    event: String,
    invitee: String,
    wanted: Wanted,
    made: Timestamp,
    updated: Timestamp,
    canceled: Option<Timestamp>,
    /// URIs.
    old: Option<String>,
    new: Option<String>,
    no_show: Option<Timestamp>,
    /// Nobody booked it: it is in whatever event it is looked for.
    is_invented: bool,
}

impl Booking {
    pub(super) fn new(invitee: &str, wanted: Wanted, now: Timestamp) -> Self {
        Self {
            event: event_of(invitee),
            invitee: invitee.to_owned(),
            wanted,
            made: now,
            updated: now,
            canceled: None,
            old: None,
            new: None,
            no_show: None,
            is_invented: false,
        }
    }

    pub(super) fn invitee_id(&self) -> String {
        self.invitee.clone()
    }

    fn uri(&self) -> String {
        invitee_uri(&self.event, &self.invitee)
    }

    /// The same, canceled.
    #[must_use]
    pub(super) fn canceled(mut self, now: Timestamp) -> Self {
        (self.canceled, self.updated) = (Some(now), now);
        self
    }

    /// The same, marked as missed or not. The invitee itself does not count as changed.
    #[must_use]
    pub(super) fn missed(mut self, at: Option<Timestamp>) -> Self {
        self.no_show = at;
        self
    }

    /// The two halves of a move.
    pub(super) fn moved(self, to: Move, now: Timestamp) -> (Self, Self) {
        let later = || self.wanted.starts_at.checked_add(24.hours()).unwrap_or(now);
        let wanted = Wanted {
            starts_at: to.starts_at.unwrap_or_else(later),
            ..self.wanted.clone()
        };
        let mut new = Self::new(&derived("moved", &self.invitee), wanted, now);
        new.old = Some(self.uri());
        let mut old = self.canceled(now);
        old.new = Some(new.uri());
        (old, new)
    }

    /// As the API shows the invitee, or as webhooks do, with the event within.
    pub(super) fn invitee(&self, with_event: bool) -> Value {
        let wanted = &self.wanted;
        let answers = answers(&wanted.answers);
        let tags = [
            "utm_campaign",
            "utm_source",
            "utm_medium",
            "utm_content",
            "utm_term",
        ];
        let mut tracking = json!({ "salesforce_uuid": null });
        for tag in tags {
            tracking[tag] = json!(wanted.tracking.get(tag));
        }
        let (first, last) = wanted.name.split_once(' ').unwrap_or((&wanted.name, ""));
        let mut shown = json!({
            "cancel_url": format!("https://calendly.com/cancellations/{}", self.invitee),
            "created_at": instant(self.made),
            "email": wanted.email,
            "event": event_uri(&self.event),
            "first_name": first,
            "last_name": last,
            "name": wanted.name,
            "new_invitee": self.new,
            "old_invitee": self.old,
            "no_show": self.no_show.map(|at| json!({
                "uri": format!("{ORIGIN}/invitee_no_shows/{}", derived("no-show", &self.invitee)),
                "created_at": instant(at),
            })),
            "payment": null,
            "questions_and_answers": answers,
            "reconfirmation": null,
            "reschedule_url": format!("https://calendly.com/reschedulings/{}", self.invitee),
            "rescheduled": self.new.is_some(),
            "routing_form_submission": wanted.submission.as_deref().map(submission_uri),
            "status": self.status(),
            "text_reminder_number": wanted.phone,
            "timezone": wanted.time_zone,
            "tracking": tracking,
            "updated_at": instant(self.updated),
            "uri": self.uri(),
        });
        if let Some(cancellation) = self.cancellation() {
            shown["cancellation"] = cancellation;
        }
        if with_event {
            shown["scheduled_event"] = self.event();
        }
        shown
    }

    /// As the API shows the event.
    pub(super) fn event(&self) -> Value {
        let wanted = &self.wanted;
        let ends_at = wanted.starts_at.checked_add(wanted.minutes.minutes());
        let active = u32::from(self.canceled.is_none());
        let mut shown = json!({
            "uri": event_uri(&self.event),
            "name": wanted.service,
            "meeting_notes_plain": null,
            "meeting_notes_html": null,
            "status": self.status(),
            "start_time": instant(wanted.starts_at),
            "end_time": instant(ends_at.unwrap_or(wanted.starts_at)),
            "event_type": format!("{ORIGIN}/event_types/KITCHEN000000001"),
            "location": wanted.location,
            "invitees_counter": { "total": 1, "active": active, "limit": wanted.limit },
            "created_at": instant(self.made),
            "updated_at": instant(self.updated),
            "event_memberships": [
                { "user": USER, "user_email": "luis@example.com", "user_name": "Luis Ortega" }
            ],
            "event_guests": [],
        });
        if let Some(cancellation) = self.cancellation() {
            shown["cancellation"] = cancellation;
        }
        shown
    }

    fn status(&self) -> &'static str {
        if self.canceled.is_some() {
            "canceled"
        } else {
            "active"
        }
    }

    fn cancellation(&self) -> Option<Value> {
        let at = self.canceled?;
        Some(json!({
            "canceled_by": self.wanted.name, "reason": "Going with a later date", "canceler_type": "invitee",
            "created_at": instant(at),
        }))
    }
}

/// All bookings by the invitee's id, and the submissions of routing forms.
#[derive(Default)]
pub(super) struct Bookings {
    known: BTreeMap<String, Booking>,
    by_event: BTreeMap<String, String>,
    submissions: BTreeMap<String, Value>,
    invented: usize,
}

impl Bookings {
    pub(super) fn book(
        &mut self,
        invitee: Option<&str>,
        wanted: Wanted,
        now: Timestamp,
    ) -> Booking {
        let id = invitee.map_or_else(fresh, str::to_owned);
        self.keep(Booking::new(&id, wanted, now))
    }

    fn keep(&mut self, booking: Booking) -> Booking {
        self.by_event
            .insert(booking.event.clone(), booking.invitee.clone());
        self.known.insert(booking.invitee.clone(), booking.clone());
        booking
    }

    /// The booking of an invitee; an invented one if nobody booked it.
    fn of(&mut self, invitee: &str) -> Booking {
        if let Some(known) = self.known.get(invitee) {
            return known.clone();
        }
        // Made long ago: whatever a webhook tells is newer.
        let made = Timestamp::constant(1_767_600_000, 0);
        let mut booking = Booking::new(invitee, Wanted::default(), made);
        booking.is_invented = true;
        if self.invented >= INVENTED {
            return booking;
        }
        self.invented += 1;
        self.keep(booking)
    }

    pub(super) fn cancel(&mut self, invitee: &str, now: Timestamp) -> Booking {
        let canceled = self.of(invitee).canceled(now);
        self.keep(canceled)
    }

    pub(super) fn miss(&mut self, invitee: &str, at: Option<Timestamp>) -> Booking {
        let missed = self.of(invitee).missed(at);
        self.keep(missed)
    }

    pub(super) fn reschedule(
        &mut self,
        invitee: &str,
        to: Move,
        now: Timestamp,
    ) -> (Booking, Booking) {
        let (old, new) = self.of(invitee).moved(to, now);
        (self.keep(old), self.keep(new))
    }

    pub(super) fn find(&mut self, event: &str, invitee: &str) -> Option<Booking> {
        if !is_id(invitee) {
            return None;
        }
        let mut booking = self.of(invitee);
        if booking.is_invented && booking.event != event && is_id(event) {
            event.clone_into(&mut booking.event);
            self.keep(booking.clone());
        }
        (booking.event == event && !booking.wanted.missing).then_some(booking)
    }

    pub(super) fn of_event(&mut self, event: &str) -> Option<Booking> {
        if !is_id(event) {
            return None;
        }
        let invitee = match self.by_event.get(event) {
            Some(invitee) => invitee.clone(),
            None => derived("invitee", event),
        };
        self.find(event, &invitee)
    }

    /// The events that somebody booked and that begin behind a time, in this order.
    pub(super) fn events(&self, from: Option<Timestamp>) -> Vec<Value> {
        let known = self.known.values();
        let mut booked: Vec<_> = known
            .filter(|booking| !booking.is_invented && !booking.wanted.missing)
            .filter(|booking| from.is_none_or(|from| booking.wanted.starts_at > from))
            .collect();
        booked.sort_by_key(|booking| booking.wanted.starts_at);
        booked.into_iter().map(Booking::event).collect()
    }

    pub(super) fn submit(&mut self, submission: &Submission, now: Timestamp) -> (String, Value) {
        let id = fresh();
        let shown = submitted(&id, submission, now);
        self.submissions.insert(id.clone(), shown.clone());
        (id, shown)
    }

    pub(super) fn submission(&self, id: &str) -> Option<Value> {
        self.submissions.get(id).cloned()
    }

    /// The events that stand and were booked by somebody: URI, beginning, end.
    pub(super) fn active(&self) -> Vec<(String, Timestamp, Timestamp)> {
        let known = self.known.values();
        let active = known.filter(|booking| booking.canceled.is_none() && !booking.is_invented);
        let times = active.filter_map(|booking| {
            let from = booking.wanted.starts_at;
            let to = from.checked_add(booking.wanted.minutes.minutes()).ok()?;
            Some((event_uri(&booking.event), from, to))
        });
        times.collect()
    }

    pub(super) fn view(&self) -> Vec<Value> {
        self.known
            .values()
            .map(|booking| booking.invitee(true))
            .collect()
    }
}

/// A submission as the API and webhooks show it.
pub(super) fn submitted(id: &str, submission: &Submission, now: Timestamp) -> Value {
    let answers = answers(&submission.answers);
    json!({
        "uri": submission_uri(id),
        "routing_form": format!("{ORIGIN}/routing_forms/RF00001"),
        "questions_and_answers": answers,
        "tracking": { "utm_campaign": "austin-kitchen-remodel", "utm_source": "google", "utm_medium": "cpc" },
        "result": { "type": "event_type", "value": format!("{ORIGIN}/event_types/KITCHEN000000001") },
        "submitter": submission.invitee.as_deref().map(|id| invitee_uri(&event_of(id), id)),
        "submitter_type": submission.invitee.as_ref().map(|_| "Invitee"),
        "created_at": instant(now),
        "updated_at": instant(now),
    })
}

fn answers(answers: &[(String, String)]) -> Vec<Value> {
    let answers = answers.iter().enumerate();
    answers
        .map(|(position, (question, answer))| {
            json!({ "question": question, "answer": answer, "position": position })
        })
        .collect()
}

/// A time as Calendly writes it: UTC, with microseconds.
pub(super) fn instant(at: Timestamp) -> String {
    format!("{at:.6}")
}

fn is_id(text: &str) -> bool {
    (8..=64).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// An id in the form of a UUID.
pub(super) fn fresh() -> String {
    formed(&rand::random::<[u8; 16]>())
}

/// An id that follows from another one, so that later events of one thing carry the same.
pub(super) fn derived(what: &str, id: &str) -> String {
    let hash = Sha256::digest(format!("{what} {id}"));
    formed(&hash)
}

fn formed(bytes: &[u8]) -> String {
    let hex = hex::encode(bytes);
    let parts = [0..8, 8..12, 12..16, 16..20, 20..32];
    let parts = parts.map(|range| hex.get(range).unwrap_or_default());
    parts.join("-")
}

fn event_of(invitee: &str) -> String {
    derived("event", invitee)
}

fn event_uri(event: &str) -> String {
    format!("{ORIGIN}/scheduled_events/{event}")
}

fn invitee_uri(event: &str, invitee: &str) -> String {
    format!("{}/invitees/{invitee}", event_uri(event))
}

fn submission_uri(id: &str) -> String {
    format!("{ORIGIN}/routing_form_submissions/{id}")
}
