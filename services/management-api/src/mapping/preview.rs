//! What a push would send for one lead.

use axum::extract::State;
use crm::{
    Known, Mapping,
    mapping::check,
    preview::{self, Preview},
};
use domain::{Brief, RequestId};
use runtime::{Json, Path, Problem};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::{ConfigKind, RequestView, configs::office_config};
use utoipa::ToSchema;

use super::{MappingFault, Place};
use crate::{
    Deps,
    auth::TenantAdmin,
    body::Body,
    connections::ConnectionPath,
    faults::{BODY, Faults},
    problems::{BodyProblems, Conflict, TenantProblems},
    requests,
};

/// A lead whose push is to be seen.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "request_id": "req_0199f3a100007000800000000000002a",
    "mapping": { "fields": { "deals": { "closedate": { "from": "received_at", "then": [{ "date": "date" }] } } } },
}))]
pub(crate) struct NewPreview {
    /// The lead.
    #[schema(value_type = String)]
    request_id: RequestId,
    /// A mapping that is not saved yet; left out, the one that is.
    #[schema(value_type = Option<Object>)]
    mapping: Option<Value>,
}

/// What a push would send.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MappingPreview {
    /// The lead.
    request_id: String,
    /// The version of the mapping; null for one that is not saved.
    version: Option<u64>,
    /// Each call that would write, in order, made by the push itself. Zeros stand for ids of records that would be made.
    calls: Vec<PreviewCall>,
    /// Whether the CRM has all of it already, so that nothing would be sent: the calls are those of a push that a person
    /// asks for again.
    is_up_to_date: bool,
    /// Whether the CRM was asked for its fields, and told.
    is_asked: bool,
    /// What is wrong with the mapping, or may be for some leads.
    problems: Vec<MappingFault>,
    /// Why the push would get no further; null if it would be done.
    error: Option<String>,
    /// What the CRM said to that.
    answer: Option<String>,
}

/// A call that would write.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PreviewCall {
    /// Its method.
    method: String,
    /// Its URL.
    url: String,
    /// Its body; null if it has none.
    #[schema(value_type = Value)]
    body: Value,
    /// The records in its body.
    records: Vec<PreviewRecord>,
}

/// A record that would be written.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PreviewRecord {
    /// The CRM's name of the kind of record.
    object: &'static str,
    /// Its fields.
    fields: Vec<PreviewField>,
}

/// A field that would be written.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PreviewField {
    /// The CRM's name of it.
    name: String,
    /// What is sent.
    #[schema(value_type = Value)]
    value: Value,
    /// The paths that fill it; words, where it is filled as usual.
    from: String,
    /// Whether the mapping fills it.
    is_mapped: bool,
    /// `ok`; `coerced`: written as a text; `cut`: only its beginning fits; `missing`: the CRM has no such field;
    /// `refused`: it takes no such value.
    state: &'static str,
    /// What is to be done about it.
    note: Option<String>,
}

impl From<preview::Call> for PreviewCall {
    fn from(call: preview::Call) -> Self {
        let field = |field: preview::Field| PreviewField {
            name: field.name,
            value: field.value,
            from: field.from,
            is_mapped: field.is_mapped,
            state: field.state.as_str(),
            note: field.note,
        };
        let record = |record: preview::Record| PreviewRecord {
            object: record.object,
            fields: record.fields.into_iter().map(field).collect(),
        };
        Self {
            method: call.request.method.to_string(),
            url: call.request.url,
            body: call.request.body,
            records: call.records.into_iter().map(record).collect(),
        }
    }
}

