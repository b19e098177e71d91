//! Where webhooks come from.

use std::collections::BTreeSet;

use domain::{OfficeId, SourceId, StoreError, TenantId, TenantStatus};
use google_cloud_spanner::{
    key::{Key, KeySet},
    mutation::Mutation,
};
use store::{
    Config, ConfigKind, Source, SourceChange, SourceState, SourceTest, TokenHash,
    rows::{self, signed},
    stored::to_json,
};

use crate::{
    configs,
    fault::Fault,
    rows::{Row, Write, key, mutation, time_value, under},
    tenants,
    tx::{Reader, Tx},
};

type Result<T, E = Fault> = std::result::Result<T, E>;

const COLUMNS: &str = "tenant_id, source_id, provider, office_id, connection, token_hash, accounts, key_names, \
                       schemes, state, name, version";
const OWNER: &str = "tenant_id, source_id";

pub(crate) async fn create(tx: &Tx, source: &Source, author: &str) -> Result<()> {
    let tenant = &source.tenant;
    let has_office = has_office(tx, tenant, source.office).await?;
    let has_owner = has_office && tenants::tenant(tx, tenant).await?.is_some();
    let is_known = one(tx, tenant, source.id).await?.is_some();
    Source::check_new(has_owner, is_known)?;
    put(tx, source).await?;
    keep(tx, source.as_version(author, "", tx.now())).await
}

pub(crate) async fn change(
    tx: &Tx,
    tenant: &TenantId,
    id: SourceId,
    change: SourceChange,
    author: &str,
) -> Result<Source> {
    let mut source = one(tx, tenant, id).await?.ok_or(StoreError::NotFound)?;
    keep(tx, source.as_earlier_version(tx.now())).await?;
    let has_office = has_office(tx, tenant, change.office()).await?;
    source.change(change, has_office)?;
    put(tx, &source).await?;
    keep(tx, source.as_version(author, "", tx.now())).await?;
    Ok(source)
}

/// Keeps a version of a source, unless it is kept.
async fn keep(tx: &Tx, version: Config) -> Result<()> {
    let Config {
        tenant, kind, name, ..
    } = &version;
    let known = configs::one(tx, tenant, *kind, name, Some(version.version)).await?;
    match known {
        Some(_) => Ok(()),
        None => configs::write(tx, version),
    }
}

/// Whether the office that is meant is there, if one is.
async fn has_office(tx: &Tx, tenant: &TenantId, meant: Option<OfficeId>) -> Result<bool> {
    let Some(id) = meant else { return Ok(true) };
    let found = configs::one(tx, tenant, ConfigKind::Office, &id.to_string(), None).await?;
    Ok(found.is_some_and(|office| !office.is_removed()))
}

pub(crate) async fn put(tx: &Tx, source: &Source) -> Result<()> {
    check_token(tx, source).await?;
    let before = one(tx, &source.tenant, source.id).await?;
    let accounts: BTreeSet<&str> = source.accounts.iter().map(String::as_str).collect();
    check_accounts(tx, source, &accounts).await?;
    // What it had is taken away first: the commit keeps this order.
    for account in before.iter().flat_map(|known| &known.accounts) {
        let provider = before.as_ref().map_or("", |known| &known.provider);
        let key = key([provider, account]);
        tx.write([Mutation::delete("source_accounts", key.into())])?;
    }
    tx.write([mutation(
        Write::Put,
        "sources",
        [
            ("tenant_id", source.tenant.as_str().to_owned().into()),
            ("source_id", source.id.to_string().into()),
            ("provider", source.provider.clone().into()),
            ("office_id", source.office.map(|id| id.to_string()).into()),
            (
                "connection",
                source.connection.as_ref().map(ToString::to_string).into(),
            ),
            (
                "token_hash",
                source.token.map(|token| token.as_bytes().to_vec()).into(),
            ),
            ("accounts", to_json(&source.accounts)?.into()),
            ("key_names", to_json(&source.key_names)?.into()),
            ("schemes", to_json(&source.schemes)?.into()),
            ("state", source.state.as_str().to_owned().into()),
            ("name", source.name.clone().into()),
            ("version", signed(source.version).into()),
        ],
    )])?;
    tx.write(accounts.into_iter().map(|account| {
        mutation(
            Write::Put,
            "source_accounts",
            [
                ("provider", source.provider.clone().into()),
                ("account", account.to_owned().into()),
                ("tenant_id", source.tenant.as_str().to_owned().into()),
                ("source_id", source.id.to_string().into()),
            ],
        )
    }))
}

