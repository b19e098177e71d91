//! The product's clock, as rate limiters see it.

use std::{sync::Arc, time::Duration};

use domain::Clock;

#[derive(Clone)]
pub(crate) struct RateClock(pub(crate) Arc<dyn Clock>);

impl governor::clock::Clock for RateClock {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.0.monotonic()
    }
}
