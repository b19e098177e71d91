//! Requests, their work rows and their timeline: read whole, written as changes.

use domain::{
    Alias, Change, Channel, DispatchId, LeadRequest, LogEntry, NotificationId, OpenWork, Plan,
    Record, RequestId, RequestState, Status, TenantId, Usage, WorkRow,
};
use jiff::Timestamp;
use rusqlite::{Connection, params};
use store::{
    IdSource, LiveChange, Page, RequestQuery, RequestView, Result,
    rows::{self, REQUEST_COLUMNS, StateColumns, signed},
    stored::{PageReader, corrupt, from_json, readable, to_json},
};

use crate::{
    bookings, indexing, noted,
    rows::{micros, store_error},
    sql,
};

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

/// Like [`own_state`], of a request that was read before: unless it has changed since, its document is not read again.
pub(crate) fn own_state_since(
    db: &Connection,
    known: &LeadRequest,
) -> Result<Option<RequestState>> {
    const SQL: &str = "SELECT version, status, person_id, counted FROM requests WHERE tenant_id = ?1 AND request_id = ?2";
    let (tenant, id) = (&known.tenant, known.id);
    let values = params![tenant.as_str(), id.to_string()];
    let now = sql::first(db, SQL, values, |row| {
        let person = row.parsed_option("person_id")?;
        let counted = rows::counted(row, &known.document, known.created_at)?;
        Ok((
            row.number::<u64>("version")?,
            row.text("status")?,
            person,
            counted,
        ))
    })?;
    let Some((version, status, person, counted)) = now else {
        return Ok(None);
    };
    if version != known.version {
        return own_state(db, tenant, id);
    }
    let request = LeadRequest {
        status: Status::from_stored(&status),
        person,
        counted: counted.into(),
        ..known.clone()
    };
    Ok(Some(RequestState::new(request, work(db, tenant, id)?)))
}

pub(crate) fn one(
    db: &Connection,
    tenant: &TenantId,
    id: RequestId,
) -> Result<Option<LeadRequest>> {
    const SQL: &str = "SELECT tenant_id, request_id, status, version, person_id, created_at, updated_at, counted, document \
                       FROM requests WHERE tenant_id = ?1 AND request_id = ?2";
    let values = params![tenant.as_str(), id.to_string()];
    sql::first(db, SQL, values, rows::request)
}

pub(crate) fn work(db: &Connection, tenant: &TenantId, request: RequestId) -> Result<OpenWork> {
    const SQL: &str = "SELECT * FROM work WHERE tenant_id = ?1 AND request_id = ?2";
    let mut unrecognized = Vec::new();
    let values = params![tenant.as_str(), request.to_string()];
    let read = sql::all(db, SQL, values, |row| {
        let read = readable("work", || rows::work_name(row), rows::work(row))?;
        if read.is_none() {
            unrecognized.push((row.text("stage")?, row.text("target")?));
        }
        Ok(read)
    })?;
    let rows = read.into_iter().flatten().collect();
    Ok(OpenWork::new(rows).beside_unrecognized(unrecognized))
}

