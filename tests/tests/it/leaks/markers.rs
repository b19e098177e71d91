//! Markers that stand for secrets and personal data, and the search for them in whatever form they come out.

use std::fmt;

use base64::{
    Engine as _, alphabet,
    engine::{GeneralPurpose, general_purpose::NO_PAD},
};
use rand::RngExt as _;

/// Random letters and digits that every marker of a story begins with.
const TAG_CHARS: usize = 10;
/// How much of a place is shown around a find.
const SHOWN_BEFORE: usize = 80;
const SHOWN_BEHIND: usize = 60;

/// The markers of one story. All but telephone numbers begin with one random tag, so that one search finds them all.
pub(super) struct Markers {
    tag: String,
    needles: Vec<Needle>,
}

/// A text in a form that it may come out in.
struct Needle {
    form: &'static str,
    text: String,
    /// Whether upper and lower case are the same.
    ignores_case: bool,
}

/// A marker where none may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Leak {
    /// How it was written.
    pub(super) form: &'static str,
    /// What stands around it.
    pub(super) excerpt: String,
}

impl fmt::Display for Leak {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: …{}…", self.form, self.excerpt)
    }
}

impl Markers {
    pub(super) fn new() -> Self {
        const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789";
        let mut rng = rand::rng();
        let tag: String =
            std::iter::repeat_with(|| char::from(LETTERS[rng.random_range(0..LETTERS.len())]))
                .take(TAG_CHARS)
                .collect();
        let tag = format!("zq{tag}");
        let needles = forms(&tag);
        Self { tag, needles }
    }

    /// The marker of this name: letters and digits, in lower case.
    pub(super) fn of(&self, name: &str) -> String {
        format!("{}{name}", self.tag)
    }

    /// Has something else looked for: a text that nobody made up for this story.
    pub(super) fn also(&mut self, text: &str) {
        self.needles.extend(forms(text));
    }

    /// A telephone number in E.164 form, which is looked for in the forms that people write.
    pub(super) fn phone(&mut self) -> String {
        let mut rng = rand::rng();
        let (exchange, line) = (rng.random_range(220..=899), rng.random_range(2_000..=9_999));
        // Numbers of three equal endings are services.
        let exchange = if exchange % 100 == 11 {
            exchange + 1
        } else {
            exchange
        };
        self.also(&format!("512{exchange}{line}"));
        for written in [
            format!("512-{exchange}-{line}"),
            format!("512) {exchange}-{line}"),
            format!("512 {exchange} {line}"),
            format!("512.{exchange}.{line}"),
        ] {
            self.needles.push(Needle {
                form: "as people write it",
                text: written,
                ignores_case: true,
            });
        }
        format!("+1512{exchange}{line}")
    }

    /// Every form in which a marker stands in `haystack`, each with its first place.
    pub(super) fn find(&self, haystack: &[u8]) -> Vec<Leak> {
        let text = String::from_utf8_lossy(haystack);
        let lower = text.to_ascii_lowercase();
        let leaks = self.needles.iter().filter_map(|needle| {
            let place = if needle.ignores_case {
                lower.find(&needle.text)
            } else {
                text.find(&needle.text)
            };
            Some(Leak {
                form: needle.form,
                excerpt: around(&text, place?, needle.text.len()),
            })
        });
        leaks.collect()
    }
}

/// What a text may look like. Whatever stands around it, it is found.
fn forms(text: &str) -> Vec<Needle> {
    let bytes = text.as_bytes();
    let each = |write: fn(u8) -> String, between: &str| {
        bytes
            .iter()
            .copied()
            .map(write)
            .collect::<Vec<_>>()
            .join(between)
    };
    let plain = [
        ("as it stands", text.to_ascii_lowercase()),
        ("in hexadecimal", hex::encode(bytes)),
        (
            "in hexadecimal with blanks",
            each(|byte| format!("{byte:02x}"), " "),
        ),
        ("percent-encoded", each(|byte| format!("%{byte:02x}"), "")),
        (
            "escaped as in JSON",
            each(|byte| format!("\\u{byte:04x}"), ""),
        ),
        (
            "escaped as in Rust",
            each(|byte| format!("\\x{byte:02x}"), ""),
        ),
        ("as a list of bytes", each(|byte| byte.to_string(), ", ")),
        (
            "as a list of bytes without blanks",
            each(|byte| byte.to_string(), ","),
        ),
    ];
    let needles = plain.into_iter().map(|(form, text)| Needle {
        form,
        text,
        ignores_case: true,
    });
    let in_base64 = [&alphabet::STANDARD, &alphabet::URL_SAFE]
        .into_iter()
        .flat_map(|letters| {
            let engine = GeneralPurpose::new(letters, NO_PAD);
            (0..3).map(move |shift| Needle {
                form: "in base64",
                text: base64_core(&engine, bytes, shift),
                ignores_case: false,
            })
        });
    needles.chain(in_base64).collect()
}

