//! What a later event makes run again.

use domain::{
    About, BookingStatus, Channel, Facts, Stage,
    workflow::{self, Reentry},
};

use crate::world::{Findings, World, change};

type Say = fn(&mut Facts);

const NOTHING: Reentry = Reentry {
    gather: None,
    booking: false,
    documents: false,
    qualification: false,
    dispatch: false,
};
const DISPATCH: Reentry = Reentry {
    dispatch: true,
    ..NOTHING
};
const QUALIFICATION: Reentry = Reentry {
    qualification: true,
    ..DISPATCH
};
/// What a company may want of every lead: whether it is missing is told anew.
const MISSING: Reentry = Reentry {
    qualification: true,
    ..NOTHING
};
const ANALYSIS: Reentry = Reentry {
    gather: Some(Stage::Analysis),
    ..DISPATCH
};
const RECORDING: Reentry = Reentry {
    gather: Some(Stage::Recording),
    ..NOTHING
};

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

/// Each change that any channel can say, and what it makes run again.
const ANY: [(Say, Reentry); 15] = [
    (|_| (), NOTHING),
    (|facts| facts.person.city = some("Austin"), MISSING),
    (|facts| facts.person.state = some("TX"), MISSING),
    (
        |facts| {
            let text = "You may call me.".to_owned();
            facts.consent = Some(domain::Consent { text, at: None });
        },
        MISSING,
    ),
    (|facts| facts.external_id = some("1"), NOTHING),
    (
        |facts| {
            let medium = ("medium".into(), "cpc".into());
            facts.attribution.extend([medium]);
        },
        NOTHING,
    ),
    (
        |facts| facts.labels.tags = Some(vec!["hot".to_owned()]),
        DISPATCH,
    ),
    (|facts| facts.labels.note = some("call back"), DISPATCH),
    (|facts| facts.labels.value = some("9000"), DISPATCH),
    (|facts| facts.labels.status = some("good_lead"), DISPATCH),
    (|facts| facts.person.name = some("Ann"), QUALIFICATION),
    (
        |facts| facts.person.phone = some("+15125550142"),
        QUALIFICATION,
    ),
    (
        |facts| facts.person.email = some("ann@example.com"),
        QUALIFICATION,
    ),
    (
        |facts| facts.person.postal_code = some("78701"),
        QUALIFICATION,
    ),
    (
        |facts| facts.person.address = some("1 Main Street"),
        QUALIFICATION,
    ),
];

/// Each change that only one channel can say.
const ONE: [(Channel, Say, Reentry); 18] = [
    (
        Channel::Phone,
        |facts| call(facts).duration_seconds = Some(9),
        NOTHING,
    ),
    (
        Channel::Phone,
        |facts| call(facts).tracking_number = some("+15125550100"),
        NOTHING,
    ),
    (
        Channel::Phone,
        |facts| call(facts).has_recording = Some(false),
        NOTHING,
    ),
    (
        Channel::Phone,
        |facts| call(facts).has_recording = Some(true),
        RECORDING,
    ),
    (Channel::Text, |facts| change(&mut facts.about, 1), ANALYSIS),
    (Channel::Chat, |facts| change(&mut facts.about, 1), ANALYSIS),
    (
        Channel::Chat,
        |facts| {
            if let About::Chat(chat) = &mut facts.about {
                chat.page_url = some("https://example.com");
            }
        },
        DISPATCH,
    ),
    (Channel::Form, |facts| change(&mut facts.about, 1), ANALYSIS),
    (
        Channel::Form,
        |facts| {
            if let About::Form(form) = &mut facts.about {
                form.message = some("A kitchen.");
            }
        },
        ANALYSIS,
    ),
    (
        Channel::Form,
        |facts| {
            if let About::Form(form) = &mut facts.about {
                form.form = some("Free estimate");
            }
        },
        DISPATCH,
    ),
    (
        Channel::Calendar,
        |facts| change(&mut facts.about, 1),
        DISPATCH,
    ),
    (
        Channel::Calendar,
        |facts| booking(facts).status = Some(BookingStatus::Canceled),
        DISPATCH,
    ),
    (
        Channel::Calendar,
        |facts| booking(facts).status = Some(BookingStatus::NoShow),
        DISPATCH,
    ),
    (
        Channel::Calendar,
        |facts| booking(facts).host = some("Dale Reyes"),
        DISPATCH,
    ),
    (
        Channel::Calendar,
        |facts| booking(facts).stated_at = Some("2030-01-01T00:00:00Z".parse().unwrap()),
        NOTHING,
    ),
    (
        Channel::Calendar,
        |facts| booking(facts).message = some("A kitchen."),
        ANALYSIS,
    ),
    (
        Channel::Calendar,
        |facts| booking(facts).service = some("Kitchen"),
        ANALYSIS,
    ),
    (
        Channel::Calendar,
        |facts| {
            let answer = ("Budget".into(), "high".into());
            booking(facts).answers.extend([answer]);
        },
        ANALYSIS,
    ),
];

