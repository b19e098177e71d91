//! Webhooks of providers that post them: to everybody who subscribed, again until they are answered, and with trouble on
//! order.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::control::{self, pretty};
use crate::provider::{Provider, Shared, lock};

/// The interval between two scans of a queue that is not empty.
const SCAN_INTERVAL: Duration = Duration::from_millis(20);
const LONGEST_INTERVAL: Duration = Duration::from_secs(60 * 60);
const ANSWER_LIMIT: Duration = Duration::from_secs(10);

/// A provider that posts webhooks to subscribers.
pub(crate) trait Posts: Provider {
    fn outbox(&self) -> &Outbox;

    /// The headers that sign a body, and their values.
    fn sign(key: &str, body: &[u8], now: Timestamp) -> Vec<(&'static str, String)>;
}

/// How a provider repeats what was not taken.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    /// Whether an answer makes it repeat; none means that there was none.
    pub(crate) is_repeated: fn(Option<StatusCode>) -> bool,
    /// How long a webhook is repeated.
    pub(crate) give_up: SignedDuration,
    /// How long a subscription may fail before it is switched off.
    pub(crate) switch_off: SignedDuration,
}

/// Who gets which webhooks.
#[derive(Debug, Clone)]
pub(crate) struct Subscription {
    pub(crate) id: u64,
    pub(crate) url: String,
    pub(crate) events: Vec<String>,
    pub(crate) key: String,
    pub(crate) made: Timestamp,
    pub(crate) is_on: bool,
    /// Since when no webhook was taken.
    pub(crate) failing_since: Option<Timestamp>,
}

/// Trouble on order. It applies to webhooks that are posted from now on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Trouble {
    /// So many of the next webhooks never leave.
    pub lose: u32,
    /// So many of the next are posted twice.
    pub repeat: u32,
    /// How long each waits before it leaves, until this is set back to 0.
    pub delay_ms: u64,
}

/// A webhook on its way.
#[derive(Debug, Clone)]
struct Waiting {
    subscription: u64,
    content_type: &'static str,
    body: Vec<u8>,
    made: Timestamp,
    due: Timestamp,
    times: u32,
    refusals: u32,
}

#[derive(Default)]
struct Inner {
    subscriptions: Vec<Subscription>,
    last_id: u64,
    queue: Vec<Waiting>,
    posting: usize,
    trouble: Trouble,
    /// Whether it repeats what was not taken whatever its rules say.
    insists: bool,
}

/// The subscriptions of a provider, and the webhooks that they have not taken yet.
pub(crate) struct Outbox {
    rules: Rules,
    first_retry: Duration,
    inner: Mutex<Inner>,
    wake: Notify,
}

impl Outbox {
    pub(crate) fn new(rules: Rules, first_retry: Duration) -> Self {
        Self {
            rules,
            first_retry,
            inner: Mutex::default(),
            wake: Notify::new(),
        }
    }

    /// Subscribes a URL, and returns what was made.
    pub(crate) fn subscribe(
        &self,
        url: &str,
        events: Vec<String>,
        key: &str,
        now: Timestamp,
    ) -> Subscription {
        let mut inner = lock(&self.inner);
        inner.last_id += 1;
        let subscription = Subscription {
            id: inner.last_id,
            url: url.to_owned(),
            events,
            key: key.to_owned(),
            made: now,
            is_on: true,
            failing_since: None,
        };
        inner.subscriptions.push(subscription.clone());
        subscription
    }

    /// Subscribes a URL in place of all that have this key.
    pub(crate) fn subscribe_alone(&self, url: &str, events: &[&str], key: &str) {
        lock(&self.inner)
            .subscriptions
            .retain(|known| known.key != key);
        let events = events.iter().map(|event| (*event).to_owned()).collect();
        self.subscribe(url, events, key, Timestamp::UNIX_EPOCH);
    }

