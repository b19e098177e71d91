//! What came in: stored deliveries, as a list and as they came, and their replay.

mod masking;
pub(crate) mod refusals;

use std::collections::{BTreeMap, BTreeSet};

use ::sources::{Scope, Verified, direct, read_as_set};
use axum::extract::State;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use domain::{EventId, RequestId, SourceId, TenantId};
use jiff::{Timestamp, tz::TimeZone};
use runtime::{Json, Path, Problem, Query};
use serde::{Deserialize, Serialize};
use store::{
    DeliveryOutcome, DeliveryQuery, DeliverySummary, StoredEvent, configs::source_settings,
};
use utoipa::{IntoParams, ToSchema};

use crate::{
    Deps,
    auth::{Role, TenantOperator, TenantReader},
    cursor::Cursor as _,
    faults::{Faults, PARAMETERS, word},
    leads,
    period::Period,
    problems::{Conflict, QueryProblems, TenantProblems},
};

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

/// What became of a delivery.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = DeliveryOutcome)]
pub(crate) enum Outcome {
    /// It made or changed a request.
    Request,
    /// It could not be read: its request waits for a person.
    Unread,
    /// It says nothing of a lead.
    Unused,
}

impl From<DeliveryOutcome> for Outcome {
    fn from(outcome: DeliveryOutcome) -> Self {
        match outcome {
            DeliveryOutcome::Request => Self::Request,
            DeliveryOutcome::Unread => Self::Unread,
            DeliveryOutcome::Unused => Self::Unused,
        }
    }
}

impl From<Outcome> for DeliveryOutcome {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Request => Self::Request,
            Outcome::Unread => Self::Unread,
            Outcome::Unused => Self::Unused,
        }
    }
}

/// Which deliveries to list, as callers write it.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListParams {
    /// At most this many.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200, default = 50)]
    limit: Option<String>,
    /// Only those that came to this source.
    #[param(example = "src_0199f3a100007000800000000000002a")]
    source_id: Option<String>,
    /// Only those of this provider, by its slug: one that this build knows, or that the tenant has a source of.
    #[param(pattern = "^[a-z0-9][a-z0-9_-]{0,62}$")]
    provider: Option<String>,
    /// Only those that made or changed this request. Deliveries of one that was merged stay with its own id.
    #[param(example = "req_0199f3a100007000800000000000002a")]
    request_id: Option<String>,
    /// Only those that came to this.
    #[param(value_type = Option<Outcome>)]
    outcome: Option<String>,
    /// Only those that came again.
    #[param(value_type = Option<bool>)]
    repeated: Option<String>,
    /// Only those that were stored then or later: a time (RFC 3339), or a day by the clock of the tenant's first office.
    #[param(example = "2026-11-01")]
    from: Option<String>,
    /// Only those that were stored before this time, or up to the end of this day.
    #[param(example = "2026-11-30")]
    to: Option<String>,
    /// Where the page before ended: its `next_cursor`.
    cursor: Option<String>,
}

/// A stored delivery in a list.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DeliverySummary)]
pub(crate) struct Summary {
    /// Its id.
    event_id: String,
    /// When it was stored.
    received_at: Timestamp,
    /// The provider's slug.
    provider: String,
    /// The source that it came to.
    source_id: String,
    /// The event that the URL named.
    event: Option<String>,
    /// The scheme that verified it.
    scheme: String,
    /// What became of it.
    outcome: Outcome,
    /// The request that it made or changed.
    request_id: Option<String>,
    /// Why it was not used, or could not be read.
    remark: Option<String>,
    /// The size of its body.
    body_bytes: u64,
    /// How often it came again. Equal ones that arrive at the same moment may count as one.
    repeats: u64,
}

impl From<DeliverySummary> for Summary {
    fn from(delivery: DeliverySummary) -> Self {
        let outcome = DeliveryOutcome::of(delivery.request.is_some(), delivery.remark.is_some());
        Self {
            event_id: delivery.id.to_string(),
            received_at: delivery.received_at,
            provider: delivery.provider,
            source_id: delivery.source.to_string(),
            event: delivery.event,
            scheme: delivery.scheme,
            outcome: outcome.into(),
            request_id: delivery.request.map(|id| id.to_string()),
            remark: delivery.remark,
            body_bytes: delivery.body_bytes,
            repeats: delivery.repeats,
        }
    }
}

