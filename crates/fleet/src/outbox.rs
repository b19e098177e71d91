//! Publishes the outbox: events for analytics, each at least once.

use std::{sync::Arc, time::Duration};

use bus_pubsub::{EventMessage, EventTopic};
use domain::{Clock, Outbox, OutboxRow, later};
use tokio_util::sync::CancellationToken;

/// Events that are published and removed at once.
const BATCH: u32 = 200;
/// Pause where there is nothing to publish.
const PAUSE: Duration = Duration::from_secs(1);
/// Pause after a fault.
const PAUSE_AFTER_FAULT: Duration = Duration::from_secs(5);

/// Publishes until `stop`.
pub(crate) async fn publish(
    outbox: Arc<dyn Outbox>,
    topic: EventTopic,
    clock: Arc<dyn Clock>,
    stop: CancellationToken,
) {
    loop {
        let pause = match publish_some(outbox.as_ref(), &topic).await {
            Ok(count) if count == usize::try_from(BATCH).unwrap_or(usize::MAX) => Duration::ZERO,
            Ok(_) => PAUSE,
            Err(error) => {
                tracing::warn!("events stay in the outbox: {error:#}");
                PAUSE_AFTER_FAULT
            }
        };
        let resting = clock.sleep_until(later(clock.now(), pause));
        if stop.run_until_cancelled(resting).await.is_none() {
            return;
        }
    }
}

/// Publishes the oldest events; how many.
async fn publish_some(outbox: &dyn Outbox, topic: &EventTopic) -> anyhow::Result<usize> {
    let rows = outbox.unpublished_across_tenants(BATCH).await?;
    if rows.is_empty() {
        return Ok(0);
    }
    topic.publish(rows.iter().map(message).collect()).await?;
    let count = rows.len();
    outbox.published_across_tenants(rows).await?;
    Ok(count)
}

fn message(row: &OutboxRow) -> EventMessage {
    EventMessage {
        event_id: row.event_id.clone(),
        tenant: row.tenant.to_string(),
        data: row.payload.clone().into(),
    }
}
