//! Leads that other systems post: the direct API.
//!
//! What is posted becomes a delivery like every webhook's, and takes the same way from there: [`store::Store::accept`]
//! first, then the answer.

use std::{borrow::Cow, time::Duration};

use ::sources::{Verified, direct, read_for};
use axum::extract::State;
use domain::{ConfigFault, OfficeId, PostedLead, SourceId, TenantId, later, metric_names};
use http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use runtime::{Json, Problem, RawJson, TraceContext};
use serde::Serialize;
use serde_json::Value;
use store::Accepted;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{Object, RefOr, Schema},
};
use uuid::Uuid;

use crate::{
    Deps,
    auth::LeadSender,
    body::Said,
    faults::BODY,
    idempotency::{IdempotencyKey, Itself},
    problems::{BodyProblems, TenantProblems},
};

/// How far another system's clock may be ahead of ours.
const CLOCK_AHEAD: Duration = Duration::from_secs(24 * 60 * 60);

/// A lead as another system posts it, as the API's description shows it: what the checks are made from, too.
pub(crate) struct NewLead;

impl PartialSchema for NewLead {
    fn schema() -> RefOr<Schema> {
        let mut schema = PostedLead::schema();
        schema["example"] = serde_json::json!({
            "external_id": "L-1042",
            "contact": { "name": "Ann Lee", "phone": "(512) 555-0142", "email": "ann.lee@example.com" },
            "place": { "city": "Round Rock", "state": "TX", "postal_code": "78664" },
            "project": { "type": "Kitchen", "budget": "about forty thousand" },
            "message": "We want a new kitchen before spring.",
        });
        let schema = serde_json::from_value(schema);
        RefOr::T(schema.unwrap_or_else(|_| Schema::Object(Object::new())))
    }
}

impl ToSchema for NewLead {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("NewLead")
    }
}

/// A lead that is stored.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AcceptedLead {
    /// What was made of it.
    status: LeadStatus,
    /// The request that it made or changed.
    request_id: Option<String>,
    /// The stored delivery: the first one, for a repeat.
    event_id: String,
    /// What is kept as it came, and cannot be used as what it is named.
    warnings: Vec<LeadWarning>,
}

/// What was made of a posted lead.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum LeadStatus {
    /// It is stored, and being worked on.
    Accepted,
    /// It was stored before, and nothing is done twice.
    Duplicate,
}

/// A value that is kept and not used.
#[derive(Debug, Serialize, ToSchema)]
struct LeadWarning {
    /// The path of its field.
    field: String,
    /// Why, for programs: `not_a_phone`, `reaches_nobody`, `not_an_email`, `not_a_zip_code`.
    code: &'static str,
    /// Why, for people.
    message: String,
}

/// Posts a lead.
///
/// It takes an API key with the scope `ingest`, or the role `operator`. The lead is stored before it is answered. Posts
/// with the same `external_id` are one request: a later one adds what it says and changes what it says otherwise. Without
/// one, a repeat is told by its `Idempotency-Key`; without that, too, the same body on the same day is one lead. A lead
/// that is refused is not stored: each of `errors` names a `field`, a `code` for programs and a `message`.
#[utoipa::path(
    post,
    path = "/v1/tenants/{tenant_id}/leads",
    tag = "leads",
    security(("bearer" = ["ingest"])),
    params(
        ("tenant_id" = String, Path, description = "The tenant's slug."),
        ("Idempotency-Key" = Option<String>, Header, description = "Any text that names this call: a repeat with the same body is the same lead.")
    ),
    request_body = NewLead,
    responses(
        (status = ACCEPTED, description = "The lead is stored.", body = AcceptedLead),
        BodyProblems,
        TenantProblems
    )
)]
pub(crate) async fn post_lead(
    sender: LeadSender,
    key: IdempotencyKey,
    headers: HeaderMap,
    State(deps): State<Deps>,
    posted: RawJson<Said>,
) -> Result<(StatusCode, axum::Extension<Itself>, Json<AcceptedLead>), Problem> {
    if !sender.is_active() {
        return Err(suspended());
    }
    let tenant = sender.tenant();
    let now = deps.clock.now();
    let lead = read(&deps, tenant, &posted.value, now).await?;
    let warnings = lead.warnings.into_iter().map(|warning| LeadWarning {
        field: warning.path,
        code: warning.code,
        message: warning.message,
    });
    let warnings = warnings.collect();
    let call = key.0.as_deref().map(|key| (sender.subject(), key));
    let has_external_id = lead.facts.external_id.is_some();
    let delivery_id = direct::delivery_id(call, has_external_id, &posted.bytes, now);
    let delivery = Verified::of_caller(
        &direct::SPEC,
        sender.is_program(),
        sender.subject(),
        &headers,
        posted.bytes,
    );
    let accepted = store(&deps, tenant, lead.office, delivery_id, delivery).await?;
    let answer = AcceptedLead {
        status: if accepted.is_duplicate() {
            LeadStatus::Duplicate
        } else {
            LeadStatus::Accepted
        },
        request_id: accepted.request().map(|id| id.to_string()),
        event_id: accepted.event().to_string(),
        warnings,
    };
    deps.hand_over(accepted.into_wakes()).await;
    Ok((StatusCode::ACCEPTED, axum::Extension(Itself), Json(answer)))
}