/// The URL token must not be another source's.
async fn check_token(reader: &Reader, source: &Source) -> Result<()> {
    let Some(token) = &source.token else {
        return Ok(());
    };
    match owner_of_token(reader, token).await? {
        Some(owner) if !is_of(&owner, source) => Err(Source::token_taken().into()),
        _ => Ok(()),
    }
}

/// No account may be another source's.
async fn check_accounts(reader: &Reader, source: &Source, accounts: &BTreeSet<&str>) -> Result<()> {
    if accounts.is_empty() {
        return Ok(());
    }
    let mut keys = KeySet::builder();
    for account in accounts {
        keys = keys.add_key(key([&source.provider, account]));
    }
    for row in reader.rows("source_accounts", OWNER, keys.build()).await? {
        if !is_of(&owner(&row)?, source) {
            return Err(source.account_taken().into());
        }
    }
    Ok(())
}

type Owner = (TenantId, SourceId);

fn owner(row: &Row) -> Result<Owner> {
    Ok((row.parsed("tenant_id")?, row.parsed("source_id")?))
}

fn is_of((tenant, id): &Owner, source: &Source) -> bool {
    *tenant == source.tenant && *id == source.id
}

async fn owner_of_token(reader: &Reader, token: &TokenHash) -> Result<Option<Owner>> {
    let key = Key::new(vec![token.as_bytes().to_vec().into()]);
    let index = ("sources", "sources_by_token");
    let found = reader.rows_by(index, OWNER, key).await?;
    found.first().map(owner).transpose()
}

pub(crate) async fn of_tenant(reader: &Reader, tenant: &TenantId) -> Result<Vec<Source>> {
    let keys = under([tenant.as_str()]);
    let found = reader.rows("sources", COLUMNS, keys).await?;
    let sources = found.iter().map(|row| rows::source(row));
    Ok(sources.collect::<store::Result<_>>()?)
}

async fn one(reader: &Reader, tenant: &TenantId, id: SourceId) -> Result<Option<Source>> {
    let key = key([tenant.as_str(), &id.to_string()]);
    let found = reader.row("sources", COLUMNS, key).await?;
    Ok(found.map(|row| rows::source(&row)).transpose()?)
}

pub(crate) async fn note_test(
    tx: &Tx,
    tenant: &TenantId,
    source: SourceId,
    test: &SourceTest,
) -> Result<()> {
    one(tx, tenant, source).await?.ok_or(StoreError::NotFound)?;
    tx.write([mutation(
        Write::Update,
        "sources",
        [
            ("tenant_id", tenant.as_str().to_owned().into()),
            ("source_id", source.to_string().into()),
            ("tested_at", time_value(test.at)),
            ("test_fault", test.fault.clone().into()),
        ],
    )])
}

pub(crate) async fn last_test(
    reader: &Reader,
    tenant: &TenantId,
    source: SourceId,
) -> Result<Option<SourceTest>> {
    let key = key([tenant.as_str(), &source.to_string()]);
    let found = reader.row("sources", "tested_at, test_fault", key).await?;
    Ok(found
        .map(|row| rows::source_test(&row))
        .transpose()?
        .flatten())
}

/// The source, where it is active and its tenant is.
async fn usable(reader: &Reader, owner: Option<Owner>) -> Result<Option<Source>> {
    let Some((tenant, id)) = owner else {
        return Ok(None);
    };
    let source = one(reader, &tenant, id).await?;
    let Some(source) = source.filter(|source| source.state == SourceState::Active) else {
        return Ok(None);
    };
    let tenant = tenants::tenant(reader, &tenant).await?;
    Ok(tenant
        .filter(|tenant| tenant.status == TenantStatus::Active)
        .map(|_| source))
}

pub(crate) async fn by_token_across_tenants(
    reader: &Reader,
    token: &TokenHash,
) -> Result<Option<Source>> {
    let owner = owner_of_token(reader, token).await?;
    usable(reader, owner).await
}

pub(crate) async fn by_account_across_tenants(
    reader: &Reader,
    provider: &str,
    account: &str,
) -> Result<Option<Source>> {
    let found = reader
        .row("source_accounts", OWNER, key([provider, account]))
        .await?;
    let owner = found.as_ref().map(owner).transpose()?;
    usable(reader, owner).await
}
