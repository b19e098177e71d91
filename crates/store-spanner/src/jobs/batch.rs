//! What a batch of a job does to requests.

use std::collections::BTreeSet;

use domain::{RequestId, Wake};
use google_cloud_spanner::{
    key::{Key, KeySet},
    mutation::Mutation,
};
use store::{
    Job,
    jobs::{Applied, Batch, Decided},
};

use super::Result;
use crate::{
    fault::readable,
    requests,
    rows::{Write, key, mutation},
    tx::{Reader, Tx},
};

/// Does to requests what a batch does.
pub(super) async fn apply(
    tx: &Tx,
    job: &Job,
    batch: &Batch,
    wakes: &mut Vec<Wake>,
) -> Result<Applied> {
    let (tenant, effect) = (&job.tenant, &batch.effect);
    let units = effect.units(tenant);
    let mut applied = Applied::default();
    // Writes of this transaction are not seen by its own reads.
    let mut marked = marked_of(tx, job, units.iter().map(|unit| unit.request)).await?;
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
            marked.extend(marked_of(tx, job, [id]).await?);
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
async fn marked_of(
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
