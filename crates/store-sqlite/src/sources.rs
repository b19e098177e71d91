//! Where webhooks come from.

use std::collections::BTreeSet;

use domain::{OfficeId, SourceId, StoreError, TenantId};
use jiff::Timestamp;
use rusqlite::{Connection, Params, params};
use store::{
    Config, ConfigKind, Result, Source, SourceChange, SourceTest, TokenHash,
    rows::{self, signed},
    stored::to_json,
};

use crate::{
    configs,
    rows::{micros, store_error},
    sql, tenants,
};

pub(crate) fn create(db: &Connection, now: Timestamp, source: &Source, author: &str) -> Result<()> {
    let tenant = &source.tenant;
    let has_office = has_office(db, tenant, source.office)?;
    let has_owner = has_office && tenants::tenant(db, tenant)?.is_some();
    let is_known = one(db, tenant, source.id)?.is_some();
    Source::check_new(has_owner, is_known)?;
    put(db, source)?;
    keep(db, &source.as_version(author, "", now))
}

pub(crate) fn change(
    db: &Connection,
    now: Timestamp,
    (tenant, id): (&TenantId, SourceId),
    change: SourceChange,
    author: &str,
) -> Result<Source> {
    let mut source = one(db, tenant, id)?.ok_or(StoreError::NotFound)?;
    keep(db, &source.as_earlier_version(now))?;
    let has_office = has_office(db, tenant, change.office())?;
    source.change(change, has_office)?;
    put(db, &source)?;
    keep(db, &source.as_version(author, "", now))?;
    Ok(source)
}

/// Keeps a version of a source, unless it is kept.
fn keep(db: &Connection, version: &Config) -> Result<()> {
    let Config {
        tenant, kind, name, ..
    } = version;
    match configs::one(db, tenant, *kind, name, Some(version.version))? {
        Some(_) => Ok(()),
        None => configs::write(db, version),
    }
}

/// Whether the office that is meant is there, if one is.
fn has_office(db: &Connection, tenant: &TenantId, meant: Option<OfficeId>) -> Result<bool> {
    let Some(id) = meant else { return Ok(true) };
    let found = configs::one(db, tenant, ConfigKind::Office, &id.to_string(), None)?;
    Ok(found.is_some_and(|office| !office.is_removed()))
}

fn one(db: &Connection, tenant: &TenantId, id: SourceId) -> Result<Option<Source>> {
    const SQL: &str = "SELECT * FROM sources WHERE tenant_id = ?1 AND source_id = ?2";
    sql::first(
        db,
        SQL,
        params![tenant.as_str(), id.to_string()],
        rows::source,
    )
}

pub(crate) fn put(db: &Connection, source: &Source) -> Result<()> {
    let (tenant, id) = (source.tenant.as_str(), source.id.to_string());
    db.prepare_cached(
        "INSERT INTO sources (tenant_id, source_id, provider, office_id, connection, token_hash, accounts, key_names, \
         schemes, state, name, version) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12) \
         ON CONFLICT (tenant_id, source_id) DO UPDATE SET provider = excluded.provider, office_id = excluded.office_id, \
         connection = excluded.connection, token_hash = excluded.token_hash, accounts = excluded.accounts, \
         key_names = excluded.key_names, schemes = excluded.schemes, state = excluded.state, \
         name = excluded.name, version = excluded.version",
    )
    .map_err(store_error)?
    .execute(params![
        tenant,
        id,
        source.provider,
        source.office.map(|office| office.to_string()),
        source.connection.as_ref().map(|name| name.as_str()),
        source.token.as_ref().map(TokenHash::as_bytes),
        to_json(&source.accounts)?,
        to_json(&source.key_names)?,
        to_json(&source.schemes)?,
        source.state.as_str(),
        source.name,
        signed(source.version),
    ])
    .map_err(|error| match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::ConstraintViolation) => Source::token_taken(),
        _ => store_error(error),
    })?;
    sql::execute(
        db,
        "DELETE FROM source_accounts WHERE tenant_id = ?1 AND source_id = ?2",
        params![tenant, id],
    )?;
    for account in BTreeSet::from_iter(&source.accounts) {
        let inserted = sql::execute(
            db,
            "INSERT INTO source_accounts (provider, account, tenant_id, source_id) VALUES (?1, ?2, ?3, ?4) \
             ON CONFLICT DO NOTHING",
            params![source.provider, account, tenant, id],
        )?;
        if inserted == 0 {
            return Err(source.account_taken());
        }
    }
    Ok(())
}

pub(crate) fn of_tenant(db: &Connection, tenant: &TenantId) -> Result<Vec<Source>> {
    const SQL: &str = "SELECT * FROM sources WHERE tenant_id = ?1 ORDER BY source_id";
    sql::all(db, SQL, [tenant.as_str()], rows::source)
}

pub(crate) fn note_test(
    db: &Connection,
    tenant: &TenantId,
    source: SourceId,
    test: &SourceTest,
) -> Result<()> {
    const SQL: &str = "UPDATE sources SET tested_at = ?3, test_fault = ?4 WHERE tenant_id = ?1 AND source_id = ?2";
    let id = source.to_string();
    let values = params![tenant.as_str(), id, micros(test.at), test.fault];
    match sql::execute(db, SQL, values)? {
        0 => Err(StoreError::NotFound),
        _ => Ok(()),
    }
}

pub(crate) fn last_test(
    db: &Connection,
    tenant: &TenantId,
    source: SourceId,
) -> Result<Option<SourceTest>> {
    const SQL: &str =
        "SELECT tested_at, test_fault FROM sources WHERE tenant_id = ?1 AND source_id = ?2";
    let values = params![tenant.as_str(), source.to_string()];
    Ok(sql::first(db, SQL, values, rows::source_test)?.flatten())
}

/// What may be used: an active source of an active tenant.
const USABLE: &str = "SELECT sources.* FROM sources JOIN tenants USING (tenant_id) \
                      WHERE sources.state = 'active' AND tenants.status = 'active'";

fn usable(db: &Connection, filter: &str, parameters: impl Params) -> Result<Option<Source>> {
    sql::first(
        db,
        &format!("{USABLE} AND {filter}"),
        parameters,
        rows::source,
    )
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
