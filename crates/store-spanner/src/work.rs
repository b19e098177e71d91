//! Claiming, renewing and settling work.

use std::{
    borrow::Cow,
    sync::Arc,
    time::{Duration, Instant},
};

use domain::{
    Claim, ClaimResult, Claimed, LeadRequest, OfficeConfig, RequestId, SettleResult, TenantId,
    Wake, WorkKey, WorkRow, transition,
};
use store::{
    ConfigCache, IdSource, LiveChange, Settle, rows,
    stored::{self, corrupt},
};

use crate::{
    connections, early,
    fault::{Fault, readable},
    live, records, requests,
    rows::{WORK, Write, key, mutation},
    tenants,
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
    let Some(found) = reader.row("work", WORK, key).await? else {
        return Ok(None);
    };
    let name = || rows::work_name(&found);
    Ok(stored::readable("work", name, rows::work(&found))?)
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
    let (tenant, id) = (&wake.key.tenant, wake.key.request);
    match row.claim(wake.token, tx.now(), lease) {
        ClaimResult::NotNow => return Ok(None),
        ClaimResult::CrashLoop => {
            let state = requests::own_state(tx, tenant, id).await;
            if let Some(state) = readable("requests", id, state)?.flatten() {
                requests::write(tx, &transition::crash_loop(state, row, tx.now()))?;
            }
            return Ok(None);
        }
        ClaimResult::Claimed => {}
    }
    // Nothing is written before the request is known to be readable: else the row waits for a build that can read it.
    let read = request(tx, configs, tenant, id).await;
    let Some((mut request, config)) = readable("requests", id, read)? else {
        return Ok(None);
    };
    tx.write([requests::put_work(&row)])?;
    let status = transition::claimed_status(request.status);
    if status != request.status {
        request.status = status;
        tx.write([mutation(
            Write::Update,
            "requests",
            [
                ("tenant_id", tenant.as_str().to_owned().into()),
                ("request_id", id.to_string().into()),
                ("status", status.as_str().to_owned().into()),
            ],
        )])?;
        live::append(
            tx,
            tenant,
            &LiveChange::of_status(id, request.version, status),
        )?;
    }
    Ok(Some(Claimed::new(row, request, config)))
}

/// A request, and the configuration of its office.
async fn request(
    tx: &Tx,
    configs: &ConfigCache,
    tenant: &TenantId,
    id: RequestId,
) -> Result<(LeadRequest, Arc<OfficeConfig>)> {
    let request = requests::one(tx, tenant, id)
        .await?
        .ok_or_else(|| corrupt("a work row's request", "it is gone"))?;
    let office = request.document.source.office;
    let config = match configs.get(tenant, office) {
        Some(config) => config,
        None => {
            let read_at = Instant::now();
            let config = tenants::config(tx, tenant, office).await?;
            configs.keep(tenant, office, read_at, config)
        }
    };
    Ok((request, config))
}

/// Moves a lease's end; false when the claim is no longer valid.
pub(crate) async fn renew(tx: &Tx, claim: &Claim, lease: Duration) -> Result<bool> {
    let Some(mut row) = row(tx, &claim.key).await? else {
        return Ok(false);
    };
    let is_renewed = row.renew(claim.token, tx.now(), lease);
    if is_renewed {
        tx.write([requests::put_work(&row)])?;
    }
    Ok(is_renewed)
}

pub(crate) async fn settle(
    tx: &Tx,
    ids: &IdSource,
    settle: &Settle,
) -> Result<(SettleResult, Option<Claimed>)> {
    let WorkKey {
        tenant, request, ..
    } = &settle.claim.key;
    // A request that is gone took its work with it.
    let Some(state) = requests::own_state(tx, tenant, *request).await? else {
        return Ok((SettleResult::Stale, None));
    };
    let mut others = Vec::new();
    let named = requests::by_aliases(tx, tenant, settle.aliases(), |_| true).await?;
    let mut settle = Cow::Borrowed(settle);
    for id in named.requests.into_iter().chain(settle.merges_with()) {
        if id == *request {
            continue;
        }
        let other = requests::state(tx, tenant, id).await;
        match readable("requests", id, other)? {
            Some(other) => others.extend(other),
            None => settle = Cow::Owned(settle.put_off(tx.now())),
        }
    }
    let connection = match settle.holds_for() {
        Some(name) => connections::one(tx, tenant, name).await?,
        None => None,
    };
    let early = match settle.begins() {
        Some(conversation) => early::of(tx, tenant, conversation).await?,
        None => Vec::new(),
    };
    let whole = settle.after(&early);
    let Some(settled) = whole.decide(state, others, connection, tx.now()) else {
        return Ok((SettleResult::Stale, None));
    };
    if let Some(conversation) = settle.begins() {
        early::taken(tx, tenant, conversation, &early, *request)?;
    }
    requests::write(tx, &settled.plan)?;
    records::follow_merges(tx, &settled.plan).await?;
    if !settle.aliases().is_empty() {
        requests::add_aliases(tx, tenant, *request, &named.free)?;
    }
    records::put(tx, ids, tenant, settled.shown_at, &settle.records)?;
    if let Some(refused) = &settled.refused {
        connections::write(tx, refused)?;
        live::append(tx, tenant, &LiveChange::of_refusal(refused))?;
    }
    Ok((SettleResult::Written(settled.plan.wakes), settled.claimed))
}