/// A page of deliveries, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeliveryList {
    /// The deliveries.
    items: Vec<Summary>,
    /// Send this as `cursor` to get older ones; null when there are none.
    next_cursor: Option<String>,
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
    /// The source that it came to.
    source_id: String,
    /// The event that the URL named.
    event: Option<String>,
    /// The scheme that verified it.
    scheme: String,
    /// When it was stored.
    received_at: Timestamp,
    /// What became of it.
    outcome: Outcome,
    /// Why it was not used, or could not be read.
    remark: Option<String>,
    /// The headers that were kept: no signature, no secret.
    headers: BTreeMap<String, String>,
    /// Size of the body.
    body_bytes: usize,
    /// The body: its first 64 KiB.
    body: String,
    /// How `body` is written: `text`, or `base64` for a body that is not text.
    body_encoding: BodyEncoding,
    /// Whether the body is longer than what is shown.
    is_cut: bool,
    /// Whether letters and digits are masked, because the role may not see what people wrote.
    is_masked: bool,
}

/// How a body is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum BodyEncoding {
    /// As it came.
    Text,
    /// In base64, as RFC 4648 has it.
    Base64,
}

/// A delivery that is read again.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReplayedDelivery {
    /// The delivery: the same event as before.
    event_id: String,
    /// The request that it belongs to, which shows what comes of it.
    request_id: String,
}

/// A tenant's stored deliveries, newest first.
///
/// A delivery that came again is one delivery, with a count. Following `next_cursor` to its end shows every delivery
/// once that was there when the first page was asked for.
#[utoipa::path(
    get,
    path = "/v1/tenants/{tenant_id}/events",
    tag = "deliveries",
    security(("bearer" = [])),
    params(("tenant_id" = String, Path, description = "The tenant's slug."), ListParams),
    responses(
        (status = OK, description = "A page.", body = DeliveryList),
        QueryProblems,
        TenantProblems
    )
)]
pub(crate) async fn list_deliveries(
    reader: TenantReader,
    Query(params): Query<ListParams>,
    State(deps): State<Deps>,
) -> Result<Json<DeliveryList>, Problem> {
    let zone = params.period().zone(&deps, reader.tenant()).await?;
    let of_provider = match &params.provider {
        Some(provider) => Some(sources_of(&deps, reader.tenant(), provider).await?),
        None => None,
    };
    let mut query = params.read(&deps, &zone, of_provider.as_ref())?;
    if let Some(of_provider) = of_provider {
        query.sources = Some(match query.sources {
            Some(asked) => asked.intersection(&of_provider).copied().collect(),
            None => of_provider,
        });
    }
    let page = deps.store.deliveries(reader.tenant(), &query).await?;
    let last = page.items.last().filter(|_| page.has_more);
    Ok(Json(DeliveryList {
        next_cursor: last.map(|delivery| delivery.id.encode()),
        items: page.items.into_iter().map(Into::into).collect(),
    }))
}

