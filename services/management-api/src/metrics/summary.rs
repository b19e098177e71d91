//! Every figure, over one range.

use axum::extract::State;
use domain::figures::{Dimension, FIGURES, Figure, FigureUnit, FiguresQuery, Slot, Sums};
use runtime::{Json, Problem};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::range::{Offices, Range};
use crate::{
    Deps,
    auth::TenantReader,
    faults::{PARAMETERS, word},
    problems::{QueryProblems, TenantProblems},
    query::Query,
};

/// Over which time.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct SummaryParams {
    /// Where it begins: a time, or a day by the office's clock. Without it, 30 days before the end. Figures are kept by
    /// quarters of an hour: a time within one counts from its beginning.
    #[param(example = "2026-11-01")]
    from: Option<String>,
    /// Where it ends: a time, or the end of a day by the office's clock. Without it, now.
    #[param(example = "2026-11-30")]
    to: Option<String>,
    /// `previous`: also the range of the same length before it.
    #[param(value_type = Option<Compare>, inline)]
    compare: Option<String>,
    /// An office, also one that was removed: its leads and deliveries alone, by its clock. Without it, those of all
    /// offices, by the clock of the first one.
    office: Option<String>,
}

/// What a summary is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Compare {
    /// The range of the same length before it.
    Previous,
}

/// A figure's value.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SummaryFigure {
    /// Its name. Figures of stages name the stage behind a dot: `stage_p95.analysis`.
    key: String,
    /// Its value; null where it has none, because its denominator is zero.
    value: Option<f64>,
    /// Its value in the range before; null if that was not asked for.
    previous: Option<f64>,
    /// Its numerator; null for what is read off a histogram.
    numerator: Option<i64>,
    /// Its denominator; null for a plain count.
    denominator: Option<i64>,
    /// What its value is counted in.
    unit: &'static str,
}

/// Every figure over a range of time, in the order of the definitions.
#[utoipa::path(
    get,
    path = "/v1/tenants/{tenant_id}/metrics/summary",
    tag = "metrics",
    security(("bearer" = [])),
    params(("tenant_id" = String, Path, description = "The tenant's slug."), SummaryParams),
    responses(
        (status = OK, description = "The figures.", body = Vec<SummaryFigure>),
        QueryProblems,
        TenantProblems
    )
)]
pub(crate) async fn show_summary(
    reader: TenantReader,
    query: Query<SummaryParams>,
    State(deps): State<Deps>,
) -> Result<Json<Vec<SummaryFigure>>, Problem> {
    let (params, mut faults) = query.open();
    let given = params.office.as_deref();
    let offices = Offices::of(&deps, reader.tenant(), given).await?;
    let compare = faults.read("compare", params.compare.as_deref(), word::<Compare>);
    let (office, zone) = offices.asked(given, &mut faults);
    let (from, to) = (params.from.as_deref(), params.to.as_deref());
    let range = Range::read(from, to, &zone, deps.clock.now(), &mut faults);
    faults.finish(PARAMETERS)?;
    let range = range.ok_or_else(|| Problem::internal("a range without a fault is read"))?;
    let (from, to) = range.slots();
    let mut bounds = vec![from, to];
    if compare.is_some() {
        bounds.insert(0, range.previous());
    }
    let (dimension, name) = match office {
        Some(office) => (Dimension::Office, office.to_string()),
        None => (Dimension::All, String::new()),
    };
    let mut sums = sums(&deps, &reader, dimension, &bounds).await?;
    offices.give_unnamed(&mut sums, dimension);
    let mut summary = Vec::new();
    for figure in FIGURES.iter().filter(|figure| figure.is_by(dimension)) {
        summary.push(shown(figure, figure.key.to_owned(), &sums, &name));
    }
    if office.is_none() {
        let stages = self::sums(&deps, &reader, Dimension::Stage, &bounds).await?;
        for figure in FIGURES.iter().filter(|figure| figure.is_of_stages()) {
            for stage in domain::Stage::ALL.map(domain::Stage::as_str) {
                let key = format!("{}.{stage}", figure.key);
                summary.push(shown(figure, key, &stages, stage));
            }
        }
    }
    Ok(Json(summary))
}

/// All sums of a dimension.
async fn sums(
    deps: &Deps,
    reader: &TenantReader,
    dimension: Dimension,
    bounds: &[Slot],
) -> Result<Sums, Problem> {
    let figures = FIGURES.iter().filter(|figure| figure.is_by(dimension));
    let mut metrics: Vec<_> = figures.flat_map(Figure::metrics).collect();
    metrics.sort_unstable();
    metrics.dedup();
    let query = FiguresQuery {
        dimension,
        bounds: bounds.to_vec(),
        metrics,
    };
    Ok(deps.store.figures(reader.tenant(), &query).await?)
}

/// A figure in the last step, and beside it in the step before, where there is one.
fn shown(figure: &Figure, key: String, sums: &Sums, name: &str) -> SummaryFigure {
    let last = sums.steps().saturating_sub(1);
    let now = figure.value(sums.of(name), last);
    let before = last
        .checked_sub(1)
        .and_then(|step| figure.value(sums.of(name), step).value);
    SummaryFigure {
        key,
        value: now.value,
        previous: before,
        numerator: now.numerator,
        denominator: now.denominator,
        unit: FigureUnit::as_str(figure.unit),
    }
}
