//! Which requests have which facts, as sets of rows: what a filter without words is answered from.
//!
//! Meeting the index's long lists with each other takes longer the more requests there are, and longest where they have
//! little in common. A set has a bit for each row instead, so that a million requests are 245 blocks of 512 bytes.

use std::collections::BTreeMap;

use domain::TenantId;
use rusqlite::{Connection, params};
use store::{Result, stored::corrupt, tokens::Clause};

use crate::sql;

/// Rows of a block.
const ROWS: i64 = 4_096;
/// Words of 64 rows in a block.
const WORDS: usize = 64;
/// Bytes of a block that has a bit for each row.
const BITS: usize = 512;
/// Blocks that are looked at first; each next time four times as many.
const FIRST_BLOCKS: i64 = 16;

/// Rows in a range of whole blocks.
#[derive(Debug, Clone)]
pub(crate) struct RowSet {
    first_block: i64,
    words: Vec<u64>,
}

impl RowSet {
    /// No row, in blocks that hold all of these.
    fn none_of(first: i64, end: i64) -> Self {
        let first_block = first.max(0).div_euclid(ROWS);
        let blocks = end.div_ceil_to(ROWS).saturating_sub(first_block).max(0);
        let blocks = usize::try_from(blocks).unwrap_or(0);
        Self {
            first_block,
            words: vec![0; blocks * WORDS],
        }
    }

    /// These rows.
    pub(crate) fn of(rows: &[i64]) -> Self {
        let (first, last) = (rows.iter().min(), rows.iter().max());
        let mut set = Self::none_of(
            first.copied().unwrap_or(0),
            last.map_or(0, |last| last.saturating_add(1)),
        );
        for row in rows {
            if let Some((word, bit)) = set.spot(*row)
                && let Some(word) = set.words.get_mut(word)
            {
                *word |= bit;
            }
        }
        set
    }

    /// A tenant's rows from `first` up to `end` that meet every clause.
    pub(crate) fn meeting<'a>(
        db: &Connection,
        tenant: &TenantId,
        clauses: impl IntoIterator<Item = &'a Clause>,
        (first, end): (i64, i64),
    ) -> Result<Self> {
        let mut meeting: Option<Self> = None;
        for clause in clauses {
            let mut of_clause = Self::none_of(first, end);
            for fact in &clause.any_of {
                of_clause.add(db, tenant, fact)?;
            }
            let met = match meeting.take() {
                Some(mut so_far) => {
                    so_far.keep(&of_clause);
                    so_far
                }
                None => of_clause,
            };
            if met.is_empty() {
                return Ok(met);
            }
            meeting = Some(met);
        }
        let mut meeting = meeting.unwrap_or_else(|| Self::none_of(first, end));
        meeting.cut(first, end);
        Ok(meeting)
    }

    /// The rows of this set that have a fact.
    pub(crate) fn with(&self, db: &Connection, tenant: &TenantId, fact: &str) -> Result<Self> {
        let mut with = Self {
            first_block: self.first_block,
            words: vec![0; self.words.len()],
        };
        with.add(db, tenant, fact)?;
        with.keep(self);
        Ok(with)
    }

    fn add(&mut self, db: &Connection, tenant: &TenantId, fact: &str) -> Result<()> {
        const SQL: &str = "SELECT block, rows FROM request_sets \
                           WHERE tenant_id = ?1 AND fact = ?2 AND block BETWEEN ?3 AND ?4";
        let last = self.first_block + signed(self.words.len() / WORDS) - 1;
        let values = params![tenant.as_str(), fact, self.first_block, last];
        sql::all(db, SQL, values, |row| {
            let block = usize::try_from(row.integer("block")? - self.first_block).unwrap_or(0);
            let words = self.words.iter_mut().skip(block * WORDS).take(WORDS);
            let rows = row.bytes_option("rows")?.unwrap_or_default();
            add_packed(&rows, words)
        })
        .map(drop)
    }

    /// Leaves out what is not in the other.
    pub(crate) fn keep(&mut self, other: &Self) {
        self.meet(other, |word, other| word & other);
    }

    /// Leaves out what is in the other.
    pub(crate) fn leave_out(&mut self, other: &Self) {
        self.meet(other, |word, other| word & !other);
    }

    fn meet(&mut self, other: &Self, how: impl Fn(u64, u64) -> u64) {
        let between = (self.first_block - other.first_block) * signed(WORDS);
        for (place, word) in (between..).zip(&mut self.words) {
            let place = usize::try_from(place).ok();
            let met = place.and_then(|place| other.words.get(place));
            *word = how(*word, met.copied().unwrap_or(0));
        }
    }

    /// Leaves out what lies before `first`, and from `end` on.
    fn cut(&mut self, first: i64, end: i64) {
        let mut start = self.first_block * ROWS;
        for word in &mut self.words {
            if start < first || start + 64 > end {
                for bit in 0..64 {
                    if start + bit < first || start + bit >= end {
                        *word &= !(1 << bit);
                    }
                }
            }
            start += 64;
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.words.iter().all(|word| *word == 0)
    }

    /// The rows from the first on, or from the last back.
    pub(crate) fn rows(&self, is_descending: bool) -> Box<dyn Iterator<Item = i64> + '_> {
        let start = self.first_block * ROWS;
        let of_word = move |(place, word): (usize, &u64)| {
            let (word, start) = (*word, start + signed(place) * 64);
            (0..64)
                .filter(move |bit| word & (1 << bit) != 0)
                .map(move |bit| start + bit)
        };
        let words = self
            .words
            .iter()
            .enumerate()
            .filter(|(_, word)| **word != 0);
        match is_descending {
            true => Box::new(words.rev().flat_map(move |word| of_word(word).rev())),
            false => Box::new(words.flat_map(of_word)),
        }
    }

    /// In which word a row is, and as which bit.
    fn spot(&self, row: i64) -> Option<(usize, u64)> {
        let place = usize::try_from(row - self.first_block * ROWS).ok()?;
        Some((place / 64, 1 << (place % 64)))
    }
}

