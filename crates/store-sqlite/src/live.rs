//! What changes, for whoever watches: a sequence for each tenant.
//!
//! The one writer commits in the order of the numbers, and a reader sees whole commits, so no number appears later
//! between two that were read.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use domain::{LeadRequest, RequestId, TenantId};
use jiff::Timestamp;
use rusqlite::{Connection, params};
use store::{
    Live, LiveChange, LiveCounts, LiveEvent, LiveId, LiveRead, Result,
    live::{MAX_COUNT, MAX_READ},
    rows::{Row, signed},
    stored::readable,
};
use tokio::sync::watch;

use crate::{SqliteStore, requests, rows::micros, sql};

/// Tenants that are remembered although nobody watches them any more.
const IDLE_WATCHES: usize = 1_000;

/// Who watches.
#[derive(Default)]
pub(crate) struct Watchers(Mutex<HashMap<TenantId, watch::Sender<u64>>>);

impl Watchers {
    /// Tells those who watch these tenants. To be called once the change is committed.
    pub(crate) fn tell(&self, changed: &[TenantId]) {
        if changed.is_empty() {
            return;
        }
        let watches = self.lock();
        for tenant in changed {
            if let Some(watch) = watches.get(tenant) {
                watch.send_modify(|commits| *commits += 1);
            }
        }
    }

