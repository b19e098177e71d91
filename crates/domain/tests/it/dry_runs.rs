//! What another configuration would have done to requests that came in.

use domain::{
    AreaBasis, AreaVerdict, Channel, Coordinates, DryRun, DryRunAspect, DryRunOutcome,
    EmailAddress, LeadRequest, MapAnswer, MapOutcome, OfficeConfig, PostalCode, Radius, RequestId,
    ServiceArea, Verdict, VerdictKind,
    dry_run::{self, MAX_CHANGED},
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
    run.add(request.id, &request.document, before, after, None);
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
        run.add(
            request.id,
            &request.document,
            &lead::office(),
            &stricter,
            None,
        );
    }
    assert_eq!(run.changed.len(), MAX_CHANGED);
    assert_eq!(run.changed_total, u64::try_from(MAX_CHANGED).unwrap() + 7);
    let stored = serde_json::to_string(&run).unwrap();
    assert_eq!(serde_json::from_str::<DryRun>(&stored).unwrap(), run);
}

/// A circle of so many miles around Austin, and nothing else, as this version of the configuration.
fn around_austin(miles: f64, version: u64) -> OfficeConfig {
    office(|office| {
        office.version = version;
        office.workflow.service_area = ServiceArea {
            radius: Some(Radius {
                latitude: 30.2672,
                longitude: -97.7431,
                miles,
            }),
            ..ServiceArea::default()
        };
    })
}

/// A lead who wrote an address in Round Rock, 17 miles from Austin.
fn at_elm_street() -> LeadRequest {
    let mut request = request(5.0);
    let analysis = request.document.analysis.as_mut().unwrap();
    analysis.postal_code = Some(PostalCode::parse("78664").unwrap());
    analysis.address = Some("12 Elm St, Round Rock".to_owned());
    request
}

const IN_ROUND_ROCK: MapAnswer = MapAnswer::Found {
    at: Coordinates {
        latitude: 30.5083,
        longitude: -97.6789,
    },
};

/// Where the lead ends by a circle of 25 miles and by one of 10 miles, with this answer of the map.
fn ends(request: &LeadRequest, said: Option<MapAnswer>) -> (DryRunOutcome, DryRunOutcome, u64) {
    let (wide, narrow) = (around_austin(25.0, 7), around_austin(10.0, 8));
    let asked = dry_run::address_to_locate(&request.document, &wide, &narrow);
    assert!(asked.is_some());
    let mut run = DryRun::default();
    run.add(request.id, &request.document, &wide, &narrow, said);
    let (before, after) = outcomes(&run);
    (before[0], after[0], run.changed_total)
}

#[test]
fn what_a_map_said_before_counts_in_a_dry_run() {
    let request = at_elm_street();
    let (dispatched, out) = (DryRunOutcome::Dispatched, DryRunOutcome::OutOfArea);
    assert_eq!(ends(&request, Some(IN_ROUND_ROCK)), (dispatched, out, 1));
    for vague in [MapAnswer::Doubtful, MapAnswer::NotFound] {
        let answer = ends(&request, Some(vague));
        assert_eq!(answer, (dispatched, dispatched, 0), "{vague:?}");
    }
}

#[test]
fn what_only_a_map_could_tell_is_unknown() {
    let unknown = DryRunOutcome::Unknown;
    assert_eq!(ends(&at_elm_street(), None), (unknown, unknown, 0));
}

#[test]
fn a_request_says_what_the_map_decided_about_it() {
    let mut request = at_elm_street();
    let section = request.document.qualification.as_mut().unwrap();
    section.config_version = 7;
    section.area = AreaVerdict::Out(AreaBasis::Radius);
    section.map = Some(MapOutcome::Found);
    let (out, unknown) = (DryRunOutcome::OutOfArea, DryRunOutcome::Unknown);
    assert_eq!(ends(&request, None), (out, unknown, 0));
    // The same area in another version is the same area.
    let (wide, renewed) = (around_austin(25.0, 7), around_austin(25.0, 8));
    assert_eq!(
        outcomes(&compared(&request, &wide, &renewed)),
        (vec![out], vec![out])
    );
    // An older version decided on another area, maybe.
    let later = around_austin(25.0, 9);
    assert_eq!(outcomes(&compared(&request, &later, &renewed)).0, [unknown]);
    // A map that could not tell would not tell more of another area.
    let section = request.document.qualification.as_mut().unwrap();
    section.area = AreaVerdict::Unknown;
    section.map = Some(MapOutcome::OverQuota);
    let dispatched = DryRunOutcome::Dispatched;
    assert_eq!(ends(&request, None), (dispatched, dispatched, 0));
}

#[test]
fn no_map_is_needed_where_a_zip_code_decides() {
    let request = at_elm_street();
    let listed = office(|office| {
        office.workflow.service_area = ServiceArea {
            postal_codes: vec!["786xx".to_owned()],
            ..around_austin(10.0, 8).workflow.service_area
        };
    });
    let asked = dry_run::address_to_locate(&request.document, &listed, &lead::office());
    assert!(asked.is_none());
    let dispatched = DryRunOutcome::Dispatched;
    assert_eq!(
        outcomes(&compared(&request, &lead::office(), &listed)).1,
        [dispatched]
    );
}
