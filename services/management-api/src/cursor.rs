//! Where a page ended, as callers send it back. Opaque to them.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::{AuditId, EventId, JobId, RequestId, Stage, TenantId, UserId};
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

impl Cursor for EventId {
    const KIND: u8 = 12;

    fn bytes(&self) -> Vec<u8> {
        self.as_uuid().as_bytes().to_vec()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Uuid::from_slice(bytes).ok().map(Self::from_uuid)
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

/// The last version of a page of a configuration's history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BehindVersion(pub u64);

impl Cursor for BehindVersion {
    const KIND: u8 = 20;

    fn bytes(&self) -> Vec<u8> {
        self.0.to_be_bytes().to_vec()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(u64::from_be_bytes).map(Self)
    }
}

/// The lists that are read whole, each with a number of its own.
pub mod lists {
    /// Connections, by name.
    pub const CONNECTIONS: u8 = 31;
    /// Offices, by id.
    pub const OFFICES: u8 = 32;
    /// Sources, by id.
    pub const SOURCES: u8 = 33;
    /// Keys of programs, by id.
    pub const API_KEYS: u8 = 34;
    /// Invitations, by id.
    pub const INVITATIONS: u8 = 35;
    /// Saved views, by id.
    pub const VIEWS: u8 = 36;
}

/// The name of the last item of a page of the list `LIST`, one of [`lists`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BehindName<const LIST: u8>(pub String);

impl<const LIST: u8> Cursor for BehindName<LIST> {
    const KIND: u8 = LIST;

    fn bytes(&self) -> Vec<u8> {
        self.0.as_bytes().to_vec()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        String::from_utf8(bytes.to_vec()).ok().map(Self)
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
        let version = BehindVersion(3);
        assert_eq!(BehindVersion::decode(&version.encode()), Ok(version));
        let tenant = TenantId::new("tenant_demo").unwrap();
        assert_eq!(TenantId::decode(&tenant.encode()), Ok(tenant));
        let name = BehindName::<{ lists::VIEWS }>("kitchens".to_owned());
        assert_eq!(BehindName::decode(&name.encode()), Ok(name.clone()));
        assert!(BehindName::<{ lists::OFFICES }>::decode(&name.encode()).is_err());
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
