//! One figure, step by step.

use axum::extract::State;
use domain::{
    Stage,
    figures::{Dimension, FIGURES, Figure, FiguresQuery},
};
use jiff::Timestamp;
use runtime::{Json, Problem};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    NONE,
    range::{MAX_STEPS, Offices, Range, Step},
};
use crate::{
    Deps,
    auth::TenantReader,
    faults::{Faults, PARAMETERS, word},
    problems::{QueryProblems, TenantProblems},
    query::Query,
};

/// The most series of an answer. The largest have one of their own.
const MAX_SERIES: usize = 50;
/// The series of all that have none of their own.
const OTHERS: &str = "others";

/// Which figure, over which time, in which steps.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct SeriesParams {
    /// The figure: a key of the definitions. One of a stage can be asked for as in the summary: `stage_p95.analysis`.
    #[param(required = true, example = "came_in")]
    key: Option<String>,
    /// What its series are told apart by. Without it, there is one series of all; for figures of stages, one for each
    /// stage.
    #[param(value_type = Option<By>, inline)]
    by: Option<String>,
    /// How long a step is: a day without it. Days, weeks and months begin by the office's clock.
    #[param(value_type = Option<Step>, inline)]
    step: Option<String>,
    /// Where it begins: a time, or a day by the office's clock. Without it, 30 days before the end.
    #[param(example = "2026-11-01")]
    from: Option<String>,
    /// Where it ends: a time, or the end of a day by the office's clock. Without it, now.
    #[param(example = "2026-11-30")]
    to: Option<String>,
    /// An office, also one that was removed: its leads and deliveries alone, by its clock. Not together with `by`.
    office: Option<String>,
}

/// What series are told apart by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum By {
    /// How the lead reached the company.
    Channel,
    /// The provider of the source.
    Provider,
    /// The configured source.
    Source,
    /// The office.
    Office,
    /// What is to be remodeled.
    ProjectType,
    /// The connection to a CRM.
    Connection,
    /// The stage of a step.
    Stage,
    /// Why a delivery was refused.
    Reason,
    /// The ZIP code of the place that it is about.
    PostalCode,
}

impl From<By> for Dimension {
    fn from(by: By) -> Self {
        match by {
            By::Channel => Self::Channel,
            By::Provider => Self::Provider,
            By::Source => Self::Source,
            By::Office => Self::Office,
            By::ProjectType => Self::ProjectType,
            By::Connection => Self::Connection,
            By::Stage => Self::Stage,
            By::Reason => Self::Reason,
            By::PostalCode => Self::PostalCode,
        }
    }
}

/// A figure step by step.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FigureSeries {
    /// When each step begins. The first and the last one can be shorter than the others.
    steps: Vec<Timestamp>,
    /// The series, by name.
    series: Vec<Series>,
}

/// A figure's values under one name.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FigureValues)]
pub(crate) struct Series {
    /// The name; `all` for the series of everything, `none` for what has no name, `others` for all beyond the 50 largest.
    name: String,
    /// Its value in each step; null where it has none, because its denominator is zero.
    values: Vec<Option<f64>>,
}

