//! The names of messages. They go to the provider and come back with its receipts, and say nothing to others.

use domain::{EffectKey, EmailAddress, RequestId};
use sha2::{Digest, Sha256};

/// Hexadecimal digits of a recipient's hash in a name.
const HASH_DIGITS: usize = 16;

/// The name of the message about a request to a recipient: `{request}.{hash}.{revision}`. The same recipient, in
/// whatever case, has the same name. The revision is 0 until a person wants people told again.
pub fn message_id(request: RequestId, recipient: &EmailAddress, revision: u32) -> String {
    let mut hash = hex::encode(Sha256::digest(recipient.as_str().to_lowercase()));
    hash.truncate(HASH_DIGITS);
    format!("{request}.{hash}.{revision}")
}

/// The key of the effect that sends the message of this name: `email/{request}/{hash}/{revision}`. None for a name
/// that is not of ours.
pub fn effect_key(message_id: &str) -> Option<EffectKey> {
    let (request, rest) = message_id.split_once('.')?;
    let (hash, revision) = rest.split_once('.')?;
    let revision = revision
        .parse::<u32>()
        .ok()
        .filter(|number| number.to_string() == revision)?;
    let request: RequestId = request.parse().ok()?;
    let is_hash = hash.len() == HASH_DIGITS
        && hash
            .bytes()
            .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    is_hash.then(|| EffectKey::new("email", &request, hash, &revision))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_leads_to_its_effect_and_shows_no_address() {
        let request = RequestId::from_uuid(uuid::Uuid::from_u128(7));
        let email = |text| EmailAddress::parse(text).unwrap();
        let name = message_id(request, &email("Sales@Example.com"), 1);
        assert_eq!(name, message_id(request, &email("sales@example.com"), 1));
        assert_ne!(name, message_id(request, &email("sales@example.com"), 0));
        assert_ne!(name, message_id(request, &email("other@example.com"), 1));
        assert!(!name.contains("ales"), "{name}");
        let hash = name.split('.').nth(1).unwrap();
        assert_eq!(
            effect_key(&name).unwrap().as_str(),
            format!("email/{request}/{hash}/1")
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
            &format!("{request}.0123456789abcdef"),
            &format!("{request}.0123456789abcde.0"),
            &format!("{request}.0123456789ABCDEF.0"),
            &format!("{request}.0123456789abcdef.+1"),
            &format!("{request}.0123456789abcdef.0/1"),
            "evt_00000000000000000000000000000001.0123456789abcdef.0",
        ] {
            assert!(effect_key(name).is_none(), "{name}");
        }
    }
}