impl ListParams {
    fn period(&self) -> Period<'_> {
        Period {
            from: self.from.as_deref(),
            to: self.to.as_deref(),
        }
    }

    /// Which deliveries are meant; `of_provider` are the tenant's sources of the provider that is given.
    fn read(
        &self,
        deps: &Deps,
        zone: &TimeZone,
        of_provider: Option<&BTreeSet<SourceId>>,
    ) -> Result<DeliveryQuery, Problem> {
        let mut faults = Faults::default();
        faults.read("provider", self.provider.as_deref(), |slug| {
            let is_known = deps.sources.reader_of(slug).is_some();
            if is_known || of_provider.is_some_and(|sources| !sources.is_empty()) {
                return Ok(());
            }
            let known = deps.sources.iter().map(|source| source.spec().slug);
            let known: Vec<_> = known.chain([direct::SPEC.slug]).collect();
            Err(format!("one of {}", known.join(", ")))
        });
        let source = faults.read(
            "source_id",
            self.source_id.as_deref(),
            str::parse::<SourceId>,
        );
        let outcome = faults.read("outcome", self.outcome.as_deref(), word::<Outcome>);
        let request = faults.read(
            "request_id",
            self.request_id.as_deref(),
            str::parse::<RequestId>,
        );
        let is_repeated = faults.read("repeated", self.repeated.as_deref(), |text| {
            text.parse().map_err(|_| "`true` or `false`")
        });
        let (from, to) = self.period().read(&mut faults, ["from", "to"], zone);
        let query = DeliveryQuery {
            sources: source.map(|source| BTreeSet::from([source])),
            request,
            outcome: outcome.map(Into::into),
            is_repeated: is_repeated.unwrap_or(false),
            from,
            to,
            limit: faults.limit(self.limit.as_deref()),
            before: faults.cursor(self.cursor.as_deref()),
        };
        faults.finish(PARAMETERS)?;
        Ok(query)
    }
}

/// The tenant's sources of a provider. No source is ever removed, so each of its deliveries came to one of them.
async fn sources_of(
    deps: &Deps,
    tenant: &TenantId,
    provider: &str,
) -> Result<BTreeSet<SourceId>, Problem> {
    let sources = deps.store.sources(tenant).await?.into_iter();
    let of_provider = sources.filter(|source| source.provider == provider);
    let own = (provider == direct::SPEC.slug).then(|| leads::source_of(tenant));
    Ok(of_provider.map(|source| source.id).chain(own).collect())
}

/// A delivery as it came: headers and body.
///
/// It holds what a person wrote or said. The role `operator` sees it; for a `viewer` every letter and digit of a value
/// is masked, so that the shape can be seen: names of fields, punctuation, lengths up to 64 characters, times, and
/// numbers of up to four digits stay. What a sender put into the name of a field stays, too.
#[utoipa::path(
    get,
    path = "/v1/tenants/{tenant_id}/events/{event_id}",
    tag = "deliveries",
    security(("bearer" = [])),
    params(("tenant_id" = String, Path, description = "The tenant's slug."), DeliveryPath),
    responses(
        (status = OK, description = "The delivery.", body = Delivery),
        TenantProblems
    )
)]
pub(crate) async fn show_delivery(
    reader: TenantReader,
    Path(path): Path<DeliveryPath>,
    State(deps): State<Deps>,
) -> Result<Json<Delivery>, Problem> {
    let event = find(&deps, reader.tenant(), path.event_id).await?;
    let is_masked = reader.role() < Role::Operator;
    Ok(Json(Delivery::shown(event, is_masked)))
}

/// Has a stored delivery read again, as the same event.
///
/// What could not be read, or is read better by now, is read by its request's stage `reading`: the request stays the
/// same one, and what was done outside is not done twice. A delivery that was not used may make a request now. Only the
/// newest delivery of a request can be replayed: an older one is outranked.
#[utoipa::path(
    post,
    path = "/v1/tenants/{tenant_id}/events/{event_id}/replay",
    tag = "deliveries",
    security(("bearer" = [])),
    params(("tenant_id" = String, Path, description = "The tenant's slug."), DeliveryPath),
    responses(
        (status = OK, description = "The delivery is being read.", body = ReplayedDelivery),
        Conflict,
        TenantProblems
    )
)]
pub(crate) async fn replay_delivery(
    caller: TenantOperator,
    Path(path): Path<DeliveryPath>,
    State(deps): State<Deps>,
) -> Result<Json<ReplayedDelivery>, Problem> {
    let (tenant, id) = (caller.tenant(), path.event_id);
    let event = find(&deps, tenant, id).await?;
    let read = match event.request {
        Some(_) => None,
        None => Some(read_now(&deps, tenant, event).await?),
    };
    let act = caller.act("delivery.replay", &id);
    let replayed = deps.store.replay_delivery(tenant, id, read, &act).await?;
    deps.hand_over(replayed.wakes).await;
    Ok(Json(ReplayedDelivery {
        event_id: id.to_string(),
        request_id: replayed.request.to_string(),
    }))
}