/// One figure, step by step, and told apart by what leads have in common.
#[utoipa::path(
    get,
    path = "/v1/tenants/{tenant_id}/metrics/series",
    tag = "metrics",
    security(("bearer" = [])),
    params(("tenant_id" = String, Path, description = "The tenant's slug."), SeriesParams),
    responses(
        (status = OK, description = "The series.", body = FigureSeries),
        QueryProblems,
        TenantProblems
    )
)]
pub(crate) async fn show_series(
    reader: TenantReader,
    query: Query<SeriesParams>,
    State(deps): State<Deps>,
) -> Result<Json<FigureSeries>, Problem> {
    let (params, mut faults) = query.open();
    let given = params.office.as_deref();
    let offices = Offices::of(&deps, reader.tenant(), given).await?;
    let asked = figure(params.key.as_deref(), &mut faults);
    let by = faults.read("by", params.by.as_deref(), word::<By>);
    let step = faults.read("step", params.step.as_deref(), word::<Step>);
    let (office, zone) = offices.asked(given, &mut faults);
    let office = office.map(|office| office.to_string());
    let (from, to) = (params.from.as_deref(), params.to.as_deref());
    let range = Range::read(from, to, &zone, deps.clock.now(), &mut faults);
    let bounds = range.and_then(|range| {
        let bounds = range.steps(step.unwrap_or(Step::Day));
        if bounds.is_none() {
            let longer = format!("longer: the range has more than {MAX_STEPS} of these");
            faults.add("step", longer);
        }
        bounds
    });
    let told_apart = asked.and_then(|(figure, stage)| {
        let only = stage.map(str::to_owned).or_else(|| office.clone());
        let dimension = dimension(figure, by, office.is_some(), &mut faults)?;
        Some((figure, dimension, only))
    });
    faults.finish(PARAMETERS)?;
    let ((figure, dimension, only), bounds) = told_apart
        .zip(bounds)
        .ok_or_else(|| Problem::internal("parameters without a fault are read"))?;
    let query = FiguresQuery {
        dimension,
        bounds,
        metrics: figure.metrics(),
    };
    let mut sums = deps.store.figures(reader.tenant(), &query).await?;
    offices.give_unnamed(&mut sums, dimension);
    // One that was asked for alone may be among the small ones.
    if only.is_none() {
        sums.keep_largest(MAX_SERIES, OTHERS);
    }
    let mut names: Vec<String> = match (&only, dimension) {
        (Some(only), _) => vec![only.clone()],
        (None, Dimension::All) => vec![String::new()],
        _ => sums.names().map(str::to_owned).collect(),
    };
    names.sort();
    let series = names.into_iter().map(|name| Series {
        values: (0..sums.steps())
            .map(|step| figure.value(sums.of(&name), step).value)
            .collect(),
        name: match (name.as_str(), dimension) {
            ("", Dimension::All) => Dimension::All.to_string(),
            ("", _) => NONE.to_owned(),
            _ => name,
        },
    });
    Ok(Json(FigureSeries {
        series: series.collect(),
        steps: query
            .bounds
            .iter()
            .take(sums.steps())
            .map(|slot| slot.begin())
            .collect(),
    }))
}

/// The figure that was asked for, and the stage, if it is one stage's.
fn figure<'a>(
    key: Option<&'a str>,
    faults: &mut Faults,
) -> Option<(&'static Figure, Option<&'a str>)> {
    let (key, stage) = match key.and_then(|key| key.split_once('.')) {
        Some((key, stage)) => (Some(key), Some(stage)),
        None => (key, None),
    };
    let figure = key.and_then(Figure::of_key);
    let is_stage = |stage: &str| stage.parse::<Stage>().is_ok();
    match (figure, stage) {
        (Some(figure), None) => Some((figure, None)),
        (Some(figure), Some(stage)) if figure.is_of_stages() && is_stage(stage) => {
            Some((figure, Some(stage)))
        }
        _ => {
            let keys: Vec<_> = FIGURES.iter().map(|figure| figure.key).collect();
            faults.add("key", format!("one of {}", keys.join(", ")));
            None
        }
    }
}

/// What the series are told apart by.
fn dimension(
    figure: &Figure,
    by: Option<By>,
    is_of_office: bool,
    faults: &mut Faults,
) -> Option<Dimension> {
    let known = || {
        let known: Vec<_> = figure.by.iter().map(|it| Dimension::as_str(*it)).collect();
        known.join(", ")
    };
    if is_of_office && by.is_some() {
        faults.add("by", "left out, because `office` is given");
        return None;
    }
    if is_of_office && !figure.is_by(Dimension::Office) {
        faults.add(
            "office",
            format!("left out: `{}` is not known by office", figure.key),
        );
        return None;
    }
    let dimension = match by {
        Some(by) => by.into(),
        None if is_of_office => Dimension::Office,
        None if figure.is_of_stages() => Dimension::Stage,
        None => Dimension::All,
    };
    if !figure.is_by(dimension) {
        faults.add("by", format!("for `{}`, one of {}", figure.key, known()));
        return None;
    }
    Some(dimension)
}
