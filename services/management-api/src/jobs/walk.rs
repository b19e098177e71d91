//! Which batch a job does next: what is read of the store before the batch's own transaction. What it reads may be out of
//! date by then, so the transaction decides on what it reads again.

use std::{sync::Arc, time::Duration};

use domain::{
    DryRun, LeadRequest, OfficeConfig, OfficeId, RequestId, SourceId, StoreError, WorkflowConfig,
    dry_run, later,
};
use jiff::Timestamp;
use store::{
    AuditAction, ConfigKind, Job, PlaceKey, RequestQuery, SourceState, Store, WorkFilter,
    WorkQuery,
    configs::office_of,
    jobs::{
        Batch, Effect, JobCursor, JobTask, Reconciled, RequestFilter, SourceFault, first_id_at,
    },
    sweeps::{DayLine, Span, SweepState},
};

use crate::{
    Deps,
    reconcile::{Access, Fault, compare, zone},
};

/// Steps or requests of one transaction: little enough that other writes pass between two.
pub(super) const BATCH: u32 = 100;
/// Requests that are read at once for a recount or a dry run, and how often for a dry run before its figures are stored.
const COMPARED: u32 = 200;
const PAGES: u32 = 10;
/// Requests that are counted at most to say how much there is.
const COUNTED: u32 = 100_000;

/// How long a job waits for a provider's quota, and how often for a page.
const SHORT_WAIT: Duration = Duration::from_secs(5);
const MAX_PAUSES: u32 = 20;

/// Why there is no next batch.
#[derive(Debug, thiserror::Error)]
pub(super) enum WalkError {
    /// It may go on later.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It never will.
    #[error("{0}")]
    Fatal(String),
    /// A provider's quota is used up for so long.
    #[error("an account's requests are used up for {} s", .0.as_secs())]
    NoRoom(Duration),
}

type Result<T> = std::result::Result<T, WalkError>;

/// The next batch of a job.
pub(super) async fn next(deps: &Deps, job: &Job) -> Result<Batch> {
    let store = &*deps.store;
    let mut batch = match &job.task {
        JobTask::Redrive { filter } => steps(store, job, filter).await?,
        JobTask::Replay { from_stage, .. } => {
            let (mut batch, ids, filter) = requests(store, job).await?;
            batch.effect = Effect::Replay(ids, *from_stage, filter);
            batch
        }
        JobTask::Release { .. } => {
            let (mut batch, ids, filter) = requests(store, job).await?;
            batch.effect = Effect::Release(ids, filter);
            batch
        }
        JobTask::DryRun {
            office_id, config, ..
        } => compared(store, job, *office_id, config).await?,
        JobTask::Recount => recounted(store, job).await?,
        JobTask::Reconcile { source, from, to } => {
            return reconciled(deps, job, *source, *from, *to).await;
        }
    };
    if job.cursor.is_none() && job.total.is_none() {
        batch.total = total(store, job).await?;
    }
    if batch.is_last && job.result.changed > 0 && !matches!(job.task, JobTask::Recount) {
        batch.stopped = Some(store.stopped_again(job).await?);
    }
    Ok(batch)
}

