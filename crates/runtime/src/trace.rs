//! Trace contexts tie a delivery, its work and its calls together across processes.

use std::fmt;

use http::HeaderMap;

tokio::task_local! {
    static CURRENT: TraceContext;
}

/// A position in a trace. Source: W3C Trace Context, level 1, `traceparent`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceContext {
    trace_id: u128,
    span_id: u64,
    flags: u8,
}

const SAMPLED: u8 = 1;

impl TraceContext {
    pub const HEADER: &'static str = "traceparent";

    pub fn generate() -> Self {
        // All zeros mean "invalid" on the wire.
        Self {
            trace_id: rand::random::<u128>().max(1),
            span_id: rand::random::<u64>().max(1),
            flags: SAMPLED,
        }
    }

    /// Reads the text form, `00-<32 hex>-<16 hex>-<2 hex>`. Later versions may append to it.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let version = hex(parts.next()?, 2)?;
        let (trace_id, span_id, flags) = (
            hex(parts.next()?, 32)?,
            hex(parts.next()?, 16)?,
            hex(parts.next()?, 2)?,
        );
        let is_valid = version != 0xff
            && (version != 0 || parts.next().is_none())
            && trace_id != 0
            && span_id != 0;
        is_valid.then_some(Self {
            trace_id,
            span_id: u64::try_from(span_id).ok()?,
            flags: u8::try_from(flags).ok()? & SAMPLED,
        })
    }

    /// The context that a caller sent, if it sent exactly one and it is valid.
    pub fn from_headers(headers: &HeaderMap) -> Option<Self> {
        let mut values = headers.get_all(Self::HEADER).iter();
        let value = values.next()?;
        if values.next().is_some() {
            return None;
        }
        Self::parse(value.to_str().ok()?)
    }

    /// The next span of the same trace.
    #[must_use]
    pub fn child(self) -> Self {
        Self {
            span_id: rand::random::<u64>().max(1),
            ..self
        }
    }

    /// The trace's 32 hexadecimal digits.
    pub fn trace_id(self) -> impl fmt::Display {
        fmt::from_fn(move |f| write!(f, "{:032x}", self.trace_id))
    }

    /// The span's 16 hexadecimal digits.
    pub fn span_id(self) -> impl fmt::Display {
        fmt::from_fn(move |f| write!(f, "{:016x}", self.span_id))
    }

    pub const fn is_sampled(self) -> bool {
        self.flags & SAMPLED != 0
    }

    /// The context of the current task, if it runs within [`scope`](Self::scope). Every request does.
    pub fn current() -> Option<Self> {
        CURRENT.try_get().ok()
    }

    /// Runs `work` with this as its [current](Self::current) context.
    pub async fn scope<F: Future>(self, work: F) -> F::Output {
        CURRENT.scope(self, work).await
    }
}

impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "00-{:032x}-{:016x}-{:02x}",
            self.trace_id, self.span_id, self.flags
        )
    }
}

/// Lower-case digits of exactly this length: the only valid form.
fn hex(text: &str, length: usize) -> Option<u128> {
    let is_hex = text.len() == length
        && text
            .bytes()
            .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    if is_hex {
        u128::from_str_radix(text, 16).ok()
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALID: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_context_reads_back_what_it_prints() {
        assert_eq!(TraceContext::parse(VALID).unwrap().to_string(), VALID);
        let made = TraceContext::generate();
        assert_eq!(TraceContext::parse(&made.to_string()), Some(made));
    }

    #[test]
    fn later_versions_may_be_longer_and_anything_else_is_refused() {
        assert!(TraceContext::parse(&format!("{}-more", VALID.replacen("00", "01", 1))).is_some());
        for text in [
            "",
            "00",
            &format!("{VALID}-more"),
            &VALID.replacen("00", "ff", 1),
            &VALID.to_uppercase(),
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01",
            "00-+bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        ] {
            assert_eq!(TraceContext::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_child_stays_in_its_trace() {
        let parent = TraceContext::generate();
        let child = parent.child();
        assert_eq!(parent.trace_id().to_string(), child.trace_id().to_string());
        assert_ne!(parent, child);
    }

    #[test]
    fn two_headers_are_as_good_as_none() {
        let mut headers = HeaderMap::new();
        assert_eq!(TraceContext::from_headers(&headers), None);
        headers.append("traceparent", http::HeaderValue::from_static(VALID));
        assert!(TraceContext::from_headers(&headers).is_some());
        headers.append("traceparent", http::HeaderValue::from_static(VALID));
        assert_eq!(TraceContext::from_headers(&headers), None);
    }

    #[tokio::test]
    async fn the_current_context_is_that_of_the_scope() {
        assert_eq!(TraceContext::current(), None);
        let context = TraceContext::generate();
        assert_eq!(
            context.scope(async { TraceContext::current() }).await,
            Some(context)
        );
    }
}
