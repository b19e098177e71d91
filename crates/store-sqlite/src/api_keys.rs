//! The keys of programs.

use async_trait::async_trait;
use domain::{ApiKeyId, StoreError, TenantId};
use rusqlite::{Connection, params};
use store::{ApiKey, ApiKeys, AuditAction, Result, TokenHash, people::rows};

use crate::{SqliteStore, rows::micros, sql, tenants};

#[async_trait]
impl ApiKeys for SqliteStore {
    async fn create_api_key(&self, key: &ApiKey, act: &AuditAction) -> Result<()> {
        const REMOVE: &str = "DELETE FROM api_keys WHERE tenant_id = ?1 AND key_id = ?2";
        let new = key.clone();
        self.act(&key.tenant, act, move |db, now| {
            let tenant = &new.tenant;
            tenants::tenant(db, tenant)?.ok_or(StoreError::NotFound)?;
            for old in ApiKey::check_room(&all(db, tenant)?, now)? {
                sql::execute(db, REMOVE, params![tenant.as_str(), old.to_string()])?;
            }
            insert(db, &new)
        })
        .await
    }

    async fn api_keys(&self, tenant: &TenantId) -> Result<Vec<ApiKey>> {
        let tenant = tenant.clone();
        self.read(move |db| all(db, &tenant)).await
    }

    async fn revoke_api_key(
        &self,
        tenant: &TenantId,
        key: ApiKeyId,
        act: &AuditAction,
    ) -> Result<ApiKey> {
        const SQL: &str =
            "UPDATE api_keys SET revoked_at = ?3 WHERE tenant_id = ?1 AND key_id = ?2";
        let id = tenant.clone();
        let change = move |db: &Connection, now| {
            let known = one(db, &id, key)?.ok_or(StoreError::NotFound)?;
            if known.revoked_at.is_some() {
                return Ok((known, false));
            }
            sql::execute(db, SQL, params![id.as_str(), key.to_string(), micros(now)])?;
            let revoked_at = Some(now);
            Ok((
                ApiKey {
                    revoked_at,
                    ..known
                },
                true,
            ))
        };
        let revoked = self.act_if(tenant, act, change, |(_, is_change)| *is_change);
        Ok(revoked.await?.0)
    }

    async fn api_key_by_hash_across_tenants(&self, hash: &TokenHash) -> Result<Option<ApiKey>> {
        const SQL: &str = "SELECT * FROM api_keys WHERE key_hash = ?1";
        let hash = *hash;
        self.read(move |db| sql::first(db, SQL, [hash.as_bytes()], rows::api_key))
            .await
    }

    async fn note_api_key_use(&self, tenant: &TenantId, key: ApiKeyId) -> Result<()> {
        const SQL: &str =
            "UPDATE api_keys SET last_used_at = ?3 WHERE tenant_id = ?1 AND key_id = ?2";
        let (tenant, clock) = (tenant.clone(), self.clock.clone());
        self.write(move |db| {
            let now = clock.now();
            let known = one(db, &tenant, key)?;
            if known.is_some_and(|known| known.is_use_news(now)) {
                let values = params![tenant.as_str(), key.to_string(), micros(now)];
                sql::execute(db, SQL, values)?;
            }
            Ok(())
        })
        .await
    }
}

fn one(db: &Connection, tenant: &TenantId, key: ApiKeyId) -> Result<Option<ApiKey>> {
    const SQL: &str = "SELECT * FROM api_keys WHERE tenant_id = ?1 AND key_id = ?2";
    let values = params![tenant.as_str(), key.to_string()];
    sql::first(db, SQL, values, rows::api_key)
}

fn all(db: &Connection, tenant: &TenantId) -> Result<Vec<ApiKey>> {
    const SQL: &str = "SELECT * FROM api_keys WHERE tenant_id = ?1 ORDER BY key_id";
    sql::all(db, SQL, [tenant.as_str()], rows::api_key)
}

fn insert(db: &Connection, key: &ApiKey) -> Result<()> {
    const SQL: &str = "INSERT INTO api_keys (tenant_id, key_id, key_hash, prefix, name, scopes, created_by, created_at, \
                       expires_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    let values = params![
        key.tenant.as_str(),
        key.id.to_string(),
        key.hash.as_bytes(),
        key.prefix,
        key.name,
        rows::scopes(key),
        key.created_by,
        micros(key.created_at),
        key.expires_at.map(micros),
    ];
    sql::execute(db, SQL, values).map(drop)
}
