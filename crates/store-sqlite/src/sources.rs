//! Where webhooks come from.

use std::collections::BTreeSet;

use domain::{SourceId, StoreError, TenantId};
use rusqlite::{Connection, OptionalExtension, Params, Row, params};
use store::{Source, SourceChange, SourceState, TokenHash};

use crate::{
    rows::{self, from_json, get, store_error, to_json},
    tenants,
};

type Result<T> = std::result::Result<T, StoreError>;

pub(crate) fn create(db: &Connection, source: &Source) -> Result<()> {
    if tenants::tenant(db, &source.tenant)?.is_none() {
        return Err(StoreError::NotFound);
    }
    let offices = tenants::offices(db, &source.tenant)?;
    if let Some(id) = source.office
        && !offices.iter().any(|office| office.id == id)
    {
        return Err(StoreError::NotFound);
    }
    if one(db, &source.tenant, source.id)?.is_some() {
        return Err(StoreError::Conflict(
            "there is such a source already".to_owned(),
        ));
    }
    put(db, source)
}

pub(crate) fn change(
    db: &Connection,
    tenant: &TenantId,
    id: SourceId,
    change: SourceChange,
) -> Result<Source> {
    let mut source = one(db, tenant, id)?.ok_or(StoreError::NotFound)?;
    source.change(change).map_err(StoreError::Conflict)?;
    put(db, &source)?;
    Ok(source)
}

fn one(db: &Connection, tenant: &TenantId, id: SourceId) -> Result<Option<Source>> {
    Ok(of_tenant(db, tenant)?
        .into_iter()
        .find(|source| source.id == id))
}

pub(crate) fn put(db: &Connection, source: &Source) -> Result<()> {
    let (tenant, id) = (source.tenant.as_str(), source.id.to_string());
    db.prepare_cached(
        "INSERT INTO sources (tenant_id, source_id, provider, office_id, token_hash, accounts, key_names, schemes, \
         state) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) \
         ON CONFLICT (tenant_id, source_id) DO UPDATE SET provider = excluded.provider, \
         office_id = excluded.office_id, token_hash = excluded.token_hash, accounts = excluded.accounts, key_names = excluded.key_names, \
         schemes = excluded.schemes, state = excluded.state",
    )
    .map_err(store_error)?
    .execute(params![
        tenant,
        id,
        source.provider,
        source.office.map(|office| office.to_string()),
        source.token.as_ref().map(TokenHash::as_bytes),
        to_json(&source.accounts)?,
        to_json(&source.key_names)?,
        to_json(&source.schemes)?,
        source.state.as_str(),
    ])
    .map_err(|error| match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::ConstraintViolation) => {
            StoreError::Conflict("the URL token belongs to another source".to_owned())
        }
        _ => store_error(error),
    })?;
    db.prepare_cached("DELETE FROM source_accounts WHERE tenant_id = ?1 AND source_id = ?2")
        .map_err(store_error)?
        .execute(params![tenant, id])
        .map_err(store_error)?;
    for account in BTreeSet::from_iter(&source.accounts) {
        let inserted = db
            .prepare_cached(
                "INSERT INTO source_accounts (provider, account, tenant_id, source_id) VALUES (?1, ?2, ?3, ?4) \
                 ON CONFLICT DO NOTHING",
            )
            .map_err(store_error)?
            .execute(params![source.provider, account, tenant, id])
            .map_err(store_error)?;
        if inserted == 0 {
            return Err(StoreError::Conflict(format!(
                "the {} account belongs to another source",
                source.provider
            )));
        }
    }
    Ok(())
}

fn source(row: &Row<'_>) -> Result<Source> {
    Ok(Source {
        id: rows::parsed(row, "source_id")?,
        tenant: rows::parsed(row, "tenant_id")?,
        provider: get(row, "provider")?,
        office: rows::parsed_option(row, "office_id")?,
        token: get::<Option<[u8; 32]>>(row, "token_hash")?.map(TokenHash::from_bytes),
        accounts: from_json("a source's accounts", &get::<String>(row, "accounts")?)?,
        key_names: from_json("a source's keys", &get::<String>(row, "key_names")?)?,
        schemes: from_json("a source's schemes", &get::<String>(row, "schemes")?)?,
        state: SourceState::from_stored(&get::<String>(row, "state")?),
    })
}

pub(crate) fn of_tenant(db: &Connection, tenant: &TenantId) -> Result<Vec<Source>> {
    let mut statement = db
        .prepare_cached("SELECT * FROM sources WHERE tenant_id = ?1 ORDER BY source_id")
        .map_err(store_error)?;
    let mut found = statement.query([tenant.as_str()]).map_err(store_error)?;
    let mut sources = Vec::new();
    while let Some(row) = found.next().map_err(store_error)? {
        sources.push(source(row)?);
    }
    Ok(sources)
}

/// What may be used: an active source of an active tenant.
const USABLE: &str = "SELECT sources.* FROM sources JOIN tenants USING (tenant_id) \
                      WHERE sources.state = 'active' AND tenants.status = 'active'";

fn usable(db: &Connection, filter: &str, parameters: impl Params) -> Result<Option<Source>> {
    db.prepare_cached(&format!("{USABLE} AND {filter}"))
        .map_err(store_error)?
        .query_row(parameters, |row| Ok(source(row)))
        .optional()
        .map_err(store_error)?
        .transpose()
}

pub(crate) fn by_token(db: &Connection, token: &TokenHash) -> Result<Option<Source>> {
    usable(db, "token_hash = ?1", params![token.as_bytes()])
}

pub(crate) fn by_account(db: &Connection, provider: &str, account: &str) -> Result<Option<Source>> {
    usable(
        db,
        "(tenant_id, source_id) = (SELECT tenant_id, source_id FROM source_accounts WHERE provider = ?1 AND account = ?2)",
        params![provider, account],
    )
}
