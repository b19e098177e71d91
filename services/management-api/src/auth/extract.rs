//! The extractors by which a handler says who may call it.

use std::{
    marker::PhantomData,
    net::{IpAddr, Ipv4Addr},
    sync::{Arc, Mutex, PoisonError},
};

use axum::extract::{FromRequestParts, RawPathParams};
use domain::{Tenant, TenantId, TenantStatus, text};
use http::{
    HeaderValue,
    header::{AUTHORIZATION, WWW_AUTHENTICATE},
    request::Parts,
};
use jiff::Timestamp;
use runtime::{ClientAddr, Problem};
use store::{AuditAction, Scope};

use super::{API_KEY_PREFIX, Caller, Refusal, Role, VerifyError};
use crate::{Deps, problems};

/// The longest name of a caller that is kept, in characters.
const MAX_SUBJECT: usize = 200;

/// Proof that the caller has at least the role `L` for the tenant of the path, and that there is such a tenant.
///
/// Rejections: 401 without a valid token; 404 when the token is not for the tenant, or there is none; 403 when its
/// role is not enough.
#[derive(Debug)]
pub(crate) struct TenantCaller<L> {
    tenant: TenantId,
    subject: String,
    role: Role,
    is_program: bool,
    valid_until: Timestamp,
    least: PhantomData<L>,
}

/// Who may read a tenant.
pub(crate) type TenantReader = TenantCaller<least::Viewer>;
/// Who may decide about a tenant's requests and let its stopped work go on.
pub(crate) type TenantOperator = TenantCaller<least::Operator>;
/// Who may change how a tenant is set up.
pub(crate) type TenantAdmin = TenantCaller<least::TenantAdmin>;
/// Who may suspend a tenant.
pub(crate) type TenantPlatformAdmin = TenantCaller<least::PlatformAdmin>;

/// The least role of a [`TenantCaller`], as a type.
pub(crate) trait Least {
    const ROLE: Role;
}

mod least {
    use super::{Least, Role};

    macro_rules! least {
        ($($name:ident)+) => {$(
            #[derive(Debug)]
            pub(crate) struct $name;

            impl Least for $name {
                const ROLE: Role = Role::$name;
            }
        )+};
    }

    least! { Viewer Operator TenantAdmin PlatformAdmin }
}

impl<L> TenantCaller<L> {
    /// The tenant.
    pub(crate) fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    /// Who they are, as the audit log shows them.
    pub(crate) fn subject(&self) -> &str {
        &self.subject
    }

    /// What they may do here.
    pub(crate) const fn role(&self) -> Role {
        self.role
    }

    /// Whether it is a program that calls by a key of its own.
    pub(crate) const fn is_program(&self) -> bool {
        self.is_program
    }

    /// When their token ends.
    pub(crate) const fn valid_until(&self) -> Timestamp {
        self.valid_until
    }

    /// What they do, for the audit log.
    pub(crate) fn act(&self, action: &'static str, object: &impl ToString) -> AuditAction {
        AuditAction::new(&self.subject, action, object)
    }
}

impl<L: Least> FromRequestParts<Deps> for TenantCaller<L> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, deps: &Deps) -> Result<Self, Problem> {
        let caller = caller(parts, deps).await?;
        let tenant = tenant_of_path(parts, deps).await;
        let tenant = tenant.filter(|tenant| caller.sees(tenant));
        let tenant = tenant.ok_or_else(no_tenant)?;
        let role = require(caller.role_in(&tenant), L::ROLE)?;
        let known = deps.store.tenant(&tenant).await?;
        known.ok_or_else(no_tenant)?;
        Ok(Self {
            tenant,
            subject: subject(&caller),
            role,
            is_program: caller.is_program(),
            valid_until: caller.valid_until(),
            least: PhantomData,
        })
    }
}

/// Proof that the caller may post leads of the tenant of the path: by a key with the scope `ingest`, or by the role
/// [`Role::Operator`]. Rejections: as of [`TenantCaller`].
#[derive(Debug)]
pub(crate) struct LeadSender {
    tenant: Tenant,
    subject: String,
    is_program: bool,
}

impl LeadSender {
    /// The scope of keys that opens it.
    pub(crate) const SCOPE: Scope = Scope::Ingest;

    /// The tenant.
    pub(crate) fn tenant(&self) -> &TenantId {
        &self.tenant.id
    }

    /// Whether the tenant takes part.
    pub(crate) fn is_active(&self) -> bool {
        self.tenant.status == TenantStatus::Active
    }

    /// Who they are, as deliveries show them.
    pub(crate) fn subject(&self) -> &str {
        &self.subject
    }

    /// Whether it is a program that calls by a key of its own.
    pub(crate) const fn is_program(&self) -> bool {
        self.is_program
    }
}

impl FromRequestParts<Deps> for LeadSender {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, deps: &Deps) -> Result<Self, Problem> {
        let caller = caller(parts, deps).await?;
        let tenant = tenant_of_path(parts, deps).await;
        let tenant = tenant.filter(|tenant| caller.sees(tenant));
        let tenant = tenant.ok_or_else(no_tenant)?;
        if !caller.may_post_leads(&tenant) {
            return Err(Problem::forbidden(format!(
                "This takes an API key with the scope `{}`, or the role `{}`. Ask an administrator for it.",
                Self::SCOPE,
                Role::Operator
            )));
        }
        let known = deps.store.tenant(&tenant).await?;
        Ok(Self {
            tenant: known.ok_or_else(no_tenant)?,
            subject: subject(&caller),
            is_program: caller.is_program(),
        })
    }
}

