//! Requests as the API shows them.

use domain::{LogEntry, RequestId, Status, TenantId};
use google_cloud_spanner::statement::Statement;
use store::{RequestPage, RequestQuery, RequestView};

use crate::{fault::Fault, records, requests, rows, tx::Reader};

type Result<T, E = Fault> = std::result::Result<T, E>;

pub(crate) async fn list(
    reader: &Reader,
    tenant: &TenantId,
    query: &RequestQuery,
) -> Result<RequestPage> {
    let limit = query.limit.clamp(1, 200);
    let columns = rows::REQUEST.join(", ");
    let (index, filter) = match query.status {
        Some(_) => ("@{FORCE_INDEX=requests_by_status}", "AND status = @status"),
        None => ("", ""),
    };
    let before = match query.before {
        Some(_) => "AND request_id < @before",
        None => "",
    };
    // One more than asked tells whether there is more.
    let sql = format!(
        "SELECT {columns} FROM requests{index} WHERE tenant_id = @tenant {filter} {before} \
         ORDER BY request_id DESC LIMIT @limit"
    );
    let mut statement = Statement::builder(sql)
        .add_param("tenant", tenant.as_str().to_owned())
        .add_param("limit", i64::from(limit) + 1);
    if let Some(status) = query.status.map(Status::as_str) {
        statement = statement.add_param("status", status.to_owned());
    }
    if let Some(before) = query.before {
        statement = statement.add_param("before", before.to_string());
    }
    let found = reader.query(statement.build()).await?;
    let mut items = found
        .iter()
        .map(rows::request)
        .collect::<Result<Vec<_>, _>>()?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let has_more = items.len() > limit;
    items.truncate(limit);
    Ok(RequestPage { items, has_more })
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
        work: requests::work(reader, tenant, request.id).await?,
        attempts: records::attempts(reader, tenant, request.id).await?,
        notifications: records::messages(reader, tenant, request.id).await?,
        usage: records::usage(reader, tenant, request.id).await?,
        request,
    }))
}

async fn timeline(reader: &Reader, tenant: &TenantId, request: RequestId) -> Result<Vec<LogEntry>> {
    let keys = rows::under([tenant.as_str(), &request.to_string()]);
    let found = reader.rows("request_log", &["entry"], keys).await?;
    let read = |row| rows::json(row, "entry", "a timeline entry");
    Ok(found.iter().map(read).collect::<Result<_, _>>()?)
}
