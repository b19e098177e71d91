//! A body, JSON or form, as far as a source wants to know it.
//!
//! One pass: members that nobody asked for are skipped without being kept. The first of two members of one name
//! counts, which is why these are not structs that serde derives: those refuse a body that names a member twice, and
//! its provider would not send it again.
//!
//! A body that is broken is mended and read once more: what is lost of it is empty, and its name is kept.

use std::{borrow::Cow, collections::BTreeMap, fmt};

use domain::text;
use jiff::Timestamp;
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use crate::{
    ReadError,
    mending::{self, LOST},
};

/// The wanted members of an object or form.
#[derive(Debug, Default, PartialEq)]
pub struct Fields<'a> {
    members: Vec<(Cow<'a, str>, Field<'a>)>,
    /// Whether there are members that nobody wanted.
    has_others: bool,
    /// What was wrong with a body that had to be mended. Boxed, because it is rare and there are many objects.
    mending: Option<Box<Mending>>,
}

#[derive(Debug, Default, PartialEq)]
struct Mending {
    /// Names of wanted members.
    names: Vec<String>,
    is_cut: bool,
}

/// A member's value. Numbers are text: whether a sender quotes them means nothing.
#[derive(Debug, PartialEq)]
pub enum Field<'a> {
    /// Text, a number, or null as empty text.
    Text(Cow<'a, str>),
    /// A flag.
    Bool(bool),
    /// A list.
    List(Vec<Field<'a>>),
    /// An object, with those of its members that are wanted.
    Object(Fields<'a>),
}

/// Which members are wanted, by name, at every depth.
pub type Wanted = fn(&str) -> bool;

/// Members of an object that are kept; one with more is cut there.
const MAX_FIELDS: usize = 128;
/// Campaign tags among them: a link has as many as its author likes, and they must leave room for what counts.
const MAX_CAMPAIGN_TAGS: usize = 40;
/// Items of a list that are kept.
const MAX_ITEMS: usize = 500;

impl<'a> Fields<'a> {
    /// Reads a whole body. Only one that is broken is mended, and copied.
    ///
    /// # Errors
    /// [`ReadError`] if it is no object, whatever is mended. Anything that is not JSON is a form.
    pub fn read(
        content_type: Option<&str>,
        body: &'a [u8],
        wanted: Wanted,
    ) -> Result<Self, ReadError> {
        let members = Vec::with_capacity(MAX_FIELDS); // else it grows, and is copied, with every delivery
        let mut fields = Self {
            members,
            ..Self::default()
        };
        match fields.fill(content_type, body, wanted, usize::MAX) {
            Ok(()) => Ok(fields),
            Err(Fault::Broken(error)) => {
                Fields::mended_from(content_type, body, wanted, usize::MAX).ok_or(error)
            }
            Err(Fault::Other(error)) => Err(error),
        }
    }

    /// The first `enough` wanted members, or as many as can be read of the body.
    pub fn glimpse(
        content_type: Option<&str>,
        body: &'a [u8],
        wanted: Wanted,
        enough: usize,
    ) -> Self {
        let mut fields = Self::default();
        match fields.fill(content_type, body, wanted, enough) {
            Err(Fault::Broken(_)) if fields.members.len() < enough => {
                Fields::mended_from(content_type, body, wanted, enough).unwrap_or_default()
            }
            // Whatever ended it: what was read is kept, and all there is to know.
            Ok(()) | Err(_) => fields,
        }
    }

    /// Reads a JSON list of objects; those behind the `max`-th are skipped, and what is no object is skipped alone.
    ///
    /// # Errors
    /// [`ReadError`] if it is broken beyond mending, or a list of other things alone.
    pub fn read_list(body: &'a [u8], wanted: Wanted, max: usize) -> Result<Vec<Self>, ReadError> {
        match list(without_mark(body), wanted, max) {
            Err(Fault::Broken(error)) => {
                let mended = mending::mended(&mending::decoded(None, body));
                let objects = list(mended.json.as_bytes(), wanted, max).map_err(|_| error)?;
                Ok(objects
                    .into_iter()
                    .map(|object| object.into_mended(false))
                    .collect())
            }
            Err(Fault::Other(error)) => Err(error),
            Ok(objects) => Ok(objects),
        }
    }

    fn fill(
        &mut self,
        content_type: Option<&str>,
        body: &'a [u8],
        wanted: Wanted,
        enough: usize,
    ) -> Result<(), Fault> {
        let body = without_mark(body);
        if is_json(content_type, body) {
            self.fill_from_json(body, wanted, enough)
        } else if mending::is_wide(body) {
            Err(Fault::BROKEN_FORM)
        } else {
            let pairs = url::form_urlencoded::parse(body);
            // Bytes that are no UTF-8 show as this character.
            if self.fill_from_form(pairs, wanted, enough) {
                Err(Fault::BROKEN_FORM)
            } else {
                Ok(())
            }
        }
    }

    fn fill_from_json(
        &mut self,
        body: &'a [u8],
        wanted: Wanted,
        enough: usize,
    ) -> Result<(), Fault> {
        let mut json = serde_json::Deserializer::from_slice(body);
        let object = Object {
            fields: self,
            wanted,
            enough,
        };
        let read = json.deserialize_map(object).and_then(|()| json.end());
        read.map_err(|error| Fault::of(&error, "a JSON object"))
    }

    /// A name with `[]` behind it is a list. Returns whether something of what is kept is lost.
    fn fill_from_form(
        &mut self,
        pairs: impl Iterator<Item = (Cow<'a, str>, Cow<'a, str>)>,
        wanted: Wanted,
        enough: usize,
    ) -> bool {
        let mut is_lost = false;
        for (name, value) in pairs {
            let (name, is_list) = match name.strip_suffix("[]") {
                Some(name) => (Cow::Owned(name.to_owned()), true),
                None => (name, false),
            };
            if self.members.len() >= enough {
                break;
            }
            if !wanted(&name) {
                continue;
            }
            is_lost |= value.contains(LOST);
            let value = Field::Text(value);
            match self.members.iter_mut().find(|(known, _)| *known == name) {
                Some((_, Field::List(items))) if is_list && items.len() < MAX_ITEMS => {
                    items.push(value);
                }
                Some(_) => {}
                None if is_list => self.push(name, Field::List(vec![value])),
                None => self.push(name, value),
            }
        }
        is_lost
    }

    /// Reads a body that is broken, as far as it can be mended.
    fn mended_from(
        content_type: Option<&str>,
        body: &[u8],
        wanted: Wanted,
        enough: usize,
    ) -> Option<Fields<'static>> {
        let text = mending::decoded(content_type, body);
        let mut fields = Fields::default();
        if is_json(content_type, text.as_bytes()) {
            let mended = mending::mended(&text);
            let mut read = Fields::default();
            let end = read.fill_from_json(mended.json.as_bytes(), wanted, enough);
            if end.is_err() && read.members.len() < enough {
                return None;
            }
            fields = read.into_mended(mended.is_cut);
        } else {
            let pairs = mending::form(content_type, &text).into_iter();
            let pairs = pairs.map(|(name, value)| (name.into(), value.into()));
            fields.fill_from_form(pairs, wanted, enough);
            fields = fields.into_mended(false);
        }
        Some(fields)
    }

    /// The same without its body, and with what was lost empty.
    fn into_mended(self, is_cut: bool) -> Fields<'static> {
        let mut names = Vec::new();
        let mut members = Vec::with_capacity(self.members.len());
        for (name, field) in self.members {
            let name = name.into_owned();
            let mut is_mended = false;
            let field = field.into_mended(&mut is_mended);
            if is_mended {
                names.push(name.clone());
            }
            members.push((Cow::Owned(name), field));
        }
        Fields {
            members,
            has_others: self.has_others,
            mending: Some(Box::new(Mending { names, is_cut })),
        }
    }

    fn push(&mut self, name: Cow<'a, str>, value: Field<'a>) {
        let is_tag = |name: &str| name.starts_with("utm_");
        let tags = || self.members.iter().filter(|(name, _)| is_tag(name));
        let is_room = !is_tag(&name) || tags().count() < MAX_CAMPAIGN_TAGS;
        if is_room && self.members.len() < MAX_FIELDS {
            self.members.push((name, value));
        }
    }

    /// The names of members that could be read only in part, or not at all, because the body was broken there.
    pub fn mended(&self) -> &[String] {
        self.mending.as_ref().map_or(&[], |mending| &mending.names)
    }

    /// Whether the body ended before it was whole: what is missing may be anything.
    pub fn is_cut(&self) -> bool {
        self.mending.as_ref().is_some_and(|mending| mending.is_cut)
    }

    /// A member.
    pub fn get(&self, name: &str) -> Option<&Field<'a>> {
        self.members
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, field)| field)
    }

    /// The members of an object; none if it is missing.
    pub fn object(&self, name: &str) -> &Self {
        const NOTHING: &Fields<'static> = &Fields {
            members: Vec::new(),
            has_others: false,
            mending: None,
        };
        match self.get(name) {
            Some(Field::Object(fields)) => fields,
            _ => NOTHING,
        }
    }

    /// A text that is not empty, trimmed.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name)?.text()
    }

    /// The first of these texts that is not empty, on one line of at most `max` characters.
    pub fn line(&self, names: &[&str], max: usize) -> Option<String> {
        let raw = names.iter().find_map(|name| self.text(name))?;
        line(raw, max)
    }

    /// The first of these ids that is not empty: 1 to 200 visible ASCII characters.
    ///
    /// # Errors
    /// [`ReadError`] if there is none, or it cannot be an id.
    pub fn id(&self, names: &'static [&'static str]) -> Result<&str, ReadError> {
        let mut said = names.iter().filter(|name| self.has(name));
        let field = said.next().ok_or(ReadError::Missing { fields: names })?;
        let is_id = |id: &&str| id.len() <= 200 && id.bytes().all(|byte| byte.is_ascii_graphic());
        self.text(field).filter(is_id).ok_or(ReadError::BadId {
            field,
            expected: "1 to 200 visible ASCII characters",
        })
    }

    /// A time as RFC 3339 writes it.
    pub fn time(&self, name: &str) -> Option<Timestamp> {
        self.text(name)?.parse().ok()
    }

    /// The texts of these names, each on one line of at most `max` characters.
    pub fn lines(&self, is_wanted: Wanted, max: usize) -> BTreeMap<String, String> {
        const MAX_LINES: usize = 40;
        self.texts()
            .filter(|(name, _)| is_wanted(name))
            .filter_map(|(name, raw)| Some((line(name, 100)?, line(raw, max)?)))
            .take(MAX_LINES)
            .collect()
    }

    /// A flag, also one that is written out.
    pub fn flag(&self, name: &str) -> Option<bool> {
        match self.get(name)? {
            Field::Bool(flag) => Some(*flag),
            field => field.text()?.parse().ok(),
        }
    }

    /// Whether a member is there and says something.
    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some_and(Field::says_something)
    }

    /// Every wanted member with its name, in the order in which they came.
    pub fn members(&self) -> impl Iterator<Item = (&str, &Field<'a>)> {
        self.members
            .iter()
            .map(|(name, field)| (name.as_ref(), field))
    }

    /// Every text that is not empty with its name, in the order in which they came.
    pub fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.members
            .iter()
            .filter_map(|(name, field)| Some((name.as_ref(), field.text()?)))
    }
}

