//! A test of a source: a delivery of our own goes through the public URL, as one of the provider's would.

use std::time::Duration;

use ::sources::SourceSpec;
use axum::extract::State;
use domain::EventId;
use http::StatusCode;
use runtime::{Json, Path, Problem};
use serde::Serialize;
use store::{DeliveryQuery, TokenHash, configs::source_settings};
use utoipa::ToSchema;

use super::{SourcePath, create::url, find, no_source};
use crate::{
    Deps,
    auth::TenantAdmin,
    problems::{Conflict, TenantProblems},
    random_bytes,
    reconcile::{newest_key, urls},
};

/// How long a new source may take to be known at the edge.
const PATIENCE: Duration = Duration::from_secs(12);
/// The pause between two tries.
const PAUSE: Duration = Duration::from_millis(500);
/// How long one try may take.
const DEADLINE: Duration = Duration::from_secs(5);

/// What is said of a test that arrived.
const ARRIVED: &str = "The test delivery arrived, its signature was verified, and it is stored.";

/// What came of a test.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SourceTest {
    /// Whether the test delivery arrived and was stored.
    is_arrived: bool,
    /// What happened; of a test that failed, why, and what to do.
    detail: String,
    /// The stored delivery.
    event_id: Option<String>,
}

/// Sends a test delivery through the source's public URL, signed with its key, and waits until it is stored. It makes no
/// lead.
///
/// It tests what is between the internet and the store: name, certificate, proxy, token and key. That the provider posts
/// is what the source's health says.
#[utoipa::path(
    post,
    path = "/v1/tenants/{tenant_id}/sources/{source_id}/test",
    tag = "sources",
    security(("bearer" = [])),
    params(("tenant_id" = String, Path, description = "The tenant's slug."), SourcePath),
    responses(
        (status = OK, description = "What came of it.", body = SourceTest),
        Conflict,
        TenantProblems
    )
)]
pub(crate) async fn test_source(
    caller: TenantAdmin,
    Path(path): Path<SourcePath>,
    State(deps): State<Deps>,
) -> Result<Json<SourceTest>, Problem> {
    let tenant = caller.tenant();
    let source = find(&deps, tenant, path.source_id)
        .await?
        .ok_or_else(no_source)?;
    let tried = try_it(&deps, &source).await?;
    let (event, fault) = match &tried {
        Tried::Arrived(event) => (Some(event.to_string()), None),
        Tried::Failed(fault) => (None, Some(fault.clone())),
        Tried::Impossible(detail) => {
            return Ok(Json(SourceTest {
                is_arrived: false,
                detail: detail.clone(),
                event_id: None,
            }));
        }
    };
    let test = store::SourceTest {
        at: deps.clock.now(),
        fault: fault.clone(),
    };
    let store = &deps.store;
    store.note_source_test(tenant, source.id, &test).await?;
    Ok(Json(SourceTest {
        is_arrived: event.is_some(),
        detail: fault.unwrap_or_else(|| ARRIVED.to_owned()),
        event_id: event,
    }))
}

/// What came of a try.
enum Tried {
    /// It is stored, as this.
    Arrived(EventId),
    /// It did not arrive; why, and what to do. The source's health says so from then on.
    Failed(String),
    /// It could not be tried: that says nothing of the source.
    Impossible(String),
}

