//! A tenant's accounts at providers.

use std::collections::BTreeMap;

use domain::{ConnectionName, RequestId, StoreError, TenantId, Wake, transition};
use google_cloud_spanner::result::Row;
use store::{Connection, ConnectionState, NewConnection, ReplacedSecret};

use crate::{
    fault::Fault,
    requests,
    rows::{self, Write, corrupt, get, key, mutation, signed, to_json},
    tx::{Reader, Tx},
};

type Result<T, E = Fault> = std::result::Result<T, E>;

/// Requests that one transaction releases: far below what a commit may write.
const RELEASED_AT_ONCE: usize = 100;

const COLUMNS: [&str; 7] = [
    "tenant_id",
    "name",
    "provider",
    "version",
    "secret_version",
    "state",
    "settings",
];

pub(crate) async fn all(reader: &Reader, tenant: &TenantId) -> Result<Vec<Connection>> {
    let keys = rows::under([tenant.as_str()]);
    let found = reader.rows("connections", &COLUMNS, keys).await?;
    found.iter().map(read).collect()
}

pub(crate) async fn one(
    reader: &Reader,
    tenant: &TenantId,
    name: &ConnectionName,
) -> Result<Option<Connection>> {
    let key = key([tenant.as_str(), name.as_str()]);
    let found = reader.row("connections", &COLUMNS, key).await?;
    found.as_ref().map(read).transpose()
}

fn read(row: &Row) -> Result<Connection> {
    Ok(Connection {
        tenant: rows::parsed(row, "tenant_id")?,
        name: rows::parsed(row, "name")?,
        provider: get(row, "provider")?,
        version: rows::unsigned(row, "version")?,
        secret_version: rows::unsigned(row, "secret_version")?,
        state: ConnectionState::from_stored(&get::<String>(row, "state")?),
        settings: rows::json(row, "settings", "a connection's settings")?,
    })
}

/// Creates a connection at version 1, or changes what is not its version, state or secret.
pub(crate) async fn put(tx: &Tx, connection: &Connection) -> Result<()> {
    let known = one(tx, &connection.tenant, &connection.name).await?;
    let kept = match known {
        Some(known) => Connection {
            provider: connection.provider.clone(),
            settings: connection.settings.clone(),
            ..known
        },
        None => Connection {
            version: 1,
            state: ConnectionState::Active,
            ..connection.clone()
        },
    };
    write(tx, &kept)
}

/// Writes a connection as it is.
pub(crate) fn write(tx: &Tx, connection: &Connection) -> Result<()> {
    tx.write([mutation(
        Write::Put,
        "connections",
        [
            ("tenant_id", connection.tenant.as_str().to_owned().into()),
            ("name", connection.name.as_str().to_owned().into()),
            ("provider", connection.provider.clone().into()),
            ("version", signed(connection.version).into()),
            ("secret_version", signed(connection.secret_version).into()),
            ("state", connection.state.as_str().to_owned().into()),
            ("settings", to_json(&connection.settings)?.into()),
        ],
    )])
}

/// A new secret: the version grows, and what is held is released.
pub(crate) async fn replace_secret(
    tx: &Tx,
    (tenant, name): (&TenantId, &ConnectionName),
    secret_version: u64,
    new: Option<&NewConnection>,
) -> Result<ReplacedSecret> {
    let mut connection = match (one(tx, tenant, name).await?, new) {
        (Some(known), Some(new)) if known.provider != new.provider => {
            let reason = format!(
                "the connection `{name}` is one to {}: take another name for one to {}",
                known.provider, new.provider
            );
            return Err(StoreError::Conflict(reason).into());
        }
        (Some(known), _) => known,
        // Version 1 before its first secret is told, as one that was put.
        (None, Some(new)) => Connection {
            tenant: tenant.clone(),
            name: name.clone(),
            provider: new.provider.clone(),
            version: 0,
            secret_version,
            state: ConnectionState::Active,
            settings: BTreeMap::new(),
        },
        (None, None) => return Err(StoreError::NotFound.into()),
    };
    if let Some(new) = new
        && !new.settings.is_empty()
    {
        connection.settings.clone_from(&new.settings);
    }
    connection.version += 1;
    connection.secret_version = secret_version;
    connection.state = ConnectionState::Active;
    write(tx, &connection)?;
    let (released, wakes) = release_some(tx, tenant, name).await?;
    Ok(ReplacedSecret {
        version: connection.version,
        released,
        wakes,
    })
}

/// Releases the next requests that have work held for a connection; how many rows of work, and what is due now.
pub(crate) async fn release_some(
    tx: &Tx,
    tenant: &TenantId,
    name: &ConnectionName,
) -> Result<(u64, Vec<Wake>)> {
    let (mut released, mut wakes) = (0, Vec::new());
    for (request, rows) in held(tx, tenant, name)
        .await?
        .into_iter()
        .take(RELEASED_AT_ONCE)
    {
        let state = requests::own_state(tx, tenant, request)
            .await?
            .ok_or_else(|| corrupt("a work row's request", request))?;
        let plan = transition::release(state, name, tx.now());
        requests::write(tx, &plan)?;
        released += rows;
        wakes.extend(plan.wakes);
    }
    Ok((released, wakes))
}

/// The requests that have work held for a connection, and how many rows of it.
async fn held(
    reader: &Reader,
    tenant: &TenantId,
    name: &ConnectionName,
) -> Result<BTreeMap<RequestId, u64>> {
    let keys = rows::under([tenant.as_str(), name.as_str()]);
    let found = reader
        .rows_by(("work", "work_by_held_for"), &["request_id"], keys)
        .await?;
    let mut requests = BTreeMap::new();
    for row in &found {
        *requests
            .entry(rows::parsed(row, "request_id")?)
            .or_default() += 1;
    }
    Ok(requests)
}
