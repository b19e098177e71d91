//! Bodies that are nearly what they should be: text in another encoding, JSON with a fault in it.
//!
//! Only asked when the strict reading failed. A provider that does not resend is better understood with one value
//! missing than not at all. What could not be understood becomes [`LOST`], so that the reader can tell which value it
//! was.

use std::{borrow::Cow, str::Chars};

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};
use percent_encoding::percent_decode;

/// Stands for what could not be understood.
pub(crate) const LOST: char = char::REPLACEMENT_CHARACTER;

/// Values within values that are kept; those that are deeper are lost. The strict reading allows for 127.
const MAX_DEPTH: usize = 100;

/// The body as text: by its byte order mark, else by what its bytes can only be, else by the charset of its content
/// type. What fits nowhere is [`LOST`].
pub(crate) fn decoded<'a>(content_type: Option<&str>, body: &'a [u8]) -> Cow<'a, str> {
    if let Some((encoding, mark)) = Encoding::for_bom(body) {
        let text = body.get(mark..).unwrap_or_default();
        return encoding.decode_without_bom_handling(text).0;
    }
    if let Some(encoding) = wide(body) {
        return encoding.decode_without_bom_handling(body).0;
    }
    // Text in another encoding is hardly ever valid UTF-8 by accident, while senders often name a charset that they do
    // not send.
    match std::str::from_utf8(body) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => {
            narrow(content_type, body)
                .decode_without_bom_handling(body)
                .0
        }
    }
}

/// Whether it is UTF-16.
pub(crate) fn is_wide(body: &[u8]) -> bool {
    matches!(body, [0xff, 0xfe, ..] | [0xfe, 0xff, ..]) || wide(body).is_some()
}

/// UTF-16 without a mark: both JSON and forms begin with ASCII.
fn wide(body: &[u8]) -> Option<&'static Encoding> {
    match body {
        [first, 0, second, 0, ..] if *first != 0 && *second != 0 => Some(UTF_16LE),
        [0, first, 0, second, ..] if *first != 0 && *second != 0 => Some(UTF_16BE),
        _ => None,
    }
}

/// What bytes are that are not valid UTF-8.
fn narrow(content_type: Option<&str>, body: &[u8]) -> &'static Encoding {
    let named = content_type
        .and_then(charset)
        .and_then(|label| Encoding::for_label(label.as_bytes()))
        .filter(|encoding| encoding.is_ascii_compatible());
    match named {
        Some(encoding) if encoding != UTF_8 => encoding,
        // Some of it is UTF-8, so a broken character is one, too.
        _ if has_utf8_sequence(body) => UTF_8,
        // A superset of Latin-1 but for control characters.
        _ => WINDOWS_1252,
    }
}

/// The charset of a content type, unquoted.
fn charset(content_type: &str) -> Option<&str> {
    content_type.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        let is_charset = name.trim().eq_ignore_ascii_case("charset");
        is_charset.then(|| value.trim().trim_matches(['"', '\'']))
    })
}

/// Whether a character of several bytes is in it.
fn has_utf8_sequence(body: &[u8]) -> bool {
    body.utf8_chunks().any(|chunk| !chunk.valid().is_ascii())
}

/// Names and values of a form whose percent-encoded bytes are not all UTF-8: in the charset of the content type, else
/// in what the bytes can only be.
pub(crate) fn form(content_type: Option<&str>, form: &str) -> Vec<(String, String)> {
    let plain = form.replace('+', " ");
    let bytes: Vec<u8> = percent_decode(plain.as_bytes()).collect();
    let encoding = match std::str::from_utf8(&bytes) {
        Ok(_) => UTF_8,
        Err(_) => narrow(content_type, &bytes),
    };
    let text = |raw: &str| {
        let bytes: Vec<u8> = percent_decode(raw.as_bytes()).collect();
        encoding.decode_without_bom_handling(&bytes).0.into_owned()
    };
    plain
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (text(name), text(value))
        })
        .collect()
}

