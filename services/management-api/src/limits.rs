//! How much a caller and a tenant may ask, and what is left of it in every answer.
//!
//! Source: IETF draft-ietf-httpapi-ratelimit-headers-10, `RateLimit-Policy` and `RateLimit`.

use std::{
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use domain::{Clock, TenantId};
use governor::{
    Quota, RateLimiter, clock::Clock as _, middleware::StateInformationMiddleware,
    state::keyed::DashMapStateStore,
};
use http::{HeaderMap, HeaderName, HeaderValue};
use runtime::RateClock;
use settings::Reader;

static POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
static LEFT: HeaderName = HeaderName::from_static("ratelimit");

/// Callers and tenants that have rested are forgotten once in so many calls.
const FORGET_EVERY: u32 = 10_000;

/// How many calls may be made in a minute.
#[derive(Debug, Clone, Copy)]
pub struct LimitsConfig {
    /// By one caller.
    pub per_caller: NonZeroU32,
    /// About one tenant.
    pub per_tenant: NonZeroU32,
}

impl Default for LimitsConfig {
    fn default() -> Self {
        let number = |number| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
        Self {
            per_caller: number(600),
            per_tenant: number(3_000),
        }
    }
}

impl LimitsConfig {
    /// Reads the settings.
    pub fn read(reader: &mut Reader<'_>) -> Self {
        let default = Self::default();
        Self {
            per_caller: reader.get(
                "API_CALLS_PER_MINUTE",
                default.per_caller,
                "Calls of the API that one caller may make in a minute, of each process.",
            ),
            per_tenant: reader.get(
                "API_CALLS_PER_MINUTE_OF_TENANT",
                default.per_tenant,
                "Calls of the API about one tenant that may be made in a minute, of each process.",
            ),
        }
    }
}

type Limiter<K> = RateLimiter<K, DashMapStateStore<K>, RateClock, StateInformationMiddleware>;

/// Counts calls. Only callers with a genuine token are counted, and tenants that they see, so that nobody can grow it.
pub(crate) struct Limits {
    callers: Limiter<String>,
    tenants: Limiter<TenantId>,
    config: LimitsConfig,
    clock: RateClock,
    calls: AtomicU32,
}

/// What is left of one limit.
struct Left {
    name: &'static str,
    limit: NonZeroU32,
    remaining: u32,
    /// Until all of it is there again; over the limit: until one call is.
    wait: Duration,
    is_over: bool,
}

/// What is left of a call's limits.
pub(crate) struct Standing(Vec<Left>);

impl Limits {
    pub(crate) fn new(config: LimitsConfig, clock: Arc<dyn Clock>) -> Self {
        let clock = RateClock(clock);
        Self {
            callers: RateLimiter::new(
                Quota::per_minute(config.per_caller),
                DashMapStateStore::default(),
                clock.clone(),
            ),
            tenants: RateLimiter::new(
                Quota::per_minute(config.per_tenant),
                DashMapStateStore::default(),
                clock.clone(),
            ),
            config,
            clock,
            calls: AtomicU32::new(0),
        }
    }

    /// Counts a call. One over the caller's limit does not count for the tenant.
    pub(crate) fn count(&self, caller: &str, tenant: Option<&TenantId>) -> Standing {
        if self.calls.fetch_add(1, Ordering::Relaxed) % FORGET_EVERY == FORGET_EVERY - 1 {
            self.callers.retain_recent();
            self.tenants.retain_recent();
        }
        let limit = self.config.per_caller;
        let of_caller = self.left("caller", limit, &self.callers, &caller.to_owned());
        let mut standing = vec![of_caller];
        if let Some(tenant) = tenant
            && !standing.iter().any(|left| left.is_over)
        {
            standing.push(self.left("tenant", self.config.per_tenant, &self.tenants, tenant));
        }
        Standing(standing)
    }

    fn left<K: Clone + Eq + std::hash::Hash>(
        &self,
        name: &'static str,
        limit: NonZeroU32,
        limiter: &Limiter<K>,
        key: &K,
    ) -> Left {
        match limiter.check_key(key) {
            Ok(state) => {
                let remaining = state.remaining_burst_capacity();
                let used = limit.get().saturating_sub(remaining);
                Left {
                    name,
                    limit,
                    remaining,
                    wait: state.quota().replenish_interval() * used,
                    is_over: false,
                }
            }
            Err(not_until) => Left {
                name,
                limit,
                remaining: 0,
                wait: not_until.wait_time_from(self.clock.now()),
                is_over: true,
            },
        }
    }
}

impl Standing {
    /// How long to wait, when a limit is used up.
    pub(crate) fn wait(&self) -> Option<Duration> {
        let over = self.0.iter().find(|left| left.is_over)?;
        Some(over.wait)
    }

    /// Tells what is left.
    pub(crate) fn write(&self, headers: &mut HeaderMap) {
        let list = |item: fn(&Left) -> String| {
            let items: Vec<_> = self.0.iter().map(item).collect();
            HeaderValue::try_from(items.join(", "))
        };
        let policy = list(|left| format!("\"{}\";q={};w=60", left.name, left.limit));
        let now = list(|left| {
            let seconds = left.wait.as_secs() + u64::from(left.wait.subsec_nanos() > 0);
            format!("\"{}\";r={};t={seconds}", left.name, left.remaining)
        });
        if let (Ok(policy), Ok(now)) = (policy, now) {
            headers.insert(POLICY.clone(), policy);
            headers.insert(LEFT.clone(), now);
        }
    }
}
