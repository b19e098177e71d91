//! Starting bulk work.

use axum::extract::State;
use domain::{Channel, ConnectionName, ParkCause, RequestId, SourceId, Stage, Status, TenantId};
use http::{HeaderName, HeaderValue, StatusCode, header::LOCATION};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use runtime::{Json, Problem};
use serde::Deserialize;
use store::{
    AuditAction, WorkFilter,
    jobs::{JobKind, JobTask, RequestFilter},
};
use utoipa::ToSchema;

use super::Job;
use crate::{
    Deps,
    auth::TenantOperator,
    body::Body,
    faults::{BODY, Faults, word},
    idempotency::{self, IdempotencyKey},
    period::Period,
    problems::{BodyProblems, Conflict, TenantProblems},
    requests, sources, words,
};

const DAY: SignedDuration = SignedDuration::from_hours(24);

/// The answer to a call that started a job: where it is, and how it stands.
pub(crate) type Started = (StatusCode, [(HeaderName, HeaderValue); 1], Json<Job>);

/// Bulk work to be started.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "kind": "redrive", "filter": { "state": "parked", "stage": "dispatch" } }))]
pub(crate) struct NewJob {
    /// What it does: `redrive`, `replay`, `release`, `reconcile` or `recount`. A dry run is started with the office whose
    /// configuration it tries.
    #[schema(value_type = words::NewJobKind)]
    kind: String,
    /// To what.
    #[serde(default)]
    filter: JobFilter,
    /// Of a replay: the first stage that runs again.
    #[schema(value_type = Option<words::Stage>)]
    from_stage: Option<String>,
    /// Of a comparison with providers: the source. Left out: every source that can be compared.
    #[schema(value_type = Option<String>)]
    source_id: Option<String>,
}

/// What a job is about: what agrees with everything that is given. A redrive is about stopped steps (`all`, or `state`,
/// `stage`, `cause`, `connection`, `request_id`); a replay and a release are about requests (`all`, or `status`,
/// `channel`, `from`, `to`, `request_ids`) that came in before the job was started; a comparison with providers
/// is about what happened there `from` and `to`, at most 31 days, the last day without them; a recount is about all.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct JobFilter {
    /// Everything. Not together with anything else.
    all: bool,
    /// How the steps stopped.
    #[schema(value_type = Option<words::StopKind>)]
    state: Option<String>,
    /// The steps' stage.
    #[schema(value_type = Option<words::Stage>)]
    stage: Option<String>,
    /// Why the steps were parked.
    #[schema(value_type = Option<words::ParkCause>)]
    cause: Option<String>,
    /// The connection that the steps are held for.
    connection: Option<String>,
    /// The steps' request.
    request_id: Option<String>,
    /// Where the requests stand. Of a release: `quarantined` or `out_of_area`.
    #[schema(value_type = Option<words::AskedStatus>)]
    status: Option<String>,
    /// How the requests reached the company.
    #[schema(value_type = Option<words::Channel>)]
    channel: Option<String>,
    /// Requests that came in then or later: a time (RFC 3339), or a day (`2026-11-01`) in the zone of the first office.
    from: Option<String>,
    /// Requests that came in before this time, or up to the end of this day.
    to: Option<String>,
    /// Only these requests, at most 1,000.
    request_ids: Option<Vec<String>>,
}

