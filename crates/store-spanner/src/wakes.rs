//! What is due.

use std::collections::HashMap;

use domain::{DueWake, Stage, TenantId, Wake, WorkKey, WorkRow, later};
use google_cloud_spanner::{key::KeySet, statement::Statement, types};
use jiff::Timestamp;
use store::{
    rows::{self, signed},
    stored::{corrupt, scanned},
    work::fair_share,
};

use crate::{
    fault::Fault,
    requests::SHARDS,
    rows::{Row, Write, key, mutation, time_value},
    tx::{Reader, Tx},
};

type Result<T, E = Fault> = std::result::Result<T, E>;

/// Rows of all tenants whose wake-up is due, as the queue's contract has it.
pub(crate) async fn due_across_tenants(
    reader: &Reader,
    per_tenant: u32,
    limit: u32,
) -> Result<Vec<DueWake>> {
    // The longest due of each shard. One more than fits, to find out whether there is more.
    let oldest = oldest(reader, i64::from(limit) + 1).await?;
    let full = usize::try_from(limit).unwrap_or(usize::MAX);
    let due = if oldest.len() <= full {
        read_due(&oldest)?
    } else {
        // Rows that this build does not know may have filled the result. Here they are filtered out.
        of_every_tenant(reader, per_tenant).await?
    };
    Ok(fair_share(due, per_tenant, limit))
}

// Rows without a wake-up are not in these indexes, and none is asked for here. The emulator cannot see that by itself;
// Spanner ignores the hint that says so.
const BY_WAKE: &str =
    "@{FORCE_INDEX=work_by_wake, spanner_emulator.disable_query_null_filtered_index_check=true}";
const BY_STAGE: &str =
    "@{FORCE_INDEX=work_by_stage, spanner_emulator.disable_query_null_filtered_index_check=true}";
const DUE: &str = "tenant_id, request_id, stage, target, state, token, next_wake_at, wakes";

/// The longest due rows.
async fn oldest(reader: &Reader, limit: i64) -> Result<Vec<Row>> {
    let shards: Vec<i64> = (0..signed(SHARDS)).collect();
    let sql = format!(
        "SELECT {DUE} FROM work{BY_WAKE} WHERE shard IN UNNEST(@shards) \
         AND next_wake_at <= @now ORDER BY next_wake_at LIMIT @limit"
    );
    let statement = Statement::builder(sql)
        .add_param("shards", shards)
        .add_typed_param("now", time_value(reader.now()), types::timestamp())
        .add_param("limit", limit);
    reader.query(statement.build()).await
}

/// The longest due rows of every tenant and known stage that has some. Asked only while more is due than a scan takes.
async fn of_every_tenant(reader: &Reader, per_tenant: u32) -> Result<Vec<DueWake>> {
    let shards: Vec<i64> = (0..signed(SHARDS)).collect();
    let statement = Statement::builder(format!(
        "SELECT d.* FROM (SELECT DISTINCT tenant_id, stage FROM work{BY_WAKE} \
             WHERE shard IN UNNEST(@shards) AND next_wake_at <= @now AND stage IN UNNEST(@stages)) AS pair \
         CROSS JOIN UNNEST(ARRAY(SELECT AS STRUCT {DUE} FROM work{BY_STAGE} AS due \
             WHERE due.tenant_id = pair.tenant_id AND due.stage = pair.stage AND due.next_wake_at <= @now \
             AND due.state IN ('ready', 'in_flight') ORDER BY due.next_wake_at LIMIT @limit)) AS d"
    ))
    .add_param("shards", shards)
    .add_param("stages", Vec::from(Stage::ALL.map(|stage| stage.as_str().to_owned())))
    .add_typed_param("now", time_value(reader.now()), types::timestamp())
    .add_param("limit", i64::from(per_tenant));
    let mut due = read_due(&reader.query(statement.build()).await?)?;
    due.sort_by_key(|due| due.next_wake_at);
    Ok(due)
}

/// What is due among these rows; those of a stage or state that this build does not know are skipped.
fn read_due(found: &[Row]) -> Result<Vec<DueWake>> {
    let mut due = Vec::new();
    for row in found {
        due.extend(scanned("work", due_wake(row))?);
    }
    Ok(due)
}

fn due_wake(row: &Row) -> store::Result<DueWake> {
    if !["ready", "in_flight"].contains(&row.text("state")?.as_str()) {
        return Err(corrupt("work.state", "another word"));
    }
    rows::due_wake(row)
}

/// Moves those rows on that nobody else moved or claimed since they were seen; returns them.
pub(crate) async fn move_across_tenants(tx: &Tx, due: &[DueWake]) -> Result<Vec<Wake>> {
    let mut keys = KeySet::builder();
    for row in due {
        let WorkKey {
            tenant,
            request,
            stage,
            target,
        } = &row.wake.key;
        keys = keys.add_key(key([
            tenant.as_str(),
            &request.to_string(),
            stage.as_str(),
            target,
        ]));
    }
    let columns = "tenant_id, request_id, stage, target, token, next_wake_at";
    let mut now_is: HashMap<WorkKey, (u64, Option<Timestamp>)> = HashMap::new();
    for row in tx.rows("work", columns, keys.build()).await? {
        now_is.insert(
            rows::work_key(&row)?,
            (row.number("token")?, row.time_option("next_wake_at")?),
        );
    }
    let mut moved = Vec::new();
    for row in due {
        let key = &row.wake.key;
        if now_is.remove(key) != Some((row.wake.token, Some(row.next_wake_at))) {
            continue;
        }
        let next = later(tx.now(), WorkRow::next_relay_pause(row.wakes));
        tx.write([mutation(
            Write::Update,
            "work",
            [
                ("tenant_id", key.tenant.as_str().to_owned().into()),
                ("request_id", key.request.to_string().into()),
                ("stage", key.stage.as_str().to_owned().into()),
                ("target", key.target.clone().into()),
                ("next_wake_at", time_value(next)),
                ("wakes", i64::from(row.wakes + 1).into()),
            ],
        )])?;
        moved.push(row.wake.clone());
    }
    Ok(moved)
}

pub(crate) async fn due_work(
    reader: &Reader,
    tenant: &TenantId,
    stage: Stage,
    limit: u32,
) -> Result<Vec<Wake>> {
    let statement = Statement::builder(format!(
        "SELECT tenant_id, request_id, stage, target, token FROM work{BY_STAGE} \
         WHERE tenant_id = @tenant AND stage = @stage AND next_wake_at IS NOT NULL \
         AND state = 'ready' AND due_at <= @now ORDER BY next_wake_at LIMIT @limit"
    ))
    .add_param("tenant", tenant.as_str().to_owned())
    .add_param("stage", stage.as_str().to_owned())
    .add_typed_param("now", time_value(reader.now()), types::timestamp())
    .add_param("limit", i64::from(limit));
    let found = reader.query(statement.build()).await?;
    let mut due = Vec::new();
    for row in &found {
        due.extend(scanned("work", rows::wake(row))?);
    }
    Ok(due)
}
