//! Where projects are, by the simulated map.

use ai_analyzer::MapLimits;
use domain::{
    AreaBasis, AreaVerdict, Channel, Document, MapOutcome, PersonFacts, Radius, ServiceArea,
    WorkflowConfig,
};
use simulators::Fault;
use testkit::lead;

use crate::world::{World, call, job_with, spoken, usage};

const IN: AreaVerdict = AreaVerdict::In(AreaBasis::Radius);

/// Everything within 25 miles of Austin, and these ZIP codes.
fn drawn(postal_codes: &[&str]) -> WorkflowConfig {
    WorkflowConfig {
        service_area: ServiceArea {
            postal_codes: postal_codes.iter().map(|code| (*code).to_owned()).collect(),
            radius: Some(Radius {
                latitude: 30.2672,
                longitude: -97.7431,
                miles: 25.0,
            }),
            ..ServiceArea::default()
        },
        ..WorkflowConfig::default()
    }
}

/// A form of somebody who typed this.
fn form(address: &str, city: &str, code: &str) -> Document {
    let mut document = lead::document(Channel::Form);
    let typed = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    document.source.said.person = PersonFacts {
        name: Some("Dana Whitfield".to_owned()),
        address: typed(address),
        city: typed(city),
        state: Some("TX".to_owned()),
        postal_code: typed(code),
        ..PersonFacts::default()
    };
    document
}

/// The area and what came of asking the map.
async fn placed(
    world: &World,
    document: Document,
    workflow: WorkflowConfig,
) -> (AreaVerdict, Option<MapOutcome>) {
    let judged = world.judge(&job_with(document, 0, workflow)).await;
    (judged.qualification.area, judged.qualification.map)
}

fn asked(world: &World) -> usize {
    world.simulators.geocoding().requests().len()
}

#[tokio::test]
async fn the_map_tells_what_was_not_said() {
    let world = World::start().await;
    let near = form("12 Elm St", "Round Rock", "78664");
    let found = Some(MapOutcome::Found);
    assert_eq!(placed(&world, near, drawn(&[])).await, (IN, found));
    let far = form("900 Main St", "Dallas", "75201");
    let out = AreaVerdict::Out(AreaBasis::Radius);
    assert_eq!(placed(&world, far, drawn(&[])).await, (out, found));
    assert_eq!(asked(&world), 2);
}

#[tokio::test]
async fn nobody_asks_a_map_where_it_can_change_nothing() {
    let world = World::start().await;
    let near = || form("12 Elm St", "Round Rock", "78664");
    let by_code = AreaVerdict::In(AreaBasis::PostalCode);
    assert_eq!(
        placed(&world, near(), drawn(&["78664"])).await,
        (by_code, None)
    );
    let listed = WorkflowConfig {
        service_area: ServiceArea {
            postal_codes: vec!["75201".to_owned()],
            ..ServiceArea::default()
        },
        ..WorkflowConfig::default()
    };
    let out = AreaVerdict::Out(AreaBasis::PostalCode);
    assert_eq!(placed(&world, near(), listed).await, (out, None));
    for nowhere in [
        form("", "Round Rock", "78664"),
        form("Elm St", "Round Rock", "78664"),
        form("12 Elm St", "", ""),
    ] {
        let unknown = (AreaVerdict::Unknown, None);
        assert_eq!(placed(&world, nowhere, drawn(&[])).await, unknown);
    }
    let mut abroad = near();
    abroad.source.said.person.country = Some("Canada".to_owned());
    assert_eq!(placed(&world, abroad, drawn(&[])).await.1, None);
    let mut spam = near();
    spam.source.said.marked_spam = Some(true);
    assert_eq!(placed(&world, spam, drawn(&[])).await.1, None);
    assert_eq!(asked(&world), 0);
}

