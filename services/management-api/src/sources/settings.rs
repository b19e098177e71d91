//! What a tenant sets for a source: version by version, in the shape that the source declares.

use ::sources::SettingsSpec;
use axum::{extract::State, response::IntoResponse};
use domain::{SourceId, TenantId};
use http::header::CONTENT_TYPE;
use jiff::Timestamp;
use runtime::{Json, Path, Problem};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use store::{Config, ConfigKind};
use utoipa::{IntoParams, ToSchema};

use super::{SourcePath, find, no_source};
use crate::{
    Deps,
    auth::{TenantAdmin, TenantReader},
    body::AnyBody,
    configs::{Tagged, read_note},
    faults::BODY,
    preconditions::{IfMatch, Versions, etag},
    problems::{BodyProblems, NoSuchProvider, Preconditions, TenantProblems},
};

/// The settings of a source.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SourceSettings {
    /// Their version, which is the answer's `ETag`; 0: nobody has saved any yet.
    version: u64,
    /// All of them: the defaults in place of what was not said.
    #[schema(value_type = Object)]
    settings: Value,
    /// Who wrote this version; null for the defaults.
    author: Option<String>,
    /// Why, in their words; null for the defaults.
    note: Option<String>,
    /// When; null for the defaults.
    created_at: Option<Timestamp>,
}

/// Settings to be saved.
#[derive(ToSchema)]
#[schema(
    example = json!({ "settings": {}, "note": "back to the defaults" }),
)]
#[expect(
    dead_code,
    reason = "describes the body, which is read with all its faults"
)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewSourceSettings {
    /// All of them. What is left out has its default. `GET /v1/schemas/source-settings/{provider}` says what there is.
    #[schema(value_type = Object)]
    settings: Value,
    /// Why they are changed: up to 500 characters, for whoever reads the history.
    #[schema(max_length = 500, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$")]
    note: Option<String>,
}

/// Which source of webhooks.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct ProviderPath {
    /// The provider's slug.
    #[param(example = "web-forms")]
    provider: String,
}

/// The settings of a source, the newest version.
#[utoipa::path(
    get,
    path = "/v1/tenants/{tenant_id}/sources/{source_id}/settings",
    tag = "sources",
    security(("bearer" = [])),
    params(("tenant_id" = String, Path, description = "The tenant's slug."), SourcePath),
    responses(
        (
            status = OK,
            description = "The settings.",
            body = SourceSettings,
            headers(("ETag" = String, description = "Their version, for `If-Match`."))
        ),
        TenantProblems
    )
)]
pub(crate) async fn show_source_settings(
    reader: TenantReader,
    Path(path): Path<SourcePath>,
    State(deps): State<Deps>,
) -> Result<Tagged<SourceSettings>, Problem> {
    let place = Place::of(&deps, reader.tenant(), path.source_id).await?;
    Ok(place.shown(place.newest(&deps).await?))
}

/// Saves the settings of a source as a new version.
///
/// Settings that are equal to the newest make none. Deliveries that arrive 5 seconds from now are read by them.
#[utoipa::path(
    put,
    path = "/v1/tenants/{tenant_id}/sources/{source_id}/settings",
    tag = "sources",
    security(("bearer" = [])),
    params(
        ("tenant_id" = String, Path, description = "The tenant's slug."),
        SourcePath,
        (
            "If-Match" = Option<String>,
            Header,
            description = "The `ETag` of the version that is changed. Required once there is one."
        )
    ),
    request_body = NewSourceSettings,
    responses(
        (
            status = OK,
            description = "The settings as they are now.",
            body = SourceSettings,
            headers(("ETag" = String, description = "Their version, for `If-Match`."))
        ),
        Preconditions,
        BodyProblems,
        TenantProblems
    )
)]
pub(crate) async fn save_source_settings(
    caller: TenantAdmin,
    Path(path): Path<SourcePath>,
    if_match: IfMatch,
    State(deps): State<Deps>,
    body: AnyBody,
) -> Result<Tagged<SourceSettings>, Problem> {
    let place = Place::of(&deps, caller.tenant(), path.source_id).await?;
    let (settings, note) = place.read(&body)?;
    let newest = place
        .newest(&deps)
        .await?
        .map_or(0, |newest| newest.version);
    let versions = Versions::of(&deps, caller.tenant(), ConfigKind::Source, &path.source_id)
        .read_by(|settings| place.spec.with_defaults(settings));
    let expected = versions.expected(&if_match, newest).await?;
    let act = caller
        .act("source.set", &path.source_id)
        .saying(format!("as version {}", expected + 1));
    versions.save(expected, settings, note, act).await?;
    Ok(place.shown(place.newest(&deps).await?))
}

