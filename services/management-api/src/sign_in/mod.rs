//! Signing in: a code that works once, or the company's own sign-in, opens a session. What survives a reload is a cookie
//! that only these routes read; everything else takes the short token that a refresh gives.

mod browser;
pub(crate) mod codes;
pub(crate) mod devices;
pub(crate) mod links;
pub(crate) mod mail;
pub mod oidc;
pub(crate) mod page;
pub(crate) mod session;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::{Clock, EmailAddress, InvitationId, TenantId, later};
use jiff::Timestamp;
use jwks::Keys;
use runtime::{Network, Problem};
use secrecy::ExposeSecret as _;
use serde::Serialize;
use store::{
    AuditAction, Holder, IdSource, NewSession, OneTimeCode, Purpose, Session, Store, TenantRole,
};
use utoipa::ToSchema;

use crate::{
    Deps,
    auth::{PerMinute, Role, SignedIn, SigningKey, Trust},
    random_bytes,
};
pub(crate) use browser::NAME as SESSION_COOKIE;
pub use mail::{Postman, SignInMailConfig};
use oidc::Oidc;

/// How long a token is good for.
const TOKEN_LIFE: Duration = Duration::from_secs(10 * 60);
/// How long a link is good for that somebody asked for.
const LINK_LIFE: Duration = Duration::from_secs(10 * 60);
/// Codes and cookies of one network that were refused within a minute.
const REFUSED_PER_MINUTE: u32 = 30;
/// Random bytes of a code, and of each part of a cookie.
const SECRET_BYTES: usize = 32;

/// The page on which people sign in. What they sign in by is in the fragment, which reaches no log.
pub const PAGE: &str = "/sign-in";
/// Links that one network may ask for within a minute.
const LINKS_PER_MINUTE: u32 = 5;
/// Links to one address within the time that the first is good.
const LINKS_PER_ADDRESS: u32 = 3;

/// What the tokens that the product signs itself say of their issuer, and whom they are for.
pub fn own_trust() -> Trust {
    Trust {
        issuer: "pipeline".to_owned(),
        audience: "pipeline-api".to_owned(),
    }
}

/// Lets people sign in at this server, which signs their tokens itself.
pub struct SignIn {
    key: SigningKey,
    trust: Trust,
    refused: PerMinute<Network>,
    asked_by: PerMinute<Network>,
    asked_for: PerMinute<String>,
    oidc: Option<Oidc>,
    platform_admins: BTreeSet<EmailAddress>,
    postman: Option<Arc<Postman>>,
}

impl SignIn {
    /// With the key that signs tokens, and what they say of their issuer. A verifier must know both.
    pub fn new(key: SigningKey, trust: Trust, clock: Arc<dyn Clock>) -> Self {
        Self {
            key,
            trust,
            refused: PerMinute::new(REFUSED_PER_MINUTE, clock.clone()),
            asked_by: PerMinute::new(LINKS_PER_MINUTE, clock.clone()),
            asked_for: PerMinute::within(LINK_LIFE, LINKS_PER_ADDRESS, clock),
            oidc: None,
            platform_admins: BTreeSet::new(),
            postman: None,
        }
    }

    /// Also by the company's own sign-in. Those of `platform_admins`, in lower case, who come by it administer the
    /// platform.
    #[must_use]
    pub fn with_oidc(self, oidc: Oidc, platform_admins: BTreeSet<EmailAddress>) -> Self {
        Self {
            oidc: Some(oidc),
            platform_admins,
            ..self
        }
    }

    /// Also by links that this sender brings.
    #[must_use]
    pub fn with_mail(self, postman: Option<Postman>) -> Self {
        Self {
            postman: postman.map(Arc::new),
            ..self
        }
    }

    /// The key that signs what is signed here.
    pub(crate) const fn key(&self) -> &SigningKey {
        &self.key
    }

    /// What tells the signatures of its own key from others.
    pub(crate) fn own_keys(&self) -> Keys {
        Keys::Given(Arc::new(self.key.key_set()))
    }

    pub(crate) const fn has_oidc(&self) -> bool {
        self.oidc.is_some()
    }

    /// Who brings the links that were asked for; none where people sign in at an issuer, or nobody sends mail.
    fn asked(&self) -> Option<&Arc<Postman>> {
        self.postman.as_ref().filter(|_| !self.has_oidc())
    }

    /// Whether whoever is invited can come in without anybody handing them a code.
    pub(crate) const fn reaches_people(&self) -> bool {
        self.has_oidc() || self.postman.is_some()
    }

