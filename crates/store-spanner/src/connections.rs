//! A tenant's accounts at providers.

use std::collections::BTreeSet;

use domain::{ConnectionName, RequestId, TenantId, Wake, transition};
use google_cloud_spanner::result::Row;
use store::{
    Connection, ConnectionState, NewConnection, ReplacedSecret, connections::released,
    stored::to_json,
};

use crate::{
    fault::{Fault, readable},
    requests,
    rows::{self, Write, get, key, mutation, signed},
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

pub(crate) async fn put(tx: &Tx, connection: &Connection) -> Result<()> {
    let known = one(tx, &connection.tenant, &connection.name).await?;
    write(tx, &connection.clone().over(known))
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
    let known = one(tx, tenant, name).await?;
    let connection = Connection::with_secret(known, tenant, name, secret_version, new)?;
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
    let (mut rows, mut wakes, mut count) = (0, Vec::new(), 0);
    for request in held(tx, tenant, name).await? {
        let state = requests::own_state(tx, tenant, request).await;
        let state = readable("requests", request, state)?.flatten();
        let Some(plan) = state.map(|state| transition::release(state, name, tx.now())) else {
            continue;
        };
        let released = released(&plan);
        if released > 0 {
            requests::write(tx, &plan)?;
            rows += released;
            wakes.extend(plan.wakes);
            count += 1;
        }
        if count == RELEASED_AT_ONCE {
            break;
        }
    }
    Ok((rows, wakes))
}

/// The requests that have work held for a connection.
async fn held(
    reader: &Reader,
    tenant: &TenantId,
    name: &ConnectionName,
) -> Result<BTreeSet<RequestId>> {
    let keys = rows::under([tenant.as_str(), name.as_str()]);
    let found = reader
        .rows_by(("work", "work_by_held_for"), &["request_id"], keys)
        .await?;
    let requests = found.iter().map(|row| rows::parsed(row, "request_id"));
    Ok(requests.collect::<Result<_, _>>()?)
}
