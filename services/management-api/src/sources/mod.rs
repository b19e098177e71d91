//! Sources: where a tenant's webhooks come from, and the keys that verify them.

pub(crate) mod catalogue;
pub(crate) mod completeness;
pub(crate) mod connect;
pub(crate) mod create;
pub(crate) mod health;
pub(crate) mod keys;
pub(crate) mod settings;
pub(crate) mod snippet;
pub(crate) mod test;
pub(crate) mod update;

use axum::extract::State;
use domain::{SourceId, TenantId};
use runtime::{Json, Path, Problem};
use serde::{Deserialize, Serialize};
use store::{SourceChange, SourceState};
use utoipa::{IntoParams, ToSchema};

use crate::{
    Deps,
    auth::{TenantAdmin, TenantReader},
    configs::Tagged,
    cursor::lists,
    faults::WholePaging,
    problems::{QueryProblems, TenantProblems},
    query::Query,
    words,
};

/// A place where a tenant's webhooks come from.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Source {
    /// Its id.
    source_id: String,
    /// The provider's slug.
    provider: String,
    /// What its tenant calls it; null: nobody has named it.
    name: Option<String>,
    /// The connection that opens the tenant's account at the provider.
    connection: String,
    /// The office that its requests belong to; null for the tenant's first.
    office_id: Option<String>,
    /// Whether its deliveries are taken.
    state: words::SourceState,
    /// The tenant's account ids at the provider, in every form that it sends.
    accounts: Vec<String>,
    /// The signature schemes that are taken; none: all that the provider has.
    schemes: Vec<String>,
    /// The names of its active signing keys, the newest first: two while one replaces the other.
    keys: Vec<String>,
    /// Grows by one with every change; the `ETag` of the source.
    version: u64,
}

impl From<store::Source> for Source {
    fn from(source: store::Source) -> Self {
        Self {
            source_id: source.id.to_string(),
            connection: source.connection_name().to_string(),
            provider: source.provider,
            name: source.name,
            office_id: source.office.map(|office| office.to_string()),
            state: source.state.into(),
            accounts: source.accounts,
            schemes: source.schemes,
            keys: source.key_names,
            version: source.version,
        }
    }
}

/// A tenant's sources, by id.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SourceList {
    /// The sources.
    items: Vec<Source>,
    /// Send this as `cursor` to get those behind; null when there are none.
    next_cursor: Option<String>,
}

/// Which source.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct SourcePath {
    /// The source's id.
    #[param(value_type = String, example = "src_0199f3a100007000800000000000002a")]
    source_id: SourceId,
}

/// A tenant's sources.
#[utoipa::path(
    get,
    path = "/v1/tenants/{tenant_id}/sources",
    tag = "sources",
    security(("bearer" = [])),
    params(("tenant_id" = String, Path, description = "The tenant's slug."), WholePaging),
    responses((status = OK, description = "A page.", body = SourceList), QueryProblems, TenantProblems)
)]
pub(crate) async fn list_sources(
    reader: TenantReader,
    paging: Query<WholePaging>,
    State(deps): State<Deps>,
) -> Result<Json<SourceList>, Problem> {
    let part = paging.read::<{ lists::SOURCES }>()?;
    let sources = deps.store.sources(reader.tenant()).await?;
    let (sources, next_cursor) = part.of(sources, |source| source.id.to_string());
    Ok(Json(SourceList {
        items: sources.into_iter().map(Into::into).collect(),
        next_cursor,
    }))
}

/// Disables a source: its deliveries are refused as if it did not exist, within 5 seconds.
#[utoipa::path(
    post,
    path = "/v1/tenants/{tenant_id}/sources/{source_id}/disable",
    tag = "sources",
    security(("bearer" = [])),
    params(("tenant_id" = String, Path, description = "The tenant's slug."), SourcePath),
    responses(
        (
            status = OK,
            description = "The source as it is now.",
            body = Source,
            headers(("ETag" = String, description = "Its version, for `If-Match`."))
        ),
        TenantProblems
    )
)]
pub(crate) async fn disable_source(
    caller: TenantAdmin,
    Path(path): Path<SourcePath>,
    State(deps): State<Deps>,
) -> Result<Tagged<Source>, Problem> {
    set_state(&deps, &caller, &path, SourceState::Disabled).await
}

/// Enables a disabled source, within 5 seconds.
#[utoipa::path(
    post,
    path = "/v1/tenants/{tenant_id}/sources/{source_id}/enable",
    tag = "sources",
    security(("bearer" = [])),
    params(("tenant_id" = String, Path, description = "The tenant's slug."), SourcePath),
    responses(
        (
            status = OK,
            description = "The source as it is now.",
            body = Source,
            headers(("ETag" = String, description = "Its version, for `If-Match`."))
        ),
        TenantProblems
    )
)]
pub(crate) async fn enable_source(
    caller: TenantAdmin,
    Path(path): Path<SourcePath>,
    State(deps): State<Deps>,
) -> Result<Tagged<Source>, Problem> {
    set_state(&deps, &caller, &path, SourceState::Active).await
}

async fn set_state(
    deps: &Deps,
    caller: &TenantAdmin,
    path: &SourcePath,
    state: SourceState,
) -> Result<Tagged<Source>, Problem> {
    let action = match state {
        SourceState::Active => "source.enable",
        SourceState::Disabled => "source.disable",
    };
    let act = caller.act(action, &path.source_id);
    let (tenant, change) = (caller.tenant(), SourceChange::SetState(state));
    let changed = deps
        .store
        .change_source(tenant, path.source_id, change, &act)
        .await?;
    Ok(update::tagged(changed))
}

/// A source of this tenant.
pub(crate) async fn find(
    deps: &Deps,
    tenant: &TenantId,
    source: SourceId,
) -> Result<Option<store::Source>, Problem> {
    let sources = deps.store.sources(tenant).await?;
    Ok(sources.into_iter().find(|known| known.id == source))
}

fn no_source() -> Problem {
    Problem::not_found("There is no such source.")
}