async fn find(deps: &Deps, tenant: &TenantId, event: EventId) -> Result<StoredEvent, Problem> {
    let event = deps.store.event(tenant, event).await?;
    event.ok_or_else(|| Problem::not_found("There is no such delivery."))
}

/// A stored delivery, as this build reads it.
async fn read_now(
    deps: &Deps,
    tenant: &TenantId,
    event: StoredEvent,
) -> Result<store::Delivery, Problem> {
    let source = deps.sources.reader_of(&event.provider).ok_or_else(|| {
        Problem::conflict(format!("This build has no source `{}`.", event.provider))
    })?;
    let spec = source.spec();
    let configured = deps.store.sources(tenant).await?.into_iter();
    let configured = configured
        .into_iter()
        .find(|configured| configured.id == event.source);
    let (office, accounts) = configured.map_or((None, Vec::new()), |configured| {
        (configured.office, configured.accounts)
    });
    let delivery = Verified::restored(
        spec,
        &event.scheme,
        event.headers.clone(),
        event.body.clone(),
    )
    .ok_or_else(|| {
        Problem::conflict("This build does not know the delivery's signature scheme.")
    })?;
    let settings = source_settings(&*deps.store, tenant, event.source).await?;
    let reading = read_as_set(
        source,
        event.source,
        &accounts,
        &settings,
        &delivery,
        event.event.as_deref(),
    );
    let scope = Scope::of(source, event.source, &delivery).of_deliveries();
    Ok(store::Delivery {
        tenant: tenant.clone(),
        provider: event.provider,
        source: event.source,
        channel: spec.usual_channel(),
        office,
        event: event.event,
        is_told_by_body: spec.is_told_by_body,
        scope,
        delivery_id: None,
        scheme: event.scheme,
        headers: event.headers,
        body: event.body,
        traceparent: None,
        reading,
    })
}

impl Delivery {
    fn shown(event: StoredEvent, is_masked: bool) -> Self {
        let outcome = DeliveryOutcome::of(event.request.is_some(), event.remark.is_some());
        let content_type = event.headers.get("content-type").cloned();
        let (body, body_encoding) = match std::str::from_utf8(&event.body) {
            Ok(text) if is_masked => (
                masking::body(text, content_type.as_deref()),
                BodyEncoding::Text,
            ),
            Ok(text) => (text.to_owned(), BodyEncoding::Text),
            // What is no text cannot be masked, so that only its size is shown.
            Err(_) if is_masked => (String::new(), BodyEncoding::Text),
            Err(_) => {
                let shown = event.body.get(..MAX_SHOWN).unwrap_or(&event.body);
                (STANDARD.encode(shown), BodyEncoding::Base64)
            }
        };
        let headers = event.headers.into_iter();
        Self {
            event_id: event.id.to_string(),
            request_id: event.request.map(|id| id.to_string()),
            provider: event.provider,
            source_id: event.source.to_string(),
            event: event.event,
            scheme: event.scheme,
            received_at: event.received_at,
            outcome: outcome.into(),
            remark: event.remark,
            headers: headers
                .map(|(name, value)| {
                    let is_shown = !is_masked || name == "content-type";
                    let value = if is_shown {
                        value
                    } else {
                        masking::text(&value)
                    };
                    (name, value)
                })
                .collect(),
            body_bytes: event.body.len(),
            body: match body_encoding {
                BodyEncoding::Text => beginning(body),
                BodyEncoding::Base64 => body,
            },
            body_encoding,
            is_cut: event.body.len() > MAX_SHOWN,
            is_masked,
        }
    }
}

/// As much of a text as is shown.
fn beginning(mut text: String) -> String {
    if text.len() > MAX_SHOWN {
        let end = (0..=MAX_SHOWN).rev().find(|at| text.is_char_boundary(*at));
        text.truncate(end.unwrap_or(0));
    }
    text
}
