//! Versioned configuration: only ever added to.

use domain::TenantId;
use jiff::Timestamp;
use rusqlite::{Connection, params};
use store::{
    Config, ConfigKind, NewConfig, Page, Result,
    configs::Asked,
    rows::{self, signed},
    stored::{PageReader, to_json},
};

use crate::{finding, rows::micros, sources, sql};

/// Adds a version, unless it would be equal to the newest; returns the newest, and whether it is new.
pub(crate) fn put(
    db: &Connection,
    now: Timestamp,
    new: &NewConfig,
    author: &str,
) -> Result<(u64, bool)> {
    match new.asks() {
        Asked::Nothing => {}
        Asked::Office => {
            let office = one(db, &new.tenant, ConfigKind::Office, &new.name, None)?;
            NewConfig::check_office(office.as_ref())?;
        }
        Asked::WhatLeadsToIt => {
            let offices = newest(db, &new.tenant, ConfigKind::Office)?;
            let sources = sources::of_tenant(db, &new.tenant)?;
            let under_way = match new.requests_under_way() {
                Some(filter) => finding::count_within(db, &new.tenant, filter)?.count,
                None => 0,
            };
            new.check_removal(&offices, &sources, under_way)?;
        }
    }
    let known = one(db, &new.tenant, new.kind, &new.name, None)?;
    let Some(config) = new.after(known.as_ref(), author, now)? else {
        return Ok((known.map_or(0, |known| known.version), false));
    };
    write(db, &config)?;
    Ok((config.version, true))
}

/// Writes a version that was decided about.
pub(crate) fn write(db: &Connection, config: &Config) -> Result<()> {
    const SQL: &str = "INSERT INTO configs (tenant_id, kind, name, version, json, author, note, created_at) \
                       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    let values = params![
        config.tenant.as_str(),
        config.kind.as_str(),
        config.name,
        signed(config.version),
        to_json(&config.json)?,
        config.author,
        config.note,
        micros(config.created_at),
    ];
    sql::execute(db, SQL, values).map(drop)
}

/// A version of a configuration; `None` stands for the newest.
pub(crate) fn one(
    db: &Connection,
    tenant: &TenantId,
    kind: ConfigKind,
    name: &str,
    version: Option<u64>,
) -> Result<Option<Config>> {
    const SQL: &str = "SELECT * FROM configs WHERE tenant_id = ?1 AND kind = ?2 AND name = ?3 \
                       AND version = ifnull(?4, version) ORDER BY version DESC LIMIT 1";
    let values = params![tenant.as_str(), kind.as_str(), name, version.map(signed)];
    sql::first(db, SQL, values, |row| rows::config(row, kind))
}

/// The newest version of each configuration of a kind, the first created first.
pub(crate) fn newest(db: &Connection, tenant: &TenantId, kind: ConfigKind) -> Result<Vec<Config>> {
    // The other columns are those of the row with the highest version.
    const SQL: &str = "SELECT tenant_id, name, max(version) AS version, json, author, note, created_at FROM configs \
                       WHERE tenant_id = ?1 AND kind = ?2 GROUP BY name ORDER BY ( \
                       SELECT created_at FROM configs AS first WHERE first.tenant_id = configs.tenant_id \
                       AND first.kind = configs.kind AND first.name = configs.name AND first.version = 1), name";
    let values = params![tenant.as_str(), kind.as_str()];
    sql::all(db, SQL, values, |row| rows::config(row, kind))
}

pub(crate) fn history(
    db: &Connection,
    tenant: &TenantId,
    kind: ConfigKind,
    name: &str,
    before: Option<u64>,
    limit: u32,
) -> Result<Page<Config>> {
    const SQL: &str = "SELECT * FROM configs WHERE tenant_id = ?1 AND kind = ?2 AND name = ?3 AND version < ?4 \
                       ORDER BY version DESC LIMIT ?5";
    let mut page = PageReader::new(limit);
    let before = before.map_or(i64::MAX, signed);
    let wanted = signed(page.wanted());
    let values = params![tenant.as_str(), kind.as_str(), name, before, wanted];
    page.take(sql::all(db, SQL, values, |row| {
        rows::config(row, kind).map(Some)
    })?);
    Ok(page.finish())
}
