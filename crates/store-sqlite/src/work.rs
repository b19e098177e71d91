//! Claiming, renewing and settling work, and finding what is due.

use std::{sync::Arc, time::Duration};

use domain::{
    Claim, ClaimResult, Claimed, DueWake, OfficeConfig, Outcome, Record, RequestId, RequestState,
    SettleContext, Settled, Stage, Stale, StoreError, TenantId, Wake, WorkRow, WorkState, later,
    transition,
};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};
use store::{ConnectionState, IdSource};

use crate::{
    connections, requests,
    rows::{self, micros, signed, store_error},
    tenants,
};

type Result<T> = std::result::Result<T, StoreError>;

fn row(db: &Connection, key: &domain::WorkKey) -> Result<Option<WorkRow>> {
    const SQL: &str = "SELECT * FROM work WHERE tenant_id = ?1 AND request_id = ?2 AND stage = ?3 AND target = ?4";
    db.prepare_cached(SQL)
        .map_err(store_error)?
        .query_row(
            params![
                key.tenant.as_str(),
                key.request.to_string(),
                key.stage.as_str(),
                key.target
            ],
            |row| Ok(rows::work_row(row)),
        )
        .optional()
        .map_err(store_error)?
        .transpose()
}

pub(crate) fn claim(
    db: &Connection,
    configs: &tenants::ConfigCache,
    now: Timestamp,
    wake: &Wake,
    lease: Duration,
) -> Result<Option<Claimed>> {
    let Some(mut row) = row(db, &wake.key)? else {
        return Ok(None);
    };
    match row.claim(wake.token, now, lease) {
        ClaimResult::NotNow => return Ok(None),
        ClaimResult::CrashLoop => {
            let state = own_state(db, &wake.key.tenant, wake.key.request)?;
            requests::write(db, &transition::crash_loop(state, row, now))?;
            return Ok(None);
        }
        ClaimResult::Claimed => requests::put_work(db, &row)?,
    }
    let Some(mut request) = requests::one(db, &wake.key.tenant, wake.key.request)? else {
        return Err(rows::corrupt("a work row's request", wake.key.request));
    };
    if request.status == domain::Status::Received {
        request.status = domain::Status::Processing;
        db.prepare_cached(
            "UPDATE requests SET status = ?3 WHERE tenant_id = ?1 AND request_id = ?2",
        )
        .map_err(store_error)?
        .execute(params![
            request.tenant.as_str(),
            request.id.to_string(),
            request.status.as_str()
        ])
        .map_err(store_error)?;
    }
    let config = config(db, configs, &request)?;
    Ok(Some(Claimed::new(row, request, config)))
}

fn config(
    db: &Connection,
    configs: &tenants::ConfigCache,
    request: &domain::LeadRequest,
) -> Result<Arc<OfficeConfig>> {
    configs.get(db, &request.tenant, request.document.source.office)
}

fn own_state(db: &Connection, tenant: &TenantId, request: RequestId) -> Result<RequestState> {
    requests::own_state(db, tenant, request)?
        .ok_or_else(|| rows::corrupt("a work row's request", request))
}

pub(crate) fn renew(
    db: &Connection,
    now: Timestamp,
    claim: &Claim,
    lease: Duration,
) -> Result<bool> {
    let Some(mut row) = row(db, &claim.key)? else {
        return Ok(false);
    };
    let WorkState::InFlight { lease_until } = row.state else {
        return Ok(false);
    };
    if row.token != claim.token {
        return Ok(false);
    }
    let until = later(now, lease).max(lease_until);
    row.state = WorkState::InFlight { lease_until: until };
    row.next_wake_at = Some(until);
    requests::put_work(db, &row)?;
    Ok(true)
}

/// What a settle is given beside its place in the transaction.
pub(crate) struct Settle {
    pub(crate) claim: Claim,
    pub(crate) outcome: Outcome,
    pub(crate) config: Arc<OfficeConfig>,
    pub(crate) records: Vec<Record>,
    pub(crate) duration: Duration,
    pub(crate) draw: f64,
}

