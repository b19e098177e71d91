//! What happens with an office's leads: its configuration, version by version.

mod connected;
pub(crate) mod schema;
pub(crate) mod versions;

use axum::extract::State;
use domain::{OfficeId, TenantId, WorkflowConfig, text};
use http::{HeaderName, HeaderValue};
use jiff::Timestamp;
use runtime::{Json, Path, Problem};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use store::{AuditAction, Config, ConfigKind};
use utoipa::ToSchema;

use self::schema::WorkflowConfigBody;
use crate::{
    Deps,
    auth::{TenantAdmin, TenantReader},
    body::AnyBody,
    faults::{BODY, Faults},
    offices::{self, OfficePath, no_office},
    preconditions::{IfMatch, Versions, etag},
    problems::{BodyProblems, Preconditions, TenantProblems},
};

/// Notes what is wrong with a configuration that stands at `config` of a body: in itself, and in what it leads to.
pub(crate) async fn check(
    deps: &Deps,
    tenant: &TenantId,
    json: &Value,
    faults: &mut Faults,
) -> Result<(), Problem> {
    let connections = deps.store.connections(tenant).await?;
    let json = json.clone();
    // Areas drawn on a map take their time, and other calls go on.
    let read = tokio::task::spawn_blocking(move || {
        let providers = catalogue::providers();
        WorkflowConfig::read_with(&json, |config| {
            connected::faults(config, &connections, &providers)
        })
    });
    if let Err(error) = read.await.map_err(Problem::internal)? {
        faults.of_part("config", error.faults);
    }
    Ok(())
}

/// The longest note, in characters.
const MAX_NOTE: usize = 500;

/// An office's configuration.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OfficeConfig {
    /// Its version, which is the answer's `ETag`; 0: nobody has saved one yet.
    version: u64,
    /// All of it: the defaults in place of what was not said.
    #[schema(value_type = WorkflowConfigBody)]
    config: Value,
    /// Who wrote this version; null for the defaults.
    author: Option<String>,
    /// Why, in their words; null for the defaults.
    note: Option<String>,
    /// When; null for the defaults.
    created_at: Option<Timestamp>,
}

/// A configuration to be saved.
#[derive(ToSchema)]
#[schema(
    example = json!({
        "config": { "service_area": { "postal_codes": ["786xx", "78701"] }, "spam": { "review_from": 40 } },
        "note": "we work in Austin now",
    })
)]
#[expect(
    dead_code,
    reason = "describes `Saved`, which reads a body with all its faults"
)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewOfficeConfig {
    /// All of it. What is left out has its default.
    #[schema(inline = false)]
    config: WorkflowConfigBody,
    /// Why it is changed: up to 500 characters, for whoever reads the history.
    #[schema(max_length = 500, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$")]
    note: Option<String>,
}

pub(crate) type Tagged<T> = ([(HeaderName, HeaderValue); 1], Json<T>);

impl OfficeConfig {
    /// A version, or, where there is none yet, the defaults.
    fn new(config: Option<Config>) -> Self {
        match config {
            Some(config) => Self {
                version: config.version,
                config: WorkflowConfig::with_defaults(&config.json),
                author: Some(config.author),
                note: Some(config.note),
                created_at: Some(config.created_at),
            },
            None => Self {
                version: 0,
                config: WorkflowConfig::with_defaults(&Value::Object(Map::new())),
                author: None,
                note: None,
                created_at: None,
            },
        }
    }

    fn tagged(self) -> Tagged<Self> {
        (etag(self.version), Json(self))
    }
}

/// An office's configuration, the newest version.
#[utoipa::path(
    get,
    path = "/v1/tenants/{tenant_id}/offices/{office_id}/config",
    tag = "configuration",
    security(("bearer" = [])),
    params(("tenant_id" = String, Path, description = "The tenant's slug."), OfficePath),
    responses(
        (
            status = OK,
            description = "The configuration.",
            body = OfficeConfig,
            headers(("ETag" = String, description = "Its version, for `If-Match`."))
        ),
        TenantProblems
    )
)]
pub(crate) async fn show_config(
    reader: TenantReader,
    Path(path): Path<OfficePath>,
    State(deps): State<Deps>,
) -> Result<Tagged<OfficeConfig>, Problem> {
    let office = Place::of(&deps, reader.tenant(), path.office_id).await?;
    Ok(OfficeConfig::new(office.version(&deps, None).await?).tagged())
}

