//! What every text holds that the product keeps of strangers.

/// A single line of at most `max` characters.
pub(crate) fn assert_line(text: &str, max: usize) {
    assert!(!text.is_empty() && text.chars().count() <= max, "{text:?}");
    assert!(!text.contains(char::is_control), "{text:?}");
    assert_eq!(text.trim(), text, "trimmed");
}
