//! What people set up for themselves.

use async_trait::async_trait;
use domain::{StoreError, TenantId};
use rusqlite::{Connection, params};
use serde_json::Value;
use store::{
    AuditAction, Result, SavedView, SavedViews,
    people::{
        rows,
        views::{FoundViews, MAX_LISTED, ViewPlaces, listed},
    },
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
            Ok(listed(sql::all(db, SQL, values, rows::view)?, &subject))
        })
        .await
    }

    async fn view(&self, tenant: &TenantId, id: &str, subject: &str) -> Result<Option<SavedView>> {
        let (tenant, subject) = (tenant.clone(), subject.to_owned());
        let places = ViewPlaces::of(id, &subject);
        self.read(move |db| {
            let found = found(db, &tenant, &places)?;
            Ok(found.seen(places, &subject).map(|(_, view)| view))
        })
        .await
    }

    async fn put_view(&self, view: &SavedView, act: &AuditAction) -> Result<()> {
        const OWNED: &str =
            "SELECT count(*) AS views FROM saved_views WHERE tenant_id = ?1 AND owner = ?2";
        const PUT: &str = "INSERT INTO saved_views (tenant_id, view_id, owner, name, page, search, is_shared, updated_at) \
                           VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) \
                           ON CONFLICT (tenant_id, view_id) DO UPDATE SET owner = excluded.owner, name = excluded.name, page = excluded.page, \
                           search = excluded.search, is_shared = excluded.is_shared, updated_at = excluded.updated_at";
        let new = view.clone();
        self.act(&view.tenant, act, move |db, now| {
            let tenant = new.tenant.as_str();
            let owned = sql::first(db, OWNED, [tenant, &new.owner], |row| row.number("views"))?;
            let known = found(db, &new.tenant, &ViewPlaces::of(&new.id, &new.owner))?;
            let (id, owner) = (new.tenant.clone(), new.owner.clone());
            let change = new.clone().saved_over(&known, owned.unwrap_or(0))?;
            for place in &change.removed {
                remove(db, &id, place)?;
            }
            for (place, view) in change.put {
                let at = if view.owner == owner {
                    now
                } else {
                    view.updated_at
                };
                let values = params![
                    id.as_str(),
                    place,
                    view.owner,
                    view.name,
                    view.page,
                    view.search,
                    view.is_shared,
                    micros(at),
                ];
                sql::execute(db, PUT, values)?;
            }
            Ok(())
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
        let (of, subject) = (tenant.clone(), subject.to_owned());
        let places = ViewPlaces::of(id, &subject);
        self.act(tenant, act, move |db, _| {
            let seen = found(db, &of, &places)?.seen(places.clone(), &subject);
            let (place, view) = seen.ok_or(StoreError::NotFound)?;
            view.check_removal(&subject, is_admin)?;
            remove(db, &of, &place)
        })
        .await
    }
}

fn found(db: &Connection, tenant: &TenantId, places: &ViewPlaces) -> Result<FoundViews> {
    const SQL: &str = "SELECT * FROM saved_views WHERE tenant_id = ?1 AND view_id = ?2";
    let at = |place: &str| sql::first(db, SQL, [tenant.as_str(), place], rows::view);
    Ok(FoundViews {
        own: at(&places.own)?,
        common: at(&places.common)?,
    })
}

fn remove(db: &Connection, tenant: &TenantId, place: &str) -> Result<()> {
    const SQL: &str = "DELETE FROM saved_views WHERE tenant_id = ?1 AND view_id = ?2";
    sql::execute(db, SQL, [tenant.as_str(), place]).map(drop)
}
