//! Audits of sources.

use std::time::Duration;

use async_trait::async_trait;
use domain::{Alias, RequestId, SourceId, TenantId};
use jiff::{Timestamp, civil::Date};
use rusqlite::{Connection as Db, params};
use store::{
    DayLine, LiveChange, Result, Sweep, SweepClaim, SweepStep, Sweeps,
    rows::{self, DAY_LINE_COLUMNS, SWEEP_COLUMNS, signed},
    stored::{from_json, readable, to_json},
    sweeps::{Counted, MAX_TRIED, UsedRequests, admit},
};

use crate::{SqliteStore, audit, noted, requests, rows::micros, sql};

#[async_trait]
impl Sweeps for SqliteStore {
    async fn ensure_sweeps(
        &self,
        tenant: &TenantId,
        source: SourceId,
        kinds: &[&str],
    ) -> Result<()> {
        let (tenant, clock) = (tenant.clone(), self.clock.clone());
        let kinds: Vec<String> = kinds.iter().map(|kind| (*kind).to_owned()).collect();
        let known = self.sweeps(&tenant).await?;
        let is_new = |kind: &String| {
            !known
                .iter()
                .any(|known| known.source == source && known.kind == *kind)
        };
        let new: Vec<_> = kinds.into_iter().filter(is_new).collect();
        if new.is_empty() {
            return Ok(());
        }
        self.write(move |db| {
            let now = clock.now();
            for kind in &new {
                let sweep = Sweep::new(&tenant, source, kind, now);
                if one(db, &sweep.proof())?.is_none() {
                    save(db, &sweep)?;
                }
            }
            Ok(())
        })
        .await
    }

    async fn due_sweeps_across_tenants(&self) -> Result<Vec<SweepClaim>> {
        let clock = self.clock.clone();
        self.read(move |db| {
            let due = due(db, clock.now())?;
            Ok(due.iter().map(Sweep::proof).collect())
        })
        .await
    }

    async fn claim_sweep(&self, sweep: &SweepClaim, lease: Duration) -> Result<Option<Sweep>> {
        let (claim, clock) = (sweep.clone(), self.clock.clone());
        self.write(move |db| {
            let Some(mut sweep) = one(db, &claim)? else {
                return Ok(None);
            };
            if !sweep.claim(lease, clock.now()) {
                return Ok(None);
            }
            save(db, &sweep)?;
            Ok(Some(sweep))
        })
        .await
    }

    async fn step_sweep(&self, claim: &SweepClaim, step: SweepStep) -> Result<bool> {
        let claim = claim.clone();
        let (ids, clock) = (self.ids.clone(), self.clock.clone());
        self.write(move |db| {
            let known = one(db, &claim)?.filter(|known| known.token == claim.token);
            let Some(mut sweep) = known else {
                return Ok(false);
            };
            sweep.state = step.state.clone();
            sweep.due_at = step.due_at;
            save(db, &sweep)?;
            for line in &step.lines {
                put_line(db, &claim.tenant, line)?;
            }
            if let Some(act) = &step.act {
                let now = clock.now();
                audit::record(db, &ids, now, &claim.tenant, act)?;
                if let Some(change) = LiveChange::of_act(act) {
                    noted::tell(now, &claim.tenant, change);
                }
            }
            Ok(true)
        })
        .await
    }

    async fn sweeps(&self, tenant: &TenantId) -> Result<Vec<Sweep>> {
        let tenant = tenant.clone();
        self.read(move |db| {
            let sql = format!(
                "SELECT {SWEEP_COLUMNS} FROM sweeps WHERE tenant_id = ?1 ORDER BY source_id, kind"
            );
            let found = sql::all(db, &sql, [tenant.as_str()], |row| {
                readable(
                    "sweeps",
                    || row.text("source_id").unwrap_or_default(),
                    rows::sweep(row),
                )
            })?;
            Ok(found.into_iter().flatten().collect())
        })
        .await
    }

    async fn day_lines(&self, tenant: &TenantId, from: Date, to: Date) -> Result<Vec<DayLine>> {
        let tenant = tenant.clone();
        self.read(move |db| {
            let sql = format!(
                "SELECT {DAY_LINE_COLUMNS} FROM completeness WHERE tenant_id = ?1 AND day >= ?2 AND day <= ?3 \
                 ORDER BY day, source_id, kind"
            );
            let values = params![tenant.as_str(), from.to_string(), to.to_string()];
            sql::all(db, &sql, values, rows::day_line)
        })
        .await
    }