impl<'a> Field<'a> {
    /// A text that is not empty, trimmed.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text.trim()).filter(|text| !text.is_empty()),
            Self::Bool(_) | Self::List(_) | Self::Object(_) => None,
        }
    }

    /// The items of a list; anything else has none.
    pub fn items(&self) -> &[Self] {
        match self {
            Self::List(items) => items,
            Self::Text(_) | Self::Bool(_) | Self::Object(_) => &[],
        }
    }

    /// Whether there is anything in it.
    pub fn says_something(&self) -> bool {
        match self {
            Self::Text(text) => !text.trim().is_empty(),
            Self::Bool(_) => true,
            Self::List(items) => items.iter().any(Self::says_something),
            Self::Object(fields) => !fields.members.is_empty() || fields.has_others,
        }
    }

    /// The same without its body, and with texts of which nothing is left empty.
    fn into_mended(self, is_mended: &mut bool) -> Field<'static> {
        match self {
            Self::Text(text) if text.contains(LOST) => {
                *is_mended = true;
                let is_lost = text.chars().all(|c| c == LOST || c.is_whitespace());
                Field::Text(if is_lost {
                    "".into()
                } else {
                    text.into_owned().into()
                })
            }
            Self::Text(text) => Field::Text(text.into_owned().into()),
            Self::Bool(flag) => Field::Bool(flag),
            Self::List(items) => {
                let items = items.into_iter();
                Field::List(items.map(|item| item.into_mended(is_mended)).collect())
            }
            Self::Object(fields) => {
                let fields = fields.into_mended(false);
                *is_mended |= !fields.mended().is_empty();
                Field::Object(fields)
            }
        }
    }

    fn into_object(self) -> Option<Fields<'a>> {
        match self {
            Self::Object(fields) => Some(fields),
            Self::Text(_) | Self::Bool(_) | Self::List(_) => None,
        }
    }
}

