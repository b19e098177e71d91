//! Every statement reaches rows of one tenant, by an index that begins with the tenant's id: SQLite's own plans say so.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use rusqlite::Connection;
use store_sqlite::SqliteStore;

use crate::clock;

/// What reads rows of several tenants, and why it may: each stands behind a method of the store that is named
/// `…_across_tenants`, or behind one that a delivery needs before its tenant is known.
const ACROSS_TENANTS: &[(&str, &str)] = &[
    // Calls that are too old, whosever they were.
    ("calls.rs", "forget_old"),
    // What the map said too long ago, to whomever.
    ("places.rs", "forget_old"),
    // Asked by a secret token or by a provider's account: the tenant is the answer.
    ("sources.rs", "USABLE"),
    ("sources.rs", "by_account"),
    // For operators.
    ("tenants.rs", "all"),
    ("tenants.rs", "page"),
    ("security.rs", "newest"),
    ("security.rs", "prune"),
    // Skips from tenant to tenant, and then asks for the rows of each.
    ("live.rs", "prune"),
    // The relay skips from tenant to tenant in the index, and then asks for the rows of each.
    ("work.rs", "stages_with_wakes"),
    // At the start, under the folder's lock.
    ("work.rs", "void_leases"),
    ("jobs.rs", "void_leases"),
    // Tenants' jobs are done in turns: the tenants are the answer, and each one's turn comes after all others'.
    ("jobs.rs", "tenants"),
    ("jobs.rs", "claim"),
    ("jobs.rs", "prune"),
    // A part of a statement, in which each table is joined by the tenant's id.
    ("jobs.rs", "stopped_again"),
    // Additions are folded in their order, whoever's they are, each into its tenant's days. Few are ever left, so those of
    // one tenant need no index.
    ("figures.rs", "fold"),
    ("figures.rs", "sums"),
    // Asked by a secret, of which a hash is kept: whose it is is the answer.
    ("sessions.rs", "redeem"),
    ("sessions.rs", "use_code"),
    ("sessions.rs", "remove_code"),
    ("sessions.rs", "by_family"),
    ("api_keys.rs", "api_key_by_hash_across_tenants"),
    // A person's own, in whatever tenants.
    ("people.rs", "tenants"),
    ("sessions.rs", "accept_invitations_across_tenants"),
    ("sessions.rs", "confirm_session_across_tenants"),
    ("sessions.rs", "of"),
    ("sessions.rs", "remove"),
    // What has ended is removed, whoever's it was.
    ("sessions.rs", "remove_console_codes_across_tenants"),
    ("sessions.rs", "begin"),
    ("sessions.rs", "put_code"),
    // The key of an account begins with its provider: the tenant is compared row by row.
    ("sources.rs", "put"),
    // Audits are done in the order in which they are due, whoever's sources they are of.
    ("sweeps.rs", "due"),
    // The index of tokens is built in the order in which requests came, whoever's they are; `changes` skips from tenant
    // to tenant.
    ("indexing.rs", "newest"),
    ("indexing.rs", "read"),
    ("indexing.rs", "changes"),
    ("indexing.rs", "entry"),
    // A row by its place, which the index of tokens gave for one tenant: the tenant is compared.
    ("indexing.rs", "write"),
    ("finding.rs", "read"),
    // Asks when the row of a place was stored, and nothing else.
    ("finding.rs", "first_row_at"),
];

/// A piece of SQL in the sources.
#[derive(Debug)]
struct Piece {
    file: String,
    /// The function or the constant that it stands in.
    item: String,
    text: String,
}

