//! Requests of one person: what is linked, whatever the order in which it became known.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use domain::{
    Channel, Circle, LinkReason, OpenWork, RequestId, RequestState, later,
    transition::{link, unlink},
};
use jiff::Timestamp;
use proptest::prelude::*;
use testkit::lead;
use uuid::Uuid;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const WINDOW: Duration = Duration::from_secs(7 * 24 * 60 * 60);
const NAMES: [Option<&str>; 5] = [
    None,
    Some("Ann Lee"),
    Some("Dr. Ann Lee"),
    Some("Bob Ray"),
    Some("UNKNOWN NAME"),
];

/// A request, and what it is recognized by: a telephone number and an address, of few.
#[derive(Debug, Clone)]
struct Wish {
    day: u32,
    name: usize,
    phone: Option<u8>,
    email: Option<u8>,
}

/// What a store keeps.
#[derive(Default)]
struct World {
    requests: BTreeMap<RequestId, RequestState>,
    identities: BTreeMap<(LinkReason, u8), BTreeSet<RequestId>>,
}

fn id(number: usize) -> RequestId {
    RequestId::from_uuid(Uuid::from_u128(number as u128 + 1))
}

fn state(number: usize, wish: &Wish) -> RequestState {
    let mut request = lead::qualified(Channel::ALL[number % Channel::ALL.len()]);
    request.id = id(number);
    request.created_at = later(lead::at(), wish.day * DAY);
    request.document.details = None;
    request.document.source.said.person.name = NAMES[wish.name].map(str::to_owned);
    RequestState::new(request, OpenWork::default())
}

impl World {
    /// A request learns what it is recognized by, as a store has it.
    fn learn(&mut self, number: usize, wish: &Wish, now: Timestamp) {
        let own = id(number);
        let has = [
            wish.phone.map(|phone| (LinkReason::Phone, phone)),
            wish.email.map(|email| (LinkReason::Email, email)),
        ];
        let mut involved = BTreeSet::from([own]);
        let mut circles = Vec::new();
        for identity in has.into_iter().flatten() {
            let members = self.identities.entry(identity).or_default();
            members.insert(own);
            involved.extend(members.iter());
            circles.push(Circle {
                reason: identity.0,
                members: members.clone(),
                is_crowded: false,
            });
        }
        let states = involved.iter().map(|id| self.requests[id].clone());
        let plan = link(states.collect(), &circles, &[], WINDOW, now);
        for change in plan.changes {
            let changed = RequestState::new(change.request, OpenWork::default());
            self.requests.insert(changed.request().id, changed);
        }
    }

    fn links(&self) -> BTreeSet<(RequestId, RequestId, LinkReason)> {
        let links = self.requests.values().flat_map(|state| {
            let request = state.request();
            let links = request.document.links.iter();
            links.map(move |link| (request.id, link.request, link.reason))
        });
        links.collect()
    }
}

fn after(wishes: &[Wish], order: &[usize]) -> World {
    let mut world = World::default();
    for (number, wish) in wishes.iter().enumerate() {
        world.requests.insert(id(number), state(number, wish));
    }
    for number in order {
        world.learn(*number, &wishes[*number], lead::at());
    }
    world
}

fn wishes() -> impl Strategy<Value = Vec<Wish>> {
    let wish = (
        0..12u32,
        0..NAMES.len(),
        prop::option::of(0..3u8),
        prop::option::of(0..3u8),
    );
    let wish = wish.prop_map(|(day, name, phone, email)| Wish {
        day,
        name,
        phone,
        email,
    });
    prop::collection::vec(wish, 1..7)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn links_are_symmetric_and_the_order_makes_no_difference(
        (wishes, order) in wishes().prop_flat_map(|wishes| {
            let order: Vec<_> = (0..wishes.len()).collect();
            (Just(wishes), Just(order).prop_shuffle())
        }),
    ) {
        let straight: Vec<_> = (0..wishes.len()).collect();
        let links = after(&wishes, &straight).links();
        for (one, other, reason) in &links {
            prop_assert!(links.contains(&(*other, *one, *reason)), "{one} {other}");
            prop_assert_ne!(one, other);
        }
        prop_assert_eq!(&after(&wishes, &order).links(), &links);
        // What is learned twice changes nothing.
        let twice: Vec<_> = order.iter().chain(&straight).copied().collect();
        prop_assert_eq!(&after(&wishes, &twice).links(), &links);
    }
}

#[test]
fn a_pair_that_was_taken_apart_stays_apart() {
    let wish = Wish {
        day: 0,
        name: 1,
        phone: Some(1),
        email: None,
    };
    let wishes = [wish.clone(), wish];
    let mut world = after(&wishes, &[0, 1]);
    assert_eq!(world.links().len(), 2);
    let [one, other] = [0, 1].map(|number| world.requests[&id(number)].clone());
    let (its, others) = ([id(0)], [id(1)]);
    let plan = unlink((one, &its), (other, &others), "eve", lead::at()).unwrap();
    assert_eq!(plan.changes.len(), 2);
    for change in plan.changes {
        assert_eq!(change.log.last().unwrap().outcome, "unlinked");
        let changed = RequestState::new(change.request, OpenWork::default());
        world.requests.insert(changed.request().id, changed);
    }
    world.learn(0, &wishes[0], lead::at());
    for state in world.requests.values() {
        assert!(
            state
                .request()
                .document
                .links
                .iter()
                .all(|link| !link.is_active())
        );
    }
    let [one, other] = [0, 1].map(|number| world.requests[&id(number)].clone());
    let again = unlink((one, &its), (other, &others), "eve", lead::at());
    assert!(again.is_err(), "they are not linked any more");
}

#[test]
fn a_pair_that_was_taken_apart_is_not_linked_for_another_reason() {
    let wish = Wish {
        day: 0,
        name: 1,
        phone: Some(1),
        email: None,
    };
    let mut world = after(&[wish.clone(), wish.clone()], &[0, 1]);
    let [one, other] = [0, 1].map(|number| world.requests[&id(number)].clone());
    let (its, others) = ([id(0)], [id(1)]);
    let plan = unlink((one, &its), (other, &others), "eve", lead::at()).unwrap();
    for change in plan.changes {
        let changed = RequestState::new(change.request, OpenWork::default());
        world.requests.insert(changed.request().id, changed);
    }
    // Both turn out to have one address.
    let learned = Wish {
        email: Some(1),
        ..wish
    };
    for number in [0, 1] {
        world.learn(number, &learned, lead::at());
    }
    for state in world.requests.values() {
        let links = &state.request().document.links;
        assert!(!links.is_empty(), "what was taken back stays known");
        assert!(links.iter().all(|link| !link.is_active()), "{links:?}");
    }
}
