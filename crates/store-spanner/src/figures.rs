//! Figures: each transaction inserts what it adds as a row of its own, and sums are kept by time.
//!
//! A sum that every settle of a tenant changed would be a lock that they all wait for. A row that is only inserted is
//! nobody's to wait for; folding takes the locks of the sums, once for hundreds of transactions.

use std::collections::BTreeMap;

use async_trait::async_trait;
use domain::{
    LeadRequest, RequestId, TenantId,
    figures::{Additions, FiguresQuery, Folding, Sums, SumsKey, Tally},
};
use google_cloud_spanner::{
    key::{Key, KeyRange, KeySet},
    mutation::Mutation,
    statement::Statement,
};
use store::{
    AuditAction, Figures, Recounted, SecurityEvent, figures,
    rows::{self, REQUEST_COLUMNS},
    stored::{readable, to_json},
};

use crate::{
    SpannerStore,
    fault::Fault,
    rows::{Write, key, mutation, under},
    tx::{Reader, Tx},
};

type Result<T, E = Fault> = std::result::Result<T, E>;

/// Transactions whose additions are folded at once. The rows of sums that they touch are far fewer.
const FOLDED_AT_ONCE: usize = 500;

#[async_trait]
impl Figures for SpannerStore {
    async fn figures(&self, tenant: &TenantId, query: &FiguresQuery) -> store::Result<Sums> {
        self.read(async |reader| sums(&reader, tenant, query).await)
            .await
    }

    async fn fold_figures_across_tenants(&self, limit: u32) -> store::Result<u32> {
        let limit = limit.clamp(1, 1_000);
        let found = self
            .read(async |reader| some_across_tenants(&reader, limit).await)
            .await?;
        let mut folded = 0;
        for (tenant, ids) in found {
            for part in ids.chunks(FOLDED_AT_ONCE) {
                let (named, tenant, part) = (&tenant, tenant.clone(), part.to_vec());
                let work = move |tx: Tx| {
                    let (tenant, part) = (tenant.clone(), part.clone());
                    async move { fold(&tx, &tenant, &part).await }
                };
                let part = self.write("figures.fold", work).await;
                // What cannot be read stops this tenant's alone.
                let name = || format!("figures of {named}");
                folded += readable("metric_sums", name, part)?.unwrap_or_default();
            }
        }
        Ok(folded)
    }

    async fn recount_figures(
        &self,
        tenant: &TenantId,
        before: Option<RequestId>,
        limit: u32,
        act: &AuditAction,
    ) -> store::Result<Recounted> {
        let (id, ids) = (tenant.clone(), self.ids.clone());
        let change = move |tx: Tx| {
            let (id, ids) = (id.clone(), ids.clone());
            async move {
                let addition = format!("recounted.{}", ids.next());
                recount(&tx, &id, before, limit.clamp(1, 200), &addition).await
            }
        };
        self.act_if(tenant, act, change, |recounted| recounted.corrected > 0)
            .await
    }
}

/// Adds to a tenant's sums. `id` is the transaction's own among the tenant's.
pub(crate) fn add(tx: &Tx, tenant: &TenantId, id: &str, additions: &Additions) -> Result<()> {
    if additions.is_empty() {
        return Ok(());
    }
    tx.write([mutation(
        Write::Insert,
        "metric_additions",
        [
            ("tenant_id", tenant.as_str().to_owned().into()),
            ("addition_id", id.to_owned().into()),
            ("additions", to_json(additions)?.into()),
        ],
    )])
}

/// Refusals of tenants that are known count in their figures.
pub(crate) fn add_refused(tx: &Tx, id: &str, events: &[SecurityEvent]) -> Result<()> {
    for (tenant, additions) in figures::refused(events)? {
        add(tx, &tenant, id, &additions)?;
    }
    Ok(())
}

async fn sums(reader: &Reader, tenant: &TenantId, query: &FiguresQuery) -> Result<Sums> {
    let mut tally = Tally::new(query);
    let all = query.blocks();
    // A read for each grain: its rows do not say which they are of.
    for part in all.chunk_by(|one, next| one.grain == next.grain) {
        let Some(grain) = part.first().map(|blocks| blocks.grain) else {
            continue;
        };
        let mut keys = KeySet::builder();
        for blocks in part {
            let begin = |block: i64| {
                Key::new(vec![
                    tenant.as_str().to_owned().into(),
                    i64::from(grain.code()).into(),
                    i64::from(query.dimension.code()).into(),
                    block.into(),
                ])
            };
            keys = keys.add_range(KeyRange::closed_closed(
                begin(blocks.first),
                begin(blocks.last),
            ));
        }
        let columns = "block, name, sums";
        for row in reader.rows("metric_sums", columns, keys.build()).await? {
            figures::tally_row(&mut tally, grain, &*row)?;
        }
    }
    let added = under([tenant.as_str()]);
    for row in reader.rows("metric_additions", "additions", added).await? {
        let read = figures::additions(&row.text("additions")?)?;
        for addition in read.iter().flat_map(Additions::iter) {
            tally.add(addition);
        }
    }
    Ok(tally.finish())
}

