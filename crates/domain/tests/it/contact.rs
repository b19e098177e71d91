//! How a person can be reached.

use domain::{CallFacts, workflow};

fn call(caller: &str) -> CallFacts {
    CallFacts {
        caller_number: Some(caller.to_owned()),
        tracking_number: Some("+15125550100".to_owned()),
        business_number: Some("(512) 555-0101".to_owned()),
        ..CallFacts::default()
    }
}

#[test]
fn a_callers_number_is_normalised() {
    for caller in ["+15125550142", "512-555-0142", " (512) 555 0142 "] {
        let contact = workflow::contact(&call(caller));
        let phone = contact.phone.map(String::from);
        assert_eq!(phone.as_deref(), Some("+15125550142"), "{caller}");
    }
}

#[test]
fn tracking_own_and_withheld_numbers_are_no_identity() {
    for caller in [
        "512-555-0100",
        "+15125550101",
        "+266696687",
        "+7378742833",
        "+17378742833",
        "+86282452253",
        "+8656696",
        "+2562533",
        "anonymous",
        "Restricted",
        "",
    ] {
        assert_eq!(workflow::contact(&call(caller)).phone, None, "{caller}");
    }
}

#[test]
fn what_is_no_address_or_zip_code_is_left_out() {
    let contact = workflow::contact(&CallFacts {
        caller_name: Some("  ANN \n LEE\u{7} ".to_owned()),
        caller_email: Some("not an address".to_owned()),
        caller_postal_code: Some("7870".to_owned()),
        caller_city: Some("  ".to_owned()),
        caller_state: Some("TX".to_owned()),
        ..CallFacts::default()
    });
    assert_eq!(contact.name.as_deref(), Some("ANN LEE"));
    assert_eq!((contact.email, contact.postal_code), (None, None));
    assert_eq!((contact.city, contact.state.as_deref()), (None, Some("TX")));
}

#[test]
fn a_name_is_bounded() {
    let contact = workflow::contact(&CallFacts {
        caller_name: Some("x".repeat(10_000)),
        ..CallFacts::default()
    });
    assert_eq!(contact.name.unwrap().chars().count(), 200);
}
