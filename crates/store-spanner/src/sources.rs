//! Where webhooks come from.

use std::collections::BTreeSet;

use domain::{SourceId, StoreError, TenantId, TenantStatus};
use google_cloud_spanner::{
    key::{Key, KeySet},
    mutation::Mutation,
    result::Row,
};
use store::{
    ConfigKind, Source, SourceChange, SourceState, TokenHash,
    stored::{corrupt, to_json},
};

use crate::{
    configs,
    fault::Fault,
    rows::{self, Write, get, key, mutation},
    tenants,
    tx::{Reader, Tx},
};

type Result<T, E = Fault> = std::result::Result<T, E>;

const COLUMNS: [&str; 10] = [
    "tenant_id",
    "source_id",
    "provider",
    "office_id",
    "connection",
    "token_hash",
    "accounts",
    "key_names",
    "schemes",
    "state",
];

pub(crate) async fn create(tx: &Tx, source: &Source) -> Result<()> {
    let (tenant, kind) = (&source.tenant, ConfigKind::Office);
    let has_office = match source.office {
        Some(id) => configs::one(tx, tenant, kind, &id.to_string(), None)
            .await?
            .is_some(),
        None => true,
    };
    let has_owner = has_office && tenants::tenant(tx, tenant).await?.is_some();
    let is_known = one(tx, tenant, source.id).await?.is_some();
    Source::check_new(has_owner, is_known)?;
    put(tx, source).await
}

pub(crate) async fn change(
    tx: &Tx,
    tenant: &TenantId,
    id: SourceId,
    change: SourceChange,
) -> Result<Source> {
    let mut source = one(tx, tenant, id).await?.ok_or(StoreError::NotFound)?;
    source.change(change)?;
    put(tx, &source).await?;
    Ok(source)
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
    let columns = ["tenant_id", "source_id"];
    for row in reader
        .rows("source_accounts", &columns, keys.build())
        .await?
    {
        if !is_of(&owner(&row)?, source) {
            return Err(source.account_taken().into());
        }
    }
    Ok(())
}

type Owner = (TenantId, SourceId);

fn owner(row: &Row) -> Result<Owner> {
    Ok((
        rows::parsed(row, "tenant_id")?,
        rows::parsed(row, "source_id")?,
    ))
}

fn is_of((tenant, id): &Owner, source: &Source) -> bool {
    *tenant == source.tenant && *id == source.id
}

async fn owner_of_token(reader: &Reader, token: &TokenHash) -> Result<Option<Owner>> {
    let key = Key::new(vec![token.as_bytes().to_vec().into()]);
    let index = ("sources", "sources_by_token");
    let found = reader
        .rows_by(index, &["tenant_id", "source_id"], key)
        .await?;
    found.first().map(owner).transpose()
}

pub(crate) async fn of_tenant(reader: &Reader, tenant: &TenantId) -> Result<Vec<Source>> {
    let keys = rows::under([tenant.as_str()]);
    let found = reader.rows("sources", &COLUMNS, keys).await?;
    found.iter().map(read).collect()
}

async fn one(reader: &Reader, tenant: &TenantId, id: SourceId) -> Result<Option<Source>> {
    let key = key([tenant.as_str(), &id.to_string()]);
    let found = reader.row("sources", &COLUMNS, key).await?;
    found.as_ref().map(read).transpose()
}

fn read(row: &Row) -> Result<Source> {
    let token = get::<Option<Vec<u8>>>(row, "token_hash")?
        .map(|bytes| {
            let hash = <[u8; 32]>::try_from(bytes.as_slice());
            hash.map_err(|error| corrupt("a URL token's hash", error))
        })
        .transpose()?;
    Ok(Source {
        id: rows::parsed(row, "source_id")?,
        tenant: rows::parsed(row, "tenant_id")?,
        provider: get(row, "provider")?,
        office: rows::parsed_option(row, "office_id")?,
        connection: rows::parsed_option(row, "connection")?,
        token: token.map(TokenHash::from_bytes),
        accounts: rows::json(row, "accounts", "a source's accounts")?,
        key_names: rows::json(row, "key_names", "a source's keys")?,
        schemes: rows::json(row, "schemes", "a source's schemes")?,
        state: SourceState::from_stored(&get::<String>(row, "state")?),
    })
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
    let columns = ["tenant_id", "source_id"];
    let found = reader
        .row("source_accounts", &columns, key([provider, account]))
        .await?;
    let owner = found.as_ref().map(owner).transpose()?;
    usable(reader, owner).await
}