fn call(facts: &mut Facts) -> &mut domain::CallFacts {
    let About::Phone(call) = &mut facts.about else {
        panic!("it is no call")
    };
    call
}

fn booking(facts: &mut Facts) -> &mut domain::BookingFacts {
    let About::Calendar(booking) = &mut facts.about else {
        panic!("it is no booking")
    };
    booking
}

/// Every change of every channel: its place in the tables, the channel, the change, and what it makes run again.
fn table() -> Vec<(usize, Channel, Say, Reentry)> {
    let any = Channel::ALL
        .into_iter()
        .flat_map(|channel| ANY.map(|(say, reentry)| (channel, say, reentry)));
    let rows = any.chain(ONE).enumerate();
    let by_channel = |(number, (channel, say, reentry)): (usize, (Channel, Say, Reentry))| {
        let mut facts = Facts::nothing(channel);
        say(&mut facts);
        let person = facts.person;
        let place = [
            person.postal_code,
            person.address,
            person.city,
            person.state,
        ];
        let is_typed = !matches!(channel, Channel::Phone | Channel::Text);
        // A place that was typed is read by the model. Of a caller, it is their number's.
        let reentry = match is_typed && place.iter().any(Option::is_some) {
            true => Reentry {
                gather: Some(Stage::Analysis),
                ..reentry
            },
            false => reentry,
        };
        (number, channel, say, reentry)
    };
    rows.map(by_channel).collect()
}

/// The stages that a completed request is open at after a change.
fn opened(reentry: Reentry) -> Vec<Stage> {
    match reentry {
        Reentry {
            gather: Some(Stage::Recording),
            ..
        } => vec![Stage::Details, Stage::Recording],
        Reentry {
            gather: Some(stage),
            ..
        } => vec![stage],
        Reentry {
            qualification: true,
            ..
        } => vec![Stage::Analysis],
        Reentry { dispatch: true, .. } => vec![Stage::Dispatch],
        Reentry { .. } => Vec::new(),
    }
}

#[test]
fn a_change_reruns_what_it_concerns() {
    for (row, channel, say, expected) in table() {
        let before = Facts::nothing(channel);
        let mut after = before.clone();
        say(&mut after);
        let reentry = workflow::reenter(&before, &after);
        assert_eq!(reentry, expected, "{channel}, row {row}");
        assert_eq!(workflow::reenter(&after, &after), NOTHING);
    }
}

#[test]
fn a_booking_is_looked_at_again_when_its_time_is_another() {
    let at = |text: &str| Some(text.parse().unwrap());
    let mut before = Facts::nothing(Channel::Calendar);
    *booking(&mut before) = domain::BookingFacts {
        host: some("Ann Lee"),
        starts_at: at("2026-11-30T16:00:00Z"),
        ends_at: at("2026-11-30T17:00:00Z"),
        ..domain::BookingFacts::default()
    };
    let rerun = |say: Say| {
        let mut after = before.clone();
        say(&mut after);
        workflow::reenter(&before, &after).booking
    };
    assert!(rerun(|facts| booking(facts).host = some("Bob Ray")));
    assert!(rerun(
        |facts| booking(facts).status = Some(BookingStatus::Canceled)
    ));
    assert!(rerun(|facts| {
        booking(facts).ends_at = Some("2026-11-30T18:00:00Z".parse().unwrap());
    }));
    assert!(!rerun(
        |facts| booking(facts).status = Some(BookingStatus::Booked)
    ));
    assert!(!rerun(|facts| booking(facts).location = some("Austin")));
}

