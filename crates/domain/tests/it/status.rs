//! Where a request stands: what outranks what.

use domain::{Channel, OpenWork, SpamGate, Stage, Status, WorkState, transition, workflow};
use testkit::lead;

use crate::world::{Findings, SECRET, World, hold, park, retry};

fn two() -> Findings {
    Findings {
        destinations: vec![lead::CRM, "webhook"],
        ..Findings::default()
    }
}

#[test]
fn a_request_is_received_until_it_is_first_worked_on() {
    for channel in Channel::ALL {
        let mut world = World::of(channel);
        let (id, stage) = (world.lead(), world.first());
        assert_eq!(world.status(id), Status::Received);
        let job = world.claim(id, stage);
        let open = OpenWork::new(world.rows(id).to_vec());
        let claimed = workflow::status(world.document(id), &open);
        assert_eq!(claimed, Status::Processing);
        assert_eq!(transition::claimed_status(world.status(id)), claimed);
        world.settle(&job, retry()).unwrap();
        assert_eq!(world.status(id), Status::Processing);
    }
}

#[test]
fn a_request_that_a_stage_wrote_to_is_no_longer_new() {
    for channel in Channel::ALL {
        let mut world = World::of(channel);
        let (id, stage) = (world.lead(), world.first());
        world.run(id, stage, &Findings::default());
        assert_eq!(world.status(id), Status::Processing, "{channel}");
    }
}

#[test]
fn a_stored_status_reads_back_and_an_unknown_one_is_shown() {
    for status in Status::ALL {
        assert_eq!(Status::from_stored(status.as_str()), status);
    }
    let unknown = Status::from_stored("on_the_moon");
    assert_eq!(
        (unknown, unknown.is_terminal()),
        (Status::Unrecognized, false)
    );
    assert!("on_the_moon".parse::<Status>().is_err());
    assert!(!Status::ALL.contains(&Status::Unrecognized));
}

#[test]
fn work_of_a_newer_build_keeps_a_request_open() {
    let mut world = World::default();
    let id = world.completed(&Findings::default());
    let mut request = world.requests[&id].0.clone();
    let beside = |stage: &str| {
        let step = (stage.to_owned(), String::new());
        OpenWork::default().beside_unrecognized([step])
    };
    let open = beside("thread");
    let status = workflow::status(&request.document, &open);
    assert_eq!(status, Status::Processing);
    assert_eq!(workflow::next(&request, &open), []);
    // A row of a known stage that cannot be read is not opened a second time.
    request.document.revisions.raise(Stage::Details);
    assert_eq!(workflow::next(&request, &open).len(), 1);
    assert_eq!(workflow::next(&request, &beside("details")), []);
}

#[test]
fn parked_outranks_held_and_held_outranks_the_rest() {
    let mut world = World::default();
    let id = world.lead();
    world.qualify(id, &two());
    let (first, second) = (world.claim(id, Stage::Dispatch), {
        let row = world.rows(id)[1].clone();
        world.try_claim(&row).unwrap()
    });
    world.settle(&first, hold(SECRET)).unwrap();
    assert_eq!(world.status(id), Status::Held);
    world.settle(&second, park()).unwrap();
    assert_eq!(world.status(id), Status::Parked);

    let mut document = world.document(id).clone();
    let open = OpenWork::new(world.rows(id).to_vec());
    document.merged_into = Some(id);
    assert_eq!(workflow::status(&document, &open), Status::Merged);
    document.erased = true;
    assert_eq!(workflow::status(&document, &open), Status::Erased);
}

#[test]
fn held_and_parked_outrank_a_review() {
    let mut world = World::default();
    let id = world.lead();
    world.qualify(id, &two());
    let job = world.claim(id, Stage::Dispatch);
    world.settle(&job, park()).unwrap();
    let mut document = world.document(id).clone();
    document.qualification.as_mut().unwrap().gate = SpamGate::Review;
    let mut rows = world.rows(id).to_vec();
    let status = |rows: &[_]| workflow::status(&document, &OpenWork::new(rows.to_vec()));
    assert_eq!(status(&rows), Status::Parked);
    rows.retain(|row| !matches!(row.state, WorkState::Parked { .. }));
    assert_eq!(status(&rows), Status::InReview);
    assert_eq!(status(&[]), Status::InReview);
}

#[test]
fn every_route_ends_in_its_status() {
    let out = domain::AreaVerdict::Out(domain::AreaBasis::PostalCode);
    for (gate, area, status) in [
        (
            SpamGate::Pass,
            domain::AreaVerdict::Unknown,
            Status::Completed,
        ),
        (SpamGate::Pass, out, Status::OutOfArea),
        (SpamGate::Review, out, Status::InReview),
        (SpamGate::Quarantine, out, Status::Quarantined),
    ] {
        for channel in Channel::ALL {
            let mut world = World::of(channel);
            let id = world.lead();
            let findings = Findings {
                gate,
                area,
                ..Findings::default()
            };
            world.drain(&findings);
            assert_eq!(world.status(id), status, "{channel}");
            let was_sent = !world.document(id).dispatches.is_empty();
            assert_eq!(was_sent, status == Status::Completed);
        }
    }
}
