//! Work that is held or parked, and what people do about it.

use domain::{
    Plan, RequestId, RequestState, StoreError, TenantId, Wake, WorkKey, WorkRow,
    transition::{self, Undecidable},
};
use jiff::Timestamp;
use rusqlite::{Connection, ToSql};
use store::{
    Page, Redriven, Result, StoppedCount, WorkFilter, WorkQuery,
    rows::{self, signed},
    stored::{PageReader, readable},
    work::{WorkWalk, by_request},
};

use crate::{requests, sql};

/// The statement that finds a page of what is meant; `None` when nothing can agree.
fn statement(meant: &WorkFilter) -> Option<String> {
    let index = match meant.walk()? {
        WorkWalk::OfRequest => " INDEXED BY work_by_stop".to_owned(),
        WorkWalk::Along(index) => format!(" INDEXED BY {index}"),
    };
    let equal: String = meant
        .columns()
        .map(|(column, _)| format!(" AND {column} = :{column}"))
        .collect();
    Some(format!(
        "SELECT * FROM work{index} WHERE tenant_id = :tenant AND state IN ('held', 'parked'){equal} \
         AND (request_id, stage, target) > (:after_request, :after_stage, :after_target) \
         ORDER BY request_id, stage, target LIMIT :wanted"
    ))
}

pub(crate) fn page(db: &Connection, tenant: &TenantId, query: &WorkQuery) -> Result<Page<WorkRow>> {
    let mut page = PageReader::new(query.limit);
    let Some(sql) = statement(&query.filter) else {
        return Ok(page.finish());
    };
    let tenant_id = tenant.as_str();
    let columns = query.filter.columns();
    let filter: Vec<_> = columns
        .map(|(column, value)| (format!(":{column}"), value))
        .collect();
    let after = query.after.as_ref().map(|(request, stage, target)| {
        (
            request.to_string(),
            stage.as_str().to_owned(),
            target.clone(),
        )
    });
    let mut after: (String, String, String) = after.unwrap_or_default();
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

#[cfg(test)]
mod tests {
    use domain::{ParkCause, Stage};
    use store::StopKind;

    use super::*;

    #[test]
    fn no_list_of_stopped_work_reads_what_it_does_not_show() {
        let request = "req_0199f3a100007000800000000000002a".parse().unwrap();
        let (mut walked, mut impossible) = (0, 0);
        for stop in [None, Some(StopKind::Held), Some(StopKind::Parked)] {
            for stage in [None, Some(Stage::Dispatch)] {
                for cause in [None, Some(ParkCause::Permanent)] {
                    for connection in [None, Some("hubspot".parse().unwrap())] {
                        for request in [None, Some(request)] {
                            let filter = WorkFilter {
                                stop,
                                stage,
                                cause,
                                connection: connection.clone(),
                                request,
                            };
                            let Some(sql) = statement(&filter) else {
                                impossible += 1;
                                continue;
                            };
                            let mut equal: Vec<_> =
                                filter.columns().map(|(column, _)| column).collect();
                            if request.is_some() {
                                equal = vec!["request_id"];
                            } else if cause.is_some() || connection.is_some() {
                                // These say how it stopped.
                                equal.retain(|column| *column != "state");
                            }
                            sql::assert_walks(&sql, "work", &equal, "request_id");
                            walked += 1;
                        }
                    }
                }
            }
        }
        assert_eq!((walked, impossible), (28, 20));
    }
}
