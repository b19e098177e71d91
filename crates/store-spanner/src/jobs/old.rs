//! Jobs that ended long ago.

use google_cloud_spanner::{mutation::Mutation, statement::Statement, types};
use jiff::Timestamp;
use store::rows::signed;

use super::Result;
use crate::{
    rows::{key, time_value},
    tx::{Reader, Tx},
};

/// Some rows of a job that ended long ago.
pub(super) struct Old {
    tenant: String,
    job: String,
    marks: Vec<String>,
    /// Whether these marks are its last, so that its own row goes, too.
    is_whole: bool,
}

impl Old {
    pub(super) fn rows(&self) -> u32 {
        let marks = u32::try_from(self.marks.len()).unwrap_or(u32::MAX);
        marks.saturating_add(u32::from(self.is_whole))
    }

    pub(super) fn remove(&self, tx: &Tx) -> Result<()> {
        let (tenant, job) = (self.tenant.as_str(), self.job.as_str());
        for request in &self.marks {
            let key = key([tenant, job, request]);
            tx.write([Mutation::delete("job_requests", key.into())])?;
        }
        if self.is_whole {
            tx.write([Mutation::delete("jobs", key([tenant, job]).into())])?;
        }
        Ok(())
    }
}

/// Some rows of the job that ended first, before `before`.
pub(super) async fn old_across_tenants(
    reader: &Reader,
    before: Timestamp,
    limit: u32,
) -> Result<Option<Old>> {
    let statement = Statement::builder(
        "SELECT tenant_id, job_id FROM \
         jobs@{FORCE_INDEX=jobs_finished, spanner_emulator.disable_query_null_filtered_index_check=true} \
         WHERE finished_at < @before ORDER BY finished_at LIMIT 1",
    )
    .add_typed_param("before", time_value(before), types::timestamp());
    let found = reader.query(statement.build()).await?;
    let Some(row) = found.first() else {
        return Ok(None);
    };
    let (tenant, job) = (row.text("tenant_id")?, row.text("job_id")?);
    // More would not fit into a transaction.
    let limit = usize::try_from(limit.min(5_000)).unwrap_or_default();
    let statement = Statement::builder(
        "SELECT request_id FROM job_requests WHERE tenant_id = @tenant AND job_id = @job LIMIT @limit",
    )
    .add_param("tenant", tenant.clone())
    .add_param("job", job.clone())
    .add_param("limit", signed(limit));
    let mut marks = Vec::new();
    for row in reader.query(statement.build()).await? {
        marks.push(row.text("request_id")?);
    }
    let is_whole = marks.len() < limit;
    Ok(Some(Old {
        tenant,
        job,
        marks,
        is_whole,
    }))
}
