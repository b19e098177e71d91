//! Where a request stands: what outranks what.

use domain::{OpenWork, SpamGate, Stage, Status, WorkState, workflow};

use crate::world::{Findings, SECRET, World, hold, park, retry};

fn two() -> Findings {
    Findings {
        destinations: vec!["hubspot", "webhook"],
        ..Findings::default()
    }
}

#[test]
fn a_request_is_received_until_it_is_first_worked_on() {
    let mut world = World::default();
    let id = world.call();
    assert_eq!(world.requests[&id].0.status, Status::Received);
    let job = world.claim(id, Stage::Recording);
    let open = OpenWork::new(world.rows(id).to_vec());
    assert_eq!(
        workflow::status(world.document(id), &open),
        Status::Processing
    );
    world.settle(&job, retry()).unwrap();
    assert_eq!(world.requests[&id].0.status, Status::Processing);
}

#[test]
fn parked_outranks_held_and_held_outranks_the_rest() {
    let mut world = World::default();
    let id = world.call();
    world.qualify(id, &two());
    let (first, second) = (world.claim(id, Stage::Dispatch), {
        let row = world.rows(id)[1].clone();
        world.try_claim(&row).unwrap()
    });
    world.settle(&first, hold(SECRET)).unwrap();
    assert_eq!(world.requests[&id].0.status, Status::Held);
    world.settle(&second, park()).unwrap();
    assert_eq!(world.requests[&id].0.status, Status::Parked);

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
    let id = world.call();
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
fn every_way_ends_in_its_status() {
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
        let mut world = World::default();
        let id = world.call();
        let findings = Findings {
            gate,
            area,
            ..Findings::default()
        };
        world.drain(&findings);
        assert_eq!(world.requests[&id].0.status, status);
        let was_sent = !world.document(id).dispatches.is_empty();
        assert_eq!(was_sent, status == Status::Completed);
    }
}