#[test]
fn every_statement_is_about_one_tenant() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pipeline.db");
    SqliteStore::migrate(&path, &clock()).unwrap();
    let db = Connection::open(&path).unwrap();
    let owned = owned_tables(&db);
    let pieces: Vec<_> = pieces()
        .into_iter()
        .filter(|piece| !tables(&piece.text, &owned).is_empty())
        .collect();
    assert!(pieces.len() >= 40, "the sources are read no more");

    let mut used = BTreeSet::new();
    let mut faults = Vec::new();
    for piece in &pieces {
        let Some(fault) = fault(&db, piece, &owned) else {
            continue;
        };
        let place = (piece.file.as_str(), piece.item.as_str());
        if ACROSS_TENANTS.contains(&place) {
            used.insert(place);
        } else {
            faults.push(format!("{place:?}: {fault}\n    {}", piece.text));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    let listed = ACROSS_TENANTS.iter().copied().collect::<BTreeSet<_>>();
    let unused: Vec<_> = listed.difference(&used).collect();
    assert!(unused.is_empty(), "listed for nothing: {unused:?}");
}

#[test]
fn a_statement_about_several_tenants_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pipeline.db");
    SqliteStore::migrate(&path, &clock()).unwrap();
    let db = Connection::open(&path).unwrap();
    let owned = owned_tables(&db);
    let is_faulty = |text: &str| {
        let piece = Piece {
            file: String::new(),
            item: String::new(),
            text: text.to_owned(),
        };
        fault(&db, &piece, &owned).is_some()
    };
    for sql in [
        "SELECT * FROM work WHERE tenant_id = ?1 AND request_id = ?2",
        "SELECT {REQUEST_COLUMNS} FROM requests WHERE tenant_id = ?1 AND request_id < ?2 {filter} LIMIT ?4",
        "UPDATE requests SET status = ?3 WHERE tenant_id = ?1 AND request_id = ?2",
        "AND request_id IN (SELECT request_id FROM work WHERE tenant_id = ?1)",
        " INTO work (tenant_id, request_id) VALUES (?1, ?2)",
    ] {
        assert!(!is_faulty(sql), "{sql}");
    }
    for sql in [
        "SELECT * FROM work WHERE request_id = ?2",
        "SELECT * FROM work WHERE tenant_id > ?1",
        "SELECT * FROM work WHERE tenant_id = ?1 OR request_id = ?2",
        "SELECT * FROM requests WHERE tenant_id = ?1 AND request_id IN (SELECT request_id FROM work)",
        "UPDATE requests SET status = ?3 WHERE ?1 = ?1 AND request_id = ?2",
        "DELETE FROM sources WHERE source_id = ?1",
        "AND request_id IN (SELECT request_id FROM work WHERE ?1 = ?1)",
        "SELECT no_such_column FROM work WHERE tenant_id = ?1",
    ] {
        assert!(is_faulty(sql), "{sql}");
    }
}

#[test]
fn texts_are_found_with_the_item_that_they_stand_in() {
    const SOURCE: &str = r###"
//! Not "this".
const FIRST: &str = "one \
                     line";
fn second<'a>(quote: char) -> &'a str {
    // Nor "this".
    const INNER: &str = r#"raw "text""#;
    if quote == '"' { "an \"escaped\" one" } else { "{}" }
}
#[cfg(test)]
mod tests { const NO: &str = "a test's"; }
"###;
    let found: Vec<_> = texts("a.rs", SOURCE)
        .into_iter()
        .map(|piece| (piece.item, piece.text))
        .collect();
    let expected = [
        ("FIRST", "one line"),
        ("second", "raw \"text\""),
        ("second", "an \"escaped\" one"),
        ("second", "{}"),
    ];
    assert_eq!(
        found,
        expected.map(|(item, text)| (item.to_owned(), text.to_owned()))
    );
}

/// Tables whose rows belong to a tenant, by the name of the column.
fn owned_tables(db: &Connection) -> BTreeSet<String> {
    let sql = "SELECT tables.name FROM sqlite_schema AS tables, pragma_table_info(tables.name) AS columns \
               WHERE tables.type = 'table' AND columns.name = 'tenant_id'";
    let mut statement = db.prepare(sql).unwrap();
    let found = statement.query_map([], |row| row.get(0)).unwrap();
    found.map(Result::unwrap).collect()
}

/// The owned tables that a text names as tables.
fn tables<'a>(sql: &str, owned: &'a BTreeSet<String>) -> Vec<(String, &'a str)> {
    let words: Vec<_> = sql
        .split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
        .filter(|word| !word.is_empty())
        .collect();
    words
        .windows(2)
        .filter(|pair| ["FROM", "JOIN", "UPDATE", "INTO"].contains(&pair[0]))
        .filter_map(|pair| Some((pair[0].to_owned(), owned.get(pair[1])?.as_str())))
        .collect()
}

