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
fn a_name_is_bounded() {
    let contact = contact(PersonFacts {
        name: Some("x".repeat(10_000)),
        ..PersonFacts::default()
    });
    assert_eq!(contact.name.unwrap().chars().count(), 200);
}
