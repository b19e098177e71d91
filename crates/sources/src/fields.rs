//! A body, JSON or form, as far as a source wants to know it.
//!
//! One pass: members that nobody asked for are skipped without being kept. The first of two members of one name
//! counts, which is why these are not structs that serde derives: those refuse a body that names a member twice, and
//! its provider would not send it again.
//!
//! A body that is broken is mended and read once more: what is lost of it is empty, and its name is kept.

mod json;
#[cfg(test)]
mod tests;

use std::{borrow::Cow, collections::BTreeMap};

use domain::text;
use jiff::Timestamp;
use serde::de::Deserializer as _;

use self::json::{Fault, Object, list};
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
