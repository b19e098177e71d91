//! Creating an office.

use axum::extract::State;
use domain::{OfficeId, StoreError, TenantId, later};
use http::{HeaderName, HeaderValue, StatusCode};
use runtime::{Json, Problem};
use store::{Config, ConfigKind, NewConfig, calls::KEPT_FOR};
use uuid::Uuid;

use super::{NewOffice, Office, read, shown};
use crate::{
    Deps,
    auth::TenantAdmin,
    body::AnyBody,
    idempotency::{self, IdempotencyKey},
    preconditions::etag,
    problems::{BodyProblems, Conflict, TenantProblems},
};

/// Most offices of a tenant.
const MAX_OFFICES: usize = 500;

/// Creates an office.
///
/// Its configuration begins with the defaults. With an `Idempotency-Key` it can be repeated: the same key and body answer
/// the same office again.
#[utoipa::path(
    post,
    path = "/v1/tenants/{tenant_id}/offices",
    tag = "offices",
    security(("bearer" = [])),
    params(
        ("tenant_id" = String, Path, description = "The tenant's slug."),
        ("Idempotency-Key" = Option<String>, Header, description = "Any text that names this call.")
    ),
    request_body = NewOffice,
    responses(
        (
            status = CREATED,
            description = "The office.",
            body = Office,
            headers(("ETag" = String, description = "Its version, for `If-Match`."))
        ),
        Conflict,
        BodyProblems,
        TenantProblems
    )
)]
pub(crate) async fn create_office(
    caller: TenantAdmin,
    key: IdempotencyKey,
    State(deps): State<Deps>,
    body: AnyBody,
) -> Result<(StatusCode, [(HeaderName, HeaderValue); 1], Json<Office>), Problem> {
    let tenant = caller.tenant();
    let json = read(&body, body.faults())?;
    let id = match key.of_call(caller.subject()) {
        Some(call) => id_of_call(&deps, tenant, &call).await?,
        None => OfficeId::from_uuid(deps.ids.next()),
    };
    let known = deps.store.configs(tenant, ConfigKind::Office).await?;
    let is_there = known.iter().any(|known| known.name == id.to_string());
    let count = known.iter().filter(|known| !known.is_removed()).count();
    if count >= MAX_OFFICES && !is_there {
        return Err(Problem::conflict(format!(
            "A tenant has at most {MAX_OFFICES} offices. Remove one that is not used any more."
        )));
    }
    let new = NewConfig {
        tenant: tenant.clone(),
        kind: ConfigKind::Office,
        name: id.to_string(),
        json,
        expected: Some(0),
        note: String::new(),
    };
    match deps
        .store
        .put_config(&new, &caller.act("office.create", &id).making(1))
        .await
    {
        Ok(_) => {}
        // The same call may have come before.
        Err(StoreError::Outdated { .. }) => {
            let first = deps
                .store
                .config(tenant, ConfigKind::Office, &new.name, Some(1));
            if first.await?.is_none_or(|first| first.json != new.json) {
                return Err(
                    Problem::unprocessable("A header is not valid. See `errors`.").with_error(
                        idempotency::HEADER,
                        "a key that was not used before: this one created another office",
                    ),
                );
            }
        }
        Err(error) => return Err(error.into()),
    }
    let office = shown(&deps, tenant, id).await?;
    Ok((StatusCode::CREATED, etag(office.version), Json(office)))
}

/// The office that a call of this name creates in this tenant, however often it is made within [`KEPT_FOR`].
async fn id_of_call(deps: &Deps, tenant: &TenantId, call: &str) -> Result<OfficeId, Problem> {
    const SPACE: Uuid = Uuid::from_u128(0x2f4b_81d0_66c3_4d5e_9a07_c8e1_53b2_7f96);
    let mut times: u32 = 0;
    loop {
        // A slug holds no slash.
        let name = format!("{tenant}/{times}/{call}");
        let id = OfficeId::from_uuid(Uuid::new_v5(&SPACE, name.as_bytes()));
        let (kind, name) = (ConfigKind::Office, id.to_string());
        let first = deps.store.config(tenant, kind, &name, Some(1)).await?;
        // The name was forgotten since.
        let is_old = |first: &Config| later(first.created_at, KEPT_FOR) <= deps.clock.now();
        if !first.as_ref().is_some_and(is_old) {
            return Ok(id);
        }
        times += 1;
    }
}