    /// Ends a subscription. Returns whether there was one.
    pub(crate) fn unsubscribe(&self, id: u64) -> bool {
        let mut inner = lock(&self.inner);
        let before = inner.subscriptions.len();
        inner.subscriptions.retain(|known| known.id != id);
        inner.subscriptions.len() != before
    }

    /// Changes the events of a subscription, and switches it on or off, as far as that is asked. Returns whether there is
    /// one.
    pub(crate) fn change(&self, id: u64, events: Option<Vec<String>>, is_on: Option<bool>) -> bool {
        let mut inner = lock(&self.inner);
        let Some(known) = inner.subscriptions.iter_mut().find(|known| known.id == id) else {
            return false;
        };
        if let Some(events) = events {
            known.events = events;
        }
        if let Some(is_on) = is_on {
            known.is_on = is_on;
            known.failing_since = None;
        }
        true
    }

    pub(crate) fn subscriptions(&self) -> Vec<Subscription> {
        lock(&self.inner).subscriptions.clone()
    }

    /// Sets the trouble for what is posted from now on.
    pub(crate) fn order(&self, trouble: Trouble) {
        lock(&self.inner).trouble = trouble;
    }

    /// From now on, repeats what was not taken for an hour whatever the rules say.
    pub(crate) fn insist(&self) {
        lock(&self.inner).insists = true;
    }

    /// Switches every subscription on or off.
    pub(crate) fn switch(&self, is_on: bool) {
        for subscription in &mut lock(&self.inner).subscriptions {
            subscription.is_on = is_on;
            subscription.failing_since = None;
        }
    }

    /// How many webhooks have not been taken yet.
    pub(crate) fn waiting(&self) -> usize {
        let inner = lock(&self.inner);
        inner.queue.len() + inner.posting
    }

    /// Posts an event to everybody who subscribed to it.
    pub(crate) fn post(
        &self,
        event: &str,
        content_type: &'static str,
        body: &[u8],
        now: Timestamp,
    ) {
        let mut inner = lock(&self.inner);
        let wanted: Vec<_> = inner
            .subscriptions
            .iter()
            .filter(|known| known.is_on && known.events.iter().any(|wanted| wanted == event))
            .map(|known| known.id)
            .collect();
        for subscription in wanted {
            if inner.trouble.lose > 0 {
                inner.trouble.lose -= 1;
                continue;
            }
            let mut times = 1;
            if inner.trouble.repeat > 0 {
                inner.trouble.repeat -= 1;
                times = 2;
            }
            let delay = Duration::from_millis(inner.trouble.delay_ms);
            inner.queue.push(Waiting {
                subscription,
                content_type,
                body: body.to_vec(),
                made: now,
                due: now.checked_add(delay).unwrap_or(now),
                times,
                refusals: 0,
            });
        }
        drop(inner);
        self.wake.notify_one();
    }

    fn take_due(&self, now: Timestamp) -> Vec<(Waiting, Subscription)> {
        let mut inner = lock(&self.inner);
        let due: Vec<_> = inner
            .queue
            .extract_if(.., |waiting| waiting.due <= now)
            .collect();
        let taken: Vec<_> = due
            .into_iter()
            .filter_map(|waiting| {
                let mut known = inner.subscriptions.iter();
                let subscription =
                    known.find(|known| known.id == waiting.subscription && known.is_on)?;
                Some((waiting, subscription.clone()))
            })
            .collect();
        inner.posting = taken.len();
        taken
    }

