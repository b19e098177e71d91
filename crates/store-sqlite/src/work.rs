//! Claiming, renewing and settling work, and finding what is due.

use std::{
    borrow::Cow,
    sync::Arc,
    time::{Duration, Instant},
};

use domain::{
    Claim, ClaimResult, Claimed, DueWake, LeadRequest, OfficeConfig, RequestId, SettleResult,
    Stage, TenantId, Wake, WorkKey, WorkRow, later, transition,
};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};
use store::{
    ConfigCache, IdSource, LiveChange, Result, Settle,
    rows::{self, signed},
    stored::{corrupt, readable, scanned},
    work::fair_share,
};

use crate::{
    connections, early, indexing, noted, requests,
    rows::{micros, store_error},
    sql, tenants,
};

fn row(db: &Connection, key: &WorkKey) -> Result<Option<WorkRow>> {
    const SQL: &str = "SELECT * FROM work WHERE tenant_id = ?1 AND request_id = ?2 AND stage = ?3 AND target = ?4";
    let request = key.request.to_string();
    let values = params![key.tenant.as_str(), request, key.stage.as_str(), key.target];
    let row = sql::first(db, SQL, values, |row| {
        readable("work", || rows::work_name(row), rows::work(row))
    })?;
    Ok(row.flatten())
}

pub(crate) fn claim(
    db: &Connection,
    configs: &ConfigCache,
    now: Timestamp,
    wake: &Wake,
    lease: Duration,
) -> Result<Option<Claimed>> {
    let (tenant, id) = (&wake.key.tenant, wake.key.request);
    let Some(mut row) = row(db, &wake.key)? else {
        return Ok(None);
    };
    match row.claim(wake.token, now, lease) {
        ClaimResult::NotNow => return Ok(None),
        ClaimResult::CrashLoop => {
            let state = requests::own_state(db, tenant, id);
            let state = readable("requests", || id.to_string(), state)?.flatten();
            if let Some(state) = state {
                requests::write(db, &transition::crash_loop(state, row, now))?;
            }
            return Ok(None);
        }
        ClaimResult::Claimed => {}
    }
    // Nothing is written before the request is known to be readable: else the row waits for a build that can read it.
    let read = request(db, configs, tenant, id);
    let Some((mut request, config)) = readable("requests", || id.to_string(), read)? else {
        return Ok(None);
    };
    requests::put_work(db, &row)?;
    let status = transition::claimed_status(request.status);
    if status != request.status {
        request.status = status;
        sql::execute(
            db,
            "UPDATE requests SET status = ?3 WHERE tenant_id = ?1 AND request_id = ?2",
            params![tenant.as_str(), id.to_string(), status.as_str()],
        )?;
        indexing::changed(db, tenant.as_str(), &id.to_string())?;
        let told = LiveChange::of_status(id, request.version, status);
        noted::tell(now, tenant, told);
    }
    Ok(Some(Claimed::new(row, request, config)))
}

/// A request, and the configuration of its office.
fn request(
    db: &Connection,
    configs: &ConfigCache,
    tenant: &TenantId,
    id: RequestId,
) -> Result<(LeadRequest, Arc<OfficeConfig>)> {
    let request = requests::one(db, tenant, id)?
        .ok_or_else(|| corrupt("a work row's request", "it is gone"))?;
    let office = request.document.source.office;
    let config = match configs.get(tenant, office) {
        Some(config) => config,
        None => {
            let read_at = Instant::now();
            let config = tenants::config(db, tenant, office)?;
            configs.keep(tenant, office, read_at, config)
        }
    };
    Ok((request, config))
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
    let is_renewed = row.renew(claim.token, now, lease);
    if is_renewed {
        requests::put_work(db, &row)?;
    }
    Ok(is_renewed)
}

