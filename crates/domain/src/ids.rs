//! Identifiers. A tenant's id is a slug that an operator chooses; every other id is ours, ordered by time, with a
//! prefix that is on the wire for ever.

use std::{fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use uuid::Uuid;

/// Why a text is no id. The text itself is not repeated: it may come from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// The prefix or the 32 hexadecimal digits behind it are wrong.
    #[error("expected `{0}_` and 32 hexadecimal digits")]
    Malformed(&'static str),
    /// A slug has other characters, or too many of them.
    #[error("expected 1 to 63 of a-z, 0-9, `_` and `-`, the first a letter or a digit")]
    Slug,
}

macro_rules! typed_ids {
    ($($(#[$doc:meta])* $name:ident => $prefix:literal),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// The prefix that this id has on the wire.
            pub const PREFIX: &'static str = $prefix;

            /// Wraps a time-ordered UUID. Only the store's generator makes new ones.
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The UUID behind the prefix.
            pub const fn as_uuid(&self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!($prefix, "_"))?;
                f.write_str(self.0.simple().encode_lower(&mut Uuid::encode_buffer()))
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                text.strip_prefix(concat!($prefix, "_"))
                    .filter(|hex| hex.len() == 32 && hex.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)))
                    .and_then(|hex| Uuid::try_parse(hex).ok())
                    .map(Self)
                    .ok_or(IdError::Malformed($prefix))
            }
        }

        serialized_as_text!($name);
    )+};
}

/// Serializes what it displays, and reads it by its `FromStr`.
macro_rules! serialized_as_text {
    ($name:ident) => {
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(de::Error::custom)
            }
        }
    };
}

typed_ids! {
    /// One key by which a program calls the API.
    ApiKeyId => "key",
    /// One entry of the audit log.
    AuditId => "aud",
    /// One push of one request to one CRM.
    DispatchId => "dsp",
    /// One stored delivery.
    EventId => "evt",
    /// One invitation of a person into a tenant, or another link that signs somebody in once.
    InvitationId => "inv",
    /// One piece of bulk work.
    JobId => "job",
    /// One message to a person.
    NotificationId => "ntf",
    /// One office of a tenant.
    OfficeId => "ofc",
    /// One person of one tenant.
    PersonId => "per",
    /// One unified request.
    RequestId => "req",
    /// One device on which somebody is signed in.
    SessionId => "ses",
    /// One place where a tenant's webhooks come from.
    SourceId => "src",
    /// One person who signs in.
    UserId => "usr",
}

macro_rules! slugs {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Reads a slug: 1 to 63 of `a-z`, `0-9`, `_` and `-`, the first a letter or a digit.
            ///
            /// # Errors
            /// [`IdError::Slug`] for anything else.
            pub fn new(text: &str) -> Result<Self, IdError> {
                let valid = (1..=63).contains(&text.len())
                    && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-')
                    && !text.starts_with(['_', '-']);
                if valid { Ok(Self(text.into())) } else { Err(IdError::Slug) }
            }

            /// The slug as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                Self::new(text)
            }
        }

        serialized_as_text!($name);
    )+};
}

slugs! {
    /// A tenant: the remodeling company whose leads these are.
    TenantId,
    /// A tenant's account at a provider, by the name the tenant gave it: `hubspot`, `callrail`, `sendgrid`.
    ConnectionName,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_what_it_prints() {
        let id = RequestId::from_uuid(Uuid::from_u128(0x0199_f3a1));
        assert_eq!(id.to_string().parse::<RequestId>(), Ok(id));
        assert!(id.to_string().starts_with("req_"));
    }

    #[test]
    fn other_prefixes_and_forms_are_refused() {
        for text in [
            "",
            "req_",
            "evt_00000000000000000000000000000001",
            "req_0000000000000000000000000000000G",
            "req_00000000-0000-0000-0000-000000000001",
        ] {
            assert!(text.parse::<RequestId>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_tenant_id_is_a_slug() {
        assert!(TenantId::new("tenant_demo").is_ok());
        for text in ["", "_a", "-a", "A", "a/b", "a b", "é", &"a".repeat(64)] {
            assert!(TenantId::new(text).is_err(), "{text}");
        }
    }
}
