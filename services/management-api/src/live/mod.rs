//! What happens in a tenant, as it happens: server-sent events.
//!
//! A stream begins behind the event that its reader names, or now. It sends what is stored behind that place, and then
//! what its tenant's [`Feed`](feed::Feed) hears of. Ids are those of the store, so a reader goes on at any process of the
//! fleet, and after any restart.

mod feed;
mod message;
mod pruning;
mod stream;

use std::{sync::Arc, time::Duration};

use axum::{
    Extension,
    extract::State,
    response::{IntoResponse, Sse},
};
use domain::{Clock, TenantId, later};
use futures::{
    FutureExt as _, StreamExt as _,
    future::{BoxFuture, pending, select},
    stream::unfold,
};
use http::{HeaderMap, header::CACHE_CONTROL};
use runtime::{Draining, Problem};
use serde::Deserialize;
use store::{LiveId, Store};
use utoipa::IntoParams;

pub(crate) use self::message::{Changed, Counts, Hello, RequestChanged, Reset};
pub(crate) use self::{feed::Hub, pruning::prune};
use self::{
    message::ResetReason,
    stream::{Ends, Stream},
};
use crate::{
    Deps,
    auth::{FRESH_FOR, TenantReader},
    faults::PARAMETERS,
    problems::{QueryProblems, TenantProblems},
    query::Query,
};

/// As clients send the last id that they have.
const LAST_EVENT_ID: &str = "last-event-id";
/// Proxies that gather answers must not gather this one.
const NOT_BUFFERED: (&str, &str) = ("x-accel-buffering", "no");

/// Where a stream begins.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct LiveParams {
    /// For clients that cannot set the header `Last-Event-ID`, which outranks it.
    last_event_id: Option<String>,
}

/// What happens in a tenant, as it happens.
///
/// Server-sent events, in the order of commits. `hello` (`LiveHello`) comes first. `request` (`LiveRequest`) shows a
/// request that changed as it is now, `connection`, `source`, `config`, `tenant`, `job`, `person` and `api_key`
/// (`LiveChange`) name a thing that changed, and `counts` (`LiveCounts`) says how much waits for a person. Pass over events that you do not know. A comment
/// comes every 15 seconds. The stream ends when the token does, when the server ends, and when you read too slowly:
/// connect again with the last id that you have, and you miss nothing and see nothing twice, for at least 24 hours. If
/// what came behind that id is gone, `reset` (`LiveReset`) says so: read everything anew; the stream goes on from now.
#[utoipa::path(
    get,
    path = "/v1/tenants/{tenant_id}/live",
    tag = "live",
    security(("bearer" = [])),
    params(
        ("tenant_id" = String, Path, description = "The tenant's slug."),
        ("Last-Event-ID" = Option<String>, Header, description = "The last id of the stream before."),
        LiveParams
    ),
    responses(
        (status = OK, description = "The events, for as long as you listen.", content_type = "text/event-stream", body = String),
        QueryProblems,
        TenantProblems
    )
)]
pub(crate) async fn watch_tenant(
    reader: TenantReader,
    query: Query<LiveParams>,
    headers: HeaderMap,
    draining: Option<Extension<Draining>>,
    Extension(hub): Extension<Arc<Hub>>,
    State(deps): State<Deps>,
) -> Result<impl IntoResponse, Problem> {
    let (params, faults) = query.open();
    faults.finish(PARAMETERS)?;
    let tenant = reader.tenant();
    let joined = hub.join(tenant).await?;
    let named = match headers.get(LAST_EVENT_ID) {
        // What is no text is no id.
        Some(value) => Some(value.to_str().unwrap_or("?").to_owned()),
        None => params.last_event_id,
    };
    let (place, reset) = begin(deps.store.as_ref(), tenant, named.as_deref()).await?;
    let ends = Ends {
        draining: draining.map_or_else(
            || pending().boxed(),
            |Extension(draining)| draining.begun().boxed(),
        ),
        expiry: expiry(&deps, &reader),
        beat: beat(deps.clock.as_ref()),
    };
    let stream = Stream::begin(deps, joined, ends, place, reset)?;
    let events = unfold(stream, |mut stream| async move {
        let event = stream.next().await?;
        Some((event, stream))
    });
    let sse = Sse::new(events.map(Ok::<_, std::convert::Infallible>));
    Ok(([(CACHE_CONTROL.as_str(), "no-store"), NOT_BUFFERED], sse))
}

/// Where a stream begins, and why not where its reader wanted.
async fn begin(
    store: &dyn Store,
    tenant: &TenantId,
    named: Option<&str>,
) -> Result<(LiveId, Option<ResetReason>), Problem> {
    // An empty id is what clients have that have none.
    let reset = match named.filter(|id| !id.is_empty()).map(str::parse) {
        None => None,
        Some(Err(_)) => Some(ResetReason::Malformed),
        Some(Ok(place)) if store.live_reaches(tenant, place).await? => return Ok((place, None)),
        Some(Ok(_)) => Some(ResetReason::Gone),
    };
    Ok((store.live_now(tenant).await?, reset))
}

/// Resolves when the reader may listen no longer: their token has ended, or their key was revoked.
fn expiry(deps: &Deps, reader: &TenantReader) -> BoxFuture<'static, ()> {
    let end = deps.clock.sleep_until(reader.valid_until());
    if !reader.is_program() {
        return end;
    }
    let (store, clock) = (deps.store.clone(), deps.clock.clone());
    let (tenant, key) = (reader.tenant().clone(), reader.subject().to_owned());
    let revoked = async move {
        loop {
            clock.sleep_until(later(clock.now(), FRESH_FOR)).await;
            // While the store does not answer, the key is what it was.
            let is_good = store.api_keys(&tenant).await.map_or(true, |keys| {
                let mut keys = keys.iter();
                keys.any(|known| known.id.to_string() == key && known.revoked_at.is_none())
            });
            if !is_good {
                return;
            }
        }
    };
    select(end, revoked.boxed()).map(drop).boxed()
}

/// Resolves when a sign of life is due.
fn beat(clock: &dyn Clock) -> BoxFuture<'static, ()> {
    /// Shorter than proxies wait for the next byte.
    const HEARTBEAT: Duration = Duration::from_secs(15);
    clock.sleep_until(later(clock.now(), HEARTBEAT))
}