    fn watch(&self, tenant: &TenantId) -> watch::Receiver<u64> {
        let mut watches = self.lock();
        if watches.len() >= IDLE_WATCHES {
            watches.retain(|_, watch| !watch.is_closed());
        }
        let watch = watches.entry(tenant.clone());
        watch.or_insert_with(|| watch::Sender::new(0)).subscribe()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<TenantId, watch::Sender<u64>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes events behind the tenant's last one, in their order. Called once for a group of units: see
/// [`noted`](crate::noted).
pub(crate) fn write(
    db: &Connection,
    tenant: &TenantId,
    told: &[(Timestamp, LiveChange)],
) -> Result<()> {
    const LAST: &str = "SELECT ifnull(max(seq), 0) AS seq FROM live_events WHERE tenant_id = ?1";
    const SQL: &str = "INSERT INTO live_events (tenant_id, seq, at, kind, object, version, cause) \
                       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let last = sql::first(db, LAST, [tenant.as_str()], |row| row.integer("seq"))?;
    for (seq, (at, change)) in (last.unwrap_or_default() + 1..).zip(told) {
        let values = params![
            tenant.as_str(),
            seq,
            micros(*at),
            change.kind.as_str(),
            change.object,
            change.version.map_or(0, signed),
            change.cause,
        ];
        sql::execute(db, SQL, values)?;
    }
    Ok(())
}

fn id(row: &dyn Row, column: &str) -> Result<LiveId> {
    Ok(LiveId {
        major: row.number(column)?,
        minor: 0,
    })
}

fn event(row: &dyn Row) -> Result<LiveEvent> {
    let version: u64 = row.number("version")?;
    Ok(LiveEvent {
        id: id(row, "seq")?,
        at: row.time("at")?,
        kind: row.text("kind")?,
        object: row.text("object")?,
        version: Some(version).filter(|version| *version > 0),
        cause: row.text("cause")?,
    })
}

/// The first and the last number that a tenant has.
fn ends(db: &Connection, tenant: &TenantId) -> Result<Option<(LiveId, LiveId)>> {
    const FIRST: &str = "SELECT seq FROM live_events WHERE tenant_id = ?1 ORDER BY seq LIMIT 1";
    const LAST: &str = "SELECT seq FROM live_events WHERE tenant_id = ?1 ORDER BY seq DESC LIMIT 1";
    let end = |sql| sql::first(db, sql, [tenant.as_str()], |row| id(row, "seq"));
    Ok(end(FIRST)?.zip(end(LAST)?))
}

fn reaches(db: &Connection, tenant: &TenantId, place: LiveId) -> Result<bool> {
    // One snapshot for both ends.
    let snapshot = db
        .unchecked_transaction()
        .map_err(crate::rows::store_error)?;
    let is_there = ends(&snapshot, tenant)?.map_or(place.major == 0, |(first, last)| {
        first.major <= place.major.saturating_add(1) && place.major <= last.major
    });
    Ok(is_there && place.minor == 0)
}

fn after(db: &Connection, tenant: &TenantId, place: LiveId, limit: u32) -> Result<LiveRead> {
    const SQL: &str =
        "SELECT * FROM live_events WHERE tenant_id = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3";
    let limit = limit.clamp(1, MAX_READ);
    let values = params![tenant.as_str(), signed(place.major), limit];
    let events = sql::all(db, SQL, values, event)?;
    let until = events.last().map_or(place, |event| event.id);
    Ok(LiveRead { events, until })
}

fn counts(db: &Connection, tenant: &TenantId) -> Result<LiveCounts> {
    const REQUESTS: &str = "SELECT count(*) AS n FROM (SELECT 1 FROM requests WHERE tenant_id = ?1 AND status = ?2 \
                            AND status <> 'received' LIMIT ?3)";
    const STEPS: &str = "SELECT count(*) AS n FROM (SELECT 1 FROM work WHERE tenant_id = ?1 AND state = ?2 \
                         AND state IN ('held', 'parked') LIMIT ?3)";
    const TO_CALL: &str = "SELECT count(*) AS n FROM (SELECT 1 FROM requests INDEXED BY requests_to_call \
                           WHERE tenant_id = ?1 AND to_call = 1 LIMIT ?2)";
    let to_call = params![tenant.as_str(), MAX_COUNT];
    let call_now = sql::first(db, TO_CALL, to_call, |row| row.number("n"))?;
    let count = |sql, word: &str| {
        let values = params![tenant.as_str(), word, MAX_COUNT];
        let counted = sql::first(db, sql, values, |row| row.number("n"))?;
        Ok(counted.unwrap_or_default())
    };
    Ok(LiveCounts {
        call_now: call_now.unwrap_or_default(),
        in_review: count(REQUESTS, "in_review")?,
        quarantined: count(REQUESTS, "quarantined")?,
        held: count(STEPS, "held")?,
        parked: count(STEPS, "parked")?,
    })
}

/// Removes what is old, tenant by tenant.
fn prune(db: &Connection, before: Timestamp, limit: u32) -> Result<u32> {
    const NEXT: &str =
        "SELECT tenant_id FROM live_events WHERE tenant_id > ?1 ORDER BY tenant_id LIMIT 1";
    // Walks the tenant's oldest; its newest is kept, so that its numbers go on.
    const OLDEST: &str = "SELECT seq, at FROM live_events WHERE tenant_id = ?1 \
                          AND seq < (SELECT max(seq) FROM live_events WHERE tenant_id = ?1) ORDER BY seq LIMIT ?2";
    const REMOVE: &str = "DELETE FROM live_events WHERE tenant_id = ?1 AND seq <= ?2";
    let (mut removed, mut tenant) = (0, String::new());
    while removed < limit
        && let Some(next) = sql::first(db, NEXT, [&tenant], |row| row.text("tenant_id"))?
    {
        tenant = next;
        let oldest = |wanted: u32| {
            sql::all(db, OLDEST, params![tenant, wanted], |row| {
                Ok((row.integer("seq")?, row.time("at")?))
            })
        };
        // Of most tenants nothing is old, which the first row tells.
        if oldest(1)?.first().is_none_or(|(_, at)| *at >= before) {
            continue;
        }
        let old = oldest(limit - removed)?;
        let last = old.iter().take_while(|(_, at)| *at < before).last();
        if let Some((last, _)) = last {
            let gone = sql::execute(db, REMOVE, params![tenant, last])?;
            removed += u32::try_from(gone).unwrap_or(u32::MAX);
        }
    }
    Ok(removed)
}

#[async_trait]
impl Live for SqliteStore {
    async fn live_now(&self, tenant: &TenantId) -> Result<LiveId> {
        let tenant = tenant.clone();
        let ends = self.read(move |db| ends(db, &tenant)).await?;
        Ok(ends.map_or(LiveId { major: 0, minor: 0 }, |(_, last)| last))
    }

    async fn live_reaches(&self, tenant: &TenantId, place: LiveId) -> Result<bool> {
        let tenant = tenant.clone();
        self.read(move |db| reaches(db, &tenant, place)).await
    }

    async fn live_after(&self, tenant: &TenantId, place: LiveId, limit: u32) -> Result<LiveRead> {
        let tenant = tenant.clone();
        self.read(move |db| after(db, &tenant, place, limit)).await
    }

    async fn live_requests(
        &self,
        tenant: &TenantId,
        requests: &[RequestId],
    ) -> Result<Vec<LeadRequest>> {
        let (tenant, ids) = (tenant.clone(), requests.to_vec());
        self.read(move |db| {
            let mut found = Vec::new();
            for id in ids {
                let read = requests::one(db, &tenant, id);
                found.extend(readable("requests", || id.to_string(), read)?.flatten());
            }
            Ok(found)
        })
        .await
    }

    async fn live_counts(&self, tenant: &TenantId) -> Result<LiveCounts> {
        let tenant = tenant.clone();
        self.read(move |db| counts(db, &tenant)).await
    }

    fn live_changes(&self, tenant: &TenantId) -> Option<watch::Receiver<u64>> {
        Some(self.watchers.watch(tenant))
    }

    async fn prune_live_events_across_tenants(&self, before: Timestamp, limit: u32) -> Result<u32> {
        self.write(move |db| prune(db, before, limit)).await
    }
}
