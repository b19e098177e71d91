//! Words: text from outside made harmless, and ours as people read them.

use domain::text;

use crate::Lead;

/// A word of ours as people read it: `whole_home` is `Whole home`.
pub(crate) fn label(word: &str) -> String {
    let spaced = match word {
        "1_3_months" => "1–3 months".to_owned(),
        "3_6_months" => "3–6 months".to_owned(),
        "6_plus_months" => "6 months or more".to_owned(),
        other => other.replace('_', " "),
    };
    let mut letters = spaced.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

/// One line of text from outside.
pub(crate) fn line(raw: &str) -> Option<String> {
    text::line(&harmless(raw), Lead::MAX_LINE - 1).map(not_a_formula)
}

/// Text from outside that keeps its lines.
pub(crate) fn paragraphs(raw: &str, max: usize) -> Option<String> {
    let clean = text::bounded(harmless(raw).trim(), max);
    (!clean.is_empty()).then(|| not_a_formula(clean))
}

/// Without what turns or hides text on the screen: marks of direction and characters of no width.
pub(crate) fn harmless(raw: &str) -> String {
    const INVISIBLE: [char; 2] = ['\u{200b}', '\u{feff}'];
    raw.chars()
        .filter(|c| {
            !matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}')
                && !INVISIBLE.contains(c)
        })
        .collect()
}

/// Text that a spreadsheet would take for a formula is marked as text by an apostrophe, since CRMs are exported to
/// spreadsheets.
///
/// Source: OWASP, "CSV Injection".
fn not_a_formula(clean: String) -> String {
    if is_formula(&clean) {
        format!("'{clean}")
    } else {
        clean
    }
}

pub(crate) fn is_formula(text: &str) -> bool {
    text.starts_with(['=', '+', '-', '@', '\t', '＝', '＋', '－', '＠'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_spreadsheet_would_run_is_marked_as_text() {
        for (raw, expected) in [
            (
                "=HYPERLINK(\"http://evil\")",
                "'=HYPERLINK(\"http://evil\")",
            ),
            ("+1+1", "'+1+1"),
            ("-2", "'-2"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "'=1"),
            ("＝1", "'＝1"),
            ("O'Neil", "O'Neil"),
            ("a=b", "a=b"),
            ("<script>alert(1)</script>", "<script>alert(1)</script>"),
            ("a\u{202e}b\u{200b}c\u{0}d", "abcd"),
        ] {
            assert_eq!(line(raw).unwrap(), expected, "{raw:?}");
        }
    }

    #[test]
    fn words_are_told_as_people_say_them() {
        assert_eq!(label("whole_home"), "Whole home");
        assert_eq!(label("1_3_months"), "1–3 months");
        for word in domain::Timeline::WORDS {
            assert!(!label(word).contains('_'), "{word}");
        }
    }
}
