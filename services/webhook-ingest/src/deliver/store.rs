//! Step four: everything from here on is genuine. It is stored, whatever it says, and then acknowledged.

use std::time::Duration;

use ::store::Delivery;
use axum::response::Response;
use domain::{Reading, metric_names};
use runtime::{Problem, TraceContext};

use super::{Genuine, Ingest, Refused};
use crate::{
    answer::{self, DeliveryUse},
    directory::foreign_account,
    quota::WORKED_LAST_AFTER,
};

/// How long the store may take before the sender is told to try again.
const STORE_DEADLINE: Duration = Duration::from_secs(2);
/// How soon a sender that resends may come back when its tenant is over the quota.
const OVER_QUOTA_PAUSE: Duration = Duration::from_secs(5);

impl Ingest {
    pub(super) async fn accept(
        &self,
        genuine: Genuine,
        started: Duration,
    ) -> Result<Response, Refused> {
        let (spec, configured) = (genuine.source.spec(), &genuine.known.source);
        let is_within_quota = self.quota.admits(&configured.tenant);
        if !is_within_quota && spec.is_resent {
            return Err(Problem::too_many_requests(OVER_QUOTA_PAUSE).into());
        }
        let mut reading = genuine.reading();
        match &mut reading {
            Ok(Reading::Ping) => return Ok(answer::ping()),
            Ok(Reading::News(news)) if !is_within_quota => {
                news.delay = news.delay.max(WORKED_LAST_AFTER);
            }
            Ok(_) => {}
            Err(reason) => tracing::error!(
                tenant.id = %configured.tenant,
                source.id = %configured.id,
                "a genuine delivery could not be read and was parked: {reason}"
            ),
        }
        let made = DeliveryUse::of(&reading);
        let delivery_id = match &reading {
            Ok(Reading::News(news)) => news.delivery_id.clone(),
            _ => genuine.delivery.delivery_id(),
        };
        let delivery = Delivery {
            tenant: configured.tenant.clone(),
            provider: configured.provider.clone(),
            source: configured.id,
            channel: spec.usual_channel(),
            office: configured.office,
            event: genuine.event,
            delivery_id,
            scheme: genuine.delivery.scheme().to_owned(),
            headers: genuine.delivery.headers().clone(),
            body: genuine.delivery.body().clone(),
            traceparent: TraceContext::current().map(|trace| trace.to_string()),
            reading,
        };
        let stored = async {
            let _permit = genuine.known.at_store.acquire().await;
            self.store.accept(delivery).await
        };
        let Ok(accepted) = tokio::time::timeout(STORE_DEADLINE, stored).await else {
            tracing::error!("the store took more than {STORE_DEADLINE:?} to accept a delivery");
            return Err(answer::busy().into());
        };
        let accepted = accepted?;
        metrics::counter!(metric_names::DELIVERIES_ACCEPTED_TOTAL, "provider" => spec.slug)
            .increment(1);
        let took = self.clock.monotonic().saturating_sub(started);
        let response = answer::accepted(&accepted, made, took);
        if let Err(error) = self.bus.publish(accepted.into_wakes()).await {
            tracing::warn!("{error}: the relay will publish them");
        }
        Ok(response)
    }
}

impl Genuine {
    /// What the source reads in it. An error says why it cannot be read.
    fn reading(&self) -> Result<Reading, String> {
        if let Some(reason) = foreign_account(&self.known.source, &self.named) {
            return Err(reason.to_owned());
        }
        let read = self.source.read(&self.delivery, self.event.as_deref());
        read.map_err(|error| error.to_string())
    }
}
