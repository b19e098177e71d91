//! How much a job is about, and what of it stopped again.

use domain::{Channel, Status, TenantId};
use google_cloud_spanner::{
    statement::{Statement, StatementBuilder},
    types,
};
use store::{
    Job,
    jobs::{MAX_COUNTED, MAX_NAMED, RequestFilter, StoppedAgain, StoppedStep},
    rows, stored,
};

use super::Result;
use crate::{
    rows::{WORK, time_value},
    tx::Reader,
};

pub(super) async fn count(
    reader: &Reader,
    tenant: &TenantId,
    filter: &RequestFilter,
    limit: u32,
) -> Result<Option<u64>> {
    let index = match filter.status {
        Some(_) => "@{FORCE_INDEX=requests_by_status}",
        None => "",
    };
    let mut sql = format!(
        "SELECT COUNT(*) AS found FROM (SELECT 1 FROM requests{index} WHERE tenant_id = @tenant"
    );
    let text = |name: &'static str, value: Option<String>| Some((name, value?));
    let conditions = [
        text(
            "status = @status",
            filter
                .status
                .map(|status| Status::as_str(status).to_owned()),
        ),
        text(
            "channel = @channel",
            filter
                .channel
                .map(|channel| Channel::as_str(channel).to_owned()),
        ),
        text(
            "request_id > @before",
            filter.before().map(|id| id.to_string()),
        ),
        text(
            "request_id < @behind",
            filter.behind().map(|id| id.to_string()),
        ),
    ];
    let times = [
        ("created_at >= @from", filter.from),
        ("created_at < @to", filter.to),
    ];
    let name = |condition: &'static str| condition.rsplit('@').next().unwrap_or_default();
    for condition in conditions.iter().flatten().map(|(condition, _)| condition) {
        sql.push_str(&format!(" AND {condition}"));
    }
    for (condition, _) in times.iter().filter(|(_, at)| at.is_some()) {
        sql.push_str(&format!(" AND {condition}"));
    }
    sql.push_str(" LIMIT @limit)");
    let mut statement = of_tenant(sql, tenant).add_param("limit", i64::from(limit) + 1);
    for (condition, value) in conditions.into_iter().flatten() {
        statement = statement.add_param(name(condition), value);
    }
    for (condition, at) in times {
        if let Some(at) = at {
            statement =
                statement.add_typed_param(name(condition), time_value(at), types::timestamp());
        }
    }
    let found = reader.query(statement.build()).await?;
    let found = found
        .first()
        .map_or(Ok(0), |row| row.number::<u64>("found"))?;
    Ok(Some(found).filter(|found| *found <= u64::from(limit)))
}

fn of_tenant(sql: String, tenant: &TenantId) -> StatementBuilder {
    Statement::builder(sql).add_param("tenant", tenant.as_str().to_owned())
}

pub(super) async fn stopped_again(reader: &Reader, job: &Job) -> Result<StoppedAgain> {
    // Whichever are fewer lead: what the job changed, or what is stopped.
    let of_job = "SELECT request_id FROM job_requests WHERE tenant_id = @tenant AND job_id = @job";
    let from = if job.result.changed <= u64::from(MAX_COUNTED) {
        format!(
            "({of_job} LIMIT @limit) AS mine JOIN work AS step ON step.tenant_id = @tenant \
             AND step.request_id = mine.request_id WHERE step.state IN ('held', 'parked')"
        )
    } else {
        format!(
            "(SELECT {WORK} FROM work@{{FORCE_INDEX=work_by_state}} WHERE tenant_id = @tenant \
             AND state IN ('held', 'parked') ORDER BY request_id LIMIT @limit) AS step \
             WHERE step.request_id IN ({of_job})"
        )
    };
    let statement = |sql: String| {
        let statement = of_tenant(sql, &job.tenant).add_param("job", job.id.to_string());
        statement.add_param("limit", i64::from(MAX_COUNTED)).build()
    };
    let counted = statement(format!("SELECT COUNT(*) AS found FROM {from}"));
    let counted = reader.query(counted).await?;
    let named = statement(format!(
        "SELECT step.* FROM {from} ORDER BY step.request_id LIMIT {MAX_NAMED}"
    ));
    let mut first = Vec::new();
    for row in reader.query(named).await? {
        let read = stored::readable("work", || rows::work_name(&row), rows::work(&row))?;
        first.extend(read.as_ref().and_then(StoppedStep::of));
    }
    Ok(StoppedAgain {
        steps: counted.first().map_or(Ok(0), |row| row.number("found"))?,
        first,
    })
}
