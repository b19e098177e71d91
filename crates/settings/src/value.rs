//! Values with a notation of their own.

use std::{fmt::Write as _, time::Duration};

const UNITS: [(&str, u64); 5] = [
    ("ms", 1),
    ("s", 1_000),
    ("m", 60_000),
    ("h", 3_600_000),
    ("d", 86_400_000),
];

/// Reads a number with a unit: `500ms`, `5s`, `2m`, `12h`, `3d`.
pub(crate) fn duration(text: &str) -> Option<Duration> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits)?;
    let (_, unit_ms) = UNITS.iter().find(|(name, _)| *name == unit.trim_start())?;
    Some(Duration::from_millis(
        number.parse::<u64>().ok()?.checked_mul(*unit_ms)?,
    ))
}

/// Writes a duration the way [`duration`] reads it, in the largest unit that fits.
pub(crate) fn show_duration(duration: Duration) -> String {
    let ms = duration.as_millis();
    let (name, unit_ms) = UNITS
        .iter()
        .rev()
        .find(|(_, unit)| ms > 0 && ms.is_multiple_of(u128::from(*unit)))
        .unwrap_or(&("s", 1_000));
    format!("{}{name}", ms / u128::from(*unit_ms))
}

/// Reads a yes or no.
pub(crate) fn flag(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Some(true),
        "false" | "no" | "off" | "0" => Some(false),
        _ => None,
    }
}

/// A value for people, short and on one line.
pub(crate) fn quoted(text: &str) -> String {
    let mut shown = String::from("`");
    for c in text.chars().take(60) {
        // Control characters must not reach a terminal unescaped.
        let written = if c.is_control() {
            write!(shown, "{}", c.escape_default())
        } else {
            shown.write_char(c)
        };
        debug_assert!(written.is_ok(), "writing to a string does not fail");
    }
    shown.push_str(if text.chars().nth(60).is_some() {
        "…`"
    } else {
        "`"
    });
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_a_number_and_a_unit() {
        for (text, ms) in [
            ("500ms", 500),
            ("5s", 5_000),
            ("2m", 120_000),
            ("2 m", 120_000),
            ("1h", 3_600_000),
            ("3d", 259_200_000),
            ("0s", 0),
        ] {
            assert_eq!(duration(text), Some(Duration::from_millis(ms)), "{text}");
        }
        for text in [
            "",
            "5",
            "s",
            "-5s",
            "5.5s",
            "5 weeks",
            "99999999999999999999s",
            "18446744073709551615d",
            "é5s",
        ] {
            assert_eq!(duration(text), None, "{text}");
        }
    }

    #[test]
    fn a_duration_reads_back_as_it_is_written() {
        for text in ["500ms", "5s", "2m", "12h", "3d", "1500ms", "90s", "0s"] {
            assert_eq!(show_duration(duration(text).unwrap()), text);
        }
    }
}
