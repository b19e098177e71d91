//! Jobs.

use std::time::Duration;

use async_trait::async_trait;
use domain::{Channel, JobId, RequestId, Status, StoreError, TenantId, Wake};
use jiff::Timestamp;
use rusqlite::{Connection as Db, ToSql, params};
use store::{
    AuditAction, Job, JobQuery, Jobs, LiveChange, NewJob, Page, Result,
    jobs::{
        Applied, Batch, Created, Decided, JobClaim, JobKind, JobState, JobStep, MAX_COUNTED,
        MAX_NAMED, MAX_TENANTS_TRIED, RequestFilter, Stepped, StoppedAgain, StoppedStep, next,
    },
    rows::{self, JOB_COLUMNS, signed},
    stored::{PageReader, readable, to_json},
};

use crate::{SqliteStore, audit, noted, requests, rows::micros, sql, sweeps};

#[async_trait]
impl Jobs for SqliteStore {
    async fn create_job(&self, new: &NewJob, act: &AuditAction) -> Result<Created> {
        let (new, act) = (new.clone(), act.clone());
        let (ids, clock) = (self.ids.clone(), self.clock.clone());
        self.write(move |db| {
            let tenant = &new.tenant;
            let now = clock.now();
            if let Some(mut job) = by_call(db, &new)? {
                if new.repeats(&job, now) {
                    let is_new = false;
                    return Ok(Created { job, is_new });
                }
                job.call = None;
                save(db, &job, now)?;
            }
            let open = open(db, tenant)?.len();
            let job = new.queued(JobId::from_uuid(ids.next()), open, now)?;
            save(db, &job, now)?;
            let mut act = act.clone();
            act.object = job.id.to_string();
            audit::record(db, &ids, now, tenant, &act)?;
            Ok(Created { job, is_new: true })
        })
        .await
    }

    async fn job(&self, tenant: &TenantId, job: JobId) -> Result<Option<Job>> {
        let tenant = tenant.clone();
        self.read(move |db| one(db, &tenant, job)).await
    }

    async fn jobs(&self, tenant: &TenantId, query: &JobQuery) -> Result<Page<Job>> {
        let (tenant, query) = (tenant.clone(), query.clone());
        self.read(move |db| list(db, &tenant, &query)).await
    }

    async fn cancel_job(&self, tenant: &TenantId, job: JobId, act: &AuditAction) -> Result<Job> {
        let id = tenant.clone();
        let change = move |db: &Db, now| {
            let mut job = one(db, &id, job)?.ok_or(StoreError::NotFound)?;
            let is_change = job.cancel(now)?;
            if is_change {
                save(db, &job, now)?;
            }
            Ok((job, is_change))
        };
        let cancelled = self.act_if(tenant, act, change, |(_, is_change)| *is_change);
        Ok(cancelled.await?.0)
    }

    async fn tenants_with_jobs_across_tenants(&self) -> Result<Vec<TenantId>> {
        let clock = self.clock.clone();
        self.read(move |db| tenants(db, clock.now())).await
    }

    async fn claim_job(
        &self,
        tenant: &TenantId,
        owner: &str,
        lease: Duration,
    ) -> Result<Option<Job>> {
        let (tenant, owner, clock) = (tenant.clone(), owner.to_owned(), self.clock.clone());
        self.write(move |db| claim(db, clock.now(), &tenant, &owner, lease))
            .await
    }

    async fn step_job(&self, claim: &JobClaim, step: JobStep, lease: Duration) -> Result<Stepped> {
        let (claim, clock) = (claim.clone(), self.clock.clone());
        self.write(move |db| take_step(db, clock.now(), &claim, &step, lease))
            .await
    }

    async fn count_for_job(
        &self,
        tenant: &TenantId,
        filter: &RequestFilter,
        limit: u32,
    ) -> Result<Option<u64>> {
        let (tenant, filter) = (tenant.clone(), filter.clone());
        self.read(move |db| count(db, &tenant, &filter, limit))
            .await
    }

    async fn stopped_again(&self, job: &Job) -> Result<StoppedAgain> {
        let (tenant, id, changed) = (job.tenant.clone(), job.id, job.result.changed);
        self.read(move |db| stopped_again(db, &tenant, id, changed))
            .await
    }

    async fn prune_jobs_across_tenants(&self, before: Timestamp, limit: u32) -> Result<u32> {
        self.write(move |db| prune(db, before, limit)).await
    }
}

