//! A sweep, and what may become of it.

use std::{collections::BTreeMap, time::Duration};

use domain::{SourceId, TenantId, later};
use jiff::{SignedDuration, Timestamp, ToSpan as _, civil::Date, tz::TimeZone};
use serde::{Deserialize, Serialize};

use super::DayLine;
use crate::AuditAction;

/// The kind of sweep that looks whether the webhooks are registered.
pub const WEBHOOKS: &str = "webhooks";
/// How often a source is compared.
const EVERY: Duration = Duration::from_secs(5 * 60);
/// A look goes back so far: what was late, or seen too young to be missing, is seen once more.
const LOOK_BACK: SignedDuration = SignedDuration::from_hours(6);
/// How often a look goes back further, and how many days.
const LONG_EVERY: SignedDuration = SignedDuration::from_hours(24);
/// So many days a long look goes back.
pub const LONG_SPAN_DAYS: i32 = 7;
/// Pauses after failures: the first, and the longest.
const AFTER_FAILURE: Duration = Duration::from_secs(60);
const LONGEST_PAUSE: Duration = Duration::from_secs(30 * 60);
/// Days of one look that have a line although nothing happened on them.
const MAX_EMPTY_DAYS: usize = 40;
/// Failures in a row at one page, after which the list is begun anew: a provider may have forgotten where that page begins.
const TRIES_OF_A_PAGE: u32 = 3;
/// Things without a time that are remembered until they may count as missing, and for how long they are young.
const MAX_SEEN: usize = 2_000;
const YOUNG_FOR: SignedDuration = SignedDuration::from_mins(5);

/// The audit of one kind of things of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sweep {
    /// Whose it is.
    pub tenant: TenantId,
    /// The source.
    pub source: SourceId,
    /// What is compared; [`WEBHOOKS`] is no thing but the set-up.
    pub kind: String,
    /// How far it is.
    pub state: SweepState,
    /// When it is next; while it is claimed, when the claim ends.
    pub due_at: Timestamp,
    /// Rises with each claim: what an earlier owner does is refused.
    pub token: u64,
}

/// The proof that a sweep is ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SweepClaim {
    /// Whose it is.
    pub tenant: TenantId,
    /// The source.
    pub source: SourceId,
    /// What is compared.
    pub kind: String,
    /// Its token since the claim.
    pub token: u64,
}

/// What its owner writes.
#[derive(Debug, Clone)]
pub struct SweepStep {
    /// How far it is now.
    pub state: SweepState,
    /// When it is next; for an owner who goes on, when the claim ends.
    pub due_at: Timestamp,
    /// What was found of whole days.
    pub lines: Vec<DayLine>,
    /// What is written to the tenant's audit log.
    pub act: Option<AuditAction>,
}

/// How far a sweep is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SweepState {
    /// What is looked through now.
    pub span: Option<Span>,
    /// Where the next page begins.
    pub place: Option<String>,
    /// What was counted since the span began.
    pub days: BTreeMap<Date, DayCount>,
    /// When things that tell no time were first seen missing.
    pub seen: BTreeMap<String, Timestamp>,
    /// When the last long look ended.
    pub long_at: Option<Timestamp>,
    /// When the last look ended.
    pub checked_at: Option<Timestamp>,
    /// Failures in a row.
    pub failures: u32,
    /// Why the last look failed, in a sentence.
    pub fault: Option<String>,
    /// Set while webhooks are switched off at the provider.
    pub off: Option<Off>,
    /// Since when the provider gets nothing through to the webhooks, as it says. They are not switched off yet.
    pub failing_since: Option<Timestamp>,
    /// Events that were seen to be posted, by the provider's names.
    pub posted: Vec<String>,
    /// Whether a person asked for the look: then what tells no time is not waited for.
    #[serde(skip)]
    pub is_asked_for: bool,
    /// When webhooks were last registered again.
    pub repaired_at: Option<Timestamp>,
}

/// What is looked through: whole days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// Things that happened at this time or later.
    pub from: Timestamp,
    /// Things that happened before this time.
    pub to: Timestamp,
    /// Whether it goes back further than usual.
    pub is_long: bool,
}

/// That webhooks are switched off at the provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Off {
    /// Since when that is known.
    pub since: Timestamp,
    /// The events, by the provider's names.
    pub events: Vec<String>,
    /// Why they could not be registered again, and what to do.
    pub remedy: String,
}

/// What was counted of a day.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DayCount {
    /// Leads that the provider has.
    pub at_provider: u64,
    /// Those of them that are held, however they came.
    pub held: u64,
    /// Those of them that came by an audit.
    pub recovered: u64,
    /// Those that are not held: their webhook may still come, or they could not be taken.
    pub missing: u64,
}

