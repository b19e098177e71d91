//! Finding requests: by the index of tokens, and by looking at what is not in it yet.
//!
//! A place is a row's number in `requests`. Rows are numbered as they come, so places are in the order of time.

use std::{cell::RefCell, collections::BTreeMap};

use async_trait::async_trait;
use domain::{LeadRequest, RequestId, TenantId};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};
use store::{
    Count, FindQuery, Finding, Indexed, Page, RequestFilter, RequestSort, Result,
    finding::{self, MAX_EXACT, MAX_FRESH},
    rows::{self, REQUEST_COLUMNS, signed},
    stored::{PageReader, readable},
    tokens::{Clause, NO_SCORE, SCORE_LEVELS, score_token},
};

use crate::{
    SqliteStore, indexing, requests,
    rows::{micros, store_error},
    sql,
};

#[async_trait]
impl Finding for SqliteStore {
    async fn find_requests(
        &self,
        tenant: &TenantId,
        query: &FindQuery,
    ) -> Result<Page<LeadRequest>> {
        let (tenant, query) = (tenant.clone(), query.clone());
        self.read(move |db| find(db, &tenant, &query)).await
    }

    async fn count_requests(&self, tenant: &TenantId, filter: &RequestFilter) -> Result<Count> {
        let (tenant, filter) = (tenant.clone(), filter.clone());
        self.read(move |db| count(db, &tenant, filter)).await
    }

    async fn index_requests_across_tenants(&self, limit: u32) -> Result<Indexed> {
        // Read and cut into tokens beside the writer, which only writes them down.
        let batch = self
            .read(move |db| indexing::Batch::read(db, limit))
            .await?;
        match batch {
            Some(batch) => self.write(move |db| indexing::write(db, &batch)).await,
            None => Ok(Indexed::default()),
        }
    }
}

fn find(db: &Connection, tenant: &TenantId, query: &FindQuery) -> Result<Page<LeadRequest>> {
    let mut page = PageReader::new(query.limit);
    let Some(filter) = query.meant() else {
        return Ok(page.finish());
    };
    if let Some(list) = query.as_list() {
        return requests::list(db, tenant, &list);
    }
    let snapshot = db.unchecked_transaction().map_err(store_error)?;
    let search = Search::begin(&snapshot, tenant, &filter)?;
    let mut after = match query.after {
        Some(place) => {
            let row = search.row_of(place.request, query.sort.is_descending())?;
            Some(Spot {
                row,
                score: place.score,
            })
        }
        None => None,
    };
    loop {
        let spots = search.spots(query.sort, after, page.wanted())?;
        after = spots.last().copied().or(after);
        let mut read = Vec::with_capacity(spots.len());
        for spot in spots {
            let request = search.read(spot.row)?;
            // Where too much is fresh, the index may still know a row as it was.
            let is_meant = |request: &LeadRequest| search.is_complete || filter.is_met_by(request);
            read.push(request.filter(is_meant));
        }
        if !page.take(read) {
            return Ok(page.finish());
        }
    }
}

fn count(db: &Connection, tenant: &TenantId, filter: RequestFilter) -> Result<Count> {
    let snapshot = db.unchecked_transaction().map_err(store_error)?;
    count_within(&snapshot, tenant, filter)
}

/// The same in a transaction that has begun.
pub(crate) fn count_within(
    db: &Connection,
    tenant: &TenantId,
    filter: RequestFilter,
) -> Result<Count> {
    let query = FindQuery {
        filter,
        ..FindQuery::default()
    };
    let Some(filter) = query.meant() else {
        return Ok(Count::of(0, true));
    };
    let most = MAX_EXACT + 1;
    if filter.is_of_one_status() {
        let of_status = match filter.statuses.first().map(|status| status.as_str()) {
            None => "AND ?2 IS NULL",
            Some("received") => "AND ?2 = 'received' AND status = 'received'",
            Some(_) => "AND status = ?2 AND status <> 'received'",
        };
        let sql = format!(
            "SELECT count(*) AS rows FROM (SELECT 1 FROM requests WHERE tenant_id = ?1 {of_status} LIMIT ?3)"
        );
        let status = filter.statuses.first().map(|status| status.as_str());
        let counted = sql::first(db, &sql, params![tenant.as_str(), status, most], |row| {
            row.number("rows")
        })?;
        return Ok(Count::of(counted.unwrap_or_default(), true));
    }
    let search = Search::begin(db, tenant, &filter)?;
    let found = search.rows(
        None,
        None,
        usize::try_from(most).unwrap_or(usize::MAX),
        true,
    )?;
    Ok(Count::of(
        u32::try_from(found.len()).unwrap_or(u32::MAX),
        search.is_complete,
    ))
}

