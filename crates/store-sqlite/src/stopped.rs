//! Work that is held or parked, and what people do about it.

use domain::{
    Plan, RequestId, RequestState, StoreError, TenantId, Wake, WorkKey, WorkRow,
    transition::{self, Undecidable},
};
use jiff::Timestamp;
use rusqlite::{Connection, ToSql};
use store::{
    Page, Redriven, Result, StoppedCount, WorkQuery,
    rows::{self, signed},
    stored::{PageReader, readable},
    work::by_request,
};

use crate::{requests, sql};

pub(crate) fn page(db: &Connection, tenant: &TenantId, query: &WorkQuery) -> Result<Page<WorkRow>> {
    let mut sql = String::from(
        "SELECT * FROM work INDEXED BY work_by_stop WHERE tenant_id = :tenant AND state IN ('held', 'parked') \
         AND (request_id, stage, target) > (:after_request, :after_stage, :after_target)",
    );
    let tenant_id = tenant.as_str();
    let mut filter = Vec::new();
    for (column, value) in query.filter.columns() {
        sql.push_str(&format!(" AND {column} = :{column}"));
        filter.push((format!(":{column}"), value));
    }
    sql.push_str(" ORDER BY request_id, stage, target LIMIT :wanted");
    let after = query.after.as_ref().map(|(request, stage, target)| {
        (
            request.to_string(),
            stage.as_str().to_owned(),
            target.clone(),
        )
    });
    let mut after: (String, String, String) = after.unwrap_or_default();
    let mut page = PageReader::new(query.limit);
    loop {
        let (wanted, last) = (signed(page.wanted()), after.clone());
        let mut values: Vec<(&str, &dyn ToSql)> = vec![
            (":tenant", &tenant_id),
            (":after_request", &last.0),
            (":after_stage", &last.1),
            (":after_target", &last.2),
            (":wanted", &wanted),
        ];
        values.extend(
            filter
                .iter()
                .map(|(name, value)| (name.as_str(), value as &dyn ToSql)),
        );
        let read = sql::all(db, &sql, values.as_slice(), |row| {
            after = (
                row.text("request_id")?,
                row.text("stage")?,
                row.text("target")?,
            );
            readable("work", || rows::work_name(row), rows::work(row))
        })?;
        if !page.take(read) {
            return Ok(page.finish());
        }
    }
}

pub(crate) fn counts(db: &Connection, tenant: &TenantId) -> Result<Vec<StoppedCount>> {
    const SQL: &str = "SELECT state, stage, park_cause, held_for, count(*) AS rows, min(created_at) AS oldest FROM work INDEXED BY work_by_stop \
                       WHERE tenant_id = ?1 AND state IN ('held', 'parked') \
                       GROUP BY state, stage, park_cause, held_for \
                       ORDER BY rows DESC, state, stage, park_cause, held_for";
    let counts = sql::all(db, SQL, [tenant.as_str()], |row| {
        let name = || format!("stopped work of {tenant}");
        readable("work", name, rows::stopped_count(row, "rows"))
    })?;
    Ok(counts.into_iter().flatten().collect())
}

pub(crate) fn redrive(
    db: &Connection,
    now: Timestamp,
    tenant: &TenantId,
    keys: &[WorkKey],
    by: &str,
) -> Result<Redriven> {
    let mut redriven = Redriven::default();
    for (request, keys) in by_request(tenant, keys) {
        let state = requests::own_state(db, tenant, request);
        let state = readable("requests", || request.to_string(), state)?.flatten();
        let plan = state.and_then(|state| transition::redrive(state, &keys, by, now));
        if let Some((run, plan)) = plan {
            requests::write(db, &plan)?;
            redriven.keys.extend(run);
            redriven.wakes.extend(plan.wakes);
        }
    }
    Ok(redriven)
}

/// Does to a request what a person decided; returns what is due now.
pub(crate) fn decided(
    db: &Connection,
    tenant: &TenantId,
    request: RequestId,
    decide: impl FnOnce(RequestState) -> Result<Plan, Undecidable>,
) -> Result<Vec<Wake>> {
    let state = requests::state(db, tenant, request)?.ok_or(StoreError::NotFound)?;
    let plan = decide(state).map_err(|error| StoreError::Conflict(error.to_string()))?;
    requests::write(db, &plan)?;
    Ok(plan.wakes)
}