/// JSON with its faults mended.
pub(crate) struct Mended {
    /// JSON that can be read, if an object or a list begins anywhere in the text.
    pub(crate) json: String,
    /// Whether the text ended within a value.
    pub(crate) is_cut: bool,
}

/// Mends JSON, one token at a time:
///
/// - half of a surrogate pair, an escape that is none, a number out of range and a word that is none of JSON's become
///   [`LOST`], as does a value that is cut off by the end, which would be another value;
/// - control characters within a text are kept, as escapes;
/// - numbers that JSON writes otherwise become texts, as which they are read anyway;
/// - a value that is missing becomes `null`, as do other languages' words for it;
/// - commas are written where they belong, and what is open at the end is closed;
/// - what stands before and behind the value is dropped.
pub(crate) fn mended(text: &str) -> Mended {
    let mut mender = Mender {
        json: String::with_capacity(text.len() + text.len() / 8),
        open: Vec::new(),
        last: Last::Open,
        skipped: 0,
        is_cut: false,
    };
    if let Some(begin) = text.find(['{', '['])
        && let Some((_, text)) = text.split_at_checked(begin)
    {
        mender.mend(text);
    }
    Mended {
        json: mender.json,
        is_cut: mender.is_cut,
    }
}

/// What was written last, within what is open.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Last {
    Open,
    Name,
    Colon,
    Value,
}

struct Mender {
    json: String,
    /// The closing characters of what is open.
    open: Vec<char>,
    last: Last,
    /// How many values are open that are too deep to be kept.
    skipped: usize,
    is_cut: bool,
}

impl Mender {
    fn mend(&mut self, text: &str) {
        let mut rest = text.chars();
        let mut before = rest.clone();
        while let Some(c) = rest.next() {
            match c {
                '"' => {
                    let value = text_at(&mut rest);
                    self.value(&value, true);
                }
                '{' | '[' => self.open(c),
                '}' | ']' => self.close(c),
                ':' if self.skipped == 0 && self.last == Last::Name => {
                    self.json.push(':');
                    self.last = Last::Colon;
                }
                ',' if self.skipped == 0 => self.complete(),
                ':' | ',' => {}
                c if c.is_whitespace() || c.is_control() || c == '\u{feff}' => {}
                _ => {
                    let value = word_at(before.as_str(), &mut rest);
                    self.value(&value, false);
                }
            }
            // What stands behind the value is no part of it.
            if self.open.is_empty() {
                return;
            }
            before = rest.clone();
        }
        self.is_cut = true;
        self.skipped = 0;
        while let Some(end) = self.open.last().copied() {
            self.close(end);
        }
    }

    /// Writes a name or a value, which is JSON already, unless it is too deep.
    fn value(&mut self, json: &str, is_text: bool) {
        if self.skipped > 0 {
            return;
        }
        if self.begin() == Last::Name && !is_text {
            self.json.push_str("\"\"");
        } else {
            self.json.push_str(json);
        }
    }

    /// A token begins: writes what is missing before it, and tells whether it is a name or a value.
    fn begin(&mut self) -> Last {
        let is_in_object = self.open.last() == Some(&'}');
        match self.last {
            Last::Value => self.json.push(','),
            Last::Name => self.json.push(':'),
            Last::Open | Last::Colon => {}
        }
        let is_name = is_in_object && matches!(self.last, Last::Open | Last::Value);
        self.last = if is_name { Last::Name } else { Last::Value };
        self.last
    }

    fn open(&mut self, c: char) {
        if self.skipped > 0 {
            self.skipped += 1;
            return;
        }
        if self.begin() == Last::Name {
            self.json.push_str("\"\":");
        }
        if self.open.len() == MAX_DEPTH {
            self.json.push_str(&lost());
            self.last = Last::Value;
            self.skipped = 1;
            return;
        }
        self.json.push(c);
        self.open.push(if c == '{' { '}' } else { ']' });
        self.last = Last::Open;
    }

    /// Gives a name that has no value one.
    fn complete(&mut self) {
        match self.last {
            Last::Name => self.json.push_str(":null"),
            Last::Colon => self.json.push_str("null"),
            Last::Open | Last::Value => return,
        }
        self.last = Last::Value;
    }

