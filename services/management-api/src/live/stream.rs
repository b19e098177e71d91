//! One reader's stream: what is stored behind its place, then what its tenant's feed hands out.

use std::{collections::VecDeque, sync::Arc};

use axum::response::sse::Event;
use domain::Clock;
use futures::future::BoxFuture;
use runtime::Problem;
use store::{LiveId, Store};
use tokio::sync::broadcast::{Receiver, error::RecvError};

use super::{
    beat,
    feed::{Joined, Message},
    message::{Counts, Hello, Reset, ResetReason, json, shown},
};
use crate::Deps;

/// Events of one read of what is stored.
const PAGE: u32 = 100;

/// What ends a stream, and what it must not be silent for.
pub(super) struct Ends {
    /// The process ends.
    pub(super) draining: BoxFuture<'static, ()>,
    /// The token ends.
    pub(super) expiry: BoxFuture<'static, ()>,
    /// A sign of life is due.
    pub(super) beat: BoxFuture<'static, ()>,
}

/// A stream, as far as it was read.
pub(super) struct Stream {
    source: Source,
    ends: Ends,
    clock: Arc<dyn Clock>,
    has_ended: bool,
}

/// Where the events come from.
struct Source {
    store: Arc<dyn Store>,
    joined: Joined,
    /// The last event that was sent, or a place behind it up to which there is none.
    place: LiveId,
    /// None while what is stored is read.
    live: Option<Receiver<Message>>,
    /// Whether the counts are still to be sent.
    is_uncounted: bool,
    ready: VecDeque<Event>,
}

/// Why a stream ends, for its reader.
type End = &'static str;

impl Stream {
    /// Begins with `hello` at a place, and with `reset` if its reader was elsewhere.
    pub(super) fn begin(
        deps: Deps,
        joined: Joined,
        ends: Ends,
        place: LiveId,
        reset: Option<ResetReason>,
    ) -> Result<Self, Problem> {
        let hello = Hello {
            now: deps.clock.now(),
            version: env!("CARGO_PKG_VERSION"),
        };
        let (place_now, hello) = (place.to_string(), json(&hello)?);
        let hello = |event: Event| event.event("hello").data(hello);
        let ready = match reset {
            None => VecDeque::from([hello(Event::default().id(place_now))]),
            // The place comes with the reset, not before it: a reader that is cut off in between is told again.
            Some(reason) => {
                let reset = Event::default().id(place_now).event("reset");
                let reset = reset.data(json(&Reset { reason })?);
                VecDeque::from([hello(Event::default()), reset])
            }
        };
        Ok(Self {
            source: Source {
                store: deps.store,
                joined,
                place,
                live: None,
                is_uncounted: true,
                ready,
            },
            ends,
            clock: deps.clock,
            has_ended: false,
        })
    }

    /// What is sent next; none at the end.
    pub(super) async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.source.ready.pop_front() {
                return Some(event);
            }
            if self.has_ended {
                return None;
            }
            let end = tokio::select! {
                biased;
                () = &mut self.ends.draining => Err("the server ends: connect again"),
                () = &mut self.ends.expiry => Err("the token or key has ended: connect again with a new one"),
                () = &mut self.ends.beat => {
                    self.ends.beat = beat(self.clock.as_ref());
                    // A reader goes on from here although there was no event.
                    let place = self.source.place.to_string();
                    self.source.ready.push_back(Event::default().id(place).comment("alive"));
                    Ok(())
                }
                more = self.source.more() => more,
            };
            if let Err(why) = end {
                self.has_ended = true;
                self.source.ready.push_back(Event::default().comment(why));
            }
        }
    }
}

impl Source {
    /// Makes what comes next ready. It may be dropped at any time, and loses nothing by that.
    async fn more(&mut self) -> Result<(), End> {
        match &mut self.live {
            Some(messages) => {
                let message = messages.recv().await;
                self.take(message)
            }
            None => self.catch_up().await.map_err(|error| {
                tracing::warn!("a live stream ends: {error}");
                "the store does not answer: connect again"
            }),
        }
    }

    /// Sends a page of what is stored behind the place. Behind the last page the feed goes on.
    async fn catch_up(&mut self) -> store::Result<()> {
        if self.is_uncounted {
            let counts = self.store.live_counts(&self.joined.tenant).await?;
            let counts = json(&Counts::from(counts))?;
            self.is_uncounted = false;
            self.ready
                .push_back(Event::default().event("counts").data(counts));
            return Ok(());
        }
        // From before the read on, so that nothing is between the two. What both have is passed over.
        let messages = self.joined.listen();
        let tenant = &self.joined.tenant;
        let found = self.store.live_after(tenant, self.place, PAGE).await?;
        let is_last = u32::try_from(found.events.len()).is_ok_and(|count| count < PAGE);
        let events = shown(self.store.as_ref(), tenant, found.events).await?;
        self.ready
            .extend(events.iter().map(super::message::Sent::event));
        self.place = found.until;
        if is_last {
            self.live = Some(messages);
        }
        Ok(())
    }

    fn take(&mut self, message: Result<Message, RecvError>) -> Result<(), End> {
        match message {
            Ok(Message::Event(sent)) if sent.id > self.place => {
                self.place = sent.id;
                self.ready.push_back(sent.event());
            }
            Ok(Message::Event(_)) => {}
            Ok(Message::Reached(place)) => self.place = self.place.max(place),
            Ok(Message::Counts(counts)) => {
                let event = Event::default().event("counts").data(&*counts);
                self.ready.push_back(event);
            }
            Err(RecvError::Lagged(_)) => {
                return Err("you read too slowly: connect again with the last id that you have");
            }
            Err(RecvError::Closed) => return Err("the stream broke off: connect again"),
        }
        Ok(())
    }
}
