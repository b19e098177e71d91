//! A tenant's accounts at providers.

use domain::{
    ConnectionName, RequestId, StoreError, TenantId,
    transition::{self, ReleaseReason},
};
use jiff::Timestamp;
use rusqlite::{Connection as Db, params};
use store::{
    Connection, NewConnection, Released, ReplacedSecret, Result,
    connections::released,
    rows::{self, signed},
    stored::{readable, to_json},
};

use crate::{requests, sql};

pub(crate) fn all(db: &Db, tenant: &TenantId) -> Result<Vec<Connection>> {
    const SQL: &str = "SELECT * FROM connections WHERE tenant_id = ?1 ORDER BY name";
    sql::all(db, SQL, [tenant.as_str()], rows::connection)
}

pub(crate) fn one(db: &Db, tenant: &TenantId, name: &ConnectionName) -> Result<Option<Connection>> {
    const SQL: &str = "SELECT * FROM connections WHERE tenant_id = ?1 AND name = ?2";
    sql::first(
        db,
        SQL,
        params![tenant.as_str(), name.as_str()],
        rows::connection,
    )
}

pub(crate) fn put(db: &Db, connection: &Connection) -> Result<()> {
    let known = one(db, &connection.tenant, &connection.name)?;
    write(db, &connection.clone().over(known))
}

/// Writes a connection as it is.
pub(crate) fn write(db: &Db, connection: &Connection) -> Result<()> {
    const SQL: &str = "INSERT OR REPLACE INTO connections (tenant_id, name, provider, version, secret_version, state, \
                       settings) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let values = params![
        connection.tenant.as_str(),
        connection.name.as_str(),
        connection.provider,
        signed(connection.version),
        signed(connection.secret_version),
        connection.state.as_str(),
        to_json(&connection.settings)?,
    ];
    sql::execute(db, SQL, values).map(drop)
}

/// A new secret: the version grows, and what is held is released.
pub(crate) fn replace_secret(
    db: &Db,
    now: Timestamp,
    (tenant, name): (&TenantId, &ConnectionName),
    secret_version: u64,
    new: Option<&NewConnection>,
) -> Result<ReplacedSecret> {
    let known = one(db, tenant, name)?;
    let connection = Connection::with_secret(known, tenant, name, secret_version, new)?;
    write(db, &connection)?;
    let Released { rows, wakes } = release(db, now, (tenant, name), ReleaseReason::Replaced)?;
    Ok(ReplacedSecret {
        version: connection.version,
        released: rows,
        wakes,
    })
}

/// A secret that counts as refused is taken: what is held is released.
pub(crate) fn accept_secret(
    db: &Db,
    now: Timestamp,
    (tenant, name): (&TenantId, &ConnectionName),
    version: u64,
) -> Result<Released> {
    let known = one(db, tenant, name)?;
    let Some(accepted) = known.and_then(|known| known.accepted(version)) else {
        return Ok(Released::default());
    };
    write(db, &accepted)?;
    release(db, now, (tenant, name), ReleaseReason::Accepted)
}

pub(crate) fn remove(
    db: &Db,
    now: Timestamp,
    (tenant, name): (&TenantId, &ConnectionName),
) -> Result<Released> {
    const SQL: &str = "DELETE FROM connections WHERE tenant_id = ?1 AND name = ?2";
    let removed = sql::execute(db, SQL, params![tenant.as_str(), name.as_str()])?;
    if removed == 0 {
        return Err(StoreError::NotFound);
    }
    release(db, now, (tenant, name), ReleaseReason::Removed)
}

/// Lets what is held for a connection run again.
fn release(
    db: &Db,
    now: Timestamp,
    (tenant, name): (&TenantId, &ConnectionName),
    reason: ReleaseReason,
) -> Result<Released> {
    let mut all = Released::default();
    for request in held(db, tenant, name)? {
        let state = requests::own_state(db, tenant, request);
        let state = readable("requests", || request.to_string(), state)?.flatten();
        let Some(plan) = state.map(|state| transition::release(state, name, reason, now)) else {
            continue;
        };
        let rows = released(&plan);
        if rows > 0 {
            requests::write(db, &plan)?;
            all.rows += rows;
            all.wakes.extend(plan.wakes);
        }
    }
    Ok(all)
}

/// The requests that have work held for a connection.
fn held(db: &Db, tenant: &TenantId, name: &ConnectionName) -> Result<Vec<RequestId>> {
    const SQL: &str = "SELECT DISTINCT request_id FROM work WHERE tenant_id = ?1 AND held_for = ?2";
    let values = params![tenant.as_str(), name.as_str()];
    sql::all(db, SQL, values, |row| row.parsed("request_id"))
}
