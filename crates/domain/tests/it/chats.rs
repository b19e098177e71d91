//! Chats: a thread of pieces that come in any order, judged after a pause.

use std::{collections::BTreeMap, time::Duration};

use domain::{
    About, Author, Channel, ChatFacts, ChatMessage, ChatStatus, Facts, LeadRequest, News, Outcome,
    Stage, Status, WorkflowConfig, later, lead::thread, workflow,
};
use jiff::Timestamp;
use proptest::prelude::*;

use crate::world::{Findings, SECOND, World};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn chat(messages: impl IntoIterator<Item = (String, ChatMessage)>) -> Facts {
    Facts {
        about: About::Chat(ChatFacts {
            messages: messages.into_iter().collect(),
            ..ChatFacts::default()
        }),
        ..Facts::default()
    }
}

fn facts(facts: &Facts) -> &ChatFacts {
    facts.about.chat().expect("it is a chat")
}

fn message(number: i64) -> (String, ChatMessage) {
    let text = format!("message {number}");
    let message = ChatMessage::new(Author::Customer, Some(at(number)), &text);
    (number.to_string(), message)
}

/// What a provider may tell of one message: as it was first, as it was changed, that it was taken back.
fn piece() -> impl Strategy<Value = (String, ChatMessage)> {
    (
        0..12_i64,
        0..4_i64,
        prop::bool::weighted(0.1),
        any::<bool>(),
    )
        .prop_map(|(number, edit, is_deleted, has_name)| {
            let (id, mut message) = message(number);
            if edit > 0 {
                message.edited_at = Some(at(100 + edit));
                message.text = format!("{} as of {edit}", message.text);
            }
            if is_deleted {
                message = ChatMessage::deleted(message.from, message.at);
            }
            message.name = has_name.then(|| "Ann Lee".to_owned());
            (id, message)
        })
}

fn words(facts: &ChatFacts) -> Vec<(String, String)> {
    let messages = thread::in_order(&facts.messages).into_iter();
    messages
        .map(|(id, message)| (id.to_owned(), message.text.clone()))
        .collect()
}

proptest! {
    /// Whatever order they come in, doubled and in any bundles: one thread.
    #[test]
    fn pieces_in_any_order_make_one_thread(
        pieces in prop::collection::vec(piece(), 1..40),
        shuffled in any::<prop::sample::Index>(),
        bundle in 1..5_usize,
    ) {
        let mut in_turn = chat([]);
        for piece in &pieces {
            in_turn.overlay(&chat([piece.clone()]));
        }
        let mut turned = pieces.clone();
        turned.rotate_left(shuffled.index(pieces.len()));
        turned.reverse();
        turned.extend(pieces.iter().take(bundle).cloned());
        let mut bundled = chat([]);
        for pieces in turned.chunks(bundle) {
            let mut facts = chat([]);
            for piece in pieces {
                facts.overlay(&chat([piece.clone()]));
            }
            bundled.overlay(&facts);
        }
        prop_assert_eq!(words(facts(&in_turn)), words(facts(&bundled)));
    }

    /// What was left out of a long thread stays so, and what is kept is the same in any order.
    #[test]
    fn a_long_thread_is_cut_alike_in_any_order(start in 0..700_i64) {
        let numbers: Vec<_> = (0..700).map(|number| (number + start) % 700).collect();
        let mut thread = chat([]);
        for numbers in numbers.chunks(90) {
            thread.overlay(&chat(numbers.iter().copied().map(message)));
        }
        let thread = facts(&thread);
        prop_assert_eq!(thread.messages.len(), thread::MAX_MESSAGES);
        prop_assert_eq!(thread.is_cut, Some(true));
        prop_assert!(thread.messages.contains_key("0") && thread.messages.contains_key("699"));
        prop_assert!(!thread.messages.contains_key("150"));
    }
}

#[test]
fn a_thread_of_long_messages_is_bounded_in_bytes() {
    let long = |number| {
        let (id, _) = message(number);
        let text = "x".repeat(2 * thread::MAX_MESSAGE);
        (
            id,
            ChatMessage::new(Author::Customer, Some(at(number)), &text),
        )
    };
    let mut thread = chat([]);
    thread.overlay(&chat((0..200).map(long)));
    let bytes: usize = facts(&thread)
        .messages
        .values()
        .map(|message| message.text.len())
        .sum();
    assert!(bytes <= thread::MAX_THREAD_BYTES, "{bytes}");
    assert!(facts(&thread).messages.contains_key("0"));
    assert!(facts(&thread).messages.contains_key("199"));
}

#[test]
fn a_message_that_was_taken_back_gets_no_words_again() {
    let (id, said) = message(1);
    let taken_back = ChatMessage::deleted(Author::Customer, None);
    let mut thread = chat([(id.clone(), taken_back)]);
    thread.overlay(&chat([(id.clone(), said)]));
    let message = &facts(&thread).messages[&id];
    assert!(message.is_deleted && message.text.is_empty());
}

#[test]
fn the_later_statement_says_whether_a_chat_is_closed() {
    let stated = |status, second| Facts {
        about: About::Chat(ChatFacts {
            status: Some(status),
            stated_at: Some(at(second)),
            ..ChatFacts::default()
        }),
        ..Facts::default()
    };
    let mut thread = stated(ChatStatus::Closed, 20);
    thread.overlay(&stated(ChatStatus::Open, 10));
    assert!(facts(&thread).is_closed());
    thread.overlay(&stated(ChatStatus::Open, 30));
    assert!(!facts(&thread).is_closed());
}

