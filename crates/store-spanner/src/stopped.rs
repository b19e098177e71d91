//! Work that is held or parked, and what people do about it.

use domain::{
    Plan, RequestId, RequestState, StoreError, TenantId, Wake, WorkKey, WorkRow,
    transition::{self, Undecidable},
};
use google_cloud_spanner::statement::Statement;
use jiff::Timestamp;
use store::{
    Page, Redriven, StoppedCount, WorkQuery,
    rows::{self, signed},
    stored::{self, PageReader},
    work::{WorkWalk, by_request},
};

use crate::{
    fault::{Fault, readable},
    requests,
    rows::WORK,
    tx::{Reader, Tx},
};

type Result<T, E = Fault> = std::result::Result<T, E>;

pub(crate) async fn page(
    reader: &Reader,
    tenant: &TenantId,
    query: &WorkQuery,
) -> Result<Page<WorkRow>> {
    let mut page = PageReader::new(query.limit);
    let Some(walk) = query.filter.walk() else {
        return Ok(page.finish());
    };
    let index = match walk {
        WorkWalk::OfRequest => "_BASE_TABLE",
        WorkWalk::Along(index) => index,
    };
    let hint = format!(
        "FORCE_INDEX={index}, spanner_emulator.disable_query_null_filtered_index_check=true"
    );
    // `stopped` is the state of what has stopped, as the indexes have it.
    let filter = query.filter.columns();
    let filter: Vec<_> = filter
        .map(|(column, value)| (if column == "state" { "stopped" } else { column }, value))
        .collect();
    let equal: String = filter
        .iter()
        .map(|(column, _)| format!(" AND {column} = @{column}"))
        .collect();
    // Spanner compares no tuples. The first condition alone says where the walk begins.
    let sql = format!(
        "SELECT {WORK} FROM work@{{{hint}}} WHERE tenant_id = @tenant AND stopped IS NOT NULL{equal} \
         AND request_id >= @after_request \
         AND (request_id > @after_request OR (request_id = @after_request AND (stage > @after_stage \
         OR (stage = @after_stage AND target > @after_target)))) ORDER BY request_id, stage, target LIMIT @wanted"
    );
    let after = query.after.as_ref().map(|(request, stage, target)| {
        (
            request.to_string(),
            stage.as_str().to_owned(),
            target.clone(),
        )
    });
    let (mut request, mut stage, mut target): (String, String, String) = after.unwrap_or_default();
    loop {
        let mut statement = Statement::builder(sql.as_str())
            .add_param("tenant", tenant.as_str().to_owned())
            .add_param("wanted", signed(page.wanted()))
            .add_param("after_request", request.clone())
            .add_param("after_stage", stage.clone())
            .add_param("after_target", target.clone());
        for (column, value) in &filter {
            statement = statement.add_param(*column, value.clone());
        }
        let mut read = Vec::new();
        for row in reader.query(statement.build()).await? {
            request = row.text("request_id")?;
            stage = row.text("stage")?;
            target = row.text("target")?;
            let name = || rows::work_name(&row);
            read.push(stored::readable("work", name, rows::work(&row))?);
        }
        if !page.take(read) {
            return Ok(page.finish());
        }
    }
}

pub(crate) async fn counts(reader: &Reader, tenant: &TenantId) -> Result<Vec<StoppedCount>> {
    let statement = Statement::builder(
        "SELECT state, stage, park_cause, held_for, COUNT(*) AS stopped, MIN(created_at) AS oldest \
         FROM work@{FORCE_INDEX=work_by_state} WHERE tenant_id = @tenant AND state IN ('held', 'parked') \
         GROUP BY state, stage, park_cause, held_for ORDER BY stopped DESC, state, stage, park_cause, held_for",
    )
    .add_param("tenant", tenant.as_str().to_owned());
    let mut counts = Vec::new();
    for row in reader.query(statement.build()).await? {
        let name = || format!("stopped work of {tenant}");
        let count = rows::stopped_count(&row, "stopped");
        counts.extend(stored::readable("work", name, count)?);
    }
    Ok(counts)
}

pub(crate) async fn redrive(
    tx: &Tx,
    tenant: &TenantId,
    keys: &[WorkKey],
    by: &str,
) -> Result<Redriven> {
    let mut redriven = Redriven::default();
    for (request, keys) in by_request(tenant, keys) {
        let state = requests::own_state(tx, tenant, request).await;
        let state = readable("requests", request, state)?.flatten();
        let plan = state.and_then(|state| transition::redrive(state, &keys, by, tx.now()));
        if let Some((run, plan)) = plan {
            requests::write(tx, &plan)?;
            redriven.keys.extend(run);
            redriven.wakes.extend(plan.wakes);
        }
    }
    Ok(redriven)
}

/// Does to a request what a person decided; returns what is due now.
pub(crate) async fn decided(
    tx: &Tx,
    tenant: &TenantId,
    request: RequestId,
    decide: impl FnOnce(RequestState, Timestamp) -> Result<Plan, Undecidable>,
) -> Result<Vec<Wake>> {
    let state = requests::state(tx, tenant, request).await?;
    let plan = decide(state.ok_or(StoreError::NotFound)?, tx.now())
        .map_err(|error| StoreError::Conflict(error.to_string()))?;
    requests::write(tx, &plan)?;
    Ok(plan.wakes)
}
