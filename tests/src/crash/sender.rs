//! A sender of webhooks that sends a delivery again, to the byte, until it is acknowledged, and writes everything down.

use std::{
    collections::{BTreeSet, VecDeque},
    ops::Range,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use pipeline::demo;
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use serde_json::Value;
use tokio::task::JoinSet;

use super::plan::Plan;
use crate::sha1_signature;

/// Longest wait for an answer, as senders of webhooks have it.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);
/// Longest wait for an answer that a story asks for itself.
const PROBE_LIMIT: Duration = Duration::from_secs(60);
/// The pause before a delivery is sent again, in milliseconds.
const PAUSE_MS: Range<u64> = 20..80;

/// What became of a delivery.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sent {
    /// How often it was sent.
    pub(crate) attempts: u32,
    /// The request that its acknowledgement named.
    pub(crate) acknowledged: Option<Option<String>>,
    /// An answer that is neither an acknowledgement nor "later".
    pub(crate) refused: Option<String>,
}

/// How the answers were.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) acknowledged: AtomicUsize,
    /// Acknowledged as a repeat.
    pub(crate) duplicates: AtomicUsize,
    /// No answer, or none that was whole.
    pub(crate) unanswered: AtomicUsize,
    /// 503 or 429.
    pub(crate) put_off: AtomicUsize,
}

/// The sender, with its log.
pub(crate) struct Sender {
    plan: Arc<Plan>,
    base: String,
    /// Whether something stands before the product, which answers 502 for a process that ended over a delivery.
    is_behind_front: bool,
    http: reqwest::Client,
    queue: Mutex<VecDeque<usize>>,
    log: Mutex<Vec<Sent>>,
    /// Numbers of the attempts that have no answer yet, and the next number.
    under_way: Mutex<(BTreeSet<u64>, u64)>,
    pub(crate) counts: Counts,
    is_closed: AtomicBool,
}

impl Sender {
    pub(crate) fn new(plan: Arc<Plan>, base: String, is_behind_front: bool) -> Self {
        let log = vec![Sent::default(); plan.deliveries.len()];
        Self {
            plan,
            base,
            is_behind_front,
            http: client(),
            queue: Mutex::default(),
            log: Mutex::new(log),
            under_way: Mutex::default(),
            counts: Counts::default(),
            is_closed: AtomicBool::new(false),
        }
    }

    /// Begins to send over this many connections.
    pub(crate) fn start(self: &Arc<Self>, connections: u64, seed: u64) -> JoinSet<()> {
        let mut workers = JoinSet::new();
        for number in 0..connections {
            let (sender, rng) = (self.clone(), StdRng::seed_from_u64(seed ^ (number << 32)));
            workers.spawn(async move { sender.work(rng).await });
        }
        workers
    }

    /// Puts deliveries on the way.
    pub(crate) fn release(&self, deliveries: Range<usize>) {
        lock(&self.queue).extend(deliveries);
    }

    /// No more will be released: the workers end once everything is acknowledged.
    pub(crate) fn close(&self) {
        self.is_closed.store(true, Ordering::Relaxed);
    }

    /// Waits until whatever is on its way now was answered, or was not within the sender's limit.
    pub(crate) async fn until_answered(&self) {
        let next = lock(&self.under_way).1;
        while matches!(lock(&self.under_way).0.first(), Some(oldest) if *oldest < next) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// What became of each delivery so far.
    pub(crate) fn log(&self) -> Vec<Sent> {
        lock(&self.log).clone()
    }

    async fn work(&self, mut rng: StdRng) {
        loop {
            let next = lock(&self.queue).pop_front();
            let pause = match next {
                Some(delivery) if self.is_ripe(delivery) => {
                    if self.send(delivery).await {
                        continue;
                    }
                    lock(&self.queue).push_back(delivery);
                    Duration::from_millis(rng.random_range(PAUSE_MS))
                }
                Some(delivery) => {
                    lock(&self.queue).push_back(delivery);
                    Duration::from_millis(1)
                }
                None if self.is_closed.load(Ordering::Relaxed) => return,
                None => Duration::from_millis(5),
            };
            tokio::time::sleep(pause).await;
        }
    }

    fn is_ripe(&self, delivery: usize) -> bool {
        self.plan.deliveries[delivery].after.is_none_or(|before| {
            let sent = &lock(&self.log)[before];
            sent.acknowledged.is_some() || sent.refused.is_some()
        })
    }

    /// Sends a delivery once more, outside its turn, and does not take it for acknowledged: the status, and what
    /// `Retry-After` says. None without an answer.
    pub(crate) async fn probe(&self, index: usize) -> Option<(u16, Option<String>)> {
        let answer = self.request(index).timeout(PROBE_LIMIT).send().await.ok()?;
        let retry_after = answer.headers().get("retry-after");
        let retry_after = retry_after.and_then(|value| Some(value.to_str().ok()?.to_owned()));
        Some((answer.status().as_u16(), retry_after))
    }

    /// The request that sends a delivery, counted as an attempt.
    fn request(&self, index: usize) -> reqwest::RequestBuilder {
        let delivery = &self.plan.deliveries[index];
        lock(&self.log)[index].attempts += 1;
        let url = format!(
            "{}/v1/hooks/{}/{}",
            self.base,
            demo::token("callrail"),
            delivery.event
        );
        self.http
            .post(url)
            .header("content-type", "application/json")
            .header(
                "signature",
                sha1_signature(simulators::callrail::SIGNING_KEY, &delivery.body),
            )
            .body(delivery.body.to_vec())
    }

    /// Sends a delivery once; whether that is the end of it.
    async fn send(&self, index: usize) -> bool {
        let attempt = {
            let (under_way, next) = &mut *lock(&self.under_way);
            *next += 1;
            under_way.insert(*next - 1);
            *next - 1
        };
        let is_end = self.attempt(index).await;
        lock(&self.under_way).0.remove(&attempt);
        is_end
    }

    async fn attempt(&self, index: usize) -> bool {
        let Ok((status, body)) = answer(self.request(index)).await else {
            self.counts.unanswered.fetch_add(1, Ordering::Relaxed);
            return false;
        };
        match status {
            200 => {
                let body: Value = serde_json::from_slice(&body).unwrap_or_default();
                let counts = &self.counts;
                counts.acknowledged.fetch_add(1, Ordering::Relaxed);
                let is_duplicate = body["duplicate"] == true;
                counts
                    .duplicates
                    .fetch_add(usize::from(is_duplicate), Ordering::Relaxed);
                let request = body["request_id"].as_str().map(str::to_owned);
                lock(&self.log)[index].acknowledged = Some(request);
                true
            }
            429 | 503 => {
                self.counts.put_off.fetch_add(1, Ordering::Relaxed);
                false
            }
            502 if self.is_behind_front => {
                self.counts.unanswered.fetch_add(1, Ordering::Relaxed);
                false
            }
            other => {
                let refusal = format!("{other}: {}", String::from_utf8_lossy(&body));
                lock(&self.log)[index].refused = Some(refusal);
                true
            }
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the product's answers to webhooks are small"
)]
async fn answer(request: reqwest::RequestBuilder) -> reqwest::Result<(u16, Vec<u8>)> {
    let response = request.send().await?;
    let status = response.status().as_u16();
    Ok((status, response.bytes().await?.to_vec()))
}

#[expect(
    clippy::disallowed_methods,
    reason = "it stands for the providers outside"
)]
fn client() -> reqwest::Client {
    reqwest::Client::builder()
        .no_proxy()
        .timeout(ANSWER_LIMIT)
        .build()
        .unwrap()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