    /// Closes what is open up to `end`; what closes nothing is dropped.
    fn close(&mut self, end: char) {
        if self.skipped > 0 {
            self.skipped -= 1;
            return;
        }
        let Some(place) = self.open.iter().rposition(|open| *open == end) else {
            return;
        };
        self.complete();
        self.json.extend(self.open.drain(place..).rev());
        self.last = Last::Value;
    }
}

/// A number, a word of JSON, or what is neither, as JSON. `text` begins with it, `rest` is behind its first
/// character and moves behind its last.
fn word_at<'t>(text: &'t str, rest: &mut Chars<'t>) -> String {
    const ENDS: [char; 7] = ['"', '{', '}', '[', ']', ',', ':'];
    let is_end = |c: char| c.is_whitespace() || ENDS.contains(&c);
    let Some((word, behind)) = text.find(is_end).and_then(|end| text.split_at_checked(end)) else {
        *rest = "".chars();
        return lost();
    };
    *rest = behind.chars();
    match word.to_ascii_lowercase().as_str() {
        flag @ ("true" | "false") => flag.to_owned(),
        "null" | "none" | "nil" | "undefined" => "null".to_owned(),
        _ if serde_json::from_str::<f64>(word).is_ok() => word.to_owned(),
        _ if is_finite(word) => format!("\"{word}\""),
        _ => lost(),
    }
}

/// A text as JSON; `rest` is behind its opening quote, and moves behind the closing one.
fn text_at(rest: &mut Chars<'_>) -> String {
    let mut json = String::from('"');
    while let Some(c) = rest.next() {
        match c {
            '"' => {
                json.push('"');
                return json;
            }
            '\\' => escape(rest, &mut json),
            c if u32::from(c) < 0x20 => json.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => json.push(c),
        }
    }
    lost()
}

fn lost() -> String {
    format!("\"{LOST}\"")
}

/// Whether it is a number, though JSON would write it otherwise: `007`, `+5`, `.5`.
fn is_finite(word: &str) -> bool {
    let is_number = word
        .bytes()
        .all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b));
    is_number && word.parse::<f64>().is_ok_and(f64::is_finite)
}

/// An escape; `rest` is behind its backslash, and moves behind the escape.
fn escape(rest: &mut Chars<'_>, json: &mut String) {
    let mut behind = rest.clone();
    match behind.next() {
        Some('u') => {
            let Some(first) = unit(&mut behind) else {
                json.push(LOST);
                rest.next();
                return;
            };
            let mut further = behind.clone();
            let is_escape = further.next() == Some('\\') && further.next() == Some('u');
            let second = if is_escape { unit(&mut further) } else { None };
            let units = [Some(first), second].into_iter().flatten();
            match char::decode_utf16(units).next() {
                Some(Ok(c)) if c.len_utf16() == 2 => {
                    json.push(c);
                    *rest = further;
                }
                Some(Ok(c)) => {
                    json.push_str(&format!("\\u{:04x}", u32::from(c)));
                    *rest = behind;
                }
                Some(Err(_)) | None => {
                    json.push(LOST);
                    *rest = behind;
                }
            }
        }
        Some(c) if "\"\\/bfnrt".contains(c) => {
            json.push('\\');
            json.push(c);
            *rest = behind;
        }
        // The backslash means nothing: what it stands before is read as it is.
        Some(_) | None => {}
    }
}

