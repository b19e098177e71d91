//! Work that stopped: held for a connection, or parked for a person; and how it goes on.

use axum::extract::State;
use domain::{ConnectionName, ParkCause, RequestId, Stage, WorkKey, WorkRow, WorkState};
use jiff::Timestamp;
use runtime::{Json, Problem};
use serde::{Deserialize, Serialize};
use store::{StoppedCount, WorkFilter, WorkQuery};
use utoipa::{IntoParams, ToSchema};

use crate::{
    Deps,
    auth::{TenantOperator, TenantReader},
    body::Body,
    cursor::Cursor as _,
    faults::{BODY, Faults, PARAMETERS, word},
    problems::{BodyProblems, Conflict, QueryProblems, TenantProblems},
    query::Query,
    requests, words,
};

/// A step that stopped.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StoppedStep {
    /// Its request.
    request_id: String,
    /// Its stage.
    stage: words::Stage,
    /// For a dispatch, its connection.
    target: Option<String>,
    /// How it stopped.
    state: words::StopKind,
    /// Why it was parked.
    cause: Option<words::ParkCause>,
    /// The connection that it is held for.
    connection: Option<String>,
    /// Why, in a sentence.
    reason: Option<String>,
    /// The provider's last answer.
    answer: Option<String>,
    /// Failed attempts.
    attempts: u32,
    /// When the step was opened.
    created_at: Timestamp,
}

impl StoppedStep {
    /// None for a row that has not stopped.
    fn of(row: WorkRow) -> Option<Self> {
        let (state, cause, connection) = match row.state {
            WorkState::Held { connection, .. } => {
                (words::StopKind::Held, None, Some(connection.to_string()))
            }
            WorkState::Parked { cause } => (words::StopKind::Parked, Some(cause.into()), None),
            WorkState::Ready | WorkState::InFlight { .. } => return None,
        };
        Some(Self {
            request_id: row.key.request.to_string(),
            stage: row.key.stage.into(),
            target: Some(row.key.target).filter(|target| !target.is_empty()),
            state,
            cause,
            connection,
            reason: row.reason,
            answer: row.answer,
            attempts: row.failures,
            created_at: row.created_at,
        })
    }
}

/// A page of stopped steps, in the order of their requests' ids.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StoppedStepList {
    /// The steps.
    items: Vec<StoppedStep>,
    /// Send this as `cursor` to get those behind; null when there are none.
    next_cursor: Option<String>,
}

/// Which stopped steps to list: those that agree with everything that is given.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct WorkParams {
    /// At most so many.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200, default = 50)]
    limit: Option<String>,
    /// How they stopped.
    #[param(value_type = Option<words::StopKind>)]
    state: Option<String>,
    /// Their stage.
    #[param(value_type = Option<words::Stage>)]
    stage: Option<String>,
    /// Why they were parked.
    #[param(value_type = Option<words::ParkCause>)]
    cause: Option<String>,
    /// The connection that they are held for.
    connection: Option<String>,
    /// Their request.
    request: Option<String>,
    /// Where the page before ended: its `next_cursor`.
    cursor: Option<String>,
}

/// Steps of a tenant that stopped.
#[utoipa::path(
    get,
    path = "/v1/tenants/{tenant_id}/work",
    tag = "work",
    security(("bearer" = [])),
    params(("tenant_id" = String, Path, description = "The tenant's slug."), WorkParams),
    responses(
        (status = OK, description = "A page.", body = StoppedStepList),
        QueryProblems,
        TenantProblems
    )
)]
pub(crate) async fn list_work(
    reader: TenantReader,
    query: Query<WorkParams>,
    State(deps): State<Deps>,
) -> Result<Json<StoppedStepList>, Problem> {
    let (params, faults) = query.open();
    let query = params.read(faults)?;
    let page = deps.store.stopped_work(reader.tenant(), &query).await?;
    let last = page.items.last().filter(|_| page.has_more);
    Ok(Json(StoppedStepList {
        next_cursor: last.map(|row| place(row).encode()),
        items: page.items.into_iter().filter_map(StoppedStep::of).collect(),
    }))
}

impl WorkParams {
    fn read(&self, mut faults: Faults) -> Result<WorkQuery, Problem> {
        let state: Option<words::StopKind> = faults.read("state", self.state.as_deref(), word);
        let query = WorkQuery {
            filter: WorkFilter {
                stop: state.map(Into::into),
                stage: faults.read("stage", self.stage.as_deref(), str::parse::<Stage>),
                cause: faults.read("cause", self.cause.as_deref(), word::<ParkCause>),
                connection: faults.read(
                    "connection",
                    self.connection.as_deref(),
                    ConnectionName::new,
                ),
                request: faults.read("request", self.request.as_deref(), str::parse::<RequestId>),
            },
            limit: faults.limit(self.limit.as_deref()),
            after: faults.cursor(self.cursor.as_deref()),
        };
        faults.finish(PARAMETERS)?;
        Ok(query)
    }
}

