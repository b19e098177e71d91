//! Claiming, renewing and settling work.

use std::{sync::Arc, time::Duration};

use domain::{
    Claim, ClaimResult, Claimed, OfficeConfig, Outcome, Record, SettleContext, Settled, Stale,
    Status, Wake, WorkKey, WorkRow, WorkState, later, transition,
};
use store::{ConnectionState, IdSource};

use crate::{
    connections,
    fault::Fault,
    records,
    requests::{self, Named},
    rows::{self, Write, corrupt, key, mutation},
    tenants::ConfigCache,
    tx::{Reader, Tx},
};

type Result<T, E = Fault> = std::result::Result<T, E>;

async fn row(reader: &Reader, work: &WorkKey) -> Result<Option<WorkRow>> {
    let request = work.request.to_string();
    let key = key([
        work.tenant.as_str(),
        &request,
        work.stage.as_str(),
        &work.target,
    ]);
    let found = reader.row("work", &rows::WORK, key).await?;
    Ok(found.as_ref().map(rows::work_row).transpose()?)
}

pub(crate) async fn claim(
    tx: &Tx,
    configs: &ConfigCache,
    wake: &Wake,
    lease: Duration,
) -> Result<Option<Claimed>> {
    let Some(mut row) = row(tx, &wake.key).await? else {
        return Ok(None);
    };
    let (tenant, request) = (&wake.key.tenant, wake.key.request);
    match row.claim(wake.token, tx.now(), lease) {
        ClaimResult::NotNow => return Ok(None),
        ClaimResult::CrashLoop => {
            let state = requests::own_state(tx, tenant, request)
                .await?
                .ok_or_else(|| corrupt("a work row's request", request))?;
            requests::write(tx, &transition::crash_loop(state, row, tx.now()))?;
            return Ok(None);
        }
        ClaimResult::Claimed => tx.write([requests::put_work(&row)])?,
    }
    let mut found = requests::one(tx, tenant, request)
        .await?
        .ok_or_else(|| corrupt("a work row's request", request))?;
    if found.status == Status::Received {
        found.status = Status::Processing;
        tx.write([mutation(
            Write::Update,
            "requests",
            [
                ("tenant_id", tenant.as_str().to_owned().into()),
                ("request_id", request.to_string().into()),
                ("status", found.status.as_str().to_owned().into()),
            ],
        )])?;
    }
    let office = found.document.source.office;
    let config = configs.get(tx, tenant, office).await?;
    Ok(Some(Claimed::new(row, found, config)))
}

/// Moves a lease's end; the row as it will be, when the claim is still valid.
pub(crate) async fn renew(tx: &Tx, claim: &Claim, lease: Duration) -> Result<bool> {
    let Some(mut row) = row(tx, &claim.key).await? else {
        return Ok(false);
    };
    let WorkState::InFlight { lease_until } = row.state else {
        return Ok(false);
    };
    if row.token != claim.token {
        return Ok(false);
    }
    let until = later(tx.now(), lease).max(lease_until);
    row.state = WorkState::InFlight { lease_until: until };
    row.next_wake_at = Some(until);
    tx.write([requests::put_work(&row)])?;
    Ok(true)
}

/// What a settle is given beside its place in the transaction.
pub(crate) struct Settle {
    pub(crate) claim: Claim,
    pub(crate) outcome: Outcome,
    pub(crate) config: Arc<OfficeConfig>,
    pub(crate) records: Vec<Record>,
    pub(crate) duration: Duration,
    pub(crate) draw: f64,
}

pub(crate) async fn settle(tx: &Tx, ids: &IdSource, settle: &Settle) -> Result<Settled> {
    let Settle {
        claim,
        outcome,
        config,
        records,
        duration,
        draw,
    } = settle;
    let key = &claim.key;
    // A request that is gone took its work with it.
    let Some(state) = requests::own_state(tx, &key.tenant, key.request).await? else {
        return Ok(Settled::Stale);
    };
    let mut others = Vec::new();
    let mut named = Named::default();
    match outcome {
        Outcome::Done { aliases, .. } => {
            named = requests::by_aliases(tx, &key.tenant, aliases).await?;
            for id in &named.requests {
                let other = requests::state(tx, &key.tenant, *id).await?;
                others.extend(other.filter(|other| other.request().id != key.request));
            }
        }
        Outcome::Merge { other } => {
            others.extend(requests::state(tx, &key.tenant, *other).await?);
        }
        Outcome::Wait { .. }
        | Outcome::Retry { .. }
        | Outcome::Hold { .. }
        | Outcome::Park { .. } => {}
    }
    let held = match outcome {
        Outcome::Hold {
            connection,
            version,
            ..
        } => connections::one(tx, &key.tenant, connection)
            .await?
            .map(|found| (found, *version)),
        _ => None,
    };
    let context = SettleContext {
        now: tx.now(),
        retry: &config.workflow.retry,
        connection_version: held.as_ref().map(|(connection, _)| connection.version),
        draw: *draw,
        duration: *duration,
    };
    let plan = match transition::settle(state, others, claim, outcome.clone(), context) {
        Ok(plan) => plan,
        Err(Stale) => return Ok(Settled::Stale),
    };
    requests::write(tx, &plan)?;
    records::follow_merges(tx, &plan).await?;
    requests::add_aliases(tx, &key.tenant, key.request, &named.free)?;
    // The last change is of the request that goes on.
    let shown_at = plan
        .changes
        .last()
        .map_or(key.request, |change| change.request.id);
    records::put(tx, ids, &key.tenant, shown_at, records)?;
    if let Some((mut connection, version)) = held
        && connection.version == version
        && connection.state == ConnectionState::Active
    {
        connection.state = ConnectionState::Refused;
        connections::write(tx, &connection)?;
    }
    Ok(Settled::Written(plan.wakes))
}
