//! A tenant's accounts at providers.

use std::collections::BTreeMap;

use domain::{ConnectionName, RequestId, StoreError, TenantId, transition};
use jiff::Timestamp;
use rusqlite::{Connection as Db, OptionalExtension, params};
use store::{Connection, ConnectionState, NewConnection, ReplacedSecret};

use crate::{
    requests,
    rows::{self, corrupt, from_json, get, signed, store_error, to_json},
};

type Result<T> = std::result::Result<T, StoreError>;

pub(crate) fn all(db: &Db, tenant: &TenantId) -> Result<Vec<Connection>> {
    let mut statement = db
        .prepare_cached("SELECT name FROM connections WHERE tenant_id = ?1 ORDER BY name")
        .map_err(store_error)?;
    let mut found = statement.query([tenant.as_str()]).map_err(store_error)?;
    let mut connections = Vec::new();
    while let Some(row) = found.next().map_err(store_error)? {
        connections.extend(one(db, tenant, &rows::parsed(row, "name")?)?);
    }
    Ok(connections)
}

pub(crate) fn one(db: &Db, tenant: &TenantId, name: &ConnectionName) -> Result<Option<Connection>> {
    db.prepare_cached("SELECT * FROM connections WHERE tenant_id = ?1 AND name = ?2")
        .map_err(store_error)?
        .query_row(params![tenant.as_str(), name.as_str()], |row| {
            Ok((|| {
                Ok(Connection {
                    tenant: tenant.clone(),
                    name: name.clone(),
                    provider: get(row, "provider")?,
                    version: rows::unsigned(row, "version")?,
                    secret_version: rows::unsigned(row, "secret_version")?,
                    state: ConnectionState::from_stored(&get::<String>(row, "state")?),
                    settings: from_json(
                        "a connection's settings",
                        &get::<String>(row, "settings")?,
                    )?,
                })
            })())
        })
        .optional()
        .map_err(store_error)?
        .transpose()
}

pub(crate) fn put(db: &Db, connection: &Connection) -> Result<()> {
    db.prepare_cached(
        "INSERT INTO connections (tenant_id, name, provider, version, secret_version, state, settings) \
         VALUES (?1, ?2, ?3, 1, ?4, ?5, ?6) \
         ON CONFLICT (tenant_id, name) DO UPDATE SET provider = excluded.provider, settings = excluded.settings",
    )
    .map_err(store_error)?
    .execute(params![
        connection.tenant.as_str(),
        connection.name.as_str(),
        connection.provider,
        signed(connection.secret_version),
        ConnectionState::Active.as_str(),
        to_json(&connection.settings)?,
    ])
    .map_err(store_error)?;
    Ok(())
}

pub(crate) fn update(db: &Db, connection: &Connection) -> Result<()> {
    db.prepare_cached(
        "UPDATE connections SET version = ?3, secret_version = ?4, state = ?5 WHERE tenant_id = ?1 AND name = ?2",
    )
    .map_err(store_error)?
    .execute(params![
        connection.tenant.as_str(),
        connection.name.as_str(),
        signed(connection.version),
        signed(connection.secret_version),
        connection.state.as_str(),
    ])
    .map_err(store_error)?;
    Ok(())
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
    let mut connection = match (known, new) {
        (Some(known), Some(new)) if known.provider != new.provider => {
            return Err(StoreError::Conflict(format!(
                "the connection `{name}` is one to {}: take another name for one to {}",
                known.provider, new.provider
            )));
        }
        (Some(known), _) => known,
        (None, Some(new)) => Connection {
            tenant: tenant.clone(),
            name: name.clone(),
            provider: new.provider.clone(),
            version: 0,
            secret_version,
            state: ConnectionState::Active,
            settings: BTreeMap::new(),
        },
        (None, None) => return Err(StoreError::NotFound),
    };
    if let Some(new) = new {
        if !new.settings.is_empty() {
            connection.settings.clone_from(&new.settings);
        }
        put(db, &connection)?;
    }
    connection.version += 1;
    connection.secret_version = secret_version;
    connection.state = ConnectionState::Active;
    update(db, &connection)?;
    let (mut released, mut wakes) = (0, Vec::new());
    for (request, rows) in held(db, tenant, name)? {
        let state = requests::own_state(db, tenant, request)?
            .ok_or_else(|| corrupt("a work row's request", request))?;
        let plan = transition::release(state, name, now);
        requests::write(db, &plan)?;
        released += rows;
        wakes.extend(plan.wakes);
    }
    Ok(ReplacedSecret {
        version: connection.version,
        released,
        wakes,
    })
}

/// The requests that have work held for a connection, and how many rows of it.
fn held(db: &Db, tenant: &TenantId, name: &ConnectionName) -> Result<Vec<(RequestId, u64)>> {
    let mut statement = db
        .prepare_cached(
            "SELECT request_id, count(*) AS rows FROM work WHERE tenant_id = ?1 AND held_for = ?2 \
             GROUP BY request_id",
        )
        .map_err(store_error)?;
    let mut found = statement
        .query(params![tenant.as_str(), name.as_str()])
        .map_err(store_error)?;
    let mut requests = Vec::new();
    while let Some(row) = found.next().map_err(store_error)? {
        requests.push((
            rows::parsed(row, "request_id")?,
            rows::unsigned(row, "rows")?,
        ));
    }
    Ok(requests)
}
