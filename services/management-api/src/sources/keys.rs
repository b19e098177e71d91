//! Signing keys: each is a secret of its own, which a source refers to by name and version.

use ::sources::SourceSpec;
use axum::{Extension, extract::State};
use domain::{SourceId, StoreError, TenantId};
use http::{HeaderName, HeaderValue, StatusCode};
use runtime::{Json, Path, Problem};
use secrecy::{ExposeSecret as _, SecretString};
use secrets::{SecretName, SecretRef};
use serde::{Deserialize, Serialize};
use store::SourceChange;
use utoipa::{IntoParams, ToSchema};

use super::{Source, SourcePath, find, no_source, update::tagged};
use crate::{
    Deps,
    auth::TenantAdmin,
    body::Body,
    configs::Tagged,
    faults::{BODY, Faults},
    idempotency::NotKept,
    preconditions::etag,
    problems::{BodyProblems, Conflict, TenantProblems},
    random_bytes,
    secret_text::SecretText,
};

/// A further signing key.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "signing_key": "0f1e2d3c4b5a69788796a5b4c3d2e1f0" }))]
pub(crate) struct NewKey {
    /// The key, as the provider shows it. Left out where the sender takes one of our choice: then one is made.
    #[schema(value_type = Option<String>, format = Password, write_only)]
    signing_key: Option<SecretText>,
}

/// A signing key that was added.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AddedKey {
    /// Its name.
    key: String,
    /// The key itself when it was made here. It is shown this once.
    signing_key: Option<String>,
    /// The source as it is now.
    source: Source,
}

/// The answer to a call that added a key: with the source's version as `ETag`.
type Added = (
    StatusCode,
    [(HeaderName, HeaderValue); 1],
    Extension<NotKept>,
    Json<AddedKey>,
);

/// Which key of which source.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct KeyPath {
    /// The source's id.
    #[param(value_type = String, example = "src_0199f3a100007000800000000000002a")]
    source_id: SourceId,
    /// The key's name, as the source shows it.
    #[param(example = "signing_key_0199f3a100007000800000000000002a@1")]
    key: String,
}

/// Adds a signing key to a source. Deliveries that it proves are taken within 5 seconds.
///
/// Two keys can be active at once, so that one can replace the other without a gap.
#[utoipa::path(
    post,
    path = "/v1/tenants/{tenant_id}/sources/{source_id}/keys",
    tag = "sources",
    security(("bearer" = [])),
    params(("tenant_id" = String, Path, description = "The tenant's slug."), SourcePath),
    request_body = NewKey,
    responses(
        (
            status = CREATED,
            description = "The key's name, and the source.",
            body = AddedKey,
            headers(("ETag" = String, description = "The source's version, for `If-Match`."))
        ),
        Conflict,
        BodyProblems,
        TenantProblems
    )
)]
pub(crate) async fn add_source_key(
    caller: TenantAdmin,
    Path(path): Path<SourcePath>,
    State(deps): State<Deps>,
    Body(new): Body<NewKey>,
) -> Result<Added, Problem> {
    let tenant = caller.tenant();
    let source = find(&deps, tenant, path.source_id)
        .await?
        .ok_or_else(no_source)?;
    let known = deps.sources.get(&source.provider);
    let spec = known.map(|known| known.spec()).ok_or_else(|| {
        Problem::conflict(format!("This build has no source `{}`.", source.provider))
    })?;
    let mut faults = Faults::default();
    let key = SigningKey::read(spec, &source.schemes, new.signing_key, &mut faults);
    faults.finish(BODY)?;
    let key = key.ok_or_else(|| {
        Problem::conflict("The source has no signing key: its URL alone names the tenant.")
    })?;
    if key.is_of(&deps, &source).await? {
        return Err(Problem::conflict("The source has this key already."));
    }
    let name = key.keep(&deps, tenant).await?;
    let act = caller
        .act("source.add_key", &source.id)
        .saying(format!("the key {name}"));
    let change = SourceChange::AddKey(name.to_string());
    let changed = deps
        .store
        .change_source(tenant, source.id, change, &act)
        .await;
    match changed {
        Ok(source) => Ok((
            StatusCode::CREATED,
            etag(source.version),
            Extension(NotKept),
            Json(AddedKey {
                key: name.to_string(),
                signing_key: key.shown(),
                source: source.into(),
            }),
        )),
        Err(error) => {
            forget(&deps, tenant, &name).await;
            Err(error.into())
        }
    }
}

