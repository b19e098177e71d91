//! Reading and writing contacts, deals and notes.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::portal::{Kind, Portal, Record, show as show_time};
use super::rules::{Refusal, check, find};
use super::{Conflict, HubSpot, Provider, Shared, Sim, list_page, lock};
use crate::extract::{Authorized, JsonBody, Path, Query};

const BATCH_LIMIT: usize = 100;
const PAGE_DEFAULT: usize = 10;
const PAGE_MAX: usize = 100;

/// The properties that every answer shows.
const ALWAYS: &[&str] = &["createdate", "lastmodifieddate", "hs_object_id"];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CreateBody {
    properties: Map<String, Value>,
    #[serde(default)]
    associations: Vec<Association>,
    #[serde(default, rename = "objectWriteTraceId")]
    trace_id: Option<String>,
}

#[derive(Deserialize)]
struct Association {
    to: To,
    types: Vec<AssociationType>,
}

#[derive(Deserialize)]
struct To {
    id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AssociationType {
    association_category: String,
    association_type_id: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UpdateBody {
    properties: Map<String, Value>,
}

#[derive(Deserialize)]
pub(super) struct UpsertBody {
    inputs: Vec<UpsertRow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UpsertRow {
    id: String,
    #[serde(rename = "idProperty")]
    id_property: Option<String>,
    properties: Map<String, Value>,
    #[serde(default, rename = "objectWriteTraceId")]
    trace_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ReadBody {
    #[serde(default)]
    id_property: Option<String>,
    #[serde(default)]
    properties: Vec<String>,
    inputs: Vec<To>,
}

/// Which record a query means, and what it wants to see of it.
struct Selection {
    id_property: Option<String>,
    properties: Vec<String>,
    associations: Vec<Kind>,
    is_archived: bool,
}

impl Selection {
    fn read(kind: Kind, query: &Query<HubSpot>) -> Result<Self, Response> {
        let associations = query.list("associations").unwrap_or_default();
        let associations: Result<_, String> =
            associations.into_iter().map(Kind::try_from).collect();
        Ok(Self {
            id_property: query.text("idProperty").map(str::to_owned),
            properties: query
                .list("properties")
                .unwrap_or_else(|| standard_properties(kind)),
            associations: associations
                .map_err(|reason| HubSpot::error(StatusCode::BAD_REQUEST, &reason))?,
            is_archived: query.parsed("archived")?.unwrap_or(false),
        })
    }

    fn render(&self, portal: &Portal, kind: Kind, record: &Record) -> Value {
        let mut shown = record.render(Some(&self.properties), ALWAYS);
        for to in &self.associations {
            let name = format!("{}_to_{}", kind.singular(), to.singular());
            let ids = portal.associated((kind, &record.id), *to).into_iter();
            let ids: Vec<_> = ids
                .map(|id| json!({ "id": id.to_string(), "type": name }))
                .collect();
            if !ids.is_empty() {
                shown["associations"][to.plural()] = json!({ "results": ids });
            }
        }
        shown
    }
}

/// `GET /{kind}`. Archived records are not kept.
pub(super) async fn list(
    State(sim): Sim,
    Authorized(account): Authorized<HubSpot>,
    Path(kind): Path<Kind>,
    uri: Uri,
    query: Query<HubSpot>,
) -> Result<Response, Response> {
    let selection = Selection::read(kind, &query)?;
    let portal = lock(&account.portal);
    list_page(&sim, &uri, &query, (PAGE_DEFAULT, PAGE_MAX), |after| {
        let records = portal.after(kind, after);
        records
            .filter(|_| !selection.is_archived)
            .map(|record| (record.number(), selection.render(&portal, kind, record)))
    })
}

/// `POST /{kind}`.
pub(super) async fn create(
    State(sim): Sim,
    Authorized(account): Authorized<HubSpot>,
    Path(kind): Path<Kind>,
    JsonBody(body): JsonBody<CreateBody>,
) -> Result<Response, Response> {
    let line = format!("POST /crm/v3/objects/{}", kind.plural());
    let mut portal = lock(&account.portal);
    let properties = check(&sim, &portal, kind, None, body.properties, &line)?;
    let mut associated = Vec::new();
    for association in &body.associations {
        for wanted in &association.types {
            let to = Kind::ALL
                .into_iter()
                .find(|to| kind.association_type(*to) == Some(wanted.association_type_id));
            let to = to.filter(|_| wanted.association_category == "HUBSPOT_DEFINED");
            let to = to.ok_or_else(|| {
                Refusal::invalid(format!(
                    "Association type {} is not valid here",
                    wanted.association_type_id
                ))
            })?;
            portal
                .get(to, &association.to.id)
                .ok_or_else(Refusal::not_found)?;
            associated.push((to, association.to.id.clone()));
        }
    }
    let record = portal.insert(kind, properties, sim.control.now());
    for (to, id) in &associated {
        portal.associate((kind, &record.id), (*to, id));
    }
    let answer = traced(record.render(None, &[]), body.trace_id.as_deref());
    Ok((StatusCode::CREATED, Json(answer)).into_response())
}

/// `GET /{kind}/{id}`, by id or by a unique value.
pub(super) async fn show(
    State(_): Sim,
    Authorized(account): Authorized<HubSpot>,
    Path((kind, id)): Path<(Kind, String)>,
    query: Query<HubSpot>,
) -> Result<Response, Response> {
    let selection = Selection::read(kind, &query)?;
    let portal = lock(&account.portal);
    let record = find(&portal, kind, selection.id_property.as_deref(), &id)?;
    let record = record
        .filter(|_| !selection.is_archived)
        .ok_or_else(Refusal::not_found)?;
    Ok(Json(selection.render(&portal, kind, record)).into_response())
}

/// `PATCH /{kind}/{id}`, by id or by a unique value.
pub(super) async fn update(
    State(sim): Sim,
    Authorized(account): Authorized<HubSpot>,
    Path((kind, id)): Path<(Kind, String)>,
    query: Query<HubSpot>,
    JsonBody(body): JsonBody<UpdateBody>,
) -> Result<Response, Response> {
    let line = format!("PATCH /crm/v3/objects/{}/{id}", kind.plural());
    let mut portal = lock(&account.portal);
    let record = find(&portal, kind, query.text("idProperty"), &id)?
        .ok_or_else(Refusal::not_found)?
        .clone();
    let properties = check(&sim, &portal, kind, Some(&record), body.properties, &line)?;
    let record = portal
        .update(kind, &record.id, properties, sim.control.now())
        .ok_or_else(Refusal::not_found)?;
    Ok(Json(record.render(None, &[])).into_response())
}

/// `DELETE /{kind}/{id}`.
pub(super) async fn archive(
    State(_): Sim,
    Authorized(account): Authorized<HubSpot>,
    Path((kind, id)): Path<(Kind, String)>,
) -> StatusCode {
    lock(&account.portal).remove(kind, &id);
    StatusCode::NO_CONTENT
}

/// `POST /{kind}/batch/upsert`: writes each row by its unique value.
pub(super) async fn upsert(
    State(sim): Sim,
    Authorized(account): Authorized<HubSpot>,
    Path(kind): Path<Kind>,
    JsonBody(body): JsonBody<UpsertBody>,
) -> Result<Response, Response> {
    let line = format!("POST /crm/v3/objects/{}/batch/upsert", kind.plural());
    if body.inputs.is_empty() || body.inputs.len() > BATCH_LIMIT {
        return Err(Refusal::invalid("A batch has 1 to 100 inputs").into());
    }
    let now = sim.control.now();
    let mut portal = lock(&account.portal);
    let (mut results, mut refused) = (Vec::new(), Vec::new());
    for row in body.inputs {
        let trace_id = row.trace_id.clone();
        match upsert_row(&sim, &mut portal, kind, row, &line) {
            Ok((record, is_new)) => {
                let mut result = traced(record.render(None, &[]), trace_id.as_deref());
                result["new"] = json!(is_new);
                results.push(result);
            }
            Err(refusal) => refused.push((trace_id, refusal)),
        }
    }
    let as_rows = !results.is_empty()
        || (sim.provider.config.conflict == Conflict::Row
            && refused
                .iter()
                .any(|(_, refusal)| refusal.status == StatusCode::CONFLICT));
    if !as_rows && !refused.is_empty() {
        return Err(refused.remove(0).1.into());
    }
    let mut answer = json!({
        "status": "COMPLETE", "results": results, "startedAt": show_time(now), "completedAt": show_time(now),
    });
    if refused.is_empty() {
        return Ok(Json(answer).into_response());
    }
    let errors = refused.iter().map(|(trace_id, refusal)| {
        let mut error = refusal.to_json();
        if let Some(trace_id) = trace_id {
            error["context"] = json!({ "objectWriteTraceId": [trace_id] });
        }
        error
    });
    answer["numErrors"] = json!(refused.len());
    answer["errors"] = errors.collect();
    Ok((StatusCode::MULTI_STATUS, Json(answer)).into_response())
}

fn upsert_row(
    sim: &Shared<HubSpot>,
    portal: &mut Portal,
    kind: Kind,
    row: UpsertRow,
    line: &str,
) -> Result<(Record, bool), Refusal> {
    let Some(id_property) = row.id_property else {
        return Err(Refusal::invalid("idProperty is required"));
    };
    let existing = find(portal, kind, Some(&id_property), &row.id)?.cloned();
    let mut properties = check(sim, portal, kind, existing.as_ref(), row.properties, line)?;
    properties.insert(id_property, row.id);
    let now = sim.control.now();
    match existing {
        Some(existing) => {
            let record = portal
                .update(kind, &existing.id, properties, now)
                .ok_or_else(Refusal::not_found)?;
            Ok((record, false))
        }
        None => Ok((portal.insert(kind, properties, now), true)),
    }
}

/// `POST /{kind}/batch/read`.
pub(super) async fn read_batch(
    State(sim): Sim,
    Authorized(account): Authorized<HubSpot>,
    Path(kind): Path<Kind>,
    JsonBody(body): JsonBody<ReadBody>,
) -> Result<Response, Response> {
    if body.inputs.is_empty() || body.inputs.len() > BATCH_LIMIT {
        return Err(Refusal::invalid("A batch has 1 to 100 inputs").into());
    }
    let now = sim.control.now();
    let portal = lock(&account.portal);
    let (mut results, mut missing) = (Vec::new(), Vec::new());
    for input in &body.inputs {
        match find(&portal, kind, body.id_property.as_deref(), &input.id)? {
            Some(record) => results.push(record.render(Some(&body.properties), ALWAYS)),
            None => missing.push(&input.id),
        }
    }
    let mut answer = json!({
        "status": "COMPLETE", "results": results, "startedAt": show_time(now), "completedAt": show_time(now),
    });
    if missing.is_empty() {
        return Ok(Json(answer).into_response());
    }
    answer["numErrors"] = json!(1);
    answer["errors"] = json!([{
        "status": "error", "category": "OBJECT_NOT_FOUND", "message": "Could not get some objects, they may be deleted or not exist.",
        "context": { "ids": missing },
    }]);
    Ok((StatusCode::MULTI_STATUS, Json(answer)).into_response())
}

/// The properties that are shown by default.
fn standard_properties(kind: Kind) -> Vec<String> {
    let names: &[&str] = match kind {
        Kind::Contacts => &["email", "firstname", "lastname"],
        Kind::Deals => &["amount", "closedate", "dealname", "dealstage", "pipeline"],
        Kind::Notes => &["hs_timestamp"],
    };
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn traced(mut record: Value, trace_id: Option<&str>) -> Value {
    if let Some(trace_id) = trace_id {
        record["objectWriteTraceId"] = json!(trace_id);
    }
    record
}
