//! One source: what it is, and what of it is said anew.

use axum::extract::State;
use domain::{OfficeId, StoreError, text};
use runtime::{Path, Problem};
use serde::{Deserialize, Deserializer};
use serde_json::json;
use store::{AuditQuery, SourceChange, SourceUpdate};
use utoipa::ToSchema;

use super::{
    Source, SourcePath,
    create::{check_accounts, check_name, check_office, distinct},
    find, no_source,
};
use crate::{
    Deps,
    auth::{TenantAdmin, TenantReader},
    body::Body,
    configs::Tagged,
    faults::{BODY, Faults},
    preconditions::{IfMatch, Refused, etag, told},
    problems::{BodyProblems, Conflict, TenantProblems, VersionProblems},
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
    #[schema(nullable = false, max_items = 20)]
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
        VersionProblems,
        BodyProblems,
        TenantProblems
    )
)]
pub(crate) async fn update_source(
    caller: TenantAdmin,
    Path(path): Path<SourcePath>,
    if_match: IfMatch,
    State(deps): State<Deps>,
    Body(changed): Body<ChangedSource>,
) -> Result<Tagged<Source>, Problem> {
    let tenant = caller.tenant();
    let known = find(&deps, tenant, path.source_id).await?;
    let known = known.ok_or_else(no_source)?;
    let mut faults = Faults::default();
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
    let expected = match if_match.expected(known.version) {
        Ok(expected) => expected,
        Err(why) => return Err(refused(&deps, why, known).await),
    };
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
    match changed.await {
        Ok(source) => Ok(tagged(source)),
        Err(StoreError::Outdated { .. }) => {
            let current = find(&deps, tenant, path.source_id).await?;
            let current = current.ok_or_else(no_source)?;
            Err(refused(&deps, Refused::Outdated, current).await)
        }
        Err(error) => Err(error.into()),
    }
}

/// What a caller is told whose change was not made: 428, or 412 with the source as it is now, and who made it so. Of the
/// version that they saw only what the audit log says is kept.
async fn refused(deps: &Deps, why: Refused, current: store::Source) -> Problem {
    let told = told(why);
    if why == Refused::Unsaid {
        return told;
    }
    let changes = AuditQuery {
        object: Some(current.id.to_string()),
        ..AuditQuery::newest(20)
    };
    let log = match deps.store.audit_log(&current.tenant, &changes).await {
        Ok(page) => page.items,
        Err(error) => return error.into(),
    };
    let mut log = log.into_iter();
    let last = log.find(|entry| matches!(entry.action.as_str(), "source.change" | "source.create"));
    let (author, note, at) = last.map_or_else(
        || (String::new(), String::new(), deps.clock.now()),
        |entry| (entry.actor, entry.detail, entry.at),
    );
    let current = json!({
        "version": current.version,
        "config": { "name": current.name, "office_id": current.office, "accounts": current.accounts },
        "author": author,
        "note": note,
        "created_at": at,
    });
    told.with_member("seen", json!(null))
        .with_member("current", current)
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

fn tagged(source: store::Source) -> Tagged<Source> {
    (etag(source.version), runtime::Json(source.into()))
}
