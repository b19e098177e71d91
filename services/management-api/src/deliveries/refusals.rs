//! Refused deliveries, counted by minute, address and reason.

use std::borrow::Cow;

use axum::extract::State;
use jiff::Timestamp;
use runtime::{Json, Network, Problem};
use serde::{Deserialize, Serialize};
use store::{Page, REFUSAL_REASONS, SecurityEvent, SecurityKey, SecurityQuery};
use utoipa::{
    IntoParams, PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, Type},
};

use crate::{
    Deps,
    auth::{PlatformAdmin, TenantReader},
    cursor::Cursor,
    faults::{Faults, PARAMETERS},
    problems::{PlatformProblems, QueryProblems, TenantProblems},
    query::Query,
};

/// In place of an address that is not known.
const UNKNOWN: &str = "unknown";

/// Which refusals to list, as callers write it.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct RefusalParams {
    /// At most this many.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200, default = 50)]
    limit: Option<String>,
    /// Only those from this address; of IPv6, from its network (`2001:db8::/64`).
    #[param(
        pattern = "^([0-9a-fA-F.:]{2,45}(/64)?|unknown)$",
        example = "192.0.2.7"
    )]
    address: Option<String>,
    /// Only those for this reason.
    #[param(value_type = Option<Reason>, inline, example = "wrong_signature")]
    reason: Option<String>,
    /// Where the page before ended: its `next_cursor`.
    cursor: Option<String>,
}

/// Refusals of one kind from one address within one minute.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SecurityEvent)]
pub(crate) struct Refusal {
    /// The start of the minute.
    minute: Timestamp,
    /// The address that they came from; of IPv6, its network.
    address: String,
    /// Why, such as `wrong_signature`: `too_many_failures` is of what was not checked because its address had failed too
    /// often. `reason` of the query lists them; those that another version noted can be others.
    reason: String,
    /// The provider's slug.
    provider: String,
    /// How many.
    count: u64,
    /// The id of one of them, to find it by in the service's logs.
    trace_id: String,
}

impl From<SecurityEvent> for Refusal {
    fn from(event: SecurityEvent) -> Self {
        Self {
            minute: event.minute,
            address: event.address,
            reason: event.reason,
            provider: event.provider,
            count: event.count,
            trace_id: event.trace_id,
        }
    }
}

/// A page of refusals, newest first.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SecurityEventList)]
pub(crate) struct RefusalList {
    /// The refusals.
    items: Vec<Refusal>,
    /// Send this as `cursor` to get older ones; null when there are none.
    next_cursor: Option<String>,
}

/// Refused deliveries to a tenant, newest first: a wrong signature, an old one, none.
///
/// They are counted by minute, address and reason, and kept for 30 days unless the service is set otherwise.
#[utoipa::path(
    get,
    path = "/v1/tenants/{tenant_id}/security-events",
    tag = "deliveries",
    security(("bearer" = [])),
    params(("tenant_id" = String, Path, description = "The tenant's slug."), RefusalParams),
    responses(
        (status = OK, description = "A page.", body = RefusalList),
        QueryProblems,
        TenantProblems
    )
)]
pub(crate) async fn list_security_events(
    reader: TenantReader,
    query: Query<RefusalParams>,
    State(deps): State<Deps>,
) -> Result<Json<RefusalList>, Problem> {
    let (params, faults) = query.open();
    let query = params.read(faults)?;
    let page = deps.store.security_events(reader.tenant(), &query).await?;
    Ok(Json(page.into()))
}

/// Refused deliveries that named no tenant of ours, newest first.
#[utoipa::path(
    get,
    path = "/v1/security-events",
    tag = "deliveries",
    security(("bearer" = [])),
    params(RefusalParams),
    responses(
        (status = OK, description = "A page.", body = RefusalList),
        QueryProblems,
        PlatformProblems
    )
)]
pub(crate) async fn list_security_events_of_nobody(
    _caller: PlatformAdmin,
    query: Query<RefusalParams>,
    State(deps): State<Deps>,
) -> Result<Json<RefusalList>, Problem> {
    let (params, faults) = query.open();
    let query = params.read(faults)?;
    let page = deps
        .store
        .security_events_of_nobody_across_tenants(&query)
        .await?;
    Ok(Json(page.into()))
}

impl RefusalParams {
    fn read(&self, mut faults: Faults) -> Result<SecurityQuery, Problem> {
        let query = SecurityQuery {
            address: faults.read("address", self.address.as_deref(), address),
            reason: faults.read("reason", self.reason.as_deref(), reason),
            limit: faults.limit(self.limit.as_deref()),
            after: faults.cursor(self.cursor.as_deref()),
        };
        faults.finish(PARAMETERS)?;
        Ok(query)
    }
}

/// An address as the list shows it.
fn address(given: &str) -> Result<String, &'static str> {
    if given == UNKNOWN {
        return Ok(given.to_owned());
    }
    let network = Network::parse(given).map(|network| network.to_string());
    network.ok_or("an address such as 192.0.2.7, or of IPv6 its network, such as 2001:db8::/64")
}

fn reason(given: &str) -> Result<String, String> {
    if REFUSAL_REASONS.contains(&given) {
        return Ok(given.to_owned());
    }
    Err(format!("one of {}", REFUSAL_REASONS.join(", ")))
}

/// A reason that can be asked for, as the description shows it.
pub(crate) struct Reason;

impl PartialSchema for Reason {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some("Why a delivery is refused."))
            .pattern(Some(format!("^({})$", REFUSAL_REASONS.join("|"))))
            .into()
    }
}

impl ToSchema for Reason {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("RefusalReason")
    }
}

impl From<Page<SecurityEvent>> for RefusalList {
    fn from(page: Page<SecurityEvent>) -> Self {
        let last = page.items.last().filter(|_| page.has_more);
        Self {
            next_cursor: last.map(|event| event.key().encode()),
            items: page.items.into_iter().map(Into::into).collect(),
        }
    }
}

/// A refusal: its minute, address, reason and provider.
impl Cursor for SecurityKey {
    const KIND: u8 = 11;

    fn bytes(&self) -> Vec<u8> {
        let rest = [&self.address, &self.reason, &self.provider].map(String::as_str);
        let minute = self.minute.as_microsecond().to_be_bytes();
        [&minute[..], rest.join("\n").as_bytes()].concat()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (minute, rest) = bytes.split_first_chunk::<8>()?;
        let (address, rest) = std::str::from_utf8(rest).ok()?.split_once('\n')?;
        let (reason, provider) = rest.split_once('\n')?;
        Some(Self {
            minute: Timestamp::from_microsecond(i64::from_be_bytes(*minute)).ok()?,
            address: address.to_owned(),
            reason: reason.to_owned(),
            provider: provider.to_owned(),
        })
    }
}
