//! A tenant's accounts at providers.

use domain::{ConnectionName, RequestId, TenantId, transition};
use jiff::Timestamp;
use rusqlite::{Connection as Db, params};
use store::{
    Connection, NewConnection, ReplacedSecret, Result,
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
    let mut replaced = ReplacedSecret {
        version: connection.version,
        released: 0,
        wakes: Vec::new(),
    };
    for request in held(db, tenant, name)? {
        let state = requests::own_state(db, tenant, request);
        let state = readable("requests", || request.to_string(), state)?.flatten();
        let Some(plan) = state.map(|state| transition::release(state, name, now)) else {
            continue;
        };
        let rows = released(&plan);
        if rows > 0 {
            requests::write(db, &plan)?;
            replaced.released += rows;
            replaced.wakes.extend(plan.wakes);
        }
    }
    Ok(replaced)
}

/// The requests that have work held for a connection.
fn held(db: &Db, tenant: &TenantId, name: &ConnectionName) -> Result<Vec<RequestId>> {
    const SQL: &str = "SELECT DISTINCT request_id FROM work WHERE tenant_id = ?1 AND held_for = ?2";
    let values = params![tenant.as_str(), name.as_str()];
    sql::all(db, SQL, values, |row| row.parsed("request_id"))
}
