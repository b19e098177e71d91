//! The names of messages. They go to the provider and come back with its receipts, and say nothing to others.

use domain::{EffectKey, EmailAddress, RequestId};
use sha2::{Digest, Sha256};

/// Hexadecimal digits of a recipient's hash in a name.
const HASH_DIGITS: usize = 16;

/// The name of the message about a request to a recipient: `{request}.{hash}`. The same recipient, in whatever case,
/// has the same name.
pub fn message_id(request: RequestId, recipient: &EmailAddress) -> String {
    let mut hash = hex::encode(Sha256::digest(recipient.as_str().to_lowercase()));
    hash.truncate(HASH_DIGITS);
    format!("{request}.{hash}")
}

/// The key of the effect that sends the message of this name: `email/{request}/{hash}/0`. None for a name that is
/// not of ours.
pub fn effect_key(message_id: &str) -> Option<EffectKey> {
    let (request, hash) = message_id.split_once('.')?;
    let request: RequestId = request.parse().ok()?;
    let is_hash = hash.len() == HASH_DIGITS
        && hash
            .bytes()
            .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    is_hash.then(|| EffectKey::new("email", &request, hash, &0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_leads_to_its_effect_and_shows_no_address() {
        let request = RequestId::from_uuid(uuid::Uuid::from_u128(7));
        let email = |text| EmailAddress::parse(text).unwrap();
        let name = message_id(request, &email("Sales@Example.com"));
        assert_eq!(name, message_id(request, &email("sales@example.com")));
        assert_ne!(name, message_id(request, &email("other@example.com")));
        assert!(!name.contains("ales"), "{name}");
        let (_, hash) = name.split_once('.').unwrap();
        assert_eq!(
            effect_key(&name).unwrap().as_str(),
            format!("email/{request}/{hash}/0")
        );
    }

    #[test]
    fn names_that_are_not_ours_lead_nowhere() {
        let request = "req_00000000000000000000000000000001";
        for name in [
            "",
            ".",
            request,
            "req_1.0123456789abcdef",
            &format!("{request}.0123456789abcde"),
            &format!("{request}.0123456789ABCDEF"),
            &format!("{request}.0123456789abcdef/1"),
            "evt_00000000000000000000000000000001.0123456789abcdef",
        ] {
            assert!(effect_key(name).is_none(), "{name}");
        }
    }
}
