//! What people set up for themselves.

use async_trait::async_trait;
use domain::{StoreError, TenantId};
use rusqlite::{Connection, params};
use serde_json::Value;
use store::{
    AuditAction, Result, SavedView, SavedViews,
    people::{rows, views::MAX_LISTED},
    stored::to_json,
};

use crate::{SqliteStore, rows::micros, sql};

#[async_trait]
impl SavedViews for SqliteStore {
    async fn preferences_across_tenants(&self, subject: &str) -> Result<Option<Value>> {
        const SQL: &str = "SELECT preferences FROM preferences WHERE subject = ?1";
        let subject = subject.to_owned();
        self.read(move |db| {
            sql::first(db, SQL, [subject], |row| {
                row.json("preferences", "a person's preferences")
            })
        })
        .await
    }

    async fn put_preferences_across_tenants(
        &self,
        subject: &str,
        preferences: &Value,
    ) -> Result<()> {
        const SQL: &str = "INSERT INTO preferences (subject, preferences) VALUES (?1, ?2) \
                           ON CONFLICT (subject) DO UPDATE SET preferences = excluded.preferences";
        let (subject, preferences) = (subject.to_owned(), to_json(preferences)?);
        self.write(move |db| sql::execute(db, SQL, params![subject, preferences]).map(drop))
            .await
    }

    async fn views(&self, tenant: &TenantId, subject: &str) -> Result<Vec<SavedView>> {
        const SQL: &str = "SELECT * FROM saved_views WHERE tenant_id = ?1 AND (is_shared OR owner = ?2) \
                           ORDER BY view_id LIMIT ?3";
        let (tenant, subject) = (tenant.clone(), subject.to_owned());
        self.read(move |db| {
            let values = params![tenant.as_str(), subject, MAX_LISTED];
            sql::all(db, SQL, values, rows::view)
        })
        .await
    }

    async fn view(&self, tenant: &TenantId, id: &str) -> Result<Option<SavedView>> {
        let (tenant, id) = (tenant.clone(), id.to_owned());
        self.read(move |db| one(db, &tenant, &id)).await
    }

    async fn put_view(&self, view: &SavedView, act: &AuditAction) -> Result<()> {
        const OWNED: &str =
            "SELECT count(*) AS views FROM saved_views WHERE tenant_id = ?1 AND owner = ?2";
        const PUT: &str = "INSERT INTO saved_views (tenant_id, view_id, owner, name, page, search, is_shared, updated_at) \
                           VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) \
                           ON CONFLICT (tenant_id, view_id) DO UPDATE SET name = excluded.name, page = excluded.page, \
                           search = excluded.search, is_shared = excluded.is_shared, updated_at = excluded.updated_at";
        let new = view.clone();
        self.act(&view.tenant, act, move |db, now| {
            let tenant = new.tenant.as_str();
            let owned = sql::first(db, OWNED, [tenant, &new.owner], |row| row.number("views"))?;
            let known = one(db, &new.tenant, &new.id)?;
            new.check_put(known.as_ref(), owned.unwrap_or(0))?;
            let values = params![
                tenant,
                new.id,
                new.owner,
                new.name,
                new.page,
                new.search,
                new.is_shared,
                micros(now),
            ];
            sql::execute(db, PUT, values).map(drop)
        })
        .await
    }

    async fn remove_view(
        &self,
        tenant: &TenantId,
        id: &str,
        subject: &str,
        is_admin: bool,
        act: &AuditAction,
    ) -> Result<()> {
        const SQL: &str = "DELETE FROM saved_views WHERE tenant_id = ?1 AND view_id = ?2";
        let (of, id, subject) = (tenant.clone(), id.to_owned(), subject.to_owned());
        self.act(tenant, act, move |db, _| {
            let known = one(db, &of, &id)?.ok_or(StoreError::NotFound)?;
            known.check_removal(&subject, is_admin)?;
            sql::execute(db, SQL, [of.as_str(), id.as_str()]).map(drop)
        })
        .await
    }
}

fn one(db: &Connection, tenant: &TenantId, id: &str) -> Result<Option<SavedView>> {
    const SQL: &str = "SELECT * FROM saved_views WHERE tenant_id = ?1 AND view_id = ?2";
    sql::first(db, SQL, [tenant.as_str(), id], rows::view)
}
