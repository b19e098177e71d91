//! How long another service asks us to wait.

use std::time::Duration;

use http_client::{HeaderMap, HeaderValue, header::RETRY_AFTER, retry_after};
use jiff::{Timestamp, ToSpan as _, fmt::rfc2822::DateTimePrinter};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Reads `data` as the header's value, and a date that it stands for.
pub fn check(data: &[u8]) {
    let now = Timestamp::UNIX_EPOCH + 500_000.hours();
    if let Ok(value) = HeaderValue::from_bytes(data) {
        for now in [Timestamp::MIN, now, Timestamp::MAX] {
            let wait = wait(value.clone(), now);
            assert!(wait.is_none_or(|wait| wait <= DAY), "{wait:?}");
            if let Some(seconds) = seconds(data) {
                assert_eq!(wait, Some(seconds));
            }
        }
    }
    if let Some(offset) = data.first_chunk::<4>() {
        let offset = i64::from(i32::from_be_bytes(*offset));
        assert_date(now, offset);
        assert_date(now, offset % (2 * 24 * 60 * 60));
    }
}

/// A date so many seconds from now is waited for: not at all when it is past, a day at most.
fn assert_date(now: Timestamp, offset: i64) {
    let at = now + offset.seconds();
    let date = DateTimePrinter::new()
        .timestamp_to_rfc9110_string(&at)
        .ok()
        .and_then(|date| HeaderValue::try_from(date).ok());
    let Some(date) = date else {
        panic!("a time that has no date: {at}")
    };
    let expected = Duration::from_secs(u64::try_from(offset).unwrap_or(0)).min(DAY);
    assert_eq!(wait(date, now), Some(expected), "{at}");
}

fn wait(value: HeaderValue, now: Timestamp) -> Option<Duration> {
    retry_after(&HeaderMap::from_iter([(RETRY_AFTER, value)]), now)
}

/// Digits alone are seconds, however many there are.
fn seconds(data: &[u8]) -> Option<Duration> {
    let is_seconds = !data.is_empty() && data.iter().all(u8::is_ascii_digit);
    let of_digits = |sum: u64, digit: &u8| {
        sum.saturating_mul(10)
            .saturating_add(u64::from(digit - b'0'))
    };
    is_seconds.then(|| Duration::from_secs(data.iter().fold(0, of_digits)).min(DAY))
}