/// Starts bulk work: a redrive of stopped steps, a replay or a release of requests, a comparison with providers, a recount
/// for the figures, which corrects what an older version wrote.
///
/// It goes on in the background, also if this service is restarted; the answer's `Location` shows how far it is. With an
/// `Idempotency-Key` the call can be repeated: the same key and body answer the same job.
#[utoipa::path(
    post,
    path = "/v1/tenants/{tenant_id}/jobs",
    tag = "jobs",
    security(("bearer" = [])),
    params(
        ("tenant_id" = String, Path, description = "The tenant's slug."),
        ("Idempotency-Key" = Option<String>, Header, description = "Any text that names this call.")
    ),
    request_body = NewJob,
    responses(
        (status = ACCEPTED, description = "The job, which waits for its turn.", body = Job,
         headers(("Location" = String, description = "Where the job is."))),
        Conflict,
        BodyProblems,
        TenantProblems
    )
)]
pub(crate) async fn create_job(
    caller: TenantOperator,
    key: IdempotencyKey,
    State(deps): State<Deps>,
    body: Body<NewJob>,
) -> Result<Started, Problem> {
    let (new, mut faults) = body.open();
    let zone = new.filter.period().zone(&deps, caller.tenant()).await?;
    let task = new.read(&zone, deps.clock.now(), &mut faults);
    if let Some(JobTask::Reconcile {
        source: Some(source),
        ..
    }) = &task
    {
        check_list_of(&deps, caller.tenant(), *source, &mut faults).await?;
    }
    faults.finish(BODY)?;
    let mut task = task.ok_or_else(|| Problem::internal("a fault was not noted"))?;
    if let JobTask::Redrive { filter } = &mut task
        && let Some(request) = filter.request
    {
        // A merged one leads to the one that goes on.
        let found = requests::find(&deps, caller.tenant(), request).await?;
        filter.request = Some(found.request.id);
    }
    let act = caller.act("job.create", &"job").saying(sentence(&task));
    start(&deps, caller.tenant().clone(), task, key, act).await
}

/// Notes it when a source is not the tenant's, or has nothing to compare with.
async fn check_list_of(
    deps: &Deps,
    tenant: &TenantId,
    source: SourceId,
    faults: &mut Faults,
) -> Result<(), Problem> {
    let lists = |provider: &str| {
        let apis = deps.outward.as_ref()?.apis.get(provider)?;
        apis.listing.as_ref()
    };
    match sources::find(deps, tenant, source).await? {
        None => faults.add("source_id", "a source of this tenant"),
        Some(known) if lists(&known.provider).is_none() => {
            let known = deps.sources.iter().map(|source| source.spec().slug);
            let known: Vec<_> = known.filter(|slug| lists(slug).is_some()).collect();
            let wanted = match known.as_slice() {
                [] => "left out: this server reaches no provider that has a list".to_owned(),
                known => format!(
                    "a source whose provider has a list to compare with, one of {}",
                    known.join(", ")
                ),
            };
            faults.add("source_id", wanted);
        }
        Some(_) => {}
    }
    Ok(())
}

/// Creates a job for the actor of `act`.
pub(super) async fn start(
    deps: &Deps,
    tenant: domain::TenantId,
    task: JobTask,
    key: IdempotencyKey,
    act: AuditAction,
) -> Result<Started, Problem> {
    let new = store::NewJob {
        tenant,
        task,
        by: act.actor.clone(),
        call: key.0,
    };
    let created = deps.store.create_job(&new, &act).await?;
    if created.job.task != new.task {
        return Err(
            Problem::unprocessable("A header is not valid. See `errors`.").with_error(
                idempotency::HEADER,
                "a key that was not used before: this one created another job",
            ),
        );
    }
    deps.job_bell.ring();
    let place = format!("/v1/tenants/{}/jobs/{}", new.tenant, created.job.id);
    let place = HeaderValue::try_from(place).map_err(Problem::internal)?;
    let job = Job::with_result(created.job);
    Ok((StatusCode::ACCEPTED, [(LOCATION, place)], Json(job)))
}

