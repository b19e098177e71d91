//! Figures: what leads, deliveries and steps sum up to, as one number each or step by step.

mod histogram;
mod places;
mod range;
mod series;
mod summary;

use domain::figures::{Dimension, FIGURES, Figure, FigureUnit};
use runtime::{Json, Problem};
use serde::Serialize;
use utoipa::ToSchema;

pub(crate) use self::{
    histogram::{__path_show_histogram, show_histogram},
    places::{__path_list_places, list_places},
    series::{__path_show_series, show_series},
    summary::{__path_show_summary, show_summary},
};
use crate::{auth::TenantReader, problems::TenantProblems};

/// How the name is shown of what has none: an office that is not set, a type of project that is not known yet.
const NONE: &str = "none";

/// What a figure says.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FigureDefinition {
    /// Its name.
    key: &'static str,
    /// What it says.
    definition: &'static str,
    /// What its numerator counts.
    numerator: &'static str,
    /// What its denominator counts; null for a plain count.
    denominator: Option<&'static str>,
    /// What its value is counted in: `leads`, `deliveries`, `pushes`, `runs`, `share` (from 0 to 1), `points` (from 0 to
    /// 100) or `ms`.
    unit: &'static str,
    /// What a series of it can be told apart by.
    by: Vec<&'static str>,
}

impl From<&Figure> for FigureDefinition {
    fn from(figure: &Figure) -> Self {
        Self {
            key: figure.key,
            definition: figure.definition,
            numerator: figure.numerator,
            denominator: figure.denominator,
            unit: FigureUnit::as_str(figure.unit),
            by: figure.by.iter().map(|it| Dimension::as_str(*it)).collect(),
        }
    }
}

/// Every figure.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FigureList {
    /// The figures, in the order that they are shown in.
    items: Vec<FigureDefinition>,
}

/// Every figure, with what it is made of.
#[utoipa::path(
    get,
    path = "/v1/tenants/{tenant_id}/metrics",
    tag = "metrics",
    security(("bearer" = [])),
    params(("tenant_id" = String, Path, description = "The tenant's slug.")),
    responses((status = OK, description = "The figures.", body = FigureList), TenantProblems)
)]
pub(crate) async fn list_figures(_reader: TenantReader) -> Result<Json<FigureList>, Problem> {
    let items = FIGURES.iter().map(Into::into).collect();
    Ok(Json(FigureList { items }))
}
