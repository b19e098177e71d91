//! Requests, their work rows and their timeline: read whole, written as changes.

use domain::{
    Alias, Change, DispatchId, LogEntry, NotificationId, Plan, Record, RequestId, RequestState,
    Stage, StoreError, TenantId, WorkRow, WorkState,
};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};
use store::{IdSource, RequestPage, RequestQuery, RequestView};

use crate::rows::{
    self, REQUEST_COLUMNS, corrupt, from_json, get, micros, signed, store_error, timestamp, to_json,
};

type Result<T> = std::result::Result<T, StoreError>;

/// Merged requests lead to others; a chain longer than this is an error.
const MERGE_CHAIN: usize = 8;

/// A request and its open work; a merged one leads to the one that goes on.
pub(crate) fn state(
    db: &Connection,
    tenant: &TenantId,
    request: RequestId,
) -> Result<Option<RequestState>> {
    let mut id = request;
    for _ in 0..MERGE_CHAIN {
        let Some(found) = one(db, tenant, id)? else {
            return Ok(None);
        };
        match found.document.merged_into {
            Some(next) => id = next,
            None => return Ok(Some(RequestState::new(found, work(db, tenant, id)?))),
        }
    }
    Err(corrupt("a chain of merged requests", request))
}

/// Like [`state`], without following a merge: the row's own request.
pub(crate) fn own_state(
    db: &Connection,
    tenant: &TenantId,
    request: RequestId,
) -> Result<Option<RequestState>> {
    one(db, tenant, request)?
        .map(|found| Ok(RequestState::new(found, work(db, tenant, request)?)))
        .transpose()
}

pub(crate) fn one(
    db: &Connection,
    tenant: &TenantId,
    id: RequestId,
) -> Result<Option<domain::LeadRequest>> {
    const SQL: &str = "SELECT tenant_id, request_id, status, version, person_id, created_at, updated_at, document \
                       FROM requests WHERE tenant_id = ?1 AND request_id = ?2";
    db.prepare_cached(SQL)
        .map_err(store_error)?
        .query_row(params![tenant.as_str(), id.to_string()], |row| {
            Ok(rows::request(row))
        })
        .optional()
        .map_err(store_error)?
        .transpose()
}

pub(crate) fn work(db: &Connection, tenant: &TenantId, request: RequestId) -> Result<Vec<WorkRow>> {
    let mut statement = db
        .prepare_cached("SELECT * FROM work WHERE tenant_id = ?1 AND request_id = ?2")
        .map_err(store_error)?;
    let mut found = statement
        .query(params![tenant.as_str(), request.to_string()])
        .map_err(store_error)?;
    let mut work = Vec::new();
    while let Some(row) = found.next().map_err(store_error)? {
        work.push(rows::work_row(row)?);
    }
    Ok(work)
}