/// [`text::line`], which nearly every value is already.
pub(crate) fn line(raw: &str, max: usize) -> Option<String> {
    let is_line = raw.len() <= max
        && raw
            .bytes()
            .all(|byte| byte.is_ascii_graphic() || byte == b' ')
        && raw.trim_ascii() == raw
        && !raw.contains("  ");
    if is_line && !raw.is_empty() {
        Some(raw.to_owned())
    } else {
        text::line(raw, max)
    }
}

/// Without the byte order mark that some senders put before UTF-8.
fn without_mark(body: &[u8]) -> &[u8] {
    body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body)
}

/// The first visible character tells: a form's names never begin with a brace, which would be escaped there. So a body
/// is also understood if its type is missing or wrong.
fn is_json(content_type: Option<&str>, body: &[u8]) -> bool {
    match body.iter().find(|byte| byte.is_ascii_graphic()) {
        Some(b'{' | b'[') => true,
        Some(_) | None => {
            content_type.is_some_and(|kind| kind.to_ascii_lowercase().contains("json"))
        }
    }
}

/// The objects of a JSON list.
fn list<'a>(body: &'a [u8], wanted: Wanted, max: usize) -> Result<Vec<Fields<'a>>, Fault> {
    const EXPECTED: &str = "a JSON list of objects";
    let value = Value {
        max_items: max,
        ..Value::wanted(wanted)
    };
    let mut json = serde_json::Deserializer::from_slice(body);
    let read = value.deserialize(&mut json);
    let read = read.and_then(|value| json.end().map(|()| value));
    let objects = match read.map_err(|error| Fault::of(&error, EXPECTED))? {
        Field::List(items) => {
            let is_empty = items.is_empty();
            let objects: Vec<_> = items.into_iter().filter_map(Field::into_object).collect();
            (is_empty || !objects.is_empty()).then_some(objects)
        }
        _ => None,
    };
    objects.ok_or(Fault::Other(ReadError::Shape { expected: EXPECTED }))
}

