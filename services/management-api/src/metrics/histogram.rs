//! How values are spread, over one range.

use axum::extract::State;
use domain::{
    Stage,
    figures::{Dimension, FigureUnit, FiguresQuery, HISTOGRAMS, Histogram},
};
use runtime::{Json, Problem};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::range::{Offices, Range};
use crate::{
    Deps,
    auth::TenantReader,
    faults::{Faults, PARAMETERS},
    problems::{QueryProblems, TenantProblems},
    query::Query,
};

/// Which values, over which time.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct HistogramParams {
    /// What is spread: `score`, `spam_likelihood`, or the times of a stage: `stage_time.analysis`.
    #[param(required = true, example = "score")]
    key: Option<String>,
    /// Where it begins: a time, or a day by the office's clock. Without it, 30 days before the end.
    #[param(example = "2026-11-01")]
    from: Option<String>,
    /// Where it ends: a time, or the end of a day by the office's clock. Without it, now.
    #[param(example = "2026-11-30")]
    to: Option<String>,
    /// An office, also one that was removed: its leads alone, by its clock. Not for times of stages.
    office: Option<String>,
}

/// How values are spread.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FigureHistogram {
    /// What is counted, and which of two limits belongs to a count.
    definition: &'static str,
    /// What the limits are counted in: `points` from 0 to 100, or `ms`.
    unit: &'static str,
    /// The sum of all counts.
    count: i64,
    /// The counts, from the lowest limit on.
    bins: Vec<HistogramBin>,
}

/// How many values lie between two limits.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HistogramBin {
    /// The lower limit.
    from: u64,
    /// The upper limit; null for everything over the last one.
    to: Option<u64>,
    /// How many.
    count: i64,
}

/// How scores, likelihoods of spam, or times of a stage are spread.
#[utoipa::path(
    get,
    path = "/v1/tenants/{tenant_id}/metrics/histogram",
    tag = "metrics",
    security(("bearer" = [])),
    params(("tenant_id" = String, Path, description = "The tenant's slug."), HistogramParams),
    responses(
        (status = OK, description = "The counts.", body = FigureHistogram),
        QueryProblems,
        TenantProblems
    )
)]
pub(crate) async fn show_histogram(
    reader: TenantReader,
    query: Query<HistogramParams>,
    State(deps): State<Deps>,
) -> Result<Json<FigureHistogram>, Problem> {
    let (params, mut faults) = query.open();
    let given = params.office.as_deref();
    let offices = Offices::of(&deps, reader.tenant(), given).await?;
    let asked = histogram(params.key.as_deref(), &mut faults);
    let (office, zone) = offices.asked(given, &mut faults);
    let (from, to) = (params.from.as_deref(), params.to.as_deref());
    let range = Range::read(from, to, &zone, deps.clock.now(), &mut faults);
    if office.is_some() && asked.is_some_and(|(histogram, _)| histogram.is_of_stages()) {
        faults.add(
            "office",
            "left out: times of stages are not known by office",
        );
    }
    faults.finish(PARAMETERS)?;
    let ((histogram, stage), range) = asked
        .zip(range)
        .ok_or_else(|| Problem::internal("parameters without a fault are read"))?;
    let (dimension, name) = match office {
        Some(office) => (Dimension::Office, office.to_string()),
        None => (histogram.dimension(), stage.unwrap_or_default().to_owned()),
    };
    let (from, to) = range.slots();
    let query = FiguresQuery {
        dimension,
        bounds: vec![from, to],
        metrics: histogram.metrics(),
    };
    let mut sums = deps.store.figures(reader.tenant(), &query).await?;
    offices.give_unnamed(&mut sums, dimension);
    let bins = histogram.bins(sums.of(&name), 0);
    Ok(Json(FigureHistogram {
        definition: histogram.definition,
        unit: FigureUnit::as_str(histogram.unit),
        count: bins.iter().map(|bin| bin.count).sum(),
        bins: bins
            .into_iter()
            .map(|bin| HistogramBin {
                from: bin.from,
                to: bin.to,
                count: bin.count,
            })
            .collect(),
    }))
}

/// The histogram that was asked for, and the stage, if it is of one.
fn histogram<'a>(
    key: Option<&'a str>,
    faults: &mut Faults,
) -> Option<(&'static Histogram, Option<&'a str>)> {
    let (key, stage) = match key.and_then(|key| key.split_once('.')) {
        Some((key, stage)) => (Some(key), Some(stage)),
        None => (key, None),
    };
    let histogram = key.and_then(Histogram::of_key);
    let is_stage = |stage: &str| stage.parse::<Stage>().is_ok();
    match (histogram, stage) {
        (Some(histogram), None) if !histogram.is_of_stages() => Some((histogram, None)),
        (Some(histogram), Some(stage)) if histogram.is_of_stages() && is_stage(stage) => {
            Some((histogram, Some(stage)))
        }
        _ => {
            let keys = HISTOGRAMS
                .iter()
                .map(|histogram| match histogram.is_of_stages() {
                    true => format!("`{}.` and a stage", histogram.key),
                    false => format!("`{}`", histogram.key),
                });
            let keys: Vec<_> = keys.collect();
            faults.add("key", format!("one of {}", keys.join(", ")));
            None
        }
    }
}