/// The ranges in which `first` up to `end` is looked through, small ones first: most lists find all they show in those.
pub(crate) fn ranges(
    first: i64,
    end: i64,
    is_descending: bool,
) -> impl Iterator<Item = (i64, i64)> {
    let (mut first, mut end) = (first.max(0), end);
    let mut blocks = FIRST_BLOCKS;
    std::iter::from_fn(move || {
        if first >= end {
            return None;
        }
        let rows = blocks * ROWS;
        blocks *= 4;
        let range = match is_descending {
            true => (end.saturating_sub(rows).div_ceil_to(ROWS) * ROWS, end),
            false => (first, first.saturating_add(rows).div_euclid(ROWS) * ROWS),
        };
        let range = (range.0.max(first), range.1.min(end));
        match is_descending {
            true => end = range.0,
            false => first = range.1,
        }
        Some(range)
    })
}

/// What changed of rows' facts, to be written to the sets together.
#[derive(Default)]
pub(crate) struct Changes(BTreeMap<(String, String, i64), Vec<(i64, bool)>>);

impl Changes {
    /// Notes that a row has these facts now, and keeps them.
    pub(crate) fn put(
        &mut self,
        db: &Connection,
        place: i64,
        tenant: &str,
        facts: &str,
    ) -> Result<()> {
        const KNOWN: &str = "SELECT facts FROM request_facts WHERE place = ?1";
        const KEEP: &str = "INSERT OR REPLACE INTO request_facts (place, facts) VALUES (?1, ?2)";
        let known = sql::first(db, KNOWN, [place], |row| row.text("facts"))?.unwrap_or_default();
        if known == facts {
            return Ok(());
        }
        sql::execute(db, KEEP, params![place, facts])?;
        let (block, row) = (place.div_euclid(ROWS), place.rem_euclid(ROWS));
        let is_in = |all: &str, fact: &str| all.split(' ').any(|known| known == fact);
        let left = known.split(' ').filter(|fact| !is_in(facts, fact));
        let entered = facts.split(' ').filter(|fact| !is_in(&known, fact));
        let changes = left
            .map(|fact| (fact, false))
            .chain(entered.map(|fact| (fact, true)));
        for (fact, is_in) in changes.filter(|(fact, _)| !fact.is_empty()) {
            let key = (tenant.to_owned(), fact.to_owned(), block);
            self.0.entry(key).or_default().push((row, is_in));
        }
        Ok(())
    }

    /// Writes the sets that change.
    pub(crate) fn write(self, db: &Connection) -> Result<()> {
        const KNOWN: &str =
            "SELECT rows FROM request_sets WHERE tenant_id = ?1 AND fact = ?2 AND block = ?3";
        const KEEP: &str = "INSERT OR REPLACE INTO request_sets (tenant_id, fact, block, rows) VALUES (?1, ?2, ?3, ?4)";
        const REMOVE: &str =
            "DELETE FROM request_sets WHERE tenant_id = ?1 AND fact = ?2 AND block = ?3";
        for ((tenant, fact, block), rows) in self.0 {
            let key = params![tenant, fact, block];
            let known = sql::first(db, KNOWN, key, |row| row.bytes_option("rows"))?.flatten();
            let mut words = [0; WORDS];
            add_packed(&known.unwrap_or_default(), words.iter_mut())?;
            for (row, is_in) in rows {
                let place = usize::try_from(row).unwrap_or(0);
                if let Some(word) = words.get_mut(place / 64) {
                    let bit = 1 << (place % 64);
                    *word = if is_in { *word | bit } else { *word & !bit };
                }
            }
            match packed(&words) {
                Some(rows) => sql::execute(db, KEEP, params![tenant, fact, block, rows])?,
                None => sql::execute(db, REMOVE, key)?,
            };
        }
        Ok(())
    }
}