impl DayCount {
    /// Adds what was counted elsewhere.
    pub fn add(&mut self, other: Self) {
        self.at_provider += other.at_provider;
        self.held += other.held;
        self.recovered += other.recovered;
        self.missing += other.missing;
    }
}

impl Span {
    /// Whole days in a time zone, from that of `from` to the one that `to` is in or ends.
    pub fn of_days(from: Timestamp, to: Timestamp, zone: &TimeZone, is_long: bool) -> Self {
        let day = |at: Timestamp| at.to_zoned(zone.clone()).date();
        let begin = |day: Date| zone.to_timestamp(day.at(0, 0, 0, 0));
        let last = to.checked_sub(SignedDuration::from_nanos(1));
        let last = last.unwrap_or(to).max(from);
        let behind = day(last).saturating_add(1.day());
        Self {
            from: begin(day(from)).unwrap_or(from),
            to: begin(behind).unwrap_or(to),
            is_long,
        }
    }

    /// Its days that have begun, each with nothing counted.
    pub fn days(&self, zone: &TimeZone, now: Timestamp) -> BTreeMap<Date, DayCount> {
        let day = |at: Timestamp| at.to_zoned(zone.clone()).date();
        let last = self.to.checked_sub(SignedDuration::from_nanos(1));
        let last = day(last.unwrap_or(self.to).min(now));
        let days = day(self.from).series(1.day());
        days.take_while(|day| *day <= last)
            .take(MAX_EMPTY_DAYS)
            .map(|day| (day, DayCount::default()))
            .collect()
    }
}

impl SweepState {
    /// What is looked through now: what was begun, else the next.
    pub fn span(&mut self, now: Timestamp, zone: &TimeZone) -> Span {
        if let Some(span) = self.span {
            return span;
        }
        let is_long = self
            .long_at
            .is_none_or(|at| now.duration_since(at) >= LONG_EVERY);
        let back = if is_long {
            SignedDuration::from_hours(24 * i64::from(LONG_SPAN_DAYS))
        } else {
            LOOK_BACK
        };
        let from = now.checked_sub(back).unwrap_or(now);
        let span = Span::of_days(from, now, zone, is_long);
        self.span = Some(span);
        self.place = None;
        self.days.clear();
        span
    }

    /// Whether something that was not found here is missing: not while its webhook may still come. `due_at` says until
    /// when that is; what does not know counts from when it was first seen, by `name`.
    pub fn is_missing(&mut self, name: &str, due_at: Option<Timestamp>, now: Timestamp) -> bool {
        if let Some(due_at) = due_at {
            return due_at <= now;
        }
        if self.is_asked_for {
            return true;
        }
        if let Some(seen) = self.seen.get(name) {
            return now.duration_since(*seen) >= YOUNG_FOR;
        }
        if self.seen.len() < MAX_SEEN {
            self.seen.insert(name.to_owned(), now);
        }
        false
    }

    /// Goes on behind a page.
    pub fn went_on(&mut self, next: String) {
        self.place = Some(next);
        self.failures = 0;
        self.fault = None;
    }

    /// Ends a look behind its last page. Returns the lines, and when the next look is.
    pub fn ended(
        &mut self,
        source: SourceId,
        kind: &str,
        now: Timestamp,
    ) -> (Vec<DayLine>, Timestamp) {
        let lines = DayLine::of_days(std::mem::take(&mut self.days), source, kind, now);
        if self.span.is_some_and(|span| span.is_long) {
            self.long_at = Some(now);
        }
        // What was seen long ago is held by now, or gone.
        let is_recent = |at: &Timestamp| now.duration_since(*at) < LONG_EVERY;
        self.seen.retain(|_, at| is_recent(at));
        self.span = None;
        self.place = None;
        self.checked_at = Some(now);
        self.failures = 0;
        self.fault = None;
        (lines, later(now, EVERY))
    }

    /// Ends a look at the set-up. Returns when the next is.
    pub fn looked(&mut self, now: Timestamp) -> Timestamp {
        self.checked_at = Some(now);
        self.failures = 0;
        self.fault = None;
        later(now, EVERY)
    }

    /// Notes a failure. Returns when to try again: later each time, and not before `wait`.
    pub fn failed(&mut self, reason: String, wait: Option<Duration>, now: Timestamp) -> Timestamp {
        self.fault = Some(reason);
        let pause = AFTER_FAILURE.saturating_mul(2_u32.saturating_pow(self.failures.min(10)));
        self.failures = self.failures.saturating_add(1);
        if self.failures.is_multiple_of(TRIES_OF_A_PAGE) && self.place.take().is_some() {
            // Everything is counted again, and nothing twice.
            self.days.clear();
        }
        later(now, pause.min(LONGEST_PAUSE).max(wait.unwrap_or_default()))
    }

    /// Notes that there is no room for requests now, which is no failure. Returns when there may be.
    pub fn waits(&self, wait: Duration, now: Timestamp) -> Timestamp {
        later(now, wait)
    }
}

