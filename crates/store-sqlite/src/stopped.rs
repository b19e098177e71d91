//! Work that is held or parked, and what people do about it.

use std::collections::BTreeMap;

use domain::{RequestId, Ruling, Stage, StoreError, TenantId, Wake, WorkKey, transition};
use jiff::Timestamp;
use rusqlite::{Connection, ToSql};
use store::{Redriven, Stop, StoppedCount, WorkPage, WorkQuery};

use crate::{
    requests,
    rows::{self, get, store_error},
};

type Result<T> = std::result::Result<T, StoreError>;

pub(crate) fn page(db: &Connection, tenant: &TenantId, query: &WorkQuery) -> Result<WorkPage> {
    let limit = query.limit.clamp(1, 200);
    let filter = &query.filter;
    let mut sql = String::from(
        "SELECT * FROM work WHERE tenant_id = :tenant AND state IN ('held', 'parked')",
    );
    let mut values: Vec<(&str, Box<dyn ToSql>)> =
        vec![(":tenant", Box::new(tenant.as_str().to_owned()))];
    let mut also = |condition: &str, name: &'static str, value: Option<String>| {
        if let Some(value) = value {
            sql.push_str(condition);
            values.push((name, Box::new(value)));
        }
    };
    also(
        " AND state = :state",
        ":state",
        filter.stop.map(|stop| stop.as_str().to_owned()),
    );
    also(
        " AND stage = :stage",
        ":stage",
        filter.stage.map(|stage| stage.as_str().to_owned()),
    );
    also(
        " AND park_cause = :cause",
        ":cause",
        filter.cause.map(|cause| cause.as_str().to_owned()),
    );
    also(
        " AND held_for = :connection",
        ":connection",
        filter.connection.as_ref().map(ToString::to_string),
    );
    also(
        " AND request_id = :request",
        ":request",
        filter.request.map(|id| id.to_string()),
    );
    if let Some((request, stage, target)) = &query.after {
        sql.push_str(
            " AND (request_id, stage, target) > (:after_request, :after_stage, :after_target)",
        );
        values.push((":after_request", Box::new(request.to_string())));
        values.push((":after_stage", Box::new(stage.as_str())));
        values.push((":after_target", Box::new(target.clone())));
    }
    sql.push_str(" ORDER BY request_id, stage, target LIMIT :limit");
    values.push((":limit", Box::new(limit + 1)));
    let bound: Vec<(&str, &dyn ToSql)> = values
        .iter()
        .map(|(name, value)| (*name, value.as_ref()))
        .collect();
    let mut statement = db.prepare_cached(&sql).map_err(store_error)?;
    let mut found = statement.query(bound.as_slice()).map_err(store_error)?;
    let mut items = Vec::new();
    while let Some(row) = found.next().map_err(store_error)? {
        items.push(rows::work_row(row)?);
    }
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let has_more = items.len() > limit;
    items.truncate(limit);
    Ok(WorkPage { items, has_more })
}

pub(crate) fn counts(db: &Connection, tenant: &TenantId) -> Result<Vec<StoppedCount>> {
    let mut statement = db
        .prepare_cached(
            "SELECT state, stage, park_cause, held_for, count(*) AS rows, min(created_at) AS oldest FROM work \
             WHERE tenant_id = ?1 AND state IN ('held', 'parked') \
             GROUP BY state, stage, park_cause, held_for ORDER BY rows DESC, state, stage, park_cause, held_for",
        )
        .map_err(store_error)?;
    let mut found = statement.query([tenant.as_str()]).map_err(store_error)?;
    let mut counts = Vec::new();
    while let Some(row) = found.next().map_err(store_error)? {
        counts.push(StoppedCount {
            stop: match get::<String>(row, "state")?.as_str() {
                "held" => Stop::Held,
                _ => Stop::Parked,
            },
            stage: rows::parsed(row, "stage")?,
            cause: get::<Option<String>>(row, "park_cause")?
                .map(|word| rows::park_cause(&word))
                .transpose()?,
            connection: rows::parsed_option(row, "held_for")?,
            rows: rows::unsigned(row, "rows")?,
            oldest: rows::time(row, "oldest")?,
        });
    }
    Ok(counts)
}

pub(crate) fn redrive(
    db: &Connection,
    now: Timestamp,
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
        let Some(state) = requests::own_state(db, tenant, request)? else {
            continue;
        };
        if let Some((run, plan)) = transition::redrive(state, &keys, by, now) {
            requests::write(db, &plan)?;
            redriven.keys.extend(run);
            redriven.wakes.extend(plan.wakes);
        }
    }
    Ok(redriven)
}

pub(crate) fn decide(
    db: &Connection,
    now: Timestamp,
    tenant: &TenantId,
    request: RequestId,
    ruling: Ruling,
    by: &str,
) -> Result<Vec<Wake>> {
    let state = requests::state(db, tenant, request)?.ok_or(StoreError::NotFound)?;
    let plan = transition::decide(state, ruling, by, now)
        .map_err(|error| StoreError::Conflict(error.to_string()))?;
    requests::write(db, &plan)?;
    Ok(plan.wakes)
}

pub(crate) fn replay(
    db: &Connection,
    now: Timestamp,
    tenant: &TenantId,
    request: RequestId,
    from: Stage,
    by: &str,
) -> Result<Vec<Wake>> {
    let state = requests::state(db, tenant, request)?.ok_or(StoreError::NotFound)?;
    let plan = transition::replay(state, from, by, now)
        .map_err(|error| StoreError::Conflict(error.to_string()))?;
    requests::write(db, &plan)?;
    Ok(plan.wakes)
}
