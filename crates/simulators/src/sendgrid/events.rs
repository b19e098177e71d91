//! The event webhook: signed batches, posted until they are answered 2xx.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use aws_lc_rs::rand::SystemRandom;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Mail, Outcome, SendGrid, Shared, lock};

/// The interval between two scans of a queue that is not empty.
const SCAN_INTERVAL: Duration = Duration::from_millis(20);
/// The largest batch that is made of smaller ones.
const BATCH_EVENTS: usize = 500;
const LONGEST_INTERVAL: Duration = Duration::from_secs(60 * 60);
const GIVE_UP: SignedDuration = SignedDuration::from_hours(24);
const ANSWER_LIMIT: Duration = Duration::from_secs(10);

/// Where events go, and how.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Webhook {
    pub(super) url: Option<String>,
    #[serde(default)]
    pub(super) repeat_events: bool,
    #[serde(default)]
    pub(super) reverse_events: bool,
}

/// Events that are posted together.
#[derive(Debug, Clone)]
pub(super) struct Batch {
    events: Vec<Value>,
    made: Timestamp,
    due: Timestamp,
    refusals: u32,
}

impl Batch {
    pub(super) fn of(
        mails: &[Mail],
        outcomes: &BTreeMap<String, (Outcome, Option<String>)>,
        now: Timestamp,
        delay: Duration,
    ) -> Self {
        let mut events = Vec::new();
        for (number, mail) in mails.iter().enumerate() {
            for (index, address) in mail.to.iter().enumerate() {
                let (outcome, reason) = outcomes
                    .get(&address.to_lowercase())
                    .cloned()
                    .unwrap_or_default();
                let tail = format!("filter{number:04}.{index}");
                let mut add = |name: &str, more: Value| {
                    events.push(event(mail, address, name, now, &tail, more));
                };
                if outcome != Outcome::Dropped {
                    add("processed", json!({}));
                }
                match outcome {
                    Outcome::Delivered => add("delivered", json!({ "response": "250 OK" })),
                    Outcome::Deferred => add(
                        "deferred",
                        json!({ "attempt": "1", "response": "451 try again later" }),
                    ),
                    Outcome::Bounce => {
                        let reason = reason
                            .unwrap_or_else(|| "550 5.1.1 The account does not exist".to_owned());
                        add(
                            "bounce",
                            json!({ "type": "bounce", "status": "5.1.1", "reason": reason }),
                        );
                    }
                    Outcome::Dropped => {
                        let reason = reason.unwrap_or_else(|| "Bounced Address".to_owned());
                        add("dropped", json!({ "reason": reason }));
                    }
                }
            }
        }
        Self {
            events,
            made: now,
            due: now.checked_add(delay).unwrap_or(now),
            refusals: 0,
        }
    }
}

/// One event. The custom arguments are on the same level as its own fields.
fn event(mail: &Mail, address: &str, name: &str, now: Timestamp, tail: &str, more: Value) -> Value {
    let mut event = json!({
        "email": address,
        "timestamp": now.as_second(),
        "event": name,
        "sg_event_id": STANDARD.encode(format!("{name}-{}-{tail}", mail.message_id)),
        "sg_message_id": format!("{}.{tail}", mail.message_id),
    });
    if !mail.categories.is_empty() {
        event["category"] = json!(mail.categories);
    }
    if let (Some(event), Value::Object(more)) = (event.as_object_mut(), more) {
        event.extend(more);
        for (name, value) in &mail.custom_args {
            event.entry(name.clone()).or_insert_with(|| json!(value));
        }
    }
    event
}

/// Posts batches as they become due, for as long as the simulator runs.
pub(super) async fn post(shared: Arc<Shared<SendGrid>>) {
    let now = || shared.control.now();
    let mut client = None;
    let provider = &shared.provider;
    loop {
        let webhook = lock(&provider.webhook).clone();
        let is_idle = webhook.url.is_none() || lock(&provider.queue).is_empty();
        let (Some(url), false) = (&webhook.url, is_idle) else {
            provider.wake.notified().await;
            continue;
        };
        let due = {
            let mut queue = lock(&provider.queue);
            let due = collect(queue.extract_if(.., |batch| batch.due <= now()));
            provider.posting.store(due.len(), Ordering::Relaxed);
            due
        };
        if due.is_empty() {
            tokio::time::sleep(SCAN_INTERVAL).await;
            continue;
        }
        for batch in due {
            let is_accepted = deliver(
                &shared,
                client.get_or_insert_with(client_for_events),
                url,
                &webhook,
                &batch,
                now(),
            )
            .await;
            if !is_accepted && let Some(again) = later(batch, now(), provider.first_retry) {
                lock(&provider.queue).push(again);
            }
            provider.posting.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// Merges new batches. One that was refused is posted again unchanged.
fn collect(due: impl Iterator<Item = Batch>) -> Vec<Batch> {
    let mut collected: Vec<Batch> = Vec::new();
    for mut batch in due {
        let fits = |last: &&mut Batch| {
            (last.refusals, batch.refusals) == (0, 0)
                && last.events.len() + batch.events.len() <= BATCH_EVENTS
        };
        match collected.last_mut().filter(fits) {
            Some(last) => last.events.append(&mut batch.events),
            None => collected.push(batch),
        }
    }
    collected
}

fn client_for_events() -> reqwest::Client {
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

/// The same batch, due after twice the last interval. `None` after a day.
fn later(mut batch: Batch, now: Timestamp, first: Duration) -> Option<Batch> {
    if now.duration_since(batch.made) > GIVE_UP {
        tracing::warn!("gave up posting a batch of events: no 2xx for a day");
        return None;
    }
    let interval = first
        .saturating_mul(2_u32.saturating_pow(batch.refusals))
        .min(LONGEST_INTERVAL);
    batch.refusals += 1;
    batch.due = now.checked_add(interval).unwrap_or(now);
    Some(batch)
}

/// Posts a batch, twice if so configured. Returns whether it was answered 2xx.
async fn deliver(
    shared: &Shared<SendGrid>,
    client: &reqwest::Client,
    url: &str,
    webhook: &Webhook,
    batch: &Batch,
    now: Timestamp,
) -> bool {
    let mut events = batch.events.clone();
    if webhook.reverse_events {
        events.reverse();
    }
    let body = Value::Array(events).to_string();
    let timestamp = now.as_second().to_string();
    let signed = format!("{timestamp}{body}");
    let Ok(signature) = shared
        .provider
        .key
        .sign(&SystemRandom::new(), signed.as_bytes())
    else {
        return false;
    };
    let mut is_accepted = false;
    for _ in 0..if webhook.repeat_events { 2 } else { 1 } {
        let answer = client
            .post(url)
            .header("content-type", "application/json")
            .header(
                "x-twilio-email-event-webhook-signature",
                STANDARD.encode(signature.as_ref()),
            )
            .header("x-twilio-email-event-webhook-timestamp", &timestamp)
            .body(body.clone())
            .send()
            .await;
        is_accepted = answer.is_ok_and(|answer| answer.status().is_success());
    }
    is_accepted
}
