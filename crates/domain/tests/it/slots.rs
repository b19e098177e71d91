//! Double bookings, against an oracle that looks at every minute.

use std::collections::BTreeSet;

use domain::{
    BookingFacts, BookingSection, BookingStatus, Busy, RequestId, Slot, Span, UnknownBusy,
    conflicts,
};
use jiff::{Timestamp, civil, tz::TimeZone};
use proptest::prelude::*;
use uuid::Uuid;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn span(from: &str, to: &str) -> Span {
    Span::new(at(from), at(to)).unwrap()
}

fn slot(span: Span) -> Slot {
    Slot {
        calendars: vec!["host ann".to_owned()],
        span,
        event: None,
    }
}

fn nameless(span: Span) -> Busy {
    Busy { span, event: None }
}

fn request(number: u128) -> RequestId {
    RequestId::from_uuid(Uuid::from_u128(number))
}

/// Zones with changes of clocks by an hour and by half of one, by negative time, and without any.
const ZONES: [&str; 6] = [
    "America/Chicago",
    "America/New_York",
    "America/Phoenix",
    "Australia/Lord_Howe",
    "Europe/Dublin",
    "UTC",
];

/// Days around which clocks change in these zones, and one at which none does.
const DAYS: [(i16, i8, i8); 7] = [
    (2026, 3, 8),
    (2026, 11, 1),
    (2026, 3, 29),
    (2026, 10, 25),
    (2026, 4, 5),
    (2026, 10, 4),
    (2026, 6, 17),
];

/// What somebody reads off a wall clock: minutes behind the midnight of one of [`DAYS`], and for how long.
fn wall_clock() -> impl Strategy<Value = (usize, usize, i64, i64)> {
    (0..ZONES.len(), 0..DAYS.len(), -180_i64..420, 1_i64..240)
}

/// The span that begins when this wall clock shows so, and takes so many minutes of real time.
fn booked((zone, day, minute, length): (usize, usize, i64, i64)) -> Span {
    let (year, month, day) = DAYS[day];
    let midnight = civil::date(year, month, day).at(0, 0, 0, 0);
    let shown = midnight
        .checked_add(jiff::Span::new().minutes(minute))
        .unwrap();
    let zone = TimeZone::get(ZONES[zone]).unwrap();
    // A time that clocks skip or show twice is one of the instants that it may mean.
    let from = shown.to_zoned(zone).unwrap().timestamp();
    let to = from.checked_add(jiff::Span::new().minutes(length)).unwrap();
    Span::new(from, to).unwrap()
}

/// Every minute of a span, one by one.
fn minutes(span: &Span) -> BTreeSet<i64> {
    let (from, to) = (span.from.as_second() / 60, span.to.as_second() / 60);
    (from..to).collect()
}

proptest! {
    #[test]
    fn conflicts_are_what_an_oracle_of_minutes_finds(
        own in wall_clock(),
        others in proptest::collection::vec(wall_clock(), 0..8),
        busy in proptest::collection::vec(wall_clock(), 0..4),
    ) {
        // All on one day, else hardly any would meet.
        let own_slot = slot(booked(own));
        let same_day = |(zone, _, minute, length)| booked((zone, own.1, minute, length));
        let others: Vec<_> = others.into_iter().map(same_day).collect();
        let busy: Vec<_> = busy.into_iter().map(same_day).collect();
        let named = (1_u128..).zip(&others).map(|(number, span)| (request(number), *span, None));
        let found = conflicts(&own_slot, named, "calendly", busy.iter().copied().map(nameless));

        let mine = minutes(&own_slot.span);
        let meets = |span: &Span| minutes(span).intersection(&mine).next().is_some();
        for (number, other) in (1_u128..).zip(&others) {
            let is_found = found.iter().any(|conflict| conflict.request == Some(request(number)));
            prop_assert_eq!(is_found, meets(other), "{:?} and {:?}", own_slot.span, other);
        }
        for other in &busy {
            let is_found = found.iter().any(|conflict| conflict.span == *other);
            prop_assert!(is_found == meets(other) || found.len() == domain::MAX_CONFLICTS);
        }
    }
}

