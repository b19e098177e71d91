//! Offices: where a company is, and when somebody is there.

pub(crate) mod create;
pub(crate) mod remove;

use axum::extract::State;
use domain::{BusinessHours, OfficeDetails, OfficeId, TenantId};
use http::{HeaderName, HeaderValue};
use jiff::Timestamp;
use runtime::{Json, Path, Problem};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::{Config, ConfigKind};
use utoipa::{IntoParams, ToSchema};

use crate::{
    Deps,
    auth::{TenantAdmin, TenantReader},
    body::AnyBody,
    cursor::lists,
    faults::{BODY, Faults, WholePaging},
    preconditions::{IfMatch, Versions, etag},
    problems::{BodyProblems, Preconditions, QueryProblems, TenantProblems},
    query::Query,
};

/// An office of a tenant.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Office {
    /// Its id.
    office_id: String,
    /// Its name, as people read it.
    name: String,
    /// Where it stands, in one line; may be empty.
    address: String,
    /// Its time zone's IANA name.
    time_zone: String,
    /// When somebody is there, by the clocks of its time zone; null: nobody has said.
    #[schema(value_type = Option<Hours>)]
    business_hours: Option<BusinessHours>,
    /// Whether somebody is there now; null where nobody has said when.
    is_open: Option<bool>,
    /// The version of all this; the answer's `ETag`.
    version: u64,
    /// The version of its configuration; 0: the defaults.
    config_version: u64,
}

/// A tenant's offices, the first created first: leads of a source without an office are that one's.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OfficeList {
    /// The offices.
    items: Vec<Office>,
    /// Send this as `cursor` to get those behind; null when there are none.
    next_cursor: Option<String>,
}

/// An office as it should be.
#[derive(ToSchema)]
#[schema(
    as = NewOffice,
    example = json!({
        "name": "Austin",
        "address": "500 Example Ave, Austin, TX 78701",
        "time_zone": "America/Chicago",
        "business_hours": { "monday": [{ "from": "08:00", "to": "12:00" }, { "from": "13:00", "to": "17:30" }] },
    })
)]
#[expect(
    dead_code,
    reason = "describes `OfficeDetails`, which reads a body with all its faults"
)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewOffice {
    /// Its name, as people read it: 1 to 100 characters on one line, not all of them blank.
    #[schema(
        min_length = 1,
        max_length = 100,
        pattern = r"^[^\u0000-\u001f\u007f-\u009f]*[^\s\u0000-\u001f\u007f-\u009f][^\u0000-\u001f\u007f-\u009f]*$"
    )]
    name: String,
    /// Where it stands: up to 300 characters on one line.
    #[schema(
        max_length = 300,
        nullable = false,
        pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$"
    )]
    address: Option<String>,
    /// Its time zone's IANA name.
    #[schema(max_length = 64, example = "America/Chicago")]
    time_zone: String,
    /// When somebody is there, by the clocks of its time zone.
    business_hours: Option<Hours>,
}

/// When an office is open, by weekday. On a day that is left out it is closed.
#[derive(ToSchema)]
#[schema(as = BusinessHours)]
#[expect(dead_code, reason = "describes `BusinessHours`, which is what is sent")]
#[serde(deny_unknown_fields)]
pub(crate) struct Hours {
    /// Of a Monday, in order.
    #[schema(max_items = 6, required = false)]
    monday: Vec<Span>,
    /// Of a Tuesday.
    #[schema(max_items = 6, required = false)]
    tuesday: Vec<Span>,
    /// Of a Wednesday.
    #[schema(max_items = 6, required = false)]
    wednesday: Vec<Span>,
    /// Of a Thursday.
    #[schema(max_items = 6, required = false)]
    thursday: Vec<Span>,
    /// Of a Friday.
    #[schema(max_items = 6, required = false)]
    friday: Vec<Span>,
    /// Of a Saturday.
    #[schema(max_items = 6, required = false)]
    saturday: Vec<Span>,
    /// Of a Sunday.
    #[schema(max_items = 6, required = false)]
    sunday: Vec<Span>,
}

/// A part of a day. One that goes on behind midnight is two.
#[derive(ToSchema)]
#[schema(as = TimeSpan)]
#[expect(dead_code, reason = "describes `TimeSpan`, which is what is sent")]
#[serde(deny_unknown_fields)]
pub(crate) struct Span {
    /// Its first minute.
    #[schema(pattern = "^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$", example = "08:00")]
    from: String,
    /// Its end, which is no longer part of it; up to `24:00`.
    #[schema(pattern = "^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$", example = "17:30")]
    to: String,
}

/// Which office.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct OfficePath {
    /// The office's id.
    #[param(value_type = String, example = "ofc_0199f3a100007000800000000000002a")]
    pub(crate) office_id: OfficeId,
}

type Tagged<T> = ([(HeaderName, HeaderValue); 1], Json<T>);

impl Office {
    fn new(config: &Config, config_version: u64, now: Timestamp) -> Result<Self, Problem> {
        let details = config.details()?;
        let is_open = details.is_open(now);
        let OfficeDetails {
            name,
            address,
            time_zone,
            business_hours,
        } = details;
        Ok(Self {
            office_id: config.name.clone(),
            name,
            address,
            time_zone,
            business_hours,
            is_open,
            version: config.version,
            config_version,
        })
    }

