//! Requests, their work rows and their timeline: read whole, written as changes.

use std::hash::{DefaultHasher, Hash, Hasher as _};

use domain::{
    Alias, Change, Channel, LeadRequest, LogEntry, OpenWork, Plan, RequestId, RequestState,
    TenantId, WorkRow,
};
use google_cloud_spanner::{
    key::{Key, KeySet},
    mutation::Mutation,
};
use store::{
    LiveChange,
    rows::{self, REQUEST_COLUMNS, StateColumns, signed},
    stored::{corrupt, readable, to_json},
};

use crate::{
    bookings,
    fault::Fault,
    figures, live, outbox,
    rows::{WORK, Write, key, mutation, time_value, under},
    tx::{Reader, Tx},
};

type Result<T, E = Fault> = std::result::Result<T, E>;

/// Merged requests lead to others; a chain longer than this is an error.
const MERGE_CHAIN: usize = 8;

/// Over this many shards the rows with a wake-up are spread.
pub(crate) const SHARDS: u64 = 8;

/// A request and its open work; a merged one leads to the one that goes on.
pub(crate) async fn state(
    reader: &Reader,
    tenant: &TenantId,
    request: RequestId,
) -> Result<Option<RequestState>> {
    let mut id = request;
    for _ in 0..MERGE_CHAIN {
        let Some(found) = one(reader, tenant, id).await? else {
            return Ok(None);
        };
        match found.document.merged_into {
            Some(next) => id = next,
            None => {
                let work = work(reader, tenant, id).await?;
                return Ok(Some(RequestState::new(found, work)));
            }
        }
    }
    Err(corrupt("a chain of merged requests", request).into())
}

/// Like [`state`], without following a merge: the row's own request.
pub(crate) async fn own_state(
    reader: &Reader,
    tenant: &TenantId,
    request: RequestId,
) -> Result<Option<RequestState>> {
    let Some(found) = one(reader, tenant, request).await? else {
        return Ok(None);
    };
    let work = work(reader, tenant, request).await?;
    Ok(Some(RequestState::new(found, work)))
}

pub(crate) async fn one(
    reader: &Reader,
    tenant: &TenantId,
    id: RequestId,
) -> Result<Option<LeadRequest>> {
    let key = key([tenant.as_str(), &id.to_string()]);
    let found = reader.row("requests", REQUEST_COLUMNS, key).await?;
    Ok(found.map(|row| rows::request(&row)).transpose()?)
}

pub(crate) async fn work(
    reader: &Reader,
    tenant: &TenantId,
    request: RequestId,
) -> Result<OpenWork> {
    let keys = under([tenant.as_str(), &request.to_string()]);
    let (mut work, mut unrecognized) = (Vec::new(), Vec::new());
    for row in reader.rows("work", WORK, keys).await? {
        match readable("work", || rows::work_name(&row), rows::work(&row))? {
            Some(row) => work.push(row),
            None => unrecognized.push((row.text("stage")?, row.text("target")?)),
        }
    }
    Ok(OpenWork::new(work).beside_unrecognized(unrecognized))
}

/// What names lead to.
#[derive(Debug, Default)]
pub(crate) struct Named {
    /// The requests that they belong to, in the names' order, each once.
    pub(crate) requests: Vec<RequestId>,
    /// The names that belong to none.
    pub(crate) free: Vec<Alias>,
}

/// The requests that these names belong to, by those of them that `joins` says.
pub(crate) async fn by_aliases(
    reader: &Reader,
    tenant: &TenantId,
    aliases: &[Alias],
    joins: fn(&Alias) -> bool,
) -> Result<Named> {
    let mut named = Named::default();
    if aliases.is_empty() {
        return Ok(named);
    }
    let mut keys = KeySet::builder();
    for alias in aliases {
        keys = keys.add_key(alias_key(tenant, alias));
    }
    let columns = "provider, kind, value, request_id";
    let found = reader
        .rows("request_aliases", columns, keys.build())
        .await?;
    let mut known = Vec::new();
    for row in &found {
        let alias = Alias {
            provider: row.text("provider")?,
            kind: row.text("kind")?,
            value: row.text("value")?,
        };
        known.push((alias, row.parsed::<RequestId>("request_id")?));
    }
    for alias in aliases {
        match known.iter().find(|(known, _)| known == alias) {
            Some((_, request)) if !joins(alias) || named.requests.contains(request) => {}
            Some((_, request)) => named.requests.push(*request),
            None if named.free.contains(alias) => {}
            None => named.free.push(alias.clone()),
        }
    }
    Ok(named)
}

fn alias_key(tenant: &TenantId, alias: &Alias) -> Key {
    key([tenant.as_str(), &alias.provider, &alias.kind, &alias.value])
}

