//! The history of an office's configuration.

use axum::extract::State;
use domain::{Difference, OfficeId, WorkflowConfig, differences};
use jiff::Timestamp;
use runtime::{Json, Path, Problem};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use store::{Config, ConfigKind};
use utoipa::{IntoParams, ToSchema};

use super::{OfficeConfig, Place, Restoration, Tagged};
use crate::{
    Deps,
    auth::{TenantAdmin, TenantReader},
    body::OptionalBody,
    cursor::{BehindVersion, Cursor as _},
    faults::{BODY, PARAMETERS, Paging},
    offices::OfficePath,
    preconditions::IfMatch,
    problems::{BodyProblems, Preconditions, QueryProblems, TenantProblems},
    query::Query,
};

/// A version of a configuration, without what it says.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ConfigVersion {
    /// Its number.
    version: u64,
    /// Who wrote it.
    author: String,
    /// Why, in their words.
    note: String,
    /// When.
    created_at: Timestamp,
}

/// A page of a configuration's versions, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ConfigVersionList {
    /// The versions.
    items: Vec<ConfigVersion>,
    /// Send this as `cursor` to get those before; null when there are none.
    next_cursor: Option<String>,
}

impl ConfigVersionList {
    /// A page of versions as it is shown.
    pub(crate) fn of(page: store::Page<Config>) -> Self {
        let last = page.items.last().filter(|_| page.has_more);
        let next_cursor = last.map(|last| BehindVersion(last.version).encode());
        let items = page.items.into_iter().map(|config| ConfigVersion {
            version: config.version,
            author: config.author,
            note: config.note,
            created_at: config.created_at,
        });
        Self {
            items: items.collect(),
            next_cursor,
        }
    }
}

/// Which version.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct VersionPath {
    /// The office's id.
    #[param(value_type = String, example = "ofc_0199f3a100007000800000000000002a")]
    office_id: OfficeId,
    /// The version's number.
    #[param(minimum = 1, example = 3)]
    version: u64,
}

/// Which versions to compare.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Span {
    /// The one before; 0 stands for the defaults. Left out: the one before `to`.
    #[param(value_type = Option<u64>, minimum = 0)]
    from: Option<String>,
    /// The one after; 0 stands for the defaults. Left out: the newest.
    #[param(value_type = Option<u64>, minimum = 0)]
    to: Option<String>,
}

/// What two versions say differently.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ConfigDiff {
    /// The version before.
    from: u64,
    /// The version after.
    to: u64,
    /// Each difference, in the order of the fields.
    items: Vec<ConfigDifference>,
}

impl Query<Span> {
    /// The versions before and after; `newest` is asked for where nobody says.
    pub(crate) async fn read(
        self,
        newest: impl AsyncFnOnce() -> Result<u64, Problem>,
    ) -> Result<(u64, u64), Problem> {
        let (span, mut faults) = self.open();
        let number = |text: &str| {
            let number = text.parse::<u64>();
            number.map_err(|_| "the number of a version; 0 stands for the defaults")
        };
        let from = faults.read("from", span.from.as_deref(), number);
        let to = faults.read("to", span.to.as_deref(), number);
        faults.finish(PARAMETERS)?;
        let to = match to {
            Some(to) => to,
            None => newest().await?,
        };
        Ok((from.unwrap_or(to.saturating_sub(1)), to))
    }
}

impl ConfigDiff {
    /// Differences as they are shown.
    pub(crate) fn of(from: u64, to: u64, found: Vec<Difference>) -> Self {
        let items = found.into_iter().map(|difference| ConfigDifference {
            path: difference.path,
            before: difference.before,
            after: difference.after,
        });
        Self {
            from,
            to,
            items: items.collect(),
        }
    }
}

/// One place at which two versions differ.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ConfigDifference {
    /// Where: names and positions with dots between. For an entry of a list of texts, the list.
    path: String,
    /// What was there; null where there was nothing.
    before: Value,
    /// What is there; null where there is nothing any more.
    after: Value,
}

/// The versions of an office's configuration, newest first.
#[utoipa::path(
    get,
    path = "/v1/tenants/{tenant_id}/offices/{office_id}/config/versions",
    tag = "configuration",
    security(("bearer" = [])),
    params(("tenant_id" = String, Path, description = "The tenant's slug."), OfficePath, Paging),
    responses(
        (status = OK, description = "A page.", body = ConfigVersionList),
        QueryProblems,
        TenantProblems
    )
)]
pub(crate) async fn list_config_versions(
    reader: TenantReader,
    Path(path): Path<OfficePath>,
    paging: Query<Paging>,
    State(deps): State<Deps>,
) -> Result<Json<ConfigVersionList>, Problem> {
    let (limit, behind): (_, Option<BehindVersion>) = paging.read()?;
    let office = Place::of(&deps, reader.tenant(), path.office_id).await?;
    let before = behind.map(|BehindVersion(version)| version);
    let (kind, name) = (ConfigKind::Workflow, &office.name);
    let page = deps
        .store
        .config_history(&office.tenant, kind, name, before, limit)
        .await?;
    Ok(Json(ConfigVersionList::of(page)))
}

