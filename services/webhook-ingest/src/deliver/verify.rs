//! Step two: the body, and whether it is genuine.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use domain::metric_names;
use http::{HeaderMap, header::CONTENT_TYPE};
use jiff::Timestamp;
use runtime::Sender;
use sources::{Source, TenantHint, Verified};

use super::{Addressed, Ingest, Refused, screen::turned_away};
use crate::{answer, directory::KeyedSource, refusals::reason};

/// A delivery that its source's keys have verified.
pub(super) struct Genuine {
    pub(super) source: &'static dyn Source,
    pub(super) known: Arc<KeyedSource>,
    pub(super) delivery: Verified,
    pub(super) event: Option<String>,
    /// Its tenant is suspended: it is kept, and nothing is done about it.
    pub(super) is_suspended: bool,
}

impl Ingest {
    /// Reads a delivery's body and verifies it by the keys of the source that it claims to be from. One that claims
    /// nothing known costs the same work, so that time does not tell who exists.
    pub(super) async fn verify(
        &self,
        addressed: Addressed,
        headers: &HeaderMap,
        body: Body,
    ) -> Result<Genuine, Refused> {
        let Addressed {
            source,
            mut known,
            is_shared,
            event,
            client,
            network,
            permit: _permit,
        } = addressed;
        let spec = source.spec();
        // Who knows a public URL is anybody.
        let sender = match known {
            Some(_) if !spec.verification.is_public() => Sender::Known,
            Some(_) | None => Sender::Unknown,
        };
        let content_type = headers.get(CONTENT_TYPE);
        let content_type = content_type.and_then(|value| value.to_str().ok());
        let limit = match source.door() {
            Some(door) => door.body_limit(content_type).map_err(|turned| {
                let tenant = known.as_ref().map(|known| &known.source.tenant);
                self.refusals
                    .note(turned.reason, spec.slug, tenant, network);
                turned_away(turned)
            })?,
            None => spec.body_limit_bytes,
        };
        let body = self
            .body_memory
            .read(body, limit, sender)
            .await
            .inspect_err(|problem| {
                if problem.status().is_client_error() {
                    self.count_failure(network);
                }
            })?;
        if is_shared && let Some(hint) = source.hint(content_type, &body) {
            known = self.directory.by_hint(spec.slug, hint).await?;
        }
        let now = self.clock.now();
        let refuse = |reason, tenant| {
            self.count_failure(network);
            self.refusals.note(reason, spec.slug, tenant, network);
        };
        let Some(known) = known else {
            sources::verify_dummy(spec, headers, &body, now);
            refuse("unknown_tenant", None);
            return Err(answer::not_verified().into());
        };
        let own = source.signed_as(&known.settings);
        let verified = sources::verify_as_set(
            spec,
            own.as_ref(),
            &known.source.schemes,
            &known.keys,
            headers,
            body.clone(),
            now,
        );
        match verified {
            Ok(_) if is_of_another(source, &known, content_type, &body) => {
                self.routed(source, headers, content_type, body, event, now)
                    .await
            }
            Ok(delivery) => {
                let from = (client, network);
                let delivery = self
                    .screen(source, &known, headers, from, delivery, now)
                    .await?;
                self.refusal_runs.ended(&known.source);
                Ok(Genuine {
                    source,
                    known,
                    delivery,
                    event,
                    is_suspended: false,
                })
            }
            Err(error) => {
                let reason = reason(error);
                refuse(reason, Some(&known.source.tenant));
                self.refusal_runs.refused(&known.source, spec.slug, reason);
                // The key that would verify it may be the one that is missing.
                Err(if known.lacks_keys {
                    answer::busy().into()
                } else {
                    answer::not_verified().into()
                })
            }
        }
    }

    /// What an app that serves many sent to the URL of one of them about another: to whom it belongs, if that one's own key
    /// verifies it.
    async fn routed(
        &self,
        source: &'static dyn Source,
        headers: &HeaderMap,
        content_type: Option<&str>,
        body: Bytes,
        event: Option<String>,
        now: Timestamp,
    ) -> Result<Genuine, Refused> {
        let spec = source.spec();
        let accounts = source.hint(content_type, &body);
        let accounts = accounts.map(|hint| hint.accounts).unwrap_or_default();
        let hint = TenantHint {
            accounts: accounts.clone(),
            tenant: None,
        };
        let (known, is_suspended) = match self.directory.by_hint(spec.slug, hint).await? {
            Some(known) => (Some(known), false),
            None => (self.directory.suspended(spec.slug, accounts).await?, true),
        };
        let verified = known.and_then(|known| {
            let schemes = &known.source.schemes;
            let delivery = sources::verify(spec, schemes, &known.keys, headers, body, now);
            Some((known.clone(), delivery.ok()?))
        });
        let Some((known, delivery)) = verified else {
            metrics::counter!(metric_names::DELIVERIES_UNROUTABLE_TOTAL, "provider" => spec.slug)
                .increment(1);
            // The deployment's alarm counts these lines by their `metric`.
            tracing::warn!(
                metric = metric_names::DELIVERIES_UNROUTABLE_TOTAL,
                provider = spec.slug,
                "dropped a genuine delivery of {}: no company here has the account that it names",
                spec.name
            );
            return Err(answer::nobodys().into());
        };
        Ok(Genuine {
            source,
            known,
            delivery,
            event,
            is_suspended,
        })
    }
}

/// Whether an app that serves many sent it about another company than the one whose URL it came to.
fn is_of_another(
    source: &dyn Source,
    known: &KeyedSource,
    content_type: Option<&str>,
    body: &[u8],
) -> bool {
    let own = &known.source.accounts;
    !own.is_empty()
        && source.serves_many(&known.settings)
        && source.hint(content_type, body).is_some_and(|hint| {
            !hint.accounts.is_empty() && !hint.accounts.iter().any(|named| own.contains(named))
        })
}