/// A block as it is stored; none for no row at all.
fn packed(words: &[u64; WORDS]) -> Option<Vec<u8>> {
    let count: u32 = words.iter().map(|word| word.count_ones()).sum();
    let count = usize::try_from(count).unwrap_or(BITS);
    if count == 0 {
        return None;
    }
    if count * 2 >= BITS {
        return Some(words.iter().flat_map(|word| word.to_le_bytes()).collect());
    }
    let mut rows = Vec::with_capacity(count * 2);
    for (place, word) in (0_u16..).step_by(64).zip(words) {
        for bit in (0_u16..64).filter(|bit| word & (1 << bit) != 0) {
            rows.extend((place + bit).to_le_bytes());
        }
    }
    Some(rows)
}

/// Adds a stored block's rows.
fn add_packed<'a>(rows: &[u8], words: impl Iterator<Item = &'a mut u64> + 'a) -> Result<()> {
    let unreadable = || corrupt("request_sets", "a block has another length");
    if rows.len() == BITS {
        for (word, bytes) in words.zip(rows.chunks_exact(8)) {
            let bytes = bytes.try_into().map_err(|_| unreadable())?;
            *word |= u64::from_le_bytes(bytes);
        }
        return Ok(());
    }
    let mut words: Vec<&mut u64> = words.collect();
    let (places, rest) = rows.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(unreadable());
    }
    for place in places {
        let place = usize::from(u16::from_le_bytes(*place));
        let word = words.get_mut(place / 64).ok_or_else(unreadable)?;
        **word |= 1 << (place % 64);
    }
    Ok(())
}

fn signed(value: usize) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// How often one number goes into another, what is left over counted as once more.
trait DivCeil {
    fn div_ceil_to(self, other: Self) -> Self;
}

impl DivCeil for i64 {
    fn div_ceil_to(self, other: Self) -> Self {
        self.div_euclid(other) + Self::from(self.rem_euclid(other) != 0)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Numbers that look drawn, the same in every run.
    fn drawn(state: &mut u64, below: i64) -> i64 {
        *state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        i64::try_from(*state >> 33).unwrap() % below
    }

    #[test]
    fn sets_say_what_the_rows_facts_say_after_every_change() {
        let mut db = Connection::open_in_memory().unwrap();
        crate::migrations::apply(&mut db, jiff::Timestamp::UNIX_EPOCH).unwrap();
        let tenants = ["a", "b"].map(|id| TenantId::new(id).unwrap());
        let mut state = 7;
        let mut known = BTreeMap::<i64, (usize, BTreeSet<&str>)>::new();
        // Some facts that nearly all have, and some that few have: both forms of a block, and blocks without a row.
        let facts = [("all", 100), ("many", 60), ("some", 12), ("few", 1)];
        for _ in 0..40 {
            let mut changes = Changes::default();
            for _ in 0..600 {
                let row = drawn(&mut state, 5 * ROWS);
                let tenant = usize::from(row % 5 == 0);
                let drawn = |(_, percent): &&(&str, i64)| drawn(&mut state, 100) < *percent;
                let has: BTreeSet<_> = facts.iter().filter(drawn).map(|(fact, _)| *fact).collect();
                let text: Vec<_> = has.iter().copied().collect();
                let tenant_id = tenants[tenant].as_str();
                changes.put(&db, row, tenant_id, &text.join(" ")).unwrap();
                // What is written twice is written in its order.
                known.insert(row, (tenant, has));
            }
            changes.write(&db).unwrap();
        }
        let end = 5 * ROWS + 17;
        for (number, tenant) in tenants.iter().enumerate() {
            for asked in [
                &["all"][..],
                &["many", "some"],
                &["few"],
                &["few", "all"],
                &["none"],
            ] {
                let clauses: Vec<_> = asked.iter().map(|fact| Clause::fact(*fact)).collect();
                for (first, end) in [(0, end), (ROWS + 3, 3 * ROWS), (70, 71), (9, 9)] {
                    let meant = known.range(first..end).filter(|(_, (of, has))| {
                        *of == number && asked.iter().all(|fact| has.contains(fact))
                    });
                    let mut meant: Vec<_> = meant.map(|(row, _)| *row).collect();
                    for is_descending in [false, true] {
                        let mut found = Vec::new();
                        for range in ranges(first, end, is_descending) {
                            let set = RowSet::meeting(&db, tenant, &clauses, range).unwrap();
                            found.extend(set.rows(is_descending));
                        }
                        assert_eq!(found, meant);
                        meant.reverse();
                    }
                }
            }
        }
    }

    #[test]
    fn rows_that_are_looked_through_are_all_rows_once() {
        for (first, end) in [(0, 0), (0, 1), (5, 700_001), (123_456, 9_999_999)] {
            for is_descending in [false, true] {
                let mut ranges: Vec<_> = ranges(first, end, is_descending).collect();
                ranges.sort_unstable();
                let mut next = first;
                for (first, end) in ranges {
                    assert_eq!(first, next);
                    assert!(first < end);
                    next = end;
                }
                assert_eq!(next, end);
            }
        }
    }
}
