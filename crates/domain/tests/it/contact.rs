//! How a person can be reached.

use domain::{About, CallFacts, Channel, ContactSection, Facts, PersonFacts, TextFacts};

fn contact(person: PersonFacts) -> ContactSection {
    let facts = Facts {
        person,
        ..Facts::nothing(Channel::Form)
    };
    facts.contact()
}

/// Deliveries that name a number, by a channel that names the company's own.
fn from_number(number: &str) -> [Facts; 2] {
    let company = Some("+15125550100".to_owned());
    let call = CallFacts {
        tracking_number: company.clone(),
        business_number: Some("(512) 555-0101".to_owned()),
        ..CallFacts::default()
    };
    let text = TextFacts {
        company_number: company,
        ..TextFacts::default()
    };
    [About::Phone(call), About::Text(text)].map(|about| {
        let mut facts = Facts {
            about,
            ..Facts::default()
        };
        facts.person.phone = Some(number.to_owned());
        facts
    })
}

#[test]
fn a_number_is_normalized() {
    for caller in ["+15125550142", "512-555-0142", " (512) 555 0142 "] {
        for facts in from_number(caller) {
            let phone = facts.contact().phone.map(String::from);
            assert_eq!(phone.as_deref(), Some("+15125550142"), "{caller}");
        }
    }
}

#[test]
fn withheld_numbers_and_the_companys_own_reach_nobody() {
    let own = |facts: &Facts| match facts.about {
        About::Phone(_) => ["512-555-0100", "+15125550101"].as_slice(),
        _ => &["512-555-0100"],
    };
    let withheld = [
        "+266696687",
        "+7378742833",
        "+17378742833",
        "+86282452253",
        "+8656696",
        "+2562533",
        "anonymous",
        "Restricted",
        "",
    ];
    for mut facts in from_number("") {
        for number in own(&facts).iter().chain(&withheld) {
            facts.person.phone = Some((*number).to_owned());
            assert_eq!(facts.contact().phone, None, "{number}");
        }
    }
}

#[test]
fn an_invalid_email_or_zip_code_is_ignored() {
    let contact = contact(PersonFacts {
        name: Some("  ANN \n LEE\u{7} ".to_owned()),
        email: Some("not an address".to_owned()),
        postal_code: Some("7870".to_owned()),
        city: Some("  ".to_owned()),
        state: Some("TX".to_owned()),
        ..PersonFacts::default()
    });
    assert_eq!(contact.name.as_deref(), Some("ANN LEE"));
    assert_eq!((contact.email, contact.postal_code), (None, None));
    assert_eq!((contact.city, contact.state.as_deref()), (None, Some("TX")));
}

#[test]
fn a_placeholder_is_no_zip_code() {
    for code in ["00000", "99999", "11111"] {
        let contact = contact(PersonFacts {
            postal_code: Some(code.to_owned()),
            ..PersonFacts::default()
        });
        assert_eq!(contact.postal_code, None, "{code}");
    }
}

#[test]
fn an_extension_stands_beside_the_number() {
    for number in [
        "(512) 555-0153 x77",
        "+15125550153,77",
        "512-555-0153 ext. 77",
    ] {
        for facts in from_number(number) {
            let contact = facts.contact();
            let found = (contact.phone.map(String::from), contact.extension);
            let expected = (Some("+15125550153".to_owned()), Some("77".to_owned()));
            assert_eq!(found, expected, "{number}");
        }
    }
}

#[test]
fn what_stands_in_for_a_number_reaches_nobody() {
    for number in [
        "+19999999999",
        "+15555555555",
        "(000) 000-0000",
        "0000000",
        "1234567890",
    ] {
        for facts in from_number(number) {
            let contact = facts.contact();
            assert_eq!((contact.phone, contact.extension), (None, None), "{number}");
        }
    }
}

#[test]
fn a_real_name_replaces_a_placeholder_and_never_the_reverse() {
    let named = |name: &str| {
        let mut facts = Facts::nothing(Channel::Phone);
        facts.person.name = Some(name.to_owned());
        facts.person.city = Some("Austin".to_owned());
        facts.person.state = Some("TX".to_owned());
        facts
    };
    for placeholder in [
        "UNKNOWN NAME",
        "WIRELESS CALLER",
        "Anonymous",
        "RESTRICTED",
        "AUSTIN TX",
    ] {
        let (real, placeholder) = (named("Mara Quill"), named(placeholder));
        assert_eq!(placeholder.contact().name, None, "{placeholder:?}");
        for merged in [real.or(&placeholder), placeholder.or(&real)] {
            let name = merged.contact().name;
            assert_eq!(name.as_deref(), Some("Mara Quill"), "{placeholder:?}");
        }
        let person = placeholder.person.or(&real.person);
        assert_eq!(person.name.as_deref(), Some("Mara Quill"));
    }
    let newer = named("Ann Lee").or(&named("Mara Quill"));
    assert_eq!(newer.contact().name.as_deref(), Some("Ann Lee"));
}

#[test]
fn a_name_is_bounded() {
    let contact = contact(PersonFacts {
        name: Some("x".repeat(10_000)),
        ..PersonFacts::default()
    });
    assert_eq!(contact.name.unwrap().chars().count(), 200);
}
