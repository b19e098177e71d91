//! What a map said of addresses.

use async_trait::async_trait;
use domain::{MapAnswer, TenantId};
use jiff::Timestamp;
use rusqlite::{Connection, params};
use store::{
    PlaceKey, Places, Result,
    places::{answer, kept_until},
    stored::to_json,
};

use crate::{SqliteStore, rows::micros, sql};

/// How many that are too old a new one removes.
const FORGOTTEN_AT_ONCE: u32 = 20;

#[async_trait]
impl Places for SqliteStore {
    async fn place(&self, tenant: &TenantId, key: &PlaceKey) -> Result<Option<MapAnswer>> {
        const SQL: &str =
            "SELECT answer, kept_until FROM places WHERE tenant_id = ?1 AND address_hash = ?2";
        let (tenant, key, now) = (tenant.clone(), *key, self.clock.now());
        self.read(move |db| {
            let values = params![tenant.as_str(), key.as_bytes()];
            let found = sql::first(db, SQL, values, |row| answer(row, now))?;
            Ok(found.flatten())
        })
        .await
    }

    async fn keep_place(
        &self,
        tenant: &TenantId,
        key: &PlaceKey,
        answer: &MapAnswer,
    ) -> Result<()> {
        const SQL: &str = "INSERT INTO places (tenant_id, address_hash, answer, kept_until) VALUES (?1, ?2, ?3, ?4) \
                           ON CONFLICT (tenant_id, address_hash) \
                           DO UPDATE SET answer = excluded.answer, kept_until = excluded.kept_until";
        let (tenant, key, clock) = (tenant.clone(), *key, self.clock.clone());
        let (text, answer) = (to_json(answer)?, *answer);
        self.write(move |db| {
            let now = clock.now();
            forget_old(db, now)?;
            let until = micros(kept_until(&answer, now));
            let values = params![tenant.as_str(), key.as_bytes(), text, until];
            sql::execute(db, SQL, values).map(drop)
        })
        .await
    }
}

fn forget_old(db: &Connection, now: Timestamp) -> Result<()> {
    const SQL: &str = "DELETE FROM places WHERE (tenant_id, address_hash) IN ( \
                       SELECT tenant_id, address_hash FROM places WHERE kept_until <= ?1 \
                       ORDER BY kept_until LIMIT ?2)";
    sql::execute(db, SQL, params![micros(now), FORGOTTEN_AT_ONCE]).map(drop)
}
