//! What stands in a CRM's fields: a connection's field mapping, version by version.

pub(crate) mod fields;
pub(crate) mod preview;
pub(crate) mod versions;

use axum::{extract::State, response::IntoResponse};
use crm::{
    CONNECTORS, ConnectorSpec, CrmObject, Mapping,
    mapping::{FieldUse, check},
};
use domain::{ConfigFault, ConnectionName, TenantId};
use http::header::CONTENT_TYPE;
use jiff::Timestamp;
use runtime::{Json, Path, Problem};
use serde::Serialize;
use serde_json::{Map, Value, json};
use store::{AuditAction, Config, ConfigKind};
use utoipa::ToSchema;

use self::fields::Asked;
use crate::{
    Deps,
    auth::{TenantAdmin, TenantReader},
    body::AnyBody,
    configs::{Tagged, read_note},
    connections::ConnectionPath,
    faults::{BODY, Faults},
    preconditions::{IfMatch, Versions, etag},
    problems::{BodyProblems, Conflict, Preconditions, TenantProblems},
};

/// The field mapping of a connection.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FieldMapping {
    /// Its version, which is the answer's `ETag`; 0: nobody has saved one yet.
    version: u64,
    /// The CRM's slug.
    provider: String,
    /// What it says; what it does not speak of is filled as usual. `GET /v1/schemas/field-mapping` says what there is.
    #[schema(value_type = std::collections::BTreeMap<String, Value>)]
    mapping: Value,
    /// Who wrote this version; null while there is none.
    author: Option<String>,
    /// Why, in their words; null while there is none.
    note: Option<String>,
    /// When; null while there is none.
    created_at: Option<Timestamp>,
    /// What is filled without any mapping.
    usual: Vec<UsualField>,
    /// What the CRM says of it; null unless it was just saved.
    check: Option<MappingCheck>,
}

/// A field of a CRM that is filled without any mapping.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UsualField {
    /// The CRM's name of the kind of record.
    object: &'static str,
    /// The CRM's name of the field.
    field: &'static str,
    /// What fills it, in words and paths.
    from: &'static str,
    /// When it is written: `if_empty` or `always`.
    write: &'static str,
    /// What a mapping may do with it: `any`, `form` (another form of the same value), or `none`: by it a lead is written
    /// once.
    mapping: &'static str,
}

/// What the CRM says of a mapping.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MappingCheck {
    /// Whether the CRM was asked for its fields, and told.
    is_asked: bool,
    /// What came of it, in a sentence.
    detail: String,
    /// What the CRM may refuse of some leads.
    warnings: Vec<MappingFault>,
}

/// Something about one place of a mapping.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MappingFault {
    /// Where: names and positions with dots between.
    path: String,
    /// What kind of fault, for programs: `required`, `options`, `unknown_field`, `wrong_type`, `read_only`, `fixed`.
    code: &'static str,
    /// What it is, and what to do.
    message: String,
}

impl From<ConfigFault> for MappingFault {
    fn from(fault: ConfigFault) -> Self {
        Self {
            path: fault.path,
            code: fault.code,
            message: fault.message,
        }
    }
}

/// A mapping to be saved.
#[derive(ToSchema)]
#[schema(example = json!({
    "mapping": { "fields": { "contacts": { "city": { "from": "property.city", "then": ["upper"] } } } },
    "note": "towns in capital letters",
}))]
#[expect(
    dead_code,
    reason = "describes the body, which is read with all its faults"
)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewFieldMapping {
    /// All of it. What it does not speak of is filled as usual.
    #[schema(value_type = Object)]
    mapping: Value,
    /// Why it is changed: up to 500 characters, for whoever reads the history.
    #[schema(max_length = 500, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$")]
    note: Option<String>,
}

/// The field mapping of a connection to a CRM, the newest version.
#[utoipa::path(
    get,
    path = "/v1/tenants/{tenant_id}/connections/{connection}/mapping",
    tag = "connections",
    security(("bearer" = [])),
    params(("tenant_id" = String, Path, description = "The tenant's slug."), ConnectionPath),
    responses(
        (
            status = OK,
            description = "The mapping.",
            body = FieldMapping,
            headers(("ETag" = String, description = "Its version, for `If-Match`."))
        ),
        Conflict,
        TenantProblems
    )
)]
pub(crate) async fn show_mapping(
    reader: TenantReader,
    Path(path): Path<ConnectionPath>,
    State(deps): State<Deps>,
) -> Result<Tagged<FieldMapping>, Problem> {
    let place = Place::of(&deps, reader.tenant(), &path.connection).await?;
    let newest = place.version(&deps, None).await?;
    Ok(tagged(place.shown(newest, None)))
}

