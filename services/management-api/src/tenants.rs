//! Tenants: which there are, and whether they take part. For platform administrators.

use axum::extract::State;
use domain::{TenantId, TenantStatus, text};
use http::StatusCode;
use runtime::{Json, Problem};
use serde::{Deserialize, Serialize};
use store::AuditAction;
use utoipa::ToSchema;

use crate::{
    Deps,
    auth::{PlatformAdmin, TenantPlatformAdmin},
    body::Body,
    cursor::Cursor as _,
    faults::{BODY, Faults, Paging},
    idempotency::IdempotencyKey,
    problems::{BodyProblems, Conflict, PlatformProblems, QueryProblems, TenantProblems},
    query::Query,
    words,
};

const MAX_NAME: usize = 200;

/// A remodeling company.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Tenant {
    /// Its slug, which does not change.
    tenant_id: String,
    /// Its name, as people read it.
    name: String,
    /// Whether its webhooks are taken.
    status: words::TenantStatus,
}

impl From<domain::Tenant> for Tenant {
    fn from(tenant: domain::Tenant) -> Self {
        Self {
            tenant_id: tenant.id.to_string(),
            name: tenant.name,
            status: tenant.status.into(),
        }
    }
}

/// A page of tenants, by id.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TenantList {
    /// The tenants.
    items: Vec<Tenant>,
    /// Send this as `cursor` to get those behind; null when there are none.
    next_cursor: Option<String>,
}

/// A tenant to be created.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "tenant_id": "acme", "name": "Acme Remodeling" }))]
pub(crate) struct NewTenant {
    /// Its slug: 1 to 63 of `a-z`, `0-9`, `_` and `-`, the first a letter or a digit. It stays for ever.
    #[schema(value_type = String, pattern = "^[a-z0-9][a-z0-9_-]{0,62}$")]
    tenant_id: TenantId,
    /// Its name, as people read it: up to 200 characters on one line.
    #[schema(min_length = 1, max_length = 200)]
    name: String,
}

/// What changes about a tenant.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "name": "Acme Remodeling" }))]
pub(crate) struct NewTenantName {
    /// Its name, as people read it: up to 200 characters on one line.
    #[schema(min_length = 1, max_length = 200)]
    name: String,
}

/// Notes it when a name is none.
fn check_name(name: &str, faults: &mut Faults) {
    if text::line(name, MAX_NAME).as_deref() != Some(name) {
        let wanted = format!("1 to {MAX_NAME} characters on one line, without spare white space");
        faults.add("name", wanted);
    }
}

/// Creates a tenant.
///
/// With an `Idempotency-Key` it can be repeated: a tenant that is there already, just as the body says, is answered
/// again.
#[utoipa::path(
    post,
    path = "/v1/tenants",
    tag = "tenants",
    security(("bearer" = [])),
    params(("Idempotency-Key" = Option<String>, Header, description = "Any text that names this call.")),
    request_body = NewTenant,
    responses(
        (status = CREATED, description = "The tenant.", body = Tenant),
        Conflict,
        BodyProblems,
        PlatformProblems
    )
)]
pub(crate) async fn create_tenant(
    caller: PlatformAdmin,
    key: IdempotencyKey,
    State(deps): State<Deps>,
    body: Body<NewTenant>,
) -> Result<(StatusCode, Json<Tenant>), Problem> {
    let (new, mut faults) = body.open();
    check_name(&new.name, &mut faults);
    faults.finish(BODY)?;
    let tenant = domain::Tenant {
        id: new.tenant_id,
        name: new.name,
        status: TenantStatus::Active,
    };
    let act = caller.act("tenant.create", &tenant.id);
    if let Err(error) = deps.store.create_tenant(&tenant, &act).await {
        let known = deps.store.tenant(&tenant.id).await.ok().flatten();
        return match known {
            Some(known) if key.0.is_some() && known.name == tenant.name => {
                Ok((StatusCode::CREATED, Json(known.into())))
            }
            _ => Err(error.into()),
        };
    }
    Ok((StatusCode::CREATED, Json(tenant.into())))
}

