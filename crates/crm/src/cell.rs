//! Cells: text of a lead where a spreadsheet may open it, since CRMs are exported to spreadsheets.
//!
//! Source: OWASP, "CSV Injection".

use domain::text;

/// The text, marked as text by an apostrophe if a spreadsheet would take it for a formula.
pub(crate) fn cell(text: impl Into<String>) -> String {
    let text = text.into();
    if is_formula(&text) {
        format!("'{text}")
    } else {
        text
    }
}

/// Whether a spreadsheet would run this text. Telephone numbers in E.164 begin with a `+` too; they are digits alone,
/// and harmless.
pub(crate) fn is_formula(text: &str) -> bool {
    text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'])
}

/// The beginning of a text, at most so many UTF-16 code units, and never half of a character.
pub(crate) fn cut(whole: &str, max: usize) -> String {
    let mut length = 0;
    let fits = |letter: &char| {
        length += letter.len_utf16();
        length <= max
    };
    let cut: String = whole.chars().take_while(fits).collect();
    text::bounded(&cut, cut.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_formula_becomes_text() {
        for (raw, expected) in [
            (
                "=HYPERLINK(\"http://evil\")",
                "'=HYPERLINK(\"http://evil\")",
            ),
            ("+1+1", "'+1+1"),
            ("-2", "'-2"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "'\t=1"),
            ("\r=1", "'\r=1"),
            ("＝1", "'＝1"),
            ("O'Neil", "O'Neil"),
            ("a=b", "a=b"),
            ("", ""),
        ] {
            assert_eq!(cell(raw), expected, "{raw:?}");
        }
    }
}