/// Why the strict reading ended.
enum Fault {
    /// The text is at fault: mended, it may be readable.
    Broken(ReadError),
    /// The text is sound, and something else; or there is enough.
    Other(ReadError),
}

impl Fault {
    /// Never shown: a mended form is always one.
    const BROKEN_FORM: Self = Self::Broken(ReadError::Shape { expected: "a form" });

    fn of(error: &serde_json::Error, expected: &'static str) -> Self {
        match error.classify() {
            serde_json::error::Category::Data => Self::Other(ReadError::Shape { expected }),
            serde_json::error::Category::Io
            | serde_json::error::Category::Syntax
            | serde_json::error::Category::Eof => Self::Broken(ReadError::Json {
                line: error.line(),
                column: error.column(),
            }),
        }
    }
}

/// Reads an object into fields that outlive a fault, and the error that ends it when there are enough.
struct Object<'f, 'a> {
    fields: &'f mut Fields<'a>,
    wanted: Wanted,
    enough: usize,
}

impl<'de> Visitor<'de> for Object<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        while let Some(Name(name)) = members.next_key()? {
            if !(self.wanted)(&name) || self.fields.get(&name).is_some() {
                self.fields.has_others = true;
                members.next_value_seed(Value::SKIPPED)?;
                continue;
            }
            let value = members.next_value_seed(Value::wanted(self.wanted))?;
            self.fields.push(name, value);
            if self.fields.members.len() >= self.enough {
                return Err(A::Error::custom("that is enough"));
            }
        }
        Ok(())
    }
}

/// A member's name, borrowed where it has no escapes.
#[derive(serde::Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

/// Reads a value, and keeps of it what is wanted.
struct Value {
    wanted: Wanted,
    max_items: usize,
    is_kept: bool,
}

impl Value {
    /// For a value that nobody asked for. Unlike serde's `IgnoredAny`, it is held to the depth that JSON may have here.
    const SKIPPED: Self = Self {
        wanted: |_| false,
        max_items: 0,
        is_kept: false,
    };

    fn wanted(wanted: Wanted) -> Self {
        Self {
            wanted,
            max_items: MAX_ITEMS,
            is_kept: true,
        }
    }

