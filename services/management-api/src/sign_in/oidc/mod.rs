//! The company's own sign-in: `OpenID` Connect, the authorization code flow with PKCE. The issuer only says whose e-mail
//! address it is; roles are those of that person here, and tokens are the product's own.
//!
//! Source: `OpenID` Connect Core 1.0, `OpenID` Connect Discovery 1.0, RFC 7636 (PKCE), RFC 9207 (`iss` in the answer).

mod config;
mod issuer;
mod sealed;

use std::{sync::Arc, time::Duration};

use axum::extract::State;
use domain::{Clock, later};
use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{LOCATION, SET_COOKIE},
};
use http_client::Client;
use runtime::{Problem, Query};
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use store::{Holder, Session};
use utoipa::IntoParams;

pub use self::{
    config::{OidcConfig, SignInConfig},
    sealed::SessionKey,
};
use self::{
    issuer::{Issuer, IssuerError},
    sealed::{Attempt, Seal},
};
use super::{
    PAGE,
    browser::{Browser, Navigation},
    draw_code, draw_session,
    page::Refused,
    session::nobody,
    sign_in_of,
};
use crate::{
    Deps,
    problems::{SignInProblems, UnreadQuery},
};

/// The cookie that an attempt is kept in, and the only path that it is sent to.
const COOKIE: &str = "pipeline_oidc";
const PATH: &str = "/v1/sign-in/oidc";
/// How long an attempt may take.
const ATTEMPT: Duration = Duration::from_secs(10 * 60);
/// For how long people stay signed in although their issuer does not answer.
const UNCONFIRMED: Duration = Duration::from_secs(60 * 60);
/// The longest parameter of an answer that is looked at, in bytes.
const MAX_PARAMETER: usize = 4 * 1024;

/// Signs people in by an issuer.
pub struct Oidc {
    issuer: Issuer,
    seal: Seal,
}

impl Oidc {
    /// Asks this issuer through this client; `public_url` is where people reach the server, and the seal's key comes from
    /// `key`. Nothing is asked yet.
    ///
    /// # Errors
    /// When the cryptographic library fails.
    pub fn new(
        config: &OidcConfig,
        public_url: &str,
        key: &SessionKey,
        http: Client,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, crate::auth::KeyError> {
        let redirect_uri = format!("{public_url}{PATH}/callback");
        Ok(Self {
            issuer: Issuer::new(config.clone(), redirect_uri, http, clock),
            seal: Seal::new(key)?,
        })
    }

    /// Asks the issuer whether the person may stay signed in, unless another call has just done so. An answer is believed
    /// for an hour while the issuer gives no other.
    ///
    /// # Errors
    /// 401 when they may not, and the session is ended then; 503 when it could not be asked for too long.
    pub(super) async fn confirm(
        &self,
        deps: &Deps,
        session: &Session,
        is_repeat: bool,
    ) -> Result<(), Problem> {
        let Some(sealed) = &session.issuer_token else {
            return Ok(());
        };
        let owner = session.family.as_bytes();
        let token = self.seal.open(sealed, owner);
        // The issuer gave nothing to ask it by.
        if token
            .as_ref()
            .is_some_and(|token| token.expose_secret().is_empty())
        {
            return Ok(());
        }
        let confirmed_at = session.confirmed_at.unwrap_or(session.created_at);
        let is_believed = deps.clock.now() < later(confirmed_at, UNCONFIRMED);
        if is_repeat {
            return is_believed.then_some(()).ok_or_else(unavailable);
        }
        let asked = match token {
            Some(token) => self.issuer.refresh(&token).await,
            // The server's key was changed since.
            None => Err(IssuerError::Refused),
        };
        match asked {
            Ok(token) => {
                let sealed = self.seal.seal(token.expose_secret(), owner)?;
                let confirmed = deps
                    .store
                    .confirm_session_across_tenants(session.id, &sealed);
                Ok(confirmed.await?)
            }
            Err(IssuerError::Refused) => {
                deps.store.end_session_across_tenants(session.id).await?;
                Err(nobody())
            }
            Err(IssuerError::Unavailable(error)) => {
                tracing::warn!(
                    "the issuer could not be asked whether somebody may stay signed in: {error}"
                );
                is_believed.then_some(()).ok_or_else(unavailable)
            }
        }
    }
}

/// Leads to the company's own sign-in.
#[utoipa::path(
    get,
    path = "/v1/sign-in/oidc",
    tag = "sign-in",
    responses((status = FOUND, description = "The issuer's page."), SignInProblems)
)]
pub(crate) async fn start_oidc(
    Navigation(caller): Navigation,
    State(deps): State<Deps>,
) -> Result<(StatusCode, HeaderMap), Problem> {
    let oidc = oidc_of(&deps)?;
    let attempt = Attempt {
        state: draw_code()?,
        nonce: draw_code()?,
        verifier: draw_code()?,
        ends_at: later(deps.clock.now(), ATTEMPT),
    };
    let url = oidc
        .issuer
        .authorization_url(&attempt)
        .await
        .map_err(|error| {
            tracing::warn!("the issuer's sign-in cannot be reached: {error}");
            unavailable()
        })?;
    let sealed = oidc.seal.seal_attempt(&attempt)?;
    let age = ATTEMPT.as_secs();
    // Lax, because a page of the issuer leads back.
    let cookie = format!("{COOKIE}={sealed}; Path={PATH}; Max-Age={age}; HttpOnly; SameSite=Lax");
    let mut headers = caller.browser.set([cookie])?;
    let location = HeaderValue::try_from(url).map_err(Problem::internal)?;
    headers.insert(LOCATION, location);
    Ok((StatusCode::FOUND, headers))
}

