//! Where a lead ends, and that none ends unseen.

use domain::{
    AreaBasis, AreaVerdict, Channel, City, EffectKey, Message, NotificationsSection, OfficeConfig,
    Outcome, ParkCause, PostalCode, Receipt, RequestId, ReviewAction, Section, ServiceArea,
    SpamGate, Stage, Status, WorkState, qualification, transition,
};
use testkit::lead;

use crate::world::{Findings, Job, World};

const MAIL: &str = "req_00000000000000000000000000000007.0a1b2c3d4e5f6071.0";

fn review(world: &mut World, id: RequestId, action: ReviewAction) -> Result<(), String> {
    let plan = transition::decide(world.state(id), action, "ann", world.now);
    world.write(plan.map_err(|error| error.to_string())?);
    Ok(())
}

fn parked(world: &World, id: RequestId, stage: Stage) -> ParkCause {
    match &world.row(id, stage).unwrap().state {
        WorkState::Parked { cause } => *cause,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_out_of_area_goes_on_when_it_is_released() {
    for channel in Channel::ALL {
        let mut world = World::of(channel);
        let id = world.lead();
        world.qualify(id, &Findings::outside_the_area());
        assert_eq!(world.status(id), Status::OutOfArea);
        for action in [ReviewAction::Approve, ReviewAction::Reject] {
            assert!(review(&mut world, id, action).is_err(), "{action:?}");
        }
        review(&mut world, id, ReviewAction::Release).unwrap();
        world.drain(&Findings::outside_the_area());
        assert_eq!(world.status(id), Status::Completed);
        assert!(world.words(id).contains(&"released"));
        // The word stands when the area is asked again.
        world.replay(id, Stage::Analysis).unwrap();
        world.drain(&Findings::outside_the_area());
        assert_eq!(world.status(id), Status::Completed);
        assert!(review(&mut world, id, ReviewAction::Release).is_err());
    }
}

#[test]
fn spam_outside_the_area_is_released_twice() {
    let mut world = World::default();
    let id = world.lead();
    let findings = Findings {
        gate: SpamGate::Quarantine,
        ..Findings::outside_the_area()
    };
    world.qualify(id, &findings);
    for status in [Status::OutOfArea, Status::Processing] {
        review(&mut world, id, ReviewAction::Release).unwrap();
        assert_eq!(world.status(id), status);
    }
}

/// The outcome of an analysis that names neither CRM nor people, by this version of a configuration.
fn names_nobody(job: &Job, config_version: u64) -> Outcome {
    let nobody = Findings {
        destinations: Vec::new(),
        notify: false,
        ..Findings::default()
    };
    let mut outcome = job.done(&nobody);
    if let Outcome::Done { sections, .. } = &mut outcome {
        for section in sections {
            if let Section::Qualification(section) = section {
                section.config_version = config_version;
            }
        }
    }
    outcome
}

#[test]
fn a_lead_that_nobody_is_set_up_for_waits_for_a_person() {
    for channel in Channel::ALL {
        let mut world = World::of(channel);
        let id = world.lead();
        world.gather(id, &Findings::default());
        let job = world.claim(id, Stage::Analysis);
        world.settle(&job, names_nobody(&job, 0)).unwrap();
        assert_eq!(world.status(id), Status::Parked, "{channel}");
        assert_eq!(parked(&world, id, Stage::Analysis), ParkCause::Unreached);
        let reason = world.row(id, Stage::Analysis).unwrap().reason.clone();
        assert!(reason.unwrap().contains("then redrive"));

        // Redriven too early, it waits again.
        assert_eq!(world.redrive(), 1);
        let job = world.claim(id, Stage::Analysis);
        world.settle(&job, names_nobody(&job, 0)).unwrap();
        assert_eq!(world.status(id), Status::Parked);

        assert_eq!(world.redrive(), 1);
        world.drain(&Findings::default());
        assert_eq!(world.status(id), Status::Completed);
        let document = world.document(id);
        assert!(document.notifications.is_some() && !document.dispatches.is_empty());
    }
}

#[test]
fn a_configuration_that_names_nobody_is_obeyed() {
    let mut world = World::default();
    let id = world.lead();
    world.gather(id, &Findings::default());
    let job = world.claim(id, Stage::Analysis);
    world.settle(&job, names_nobody(&job, 1)).unwrap();
    assert_eq!(world.status(id), Status::Completed);
}

fn told(is_sent: &[bool]) -> Outcome {
    let message = |(number, is_sent): (usize, &bool)| Message {
        channel: "email".to_owned(),
        recipient: format!("sales{number}@example.com"),
        id: Some(MAIL.replace("6071", &format!("607{number}"))),
        is_sent: *is_sent,
        provider_id: is_sent.then(|| format!("mail-{number}")),
        reason: (!is_sent).then(|| "the e-mail provider refused the mail".to_owned()),
    };
    Outcome::done(Section::Notifications(NotificationsSection {
        is_done: true,
        messages: is_sent.iter().enumerate().map(message).collect(),
    }))
}

/// A lead that the CRM has, and whose notification is at work.
fn notifying(world: &mut World) -> (RequestId, Job) {
    let id = world.lead();
    world.qualify(id, &Findings::default());
    world.run(id, Stage::Dispatch, &Findings::default());
    let job = world.claim(id, Stage::Notification);
    (id, job)
}

/// A lead whose notification ended with these messages.
fn notified(world: &mut World, is_sent: &[bool]) -> RequestId {
    let (id, job) = notifying(world);
    world.settle(&job, told(is_sent)).unwrap();
    id
}

#[test]
fn a_lead_that_nobody_was_told_of_waits_for_a_person() {
    let mut world = World::default();
    let some = notified(&mut world, &[false, true]);
    assert_eq!(world.status(some), Status::Completed);

    let none = notified(&mut world, &[false, false]);
    assert_eq!(world.status(none), Status::Parked);
    assert_eq!(
        parked(&world, none, Stage::Notification),
        ParkCause::Unreached
    );
    let row = world.row(none, Stage::Notification).unwrap();
    assert_eq!(
        row.answer.as_deref(),
        Some("the e-mail provider refused the mail")
    );
    let refused = world.replay(none, Stage::Notification).unwrap_err();
    assert!(refused.contains("redrive it"), "{refused}");

    let revision = world.document(none).revisions.of(Stage::Notification);
    assert_eq!(world.redrive(), 1);
    let document = world.document(none);
    let again = document.revisions.of(Stage::Notification);
    assert_eq!(again, revision + 1, "the same names would send nothing");
    world.drain(&Findings::default());
    assert_eq!(world.status(none), Status::Completed);
}

fn receipt(number: usize, event: &str) -> Receipt {
    let id = MAIL.replace("6071", &format!("607{number}"));
    Receipt {
        effect: EffectKey::of_message(&id).unwrap(),
        event: event.to_owned(),
        is_undelivered: event != "delivered",
        remote_id: format!("mail-{number}.filter1"),
        at: None,
        reason: Some("550 no such user".to_owned()),
    }
}

fn receive(world: &mut World, id: RequestId, receipts: &[Receipt]) -> bool {
    let receipts: Vec<_> = receipts.iter().collect();
    let plan = transition::undelivered(world.state(id), &receipts, world.now);
    let is_changed = plan.is_some();
    if let Some(plan) = plan {
        world.write(plan);
    }
    is_changed
}

#[test]
fn a_mail_that_will_not_arrive_was_not_sent() {
    for event in ["dropped", "bounce", "blocked"] {
        let mut world = World::default();
        let id = notified(&mut world, &[true, true]);
        assert!(receive(&mut world, id, &[receipt(0, event)]));
        let section = world.document(id).notifications.clone().unwrap();
        let lost = &section.messages[0];
        assert!(!lost.is_sent && section.messages[1].is_sent);
        assert!(lost.reason.as_ref().unwrap().contains(event), "{lost:?}");
        assert_eq!(world.status(id), Status::Completed, "somebody was told");
        assert!(!receive(&mut world, id, &[receipt(0, event)]), "said twice");

        assert!(receive(&mut world, id, &[receipt(1, event)]));
        assert_eq!(world.status(id), Status::Parked);
        assert_eq!(
            parked(&world, id, Stage::Notification),
            ParkCause::Unreached
        );
        assert_eq!(world.redrive(), 1);
        world.drain(&Findings::default());
        assert_eq!(world.status(id), Status::Completed);
    }
}

#[test]
fn a_receipt_of_another_message_changes_nothing() {
    let mut world = World::default();
    let id = notified(&mut world, &[true]);
    let mut other = receipt(0, "dropped");
    other.effect = EffectKey::of_message(&MAIL.replace(".0a1b", ".ffff")).unwrap();
    other.remote_id = String::new();
    assert!(!receive(&mut world, id, &[other]));
    assert_eq!(world.status(id), Status::Completed);
}

#[test]
fn a_message_without_our_id_is_known_by_the_providers() {
    let mut world = World::default();
    let id = notified(&mut world, &[true]);
    let (request, _) = world.requests.get_mut(&id).unwrap();
    let section = request.document.notifications.as_mut().unwrap();
    section.messages[0].id = None;
    assert!(receive(&mut world, id, &[receipt(0, "bounce")]));
    assert_eq!(world.status(id), Status::Parked);
}

#[test]
fn a_receipt_during_the_sending_makes_it_look_again() {
    let mut world = World::default();
    let (id, job) = notifying(&mut world);
    assert!(receive(&mut world, id, &[receipt(0, "dropped")]));
    world.settle(&job, told(&[true])).unwrap();
    assert_eq!(world.open(id), [Stage::Notification]);
    let job = world.claim(id, Stage::Notification);
    world.settle(&job, told(&[false])).unwrap();
    assert_eq!(world.status(id), Status::Parked);
}

#[test]
fn a_receipt_during_a_second_run_is_not_overwritten() {
    let mut world = World::default();
    let (id, job) = notifying(&mut world);
    assert!(receive(&mut world, id, &[receipt(1, "dropped")]));
    world.settle(&job, told(&[true, true])).unwrap();
    // It has read that the first was sent when the word comes that it was not.
    let job = world.claim(id, Stage::Notification);
    assert!(receive(&mut world, id, &[receipt(0, "bounce")]));
    world.settle(&job, told(&[true, false])).unwrap();
    let job = world.claim(id, Stage::Notification);
    world.settle(&job, told(&[false, false])).unwrap();
    assert_eq!(world.status(id), Status::Parked);
}

#[test]
fn whoever_was_told_is_not_told_again_by_a_redrive() {
    let mut world = World::default();
    let (id, job) = notifying(&mut world);
    assert!(receive(&mut world, id, &[receipt(1, "dropped")]));
    world.settle(&job, told(&[true, false])).unwrap();
    let revision = world.document(id).revisions.of(Stage::Notification);
    let job = world.claim(id, Stage::Notification);
    let stopped = Outcome::Park {
        cause: ParkCause::Permanent,
        reason: "the connection is gone".to_owned(),
        answer: None,
    };
    world.settle(&job, stopped).unwrap();
    assert_eq!(world.redrive(), 1);
    let document = world.document(id);
    assert_eq!(document.revisions.of(Stage::Notification), revision);
    assert!(document.notifications.as_ref().unwrap().messages[0].is_sent);
}

/// An office around Austin.
fn austin() -> OfficeConfig {
    let mut office = lead::office();
    office.workflow.service_area = ServiceArea {
        postal_codes: vec!["787xx".to_owned()],
        cities: vec![City {
            name: "Austin".to_owned(),
            state: "TX".to_owned(),
        }],
        ..ServiceArea::default()
    };
    office
}

#[test]
fn a_recorded_zip_code_never_sends_a_lead_away() {
    let is_out = |channel, delivered: &str, said: Option<&str>, address: Option<&str>| {
        let mut document = lead::document(channel);
        document.source.said.person.postal_code = Some(delivered.to_owned());
        document.source.said.person.address = None;
        let mut analysis = lead::analysis(&document);
        analysis.postal_code = said.and_then(|code| PostalCode::parse(code).ok());
        analysis.address = address.map(str::to_owned);
        let section = qualification::qualify(&document, &analysis, &austin(), None);
        matches!(section.area, AreaVerdict::Out(_))
    };
    let inside = Some("4 Oak Ave, Austin");
    for channel in [Channel::Phone, Channel::Text] {
        for delivered in ["75201", "00000", "99999"] {
            assert!(!is_out(channel, delivered, None, inside), "{delivered}");
            assert!(!is_out(channel, delivered, None, None), "{delivered}");
            assert!(
                !is_out(channel, delivered, Some("00000"), None),
                "{delivered}"
            );
        }
        assert!(is_out(channel, "78704", Some("75201"), None), "it was said");
    }
    for channel in [
        Channel::Form,
        Channel::Calendar,
        Channel::Chat,
        Channel::Api,
    ] {
        assert!(
            is_out(channel, "75201", None, None),
            "{channel}: it was typed"
        );
        assert!(!is_out(channel, "00000", None, None), "{channel}");
    }
}

/// What the analysis reads out of words may be anything: where somebody lives, or what a model takes for a ZIP code.
#[test]
fn what_was_typed_outranks_a_zip_code_that_the_analysis_found() {
    let area = |code: Option<&str>, town: Option<(&str, &str)>, said: &str| {
        let mut document = lead::document(Channel::Form);
        let person = &mut document.source.said.person;
        person.postal_code = code.map(str::to_owned);
        person.city = town.map(|(city, _)| city.to_owned());
        person.state = town.map(|(_, state)| state.to_owned());
        person.address = None;
        let mut analysis = lead::analysis(&document);
        analysis.postal_code = PostalCode::parse(said).ok();
        analysis.address = None;
        qualification::qualify(&document, &analysis, &austin(), None).area
    };
    let by_code = AreaVerdict::In(AreaBasis::PostalCode);
    let out = AreaVerdict::Out(AreaBasis::PostalCode);
    let round_rock = Some(("Round Rock", "TX"));
    for (code, town, said, expected) in [
        (Some("78704"), None, "10001", AreaVerdict::Unknown),
        (Some("78704"), None, "78701", by_code),
        (Some("10001"), None, "78704", by_code),
        (Some("10001"), None, "75201", out),
        (Some("00000"), None, "75201", out),
        (
            None,
            Some(("Austin", "TX")),
            "75201",
            AreaVerdict::In(AreaBasis::CallerCity),
        ),
        (None, round_rock, "10234", AreaVerdict::Unknown),
        (None, round_rock, "75201", out),
        (None, round_rock, "78704", by_code),
        (None, None, "75201", out),
        (None, None, "00045", AreaVerdict::Unknown),
    ] {
        assert_eq!(area(code, town, said), expected, "{code:?} {town:?} {said}");
    }
}

#[test]
fn a_zip_code_of_another_state_than_was_said_sends_nobody_away() {
    for (code, state, is_out) in [
        ("08540", None, true),
        ("08540", Some("NJ"), true),
        ("08540", Some("TX"), false),
        ("75201", Some("Texas"), true),
        ("78704", Some("NJ"), false),
    ] {
        let mut document = lead::document(Channel::Form);
        let person = &mut document.source.said.person;
        person.postal_code = Some(code.to_owned());
        person.state = state.map(str::to_owned);
        (person.address, person.city) = (None, None);
        let mut analysis = lead::analysis(&document);
        (analysis.postal_code, analysis.address) = (None, None);
        let section = qualification::qualify(&document, &analysis, &austin(), None);
        let found = matches!(section.area, AreaVerdict::Out(_));
        assert_eq!(found, is_out, "{code} {state:?}: {:?}", section.area);
    }
}

#[test]
fn what_the_source_marked_as_spam_is_quarantined() {
    for (marked, gate) in [
        (Some(true), SpamGate::Quarantine),
        (Some(false), SpamGate::Pass),
        (None, SpamGate::Pass),
    ] {
        let mut document = lead::document(Channel::Phone);
        document.source.said.marked_spam = marked;
        let analysis = lead::analysis(&document);
        let section = qualification::qualify(&document, &analysis, &lead::office(), None);
        assert_eq!(section.gate, gate);
        let reason = section.gate_reason.as_deref();
        assert_eq!(reason.is_some(), marked == Some(true), "{reason:?}");
    }
    let mut world = World::default();
    let id = world.completed(&Findings::default());
    let marked = world.edit(|facts| facts.marked_spam = Some(true));
    world.event(id, &marked);
    assert_eq!(world.open(id), [Stage::Analysis], "it is qualified again");
}
