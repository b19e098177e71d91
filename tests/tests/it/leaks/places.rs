//! Where markers are looked for.

use std::{collections::BTreeMap, fs, path::Path};

use rusqlite::{Connection, OpenFlags, types::ValueRef};
use serde_json::Value;

use super::{
    markers::{Leak, Markers},
    product::Product,
    story::{Marked, Told},
};

/// What of the database may hold people's data, and no other column: table and column.
const FOR_PEOPLES_DATA: [(&str, &str); 10] = [
    ("webhook_events", "body"),
    // Of these, what its sender calls itself, and the event by its name in the URL.
    ("webhook_events", "headers"),
    ("webhook_events", "event"),
    ("requests", "document"),
    // The providers' own words.
    ("work", "answer"),
    ("crm_integrations", "attempt"),
    ("notifications", "message"),
    ("effects", "remote_id"),
    // The words that requests are found by.
    ("request_tokens_data", "block"),
    ("request_tokens_idx", "term"),
];

/// Markers that were found where none may be: how often in each place, and the first of them.
#[derive(Default)]
pub(super) struct Finds(BTreeMap<String, (usize, Leak)>);

impl Finds {
    /// Looks for markers where none of these may be.
    pub(super) fn forbid(&mut self, place: &str, haystack: &[u8], markers: &[&Markers]) {
        for leak in markers.iter().flat_map(|markers| markers.find(haystack)) {
            self.0.entry(place.to_owned()).or_insert((0, leak)).0 += 1;
        }
    }

    /// The log, line by line, so that what is found can be told apart.
    pub(super) fn log(&mut self, place: &str, log: &[u8], marked: &Marked) {
        let all = [&marked.secret, &marked.person];
        if all.iter().all(|markers| markers.find(log).is_empty()) {
            return;
        }
        for line in log.split(|byte| *byte == b'\n') {
            self.forbid(
                &format!("{place}, in a line of {}", target(line)),
                line,
                &all,
            );
        }
    }

    /// Answers that are errors.
    pub(super) fn errors(&mut self, told: &Told, marked: &Marked) {
        for (what, reply) in &told.errors {
            self.forbid(
                &format!("the answer to {what}"),
                &reply.whole(),
                &[&marked.secret, &marked.person],
            );
        }
    }

    /// What the API says in its own words of requests and work, to those who may read them.
    pub(super) async fn reasons(&mut self, product: &Product<'_>, told: &Told, marked: &Marked) {
        for request in &told.requests {
            let shown = product.get(&format!("requests/{request}")).await;
            let mut reasons = Vec::new();
            // Transcript and messages say what providers said, as part of the document.
            for part in ["timeline", "open_work", "dispatches", "source", "recording"] {
                words(
                    &shown[part],
                    &["reason", "detail", "unread_reason"],
                    &mut reasons,
                );
            }
            let reasons = reasons.join("\n");
            self.forbid(
                "a reason of a request",
                reasons.as_bytes(),
                &[&marked.secret, &marked.person],
            );
        }
    }

    /// The database, column by column.
    pub(super) fn database(&mut self, path: &Path, marked: &Marked) {
        let database = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
        let mut tables = database
            .prepare("SELECT name FROM sqlite_schema WHERE type = 'table'")
            .unwrap();
        let tables: Vec<String> = tables
            .query_map([], |row| row.get(0))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        assert!(
            tables.iter().any(|table| table == "security_events"),
            "{tables:?}"
        );
        for table in tables {
            let mut rows = database.prepare(&format!("SELECT * FROM {table}")).unwrap();
            let columns: Vec<String> = rows.column_names().map(str::to_owned).collect();
            let mut contents = vec![Vec::new(); columns.len()];
            let mut rows = rows.query([]).unwrap();
            while let Some(row) = rows.next().unwrap() {
                for (number, content) in contents.iter_mut().enumerate() {
                    match row.get_ref(number).unwrap() {
                        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => content.extend(bytes),
                        ValueRef::Null | ValueRef::Integer(_) | ValueRef::Real(_) => {}
                    }
                    content.push(b'\n');
                }
            }
            for (column, content) in columns.iter().zip(contents) {
                let place = format!("the database's {table}.{column}");
                self.forbid(&place, &content, &[&marked.secret]);
                let may_hold = FOR_PEOPLES_DATA.contains(&(table.as_str(), column.as_str()));
                if !may_hold {
                    self.forbid(&place, &content, &[&marked.person]);
                } else if table == "requests" {
                    let found = marked.person.find(&content);
                    assert!(!found.is_empty(), "no marker has come to {place}");
                }
            }
        }
    }

    /// The data folder: names of files, and what stands in those that are not made for people's data.
    pub(super) fn folder(&mut self, path: &Path, marked: &Marked) {
        let mut contents = 0;
        let mut folders = vec![path.to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).unwrap() {
                let path = entry.unwrap().path();
                let name = path.file_name().unwrap().to_string_lossy().into_owned();
                let place = format!("the file {name}");
                self.forbid(
                    "the name of a file",
                    name.as_bytes(),
                    &[&marked.secret, &marked.person],
                );
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let bytes = fs::read(&path).unwrap();
                contents += 1;
                self.forbid(&place, &bytes, &[&marked.secret]);
                if !name.contains("sqlite3") {
                    self.forbid(&place, &bytes, &[&marked.person]);
                }
            }
        }
        assert!(
            contents > 4,
            "there is hardly anything in {}",
            path.display()
        );
    }

    /// # Panics
    /// When anything was found.
    pub(super) fn assert_none(self) {
        let shown = self
            .0
            .iter()
            .map(|(place, (times, leak))| format!("{place}, {times} times, {leak}\n"));
        assert!(
            self.0.is_empty(),
            "markers where none may be:\n{}",
            shown.collect::<String>()
        );
    }
}

/// Who wrote a line of the log; null where the log is for people.
fn target(line: &[u8]) -> Value {
    let fields: Value = serde_json::from_slice(line).unwrap_or_default();
    fields["target"].clone()
}

/// The texts under these names, anywhere below.
fn words(value: &Value, names: &[&str], found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::String(text) if names.contains(&name.as_str()) => {
                        found.push(text.clone());
                    }
                    other => words(other, names, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| words(item, names, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
