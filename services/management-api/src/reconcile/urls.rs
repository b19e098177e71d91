//! The URLs of sources, as far as they are kept: only a provider that we register them with needs them again. They hold
//! tokens, so they are kept as secrets.

use ::sources::SourceSpec;
use domain::{SourceId, TenantId};
use runtime::Problem;
use secrecy::{ExposeSecret as _, SecretString};
use secrets::{SecretName, SecretsError};
use store::TokenHash;

use crate::{Deps, sources::create};

/// The name of a source's URL among its tenant's secrets.
fn name(source: SourceId) -> Result<SecretName, Problem> {
    SecretName::new(&format!("webhook_url_{}", source.as_uuid().simple()))
        .map_err(Problem::internal)
}

/// Keeps a source's URL.
pub(crate) async fn keep(
    deps: &Deps,
    tenant: &TenantId,
    source: SourceId,
    url: &str,
) -> Result<(), Problem> {
    let (name, url) = (name(source)?, SecretString::from(url));
    let put = deps.secrets.put(tenant, &name, &url).await;
    put.map(drop).map_err(Problem::internal)
}

/// The URL of a source, if it is kept and still leads to it.
pub(crate) async fn find(deps: &Deps, source: &store::Source) -> Result<Option<String>, Problem> {
    let found = deps
        .secrets
        .get(&source.tenant, &name(source.id)?, None)
        .await;
    match found {
        Ok(url) => {
            let url = url.expose_secret().to_owned();
            let is_it = source.token == Some(TokenHash::of(token_of(&url)));
            let spec = deps.sources.get(&source.provider).map(|known| known.spec());
            Ok(spec.filter(|_| is_it).map(|spec| here(deps, spec, &url)))
        }
        Err(SecretsError::NotFound | SecretsError::Damaged) => Ok(None),
        Err(error) => Err(Problem::internal(error)),
    }
}

/// A URL of ours at this server: the one that is given may be of the time when it was at another address, where nobody
/// listens any more.
pub(crate) fn here(deps: &Deps, spec: &SourceSpec, url: &str) -> String {
    create::url(deps, spec, token_of(url))
}

fn token_of(url: &str) -> &str {
    url.rsplit('/').next().unwrap_or_default()
}
