//! A body as names and values, whatever its type: JSON as dotted paths, forms as they name their fields, multipart with
//! what is known of its files.
//!
//! Everything is bounded, and what is broken is read as far as it goes. What tools wrap around the fields is taken off in
//! [`tools`].

mod sniff;
mod tools;

pub(crate) use self::tools::{dotted, kind_named};

use bytes::Bytes;
use futures::{FutureExt as _, stream};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::{
    Field, Fields, ReadError, Verified,
    mending::{self, LOST},
};

/// Parts of a multipart body.
pub(crate) const MAX_PARTS: usize = 64;
/// Files of a multipart body.
pub(crate) const MAX_FILES: usize = 5;
/// Fields of a body.
pub(crate) const MAX_FIELDS: usize = 128;
/// Names in a body before what its tool says of each field is taken off: Elementor sends six for one.
const MAX_NAMES: usize = 1_024;
/// Bytes of a field's value.
pub(crate) const MAX_VALUE_BYTES: usize = 16 * 1024;
/// Bytes of the field in which Jotform sends everything once more.
const MAX_RAW_BYTES: usize = 256 * 1024;
/// Its name.
const RAW: &str = "rawRequest";
/// Characters of a field's name.
const MAX_NAME: usize = 128;
/// How deep JSON is followed.
const MAX_DEPTH: usize = 8;

/// A body, read.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Body {
    /// Its fields, each name once, in the order in which they came.
    pub(crate) entries: Vec<Entry>,
    /// Its files.
    pub(crate) files: Vec<FilePart>,
    /// Names of what could be read only in part, or not at all.
    pub(crate) unread: Vec<String>,
    /// Whether it ended before it was whole: what is missing may be anything.
    pub(crate) is_cut: bool,
    /// Whether a value was longer than it may be, and is read only in part.
    is_long: bool,
}

/// A field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Its name, or its path with dots.
    pub(crate) name: String,
    /// Its values: several where it was repeated or is a list.
    pub(crate) values: Vec<String>,
    /// Whether its name is the question that a person was asked.
    pub(crate) is_question: bool,
    /// What its tool calls it, where it has another name here: a tenant's own mapping may say either.
    pub(crate) id: Option<String>,
    /// The words beside it, where it is a box and its tool sends them.
    pub(crate) beside: Option<String>,
    /// What its tool says that it takes: `email` or `phone`.
    pub(crate) kind: Option<&'static str>,
}

/// What is known of a file, of which nothing that its sender says is trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FilePart {
    /// The field that it came in.
    pub(crate) field: String,
    /// What its sender calls it: any text at all.
    pub(crate) name: Option<String>,
    /// Its bytes.
    pub(crate) content: Bytes,
    /// Its type, by its bytes.
    pub(crate) kind: &'static str,
    /// SHA-256 in hexadecimal.
    pub(crate) sha256: String,
}

/// Why a body is refused before it is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unacceptable {
    /// It has more of something than it may.
    TooMuch(&'static str),
    /// It cannot be taken apart.
    Broken(&'static str),
}

impl Entry {
    pub(crate) fn new(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            values: vec![value.into()],
            is_question: false,
            id: None,
            beside: None,
            kind: None,
        }
    }

    /// Whether any of its values is not empty.
    pub(crate) fn says_something(&self) -> bool {
        self.values.iter().any(|value| !clean(value).is_empty())
    }

    /// Whether a tenant means it by this name.
    pub(crate) fn is_called(&self, name: &str) -> bool {
        self.name == name || self.id.as_deref() == Some(name)
    }

    /// Its values in one text.
    pub(crate) fn joined(&self) -> String {
        let values = self.values.iter().map(|value| clean(value));
        let values: Vec<_> = values.filter(|value| !value.is_empty()).collect();
        values.join("; ")
    }
}

/// A value as a person wrote it: entities that a tool wrote in place of signs are undone, once, and a placeholder that
/// was never filled in is nothing.
fn clean(value: &str) -> String {
    let value = value.trim();
    if value.starts_with("{{") && value.ends_with("}}") {
        return String::new();
    }
    unescaped(value)
}

