//! Where leads are, over one range.

use std::cmp::Reverse;

use axum::extract::State;
use domain::figures::{Dimension, Figure, FigureValue, FiguresQuery};
use runtime::{Json, Problem};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::range::{Offices, Range};
use crate::{
    Deps,
    auth::TenantReader,
    faults::PARAMETERS,
    problems::{QueryProblems, TenantProblems},
    query::Query,
};

/// The most places of an answer: those with the most leads.
const MAX_PLACES: usize = 2_000;

/// Over which time.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct PlacesParams {
    /// Where it begins: a time, or a day by the clock of the tenant's first office. Without it, 30 days before the end.
    #[param(example = "2026-11-01")]
    from: Option<String>,
    /// Where it ends: a time, or the end of a day by that clock. Without it, now.
    #[param(example = "2026-11-30")]
    to: Option<String>,
}

/// A ZIP code's leads.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PlaceFigures {
    /// The ZIP code, as said in the conversation, else as typed; null for leads of which none is known. Where a caller's
    /// number is registered is none.
    postal_code: Option<String>,
    /// Leads that came in.
    came_in: i64,
    /// Genuine leads.
    genuine: i64,
    /// Genuine leads that are not outside the service area.
    in_area: i64,
    /// Genuine leads that a CRM has.
    in_crm: i64,
    /// The average score of genuine leads; null where none has a score.
    average_score: Option<f64>,
}

/// Leads by ZIP code.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PlaceList {
    /// The ZIP codes, those with the most leads first; at most 2,000.
    items: Vec<PlaceFigures>,
    /// Leads of ZIP codes beyond these.
    others: i64,
}

/// Where leads are: by ZIP code, those with the most leads first.
#[utoipa::path(
    get,
    path = "/v1/tenants/{tenant_id}/metrics/places",
    tag = "metrics",
    security(("bearer" = [])),
    params(("tenant_id" = String, Path, description = "The tenant's slug."), PlacesParams),
    responses(
        (status = OK, description = "The ZIP codes.", body = PlaceList),
        QueryProblems,
        TenantProblems
    )
)]
pub(crate) async fn list_places(
    reader: TenantReader,
    query: Query<PlacesParams>,
    State(deps): State<Deps>,
) -> Result<Json<PlaceList>, Problem> {
    let offices = Offices::of(&deps, reader.tenant(), None).await?;
    let (params, mut faults) = query.open();
    let (_, zone) = offices.asked(None, &mut faults);
    let (from, to) = (params.from.as_deref(), params.to.as_deref());
    let range = Range::read(from, to, &zone, deps.clock.now(), &mut faults);
    faults.finish(PARAMETERS)?;
    let range = range.ok_or_else(|| Problem::internal("a range without a fault is read"))?;
    let keys = ["came_in", "genuine", "in_area", "in_crm", "average_score"];
    let figures = keys.map(Figure::of_key);
    let mut metrics: Vec<_> = figures
        .iter()
        .flatten()
        .flat_map(|it| it.metrics())
        .collect();
    metrics.sort_unstable();
    metrics.dedup();
    let (from, to) = range.slots();
    let query = FiguresQuery {
        dimension: Dimension::PostalCode,
        bounds: vec![from, to],
        metrics,
    };
    let sums = deps.store.figures(reader.tenant(), &query).await?;
    let of_name = |name: &str| {
        let values = figures.map(|figure| figure.map(|figure| figure.value(sums.of(name), 0)));
        let [came_in, genuine, in_area, in_crm, average_score] = values;
        let count = |value: Option<FigureValue>| value.and_then(|it| it.numerator);
        PlaceFigures {
            postal_code: Some(name.to_owned()).filter(|name| !name.is_empty()),
            came_in: count(came_in).unwrap_or_default(),
            genuine: count(genuine).unwrap_or_default(),
            in_area: count(in_area).unwrap_or_default(),
            in_crm: count(in_crm).unwrap_or_default(),
            average_score: average_score.and_then(|it| it.value),
        }
    };
    let mut items: Vec<_> = sums.names().map(of_name).collect();
    // Of as many leads, in the order of their names.
    items.sort_by_key(|place| Reverse(place.came_in));
    let others = items.split_off(items.len().min(MAX_PLACES));
    Ok(Json(PlaceList {
        items,
        others: others.iter().map(|place| place.came_in).sum(),
    }))
}