impl Sweep {
    /// One that was never done.
    pub fn new(tenant: &TenantId, source: SourceId, kind: &str, now: Timestamp) -> Self {
        Self {
            tenant: tenant.clone(),
            source,
            kind: kind.to_owned(),
            state: SweepState::default(),
            due_at: now,
            token: 0,
        }
    }

    /// Makes it the caller's for so long; false when it is somebody's, or not due.
    pub fn claim(&mut self, lease: Duration, now: Timestamp) -> bool {
        let is_due = self.due_at <= now;
        if is_due {
            self.due_at = later(now, lease);
            self.token += 1;
        }
        is_due
    }

    /// The proof of its owner.
    pub fn proof(&self) -> SweepClaim {
        SweepClaim {
            tenant: self.tenant.clone(),
            source: self.source,
            kind: self.kind.clone(),
            token: self.token,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_look_covers_whole_days_of_the_office() {
        let zone = TimeZone::get("America/Chicago").unwrap();
        let now = at("2026-03-18T02:00:00Z"); // the evening before there
        let mut state = SweepState {
            long_at: Some(now),
            ..SweepState::default()
        };
        let span = state.span(now, &zone);
        assert_eq!(span.from, at("2026-03-17T05:00:00Z"));
        assert_eq!(span.to, at("2026-03-18T05:00:00Z"));
        assert!(!span.is_long);
        // What was begun is ended, whatever the time is.
        assert_eq!(state.span(at("2026-03-19T02:00:00Z"), &zone), span);
    }

    #[test]
    fn a_span_ends_with_the_day_that_its_end_ends() {
        let zone = TimeZone::get("America/Chicago").unwrap();
        let end_of = |to: &str| Span::of_days(at("2026-03-17T15:00:00Z"), at(to), &zone, true).to;
        assert_eq!(end_of("2026-03-18T05:00:00Z"), at("2026-03-18T05:00:00Z"));
        assert_eq!(end_of("2026-03-18T05:00:01Z"), at("2026-03-19T05:00:00Z"));
        assert_eq!(end_of("2026-03-17T15:00:00Z"), at("2026-03-18T05:00:00Z"));
    }

    #[test]
    fn once_a_day_a_look_goes_back_a_week() {
        let now = at("2026-03-18T12:00:00Z");
        let mut state = SweepState::default();
        let span = state.span(now, &TimeZone::UTC);
        assert!(span.is_long);
        assert_eq!(span.from, at("2026-03-11T00:00:00Z"));
        let source = SourceId::from_uuid(uuid::Uuid::nil());
        let (_, next) = state.ended(source, "calls", now);
        assert_eq!(next, at("2026-03-18T12:05:00Z"));
        assert!(!state.span(next, &TimeZone::UTC).is_long);
    }

    #[test]
    fn what_tells_no_time_is_young_when_it_is_first_seen() {
        let now = at("2026-03-18T12:00:00Z");
        let mut state = SweepState::default();
        assert!(!state.is_missing("a", None, now));
        assert!(!state.is_missing("a", None, at("2026-03-18T12:04:00Z")));
        assert!(state.is_missing("a", None, at("2026-03-18T12:05:00Z")));
        assert!(!state.is_missing("b", Some(at("2026-03-18T12:25:00Z")), now));
        assert!(state.is_missing("b", Some(now), now));
    }

    #[test]
    fn a_page_that_cannot_be_had_again_has_the_list_begun_anew() {
        let now = at("2026-03-18T12:00:00Z");
        let mut state = SweepState::default();
        let span = state.span(now, &TimeZone::UTC);
        let reason = || "the provider rejected the request".to_owned();
        state.went_on("a token that runs out".to_owned());
        state
            .days
            .insert("2026-03-18".parse().unwrap(), DayCount::default());
        for _ in 0..2 {
            state.failed(reason(), None, now);
            assert!(state.place.is_some(), "it may be there again soon");
        }
        state.failed(reason(), None, now);
        assert_eq!(state.place, None);
        assert!(state.days.is_empty(), "nothing is counted twice");
        assert_eq!(state.span(now, &TimeZone::UTC), span);
    }

    #[test]
    fn pauses_grow_and_a_provider_is_obeyed() {
        let now = at("2026-03-18T12:00:00Z");
        let mut state = SweepState::default();
        let reason = || "the provider is down".to_owned();
        let first = state.failed(reason(), None, now);
        let second = state.failed(reason(), None, now);
        assert!(first < second);
        let told = state.failed(reason(), Some(Duration::from_secs(7_200)), now);
        assert_eq!(told, at("2026-03-18T14:00:00Z"));
        for _ in 0..100 {
            state.failed(reason(), None, now);
        }
        assert_eq!(
            state.failed(reason(), None, now),
            at("2026-03-18T12:30:00Z")
        );
    }
}