#[test]
fn a_double_booking_at_a_change_of_clocks_is_found_and_a_neighbor_is_not() {
    // 1:30 in Chicago, before the clocks go back and after it: an hour apart.
    let first = span("2026-11-01T01:30:00-05:00", "2026-11-01T02:30:00-05:00");
    let second = span("2026-11-01T01:30:00-06:00", "2026-11-01T02:30:00-06:00");
    assert!(!first.overlaps(&second), "one ends when the other begins");
    let across = span("2026-11-01T01:45:00-05:00", "2026-11-01T01:15:00-06:00");
    assert!(across.overlaps(&first) && !across.overlaps(&second));
    // Clocks go from 2:00 to 3:00: 1:00 to 1:59 and 3:00 are neighbors.
    let before = span("2026-03-08T01:00:00-06:00", "2026-03-08T03:00:00-05:00");
    let after = span("2026-03-08T03:00:00-05:00", "2026-03-08T04:00:00-05:00");
    assert!(!before.overlaps(&after) && !after.overlaps(&before));
    let elsewhere = span("2026-03-08T07:59:00Z", "2026-03-08T08:01:00Z");
    assert!(elsewhere.overlaps(&before) && elsewhere.overlaps(&after));
    let found = conflicts(
        &slot(after),
        [(request(1), before, None), (request(2), elsewhere, None)],
        "calendly",
        [],
    );
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].request, Some(request(2)));
}

#[test]
fn those_who_book_one_event_attend_together() {
    let time = span("2026-11-30T16:00:00Z", "2026-11-30T17:00:00Z");
    let group = Slot {
        event: Some("calendly group".to_owned()),
        ..slot(time)
    };
    let event = |name: &str| Some(format!("calendly {name}"));
    let others = [
        (request(1), time, event("group")),
        (request(2), time, event("other")),
        (request(3), time, None),
    ];
    let found = conflicts(&group, others, "calendly", [nameless(time)]);
    let requests: Vec<_> = found.iter().map(|conflict| conflict.request).collect();
    assert_eq!(requests, [Some(request(2)), Some(request(3))]);
}

#[test]
fn a_busy_time_that_is_a_booking_is_told_once() {
    let time = span("2026-11-30T16:00:00Z", "2026-11-30T17:00:00Z");
    let own = Slot {
        event: Some("calendly own".to_owned()),
        ..slot(time)
    };
    // With the time that the company keeps free around it.
    let buffered = span("2026-11-30T15:45:00Z", "2026-11-30T17:15:00Z");
    let other = [(request(1), time, Some("calendly other".to_owned()))];
    let busy = ["own", "other", "third"].map(|event| Busy {
        span: buffered,
        event: Some(event.to_owned()),
    });
    let found = conflicts(&own, other.clone(), "calendly", busy.clone());
    let requests: Vec<_> = found.iter().map(|conflict| conflict.request).collect();
    assert_eq!(
        requests,
        [None, Some(request(1))],
        "the third, and the other"
    );
    let found = conflicts(&own, other, "acuity", busy.into_iter().take(1));
    assert_eq!(found.len(), 2, "another provider's event of that name");
}

#[test]
fn a_span_is_not_empty_and_not_endless() {
    let noon = at("2026-11-30T12:00:00Z");
    assert_eq!(Span::new(noon, noon), None);
    assert_eq!(Span::new(noon, at("2026-11-30T11:00:00Z")), None);
    assert_eq!(Span::new(noon, at("2027-11-30T11:00:00Z")), None);
    let booking = BookingFacts {
        starts_at: Some(noon),
        ..BookingFacts::default()
    };
    assert_eq!(booking.span(), None);
    let canceled = BookingFacts {
        status: Some(BookingStatus::Canceled),
        ..booking
    };
    assert!(!canceled.stands());
}

#[test]
fn what_is_not_known_is_not_free() {
    let section = |unknown| BookingSection {
        span: Some(span("2026-11-30T16:00:00Z", "2026-11-30T17:00:00Z")),
        unknown,
        ..BookingSection::default()
    };
    assert_eq!(section(None).word(), "free");
    assert_eq!(section(Some(UnknownBusy::Refused)).word(), "unknown");
    assert_eq!(BookingSection::default().word(), "none");
}
