//! Jobs.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use async_trait::async_trait;
use domain::{Channel, JobId, RequestId, Status, StoreError, TenantId, Wake};
use google_cloud_spanner::{
    key::{Key, KeySet},
    mutation::Mutation,
    statement::{Statement, StatementBuilder},
    types,
};
use jiff::Timestamp;
use store::{
    AuditAction, IdSource, Job, JobQuery, Jobs, NewJob, Page,
    jobs::{
        Applied, Batch, Created, Decided, JobClaim, JobKind, JobState, JobStep, MAX_COUNTED,
        MAX_NAMED, MAX_TENANTS_TRIED, OpenJob, RequestFilter, Stepped, StoppedAgain, StoppedStep,
        next,
    },
    rows::{self, JOB_COLUMNS, signed},
    stored::{self, PageReader, to_json},
};

use crate::{
    SpannerStore, audit,
    fault::{Fault, readable},
    requests,
    rows::{WORK, Write, key, mutation, time_value},
    tx::{Reader, Tx},
};

type Result<T, E = Fault> = std::result::Result<T, E>;

/// A closure for a transaction that is run again when Spanner aborts it: what it names is cloned for every run.
macro_rules! again {
    ([$($name:ident),*] |$tx:ident| $work:expr) => {
        move |$tx| {
            $(let $name = $name.clone();)*
            async move { $work.await }
        }
    };
}

#[async_trait]
impl Jobs for SpannerStore {
    async fn create_job(&self, new: &NewJob, act: &AuditAction) -> store::Result<Created> {
        let (new, act, ids) = (new.clone(), act.clone(), self.ids.clone());
        let work = again!([new, act, ids] | tx | create(&tx, &ids, &new, &act));
        self.write("job.create", work).await
    }

    async fn job(&self, tenant: &TenantId, job: JobId) -> store::Result<Option<Job>> {
        self.read(async |reader| one(&reader, tenant, job).await)
            .await
    }

    async fn jobs(&self, tenant: &TenantId, query: &JobQuery) -> store::Result<Page<Job>> {
        self.read(async |reader| list(&reader, tenant, query).await)
            .await
    }

    async fn cancel_job(
        &self,
        tenant: &TenantId,
        job: JobId,
        act: &AuditAction,
    ) -> store::Result<Job> {
        let id = tenant.clone();
        let change = again!([id] | tx | cancel(&tx, &id, job));
        let cancelled = self.act_if(tenant, act, change, |(_, is_change)| *is_change);
        Ok(cancelled.await?.0)
    }

    async fn tenants_with_jobs_across_tenants(&self) -> store::Result<Vec<TenantId>> {
        self.read(async |reader| tenants_across_tenants(&reader).await)
            .await
    }

    async fn claim_job(
        &self,
        tenant: &TenantId,
        owner: &str,
        lease: Duration,
    ) -> store::Result<Option<Job>> {
        let (tenant, owner) = (tenant.clone(), owner.to_owned());
        let work = again!([tenant, owner] | tx | claim(&tx, &tenant, &owner, lease));
        self.write("job.claim", work).await
    }

    async fn step_job(
        &self,
        claim: &JobClaim,
        step: JobStep,
        lease: Duration,
    ) -> store::Result<Stepped> {
        let (claim, step) = (claim.clone(), Arc::new(step));
        let work = again!([claim, step] | tx | take_step(&tx, &claim, &step, lease));
        self.write("job.step", work).await
    }

    async fn count_for_job(
        &self,
        tenant: &TenantId,
        filter: &RequestFilter,
        limit: u32,
    ) -> store::Result<Option<u64>> {
        self.read(async |reader| count(&reader, tenant, filter, limit).await)
            .await
    }

    async fn stopped_again(&self, job: &Job) -> store::Result<StoppedAgain> {
        self.read(async |reader| stopped_again(&reader, job).await)
            .await
    }

    async fn prune_jobs_across_tenants(&self, before: Timestamp, limit: u32) -> store::Result<u32> {
        let mut removed = 0;
        while removed < limit {
            let left = limit - removed;
            let read = self.read(async |reader| old_across_tenants(&reader, before, left).await);
            let Some(old) = read.await? else { break };
            removed += old.rows();
            let old = Arc::new(old);
            let work = again!([old] | tx | async { old.remove(&tx) });
            self.write("job.prune", work).await?;
        }
        Ok(removed)
    }
}

