//! A client of the stream, with habits of its own.

use std::{ops::Range, sync::Arc, time::Duration};

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use serde_json::Value;
use tokio::{
    sync::{oneshot, watch},
    time::{Instant, sleep, timeout},
};

use super::{PATIENCE, Told};

/// The pause before it connects again.
const PAUSE: Duration = Duration::from_millis(20);
/// Longest silence: a heartbeat comes sooner.
const SILENCE: Duration = Duration::from_secs(20);

/// Where the stream is served now; none while nobody is there.
pub(super) type Servers = Arc<dyn Fn(&mut StdRng) -> Option<String> + Send + Sync>;

/// How a watcher behaves.
#[derive(Debug, Clone)]
pub(super) struct Habits {
    /// After how many events it hangs up.
    pub(super) hangs_up_after: Range<usize>,
    /// How long it looks at an event now and then.
    pub(super) looks_for: Duration,
    /// Whether it says its last id in the query instead of the header.
    pub(super) asks_by_query: bool,
}

/// A watcher of one tenant.
pub(super) struct Watcher {
    pub(super) servers: Servers,
    pub(super) path: String,
    pub(super) token: String,
    pub(super) habits: Habits,
    pub(super) seed: u64,
    /// The id of the last event, once it is known.
    pub(super) last: watch::Receiver<Option<String>>,
    /// Told once its first stream has begun.
    pub(super) begun: Option<oneshot::Sender<String>>,
}

impl Watcher {
    /// Watches until the last event, or for as long as patience lasts; what it saw, and how often it connected.
    pub(super) async fn watch(mut self) -> (Vec<Told>, usize) {
        let began = Instant::now();
        let mut rng = StdRng::seed_from_u64(self.seed);
        let (mut seen, mut streams, mut place) = (Vec::new(), 0, None);
        while !self.has_all(&seen) && began.elapsed() < PATIENCE {
            let Some(answer) = self.connect(&mut rng, place.as_deref()).await else {
                sleep(PAUSE).await;
                continue;
            };
            streams += 1;
            self.listen(answer, &mut rng, &mut place, &mut seen).await;
        }
        (seen, streams)
    }

    fn has_all(&self, seen: &[Told]) -> bool {
        let last = self.last.borrow();
        last.is_some() && seen.last().map(|told| &told.id) == last.as_ref()
    }

    async fn connect(&self, rng: &mut StdRng, place: Option<&str>) -> Option<reqwest::Response> {
        let base = (self.servers)(rng)?;
        let url = format!("{base}{}", self.path);
        let mut request = client().get(url).bearer_auth(&self.token);
        if let Some(place) = place {
            request = match self.habits.asks_by_query {
                true => request.query(&[("last_event_id", place)]),
                false => request.header("last-event-id", place),
            };
        }
        let answer = timeout(SILENCE, request.send()).await.ok()?.ok()?;
        answer.status().is_success().then_some(answer)
    }

    /// Reads a stream until it ends or the watcher hangs up.
    async fn listen(
        &mut self,
        mut answer: reqwest::Response,
        rng: &mut StdRng,
        place: &mut Option<String>,
        seen: &mut Vec<Told>,
    ) {
        let mut left = rng.random_range(self.habits.hangs_up_after.clone());
        let mut text = String::new();
        // Only what is new wakes: from the end on, streams are read to the last event.
        let mut last = self.last.clone();
        last.mark_unchanged();
        while !self.has_all(seen) {
            let piece = tokio::select! {
                piece = timeout(SILENCE, answer.chunk()) => piece,
                _ = last.changed() => continue,
            };
            let Ok(Ok(Some(piece))) = piece else { return };
            text.push_str(&String::from_utf8_lossy(&piece));
            while let Some((block, rest)) = text.split_once("\n\n") {
                let block = block.to_owned();
                text = rest.to_owned();
                if let Some(told) = self.read(&block, place) {
                    seen.push(told);
                    left -= 1;
                    if !self.habits.looks_for.is_zero() && rng.random_ratio(1, 400) {
                        sleep(self.habits.looks_for).await;
                    }
                }
                if left == 0 || self.has_all(seen) {
                    return;
                }
            }
        }
    }

    /// Takes a block in; the change that it tells.
    fn read(&mut self, block: &str, place: &mut Option<String>) -> Option<Told> {
        let field = |name: &str| {
            let mut lines = block.lines();
            lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
        };
        let id = field("id").map(str::to_owned);
        if let Some(id) = &id {
            *place = Some(id.clone());
        }
        let kind = field("event")?;
        if kind == "hello"
            && let (Some(begun), Some(id)) = (self.begun.take(), &id)
        {
            drop(begun.send(id.clone()));
        }
        if kind == "reset" {
            // It shows as a gap.
            return None;
        }
        let data: Value = serde_json::from_str(field("data")?).unwrap();
        let object = data["object"].as_str().or(data["request_id"].as_str())?;
        Some(Told {
            id: id?,
            kind: kind.to_owned(),
            object: object.to_owned(),
            cause: data["cause"].as_str()?.to_owned(),
        })
    }
}

/// One for each stream: streams must not wait for each other's connections.
#[expect(clippy::disallowed_methods, reason = "it calls the product")]
fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().unwrap()
}