async fn try_it(deps: &Deps, source: &store::Source) -> Result<Tried, Problem> {
    let failed = |detail: String| Ok(Tried::Failed(detail));
    let impossible = |detail: String| Ok(Tried::Impossible(detail));
    let tenant = &source.tenant;
    let outward = deps.outward.as_ref();
    let api = outward
        .and_then(|outward| outward.apis.get(&source.provider))
        .and_then(|apis| apis.webhooks.as_ref());
    let known = deps.sources.get(&source.provider);
    let mark = hex::encode(random_bytes::<8>()?);
    let thing = known.and_then(|known| known.test(&mark));
    let thing = thing.or_else(|| Some(api?.test(&mark)));
    let spec = known.map(|known| known.spec());
    let (Some(outward), Some(thing), Some(spec)) = (outward, thing, spec) else {
        let detail = format!(
            "Deliveries of {} cannot be made here: have it send one.",
            source.provider
        );
        return impossible(detail);
    };
    let Some(url) = known_url(deps, source, spec).await? else {
        let detail = "The source's URL was shown once and is not kept. Where the source connects an account, connect it, and the \
                      URL is kept; else create the source anew.";
        return impossible(detail.to_owned());
    };
    let Some(key) = newest_key(deps, source).await else {
        return failed(
            "The source has no signing key: add one, or connect the source again.".to_owned(),
        );
    };
    let url = match thing.event {
        Some(event) => format!("{url}/{event}"),
        None => url,
    };
    let own = match known {
        Some(known) if spec.settings.is_some() => {
            let settings = source_settings(&*deps.store, tenant, source.id).await?;
            known.signed_as(&settings)
        }
        Some(_) | None => None,
    };
    let began = std::time::Instant::now();
    let detail = loop {
        let now = deps.clock.now();
        let signed = match &own {
            Some(own) => own.sign(&key, &thing.body, now),
            None => spec
                .verification
                .sign(&source.schemes, &key, &mark, &thing.body, now),
        };
        let Some(headers) = signed else {
            return impossible(format!(
                "Deliveries of {} cannot be signed here.",
                spec.name
            ));
        };
        let mut request = outward.http.post(&url).secret_path();
        for (header, value) in headers {
            request = request.header(header, value);
        }
        let request = request
            .body(thing.content_type, thing.body.clone())
            .deadline(DEADLINE);
        let detail = match request.send().await {
            Ok(answer) if answer.status.is_success() => {
                return match arrived(deps, source, &mark).await? {
                    Some(event) => Ok(Tried::Arrived(event)),
                    None => failed(
                        "The URL was answered, but not by this server: look where it leads.".to_owned(),
                    ),
                };
            }
            Ok(answer) if answer.status == StatusCode::UNAUTHORIZED => {
                "The server refuses the signature: the source is disabled, or its key is another one.".to_owned()
            }
            Ok(answer) => format!("The URL was answered with status {}.", answer.status.as_u16()),
            Err(error) => format!("The URL cannot be reached: {error}. Check PUBLIC_URL, and the way there."),
        };
        // A new source, or a new key, counts at the edge after a moment.
        if began.elapsed() >= PATIENCE {
            break detail;
        }
        tokio::time::sleep(PAUSE).await;
    };
    failed(detail)
}

/// The URL of a source: of a public one it follows from the source's id, else it may be kept.
async fn known_url(
    deps: &Deps,
    source: &store::Source,
    spec: &SourceSpec,
) -> Result<Option<String>, Problem> {
    let token = source.id.to_string();
    if source.token == Some(TokenHash::of(&token)) {
        return Ok(Some(url(deps, spec, &token)));
    }
    urls::find(deps, source).await
}

/// The stored test delivery with this mark.
async fn arrived(
    deps: &Deps,
    source: &store::Source,
    mark: &str,
) -> Result<Option<EventId>, Problem> {
    const NEWEST: u32 = 50;
    let query = DeliveryQuery {
        sources: Some([source.id].into()),
        limit: NEWEST,
        ..DeliveryQuery::default()
    };
    let page = deps.store.deliveries(&source.tenant, &query).await?;
    for delivery in page.items {
        if delivery.request.is_some() {
            continue;
        }
        let event = deps.store.event(&source.tenant, delivery.id).await?;
        let has_mark = |body: &[u8]| body.windows(mark.len()).any(|part| part == mark.as_bytes());
        if event.is_some_and(|event| has_mark(&event.body)) {
            return Ok(Some(delivery.id));
        }
    }
    Ok(None)
}
