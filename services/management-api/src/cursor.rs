//! Where a page ended, as callers send it back. Opaque to them.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::{AuditId, JobId, RequestId, Stage, TenantId, UserId};
use uuid::Uuid;

/// What a page ended with.
pub trait Cursor: Sized {
    /// The first byte of what is encoded: which list it is of, and the shape of the rest.
    const KIND: u8;

    /// The rest.
    fn bytes(&self) -> Vec<u8>;

    /// Reads [`Cursor::bytes`].
    fn from_bytes(bytes: &[u8]) -> Option<Self>;

    /// The cursor behind this.
    fn encode(&self) -> String {
        let mut bytes = vec![Self::KIND];
        bytes.extend(self.bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// What a page ended with.
    ///
    /// # Errors
    /// For what [`Cursor::encode`] did not make.
    fn decode(cursor: &str) -> Result<Self, &'static str> {
        let bytes = URL_SAFE_NO_PAD.decode(cursor).unwrap_or_default();
        match bytes.split_first() {
            Some((kind, rest)) if *kind == Self::KIND => Self::from_bytes(rest),
            _ => None,
        }
        .ok_or("the `next_cursor` of a page, unchanged")
    }
}

impl Cursor for RequestId {
    const KIND: u8 = 1;

    fn bytes(&self) -> Vec<u8> {
        self.as_uuid().as_bytes().to_vec()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Uuid::from_slice(bytes).ok().map(Self::from_uuid)
    }
}

impl Cursor for AuditId {
    const KIND: u8 = 2;

    fn bytes(&self) -> Vec<u8> {
        self.as_uuid().as_bytes().to_vec()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Uuid::from_slice(bytes).ok().map(Self::from_uuid)
    }
}

impl Cursor for TenantId {
    const KIND: u8 = 3;

    fn bytes(&self) -> Vec<u8> {
        self.as_str().as_bytes().to_vec()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Self::new(std::str::from_utf8(bytes).ok()?).ok()
    }
}

impl Cursor for UserId {
    const KIND: u8 = 9;

    fn bytes(&self) -> Vec<u8> {
        self.as_uuid().as_bytes().to_vec()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Uuid::from_slice(bytes).ok().map(Self::from_uuid)
    }
}

impl Cursor for JobId {
    const KIND: u8 = 5;

    fn bytes(&self) -> Vec<u8> {
        self.as_uuid().as_bytes().to_vec()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Uuid::from_slice(bytes).ok().map(Self::from_uuid)
    }
}

/// A step: its request, stage and target.
impl Cursor for (RequestId, Stage, String) {
    const KIND: u8 = 4;

    fn bytes(&self) -> Vec<u8> {
        let (request, stage, target) = self;
        let step = format!("{stage}/{target}");
        [request.as_uuid().as_bytes(), step.as_bytes()].concat()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (request, step) = bytes.split_at_checked(16)?;
        let (stage, target) = std::str::from_utf8(step).ok()?.split_once('/')?;
        Some((
            RequestId::from_bytes(request)?,
            stage.parse().ok()?,
            target.to_owned(),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id() -> Uuid {
        Uuid::from_u128(0x0199_f3a1_0000_7000_8000_0000_0000_0001)
    }

    #[test]
    fn a_cursor_reads_back_what_it_was_made_of() {
        let (request, audit) = (RequestId::from_uuid(id()), AuditId::from_uuid(id()));
        assert_eq!(RequestId::decode(&request.encode()), Ok(request));
        assert_eq!(AuditId::decode(&audit.encode()), Ok(audit));
        let tenant = TenantId::new("tenant_demo").unwrap();
        assert_eq!(TenantId::decode(&tenant.encode()), Ok(tenant));
        for target in ["", "hubspot"] {
            let step = (request, Stage::Dispatch, target.to_owned());
            assert_eq!(Cursor::decode(&step.encode()), Ok(step));
        }
    }

    #[test]
    fn anything_else_is_no_cursor() {
        let of_another_list = AuditId::from_uuid(id()).encode();
        let too_long = URL_SAFE_NO_PAD.encode([RequestId::KIND; 18]);
        let padded = format!("{}=", RequestId::from_uuid(Uuid::nil()).encode());
        for text in [
            "",
            "1",
            "req_0",
            "%00",
            "AQ",
            &of_another_list,
            &too_long,
            &padded,
        ] {
            assert!(RequestId::decode(text).is_err(), "{text}");
        }
        let no_stage = [&[4; 17], b"nowhere/".as_slice()].concat();
        for bytes in [[4].as_slice(), &[4; 17], &no_stage] {
            let text = URL_SAFE_NO_PAD.encode(bytes);
            assert!(
                <(RequestId, Stage, String)>::decode(&text).is_err(),
                "{text}"
            );
        }
    }
}