    /// Mails an invitation: with its code, or to who signs in at an issuer without.
    pub(crate) async fn bring(
        &self,
        code: &str,
        kept: &OneTimeCode,
        company: &str,
    ) -> mail::Mailed {
        let code = Some(code).filter(|_| !self.has_oidc());
        match &self.postman {
            Some(postman) => postman.bring(code, kept, company).await,
            None => mail::Mailed::NoSender,
        }
    }

    /// The token of whoever holds this session, with the roles that they have now.
    async fn token(&self, deps: &Deps, session: &Session) -> Result<Token, Problem> {
        let (tenant_roles, is_platform_admin) = match &session.holder {
            Holder::User(user) => {
                let memberships = deps.store.memberships_across_tenants(*user).await?;
                let user = deps.store.user_across_tenants(*user).await?;
                // Who the issuer vouches for, and nobody who only had a code.
                let is_admin = session.issuer_token.is_some()
                    && user.is_some_and(|user| self.platform_admins.contains(&user.email));
                (memberships, is_admin)
            }
            Holder::Console { tenant, role, .. } => (vec![(tenant.clone(), *role)], false),
        };
        let roles = tenant_roles.into_iter();
        let who = SignedIn {
            subject: session.holder.subject(),
            tenant_roles: roles
                .map(|(tenant, role)| (tenant, Role::from(role)))
                .collect::<BTreeMap<_, _>>(),
            is_platform_admin,
        };
        let now = deps.clock.now();
        let expires_at = later(now, TOKEN_LIFE);
        let token = self.key.mint_for(&self.trust, &who, now, expires_at);
        let token = token.map_err(Problem::internal)?;
        Ok(Token {
            token: token.expose_secret().to_owned(),
            expires_at,
        })
    }
}

/// A token of somebody who is signed in.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SignInToken)]
pub(crate) struct Token {
    /// It is sent as `Authorization: Bearer <token>`.
    token: String,
    /// Until when it is good. A refresh gives the next one.
    expires_at: Timestamp,
}

/// How people sign in here.
pub(crate) fn sign_in_of(deps: &Deps) -> Result<&Arc<SignIn>, Problem> {
    deps.sign_in.as_ref().ok_or_else(|| {
        Problem::not_found(
            "Nobody signs in at this server: bring a token of its issuer. Its operator can change that by the setting \
             SESSION_KEY.",
        )
    })
}

/// The link to the page that redeems a code; none where nobody knows by which URL people reach the server.
pub(crate) fn link_of(deps: &Deps, code: &str) -> Option<String> {
    let base = Some(&deps.public_url).filter(|base| !base.is_empty())?;
    Some(format!("{base}{PAGE}#code={code}"))
}

/// A code that works once.
pub(crate) fn draw_code() -> Result<String, Problem> {
    Ok(URL_SAFE_NO_PAD.encode(random_bytes::<SECRET_BYTES>()?))
}

/// A session to be opened in this browser.
fn draw_session(
    browser: &browser::Browser,
    issuer_token: Option<Vec<u8>>,
) -> Result<NewSession, Problem> {
    Ok(NewSession {
        cookie: store::SessionCookie {
            family: draw_code()?,
            rotating: draw_code()?,
        },
        salt: random_bytes()?,
        device: browser.device(),
        issuer_token,
    })
}

/// Makes a code by which the operator signs in once, within 24 hours and until the server starts again; `replace` removes
/// those before. `by` is who makes it, as the tenant's audit log shows it.
///
/// # Errors
/// When there are no random bytes, or the store fails.
pub async fn console_code(
    store: &dyn Store,
    ids: &IdSource,
    now: Timestamp,
    (subject, tenant, role): (&str, &TenantId, TenantRole),
    by: &str,
    replace: bool,
) -> Result<String, Problem> {
    if replace {
        store.remove_console_codes_across_tenants().await?;
    }
    let code = draw_code()?;
    let purpose = Purpose::Console {
        subject: subject.to_owned(),
        tenant: tenant.clone(),
        role,
    };
    let id = InvitationId::from_uuid(ids.next());
    let kept = OneTimeCode::new(id, &code, purpose, by, now)?;
    let act = AuditAction::new(by, "sign_in_code.create", &id)
        .saying(format!("signs in {subject}, role {role}"));
    store.keep_code_across_tenants(&kept, &act).await?;
    Ok(code)
}