/// Writes a job, new or not: every change of one passes here.
fn save(db: &Db, job: &Job, now: Timestamp) -> Result<()> {
    const SQL: &str = "INSERT INTO jobs (tenant_id, job_id, kind, task, state, total, done, stopped, started_by, created_at, \
                       started_at, finished_at, failure, result, job_cursor, owner, lease_until, token, call_hash) \
                       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19) \
                       ON CONFLICT (tenant_id, job_id) DO UPDATE SET state = excluded.state, total = excluded.total, \
                       done = excluded.done, stopped = excluded.stopped, started_at = excluded.started_at, \
                       finished_at = excluded.finished_at, failure = excluded.failure, result = excluded.result, \
                       job_cursor = excluded.job_cursor, owner = excluded.owner, lease_until = excluded.lease_until, \
                       token = excluded.token, call_hash = excluded.call_hash";
    let values = params![
        job.tenant.as_str(),
        job.id.to_string(),
        job.task.kind().as_str(),
        to_json(&job.task)?,
        job.state.as_str(),
        job.total.map_or(-1, signed),
        signed(job.done),
        signed(job.stopped),
        job.by,
        micros(job.created_at),
        job.started_at.map(micros),
        job.finished_at.map(micros),
        job.failure,
        to_json(&job.result)?,
        job.cursor.as_ref().map(to_json).transpose()?,
        job.owner,
        job.lease_until.map(micros),
        signed(job.token),
        job.call,
    ];
    sql::execute(db, SQL, values)?;
    noted::tell(now, &job.tenant, LiveChange::of_job(job));
    Ok(())
}

fn one(db: &Db, tenant: &TenantId, id: JobId) -> Result<Option<Job>> {
    let sql =
        format!("SELECT {JOB_COLUMNS}, result FROM jobs WHERE tenant_id = ?1 AND job_id = ?2");
    let values = params![tenant.as_str(), id.to_string()];
    sql::first(db, &sql, values, |row| rows::job(row, true))
}

fn by_call(db: &Db, new: &NewJob) -> Result<Option<Job>> {
    let Some(call) = new.call_hash() else {
        return Ok(None);
    };
    let sql = format!(
        "SELECT {JOB_COLUMNS}, result FROM jobs WHERE tenant_id = ?1 AND call_hash = ?2 AND call_hash IS NOT NULL"
    );
    let values = params![new.tenant.as_str(), call];
    sql::first(db, &sql, values, |row| rows::job(row, true))
}

fn list(db: &Db, tenant: &TenantId, query: &JobQuery) -> Result<Page<Job>> {
    // Each has an index in this order.
    let of_kind_and_state = match (query.kind, query.state) {
        (Some(_), Some(_)) => "AND kind = ?4 AND state = ?3",
        (Some(_), None) => "AND kind = ?4 AND ?3 IS NULL",
        (None, Some(_)) => "AND state = ?3 AND ?4 IS NULL",
        (None, None) => "AND ?3 IS NULL AND ?4 IS NULL",
    };
    let sql = format!(
        "SELECT {JOB_COLUMNS} FROM jobs WHERE tenant_id = ?1 AND job_id < ?2 {of_kind_and_state} \
         ORDER BY job_id DESC LIMIT ?5"
    );
    let before = query.before.map(|id| id.to_string());
    let mut before = before.unwrap_or_else(|| "job_~".to_owned());
    let state = query.state.map(JobState::as_str);
    let kind = query.kind.map(JobKind::as_str);
    let mut page = PageReader::new(query.limit);
    loop {
        let wanted = signed(page.wanted());
        let values = params![tenant.as_str(), before.clone(), state, kind, wanted];
        let read = sql::all(db, &sql, values, |row| {
            before = row.text("job_id")?;
            readable("jobs", || before.clone(), rows::job(row, false))
        })?;
        if !page.take(read) {
            return Ok(page.finish());
        }
    }
}

/// A tenant's jobs that wait or run.
fn open(db: &Db, tenant: &TenantId) -> Result<Vec<store::jobs::OpenJob>> {
    const SQL: &str = "SELECT job_id, kind, state, lease_until FROM jobs INDEXED BY jobs_open \
                       WHERE tenant_id = ?1 AND state IN ('queued', 'running')";
    sql::all(db, SQL, [tenant.as_str()], rows::open_job)
}

fn tenants(db: &Db, now: Timestamp) -> Result<Vec<TenantId>> {
    let known = JobKind::WORDS.join("', '");
    let sql = format!(
        "SELECT open.tenant_id FROM (SELECT DISTINCT tenant_id FROM jobs INDEXED BY jobs_open \
             WHERE state IN ('queued', 'running') AND kind IN ('{known}') AND ifnull(lease_until, 0) <= ?1) AS open \
         LEFT JOIN job_turns USING (tenant_id) \
         WHERE NOT EXISTS (SELECT 1 FROM jobs AS busy INDEXED BY jobs_open WHERE busy.tenant_id = open.tenant_id \
             AND busy.state IN ('queued', 'running') AND busy.state = 'running' AND busy.lease_until > ?1) \
         ORDER BY ifnull(turn, 0), open.tenant_id LIMIT ?2"
    );
    let values = params![micros(now), MAX_TENANTS_TRIED];
    sql::all(db, &sql, values, |row| row.parsed("tenant_id"))
}

