//! Where a page ended, as callers send it back.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::RequestId;
use uuid::Uuid;

/// The first byte of what is encoded: the shape of the rest.
const VERSION: u8 = 1;

/// The cursor behind this request. Opaque to callers.
pub(super) fn encode(last: RequestId) -> String {
    let mut bytes = [VERSION; 17];
    bytes[1..].copy_from_slice(last.as_uuid().as_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The request that a page ended with; none for what [`encode`] did not make.
pub(super) fn decode(cursor: &str) -> Option<RequestId> {
    let bytes: [u8; 17] = URL_SAFE_NO_PAD.decode(cursor).ok()?.try_into().ok()?;
    match bytes.split_first() {
        Some((&VERSION, id)) => Uuid::from_slice(id).ok().map(RequestId::from_uuid),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_back_what_it_was_made_of() {
        let id = RequestId::from_uuid(Uuid::from_u128(0x0199_f3a1_0000_7000_8000_0000_0000_0001));
        assert_eq!(decode(&encode(id)), Some(id));
    }

    #[test]
    fn anything_else_is_no_cursor() {
        let other_version = URL_SAFE_NO_PAD.encode([2; 17]);
        let too_long = URL_SAFE_NO_PAD.encode([VERSION; 18]);
        let padded = format!("{}=", encode(RequestId::from_uuid(Uuid::nil())));
        for text in [
            "",
            "1",
            "req_0",
            "%00",
            "AQ",
            &other_version,
            &too_long,
            &padded,
        ] {
            assert_eq!(decode(text), None, "{text}");
        }
    }
}
