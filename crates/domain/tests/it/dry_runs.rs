//! What another configuration would have done to requests that came in.

use domain::{
    Channel, DryRun, DryRunAspect, DryRunOutcome, EmailAddress, LeadRequest, OfficeConfig,
    RequestId, Verdict, VerdictKind, dry_run::MAX_CHANGED,
};
use testkit::lead;
use uuid::Uuid;

/// A lead of the area 78664, of this spam likelihood.
fn request(spam_likelihood: f64) -> LeadRequest {
    let mut request = lead::qualified(Channel::Form);
    let analysis = request.document.analysis.as_mut().unwrap();
    analysis.spam_likelihood = spam_likelihood;
    request
}

/// The office's configuration, changed.
fn office(change: impl FnOnce(&mut OfficeConfig)) -> OfficeConfig {
    let mut office = lead::office();
    change(&mut office);
    office
}

fn compared(request: &LeadRequest, before: &OfficeConfig, after: &OfficeConfig) -> DryRun {
    let mut run = DryRun::default();
    run.add(request.id, &request.document, before, after);
    run
}

fn outcomes(run: &DryRun) -> (Vec<DryRunOutcome>, Vec<DryRunOutcome>) {
    let of = |counts: &std::collections::BTreeMap<_, u64>| counts.keys().copied().collect();
    (of(&run.before), of(&run.after))
}

#[test]
fn an_equal_configuration_changes_nothing() {
    let run = compared(&request(5.0), &lead::office(), &lead::office());
    assert_eq!((run.requests, run.changed_total), (1, 0));
    let dispatched = vec![DryRunOutcome::Dispatched];
    assert_eq!(outcomes(&run), (dispatched.clone(), dispatched));
}

#[test]
fn thresholds_say_why_a_request_would_end_elsewhere() {
    let stricter = office(|office| office.workflow.spam.review_from = 30.0);
    let run = compared(&request(40.0), &lead::office(), &stricter);
    let change = &run.changed[0];
    assert_eq!(
        (change.what, change.before.as_str(), change.after.as_str()),
        (DryRunAspect::Outcome, "dispatched", "in_review")
    );
    for part in ["40 %", "review from 50 %", "review from 30 %"] {
        assert!(change.because.contains(part), "{}", change.because);
    }
    // Both edges are the gate's own: from the lower one on a review, above the upper one a quarantine.
    for (likelihood, outcome) in [
        (29.9, DryRunOutcome::Dispatched),
        (30.0, DryRunOutcome::InReview),
        (85.0, DryRunOutcome::InReview),
        (85.1, DryRunOutcome::Quarantined),
    ] {
        let run = compared(&request(likelihood), &lead::office(), &stricter);
        assert_eq!(outcomes(&run).1, [outcome], "{likelihood}");
    }
}

#[test]
fn an_area_says_what_it_rests_on() {
    let elsewhere = office(|office| {
        office.workflow.service_area.postal_codes = vec!["100xx".to_owned()];
    });
    let run = compared(&request(5.0), &lead::office(), &elsewhere);
    let change = &run.changed[0];
    assert_eq!(change.after, "out_of_area");
    assert!(
        change
            .because
            .contains("outside the service area by its ZIP code")
    );
    let back = compared(&request(5.0), &elsewhere, &lead::office());
    assert_eq!(back.changed[0].before, "out_of_area");
}

#[test]
fn other_destinations_and_recipients_are_told_apart() {
    let request = request(5.0);
    let other_crm = office(|office| {
        let connection = "second".parse().unwrap();
        office.workflow.destinations[0].connection = connection;
    });
    let change = compared(&request, &lead::office(), &other_crm)
        .changed
        .remove(0);
    assert_eq!(change.what, DryRunAspect::Destinations);
    assert!(change.after.starts_with("second ("), "{}", change.after);
    let other_people = office(|office| {
        let boss = EmailAddress::parse("boss@example.com").unwrap();
        office.workflow.notifications.email = vec![boss];
    });
    let change = compared(&request, &lead::office(), &other_people)
        .changed
        .remove(0);
    assert_eq!(
        (change.what, change.after.as_str()),
        (DryRunAspect::Recipients, "boss@example.com")
    );
    let nobody = office(|office| {
        office.workflow.destinations.clear();
        office.workflow.notifications.email.clear();
    });
    let change = compared(&request, &lead::office(), &nobody)
        .changed
        .remove(0);
    assert_eq!(
        (change.what, change.after.as_str()),
        (DryRunAspect::Outcome, "unreached")
    );
    // Of spam nobody hears by either configuration.
    let spam = compared(&self::request(99.0), &lead::office(), &nobody);
    assert_eq!(
        (spam.changed_total, outcomes(&spam).1),
        (0, vec![DryRunOutcome::Quarantined])
    );
}

#[test]
fn a_persons_verdict_stays() {
    let stricter = office(|office| office.workflow.spam.quarantine_above = 30.0);
    let mut request = request(60.0);
    for (decision, overrules_area, outcome) in [
        (VerdictKind::Approved, false, DryRunOutcome::Dispatched),
        (VerdictKind::Rejected, false, DryRunOutcome::Quarantined),
    ] {
        request.document.verdict = Some(Verdict {
            decision,
            by: "ann".to_owned(),
            at: lead::at(),
            overrules_area,
        });
        let run = compared(&request, &lead::office(), &stricter);
        assert_eq!(run.changed_total, 0);
        assert_eq!(outcomes(&run), (vec![outcome], vec![outcome]));
    }
}

#[test]
fn what_was_never_analyzed_is_unknown() {
    let request = lead::request(Channel::Form);
    let stricter = office(|office| office.workflow.spam.quarantine_above = 0.0);
    let run = compared(&request, &lead::office(), &stricter);
    assert_eq!((run.requests, run.changed_total), (1, 0));
    assert_eq!(outcomes(&run).1, [DryRunOutcome::Unknown]);
}

#[test]
fn what_was_merged_or_erased_does_not_count() {
    let mut merged = request(5.0);
    merged.document.merged_into = Some(RequestId::from_uuid(Uuid::from_u128(7)));
    let mut erased = request(5.0);
    erased.document.erased = true;
    for request in [merged, erased] {
        let run = compared(&request, &lead::office(), &lead::office());
        assert_eq!(run, DryRun::default());
    }
}

#[test]
fn the_list_is_bounded_and_the_count_is_not() {
    let stricter = office(|office| office.workflow.spam.review_from = 0.0);
    let request = request(5.0);
    let mut run = DryRun::default();
    for _ in 0..MAX_CHANGED + 7 {
        run.add(request.id, &request.document, &lead::office(), &stricter);
    }
    assert_eq!(run.changed.len(), MAX_CHANGED);
    assert_eq!(run.changed_total, u64::try_from(MAX_CHANGED).unwrap() + 7);
    let stored = serde_json::to_string(&run).unwrap();
    assert_eq!(serde_json::from_str::<DryRun>(&stored).unwrap(), run);
}
