//! Whose contact a telephone number, or our own key, leads to. Pure.

use domain::{Brief, E164, EmailAddress};

use super::{
    api::Record,
    mapping::{self, CONTACT_KEY},
};
use crate::names;

/// Whether a contact is another person's: it has another name, and not the brief's address. To us, all who call from one
/// number are one person.
pub(super) fn is_another(contact: &Record, brief: &Brief) -> bool {
    !has_address(contact, brief) && names::is_another(brief, &mapping::name(contact))
}

/// Whether the contact that the last push named is still that one. An account that the connection leads to by now can
/// have somebody else under the same id.
pub(super) fn is_known(contact: &Record, brief: &Brief) -> bool {
    let key = contact.get(CONTACT_KEY);
    let is_ours = key == brief.person_key() || key == names::own_key(brief);
    let has_number = brief
        .phone
        .as_ref()
        .is_some_and(|phone| mapping::phones(contact).contains(phone));
    let is_same = names::is_same(brief, &mapping::name(contact));
    is_ours || is_same || has_address(contact, brief) || (has_number && !is_another(contact, brief))
}

fn has_address(contact: &Record, brief: &Brief) -> bool {
    let email = brief.email.as_ref().map(EmailAddress::as_str);
    email.is_some_and(|email| contact.get("email").eq_ignore_ascii_case(email))
}

/// The contact that a number leads to.
#[derive(Default)]
pub(super) struct Match {
    pub(super) contact: Option<Record>,
    /// Our key for it, where that is not the person's.
    pub(super) key: Option<String>,
    /// What people should know of a contact that is made although others have the number.
    pub(super) notice: Option<String>,
}

impl Match {
    pub(super) fn of(contact: Record) -> Self {
        Self {
            contact: Some(contact),
            ..Self::default()
        }
    }
}

/// Chooses among what was found for the brief's number: the contact of the same name, or the only one if it has no name
/// or the brief has none. Of several that fit, the oldest.
pub(super) fn by_number(found: Vec<Record>, brief: &Brief, number: &E164) -> Match {
    let mut holders: Vec<Record> = found
        .into_iter()
        .filter(|contact| mapping::phones(contact).contains(number))
        .collect();
    holders.sort_by_key(|contact| contact.id.parse::<u64>().unwrap_or(u64::MAX));
    let count = holders.len();
    let fits = |contact: &Record| names::fits(brief, &mapping::name(contact), count == 1);
    let contact = holders.into_iter().find(fits);
    let is_new = contact.is_none() && count > 0;
    Match {
        notice: is_new
            .then(|| names::notice(brief, "contact", count))
            .flatten(),
        contact,
        key: None,
    }
}

#[cfg(test)]
mod tests {
    use domain::{Channel, PersonId};
    use testkit::lead;

    use super::*;

    const NUMBER: &str = "+15125550142";

    fn brief(name: Option<&str>) -> Brief {
        let request = lead::qualified(Channel::Phone);
        let person = PersonId::from_uuid(uuid::Uuid::from_u128(2));
        Brief {
            name: name.map(str::to_owned),
            ..Brief::new(&request, &lead::office()).from_person(person)
        }
    }

    fn holder(id: &str, first: &str, last: &str) -> Record {
        Record::new(
            id,
            &[("phone", NUMBER), ("firstname", first), ("lastname", last)],
        )
    }

    fn matched(found: Vec<Record>, name: Option<&str>) -> (Option<String>, Option<String>) {
        let number = E164::parse(NUMBER).unwrap();
        let Match {
            contact, notice, ..
        } = by_number(found, &brief(name), &number);
        (contact.map(|contact| contact.id), notice)
    }

    #[test]
    fn the_name_chooses_among_contacts_of_one_number() {
        let office = || {
            vec![
                holder("30", "Mara", "Quill"),
                holder("4", "Ann", "Lee"),
                holder("31", "Ann", "Lee"),
                holder("5", "", ""),
            ]
        };
        for name in [
            "Ann Lee",
            "LEE, ANN",
            "Mrs. Ann Lee",
            "A. Lee",
            "Ann M. Lee",
        ] {
            assert_eq!(
                matched(office(), Some(name)),
                (Some("4".to_owned()), None),
                "{name}"
            );
        }
        for name in [Some("Theo Hart"), Some("Anton Lee"), None] {
            let (contact, notice) = matched(office(), name);
            assert_eq!(contact, None, "{name:?}");
            let notice = notice.unwrap();
            assert!(notice.starts_with("4 other contacts have"), "{notice}");
        }
    }

    #[test]
    fn another_persons_number_makes_a_contact_of_its_own() {
        for (first, last) in [("Mara", "Quill"), ("Dana", "Lee"), ("", "Cedar Works")] {
            let (contact, notice) = matched(vec![holder("4", first, last)], Some("Dan Lee"));
            assert_eq!(contact, None, "{first} {last}");
            let why = "none has the name Dan Lee";
            assert!(notice.unwrap().contains(why), "{first} {last}");
        }
    }

    #[test]
    fn one_contact_is_taken_while_nothing_speaks_against_it() {
        for (first, last, name) in [
            ("", "", Some("Ann Lee")),
            ("", "Unknown person", Some("Ann Lee")),
            ("Annie", "", Some("Ann Lee")),
            ("", "Lee", Some("Ann Lee")),
            ("Ann", "Lee", Some("Ann")),
            ("Mara", "Quill", None),
        ] {
            let (contact, notice) = matched(vec![holder("4", first, last)], name);
            assert_eq!(
                (contact.as_deref(), notice),
                (Some("4"), None),
                "{first} {last}"
            );
        }
        assert_eq!(matched(Vec::new(), Some("Ann Lee")), (None, None));
        let elsewhere = Record::new("4", &[("phone", "+442075550142")]);
        assert_eq!(matched(vec![elsewhere], Some("Ann Lee")), (None, None));
    }
}
