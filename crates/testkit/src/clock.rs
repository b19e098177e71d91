//! A clock that stands still until a test moves it.

use std::{
    collections::BTreeMap,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
    time::Duration,
};

use domain::{Clock, later};
use futures::future::BoxFuture;
use jiff::Timestamp;

/// A clock that a test moves by hand. Clones are the same clock.
#[derive(Debug, Clone)]
pub struct ManualClock {
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    now: Timestamp,
    monotonic: Duration,
    /// By deadline, then in the order in which they fell asleep.
    sleepers: BTreeMap<(Timestamp, u64), Option<Waker>>,
    next_sleeper: u64,
}

impl ManualClock {
    /// A clock that shows this time of day. Its monotonic time starts at zero.
    pub fn at(now: Timestamp) -> Self {
        let state = State {
            now,
            monotonic: Duration::ZERO,
            sleepers: BTreeMap::new(),
            next_sleeper: 0,
        };
        Self {
            state: Arc::new(Mutex::new(state)),
        }
    }

    /// Moves the time of day and the monotonic time, and wakes whom it concerns, the earliest deadline first.
    pub fn advance(&self, by: Duration) {
        let mut state = self.lock();
        state.monotonic += by;
        state.now = later(state.now, by);
        wake(state);
    }

    /// Moves to the earliest deadline of a sleeper, and says whether there was one.
    pub fn advance_to_next(&self) -> bool {
        let Some(deadline) = self.next_deadline() else {
            return false;
        };
        self.advance(Duration::try_from(deadline.duration_since(self.now())).unwrap_or_default());
        true
    }

    /// Sets the time of day, as an operator does; the monotonic time stands still. Whoever is due wakes.
    pub fn set(&self, now: Timestamp) {
        let mut state = self.lock();
        state.now = now;
        wake(state);
    }

    /// How many sleep.
    pub fn sleepers(&self) -> usize {
        self.lock().sleepers.len()
    }

    /// The earliest deadline of those who sleep.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        self.lock()
            .sleepers
            .keys()
            .next()
            .map(|(deadline, _)| *deadline)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Who is due is no sleeper any more. Wakes after the lock is free: a waker may run what asks this clock.
fn wake(mut state: MutexGuard<'_, State>) {
    let first_asleep = (later(state.now, Duration::from_nanos(1)), 0);
    let still_asleep = state.sleepers.split_off(&first_asleep);
    let due = std::mem::replace(&mut state.sleepers, still_asleep);
    drop(state);
    due.into_values().flatten().for_each(Waker::wake);
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        self.lock().now
    }

    fn monotonic(&self) -> Duration {
        self.lock().monotonic
    }

    fn sleep_until(&self, at: Timestamp) -> BoxFuture<'static, ()> {
        let mut state = self.lock();
        let key = (at, state.next_sleeper);
        state.next_sleeper += 1;
        if at > state.now {
            state.sleepers.insert(key, None);
        }
        drop(state);
        Box::pin(Sleep {
            clock: self.clone(),
            key,
        })
    }
}

/// Sleeps from the moment it is made, polled or not, until it is due or dropped.
struct Sleep {
    clock: ManualClock,
    key: (Timestamp, u64),
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        match self.clock.lock().sleepers.get_mut(&self.key) {
            Some(waker) => {
                *waker = Some(cx.waker().clone());
                Poll::Pending
            }
            None => Poll::Ready(()),
        }
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        self.clock.lock().sleepers.remove(&self.key);
    }
}

#[cfg(test)]
mod tests {
    use futures::{FutureExt as _, future::join_all};

    use super::*;

    fn clock() -> ManualClock {
        ManualClock::at("2026-03-01T12:00:00Z".parse().unwrap())
    }

    fn after(clock: &ManualClock, seconds: u64) -> BoxFuture<'static, ()> {
        clock.sleep_until(later(clock.now(), Duration::from_secs(seconds)))
    }

    #[test]
    fn advancing_moves_both_times() {
        let clock = clock();
        clock.advance(Duration::from_secs(90));
        assert_eq!(clock.now().to_string(), "2026-03-01T12:01:30Z");
        assert_eq!(clock.monotonic(), Duration::from_secs(90));
        clock.set("2020-01-01T00:00:00Z".parse().unwrap());
        assert_eq!(clock.monotonic(), Duration::from_secs(90));
    }

    #[test]
    fn a_sleep_ends_exactly_at_its_deadline() {
        let clock = clock();
        let mut sleep = after(&clock, 5);
        clock.advance(Duration::from_nanos(4_999_999_999));
        assert!((&mut sleep).now_or_never().is_none());
        clock.advance(Duration::from_nanos(1));
        assert!((&mut sleep).now_or_never().is_some());
        assert!(after(&clock, 0).now_or_never().is_some());
    }

    #[test]
    fn sleepers_are_counted_from_their_call_to_their_end() {
        let clock = clock();
        let (long, short) = (after(&clock, 60), after(&clock, 5));
        let _same = after(&clock, 5);
        assert_eq!(clock.sleepers(), 3);
        assert_eq!(
            clock.next_deadline().unwrap().to_string(),
            "2026-03-01T12:00:05Z"
        );
        drop(short);
        assert_eq!(clock.sleepers(), 2);
        assert!(clock.advance_to_next());
        assert_eq!(clock.sleepers(), 1);
        drop(long);
        assert!(!clock.advance_to_next());
        assert_eq!(clock.now().to_string(), "2026-03-01T12:00:05Z");
    }

    #[tokio::test]
    async fn sleepers_wake_in_the_order_of_their_deadlines() {
        let clock = clock();
        let order = Arc::new(Mutex::new(Vec::new()));
        let tasks = [3, 1, 2].map(|seconds| {
            let (sleep, order) = (after(&clock, seconds), order.clone());
            tokio::spawn(async move {
                sleep.await;
                order.lock().unwrap().push(seconds);
            })
        });
        tokio::task::yield_now().await;
        clock.advance(Duration::from_secs(10));
        join_all(tasks).await;
        assert_eq!(*order.lock().unwrap(), [1, 2, 3]);
    }
}
