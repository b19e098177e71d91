//! What people set up for themselves.

use async_trait::async_trait;
use domain::{StoreError, TenantId};
use google_cloud_spanner::{mutation::Mutation, statement::Statement};
use serde_json::Value;
use store::{
    AuditAction, SavedView, SavedViews,
    people::{
        rows::{self, VIEW_COLUMNS},
        views::{FoundViews, MAX_LISTED, ViewPlaces, listed},
    },
    stored::to_json,
};

use crate::{
    SpannerStore,
    adapter::again,
    fault::Fault,
    rows::{Write, key, mutation, time_value},
    tx::{Reader, Tx},
};

type Result<T, E = Fault> = std::result::Result<T, E>;

#[async_trait]
impl SavedViews for SpannerStore {
    async fn preferences_across_tenants(&self, subject: &str) -> store::Result<Option<Value>> {
        self.read(async |reader| {
            let found = reader
                .row("preferences", "subject, preferences", key([subject]))
                .await?;
            let read = found.map(|row| row.json("preferences", "a person's preferences"));
            Ok(read.transpose()?)
        })
        .await
    }

    async fn put_preferences_across_tenants(
        &self,
        subject: &str,
        preferences: &Value,
    ) -> store::Result<()> {
        let (subject, preferences) = (subject.to_owned(), to_json(preferences)?);
        let work = again!(
            [subject, preferences] | tx | async { put_preferences(&tx, subject, preferences) }
        );
        self.write("preferences.put", work).await
    }

    async fn views(&self, tenant: &TenantId, subject: &str) -> store::Result<Vec<SavedView>> {
        self.read(async |reader| {
            let statement = Statement::builder(format!(
                "SELECT {VIEW_COLUMNS} FROM saved_views WHERE tenant_id = @tenant \
                 AND (is_shared OR owner = @subject) ORDER BY view_id LIMIT @limit"
            ))
            .add_param("tenant", tenant.as_str().to_owned())
            .add_param("subject", subject.to_owned())
            .add_param("limit", i64::from(MAX_LISTED));
            let found = reader.query(statement.build()).await?;
            let read = found.iter().map(|row| rows::view(&**row));
            Ok(listed(read.collect::<store::Result<_>>()?, subject))
        })
        .await
    }

    async fn view(
        &self,
        tenant: &TenantId,
        id: &str,
        subject: &str,
    ) -> store::Result<Option<SavedView>> {
        self.read(async |reader| {
            let places = ViewPlaces::of(id, subject);
            let found = found(&reader, tenant, &places).await?;
            Ok(found.seen(places, subject).map(|(_, view)| view))
        })
        .await
    }

    async fn put_view(&self, view: &SavedView, act: &AuditAction) -> store::Result<()> {
        let new = view.clone();
        let change = again!([new] | tx | put(&tx, &new));
        self.act(&view.tenant, act, change).await
    }

    async fn remove_view(
        &self,
        tenant: &TenantId,
        id: &str,
        subject: &str,
        is_admin: bool,
        act: &AuditAction,
    ) -> store::Result<()> {
        let (of, id, subject) = (tenant.clone(), id.to_owned(), subject.to_owned());
        let change = again!([of, id, subject] | tx | remove(&tx, &of, &id, &subject, is_admin));
        self.act(tenant, act, change).await
    }
}

fn put_preferences(tx: &Tx, subject: String, preferences: String) -> Result<()> {
    tx.write([mutation(
        Write::Put,
        "preferences",
        [
            ("subject", subject.into()),
            ("preferences", preferences.into()),
        ],
    )])
}

async fn put(tx: &Tx, new: &SavedView) -> Result<()> {
    let owned = Statement::builder(
        "SELECT COUNT(*) AS views FROM saved_views WHERE tenant_id = @tenant AND owner = @owner",
    )
    .add_param("tenant", new.tenant.as_str().to_owned())
    .add_param("owner", new.owner.clone());
    let owned = tx.query(owned.build()).await?;
    let owned = owned.first().map(|row| row.number("views")).transpose()?;
    let known = found(tx, &new.tenant, &ViewPlaces::of(&new.id, &new.owner)).await?;
    let change = new.clone().saved_over(&known, owned.unwrap_or(0))?;
    let removed = change.removed.iter();
    tx.write(removed.map(|place| removal(&new.tenant, place)))?;
    tx.write(change.put.into_iter().map(|(place, view)| {
        let is_own = view.owner == new.owner;
        let at = if is_own { tx.now() } else { view.updated_at };
        mutation(
            Write::Put,
            "saved_views",
            [
                ("tenant_id", view.tenant.as_str().to_owned().into()),
                ("view_id", place.into()),
                ("owner", view.owner.into()),
                ("name", view.name.into()),
                ("page", view.page.into()),
                ("search", view.search.into()),
                ("is_shared", view.is_shared.into()),
                ("updated_at", time_value(at)),
            ],
        )
    }))
}

async fn remove(tx: &Tx, tenant: &TenantId, id: &str, subject: &str, is_admin: bool) -> Result<()> {
    let places = ViewPlaces::of(id, subject);
    let seen = found(tx, tenant, &places).await?.seen(places, subject);
    let (place, view) = seen.ok_or(StoreError::NotFound)?;
    view.check_removal(subject, is_admin)?;
    tx.write([removal(tenant, &place)])
}

fn removal(tenant: &TenantId, place: &str) -> Mutation {
    Mutation::delete("saved_views", key([tenant.as_str(), place]).into())
}

async fn found(reader: &Reader, tenant: &TenantId, places: &ViewPlaces) -> Result<FoundViews> {
    let at = async |place: &str| -> Result<Option<SavedView>> {
        let key = key([tenant.as_str(), place]);
        let found = reader.row("saved_views", VIEW_COLUMNS, key).await?;
        Ok(found.map(|row| rows::view(&*row)).transpose()?)
    };
    Ok(FoundViews {
        own: at(&places.own).await?,
        common: at(&places.common).await?,
    })
}