/// A place in a list.
#[derive(Debug, Clone, Copy)]
struct Spot {
    row: i64,
    score: Option<u8>,
}

/// A filter at work at one point in time.
struct Search<'a> {
    db: &'a Connection,
    tenant: &'a TenantId,
    /// What the index is asked for.
    expression: String,
    /// The rows that came in the time that is asked for: from the first of them up to the end, exclusive.
    first: i64,
    end: i64,
    /// Rows that the index does not know, or not as they are: their score, if they are meant.
    fresh: BTreeMap<i64, Option<Option<u8>>>,
    /// Whether nothing can be missing.
    is_complete: bool,
    /// The tokens of scores that were asked for already.
    known: RefCell<BTreeMap<String, bool>>,
}

impl<'a> Search<'a> {
    fn begin(db: &'a Connection, tenant: &'a TenantId, filter: &RequestFilter) -> Result<Self> {
        let clauses = filter.clauses();
        let mut search = Self {
            db,
            tenant,
            expression: indexing::expression(tenant, &clauses),
            first: filter.from.map_or(Ok(0), |from| first_row_at(db, from))?,
            end: filter.to.map_or(Ok(i64::MAX), |to| first_row_at(db, to))?,
            fresh: BTreeMap::new(),
            is_complete: true,
            known: RefCell::default(),
        };
        let (places, is_complete) = indexing::fresh(db, tenant, MAX_FRESH)?;
        search.is_complete = is_complete;
        for place in places {
            let request = search.read(place)?;
            let meant = request.filter(|request| filter.is_met_by(request));
            search
                .fresh
                .insert(place, meant.as_ref().map(finding::score));
        }
        Ok(search)
    }

    /// The row behind which a list goes on. Where it is gone, its neighbor's.
    fn row_of(&self, request: RequestId, is_descending: bool) -> Result<i64> {
        const SQL: &str = "SELECT rowid AS place, request_id FROM requests \
                           WHERE tenant_id = ?1 AND request_id <= ?2 ORDER BY request_id DESC LIMIT 1";
        let id = request.to_string();
        let values = params![self.tenant.as_str(), id];
        let found = sql::first(self.db, SQL, values, |row| {
            Ok((row.integer("place")?, row.text("request_id")?))
        })?;
        Ok(match found {
            Some((row, found)) if found == id || !is_descending => row,
            Some((row, _)) => row + 1,
            None => 0,
        })
    }

    fn read(&self, row: i64) -> Result<Option<LeadRequest>> {
        let sql =
            format!("SELECT {REQUEST_COLUMNS} FROM requests WHERE rowid = ?1 AND tenant_id = ?2");
        let found = sql::first(self.db, &sql, params![row, self.tenant.as_str()], |row| {
            let name = || row.text("request_id").unwrap_or_default();
            readable("requests", name, rows::request(row))
        })?;
        Ok(found.flatten())
    }

    fn spots(&self, sort: RequestSort, after: Option<Spot>, wanted: usize) -> Result<Vec<Spot>> {
        if sort == RequestSort::Score {
            return self.by_score(after, wanted);
        }
        let row = after.map(|after| after.row);
        let rows = self.rows(None, row, wanted, sort.is_descending())?;
        Ok(rows
            .into_iter()
            .map(|row| Spot { row, score: None })
            .collect())
    }

    /// Rows in the order of time, those of one score where that is given.
    fn rows(
        &self,
        score: Option<Option<u8>>,
        after: Option<i64>,
        wanted: usize,
        is_descending: bool,
    ) -> Result<Vec<i64>> {
        let (mut first, mut end) = (self.first, self.end);
        match after {
            Some(after) if is_descending => end = end.min(after),
            Some(after) => first = first.max(after.saturating_add(1)),
            None => {}
        }
        let of_score = score
            .map(|score| score.map_or(NO_SCORE.to_owned(), |score| score_token(0, score.into())));
        // As many more as may have to be left out.
        let limit = wanted + self.fresh.len();
        let mut rows = self.indexed(of_score.as_deref(), (first, end), limit, is_descending)?;
        rows.retain(|row| !self.fresh.contains_key(row));
        let fresh = self.fresh.range(first..end.max(first));
        rows.extend(fresh.filter_map(|(row, meant)| {
            let meant = (*meant)?;
            score.is_none_or(|score| score == meant).then_some(*row)
        }));
        rows.sort_unstable();
        if is_descending {
            rows.reverse();
        }
        rows.truncate(wanted);
        Ok(rows)
    }