fn is_list(body: &[u8]) -> bool {
    body.iter().find(|byte| byte.is_ascii_graphic()) == Some(&b'[')
}

fn unescaped(value: &str) -> String {
    const ENTITIES: [(&str, char); 7] = [
        ("&amp;", '&'),
        ("&lt;", '<'),
        ("&gt;", '>'),
        ("&quot;", '"'),
        ("&#39;", '\''),
        ("&#039;", '\''),
        ("&apos;", '\''),
    ];
    let mut text = String::with_capacity(value.len());
    let mut rest = value;
    while let Some((before, _)) = rest.split_once('&') {
        text.push_str(before);
        let tail = rest.get(before.len()..).unwrap_or_default();
        let found = ENTITIES
            .iter()
            .find_map(|(entity, sign)| Some((tail.strip_prefix(entity)?, *sign)));
        let (after, sign) = match found {
            Some(found) => found,
            None => (tail.get(1..).unwrap_or_default(), '&'),
        };
        text.push(sign);
        rest = after;
    }
    text.push_str(rest);
    text
}

impl Body {
    /// Reads a delivery's body.
    ///
    /// # Errors
    /// [`ReadError`] if it is no object and no form.
    pub(crate) fn read(delivery: &Verified) -> Result<Self, ReadError> {
        Self::of(delivery.content_type(), delivery.body())
    }

    /// Reads a body of this type.
    ///
    /// # Errors
    /// [`ReadError`] if it is no object and no form.
    pub(crate) fn of(content_type: Option<&str>, body: &Bytes) -> Result<Self, ReadError> {
        let body = &in_utf8(content_type, body);
        let mut read = Self::default();
        match Form::of(content_type, body) {
            Form::Parts(boundary) => {
                // What is behind a fault is lost; what stands before it is not.
                if read.fill_from_parts(boundary, body).is_err() {
                    read.unread.push("body".to_owned());
                    read.is_cut = true;
                }
            }
            Form::Json if is_list(body) => read.fill_from_list(content_type, body)?,
            Form::Json => {
                let fields = Fields::read(content_type, body, |_| true)?;
                if fields.is_cut() {
                    read.unread.push("body".to_owned());
                    read.is_cut = true;
                }
                read.unread.extend(fields.mended().iter().cloned());
                tools::flatten(&fields, &mut read);
            }
            Form::Pairs => read.fill_from_form(content_type, body),
        }
        tools::unwrap(&mut read);
        read.entries.truncate(MAX_FIELDS);
        Ok(read)
    }

    /// Whether a body may be stored at all.
    ///
    /// # Errors
    /// [`Unacceptable`] if it has more of something than it may, or holds what no form sends.
    pub(crate) fn check(content_type: Option<&str>, body: &Bytes) -> Result<(), Unacceptable> {
        const NUL: Unacceptable = Unacceptable::Broken("it holds a NUL character");
        const MANY: Unacceptable = Unacceptable::TooMuch("it has more than 128 fields");
        let body = &in_utf8(content_type, body);
        let mut read = Self::default();
        match Form::of(content_type, body) {
            Form::Parts(boundary) => read.fill_from_parts(boundary, body)?,
            Form::Json | Form::Pairs if body.contains(&0) => return Err(NUL),
            Form::Json => {
                let json = serde_json::from_slice::<Value>(body);
                if json.is_ok_and(|json| is_wide(&json)) {
                    return Err(MANY);
                }
                match Fields::read(content_type, body, |_| true) {
                    Ok(fields) => tools::flatten(&fields, &mut read),
                    // What cannot be read is stored all the same, and a person looks at it.
                    Err(_) => return Ok(()),
                }
            }
            Form::Pairs => read.fill_from_form(content_type, body),
        }
        let values = || read.entries.iter().flat_map(|entry| &entry.values);
        if values().any(|value| value.contains('\0')) {
            return Err(NUL);
        }
        if read.is_long {
            return Err(Unacceptable::TooMuch("a field is longer than 16 KiB"));
        }
        if read.entries.len() > MAX_FIELDS {
            let is_full = read.entries.len() > MAX_NAMES;
            tools::unwrap(&mut read);
            if is_full || read.entries.len() > MAX_FIELDS {
                return Err(MANY);
            }
        }
        Ok(())
    }

