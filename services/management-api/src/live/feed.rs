//! Who watches which tenant, and one task for each tenant that is watched: it reads what is new, once for all streams of
//! this process, and hands it out.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use domain::{Clock, TenantId, later};
use jiff::Timestamp;
use runtime::Problem;
use store::{LiveCounts, LiveId, LiveKind, Store};
use tokio::sync::{OnceCell, broadcast, watch};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::message::{Counts, Sent, json, shown};

/// Streams of one tenant, and of this process.
const MOST_OF_A_TENANT: usize = 64;
const MOST_OF_ALL: usize = 1_000;
/// When one that found none free may try again.
const TRY_AGAIN: Duration = Duration::from_secs(5);
/// Messages that a stream may be behind.
const BUFFER: usize = 256;
/// Events of one read. Less than the buffer, so that a reader that keeps up is never behind by one read.
const PAGE: u32 = 100;
/// How often the store is asked where other processes write, too.
const POLL: Duration = Duration::from_millis(500);
/// How long a failed read is given.
const PAUSE: Duration = Duration::from_secs(1);
/// The least time between two counts.
const COUNTED_EVERY: Duration = Duration::from_secs(1);

/// What a feed hands out.
#[derive(Debug, Clone)]
pub(super) enum Message {
    /// An event.
    Event(Sent),
    /// New counts, as they are sent.
    Counts(Arc<str>),
    /// There is nothing more up to here.
    Reached(LiveId),
}

/// The feeds of this process.
pub(crate) struct Hub {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    feeds: Mutex<Feeds>,
}

#[derive(Default)]
struct Feeds {
    by_tenant: HashMap<TenantId, (Arc<Feed>, usize)>,
    streams: usize,
}

/// What one tenant's streams have in common.
pub(super) struct Feed {
    messages: broadcast::Sender<Message>,
    /// Its task, which ends with it.
    task: OnceCell<DropGuard>,
}

/// A stream's place among those of its tenant, until it is dropped.
pub(super) struct Joined {
    hub: Arc<Hub>,
    pub(super) tenant: TenantId,
    feed: Arc<Feed>,
}

impl Hub {
    pub(crate) fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> Self {
        Self {
            store,
            clock,
            feeds: Mutex::default(),
        }
    }

    /// Takes a place among a tenant's streams. Its feed reads from now on at the latest.
    ///
    /// # Errors
    /// 503 when there are too many already, or when the store does not answer.
    pub(super) async fn join(self: &Arc<Self>, tenant: &TenantId) -> Result<Joined, Problem> {
        let joined = self.place(tenant).ok_or_else(|| {
            Problem::unavailable(
                "Too many live streams are open. Close one, or try again after the time in the `Retry-After` header.",
                TRY_AGAIN,
            )
        })?;
        let start = async || {
            let place = self.store.live_now(tenant).await?;
            let stop = CancellationToken::new();
            let task = FeedTask {
                store: self.store.clone(),
                clock: self.clock.clone(),
                tenant: tenant.clone(),
                messages: joined.feed.messages.clone(),
                changes: self.store.live_changes(tenant),
                place,
                counted: None,
                counted_at: None,
                count_at: None,
            };
            let stopped = stop.clone();
            tokio::spawn(async move { stopped.run_until_cancelled(task.run()).await });
            Ok::<_, Problem>(stop.drop_guard())
        };
        joined.feed.task.get_or_try_init(start).await?;
        Ok(joined)
    }

    fn place(self: &Arc<Self>, tenant: &TenantId) -> Option<Joined> {
        let mut feeds = self.lock();
        if feeds.streams >= MOST_OF_ALL {
            return None;
        }
        let known = feeds.by_tenant.entry(tenant.clone()).or_insert_with(|| {
            let feed = Feed {
                messages: broadcast::Sender::new(BUFFER),
                task: OnceCell::new(),
            };
            (Arc::new(feed), 0)
        });
        if known.1 >= MOST_OF_A_TENANT {
            return None;
        }
        known.1 += 1;
        let feed = known.0.clone();
        feeds.streams += 1;
        drop(feeds);
        Some(Joined {
            hub: self.clone(),
            tenant: tenant.clone(),
            feed,
        })
    }