    fn text<'de, E>(&self, text: impl FnOnce() -> String) -> Result<Field<'de>, E> {
        let text = if self.is_kept { text() } else { String::new() };
        Ok(Field::Text(text.into()))
    }
}

impl<'de> DeserializeSeed<'de> for Value {
    type Value = Field<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Value {
    type Value = Field<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Field<'de>, E> {
        Ok(Field::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Field<'de>, E> {
        self.text(|| value.to_string())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Field<'de>, E> {
        self.text(|| value.to_string())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Field<'de>, E> {
        self.text(|| value.to_string())
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Field<'de>, E> {
        Ok(Field::Text(value.into()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Field<'de>, E> {
        self.text(|| value.to_owned())
    }

    fn visit_unit<E>(self) -> Result<Field<'de>, E> {
        Ok(Field::Text("".into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Field<'de>, A::Error> {
        let mut items = Vec::new();
        while items.len() < self.max_items {
            match sequence.next_element_seed(Self::wanted(self.wanted))? {
                Some(item) => items.push(item),
                None => return Ok(Field::List(items)),
            }
        }
        while sequence.next_element_seed(Self::SKIPPED)?.is_some() {}
        Ok(Field::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Field<'de>, A::Error> {
        let mut fields = Fields::default();
        let object = Object {
            fields: &mut fields,
            wanted: self.wanted,
            enough: usize::MAX,
        };
        object.visit_map(members)?;
        Ok(Field::Object(fields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NESTED: &[u8] = br#"{"event": "created", "payload": {"uri": "a/1", "uri": "a/2", "skipped": {"uri": [1]},
        "guest": {"name": " Dana ", "is_new": true}, "answers": [{"answer": "spring"}, {"answer": 7}, "x", null]}}"#;

    fn read(wanted: Wanted) -> Fields<'static> {
        Fields::read(None, NESTED, wanted).unwrap()
    }

    #[test]
    fn objects_within_objects_are_read() {
        let body = read(|_| true);
        let payload = body.object("payload");
        assert_eq!(payload.id(&["uri"]), Ok("a/1"), "the first counts");
        let guest = payload.object("guest");
        assert_eq!(
            guest.line(&["full_name", "name"], 3).as_deref(),
            Some("Da…")
        );
        assert_eq!(guest.flag("is_new"), Some(true));
        assert_eq!(body.object("event"), &Fields::default());
        assert_eq!(body.object("no-such").object("guest"), &Fields::default());
        let answers = payload.get("answers").unwrap().items().iter();
        let answers: Vec<_> = answers
            .filter_map(|answer| match answer {
                Field::Object(answer) => answer.text("answer"),
                answer => answer.text(),
            })
            .collect();
        assert_eq!(answers, ["spring", "7", "x"]);
    }

    #[test]
    fn what_nobody_wants_is_skipped_at_every_depth() {
        let body = read(|name| ["payload", "guest", "name"].contains(&name));
        assert_eq!(body.get("event"), None);
        let payload = body.object("payload");
        assert_eq!(payload.object("guest").text("name"), Some("Dana"));
        assert_eq!(payload.members.len(), 1);
    }

    #[test]
    fn objects_and_lists_are_cut() {
        let members: Vec<_> = (0..500)
            .map(|n| format!(r#""m{n}": {{"m": [{n}]}}"#))
            .collect();
        let body = format!(
            r#"{{"x": {{{}}}, "y": [{}]}}"#,
            members.join(","),
            "1,".repeat(500) + "1"
        );
        let fields = Fields::read(None, body.as_bytes(), |_| true).unwrap();
        assert_eq!(fields.object("x").members.len(), MAX_FIELDS);
        assert_eq!(fields.get("y").unwrap().items().len(), MAX_ITEMS);
        let list = format!("[{}, 7]", vec!["{}"; 5_000].join(","));
        let list = Fields::read_list(list.as_bytes(), |_| true, 5_000).unwrap();
        assert_eq!(list.len(), 5_000, "what is behind it is skipped");
    }

    #[test]
    fn depth_is_bounded_wherever_it_is() {
        let deep = "[".repeat(10_000);
        for body in [
            format!(r#"{{"id": 7, "x": {deep}"#),
            format!(r#"{{"id": 7, "wanted": {{"x": {deep}"#),
        ] {
            let read = Fields::read(None, body.as_bytes(), |name| name != "x").unwrap();
            assert_eq!((read.id(&["id"]), read.is_cut()), (Ok("7"), true));
        }
        let read = Fields::read(None, deep.as_bytes(), |_| true);
        assert_eq!(
            read,
            Err(ReadError::Shape {
                expected: "a JSON object"
            })
        );
    }

    #[test]
    fn what_is_lost_is_empty_and_named() {
        let body = r#"{"lost": NaN, "half": "Ren\u00e9e \ud83d", "whole": "x", "in": [{"a": "b\ud83d"}], "id": 7}"#;
        let fields = Fields::read(None, body.as_bytes(), |_| true).unwrap();
        assert_eq!(fields.mended(), ["lost", "half", "in"]);
        assert_eq!(fields.text("half"), Some("Renée \u{fffd}"));
        assert!(!fields.has("lost") && !fields.is_cut());
        assert_eq!(fields.id(&["lost", "id"]), Ok("7"));
        let sound = Fields::read(None, b"id=7&name=Ren%C3%A9e", |_| true).unwrap();
        assert_eq!(
            (sound.text("name"), sound.mended().len()),
            (Some("Renée"), 0)
        );
        // A character that nobody asked for is not worth mending.
        let form = b"id=7&name=Ren%E9e&other=%ff";
        let fields = Fields::read(None, form, |name| name != "other").unwrap();
        assert_eq!(fields.text("name"), Some("Renée"));
    }

    #[test]
    fn campaign_tags_leave_room_for_what_counts() {
        let tags: Vec<_> = (0..500).map(|n| format!("utm_{n}=x")).collect();
        let form = format!("{}&id=7", tags.join("&"));
        let fields = Fields::read(None, form.as_bytes(), |_| true).unwrap();
        assert_eq!(fields.id(&["id"]), Ok("7"));
        assert_eq!(fields.members.len(), MAX_CAMPAIGN_TAGS + 1);
    }

    #[test]
    fn an_empty_member_says_nothing() {
        let body = br#"{"a": {}, "b": [], "c": [null, ""], "d": {"other": 1}, "e": [{"x": 0}], "f": false, "g": " "}"#;
        let fields = Fields::read(None, body, |name| name != "other").unwrap();
        let said = ["a", "b", "c", "d", "e", "f", "g"].map(|name| fields.has(name));
        assert_eq!(said, [false, false, false, true, true, true, false]);
    }

    #[test]
    fn a_byte_order_mark_says_nothing() {
        let marked = "\u{feff}{\"id\": 7}";
        let fields = Fields::read(None, marked.as_bytes(), |_| true).unwrap();
        assert_eq!(fields.id(&["id"]), Ok("7"));
        let marked = Fields::read_list("\u{feff}[{}]".as_bytes(), |_| true, 9);
        assert_eq!(marked.map(|list| list.len()), Ok(1));
        let twice = "\u{feff}\u{feff}\u{a0}{\"id\": 7}";
        let fields = Fields::read(None, twice.as_bytes(), |_| true).unwrap();
        assert_eq!(fields.id(&["id"]), Ok("7"));
    }

    #[test]
    fn a_broken_list_is_read_as_far_as_it_goes() {
        let body = r#"[{"id": 1, "at": 1e999}, {"id": 2, "text": "\ud83d"}, {"id": 3, "te"#;
        let objects = Fields::read_list(body.as_bytes(), |_| true, 9).unwrap();
        let ids: Vec<_> = objects
            .iter()
            .filter_map(|object| object.text("id"))
            .collect();
        assert_eq!(ids, ["1", "2", "3"]);
    }

    #[test]
    fn an_id_is_visible_and_short() {
        let error = |body: &str| {
            let fields = Fields::read(None, body.as_bytes(), |_| true).unwrap();
            fields.id(&["uri", "id"]).unwrap_err().to_string()
        };
        assert_eq!(
            error("{}"),
            "the body names nothing: `uri`, `id` are missing or empty"
        );
        for bad in [
            r#"{"uri": "a b"}"#,
            r#"{"uri": "é"}"#,
            r#"{"uri": {"a": 1}}"#,
        ] {
            assert_eq!(
                error(bad),
                "`uri` is not an id: expected 1 to 200 visible ASCII characters"
            );
        }
        let long = format!(r#"{{"uri": "", "id": "{}"}}"#, "7".repeat(201));
        assert!(error(&long).starts_with("`id` is not an id"));
    }
}
