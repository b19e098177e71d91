//! Codes by which the operator signs in.

use axum::{Extension, extract::State};
use domain::{TenantId, UserId, later, text};
use http::StatusCode;
use jiff::Timestamp;
use runtime::{Json, Problem};
use serde::{Deserialize, Serialize};
use store::{Purpose, TenantRole};
use utoipa::ToSchema;

use super::{console_code, link_of, sign_in_of};
use crate::{
    Deps,
    auth::PlatformAdmin,
    body::Body,
    faults::BODY,
    idempotency::NotKept,
    problems::{BodyProblems, PlatformProblems},
};

/// The longest name, in characters.
const MAX_SUBJECT: usize = 100;

/// Whom a code signs in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewSignInCode, example = json!({ "tenant_id": "acme", "role": "tenant_admin", "subject": "operator" }))]
pub(crate) struct NewCode {
    /// Where: the tenant's slug.
    tenant_id: String,
    /// One of `viewer`, `operator` and `tenant_admin`.
    role: String,
    /// Who it is, as the audit log shows it: up to 100 characters on one line.
    #[schema(min_length = 1, max_length = 100)]
    subject: String,
}

/// A code that signs in once.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CreatedSignInCode)]
pub(crate) struct CreatedCode {
    /// The code, this once.
    code: String,
    /// The page that redeems it; null where nobody knows by which URL people reach the server.
    link: Option<String>,
    /// Until when it can be used; it is gone when the server starts again.
    expires_at: Timestamp,
}

/// Makes a code that signs in once, in one tenant.
#[utoipa::path(
    post,
    path = "/v1/sign-in/codes",
    tag = "sign-in",
    security(("bearer" = [])),
    request_body = NewCode,
    responses(
        (status = CREATED, description = "The code.", body = CreatedCode),
        BodyProblems,
        PlatformProblems
    )
)]
pub(crate) async fn create_code(
    caller: PlatformAdmin,
    State(deps): State<Deps>,
    body: Body<NewCode>,
) -> Result<(StatusCode, Extension<NotKept>, Json<CreatedCode>), Problem> {
    sign_in_of(&deps)?;
    let (new, mut faults) = body.open();
    let role = faults.read("role", Some(&new.role), str::parse::<TenantRole>);
    let tenant = faults.read("tenant_id", Some(&new.tenant_id), TenantId::new);
    if text::line(&new.subject, MAX_SUBJECT).as_ref() != Some(&new.subject) {
        let wanted =
            format!("1 to {MAX_SUBJECT} characters on one line, without spare white space");
        faults.add("subject", wanted);
    }
    // Ids of people are theirs alone.
    if new.subject.parse::<UserId>().is_ok() || new.subject.starts_with("key_") {
        faults.add("subject", "a name, not an id");
    }
    if let Some(tenant) = &tenant
        && deps.store.tenant(tenant).await?.is_none()
    {
        faults.add("tenant_id", "a tenant that is there");
    }
    faults.finish(BODY)?;
    let (Some(role), Some(tenant)) = (role, tenant) else {
        return Err(Problem::internal("a field was neither read nor refused"));
    };
    let now = deps.clock.now();
    let purpose = Purpose::Console {
        subject: new.subject.clone(),
        tenant: tenant.clone(),
        role,
    };
    let whom = (new.subject.as_str(), &tenant, role);
    let code = console_code(
        deps.store.as_ref(),
        &deps.ids,
        now,
        whom,
        caller.subject(),
        false,
    )
    .await?;
    tracing::info!(
        "{} made a code that signs in {}",
        caller.subject(),
        new.subject
    );
    Ok((
        StatusCode::CREATED,
        Extension(NotKept),
        Json(CreatedCode {
            link: link_of(&deps, &code),
            code,
            expires_at: later(now, purpose.lasts()),
        }),
    ))
}