    /// Whether a body is one that can be read, where its type does not say so: JSON, or names and values.
    pub(crate) fn is_a_form(content_type: Option<&str>, body: &Bytes) -> bool {
        let body = &in_utf8(content_type, body);
        match Form::of(content_type, body) {
            Form::Parts(boundary) => !boundary.is_empty(),
            Form::Json => true,
            Form::Pairs => is_pairs(body),
        }
    }

    /// The first value of a field of exactly this name.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        let found = self.entries.iter().find(|entry| entry.name == name)?;
        let value = found.values.first()?.trim();
        (!value.is_empty()).then_some(value)
    }

    /// A hash of what it says, whatever its type, without the fields of these names.
    pub(crate) fn hash(&self, without: &[&str]) -> String {
        let mut hash = Sha256::new();
        let counted = |entry: &&Entry| !without.contains(&entry.name.as_str());
        for entry in self.entries.iter().filter(counted) {
            for text in [entry.name.as_str(), &entry.joined()] {
                hash.update(text.len().to_be_bytes());
                hash.update(text);
            }
        }
        for file in &self.files {
            hash.update(&file.sha256);
        }
        hex::encode(hash.finalize()).chars().take(32).collect()
    }

    /// Adds a value to a field.
    pub(crate) fn add(&mut self, name: &str, value: impl Into<String>) {
        let is_list = name.ends_with("[]");
        let name = name.strip_suffix("[]").unwrap_or(name);
        let name: String = name.chars().take(MAX_NAME).collect();
        let mut value = value.into();
        let most = if name == RAW {
            MAX_RAW_BYTES
        } else {
            MAX_VALUE_BYTES
        };
        if value.len() > most {
            value.truncate(value.floor_char_boundary(most));
            self.unread.push(name.clone());
            self.is_long = true;
        }
        let has_room = self.entries.len() <= MAX_NAMES;
        match self.entries.iter_mut().find(|entry| entry.name == name) {
            // An unticked box is often sent as an empty field before the ticked one.
            Some(known) if known.values.len() < MAX_FIELDS => {
                if !is_list && known.values.iter().all(|value| value.trim().is_empty()) {
                    known.values.clear();
                }
                known.values.push(value);
            }
            Some(_) => {}
            None if has_room => self.entries.push(Entry::new(name, value)),
            None => {}
        }
    }

    /// A list of fields with their values, as a script makes it of a page's form; or one lead in a list of its own.
    fn fill_from_list(&mut self, content_type: Option<&str>, body: &[u8]) -> Result<(), ReadError> {
        let items = Fields::read_list(body, |_| true, MAX_FIELDS)?;
        if items.len() > 1 || items.iter().all(|item| item.get("value").is_some()) {
            let items: Vec<_> = items.into_iter().map(Field::Object).collect();
            if tools::pairs_within(&items, "", self) {
                return Ok(());
            }
        } else if let Some(lead) = items.first() {
            tools::flatten(lead, self);
            return Ok(());
        }
        // Several leads in one body are none that could be answered one by one: the fault says what is expected.
        Fields::read(content_type, body, |_| true).map(drop)
    }

    fn fill_from_form(&mut self, content_type: Option<&str>, body: &[u8]) {
        let pairs = || url::form_urlencoded::parse(body);
        let is_lost = |text: &str| text.contains(LOST);
        if mending::is_wide(body) || pairs().any(|(name, value)| is_lost(&name) || is_lost(&value))
        {
            let text = mending::decoded(content_type, body);
            for (name, value) in mending::form(content_type, &text) {
                if is_lost(&value) {
                    self.unread.push(name.chars().take(MAX_NAME).collect());
                }
                self.add(&name, value.replace(LOST, ""));
            }
            return;
        }
        for (name, value) in pairs() {
            self.add(&name, value);
        }
    }

    fn fill_from_parts(&mut self, boundary: String, body: &Bytes) -> Result<(), Unacceptable> {
        const BROKEN: Unacceptable = Unacceptable::Broken("its parts cannot be told apart");
        let whole = stream::iter([Ok::<_, std::convert::Infallible>(body.clone())]);
        let mut parts = multer::Multipart::new(whole, boundary);
        let mut part = 0;
        loop {
            // The body is in memory: nothing is ever waited for.
            let field = parts.next_field().now_or_never().ok_or(BROKEN)?;
            let Some(field) = field.map_err(|_| BROKEN)? else {
                return Ok(());
            };
            if part >= MAX_PARTS {
                return Err(Unacceptable::TooMuch("it has more than 64 parts"));
            }
            let name = field.name().unwrap_or_default().to_owned();
            let file_name = field.file_name().map(str::to_owned);
            let kind = field.content_type().map(ToString::to_string);
            let file_name = file_name.or_else(|| extended_name(field.headers()));
            let content = field.bytes().now_or_never().ok_or(BROKEN)?;
            let content = content.map_err(|_| BROKEN)?;
            if let Some(file_name) = file_name {
                self.take_file(&name, &file_name, content)?;
            } else {
                self.add_part(&name, kind.as_deref(), &content);
            }
            part += 1;
        }
    }

    /// A text of a multipart form. A page that is not in UTF-8 sends what a person wrote in its own encoding, and says so
    /// of no part.
    fn add_part(&mut self, name: &str, kind: Option<&str>, content: &[u8]) {
        // Of another encoding than UTF-16, which no form sends, NUL is none: it is refused before it is stored.
        if content.contains(&0) {
            self.add(name, String::from_utf8_lossy(content));
            return;
        }
        let text = mending::decoded(kind, content);
        if text.contains(LOST) {
            self.unread.push(name.chars().take(MAX_NAME).collect());
        }
        self.add(name, text.replace(LOST, ""));
    }

    fn take_file(&mut self, field: &str, name: &str, content: Bytes) -> Result<(), Unacceptable> {
        // A file that nobody chose comes as an empty part.
        if content.is_empty() {
            return Ok(());
        }
        if self.files.len() >= MAX_FILES {
            return Err(Unacceptable::TooMuch("it has more than 5 files"));
        }
        self.files.push(FilePart {
            field: field.chars().take(MAX_NAME).collect(),
            name: domain::text::line(&without_turns(name), MAX_NAME),
            kind: sniff::sniffed(&content),
            sha256: hex::encode(Sha256::digest(&content)),
            content,
        });
        Ok(())
    }
}