    /// The rows that the index has.
    fn indexed(
        &self,
        token: Option<&str>,
        (first, end): (i64, i64),
        limit: usize,
        is_descending: bool,
    ) -> Result<Vec<i64>> {
        const NEWEST: &str = "SELECT rowid AS place FROM request_tokens WHERE request_tokens MATCH ?1 \
                              AND rowid >= ?2 AND rowid < ?3 ORDER BY rowid DESC LIMIT ?4";
        const OLDEST: &str = "SELECT rowid AS place FROM request_tokens WHERE request_tokens MATCH ?1 \
                              AND rowid >= ?2 AND rowid < ?3 ORDER BY rowid LIMIT ?4";
        let sql = if is_descending { NEWEST } else { OLDEST };
        let expression = match token {
            Some(token) => {
                let token = indexing::expression(self.tenant, &[Clause::fact(token)]);
                format!("{token} AND {}", self.expression)
            }
            None => self.expression.clone(),
        };
        let values = params![expression, first, end, signed(limit)];
        sql::all(self.db, sql, values, |row| row.integer("place"))
    }

    /// The highest scores first. The scores are halved again and again, and halves without a row are passed over.
    fn by_score(&self, after: Option<Spot>, wanted: usize) -> Result<Vec<Spot>> {
        let mut found = Vec::new();
        if after.is_none_or(|after| after.score.is_some()) {
            self.descend((SCORE_LEVELS, 0), after, wanted, &mut found)?;
        }
        if found.len() < wanted {
            let after = after.filter(|after| after.score.is_none());
            let row = after.map(|after| after.row);
            let rows = self.rows(Some(None), row, wanted - found.len(), true)?;
            found.extend(rows.into_iter().map(|row| Spot { row, score: None }));
        }
        Ok(found)
    }

    fn descend(
        &self,
        (level, node): (u32, u32),
        after: Option<Spot>,
        wanted: usize,
        found: &mut Vec<Spot>,
    ) -> Result<()> {
        let lowest = node << level;
        let last = after.and_then(|after| Some((after.row, after.score?)));
        let is_passed = last.is_some_and(|(_, score)| lowest > score.into());
        if found.len() >= wanted || is_passed || !self.has_scores(level, node)? {
            return Ok(());
        }
        if level > 0 {
            self.descend((level - 1, 2 * node + 1), after, wanted, found)?;
            return self.descend((level - 1, 2 * node), after, wanted, found);
        }
        let score = u8::try_from(node).ok();
        let row = last.filter(|(_, last)| Some(*last) == score);
        let rows = self.rows(
            Some(score),
            row.map(|(row, _)| row),
            wanted - found.len(),
            true,
        )?;
        found.extend(rows.into_iter().map(|row| Spot { row, score }));
        Ok(())
    }

    /// Whether there are rows with these scores. At the ends that is asked with the rows themselves.
    fn has_scores(&self, level: u32, node: u32) -> Result<bool> {
        if level == 0 || level == SCORE_LEVELS {
            return Ok(true);
        }
        let token = score_token(level, node);
        if let Some(known) = self.known.borrow().get(&token) {
            return Ok(*known);
        }
        let mut fresh = self.fresh.values().copied().flatten().flatten();
        let has = fresh.any(|score| u32::from(score) >> level == node)
            || !self
                .indexed(Some(&token), (self.first, self.end), 1, true)?
                .is_empty();
        self.known.borrow_mut().insert(token, has);
        Ok(has)
    }
}

/// The first row that was stored then, or later.
fn first_row_at(db: &Connection, at: Timestamp) -> Result<i64> {
    const NEXT: &str =
        "SELECT rowid, created_at FROM requests WHERE rowid >= ?1 ORDER BY rowid LIMIT 1";
    let newest: Option<i64> = db
        .query_row("SELECT max(rowid) FROM requests", [], |row| row.get(0))
        .optional()
        .map_err(store_error)?
        .flatten();
    let (mut first, mut end) = (0, newest.unwrap_or(0) + 1);
    let mut next = db.prepare_cached(NEXT).map_err(store_error)?;
    while first < end {
        let middle = first + (end - first) / 2;
        let found = next
            .query_row([middle], |row| {
                Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))
            })
            .optional()
            .map_err(store_error)?;
        match found {
            Some((row, created_at)) if created_at < micros(at) => first = row + 1,
            _ => end = middle,
        }
    }
    Ok(first)
}
