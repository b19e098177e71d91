//! Where a request's project is, by a map, where nothing that was said decides.
//!
//! What a map says is kept, so that an address is asked for once; how often it may be asked is limited for each tenant and
//! for all together. A lead never waits for a map that fails: its area stays unknown then.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use domain::{
    AddressMap, Claimed, Clock, Coordinates, MapAddress, MapAnswer, MapFault, MapOutcome, Record,
    StageError, TenantId, Usage, later,
};
use jiff::Timestamp;
use settings::Reader;
use store::{PlaceKey, Store};

/// How long a map that failed is left alone, so that not every lead waits for it.
const PAUSE: Duration = Duration::from_secs(30);
/// The same after it refused us, which an operator has to mend.
const LONG_PAUSE: Duration = Duration::from_secs(600);
/// What the map's requests are counted under, among the accounts of providers.
const ACCOUNT: &str = "map";

const MINUTE_SECONDS: u64 = 60;
const DAY_SECONDS: u64 = 24 * 3_600;

/// How often a map may be asked.
#[derive(Debug, Clone, Copy)]
pub struct MapLimits {
    /// Addresses a minute, of all tenants.
    pub per_minute: u32,
    /// Addresses within 24 hours, of all tenants.
    pub per_day: u32,
    /// Addresses within 24 hours, of one tenant.
    pub per_tenant_and_day: u32,
}

impl Default for MapLimits {
    fn default() -> Self {
        Self {
            per_minute: 1_000,
            per_day: 5_000,
            per_tenant_and_day: 500,
        }
    }
}

impl MapLimits {
    /// Reads the settings.
    pub fn read(reader: &mut Reader<'_>) -> Self {
        let default = Self::default();
        Self {
            per_minute: reader.get(
                "MAP_LOOKUPS_PER_MINUTE",
                default.per_minute,
                "Addresses that are looked up on the map in a minute. Google allows 3,000 requests.",
            ),
            per_day: reader.get(
                "MAP_LOOKUPS_PER_DAY",
                default.per_day,
                "Addresses that are looked up on the map within 24 hours. Beyond it leads go on with their area unknown.",
            ),
            per_tenant_and_day: reader.get(
                "MAP_LOOKUPS_PER_TENANT_PER_DAY",
                default.per_tenant_and_day,
                "The same for one tenant.",
            ),
        }
    }
}

/// Finds projects on a map. Cheap to clone.
#[derive(Clone)]
pub struct MapLookup {
    map: Arc<dyn AddressMap>,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    limits: MapLimits,
    /// Until when the map is left alone.
    paused_until: Arc<Mutex<Option<Timestamp>>>,
}

impl fmt::Debug for MapLookup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MapLookup")
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

impl MapLookup {
    /// Asks this map, within these limits.
    pub fn new(
        map: Arc<dyn AddressMap>,
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        limits: MapLimits,
    ) -> Self {
        Self {
            map,
            store,
            clock,
            limits,
            paused_until: Arc::default(),
        }
    }

    /// What the map says of an address, and where that is.
    pub(crate) async fn find(
        &self,
        job: &Claimed,
        address: &MapAddress,
    ) -> Result<(MapOutcome, Option<Coordinates>), StageError> {
        let (tenant, key) = (&job.request.tenant, PlaceKey::of(address));
        let known = self.store.place(tenant, &key).await;
        if let Some(answer) = known.map_err(|error| StageError::ours(&error))? {
            return Ok(told(answer));
        }
        if self.is_paused() {
            return Ok((MapOutcome::Unavailable, None));
        }
        if !self.may_ask(tenant).await? {
            return Ok((MapOutcome::OverQuota, None));
        }
        job.record(Record::Usage(Usage {
            unit: "map_lookups".to_owned(),
            amount: 1,
            by: "Google Maps".to_owned(),
        }));
        match self.map.locate(address).await {
            Ok(answer) => {
                // It is paid for: if it cannot be kept now, it is asked for again another time.
                if let Err(error) = self.store.keep_place(tenant, &key, &answer).await {
                    tracing::warn!(tenant.id = %tenant, "what the map says is not kept: {error}");
                }
                Ok(told(answer))
            }
            Err(fault) => {
                self.pause(job, &fault);
                Ok((MapOutcome::Unavailable, None))
            }
        }
    }

    /// Counts a question if it is within the limits.
    async fn may_ask(&self, tenant: &TenantId) -> Result<bool, StageError> {
        let MapLimits {
            per_minute,
            per_day,
            per_tenant_and_day,
        } = self.limits;
        let own = [(per_tenant_and_day, DAY_SECONDS)];
        let all = [(per_minute, MINUTE_SECONDS), (per_day, DAY_SECONDS)];
        // What is not asked counts nowhere: a tenant has all of its own left when there is room for all again.
        let accounts = vec![
            (format!("{ACCOUNT}:{tenant}"), own.to_vec()),
            (ACCOUNT.to_owned(), all.to_vec()),
        ];
        let wait = self
            .store
            .admit_requests_of_all_across_tenants(accounts, 1, 100)
            .await;
        Ok(wait.map_err(|error| StageError::ours(&error))?.is_none())
    }

    fn is_paused(&self) -> bool {
        let until = *self.paused();
        until.is_some_and(|until| self.clock.now() < until)
    }

    /// Leaves the map alone for a while, and logs why.
    fn pause(&self, job: &Claimed, fault: &MapFault) {
        let (tenant, id) = (&job.request.tenant, job.request.id);
        let pause = match fault {
            MapFault::Refused(_) => {
                tracing::error!(
                    tenant.id = %tenant, request.id = %id, error = %fault,
                    "the map cannot be used, an operator must look; the area of request {id} stays unknown"
                );
                LONG_PAUSE
            }
            MapFault::Unavailable(_) => {
                tracing::warn!(
                    tenant.id = %tenant, request.id = %id, error = %fault,
                    "the map did not answer; the area of request {id} stays unknown"
                );
                PAUSE
            }
        };
        *self.paused() = Some(later(self.clock.now(), pause));
    }

    fn paused(&self) -> std::sync::MutexGuard<'_, Option<Timestamp>> {
        self.paused_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

fn told(answer: MapAnswer) -> (MapOutcome, Option<Coordinates>) {
    match answer {
        MapAnswer::Found { at } => (MapOutcome::Found, Some(at)),
        MapAnswer::Doubtful => (MapOutcome::Doubtful, None),
        MapAnswer::NotFound => (MapOutcome::NotFound, None),
    }
}
