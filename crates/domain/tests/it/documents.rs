//! What is stored reads back, also what a newer build wrote.

use domain::{
    About, Author, BookingStatus, Channel, ChatMessage, Document, Facts, RemoteIds, Stage,
};
use serde_json::{Value, json};
use testkit::lead;

use crate::world::{Findings, World, change, message};

fn written(document: &Document) -> Value {
    serde_json::to_value(document).unwrap()
}

fn read(json: Value) -> Document {
    serde_json::from_value(json).unwrap()
}

fn about(json: Value) -> About {
    serde_json::from_value(json).unwrap()
}

#[test]
fn a_document_reads_back_as_it_was_written() {
    for channel in Channel::ALL {
        let mut world = World::of(channel);
        let id = world.completed(&Findings::default());
        let whole = lead::qualified(channel).document;
        for document in [world.document(id), &lead::document(channel), &whole] {
            assert_eq!(read(written(document)), *document);
        }
        let json = written(&whole);
        assert_eq!(json["v"], Document::VERSION);
        assert_eq!(json["source"]["said"]["about"]["channel"], channel.as_str());
        assert_eq!(json.get("rest"), None, "its sections are on top");
    }
}

#[test]
fn a_newer_builds_sections_survive_a_step_of_this_one() {
    let mut world = World::of(Channel::Chat);
    let id = world.lead();
    let mut json = written(world.document(id));
    json["thread"] = json!({ "revision": 2, "messages": ["a", { "b": null }] });
    json["revisions"] = json!({ "thread": 2, "details": 1 });
    json["awaits"] = json!("thread");
    json["source"]["said"]["extra"] = json!({ "page": "kitchens" });
    world.requests.get_mut(&id).unwrap().0.document = read(json.clone());
    assert_eq!(
        world.document(id).awaits,
        None,
        "this build cannot wait for it"
    );
    assert_eq!(world.document(id).revisions.of(Stage::Details), 1);

    world.event(id, &world.note("news"));
    world.drain(&Findings::default());
    let after = written(world.document(id));
    assert_eq!(after["thread"], json["thread"]);
    assert_eq!(after["revisions"]["thread"], 2);
    assert_eq!(after["source"]["said"]["extra"]["page"], "kitchens");
}

#[test]
fn a_newer_builds_channel_is_kept_and_worked_like_a_lead() {
    let fax = json!({ "channel": "fax", "pages": 3, "lines": [1, null, { "a": "b" }] });
    let mut world = World::of(Channel::Api);
    let mut news = world.report();
    news.facts.about = about(fax.clone());
    assert_eq!(news.facts.about.channel(), Channel::Api);
    let id = world.receive(Ok(news));
    world.event(id, &world.note("news"));
    world.drain(&Findings::default());
    assert!(
        world
            .document(id)
            .dispatches
            .contains_key(&crate::world::name(lead::CRM))
    );
    let json = written(world.document(id));
    assert_eq!(json["source"]["said"]["about"], fax);
    let facts: Facts = serde_json::from_value(json["source"]["said"].clone()).unwrap();
    assert_eq!(serde_json::to_value(&facts.about).unwrap(), fax);
}

#[test]
fn damaged_content_of_a_known_channel_is_no_other_channel() {
    for damaged in [
        json!({ "channel": "phone", "duration_seconds": 12.5 }),
        json!({ "channel": "chat", "messages": 7 }),
        json!({ "duration_seconds": 12 }),
        json!([]),
    ] {
        let read = serde_json::from_value::<About>(damaged.clone());
        assert!(read.is_err(), "{damaged}: {read:?}");
    }
}

#[test]
fn words_of_a_newer_build_do_not_stop_a_document() {
    let booking = about(json!({ "channel": "calendar", "status": "postponed" }));
    let About::Calendar(booking) = booking else {
        panic!("it is a booking: {booking:?}")
    };
    assert_eq!(booking.status, Some(BookingStatus::Unrecognized));
    let message: ChatMessage =
        serde_json::from_value(json!({ "from": "robot", "text": "Hello." })).unwrap();
    assert_eq!(message.from, Author::Bot);
}

#[test]
fn a_document_says_only_what_is_known() {
    let empty = Facts::nothing(Channel::Phone);
    let json = serde_json::to_value(&empty).unwrap();
    assert_eq!(json, json!({ "about": { "channel": "phone" } }));
    assert_eq!(serde_json::from_value::<Facts>(json).unwrap(), empty);
    let nothing: Facts = serde_json::from_value(json!({})).unwrap();
    assert_eq!(nothing, Facts::default());
}

