//! What a tenant's leads, deliveries and steps sum up to: see [`domain::figures`].

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use domain::{
    Document, LeadRequest, RequestId, StoreError, TenantId,
    figures::{Additions, Block, Cells, Counted, FiguresQuery, Grain, Sums, Tally, Unreadable},
};
use jiff::Timestamp;

use crate::{
    AuditAction, Result, SecurityEvent,
    rows::Row,
    stored::{corrupt, from_json, readable, scanned, to_json},
};

/// Sums of what changes a tenant's requests, added to in the transaction that changes them.
#[async_trait]
pub trait Figures {
    /// The sums that a question asks for, as of the last commit. It reads the rows of the times that are asked for, under
    /// the names of one dimension, and no request.
    async fn figures(&self, tenant: &TenantId, query: &FiguresQuery) -> Result<Sums>;

    /// Folds what transactions added into the rows of sums: at most `limit` transactions, 1 to 1,000. Returns how many
    /// were folded. Several may fold at once.
    async fn fold_figures_across_tenants(&self, limit: u32) -> Result<u32>;

    /// Counts a tenant's requests anew, newest first: at most `limit` of them, 1 to 200; `before` is the last of those
    /// before. What an older build wrote, or was there before figures were kept, is counted then. Without such it
    /// changes nothing, and leaves no entry in the audit log.
    async fn recount_figures(
        &self,
        tenant: &TenantId,
        before: Option<RequestId>,
        limit: u32,
        act: &AuditAction,
    ) -> Result<Recounted>;
}

/// What the row keeps of a request that counts for what every new one does: writing it out would be a part of what
/// accepting costs. Its names follow from its document, which keeps where it came from first.
const AS_NEW: &str = "";

/// What a request's row keeps of what it counts for.
///
/// # Errors
/// None of its own.
pub fn counted_text(request: &LeadRequest) -> Result<String> {
    let is_new = request.version <= 1 && request.counted.is_of_new();
    match is_new {
        true => Ok(AS_NEW.to_owned()),
        false => to_json(&*request.counted),
    }
}

/// What was counted anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Recounted {
    /// How many requests were looked at.
    pub looked_at: u32,
    /// How many of them counted for something else than was in the sums.
    pub corrected: u32,
    /// The last of them; none when there are none behind it.
    pub next: Option<RequestId>,
}

/// What a request counts for, as its row keeps it. Nothing for one that was never counted.
pub fn counted(text: Option<&str>, document: &Document, created_at: Timestamp) -> Counted {
    let text = match text {
        None => return Counted::default(),
        Some(AS_NEW) => return Counted::of_new(document, created_at),
        Some(text) => text,
    };
    let read = from_json("what figures count of a request", text);
    let read = readable("requests", || "counted".to_owned(), read);
    read.ok().flatten().unwrap_or_default()
}

/// What a transaction added, as it was stored; none if this build cannot read it.
///
/// # Errors
/// None of its own.
pub fn additions(text: &str) -> Result<Option<Additions>> {
    scanned(
        "metric_additions",
        from_json("what was added to figures", text),
    )
}

/// Adds a row of sums to an answer. One that this build cannot read is left out, and counted as skipped.
///
/// # Errors
/// None of its own.
pub fn tally_row(tally: &mut Tally<'_>, grain: Grain, row: &dyn Row) -> Result<()> {
    let (name, number) = (row.text("name")?, row.integer("block")?);
    let sums = row.bytes_option("sums")?.unwrap_or_default();
    let read = tally.add_block(Block { grain, number }, &name, &sums);
    scanned("metric_sums", read.map_err(unreadable)).map(drop)
}

/// What a row of sums becomes with what is new of it; empty where all come to zero. Without a row, nothing is stored yet.
///
/// # Errors
/// [`StoreError::Corrupt`] if this build cannot read it.
pub fn with_stored(cells: &Cells, row: Option<&dyn Row>) -> Result<Vec<u8>> {
    let stored = match row {
        Some(row) => row.bytes_option("sums")?.unwrap_or_default(),
        None => Vec::new(),
    };
    cells.onto(&stored).map_err(unreadable)
}

fn unreadable(error: Unreadable) -> StoreError {
    corrupt("metric_sums.sums", error)
}

/// What a request must add to the sums because it counts for something else than its row says; none if it does not.
pub fn correction(request: &mut LeadRequest) -> Option<Additions> {
    let counted = Counted::of(request);
    let additions = counted.since(&request.counted);
    let is_new = counted != *request.counted;
    request.counted = Arc::new(counted);
    is_new.then_some(additions)
}

/// What refusals add to the figures of the tenants that they are known to be for.
///
/// # Errors
/// [`StoreError::Corrupt`] for a tenant that cannot be one.
pub fn refused(events: &[SecurityEvent]) -> Result<BTreeMap<TenantId, Additions>> {
    let mut tenants = BTreeMap::<_, Additions>::new();
    for event in events {
        let Some(tenant) = &event.tenant else {
            continue;
        };
        let tenant = TenantId::new(tenant).map_err(|error| corrupt("a refusal's tenant", error))?;
        let additions = tenants.entry(tenant).or_default();
        additions.count_refused(event.minute, &event.provider, &event.reason, event.count);
    }
    Ok(tenants)
}
