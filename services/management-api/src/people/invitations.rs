//! Invitations: a link that makes whoever reads the mail to an address a person of the tenant.

use axum::{Extension, extract::State};
use domain::{EmailAddress, InvitationId, StoreError};
use http::StatusCode;
use jiff::Timestamp;
use runtime::{Json, Path, Problem};
use serde::{Deserialize, Serialize};
use store::{OneTimeCode, Purpose, TenantRole};
use utoipa::ToSchema;

use super::may_give;
use crate::{
    Deps,
    auth::{Role, TenantAdmin},
    body::Body,
    faults::{BODY, Faults},
    idempotency::NotKept,
    problems::{BodyProblems, Conflict, TenantProblems},
    sign_in::{draw_code, link_of, mail::Mailed, sign_in_of},
    words,
};

/// An invitation that waits for an answer.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Invitation {
    /// Its id.
    invitation_id: String,
    /// The address, in lower case.
    email: String,
    /// What the person may do.
    role: words::TenantRole,
    /// Who invites them: the subject of their token.
    invited_by: String,
    /// Since when.
    created_at: Timestamp,
    /// Until when it can be accepted.
    expires_at: Timestamp,
    /// Whether that has passed.
    is_expired: bool,
}

impl Invitation {
    fn of(code: OneTimeCode, now: Timestamp) -> Option<Self> {
        let Purpose::Invitation(invitation) = code.purpose else {
            return None;
        };
        Some(Self {
            invitation_id: code.id.to_string(),
            email: invitation.email.as_str().to_owned(),
            role: invitation.role.into(),
            invited_by: code.created_by,
            created_at: code.created_at,
            expires_at: code.expires_at,
            is_expired: now >= code.expires_at,
        })
    }
}

/// The invitations of a tenant that wait for an answer.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct InvitationList {
    /// The invitations, by id.
    items: Vec<Invitation>,
    /// Always null: there are never more than fit.
    next_cursor: Option<String>,
}

/// An invitation that was made.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CreatedInvitation {
    /// The invitation.
    invitation: Invitation,
    /// The code that signs the person in, once. Only who administers the platform gets it, to hand it over; it is shown
    /// this once.
    code: Option<String>,
    /// The page that redeems the code, for whoever gets the code, where the server knows by which URL people reach it.
    link: Option<String>,
    /// What came of the mail that brings the person the link.
    mail: Mailed,
}

/// A person to be invited.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "email": "maria@example.com", "role": "operator" }))]
pub(crate) struct NewInvitation {
    /// Their e-mail address, bare and with an `@`, such as `maria@example.com`.
    #[schema(max_length = 254, pattern = "@")]
    email: String,
    /// One of `viewer`, `operator` and `tenant_admin`.
    #[schema(value_type = words::TenantRole)]
    role: String,
}

/// The invitations of a tenant that wait for an answer.
#[utoipa::path(
    get,
    path = "/v1/tenants/{tenant_id}/invitations",
    tag = "people",
    security(("bearer" = [])),
    params(("tenant_id" = String, Path, description = "The tenant's slug.")),
    responses((status = OK, description = "The invitations.", body = InvitationList), TenantProblems)
)]
pub(crate) async fn list_invitations(
    caller: TenantAdmin,
    State(deps): State<Deps>,
) -> Result<Json<InvitationList>, Problem> {
    let codes = deps.store.invitations(caller.tenant()).await?;
    let now = deps.clock.now();
    let items = codes.into_iter();
    Ok(Json(InvitationList {
        items: items.filter_map(|code| Invitation::of(code, now)).collect(),
        next_cursor: None,
    }))
}

