//! Associations, v4.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::portal::{Kind, show};
use super::{HubSpot, Provider, Sim, list_page, lock};
use crate::extract::{Authorized, Path, Query};

const PAGE_MAX: usize = 500;

/// `PUT /{kind}/{id}/associations/default/{to}/{to_id}`. Repeating it changes nothing.
pub(super) async fn associate(
    State(sim): Sim,
    Authorized(account): Authorized<HubSpot>,
    Path((from, id, to, to_id)): Path<(Kind, String, Kind, String)>,
) -> Result<Response, Response> {
    let (Some(there), Some(back)) = (from.association_type(to), to.association_type(from)) else {
        let message = format!("{} and {} cannot be associated", from.plural(), to.plural());
        return Err(HubSpot::error(StatusCode::BAD_REQUEST, &message));
    };
    if !lock(&account.portal).associate((from, &id), (to, &to_id)) {
        return Err(HubSpot::refuse(StatusCode::NOT_FOUND));
    }
    let association = |from: &str, to: &str, type_id: u32| -> Value {
        json!({
            "from": { "id": from }, "to": { "id": to },
            "associationSpec": { "associationCategory": "HUBSPOT_DEFINED", "associationTypeId": type_id },
        })
    };
    let now = show(sim.control.now());
    let answer = json!({
        "status": "COMPLETE",
        "results": [association(&id, &to_id, there), association(&to_id, &id, back)],
        "startedAt": now,
        "completedAt": now,
    });
    Ok(Json(answer).into_response())
}

/// `GET /{kind}/{id}/associations/{to}`.
pub(super) async fn list(
    State(sim): Sim,
    Authorized(account): Authorized<HubSpot>,
    Path((from, id, to)): Path<(Kind, String, Kind)>,
    uri: Uri,
    query: Query<HubSpot>,
) -> Result<Response, Response> {
    let portal = lock(&account.portal);
    if portal.get(from, &id).is_none() {
        return Err(HubSpot::refuse(StatusCode::NOT_FOUND));
    }
    let type_id = from.association_type(to);
    list_page(&sim, &uri, &query, (PAGE_MAX, PAGE_MAX), |after| {
        let ids = portal.associated((from, &id), to).into_iter();
        ids.filter(move |id| *id > after).map(move |id| {
            let types =
                json!([{ "category": "HUBSPOT_DEFINED", "typeId": type_id, "label": null }]);
            (id, json!({ "toObjectId": id, "associationTypes": types }))
        })
    })
}