/// Four hexadecimal digits.
fn unit(rest: &mut Chars<'_>) -> Option<u16> {
    let digits = rest.as_str().get(..4)?;
    let unit = digits
        .bytes()
        .all(|byte| byte.is_ascii_hexdigit())
        .then(|| u16::from_str_radix(digits, 16).ok())
        .flatten()?;
    *rest = rest.as_str().get(4..)?.chars();
    Some(unit)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn read(text: &str) -> Value {
        serde_json::from_str(&mended(text).json).unwrap()
    }

    #[test]
    fn what_is_broken_costs_no_more_than_itself() {
        for (broken, expected) in [
            (
                r#"{"a": "\ud83d and on", "b": "x"}"#,
                json!({"a": "\u{fffd} and on", "b": "x"}),
            ),
            (
                r#"{"a": "\udc00\ud83d\ude00"}"#,
                json!({"a": "\u{fffd}\u{1f600}"}),
            ),
            (r#"{"a": "\ud83d\u0041"}"#, json!({"a": "\u{fffd}A"})),
            (r#"{"a": "\u12"}"#, json!({"a": "\u{fffd}12"})),
            (r#"{"a": "\u+123"}"#, json!({"a": "\u{fffd}+123"})),
            (r#"{"a": "\u00e9\u0022"}"#, json!({"a": "é\""})),
            (
                r#"{"a": "\x41\"", "b": "\n"}"#,
                json!({"a": "x41\"", "b": "\n"}),
            ),
            ("{\"a\": \"b\u{0}c\nd\"}", json!({"a": "b\u{0}c\nd"})),
            ("{\u{0}\"a\":\u{b} 1}", json!({"a": 1})),
            (
                r#"{"a": 1e400, "b": -12.5, "c": true}"#,
                json!({"a": "\u{fffd}", "b": -12.5, "c": true}),
            ),
            (
                r#"{"a": 0078, "b": +5, "c": 5.}"#,
                json!({"a": "0078", "b": "+5", "c": "5."}),
            ),
            (
                r#"{"a": NaN, "b": -Infinity, "c": undefined}"#,
                json!({"a": "\u{fffd}", "b": "\u{fffd}", "c": null}),
            ),
            (r#"{"a": True, "b": None}"#, json!({"a": true, "b": null})),
            (r#"{"a":, "b": 1}"#, json!({"a": null, "b": 1})),
            (r#"{"a":}"#, json!({"a": null})),
            (r#"{"a", "b": 1}"#, json!({"a": null, "b": 1})),
            (r#"{"a" "b", "c": 1}"#, json!({"a": "b", "c": 1})),
            (r#"{"a": 1 "b": 2}"#, json!({"a": 1, "b": 2})),
            (r#"{,"a": [1,,2,],}"#, json!({"a": [1, 2]})),
            (
                r#"{"a": "He said "call me" now", "b": "x"}"#,
                json!({"a": "He said ", "": "\u{fffd}", " now": null, "b": "x"}),
            ),
            (r#"{"a": [1}, "b": 2}"#, json!({"a": [1]})),
            (r#"{"a": 1]}"#, json!({"a": 1})),
            (r#"{"a": 1} and more"#, json!({"a": 1})),
            ("\u{feff}\u{feff})]}'\n{\"a\": 1}", json!({"a": 1})),
        ] {
            let mended = mended(broken);
            assert!(!mended.is_cut, "{broken}");
            let value: Value = serde_json::from_str(&mended.json).unwrap();
            assert_eq!(value, expected, "{broken}");
        }
        for nothing in ["", "null", "7 and more", "\"text\""] {
            assert_eq!(mended(nothing).json, "");
        }
    }

    #[test]
    fn a_value_that_breaks_off_is_not_another_value() {
        for (cut, expected) in [
            (r#"{"a": {"b": "cut o"#, json!({"a": {"b": "\u{fffd}"}})),
            (r#"{"a": "cut \"#, json!({"a": "\u{fffd}"})),
            (r#"{"a": "cut \u00"#, json!({"a": "\u{fffd}"})),
            (r#"{"a": 12"#, json!({"a": "\u{fffd}"})),
            (r#"{"a": 12, "b"#, json!({"a": 12, "\u{fffd}": null})),
            (r#"{"a": 12, "b""#, json!({"a": 12, "b": null})),
            (r#"{"a": 12,"#, json!({"a": 12})),
            ("{", json!({})),
            ("[1, 2", json!([1, "\u{fffd}"])),
        ] {
            let mended = mended(cut);
            assert!(mended.is_cut, "{cut}");
            let value: Value = serde_json::from_str(&mended.json).unwrap();
            assert_eq!(value, expected, "{cut}");
        }
    }

    #[test]
    fn what_is_too_deep_is_lost_alone() {
        let (open, close) = ("[".repeat(50_000), "]".repeat(50_000));
        let deep = format!(r#"{{"a": {open}"x{{]", 7{close}, "b": 1}}"#);
        let value = read(&deep);
        assert_eq!(value["b"], json!(1));
        assert!(mended(&format!(r#"{{"a": {open}"#)).is_cut);
    }

    #[test]
    fn bytes_become_the_text_that_they_are() {
        let text = "{\"a\": \"é\"}";
        let wide = |encode: fn(u16) -> [u8; 2]| -> Vec<u8> {
            text.encode_utf16().flat_map(encode).collect()
        };
        let marked = |mark: &[u8], body: &[u8]| [mark, body].concat();
        let latin = b"{\"a\": \"\xe9\"}".to_vec();
        for (content_type, body) in [
            (None, text.as_bytes().to_vec()),
            (None, marked(b"\xef\xbb\xbf", text.as_bytes())),
            (None, marked(b"\xff\xfe", &wide(u16::to_le_bytes))),
            (None, marked(b"\xfe\xff", &wide(u16::to_be_bytes))),
            (None, wide(u16::to_le_bytes)),
            (None, wide(u16::to_be_bytes)),
            (None, latin.clone()),
            (Some("application/json; charset=utf-8"), latin.clone()),
            (Some("application/json; charset=ISO-8859-1"), latin.clone()),
            (Some("application/json; charset=\"windows-1252\""), latin),
            // A charset that is named and not sent.
            (
                Some("application/json; charset=latin1"),
                text.as_bytes().to_vec(),
            ),
            (
                Some("application/json; charset=utf-16"),
                text.as_bytes().to_vec(),
            ),
            (
                Some("application/json; charset=cp850x"),
                text.as_bytes().to_vec(),
            ),
        ] {
            assert_eq!(
                decoded(content_type, &body),
                text,
                "{content_type:?} {body:?}"
            );
        }
        assert_eq!(decoded(None, b"\"\x93caf\xe9\x94\""), "\"“café”\"");
        // Half a character among whole ones.
        assert_eq!(decoded(None, b"\xc3\xa9 \xc3"), "é \u{fffd}");
        let polish = Some("text/plain; charset=iso-8859-2");
        assert_eq!(decoded(polish, b"\xa3ucja"), "Łucja");
    }

    #[test]
    fn escaped_bytes_of_a_form_are_text_as_well() {
        let pairs = |raw: &str| form(None, raw);
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            pairs("name=Jos%E9+P%e9rez&&x&y=a%2Bb"),
            [pair("name", "José Pérez"), pair("x", ""), pair("y", "a+b")]
        );
        // One character is broken, and the others are UTF-8.
        assert_eq!(
            pairs("name=Jos%C3%A9&note=%C3%28%zz"),
            [pair("name", "José"), pair("note", "\u{fffd}(%zz")]
        );
    }

    proptest! {
        #[test]
        fn whatever_begins_an_object_becomes_one(text in r#"\{[\PC\x00-\x1f"\\u0-9a-fd:,\[\]{}]{0,200}"#) {
            prop_assert!(read(&text).is_object());
        }

        #[test]
        fn sound_json_keeps_its_values(text in any::<String>(), number in any::<i64>(), part in any::<i16>()) {
            let sound = json!({ "a": text, "b": [text, number, f64::from(part) / 4.0], (text.as_str()): null });
            let mended = mended(&sound.to_string());
            prop_assert!(!mended.is_cut);
            prop_assert_eq!(serde_json::from_str::<Value>(&mended.json).unwrap(), sound);
        }

        #[test]
        fn no_bytes_make_it_panic(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let text = decoded(Some("x; charset=shift_jis"), &body);
            drop((mended(&text).json, form(None, &text)));
        }
    }
}
