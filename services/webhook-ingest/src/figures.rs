//! Folds what transactions added to figures into their rows. Figures are right without it, and answered faster with it.

use std::{sync::Arc, time::Duration};

use domain::{Clock, later};
use store::Store;
use tokio_util::sync::CancellationToken;

/// How often something to fold is looked for, and how much is folded at once.
const INTERVAL: Duration = Duration::from_secs(1);
const AT_ONCE: u32 = 1_000;
/// The longest pause after failures.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Folds until `stop`.
pub(crate) async fn fold(store: Arc<dyn Store>, clock: Arc<dyn Clock>, stop: CancellationToken) {
    let mut pause = INTERVAL;
    loop {
        let wake_at = later(clock.now(), pause);
        if stop
            .run_until_cancelled(clock.sleep_until(wake_at))
            .await
            .is_none()
        {
            return;
        }
        pause = match fold_all(store.as_ref(), &stop).await {
            Ok(()) => INTERVAL,
            Err(error) => {
                tracing::warn!("figures could not be folded: {error}");
                (pause * 2).min(LONGEST_PAUSE)
            }
        };
    }
}

async fn fold_all(store: &dyn Store, stop: &CancellationToken) -> store::Result<()> {
    while store.fold_figures_across_tenants(AT_ONCE).await? == AT_ONCE {
        if stop.is_cancelled() {
            break;
        }
    }
    Ok(())
}
