//! Text from outside: bounded and stripped of what does harm in logs, mails and CRMs.

/// The first `max` characters of `text`, without control characters (line ends and tabs stay), marked with `…` when cut.
pub fn bounded(text: &str, max: usize) -> String {
    let mut clean: String = text
        .chars()
        .filter(|c| !c.is_control() || matches!(c, '\n' | '\t'))
        .take(max.saturating_add(1))
        .collect();
    if clean.chars().count() > max {
        clean = clean.chars().take(max.saturating_sub(1)).collect();
        clean.push('…');
    }
    clean
}

/// Without what turns or hides text on a screen: marks of direction and characters of no width.
pub fn harmless(text: &str) -> String {
    let is_harmful = |c: &char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{feff}');
    text.chars().filter(|c| !is_harmful(c)).collect()
}

/// A single line: [`bounded`], white space folded. Empty text is none.
pub fn line(text: &str, max: usize) -> Option<String> {
    let words = text
        .split_whitespace()
        .map(|word| word.replace(char::is_control, ""))
        .filter(|word| !word.is_empty());
    let clean = bounded(&words.collect::<Vec<_>>().join(" "), max);
    (!clean.is_empty()).then_some(clean)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_text_is_cut_between_characters() {
        assert_eq!(bounded("ééééé", 3), "éé…");
        assert_eq!(bounded("abc", 3), "abc");
    }

    #[test]
    fn control_characters_are_dropped() {
        assert_eq!(bounded("a\u{0}b\u{1b}[31mc\nd", 50), "ab[31mc\nd");
        assert_eq!(line("  a \n b\t c ", 50), Some("a b c".to_owned()));
        assert_eq!(line(" \n ", 50), None);
        assert_eq!(
            line(" \u{1} \u{0}a \u{1} b\u{7f} ", 50),
            Some("a b".to_owned())
        );
        assert_eq!(line("\u{1} \u{1}", 50), None);
    }
}