/// Additions that wait, by tenant: read without a lock, which the range of keys would keep new ones out by.
async fn some_across_tenants(reader: &Reader, limit: u32) -> Result<BTreeMap<String, Vec<String>>> {
    let statement =
        Statement::builder("SELECT tenant_id, addition_id FROM metric_additions LIMIT @limit")
            .add_param("limit", i64::from(limit));
    let mut found = BTreeMap::<_, Vec<_>>::new();
    for row in reader.query(statement.build()).await? {
        let ids = found.entry(row.text("tenant_id")?).or_default();
        ids.push(row.text("addition_id")?);
    }
    Ok(found)
}

/// Folds these additions, as far as nobody else has.
async fn fold(tx: &Tx, tenant: &str, ids: &[String]) -> Result<u32> {
    let mut keys = KeySet::builder();
    for id in ids {
        keys = keys.add_key(key([tenant, id]));
    }
    let columns = "addition_id, additions";
    let (mut folding, mut folded) = (Folding::default(), KeySet::builder());
    let mut count = 0;
    for row in tx.rows("metric_additions", columns, keys.build()).await? {
        if let Some(additions) = figures::additions(&row.text("additions")?)? {
            folding.add(&additions);
            folded = folded.add_key(key([tenant, &row.text("addition_id")?]));
            count += 1;
        }
    }
    if count == 0 {
        return Ok(0);
    }
    let mut keys = KeySet::builder();
    for key in folding.keys() {
        keys = keys.add_key(sums_key(tenant, key));
    }
    let columns = "grain, dimension, block, name, sums";
    let mut stored = BTreeMap::new();
    for row in tx.rows("metric_sums", columns, keys.build()).await? {
        stored.insert(sums_place(&*row)?, row);
    }
    for (key, cells) in folding.into_rows() {
        let row = stored.get(&place(&key)).map(|row| &**row);
        let sums = figures::with_stored(&cells, row)?;
        if sums.is_empty() {
            let key = sums_key(tenant, &key);
            tx.write([Mutation::delete("metric_sums", key.into())])?;
            continue;
        }
        let SumsKey {
            block,
            dimension,
            name,
        } = key;
        tx.write([mutation(
            Write::Put,
            "metric_sums",
            [
                ("tenant_id", tenant.to_owned().into()),
                ("grain", i64::from(block.grain.code()).into()),
                ("dimension", i64::from(dimension).into()),
                ("block", block.number.into()),
                ("name", name.into()),
                ("sums", sums.into()),
            ],
        )])?;
    }
    tx.write([Mutation::delete("metric_additions", folded.build())])?;
    Ok(count)
}

fn sums_key(tenant: &str, key: &SumsKey) -> Key {
    let (grain, dimension, block, name) = place(key);
    Key::new(vec![
        tenant.to_owned().into(),
        grain.into(),
        dimension.into(),
        block.into(),
        name.into(),
    ])
}

/// A row's key without its tenant, as it is stored.
fn place(key: &SumsKey) -> (i64, i64, i64, String) {
    let block = key.block;
    (
        block.grain.code().into(),
        key.dimension.into(),
        block.number,
        key.name.clone(),
    )
}

fn sums_place(row: &dyn rows::Row) -> Result<(i64, i64, i64, String)> {
    Ok((
        row.integer("grain")?,
        row.integer("dimension")?,
        row.integer("block")?,
        row.text("name")?,
    ))
}

async fn recount(
    tx: &Tx,
    tenant: &TenantId,
    before: Option<RequestId>,
    limit: u32,
    addition: &str,
) -> Result<Recounted> {
    let page = Statement::builder(format!(
        "SELECT {REQUEST_COLUMNS} FROM requests WHERE tenant_id = @tenant AND request_id < @before \
         ORDER BY request_id DESC LIMIT @limit"
    ))
    .add_param("tenant", tenant.as_str().to_owned())
    // A prefix that sorts behind every id stands for "from the top".
    .add_param(
        "before",
        before.map_or_else(|| "req_~".to_owned(), |id| id.to_string()),
    )
    .add_param("limit", i64::from(limit));
    let mut recounted = Recounted::default();
    let mut additions = Additions::default();
    for row in tx.query(page.build()).await? {
        recounted.looked_at += 1;
        recounted.next = Some(row.parsed("request_id")?);
        let name = row.text("request_id")?;
        let read: Option<LeadRequest> =
            readable("requests", || name.clone(), rows::request(&*row))?;
        let Some(mut request) = read else {
            continue;
        };
        if let Some(correction) = figures::correction(&mut request) {
            additions.extend(correction);
            recounted.corrected += 1;
            tx.write([mutation(
                Write::Update,
                "requests",
                [
                    ("tenant_id", tenant.as_str().to_owned().into()),
                    ("request_id", name.into()),
                    ("counted", to_json(&*request.counted)?.into()),
                ],
            )])?;
        }
    }
    if recounted.looked_at < limit {
        recounted.next = None;
    }
    add(tx, tenant, addition, &additions)?;
    Ok(recounted)
}