/// The letters that `bytes` always give in base64 when they begin `shift` bytes behind a border of three.
fn base64_core(engine: &GeneralPurpose, bytes: &[u8], shift: usize) -> String {
    let mut shifted = vec![0; shift];
    shifted.extend(bytes);
    let encoded = engine.encode(&shifted);
    let (from, to) = ((shift * 8).div_ceil(6), shifted.len() * 8 / 6);
    encoded.get(from..to).unwrap().to_owned()
}

fn around(text: &str, place: usize, length: usize) -> String {
    let bytes = text.as_bytes();
    let from = place.saturating_sub(SHOWN_BEFORE);
    let to = (place + length + SHOWN_BEHIND).min(bytes.len());
    String::from_utf8_lossy(&bytes[from..to]).replace('\n', " ⏎ ")
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
    use serde_json::json;

    use super::*;

    /// A log as it should be, with one line more.
    fn log(line: &str) -> String {
        let sound = json!({
            "timestamp": "2026-03-17T15:00:00.123456Z", "severity": "INFO", "message": "finished dispatch",
            "tenant.id": "tenant_demo", "request.id": "req_0199f3a100007000800000000000002a", "took_ms": 12,
        });
        format!("{sound}\n{line}\n{sound}\n")
    }

    #[test]
    fn a_sound_log_holds_no_marker() {
        let mut markers = Markers::new();
        markers.phone();
        assert_eq!(
            markers.find(log("listening on 127.0.0.1:8080").as_bytes()),
            []
        );
    }

    #[test]
    fn a_marker_is_found_in_every_form_wherever_it_begins() {
        let mut markers = Markers::new();
        let phone = markers.phone();
        let secret = markers.of("secret");
        let [area, exchange, line] = [2..5, 5..8, 8..12].map(|part| phone.get(part).unwrap());
        let spelled = |write: fn(u8) -> String| secret.bytes().map(write).collect::<String>();
        let mut doctored = vec![
            format!("a body: {secret}"),
            format!("a header: {}", secret.to_ascii_uppercase()),
            format!("/v1/hooks/{secret}/post-call"),
            json!({ "name": format!("Zoë \"{secret}\" Ünal") }).to_string(),
            format!("{:?}", format!("line\n{secret}\u{7}")),
            format!("{:?}", secret.as_bytes()),
            spelled(|byte| format!("%{byte:02X}")),
            spelled(|byte| format!("\\u{byte:04x}")),
            hex::encode_upper(format!("ab{secret}")),
            format!("called {phone}"),
            format!("called ({area}) {exchange}-{line}"),
            format!("called {area}-{exchange}-{line}"),
            STANDARD.encode(&phone),
        ];
        for padding in ["", "x", "xy", "xyz", "user:", "Token "] {
            let text = format!("{padding}{secret}??>");
            doctored.push(format!("basic {}", STANDARD.encode(&text)));
            doctored.push(format!("jwt e30.{}.x", URL_SAFE_NO_PAD.encode(&text)));
        }
        for line in doctored {
            assert_ne!(markers.find(log(&line).as_bytes()), [], "not found: {line}");
        }
    }

    #[test]
    fn a_find_says_how_and_where() {
        let markers = Markers::new();
        let found = markers
            .find(log(&format!("the key is {}, which is bad", markers.of("key"))).as_bytes());
        assert_eq!(found.len(), 1);
        assert!(found[0].to_string().contains("the key is"), "{}", found[0]);
    }

    #[test]
    fn what_else_is_looked_for_is_found_too() {
        let mut markers = Markers::new();
        markers.also("pat-na1-simulated");
        assert_eq!(markers.find(b"bearer PAT-NA1-SIMULATED-token").len(), 1);
    }
}
