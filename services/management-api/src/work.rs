//! Work that stopped: held for a connection, or parked for a person; and how it goes on.

use axum::extract::State;
use domain::{ConnectionName, ParkCause, RequestId, Stage, WorkRow, WorkState};
use jiff::Timestamp;
use runtime::{Json, Problem, Query};
use serde::{Deserialize, Serialize};
use store::{StoppedCount, WorkFilter, WorkQuery};
use utoipa::{IntoParams, ToSchema};

use crate::{
    Deps,
    auth::{TenantOperator, TenantReader},
    cursor::Cursor as _,
    faults::{BODY, Faults, MAX_LIMIT, PARAMETERS, word},
    problems::{BodyProblems, Conflict, QueryProblems, TenantProblems},
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
    Query(params): Query<WorkParams>,
    State(deps): State<Deps>,
) -> Result<Json<StoppedStepList>, Problem> {
    let query = params.read()?;
    let page = deps.store.stopped_work(reader.tenant(), &query).await?;
    let last = page.items.last().filter(|_| page.has_more);
    Ok(Json(StoppedStepList {
        next_cursor: last.map(|row| place(row).encode()),
        items: page.items.into_iter().filter_map(StoppedStep::of).collect(),
    }))
}

impl WorkParams {
    fn read(&self) -> Result<WorkQuery, Problem> {
        let mut faults = Faults::default();
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

/// Which stopped steps run again: one (`request_id`, `stage`, and for a dispatch `target`), those that agree with
/// everything that is given, or `all`.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(example = json!({ "state": "parked", "stage": "dispatch" }))]
pub(crate) struct Redrive {
    /// Every one, whatever it stopped for. Not together with a filter.
    all: bool,
    /// How they stopped.
    state: Option<words::StopKind>,
    /// Their stage.
    #[schema(value_type = Option<words::Stage>)]
    stage: Option<Stage>,
    /// Why they were parked.
    #[schema(value_type = Option<words::ParkCause>)]
    cause: Option<ParkCause>,
    /// The connection that they are held for.
    #[schema(value_type = Option<String>)]
    connection: Option<ConnectionName>,
    /// Their request.
    #[schema(value_type = Option<String>)]
    request_id: Option<RequestId>,
    /// For one dispatch, its connection.
    target: Option<String>,
    /// At most so many in this call.
    #[schema(value_type = Option<u32>, minimum = 1, maximum = 200, default = 200)]
    limit: Option<u32>,
    /// Where the call before ended: its `next_cursor`.
    cursor: Option<String>,
}

/// What a redrive let run.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Redriven {
    /// How many steps run again.
    redriven: u64,
    /// Send this as `cursor`, with the same filter, for those behind; null when there are none. Following it ends,
    /// although steps may stop again meanwhile.
    next_cursor: Option<String>,
}

/// Lets stopped steps run again, as if they were new: at most 200 in one call.
#[utoipa::path(
    post,
    path = "/v1/tenants/{tenant_id}/work/redrive",
    tag = "work",
    security(("bearer" = [])),
    params(("tenant_id" = String, Path, description = "The tenant's slug.")),
    request_body = Redrive,
    responses(
        (status = OK, description = "How many, and where to go on.", body = Redriven),
        Conflict,
        BodyProblems,
        TenantProblems
    )
)]
pub(crate) async fn redrive_work(
    caller: TenantOperator,
    State(deps): State<Deps>,
    Json(redrive): Json<Redrive>,
) -> Result<Json<Redriven>, Problem> {
    let tenant = caller.tenant();
    let mut query = redrive.read()?;
    if let Some(request) = redrive.request_id {
        // A merged one leads to the one that goes on.
        query.filter.request = Some(requests::find(&deps, tenant, request).await?.request.id);
    }
    let page = deps.store.stopped_work(tenant, &query).await?;
    let last = page.items.last().filter(|_| page.has_more);
    let next_cursor = last.map(|row| place(row).encode());
    let keys: Vec<_> = page
        .items
        .into_iter()
        .map(|row| row.key)
        .filter(|key| {
            redrive
                .target
                .as_ref()
                .is_none_or(|target| key.target == *target)
        })
        .collect();
    let act = caller
        .act("work.redrive", &redrive.object())
        .saying(format!("{}: {} asked for", redrive.words(), keys.len()));
    let redriven = deps.store.redrive(tenant, &keys, &act).await?;
    if redrive.is_one() && redriven.keys.is_empty() {
        return Err(Problem::conflict(
            "This step is neither held nor parked. The request's `open_work` shows what is.",
        ));
    }
    deps.hand_over(redriven.wakes).await;
    Ok(Json(Redriven {
        redriven: u64::try_from(redriven.keys.len()).unwrap_or(u64::MAX),
        next_cursor,
    }))
}

impl Redrive {
    fn read(&self) -> Result<WorkQuery, Problem> {
        let mut faults = Faults::default();
        let filter = WorkFilter {
            stop: self.state.map(Into::into),
            stage: self.stage,
            cause: self.cause,
            connection: self.connection.clone(),
            request: self.request_id,
        };
        let is_filtered = filter != WorkFilter::default();
        if !is_filtered && !self.all {
            faults.add(
                "all",
                "say which: `request_id` with `stage` and `target`, a filter (`state`, `stage`, `cause`, \
                 `connection`, `request_id`), or `\"all\": true`",
            );
        }
        if is_filtered && self.all {
            faults.add("all", "either `all` or a filter, not both");
        }
        if self.target.is_some() && (self.request_id.is_none() || self.stage.is_none()) {
            faults.add("target", "only together with `request_id` and `stage`");
        }
        let limit = self.limit.unwrap_or(MAX_LIMIT);
        if !(1..=MAX_LIMIT).contains(&limit) {
            faults.add("limit", format!("a number from 1 to {MAX_LIMIT}"));
        }
        let after = faults.cursor(self.cursor.as_deref());
        faults.finish(BODY)?;
        Ok(WorkQuery {
            filter,
            limit,
            after,
        })
    }

    /// Whether it names one step.
    fn is_one(&self) -> bool {
        self.request_id.is_some()
            && self
                .stage
                .is_some_and(|stage| stage != Stage::Dispatch || self.target.is_some())
    }

    /// What is redriven, for the audit log.
    fn object(&self) -> String {
        self.request_id
            .map_or_else(|| "work".to_owned(), |request| request.to_string())
    }

    /// The choice in words, for the audit log.
    fn words(&self) -> String {
        let parts: Vec<_> = [
            self.state
                .map(|state| format!("state {}", store::StopKind::from(state).as_str())),
            self.stage.map(|stage| format!("stage {stage}")),
            self.target.as_ref().map(|_| "one target".to_owned()),
            self.cause.map(|cause| format!("cause {}", cause.as_str())),
            self.connection
                .as_ref()
                .map(|connection| format!("connection {connection}")),
        ]
        .into_iter()
        .flatten()
        .collect();
        if parts.is_empty() {
            "all".to_owned()
        } else {
            parts.join(", ")
        }
    }
}
