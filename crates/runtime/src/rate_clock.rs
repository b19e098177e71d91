//! The product's clock, as rate limiters see it.

use std::{fmt, sync::Arc, time::Duration};

use domain::Clock;

/// A [`Clock`] for `governor`'s limiters: its monotonic time.
#[derive(Clone)]
pub struct RateClock(pub Arc<dyn Clock>);

impl governor::clock::Clock for RateClock {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.0.monotonic()
    }
}

impl fmt::Debug for RateClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RateClock")
    }
}
