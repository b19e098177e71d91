//! Which of the tenants that somebody sees need them first.

use std::cmp::Reverse;

use axum::extract::State;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use runtime::{Json, Problem};
use serde::Serialize;
use store::{ConnectionState, LiveCounts};
use utoipa::ToSchema;

use crate::{Deps, auth::Anybody, me, problems::CallerProblems, words};

/// Tenants that are looked at at the same time.
const AT_ONCE: usize = 8;

/// A tenant, and what waits for somebody there. Counts end at 10,000.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TenantNeeds {
    /// Its slug.
    tenant_id: String,
    /// Its name.
    name: String,
    /// Whether its webhooks are taken.
    status: words::TenantStatus,
    /// Steps that are held or parked.
    stuck: u32,
    /// Genuine leads that nobody called yet.
    call_now: u32,
    /// Leads of which a person has to say whether they are spam.
    in_review: u32,
    /// The connections whose secret their provider refuses, by name.
    refused_connections: Vec<String>,
    /// Sources whose webhooks are switched off at their provider, as far as an audit found.
    sources_off: u32,
}

/// The tenants that the caller sees, those first that need somebody most.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TenantNeedsList {
    /// The tenants, 1,000 at most. Those that lose leads come first: whose secret is refused or whose webhooks are off, then
    /// those with stuck steps, with leads to call, with leads to review, then by id.
    items: Vec<TenantNeeds>,
}

/// The tenants that the caller sees, by what waits for somebody there.
#[utoipa::path(
    get,
    path = "/v1/me/tenants",
    tag = "me",
    security(("bearer" = [])),
    responses((status = OK, description = "The tenants.", body = TenantNeedsList), CallerProblems)
)]
pub(crate) async fn list_my_tenants(
    caller: Anybody,
    State(deps): State<Deps>,
) -> Result<Json<TenantNeedsList>, Problem> {
    let tenants = me::tenants(&deps, &caller.0).await?;
    let looks = tenants.into_iter().map(|tenant| look(&deps, tenant));
    let items = stream::iter(looks).buffered(AT_ONCE).try_collect();
    let mut items: Vec<TenantNeeds> = items.await?;
    items.sort_by_key(|one| Reverse(one.urgency()));
    Ok(Json(TenantNeedsList { items }))
}

impl TenantNeeds {
    /// The more, the sooner somebody should look.
    fn urgency(&self) -> (bool, u32, u32, u32) {
        let loses_leads = !self.refused_connections.is_empty() || self.sources_off > 0;
        (loses_leads, self.stuck, self.call_now, self.in_review)
    }
}

async fn look(deps: &Deps, tenant: domain::Tenant) -> Result<TenantNeeds, Problem> {
    let LiveCounts {
        call_now,
        in_review,
        held,
        parked,
        ..
    } = deps.store.live_counts(&tenant.id).await?;
    let connections = deps.store.connections(&tenant.id).await?.into_iter();
    let refused = connections.filter(|connection| connection.state == ConnectionState::Refused);
    let sweeps = deps.store.sweeps(&tenant.id).await?;
    let off = sweeps.iter().filter(|sweep| sweep.state.off.is_some());
    Ok(TenantNeeds {
        stuck: held.saturating_add(parked),
        call_now,
        in_review,
        refused_connections: refused
            .map(|connection| connection.name.to_string())
            .collect(),
        sources_off: u32::try_from(off.count()).unwrap_or(u32::MAX),
        tenant_id: tenant.id.to_string(),
        name: tenant.name,
        status: tenant.status.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needs(stuck: u32, call_now: u32, in_review: u32) -> TenantNeeds {
        TenantNeeds {
            tenant_id: "a".to_owned(),
            name: "A".to_owned(),
            status: domain::TenantStatus::Active.into(),
            stuck,
            call_now,
            in_review,
            refused_connections: Vec::new(),
            sources_off: 0,
        }
    }

    #[test]
    fn who_loses_leads_comes_before_who_has_many_waiting() {
        let refused = TenantNeeds {
            refused_connections: vec!["our-crm".to_owned()],
            ..needs(0, 0, 0)
        };
        let off = TenantNeeds {
            sources_off: 1,
            ..needs(1, 0, 0)
        };
        let order = [
            needs(0, 0, 0),
            needs(0, 0, 9),
            needs(0, 1, 0),
            needs(1, 0, 0),
            needs(7, 0, 0),
            refused,
            off,
        ];
        assert!(order.is_sorted_by_key(TenantNeeds::urgency));
    }
}
