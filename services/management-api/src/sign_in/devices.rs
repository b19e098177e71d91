//! Where somebody is signed in.

use axum::extract::State;
use domain::{SessionId, StoreError};
use jiff::Timestamp;
use runtime::{Json, Path, Problem};
use serde::Serialize;
use store::Session;
use utoipa::ToSchema;

use super::{browser::Browser, session::held};
use crate::{Deps, problems::SignInProblems};

/// A device on which the caller is signed in.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Device {
    /// Its id.
    device_id: String,
    /// What its browser says of itself.
    user_agent: String,
    /// The address that it last came from.
    address: String,
    /// Since when.
    signed_in_at: Timestamp,
    /// When it last asked for a token.
    last_used_at: Timestamp,
    /// When it is signed out if it is not used before.
    ends_at: Timestamp,
    /// Whether it is the one that asks.
    is_this: bool,
}

impl Device {
    fn of(session: Session, this: SessionId) -> Self {
        Self {
            is_this: session.id == this,
            device_id: session.id.to_string(),
            user_agent: session.device.user_agent,
            address: session.device.address,
            signed_in_at: session.created_at,
            last_used_at: session.used_at,
            ends_at: session.ends_at,
        }
    }
}

/// The devices on which the caller is signed in.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeviceList {
    /// The devices, the last used first.
    items: Vec<Device>,
    /// Always null: there are never more than fit.
    next_cursor: Option<String>,
}

/// Where the person is signed in whose cookie this is.
#[utoipa::path(
    get,
    path = "/v1/sign-in/devices",
    tag = "sign-in",
    security(("session" = [])),
    responses((status = OK, description = "The devices.", body = DeviceList), SignInProblems)
)]
pub(crate) async fn list_devices(
    browser: Browser,
    State(deps): State<Deps>,
) -> Result<Json<DeviceList>, Problem> {
    let this = held(&deps, &browser).await?;
    let mut sessions = deps.store.sessions_of_across_tenants(&this.holder).await?;
    let now = deps.clock.now();
    sessions.retain(|session| now < session.ends_at);
    let items = sessions.into_iter();
    Ok(Json(DeviceList {
        items: items.map(|session| Device::of(session, this.id)).collect(),
        next_cursor: None,
    }))
}

/// Signs the person out on one of their devices; its tokens are good for 10 minutes at most.
#[utoipa::path(
    delete,
    path = "/v1/sign-in/devices/{device_id}",
    tag = "sign-in",
    security(("session" = [])),
    params(("device_id" = String, Path, description = "The device's id.", example = "ses_0199f3a100007000800000000000002a")),
    responses((status = OK, description = "The device as it was.", body = Device), SignInProblems)
)]
pub(crate) async fn sign_out_device(
    browser: Browser,
    Path(device): Path<SessionId>,
    State(deps): State<Deps>,
) -> Result<Json<Device>, Problem> {
    let this = held(&deps, &browser).await?;
    let sessions = deps.store.sessions_of_across_tenants(&this.holder).await?;
    let found = sessions.into_iter().find(|session| session.id == device);
    let found = found.ok_or(StoreError::NotFound)?;
    deps.store.end_session_across_tenants(device).await?;
    Ok(Json(Device::of(found, this.id)))
}
