//! One delivery: whose it is, whether it is genuine, what it says; stored, then acknowledged.

use std::{sync::Arc, time::Duration};

use axum::{
    extract::Request,
    response::{IntoResponse, Response},
};
use bus::Bus;
use bytes::Bytes;
use domain::{Clock, StoreError, metric_names};
use http::{HeaderMap, header::CONTENT_TYPE};
use jiff::Timestamp;
use runtime::{BodyMemory, ClientAddr, Network, Problem, Sender, TraceContext};
use sources::{Reading, Refused, SourceSpec, Verified};
use store::{Delivery, Store};
use tokio::sync::OwnedSemaphorePermit;

use crate::{
    answer::{self, Use},
    directory::{Directory, KeyedSource, foreign_account},
    failed_proofs::FailedProofs,
    quota::{Quota, WORKED_LAST_AFTER},
    refusals::{Refusal, Refusals},
};

/// How long the store may take before the sender is told to try again.
const STORE_DEADLINE: Duration = Duration::from_secs(2);
/// How soon a sender that repeats may come back when its tenant is over the quota.
const OVER_QUOTA_PAUSE: Duration = Duration::from_secs(5);
/// Longest event name in a URL that is kept.
const MAX_EVENT_NAME: usize = 64;

/// Where a delivery was sent.
pub(crate) enum Address {
    /// To a URL of one source; the token names it.
    Token {
        token: String,
        event: Option<String>,
    },
    /// To the URL that all tenants of a provider share; the body names the tenant.
    Body { provider: &'static str },
}

/// Takes deliveries.
pub(crate) struct Ingest {
    pub(crate) directory: Directory,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) bus: Arc<dyn Bus>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) failed_proofs: FailedProofs,
    pub(crate) body_memory: BodyMemory,
    pub(crate) quota: Quota,
    pub(crate) refusals: Refusals,
}

impl Ingest {
    /// Takes one delivery and answers its sender.
    pub(crate) async fn deliver(&self, address: Address, request: Request) -> Response {
        let started = self.clock.monotonic();
        match self.try_deliver(address, request, started).await {
            Ok(response) => response,
            Err(response) => response,
        }
    }

    async fn try_deliver(
        &self,
        address: Address,
        request: Request,
        started: Duration,
    ) -> Result<Response, Response> {
        let now = self.clock.now();
        let (parts, body) = request.into_parts();
        let (known, event, source, is_named_by_body) = match address {
            Address::Token { token, event } => {
                let known = self
                    .directory
                    .by_token(&token)
                    .await
                    .map_err(store_problem)?;
                let slug = known
                    .as_ref()
                    .map_or("callrail", |known| known.source.provider.as_str());
                let source = sources::source(slug);
                (
                    known,
                    event.filter(|name| is_event_name(name)),
                    source,
                    false,
                )
            }
            Address::Body { provider } => (None, None, sources::source(provider), true),
        };
        let source = source.ok_or_else(|| {
            tracing::error!("a delivery is of a provider that this build does not have");
            answer::busy()
        })?;
        let spec = source.spec();
        let network = parts
            .extensions
            .get::<ClientAddr>()
            .map(|client| client.network());
        let turn = match network {
            Some(network) if known.is_none() => {
                self.turn_of(network, spec.slug, is_named_by_body).await?
            }
            _ => None,
        };
        let sender = match known {
            Some(_) => Sender::Known,
            None => Sender::Unknown,
        };
        let body = self
            .body_memory
            .read(body, spec.body_limit_bytes, sender)
            .await
            .map_err(|problem| {
                if problem.status().is_client_error() {
                    self.count_failure(network);
                }
                problem.into_response()
            })?;
        let content_type = parts
            .headers
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok());
        let hint = source.hint(content_type, &body);
        let named = hint
            .as_ref()
            .map(|hint| hint.accounts.clone())
            .unwrap_or_default();
        let known = match (known, hint) {
            (Some(known), _) => Some(known),
            (None, Some(hint)) if is_named_by_body => self
                .directory
                .by_hint(spec.slug, hint)
                .await
                .map_err(store_problem)?,
            (None, _) => None,
        };
        let (known, delivery) = match prove(known, spec, &parts.headers, body, now) {
            Ok(proven) => proven,
            Err((known, refused)) => {
                self.count_failure(network);
                let known = known.as_deref();
                self.refusals
                    .note(Refusal::unproven(spec.slug, known, refused, network));
                // The key that proves it may be the one that is missing.
                return Err(if known.is_some_and(|known| known.lacks_keys) {
                    answer::busy()
                } else {
                    answer::not_proven()
                });
            }
        };
        drop(turn);
        self.store_proven(&known, source, delivery, event, &named, started)
            .await
    }

    /// Lets nobody in whose address has failed too often, but for a few at once where the body is needed to tell whose
    /// delivery it is.
    async fn turn_of(
        &self,
        network: Network,
        provider: &'static str,
        is_named_by_body: bool,
    ) -> Result<Option<OwnedSemaphorePermit>, Response> {
        let Some((limit, wait)) = self.failed_proofs.limit_of(network) else {
            return Ok(None);
        };
        let turn = if is_named_by_body {
            limit.turn().await
        } else {
            None
        };
        if turn.is_none() {
            self.refusals.note(Refusal::limited(provider, network));
            return Err(Problem::too_many_requests(wait).into_response());
        }
        Ok(turn)
    }

    fn count_failure(&self, network: Option<Network>) {
        if let Some(network) = network {
            self.failed_proofs.count(network);
        }
    }

    /// Everything from here on is genuine: it is stored, whatever it says.
    async fn store_proven(
        &self,
        known: &KeyedSource,
        source: &'static dyn sources::Source,
        delivery: Verified,
        event: Option<String>,
        named: &[String],
        started: Duration,
    ) -> Result<Response, Response> {
        let configured = &known.source;
        let is_within_quota = self.quota.admits(&configured.tenant);
        if !is_within_quota && source.spec().is_resent {
            return Err(Problem::too_many_requests(OVER_QUOTA_PAUSE).into_response());
        }
        let (reading, made) = match foreign_account(configured, named) {
            Some(reason) => (
                store::Reading::Unreadable(reason.to_owned()),
                Use::Unreadable,
            ),
            None => read(source, &delivery, event.as_deref(), is_within_quota),
        };
        if let store::Reading::Unreadable(reason) = &reading {
            tracing::error!(
                tenant.id = %configured.tenant,
                source.id = %configured.id,
                "a genuine delivery could not be read and was parked: {reason}"
            );
        }
        let delivery = Delivery {
            tenant: configured.tenant.clone(),
            provider: configured.provider.clone(),
            source: configured.id,
            office: configured.office,
            event,
            delivery_id: None,
            scheme: delivery.scheme().name().to_owned(),
            headers: delivery.headers().clone(),
            body: delivery.body().clone(),
            traceparent: TraceContext::current().map(|trace| trace.to_string()),
            reading,
        };
        let stored = async {
            let _place = known.at_store.acquire().await;
            self.store.accept(delivery).await
        };
        let accepted = match tokio::time::timeout(STORE_DEADLINE, stored).await {
            Ok(Ok(accepted)) => accepted,
            Ok(Err(error)) => return Err(store_problem(error)),
            Err(_) => {
                tracing::error!("the store took more than {STORE_DEADLINE:?} to accept a delivery");
                return Err(answer::busy());
            }
        };
        metrics::counter!(metric_names::DELIVERIES_ACCEPTED_TOTAL, "provider" => source.spec().slug)
            .increment(1);
        let took = self.clock.monotonic().saturating_sub(started);
        let response = answer::accepted(&accepted, made, took);
        if let Err(error) = self.bus.publish(accepted.into_wakes()).await {
            tracing::warn!("{error}: the relay will publish them");
        }
        Ok(response)
    }
}

