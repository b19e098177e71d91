//! Reading and writing contacts, deals and notes.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::portal::{Kind, Portal, Record, show as show_time};
use super::rules::{Refusal, check, find};
use super::{Conflict, HubSpot, Provider, Shared, Sim, admit, lock, refuse};

const BATCH_LIMIT: usize = 100;

/// What an answer shows besides what was asked for.
const ALWAYS: &[&str] = &["createdate", "lastmodifieddate", "hs_object_id"];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CreateBody {
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
struct UpdateBody {
    properties: Map<String, Value>,
}

#[derive(Deserialize)]
struct UpsertBody {
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
struct ReadBody {
    #[serde(default)]
    id_property: Option<String>,
    #[serde(default)]
    properties: Vec<String>,
    inputs: Vec<To>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Reading {
    id_property: Option<String>,
    properties: Option<String>,
}

impl Reading {
    fn wanted(&self) -> Option<Vec<String>> {
        let names = self.properties.as_ref()?;
        Some(
            names
                .split(',')
                .map(|name| name.trim().to_owned())
                .collect(),
        )
    }
}

pub(super) fn kind_of(text: &str) -> Result<Kind, Response> {
    Kind::read(text).ok_or_else(|| HubSpot::error(StatusCode::NOT_FOUND))
}

pub(super) fn read<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<T, Response> {
    serde_json::from_slice(body).map_err(|error| {
        refuse(
            StatusCode::BAD_REQUEST,
            "VALIDATION_ERROR",
            &format!("Invalid input JSON: {error}"),
        )
    })
}

/// `GET /{kind}`: the first hundred.
pub(super) async fn list(
    State(sim): Sim,
    Path(kind): Path<String>,
    Query(reading): Query<Reading>,
    headers: HeaderMap,
) -> Result<Response, Response> {
    let (account, rates) = admit(&sim, &headers)?;
    let kind = kind_of(&kind)?;
    let portal = lock(&account.portal);
    let wanted = reading.wanted();
    let results: Vec<_> = portal
        .records(kind)
        .take(100)
        .map(|record| record.render(wanted.as_deref(), ALWAYS))
        .collect();
    Ok((rates, Json(json!({ "results": results }))).into_response())
}

/// `POST /{kind}`.
pub(super) async fn create(
    State(sim): Sim,
    Path(kind): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Response> {
    let (account, rates) = admit(&sim, &headers)?;
    let line = format!("POST /crm/v3/objects/{kind}");
    let kind = kind_of(&kind)?;
    let body: CreateBody = read(&body)?;
    let mut portal = lock(&account.portal);
    let properties = check(&sim, &portal, kind, None, body.properties, &line)?;
    let mut ties = Vec::new();
    for association in &body.associations {
        for tie in &association.types {
            let to = Kind::ALL
                .into_iter()
                .find(|to| kind.association_type(*to) == Some(tie.association_type_id));
            let to = to.filter(|_| tie.association_category == "HUBSPOT_DEFINED");
            let to = to.ok_or_else(|| {
                Refusal::invalid(format!(
                    "Association type {} is not valid here",
                    tie.association_type_id
                ))
            })?;
            portal
                .get(to, &association.to.id)
                .ok_or_else(Refusal::not_found)?;
            ties.push((to, association.to.id.clone()));
        }
    }
    let record = portal.insert(kind, properties, sim.control.now());
    for (to, id) in &ties {
        portal.associate((kind, &record.id), (*to, id));
    }
    let answer = traced(record.render(None, &[]), body.trace_id.as_deref());
    Ok((StatusCode::CREATED, rates, Json(answer)).into_response())
}

/// `GET /{kind}/{id}`, by id or by a unique value.
pub(super) async fn show(
    State(sim): Sim,
    Path((kind, id)): Path<(String, String)>,
    Query(reading): Query<Reading>,
    headers: HeaderMap,
) -> Result<Response, Response> {
    let (account, rates) = admit(&sim, &headers)?;
    let kind = kind_of(&kind)?;
    let portal = lock(&account.portal);
    let record =
        find(&portal, kind, reading.id_property.as_deref(), &id)?.ok_or_else(Refusal::not_found)?;
    let standard = standard_properties(kind);
    let wanted = reading.wanted().unwrap_or(standard);
    Ok((rates, Json(record.render(Some(&wanted), ALWAYS))).into_response())
}

/// `PATCH /{kind}/{id}`, by id or by a unique value.
pub(super) async fn update(
    State(sim): Sim,
    Path((kind, id)): Path<(String, String)>,
    Query(reading): Query<Reading>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Response> {
    let (account, rates) = admit(&sim, &headers)?;
    let line = format!("PATCH /crm/v3/objects/{kind}/{id}");
    let kind = kind_of(&kind)?;
    let body: UpdateBody = read(&body)?;
    let mut portal = lock(&account.portal);
    let record = find(&portal, kind, reading.id_property.as_deref(), &id)?
        .ok_or_else(Refusal::not_found)?
        .clone();
    let properties = check(&sim, &portal, kind, Some(&record), body.properties, &line)?;
    let record = portal
        .update(kind, &record.id, properties, sim.control.now())
        .ok_or_else(Refusal::not_found)?;
    Ok((rates, Json(record.render(None, &[]))).into_response())
}

/// `DELETE /{kind}/{id}`.
pub(super) async fn archive(
    State(sim): Sim,
    Path((kind, id)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Response> {
    let (account, rates) = admit(&sim, &headers)?;
    lock(&account.portal).remove(kind_of(&kind)?, &id);
    Ok((StatusCode::NO_CONTENT, rates, ()).into_response())
}

/// `POST /{kind}/batch/upsert`: writes each row by its unique value.
pub(super) async fn upsert(
    State(sim): Sim,
    Path(kind): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Response> {
    let (account, rates) = admit(&sim, &headers)?;
    let line = format!("POST /crm/v3/objects/{kind}/batch/upsert");
    let kind = kind_of(&kind)?;
    let body: UpsertBody = read(&body)?;
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
        return Err((rates, Response::from(refused.remove(0).1)).into_response());
    }
    let mut answer = json!({
        "status": "COMPLETE", "results": results, "startedAt": show_time(now), "completedAt": show_time(now),
    });
    if refused.is_empty() {
        return Ok((rates, Json(answer)).into_response());
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
    Ok((StatusCode::MULTI_STATUS, rates, Json(answer)).into_response())
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
    Path(kind): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Response> {
    let (account, rates) = admit(&sim, &headers)?;
    let kind = kind_of(&kind)?;
    let body: ReadBody = read(&body)?;
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
        return Ok((rates, Json(answer)).into_response());
    }
    answer["numErrors"] = json!(1);
    answer["errors"] = json!([{
        "status": "error", "category": "OBJECT_NOT_FOUND", "message": "Could not get some objects, they may be deleted or not exist.",
        "context": { "ids": missing },
    }]);
    Ok((StatusCode::MULTI_STATUS, rates, Json(answer)).into_response())
}

/// What is shown when nothing was asked for.
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