/// What was posted, once nothing is wrong with it.
async fn read(
    deps: &Deps,
    tenant: &TenantId,
    said: &Said,
    now: Timestamp,
) -> Result<PostedLead, Problem> {
    let (json, mut faults) = (&said.value, said.faults());
    let offices = match json.get("office_id") {
        None | Some(Value::Null) => Vec::new(),
        Some(_) => deps.store.offices(tenant).await?,
    };
    let read = PostedLead::read_with(json, |lead| {
        let mut faults = Vec::new();
        if let domain::About::Api(about) = &lead.facts.about
            && about
                .occurred_at
                .is_some_and(|at| at > later(now, CLOCK_AHEAD))
        {
            let wanted = "a time that has come; check the time zone";
            faults.push(ConfigFault::new("occurred_at", wanted).coded("in_the_future"));
        }
        let is_known = |office: OfficeId| offices.iter().any(|known| known.id == office);
        if lead.office.is_some_and(|office| !is_known(office)) {
            let wanted = "the id of one of the tenant's offices; leave it out for the first one";
            faults.push(ConfigFault::new("office_id", wanted).coded("unknown"));
        }
        faults
    });
    let read = read.map_err(|error| faults.of_part("", error.faults));
    faults.finish(BODY)?;
    read.ok()
        .ok_or_else(|| Problem::internal("a fault was not noted"))
}

async fn store(
    deps: &Deps,
    tenant: &TenantId,
    office: Option<OfficeId>,
    delivery_id: Option<String>,
    delivery: Verified,
) -> Result<Accepted, Problem> {
    let spec = &direct::SPEC;
    let reading = read_for(&direct::Direct, &[], &delivery, None);
    let scheme = delivery.scheme().to_owned();
    let (headers, body) = delivery.into_parts();
    let delivery = store::Delivery {
        tenant: tenant.clone(),
        provider: spec.slug.to_owned(),
        source: source_of(tenant),
        channel: spec.usual_channel(),
        office,
        event: None,
        is_told_by_body: spec.is_told_by_body,
        scope: None,
        delivery_id,
        scheme,
        headers,
        body,
        traceparent: TraceContext::current().map(|trace| trace.to_string()),
        reading,
    };
    let accepted = deps.store.accept(delivery).await?;
    metrics::counter!(metric_names::DELIVERIES_ACCEPTED_TOTAL, "provider" => spec.slug)
        .increment(1);
    Ok(accepted)
}

/// What a tenant's posted leads have in the place of a configured source.
pub(crate) fn source_of(tenant: &TenantId) -> SourceId {
    const SPACE: Uuid = Uuid::from_u128(0x4d0a_6e11_95c7_4f3a_b1d2_77e0_52c8_1f64);
    SourceId::from_uuid(Uuid::new_v5(&SPACE, tenant.as_str().as_bytes()))
}

fn suspended() -> Problem {
    let code = "tenant_suspended";
    let message = "leads are taken again once the operator of this server resumes the tenant";
    Problem::forbidden("The tenant is suspended: the lead is not stored.").with_coded_error(
        "tenant_id",
        code,
        message,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_description_holds_the_whole_schema() {
        let mut shown = serde_json::to_value(NewLead::schema()).unwrap();
        let example = shown.as_object_mut().unwrap().remove("example").unwrap();
        assert_eq!(shown, PostedLead::schema());
        assert!(PostedLead::read(&example).is_ok());
    }
}
