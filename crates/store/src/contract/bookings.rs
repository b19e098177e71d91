//! Which request takes which time.

use domain::{
    About, BookingFacts, BookingSection, BookingStatus, Channel, Facts, RequestId, Slot, Span,
};
use jiff::Timestamp;

use super::*;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn span(from: &str, to: &str) -> Span {
    Span::new(at(from), at(to)).unwrap()
}

/// A booking with this host.
fn booking(tenant: &TenantId, id: &str, host: &str, span: Span) -> Lead {
    let mut lead = Lead::new(tenant, id);
    lead.facts = Facts {
        about: About::Calendar(BookingFacts {
            host: Some(host.to_owned()),
            starts_at: Some(span.from),
            ends_at: Some(span.to),
            event_id: Some(format!("event {id}")),
            ..BookingFacts::default()
        }),
        ..Facts::nothing(Channel::Calendar)
    };
    lead
}

/// The same with other facts.
fn again(mut lead: Lead, body: &str, say: impl FnOnce(&mut BookingFacts)) -> Lead {
    if let About::Calendar(booking) = &mut lead.facts.about {
        say(booking);
    }
    lead.body(body)
}

/// The requests that take a part of a request's own slot.
async fn beside(subject: &Subject, tenant: &TenantId, request: RequestId) -> Vec<RequestId> {
    let slot = subject.lead(tenant, request).await.document.slot().unwrap();
    let booked = subject.store.booked(tenant, &slot, request).await.unwrap();
    booked.into_iter().map(|booked| booked.request).collect()
}

pub async fn bookings_of_one_host_at_one_time_are_found(subject: &Subject) {
    let (tenant, other) = (subject.tenant("a"), subject.tenant("b"));
    let ten = span("2026-11-30T16:00:00Z", "2026-11-30T17:00:00Z");
    let half_past = span("2026-11-30T16:30:00Z", "2026-11-30T17:30:00Z");
    let eleven = span("2026-11-30T17:00:00Z", "2026-11-30T18:00:00Z");
    let first = subject
        .request(&booking(&tenant, "1", "Ann Lee", ten))
        .await;
    let second = subject
        .request(&booking(&tenant, "2", "Bob Ray, ANN  LEE", half_past))
        .await;
    let third = subject
        .request(&booking(&tenant, "3", "Ann Lee", eleven))
        .await;
    subject.request(&booking(&tenant, "4", "Cy Doe", ten)).await;
    subject.request(&booking(&other, "5", "Ann Lee", ten)).await;
    assert_eq!(beside(subject, &tenant, first).await, [second]);
    assert_eq!(beside(subject, &tenant, second).await, [first, third]);
    assert_eq!(beside(subject, &tenant, third).await, [second]);

    let slot = Slot {
        calendars: vec!["host ann lee".to_owned(), "host bob ray".to_owned()],
        span: half_past,
        event: None,
    };
    let booked = subject.store.booked(&tenant, &slot, first).await.unwrap();
    let found: Vec<_> = booked
        .iter()
        .map(|booked| (booked.request, booked.span))
        .collect();
    assert_eq!(found, [(second, half_past), (third, eleven)], "each once");
    assert_eq!(booked[0].event.as_deref(), Some("leads event 2"));
}

pub async fn a_booking_that_is_moved_or_called_off_leaves_its_time(subject: &Subject) {
    let tenant = subject.tenant("a");
    let ten = span("2026-11-30T16:00:00Z", "2026-11-30T17:00:00Z");
    let noon = span("2026-11-30T18:00:00Z", "2026-11-30T19:00:00Z");
    let first = subject
        .request(&booking(&tenant, "1", "Ann Lee", ten))
        .await;
    let lead = booking(&tenant, "2", "Ann Lee", ten);
    let second = subject.request(&lead).await;
    assert_eq!(beside(subject, &tenant, first).await, [second]);

    let moved = again(lead.clone(), "moved", |booking| {
        (booking.starts_at, booking.ends_at) = (Some(noon.from), Some(noon.to));
    });
    assert_eq!(subject.request(&moved).await, second);
    assert!(beside(subject, &tenant, first).await.is_empty());
    let third = subject
        .request(&booking(&tenant, "3", "Ann Lee", noon))
        .await;
    assert_eq!(beside(subject, &tenant, third).await, [second]);

    let canceled = again(lead, "canceled", |booking| {
        (booking.starts_at, booking.ends_at) = (Some(noon.from), Some(noon.to));
        booking.status = Some(BookingStatus::Canceled);
    });
    assert_eq!(subject.request(&canceled).await, second);
    assert!(beside(subject, &tenant, third).await.is_empty());
    assert_eq!(subject.lead(&tenant, second).await.document.slot(), None);
}

pub async fn a_booking_that_was_looked_at_is_looked_at_again(subject: &Subject) {
    let (tenant, other) = (subject.tenant("a"), subject.tenant("b"));
    let ten = span("2026-11-30T16:00:00Z", "2026-11-30T17:00:00Z");
    let id = subject
        .request(&booking(&tenant, "1", "Ann Lee", ten))
        .await;
    let recheck = async |tenant, id| subject.store.recheck_booking(tenant, id).await.unwrap();
    assert!(recheck(&tenant, id).await.is_empty(), "it will be anyway");
    subject
        .run(&tenant, id, Stage::Details, "", no_details)
        .await;
    let section = |request: &LeadRequest| {
        Section::Booking(BookingSection {
            revision: request.document.revisions.of(Stage::Booking),
            span: Some(ten),
            ..BookingSection::default()
        })
    };
    subject.run(&tenant, id, Stage::Booking, "", section).await;
    subject.qualify(&tenant, id, &[]).await;
    assert!(subject.row(&tenant, id, Stage::Booking, "").await.is_none());
    assert!(
        recheck(&other, id).await.is_empty(),
        "it is another tenant's"
    );
    assert!(subject.row(&tenant, id, Stage::Booking, "").await.is_none());

    let wakes = recheck(&tenant, id).await;
    assert_eq!(wakes.len(), 1, "{wakes:?}");
    subject.run(&tenant, id, Stage::Booking, "", section).await;
    let open = subject.store.open_work(&tenant, id).await.unwrap();
    let stages: Vec<_> = open.iter().map(|row| row.key.stage).collect();
    assert_eq!(stages, [Stage::Notification], "nothing else runs again");
}

pub async fn a_long_booking_reaches_into_later_ones(subject: &Subject) {
    let tenant = subject.tenant("a");
    let month = span("2026-11-01T00:00:00Z", "2026-11-30T00:00:00Z");
    let last_day = span("2026-11-29T23:00:00Z", "2026-11-30T01:00:00Z");
    let first = subject
        .request(&booking(&tenant, "1", "Ann Lee", month))
        .await;
    let second = subject
        .request(&booking(&tenant, "2", "Ann Lee", last_day))
        .await;
    assert_eq!(beside(subject, &tenant, second).await, [first]);
    assert_eq!(beside(subject, &tenant, first).await, [second]);
}