impl NewJob {
    /// What is to be done, where nothing is wrong with it.
    fn read(&self, zone: &TimeZone, now: Timestamp, faults: &mut Faults) -> Option<JobTask> {
        let kind = faults.read("kind", Some(&self.kind), kind_of);
        let filter = &self.filter;
        let (steps, requests) = (filter.steps(faults), filter.requests(faults, zone));
        let from_stage = faults.read("from_stage", self.from_stage.as_deref(), str::parse);
        let (has_steps, has_requests) = (filter.has_steps(), filter.has_requests());
        if filter.all && (has_steps || has_requests) {
            faults.add("filter.all", "either `all` or a filter, not both");
        }
        if kind.is_some_and(|kind| kind != JobKind::Replay) && self.from_stage.is_some() {
            faults.add("from_stage", "only of a replay");
        }
        let is_of_steps = kind == Some(JobKind::Redrive);
        if kind.is_some() && !is_of_steps && has_steps {
            faults.add(
                "filter",
                "`state`, `stage`, `cause`, `connection` and `request_id` are of a redrive alone",
            );
        }
        if is_of_steps && has_requests {
            faults.add(
                "filter",
                "`status`, `channel`, `from`, `to` and `request_ids` are of a replay or a release",
            );
        }
        if kind.is_some_and(|kind| kind != JobKind::Reconcile) && self.source_id.is_some() {
            faults.add("source_id", "only of a comparison with providers");
        }
        let is_open = !(filter.all || has_steps || has_requests);
        match kind {
            Some(JobKind::Redrive) => {
                if is_open {
                    faults.add(
                        "filter",
                        "say which steps: `state`, `stage`, `cause`, `connection`, `request_id`, or `\"all\": true`",
                    );
                }
                Some(JobTask::Redrive { filter: steps })
            }
            Some(JobKind::Replay) => {
                if is_open {
                    faults.add(
                        "filter",
                        "say which requests: `status`, `channel`, `from`, `to`, `request_ids`, or `\"all\": true`",
                    );
                }
                if self.from_stage.is_none() {
                    faults.add("from_stage", "the first stage that runs again");
                }
                from_stage.map(|from_stage| JobTask::Replay {
                    from_stage,
                    filter: requests,
                })
            }
            Some(JobKind::Release) => {
                let is_withheld = matches!(
                    requests.status,
                    Some(Status::Quarantined | Status::OutOfArea)
                );
                let is_named = filter.status.is_none() && filter.request_ids.is_some();
                let is_read = filter.status.is_none() || requests.status.is_some();
                if is_read && !is_withheld && !is_named {
                    faults.add(
                        "filter.status",
                        "`quarantined` or `out_of_area`, or name the requests in `request_ids`",
                    );
                }
                Some(JobTask::Release { filter: requests })
            }
            Some(JobKind::Reconcile) => {
                let source = self.source_id.as_deref();
                let source = faults.read("source_id", source, str::parse::<SourceId>);
                if filter.all
                    || filter.status.is_some()
                    || filter.channel.is_some()
                    || filter.request_ids.is_some()
                {
                    faults.add("filter", "only `from` and `to`");
                }
                let to = requests.to.unwrap_or(now);
                let from = requests
                    .from
                    .unwrap_or_else(|| to.checked_sub(DAY).unwrap_or(to));
                if from >= to && filter.to.is_none() {
                    faults.add("filter.from", "a time that is over");
                }
                if to.duration_since(from) > DAY * 31 {
                    faults.add("filter.from", "at most 31 days before `to`");
                }
                Some(JobTask::Reconcile { source, from, to })
            }
            Some(JobKind::Recount) => {
                if has_requests {
                    faults.add("filter", "left out: all requests are counted");
                }
                Some(JobTask::Recount)
            }
            // It is started with the office.
            Some(JobKind::DryRun) | None => None,
        }
    }
}

/// What a job of this route does.
fn kind_of(text: &str) -> Result<JobKind, &'static str> {
    match text.parse() {
        Ok(JobKind::DryRun) => Err(
            "redrive, replay, release, reconcile or recount; a dry run is started under the office: `offices/{office_id}/config/dry-run`",
        ),
        Ok(kind) => Ok(kind),
        Err(_) => Err("one of redrive, replay, release, reconcile, recount"),
    }
}

impl JobFilter {
    fn has_steps(&self) -> bool {
        let texts = [&self.state, &self.stage, &self.cause, &self.connection];
        texts.iter().any(|text| text.is_some()) || self.request_id.is_some()
    }

