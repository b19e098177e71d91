//! The spam gate at its edges, and what a person's verdict makes of it.

use domain::{
    AreaBasis, AreaVerdict, Channel, SpamGate, SpamThresholds, Verdict, VerdictKind, qualification,
    workflow::{self, Route},
};
use testkit::lead;

#[test]
fn both_edges_of_the_review_belong_to_it() {
    let mut section = lead::analysis(&lead::document(Channel::Form));
    for (likelihood, is_blocked, expected) in [
        (0.0, false, SpamGate::Pass),
        (49.99, false, SpamGate::Pass),
        (50.0, false, SpamGate::Review),
        (84.99, false, SpamGate::Review),
        (85.0, false, SpamGate::Review),
        (85.01, false, SpamGate::Quarantine),
        (100.0, false, SpamGate::Quarantine),
        (0.0, true, SpamGate::Review),
        (49.99, true, SpamGate::Review),
        (85.01, true, SpamGate::Quarantine),
    ] {
        (section.spam_likelihood, section.is_blocked) = (likelihood, is_blocked);
        let gate = qualification::spam_gate(&section, SpamThresholds::default());
        assert_eq!(gate, expected, "{likelihood} {is_blocked}");
    }
}

#[test]
fn a_tenant_can_move_the_edges() {
    let mut section = lead::analysis(&lead::document(Channel::Form));
    let thresholds = SpamThresholds {
        review_from: 20.0,
        quarantine_above: 20.0,
    };
    for (likelihood, expected) in [
        (19.99, SpamGate::Pass),
        (20.0, SpamGate::Review),
        (20.01, SpamGate::Quarantine),
    ] {
        section.spam_likelihood = likelihood;
        assert_eq!(qualification::spam_gate(&section, thresholds), expected);
    }
}

#[test]
fn a_persons_verdict_outranks_the_gate_but_not_the_area() {
    let inside = AreaVerdict::In(AreaBasis::PostalCode);
    let outside = AreaVerdict::Out(AreaBasis::PostalCode);
    let (approved, rejected) = (Some(VerdictKind::Approved), Some(VerdictKind::Rejected));
    for (gate, area, verdict, expected) in [
        (SpamGate::Pass, inside, None, Route::Dispatch),
        (SpamGate::Pass, AreaVerdict::Unknown, None, Route::Dispatch),
        (SpamGate::Pass, outside, None, Route::OutOfArea),
        (SpamGate::Review, outside, None, Route::Review),
        (SpamGate::Quarantine, outside, None, Route::Quarantine),
        (SpamGate::Review, inside, approved, Route::Dispatch),
        (SpamGate::Quarantine, inside, approved, Route::Dispatch),
        (SpamGate::Review, outside, approved, Route::OutOfArea),
        (SpamGate::Pass, inside, rejected, Route::Quarantine),
    ] {
        let mut document = lead::qualified(Channel::Form).document;
        let qualification = document.qualification.as_mut().unwrap();
        (qualification.gate, qualification.area) = (gate, area);
        document.verdict = verdict.map(|decision| Verdict {
            decision,
            by: "operator".to_owned(),
            at: lead::at(),
            overrules_area: false,
        });
        let route = workflow::route(&document);
        assert_eq!(route, Some(expected), "{gate:?} {area:?} {verdict:?}");
    }
    assert_eq!(workflow::route(&lead::document(Channel::Form)), None);
}
