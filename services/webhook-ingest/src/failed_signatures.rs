//! The limit on invalid signatures of one address.
//!
//! A limited address gets 429 before its body is read, with two exceptions, because a genuine sender may share its address
//! with an attacker (behind one gateway, behind a proxy that is not configured as trusted, or at a provider whose
//! customers can all make it send to us), and not every provider resends what is refused:
//! - Whoever posts to the URL of one source knows its token, which cannot be guessed. Such a delivery is read and verified
//!   as usual, so that nobody can close the URL by failing at it.
//! - At a URL that all tenants share, a limited address gets a few permits at once. The others wait for one, and get 429 if
//!   none is free soon. So flooding takes little memory, and a provider's burst of genuine deliveries still gets through.

use std::{
    collections::HashMap,
    num::NonZeroU32,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use domain::Clock;
use governor::{
    Quota as Rate, RateLimiter, middleware::StateInformationMiddleware,
    state::keyed::DashMapStateStore,
};
use runtime::{Network, RateClock};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Networks that are remembered. While there are as many, no failures are counted: whoever has so many networks fails
/// little in each.
const MOST_NETWORKS: usize = 100_000;
/// Deliveries of one limited network to a shared URL that are read at once.
const PERMITS: usize = 16;
/// How long a delivery waits for its permit.
const PERMIT_DEADLINE: Duration = Duration::from_secs(2);

/// Counts invalid signatures by network.
pub(crate) struct FailedSignatures {
    failures:
        RateLimiter<Network, DashMapStateStore<Network>, RateClock, StateInformationMiddleware>,
    limited: Mutex<HashMap<Network, Limit>>,
    /// How many are limited, so that nobody waits for the lock when nobody is.
    limited_count: AtomicUsize,
    /// How long it takes until one more failure is allowed.
    pause: Duration,
    clock: Arc<dyn Clock>,
}

/// What a network that has used up its failures is held to.
#[derive(Clone)]
pub(crate) struct Limit {
    /// By the monotonic clock.
    until: Duration,
    permits: Arc<Semaphore>,
}

impl Limit {
    /// A permit at a shared URL. `None` if none gets free soon.
    pub(crate) async fn permit(self) -> Option<OwnedSemaphorePermit> {
        let permit = tokio::time::timeout(PERMIT_DEADLINE, self.permits.acquire_owned()).await;
        permit.ok()?.ok()
    }
}

impl FailedSignatures {
    pub(crate) fn new(per_minute: NonZeroU32, clock: Arc<dyn Clock>) -> Self {
        let rate = Rate::per_minute(per_minute);
        Self {
            failures: RateLimiter::new(
                rate,
                DashMapStateStore::default(),
                RateClock(clock.clone()),
            ),
            limited: Mutex::default(),
            limited_count: AtomicUsize::new(0),
            pause: rate.replenish_interval(),
            clock,
        }
    }

    /// Counts a failure.
    pub(crate) fn count(&self, network: Network) {
        if self.failures.len() >= MOST_NETWORKS {
            return;
        }
        let is_used_up = self
            .failures
            .check_key(&network)
            .map_or(true, |state| state.remaining_burst_capacity() == 0);
        if is_used_up {
            let until = self.clock.monotonic() + self.pause;
            let mut limited = self.limited();
            limited
                .entry(network)
                .or_insert_with(|| Limit {
                    until,
                    permits: Arc::new(Semaphore::new(PERMITS)),
                })
                .until = until;
            self.limited_count.store(limited.len(), Ordering::Relaxed);
        }
    }

    /// What a network is held to, if it is limited, and how long.
    pub(crate) fn limit_of(&self, network: Network) -> Option<(Limit, Duration)> {
        if self.limited_count.load(Ordering::Relaxed) == 0 {
            return None;
        }
        let limit = self.limited().get(&network)?.clone();
        let wait = limit.until.checked_sub(self.clock.monotonic())?;
        (!wait.is_zero()).then_some((limit, wait))
    }

    /// Forgets networks that may fail as often as any other again.
    pub(crate) fn forget_rested(&self) {
        self.failures.retain_recent();
        self.failures.shrink_to_fit();
        let now = self.clock.monotonic();
        let mut limited = self.limited();
        // A permit that somebody has, or waits for, is a copy of its semaphore.
        limited.retain(|_, limit| limit.until > now || Arc::strong_count(&limit.permits) > 1);
        limited.shrink_to_fit();
        self.limited_count.store(limited.len(), Ordering::Relaxed);
    }

    fn limited(&self) -> MutexGuard<'_, HashMap<Network, Limit>> {
        self.limited.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

    use testkit::ManualClock;

    use super::*;

    const PER_MINUTE: u32 = 6;

    fn failed_signatures() -> (FailedSignatures, ManualClock) {
        let clock = ManualClock::at("2026-03-17T15:00:00Z".parse().unwrap());
        let per_minute = NonZeroU32::new(PER_MINUTE).unwrap();
        (
            FailedSignatures::new(per_minute, Arc::new(clock.clone())),
            clock,
        )
    }

    fn network(number: u32) -> Network {
        Network::of(IpAddr::V4(Ipv4Addr::from_bits(number)))
    }

    fn wait_of(failed: &FailedSignatures, network: Network) -> Option<Duration> {
        failed.limit_of(network).map(|(_, wait)| wait)
    }

    fn fail(failed: &FailedSignatures, network: Network, times: u32) {
        for _ in 0..times {
            failed.count(network);
        }
    }

    #[test]
    fn so_many_failures_in_a_minute_limit_a_network_and_no_other() {
        let (failed, _clock) = failed_signatures();
        fail(&failed, network(1), PER_MINUTE - 1);
        assert_eq!(wait_of(&failed, network(1)), None);
        failed.count(network(1));
        assert_eq!(wait_of(&failed, network(1)), Some(Duration::from_secs(10)));
        assert_eq!(wait_of(&failed, network(2)), None);
    }

    #[test]
    fn every_tenth_second_allows_one_more_of_six_a_minute() {
        let (failed, clock) = failed_signatures();
        fail(&failed, network(1), PER_MINUTE);
        clock.advance(Duration::from_secs(10));
        assert_eq!(wait_of(&failed, network(1)), None);
        failed.count(network(1));
        assert!(wait_of(&failed, network(1)).is_some());
        clock.advance(Duration::from_secs(60));
        fail(&failed, network(1), PER_MINUTE - 1);
        assert_eq!(wait_of(&failed, network(1)), None);
    }

    #[test]
    fn who_has_one_address_of_a_network_has_all_of_them() {
        let (failed, _clock) = failed_signatures();
        for number in 0..PER_MINUTE {
            let address = Ipv6Addr::from_bits((0x2001_0db8 << 96) + u128::from(number));
            failed.count(Network::of(IpAddr::V6(address)));
        }
        let another = "2001:db8::ffff".parse().unwrap();
        assert!(wait_of(&failed, Network::of(another)).is_some());
    }

    #[test]
    fn memory_is_bounded_however_many_addresses_fail() {
        let (failed, clock) = failed_signatures();
        let most = u32::try_from(MOST_NETWORKS).unwrap();
        for number in 0..5_000 {
            fail(&failed, network(number), PER_MINUTE);
        }
        for number in 0..most + 20_000 {
            failed.count(network(number));
        }
        assert_eq!(failed.failures.len(), MOST_NETWORKS);
        assert_eq!(failed.limited().len(), 5_000);
        clock.advance(Duration::from_secs(71));
        failed.forget_rested();
        assert!(failed.failures.is_empty() && failed.limited().is_empty());
        fail(&failed, network(most + 1), PER_MINUTE);
        assert!(wait_of(&failed, network(most + 1)).is_some());
        assert_eq!(failed.failures.len(), 1);
    }

    #[test]
    fn limited_networks_are_forgotten_once_nobody_waits() {
        let (failed, clock) = failed_signatures();
        for number in 0..5_000 {
            fail(&failed, network(number), PER_MINUTE);
        }
        assert_eq!(failed.limited().len(), 5_000);
        let permits = failed.limited()[&network(7)].permits.clone();
        clock.advance(Duration::from_secs(10));
        failed.forget_rested();
        assert_eq!(failed.limited().len(), 1);
        drop(permits);
        failed.forget_rested();
        assert_eq!(failed.limited_count.load(Ordering::Relaxed), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn each_limited_network_has_few_permits_of_its_own() {
        let (failed, _clock) = failed_signatures();
        fail(&failed, network(1), PER_MINUTE);
        fail(&failed, network(2), PER_MINUTE);
        let limit = |number| failed.limit_of(network(number)).unwrap().0;
        let mut permits = Vec::new();
        for _ in 0..PERMITS {
            permits.push(limit(1).permit().await.unwrap());
        }
        assert!(limit(1).permit().await.is_none());
        assert!(limit(2).permit().await.is_some());
        let (permit, ()) = tokio::join!(limit(1).permit(), async { drop(permits.pop()) });
        assert!(permit.is_some(), "it waits for a permit");
    }
}