/// Proves a delivery by the keys of the source that it claims to be from. One that claims nothing known does the same
/// work in vain.
#[expect(
    clippy::type_complexity,
    reason = "the source goes along, proven or not"
)]
fn prove(
    known: Option<Arc<KeyedSource>>,
    spec: &SourceSpec,
    headers: &HeaderMap,
    body: Bytes,
    now: Timestamp,
) -> Result<(Arc<KeyedSource>, Verified), (Option<Arc<KeyedSource>>, Option<Refused>)> {
    let Some(known) = known else {
        sources::verify_dummy(spec, headers, body, now);
        return Err((None, None));
    };
    match sources::verify(spec, &known.source.schemes, &known.keys, headers, body, now) {
        Ok(delivery) => Ok((known, delivery)),
        Err(refused) => Err((Some(known), Some(refused))),
    }
}

/// What a source makes of a delivery, in the store's words.
fn read(
    source: &dyn sources::Source,
    delivery: &Verified,
    event: Option<&str>,
    is_within_quota: bool,
) -> (store::Reading, Use) {
    match source.read(delivery, event) {
        Ok(Reading::Lead(mut inbound)) => {
            if !is_within_quota {
                inbound.delay = inbound.delay.max(WORKED_LAST_AFTER);
            }
            (store::Reading::Lead(inbound), Use::Lead)
        }
        Ok(Reading::Ignored { reason }) => {
            (store::Reading::Ignored(reason.to_owned()), Use::Ignored)
        }
        Ok(Reading::Receipts(receipts)) => {
            // Whatever became of a message, the provider has it: it is never sent again.
            let receipts = receipts
                .into_iter()
                .filter_map(|receipt| {
                    let key = notify::effect_key(&receipt.message_id)?;
                    Some(store::Receipt {
                        key,
                        remote_id: receipt.provider_message_id,
                    })
                })
                .collect();
            (store::Reading::Receipts(receipts), Use::Receipts)
        }
        Err(error) => (
            store::Reading::Unreadable(error.to_string()),
            Use::Unreadable,
        ),
    }
}

fn is_event_name(name: &str) -> bool {
    (1..=MAX_EVENT_NAME).contains(&name.len())
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

fn store_problem(error: StoreError) -> Response {
    match error {
        StoreError::Busy => tracing::debug!("the store is busy: a delivery was put off"),
        error => tracing::error!("a delivery could not be stored: {error}"),
    }
    answer::busy()
}