    fn has_requests(&self) -> bool {
        let texts = [&self.status, &self.channel, &self.from, &self.to];
        texts.iter().any(|text| text.is_some()) || self.request_ids.is_some()
    }

    fn steps(&self, faults: &mut Faults) -> WorkFilter {
        let state: Option<words::StopKind> =
            faults.read("filter.state", self.state.as_deref(), word);
        let (stage, cause) = (self.stage.as_deref(), self.cause.as_deref());
        let (connection, request) = (self.connection.as_deref(), self.request_id.as_deref());
        WorkFilter {
            stop: state.map(Into::into),
            stage: faults.read("filter.stage", stage, str::parse::<Stage>),
            cause: faults.read("filter.cause", cause, word::<ParkCause>),
            connection: faults.read("filter.connection", connection, ConnectionName::new),
            request: faults.read("filter.request_id", request, str::parse::<RequestId>),
        }
    }

    fn period(&self) -> Period<'_> {
        Period {
            from: self.from.as_deref(),
            to: self.to.as_deref(),
        }
    }

    fn requests(&self, faults: &mut Faults, zone: &TimeZone) -> RequestFilter {
        let fields = ["filter.from", "filter.to"];
        let (from, to) = self.period().read(faults, fields, zone);
        let (status, channel) = (self.status.as_deref(), self.channel.as_deref());
        RequestFilter {
            status: faults.read("filter.status", status, str::parse::<Status>),
            channel: faults.read("filter.channel", channel, str::parse::<Channel>),
            from,
            to,
            request_ids: self.ids(faults),
        }
    }

    /// The requests that are named: the newest first, each once.
    fn ids(&self, faults: &mut Faults) -> Vec<RequestId> {
        let Some(texts) = &self.request_ids else {
            return Vec::new();
        };
        if !(1..=RequestFilter::MAX_IDS).contains(&texts.len()) {
            faults.add(
                "filter.request_ids",
                format!("1 to {} ids of requests (`req_…`)", RequestFilter::MAX_IDS),
            );
            return Vec::new();
        }
        let mut ids: Vec<RequestId> = Vec::with_capacity(texts.len());
        for (index, text) in texts.iter().enumerate() {
            match text.parse() {
                Ok(id) => ids.push(id),
                Err(_) => faults.add(
                    format!("filter.request_ids.{index}"),
                    "the id of a request: `req_` and 32 characters",
                ),
            }
        }
        ids.sort_unstable_by(|a, b| b.cmp(a));
        ids.dedup();
        ids
    }
}

/// The task in words, for the audit log: its ids are not repeated.
pub(super) fn sentence(task: &JobTask) -> String {
    let mut parts = Vec::new();
    let filter = match task {
        JobTask::Redrive { filter } => {
            parts.extend(
                filter
                    .columns()
                    .map(|(column, value)| format!("{column} {value}")),
            );
            None
        }
        JobTask::Replay { from_stage, filter } => {
            parts.push(format!("from {from_stage} on"));
            Some(filter)
        }
        JobTask::Release { filter } => Some(filter),
        JobTask::Recount => None,
        JobTask::DryRun {
            office_id, days, ..
        } => {
            parts.push(format!("office {office_id}, {days} days"));
            None
        }
        JobTask::Reconcile { source, from, to } => {
            parts.extend(source.map(|source| format!("source {source}")));
            parts.push(format!("from {from}, to {to}"));
            None
        }
    };
    if let Some(filter) = filter {
        let times = [("from", filter.from), ("to", filter.to)];
        parts.extend(
            filter
                .status
                .map(|status| format!("status {}", status.as_str())),
        );
        parts.extend(filter.channel.map(|channel| format!("channel {channel}")));
        parts.extend(
            times
                .iter()
                .filter_map(|(name, at)| Some(format!("{name} {}", (*at)?))),
        );
        if !filter.request_ids.is_empty() {
            parts.push(format!("{} named requests", filter.request_ids.len()));
        }
    }
    if parts.is_empty() {
        parts.push("all".to_owned());
    }
    format!("{}: {}", task.kind(), parts.join(", "))
}
