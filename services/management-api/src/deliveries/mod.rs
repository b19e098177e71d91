//! Stored deliveries, as they came: for a person who must see what could not be read.

use std::collections::BTreeMap;

use axum::extract::State;
use domain::EventId;
use jiff::Timestamp;
use runtime::{Json, Path, Problem};
use serde::{Deserialize, Serialize};
use store::StoredEvent;
use utoipa::{IntoParams, ToSchema};

use crate::{Deps, auth::TenantOperator, problems::TenantProblems};

/// How much of a body is shown, in bytes.
const MAX_SHOWN: usize = 64 * 1024;

/// Which delivery.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct DeliveryPath {
    /// The delivery's id: a request names its newest one in `source.last_event_id`.
    #[param(value_type = String, example = "evt_0199f3a100007000800000000000002a")]
    event_id: EventId,
}

/// A stored delivery, as it came.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Delivery {
    /// Its id.
    event_id: String,
    /// The request that it made or changed.
    request_id: Option<String>,
    /// The provider's slug.
    provider: String,
    /// The event that the URL named.
    event: Option<String>,
    /// The scheme that verified it.
    scheme: String,
    /// When it was stored.
    received_at: Timestamp,
    /// Why it was not used, or could not be read.
    remark: Option<String>,
    /// The headers that were kept: no signature, no secret.
    headers: BTreeMap<String, String>,
    /// Size of the body.
    body_bytes: usize,
    /// The body as text: its first 64 KiB, with `�` in place of bytes that are no UTF-8.
    body: String,
    /// Whether the body is longer than what is shown.
    is_cut: bool,
}

/// A delivery as it came: headers and body.
///
/// It holds what a person wrote or said, so reading it takes the role `operator`.
#[utoipa::path(
    get,
    path = "/v1/tenants/{tenant_id}/deliveries/{event_id}",
    tag = "requests",
    security(("bearer" = [])),
    params(("tenant_id" = String, Path, description = "The tenant's slug."), DeliveryPath),
    responses(
        (status = OK, description = "The delivery.", body = Delivery),
        TenantProblems
    )
)]
pub(crate) async fn show_delivery(
    caller: TenantOperator,
    Path(path): Path<DeliveryPath>,
    State(deps): State<Deps>,
) -> Result<Json<Delivery>, Problem> {
    let event = deps.store.event(caller.tenant(), path.event_id).await?;
    let event = event.ok_or_else(|| Problem::not_found("There is no such delivery."))?;
    Ok(Json(event.into()))
}

impl From<StoredEvent> for Delivery {
    fn from(event: StoredEvent) -> Self {
        let (body, is_cut) = match event.body.get(..MAX_SHOWN) {
            Some(shown) => (shown, event.body.len() > MAX_SHOWN),
            None => (event.body.as_ref(), false),
        };
        Self {
            event_id: event.id.to_string(),
            request_id: event.request.map(|id| id.to_string()),
            provider: event.provider,
            event: event.event,
            scheme: event.scheme,
            received_at: event.received_at,
            remark: event.remark,
            headers: event.headers,
            body_bytes: event.body.len(),
            body: String::from_utf8_lossy(body).into_owned(),
            is_cut,
        }
    }
}