/// The requests that these names belong to, in the names' order, each once.
pub(crate) fn by_aliases<'a>(
    db: &Connection,
    tenant: &TenantId,
    aliases: impl IntoIterator<Item = &'a Alias>,
) -> Result<Vec<RequestId>> {
    const SQL: &str = "SELECT request_id FROM request_aliases \
                       WHERE tenant_id = ?1 AND provider = ?2 AND kind = ?3 AND value = ?4";
    let mut ids = Vec::new();
    for Alias {
        provider,
        kind,
        value,
    } in aliases
    {
        let values = params![tenant.as_str(), provider, kind, value];
        let found = sql::first(db, SQL, values, |row| row.parsed("request_id"))?;
        ids.extend(found.filter(|id| !ids.contains(id)));
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
    let id = request.to_string();
    for Alias {
        provider,
        kind,
        value,
    } in aliases
    {
        sql::execute(db, SQL, params![tenant.as_str(), provider, kind, value, id])?;
    }
    Ok(())
}

/// Columns of a work row, in the order that [`write_work`] binds them.
macro_rules! put_work {
    ($verb:literal) => {
        concat!(
            $verb,
            " INTO work (tenant_id, request_id, stage, target, state, lane, token, due_at, next_wake_at, lease_until, \
             wakes, claims, failures, waits, rerun_requested, deadline, held_for, held_version, park_cause, traceparent, reason, \
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
        noted::add(&change.request.tenant, &plan.additions());
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
             created_at, opening, channel, counted, to_call) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
            Some(to_json(&change.log)?),
        )
    } else {
        (
            "UPDATE requests SET status = ?1, version = ?2, person_id = ?3, updated_at = ?4, document = ?5, \
             opening = ifnull(?9, opening), channel = ?10, counted = ?11, to_call = ?12 WHERE tenant_id = ?6 AND request_id = ?7 AND created_at = ?8",
            None,
        )
    };
    let values = params![
        request.status.as_str(),
        signed(request.version),
        person,
        micros(request.updated_at),
        document,
        tenant,
        id,
        micros(request.created_at),
        opening,
        request.document.channel_word(),
        store::figures::counted_text(request)?,
        request.document.needs_call().then_some(1),
    ];
    let written = sql::execute(db, sql, values)?;
    if written != 1 {
        return Err(corrupt("a request's row", "it is gone"));
    }
    if !change.is_new {
        indexing::changed(db, tenant, &id)?;
    }
    if request.document.channel() == Channel::Calendar {
        bookings::put(db, request, change.is_new)?;
    }
    for (stage, target) in &change.delete {
        sql::execute(
            db,
            "DELETE FROM work WHERE tenant_id = ?1 AND request_id = ?2 AND stage = ?3 AND target = ?4",
            params![tenant, id, stage, target],
        )?;
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
    if let Some(told) = LiveChange::of_request(change) {
        noted::tell(request.updated_at, &request.tenant, told);
    }
    Ok(())
}

/// Writes a row, new or not.
pub(crate) fn put_work(db: &Connection, row: &WorkRow) -> Result<()> {
    write_work(db, put_work!("INSERT OR REPLACE"), row)
}

fn write_work(db: &Connection, sql: &str, row: &WorkRow) -> Result<()> {
    let state = StateColumns::of(&row.state);
    let values = params![
        row.key.tenant.as_str(),
        row.key.request.to_string(),
        row.key.stage.as_str(),
        row.key.target,
        state.state,
        row.lane.as_str(),
        signed(row.token),
        micros(row.due_at),
        row.next_wake_at.map(micros),
        state.lease_until.map(micros),
        row.wakes,
        row.claims,
        row.failures,
        row.waits,
        row.rerun_requested,
        row.deadline.map(micros),
        state.held_for,
        state.held_version,
        state.park_cause,
        row.traceparent,
        row.reason,
        row.answer,
        micros(row.created_at),
    ];
    sql::execute(db, sql, values).map(drop)
}

fn put_log(
    db: &Connection,
    tenant: &str,
    request: &str,
    version: u64,
    position: usize,
    entry: &LogEntry,
) -> Result<()> {
    const SQL: &str = "INSERT INTO request_log (tenant_id, request_id, version, position, entry) \
                       VALUES (?1, ?2, ?3, ?4, ?5)";
    let values = params![
        tenant,
        request,
        signed(version),
        signed(position),
        to_json(entry)?
    ];
    sql::execute(db, SQL, values).map(drop)
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
        let values = params![tenant.as_str(), from.to_string(), into.to_string()];
        sql::execute(db, sql, values)?;
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
    const ATTEMPT: &str = "INSERT INTO crm_integrations (tenant_id, request_id, dispatch_id, attempt) \
                           VALUES (?1, ?2, ?3, ?4)";
    const MESSAGE: &str = "INSERT INTO notifications (tenant_id, request_id, notification_id, message) \
                           VALUES (?1, ?2, ?3, ?4)";
    const USAGE: &str = "INSERT INTO usage_ledger (tenant_id, request_id, at, position, unit, amount, by) \
                         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let (tenant, request) = (tenant.as_str(), request.to_string());
    let mut next_place = None;
    for record in records {
        match record {
            Record::Dispatch(attempt) => {
                let id = DispatchId::from_uuid(ids.next()).to_string();
                let values = params![tenant, request, id, to_json(attempt)?];
                sql::execute(db, ATTEMPT, values)?
            }
            Record::Notification(message) => {
                let id = NotificationId::from_uuid(ids.next()).to_string();
                let values = params![tenant, request, id, to_json(message)?];
                sql::execute(db, MESSAGE, values)?
            }
            Record::Usage(Usage { unit, amount, by }) => {
                let place = match next_place {
                    Some(place) => place,
                    None => next_in_ledger(db, tenant, &request)?,
                };
                next_place = Some(place + 1);
                let amount = signed(*amount);
                let values = params![tenant, request, micros(now), place, unit, amount, by];
                sql::execute(db, USAGE, values)?
            }
        };
    }
    Ok(())
}

/// The place behind a request's last line in the ledger. Asked apart: an INSERT that selects from its own table goes
/// through a temporary one.
fn next_in_ledger(db: &Connection, tenant: &str, request: &str) -> Result<i64> {
    const SQL: &str = "SELECT ifnull(max(position), -1) + 1 AS place FROM usage_ledger \
                       WHERE tenant_id = ?1 AND request_id = ?2";
    let place = sql::first(db, SQL, params![tenant, request], |row| {
        row.integer("place")
    })?;
    Ok(place.unwrap_or_default())
}

pub(crate) fn list(
    db: &Connection,
    tenant: &TenantId,
    query: &RequestQuery,
) -> Result<Page<LeadRequest>> {
    // A prefix that sorts behind every id stands for "from the top".
    let mut before = query
        .before
        .map_or_else(|| "req_~".to_owned(), |id| id.to_string());
    // An index has the rows in this order for each of the three questions.
    let (filter, order) = match query.status {
        Some(Status::Received) => (
            "AND ?3 = 'received' AND status = 'received'",
            "ORDER BY request_id DESC",
        ),
        Some(_) => (
            "AND status = ?3 AND status <> 'received'",
            "ORDER BY status DESC, request_id DESC",
        ),
        None => ("AND ?3 IS NULL", "ORDER BY request_id DESC"),
    };
    let sql = format!(
        "SELECT {REQUEST_COLUMNS} FROM requests WHERE tenant_id = ?1 AND request_id < ?2 {filter} \
         AND (?5 IS NULL OR channel = ?5) {order} LIMIT ?4"
    );
    let status = query.status.map(Status::as_str);
    let channel = query.channel.map(Channel::as_str);
    let mut page = PageReader::new(query.limit);
    loop {
        let wanted = signed(page.wanted());
        let values = params![tenant.as_str(), before.clone(), status, wanted, channel];
        let read = sql::all(db, &sql, values, |row| {
            before = row.text("request_id")?;
            readable("requests", || before.clone(), rows::request(row))
        })?;
        if !page.take(read) {
            return Ok(page.finish());
        }
    }
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
    let texts = |sql: &str| {
        let values = params![tenant.as_str(), id];
        sql::all(db, sql, values, |row| row.text("json"))
    };
    let mut timeline: Vec<LogEntry> = Vec::new();
    for json in
        texts("SELECT opening AS json FROM requests WHERE tenant_id = ?1 AND request_id = ?2")?
    {
        timeline.extend(from_json::<Vec<_>>("the first timeline entries", &json)?);
    }
    for json in texts(
        "SELECT entry AS json FROM request_log WHERE tenant_id = ?1 AND request_id = ?2 ORDER BY version, position",
    )? {
        timeline.push(from_json("a timeline entry", &json)?);
    }
    let attempts = texts(
        "SELECT attempt AS json FROM crm_integrations WHERE tenant_id = ?1 AND request_id = ?2 ORDER BY dispatch_id",
    )?;
    let messages = texts(
        "SELECT message AS json FROM notifications WHERE tenant_id = ?1 AND request_id = ?2 ORDER BY notification_id",
    )?;
    let usage = sql::all(
        db,
        "SELECT at, unit, amount, by FROM usage_ledger WHERE tenant_id = ?1 AND request_id = ?2 \
         ORDER BY at, position",
        params![tenant.as_str(), id],
        |row| {
            let line = Usage {
                unit: row.text("unit")?,
                amount: row.number("amount")?,
                by: row.text("by")?,
            };
            Ok((row.time("at")?, line))
        },
    )?;
    Ok(Some(RequestView {
        work: work(db, tenant, request.id)?.iter().cloned().collect(),
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
