//! Text from outside: bounded and stripped of what does harm in logs, mails and CRMs.

use icu_normalizer::DecomposingNormalizerBorrowed;

/// The first `max` characters of `text`, without control characters (line ends and tabs stay), marked with `…` when cut.
pub fn bounded(text: &str, max: usize) -> String {
    let is_kept = |c: &char| !c.is_control() || matches!(c, '\n' | '\t');
    // Most text is short and clean. No text has more characters than bytes.
    if text.len() <= max && text.chars().all(|c| is_kept(&c)) {
        return text.to_owned();
    }
    let mut clean: String = text
        .chars()
        .filter(is_kept)
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
    if text.is_ascii() {
        return text.to_owned();
    }
    let is_harmful = |c: &char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{feff}');
    text.chars().filter(|c| !is_harmful(c)).collect()
}

/// Whether nobody sees it: white space, control characters, marks of direction and characters of no width.
pub fn is_unseen(c: char) -> bool {
    c.is_whitespace()
        || c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// Without what nobody sees at its ends: it came along when the text was copied.
pub fn without_unseen_ends(text: &str) -> &str {
    text.trim_matches(is_unseen)
}

/// Without case, accents, and differences of width: what two spellings of one text have in common.
pub fn folded(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let decomposed = DecomposingNormalizerBorrowed::new_nfkd().normalize(text);
    decomposed
        .chars()
        .filter(|c| !is_mark(*c))
        .flat_map(char::to_lowercase)
        .collect()
}

/// Accents, points and other marks that belong to the letter before them.
const fn is_mark(c: char) -> bool {
    matches!(c,
        '\u{0300}'..='\u{036f}' | '\u{0483}'..='\u{0487}' | '\u{0591}'..='\u{05bd}' | '\u{064b}'..='\u{065f}'
        | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}' | '\u{3099}' | '\u{309a}'
        | '\u{fe20}'..='\u{fe2f}')
}

/// A single line: [`bounded`], white space folded. Empty text is none.
pub fn line(text: &str, max: usize) -> Option<String> {
    let mut folded = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        let end = folded.len();
        if end > 0 {
            folded.push(' ');
        }
        let before = folded.len();
        folded.extend(word.chars().filter(|c| !c.is_control()));
        if folded.len() == before {
            folded.truncate(end);
        }
    }
    let clean = bounded(&folded, max);
    (!clean.is_empty()).then_some(clean)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_sees_is_taken_off_the_ends_alone() {
        for around in [" ", "\r\n", "\u{feff}", "\u{200b}\u{a0}", "\u{2060}\t"] {
            let copied = format!("{around}key\u{200b} 7{around}");
            assert_eq!(without_unseen_ends(&copied), "key\u{200b} 7", "{around:?}");
        }
        assert_eq!(without_unseen_ends("\u{200b} "), "");
    }

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
