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

/// An amount without its dollar sign and the commas between thousands; none where a comma is something else, as in
/// `1,5`.
pub(crate) fn plain_amount(written: &str) -> Option<String> {
    let written = written.trim().trim_start_matches('$').trim();
    let (whole, cents) = match written.split_once('.') {
        Some((whole, cents)) => (whole, Some(cents)),
        None => (written, None),
    };
    let mut groups = whole.split(',');
    let first = groups.next()?;
    let rest: Vec<_> = groups.collect();
    let are_thousands = (1..=3).contains(&first.len()) && rest.iter().all(|group| group.len() == 3);
    let has_comma = cents.is_some_and(|cents| cents.contains(','));
    if has_comma || !(rest.is_empty() || are_thousands) {
        return None;
    }
    let whole = whole.replace(',', "");
    Some(match cents {
        Some(cents) => format!("{whole}.{cents}"),
        None => whole,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_commas_between_thousands_are_left_out() {
        for (written, expected) in [
            ("$18,500.50", Some("18500.50")),
            ("1,234,567", Some("1234567")),
            (" $ 42 ", Some("42")),
            ("1,5", None),
            ("1,50", None),
            ("1234,567", None),
            ("1.5,0", None),
        ] {
            assert_eq!(plain_amount(written).as_deref(), expected, "{written}");
        }
    }

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