/// Saves the field mapping of a connection to a CRM as a new version.
///
/// One that is equal to the newest makes none. What the CRM would refuse of every lead is refused at once; what it may
/// refuse of some is saved, and told in `check`. A CRM that cannot be asked does not stand in the way: the mapping is
/// saved, and `check` says that nobody could look. Leads that are pushed from now on go by it.
#[utoipa::path(
    put,
    path = "/v1/tenants/{tenant_id}/connections/{connection}/mapping",
    tag = "connections",
    security(("bearer" = [])),
    params(
        ("tenant_id" = String, Path, description = "The tenant's slug."),
        ConnectionPath,
        (
            "If-Match" = Option<String>,
            Header,
            description = "The `ETag` of the version that is changed. Required once there is one."
        )
    ),
    request_body = NewFieldMapping,
    responses(
        (
            status = OK,
            description = "The mapping as it is now.",
            body = FieldMapping,
            headers(("ETag" = String, description = "Its version, for `If-Match`."))
        ),
        Conflict,
        Preconditions,
        BodyProblems,
        TenantProblems
    )
)]
pub(crate) async fn save_mapping(
    caller: TenantAdmin,
    Path(path): Path<ConnectionPath>,
    if_match: Result<IfMatch, Problem>,
    State(deps): State<Deps>,
    body: AnyBody,
) -> Result<Tagged<FieldMapping>, Problem> {
    let place = Place::of(&deps, caller.tenant(), &path.connection).await?;
    let mut faults = body.faults();
    let if_match = faults.header(if_match, IfMatch::Absent)?;
    let body = body.value();
    let note = read_note("mapping", body, &mut faults);
    let mapping = body.get("mapping").cloned();
    let check = match &mapping {
        None if body.is_object() => {
            faults.add_coded("mapping", "missing", "is missing: the mapping");
            None
        }
        None => None,
        Some(mapping) => place.check(&deps, mapping, &mut faults).await?,
    };
    faults.finish(BODY)?;
    let act = |version| {
        let said = format!("as version {version}");
        caller.act("mapping.save", &path.connection).saying(said)
    };
    let mapping = mapping.unwrap_or_default();
    let saved = place.save(&deps, mapping, note, &if_match, act).await?;
    Ok(tagged(place.shown(saved, check)))
}

/// The JSON Schema of field mappings: draft 2020-12, closed.
///
/// What it takes is saved, unless a path of the request or a kind of record is unknown, or the CRM has no such field.
#[utoipa::path(
    get,
    path = "/v1/schemas/field-mapping",
    tag = "connections",
    responses((status = OK, description = "The schema.", content_type = "application/schema+json", body = Object))
)]
pub(crate) async fn show_mapping_schema() -> impl IntoResponse {
    let content_type = [(CONTENT_TYPE, "application/schema+json")];
    (content_type, format!("{:#}\n", crm::mapping::schema()))
}

fn tagged(mapping: FieldMapping) -> Tagged<FieldMapping> {
    (etag(mapping.version), Json(mapping))
}

/// A connection to a CRM that is there.
pub(crate) struct Place {
    tenant: TenantId,
    connection: store::Connection,
    spec: &'static ConnectorSpec,
}

impl Place {
    /// # Errors
    /// 404 when the tenant has no such connection, 409 when it leads to no CRM.
    pub(crate) async fn of(
        deps: &Deps,
        tenant: &TenantId,
        name: &ConnectionName,
    ) -> Result<Self, Problem> {
        let connection = deps.store.connection(tenant, name).await?;
        let connection = connection
            .ok_or_else(|| Problem::not_found(format!("There is no connection `{name}`.")))?;
        let mut connectors = CONNECTORS.iter();
        let spec = connectors.find(|spec| spec.slug == connection.provider);
        let spec = spec.ok_or_else(|| {
            let provider = catalogue::name(&connection.provider);
            Problem::conflict(format!(
                "{provider} is no CRM: only connections to CRMs have fields to map."
            ))
        })?;
        Ok(Self {
            tenant: tenant.clone(),
            connection,
            spec,
        })
    }

