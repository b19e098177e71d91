//! Time as the product sees it. Nothing but an implementation of [`Clock`] reads the machine's clock.

use std::time::Duration;

use futures::future::BoxFuture;
use jiff::Timestamp;

/// Where time comes from. The real one is `runtime::SystemClock`; tests move `testkit::ManualClock` by hand.
pub trait Clock: Send + Sync + 'static {
    /// The time of day, in UTC.
    fn now(&self) -> Timestamp;

    /// Time since an arbitrary start that never goes back. Leases and deadlines are measured with it.
    fn monotonic(&self) -> Duration;

    /// Resolves at the given time of day; at once when that has passed.
    fn sleep_until(&self, at: Timestamp) -> BoxFuture<'static, ()>;
}

/// `at` moved by `by`, clamped to what a timestamp can hold.
pub fn later(at: Timestamp, by: Duration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}