/// Gives a request names that belong to nobody yet.
pub(crate) fn add_aliases(
    tx: &Tx,
    tenant: &TenantId,
    request: RequestId,
    free: &[Alias],
) -> Result<()> {
    tx.write(free.iter().map(|alias| {
        mutation(
            Write::Insert,
            "request_aliases",
            [
                ("tenant_id", tenant.as_str().to_owned().into()),
                ("provider", alias.provider.clone().into()),
                ("kind", alias.kind.clone().into()),
                ("value", alias.value.clone().into()),
                ("request_id", request.to_string().into()),
            ],
        )
    }))
}

/// Writes what a transition decided. Records of merged requests are moved by the caller.
pub(crate) fn write(tx: &Tx, plan: &Plan) -> Result<()> {
    for change in &plan.changes {
        write_change(tx, change)?;
    }
    if let Some(Change { request, .. }) = plan.changes.last() {
        // A version of a request is written once.
        let id = format!("{}.{}", request.id, request.version);
        figures::add(tx, &request.tenant, &id, &plan.additions())?;
    }
    Ok(())
}

fn write_change(tx: &Tx, change: &Change) -> Result<()> {
    let request = &change.request;
    let id = request.id.to_string();
    let write = if change.is_new {
        Write::Insert
    } else {
        Write::Update
    };
    tx.write([mutation(
        write,
        "requests",
        [
            ("tenant_id", request.tenant.as_str().to_owned().into()),
            ("request_id", id.clone().into()),
            ("status", request.status.as_str().to_owned().into()),
            ("version", signed(request.version).into()),
            (
                "person_id",
                request.person.map(|person| person.to_string()).into(),
            ),
            ("created_at", time_value(request.created_at)),
            ("updated_at", time_value(request.updated_at)),
            ("channel", request.document.channel_word().to_owned().into()),
            ("counted", store::figures::counted_text(request)?.into()),
            (
                "to_call",
                request.document.needs_call().then_some(true).into(),
            ),
            ("document", to_json(&request.document)?.into()),
        ],
    )])?;
    if request.document.channel() == Channel::Calendar {
        bookings::put(tx, request, change.is_new)?;
    }
    for (stage, target) in &change.delete {
        tx.write([delete_work(&request.tenant, &id, stage, target)])?;
    }
    tx.write(change.put.iter().map(put_work))?;
    for (position, entry) in change.log.iter().enumerate() {
        tx.write([put_log(request, position, entry)?])?;
    }
    if change.is_published {
        tx.write([outbox::publish(request)?])?;
    }
    if let Some(told) = LiveChange::of_request(change) {
        live::append(tx, &request.tenant, &told)?;
    }
    Ok(())
}

fn delete_work(tenant: &TenantId, request: &str, stage: &str, target: &str) -> Mutation {
    let key = key([tenant.as_str(), request, stage, target]);
    Mutation::delete("work", key.into())
}

/// Writes a row, new or not.
pub(crate) fn put_work(row: &WorkRow) -> Mutation {
    let state = StateColumns::of(&row.state);
    let shard = row.next_wake_at.map(|_| shard(&row.key));
    mutation(
        Write::Put,
        "work",
        [
            ("tenant_id", row.key.tenant.as_str().to_owned().into()),
            ("request_id", row.key.request.to_string().into()),
            ("stage", row.key.stage.as_str().to_owned().into()),
            ("target", row.key.target.clone().into()),
            ("state", state.state.to_owned().into()),
            ("lane", row.lane.as_str().to_owned().into()),
            ("token", signed(row.token).into()),
            ("due_at", time_value(row.due_at)),
            ("shard", shard.into()),
            ("next_wake_at", row.next_wake_at.map(time_value).into()),
            ("lease_until", state.lease_until.map(time_value).into()),
            ("wakes", i64::from(row.wakes).into()),
            ("claims", i64::from(row.claims).into()),
            ("failures", i64::from(row.failures).into()),
            ("waits", i64::from(row.waits).into()),
            ("rerun_requested", row.rerun_requested.into()),
            ("deadline", row.deadline.map(time_value).into()),
            ("held_for", state.held_for.map(str::to_owned).into()),
            ("held_version", state.held_version.into()),
            ("park_cause", state.park_cause.map(str::to_owned).into()),
            ("traceparent", row.traceparent.clone().into()),
            ("reason", row.reason.clone().into()),
            ("answer", row.answer.clone().into()),
            ("created_at", time_value(row.created_at)),
        ],
    )
}

/// Where a row is among those that are scanned by time. Any spread does, as long as it stays within [`SHARDS`].
pub(crate) fn shard(key: &impl Hash) -> i64 {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    signed(hasher.finish() % SHARDS)
}

fn put_log(request: &LeadRequest, position: usize, entry: &LogEntry) -> Result<Mutation> {
    Ok(mutation(
        Write::Insert,
        "request_log",
        [
            ("tenant_id", request.tenant.as_str().to_owned().into()),
            ("request_id", request.id.to_string().into()),
            ("version", signed(request.version).into()),
            ("position", signed(position).into()),
            ("entry", to_json(entry)?.into()),
        ],
    ))
}