/// Where a step stands in the order of the list.
fn place(row: &WorkRow) -> (RequestId, Stage, String) {
    (row.key.request, row.key.stage, row.key.target.clone())
}

/// How many steps stopped for one reason.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StoppedCountEntry {
    /// How they stopped.
    state: words::StopKind,
    /// Their stage.
    stage: words::Stage,
    /// Why they were parked.
    cause: Option<words::ParkCause>,
    /// The connection that they are held for.
    connection: Option<String>,
    /// How many.
    steps: u64,
    /// When the oldest of them was opened.
    oldest: Timestamp,
}

impl From<StoppedCount> for StoppedCountEntry {
    fn from(count: StoppedCount) -> Self {
        Self {
            state: count.stop.into(),
            stage: count.stage.into(),
            cause: count.cause.map(Into::into),
            connection: count.connection.map(|name| name.to_string()),
            steps: count.rows,
            oldest: count.oldest,
        }
    }
}

/// How many of a tenant's steps stopped, by reason, the most first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StoppedCounts {
    /// The reasons, all of them.
    items: Vec<StoppedCountEntry>,
}

/// How many steps of a tenant stopped, by reason.
#[utoipa::path(
    get,
    path = "/v1/tenants/{tenant_id}/work/counts",
    tag = "work",
    security(("bearer" = [])),
    params(("tenant_id" = String, Path, description = "The tenant's slug.")),
    responses((status = OK, description = "The counts.", body = StoppedCounts), TenantProblems)
)]
pub(crate) async fn count_work(
    reader: TenantReader,
    State(deps): State<Deps>,
) -> Result<Json<StoppedCounts>, Problem> {
    let counts = deps.store.stopped_counts(reader.tenant()).await?;
    Ok(Json(StoppedCounts {
        items: counts.into_iter().map(Into::into).collect(),
    }))
}

/// Which stopped step runs again. Many at once are a job: `POST …/jobs`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Redrive {
    /// Its request.
    #[schema(value_type = String, pattern = "^req_[0-9a-f]{32}$")]
    request_id: RequestId,
    /// Its stage.
    #[schema(value_type = words::Stage)]
    stage: Stage,
    /// Of a dispatch, its connection. Left out: every dispatch of the request that stopped.
    target: Option<String>,
}

/// What a redrive let run.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Redriven {
    /// How many steps run again.
    redriven: u64,
}

/// Lets a stopped step run again, as if it were new.
#[utoipa::path(
    post,
    path = "/v1/tenants/{tenant_id}/work/redrive",
    tag = "work",
    security(("bearer" = [])),
    params(("tenant_id" = String, Path, description = "The tenant's slug.")),
    request_body = Redrive,
    responses(
        (status = OK, description = "How many run again.", body = Redriven),
        Conflict,
        BodyProblems,
        TenantProblems
    )
)]
pub(crate) async fn redrive_work(
    caller: TenantOperator,
    State(deps): State<Deps>,
    body: Body<Redrive>,
) -> Result<Json<Redriven>, Problem> {
    let tenant = caller.tenant();
    let (redrive, mut faults) = body.open();
    if redrive.target.is_some() && redrive.stage != Stage::Dispatch {
        faults.add("target", "only together with the stage `dispatch`");
    }
    faults.finish(BODY)?;
    // A merged one leads to the one that goes on.
    let found = requests::find(&deps, tenant, redrive.request_id).await?;
    let is_meant = |key: &WorkKey| {
        let target = redrive.target.as_ref();
        key.stage == redrive.stage && target.is_none_or(|target| key.target == *target)
    };
    let keys = found.work.into_iter().map(|row| row.key);
    let keys: Vec<_> = keys.filter(is_meant).collect();
    let act = caller
        .act("work.redrive", &redrive.request_id)
        .saying(format!("stage {}", redrive.stage));
    let redriven = deps.store.redrive(tenant, &keys, &act).await?;
    if redriven.keys.is_empty() {
        return Err(Problem::conflict(
            "This step is neither held nor parked. The request's `open_work` shows what is.",
        ));
    }
    deps.hand_over(redriven.wakes).await;
    Ok(Json(Redriven {
        redriven: u64::try_from(redriven.keys.len()).unwrap_or(u64::MAX),
    }))
}