    async fn are_known(&self, tenant: &TenantId, names: &[Alias]) -> Result<Vec<bool>> {
        let (tenant, names) = (tenant.clone(), names.to_vec());
        self.read(move |db| {
            names
                .iter()
                .map(|name| Ok(!requests::by_aliases(db, &tenant, [name])?.is_empty()))
                .collect()
        })
        .await
    }

    async fn request_named(&self, tenant: &TenantId, name: &Alias) -> Result<Option<RequestId>> {
        let (tenant, name) = (tenant.clone(), name.clone());
        self.read(move |db| {
            let named = requests::by_aliases(db, &tenant, [&name])?;
            Ok(named.first().copied())
        })
        .await
    }

    async fn admit_requests_of_all_across_tenants(
        &self,
        accounts: Vec<Counted>,
        wanted: u32,
        share: u32,
    ) -> Result<Option<Duration>> {
        const READ: &str = "SELECT used FROM provider_requests WHERE account = ?1";
        const WRITE: &str = "INSERT INTO provider_requests (account, used) VALUES (?1, ?2) \
                             ON CONFLICT (account) DO UPDATE SET used = excluded.used";
        let clock = self.clock.clone();
        self.write(move |db| {
            let mut all = Vec::new();
            for counted in &accounts {
                let known = sql::first(db, READ, [&counted.0], |row| row.text("used"))?;
                let used: UsedRequests = match known {
                    Some(known) => from_json("an account's requests", &known)?,
                    None => UsedRequests::default(),
                };
                all.push((counted, used));
            }
            if let Err(wait) = admit(&mut all, wanted, share, clock.now()) {
                return Ok(Some(wait));
            }
            for ((account, _), used) in &all {
                sql::execute(db, WRITE, params![account, to_json(used)?])?;
            }
            Ok(None)
        })
        .await
    }
}

fn save(db: &Db, sweep: &Sweep) -> Result<()> {
    const SQL: &str = "INSERT INTO sweeps (tenant_id, source_id, kind, state, due_at, token) VALUES (?1, ?2, ?3, ?4, ?5, ?6) \
                       ON CONFLICT (tenant_id, source_id, kind) DO UPDATE SET state = excluded.state, \
                       due_at = excluded.due_at, token = excluded.token";
    let values = params![
        sweep.tenant.as_str(),
        sweep.source.to_string(),
        sweep.kind,
        to_json(&sweep.state)?,
        micros(sweep.due_at),
        signed(sweep.token),
    ];
    sql::execute(db, SQL, values).map(drop)
}

fn one(db: &Db, claim: &SweepClaim) -> Result<Option<Sweep>> {
    let sql = format!(
        "SELECT {SWEEP_COLUMNS} FROM sweeps WHERE tenant_id = ?1 AND source_id = ?2 AND kind = ?3"
    );
    let values = params![claim.tenant.as_str(), claim.source.to_string(), claim.kind];
    sql::first(db, &sql, values, rows::sweep)
}

/// Some that are due, the longest first, without those that this build cannot read.
fn due(db: &Db, now: Timestamp) -> Result<Vec<Sweep>> {
    let sql =
        format!("SELECT {SWEEP_COLUMNS} FROM sweeps WHERE due_at <= ?1 ORDER BY due_at LIMIT ?2");
    let found = sql::all(db, &sql, params![micros(now), MAX_TRIED], |row| {
        readable(
            "sweeps",
            || row.text("source_id").unwrap_or_default(),
            rows::sweep(row),
        )
    })?;
    Ok(found.into_iter().flatten().collect())
}

pub(crate) fn put_line(db: &Db, tenant: &TenantId, line: &DayLine) -> Result<()> {
    const SQL: &str = "INSERT INTO completeness (tenant_id, day, source_id, kind, at_provider, held, recovered, missing, \
                       checked_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) \
                       ON CONFLICT (tenant_id, day, source_id, kind) DO UPDATE SET at_provider = excluded.at_provider, \
                       held = excluded.held, recovered = excluded.recovered, missing = excluded.missing, \
                       checked_at = excluded.checked_at";
    let values = params![
        tenant.as_str(),
        line.day.to_string(),
        line.source.to_string(),
        line.kind,
        signed(line.count.at_provider),
        signed(line.count.held),
        signed(line.count.recovered),
        signed(line.count.missing),
        micros(line.checked_at),
    ];
    sql::execute(db, SQL, values).map(drop)
}