#[test]
fn a_recording_that_was_known_is_no_news() {
    let before = Facts::nothing(Channel::Phone);
    let mut known = before.clone();
    call(&mut known).has_recording = Some(true);
    assert_eq!(workflow::reenter(&known, &before).gather, None);
}

#[test]
fn a_completed_request_reruns_what_changed_in_silence() {
    for (row, channel, say, reentry) in table() {
        let mut world = World::of(channel);
        let findings = Findings::without_audio();
        let id = world.completed(&findings);
        let before = world.document(id).facts();
        world.event(id, &world.edit(say));
        let after = world.document(id).facts();
        let mut expected = opened(reentry);
        // Only a booking whose time is known takes one.
        expected.extend(
            workflow::reenter(&before, &after)
                .booking
                .then_some(Stage::Booking),
        );
        let names = |stages: Vec<Stage>| {
            let mut names: Vec<_> = stages.into_iter().map(Stage::as_str).collect();
            names.sort_unstable();
            names
        };
        let open = names(world.open(id));
        assert_eq!(open, names(expected), "{channel}, row {row}");
        let seen = world.log.len();
        world.drain(&findings);
        let done = world.done_since(seen);
        assert!(!done.contains(&Stage::Notification), "{channel}, row {row}");
    }
}

#[test]
fn a_new_number_is_qualified_and_then_dispatched() {
    for channel in Channel::ALL {
        let mut world = World::of(channel);
        let findings = Findings::default();
        let id = world.completed(&findings);
        let phone = world.edit(|facts| facts.person.phone = some("+15125550142"));
        world.event(id, &phone);
        let analysis = world.document(id).analysis.clone();
        world.run(id, Stage::Analysis, &findings);
        assert_eq!(world.document(id).analysis, analysis, "no model is asked");
        assert_eq!(world.open(id), [Stage::Dispatch]);
    }
}

#[test]
fn news_make_only_what_has_begun_stale() {
    let raised = |run: &[Stage], claim: Option<Stage>| {
        let mut world = World::default();
        let id = world.lead();
        for stage in run {
            world.run(id, *stage, &Findings::without_audio());
        }
        if let Some(stage) = claim {
            world.claim(id, stage);
        }
        let news = world.edit(|facts| {
            change(&mut facts.about, 1);
            facts.person.phone = some("+15125550142");
        });
        world.event(id, &news);
        let revisions = &world.document(id).revisions;
        let of = |stage| revisions.of(stage);
        (
            of(Stage::Details),
            of(Stage::Recording),
            revisions.of_qualification(),
        )
    };
    let (details, recording) = (Stage::Details, Stage::Recording);
    assert_eq!(raised(&[], None), (0, 0, 0));
    assert_eq!(raised(&[], Some(details)), (1, 0, 0));
    assert_eq!(raised(&[details], None), (1, 0, 0));
    assert_eq!(raised(&[details], Some(recording)), (1, 1, 0));
    assert_eq!(raised(&[details, recording], None), (1, 1, 0));
    assert_eq!(
        raised(&[details, recording], Some(Stage::Analysis)),
        (1, 1, 1),
        "it may have read the old number"
    );
}

#[test]
fn of_two_statements_about_a_booking_the_later_one_counts() {
    let at = |hour: i8, host: &str, stated_at: Option<i64>| Facts {
        about: About::Calendar(domain::BookingFacts {
            starts_at: Some(format!("2026-11-09T{hour:02}:00:00Z").parse().unwrap()),
            host: (!host.is_empty()).then(|| host.to_owned()),
            stated_at: stated_at.map(|second| jiff::Timestamp::from_second(second).unwrap()),
            ..domain::BookingFacts::default()
        }),
        ..Facts::default()
    };
    let (first, moved) = (at(16, "Luis", Some(10)), at(18, "", Some(20)));
    for (one, other) in [(&first, &moved), (&moved, &first)] {
        let both = one.or(other);
        assert_eq!(both, at(18, "Luis", Some(20)));
        assert_eq!(both.or(&first), both);
    }
    // One that names no time counts as it arrives.
    let thin = at(20, "", None);
    assert_eq!(thin.or(&moved), at(20, "", Some(20)));
}