/// A chat's world whose steps wait as the runner has them wait.
struct Chat {
    world: World,
    id: domain::RequestId,
}

impl Chat {
    fn began() -> Self {
        let mut world = World::of(Channel::Chat);
        world.now = at(1_000);
        let news = Self::news(&world, 1, None);
        let id = world.receive(Ok(news));
        Self { world, id }
    }

    fn news(world: &World, number: i64, status: Option<ChatStatus>) -> News {
        News {
            is_thin: true,
            is_modified: false,
            ..world.edit(|facts| {
                if let About::Chat(chat) = &mut facts.about {
                    chat.messages.extend([message(number)]);
                    chat.status = status;
                    chat.stated_at = Some(at(number));
                }
            })
        }
    }

    fn writes(&mut self, number: i64) {
        let news = Self::news(&self.world, number, None);
        self.world.event(self.id, &news);
    }

    fn closes(&mut self, number: i64) {
        let news = Self::news(&self.world, number, Some(ChatStatus::Closed));
        self.world.event(self.id, &news);
    }

    fn request(&self) -> &LeadRequest {
        &self.world.requests[&self.id].0
    }

    /// Runs what is due until this time, and answers the stages that were done.
    fn until(&mut self, end: Timestamp) -> Vec<Stage> {
        let seen = self.world.log.len();
        loop {
            let rows = self.world.rows(self.id).iter();
            let Some(row) = rows.min_by_key(|row| row.due_at).cloned() else {
                break;
            };
            if row.due_at > end {
                break;
            }
            self.world.now = self.world.now.max(row.due_at);
            let job = self.world.try_claim(&row).expect("it is due");
            let document = &job.request.document;
            let policy = WorkflowConfig::default();
            let outcome = match workflow::pause(document, row.key.stage, &policy, self.world.now) {
                Some(until) => Outcome::Pause { until },
                None => job.done(&Findings::default()),
            };
            self.world.settle(&job, outcome).unwrap();
        }
        self.world.now = self.world.now.max(end);
        self.world.done_since(seen)
    }

    fn passes(&mut self, seconds: u32) -> Vec<Stage> {
        self.until(later(self.world.now, seconds * SECOND))
    }
}

const WHOLE: [Stage; 4] = [
    Stage::Details,
    Stage::Analysis,
    Stage::Dispatch,
    Stage::Notification,
];

#[test]
fn a_chat_is_judged_once_after_a_pause() {
    let mut chat = Chat::began();
    for number in 2..10 {
        assert_eq!(chat.passes(30), []);
        chat.writes(number);
    }
    assert_eq!(chat.passes(59), []);
    assert_eq!(chat.passes(1), WHOLE);
    assert_eq!(chat.request().status, Status::Completed);
    assert_eq!(chat.request().document.talk, None);
}

#[test]
fn what_is_written_later_is_judged_once_and_tells_nobody() {
    let mut chat = Chat::began();
    assert_eq!(chat.passes(60), WHOLE);
    for number in 2..5 {
        chat.writes(number);
        assert_eq!(chat.passes(10), []);
    }
    assert_eq!(chat.passes(60), WHOLE[..3]);
    assert_eq!(chat.request().document.talk, None);
}

#[test]
fn whoever_writes_on_and_on_is_judged_after_ten_minutes() {
    let mut chat = Chat::began();
    let mut done = Vec::new();
    for number in 2..21 {
        done.extend(chat.passes(30));
        chat.writes(number);
    }
    assert!(done.is_empty(), "{done:?}");
    let began = at(1_000);
    chat.until(later(began, Duration::from_secs(600)));
    assert!(chat.request().document.analysis.is_some());
}

#[test]
fn a_chat_that_is_closed_is_judged_at_once() {
    let mut chat = Chat::began();
    assert_eq!(chat.passes(5), []);
    chat.closes(2);
    assert_eq!(chat.passes(0), WHOLE);
}

#[test]
fn what_is_written_while_it_is_judged_is_judged_after_another_pause() {
    let mut chat = Chat::began();
    chat.world.now = at(1_060);
    chat.world
        .run(chat.id, Stage::Details, &Findings::default());
    let job = chat.world.claim(chat.id, Stage::Analysis);
    chat.writes(2);
    chat.world
        .settle(&job, job.done(&Findings::default()))
        .unwrap();
    assert_eq!(chat.passes(59), []);
    assert_eq!(chat.passes(1), WHOLE);
}

#[test]
fn a_person_who_replays_a_chat_does_not_wait() {
    let mut chat = Chat::began();
    assert_eq!(chat.passes(60), WHOLE);
    chat.writes(2);
    chat.world.replay(chat.id, Stage::Details).unwrap();
    assert_eq!(chat.passes(0), WHOLE[..3]);
}

#[test]
fn words_that_are_taken_back_are_not_kept_of_the_api_either() {
    let mut world = World::of(Channel::Chat);
    let mut said = chat([message(1)]);
    said.external_id = Some("215471000123456".to_owned());
    let findings = Findings {
        api: Some(said),
        ..Findings::default()
    };
    let id = world.completed(&findings);
    let taken_back = (
        "1".to_owned(),
        ChatMessage::deleted(Author::Customer, Some(at(1))),
    );
    let news = world.edit(|facts| {
        facts.about = About::Chat(ChatFacts {
            messages: BTreeMap::from([taken_back]),
            ..ChatFacts::default()
        });
    });
    world.event(id, &news);
    let document = serde_json::to_string(&world.document(id).details).unwrap();
    assert!(!document.contains("message 1"), "{document}");
}