    fn tagged(self) -> Tagged<Self> {
        (etag(self.version), Json(self))
    }
}

/// A tenant's offices.
#[utoipa::path(
    get,
    path = "/v1/tenants/{tenant_id}/offices",
    tag = "offices",
    security(("bearer" = [])),
    params(("tenant_id" = String, Path, description = "The tenant's slug."), WholePaging),
    responses((status = OK, description = "A page.", body = OfficeList), QueryProblems, TenantProblems)
)]
pub(crate) async fn list_offices(
    reader: TenantReader,
    paging: Query<WholePaging>,
    State(deps): State<Deps>,
) -> Result<Json<OfficeList>, Problem> {
    let part = paging.read::<{ lists::OFFICES }>()?;
    let (tenant, now) = (reader.tenant(), deps.clock.now());
    let offices = deps.store.configs(tenant, ConfigKind::Office).await?;
    let is_there = |office: &Config| !office.is_removed();
    let (offices, next_cursor) = part.of_shown(offices, |office| office.name.clone(), is_there);
    let workflows = deps.store.configs(tenant, ConfigKind::Workflow).await?;
    let version = |office: &Config| {
        let workflow = workflows.iter().find(|known| known.name == office.name);
        workflow.map_or(0, |workflow| workflow.version)
    };
    let items = offices
        .iter()
        .map(|office| Office::new(office, version(office), now));
    Ok(Json(OfficeList {
        items: items.collect::<Result<_, _>>()?,
        next_cursor,
    }))
}

/// An office.
#[utoipa::path(
    get,
    path = "/v1/tenants/{tenant_id}/offices/{office_id}",
    tag = "offices",
    security(("bearer" = [])),
    params(("tenant_id" = String, Path, description = "The tenant's slug."), OfficePath),
    responses(
        (
            status = OK,
            description = "The office.",
            body = Office,
            headers(("ETag" = String, description = "Its version, for `If-Match`."))
        ),
        TenantProblems
    )
)]
pub(crate) async fn show_office(
    reader: TenantReader,
    Path(path): Path<OfficePath>,
    State(deps): State<Deps>,
) -> Result<Tagged<Office>, Problem> {
    Ok(shown(&deps, reader.tenant(), path.office_id)
        .await?
        .tagged())
}

/// Changes an office: what the body leaves out is empty then.
#[utoipa::path(
    put,
    path = "/v1/tenants/{tenant_id}/offices/{office_id}",
    tag = "offices",
    security(("bearer" = [])),
    params(
        ("tenant_id" = String, Path, description = "The tenant's slug."),
        OfficePath,
        ("If-Match" = Option<String>, Header, description = "The `ETag` of the version that is changed. Required.")
    ),
    request_body = NewOffice,
    responses(
        (
            status = OK,
            description = "The office as it is now.",
            body = Office,
            headers(("ETag" = String, description = "Its version, for `If-Match`."))
        ),
        Preconditions,
        BodyProblems,
        TenantProblems
    )
)]
pub(crate) async fn update_office(
    caller: TenantAdmin,
    Path(path): Path<OfficePath>,
    if_match: Result<IfMatch, Problem>,
    State(deps): State<Deps>,
    body: AnyBody,
) -> Result<Tagged<Office>, Problem> {
    let (tenant, id) = (caller.tenant(), path.office_id);
    let known = find(&deps, tenant, id).await?.ok_or_else(no_office)?;
    let mut faults = body.faults();
    let if_match = faults.header(if_match, IfMatch::Absent)?;
    let json = read(&body, faults)?;
    let versions = Versions::of(&deps, tenant, ConfigKind::Office, &id);
    let expected = versions.expected(&if_match, known.version).await?;
    let act = caller.act("office.change", &id).making(expected + 1);
    versions.save(expected, json, String::new(), act).await?;
    Ok(shown(&deps, tenant, id).await?.tagged())
}

/// The office that a body describes, as it is stored.
fn read(body: &AnyBody, mut faults: Faults) -> Result<Value, Problem> {
    let read = OfficeDetails::read(body.value());
    let read = read.map_err(|error| faults.of_part("", error.faults)).ok();
    faults.finish(BODY)?;
    let details = read.ok_or_else(|| Problem::internal("a fault was not noted"))?;
    serde_json::to_value(details).map_err(Problem::internal)
}

async fn shown(deps: &Deps, tenant: &TenantId, id: OfficeId) -> Result<Office, Problem> {
    let office = find(deps, tenant, id).await?.ok_or_else(no_office)?;
    let workflow = deps
        .store
        .config(tenant, ConfigKind::Workflow, &office.name, None)
        .await?;
    let config_version = workflow.map_or(0, |workflow| workflow.version);
    Office::new(&office, config_version, deps.clock.now())
}

/// An office of this tenant that was not removed.
pub(crate) async fn find(
    deps: &Deps,
    tenant: &TenantId,
    id: OfficeId,
) -> Result<Option<Config>, Problem> {
    let name = id.to_string();
    let found = deps.store.config(tenant, ConfigKind::Office, &name, None);
    Ok(found.await?.filter(|found| !found.is_removed()))
}

pub(crate) fn no_office() -> Problem {
    Problem::not_found("There is no such office.")
}