/// What the issuer says. It may say more.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Answer {
    /// The code that is exchanged for who it is.
    code: Option<String>,
    /// What we gave it along.
    state: Option<String>,
    /// Why nobody is signed in.
    error: Option<String>,
    /// Who answers.
    iss: Option<String>,
}

/// Where the company's own sign-in leads back to. The answer sets the cookie of the session, and leads to the page that
/// says who is signed in, or why nobody is (`#refused=…`).
#[utoipa::path(
    get,
    path = "/v1/sign-in/oidc/callback",
    tag = "sign-in",
    params(Answer),
    responses(
        (status = SEE_OTHER, description = "The page on which people sign in."),
        UnreadQuery,
        SignInProblems
    )
)]
pub(crate) async fn finish_oidc(
    Navigation(caller): Navigation,
    Query(answer): Query<Answer>,
    State(deps): State<Deps>,
) -> Result<(StatusCode, HeaderMap), Problem> {
    let (sign_in, oidc) = (sign_in_of(&deps)?, oidc_of(&deps)?);
    let browser = &caller.browser;
    sign_in.refused.check(browser.network())?;
    let (mut headers, fragment) = match vouched_for(&deps, oidc, browser, answer).await? {
        Ok((session, headers)) => {
            tracing::info!(session.id = %session.id, "{} signed in by the issuer", session.holder.subject());
            (headers, String::new())
        }
        Err(refused) => {
            if refused != Refused::Unavailable {
                sign_in.refused.take(browser.network())?;
            }
            (browser.set([])?, format!("#refused={}", refused.as_str()))
        }
    };
    let done = browser.set([format!(
        "{COOKIE}=; Path={PATH}; Max-Age=0; HttpOnly; SameSite=Lax"
    )])?;
    for cookie in done.get_all(SET_COOKIE) {
        headers.append(SET_COOKIE, cookie.clone());
    }
    let page = HeaderValue::try_from(format!("{PAGE}{fragment}")).map_err(Problem::internal)?;
    headers.insert(LOCATION, page);
    Ok((StatusCode::SEE_OTHER, headers))
}

/// Opens the session of who the issuer vouches for; the headers give the browser its cookie. Else why nobody came in.
async fn vouched_for(
    deps: &Deps,
    oidc: &Oidc,
    browser: &Browser,
    answer: Answer,
) -> Result<Result<(Session, HeaderMap), Refused>, Problem> {
    let now = deps.clock.now();
    let attempt = browser
        .cookie(COOKIE)
        .and_then(|sealed| oidc.seal.open_attempt(sealed));
    let Some(attempt) = attempt.filter(|attempt| now < attempt.ends_at) else {
        return Ok(Err(Refused::OtherAttempt));
    };
    if answer.state.as_deref() != Some(attempt.state.as_str()) {
        return Ok(Err(Refused::OtherAttempt));
    }
    if answer.iss.is_some_and(|iss| iss != oidc.issuer.name()) {
        return Ok(Err(Refused::NotVouched));
    }
    let code = answer.code.filter(|code| code.len() <= MAX_PARAMETER);
    let (Some(code), None) = (code, answer.error) else {
        return Ok(Err(Refused::NotVouched));
    };
    let vouched = match oidc.issuer.exchange(&code, &attempt, now).await {
        Ok(vouched) => vouched,
        Err(IssuerError::Refused) => return Ok(Err(Refused::NotVouched)),
        Err(IssuerError::Unavailable(error)) => {
            tracing::warn!("the issuer's answer could not be exchanged: {error}");
            return Ok(Err(Refused::Unavailable));
        }
    };
    let Some(email) = vouched.email else {
        return Ok(Err(Refused::NotVerified));
    };
    let is_admin = sign_in_of(deps)?.platform_admins.contains(&email);
    let user = deps
        .store
        .accept_invitations_across_tenants(&email, &vouched.name)
        .await?;
    let user = match user {
        Some(user) => user,
        None if is_admin => {
            let ensured = deps.store.ensure_user_across_tenants(&email, &vouched.name);
            ensured.await?
        }
        None => return Ok(Err(Refused::NotInvited)),
    };
    let mut new = draw_session(browser, None)?;
    let family = store::TokenHash::of(&new.cookie.family);
    // An empty one still says that an issuer vouched for them.
    let token = vouched.refresh_token.unwrap_or_default();
    new.issuer_token = Some(oidc.seal.seal(token.expose_secret(), family.as_bytes())?);
    let holder = Holder::User(user.id);
    let opened = deps.store.open_session_across_tenants(&holder, &new);
    Ok(Ok((opened.await?, browser.keep(&new.cookie)?)))
}

fn oidc_of(deps: &Deps) -> Result<&Oidc, Problem> {
    let oidc = sign_in_of(deps)?.oidc.as_ref();
    oidc.ok_or_else(|| {
        Problem::not_found(
            "This server has no issuer to sign in at. Its operator can name one by the setting OIDC_ISSUER.",
        )
    })
}

fn unavailable() -> Problem {
    Problem::unavailable(
        "The company's sign-in does not answer. Try again after the time in the `Retry-After` header.",
        Duration::from_secs(10),
    )
}
