//! Versioned configuration: only ever added to.

use std::collections::HashMap;

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
    finding,
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
            let under_way = match new.requests_under_way() {
                Some(filter) => finding::count(tx, &new.tenant, &filter).await?.count,
                None => 0,
            };
            new.check_removal(&offices, &sources, under_way)?;
        }
    }
    let known = one(tx, &new.tenant, new.kind, &new.name, None).await?;
    let Some(config) = new.after(known.as_ref(), author, tx.now())? else {
        return Ok((known.map_or(0, |known| known.version), false));
    };
    let version = config.version;
    write(tx, config)?;
    Ok((version, true))
}

/// Writes a version that was decided about.
pub(crate) fn write(tx: &Tx, config: Config) -> Result<()> {
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
    )])
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
    // Each version is looked at once, and of the newest alone all is read. A question about its neighbors for each version
    // costs the square of their number: after some hundred changes the emulator has no answer in its time.
    let statement = Statement::builder(
        "SELECT kind, name, MAX(version) AS version, ANY_VALUE(created_at HAVING MIN version) AS first_at \
         FROM configs WHERE tenant_id = @tenant AND kind IN UNNEST(@kinds) GROUP BY kind, name",
    );
    let kinds: Vec<_> = kinds.iter().map(|kind| kind.as_str().to_owned()).collect();
    let statement = statement
        .add_param("tenant", tenant.as_str().to_owned())
        .add_param("kinds", kinds);
    let mut first_at = HashMap::new();
    let mut keys = KeySet::builder();
    for row in reader.query(statement.build()).await? {
        let (kind, name) = (row.text("kind")?, row.text("name")?);
        keys = keys.add_key(Key::new(vec![
            tenant.as_str().to_owned().into(),
            kind.clone().into(),
            name.clone().into(),
            row.integer("version")?.into(),
        ]));
        first_at.insert((kind, name), row.time("first_at")?);
    }
    if first_at.is_empty() {
        return Ok(Vec::new());
    }
    let found = reader.rows("configs", COLUMNS, keys.build()).await?;
    let mut newest: Vec<_> = found.iter().map(read).collect::<Result<_>>()?;
    newest.sort_by_cached_key(|config| {
        let place = (config.kind.as_str().to_owned(), config.name.clone());
        let first_at = first_at.get(&place).copied();
        (place.0, first_at, place.1)
    });
    Ok(newest)
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
