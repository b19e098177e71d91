//! Keeps what requests are found by up to date, beside everything else.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use domain::{Clock, later};
use store::Store;

/// Requests that are taken in at once. Few, because others wait for the store's writer meanwhile.
const AT_ONCE: u32 = 64;
/// How long nothing is looked for after nothing was left.
const REST: Duration = Duration::from_millis(500);
/// How many times as long as a batch took the pause behind it is, while more is left: the rest of the product comes
/// first.
const PAUSE: u32 = 6;
/// How long a store is left alone that did not answer.
const AFTER_ERROR: Duration = Duration::from_secs(5);

/// Indexes for ever.
pub(crate) async fn run(store: Arc<dyn Store>, clock: Arc<dyn Clock>) {
    loop {
        let began = Instant::now();
        let pause = match store.index_requests_across_tenants(AT_ONCE).await {
            Ok(indexed) if indexed.has_more => (began.elapsed() * PAUSE).min(REST),
            Ok(_) => REST,
            Err(error) => {
                tracing::warn!("requests were not indexed, and will be: {error}");
                AFTER_ERROR
            }
        };
        clock.sleep_until(later(clock.now(), pause)).await;
    }
}
