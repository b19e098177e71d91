//! The spam gate at its edges, and what a person's verdict makes of it.

use domain::{
    AreaBasis, AreaVerdict, SpamGate, SpamThresholds, Verdict, VerdictKind, qualification,
    workflow::{self, Decision},
};

use crate::world::{Findings, World, analysis};

#[test]
fn both_edges_of_the_review_belong_to_it() {
    let mut world = World::default();
    let id = world.call();
    let mut section = analysis(world.document(id));
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
    let mut world = World::default();
    let id = world.call();
    let mut section = analysis(world.document(id));
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
        (SpamGate::Pass, inside, None, Decision::Dispatch),
        (
            SpamGate::Pass,
            AreaVerdict::Unknown,
            None,
            Decision::Dispatch,
        ),
        (SpamGate::Pass, outside, None, Decision::OutOfArea),
        (SpamGate::Review, outside, None, Decision::Review),
        (SpamGate::Quarantine, outside, None, Decision::Quarantine),
        (SpamGate::Review, inside, approved, Decision::Dispatch),
        (SpamGate::Quarantine, inside, approved, Decision::Dispatch),
        (SpamGate::Review, outside, approved, Decision::OutOfArea),
        (SpamGate::Pass, inside, rejected, Decision::Quarantine),
    ] {
        let mut world = World::default();
        let id = world.call();
        let findings = Findings {
            gate,
            area,
            ..Findings::default()
        };
        world.qualify(id, &findings);
        let mut document = world.document(id).clone();
        document.verdict = verdict.map(|decision| Verdict {
            decision,
            by: "operator".to_owned(),
            at: world.now,
        });
        let decided = workflow::decision(&document);
        assert_eq!(decided, Some(expected), "{gate:?} {area:?} {verdict:?}");
    }
    let mut world = World::default();
    let id = world.call();
    assert_eq!(workflow::decision(world.document(id)), None);
}