/// Invites a person into the tenant, for 7 days.
///
/// A mail brings them the link, where this installation sends mail (`mail` says what came of it). They accept it by
/// signing in at the company's own sign-in, where the server has one, or by its code. Whoever has the code becomes the
/// person of that address, in every tenant that invites it, so only who administers the platform gets it; others may
/// invite only where people sign in at an issuer, or a mail brings the code.
#[utoipa::path(
    post,
    path = "/v1/tenants/{tenant_id}/invitations",
    tag = "people",
    security(("bearer" = [])),
    params(("tenant_id" = String, Path, description = "The tenant's slug.")),
    request_body = NewInvitation,
    responses(
        (status = CREATED, description = "The invitation, and its code this once.", body = CreatedInvitation),
        Conflict,
        BodyProblems,
        TenantProblems
    )
)]
pub(crate) async fn create_invitation(
    caller: TenantAdmin,
    State(deps): State<Deps>,
    Body(new): Body<NewInvitation>,
) -> Result<(StatusCode, Extension<NotKept>, Json<CreatedInvitation>), Problem> {
    let mut faults = Faults::default();
    let email = faults.read("email", Some(&new.email), EmailAddress::parse);
    let role = faults.read("role", Some(&new.role), str::parse::<TenantRole>);
    faults.finish(BODY)?;
    let (Some(email), Some(role)) = (email, role) else {
        return Err(Problem::internal("a field was neither read nor refused"));
    };
    may_give(&caller, role)?;
    let is_platform_admin = caller.role() == Role::PlatformAdmin;
    if !is_platform_admin && !sign_in_of(&deps)?.reaches_people() {
        return Err(Problem::forbidden(
            "This installation sends no mail, and only its operator may have the code of an invitation. Ask for `pipeline \
             user invite`; it takes the role `platform_admin`.",
        ));
    }
    let code = draw_code()?;
    let id = InvitationId::from_uuid(deps.ids.next());
    let invitation = store::Invitation {
        tenant: caller.tenant().clone(),
        email,
        role,
    };
    let kept = OneTimeCode::new(
        id,
        &code,
        Purpose::Invitation(invitation),
        caller.subject(),
        deps.clock.now(),
    )?;
    let act = caller
        .act("invitation.create", &id)
        .saying(format!("role {role}"));
    deps.store.invite(caller.tenant(), &kept, &act).await?;
    let mail = match &deps.sign_in {
        Some(sign_in) => {
            let company = deps.store.tenant(caller.tenant()).await?;
            let company = company.map_or_else(String::new, |company| company.name);
            sign_in.bring(&code, &kept, &company).await
        }
        None => Mailed::NoSender,
    };
    let invitation = Invitation::of(kept, deps.clock.now());
    let invitation = invitation.ok_or_else(|| Problem::internal("an invitation is none"))?;
    let created = CreatedInvitation {
        invitation,
        link: link_of(&deps, &code).filter(|_| is_platform_admin),
        code: is_platform_admin.then_some(code),
        mail,
    };
    Ok((StatusCode::CREATED, Extension(NotKept), Json(created)))
}

/// Withdraws an invitation: its code signs nobody in any more.
#[utoipa::path(
    delete,
    path = "/v1/tenants/{tenant_id}/invitations/{invitation_id}",
    tag = "people",
    security(("bearer" = [])),
    params(
        ("tenant_id" = String, Path, description = "The tenant's slug."),
        ("invitation_id" = String, Path, description = "The invitation's id.", example = "inv_0199f3a100007000800000000000002a")
    ),
    responses((status = OK, description = "The invitation as it was.", body = Invitation), TenantProblems)
)]
pub(crate) async fn withdraw_invitation(
    caller: TenantAdmin,
    path: Path<(String, InvitationId)>,
    State(deps): State<Deps>,
) -> Result<Json<Invitation>, Problem> {
    let Path((_, id)) = path;
    let codes = deps.store.invitations(caller.tenant()).await?;
    let found = codes.into_iter().find(|code| code.id == id);
    let found = found.ok_or(StoreError::NotFound)?;
    let act = caller.act("invitation.withdraw", &id);
    let withdrawn = deps.store.withdraw_invitation(caller.tenant(), id, &act);
    withdrawn.await?;
    let shown = Invitation::of(found, deps.clock.now());
    shown
        .map(Json)
        .ok_or_else(|| Problem::internal("an invitation is none"))
}
