//! The time that a booking takes, and whether something else takes it, too.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{About, BookingFacts, BookingStatus, Document};
use crate::{RequestId, text};

/// A span of time: its first instant, and its end, which is no longer part of it. Instants have no zone and no changes of
/// clocks, so neither has a comparison of spans.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Span {
    /// Its first instant.
    pub from: Timestamp,
    /// Its end.
    pub to: Timestamp,
}

impl Span {
    /// No booking that is compared takes longer.
    pub const LONGEST: SignedDuration = SignedDuration::from_hours(31 * 24);

    /// From an instant to a later one, at most [`Span::LONGEST`].
    pub fn new(from: Timestamp, to: Timestamp) -> Option<Self> {
        let length = to.duration_since(from);
        (length > SignedDuration::ZERO && length <= Self::LONGEST).then_some(Self { from, to })
    }

    /// Whether an instant is part of both. What begins when the other ends does not overlap it.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.from < other.to && other.from < self.to
    }
}

/// The time that a booking takes, in the calendars that it takes it in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slot {
    /// Whose time it is: the hosts by name, and the provider's own ids of calendars. Bookings that share one share time.
    pub calendars: Vec<String>,
    /// When.
    pub span: Span,
    /// What the provider calls the slot, where several people may book one: they attend together.
    pub event: Option<String>,
}

impl Slot {
    /// Calendars that a slot is compared by.
    const MAX_CALENDARS: usize = 12;

    /// The slot of a booking that stands. None if it does not, or if its time or its host is not known.
    fn of(provider: &str, booking: &BookingFacts) -> Option<Self> {
        let is_off = matches!(
            booking.status,
            Some(BookingStatus::Canceled | BookingStatus::NoShow)
        );
        let span = booking.span()?;
        let named = booking.host.iter().flat_map(|hosts| hosts.split(','));
        let named = named
            .filter_map(|host| text::line(host, 100))
            .map(|host| format!("host {}", host.to_lowercase()));
        let ids = booking.calendar_ids.iter().flatten();
        let ids = ids.map(|id| format!("{provider} {id}"));
        let mut calendars: Vec<_> = named.chain(ids).take(Self::MAX_CALENDARS).collect();
        calendars.sort();
        calendars.dedup();
        (!is_off && !calendars.is_empty()).then(|| Self {
            calendars,
            span,
            event: booking
                .event_id
                .as_deref()
                .map(|event| Self::event_of(provider, event)),
        })
    }

    /// The name of a provider's event among those of all providers.
    fn event_of(provider: &str, event: &str) -> String {
        format!("{provider} {event}")
    }
}

/// A time at which a provider says that somebody is busy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Busy {
    /// When, with the time that is kept free around it.
    pub span: Span,
    /// The provider's own id of what takes the time, if it says so.
    pub event: Option<String>,
}

impl BookingFacts {
    /// When it takes place, if both ends are known.
    pub fn span(&self) -> Option<Span> {
        Span::new(self.starts_at?, self.ends_at?)
    }

    /// Whether it may be held: nobody has called it off.
    pub const fn stands(&self) -> bool {
        !matches!(
            self.status,
            Some(BookingStatus::Canceled | BookingStatus::NoShow)
        )
    }
}

impl About {
    /// The slot of a booking of this provider that stands.
    pub(crate) fn slot(&self, provider: &str) -> Option<Slot> {
        match self {
            Self::Calendar(booking) => Slot::of(provider, booking),
            _ => None,
        }
    }
}

impl Document {
    /// The time that the request takes in a calendar. None if it takes none: it is no booking, was called off, merged or
    /// erased, or too little is known of it.
    pub fn slot(&self) -> Option<Slot> {
        if self.erased || self.merged_into.is_some() {
            return None;
        }
        self.facts().about.slot(&self.source.provider)
    }
}

/// Whether something else takes the time of a booking, as it was when it was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct BookingSection {
    /// The input that was seen; see [`Revisions`](super::Revisions).
    pub revision: u32,
    /// The time that was looked at; absent if the booking takes none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub span: Option<Span>,
    /// What takes it, too, in order of time.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conflicts: Vec<Conflict>,
    /// Why it is not known whether anything else does. What is not known is not free.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unknown: Option<UnknownBusy>,
}

impl BookingSection {
    /// `free`, `conflict`, `unknown`, or `none` for a booking that takes no time.
    pub const fn word(&self) -> &'static str {
        match (self.conflicts.is_empty(), self.unknown, self.span) {
            (false, _, _) => "conflict",
            (true, Some(_), _) => "unknown",
            (true, None, Some(_)) => "free",
            (true, None, None) => "none",
        }
    }

    /// Whether a reader is told the same.
    pub(crate) fn tells_the_same(&self, other: &Self) -> bool {
        (&self.conflicts, self.unknown) == (&other.conflicts, other.unknown)
    }
}

/// Something that takes the time of a booking, too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conflict {
    /// Another booking that is a request; else the provider says that the host is busy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<RequestId>,
    /// The time that it takes.
    pub span: Span,
}

/// Why it is not known whether the provider has something else at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnknownBusy {
    /// The booking's time, or who it is with, is not known.
    NoTime,
    /// The provider has no such list, or the tenant has not connected its account.
    NotConnected,
    /// The provider tells nothing of times that have begun.
    Past,
    /// The provider refuses to tell: the credential may not see it, or its own link to the calendar is broken.
    Refused,
    /// The provider failed for as long as the lead could wait.
    Unavailable,
    /// A word of a newer build.
    #[serde(other)]
    Unrecognized,
}

impl UnknownBusy {
    /// Why, as the second half of a sentence.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::NoTime => "its time or its host is not known",
            Self::NotConnected => "no calendar can be asked",
            Self::Past => "it has begun already",
            Self::Refused => "the calendar's provider refuses to tell",
            Self::Unavailable => "the calendar's provider did not answer",
            Self::Unrecognized => "for a reason of a newer version",
        }
    }
}

/// What overlaps a slot: other bookings, each with the name of its event, and times at which `provider` says that a host is
/// busy. Those who book one event attend together. A busy time that is one of the bookings is not told twice.
pub fn conflicts(
    slot: &Slot,
    bookings: impl IntoIterator<Item = (RequestId, Span, Option<String>)>,
    provider: &str,
    busy: impl IntoIterator<Item = Busy>,
) -> Vec<Conflict> {
    let mut told: BTreeSet<String> = slot.event.iter().cloned().collect();
    let mut found = Vec::new();
    for (request, span, event) in bookings {
        let is_shared = event.is_some() && event == slot.event;
        if slot.span.overlaps(&span) && !is_shared {
            told.extend(event);
            found.push(Conflict {
                request: Some(request),
                span,
            });
        }
    }
    found.sort_by_key(|conflict| (conflict.span, conflict.request));
    found.dedup();
    for Busy { span, event } in busy {
        let event = event.map(|event| Slot::event_of(provider, &event));
        let is_told = event.is_some_and(|event| told.contains(&event))
            || found.iter().any(|known| known.span == span);
        if slot.span.overlaps(&span) && !is_told {
            found.push(Conflict {
                request: None,
                span,
            });
        }
    }
    found.sort_by_key(|conflict| (conflict.span, conflict.request));
    found.truncate(MAX_CONFLICTS);
    found
}

/// Conflicts that are told.
pub const MAX_CONFLICTS: usize = 10;