/// Saves an office's configuration as a new version.
///
/// One that is equal to the newest makes none. Leads that arrive from now on are judged by it; on other machines within
/// seconds.
#[utoipa::path(
    put,
    path = "/v1/tenants/{tenant_id}/offices/{office_id}/config",
    tag = "configuration",
    security(("bearer" = [])),
    params(
        ("tenant_id" = String, Path, description = "The tenant's slug."),
        OfficePath,
        (
            "If-Match" = Option<String>,
            Header,
            description = "The `ETag` of the version that is changed. Required once there is one."
        )
    ),
    request_body = NewOfficeConfig,
    responses(
        (
            status = OK,
            description = "The configuration as it is now.",
            body = OfficeConfig,
            headers(("ETag" = String, description = "Its version, for `If-Match`."))
        ),
        Preconditions,
        BodyProblems,
        TenantProblems
    )
)]
pub(crate) async fn save_config(
    caller: TenantAdmin,
    Path(path): Path<OfficePath>,
    if_match: Result<IfMatch, Problem>,
    State(deps): State<Deps>,
    body: AnyBody,
) -> Result<Tagged<OfficeConfig>, Problem> {
    let office = Place::of(&deps, caller.tenant(), path.office_id).await?;
    let mut faults = body.faults();
    let if_match = faults.header(if_match, IfMatch::Absent)?;
    let Saved { config, note } = Saved::read(&deps, caller.tenant(), &body, faults).await?;
    let act = |version| {
        let said = format!("as version {version}");
        caller.act("config.save", &path.office_id).saying(said)
    };
    let saved = office.save(&deps, config, note, &if_match, act).await?;
    Ok(saved.tagged())
}

/// A body that was read: what is wrong with it is told at once.
struct Saved {
    config: Value,
    note: String,
}

impl Saved {
    async fn read(
        deps: &Deps,
        tenant: &TenantId,
        body: &AnyBody,
        mut faults: Faults,
    ) -> Result<Self, Problem> {
        let body = body.value();
        let note = read_note("config", body, &mut faults);
        let config = body.get("config").cloned();
        match &config {
            None if body.is_object() => {
                faults.add_coded("config", "missing", "is missing: the configuration");
            }
            None => {}
            Some(config) => check(deps, tenant, config, &mut faults).await?,
        }
        faults.finish(BODY)?;
        let config = config.unwrap_or_default();
        Ok(Self { config, note })
    }
}

/// Reads the note of a body that has `part` and, if its author likes, `note`. Notes what is wrong, other members
/// too.
pub(crate) fn read_note(part: &str, body: &Value, faults: &mut Faults) -> String {
    let nothing = Map::new();
    let members = body.as_object().unwrap_or_else(|| {
        faults.add_coded(
            "",
            "wrong_type",
            format!("an object with `{part}` and, if you like, `note`"),
        );
        &nothing
    });
    let is_unknown = |name: &&String| *name != part && *name != "note";
    for name in members.keys().filter(is_unknown) {
        let known = format!("not a field; there are {part}, note");
        faults.add_coded(text::bounded(name, 60), "unknown_field", known);
    }
    match members.get("note") {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(note)) if is_note(note) => note.clone(),
        Some(other) => {
            let code = match other {
                Value::String(note) if note.chars().count() > MAX_NOTE => "too_long",
                Value::String(_) => "invalid",
                _ => "wrong_type",
            };
            let wanted = format!("up to {MAX_NOTE} characters on one line");
            faults.add_coded("note", code, wanted);
            String::new()
        }
    }
}

fn is_note(note: &str) -> bool {
    note.chars().count() <= MAX_NOTE && !note.chars().any(char::is_control)
}

/// Why an earlier version is saved again.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "note": "the new area sent good leads away" }))]
pub(crate) struct Restoration {
    /// Why, for whoever reads the history: up to 500 characters. Left out: that it is the earlier version again.
    #[schema(max_length = 500, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$")]
    note: Option<String>,
}

impl Restoration {
    /// The note of what `version` says again; notes what is wrong with it.
    pub(crate) fn note(self, version: u64, faults: &mut Faults) -> String {
        let note = self.note.filter(|note| !note.trim().is_empty());
        let note = note.unwrap_or_else(|| format!("version {version} again"));
        if !is_note(&note) {
            let wanted = format!("up to {MAX_NOTE} characters on one line");
            faults.add("note", wanted);
        }
        note
    }
}

/// An office that is there, whose configuration is asked for or changed.
pub(crate) struct Place {
    tenant: TenantId,
    name: String,
}

impl Place {
    /// # Errors
    /// 404 when the tenant has no such office.
    pub(crate) async fn of(
        deps: &Deps,
        tenant: &TenantId,
        office: OfficeId,
    ) -> Result<Self, Problem> {
        let office = offices::find(deps, tenant, office).await?;
        let office = office.ok_or_else(no_office)?;
        Ok(Self {
            tenant: office.tenant,
            name: office.name,
        })
    }

    /// A version of its configuration; `None` stands for the newest.
    async fn version(&self, deps: &Deps, version: Option<u64>) -> Result<Option<Config>, Problem> {
        let kind = ConfigKind::Workflow;
        let found = deps.store.config(&self.tenant, kind, &self.name, version);
        Ok(found.await?)
    }

    /// Saves a configuration that was checked as a new version.
    async fn save(
        &self,
        deps: &Deps,
        json: Value,
        note: String,
        if_match: &IfMatch,
        act: impl FnOnce(u64) -> AuditAction,
    ) -> Result<OfficeConfig, Problem> {
        let versions = Versions::of(deps, &self.tenant, ConfigKind::Workflow, &self.name);
        let newest = self.version(deps, None).await?;
        let newest = newest.map_or(0, |newest| newest.version);
        let expected = versions.expected(if_match, newest).await?;
        let act = act(expected + 1).making(expected + 1);
        let version = versions.save(expected, json, note, act).await?;
        Ok(OfficeConfig::new(self.version(deps, Some(version)).await?))
    }
}
