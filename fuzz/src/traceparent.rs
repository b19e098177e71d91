//! A caller's trace context.

use http::{HeaderMap, HeaderValue};
use runtime::TraceContext;

/// Reads `data` as the header's value.
pub fn check(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        assert_parsed(text);
    }
    if let Ok(value) = HeaderValue::from_bytes(data) {
        let mut headers = HeaderMap::new();
        headers.insert(TraceContext::HEADER, value.clone());
        let parsed = value.to_str().ok().and_then(TraceContext::parse);
        assert_eq!(TraceContext::from_headers(&headers), parsed);
        headers.append(TraceContext::HEADER, value);
        assert_eq!(TraceContext::from_headers(&headers), None, "sent twice");
    }
}

fn assert_parsed(text: &str) {
    let parsed = TraceContext::parse(text);
    assert_eq!(parsed.is_some(), is_valid(text.as_bytes()), "{text:?}");
    let Some(context) = parsed else { return };
    let printed = context.to_string();
    assert_eq!(printed.len(), 55);
    assert_eq!(printed.get(2..53), text.get(2..53), "ids stay");
    assert_eq!(TraceContext::parse(&printed), Some(context));
    assert_eq!(context.trace_id().to_string().len(), 32);
}

/// The rules of W3C Trace Context, byte by byte.
fn is_valid(text: &[u8]) -> bool {
    const DASHES: [usize; 3] = [2, 35, 52];
    let Some((known, more)) = text.split_at_checked(55) else {
        return false;
    };
    let is_form = known.iter().enumerate().all(|(at, byte)| {
        if DASHES.contains(&at) {
            *byte == b'-'
        } else {
            matches!(byte, b'0'..=b'9' | b'a'..=b'f')
        }
    });
    let is_zero = |part: &[u8]| part.iter().all(|byte| *byte == b'0');
    let is_end = match &known[..2] {
        b"00" => more.is_empty(),
        b"ff" => false,
        _ => more.is_empty() || more.starts_with(b"-"),
    };
    is_form && is_end && !is_zero(&known[3..35]) && !is_zero(&known[36..52])
}
