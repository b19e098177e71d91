//! Opening, refreshing and ending a session.

use axum::{extract::State, response::IntoResponse};
use http::{HeaderMap, StatusCode, header::SET_COOKIE};
use runtime::{Json, Problem};
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use store::{Refreshed, Session, TokenHash};
use utoipa::ToSchema;

use super::{Token, browser::Browser, draw_session, sign_in_of};
use crate::{
    Deps,
    body::Body,
    problems::{BodyProblems, SignInProblems},
    random_bytes,
    secret_text::SecretText,
};

/// A code that signs in once.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SignInCode, example = json!({ "code": "mFxg8cI1zq0H3n2v5y7A9bCdEfGhIjKlMnOpQrStUvW" }))]
pub(crate) struct Code {
    /// What the server printed at its start, what came with an invitation, or what a mail brought.
    #[schema(value_type = String, write_only)]
    code: SecretText,
}

/// That nobody is signed in any more.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SignedOut {
    /// Whether somebody was.
    was_signed_in: bool,
}

type Answer = (StatusCode, HeaderMap, Json<Token>);

/// Signs in by a code, which works once. The answer sets the cookie of the session.
#[utoipa::path(
    post,
    path = "/v1/sign-in",
    tag = "sign-in",
    request_body = Code,
    responses(
        (status = OK, description = "The first token.", body = Token),
        BodyProblems,
        SignInProblems
    )
)]
pub(crate) async fn sign_in(
    browser: Browser,
    State(deps): State<Deps>,
    body: Body<Code>,
) -> Result<Answer, Problem> {
    let sign_in = sign_in_of(&deps)?;
    sign_in.refused.check(browser.network())?;
    let given = body.read()?;
    let new = draw_session(&browser, None)?;
    let hash = TokenHash::of(given.code.0.expose_secret());
    let session = match deps.store.redeem_code_across_tenants(&hash, &new).await {
        Err(domain::StoreError::NotFound) => {
            sign_in.refused.take(browser.network())?;
            return Err(Problem::not_found(
                "There is no such code. Copy it whole, or get a new one.",
            ));
        }
        other => other?,
    };
    tracing::info!(session.id = %session.id, "{} signed in", session.holder.subject());
    let token = sign_in.token(&deps, &session).await?;
    Ok((StatusCode::OK, browser.keep(&new.cookie)?, Json(token)))
}

/// Gives whoever is signed in the next token, and the session's cookie a new secret.
///
/// Two tabs may do so at once. A cookie that was replaced longer than 10 seconds ago is somebody's copy: it ends the
/// session.
#[utoipa::path(
    post,
    path = "/v1/sign-in/refresh",
    tag = "sign-in",
    security(("session" = [])),
    responses((status = OK, description = "The next token.", body = Token), SignInProblems)
)]
pub(crate) async fn refresh_sign_in(
    browser: Browser,
    State(deps): State<Deps>,
) -> Result<impl IntoResponse, Problem> {
    let sign_in = sign_in_of(&deps)?;
    let Some(cookie) = browser.session() else {
        return Err(nobody());
    };
    sign_in.refused.check(browser.network())?;
    let refreshed =
        deps.store
            .refresh_session_across_tenants(&cookie, random_bytes()?, browser.address());
    let (session, cookie) = match refreshed.await? {
        Refreshed::Goes {
            session,
            cookie,
            is_repeat,
        } => {
            if let Some(oidc) = &sign_in.oidc
                && let Err(problem) = oidc.confirm(&deps, &session, is_repeat).await
            {
                return Err(with_cookies(problem, &browser.keep(&cookie)?));
            }
            (session, cookie)
        }
        Refreshed::Ended => {
            sign_in.refused.take(browser.network())?;
            return Err(nobody());
        }
        Refreshed::Stolen(id) => {
            tracing::warn!(session.id = %id, "a session's old cookie was used: the session was ended");
            return Err(Problem::unauthorized(
                "This sign-in was used from a copy of its cookie, and was ended everywhere. Sign in again, and sign out \
                 on devices that you do not know.",
            ));
        }
    };
    let token = sign_in.token(&deps, &session).await?;
    Ok((browser.keep(&cookie)?, Json(token)))
}

/// A browser keeps the cookie that replaced its own, even if there is no token now.
fn with_cookies(problem: Problem, headers: &HeaderMap) -> Problem {
    let cookie = headers.get(SET_COOKIE).cloned();
    cookie.into_iter().fold(problem, |problem, cookie| {
        problem.with_header(SET_COOKIE, cookie)
    })
}

/// Signs out here: the session ends, its tokens within 10 minutes.
#[utoipa::path(
    delete,
    path = "/v1/sign-in",
    tag = "sign-in",
    security((), ("session" = [])),
    responses((status = OK, description = "Nobody is signed in here now.", body = SignedOut), SignInProblems)
)]
pub(crate) async fn sign_out(
    browser: Browser,
    State(deps): State<Deps>,
) -> Result<impl IntoResponse, Problem> {
    let session = match browser.session() {
        Some(_) => held(&deps, &browser).await.ok(),
        None => None,
    };
    let was_signed_in = match session {
        Some(session) => deps.store.end_session_across_tenants(session.id).await?,
        None => false,
    };
    Ok((browser.forget()?, Json(SignedOut { was_signed_in })))
}

/// The session of this browser.
///
/// # Errors
/// 401 when nobody is signed in there.
pub(super) async fn held(deps: &Deps, browser: &Browser) -> Result<Session, Problem> {
    let sign_in = sign_in_of(deps)?;
    let Some(cookie) = browser.session() else {
        return Err(nobody());
    };
    sign_in.refused.check(browser.network())?;
    let family = TokenHash::of(&cookie.family);
    let session = deps.store.session_across_tenants(&family).await?;
    let now = deps.clock.now();
    let Some(session) = session.filter(|session| session.is_held_by(&cookie, now)) else {
        sign_in.refused.take(browser.network())?;
        return Err(nobody());
    };
    Ok(session)
}

pub(super) fn nobody() -> Problem {
    Problem::unauthorized("Nobody is signed in here, or no longer. Sign in again.")
}