/// Writes a job, new or not: every change of one passes here.
fn save(tx: &Tx, job: &Job) -> Result<()> {
    tx.write([mutation(
        Write::Put,
        "jobs",
        [
            ("tenant_id", job.tenant.as_str().to_owned().into()),
            ("job_id", job.id.to_string().into()),
            ("kind", job.task.kind().as_str().to_owned().into()),
            ("task", to_json(&job.task)?.into()),
            ("state", job.state.as_str().to_owned().into()),
            ("is_open", job.state.is_open().then_some(true).into()),
            ("total", job.total.map_or(-1, signed).into()),
            ("done", signed(job.done).into()),
            ("stopped", signed(job.stopped).into()),
            ("started_by", job.by.clone().into()),
            ("created_at", time_value(job.created_at)),
            ("started_at", job.started_at.map(time_value).into()),
            ("finished_at", job.finished_at.map(time_value).into()),
            ("failure", job.failure.clone().into()),
            ("result", to_json(&job.result)?.into()),
            (
                "job_cursor",
                job.cursor.as_ref().map(to_json).transpose()?.into(),
            ),
            ("owner", job.owner.clone().into()),
            ("lease_until", job.lease_until.map(time_value).into()),
            ("token", signed(job.token).into()),
            ("call_hash", job.call.clone().into()),
        ],
    )])
}

fn with_result() -> String {
    format!("{JOB_COLUMNS}, result")
}

async fn one(reader: &Reader, tenant: &TenantId, id: JobId) -> Result<Option<Job>> {
    let key = key([tenant.as_str(), &id.to_string()]);
    let found = reader.row("jobs", &with_result(), key).await?;
    Ok(found.map(|row| rows::job(&row, true)).transpose()?)
}

async fn by_call(reader: &Reader, new: &NewJob) -> Result<Option<Job>> {
    let Some(call) = new.call_hash() else {
        return Ok(None);
    };
    let key = key([new.tenant.as_str(), &call]);
    let found = reader
        .rows_by(("jobs", "jobs_by_call"), "job_id", key)
        .await?;
    match found.first() {
        Some(row) => one(reader, &new.tenant, row.parsed("job_id")?).await,
        None => Ok(None),
    }
}

async fn create(tx: &Tx, ids: &IdSource, new: &NewJob, act: &AuditAction) -> Result<Created> {
    if let Some(job) = by_call(tx, new).await? {
        let is_new = false;
        return Ok(Created { job, is_new });
    }
    let open = open(tx, &new.tenant).await?.len();
    let job = new.queued(JobId::from_uuid(ids.next()), open, tx.now())?;
    save(tx, &job)?;
    let mut act = act.clone();
    act.object = job.id.to_string();
    audit::record(tx, ids, &new.tenant, &act).await?;
    Ok(Created { job, is_new: true })
}

async fn cancel(tx: &Tx, tenant: &TenantId, id: JobId) -> Result<(Job, bool)> {
    let mut job = one(tx, tenant, id).await?.ok_or(StoreError::NotFound)?;
    let is_change = job.cancel(tx.now())?;
    if is_change {
        save(tx, &job)?;
    }
    Ok((job, is_change))
}

async fn list(reader: &Reader, tenant: &TenantId, query: &JobQuery) -> Result<Page<Job>> {
    let of_state = query.state.map_or("", |_| "AND state = @state");
    let of_kind = query.kind.map_or("", |_| "AND kind = @kind");
    let sql = format!(
        "SELECT {JOB_COLUMNS} FROM jobs WHERE tenant_id = @tenant AND job_id < @before {of_state} {of_kind} \
         ORDER BY job_id DESC LIMIT @wanted"
    );
    let before = query.before.map(|id| id.to_string());
    let mut before = before.unwrap_or_else(|| "job_~".to_owned());
    let mut page = PageReader::new(query.limit);
    loop {
        let mut statement = Statement::builder(sql.as_str())
            .add_param("tenant", tenant.as_str().to_owned())
            .add_param("before", before.clone())
            .add_param("wanted", signed(page.wanted()));
        if let Some(state) = query.state.map(JobState::as_str) {
            statement = statement.add_param("state", state.to_owned());
        }
        if let Some(kind) = query.kind.map(JobKind::as_str) {
            statement = statement.add_param("kind", kind.to_owned());
        }
        let mut read = Vec::new();
        for row in reader.query(statement.build()).await? {
            before = row.text("job_id")?;
            let job = rows::job(&row, false);
            read.push(stored::readable("jobs", || before.clone(), job)?);
        }
        if !page.take(read) {
            return Ok(page.finish());
        }
    }
}