pub(crate) fn settle(
    db: &Connection,
    ids: &IdSource,
    now: Timestamp,
    settle: &Settle,
) -> Result<(SettleResult, Option<Claimed>)> {
    let WorkKey {
        tenant, request, ..
    } = &settle.claim.key;
    // A request that is gone took its work with it.
    let Some(state) = requests::own_state_since(db, &settle.request)? else {
        return Ok((SettleResult::Stale, None));
    };
    let mut others = Vec::new();
    let named = requests::by_aliases(db, tenant, settle.aliases())?;
    let mut settle = Cow::Borrowed(settle);
    for id in named.into_iter().chain(settle.merges_with()) {
        if id == *request {
            continue;
        }
        match readable(
            "requests",
            || id.to_string(),
            requests::state(db, tenant, id),
        )? {
            Some(other) => others.extend(other),
            None => settle = Cow::Owned(settle.put_off(now)),
        }
    }
    let connection = match settle.holds_for() {
        Some(name) => connections::one(db, tenant, name)?,
        None => None,
    };
    let early = match settle.begins() {
        Some(conversation) => early::of(db, tenant, conversation)?,
        None => Vec::new(),
    };
    let whole = settle.after(&early);
    let Some(settled) = whole.decide(state, others, connection, now) else {
        return Ok((SettleResult::Stale, None));
    };
    if let Some(conversation) = settle.begins().filter(|_| !early.is_empty()) {
        early::taken(db, tenant, conversation, &early, *request)?;
    }
    requests::write(db, &settled.plan)?;
    requests::add_aliases(db, tenant, *request, settle.aliases())?;
    requests::put_records(db, ids, tenant, settled.shown_at, &settle.records, now)?;
    if let Some(refused) = &settled.refused {
        connections::write(db, refused)?;
        noted::tell(now, tenant, LiveChange::of_refusal(refused));
    }
    Ok((SettleResult::Written(settled.plan.wakes), settled.claimed))
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
        let pair = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
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
                       WHERE tenant_id = ?1 AND stage = ?2 AND next_wake_at <= ?3 \
                       AND state IN ('ready', 'in_flight') ORDER BY next_wake_at LIMIT ?4";
    let mut due = Vec::new();
    for (tenant, stage) in stages_with_wakes(db)? {
        let known = stage.parse::<Stage>();
        let known = known.map_err(|error| corrupt("work.stage", error));
        if scanned("work", known)?.is_none() {
            continue;
        }
        let values = params![tenant, stage, micros(now), per_tenant];
        let found = sql::all(db, DUE, values, |row| scanned("work", rows::due_wake(row)))?;
        due.extend(found.into_iter().flatten());
    }
    Ok(fair_share(due, per_tenant, limit))
}

pub(crate) fn move_wakes(db: &Connection, now: Timestamp, due: &[DueWake]) -> Result<Vec<Wake>> {
    const SQL: &str = "UPDATE work SET next_wake_at = ?1, wakes = wakes + 1 WHERE tenant_id = ?2 AND request_id = ?3 \
                       AND stage = ?4 AND target = ?5 AND token = ?6 AND next_wake_at = ?7";
    let mut moved = Vec::new();
    for DueWake {
        wake,
        next_wake_at,
        wakes,
    } in due
    {
        let next = later(now, WorkRow::next_relay_pause(*wakes));
        let values = params![
            micros(next),
            wake.key.tenant.as_str(),
            wake.key.request.to_string(),
            wake.key.stage.as_str(),
            wake.key.target,
            signed(wake.token),
            micros(*next_wake_at),
        ];
        if sql::execute(db, SQL, values)? == 1 {
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
    let values = params![tenant.as_str(), stage.as_str(), micros(now), limit];
    let found = sql::all(db, SQL, values, |row| scanned("work", rows::wake(row)))?;
    Ok(found.into_iter().flatten().collect())
}

/// The tenants and stages that have work with a wake-up.
pub(crate) fn waiting(db: &Connection) -> Result<Vec<(TenantId, Stage)>> {
    let mut waiting = Vec::new();
    for (tenant, stage) in stages_with_wakes(db)? {
        let tenant = TenantId::new(&tenant).map_err(|error| corrupt("work.tenant_id", error));
        let stage = stage.parse().map_err(|error| corrupt("work.stage", error));
        waiting.extend(scanned(
            "work",
            tenant.and_then(|tenant| Ok((tenant, stage?))),
        )?);
    }
    Ok(waiting)
}

/// At the start of the embedded product, under its folder's lock: whoever held a lease is gone.
pub(crate) fn void_leases(db: &Connection, now: Timestamp) -> Result<usize> {
    db.execute(
        "UPDATE work INDEXED BY work_in_flight SET lease_until = ?1, next_wake_at = ?1 \
         WHERE state = 'in_flight' AND lease_until > ?1",
        params![micros(now)],
    )
    .map_err(store_error)
}