fn claim(
    db: &Db,
    now: Timestamp,
    tenant: &TenantId,
    owner: &str,
    lease: Duration,
) -> Result<Option<Job>> {
    const TURN: &str = "INSERT INTO job_turns (tenant_id, turn) SELECT ?1, ifnull(max(turn), 0) + 1 FROM job_turns \
                        WHERE true ON CONFLICT (tenant_id) DO UPDATE SET turn = excluded.turn";
    let Some(id) = next(&open(db, tenant)?, now) else {
        return Ok(None);
    };
    let job = readable("jobs", || id.to_string(), one(db, tenant, id))?;
    let Some(mut job) = job.flatten() else {
        return Ok(None);
    };
    job.claim(owner, now, lease);
    save(db, &job, now)?;
    sql::execute(db, TURN, [tenant.as_str()])?;
    Ok(Some(job))
}

fn take_step(
    db: &Db,
    now: Timestamp,
    claim: &JobClaim,
    step: &JobStep,
    lease: Duration,
) -> Result<Stepped> {
    let job = one(db, &claim.tenant, claim.id)?;
    let Some(mut job) = job.filter(|job| job.is_of(claim)) else {
        return Ok(Stepped::Lost);
    };
    let mut wakes = Vec::new();
    match step {
        JobStep::Batch(batch) => {
            let applied = apply(db, now, &job, batch, &mut wakes)?;
            for line in &batch.reconciled.lines {
                sweeps::put_line(db, &job.tenant, line)?;
            }
            job.advance(batch, applied, now, lease);
        }
        JobStep::Rest => job.rest(now),
        JobStep::PutOff(until) => job.put_off(*until),
        JobStep::Fail(reason) => job.fail(reason.clone(), now),
    }
    save(db, &job, now)?;
    Ok(Stepped::Written {
        job: Box::new(job),
        wakes,
    })
}

/// Does to requests what a batch does.
fn apply(
    db: &Db,
    now: Timestamp,
    job: &Job,
    batch: &Batch,
    wakes: &mut Vec<Wake>,
) -> Result<Applied> {
    let (tenant, effect) = (&job.tenant, &batch.effect);
    let mut applied = Applied::default();
    for unit in effect.units(tenant) {
        let state = if effect.follows_merges() {
            requests::state(db, tenant, unit.request)
        } else {
            requests::own_state(db, tenant, unit.request)
        };
        let Some(state) = readable("requests", || unit.request.to_string(), state)? else {
            continue;
        };
        let id = state
            .as_ref()
            .map_or(unit.request, |state| state.request().id);
        let is_marked = is_marked(db, job, id)?;
        match effect.decide(&unit, state, is_marked, &job.by, now) {
            Decided::Changed(plan, changed) => {
                requests::write(db, &plan)?;
                mark(db, job, id)?;
                applied.changed += changed;
                wakes.extend(plan.wakes);
            }
            Decided::Skipped(skipped) => applied.skipped.push(skipped),
            Decided::Nothing => {}
        }
    }
    Ok(applied)
}

fn is_marked(db: &Db, job: &Job, request: RequestId) -> Result<bool> {
    const SQL: &str = "SELECT 1 AS found FROM job_requests WHERE tenant_id = ?1 AND job_id = ?2 AND request_id = ?3";
    let values = params![job.tenant.as_str(), job.id.to_string(), request.to_string()];
    Ok(sql::first(db, SQL, values, |row| row.integer("found"))?.is_some())
}

fn mark(db: &Db, job: &Job, request: RequestId) -> Result<()> {
    const SQL: &str = "INSERT INTO job_requests (tenant_id, job_id, request_id) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
    let values = params![job.tenant.as_str(), job.id.to_string(), request.to_string()];
    sql::execute(db, SQL, values).map(drop)
}

