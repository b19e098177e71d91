//! What belongs to what: associations, v4.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::objects::kind_of;
use super::portal::show;
use super::{HubSpot, Provider, Sim, admit, lock, refuse};

/// `PUT /{from}/{id}/associations/default/{to}/{to_id}`; repeating it changes nothing.
pub(super) async fn associate(
    State(sim): Sim,
    Path((from, id, to, to_id)): Path<(String, String, String, String)>,
    headers: HeaderMap,
) -> Result<Response, Response> {
    let (account, rates) = admit(&sim, &headers)?;
    let (from, to) = (kind_of(&from)?, kind_of(&to)?);
    let (Some(there), Some(back)) = (from.association_type(to), to.association_type(from)) else {
        let message = format!("{} and {} cannot be associated", from.plural(), to.plural());
        return Err(refuse(
            StatusCode::BAD_REQUEST,
            "VALIDATION_ERROR",
            &message,
        ));
    };
    if !lock(&account.portal).associate((from, &id), (to, &to_id)) {
        return Err(HubSpot::error(StatusCode::NOT_FOUND));
    }
    let tie = |from: &str, to: &str, type_id: u32| -> Value {
        json!({
            "from": { "id": from }, "to": { "id": to },
            "associationSpec": { "associationCategory": "HUBSPOT_DEFINED", "associationTypeId": type_id },
        })
    };
    let now = show(sim.control.now());
    Ok((
        rates,
        Json(json!({
            "status": "COMPLETE",
            "results": [tie(&id, &to_id, there), tie(&to_id, &id, back)],
            "startedAt": now,
            "completedAt": now,
        })),
    )
        .into_response())
}

/// `GET /{from}/{id}/associations/{to}`.
pub(super) async fn list(
    State(sim): Sim,
    Path((from, id, to)): Path<(String, String, String)>,
    headers: HeaderMap,
) -> Result<Response, Response> {
    let (account, rates) = admit(&sim, &headers)?;
    let (from, to) = (kind_of(&from)?, kind_of(&to)?);
    let portal = lock(&account.portal);
    if portal.get(from, &id).is_none() {
        return Err(HubSpot::error(StatusCode::NOT_FOUND));
    }
    let type_id = from.association_type(to);
    let results: Vec<_> = portal
        .associated((from, &id), to)
        .iter()
        .map(|number| {
            let types =
                json!([{ "category": "HUBSPOT_DEFINED", "typeId": type_id, "label": null }]);
            json!({ "toObjectId": number, "associationTypes": types })
        })
        .collect();
    Ok((rates, Json(json!({ "results": results }))).into_response())
}