/// The requests that these names belong to, in the names' order, each once.
pub(crate) fn by_aliases(
    db: &Connection,
    tenant: &TenantId,
    aliases: &[Alias],
) -> Result<Vec<RequestId>> {
    const SQL: &str = "SELECT request_id FROM request_aliases \
                       WHERE tenant_id = ?1 AND provider = ?2 AND kind = ?3 AND value = ?4";
    let mut statement = db.prepare_cached(SQL).map_err(store_error)?;
    let mut ids = Vec::new();
    for alias in aliases {
        let found: Option<String> = statement
            .query_row(
                params![tenant.as_str(), alias.provider, alias.kind, alias.value],
                |row| row.get(0),
            )
            .optional()
            .map_err(store_error)?;
        if let Some(text) = found {
            let id: RequestId = text.parse().map_err(|error| corrupt("an alias", error))?;
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
    }
    Ok(ids)
}

/// Gives a request more names. A name that belongs to another one stays there: merges follow it.
pub(crate) fn add_aliases(
    db: &Connection,
    tenant: &TenantId,
    request: RequestId,
    aliases: &[Alias],
) -> Result<()> {
    const SQL: &str = "INSERT INTO request_aliases (tenant_id, provider, kind, value, request_id) \
                       VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING";
    let mut statement = db.prepare_cached(SQL).map_err(store_error)?;
    let id = request.to_string();
    for alias in aliases {
        statement
            .execute(params![
                tenant.as_str(),
                alias.provider,
                alias.kind,
                alias.value,
                id
            ])
            .map_err(store_error)?;
    }
    Ok(())
}

/// Columns of a work row, in the order that [`write_work`] binds them.
macro_rules! put_work {
    ($verb:literal) => {
        concat!(
            $verb,
            " INTO work (tenant_id, request_id, stage, target, state, lane, token, due_at, next_wake_at, lease_until, \
             wakes, claims, failures, waits, again, deadline, held_for, held_version, park_cause, traceparent, reason, \
             answer, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, \
             ?18, ?19, ?20, ?21, ?22, ?23)"
        )
    };
}

/// Writes what a transition decided.
pub(crate) fn write(db: &Connection, plan: &Plan) -> Result<()> {
    for change in &plan.changes {
        write_change(db, change)?;
    }
    if let Some(change) = plan.changes.last() {
        for (from, into) in &plan.merged {
            move_records(db, &change.request.tenant, *from, *into)?;
        }
    }
    Ok(())
}

fn write_change(db: &Connection, change: &Change) -> Result<()> {
    let request = &change.request;
    let (tenant, id) = (request.tenant.as_str(), request.id.to_string());
    let document = to_json(&request.document)?;
    let person = request.person.map(|person| person.to_string());
    // A new request brings its timeline along; later entries are rows of their own.
    let (sql, opening) = if change.is_new {
        (
            "INSERT INTO requests (status, version, person_id, updated_at, document, tenant_id, request_id, \
             created_at, opening) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            Some(to_json(&change.log)?),
        )
    } else {
        (
            "UPDATE requests SET status = ?1, version = ?2, person_id = ?3, updated_at = ?4, document = ?5, \
             opening = ifnull(?9, opening) WHERE tenant_id = ?6 AND request_id = ?7 AND created_at = ?8",
            None,
        )
    };
    let written = db
        .prepare_cached(sql)
        .map_err(store_error)?
        .execute(params![
            request.status.as_str(),
            signed(request.version),
            person,
            micros(request.updated_at),
            document,
            tenant,
            id,
            micros(request.created_at),
            opening,
        ])
        .map_err(store_error)?;
    if written != 1 {
        return Err(corrupt("a request's row", "it is gone"));
    }
    for (stage, target) in &change.delete {
        delete_work(db, tenant, &id, *stage, target)?;
    }
    for row in &change.put {
        // Looking for a row to replace costs as much again as writing it, and a new request has none.
        if change.is_new {
            write_work(db, put_work!("INSERT"), row)?;
        } else {
            put_work(db, row)?;
        }
    }
    let later = if change.is_new {
        &[]
    } else {
        change.log.as_slice()
    };
    for (position, entry) in later.iter().enumerate() {
        put_log(db, tenant, &id, request.version, position, entry)?;
    }
    Ok(())
}

fn delete_work(
    db: &Connection,
    tenant: &str,
    request: &str,
    stage: Stage,
    target: &str,
) -> Result<()> {
    db.prepare_cached(
        "DELETE FROM work WHERE tenant_id = ?1 AND request_id = ?2 AND stage = ?3 AND target = ?4",
    )
    .map_err(store_error)?
    .execute(params![tenant, request, stage.as_str(), target])
    .map_err(store_error)?;
    Ok(())
}

/// Writes a row, new or not.
pub(crate) fn put_work(db: &Connection, row: &WorkRow) -> Result<()> {
    write_work(db, put_work!("INSERT OR REPLACE"), row)
}

fn write_work(db: &Connection, sql: &str, row: &WorkRow) -> Result<()> {
    let (state, lease_until, held, cause) = match &row.state {
        WorkState::Ready => ("ready", None, None, None),
        WorkState::InFlight { lease_until } => {
            ("in_flight", Some(micros(*lease_until)), None, None)
        }
        WorkState::Held {
            connection,
            version,
        } => (
            "held",
            None,
            Some((connection.as_str(), signed(*version))),
            None,
        ),
        WorkState::Parked { cause } => ("parked", None, None, Some(cause.as_str())),
    };
    db.prepare_cached(sql)
        .map_err(store_error)?
        .execute(params![
            row.key.tenant.as_str(),
            row.key.request.to_string(),
            row.key.stage.as_str(),
            row.key.target,
            state,
            row.lane.as_str(),
            signed(row.token),
            micros(row.due_at),
            row.next_wake_at.map(micros),
            lease_until,
            row.wakes,
            row.claims,
            row.failures,
            row.waits,
            row.again,
            row.deadline.map(micros),
            held.map(|(name, _)| name),
            held.map(|(_, version)| version),
            cause,
            row.traceparent,
            row.reason,
            row.answer,
            micros(row.created_at),
        ])
        .map_err(store_error)?;
    Ok(())
}

fn put_log(
    db: &Connection,
    tenant: &str,
    request: &str,
    version: u64,
    position: usize,
    entry: &LogEntry,
) -> Result<()> {
    db.prepare_cached(
        "INSERT INTO request_log (tenant_id, request_id, version, position, entry) VALUES (?1, ?2, ?3, ?4, ?5)",
    )
    .map_err(store_error)?
    .execute(params![tenant, request, signed(version), i64::try_from(position).unwrap_or(i64::MAX), to_json(entry)?])
    .map_err(store_error)?;
    Ok(())
}

/// A merged request's records show at the one that goes on. Its names and deliveries stay: reads follow the merge.
fn move_records(
    db: &Connection,
    tenant: &TenantId,
    from: RequestId,
    into: RequestId,
) -> Result<()> {
    for sql in [
        "UPDATE crm_integrations SET request_id = ?3 WHERE tenant_id = ?1 AND request_id = ?2",
        "UPDATE notifications SET request_id = ?3 WHERE tenant_id = ?1 AND request_id = ?2",
        "UPDATE usage_ledger SET request_id = ?3, position = position + (SELECT ifnull(max(position), -1) + 1 \
         FROM usage_ledger WHERE tenant_id = ?1 AND request_id = ?3) WHERE tenant_id = ?1 AND request_id = ?2",
    ] {
        db.prepare_cached(sql)
            .map_err(store_error)?
            .execute(params![tenant.as_str(), from.to_string(), into.to_string()])
            .map_err(store_error)?;
    }
    Ok(())
}

/// Keeps the records of a settle.
pub(crate) fn put_records(
    db: &Connection,
    ids: &IdSource,
    tenant: &TenantId,
    request: RequestId,
    records: &[Record],
    now: Timestamp,
) -> Result<()> {
    let request = request.to_string();
    for record in records {
        match record {
            Record::Dispatch(attempt) => db
                .prepare_cached(
                    "INSERT INTO crm_integrations (tenant_id, request_id, dispatch_id, attempt) VALUES (?1, ?2, ?3, ?4)",
                )
                .map_err(store_error)?
                .execute(params![
                    tenant.as_str(),
                    request,
                    DispatchId::from_uuid(ids.next()).to_string(),
                    to_json(attempt)?
                ]),
            Record::Notification(message) => db
                .prepare_cached(
                    "INSERT INTO notifications (tenant_id, request_id, notification_id, message) \
                     VALUES (?1, ?2, ?3, ?4)",
                )
                .map_err(store_error)?
                .execute(params![
                    tenant.as_str(),
                    request,
                    NotificationId::from_uuid(ids.next()).to_string(),
                    to_json(message)?
                ]),
            Record::Usage(usage) => db
                .prepare_cached(
                    "INSERT INTO usage_ledger (tenant_id, request_id, at, position, unit, amount, by) \
                     SELECT ?1, ?2, ?3, ifnull(max(position), -1) + 1, ?4, ?5, ?6 \
                     FROM usage_ledger WHERE tenant_id = ?1 AND request_id = ?2",
                )
                .map_err(store_error)?
                .execute(params![
                    tenant.as_str(),
                    request,
                    micros(now),
                    usage.unit,
                    signed(usage.amount),
                    usage.by
                ]),
        }
        .map_err(store_error)?;
    }
    Ok(())
}

pub(crate) fn list(
    db: &Connection,
    tenant: &TenantId,
    query: &RequestQuery,
) -> Result<RequestPage> {
    let limit = query.limit.clamp(1, 200);
    // One more than asked tells whether there is more. A prefix that sorts behind every id stands for "from the top".
    let before = query
        .before
        .map_or_else(|| "req_~".to_owned(), |id| id.to_string());
    let (filter, order) = match query.status {
        // Not in the index: all of them have work.
        Some(domain::Status::Received) => (
            "AND status = ?3 AND request_id IN (SELECT request_id FROM work WHERE tenant_id = ?1)",
            "ORDER BY request_id DESC",
        ),
        Some(_) => (
            "AND status = ?3 AND status <> 'received'",
            "ORDER BY status DESC, request_id DESC",
        ),
        None => ("AND ?3 IS NULL", "ORDER BY request_id DESC"),
    };
    let sql = format!(
        "SELECT {REQUEST_COLUMNS} FROM requests WHERE tenant_id = ?1 AND request_id < ?2 {filter} {order} LIMIT ?4"
    );
    let mut statement = db.prepare_cached(&sql).map_err(store_error)?;
    let mut found = statement
        .query(params![
            tenant.as_str(),
            before,
            query.status.map(domain::Status::as_str),
            limit + 1
        ])
        .map_err(store_error)?;
    let mut items = Vec::new();
    while let Some(row) = found.next().map_err(store_error)? {
        items.push(rows::request(row)?);
    }
    let has_more = items.len() > usize::try_from(limit).unwrap_or(usize::MAX);
    items.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(RequestPage { items, has_more })
}

pub(crate) fn view(
    db: &Connection,
    tenant: &TenantId,
    request: RequestId,
) -> Result<Option<RequestView>> {
    // One snapshot for all that follows.
    let snapshot = db.unchecked_transaction().map_err(store_error)?;
    let db: &Connection = &snapshot;
    let Some(state) = state(db, tenant, request)? else {
        return Ok(None);
    };
    let request = state.request().clone();
    let id = request.id.to_string();
    let texts = |sql: &str| -> Result<Vec<String>> {
        let mut statement = db.prepare_cached(sql).map_err(store_error)?;
        let found = statement
            .query_map(params![tenant.as_str(), id], |row| row.get(0))
            .map_err(store_error)?;
        found.collect::<rusqlite::Result<_>>().map_err(store_error)
    };
    let opening = texts("SELECT opening FROM requests WHERE tenant_id = ?1 AND request_id = ?2")?;
    let mut timeline: Vec<LogEntry> = Vec::new();
    for json in &opening {
        timeline.extend(from_json::<Vec<LogEntry>>(
            "the first timeline entries",
            json,
        )?);
    }
    let later = texts(
        "SELECT entry FROM request_log WHERE tenant_id = ?1 AND request_id = ?2 ORDER BY version, position",
    )?;
    for json in &later {
        timeline.push(from_json("a timeline entry", json)?);
    }
    let attempts = texts(
        "SELECT attempt FROM crm_integrations WHERE tenant_id = ?1 AND request_id = ?2 ORDER BY dispatch_id",
    )?;
    let messages = texts(
        "SELECT message FROM notifications WHERE tenant_id = ?1 AND request_id = ?2 ORDER BY notification_id",
    )?;
    let mut statement = db
        .prepare_cached(
            "SELECT at, unit, amount, by FROM usage_ledger WHERE tenant_id = ?1 AND request_id = ?2 \
             ORDER BY at, position",
        )
        .map_err(store_error)?;
    let mut found = statement
        .query(params![tenant.as_str(), id])
        .map_err(store_error)?;
    let mut usage = Vec::new();
    while let Some(row) = found.next().map_err(store_error)? {
        let line = domain::Usage {
            unit: get(row, "unit")?,
            amount: rows::unsigned(row, "amount")?,
            by: get(row, "by")?,
        };
        usage.push((timestamp(get(row, "at")?)?, line));
    }
    Ok(Some(RequestView {
        work: work(db, tenant, request.id)?,
        request,
        timeline,
        attempts: attempts
            .iter()
            .map(|json| from_json("a dispatch attempt", json))
            .collect::<Result<_>>()?,
        notifications: messages
            .iter()
            .map(|json| from_json("a notification", json))
            .collect::<Result<_>>()?,
        usage,
    }))
}