/// Every tenant, by id.
#[utoipa::path(
    get,
    path = "/v1/tenants",
    tag = "tenants",
    security(("bearer" = [])),
    params(Paging),
    responses(
        (status = OK, description = "A page.", body = TenantList),
        QueryProblems,
        PlatformProblems
    )
)]
pub(crate) async fn list_tenants(
    _caller: PlatformAdmin,
    paging: Query<Paging>,
    State(deps): State<Deps>,
) -> Result<Json<TenantList>, Problem> {
    let (limit, behind): (_, Option<TenantId>) = paging.read()?;
    let store = &deps.store;
    let page = store.page_of_tenants_across_tenants(behind.as_ref(), limit);
    let page = page.await?;
    let last = page.items.last().filter(|_| page.has_more);
    Ok(Json(TenantList {
        next_cursor: last.map(|tenant| tenant.id.encode()),
        items: page.items.into_iter().map(Into::into).collect(),
    }))
}

/// A tenant.
#[utoipa::path(
    get,
    path = "/v1/tenants/{tenant_id}",
    tag = "tenants",
    security(("bearer" = [])),
    params(("tenant_id" = String, Path, description = "The tenant's slug.")),
    responses((status = OK, description = "The tenant.", body = Tenant), TenantProblems)
)]
pub(crate) async fn show_tenant(
    caller: TenantPlatformAdmin,
    State(deps): State<Deps>,
) -> Result<Json<Tenant>, Problem> {
    shown(&deps, caller.tenant()).await
}

/// Gives a tenant another name. Its slug stays.
#[utoipa::path(
    put,
    path = "/v1/tenants/{tenant_id}",
    tag = "tenants",
    security(("bearer" = [])),
    params(("tenant_id" = String, Path, description = "The tenant's slug.")),
    request_body = NewTenantName,
    responses(
        (status = OK, description = "The tenant as it is now.", body = Tenant),
        BodyProblems,
        TenantProblems
    )
)]
pub(crate) async fn rename_tenant(
    caller: TenantPlatformAdmin,
    State(deps): State<Deps>,
    body: Body<NewTenantName>,
) -> Result<Json<Tenant>, Problem> {
    let (new, mut faults) = body.open();
    check_name(&new.name, &mut faults);
    faults.finish(BODY)?;
    let tenant = caller.tenant();
    let act = caller.act("tenant.rename", tenant);
    deps.store.rename_tenant(tenant, &new.name, &act).await?;
    shown(&deps, tenant).await
}

/// Suspends a tenant: its webhooks are refused as if it did not exist, within 5 seconds.
///
/// What was taken before is still worked on.
#[utoipa::path(
    post,
    path = "/v1/tenants/{tenant_id}/suspend",
    tag = "tenants",
    security(("bearer" = [])),
    params(("tenant_id" = String, Path, description = "The tenant's slug.")),
    responses((status = OK, description = "The tenant as it is now.", body = Tenant), TenantProblems)
)]
pub(crate) async fn suspend_tenant(
    caller: TenantPlatformAdmin,
    State(deps): State<Deps>,
) -> Result<Json<Tenant>, Problem> {
    let act = caller.act("tenant.suspend", caller.tenant());
    set_status(&deps, caller.tenant(), TenantStatus::Suspended, &act).await
}

/// Lets a suspended tenant take part again, within 5 seconds.
#[utoipa::path(
    post,
    path = "/v1/tenants/{tenant_id}/resume",
    tag = "tenants",
    security(("bearer" = [])),
    params(("tenant_id" = String, Path, description = "The tenant's slug.")),
    responses((status = OK, description = "The tenant as it is now.", body = Tenant), TenantProblems)
)]
pub(crate) async fn resume_tenant(
    caller: TenantPlatformAdmin,
    State(deps): State<Deps>,
) -> Result<Json<Tenant>, Problem> {
    let act = caller.act("tenant.resume", caller.tenant());
    set_status(&deps, caller.tenant(), TenantStatus::Active, &act).await
}

async fn set_status(
    deps: &Deps,
    tenant: &TenantId,
    status: TenantStatus,
    act: &AuditAction,
) -> Result<Json<Tenant>, Problem> {
    deps.store.set_tenant_status(tenant, status, act).await?;
    shown(deps, tenant).await
}

async fn shown(deps: &Deps, tenant: &TenantId) -> Result<Json<Tenant>, Problem> {
    let tenant = deps.store.tenant(tenant).await?;
    let tenant = tenant.ok_or_else(|| Problem::not_found("There is no such tenant."))?;
    Ok(Json(tenant.into()))
}