/// A file's name as RFC 5987 writes it, which some tools send alone: `filename*=UTF-8''K%C3%BCche.pdf`.
fn extended_name(headers: &http::HeaderMap) -> Option<String> {
    let disposition = headers.get(http::header::CONTENT_DISPOSITION)?;
    let disposition = String::from_utf8_lossy(disposition.as_bytes());
    let mut parameters = disposition.split(';').filter_map(|one| one.split_once('='));
    let (_, value) = parameters.find(|(name, _)| name.trim().eq_ignore_ascii_case("filename*"))?;
    // Its character set and language stand before it.
    let encoded = value.trim().splitn(3, '\'').nth(2)?;
    let mut bytes = Vec::with_capacity(encoded.len());
    let mut rest = encoded.as_bytes();
    while let [first, behind @ ..] = rest {
        let escaped = match (first, behind) {
            (b'%', [high, low, ..]) => hex::decode([*high, *low]).ok(),
            _ => None,
        };
        match escaped {
            Some(byte) => {
                bytes.extend(byte);
                rest = behind.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = behind;
            }
        }
    }
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// A name without the signs that turn the direction of writing: `gpj.exe` must not be shown as `exe.jpg`.
fn without_turns(name: &str) -> String {
    let is_turn = |c: char| matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    name.chars().filter(|c| !is_turn(*c)).collect()
}

/// How a body is written.
enum Form {
    /// Parts, with what stands between them. Empty: nothing says what does.
    Parts(String),
    Json,
    /// Names and values, urlencoded.
    Pairs,
}

impl Form {
    /// By its type, unless the body is plainly something else: senders leave the type out, or name one that they do not
    /// send.
    fn of(content_type: Option<&str>, body: &[u8]) -> Self {
        let is_multipart = content_type.is_some_and(|kind| {
            let kind = kind.trim_start();
            kind.get(..10)
                .is_some_and(|kind| kind.eq_ignore_ascii_case("multipart/"))
        });
        if is_multipart {
            let said = content_type.and_then(|kind| multer::parse_boundary(kind).ok());
            let boundary = said.or_else(|| boundary_within(body));
            return Self::Parts(boundary.unwrap_or_default());
        }
        if let Some(boundary) = boundary_within(body) {
            return Self::Parts(boundary);
        }
        match body.iter().find(|byte| byte.is_ascii_graphic()) {
            Some(b'{' | b'[') => Self::Json,
            // A type that promises JSON for what is a form.
            _ if is_said_to_be_json(content_type) && !is_pairs(body) => Self::Json,
            Some(_) | None => Self::Pairs,
        }
    }
}

fn is_said_to_be_json(content_type: Option<&str>) -> bool {
    content_type.is_some_and(|kind| kind.to_ascii_lowercase().contains("json"))
}

/// Whether it begins with a name and `=`, as a form does.
fn is_pairs(body: &[u8]) -> bool {
    const LONGEST: usize = 400;
    let is_sign = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~%+[]*!'()$@:/".contains(byte);
    let name = body.iter().take(LONGEST).take_while(|byte| is_sign(byte));
    let length = name.count();
    length > 0 && body.get(length) == Some(&b'=')
}

/// What stands between the parts of a multipart form, as its first line has it.
fn boundary_within(body: &[u8]) -> Option<String> {
    const LONGEST: usize = 70;
    let body = body.trim_ascii_start();
    let line = body.strip_prefix(b"--")?;
    let end = line
        .iter()
        .take(LONGEST + 2)
        .position(|byte| *byte == b'\n')?;
    let (boundary, rest) = line.split_at_checked(end)?;
    let boundary = boundary.trim_ascii_end();
    let is_sign = |byte: &u8| byte.is_ascii_graphic() || *byte == b' ';
    let head = rest.get(..200).unwrap_or(rest).to_ascii_lowercase();
    let is_part = head
        .windows(b"form-data".len())
        .any(|window| window == b"form-data");
    let is_boundary = (1..=LONGEST).contains(&boundary.len()) && boundary.iter().all(is_sign);
    let boundary = std::str::from_utf8(boundary).ok()?;
    (is_boundary && is_part).then(|| boundary.to_owned())
}

/// A body in UTF-16, in UTF-8; what begins with a mark, without it; and JSON that a script wrote into a text of JSON
/// once more, without that. Every other one as it is.
fn in_utf8(content_type: Option<&str>, body: &Bytes) -> Bytes {
    let body = if mending::is_wide(body) {
        Bytes::from(mending::decoded(content_type, body).into_owned())
    } else {
        body.clone()
    };
    let body = match body.strip_prefix(b"\xef\xbb\xbf") {
        Some(behind) => body.slice_ref(behind),
        None => body,
    };
    if body.trim_ascii_start().first() != Some(&b'"') {
        return body;
    }
    match serde_json::from_slice::<String>(&body) {
        Ok(within) if within.trim_start().starts_with(['{', '[']) => Bytes::from(within),
        Ok(_) | Err(_) => body,
    }
}

/// Whether an object has more members than are read of one.
fn is_wide(value: &Value) -> bool {
    match value {
        Value::Object(members) => members.len() > MAX_FIELDS || members.values().any(is_wide),
        Value::Array(items) => items.iter().any(is_wide),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// The scalar as text; none for lists and objects.
fn scalar(field: &Field<'_>) -> Option<String> {
    match field {
        Field::Text(text) => Some(text.trim().to_owned()),
        Field::Bool(flag) => Some(flag.to_string()),
        Field::List(_) | Field::Object(_) => None,
    }
}

#[cfg(test)]
mod tests;