/// The JSON Schema of the settings of a provider's sources: draft 2020-12, closed, with defaults.
#[utoipa::path(
    get,
    path = "/v1/schemas/source-settings/{provider}",
    tag = "sources",
    params(ProviderPath),
    responses(
        (status = OK, description = "The schema.", content_type = "application/schema+json", body = Object),
        NoSuchProvider,
    )
)]
pub(crate) async fn show_source_schema(
    Path(path): Path<ProviderPath>,
    State(deps): State<Deps>,
) -> Result<impl IntoResponse, Problem> {
    let known = deps.sources.get(&path.provider).map(|known| known.spec());
    let spec = known.ok_or_else(|| Problem::not_found("There is no such source of webhooks."))?;
    let settings = spec.settings.unwrap_or(SettingsSpec::NONE);
    let schema = settings.schema(spec.slug, spec.name);
    let content_type = [(CONTENT_TYPE, "application/schema+json")];
    Ok((content_type, format!("{schema:#}\n")))
}

/// A source that is there.
struct Place {
    tenant: TenantId,
    name: String,
    spec: SettingsSpec,
}

impl Place {
    /// # Errors
    /// 404 when the tenant has no such source.
    async fn of(deps: &Deps, tenant: &TenantId, source: SourceId) -> Result<Self, Problem> {
        let found = find(deps, tenant, source).await?.ok_or_else(no_source)?;
        let known = deps.sources.get(&found.provider);
        let spec = known.and_then(|known| known.spec().settings);
        Ok(Self {
            tenant: found.tenant,
            name: found.id.to_string(),
            spec: spec.unwrap_or(SettingsSpec::NONE),
        })
    }

    async fn newest(&self, deps: &Deps) -> Result<Option<Config>, Problem> {
        let found = deps
            .store
            .config(&self.tenant, ConfigKind::Source, &self.name, None);
        Ok(found.await?)
    }

    /// A version, or, where there is none yet, the defaults.
    fn shown(&self, config: Option<Config>) -> Tagged<SourceSettings> {
        let nothing = Value::Object(Map::new());
        let json = config.as_ref().map_or(&nothing, |config| &config.json);
        let settings = self.spec.with_defaults(json);
        let version = config.as_ref().map_or(0, |config| config.version);
        let (author, note, created_at) = match config {
            Some(config) => (
                Some(config.author),
                Some(config.note),
                Some(config.created_at),
            ),
            None => (None, None, None),
        };
        let shown = SourceSettings {
            version,
            settings,
            author,
            note,
            created_at,
        };
        (etag(version), Json(shown))
    }

    /// The settings and the note of a body.
    fn read(&self, body: &AnyBody) -> Result<(Value, String), Problem> {
        let mut faults = body.faults();
        let body = body.value();
        let note = read_note("settings", body, &mut faults);
        let settings = body.get("settings").cloned();
        match settings.as_ref().map(|settings| self.spec.check(settings)) {
            None if body.is_object() => {
                faults.add_coded("settings", "missing", "is missing: the settings");
            }
            Some(Err(error)) => faults.of_part("settings", error.faults),
            None | Some(Ok(())) => {}
        }
        faults.finish(BODY)?;
        Ok((settings.unwrap_or_default(), note))
    }
}
