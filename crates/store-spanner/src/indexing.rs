//! The table of tokens: which requests it is behind with, and taking them in.

use std::collections::BTreeSet;

use domain::{RequestId, TenantId};
use google_cloud_spanner::{key::KeySet, mutation::Mutation, statement::Statement};
use store::{
    finding,
    rows::{self, REQUEST_COLUMNS, signed},
    stored::scanned,
    tokens,
};

use crate::{
    fault::Fault,
    finding::score_value,
    rows::{Row, Write, key, mutation},
    tx::{Reader, Tx},
};

type Result<T, E = Fault> = std::result::Result<T, E>;

// Rows that are in the index have no value here. The emulator cannot see that none of them is asked for; Spanner ignores the
// hint that says so.
const UNINDEXED: &str = "@{FORCE_INDEX=requests_unindexed, spanner_emulator.disable_query_null_filtered_index_check=true}";

/// A tenant's requests that the table does not know as they are, the newest first.
pub(crate) async fn of_tenant(
    reader: &Reader,
    tenant: &TenantId,
    limit: usize,
) -> Result<Vec<Row>> {
    let statement = Statement::builder(format!(
        "SELECT {REQUEST_COLUMNS} FROM requests{UNINDEXED} WHERE tenant_id = @tenant AND is_unindexed = TRUE \
         ORDER BY request_id DESC LIMIT @limit"
    ))
    .add_param("tenant", tenant.as_str().to_owned())
    .add_param("limit", signed(limit));
    reader.query(statement.build()).await
}

/// Requests of any tenants that the table does not know as they are. Which of them come first does not matter: all of
/// them do in the end.
pub(crate) async fn waiting_across_tenants(
    reader: &Reader,
    limit: u32,
) -> Result<Vec<(TenantId, RequestId)>> {
    let statement = Statement::builder(format!(
        "SELECT tenant_id, request_id FROM requests{UNINDEXED} WHERE is_unindexed = TRUE LIMIT @limit"
    ))
    .add_param("limit", i64::from(limit));
    let mut waiting = Vec::new();
    for row in reader.query(statement.build()).await? {
        waiting.push((row.parsed("tenant_id")?, row.parsed("request_id")?));
    }
    Ok(waiting)
}

/// Takes requests in as they are now; returns how many.
pub(crate) async fn take_in(tx: &Tx, requests: &[(TenantId, RequestId)]) -> Result<u32> {
    let mut keys = KeySet::builder();
    for (tenant, request) in requests {
        keys = keys.add_key(key([tenant.as_str(), &request.to_string()]));
    }
    let columns = format!("{REQUEST_COLUMNS}, channel, indexed_tokens");
    let mut taken = 0;
    for row in tx.rows("requests", &columns, keys.build()).await? {
        take_in_one(tx, &row)?;
        taken += 1;
    }
    Ok(taken)
}

fn take_in_one(tx: &Tx, row: &Row) -> Result<()> {
    let (tenant, id) = (row.text("tenant_id")?, row.text("request_id")?);
    let status = row.text("status")?;
    let (tokens, score) = match scanned("requests", rows::request(&**row))? {
        Some(request) => (
            tokens::of_request(&request),
            score_value(finding::score(&request)),
        ),
        None => {
            let channel = row.text_option("channel")?;
            let tokens = tokens::of_unreadable(&status, channel.as_deref());
            (tokens, score_value(None))
        }
    };
    let before = row.text_option("indexed_tokens")?.unwrap_or_default();
    let before: BTreeSet<&str> = before
        .split(' ')
        .filter(|token| !token.is_empty())
        .collect();
    for gone in before.iter().filter(|token| !tokens.contains(**token)) {
        let key = key([&tenant, gone, &id]);
        tx.write([Mutation::delete("request_tokens", key.into())])?;
    }
    for token in &tokens {
        tx.write([mutation(
            Write::Put,
            "request_tokens",
            [
                ("tenant_id", tenant.clone().into()),
                ("token", token.clone().into()),
                ("request_id", id.clone().into()),
                ("score", score.into()),
            ],
        )])?;
    }
    let all = tokens.into_iter().collect::<Vec<_>>().join(" ");
    tx.write([mutation(
        Write::Update,
        "requests",
        [
            ("tenant_id", tenant.into()),
            ("request_id", id.into()),
            ("indexed_version", row.integer("version")?.into()),
            ("indexed_status", status.into()),
            ("indexed_tokens", all.into()),
        ],
    )])
}