fn empty() -> Batch {
    Batch {
        effect: Effect::None,
        through: 0,
        cursor: None,
        is_last: false,
        total: None,
        dry_run: None,
        stopped: None,
        reconciled: Reconciled::default(),
    }
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

/// How much there is to go through; none where it is more than is counted.
async fn total(store: &dyn Store, job: &Job) -> Result<Option<u64>> {
    if let JobTask::Redrive { filter } = &job.task {
        if filter.request.is_some() {
            return Ok(None);
        }
        let counts = store.stopped_counts(&job.tenant).await?;
        let counts = counts.iter().filter(|count| count.is_of(filter));
        return Ok(Some(counts.map(|count| count.rows).sum()));
    }
    let filter = job.requests().unwrap_or_default();
    if !filter.request_ids.is_empty() {
        return Ok(Some(count(filter.request_ids.len())));
    }
    Ok(store.count_for_job(&job.tenant, &filter, COUNTED).await?)
}

/// The next steps of a redrive. Those of requests that came in after the job was created are not meant, so it ends
/// although steps stop again meanwhile.
async fn steps(store: &dyn Store, job: &Job, filter: &WorkFilter) -> Result<Batch> {
    let after = match &job.cursor {
        Some(JobCursor::Step(request, stage, target)) => Some((*request, *stage, target.clone())),
        Some(JobCursor::Request(_) | JobCursor::Page(..)) | None => None,
    };
    let query = WorkQuery {
        filter: filter.clone(),
        limit: BATCH,
        after,
    };
    let page = store.stopped_work(&job.tenant, &query).await?;
    let end = RequestFilter::default().until(job.created_at).behind();
    let end = end.unwrap_or_else(|| first_id_at(job.created_at));
    let read = page.items.len();
    let keys = page.items.into_iter().map(|row| row.key);
    let keys: Vec<_> = keys.take_while(|key| key.request < end).collect();
    let last = keys.last();
    Ok(Batch {
        through: count(keys.len()),
        cursor: last.map(|key| JobCursor::Step(key.request, key.stage, key.target.clone())),
        is_last: !page.has_more || keys.len() < read,
        effect: Effect::Redrive(keys),
        ..empty()
    })
}

/// The next requests of a job that walks over requests, and the filter that they must agree with still when they are
/// changed.
async fn requests(store: &dyn Store, job: &Job) -> Result<(Batch, Vec<RequestId>, RequestFilter)> {
    let filter = job.requests().unwrap_or_default();
    if filter.request_ids.is_empty() {
        let (found, cursor, is_last) = page(store, job, &filter, place(job), BATCH).await?;
        let ids: Vec<_> = found.into_iter().map(|request| request.id).collect();
        let batch = Batch {
            through: count(ids.len()),
            cursor: cursor.map(JobCursor::Request),
            is_last,
            ..empty()
        };
        return Ok((batch, ids, filter));
    }
    let place = place(job);
    let is_left = |id: &&RequestId| place.is_none_or(|place| **id < place);
    let mut left = filter.request_ids.iter().filter(is_left);
    let batch_size = usize::try_from(BATCH).unwrap_or(usize::MAX);
    let ids: Vec<_> = left.by_ref().take(batch_size).copied().collect();
    let batch = Batch {
        through: count(ids.len()),
        cursor: ids.last().copied().map(JobCursor::Request),
        is_last: left.next().is_none(),
        ..empty()
    };
    Ok((batch, ids, filter))
}

/// The last request that a job went through.
const fn place(job: &Job) -> Option<RequestId> {
    match &job.cursor {
        Some(JobCursor::Request(request)) => Some(*request),
        Some(JobCursor::Step(..) | JobCursor::Page(..)) | None => None,
    }
}

/// A page of the requests that agree with a filter, the newest first; the last that was read; and whether it was the last
/// page.
async fn page(
    store: &dyn Store,
    job: &Job,
    filter: &RequestFilter,
    behind: Option<RequestId>,
    limit: u32,
) -> Result<(Vec<LeadRequest>, Option<RequestId>, bool)> {
    let query = RequestQuery {
        status: filter.status,
        channel: filter.channel,
        limit,
        before: behind.or_else(|| filter.behind()),
    };
    let page = store.list_requests(&job.tenant, &query).await?;
    let last = page.items.last().map(|request| request.id);
    let is_past = filter
        .before()
        .zip(last)
        .is_some_and(|(end, last)| last < end);
    let found = page.items.into_iter();
    let found = found.filter(|request| filter.takes(request)).collect();
    Ok((found, last, is_past || !page.has_more))
}

/// The next requests of a recount. They are counted in a transaction of their own: should the batch be lost with its
/// process, whoever repeats it finds them right, so that `changed` is too low then and the figures are not.
async fn recounted(store: &dyn Store, job: &Job) -> Result<Batch> {
    let filter = job.requests().unwrap_or_default();
    let before = place(job).or_else(|| filter.behind());
    let act = AuditAction::new(job.by.clone(), "figures.recount", &job.id);
    let counted = store.recount_figures(&job.tenant, before, COMPARED, &act);
    let counted = counted.await?;
    Ok(Batch {
        effect: Effect::Took(counted.corrected.into()),
        through: counted.looked_at.into(),
        cursor: counted.next.map(JobCursor::Request),
        is_last: counted.next.is_none(),
        ..empty()
    })
}

/// The next comparisons of a dry run. Nothing is changed, so its figures are stored after several pages only.
async fn compared(
    store: &dyn Store,
    job: &Job,
    office: OfficeId,
    config: &serde_json::Value,
) -> Result<Batch> {
    let filter = job.requests().unwrap_or_default();
    let known = job.result.dry_run.clone();
    let (before, after) = configs(store, job, office, config, known.as_ref()).await?;
    let mut run = known.unwrap_or_default();
    run.config_version = before.version;
    let offices = store.configs(&job.tenant, ConfigKind::Office).await?;
    let name = office.to_string();
    let (mut through, mut place, mut is_last) = (0, place(job), false);
    for _ in 0..PAGES {
        let (found, last, is_end) = page(store, job, &filter, place, COMPARED).await?;
        through += count(found.len());
        for request in found {
            let of = office_of(&offices, request.document.source.office);
            if of.is_some_and(|of| of.name == name) {
                let document = &request.document;
                // What the map said is looked up, never asked for: a dry run costs nothing.
                let said = match dry_run::address_to_locate(document, &before, &after) {
                    Some(address) => store.place(&job.tenant, &PlaceKey::of(&address)).await?,
                    None => None,
                };
                run.add(request.id, document, &before, &after, said);
            }
        }
        place = last.or(place);
        is_last = is_end;
        if is_last {
            break;
        }
    }
    Ok(Batch {
        through,
        cursor: place.map(JobCursor::Request),
        is_last,
        dry_run: Some(run),
        ..empty()
    })
}

/// The configuration in use when the dry run began, and the other one.
async fn configs(
    store: &dyn Store,
    job: &Job,
    office: OfficeId,
    config: &serde_json::Value,
    known: Option<&DryRun>,
) -> Result<(OfficeConfig, OfficeConfig)> {
    let name = office.to_string();
    let version = known.map(|run| run.config_version);
    let found = match version {
        Some(0) => None,
        version => {
            let kind = ConfigKind::Workflow;
            store.config(&job.tenant, kind, &name, version).await?
        }
    };
    let read = |json: &serde_json::Value| {
        WorkflowConfig::from_stored(&json.to_string()).map_err(|_| {
            let reason = "this build cannot read the office's configuration; start the dry run with the build that wrote it";
            WalkError::Fatal(reason.to_owned())
        })
    };
    let workflow = found.as_ref().map(|found| read(&found.json)).transpose()?;
    let before = OfficeConfig {
        workflow: workflow.unwrap_or_default(),
        version: found.map_or(0, |found| found.version),
        ..OfficeConfig::default()
    };
    let after = OfficeConfig {
        workflow: read(config)?,
        version: before.version + 1,
        ..OfficeConfig::default()
    };
    Ok((before, after))
}

/// The next page of what providers have, compared; what is missing is taken. A source that cannot be compared is passed
/// over, unless it is the one that was named.
async fn reconciled(
    deps: &Deps,
    job: &Job,
    source: Option<SourceId>,
    from: Timestamp,
    to: Timestamp,
) -> Result<Batch> {
    let fatal = |reason: String| WalkError::Fatal(reason);
    let Some(outward) = deps.outward.clone().map(Arc::new) else {
        return Err(fatal("this server reaches no provider".to_owned()));
    };
    let sources = deps.store.sources(&job.tenant).await?;
    // Nothing comes by a source that is disabled, whichever way.
    let meant = |known: &&store::Source| {
        known.state == SourceState::Active && source.is_none_or(|source| source == known.id)
    };
    // Every list that is to be gone through, in an order that stays.
    let mut lists = Vec::new();
    for known in sources.iter().filter(meant) {
        let apis = outward.apis.get(&known.provider);
        let listing = apis.and_then(|apis| apis.listing.as_ref());
        let kinds = listing.map_or(&[][..], |listing| listing.kinds());
        lists.extend(kinds.iter().map(|kind| (known, *kind)));
    }
    let (at, place) = match &job.cursor {
        Some(JobCursor::Page(source, kind, place)) => {
            let is_it = |(known, known_kind): &(&store::Source, &str)| {
                known.id == *source && known_kind == kind
            };
            (
                lists.iter().position(is_it).unwrap_or(lists.len()),
                place.clone(),
            )
        }
        _ => (0, None),
    };
    let Some((known, kind)) = lists.get(at).copied() else {
        if source.is_some() && lists.is_empty() {
            let reason = "the source is disabled, or its provider has no list to compare with";
            return Err(fatal(reason.to_owned()));
        }
        return Ok(Batch {
            is_last: true,
            ..empty()
        });
    };
    let following = |next: Option<String>| match (next, lists.get(at + 1)) {
        (Some(next), _) => Some(JobCursor::Page(known.id, kind.to_owned(), Some(next))),
        (None, Some((known, kind))) => Some(JobCursor::Page(known.id, (*kind).to_owned(), None)),
        (None, None) => None,
    };
    // A source whose account cannot be asked keeps no other from being compared.
    let passed_over = |reason: String| {
        let rest = lists.iter().skip(at);
        let other = rest.copied().find(|(other, _)| other.id != known.id);
        Batch {
            is_last: other.is_none(),
            cursor: other.map(|(other, kind)| JobCursor::Page(other.id, kind.to_owned(), None)),
            reconciled: Reconciled {
                fault: Some(SourceFault {
                    source_id: known.id,
                    reason,
                }),
                ..Reconciled::default()
            },
            ..empty()
        }
    };
    let failed = |fault: Fault| match fault {
        Fault::Store(error) => Err(WalkError::Store(error)),
        Fault::NoRoom(wait) => Err(WalkError::NoRoom(wait)),
        Fault::Provider { reason, .. } if source.is_none() => Ok(passed_over(reason)),
        Fault::Provider { reason, .. } => Err(fatal(format!(
            "{reason}. Start the job again; nothing is taken twice"
        ))),
    };
    let access = match Access::open(deps, &outward, known).await {
        Ok(Some(access)) => access,
        Ok(None) if source.is_none() => {
            let reason = "its account is not connected, so nobody can compare: enter its secret";
            return Ok(passed_over(reason.to_owned()));
        }
        Ok(None) => return Err(fatal("the source's account is not connected".to_owned())),
        Err(fault) => return failed(fault),
    };
    let zone = zone(deps, known).await?;
    // Whole days: some providers tell no more than the day.
    let span = Span::of_days(from, to, &zone, true);
    let mut state = SweepState {
        is_asked_for: true,
        ..SweepState::default()
    };
    let mut pauses = 0;
    let compared = loop {
        let compared = compare(
            deps,
            &access,
            kind,
            span,
            place.as_deref(),
            &mut state,
            &zone,
        );
        match compared.await {
            // Where requests are limited by the second, there is room again at once.
            Err(Fault::NoRoom(wait)) if wait <= SHORT_WAIT && pauses < MAX_PAUSES => {
                pauses += 1;
                deps.clock.sleep_until(later(deps.clock.now(), wait)).await;
            }
            Err(fault) => return failed(fault),
            Ok(compared) => break compared,
        }
    };
    // Of a list that begins, every day that is over or goes on has a line, also where nothing happened on it.
    let now = deps.clock.now();
    let mut days = match place {
        Some(_) => job.result.days.clone(),
        None => span.days(&zone, now),
    };
    compared.add_to(&mut days);
    let reconciled = match &compared.next {
        Some(_) => Reconciled {
            days,
            not_taken: compared.not_taken,
            ..Reconciled::default()
        },
        None => Reconciled {
            lines: DayLine::of_days(days, known.id, kind, now),
            not_taken: compared.not_taken,
            ..Reconciled::default()
        },
    };
    let cursor = following(compared.next);
    Ok(Batch {
        effect: Effect::Took(compared.taken),
        through: compared.through,
        is_last: cursor.is_none(),
        cursor,
        reconciled,
        ..empty()
    })
}