// Only what waits or runs is in this index, and nothing else is asked for here. The emulator cannot see that by itself;
// Spanner ignores the hint that says so.
const BY_OPEN: &str =
    "@{FORCE_INDEX=jobs_open, spanner_emulator.disable_query_null_filtered_index_check=true}";

/// A tenant's jobs that wait or run.
async fn open(reader: &Reader, tenant: &TenantId) -> Result<Vec<OpenJob>> {
    let statement = Statement::builder(format!(
        "SELECT job_id, kind, state, lease_until FROM jobs{BY_OPEN} WHERE is_open = TRUE AND tenant_id = @tenant"
    ))
    .add_param("tenant", tenant.as_str().to_owned());
    let found = reader.query(statement.build()).await?;
    let open = found.iter().map(|row| rows::open_job(row));
    Ok(open.collect::<store::Result<_>>()?)
}

async fn tenants_across_tenants(reader: &Reader) -> Result<Vec<TenantId>> {
    let statement = Statement::builder(format!(
        "SELECT open.tenant_id FROM (SELECT DISTINCT tenant_id FROM jobs{BY_OPEN} \
             WHERE is_open = TRUE AND kind IN UNNEST(@kinds)) AS open \
         LEFT JOIN job_turns ON job_turns.tenant_id = open.tenant_id \
         WHERE NOT EXISTS (SELECT 1 FROM jobs{BY_OPEN} AS busy WHERE busy.is_open = TRUE \
             AND busy.tenant_id = open.tenant_id AND busy.state = 'running' AND busy.lease_until > @now) \
         ORDER BY IFNULL(job_turns.turn, 0), open.tenant_id LIMIT @limit"
    ))
    .add_param("kinds", words(JobKind::WORDS))
    .add_typed_param("now", time_value(reader.now()), types::timestamp())
    .add_param("limit", i64::from(MAX_TENANTS_TRIED));
    let found = reader.query(statement.build()).await?;
    let tenants = found.iter().map(|row| row.parsed("tenant_id"));
    Ok(tenants.collect::<store::Result<_>>()?)
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

async fn claim(tx: &Tx, tenant: &TenantId, owner: &str, lease: Duration) -> Result<Option<Job>> {
    let Some(id) = next(&open(tx, tenant).await?, tx.now()) else {
        return Ok(None);
    };
    let job = readable("jobs", id, one(tx, tenant, id).await)?;
    let Some(mut job) = job.flatten() else {
        return Ok(None);
    };
    job.claim(owner, tx.now(), lease);
    save(tx, &job)?;
    let last = Statement::builder("SELECT IFNULL(MAX(turn), 0) AS turn FROM job_turns").build();
    let last = tx.query(last).await?;
    let last = last
        .first()
        .map_or(Ok(0), |row| row.number::<u64>("turn"))?;
    tx.write([mutation(
        Write::Put,
        "job_turns",
        [
            ("tenant_id", tenant.as_str().to_owned().into()),
            ("turn", signed(last + 1).into()),
        ],
    )])?;
    Ok(Some(job))
}

async fn take_step(tx: &Tx, claim: &JobClaim, step: &JobStep, lease: Duration) -> Result<Stepped> {
    let job = one(tx, &claim.tenant, claim.id).await?;
    let Some(mut job) = job.filter(|job| job.is_of(claim)) else {
        return Ok(Stepped::Lost);
    };
    let mut wakes = Vec::new();
    match step {
        JobStep::Batch(batch) => {
            let applied = apply(tx, &job, batch, &mut wakes).await?;
            job.advance(batch, applied, tx.now(), lease);
        }
        JobStep::Rest => job.rest(tx.now()),
        JobStep::Fail(reason) => job.fail(reason.clone(), tx.now()),
    }
    save(tx, &job)?;
    Ok(Stepped::Written {
        job: Box::new(job),
        wakes,
    })
}

/// Does to requests what a batch does.
async fn apply(tx: &Tx, job: &Job, batch: &Batch, wakes: &mut Vec<Wake>) -> Result<Applied> {
    let (tenant, effect) = (&job.tenant, &batch.effect);
    let units = effect.units(tenant);
    let mut applied = Applied::default();
    // Writes of this transaction are not seen by its own reads.
    let mut marked = marked(tx, job, units.iter().map(|unit| unit.request)).await?;
    for unit in units {
        let state = if effect.follows_merges() {
            requests::state(tx, tenant, unit.request).await
        } else {
            requests::own_state(tx, tenant, unit.request).await
        };
        let Some(state) = readable("requests", unit.request, state)? else {
            continue;
        };
        let id = state
            .as_ref()
            .map_or(unit.request, |state| state.request().id);
        if id != unit.request {
            marked.extend(self::marked(tx, job, [id]).await?);
        }
        let is_marked = marked.contains(&id);
        match effect.decide(&unit, state, is_marked, &job.by, tx.now()) {
            Decided::Changed(plan, changed) => {
                requests::write(tx, &plan)?;
                marked.insert(id);
                tx.write([mark(job, id)])?;
                applied.changed += changed;
                wakes.extend(plan.wakes);
            }
            Decided::Skipped(skipped) => applied.skipped.push(skipped),
            Decided::Nothing => {}
        }
    }
    Ok(applied)
}

fn mark_key(job: &Job, request: RequestId) -> Key {
    key([
        job.tenant.as_str(),
        &job.id.to_string(),
        &request.to_string(),
    ])
}

/// Those of some requests that the job changed before.
async fn marked(
    reader: &Reader,
    job: &Job,
    requests: impl IntoIterator<Item = RequestId>,
) -> Result<BTreeSet<RequestId>> {
    let mut keys = KeySet::builder();
    let mut is_empty = true;
    for request in requests {
        keys = keys.add_key(mark_key(job, request));
        is_empty = false;
    }
    if is_empty {
        return Ok(BTreeSet::new());
    }
    let found = reader
        .rows("job_requests", "request_id", keys.build())
        .await?;
    let marked = found.iter().map(|row| row.parsed("request_id"));
    Ok(marked.collect::<store::Result<_>>()?)
}

fn mark(job: &Job, request: RequestId) -> Mutation {
    mutation(
        Write::Put,
        "job_requests",
        [
            ("tenant_id", job.tenant.as_str().to_owned().into()),
            ("job_id", job.id.to_string().into()),
            ("request_id", request.to_string().into()),
        ],
    )
}

async fn count(
    reader: &Reader,
    tenant: &TenantId,
    filter: &RequestFilter,
    limit: u32,
) -> Result<Option<u64>> {
    let index = match filter.status {
        Some(_) => "@{FORCE_INDEX=requests_by_status}",
        None => "",
    };
    let mut sql = format!(
        "SELECT COUNT(*) AS found FROM (SELECT 1 FROM requests{index} WHERE tenant_id = @tenant"
    );
    let text = |name: &'static str, value: Option<String>| Some((name, value?));
    let conditions = [
        text(
            "status = @status",
            filter
                .status
                .map(|status| Status::as_str(status).to_owned()),
        ),
        text(
            "channel = @channel",
            filter
                .channel
                .map(|channel| Channel::as_str(channel).to_owned()),
        ),
        text(
            "request_id > @before",
            filter.before().map(|id| id.to_string()),
        ),
        text(
            "request_id < @behind",
            filter.behind().map(|id| id.to_string()),
        ),
    ];
    let times = [
        ("created_at >= @from", filter.from),
        ("created_at < @to", filter.to),
    ];
    let name = |condition: &'static str| condition.rsplit('@').next().unwrap_or_default();
    for condition in conditions.iter().flatten().map(|(condition, _)| condition) {
        sql.push_str(&format!(" AND {condition}"));
    }
    for (condition, _) in times.iter().filter(|(_, at)| at.is_some()) {
        sql.push_str(&format!(" AND {condition}"));
    }
    sql.push_str(" LIMIT @limit)");
    let mut statement = of_tenant(sql, tenant).add_param("limit", i64::from(limit) + 1);
    for (condition, value) in conditions.into_iter().flatten() {
        statement = statement.add_param(name(condition), value);
    }
    for (condition, at) in times {
        if let Some(at) = at {
            statement =
                statement.add_typed_param(name(condition), time_value(at), types::timestamp());
        }
    }
    let found = reader.query(statement.build()).await?;
    let found = found
        .first()
        .map_or(Ok(0), |row| row.number::<u64>("found"))?;
    Ok(Some(found).filter(|found| *found <= u64::from(limit)))
}

fn of_tenant(sql: String, tenant: &TenantId) -> StatementBuilder {
    Statement::builder(sql).add_param("tenant", tenant.as_str().to_owned())
}

async fn stopped_again(reader: &Reader, job: &Job) -> Result<StoppedAgain> {
    // Whichever are fewer lead: what the job changed, or what is stopped.
    let of_job = "SELECT request_id FROM job_requests WHERE tenant_id = @tenant AND job_id = @job";
    let from = if job.result.changed <= u64::from(MAX_COUNTED) {
        format!(
            "({of_job} LIMIT @limit) AS mine JOIN work AS step ON step.tenant_id = @tenant \
             AND step.request_id = mine.request_id WHERE step.state IN ('held', 'parked')"
        )
    } else {
        format!(
            "(SELECT {WORK} FROM work@{{FORCE_INDEX=work_by_state}} WHERE tenant_id = @tenant \
             AND state IN ('held', 'parked') ORDER BY request_id LIMIT @limit) AS step \
             WHERE step.request_id IN ({of_job})"
        )
    };
    let statement = |sql: String| {
        let statement = of_tenant(sql, &job.tenant).add_param("job", job.id.to_string());
        statement.add_param("limit", i64::from(MAX_COUNTED)).build()
    };
    let counted = statement(format!("SELECT COUNT(*) AS found FROM {from}"));
    let counted = reader.query(counted).await?;
    let named = statement(format!(
        "SELECT step.* FROM {from} ORDER BY step.request_id LIMIT {MAX_NAMED}"
    ));
    let mut first = Vec::new();
    for row in reader.query(named).await? {
        let read = stored::readable("work", || rows::work_name(&row), rows::work(&row))?;
        first.extend(read.as_ref().and_then(StoppedStep::of));
    }
    Ok(StoppedAgain {
        steps: counted.first().map_or(Ok(0), |row| row.number("found"))?,
        first,
    })
}

/// Some rows of a job that ended long ago.
struct Old {
    tenant: String,
    job: String,
    marks: Vec<String>,
    /// Whether these marks are its last, so that its own row goes, too.
    is_whole: bool,
}

impl Old {
    fn rows(&self) -> u32 {
        let marks = u32::try_from(self.marks.len()).unwrap_or(u32::MAX);
        marks.saturating_add(u32::from(self.is_whole))
    }

    fn remove(&self, tx: &Tx) -> Result<()> {
        let (tenant, job) = (self.tenant.as_str(), self.job.as_str());
        for request in &self.marks {
            let key = key([tenant, job, request]);
            tx.write([Mutation::delete("job_requests", key.into())])?;
        }
        if self.is_whole {
            tx.write([Mutation::delete("jobs", key([tenant, job]).into())])?;
        }
        Ok(())
    }
}

/// Some rows of the job that ended first, before `before`.
async fn old_across_tenants(reader: &Reader, before: Timestamp, limit: u32) -> Result<Option<Old>> {
    let statement = Statement::builder(
        "SELECT tenant_id, job_id FROM \
         jobs@{FORCE_INDEX=jobs_finished, spanner_emulator.disable_query_null_filtered_index_check=true} \
         WHERE finished_at < @before ORDER BY finished_at LIMIT 1",
    )
    .add_typed_param("before", time_value(before), types::timestamp());
    let found = reader.query(statement.build()).await?;
    let Some(row) = found.first() else {
        return Ok(None);
    };
    let (tenant, job) = (row.text("tenant_id")?, row.text("job_id")?);
    // More would not fit into a transaction.
    let limit = usize::try_from(limit.min(5_000)).unwrap_or_default();
    let statement = Statement::builder(
        "SELECT request_id FROM job_requests WHERE tenant_id = @tenant AND job_id = @job LIMIT @limit",
    )
    .add_param("tenant", tenant.clone())
    .add_param("job", job.clone())
    .add_param("limit", signed(limit));
    let mut marks = Vec::new();
    for row in reader.query(statement.build()).await? {
        marks.push(row.text("request_id")?);
    }
    let is_whole = marks.len() < limit;
    Ok(Some(Old {
        tenant,
        job,
        marks,
        is_whole,
    }))
}
