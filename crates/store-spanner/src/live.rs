//! What changes, for whoever watches: in the order of commits.
//!
//! A snapshot at a time shows every commit up to it and none behind it, for ever. So what is committed after a read has a
//! later commit time than everything that the read could show, and no event appears before one that was read. Reading up
//! to the snapshot's own time is as good as reading up to an event: that is where a tenant's reader goes on for whom
//! there was none.

use async_trait::async_trait;
use domain::{LeadRequest, RequestId, TenantId};
use google_cloud_spanner::{key::KeySet, statement::Statement, types};
use jiff::Timestamp;
use store::{
    Live, LiveChange, LiveCounts, LiveEvent, LiveId, LiveRead, Result as StoreResult,
    live::{KEPT_FOR, MAX_COUNT, MAX_READ},
    rows::{self, REQUEST_COLUMNS, signed},
    stored::{corrupt, readable},
};
use tokio::sync::watch;

use crate::{
    SpannerStore,
    fault::Fault,
    rows::{Row, Write, key, mutation, time_value},
    tx::{Reader, Tx},
};

type Result<T, E = Fault> = std::result::Result<T, E>;

/// As a mutation writes the time of its commit.
const COMMIT_TIME: &str = "spanner.commit_timestamp()";
/// Behind every event of its commit time.
const LAST_TIE: u64 = i64::MAX as u64;

/// Has the commit add an event.
pub(crate) fn append(tx: &Tx, tenant: &TenantId, change: &LiveChange) -> Result<()> {
    // Two transactions can have one commit time. Ties are drawn, so that they do not meet.
    let tie = rand::random_range(0..LAST_TIE);
    tx.write([mutation(
        Write::Insert,
        "live_events",
        [
            ("tenant_id", tenant.as_str().to_owned().into()),
            ("committed_at", COMMIT_TIME.to_owned().into()),
            ("tie", signed(tie).into()),
            ("kind", change.kind.as_str().to_owned().into()),
            ("object", change.object.clone().into()),
            ("version", change.version.map_or(0, signed).into()),
            ("cause", change.cause.clone().into()),
        ],
    )])
}

fn place(at: Timestamp, minor: u64) -> Result<LiveId> {
    let major = u64::try_from(at.as_microsecond());
    let major = major.map_err(|error| corrupt("the time of a commit", error))?;
    Ok(LiveId { major, minor })
}

fn time(place: LiveId) -> Option<Timestamp> {
    Timestamp::from_microsecond(i64::try_from(place.major).ok()?).ok()
}

fn event(row: &Row) -> Result<LiveEvent> {
    let at = row.time("committed_at")?;
    let version: u64 = row.number("version")?;
    Ok(LiveEvent {
        id: place(at, row.number("tie")?)?,
        at,
        kind: row.text("kind")?,
        object: row.text("object")?,
        version: Some(version).filter(|version| *version > 0),
        cause: row.text("cause")?,
    })
}

/// Behind everything that the reader shows.
fn end(reader: &Reader) -> Result<Option<LiveId>> {
    let until = reader.shows_until();
    until.map(|until| place(until, LAST_TIE)).transpose()
}

async fn now(reader: &Reader) -> Result<LiveId> {
    // The first read begins the snapshot, whose time is told with it.
    let asked = Statement::builder("SELECT CURRENT_TIMESTAMP() AS now").build();
    reader.query(asked).await?;
    let end = end(reader)?;
    Ok(end.ok_or_else(|| corrupt("a snapshot", "it tells no time"))?)
}

async fn after(reader: &Reader, tenant: &TenantId, from: LiveId, limit: u32) -> Result<LiveRead> {
    let limit = limit.clamp(1, MAX_READ);
    let at = time(from).unwrap_or(Timestamp::MAX);
    // The first condition leads to the place in the key; the others leave out what it has besides.
    let statement = Statement::builder(
        "SELECT committed_at, tie, kind, object, version, cause FROM live_events \
         WHERE tenant_id = @tenant AND committed_at >= @at AND (committed_at > @at OR tie > @tie) \
         ORDER BY committed_at, tie LIMIT @limit",
    )
    .add_param("tenant", tenant.as_str().to_owned())
    .add_typed_param("at", time_value(at), types::timestamp())
    .add_param("tie", signed(from.minor))
    .add_param("limit", i64::from(limit));
    let found = reader.query(statement.build()).await?;
    let events = found.iter().map(event).collect::<Result<Vec<_>>>()?;
    let is_all = u32::try_from(events.len()).is_ok_and(|count| count < limit);
    let last = events.last().map_or(from, |event| event.id);
    let end = end(reader)?.filter(|_| is_all);
    Ok(LiveRead {
        // A place that is ahead of the snapshot stays: nobody goes back.
        until: end.map_or(last, |end| end.max(last)),
        events,
    })
}

