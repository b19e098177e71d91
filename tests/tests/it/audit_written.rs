//! Texts and forms whose webhooks were lost are found at CallRail, once.

use std::time::Duration;

use domain::{About, LeadRequest};
use jiff::{SignedDuration, Timestamp, ToSpan as _, tz::TimeZone};
use serde_json::json;
use simulators::{Choices, Trouble};
use store::sweeps::DayCount;
use tests::{Form, World, in_both_forms};

use crate::audit::{audited, pass, reconciled, requests};
use crate::callrail::quiet_for;

const LOST: Trouble = Trouble {
    lose: 1,
    repeat: 0,
    delay_ms: 0,
};

in_both_forms![lost_texts_and_forms_are_found_once];

/// Something that somebody writes: in a conversation, or as the form of this number.
fn written(id: &str, phone: &str, words: &str, at: Timestamp) -> Choices {
    Choices {
        id: Some(id.to_owned()),
        phone: Some(phone.to_owned()),
        words: Some(words.to_owned()),
        at,
        ..Choices::default()
    }
}

/// What was written in a request's conversation, in order.
fn words(request: &LeadRequest) -> Vec<String> {
    let About::Text(facts) = &request.document.source.said.about else {
        return Vec::new();
    };
    let thread = domain::lead::thread::in_order(&facts.messages).into_iter();
    thread.map(|(_, message)| message.text.clone()).collect()
}

/// Each request: its words or its form's message, and whether an audit made it.
async fn found(world: &World) -> Vec<(String, bool)> {
    let mut found: Vec<_> = requests(world, &world.tenant())
        .await
        .iter()
        .map(|request| {
            let source = &request.document.source;
            let said = match &source.said.about {
                About::Form(form) => form.message.clone().unwrap_or_default(),
                _ => words(request).join(" | "),
            };
            (said, source.recovered.is_some())
        })
        .collect();
    found.sort();
    found
}

async fn lost_texts_and_forms_are_found_once(form: Form) {
    let world = World::of(form).await;
    quiet_for(&world, 0).await;
    let callrail = world.simulators().callrail();
    let begun = world.now().checked_sub(SignedDuration::from_mins(50));
    let begun = begun.unwrap();
    let at = |minute: u64| begun + Duration::from_secs(minute * 60);
    let first = written("kKept", "512-555-0142", "A kitchen, please.", at(0));
    callrail.happen("sms-received", &first).unwrap();
    let form = written("330000001", "(512) 555-0143", "A bathroom, please.", at(1));
    callrail.happen("form-submission", &form).unwrap();
    world
        .eventually("both webhooks arrive", async || {
            found(&world).await.len() == 2
        })
        .await;

    // The second message of a conversation, a whole conversation and a form.
    for (event, choices) in [
        (
            "sms-received",
            written("kKept", "512-555-0142", "With an island.", at(2)),
        ),
        (
            "sms-received",
            written("kLost", "512-555-0144", "A new roof, please.", at(3)),
        ),
        (
            "form-submission",
            written("330000002", "(512) 555-0145", "A deck, please.", at(4)),
        ),
        (
            "form-submission",
            written("330000003", "(512) 555-0146", "Just now.", world.now()),
        ),
    ] {
        callrail.trouble(LOST);
        callrail.happen(event, &choices).unwrap();
        world
            .eventually("the webhook is lost", async || {
                callrail.webhooks_waiting() == 0
            })
            .await;
    }
    callrail.trouble(Trouble::default());
    assert_eq!(found(&world).await.len(), 2);

    for taken in [3, 0] {
        let ended = reconciled(&world).await;
        assert_eq!(ended["result"]["changed"], json!(taken), "{ended}");
        // What may still come is told apart from what is there.
        assert_eq!(ended["result"]["too_young"], json!(1), "{ended}");
        assert!(ended["result"]["old_enough_at"].is_string(), "{ended}");
        let expected = [
            ("A bathroom, please.", false),
            ("A deck, please.", true),
            ("A kitchen, please. | With an island.", false),
            ("A new roof, please.", true),
        ];
        let expected = expected.map(|(words, is_recovered)| (words.to_owned(), is_recovered));
        assert_eq!(found(&world).await, expected);
    }
    world.finish().await;
}

/// What was counted of texts and of forms: at CallRail, held, recovered, missing.
async fn counted(world: &World) -> [[u64; 4]; 2] {
    let today = world.now().to_zoned(TimeZone::UTC).date();
    let (from, to) = (today.saturating_sub(1.day()), today.saturating_add(1.day()));
    let lines = world.store.day_lines(&world.tenant(), from, to).await;
    let lines = lines.unwrap();
    ["texts", "forms"].map(|kind| {
        let mut sum = DayCount::default();
        for line in lines.iter().filter(|line| line.kind == kind) {
            sum.add(line.count);
        }
        [sum.at_provider, sum.held, sum.recovered, sum.missing]
    })
}

/// What is late is taken, and its webhook adds nothing when it comes after all.
#[tokio::test]
async fn a_late_text_and_a_late_form_are_no_second_ones() {
    let world = audited().await;
    let callrail = world.simulators().callrail();
    let minutes = |minutes: u64| Duration::from_secs(minutes * 60);
    pass(&world, minutes(1)).await;
    callrail.trouble(Trouble {
        delay_ms: 90 * 60 * 1_000,
        ..Trouble::default()
    });
    let now = world.now();
    let text = written("kLate", "512-555-0142", "A kitchen, please.", now);
    callrail.happen("sms-received", &text).unwrap();
    let form = written("330000003", "(512) 555-0143", "A deck, please.", now);
    callrail.happen("form-submission", &form).unwrap();
    // A look within these is later than both.
    for _ in 0..2 {
        pass(&world, minutes(4)).await;
    }
    assert_eq!(counted(&world).await, [[1, 0, 0, 1]; 2]);
    assert!(found(&world).await.is_empty(), "its webhook may still come");

    for _ in 0..4 {
        pass(&world, minutes(4)).await;
    }
    world.rest().await;
    let taken = [
        ("A deck, please.".to_owned(), true),
        ("A kitchen, please.".to_owned(), true),
    ];
    assert_eq!(found(&world).await, taken);
    assert_eq!(counted(&world).await, [[1, 1, 1, 0]; 2]);

    for _ in 0..20 {
        pass(&world, minutes(4)).await;
    }
    world
        .eventually("the webhooks are posted", async || {
            callrail.webhooks_waiting() == 0
        })
        .await;
    world.rest().await;
    let all = requests(&world, &world.tenant()).await;
    assert!(
        all.iter().all(|one| one.document.source.events == 2),
        "{all:?}"
    );
    assert_eq!(found(&world).await, taken);
    assert_eq!(counted(&world).await, [[1, 1, 1, 0]; 2]);
    world.finish().await;
}
