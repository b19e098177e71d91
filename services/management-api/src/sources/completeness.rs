//! How much of what happened at the providers is held, by source and day.

use axum::extract::State;
use jiff::{Timestamp, ToSpan as _, civil::Date, tz::TimeZone};
use runtime::{Json, Problem};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    Deps,
    auth::TenantReader,
    faults::PARAMETERS,
    problems::{QueryProblems, TenantProblems},
    query::Query,
};

/// The longest time that is asked for.
const MAX_DAYS: i32 = 366;
/// How much is shown when nobody says.
const USUAL_DAYS: i32 = 7;

/// Which days.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct CompletenessParams {
    /// The first day, by the office's clock. Without it, a week before the last.
    #[param(value_type = Option<String>, example = "2026-11-01")]
    from: Option<String>,
    /// The last day. Without it, today.
    #[param(value_type = Option<String>, example = "2026-11-07")]
    to: Option<String>,
}

/// How much of a source's day is held.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Completeness {
    /// The source.
    source_id: String,
    /// The day, by the office's clock.
    #[schema(value_type = String, example = "2026-11-07")]
    date: String,
    /// Leads that the provider has of this day.
    at_provider: u64,
    /// Those of them that are held, however they came.
    held: u64,
    /// Those of them that an audit found, because their webhook had not come.
    recovered: u64,
    /// Those that are not held yet: their webhook may still come. A day that is over has none, unless one cannot be read.
    missing: u64,
    /// When it was compared.
    checked_at: Timestamp,
}

/// How much is held, by day and source.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CompletenessList {
    /// A line for each source that is audited, and each day that was compared.
    items: Vec<Completeness>,
    /// Always null: there is one page.
    next_cursor: Option<String>,
}

/// How much of what happened at the providers is held, by source and day. A source without a line is not audited.
#[utoipa::path(
    get,
    path = "/v1/tenants/{tenant_id}/completeness",
    tag = "sources",
    security(("bearer" = [])),
    params(("tenant_id" = String, Path, description = "The tenant's slug."), CompletenessParams),
    responses(
        (status = OK, description = "The lines.", body = CompletenessList),
        QueryProblems,
        TenantProblems
    )
)]
pub(crate) async fn list_completeness(
    reader: TenantReader,
    query: Query<CompletenessParams>,
    State(deps): State<Deps>,
) -> Result<Json<CompletenessList>, Problem> {
    let (params, mut faults) = query.open();
    let day = |text: &str| {
        text.parse::<Date>()
            .map_err(|_| "a day such as `2026-11-07`")
    };
    let from = faults.read("from", params.from.as_deref(), day);
    let to = faults.read("to", params.to.as_deref(), day);
    // Offices ahead of UTC have tomorrow's date already.
    let today = deps.clock.now().to_zoned(TimeZone::UTC).date();
    let to = to.unwrap_or_else(|| today.saturating_add(1.day()));
    let from = from.unwrap_or_else(|| to.saturating_sub(USUAL_DAYS.days()));
    if from > to {
        faults.add("to", "a day that is not before `from`");
    } else if from < to.saturating_sub(MAX_DAYS.days()) {
        faults.add("from", format!("at most {MAX_DAYS} days before `to`"));
    }
    faults.finish(PARAMETERS)?;
    let lines = deps.store.day_lines(reader.tenant(), from, to).await?;
    let items = store::sweeps::completeness(&lines).into_iter();
    let items = items.map(|line| Completeness {
        source_id: line.source.to_string(),
        date: line.day.to_string(),
        at_provider: line.count.at_provider,
        held: line.count.held,
        recovered: line.count.recovered,
        missing: line.count.missing,
        checked_at: line.checked_at,
    });
    Ok(Json(CompletenessList {
        items: items.collect(),
        next_cursor: None,
    }))
}
