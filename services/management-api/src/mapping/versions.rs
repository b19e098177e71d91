//! The history of a connection's field mapping.

use axum::extract::State;
use domain::{ConnectionName, differences};
use runtime::{Json, Path, Problem};
use serde::Deserialize;
use serde_json::json;
use store::{Config, ConfigKind};
use utoipa::IntoParams;

use super::{FieldMapping, Place, tagged};
use crate::{
    Deps,
    auth::{TenantAdmin, TenantReader},
    body::OptionalBody,
    configs::{
        Restoration, Tagged,
        versions::{ConfigDiff, ConfigVersionList, Span},
    },
    connections::ConnectionPath,
    cursor::BehindVersion,
    faults::{BODY, Paging},
    preconditions::IfMatch,
    problems::{BodyProblems, Conflict, Preconditions, QueryProblems, TenantProblems},
    query::Query,
};

/// Which version of a mapping.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct MappingVersionPath {
    /// The connection's name.
    #[param(value_type = String, example = "crm")]
    connection: ConnectionName,
    /// The version's number.
    #[param(minimum = 1, example = 3)]
    version: u64,
}

/// The versions of a connection's field mapping, newest first.
#[utoipa::path(
    get,
    path = "/v1/tenants/{tenant_id}/connections/{connection}/mapping/versions",
    tag = "connections",
    security(("bearer" = [])),
    params(("tenant_id" = String, Path, description = "The tenant's slug."), ConnectionPath, Paging),
    responses(
        (status = OK, description = "A page.", body = ConfigVersionList),
        Conflict,
        QueryProblems,
        TenantProblems
    )
)]
pub(crate) async fn list_mapping_versions(
    reader: TenantReader,
    Path(path): Path<ConnectionPath>,
    paging: Query<Paging>,
    State(deps): State<Deps>,
) -> Result<Json<ConfigVersionList>, Problem> {
    let (limit, behind): (_, Option<BehindVersion>) = paging.read()?;
    let place = Place::of(&deps, reader.tenant(), &path.connection).await?;
    let before = behind.map(|BehindVersion(version)| version);
    let kind = ConfigKind::Mapping;
    let page = deps
        .store
        .config_history(&place.tenant, kind, place.name(), before, limit)
        .await?;
    Ok(Json(ConfigVersionList::of(page)))
}

/// A version of a connection's field mapping.
#[utoipa::path(
    get,
    path = "/v1/tenants/{tenant_id}/connections/{connection}/mapping/versions/{version}",
    tag = "connections",
    security(("bearer" = [])),
    params(("tenant_id" = String, Path, description = "The tenant's slug."), MappingVersionPath),
    responses(
        (status = OK, description = "The version.", body = FieldMapping),
        Conflict,
        TenantProblems
    )
)]
pub(crate) async fn show_mapping_version(
    reader: TenantReader,
    Path(path): Path<MappingVersionPath>,
    State(deps): State<Deps>,
) -> Result<Json<FieldMapping>, Problem> {
    let place = Place::of(&deps, reader.tenant(), &path.connection).await?;
    let version = saved(&place, &deps, path.version).await?;
    Ok(Json(place.shown(Some(version), None)))
}

/// What two versions of a connection's field mapping say differently.
#[utoipa::path(
    get,
    path = "/v1/tenants/{tenant_id}/connections/{connection}/mapping/diff",
    tag = "connections",
    security(("bearer" = [])),
    params(("tenant_id" = String, Path, description = "The tenant's slug."), ConnectionPath, Span),
    responses(
        (status = OK, description = "The differences.", body = ConfigDiff),
        Conflict,
        QueryProblems,
        TenantProblems
    )
)]
pub(crate) async fn diff_mapping(
    reader: TenantReader,
    Path(path): Path<ConnectionPath>,
    span: Query<Span>,
    State(deps): State<Deps>,
) -> Result<Json<ConfigDiff>, Problem> {
    let place = Place::of(&deps, reader.tenant(), &path.connection).await?;
    let newest = async || {
        let newest = place.version(&deps, None).await?;
        Ok(newest.map_or(0, |newest| newest.version))
    };
    let (from, to) = span.read(newest).await?;
    let json = async |version| match version {
        0 => Ok(json!({ "fields": {} })),
        version => saved(&place, &deps, version).await.map(|saved| saved.json),
    };
    let (before, after) = (json(from).await?, json(to).await?);
    let found = differences(&before, &after);
    Ok(Json(ConfigDiff::of(from, to, found)))
}

/// Saves what an earlier version of a connection's field mapping says as a new one.
#[utoipa::path(
    post,
    path = "/v1/tenants/{tenant_id}/connections/{connection}/mapping/versions/{version}/restore",
    tag = "connections",
    security(("bearer" = [])),
    params(
        ("tenant_id" = String, Path, description = "The tenant's slug."),
        MappingVersionPath,
        ("If-Match" = Option<String>, Header, description = "The `ETag` of the newest version. Required.")
    ),
    request_body = Restoration,
    responses(
        (
            status = OK,
            description = "The mapping as it is now.",
            body = FieldMapping,
            headers(("ETag" = String, description = "Its version, for `If-Match`."))
        ),
        Conflict,
        Preconditions,
        BodyProblems,
        TenantProblems
    )
)]
pub(crate) async fn restore_mapping_version(
    caller: TenantAdmin,
    Path(path): Path<MappingVersionPath>,
    if_match: Result<IfMatch, Problem>,
    State(deps): State<Deps>,
    OptionalBody(body): OptionalBody<Restoration>,
) -> Result<Tagged<FieldMapping>, Problem> {
    let place = Place::of(&deps, caller.tenant(), &path.connection).await?;
    let old = saved(&place, &deps, path.version).await?;
    // What it fills may be gone by now.
    let (restoration, mut faults) = body.open();
    let if_match = faults.header(if_match, IfMatch::Absent)?;
    let note = restoration.note(path.version, &mut faults);
    let check = place.check(&deps, &old.json, &mut faults).await?;
    faults.finish(BODY)?;
    let act = |version| {
        let said = format!("version {} as version {version}", path.version);
        caller.act("mapping.restore", &path.connection).saying(said)
    };
    let restored = place.save(&deps, old.json, note, &if_match, act).await?;
    Ok(tagged(place.shown(restored, check)))
}

async fn saved(place: &Place, deps: &Deps, version: u64) -> Result<Config, Problem> {
    let found = place.version(deps, Some(version)).await?;
    found.ok_or_else(|| Problem::not_found("There is no such version."))
}