pub(crate) fn settle(
    db: &Connection,
    ids: &IdSource,
    now: Timestamp,
    settle: &Settle,
) -> Result<Settled> {
    let Settle {
        claim,
        outcome,
        config,
        records,
        duration,
        draw,
    } = settle;
    let key = &claim.key;
    // A request that is gone took its work with it.
    let Some(state) = requests::own_state(db, &key.tenant, key.request)? else {
        return Ok(Settled::Stale);
    };
    let mut others = Vec::new();
    let mut aliases = Vec::new();
    match outcome {
        Outcome::Done {
            aliases: learned, ..
        } => {
            for id in requests::by_aliases(db, &key.tenant, learned)? {
                others.extend(
                    requests::state(db, &key.tenant, id)?
                        .filter(|other| other.request().id != key.request),
                );
            }
            aliases.clone_from(learned);
        }
        Outcome::Merge { other } => others.extend(requests::state(db, &key.tenant, *other)?),
        Outcome::Wait { .. }
        | Outcome::Retry { .. }
        | Outcome::Hold { .. }
        | Outcome::Park { .. } => {}
    }
    let held = match outcome {
        Outcome::Hold {
            connection,
            version,
            ..
        } => connections::one(db, &key.tenant, connection)?.map(|found| (found, *version)),
        _ => None,
    };
    let context = SettleContext {
        now,
        retry: &config.workflow.retry,
        connection_version: held.as_ref().map(|(connection, _)| connection.version),
        draw: *draw,
        duration: *duration,
    };
    let plan = match transition::settle(state, others, claim, outcome.clone(), context) {
        Ok(plan) => plan,
        Err(Stale) => return Ok(Settled::Stale),
    };
    requests::write(db, &plan)?;
    requests::add_aliases(db, &key.tenant, key.request, &aliases)?;
    // The last change is of the request that goes on.
    let shown_at = plan
        .changes
        .last()
        .map_or(key.request, |change| change.request.id);
    requests::put_records(db, ids, &key.tenant, shown_at, records, now)?;
    if let Some((mut connection, version)) = held
        && connection.version == version
        && connection.state == ConnectionState::Active
    {
        connection.state = ConnectionState::Refused;
        connections::update(db, &connection)?;
    }
    Ok(Settled::Written(plan.wakes))
}

/// The tenants and stages that have rows with a wake-up, by skipping from one to the next in the index.
fn stages_with_wakes(db: &Connection) -> Result<Vec<(String, String)>> {
    // Two questions, each a single step in the index. Asked as one, with a comparison of pairs, SQLite walks over every
    // row of the pair that it comes from.
    const NEXT_STAGE: &str = "SELECT tenant_id, stage FROM work WHERE next_wake_at IS NOT NULL \
                              AND tenant_id = ?1 AND stage > ?2 ORDER BY stage LIMIT 1";
    const NEXT_TENANT: &str = "SELECT tenant_id, stage FROM work WHERE next_wake_at IS NOT NULL \
                               AND tenant_id > ?1 ORDER BY tenant_id, stage LIMIT 1";
    let mut next_stage = db.prepare_cached(NEXT_STAGE).map_err(store_error)?;
    let mut next_tenant = db.prepare_cached(NEXT_TENANT).map_err(store_error)?;
    let mut found: Vec<(String, String)> = Vec::new();
    loop {
        let (tenant, stage) = found.last().map_or(("", ""), |(tenant, stage)| {
            (tenant.as_str(), stage.as_str())
        });
        let pair = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
        let mut next = next_stage
            .query_row(params![tenant, stage], pair)
            .optional()
            .map_err(store_error)?;
        if next.is_none() {
            next = next_tenant
                .query_row(params![tenant], pair)
                .optional()
                .map_err(store_error)?;
        }
        match next {
            Some(pair) => found.push(pair),
            None => return Ok(found),
        }
    }
}