/// Proof that the caller has the role [`Role::PlatformAdmin`]. Rejections: 401, 403.
#[derive(Debug)]
pub(crate) struct PlatformAdmin {
    subject: String,
}

impl PlatformAdmin {
    /// Who they are, as the audit log shows them.
    pub(crate) fn subject(&self) -> &str {
        &self.subject
    }

    /// What they do, for the audit log.
    pub(crate) fn act(&self, action: &'static str, object: &impl ToString) -> AuditAction {
        AuditAction::new(&self.subject, action, object)
    }
}

impl FromRequestParts<Deps> for PlatformAdmin {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, deps: &Deps) -> Result<Self, Problem> {
        let caller = caller(parts, deps).await?;
        let role = caller.is_platform_admin().then_some(Role::PlatformAdmin);
        require(role, Role::PlatformAdmin)?;
        Ok(Self {
            subject: subject(&caller),
        })
    }
}

/// Whoever has a token or a key, whatever it opens. Rejection: 401.
#[derive(Debug)]
pub(crate) struct Anybody(pub(crate) Caller);

impl Anybody {
    /// Who they are, as the audit log shows them.
    pub(crate) fn subject(&self) -> String {
        subject(&self.0)
    }
}

impl FromRequestParts<Deps> for Anybody {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, deps: &Deps) -> Result<Self, Problem> {
        caller(parts, deps).await.map(Self)
    }
}

/// Who it is, as the audit log shows it.
fn subject(caller: &Caller) -> String {
    text::line(caller.subject(), MAX_SUBJECT).unwrap_or_else(|| "unnamed".to_owned())
}

fn require(role: Option<Role>, least: Role) -> Result<Role, Problem> {
    role.filter(|role| *role >= least).ok_or_else(|| {
        Problem::forbidden(format!(
            "This takes the role `{least}`. Ask an administrator for it."
        ))
    })
}

/// The address that a call came from. One that came over no network is from this machine.
pub(crate) fn client_of(parts: &Parts) -> ClientAddr {
    let here = ClientAddr(IpAddr::V4(Ipv4Addr::LOCALHOST));
    parts.extensions.get().copied().unwrap_or(here)
}

async fn tenant_of_path(parts: &mut Parts, deps: &Deps) -> Option<TenantId> {
    let params = RawPathParams::from_request_parts(parts, deps).await.ok()?;
    let (_, text) = params.iter().find(|(name, _)| *name == "tenant_id")?;
    TenantId::new(text).ok()
}

/// One answer, whether the tenant is unknown or only not the caller's: nobody learns which tenants there are.
fn no_tenant() -> Problem {
    Problem::not_found("There is no such tenant, or your token is not for it.")
}

/// Why the gate did not learn who calls, for the handler that asks: a token is judged, and a bad one counted, once.
#[derive(Debug, Clone)]
pub(crate) struct Turned(Arc<Mutex<Option<Problem>>>);

impl Turned {
    pub(crate) fn new(refusal: Problem) -> Self {
        Self(Arc::new(Mutex::new(Some(refusal))))
    }

    fn take(&self) -> Option<Problem> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Whose token or key it is. Who was let through the gate with it is not asked again.
pub(crate) async fn caller(parts: &Parts, deps: &Deps) -> Result<Caller, Problem> {
    if let Some(caller) = parts.extensions.get::<Caller>() {
        return Ok(caller.clone());
    }
    if let Some(refusal) = parts.extensions.get::<Turned>().and_then(Turned::take) {
        return Err(refusal);
    }
    let mut values = parts.headers.get_all(AUTHORIZATION).iter();
    let token = match (values.next(), values.next()) {
        (Some(value), None) => bearer(value),
        _ => None,
    };
    let token = token.ok_or_else(|| {
        Problem::unauthorized("Send a token in the header `Authorization: Bearer <token>`.")
    })?;
    if token.starts_with(API_KEY_PREFIX) {
        return deps
            .api_keys
            .verify(token, client_of(parts).network())
            .await;
    }
    deps.verifier
        .verify(token, deps.clock.now())
        .await
        .map_err(|error| match error {
            VerifyError::Refused(refusal) => refused(&refusal),
            VerifyError::KeysUnavailable(unavailable) => problems::of_keys(unavailable),
        })
}

fn bearer(value: &HeaderValue) -> Option<&str> {
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then(|| token.trim_matches(' '))
}

fn refused(refusal: &Refusal) -> Problem {
    let challenge = HeaderValue::from_static(r#"Bearer error="invalid_token""#);
    // Anybody can send any number of bad tokens: at the default level they leave no line.
    tracing::debug!(%refusal, "a token was refused");
    let needed = match refusal {
        Refusal::Claims => " It needs `iss`, `aud`, `sub` and `exp`.",
        _ => "",
    };
    Problem::unauthorized(format!("The token is refused: {refusal}.{needed}"))
        .with_header(WWW_AUTHENTICATE, challenge)
}
