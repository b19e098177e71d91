//! The machine's clock.

use std::time::{Duration, Instant};

use domain::Clock;
use futures::future::BoxFuture;
use jiff::Timestamp;

/// How long a sleeper may take to notice that the machine's time of day was changed.
const LONGEST_NAP: Duration = Duration::from_secs(60);

/// The machine's clock. Nothing else reads it.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock {
    started: Instant,
}

impl SystemClock {
    /// Its monotonic time begins now.
    pub fn new() -> Self {
        Self {
            started: Instant::now(),
        }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place where the machine's clock is read"
    )]
    fn now(&self) -> Timestamp {
        let now = Timestamp::now();
        // Stores keep no more, and what is answered now is read again as it was.
        Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now)
    }

    fn monotonic(&self) -> Duration {
        self.started.elapsed()
    }

    fn sleep_until(&self, at: Timestamp) -> BoxFuture<'static, ()> {
        let clock = *self;
        Box::pin(async move {
            while let Ok(left) = Duration::try_from(at.duration_since(clock.now()))
                && !left.is_zero()
            {
                tokio::time::sleep(left.min(LONGEST_NAP)).await;
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_sleep_until_a_past_time_ends_at_once() {
        let clock = SystemClock::new();
        let at = domain::later(clock.now(), Duration::from_millis(20));
        clock.sleep_until(at).await;
        assert!(clock.now() >= at);
        assert_eq!(clock.now().subsec_nanosecond() % 1_000, 0);
        clock.sleep_until(Timestamp::MIN).await;
    }
}
