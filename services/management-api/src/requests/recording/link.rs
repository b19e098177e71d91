//! Links to recordings: what was signed here for one of them opens it, for a few minutes.

use std::time::Duration;

use axum::extract::FromRequestParts;
use domain::{RequestId, TenantId, later};
use http::request::Parts;
use jiff::Timestamp;
use jwks::{VerifyError, check_time};
use runtime::{Path, Problem};
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use url::form_urlencoded;

use crate::{
    Deps,
    auth::TenantReader,
    problems,
    sign_in::{SignIn, sign_in_of},
};

/// How long a link is good for.
const LIFE: Duration = Duration::from_secs(5 * 60);

/// Whom links are for. A token of the API is for somebody else, so neither opens what the other does.
const AUDIENCE: &str = "pipeline-recordings";

/// What a link says.
#[derive(Serialize, Deserialize)]
struct Claims {
    aud: String,
    sub: String,
    tenant: TenantId,
    request: RequestId,
    exp: i64,
}

/// Which recording.
#[derive(Deserialize)]
struct Which {
    tenant_id: String,
    request_id: RequestId,
}

impl SignIn {
    /// What opens a recording for whoever has it, and until when.
    pub(super) fn link_to(
        &self,
        subject: &str,
        tenant: &TenantId,
        request: RequestId,
        now: Timestamp,
    ) -> Result<(String, Timestamp), Problem> {
        let expires_at = later(now, LIFE);
        let claims = Claims {
            aud: AUDIENCE.to_owned(),
            sub: subject.to_owned(),
            tenant: tenant.clone(),
            request,
            exp: expires_at.as_second(),
        };
        let signed = self.key().sign(&claims).map_err(Problem::internal)?;
        Ok((signed.expose_secret().to_owned(), expires_at))
    }

    /// The tenant whose recording a link opens; none if it opens another one, or none any more.
    async fn opened(
        &self,
        link: &str,
        which: &Which,
        now: Timestamp,
    ) -> Result<Option<TenantId>, Problem> {
        let claims: Claims = match self.own_keys().verify(link).await {
            Ok(claims) => claims,
            Err(VerifyError::Refused(_)) => return Ok(None),
            Err(VerifyError::KeysUnavailable(unavailable)) => {
                return Err(problems::of_keys(unavailable));
            }
        };
        #[expect(
            clippy::cast_precision_loss,
            reason = "seconds of a date are far from 2^52"
        )]
        let is_good = check_time(now, None, claims.exp as f64, Duration::ZERO).is_ok();
        let is_it = claims.aud == AUDIENCE
            && claims.tenant.as_str() == which.tenant_id
            && claims.request == which.request_id;
        Ok((is_good && is_it).then_some(claims.tenant))
    }
}

/// Proof that the caller may hear the recording of the path: as who may read the tenant, or by a link to it.
///
/// Rejections: 401 for a link that opens another recording or is not good any more; without a link those of
/// [`TenantReader`].
#[derive(Debug)]
pub(crate) struct Listener {
    tenant: TenantId,
}

impl Listener {
    /// The tenant.
    pub(super) const fn tenant(&self) -> &TenantId {
        &self.tenant
    }
}

impl FromRequestParts<Deps> for Listener {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, deps: &Deps) -> Result<Self, Problem> {
        let query = parts.uri.query().unwrap_or_default().as_bytes();
        let mut links = form_urlencoded::parse(query).filter(|(name, _)| name == "link");
        let Some((_, link)) = links.next() else {
            let reader = TenantReader::from_request_parts(parts, deps).await?;
            let tenant = reader.tenant().clone();
            return Ok(Self { tenant });
        };
        let link = link.into_owned();
        let Path(which) = Path::<Which>::from_request_parts(parts, deps).await?;
        let opened = sign_in_of(deps)?
            .opened(&link, &which, deps.clock.now())
            .await?;
        let tenant = opened.ok_or_else(|| {
            Problem::unauthorized(
                "This link is not for this recording, or not good any more. Ask for another one.",
            )
        })?;
        Ok(Self { tenant })
    }
}
