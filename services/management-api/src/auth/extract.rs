//! The extractors by which a handler says who may call it.

use axum::extract::{FromRequestParts, RawPathParams};
use domain::TenantId;
use http::{
    HeaderMap, HeaderValue,
    header::{AUTHORIZATION, WWW_AUTHENTICATE},
    request::Parts,
};
use runtime::Problem;

use super::{Caller, Refusal, Role};
use crate::{Deps, problems};

/// Proof that the caller may read the tenant of the path, and that there is such a tenant.
///
/// Rejections: 401 without a valid token; 404 when the token is not for the tenant, or there is none; 403 when it has
/// no role.
#[derive(Debug)]
pub(crate) struct TenantReader {
    tenant: TenantId,
}

impl TenantReader {
    /// The tenant.
    pub(crate) fn tenant(&self) -> &TenantId {
        &self.tenant
    }
}

impl FromRequestParts<Deps> for TenantReader {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, deps: &Deps) -> Result<Self, Problem> {
        let tenant = admitted(parts, deps, Role::Viewer).await?;
        Ok(Self { tenant })
    }
}

/// The tenant of the path, when the caller has at least this role there.
async fn admitted(parts: &mut Parts, deps: &Deps, least: Role) -> Result<TenantId, Problem> {
    let caller = caller(&parts.headers, deps)?;
    let Some(tenant) = tenant_of_path(parts, deps).await else {
        return Err(no_tenant());
    };
    if !caller.sees(&tenant) {
        return Err(no_tenant());
    }
    if !caller.is_at_least(least) {
        return Err(Problem::forbidden(format!(
            "This takes the role `{least}`. Ask an administrator for it."
        )));
    }
    match deps.store.tenant(&tenant).await {
        Ok(Some(_)) => Ok(tenant),
        Ok(None) => Err(no_tenant()),
        Err(error) => Err(problems::of_store(&error)),
    }
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

fn caller(headers: &HeaderMap, deps: &Deps) -> Result<Caller, Problem> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let token = match (values.next(), values.next()) {
        (Some(value), None) => bearer(value),
        _ => None,
    };
    let token = token.ok_or_else(|| {
        Problem::unauthorized("Send a token in the header `Authorization: Bearer <token>`.")
    })?;
    deps.verifier
        .verify(token, deps.clock.now())
        .map_err(|refusal| refused(&refusal))
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
    Problem::unauthorized(format!("The token is refused: {refusal}."))
        .with_header(WWW_AUTHENTICATE, challenge)
}
