//! The stage `booking`.

use std::collections::BTreeMap;

use domain::{About, BookingSection, BookingStatus, Channel, News, RequestId, Stage, UnknownBusy};
use testkit::lead;

use crate::{trial, world::World};

/// A world whose tenant has connected its calendar, which answers so.
async fn connected(calendar: &str) -> World {
    let world = World::start().await;
    let settings = BTreeMap::from([(trial::CALENDAR.to_owned(), calendar.to_owned())]);
    let connected = world.connect(lead::PROVIDER, trial::SECRET, settings);
    connected.await;
    world
}

/// A booking whose details are known.
async fn booking(world: &World, news: News) -> RequestId {
    let request = world.deliver_news(news).await;
    world.step(request).await;
    assert_eq!(world.open(request).await.key.stage, Stage::Booking);
    request
}

async fn section(world: &World, request: RequestId) -> BookingSection {
    world.request(request).await.document.booking.unwrap()
}

/// The usual booking, of which the API says what the delivery said.
async fn looked_at(calendar: &str) -> BookingSection {
    let world = connected(calendar).await;
    let request = booking(&world, lead::news(Channel::Calendar)).await;
    world.step(request).await;
    assert_eq!(world.open(request).await.key.stage, Stage::Analysis);
    section(&world, request).await
}

#[tokio::test]
async fn what_the_provider_has_in_the_calendar_is_a_conflict() {
    let found = looked_at(trial::TAKEN).await;
    assert_eq!((found.word(), found.conflicts.len()), ("conflict", 1));
    assert_eq!(found.conflicts[0].request, None);
    assert_eq!(found.conflicts[0].span.from, found.span.unwrap().from);
    assert_eq!(looked_at("").await.word(), "free");
}

#[tokio::test]
async fn a_provider_that_refuses_holds_up_no_booking() {
    let found = looked_at(trial::REFUSES).await;
    assert_eq!(found.unknown, Some(UnknownBusy::Refused));
    assert_eq!(found.word(), "unknown");
}

#[tokio::test]
async fn a_provider_that_fails_is_waited_for_in_the_fast_lane_alone() {
    let world = connected(trial::FAILS).await;
    let request = booking(&world, lead::news(Channel::Calendar)).await;
    let tries = world.tries(request).await;
    let fast = domain::RetryPolicy::default().fast_ms.len();
    assert_eq!(tries, fast + 1, "the first try, and the fast lane");
    let found = section(&world, request).await;
    assert_eq!(found.unknown, Some(UnknownBusy::Unavailable));
}

#[tokio::test]
async fn a_calendar_that_nobody_connected_is_not_free() {
    let world = World::start().await;
    let request = booking(&world, lead::news(Channel::Calendar)).await;
    world.step(request).await;
    let found = section(&world, request).await;
    assert_eq!(found.unknown, Some(UnknownBusy::NotConnected));
    assert_eq!(found.word(), "unknown");
}

/// The usual booking with other facts, of which the API says nothing.
fn other(say: impl FnOnce(&mut domain::BookingFacts)) -> News {
    let mut news = lead::news(Channel::Calendar);
    news.facts.external_id = None;
    if let About::Calendar(booking) = &mut news.facts.about {
        say(booking);
    }
    news
}

#[tokio::test]
async fn without_a_time_or_a_host_nothing_is_known() {
    let world = connected("").await;
    let timeless = other(|booking| booking.ends_at = None);
    let request = booking(&world, timeless).await;
    world.step(request).await;
    let found = section(&world, request).await;
    assert_eq!(
        (found.span, found.unknown),
        (None, Some(UnknownBusy::NoTime))
    );
}

#[tokio::test]
async fn a_booking_that_was_called_off_takes_no_time() {
    let world = connected(trial::TAKEN).await;
    let canceled = other(|booking| booking.status = Some(BookingStatus::Canceled));
    let request = booking(&world, canceled).await;
    world.step(request).await;
    let found = section(&world, request).await;
    assert_eq!((found.word(), found.conflicts.len()), ("none", 0));
}
