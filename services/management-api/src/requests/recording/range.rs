//! Which part of a file a player asks for (RFC 9110, section 14).

use std::ops::Range;

use http::{
    HeaderMap, HeaderValue,
    header::{IF_RANGE, RANGE},
};

/// The bytes that are asked for; none where the whole is answered: nothing else is asked for, it is of another version,
/// or it asks for nothing that is there. A server may ignore what it does not want to answer (section 14.2).
pub(super) fn part(asked: &HeaderMap, tag: &HeaderValue, size_bytes: u64) -> Option<Range<u64>> {
    if asked.get(IF_RANGE).is_some_and(|seen| seen != tag) {
        return None;
    }
    let mut ranges = asked.get_all(RANGE).iter();
    let (Some(range), None) = (ranges.next(), ranges.next()) else {
        return None;
    };
    let (first, last) = range
        .to_str()
        .ok()?
        .strip_prefix("bytes=")?
        .split_once('-')?;
    let part = match (first.trim(), last.trim()) {
        ("", last) => size_bytes.saturating_sub(number(last)?)..size_bytes,
        (first, "") => number(first)?..size_bytes,
        (first, last) => number(first)?..number(last)?.saturating_add(1).min(size_bytes),
    };
    (part.start < part.end).then_some(part)
}

/// Digits alone: a parser of numbers would also take a sign.
fn number(text: &str) -> Option<u64> {
    let is_plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_plain.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(range: &str, if_range: Option<&str>) -> Option<Range<u64>> {
        let mut headers = HeaderMap::new();
        headers.insert(RANGE, range.parse().unwrap());
        if let Some(seen) = if_range {
            headers.insert(IF_RANGE, seen.parse().unwrap());
        }
        part(&headers, &HeaderValue::from_static("\"abc\""), 100)
    }

    #[test]
    fn a_part_is_what_is_asked_for_and_there() {
        for (range, expected) in [
            ("bytes=0-", 0..100),
            ("bytes=0-0", 0..1),
            ("bytes=99-99", 99..100),
            ("bytes=10-19", 10..20),
            ("bytes=90-500", 90..100),
            ("bytes=90-18446744073709551615", 90..100),
            ("bytes=-10", 90..100),
            ("bytes=-500", 0..100),
        ] {
            assert_eq!(asked(range, None), Some(expected), "{range}");
        }
        assert_eq!(asked("bytes=5-", Some("\"abc\"")), Some(5..100));
    }

    #[test]
    fn what_asks_for_no_part_gets_the_whole() {
        for range in [
            "bytes=100-",
            "bytes=20-10",
            "bytes=-0",
            "bytes=-",
            "bytes=0-1,5-6",
            "bytes=+1-5",
            "bytes=1-5x",
            "bytes=99999999999999999999-",
            "seconds=0-5",
            "",
        ] {
            assert_eq!(asked(range, None), None, "{range}");
        }
        assert_eq!(asked("bytes=5-", Some("\"older\"")), None);
        assert_eq!(
            part(&HeaderMap::new(), &HeaderValue::from_static("\"abc\""), 100),
            None
        );
        let mut twice = HeaderMap::new();
        twice.append(RANGE, HeaderValue::from_static("bytes=0-1"));
        twice.append(RANGE, HeaderValue::from_static("bytes=5-6"));
        assert_eq!(
            part(&twice, &HeaderValue::from_static("\"abc\""), 100),
            None
        );
    }
}
