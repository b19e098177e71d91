//! The names of messages. They go to the provider and come back with its receipts, and say nothing to others.

use domain::{ChannelRecipient, EffectKey, EmailAddress, RequestId};
use sha2::{Digest, Sha256};

/// The name of the message about a request to a recipient: `{request}.{hash}.{revision}`, which
/// [`EffectKey::of_message`] reads. The same recipient, in whatever case, has the same name. The revision is 0 until a
/// person wants people notified again.
pub fn message_id(request: RequestId, recipient: &EmailAddress, revision: u32) -> String {
    let mut hash = hex::encode(Sha256::digest(recipient.as_str().to_lowercase()));
    hash.truncate(EffectKey::RECIPIENT_DIGITS);
    format!("{request}.{hash}.{revision}")
}

/// The name of the message about a request to a place in a team's chat, in the form of [`message_id`], for
/// [`EffectKey::of_post`]. The same place by the same connection has the same name.
pub fn post_id(request: RequestId, place: &ChannelRecipient, revision: u32) -> String {
    let mut hash = hex::encode(Sha256::digest(format!("{} {place}", place.channel)));
    hash.truncate(EffectKey::RECIPIENT_DIGITS);
    format!("{request}.{hash}.{revision}")
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
            EffectKey::of_message(&name).unwrap().as_str(),
            format!("email/{request}/{hash}/1")
        );
    }

    #[test]
    fn a_place_has_a_name_of_its_own_by_each_connection() {
        let request = RequestId::from_uuid(uuid::Uuid::from_u128(7));
        let place = |connection: &str, to: Option<&str>, shows_contact| ChannelRecipient {
            channel: "slack".to_owned(),
            connection: domain::ConnectionName::new(connection).unwrap(),
            to: to.map(str::to_owned),
            shows_contact,
        };
        let name = |place| post_id(request, &place, 0);
        let one = name(place("team", Some("C1"), false));
        assert_eq!(one, name(place("team", Some("C1"), true)));
        for other in [
            place("team", Some("C2"), false),
            place("team", None, false),
            place("other", Some("C1"), false),
        ] {
            assert_ne!(one, name(other));
        }
        let hash = one.split('.').nth(1).unwrap();
        let key = EffectKey::of_post("slack", &one).unwrap();
        assert_eq!(key.as_str(), format!("slack/{request}/{hash}/0"));
        assert_ne!(Some(key), EffectKey::of_message(&one));
        assert_eq!(EffectKey::of_post("slack", "no name"), None);
    }

    #[test]
    fn a_name_of_others_leads_nowhere() {
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
            assert!(EffectKey::of_message(name).is_none(), "{name}");
        }
    }
}