#[test]
fn remote_ids_are_stored_as_a_map() {
    let ids = RemoteIds::default().with("contact", "1").with("deal", "2");
    let json = serde_json::to_value(&ids).unwrap();
    assert_eq!(json, json!({ "contact": "1", "deal": "2" }));
    assert_eq!(serde_json::from_value::<RemoteIds>(json).unwrap(), ids);
    assert_eq!((ids.get("deal"), ids.get("lead")), (Some("2"), None));
    assert!(!ids.is_empty() && RemoteIds::default().is_empty());
    assert_eq!(
        ids.iter().collect::<Vec<_>>(),
        [("contact", "1"), ("deal", "2")]
    );
}

#[test]
fn a_channel_reads_back_as_it_is_stored() {
    for channel in Channel::ALL {
        assert_eq!(channel.as_str().parse(), Ok(channel));
        assert_eq!(serde_json::to_value(channel).unwrap(), channel.as_str());
        assert_eq!(About::nothing(channel).channel(), channel);
    }
    let fault = "fax".parse::<Channel>().unwrap_err();
    assert!(fault.contains("phone, text, form"), "{fault}");
}

#[test]
fn each_channel_has_its_stages_in_order() {
    use Stage::{
        Analysis, Booking, Details, Dispatch, Documents, Notification, Reading, Recording,
        Transcript,
    };
    let phone = [Reading, Details, Recording, Transcript, Analysis].as_slice();
    let with_api = [Reading, Details, Analysis].as_slice();
    let booking = [Reading, Details, Booking, Analysis].as_slice();
    let form = [Reading, Documents, Analysis].as_slice();
    let without = [Reading, Analysis].as_slice();
    for (channel, expected) in [
        (Channel::Phone, phone),
        (Channel::Calendar, booking),
        (Channel::Chat, with_api),
        (Channel::Text, without),
        (Channel::Form, form),
        (Channel::Api, without),
    ] {
        let pipeline: Vec<_> = channel.pipeline().collect();
        assert_eq!(pipeline, expected, "{channel}");
        for (at, stage) in expected.iter().chain(&[Dispatch, Notification]).enumerate() {
            assert_eq!(channel.position(*stage), Some(at), "{channel} {stage}");
        }
        let mut others = Stage::ALL.into_iter();
        let has = |stage| expected.contains(&stage) || matches!(stage, Dispatch | Notification);
        assert!(others.all(|stage| has(stage) == channel.position(stage).is_some()));
    }
}

#[test]
fn newer_facts_cover_older_ones_and_leave_the_rest() {
    for channel in Channel::ALL {
        let whole = lead::facts(channel);
        let mut facts = whole.clone();
        facts.overlay(&Facts::nothing(channel));
        assert_eq!(facts, whole, "what is not said stays");
        let mut facts = Facts::nothing(channel);
        facts.overlay(&whole);
        assert_eq!(facts, whole);
        assert_eq!(Facts::nothing(channel).or(&whole), whole);
    }
    let mut facts = lead::facts(Channel::Phone);
    let mut newer = Facts::nothing(Channel::Phone);
    newer.labels.tags = Some(Vec::new());
    newer.person.name = Some("Bo Lee".to_owned());
    facts.overlay(&newer);
    assert_eq!(facts.labels.tags, Some(Vec::new()), "none is said, too");
    assert_eq!(facts.person.name.as_deref(), Some("Bo Lee"));
    assert_eq!(facts.person.phone, lead::facts(Channel::Phone).person.phone);
}

#[test]
fn messages_are_united_and_an_edited_one_is_replaced() {
    for channel in [Channel::Text, Channel::Chat] {
        let said = |numbers: &[u8]| {
            let mut facts = Facts::nothing(channel);
            for number in numbers {
                change(&mut facts.about, *number);
            }
            facts
        };
        let mut edited = said(&[2]);
        if let About::Text(domain::TextFacts { messages, .. })
        | About::Chat(domain::ChatFacts { messages, .. }) = &mut edited.about
        {
            messages.get_mut("msg-2").unwrap().text = "edited".to_owned();
        }
        let united = edited.or(&said(&[1, 2]));
        let (About::Text(domain::TextFacts { messages, .. })
        | About::Chat(domain::ChatFacts { messages, .. })) = united.about
        else {
            panic!("it has messages")
        };
        assert_eq!(messages["msg-1"], message(1).1);
        assert_eq!(messages["msg-2"].text, "edited");
    }
}

#[test]
fn a_request_keeps_its_channel_once_something_is_known() {
    let mut known = lead::facts(Channel::Form);
    known.overlay(&lead::facts(Channel::Phone));
    assert_eq!(known.about.channel(), Channel::Form);
    let mut unread = Facts::nothing(Channel::Phone);
    unread.overlay(&lead::facts(Channel::Form));
    assert_eq!(unread.about.channel(), Channel::Form);
}
