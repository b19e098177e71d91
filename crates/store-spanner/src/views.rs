//! Requests as the API shows them.

use domain::{Channel, LeadRequest, LogEntry, RequestId, Status, TenantId, WorkRow};
use google_cloud_spanner::statement::Statement;
use store::{
    Page, RequestQuery, RequestView,
    rows::{self, REQUEST_COLUMNS, signed},
    stored::{PageReader, readable},
};

use crate::{
    fault::Fault,
    records, requests,
    rows::{Row, under},
    tx::Reader,
};

type Result<T, E = Fault> = std::result::Result<T, E>;

pub(crate) async fn list(
    reader: &Reader,
    tenant: &TenantId,
    query: &RequestQuery,
) -> Result<Page<LeadRequest>> {
    let (index, filter) = match query.status {
        Some(_) => ("@{FORCE_INDEX=requests_by_status}", "AND status = @status"),
        None => ("", ""),
    };
    let of_channel = query.channel.map_or("", |_| "AND channel = @channel");
    let sql = format!(
        "SELECT {REQUEST_COLUMNS} FROM requests{index} WHERE tenant_id = @tenant {filter} {of_channel} AND request_id < @before \
         ORDER BY request_id DESC LIMIT @wanted"
    );
    // A prefix that sorts behind every id stands for "from the top".
    let mut before = query
        .before
        .map_or_else(|| "req_~".to_owned(), |id| id.to_string());
    let mut page = PageReader::new(query.limit);
    loop {
        let mut statement = Statement::builder(sql.as_str())
            .add_param("tenant", tenant.as_str().to_owned())
            .add_param("before", before.clone())
            .add_param("wanted", signed(page.wanted()));
        if let Some(status) = query.status.map(Status::as_str) {
            statement = statement.add_param("status", status.to_owned());
        }
        if let Some(channel) = query.channel.map(Channel::as_str) {
            statement = statement.add_param("channel", channel.to_owned());
        }
        let mut read = Vec::new();
        for row in reader.query(statement.build()).await? {
            before = row.text("request_id")?;
            read.push(readable(
                "requests",
                || before.clone(),
                rows::request(&row),
            )?);
        }
        if !page.take(read) {
            return Ok(page.finish());
        }
    }
}

pub(crate) async fn view(
    reader: &Reader,
    tenant: &TenantId,
    request: RequestId,
) -> Result<Option<RequestView>> {
    let Some(state) = requests::state(reader, tenant, request).await? else {
        return Ok(None);
    };
    let request = state.request().clone();
    Ok(Some(RequestView {
        timeline: timeline(reader, tenant, request.id).await?,
        work: open_work(reader, tenant, request.id).await?,
        attempts: records::attempts(reader, tenant, request.id).await?,
        notifications: records::messages(reader, tenant, request.id).await?,
        usage: records::usage(reader, tenant, request.id).await?,
        request,
    }))
}

pub(crate) async fn open_work(
    reader: &Reader,
    tenant: &TenantId,
    request: RequestId,
) -> Result<Vec<WorkRow>> {
    let work = requests::work(reader, tenant, request).await?;
    Ok(work.iter().cloned().collect())
}

async fn timeline(reader: &Reader, tenant: &TenantId, request: RequestId) -> Result<Vec<LogEntry>> {
    let keys = under([tenant.as_str(), &request.to_string()]);
    let found = reader.rows("request_log", "entry", keys).await?;
    let read = |row: &Row| row.json("entry", "a timeline entry");
    Ok(found.iter().map(read).collect::<store::Result<_>>()?)
}
