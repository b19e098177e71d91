//! How much a tenant may send before its deliveries are worked last, or put off where the sender tries again.

use std::{num::NonZeroU32, time::Duration};

use domain::TenantId;
use governor::{DefaultKeyedRateLimiter, Quota as Rate, RateLimiter};

/// What a tenant may send.
#[derive(Debug, Clone, Copy)]
pub struct QuotaConfig {
    /// Deliveries a second, over time.
    pub per_second: NonZeroU32,
    /// Deliveries at once.
    pub burst: NonZeroU32,
}

impl Default for QuotaConfig {
    fn default() -> Self {
        Self {
            per_second: NonZeroU32::new(100).expect("not zero"),
            burst: NonZeroU32::new(2_000).expect("not zero"),
        }
    }
}

/// How long a delivery over the quota waits behind the others.
pub(crate) const WORKED_LAST_AFTER: Duration = Duration::from_secs(30);

pub(crate) struct Quota {
    tenants: DefaultKeyedRateLimiter<TenantId>,
}

impl Quota {
    pub(crate) fn new(config: QuotaConfig) -> Self {
        let rate = Rate::per_second(config.per_second).allow_burst(config.burst);
        Self {
            tenants: RateLimiter::keyed(rate),
        }
    }

    /// Counts a proven delivery; false when the tenant is over its quota.
    pub(crate) fn admits(&self, tenant: &TenantId) -> bool {
        self.tenants.check_key(tenant).is_ok()
    }
}
