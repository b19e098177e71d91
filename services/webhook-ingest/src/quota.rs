//! How much a tenant may send before its deliveries are worked last, or put off where the sender tries again.

use std::{sync::Arc, time::Duration};

use domain::{Clock, TenantId};
use governor::{
    Quota as Rate, RateLimiter, middleware::NoOpMiddleware, state::keyed::DashMapStateStore,
};
use runtime::RateClock;

use crate::config::QuotaConfig;

/// How long a delivery over the quota waits behind the others.
pub(crate) const WORKED_LAST_AFTER: Duration = Duration::from_secs(30);

/// Counts what tenants send. Only verified deliveries are counted, so that there are never more entries than tenants.
pub(crate) struct Quota {
    tenants:
        RateLimiter<TenantId, DashMapStateStore<TenantId>, RateClock, NoOpMiddleware<Duration>>,
}

impl Quota {
    pub(crate) fn new(config: QuotaConfig, clock: Arc<dyn Clock>) -> Self {
        let rate = Rate::per_second(config.per_second).allow_burst(config.burst);
        Self {
            tenants: RateLimiter::dashmap_with_clock(rate, RateClock(clock)),
        }
    }

    /// Counts a verified delivery; false if the tenant is over its quota.
    pub(crate) fn admits(&self, tenant: &TenantId) -> bool {
        self.tenants.check_key(tenant).is_ok()
    }

    /// Forgets tenants that have their whole quota again.
    pub(crate) fn forget_rested(&self) {
        self.tenants.retain_recent();
        self.tenants.shrink_to_fit();
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use testkit::ManualClock;

    use super::*;

    #[test]
    fn tenants_that_have_rested_are_forgotten() {
        let clock = ManualClock::at("2026-03-17T15:00:00Z".parse().unwrap());
        let one = NonZeroU32::MIN;
        let config = QuotaConfig {
            per_second: one,
            burst: one,
        };
        let quota = Quota::new(config, Arc::new(clock.clone()));
        for number in 0..10_000 {
            let tenant = TenantId::new(&format!("tenant_{number}")).unwrap();
            assert!(quota.admits(&tenant) && !quota.admits(&tenant));
        }
        quota.forget_rested();
        assert_eq!(quota.tenants.len(), 10_000, "nobody has rested yet");
        clock.advance(Duration::from_secs(3));
        quota.forget_rested();
        assert_eq!(quota.tenants.len(), 0);
    }
}
