//! When people are busy, as the APIs of calendars tell it.

use std::{collections::BTreeMap, sync::Arc};

use domain::{Account, BookingFacts, Busy, ConnectionName, Span, TenantId};
use http_client::{Client, Options};
use jiff::Timestamp;
use serde_json::Value;
use simulators::{Fault, Simulators, acuity, calendly};
use sources::{ApiError, ApiSet, BusyApi, Config, Sources};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn span(from: &str, to: &str) -> Span {
    Span::new(at(from), at(to)).unwrap()
}

/// Simulators at a time before all bookings of these tests.
async fn simulators() -> Simulators {
    let config = simulators::Config {
        now: Arc::new(|| at("2026-11-20T12:00:00Z")),
        ..simulators::Config::default()
    };
    Simulators::start(config).await.unwrap()
}

async fn busy(
    (slug, url): (&'static str, &str),
    (secret, settings): (&str, &[(&str, &str)]),
    id: &str,
    booking: &BookingFacts,
) -> Result<Vec<Busy>, ApiError> {
    let account = Account {
        tenant: TenantId::new("tenant_demo").unwrap(),
        connection: ConnectionName::new(slug).unwrap(),
        version: 1,
        secret: secret.to_owned().into(),
        settings: settings
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect::<BTreeMap<_, _>>(),
    };
    api(slug, url)
        .busy(&account, id, booking, booking.span().unwrap())
        .await
}

fn api(slug: &'static str, url: &str) -> Arc<dyn BusyApi> {
    let options = Options {
        allow_loopback: true,
        ..Options::default()
    };
    let config = Config::default().with_url(slug, url.parse().unwrap());
    let set = ApiSet::new(
        &Client::new(options).unwrap(),
        &Sources::standard(),
        &config,
    );
    set.get(slug).unwrap().busy.clone().unwrap()
}

fn spans(busy: &[Busy]) -> Vec<Span> {
    busy.iter().map(|busy| busy.span).collect()
}

fn booking(calendar: &str, event: Option<&str>, span: Span) -> BookingFacts {
    BookingFacts {
        starts_at: Some(span.from),
        ends_at: Some(span.to),
        calendar_ids: Some(vec![calendar.to_owned()]),
        event_id: event.map(str::to_owned),
        ..BookingFacts::default()
    }
}

#[tokio::test]
async fn calendly_tells_of_other_events_and_other_calendars() {
    let simulators = simulators().await;
    let calendly = simulators.calendly();
    let own = span("2026-11-30T16:00:00Z", "2026-11-30T17:00:00Z");
    let book = |starts_at: &str| {
        calendly.book(calendly::Wanted {
            starts_at: at(starts_at),
            ..calendly::Wanted::default()
        })
    };
    book("2026-11-30T16:00:00Z");
    // Bookings are in no order that a test could count on.
    let event_of = |starts_at: &str| {
        let bookings = calendly.bookings();
        let mut events = bookings.iter().map(|booking| &booking["scheduled_event"]);
        let starts = |event: &&Value| event["start_time"].as_str().unwrap().starts_with(starts_at);
        let event = events.find(starts).unwrap();
        event["uri"].as_str().unwrap().to_owned()
    };
    let event = event_of("2026-11-30T16:00:00");
    book("2026-11-30T16:30:00Z");
    let second = Some(event_of("2026-11-30T16:30:00"));
    book("2026-11-30T17:00:00Z");
    let canceled = book("2026-11-30T16:15:00Z");
    calendly.cancel(&canceled);
    let (from, to) = (at("2026-11-30T15:00:00Z"), at("2026-11-30T16:10:00Z"));
    calendly.keep_busy(from, to);
    let ask = async |booking: &BookingFacts| {
        let url = calendly.base_url();
        busy(
            ("calendly", &url),
            ("simulated-calendly-token", &[]),
            "",
            booking,
        )
        .await
    };
    let mine = booking(calendly::USER, Some(&event), own);
    let found = ask(&mine).await.unwrap();
    assert_eq!(
        spans(&found),
        [
            span("2026-11-30T15:00:00Z", "2026-11-30T16:10:00Z"),
            span("2026-11-30T16:30:00Z", "2026-11-30T17:30:00Z"),
        ]
    );
    assert_eq!(found[0].event, None);
    assert_eq!(found[1].event, second);
    let elsewhere = booking("https://api.calendly.com/users/another", None, own);
    assert!(matches!(
        ask(&elsewhere).await,
        Err(ApiError::Unauthorized { .. })
    ));
    let nobody = BookingFacts {
        calendar_ids: None,
        ..mine.clone()
    };
    assert!(matches!(ask(&nobody).await, Err(ApiError::NotFound)));
    // Of weeks off, the part that matters: they are no reason to take the time for free.
    calendly.keep_busy(at("2026-11-25T00:00:00Z"), at("2027-02-25T00:00:00Z"));
    let around = span("2026-11-29T16:00:00Z", "2026-12-01T17:00:00Z");
    let found = spans(&ask(&mine).await.unwrap());
    assert!(found.contains(&around), "{found:?}");
    calendly.answer_next(Fault::Status(424));
    let error = ask(&mine).await.unwrap_err();
    assert!(
        matches!(&error, ApiError::Rejected { status, .. } if status.as_u16() == 424),
        "{error}"
    );
}

#[tokio::test]
async fn acuity_tells_of_other_appointments_and_of_blocked_times() {
    let simulators = simulators().await;
    let acuity = simulators.acuity();
    let calendar = acuity::Wanted::default().calendar_id;
    let book = |starts_at: &str, calendar_id: u64| {
        acuity.book(acuity::Wanted {
            starts_at: at(starts_at),
            calendar_id,
            ..acuity::Wanted::default()
        })
    };
    // Either side of midnight by the calendar's clocks, after they went back.
    let own = book("2026-11-02T05:30:00Z", calendar);
    book("2026-11-02T06:00:00Z", calendar);
    book("2026-11-02T05:30:00Z", calendar + 1);
    let canceled = book("2026-11-02T05:45:00Z", calendar);
    acuity.cancel(&canceled);
    let (from, to) = (at("2026-10-01T00:00:00Z"), at("2026-12-31T00:00:00Z"));
    acuity.block(calendar, from, to);
    let ask = async |booking: &BookingFacts| {
        let account = (acuity::API_KEY, [("user_id", acuity::USER_ID)]);
        let url = acuity.base_url();
        busy(("acuity", &url), (account.0, &account.1), &own, booking).await
    };
    let time = span("2026-11-02T05:30:00Z", "2026-11-02T06:30:00Z");
    let mine = booking(&calendar.to_string(), None, time);
    assert_eq!(
        spans(&ask(&mine).await.unwrap()),
        [
            span("2026-11-02T06:00:00Z", "2026-11-02T07:00:00Z"),
            // The part of a long one that matters.
            span("2026-11-01T05:30:00Z", "2026-11-03T06:30:00Z"),
        ]
    );
    assert_eq!(
        api("acuity", &acuity.base_url()).requests(&mine),
        2,
        "appointments and blocked times"
    );
    acuity.always(Fault::Status(503));
    assert!(matches!(
        ask(&mine).await,
        Err(ApiError::Unavailable { .. })
    ));
}
