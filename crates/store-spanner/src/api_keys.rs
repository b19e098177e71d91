//! The keys of programs.

use async_trait::async_trait;
use domain::{ApiKeyId, StoreError, TenantId};
use google_cloud_spanner::{
    key::{Key, KeySet},
    mutation::Mutation,
};
use jiff::Timestamp;
use store::{
    ApiKey, ApiKeys, AuditAction, TokenHash,
    people::rows::{self, API_KEY_COLUMNS},
};

use crate::{
    SpannerStore,
    adapter::again,
    fault::Fault,
    rows::{Write, key, mutation, time_value, under},
    tenants,
    tx::{Reader, Tx},
};

type Result<T, E = Fault> = std::result::Result<T, E>;

#[async_trait]
impl ApiKeys for SpannerStore {
    async fn create_api_key(&self, key: &ApiKey, act: &AuditAction) -> store::Result<()> {
        let new = key.clone();
        let change = again!([new] | tx | create(&tx, &new));
        self.act(&key.tenant, act, change).await
    }

    async fn api_keys(&self, tenant: &TenantId) -> store::Result<Vec<ApiKey>> {
        self.read(async |reader| all(&reader, tenant).await).await
    }

    async fn revoke_api_key(
        &self,
        tenant: &TenantId,
        key: ApiKeyId,
        act: &AuditAction,
    ) -> store::Result<ApiKey> {
        let id = tenant.clone();
        let change = again!([id] | tx | revoke(&tx, &id, key));
        let revoked = self.act_if(tenant, act, change, |(_, is_change)| *is_change);
        Ok(revoked.await?.0)
    }

    async fn api_key_by_hash_across_tenants(
        &self,
        hash: &TokenHash,
    ) -> store::Result<Option<ApiKey>> {
        self.read(async |reader| by_hash(&reader, hash).await).await
    }

    async fn note_api_key_use(&self, tenant: &TenantId, key: ApiKeyId) -> store::Result<()> {
        let id = tenant.clone();
        let work = again!([id] | tx | note_use(&tx, &id, key));
        self.write("api_key.use", work).await
    }
}

async fn create(tx: &Tx, new: &ApiKey) -> Result<()> {
    tenants::tenant(tx, &new.tenant)
        .await?
        .ok_or(StoreError::NotFound)?;
    for old in ApiKey::check_room(&all(tx, &new.tenant).await?, tx.now())? {
        let key = key([new.tenant.as_str(), &old.to_string()]);
        tx.write([Mutation::delete("api_keys", key.into())])?;
    }
    tx.write([mutation(
        Write::Insert,
        "api_keys",
        [
            ("tenant_id", new.tenant.as_str().to_owned().into()),
            ("key_id", new.id.to_string().into()),
            ("key_hash", new.hash.as_bytes().to_vec().into()),
            ("prefix", new.prefix.clone().into()),
            ("name", new.name.clone().into()),
            ("scopes", rows::scopes(new).into()),
            ("created_by", new.created_by.clone().into()),
            ("created_at", time_value(new.created_at)),
            ("expires_at", new.expires_at.map(time_value).into()),
        ],
    )])
}

async fn revoke(tx: &Tx, tenant: &TenantId, id: ApiKeyId) -> Result<(ApiKey, bool)> {
    let known = one(tx, tenant, id).await?.ok_or(StoreError::NotFound)?;
    if known.revoked_at.is_some() {
        return Ok((known, false));
    }
    set_time(tx, tenant, id, "revoked_at", tx.now())?;
    let revoked_at = Some(tx.now());
    Ok((
        ApiKey {
            revoked_at,
            ..known
        },
        true,
    ))
}

async fn note_use(tx: &Tx, tenant: &TenantId, id: ApiKeyId) -> Result<()> {
    let known = one(tx, tenant, id).await?;
    if known.is_some_and(|known| known.is_use_news(tx.now())) {
        set_time(tx, tenant, id, "last_used_at", tx.now())?;
    }
    Ok(())
}

fn set_time(tx: &Tx, tenant: &TenantId, id: ApiKeyId, column: &str, at: Timestamp) -> Result<()> {
    tx.write([mutation(
        Write::Update,
        "api_keys",
        [
            ("tenant_id", tenant.as_str().to_owned().into()),
            ("key_id", id.to_string().into()),
            (column, time_value(at)),
        ],
    )])
}

async fn one(reader: &Reader, tenant: &TenantId, id: ApiKeyId) -> Result<Option<ApiKey>> {
    let key = key([tenant.as_str(), &id.to_string()]);
    let found = reader.row("api_keys", API_KEY_COLUMNS, key).await?;
    Ok(found.map(|row| rows::api_key(&*row)).transpose()?)
}

async fn all(reader: &Reader, tenant: &TenantId) -> Result<Vec<ApiKey>> {
    let keys = under([tenant.as_str()]);
    let found = reader.rows("api_keys", API_KEY_COLUMNS, keys).await?;
    let read = found.iter().map(|row| rows::api_key(&**row));
    Ok(read.collect::<store::Result<_>>()?)
}

async fn by_hash(reader: &Reader, hash: &TokenHash) -> Result<Option<ApiKey>> {
    let key = Key::new(vec![hash.as_bytes().to_vec().into()]);
    let index = ("api_keys", "api_keys_by_hash");
    let found = reader
        .rows_by(index, "tenant_id, key_id", KeySet::from(key))
        .await?;
    match found.first() {
        Some(row) => one(reader, &row.parsed("tenant_id")?, row.parsed("key_id")?).await,
        None => Ok(None),
    }
}