    fn lock(&self) -> MutexGuard<'_, Feeds> {
        self.feeds.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Joined {
    /// What the feed hands out from here on.
    pub(super) fn listen(&self) -> broadcast::Receiver<Message> {
        self.feed.messages.subscribe()
    }
}

impl Drop for Joined {
    fn drop(&mut self) {
        let mut feeds = self.hub.lock();
        feeds.streams -= 1;
        if let Some(known) = feeds.by_tenant.get_mut(&self.tenant) {
            known.1 -= 1;
            if known.1 == 0 {
                feeds.by_tenant.remove(&self.tenant);
            }
        }
    }
}

/// Reads what is new of a tenant.
struct FeedTask {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    tenant: TenantId,
    messages: broadcast::Sender<Message>,
    changes: Option<watch::Receiver<u64>>,
    place: LiveId,
    counted: Option<LiveCounts>,
    counted_at: Option<Timestamp>,
    /// When to count next, if anything may have changed the counts since.
    count_at: Option<Timestamp>,
}

impl FeedTask {
    async fn run(mut self) {
        loop {
            match self.read().await {
                // There may be more.
                Ok(true) => {}
                Ok(false) => {
                    if let Err(error) = self.count().await {
                        tracing::warn!("what waits for people is not counted: {error}");
                    }
                    self.wait().await;
                }
                Err(error) => {
                    tracing::warn!("what is new is not read, and tried again: {error}");
                    self.sleep(PAUSE).await;
                }
            }
        }
    }

    /// Hands out what is new; true when there may be more.
    async fn read(&mut self) -> store::Result<bool> {
        let found = self
            .store
            .live_after(&self.tenant, self.place, PAGE)
            .await?;
        let is_full = u32::try_from(found.events.len()).is_ok_and(|count| count >= PAGE);
        let is_request = |event: &store::LiveEvent| event.kind == LiveKind::Request.as_str();
        if self.count_at.is_none() && found.events.iter().any(is_request) {
            let now = self.clock.now();
            let next = self.counted_at.map(|at| later(at, COUNTED_EVERY));
            self.count_at = Some(next.map_or(now, |next| next.max(now)));
        }
        for sent in shown(self.store.as_ref(), &self.tenant, found.events).await? {
            self.send(Message::Event(sent));
        }
        if found.until > self.place {
            self.place = found.until;
            self.send(Message::Reached(found.until));
        }
        Ok(is_full)
    }

    async fn count(&mut self) -> store::Result<()> {
        let now = self.clock.now();
        if self.count_at.is_none_or(|at| at > now) {
            return Ok(());
        }
        let counts = self.store.live_counts(&self.tenant).await?;
        (self.counted_at, self.count_at) = (Some(now), None);
        if self.counted != Some(counts) {
            self.counted = Some(counts);
            self.send(Message::Counts(json(&Counts::from(counts))?.into()));
        }
        Ok(())
    }

    /// Whoever is gone hears nothing.
    fn send(&self, message: Message) {
        drop(self.messages.send(message));
    }

    /// Returns when there may be something to do.
    async fn wait(&mut self) {
        let count_at = self.count_at;
        let clock = self.clock.clone();
        let due = async {
            match count_at {
                Some(at) => clock.sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        let news = async {
            if let Some(changes) = &mut self.changes
                && changes.changed().await.is_ok()
            {
                return;
            }
            clock.sleep_until(later(clock.now(), POLL)).await;
        };
        tokio::select! {
            () = due => {}
            () = news => {}
        }
    }

    async fn sleep(&self, time: Duration) {
        self.clock.sleep_until(later(self.clock.now(), time)).await;
    }
}