pub(crate) fn due_wakes(
    db: &Connection,
    now: Timestamp,
    per_tenant: u32,
    limit: u32,
) -> Result<Vec<DueWake>> {
    const DUE: &str = "SELECT tenant_id, request_id, stage, target, token, next_wake_at, wakes FROM work \
                       WHERE tenant_id = ?1 AND stage = ?2 AND next_wake_at <= ?3 ORDER BY next_wake_at LIMIT ?4";
    let mut due = Vec::new();
    for (tenant, stage) in stages_with_wakes(db)? {
        let mut statement = db.prepare_cached(DUE).map_err(store_error)?;
        let mut found = statement
            .query(params![tenant, stage, micros(now), per_tenant])
            .map_err(store_error)?;
        let mut turn = 0_u32;
        while let Some(row) = found.next().map_err(store_error)? {
            let wake = Wake {
                v: Wake::VERSION,
                key: rows::work_key(row)?,
                token: rows::unsigned(row, "token")?,
            };
            let found = DueWake {
                wake,
                next_wake_at: rows::time(row, "next_wake_at")?,
                wakes: rows::small(row, "wakes")?,
            };
            due.push((turn, found));
            turn += 1;
        }
    }
    // Where there are too many, each tenant's first go before anybody's second.
    due.sort_by_key(|(turn, found)| (*turn, found.next_wake_at));
    due.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    due.sort_by_key(|(_, found)| found.next_wake_at);
    Ok(due.into_iter().map(|(_, found)| found).collect())
}

pub(crate) fn move_wakes(db: &Connection, now: Timestamp, due: &[DueWake]) -> Result<Vec<Wake>> {
    const SQL: &str = "UPDATE work SET next_wake_at = ?1, wakes = wakes + 1 WHERE tenant_id = ?2 AND request_id = ?3 \
                       AND stage = ?4 AND target = ?5 AND token = ?6 AND next_wake_at = ?7";
    let mut statement = db.prepare_cached(SQL).map_err(store_error)?;
    let mut moved = Vec::new();
    for DueWake {
        wake,
        next_wake_at,
        wakes,
    } in due
    {
        let next = later(now, WorkRow::next_relay_pause(*wakes));
        let changed = statement
            .execute(params![
                micros(next),
                wake.key.tenant.as_str(),
                wake.key.request.to_string(),
                wake.key.stage.as_str(),
                wake.key.target,
                signed(wake.token),
                micros(*next_wake_at),
            ])
            .map_err(store_error)?;
        if changed == 1 {
            moved.push(wake.clone());
        }
    }
    Ok(moved)
}

pub(crate) fn due_work(
    db: &Connection,
    now: Timestamp,
    tenant: &TenantId,
    stage: Stage,
    limit: u32,
) -> Result<Vec<Wake>> {
    const SQL: &str = "SELECT tenant_id, request_id, stage, target, token FROM work \
                       WHERE tenant_id = ?1 AND stage = ?2 AND next_wake_at IS NOT NULL \
                       AND state = 'ready' AND due_at <= ?3 ORDER BY next_wake_at LIMIT ?4";
    let mut statement = db.prepare_cached(SQL).map_err(store_error)?;
    let mut found = statement
        .query(params![tenant.as_str(), stage.as_str(), micros(now), limit])
        .map_err(store_error)?;
    let mut due = Vec::new();
    while let Some(row) = found.next().map_err(store_error)? {
        due.push(Wake {
            v: Wake::VERSION,
            key: rows::work_key(row)?,
            token: rows::unsigned(row, "token")?,
        });
    }
    Ok(due)
}

/// At the start of the embedded product, under its folder's lock: whoever held a lease is gone.
pub(crate) fn void_leases(db: &Connection, now: Timestamp) -> Result<usize> {
    // What waited in memory is forgotten: the relay looks at it at once.
    db.execute(
        "UPDATE work SET next_wake_at = ?1, wakes = 0 \
         WHERE state = 'ready' AND due_at <= ?1 AND next_wake_at > ?1",
        params![micros(now)],
    )
    .map_err(store_error)?;
    db.execute(
        "UPDATE work SET lease_until = ?1, next_wake_at = ?1 WHERE state = 'in_flight' AND lease_until > ?1",
        params![micros(now)],
    )
    .map_err(store_error)
}
