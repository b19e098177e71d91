//! Step three: everything from here on is genuine. It is stored, whatever it says, and then acknowledged.

use std::time::Duration;

use ::store::{Accepted, Delivery};
use axum::response::Response;
use domain::{Reading, metric_names};
use runtime::{Problem, TraceContext};
use sources::{Scope, read_as_set};

use super::{Genuine, Ingest, Refused};
use crate::{answer, quota::WORKED_LAST_AFTER};

/// How long the store may take before the sender is told to try again.
const STORE_DEADLINE: Duration = Duration::from_secs(2);
/// How soon a sender that resends may come back when its tenant is over the quota.
const OVER_QUOTA_PAUSE: Duration = Duration::from_secs(5);

/// What a genuine delivery came to.
enum Stored {
    /// It is durable; in words, what was made of it.
    Accepted(Accepted, &'static str),
    /// The provider tried whether the URL works.
    Ping,
}

/// What is stored with a delivery of a suspended tenant.
const SUSPENDED: &str =
    "the tenant is suspended: once it takes part again, replay this delivery and it becomes a lead";

impl Ingest {
    pub(super) async fn accept(
        &self,
        genuine: Genuine,
        wants_page: bool,
        started: Duration,
    ) -> Result<Response, Refused> {
        let Genuine {
            source,
            known,
            delivery,
            event,
            is_suspended,
        } = genuine;
        let spec = source.spec();
        let is_within_quota = self.quota.admits(&known.source.tenant);
        if !is_within_quota && spec.is_resent {
            return Err(Problem::too_many_requests(OVER_QUOTA_PAUSE).into());
        }
        // Of several things that one body tells of, those that are stored are repeats when their sender tries again
        // because another could not be stored.
        let mut answered = None;
        for part in source.parts(delivery) {
            let part = Genuine {
                source,
                known: known.clone(),
                delivery: part,
                event: event.clone(),
                is_suspended,
            };
            let stored = self.accept_one(part, is_within_quota).await?;
            answered = answered.or(Some(stored));
        }
        let Some(stored) = answered else {
            return Ok(answer::ping());
        };
        let (accepted, message) = match stored {
            Stored::Accepted(accepted, message) => (accepted, message),
            Stored::Ping => return Ok(answer::ping()),
        };
        let took = self.clock.monotonic().saturating_sub(started);
        Ok(match source.door() {
            Some(door) if wants_page => {
                answer::thanks(&accepted, door.thank_you_url(&known.settings).as_deref())
            }
            Some(_) => answer::taken(&accepted),
            None => answer::accepted(&accepted, message, took),
        })
    }

    /// Stores what is about one thing.
    async fn accept_one(&self, genuine: Genuine, is_within_quota: bool) -> Result<Stored, Refused> {
        let Genuine {
            source,
            known,
            delivery,
            event,
            is_suspended,
        } = genuine;
        let (spec, configured) = (source.spec(), &known.source);
        let mut delivery_id = delivery.delivery_id();
        let mut reading = read_as_set(
            source,
            configured.id,
            &configured.accounts,
            &known.settings,
            &delivery,
            event.as_deref(),
        );
        if is_suspended && matches!(reading, Ok(Reading::News(_)) | Err(_)) {
            reading = Ok(Reading::Ignored {
                reason: SUSPENDED.into(),
            });
        }
        let message = match &mut reading {
            Ok(Reading::Ping) => {
                // One a minute is noted; equal bodies at different times are no repeats.
                let minute = self.clock.now().as_second() / 60;
                delivery_id = Some(format!("ping-{}-{minute}", configured.id));
                "the URL works"
            }
            Ok(Reading::News(news)) => {
                if !is_within_quota {
                    news.delay = news.delay.max(WORKED_LAST_AFTER);
                }
                delivery_id.clone_from(&news.delivery_id);
                "stored; it is being worked on"
            }
            Ok(Reading::Ignored { .. }) => "stored; events of this kind are not used",
            Ok(Reading::Receipts(_)) => "stored",
            Err(reason) => {
                tracing::error!(
                    tenant.id = %configured.tenant,
                    source.id = %configured.id,
                    "a genuine delivery could not be read and was parked: {reason}"
                );
                "stored; it could not be read, and a person will look at it"
            }
        };
        let scope = Scope::of(source, configured.id, &delivery).of_deliveries();
        let is_ping = matches!(reading, Ok(Reading::Ping));
        let scheme = delivery.scheme().to_owned();
        let (headers, body) = delivery.into_parts();
        let delivery = Delivery {
            tenant: configured.tenant.clone(),
            provider: configured.provider.clone(),
            source: configured.id,
            channel: spec.usual_channel(),
            office: configured.office,
            event,
            is_told_by_body: spec.is_told_by_body,
            scope,
            delivery_id,
            scheme,
            headers,
            body,
            traceparent: TraceContext::current().map(|trace| trace.to_string()),
            reading,
        };
        let stored = async {
            let _permit = known.at_store.acquire().await;
            self.store.accept(delivery).await
        };
        let stored = tokio::time::timeout(STORE_DEADLINE, stored).await;
        if is_ping {
            // It delivers nothing: whether it could be noted is nothing to its sender.
            return Ok(Stored::Ping);
        }
        let Ok(accepted) = stored else {
            tracing::error!("the store took more than {STORE_DEADLINE:?} to accept a delivery");
            return Err(answer::busy().into());
        };
        let accepted = accepted?;
        metrics::counter!(metric_names::DELIVERIES_ACCEPTED_TOTAL, "provider" => spec.slug)
            .increment(1);
        if let Err(error) = self.bus.publish(accepted.clone().into_wakes()).await {
            tracing::warn!("{error}: the relay will publish them");
        }
        Ok(Stored::Accepted(accepted, message))
    }
}
