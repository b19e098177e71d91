//! Jobs.

mod batch;
mod counts;
mod old;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use domain::{JobId, StoreError, TenantId};
use google_cloud_spanner::{statement::Statement, types};
use jiff::Timestamp;
use store::{
    AuditAction, IdSource, Job, JobQuery, Jobs, LiveChange, NewJob, Page,
    jobs::{
        Created, JobClaim, JobKind, JobState, JobStep, MAX_TENANTS_TRIED, OpenJob, RequestFilter,
        Stepped, StoppedAgain, next,
    },
    rows::{self, JOB_COLUMNS, signed},
    stored::{self, PageReader, to_json},
};

use crate::{
    SpannerStore, audit,
    fault::{Fault, readable},
    live,
    rows::{Write, key, mutation, time_value},
    sweeps,
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
        self.read(async |reader| counts::count(&reader, tenant, filter, limit).await)
            .await
    }

    async fn stopped_again(&self, job: &Job) -> store::Result<StoppedAgain> {
        self.read(async |reader| counts::stopped_again(&reader, job).await)
            .await
    }

    async fn prune_jobs_across_tenants(&self, before: Timestamp, limit: u32) -> store::Result<u32> {
        let mut removed = 0;
        while removed < limit {
            let left = limit - removed;
            let read =
                self.read(async |reader| old::old_across_tenants(&reader, before, left).await);
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
    )])?;
    live::append(tx, &job.tenant, &LiveChange::of_job(job))
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
    if let Some(mut job) = by_call(tx, new).await? {
        if new.repeats(&job, tx.now()) {
            let is_new = false;
            return Ok(Created { job, is_new });
        }
        job.call = None;
        save(tx, &job)?;
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
             WHERE is_open = TRUE AND kind IN UNNEST(@kinds) AND (lease_until IS NULL OR lease_until <= @now)) AS open \
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
            let applied = batch::apply(tx, &job, batch, &mut wakes).await?;
            let lines = batch.reconciled.lines.iter();
            tx.write(lines.map(|line| sweeps::put_line(&job.tenant, line)))?;
            job.advance(batch, applied, tx.now(), lease);
        }
        JobStep::Rest => job.rest(tx.now()),
        JobStep::PutOff(until) => job.put_off(*until),
        JobStep::Fail(reason) => job.fail(reason.clone(), tx.now()),
    }
    save(tx, &job)?;
    Ok(Stepped::Written {
        job: Box::new(job),
        wakes,
    })
}
