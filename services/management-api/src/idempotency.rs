//! The header `Idempotency-Key` of calls that create something.

use axum::extract::FromRequestParts;
use http::request::Parts;
use runtime::Problem;

use crate::Deps;

/// The header's name.
pub(crate) const HEADER: &str = "Idempotency-Key";

const MAX_CHARS: usize = 255;

/// What a caller calls a call, so that it can be repeated: none, or 1 to 255 visible ASCII characters.
#[derive(Debug)]
pub(crate) struct IdempotencyKey(pub(crate) Option<String>);

impl FromRequestParts<Deps> for IdempotencyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Deps) -> Result<Self, Problem> {
        let mut values = parts.headers.get_all(HEADER).iter();
        let Some(value) = values.next() else {
            return Ok(Self(None));
        };
        value
            .to_str()
            .ok()
            .filter(|key| (1..=MAX_CHARS).contains(&key.len()) && values.next().is_none())
            .filter(|key| key.bytes().all(|byte| byte.is_ascii_graphic()))
            .map(|key| Self(Some(key.to_owned())))
            .ok_or_else(|| {
                Problem::unprocessable("A header is not valid. See `errors`.").with_error(
                    HEADER,
                    format!(
                        "one key of 1 to {MAX_CHARS} letters, digits and signs, without white space"
                    ),
                )
            })
    }
}
