//! Audits of sources.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use domain::{Alias, RequestId, SourceId, TenantId};
use google_cloud_spanner::{statement::Statement, types};
use jiff::civil::Date;
use store::{
    DayLine, IdSource, LiveChange, Sweep, SweepClaim, SweepStep, Sweeps,
    rows::{self, DAY_LINE_COLUMNS, SWEEP_COLUMNS, signed},
    stored::{self, from_json, to_json},
    sweeps::{Counted, MAX_TRIED, UsedRequests, admit},
};

use crate::{
    SpannerStore, audit,
    fault::Fault,
    live, requests,
    rows::{Row, Write, key, mutation, time_value, under},
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
impl Sweeps for SpannerStore {
    async fn ensure_sweeps(
        &self,
        tenant: &TenantId,
        source: SourceId,
        kinds: &[&str],
    ) -> store::Result<()> {
        let known = self.sweeps(tenant).await?;
        let is_new = |kind: &&&str| {
            !known
                .iter()
                .any(|known| known.source == source && known.kind == **kind)
        };
        let new = kinds.iter().filter(is_new).map(|kind| (*kind).to_owned());
        let new: Arc<Vec<String>> = Arc::new(new.collect());
        if new.is_empty() {
            return Ok(());
        }
        let tenant = tenant.clone();
        let work = again!([tenant, new] | tx | make(&tx, &tenant, source, &new));
        self.write("sweep.make", work).await
    }

    async fn due_sweeps_across_tenants(&self) -> store::Result<Vec<SweepClaim>> {
        let due = self.read(async |reader| due_across_tenants(&reader).await);
        Ok(due.await?.iter().map(Sweep::proof).collect())
    }

    async fn claim_sweep(
        &self,
        sweep: &SweepClaim,
        lease: Duration,
    ) -> store::Result<Option<Sweep>> {
        let claim = sweep.clone();
        let work = again!([claim] | tx | take(&tx, &claim, lease));
        self.write("sweep.claim", work).await
    }

    async fn step_sweep(&self, claim: &SweepClaim, step: SweepStep) -> store::Result<bool> {
        let (claim, step, ids) = (claim.clone(), Arc::new(step), self.ids.clone());
        let work = again!([claim, step, ids] | tx | take_step(&tx, &ids, &claim, &step));
        self.write("sweep.step", work).await
    }

    async fn sweeps(&self, tenant: &TenantId) -> store::Result<Vec<Sweep>> {
        let read = async |reader: Reader| {
            let found = reader
                .rows("sweeps", SWEEP_COLUMNS, under([tenant.as_str()]))
                .await?;
            Ok(readable(&found)?)
        };
        self.read_without_time(read).await
    }

    async fn day_lines(
        &self,
        tenant: &TenantId,
        from: Date,
        to: Date,
    ) -> store::Result<Vec<DayLine>> {
        let statement = Statement::builder(format!(
            "SELECT {DAY_LINE_COLUMNS} FROM completeness WHERE tenant_id = @tenant AND day >= @from AND day <= @to \
             ORDER BY day, source_id, kind"
        ))
        .add_param("tenant", tenant.as_str().to_owned())
        .add_param("from", from.to_string())
        .add_param("to", to.to_string())
        .build();
        let read = async |reader: Reader| {
            let found = reader.query(statement).await?;
            let lines = found.iter().map(|row| rows::day_line(&**row));
            Ok(lines.collect::<store::Result<_>>()?)
        };
        self.read_without_time(read).await
    }

    async fn are_known(&self, tenant: &TenantId, names: &[Alias]) -> store::Result<Vec<bool>> {
        let read = async |reader: Reader| {
            let named = requests::by_aliases(&reader, tenant, names, |_| true).await?;
            let is_known = |name: &Alias| !named.free.contains(name);
            Ok(names.iter().map(is_known).collect())
        };
        self.read_without_time(read).await
    }

    async fn request_named(
        &self,
        tenant: &TenantId,
        name: &Alias,
    ) -> store::Result<Option<RequestId>> {
        let read = async |reader: Reader| {
            let names = std::slice::from_ref(name);
            let named = requests::by_aliases(&reader, tenant, names, |_| true).await?;
            Ok(named.requests.first().copied())
        };
        self.read_without_time(read).await
    }

    async fn admit_requests_of_all_across_tenants(
        &self,
        accounts: Vec<Counted>,
        wanted: u32,
        share: u32,
    ) -> store::Result<Option<Duration>> {
        let work = again!([accounts] | tx | admit_all(&tx, &accounts, wanted, share));
        self.write("provider.admit", work).await
    }
}

async fn make(tx: &Tx, tenant: &TenantId, source: SourceId, kinds: &[String]) -> Result<()> {
    for kind in kinds {
        let sweep = Sweep::new(tenant, source, kind, tx.now());
        if one(tx, &sweep.proof()).await?.is_none() {
            save(tx, &sweep)?;
        }
    }
    Ok(())
}

fn save(tx: &Tx, sweep: &Sweep) -> Result<()> {
    tx.write([mutation(
        Write::Put,
        "sweeps",
        [
            ("tenant_id", sweep.tenant.as_str().to_owned().into()),
            ("source_id", sweep.source.to_string().into()),
            ("kind", sweep.kind.clone().into()),
            ("state", to_json(&sweep.state)?.into()),
            ("due_at", time_value(sweep.due_at)),
            ("token", signed(sweep.token).into()),
        ],
    )])
}

async fn one(reader: &Reader, claim: &SweepClaim) -> Result<Option<Sweep>> {
    let key = key([
        claim.tenant.as_str(),
        &claim.source.to_string(),
        &claim.kind,
    ]);
    let found = reader.row("sweeps", SWEEP_COLUMNS, key).await?;
    Ok(found.map(|row| rows::sweep(&*row)).transpose()?)
}

fn readable(found: &[Row]) -> store::Result<Vec<Sweep>> {
    let mut sweeps = Vec::new();
    for row in found {
        let name = || row.text("source_id").unwrap_or_default();
        sweeps.extend(stored::readable("sweeps", name, rows::sweep(&**row))?);
    }
    Ok(sweeps)
}

/// Some that are due, the longest first, without those that this build cannot read.
async fn due_across_tenants(reader: &Reader) -> Result<Vec<Sweep>> {
    let statement = Statement::builder(format!(
        "SELECT {SWEEP_COLUMNS} FROM sweeps@{{FORCE_INDEX=sweeps_due}} WHERE due_at <= @now ORDER BY due_at \
         LIMIT {MAX_TRIED}"
    ))
    .add_typed_param("now", time_value(reader.now()), types::timestamp())
    .build();
    Ok(readable(&reader.query(statement).await?)?)
}

async fn take(tx: &Tx, claim: &SweepClaim, lease: Duration) -> Result<Option<Sweep>> {
    let Some(mut sweep) = one(tx, claim).await? else {
        return Ok(None);
    };
    if !sweep.claim(lease, tx.now()) {
        return Ok(None);
    }
    save(tx, &sweep)?;
    Ok(Some(sweep))
}

async fn take_step(tx: &Tx, ids: &IdSource, claim: &SweepClaim, step: &SweepStep) -> Result<bool> {
    let known = one(tx, claim).await?;
    let Some(mut sweep) = known.filter(|known| known.token == claim.token) else {
        return Ok(false);
    };
    sweep.state = step.state.clone();
    sweep.due_at = step.due_at;
    save(tx, &sweep)?;
    tx.write(step.lines.iter().map(|line| put_line(&claim.tenant, line)))?;
    if let Some(act) = &step.act {
        audit::record(tx, ids, &claim.tenant, act).await?;
        if let Some(change) = LiveChange::of_act(act) {
            live::append(tx, &claim.tenant, &change)?;
        }
    }
    Ok(true)
}

pub(crate) fn put_line(
    tenant: &TenantId,
    line: &DayLine,
) -> google_cloud_spanner::mutation::Mutation {
    mutation(
        Write::Put,
        "completeness",
        [
            ("tenant_id", tenant.as_str().to_owned().into()),
            ("day", line.day.to_string().into()),
            ("source_id", line.source.to_string().into()),
            ("kind", line.kind.clone().into()),
            ("at_provider", signed(line.count.at_provider).into()),
            ("held", signed(line.count.held).into()),
            ("recovered", signed(line.count.recovered).into()),
            ("missing", signed(line.count.missing).into()),
            ("checked_at", time_value(line.checked_at)),
        ],
    )
}

async fn admit_all(
    tx: &Tx,
    accounts: &[Counted],
    wanted: u32,
    share: u32,
) -> Result<Option<Duration>> {
    let mut all = Vec::new();
    for counted in accounts {
        let account = key([counted.0.as_str()]);
        let used: UsedRequests = match tx.row("provider_requests", "used", account).await? {
            Some(row) => from_json("an account's requests", &row.text("used")?)?,
            None => UsedRequests::default(),
        };
        all.push((counted, used));
    }
    if let Err(wait) = admit(&mut all, wanted, share, tx.now()) {
        return Ok(Some(wait));
    }
    for ((account, _), used) in &all {
        tx.write([mutation(
            Write::Put,
            "provider_requests",
            [
                ("account", account.clone().into()),
                ("used", to_json(used)?.into()),
            ],
        )])?;
    }
    Ok(None)
}
