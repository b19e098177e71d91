//! What a job is about, as the API shows it.

use domain::RequestId;
use jiff::Timestamp;
use serde::Serialize;
use store::{
    WorkFilter,
    jobs::{JobTask, RequestFilter},
};
use utoipa::ToSchema;

use crate::words;

/// What a job is about, as it was asked for. What was not given, or is of another kind of job, is null.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct JobTarget {
    /// True: to everything.
    all: Option<bool>,
    /// How the steps stopped.
    state: Option<words::StopKind>,
    /// The steps' stage.
    stage: Option<words::Stage>,
    /// Why the steps were parked.
    cause: Option<words::ParkCause>,
    /// The connection that the steps are held for.
    connection: Option<String>,
    /// The steps' request.
    request_id: Option<String>,
    /// Where the requests stand.
    status: Option<words::Status>,
    /// How the requests reached the company.
    channel: Option<words::Channel>,
    /// Requests that came in at this time or later.
    from: Option<Timestamp>,
    /// Requests that came in before this time.
    to: Option<Timestamp>,
    /// Only these requests.
    request_ids: Option<Vec<String>>,
    /// Of a dry run: the office.
    office_id: Option<String>,
    /// Of a dry run: how many days.
    days: Option<u32>,
    /// Of a comparison with providers: the source.
    source_id: Option<String>,
}

impl JobTarget {
    pub(super) fn of(task: JobTask) -> Self {
        match task {
            JobTask::Redrive { filter } => Self::of_steps(filter),
            JobTask::Replay { filter, .. } | JobTask::Release { filter } => {
                Self::of_requests(&filter)
            }
            JobTask::Recount => Self::everything(),
            JobTask::DryRun {
                office_id, days, ..
            } => Self {
                office_id: Some(office_id.to_string()),
                days: Some(days),
                ..Self::default()
            },
            JobTask::Reconcile { source, from, to } => Self {
                source_id: source.map(|source| source.to_string()),
                from: Some(from),
                to: Some(to),
                ..Self::default()
            },
        }
    }

    fn everything() -> Self {
        Self {
            all: Some(true),
            ..Self::default()
        }
    }

    fn of_steps(filter: WorkFilter) -> Self {
        if filter == WorkFilter::default() {
            return Self::everything();
        }
        Self {
            state: filter.stop.map(Into::into),
            stage: filter.stage.map(Into::into),
            cause: filter.cause.map(Into::into),
            connection: filter.connection.map(|name| name.to_string()),
            request_id: filter.request.map(|id| id.to_string()),
            ..Self::default()
        }
    }

    fn of_requests(filter: &RequestFilter) -> Self {
        if *filter == RequestFilter::default() {
            return Self::everything();
        }
        let ids = filter.request_ids.iter().map(RequestId::to_string);
        let ids: Vec<_> = ids.collect();
        Self {
            status: filter.status.map(Into::into),
            channel: filter.channel.map(Into::into),
            from: filter.from,
            to: filter.to,
            request_ids: Some(ids).filter(|ids| !ids.is_empty()),
            ..Self::default()
        }
    }
}