/// Removes a signing key of a source. Deliveries that only it proves are refused within 5 seconds.
#[utoipa::path(
    delete,
    path = "/v1/tenants/{tenant_id}/sources/{source_id}/keys/{key}",
    tag = "sources",
    security(("bearer" = [])),
    params(("tenant_id" = String, Path, description = "The tenant's slug."), KeyPath),
    responses(
        (
            status = OK,
            description = "The source as it is now.",
            body = Source,
            headers(("ETag" = String, description = "Its version, for `If-Match`."))
        ),
        Conflict,
        TenantProblems
    )
)]
pub(crate) async fn remove_source_key(
    caller: TenantAdmin,
    Path(path): Path<KeyPath>,
    State(deps): State<Deps>,
) -> Result<Tagged<Source>, Problem> {
    let tenant = caller.tenant();
    let source = find(&deps, tenant, path.source_id)
        .await?
        .ok_or_else(no_source)?;
    if !source.key_names.contains(&path.key) {
        return Err(Problem::not_found(format!(
            "The source has no such key. It has {}.",
            source.key_names.join(", ")
        )));
    }
    let act = caller
        .act("source.remove_key", &source.id)
        .saying(format!("the key {}", path.key));
    let change = SourceChange::RemoveKey(path.key.clone());
    let changed = deps
        .store
        .change_source(tenant, source.id, change, &act)
        .await?;
    if let Ok(name) = path.key.parse() {
        forget(&deps, tenant, &name).await;
    }
    Ok(tagged(changed))
}

/// A signing key before it is stored.
pub(super) struct SigningKey {
    key: SecretString,
    /// Whether it was made here.
    pub(super) is_ours: bool,
}

impl SigningKey {
    /// A key that is known to be right.
    pub(super) const fn of(key: SecretString) -> Self {
        Self {
            key,
            is_ours: false,
        }
    }

    /// A key of our own.
    pub(super) const fn made(key: SecretString) -> Self {
        Self { key, is_ours: true }
    }

    /// The key as given; without one, a key of our own if the sender takes that. Notes what is wrong. `None` also for a
    /// provider whose deliveries need no key.
    pub(super) fn read(
        spec: &SourceSpec,
        schemes: &[String],
        given: Option<SecretText>,
        faults: &mut Faults,
    ) -> Option<Self> {
        const FIELD: &str = "signing_key";
        let verification = &spec.verification;
        let Some(SecretText(key)) = given else {
            let random = random_bytes::<32>().ok()?;
            let made = verification.made_key(schemes, &random);
            if made.is_none() && verification.needs_key() {
                faults.add(FIELD, format!("the signing key that {} shows", spec.name));
            }
            return made.map(Self::made);
        };
        if let Some(fault) = verification.key_fault(schemes, key.expose_secret()) {
            faults.add(FIELD, fault);
            return None;
        }
        Some(Self {
            key,
            is_ours: false,
        })
    }

    /// Whether it is one of a source's active keys.
    pub(super) async fn is_of(&self, deps: &Deps, source: &store::Source) -> Result<bool, Problem> {
        Ok(self.name_in(deps, source).await.is_some())
    }

    /// Its name among a source's active keys.
    pub(super) async fn name_in(&self, deps: &Deps, source: &store::Source) -> Option<String> {
        for known in &source.key_names {
            let Ok(name) = known.parse::<SecretRef>() else {
                continue;
            };
            let found = deps
                .secrets
                .get(&source.tenant, &name.name, Some(name.version))
                .await;
            // One that is gone or damaged is not this one.
            if found.is_ok_and(|found| found.expose_secret() == self.key.expose_secret()) {
                return Some(known.clone());
            }
        }
        None
    }

    /// Keeps it, under a name of its own.
    pub(super) async fn keep(&self, deps: &Deps, tenant: &TenantId) -> Result<SecretRef, Problem> {
        let name = SecretName::new(&format!("signing_key_{}", deps.ids.next().simple()))
            .map_err(Problem::internal)?;
        let version = deps
            .secrets
            .put(tenant, &name, &self.key)
            .await
            .map_err(Problem::internal)?;
        Ok(SecretRef { name, version })
    }

    /// The key, when it was made here: then this is how its owner learns it.
    pub(super) fn shown(&self) -> Option<String> {
        self.is_ours.then(|| self.key.expose_secret().to_owned())
    }
}

/// Removes a key that nothing refers to any more. Where that is not known it stays: a key too many does no harm, a
/// missing one refuses genuine deliveries.
pub(super) async fn forget(deps: &Deps, tenant: &TenantId, key: &SecretRef) {
    match is_used(deps, tenant, &key.name).await {
        Ok(true) => {}
        Ok(false) => {
            if let Err(error) = deps.secrets.delete(tenant, &key.name).await {
                tracing::warn!("the signing key {key} stays behind, unused: {error}");
            }
        }
        Err(error) => tracing::warn!("the signing key {key} stays, used or not: {error}"),
    }
}

/// Whether a source or a connection has a secret of this name.
async fn is_used(deps: &Deps, tenant: &TenantId, name: &SecretName) -> Result<bool, StoreError> {
    let sources = deps.store.sources(tenant).await?;
    let mut keys = sources.iter().flat_map(|source| &source.key_names);
    let is_key = keys.any(|key| key.parse::<SecretRef>().is_ok_and(|key| key.name == *name));
    let connections = deps.store.connections(tenant).await?;
    let is_connection = connections
        .iter()
        .any(|connection| connection.name.as_str() == name.as_str());
    Ok(is_key || is_connection)
}
