//! One source: what it is, and what of it is said anew.

use axum::extract::State;
use domain::{OfficeId, text};
use runtime::{Path, Problem};
use serde::{Deserialize, Deserializer};
use store::{ConfigKind, SourceChange, SourceUpdate};
use utoipa::ToSchema;

use super::{
    Source, SourcePath,
    create::{AccountId, check_accounts, check_name, check_office, distinct},
    find, no_source,
};
use crate::{
    Deps,
    auth::{TenantAdmin, TenantReader},
    body::Body,
    configs::Tagged,
    faults::BODY,
    preconditions::{IfMatch, Versions, etag},
    problems::{BodyProblems, Conflict, Preconditions, TenantProblems},
};

/// What changes about a source. What is left out stays as it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "name": "Website, Austin", "accounts": ["481516777"] }))]
pub(crate) struct ChangedSource {
    /// What you call it: up to 100 characters on one line; null: nothing.
    #[serde(default, deserialize_with = "said")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 100)]
    name: Option<Option<String>>,
    /// The office that its requests belong to from now on; null: the tenant's first.
    #[serde(default, deserialize_with = "said")]
    #[schema(value_type = Option<String>, pattern = "^ofc_[0-9a-f]{32}$")]
    office_id: Option<Option<OfficeId>>,
    /// The tenant's account ids at the provider, all of them, in every form that it sends. A body that names another one
    /// is kept for a person.
    #[serde(default, deserialize_with = "said")]
    #[schema(value_type = Option<Vec<AccountId>>, nullable = false, max_items = 20)]
    accounts: Option<Vec<String>>,
}

/// Tells null from what is left out.
fn said<'de, T: Deserialize<'de>, D: Deserializer<'de>>(value: D) -> Result<Option<T>, D::Error> {
    T::deserialize(value).map(Some)
}

/// A source.
#[utoipa::path(
    get,
    path = "/v1/tenants/{tenant_id}/sources/{source_id}",
    tag = "sources",
    security(("bearer" = [])),
    params(("tenant_id" = String, Path, description = "The tenant's slug."), SourcePath),
    responses(
        (
            status = OK,
            description = "The source.",
            body = Source,
            headers(("ETag" = String, description = "Its version, for `If-Match`."))
        ),
        TenantProblems
    )
)]
pub(crate) async fn show_source(
    reader: TenantReader,
    Path(path): Path<SourcePath>,
    State(deps): State<Deps>,
) -> Result<Tagged<Source>, Problem> {
    let found = find(&deps, reader.tenant(), path.source_id).await?;
    Ok(tagged(found.ok_or_else(no_source)?))
}

/// Changes a source's name, its office and its accounts, within 5 seconds: what the body leaves out stays as it is.
///
/// Requests that are there already stay with their office. Its settings, keys and state have routes of their own.
#[utoipa::path(
    patch,
    path = "/v1/tenants/{tenant_id}/sources/{source_id}",
    tag = "sources",
    security(("bearer" = [])),
    params(
        ("tenant_id" = String, Path, description = "The tenant's slug."),
        SourcePath,
        ("If-Match" = Option<String>, Header, description = "The `ETag` of the version that is changed. Required.")
    ),
    request_body = ChangedSource,
    responses(
        (
            status = OK,
            description = "The source as it is now.",
            body = Source,
            headers(("ETag" = String, description = "Its version, for `If-Match`."))
        ),
        Conflict,
        Preconditions,
        BodyProblems,
        TenantProblems
    )
)]
pub(crate) async fn update_source(
    caller: TenantAdmin,
    Path(path): Path<SourcePath>,
    if_match: Result<IfMatch, Problem>,
    State(deps): State<Deps>,
    body: Body<ChangedSource>,
) -> Result<Tagged<Source>, Problem> {
    let tenant = caller.tenant();
    let known = find(&deps, tenant, path.source_id).await?;
    let known = known.ok_or_else(no_source)?;
    let (changed, mut faults) = body.open();
    let if_match = faults.header(if_match, IfMatch::Absent)?;
    if let Some(Some(name)) = &changed.name {
        check_name(name, &mut faults);
    }
    if let Some(accounts) = &changed.accounts {
        check_accounts(accounts, &mut faults);
    }
    if let Some(Some(office)) = changed.office_id {
        check_office(&deps, tenant, office, &mut faults).await?;
    }
    faults.finish(BODY)?;
    let versions = Versions::of(&deps, tenant, ConfigKind::SourceVersion, &path.source_id)
        .with(known.as_earlier_version(deps.clock.now()));
    let expected = versions.expected(&if_match, known.version).await?;
    let update = SourceUpdate {
        expected,
        name: changed.name.unwrap_or_else(|| known.name.clone()),
        office: changed.office_id.unwrap_or(known.office),
        accounts: match changed.accounts {
            Some(accounts) => distinct(accounts),
            None => known.accounts.clone(),
        },
    };
    let Some(what) = difference(&known, &update) else {
        return Ok(tagged(known));
    };
    let act = caller
        .act("source.change", &path.source_id)
        .saying(what)
        .making(update.expected + 1);
    let change = SourceChange::Update(update);
    let changed = deps
        .store
        .change_source(tenant, path.source_id, change, &act);
    versions.written(expected, changed.await).await.map(tagged)
}

/// What an update says otherwise, for the audit log; `None`: nothing.
fn difference(known: &store::Source, update: &SourceUpdate) -> Option<String> {
    let mut parts = Vec::new();
    if known.name != update.name {
        parts.push(match &update.name {
            Some(name) => format!("called {}", text::bounded(name, 100)),
            None => "without a name".to_owned(),
        });
    }
    if known.office != update.office {
        parts.push(match update.office {
            Some(office) => format!("for the office {office}"),
            None => "for the first office".to_owned(),
        });
    }
    if known.accounts != update.accounts {
        parts.push(match update.accounts.as_slice() {
            [] => "without accounts".to_owned(),
            accounts => format!("of the accounts {}", accounts.join(", ")),
        });
    }
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// A source with the version that it has.
pub(super) fn tagged(source: store::Source) -> Tagged<Source> {
    (etag(source.version), runtime::Json(source.into()))
}