/// Why this does not keep to one tenant.
fn fault(db: &Connection, piece: &Piece, owned: &BTreeSet<String>) -> Option<String> {
    let sql = piece.text.trim();
    let is_whole = ["SELECT ", "UPDATE ", "DELETE ", "INSERT "]
        .iter()
        .any(|verb| sql.starts_with(verb));
    if !is_whole {
        // A part of a statement: the words must do.
        let names_tenant = |(verb, _): &(String, &str)| {
            sql.contains(if verb == "INTO" {
                "(tenant_id"
            } else {
                "WHERE tenant_id = ?"
            })
        };
        let is_kept = tables(sql, owned).iter().all(names_tenant);
        return (!is_kept).then(|| "a part without the tenant's id".to_owned());
    }
    let explain = format!("EXPLAIN QUERY PLAN {}", filled(sql));
    let mut statement = match db.prepare(&explain) {
        Ok(statement) => statement,
        Err(error) => return Some(format!("no statement: {error}")),
    };
    let steps: Vec<String> = statement
        .raw_query()
        .mapped(|row| row.get("detail"))
        .map(Result::unwrap)
        .collect();
    steps.into_iter().find(|step| {
        let mut words = step.split_whitespace();
        let is_read = words.next().is_some_and(|w| w == "SCAN" || w == "SEARCH");
        let is_owned = words.next().is_some_and(|table| owned.contains(table));
        is_read && is_owned && !step.contains("(tenant_id=?")
    })
}

/// A format's names filled in: columns by all of them, the rest by nothing.
fn filled(sql: &str) -> String {
    let mut filled = String::new();
    for (at, part) in sql.split('{').enumerate() {
        let rest = match part.split_once('}') {
            Some((name, rest)) if at > 0 => {
                filled.push_str(if name.ends_with("COLUMNS") { "*" } else { "" });
                rest
            }
            _ => part,
        };
        filled.push_str(rest);
    }
    filled
}

/// Every text in the crate's sources.
fn pieces() -> Vec<Piece> {
    let sources = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src"));
    let mut pieces = Vec::new();
    for entry in fs::read_dir(sources).unwrap() {
        let path = entry.unwrap().path();
        let file = path.file_name().unwrap().to_str().unwrap().to_owned();
        pieces.extend(texts(&file, &fs::read_to_string(&path).unwrap()));
    }
    pieces
}

/// The string literals of a source, up to its tests.
fn texts(file: &str, source: &str) -> Vec<Piece> {
    let source = source.split("#[cfg(test)]").next().unwrap_or_default();
    let chars: Vec<char> = source.chars().collect();
    let at = |index: usize| chars.get(index).copied().unwrap_or('\0');
    let (mut pieces, mut item, mut word) = (Vec::new(), String::new(), String::new());
    let mut index = 0;
    while index < chars.len() {
        let c = at(index);
        if c.is_alphanumeric() || c == '_' {
            let start = index;
            while at(index).is_alphanumeric() || at(index) == '_' {
                index += 1;
            }
            let name: String = chars[start..index].iter().collect();
            let is_outermost = || {
                let line = chars[..start].iter().rposition(|c| *c == '\n');
                let line = line.map_or(0, |end| end + 1);
                !at(line).is_whitespace()
            };
            if word == "fn" || (word == "const" && name != "fn" && is_outermost()) {
                item.clone_from(&name);
            }
            word = name;
            continue;
        }
        index += 1;
        match c {
            '/' if at(index) == '/' => {
                while index < chars.len() && at(index) != '\n' {
                    index += 1;
                }
            }
            // A character, not a lifetime.
            '\'' if at(index) == '\\' => index += 3,
            '\'' if at(index + 1) == '\'' => index += 2,
            '#' if word == "r" && at(index) == '"' => {
                let (text, end) = raw(&chars, index + 1);
                pieces.push((item.clone(), text));
                index = end;
            }
            '"' => {
                let (text, end) = escaped(&chars, index);
                pieces.push((item.clone(), text));
                index = end;
            }
            _ => {}
        }
        if !c.is_whitespace() {
            word.clear();
        }
    }
    pieces
        .into_iter()
        .map(|(item, text)| Piece {
            file: file.to_owned(),
            item,
            text,
        })
        .collect()
}

/// A raw text from `start`, and where its literal ends.
fn raw(chars: &[char], start: usize) -> (String, usize) {
    let end = (start..chars.len())
        .find(|at| chars[*at] == '"' && chars.get(at + 1) == Some(&'#'))
        .unwrap();
    (chars[start..end].iter().collect(), end + 2)
}

/// A text from `start`, and where its literal ends.
fn escaped(chars: &[char], start: usize) -> (String, usize) {
    let escapes = BTreeMap::from([('n', '\n'), ('t', '\t'), ('"', '"'), ('\\', '\\')]);
    let (mut text, mut index) = (String::new(), start);
    while chars[index] != '"' {
        if chars[index] == '\\' {
            index += 1;
            if chars[index] == '\n' {
                while chars[index].is_whitespace() {
                    index += 1;
                }
                continue;
            }
            text.extend(escapes.get(&chars[index]));
        } else {
            text.push(chars[index]);
        }
        index += 1;
    }
    (text, index + 1)
}