#[tokio::test]
async fn what_belongs_to_a_callers_number_is_not_asked_for() {
    let world = World::start().await;
    let mut caller = call(vec![
        spoken("1", "Hello?"),
        spoken("2", "I want a new kitchen."),
    ]);
    let person = &mut caller.source.said.person;
    person.address = Some("900 Main St".to_owned());
    person.city = Some("Dallas".to_owned());
    person.postal_code = Some("75201".to_owned());
    let unknown = (AreaVerdict::Unknown, None);
    assert_eq!(placed(&world, caller, drawn(&[])).await, unknown);
    assert_eq!(asked(&world), 0);
}

#[tokio::test]
async fn an_address_is_asked_for_once() {
    let world = World::start().await;
    for address in ["12 Elm St", "12 elm street, Apt 4", "12 Elm St."] {
        let document = form(address, "Round Rock", "78664");
        let found = Some(MapOutcome::Found);
        assert_eq!(placed(&world, document, drawn(&[])).await, (IN, found));
    }
    assert_eq!(asked(&world), 1);
    let nowhere = || form("12 Elm St", "Round Rock", "98101");
    let unknown = (AreaVerdict::Unknown, Some(MapOutcome::NotFound));
    for _ in 0..2 {
        assert_eq!(placed(&world, nowhere(), drawn(&[])).await, unknown);
    }
    assert_eq!(asked(&world), 2);
}

#[tokio::test]
async fn a_map_that_fails_leaves_the_area_unknown_and_is_left_alone() {
    let world = World::start().await;
    world.simulators.geocoding().answer_next(Fault::Status(503));
    let unknown = (AreaVerdict::Unknown, Some(MapOutcome::Unavailable));
    for number in 1..4 {
        let document = form(&format!("{number} Elm St"), "Round Rock", "78664");
        assert_eq!(placed(&world, document, drawn(&[])).await, unknown);
    }
    assert_eq!(asked(&world), 1);
    world.clock.advance(std::time::Duration::from_secs(31));
    let document = form("1 Elm St", "Round Rock", "78664");
    assert_eq!(placed(&world, document, drawn(&[])).await.0, IN);
}

#[tokio::test]
async fn beyond_its_quota_a_tenant_goes_on_without_the_map() {
    let world = World::with_lookups(2).await;
    let houses = (1..4).map(|number| form(&format!("{number} Elm St"), "Round Rock", "78664"));
    let mut said = Vec::new();
    for house in houses {
        said.push(placed(&world, house, drawn(&[])).await.1.unwrap());
    }
    let (found, over) = (MapOutcome::Found, MapOutcome::OverQuota);
    assert_eq!(said, [found, found, over]);
    assert_eq!(asked(&world), 2);
    // What is known costs nothing.
    let known = form("1 Elm St", "Round Rock", "78664");
    assert_eq!(placed(&world, known, drawn(&[])).await.1, Some(found));
}

#[tokio::test]
async fn what_all_together_may_not_ask_costs_a_tenant_nothing() {
    let world = World::within(MapLimits {
        per_minute: 1,
        per_tenant_and_day: 2,
        ..MapLimits::default()
    })
    .await;
    let place = async |number: u32| {
        let house = form(&format!("{number} Elm St"), "Round Rock", "78664");
        placed(&world, house, drawn(&[])).await.1.unwrap()
    };
    let (found, over) = (MapOutcome::Found, MapOutcome::OverQuota);
    assert_eq!(place(1).await, found);
    for _ in 0..3 {
        assert_eq!(place(2).await, over, "all together had their minute");
    }
    world.clock.advance(std::time::Duration::from_secs(180));
    assert_eq!(place(2).await, found, "its own quota has room still");
    world.clock.advance(std::time::Duration::from_secs(180));
    assert_eq!(place(3).await, over, "and now it has none");
}

#[tokio::test]
async fn what_a_map_was_asked_is_on_the_bill() {
    let world = World::start().await;
    let job = job_with(form("12 Elm St", "Round Rock", "78664"), 0, drawn(&[]));
    world.judge(&job).await;
    let line = ("Google Maps".to_owned(), "map_lookups".to_owned(), 1);
    assert!(usage(&job).contains(&line));
}
