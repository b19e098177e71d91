//! A tenant's accounts at providers.

use std::collections::BTreeSet;

use domain::{
    ConnectionName, RequestId, StoreError, TenantId,
    transition::{self, ReleaseReason},
};
use google_cloud_spanner::mutation::Mutation;
use store::{
    Connection, NewConnection, Released, ReplacedSecret,
    connections::released,
    rows::{self, signed},
    stored::to_json,
};

use crate::{
    fault::{Fault, readable},
    requests,
    rows::{Write, key, mutation, under},
    tx::{Reader, Tx},
};

type Result<T, E = Fault> = std::result::Result<T, E>;

/// Requests that one transaction releases: far below what a commit may write.
const RELEASED_AT_ONCE: usize = 100;

const COLUMNS: &str = "tenant_id, name, provider, version, secret_version, state, settings";

pub(crate) async fn all(reader: &Reader, tenant: &TenantId) -> Result<Vec<Connection>> {
    let keys = under([tenant.as_str()]);
    let found = reader.rows("connections", COLUMNS, keys).await?;
    let connections = found.iter().map(|row| rows::connection(row));
    Ok(connections.collect::<store::Result<_>>()?)
}

pub(crate) async fn one(
    reader: &Reader,
    tenant: &TenantId,
    name: &ConnectionName,
) -> Result<Option<Connection>> {
    let key = key([tenant.as_str(), name.as_str()]);
    let found = reader.row("connections", COLUMNS, key).await?;
    Ok(found.map(|row| rows::connection(&row)).transpose()?)
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
    let Released { rows, wakes } = release_some(tx, tenant, name, ReleaseReason::Replaced).await?;
    Ok(ReplacedSecret {
        version: connection.version,
        released: rows,
        wakes,
    })
}

/// A secret that counts as refused is taken: what is held is released, as much as fits. None if it does not count so.
pub(crate) async fn accept_secret(
    tx: &Tx,
    (tenant, name): (&TenantId, &ConnectionName),
    version: u64,
) -> Result<Option<Released>> {
    let known = one(tx, tenant, name).await?;
    let Some(accepted) = known.and_then(|known| known.accepted(version)) else {
        return Ok(None);
    };
    write(tx, &accepted)?;
    let released = release_some(tx, tenant, name, ReleaseReason::Accepted);
    released.await.map(Some)
}

/// Removes a connection, and releases what is held for it, as much as fits.
pub(crate) async fn remove(
    tx: &Tx,
    (tenant, name): (&TenantId, &ConnectionName),
) -> Result<Released> {
    if one(tx, tenant, name).await?.is_none() {
        return Err(StoreError::NotFound.into());
    }
    let key = key([tenant.as_str(), name.as_str()]);
    tx.write([Mutation::delete("connections", key.into())])?;
    release_some(tx, tenant, name, ReleaseReason::Removed).await
}

/// Releases the next requests that have work held for a connection.
pub(crate) async fn release_some(
    tx: &Tx,
    tenant: &TenantId,
    name: &ConnectionName,
    reason: ReleaseReason,
) -> Result<Released> {
    let (mut all, mut count) = (Released::default(), 0);
    for request in held(tx, tenant, name).await? {
        let state = requests::own_state(tx, tenant, request).await;
        let state = readable("requests", request, state)?.flatten();
        let Some(plan) = state.map(|state| transition::release(state, name, reason, tx.now()))
        else {
            continue;
        };
        let released = released(&plan);
        if released > 0 {
            requests::write(tx, &plan)?;
            all.rows += released;
            all.wakes.extend(plan.wakes);
            count += 1;
        }
        if count == RELEASED_AT_ONCE {
            break;
        }
    }
    Ok(all)
}

/// The requests that have work held for a connection.
async fn held(
    reader: &Reader,
    tenant: &TenantId,
    name: &ConnectionName,
) -> Result<BTreeSet<RequestId>> {
    let keys = under([tenant.as_str(), name.as_str()]);
    let found = reader
        .rows_by(("work", "work_by_held_for"), "request_id", keys)
        .await?;
    let requests = found.iter().map(|row| row.parsed("request_id"));
    Ok(requests.collect::<store::Result<_>>()?)
}
