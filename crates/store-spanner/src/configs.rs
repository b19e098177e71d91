//! Versioned configuration: only ever added to.

use domain::TenantId;
use google_cloud_spanner::{
    key::{Key, KeySet},
    statement::Statement,
};
use store::{
    Config, ConfigKind, NewConfig, Page,
    configs::Asked,
    rows::{self, signed},
    stored::{PageReader, corrupt, to_json},
};

use crate::{
    fault::Fault,
    rows::{Row, Write, mutation, time_value},
    sources,
    tx::{Reader, Tx},
};

type Result<T, E = Fault> = std::result::Result<T, E>;

const COLUMNS: &str = "tenant_id, kind, name, version, json, author, note, created_at";

/// Adds a version, unless it would be equal to the newest; returns the newest, and whether it is new.
pub(crate) async fn put(tx: &Tx, new: &NewConfig, author: &str) -> Result<(u64, bool)> {
    match new.asks() {
        Asked::Nothing => {}
        Asked::Office => {
            let office = one(tx, &new.tenant, ConfigKind::Office, &new.name, None).await?;
            NewConfig::check_office(office.as_ref())?;
        }
        Asked::WhatLeadsToIt => {
            let offices = newest(tx, &new.tenant, &[ConfigKind::Office]).await?;
            let sources = sources::of_tenant(tx, &new.tenant).await?;
            new.check_removal(&offices, &sources)?;
        }
    }
    let known = one(tx, &new.tenant, new.kind, &new.name, None).await?;
    let Some(config) = new.after(known.as_ref(), author, tx.now())? else {
        return Ok((known.map_or(0, |known| known.version), false));
    };
    tx.write([mutation(
        Write::Insert,
        "configs",
        [
            ("tenant_id", config.tenant.as_str().to_owned().into()),
            ("kind", config.kind.as_str().to_owned().into()),
            ("name", config.name.into()),
            ("version", signed(config.version).into()),
            ("json", to_json(&config.json)?.into()),
            ("author", config.author.into()),
            ("note", config.note.into()),
            ("created_at", time_value(config.created_at)),
        ],
    )])?;
    Ok((config.version, true))
}

/// A version of a configuration; `None` stands for the newest.
pub(crate) async fn one(
    reader: &Reader,
    tenant: &TenantId,
    kind: ConfigKind,
    name: &str,
    version: Option<u64>,
) -> Result<Option<Config>> {
    let found = match version {
        Some(version) => {
            let key = Key::new(vec![
                tenant.as_str().to_owned().into(),
                kind.as_str().to_owned().into(),
                name.to_owned().into(),
                signed(version).into(),
            ]);
            reader.rows("configs", COLUMNS, KeySet::from(key)).await?
        }
        None => versions(reader, tenant, kind, name, None, 1).await?,
    };
    found.first().map(read).transpose()
}

/// The newest version of each configuration of these kinds, the first created first.
pub(crate) async fn newest(
    reader: &Reader,
    tenant: &TenantId,
    kinds: &[ConfigKind],
) -> Result<Vec<Config>> {
    let statement = Statement::builder(format!(
        "SELECT {COLUMNS} FROM configs AS config WHERE tenant_id = @tenant AND kind IN UNNEST(@kinds) \
         AND version = (SELECT MAX(version) FROM configs AS each WHERE each.tenant_id = config.tenant_id \
         AND each.kind = config.kind AND each.name = config.name) ORDER BY kind, (SELECT first.created_at FROM configs AS first \
         WHERE first.tenant_id = config.tenant_id AND first.kind = config.kind AND first.name = config.name \
         AND first.version = 1), name"
    ));
    let kinds: Vec<_> = kinds.iter().map(|kind| kind.as_str().to_owned()).collect();
    let statement = statement
        .add_param("tenant", tenant.as_str().to_owned())
        .add_param("kinds", kinds);
    let found = reader.query(statement.build()).await?;
    found.iter().map(read).collect()
}

pub(crate) async fn history(
    reader: &Reader,
    tenant: &TenantId,
    kind: ConfigKind,
    name: &str,
    before: Option<u64>,
    limit: u32,
) -> Result<Page<Config>> {
    let mut page = PageReader::new(limit);
    let found = versions(reader, tenant, kind, name, before, page.wanted()).await?;
    let read = found.iter().map(|row| read(row).map(Some));
    page.take(read.collect::<Result<_>>()?);
    Ok(page.finish())
}

/// The newest versions before one.
async fn versions(
    reader: &Reader,
    tenant: &TenantId,
    kind: ConfigKind,
    name: &str,
    before: Option<u64>,
    limit: usize,
) -> Result<Vec<Row>> {
    let statement = Statement::builder(format!(
        "SELECT {COLUMNS} FROM configs WHERE tenant_id = @tenant AND kind = @kind AND name = @name \
         AND version < @before ORDER BY version DESC LIMIT @limit"
    ))
    .add_param("tenant", tenant.as_str().to_owned())
    .add_param("kind", kind.as_str().to_owned())
    .add_param("name", name.to_owned())
    .add_param("before", before.map_or(i64::MAX, signed))
    .add_param("limit", signed(limit));
    reader.query(statement.build()).await
}

fn read(row: &Row) -> Result<Config> {
    let kind = ConfigKind::from_stored(&row.text("kind")?);
    let kind = kind.ok_or_else(|| corrupt("configs.kind", "another word"))?;
    Ok(rows::config(row, kind)?)
}
