//! Letting what a mapping can mend run again.

use crm::PushError;
use domain::{ConnectionName, ParkCause, Stage, WorkKey, WorkRow};
use runtime::Problem;
use store::{StopKind, WorkFilter, WorkQuery};

use crate::{Deps, auth::TenantAdmin};

/// How many steps are looked at, by the page.
const PAGE: u32 = 200;
/// How many pages are looked at: what is left runs again with `pipeline work redrive`.
const MAX_PAGES: usize = 10;

/// Lets the dispatches of a connection that were parked because its CRM did not take a lead's fields run again. Returns how
/// many. What was parked for another reason stays.
pub(super) async fn drain(
    deps: &Deps,
    caller: &TenantAdmin,
    name: &ConnectionName,
) -> Result<u64, Problem> {
    let tenant = caller.tenant();
    let mut keys: Vec<WorkKey> = Vec::new();
    let mut after = None;
    for _ in 0..MAX_PAGES {
        let query = WorkQuery {
            filter: WorkFilter {
                stop: Some(StopKind::Parked),
                stage: Some(Stage::Dispatch),
                cause: Some(ParkCause::Permanent),
                ..WorkFilter::default()
            },
            limit: PAGE,
            after,
        };
        let page = deps.store.stopped_work(tenant, &query).await?;
        let last = page.items.last().map(|row| row.key.clone());
        for row in page.items {
            if row.key.target == name.as_str() && is_about_fields(deps, &row).await? {
                keys.push(row.key);
            }
        }
        after = last.map(|key| (key.request, key.stage, key.target));
        if !page.has_more {
            break;
        }
    }
    if keys.is_empty() {
        return Ok(0);
    }
    let act = caller
        .act("work.redrive", name)
        .saying("its mapping was saved".to_owned());
    let redriven = deps.store.redrive(tenant, &keys, &act).await?;
    deps.hand_over(redriven.wakes).await;
    Ok(u64::try_from(redriven.keys.len()).unwrap_or(u64::MAX))
}

/// Whether the last push of a request failed for a field.
async fn is_about_fields(deps: &Deps, row: &WorkRow) -> Result<bool, Problem> {
    let WorkKey {
        tenant,
        request,
        target,
        ..
    } = &row.key;
    let view = deps.store.request(tenant, *request).await?;
    let attempts = view.iter().flat_map(|view| &view.attempts);
    let mut of_it = attempts.filter(|attempt| attempt.connection.as_str() == target);
    let last = of_it.next_back();
    Ok(last.is_some_and(|attempt| PushError::is_about_fields(&attempt.outcome)))
}
