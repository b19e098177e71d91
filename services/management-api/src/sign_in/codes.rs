//! Codes by which the operator signs in.

use axum::extract::State;
use domain::{EmailAddress, InvitationId, TenantId, UserId, later, text};
use http::StatusCode;
use jiff::Timestamp;
use runtime::{Json, Problem};
use serde::{Deserialize, Serialize};
use store::{OneTimeCode, Purpose, TenantRole};
use utoipa::ToSchema;

use super::{console_code, draw_code, sign_in_of};
use crate::{
    Deps,
    auth::PlatformAdmin,
    faults::{BODY, Faults},
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
    subject: String,
}

/// A code that signs in once.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CreatedSignInCode)]
pub(crate) struct CreatedCode {
    /// The code, this once.
    code: String,
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
    Json(new): Json<NewCode>,
) -> Result<(StatusCode, Json<CreatedCode>), Problem> {
    sign_in_of(&deps)?;
    let mut faults = Faults::default();
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
    let code = console_code(deps.store.as_ref(), &deps.ids, now, whom, false).await?;
    tracing::info!(
        "{} made a code that signs in {}",
        caller.subject(),
        new.subject
    );
    Ok((
        StatusCode::CREATED,
        Json(CreatedCode {
            code,
            expires_at: later(now, purpose.lasts()),
        }),
    ))
}

/// Whom a code signs in again.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewSignInLink, example = json!({ "email": "maria@example.com" }))]
pub(crate) struct NewLink {
    /// The person's e-mail address, in whatever case.
    email: String,
}

/// Makes a code that signs in somebody who was invited before, once, within 10 minutes.
///
/// For people whose session has ended, where they cannot sign in at an issuer. Whoever has the code is that person, so
/// only who administers the platform gets it.
#[utoipa::path(
    post,
    path = "/v1/sign-in/links",
    tag = "sign-in",
    security(("bearer" = [])),
    request_body = NewLink,
    responses(
        (status = CREATED, description = "The code.", body = CreatedCode),
        BodyProblems,
        PlatformProblems
    )
)]
pub(crate) async fn create_link(
    caller: PlatformAdmin,
    State(deps): State<Deps>,
    Json(new): Json<NewLink>,
) -> Result<(StatusCode, Json<CreatedCode>), Problem> {
    sign_in_of(&deps)?;
    let mut faults = Faults::default();
    let email = faults.read("email", Some(&new.email), EmailAddress::parse);
    if let Some(email) = &email
        && deps
            .store
            .user_by_email_across_tenants(email)
            .await?
            .is_none()
    {
        faults.add("email", "the address of somebody who has signed in before");
    }
    faults.finish(BODY)?;
    let Some(email) = email else {
        return Err(Problem::internal("a field was neither read nor refused"));
    };
    let code = draw_code()?;
    let id = InvitationId::from_uuid(deps.ids.next());
    let (purpose, now) = (Purpose::Link { email }, deps.clock.now());
    let kept = OneTimeCode::new(id, &code, purpose, caller.subject(), now)?;
    deps.store.keep_code_across_tenants(&kept).await?;
    tracing::info!(
        "{} made a code that signs in a person again",
        caller.subject()
    );
    Ok((
        StatusCode::CREATED,
        Json(CreatedCode {
            code,
            expires_at: kept.expires_at,
        }),
    ))
}
