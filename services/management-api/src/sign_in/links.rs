//! Links to one's own address, for people who signed in before.

use std::sync::Arc;

use axum::{Extension, extract::State};
use domain::{EmailAddress, InvitationId, UserId};
use http::StatusCode;
use jiff::Timestamp;
use runtime::{Json, Problem};
use serde::{Deserialize, Serialize};
use store::{AuditAction, OneTimeCode, Purpose};
use utoipa::ToSchema;

use super::{browser::Browser, draw_code, link_of, mail::Postman, sign_in_of};
use crate::{
    Deps,
    auth::PlatformAdmin,
    body::Body,
    faults::{BODY, Faults},
    idempotency::NotKept,
    problems::{BodyProblems, PlatformProblems, SignInProblems},
};

/// Whose link it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewSignInLink, example = json!({ "email": "maria@example.com" }))]
pub(crate) struct NewLink {
    /// The person's e-mail address, in whatever case.
    email: String,
}

impl NewLink {
    fn read(&self, faults: &mut Faults) -> Option<EmailAddress> {
        faults.read("email", Some(&self.email), EmailAddress::parse)
    }
}

/// What everybody is told who asks for a link.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AskedSignInLink)]
pub(crate) struct Asked {
    /// What to look for.
    detail: &'static str,
}

/// A code that signs a person in again.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CreatedSignInLink)]
pub(crate) struct CreatedLink {
    /// The code, this once.
    code: String,
    /// The page that redeems it; null where nobody knows by which URL people reach the server.
    link: Option<String>,
    /// Until when it can be used.
    expires_at: Timestamp,
}

/// Mails somebody a link that signs them in again, once, within 10 minutes.
///
/// The answer is the same whether or not the address is anybody's. One network may ask 5 times a minute, and 3 links go
/// to one address within 10 minutes. 404 where this installation sends no mail, or people sign in at an issuer.
#[utoipa::path(
    post,
    path = "/v1/sign-in/links",
    tag = "sign-in",
    request_body = NewLink,
    responses(
        (status = ACCEPTED, description = "If the address is somebody's, a link is on its way.", body = Asked),
        BodyProblems,
        SignInProblems
    )
)]
pub(crate) async fn ask_for_link(
    browser: Browser,
    State(deps): State<Deps>,
    body: Body<NewLink>,
) -> Result<(StatusCode, Json<Asked>), Problem> {
    let sign_in = sign_in_of(&deps)?;
    let Some(postman) = sign_in.asked() else {
        return Err(Problem::not_found(if sign_in.has_oidc() {
            "People sign in at their company's issuer here: GET /v1/sign-in/oidc leads there."
        } else {
            "This installation sends no mail. Ask its operator for a link (`pipeline user link`)."
        }));
    };
    let (new, mut faults) = body.open();
    let email = new.read(&mut faults);
    faults.finish(BODY)?;
    let Some(email) = email else {
        return Err(Problem::internal("a field was neither read nor refused"));
    };
    sign_in.asked_by.take(browser.network())?;
    sign_in.asked_for.take(email.as_str().to_lowercase())?;
    let Some(room) = postman.room() else {
        return Err(Problem::unavailable(
            "Too many links are on their way. Ask again after the time in the `Retry-After` header.",
            std::time::Duration::from_secs(5),
        ));
    };
    // Nobody waits for it: the time until the answer says nothing of the address either.
    let postman = postman.clone();
    tokio::spawn(async move {
        if let Err(problem) = bring(&deps, &postman, email).await {
            tracing::error!("a link could not be made: {problem:?}");
        }
        drop(room);
    });
    let detail = "If the address is somebody's here, a link is on its way to it. It works once, within 10 minutes.";
    Ok((StatusCode::ACCEPTED, Json(Asked { detail })))
}

/// Mails a link to an address, if it is somebody's.
async fn bring(deps: &Deps, postman: &Arc<Postman>, email: EmailAddress) -> Result<(), Problem> {
    let user = deps.store.user_by_email_across_tenants(&email).await?;
    let Some(user) = user else {
        return Ok(());
    };
    let (code, kept) = make(deps, email, user.id, &user.id.to_string()).await?;
    let mailed = postman.bring(Some(&code), &kept, "").await;
    tracing::info!("{} asked for a link: {mailed:?}", user.id);
    Ok(())
}

/// Makes a code for the address of a person. The audit log of each of their tenants says so.
async fn make(
    deps: &Deps,
    email: EmailAddress,
    user: UserId,
    by: &str,
) -> Result<(String, OneTimeCode), Problem> {
    let code = draw_code()?;
    let id = InvitationId::from_uuid(deps.ids.next());
    let purpose = Purpose::Link { email };
    let kept = OneTimeCode::new(id, &code, purpose, by, deps.clock.now())?;
    let act = AuditAction::new(by, "sign_in_link.create", &id).saying(format!("signs in {user}"));
    deps.store.keep_code_across_tenants(&kept, &act).await?;
    Ok((code, kept))
}

/// Makes a code that signs in somebody who was invited before, once, within 10 minutes.
///
/// For people whose session has ended, where no mail brings them a link. Whoever has the code is that person, so only who
/// administers the platform gets it.
#[utoipa::path(
    post,
    path = "/v1/sign-in/link-codes",
    tag = "sign-in",
    security(("bearer" = [])),
    request_body = NewLink,
    responses(
        (status = CREATED, description = "The code.", body = CreatedLink),
        BodyProblems,
        PlatformProblems
    )
)]
pub(crate) async fn create_link_code(
    caller: PlatformAdmin,
    State(deps): State<Deps>,
    body: Body<NewLink>,
) -> Result<(StatusCode, Extension<NotKept>, Json<CreatedLink>), Problem> {
    sign_in_of(&deps)?;
    let (new, mut faults) = body.open();
    let email = new.read(&mut faults);
    let mut user: Option<UserId> = None;
    if let Some(email) = &email {
        let known = deps.store.user_by_email_across_tenants(email).await?;
        user = known.map(|known| known.id);
        if user.is_none() {
            faults.add("email", "the address of somebody who has signed in before");
        }
    }
    faults.finish(BODY)?;
    let (Some(email), Some(user)) = (email, user) else {
        return Err(Problem::internal("a field was neither read nor refused"));
    };
    let (code, kept) = make(&deps, email, user, caller.subject()).await?;
    tracing::info!(
        "{} made a code that signs in {user} again",
        caller.subject()
    );
    Ok((
        StatusCode::CREATED,
        Extension(NotKept),
        Json(CreatedLink {
            link: link_of(&deps, &code),
            code,
            expires_at: kept.expires_at,
        }),
    ))
}