fn count(db: &Db, tenant: &TenantId, filter: &RequestFilter, limit: u32) -> Result<Option<u64>> {
    let by_status = match filter.status {
        // Each of these has an index of its own.
        Some(Status::Received) => "AND status = 'received' AND :status = 'received'",
        Some(_) => "AND status = :status AND status <> 'received'",
        None => "AND :status IS NULL",
    };
    let sql = format!(
        "SELECT count(*) AS found FROM (SELECT 1 FROM requests WHERE tenant_id = :tenant {by_status} \
         AND request_id > :before AND request_id < :behind AND (:channel IS NULL OR channel = :channel) \
         AND created_at >= :from AND created_at < :to LIMIT :limit)"
    );
    let before = filter.before().map(|id| id.to_string()).unwrap_or_default();
    let behind = filter.behind().map(|id| id.to_string());
    let behind = behind.unwrap_or_else(|| "req_~".to_owned());
    let (tenant, status) = (tenant.as_str(), filter.status.map(Status::as_str));
    let channel = filter.channel.map(Channel::as_str);
    let from = filter.from.map_or(i64::MIN, micros);
    let to = filter.to.map_or(i64::MAX, micros);
    let wanted = i64::from(limit) + 1;
    let values: [(&str, &dyn ToSql); 8] = [
        (":tenant", &tenant),
        (":status", &status),
        (":before", &before),
        (":behind", &behind),
        (":channel", &channel),
        (":from", &from),
        (":to", &to),
        (":limit", &wanted),
    ];
    let found = sql::first(db, &sql, values.as_slice(), |row| {
        row.number::<u64>("found")
    })?;
    Ok(found.filter(|found| *found <= u64::from(limit)))
}

fn stopped_again(db: &Db, tenant: &TenantId, job: JobId, changed: u64) -> Result<StoppedAgain> {
    // Whichever are fewer lead: what the job changed, or what is stopped.
    let of_job = "SELECT request_id FROM job_requests WHERE tenant_id = ?1 AND job_id = ?2";
    let from = if changed <= u64::from(MAX_COUNTED) {
        format!(
            "({of_job} LIMIT ?3) AS mine CROSS JOIN work AS step INDEXED BY work_by_stop \
             ON step.tenant_id = ?1 AND step.request_id = mine.request_id AND step.state IN ('held', 'parked')"
        )
    } else {
        format!(
            "(SELECT * FROM work INDEXED BY work_by_stop WHERE tenant_id = ?1 AND state IN ('held', 'parked') \
             ORDER BY request_id LIMIT ?3) AS step WHERE step.request_id IN ({of_job} AND request_id = step.request_id)"
        )
    };
    let id = job.to_string();
    let values = params![tenant.as_str(), id, MAX_COUNTED];
    let counted = format!("SELECT count(*) AS found FROM {from}");
    let steps = sql::first(db, &counted, values, |row| row.number("found"))?;
    let named = format!("SELECT step.* FROM {from} ORDER BY step.request_id LIMIT {MAX_NAMED}");
    let first = sql::all(db, &named, values, |row| {
        let read = readable("work", || rows::work_name(row), rows::work(row))?;
        Ok(read.as_ref().and_then(StoppedStep::of))
    })?;
    Ok(StoppedAgain {
        steps: steps.unwrap_or_default(),
        first: first.into_iter().flatten().collect(),
    })
}

fn prune(db: &Db, before: Timestamp, limit: u32) -> Result<u32> {
    const OLD: &str = "SELECT tenant_id, job_id FROM jobs INDEXED BY jobs_finished \
                       WHERE finished_at IS NOT NULL AND finished_at < ?1 ORDER BY finished_at LIMIT 1";
    const MARKS: &str = "DELETE FROM job_requests WHERE tenant_id = ?1 AND job_id = ?2 AND request_id IN \
                         (SELECT request_id FROM job_requests WHERE tenant_id = ?1 AND job_id = ?2 LIMIT ?3)";
    const JOB: &str = "DELETE FROM jobs WHERE tenant_id = ?1 AND job_id = ?2";
    let mut removed = 0;
    while removed < limit {
        let old = sql::first(db, OLD, [micros(before)], |row| {
            Ok((row.text("tenant_id")?, row.text("job_id")?))
        })?;
        let Some((tenant, job)) = old else { break };
        let left = limit - removed;
        let marks = sql::execute(db, MARKS, params![tenant, job, left])?;
        let marks = u32::try_from(marks).unwrap_or(left);
        removed += marks;
        if marks < left {
            sql::execute(db, JOB, params![tenant, job])?;
            removed += 1;
        }
    }
    Ok(removed)
}

/// At the start of the embedded product, under its folder's lock: whoever was at work on a job is gone.
pub(crate) fn void_leases(db: &Db, now: Timestamp) -> Result<usize> {
    const SQL: &str = "UPDATE jobs INDEXED BY jobs_open SET lease_until = ?1 \
                       WHERE state IN ('queued', 'running') AND lease_until > ?1";
    sql::execute(db, SQL, [micros(now)])
}
