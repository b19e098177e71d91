//! Work that is held or parked, and what people do about it.

use std::collections::BTreeMap;

use domain::{
    RequestId, RequestState, Ruling, Stage, StoreError, TenantId, Wake, WorkKey, transition,
};
use google_cloud_spanner::statement::Statement;
use store::{Redriven, Stop, StoppedCount, WorkPage, WorkQuery};

use crate::{
    fault::Fault,
    requests,
    rows::{self, get},
    tx::{Reader, Tx},
};

type Result<T, E = Fault> = std::result::Result<T, E>;

pub(crate) async fn page(
    reader: &Reader,
    tenant: &TenantId,
    query: &WorkQuery,
) -> Result<WorkPage> {
    let limit = query.limit.clamp(1, 200);
    let filter = &query.filter;
    let equal: [(&str, Option<String>); 5] = [
        ("state", filter.stop.map(|stop| stop.as_str().to_owned())),
        ("stage", filter.stage.map(|stage| stage.as_str().to_owned())),
        (
            "park_cause",
            filter.cause.map(|cause| cause.as_str().to_owned()),
        ),
        (
            "held_for",
            filter.connection.as_ref().map(ToString::to_string),
        ),
        ("request_id", filter.request.map(|id| id.to_string())),
    ];
    let mut conditions = vec!["tenant_id = @tenant AND state IN ('held', 'parked')".to_owned()];
    for (column, value) in &equal {
        if value.is_some() {
            conditions.push(format!("{column} = @{column}"));
        }
    }
    if query.after.is_some() {
        // Spanner compares no tuples.
        conditions.push(
            "(request_id > @after_request OR (request_id = @after_request AND (stage > @after_stage \
             OR (stage = @after_stage AND target > @after_target))))"
                .to_owned(),
        );
    }
    let sql = format!(
        "SELECT {} FROM work@{{FORCE_INDEX=work_by_state}} WHERE {} ORDER BY request_id, stage, target LIMIT @limit",
        rows::WORK.join(", "),
        conditions.join(" AND "),
    );
    let mut statement = Statement::builder(sql)
        .add_param("tenant", tenant.as_str().to_owned())
        .add_param("limit", i64::from(limit) + 1);
    for (column, value) in equal {
        if let Some(value) = value {
            statement = statement.add_param(column, value);
        }
    }
    if let Some((request, stage, target)) = &query.after {
        statement = statement
            .add_param("after_request", request.to_string())
            .add_param("after_stage", stage.as_str().to_owned())
            .add_param("after_target", target.clone());
    }
    let found = reader.query(statement.build()).await?;
    let mut items = found
        .iter()
        .map(rows::work_row)
        .collect::<Result<Vec<_>, _>>()?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let has_more = items.len() > limit;
    items.truncate(limit);
    Ok(WorkPage { items, has_more })
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
        counts.push(StoppedCount {
            stop: match get::<String>(&row, "state")?.as_str() {
                "held" => Stop::Held,
                _ => Stop::Parked,
            },
            stage: rows::parsed(&row, "stage")?,
            cause: get::<Option<String>>(&row, "park_cause")?
                .map(|word| rows::park_cause(&word))
                .transpose()?,
            connection: rows::parsed_option(&row, "held_for")?,
            rows: rows::unsigned(&row, "stopped")?,
            oldest: rows::time(&row, "oldest")?,
        });
    }
    Ok(counts)
}

pub(crate) async fn redrive(
    tx: &Tx,
    tenant: &TenantId,
    keys: &[WorkKey],
    by: &str,
) -> Result<Redriven> {
    let mut asked: BTreeMap<RequestId, Vec<WorkKey>> = BTreeMap::new();
    for key in keys.iter().filter(|key| key.tenant == *tenant) {
        asked.entry(key.request).or_default().push(key.clone());
    }
    let mut redriven = Redriven::default();
    for (request, keys) in asked {
        let Some(state) = requests::own_state(tx, tenant, request).await? else {
            continue;
        };
        if let Some((run, plan)) = transition::redrive(state, &keys, by, tx.now()) {
            requests::write(tx, &plan)?;
            redriven.keys.extend(run);
            redriven.wakes.extend(plan.wakes);
        }
    }
    Ok(redriven)
}

pub(crate) async fn decide(
    tx: &Tx,
    tenant: &TenantId,
    request: RequestId,
    ruling: Ruling,
    by: &str,
) -> Result<Vec<Wake>> {
    let state = asked(tx, tenant, request).await?;
    let plan = transition::decide(state, ruling, by, tx.now())
        .map_err(|error| StoreError::Conflict(error.to_string()))?;
    requests::write(tx, &plan)?;
    Ok(plan.wakes)
}

pub(crate) async fn replay(
    tx: &Tx,
    tenant: &TenantId,
    request: RequestId,
    from: Stage,
    by: &str,
) -> Result<Vec<Wake>> {
    let state = asked(tx, tenant, request).await?;
    let plan = transition::replay(state, from, by, tx.now())
        .map_err(|error| StoreError::Conflict(error.to_string()))?;
    requests::write(tx, &plan)?;
    Ok(plan.wakes)
}

async fn asked(reader: &Reader, tenant: &TenantId, request: RequestId) -> Result<RequestState> {
    let state = requests::state(reader, tenant, request).await?;
    Ok(state.ok_or(StoreError::NotFound)?)
}
