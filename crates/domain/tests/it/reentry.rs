//! What a later event makes run again.

use domain::{
    CallFacts, Stage,
    workflow::{self, Reentry},
};

use crate::world::{Findings, World, inbound};

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

/// Each change, what it makes run again, and the stages that a completed request is then open at.
fn table() -> Vec<(&'static str, CallFacts, Reentry, &'static [Stage])> {
    let nothing = Reentry::default();
    let dispatch = Reentry {
        dispatch: true,
        ..nothing
    };
    let qualification = Reentry {
        qualification: true,
        dispatch: true,
        ..nothing
    };
    let recording = Reentry {
        recording: true,
        ..nothing
    };
    let facts = CallFacts::default;
    vec![
        ("nothing", facts(), nothing, &[]),
        (
            "duration",
            CallFacts {
                duration_seconds: Some(9),
                ..facts()
            },
            nothing,
            &[],
        ),
        (
            "tracking",
            CallFacts {
                tracking_number: text("+15125550100"),
                ..facts()
            },
            nothing,
            &[],
        ),
        (
            "no recording",
            CallFacts {
                has_recording: Some(false),
                ..facts()
            },
            nothing,
            &[],
        ),
        (
            "tags",
            CallFacts {
                tags: Some(vec!["hot".to_owned()]),
                ..facts()
            },
            dispatch,
            &[Stage::Dispatch],
        ),
        (
            "note",
            CallFacts {
                note: text("call back"),
                ..facts()
            },
            dispatch,
            &[Stage::Dispatch],
        ),
        (
            "value",
            CallFacts {
                value: text("9000"),
                ..facts()
            },
            dispatch,
            &[Stage::Dispatch],
        ),
        (
            "lead status",
            CallFacts {
                lead_status: text("good_lead"),
                ..facts()
            },
            dispatch,
            &[Stage::Dispatch],
        ),
        (
            "name",
            CallFacts {
                caller_name: text("Ann"),
                ..facts()
            },
            dispatch,
            &[Stage::Dispatch],
        ),
        (
            "phone",
            CallFacts {
                caller_number: text("+15125550142"),
                ..facts()
            },
            qualification,
            &[Stage::Analysis],
        ),
        (
            "e-mail",
            CallFacts {
                caller_email: text("ann@example.com"),
                ..facts()
            },
            qualification,
            &[Stage::Analysis],
        ),
        (
            "ZIP",
            CallFacts {
                caller_postal_code: text("78701"),
                ..facts()
            },
            qualification,
            &[Stage::Analysis],
        ),
        (
            "recording",
            CallFacts {
                has_recording: Some(true),
                ..facts()
            },
            recording,
            &[Stage::Recording],
        ),
    ]
}

#[test]
fn a_change_makes_run_again_what_it_concerns() {
    for (what, after, expected, _) in table() {
        assert_eq!(
            workflow::reenter(&CallFacts::default(), &after),
            expected,
            "{what}"
        );
        assert_eq!(
            workflow::reenter(&after, &after),
            Reentry::default(),
            "{what}"
        );
    }
}

#[test]
fn a_recording_that_was_known_is_no_news() {
    let known = CallFacts {
        has_recording: Some(true),
        ..CallFacts::default()
    };
    assert!(!workflow::reenter(&known, &CallFacts::default()).recording);
}

#[test]
fn a_completed_request_goes_back_to_what_the_change_concerns_and_tells_nobody_twice() {
    for (what, after, _, stages) in table() {
        let mut world = World::default();
        let findings = Findings {
            audio: None,
            ..Findings::default()
        };
        let id = world.completed(&findings);
        world.event(id, &inbound(after));
        assert_eq!(world.open(id), stages, "{what}");
        let log = world.log.len();
        world.drain(&findings);
        let told = world.log[log..]
            .iter()
            .any(|(_, entry)| entry.stage == Some(Stage::Notification));
        assert!(!told, "{what}");
    }
}

#[test]
fn a_new_number_is_qualified_and_then_dispatched() {
    let mut world = World::default();
    let findings = Findings::default();
    let id = world.completed(&findings);
    let (_, facts, ..) = table().swap_remove(9);
    world.event(id, &inbound(facts));
    let summary = world.document(id).analysis.clone();
    world.run(id, Stage::Analysis, &findings);
    assert_eq!(world.document(id).analysis, summary, "no model is asked");
    assert_eq!(world.open(id), [Stage::Dispatch]);
}

#[test]
fn news_raise_only_what_has_begun() {
    let news = inbound(CallFacts {
        has_recording: Some(true),
        caller_number: text("+15125550142"),
        ..CallFacts::default()
    });
    let raised = |run: &[Stage], claim: Option<Stage>| {
        let mut world = World::default();
        let id = world.call();
        let findings = Findings {
            audio: None,
            ..Findings::default()
        };
        for stage in run {
            world.run(id, *stage, &findings);
        }
        if let Some(stage) = claim {
            world.claim(id, stage);
        }
        world.event(id, &news);
        let revisions = world.document(id).revisions;
        (revisions.recording, revisions.qualification)
    };
    assert_eq!(raised(&[], None), (0, 0));
    assert_eq!(raised(&[], Some(Stage::Recording)), (1, 0));
    assert_eq!(raised(&[Stage::Recording], None), (1, 0));
    assert_eq!(
        raised(&[Stage::Recording], Some(Stage::Analysis)),
        (1, 1),
        "it may have read the old number"
    );
}
