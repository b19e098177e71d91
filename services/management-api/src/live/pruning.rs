//! Old events go, a little at a time. Several processes may do it at once.

use std::{sync::Arc, time::Duration};

use domain::{Clock, later};
use jiff::Timestamp;
use store::{Store, live::KEPT_FOR};
use tokio_util::sync::CancellationToken;

/// How often old events are looked for, and how many are removed at once.
const INTERVAL: Duration = Duration::from_secs(60);
const AT_ONCE: u32 = 1_000;
/// The pause between two steps while there is more.
const PAUSE: Duration = Duration::from_millis(500);

/// Removes old events until `stop`.
pub(crate) async fn prune(store: Arc<dyn Store>, clock: Arc<dyn Clock>, stop: CancellationToken) {
    loop {
        let before = clock.now().checked_sub(KEPT_FOR).unwrap_or(Timestamp::MIN);
        let pruned = store
            .prune_live_events_across_tenants(before, AT_ONCE)
            .await;
        let pause = match pruned {
            Ok(removed) if removed >= AT_ONCE => PAUSE,
            Ok(_) => INTERVAL,
            Err(error) => {
                tracing::warn!("old live events could not be removed: {error}");
                INTERVAL
            }
        };
        let pausing = clock.sleep_until(later(clock.now(), pause));
        if stop.run_until_cancelled(pausing).await.is_none() {
            return;
        }
    }
}