async fn counts(reader: &Reader, tenant: &TenantId) -> Result<LiveCounts> {
    let statement = Statement::builder(
        "SELECT \
         (SELECT COUNT(*) FROM (SELECT 1 FROM requests@{FORCE_INDEX=requests_to_call, \
         spanner_emulator.disable_query_null_filtered_index_check=true} \
         WHERE tenant_id = @tenant AND to_call IS NOT NULL LIMIT @most)) AS call_now, \
         (SELECT COUNT(*) FROM (SELECT 1 FROM requests@{FORCE_INDEX=requests_by_status} \
         WHERE tenant_id = @tenant AND status = 'in_review' LIMIT @most)) AS in_review, \
         (SELECT COUNT(*) FROM (SELECT 1 FROM requests@{FORCE_INDEX=requests_by_status} \
         WHERE tenant_id = @tenant AND status = 'quarantined' LIMIT @most)) AS quarantined, \
         (SELECT COUNT(*) FROM (SELECT 1 FROM work@{FORCE_INDEX=work_by_state} \
         WHERE tenant_id = @tenant AND state = 'held' LIMIT @most)) AS held, \
         (SELECT COUNT(*) FROM (SELECT 1 FROM work@{FORCE_INDEX=work_by_state} \
         WHERE tenant_id = @tenant AND state = 'parked' LIMIT @most)) AS parked",
    )
    .add_param("tenant", tenant.as_str().to_owned())
    .add_param("most", i64::from(MAX_COUNT));
    let row = reader.query(statement.build()).await?.pop();
    let row = row.ok_or_else(|| corrupt("counts", "no row"))?;
    Ok(LiveCounts {
        call_now: row.number("call_now")?,
        in_review: row.number("in_review")?,
        quarantined: row.number("quarantined")?,
        held: row.number("held")?,
        parked: row.number("parked")?,
    })
}

async fn requests(
    reader: &Reader,
    tenant: &TenantId,
    ids: &[RequestId],
) -> Result<Vec<LeadRequest>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut keys = KeySet::builder();
    for id in ids {
        keys = keys.add_key(key([tenant.as_str(), &id.to_string()]));
    }
    let mut found = Vec::new();
    for row in reader
        .rows("requests", REQUEST_COLUMNS, keys.build())
        .await?
    {
        let name = || row.text("request_id").unwrap_or_default();
        found.extend(readable("requests", name, rows::request(&row))?);
    }
    Ok(found)
}

#[async_trait]
impl Live for SpannerStore {
    async fn live_now(&self, _tenant: &TenantId) -> StoreResult<LiveId> {
        self.read_without_time(async |reader| now(&reader).await)
            .await
    }

    async fn live_reaches(&self, tenant: &TenantId, place: LiveId) -> StoreResult<bool> {
        // Judged by the times of commits, which are the database's, also where a test moves another clock.
        let now = self.live_now(tenant).await?;
        let kept = u64::try_from(KEPT_FOR.as_micros()).unwrap_or(u64::MAX);
        Ok(place <= now && place.major >= now.major.saturating_sub(kept))
    }

    async fn live_after(
        &self,
        tenant: &TenantId,
        place: LiveId,
        limit: u32,
    ) -> StoreResult<LiveRead> {
        self.read_without_time(async |reader| after(&reader, tenant, place, limit).await)
            .await
    }

    async fn live_requests(
        &self,
        tenant: &TenantId,
        ids: &[RequestId],
    ) -> StoreResult<Vec<LeadRequest>> {
        self.read_without_time(async |reader| requests(&reader, tenant, ids).await)
            .await
    }

    async fn live_counts(&self, tenant: &TenantId) -> StoreResult<LiveCounts> {
        self.read_without_time(async |reader| counts(&reader, tenant).await)
            .await
    }

    fn live_changes(&self, _tenant: &TenantId) -> Option<watch::Receiver<u64>> {
        None
    }

    async fn prune_live_events_across_tenants(
        &self,
        _before: Timestamp,
        _limit: u32,
    ) -> StoreResult<u32> {
        // The table's deletion policy does.
        Ok(0)
    }
}