/// Shows what a push of a lead would send: the push runs, asks the CRM for what it reads, and tells what it would write.
///
/// Nothing is written, here or there.
#[utoipa::path(
    post,
    path = "/v1/tenants/{tenant_id}/connections/{connection}/mapping/preview",
    tag = "connections",
    security(("bearer" = [])),
    params(("tenant_id" = String, Path, description = "The tenant's slug."), ConnectionPath),
    request_body = NewPreview,
    responses(
        (status = OK, description = "What would be sent.", body = MappingPreview),
        Conflict,
        BodyProblems,
        TenantProblems
    )
)]
pub(crate) async fn preview_mapping(
    caller: TenantAdmin,
    Path(path): Path<ConnectionPath>,
    State(deps): State<Deps>,
    body: Body<NewPreview>,
) -> Result<Json<MappingPreview>, Problem> {
    let place = Place::of(&deps, caller.tenant(), &path.connection).await?;
    let (new, faults) = body.open();
    let (mapping, version) = chosen(&place, &deps, new.mapping, faults).await?;
    let view = requests::find(&deps, caller.tenant(), new.request_id).await?;
    let outward = deps.outward.as_ref().ok_or_else(|| {
        Problem::conflict(
            "A preview asks the CRM, and no server runs that could: start one with `pipeline run`.",
        )
    })?;
    let connector = outward
        .crms
        .for_rehearsal(place.spec.slug)
        .ok_or_else(|| Problem::internal("there is no connector to this CRM"))?;
    let asked = place.ask(&deps).await?;
    let checked = check::check(&mapping, place.spec.mapping, asked.objects());
    let problems = checked.faults.into_iter().chain(checked.warnings);
    let mut shown = MappingPreview {
        request_id: view.request.id.to_string(),
        version,
        calls: Vec::new(),
        is_up_to_date: false,
        is_asked: asked.is_told(),
        problems: problems.map(Into::into).collect(),
        error: None,
        answer: None,
    };
    let opened = outward
        .accounts
        .open_connection(place.connection.clone())
        .await;
    let account = match opened {
        Ok(account) => account,
        Err(error) => {
            shown.answer = domain::Classify::answer(&error);
            shown.error = Some(error.to_string());
            return Ok(Json(shown));
        }
    };
    let brief = brief(&deps, &place, &view).await?;
    let dispatched = view.request.document.dispatches.get(&path.connection);
    let dispatched = dispatched.filter(|section| section.connector == place.spec.slug);
    let known = dispatched.map(|section| Known {
        remote_ids: section.remote_ids.clone(),
        fields_hash: section.fields_hash.clone(),
    });
    let Preview {
        calls,
        is_up_to_date,
        error,
    } = preview::preview(
        &*connector,
        place.spec.mapping,
        (&brief, &mapping),
        (&account, &known.unwrap_or_default()),
        deps.clock.clone(),
        asked.objects(),
    )
    .await;
    shown.calls = calls.into_iter().map(Into::into).collect();
    shown.is_up_to_date = is_up_to_date;
    shown.answer = error.as_ref().and_then(domain::Classify::answer);
    shown.error = error.map(|error| error.to_string());
    Ok(Json(shown))
}

/// The mapping that is asked about, and its version if it is saved.
async fn chosen(
    place: &Place,
    deps: &Deps,
    draft: Option<Value>,
    mut faults: Faults,
) -> Result<(Mapping, Option<u64>), Problem> {
    let spec = place.spec.mapping;
    if let Some(draft) = draft {
        let mapping = Mapping::read(spec, &draft).unwrap_or_else(|error| {
            faults.of_part("mapping", error.faults);
            Mapping::default()
        });
        faults.finish(BODY)?;
        return Ok((mapping, None));
    }
    faults.finish(BODY)?;
    let Some(saved) = place.version(deps, None).await? else {
        return Ok((Mapping::default(), Some(0)));
    };
    let mapping = Mapping::saved(spec, &saved.json, saved.version);
    Ok((mapping.map_err(Problem::internal)?, Some(saved.version)))
}

/// The lead as the dispatcher would bring it.
async fn brief(deps: &Deps, place: &Place, view: &RequestView) -> Result<Brief, Problem> {
    let store = &deps.store;
    let name = store
        .tenant(&place.tenant)
        .await?
        .map_or_else(String::new, |tenant| tenant.name);
    let offices = store.configs(&place.tenant, ConfigKind::Office).await?;
    let workflows = store.configs(&place.tenant, ConfigKind::Workflow).await?;
    let office = view.request.document.source.office;
    let config = office_config(name, &offices, &workflows, office)?;
    Ok(Brief::new(&view.request, &config))
}