/// A version of an office's configuration.
#[utoipa::path(
    get,
    path = "/v1/tenants/{tenant_id}/offices/{office_id}/config/versions/{version}",
    tag = "configuration",
    security(("bearer" = [])),
    params(("tenant_id" = String, Path, description = "The tenant's slug."), VersionPath),
    responses(
        (status = OK, description = "The version.", body = OfficeConfig),
        TenantProblems
    )
)]
pub(crate) async fn show_config_version(
    reader: TenantReader,
    Path(path): Path<VersionPath>,
    State(deps): State<Deps>,
) -> Result<Json<OfficeConfig>, Problem> {
    let office = Place::of(&deps, reader.tenant(), path.office_id).await?;
    let version = saved(&office, &deps, path.version).await?;
    Ok(Json(OfficeConfig::new(Some(version))))
}

/// What two versions of an office's configuration say differently.
#[utoipa::path(
    get,
    path = "/v1/tenants/{tenant_id}/offices/{office_id}/config/diff",
    tag = "configuration",
    security(("bearer" = [])),
    params(("tenant_id" = String, Path, description = "The tenant's slug."), OfficePath, Span),
    responses(
        (status = OK, description = "The differences.", body = ConfigDiff),
        QueryProblems,
        TenantProblems
    )
)]
pub(crate) async fn diff_config(
    reader: TenantReader,
    Path(path): Path<OfficePath>,
    span: Query<Span>,
    State(deps): State<Deps>,
) -> Result<Json<ConfigDiff>, Problem> {
    let office = Place::of(&deps, reader.tenant(), path.office_id).await?;
    let newest = async || {
        let newest = office.version(&deps, None).await?;
        Ok(newest.map_or(0, |newest| newest.version))
    };
    let (from, to) = span.read(newest).await?;
    let json = async |version| match version {
        0 => Ok(Value::Object(Map::new())),
        version => saved(&office, &deps, version).await.map(|saved| saved.json),
    };
    let (before, after) = (json(from).await?, json(to).await?);
    let found = differences(
        &WorkflowConfig::with_defaults(&before),
        &WorkflowConfig::with_defaults(&after),
    );
    Ok(Json(ConfigDiff::of(from, to, found)))
}

/// Saves what an earlier version of an office's configuration says as a new one.
#[utoipa::path(
    post,
    path = "/v1/tenants/{tenant_id}/offices/{office_id}/config/versions/{version}/restore",
    tag = "configuration",
    security(("bearer" = [])),
    params(
        ("tenant_id" = String, Path, description = "The tenant's slug."),
        VersionPath,
        ("If-Match" = Option<String>, Header, description = "The `ETag` of the newest version. Required.")
    ),
    request_body = Restoration,
    responses(
        (
            status = OK,
            description = "The configuration as it is now.",
            body = OfficeConfig,
            headers(("ETag" = String, description = "Its version, for `If-Match`."))
        ),
        Preconditions,
        BodyProblems,
        TenantProblems
    )
)]
pub(crate) async fn restore_config_version(
    caller: TenantAdmin,
    Path(path): Path<VersionPath>,
    if_match: Result<IfMatch, Problem>,
    State(deps): State<Deps>,
    OptionalBody(body): OptionalBody<Restoration>,
) -> Result<Tagged<OfficeConfig>, Problem> {
    let office = Place::of(&deps, caller.tenant(), path.office_id).await?;
    let old = saved(&office, &deps, path.version).await?;
    // What it led to may be gone by now.
    let (restoration, mut faults) = body.open();
    let if_match = faults.header(if_match, IfMatch::Absent)?;
    let note = restoration.note(path.version, &mut faults);
    super::check(&deps, caller.tenant(), &old.json, &mut faults).await?;
    faults.finish(BODY)?;
    let act = |version| {
        let said = format!("version {} as version {version}", path.version);
        caller.act("config.restore", &path.office_id).saying(said)
    };
    let restored = office.save(&deps, old.json, note, &if_match, act).await?;
    Ok(restored.tagged())
}

async fn saved(office: &Place, deps: &Deps, version: u64) -> Result<Config, Problem> {
    let found = office.version(deps, Some(version)).await?;
    found.ok_or_else(|| Problem::not_found("There is no such version."))
}