    /// Notes an answer, and queues the webhook once more if it is repeated.
    fn answered(&self, mut waiting: Waiting, status: Option<StatusCode>, now: Timestamp) {
        let mut inner = lock(&self.inner);
        inner.posting = inner.posting.saturating_sub(1);
        let is_taken = status.is_some_and(|status| status.is_success());
        let known = inner
            .subscriptions
            .iter_mut()
            .find(|known| known.id == waiting.subscription);
        if let Some(subscription) = known {
            if is_taken {
                subscription.failing_since = None;
            } else {
                let since = *subscription.failing_since.get_or_insert(now);
                subscription.is_on &= now.duration_since(since) < self.rules.switch_off;
            }
        }
        let is_repeated = !is_taken && (inner.insists || (self.rules.is_repeated)(status));
        let give_up = if inner.insists {
            SignedDuration::from_hours(1)
        } else {
            self.rules.give_up
        };
        if is_repeated && now.duration_since(waiting.made) < give_up {
            let pause = self
                .first_retry
                .saturating_mul(2_u32.saturating_pow(waiting.refusals));
            waiting.refusals += 1;
            waiting.times = 1;
            waiting.due = now.checked_add(pause.min(LONGEST_INTERVAL)).unwrap_or(now);
            inner.queue.push(waiting);
        }
    }

    /// What the control API shows: no key.
    pub(crate) fn view(&self) -> Value {
        let inner = lock(&self.inner);
        let subscriptions: Vec<_> = inner
            .subscriptions
            .iter()
            .map(|known| {
                json!({
                    "id": known.id, "url": known.url, "events": known.events, "is_on": known.is_on,
                    "failing_since": known.failing_since,
                })
            })
            .collect();
        json!({
            "trouble": inner.trouble, "waiting": inner.queue.len() + inner.posting, "subscriptions": subscriptions,
        })
    }
}

/// Posts webhooks as they become due, for as long as the simulator runs.
pub(crate) async fn run<P: Posts>(shared: Arc<Shared<P>>) {
    let outbox = shared.provider.outbox();
    let mut client = None;
    loop {
        if lock(&outbox.inner).queue.is_empty() {
            outbox.wake.notified().await;
            continue;
        }
        let due = outbox.take_due(shared.control.now());
        if due.is_empty() {
            tokio::time::sleep(SCAN_INTERVAL).await;
            continue;
        }
        for (waiting, subscription) in due {
            let client = client.get_or_insert_with(client_for_webhooks);
            let mut status = None;
            for _ in 0..waiting.times {
                status = deliver::<P>(client, &waiting, &subscription, shared.control.now()).await;
            }
            outbox.answered(waiting, status, shared.control.now());
        }
    }
}

/// Posts a webhook, signed now. None if there is no answer.
async fn deliver<P: Posts>(
    client: &reqwest::Client,
    waiting: &Waiting,
    subscription: &Subscription,
    now: Timestamp,
) -> Option<StatusCode> {
    let mut request = client
        .post(&subscription.url)
        .header("content-type", waiting.content_type);
    for (header, value) in P::sign(&subscription.key, &waiting.body, now) {
        request = request.header(header, value);
    }
    let answer = request.body(waiting.body.clone()).send().await;
    answer.ok().map(|answer| answer.status())
}

pub(crate) fn client_for_webhooks() -> reqwest::Client {
    #[expect(
        clippy::disallowed_methods,
        reason = "a simulator stands outside the product, whose only HTTP client is `http_client`"
    )]
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(ANSWER_LIMIT)
        .build()
        .expect("a client without special settings can be built")
}

/// The control API of webhooks.
pub(crate) fn routes<P: Posts>() -> Router<Arc<Shared<P>>> {
    Router::new().route("/_sim/webhooks", get(show::<P>).put(order::<P>))
}

async fn show<P: Posts>(State(sim): State<Arc<Shared<P>>>) -> Response {
    pretty(&sim.provider.outbox().view())
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Order {
    lose: u32,
    repeat: u32,
    delay_ms: u64,
    /// Switches all subscriptions on or off.
    is_on: Option<bool>,
}

async fn order<P: Posts>(State(sim): State<Arc<Shared<P>>>, body: Bytes) -> Response {
    control::done(control::read::<Order>(&body).map(|order| {
        let outbox = sim.provider.outbox();
        outbox.order(Trouble {
            lose: order.lose,
            repeat: order.repeat,
            delay_ms: order.delay_ms,
        });
        if let Some(is_on) = order.is_on {
            outbox.switch(is_on);
        }
    }))
}