    fn name(&self) -> &str {
        self.connection.name.as_str()
    }

    /// A version; `None` stands for the newest.
    async fn version(&self, deps: &Deps, version: Option<u64>) -> Result<Option<Config>, Problem> {
        let kind = ConfigKind::Mapping;
        let found = deps.store.config(&self.tenant, kind, self.name(), version);
        Ok(found.await?)
    }

    /// Notes what is wrong with a mapping that stands at `mapping` of a body, in itself and to the CRM.
    async fn check(
        &self,
        deps: &Deps,
        json: &Value,
        faults: &mut Faults,
    ) -> Result<Option<MappingCheck>, Problem> {
        let mapping = match Mapping::read(self.spec.mapping, json) {
            Ok(mapping) => mapping,
            Err(error) => {
                faults.of_part("mapping", error.faults);
                return Ok(None);
            }
        };
        let asked = self.ask(deps).await?;
        let found = check::check(&mapping, self.spec.mapping, asked.objects());
        faults.of_part("mapping", found.faults);
        Ok(Some(MappingCheck {
            is_asked: asked.is_told(),
            detail: asked.detail(),
            warnings: found.warnings.into_iter().map(Into::into).collect(),
        }))
    }

    /// Asks the CRM for its fields. A custom CRM describes none, so it is not asked.
    async fn ask(&self, deps: &Deps) -> Result<Asked, Problem> {
        if self.spec.mapping.is_open {
            return Ok(Asked::Open(self.usual_objects()));
        }
        fields::ask(deps, &self.connection).await
    }

    /// The fields that are filled without any mapping, where nobody describes more.
    fn usual_objects(&self) -> Vec<CrmObject> {
        let objects = self.spec.mapping.objects.iter();
        let object = |object: &crm::mapping::ObjectSpec| {
            let fields = self.spec.mapping.fields.iter();
            let fields = fields.filter(|field| field.object == object.name);
            CrmObject {
                name: object.name.to_owned(),
                fields: fields
                    .map(|field| crm::CrmField {
                        name: field.field.to_owned(),
                        label: field.field.to_owned(),
                        kind: "json".to_owned(),
                        holds: crm::Holds::Anything,
                        ..crm::CrmField::default()
                    })
                    .collect(),
            }
        };
        objects.map(object).collect()
    }

    /// Saves a mapping that was checked as a new version.
    async fn save(
        &self,
        deps: &Deps,
        json: Value,
        note: String,
        if_match: &IfMatch,
        act: impl FnOnce(u64) -> AuditAction,
    ) -> Result<Option<Config>, Problem> {
        let versions = Versions::of(deps, &self.tenant, ConfigKind::Mapping, &self.name());
        let newest = self.version(deps, None).await?;
        let newest = newest.map_or(0, |newest| newest.version);
        let expected = versions.expected(if_match, newest).await?;
        let act = act(expected + 1).making(expected + 1);
        let version = versions.save(expected, json, note, act).await?;
        self.version(deps, Some(version)).await
    }

    /// A version, or, where there is none yet, that everything is as usual.
    fn shown(&self, config: Option<Config>, check: Option<MappingCheck>) -> FieldMapping {
        let usual = self.spec.mapping.fields.iter();
        let usual = usual.map(|field| UsualField {
            object: field.object,
            field: field.field,
            from: field.from,
            write: field.write.as_str(),
            mapping: match field.usage {
                FieldUse::Key => "none",
                FieldUse::Match(_) => "form",
                FieldUse::Free => "any",
            },
        });
        let (version, mapping, said) = match config {
            Some(config) => {
                let said = (config.author, config.note, config.created_at);
                (config.version, config.json, Some(said))
            }
            None => (0, json!({ "fields": Map::new() }), None),
        };
        let (author, note, created_at) = match said {
            Some((author, note, at)) => (Some(author), Some(note), Some(at)),
            None => (None, None, None),
        };
        FieldMapping {
            version,
            provider: self.spec.slug.to_owned(),
            mapping,
            author,
            note,
            created_at,
            usual: usual.collect(),
            check,
        }
    }
}
