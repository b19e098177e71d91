//! The crash story, short, and the proof that its checker can fail.

use tests::crash::{
    self, Options, Program,
    checker::{Rule, check},
    evidence::{Call, Contact, Deal, Evidence, Fate, Mail, Request, Sent, Stored},
};

/// Any will do; a fixed one makes two runs alike.
const SEED: u64 = 20_260_317;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_when_the_product_is_killed_and_frozen() {
    let program = Program::new([env!("CARGO_BIN_EXE_crash"), "pipeline"]);
    println!("again: cargo run -p tests --bin crash -- --short --seed {SEED}");
    let outcome = crash::tell(&program, Options::short(SEED), &|line| println!("{line}")).await;
    println!("{outcome}");
    assert!(outcome.findings.is_empty(), "{outcome}");
}

/// Two calls of one person, which are leads, and one that is spam, with nothing wrong: the first was edited when it
/// had ended, and its edit was sent twice.
fn sound() -> Evidence {
    let call = |id: &str, phone: &str, fate, newest_tag: &str| Call {
        id: id.to_owned(),
        phone: phone.to_owned(),
        fate,
        newest_tag: newest_tag.to_owned(),
    };
    let sent = |event: &str, body: u8, call, request: Option<&str>| Sent {
        key: (event.to_owned(), [body; 32]),
        call,
        attempts: 1,
        acknowledged: Some(request.map(str::to_owned)),
        refused: None,
    };
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    let request = |id: &str, status: &str, timeline: &[&str]| Request {
        id: id.to_owned(),
        status: status.to_owned(),
        merged_into: None,
        timeline: words(timeline),
    };
    let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
    let deal = |id: &str, request: &str, tags: &str| Deal {
        id: id.to_owned(),
        request: request.to_owned(),
        tags: tags.to_owned(),
    };
    let mail = |request: &str| Mail {
        request: request.to_owned(),
        message: format!("{request}.0"),
    };
    let stored = Stored {
        events: vec![
            (("post-call".to_owned(), [1; 32]), Some("req_1".to_owned())),
            (
                ("call-modified".to_owned(), [2; 32]),
                Some("req_1".to_owned()),
            ),
            (("post-call".to_owned(), [3; 32]), Some("req_2".to_owned())),
            (("post-call".to_owned(), [4; 32]), Some("req_3".to_owned())),
            (("convert-assist".to_owned(), [5; 32]), None),
        ],
        requests: vec![
            request(
                "req_1",
                "completed",
                &[
                    "received",
                    "done",
                    "completed",
                    "received",
                    "done",
                    "completed",
                    "received",
                ],
            ),
            request(
                "req_2",
                "completed",
                &["received", "done", "retry", "done", "completed"],
            ),
            request("req_3", "quarantined", &["received", "done", "quarantined"]),
        ],
        aliases: vec![
            pair("CAL1", "req_1"),
            pair("CAL2", "req_2"),
            pair("CAL3", "req_3"),
        ],
        work: Vec::new(),
        effects: vec![pair("email/req_1", "done"), pair("email/req_2", "done")],
        messages: vec![pair("req_1", "sent"), pair("req_2", "sent")],
    };
    Evidence {
        calls: vec![
            call("CAL1", "+15122000000", Fate::Lead, "said-1"),
            call("CAL2", "+15122000000", Fate::Lead, "said-3"),
            call("CAL3", "+15122000001", Fate::Spam, "said-4"),
        ],
        sent: vec![
            sent("post-call", 1, Some(0), Some("req_1")),
            sent("call-modified", 2, Some(0), Some("req_1")),
            sent("call-modified", 2, Some(0), Some("req_1")),
            sent("post-call", 3, Some(1), Some("req_2")),
            sent("post-call", 4, Some(2), Some("req_3")),
            sent("convert-assist", 5, None, None),
        ],
        shown: vec![
            pair("req_3", "quarantined"),
            pair("req_2", "completed"),
            pair("req_1", "completed"),
        ],
        contacts: vec![Contact {
            id: "100".to_owned(),
            phone: "+15122000000".to_owned(),
            deals: vec!["201".to_owned(), "202".to_owned()],
        }],
        deals: vec![
            deal("201", "req_1", "said-1"),
            deal("202", "req_2", "said-3"),
        ],
        mails: vec![mail("req_1"), mail("req_2")],
        stored,
    }
}

/// The rules that are broken once the evidence is doctored.
fn broken_by(doctor: impl FnOnce(&mut Evidence)) -> Vec<Rule> {
    let mut evidence = sound();
    doctor(&mut evidence);
    let mut rules: Vec<_> = check(&evidence)
        .into_iter()
        .map(|finding| finding.rule)
        .collect();
    rules.sort();
    rules.dedup();
    rules
}

#[test]
fn the_checker_finds_nothing_wrong_with_sound_evidence() {
    assert!(broken_by(|_| {}).is_empty());
}

#[test]
fn the_checker_finds_lost_and_doubled_deliveries() {
    assert_eq!(
        broken_by(|evidence| evidence.sent[0].acknowledged = None),
        [Rule::NotAcknowledged]
    );
    assert_eq!(
        broken_by(|evidence| evidence.sent[0].refused = Some("500: oh".to_owned())),
        [Rule::Refused]
    );
    assert_eq!(
        broken_by(|evidence| drop(evidence.stored.events.remove(4))),
        [Rule::DeliveryLost]
    );
    assert_eq!(
        broken_by(|evidence| evidence
            .stored
            .events
            .push(evidence.stored.events[0].clone())),
        [Rule::DeliveryDoubled]
    );
    let strange = |evidence: &mut Evidence| {
        evidence.stored.events[4].0.1 = [9; 32];
    };
    assert_eq!(
        broken_by(strange),
        [Rule::DeliveryLost, Rule::DeliveryUnexplained]
    );
    assert_eq!(
        broken_by(|evidence| evidence.stored.events[0].1 = Some("req_2".to_owned())),
        [Rule::AcknowledgementWrong]
    );
}

#[test]
fn the_checker_finds_lost_doubled_and_strange_requests() {
    let lost = broken_by(|evidence| {
        evidence.stored.requests.remove(1);
        evidence.shown.remove(1);
    });
    assert_eq!(lost, [Rule::RequestLost]);
    let doubled = broken_by(|evidence| {
        let mut second = evidence.stored.requests[1].clone();
        second.id = "req_9".to_owned();
        evidence
            .shown
            .push(("req_9".to_owned(), "completed".to_owned()));
        evidence.stored.requests.push(second);
        evidence.sent[1].acknowledged = Some(Some("req_9".to_owned()));
    });
    assert_eq!(
        doubled,
        [
            Rule::AcknowledgementWrong,
            Rule::RequestDoubled,
            Rule::RequestUnexplained
        ]
    );
    // One that turned out to be the same, and has become part of the other, is no second one.
    let merged = broken_by(|evidence| {
        let mut second = evidence.stored.requests[1].clone();
        (second.id, second.status) = ("req_9".to_owned(), "merged".to_owned());
        second.merged_into = Some("req_1".to_owned());
        second.timeline = vec![
            "received".to_owned(),
            "merging".to_owned(),
            "merged".to_owned(),
        ];
        evidence
            .shown
            .push(("req_9".to_owned(), "merged".to_owned()));
        evidence.stored.requests[0].timeline[3] = "merged".to_owned();
        let start = ("speech/req_9/0000/0".to_owned(), "intended".to_owned());
        evidence.stored.effects.push(start);
        evidence.stored.requests.push(second);
        evidence.stored.events[1].1 = Some("req_9".to_owned());
        evidence.sent[1].acknowledged = Some(Some("req_9".to_owned()));
    });
    assert!(merged.is_empty(), "{merged:?}");
    assert_eq!(
        broken_by(|evidence| evidence.sent[5].acknowledged = Some(Some("req_1".to_owned()))),
        [Rule::AcknowledgementWrong]
    );
    let mixed = broken_by(|evidence| {
        evidence.stored.requests[2].merged_into = Some("req_2".to_owned());
    });
    assert_eq!(mixed, [Rule::CallsMixed, Rule::StatusWrong]);
    let in_review = broken_by(|evidence| {
        evidence.stored.requests[1].status = "in_review".to_owned();
        evidence.shown[1].1 = "in_review".to_owned();
    });
    assert_eq!(in_review, [Rule::StatusWrong, Rule::TimelineWrong]);
    assert_eq!(
        broken_by(|evidence| evidence.shown[0].1 = "processing".to_owned()),
        [Rule::ShownWrong]
    );
    assert_eq!(
        broken_by(|evidence| drop(evidence.shown.pop())),
        [Rule::ShownWrong]
    );
}

#[test]
fn the_checker_finds_timelines_with_too_many_ends_or_none() {
    for timeline in [
        &["received", "done"][..],
        &["received", "done", "completed", "completed"],
        &["received", "done", "completed", "done"],
        &["received", "done", "completed", "received", "done"],
        &["received", "done", "quarantined"],
        &["done", "completed"],
        &["received", "received", "done", "completed"],
        &[],
    ] {
        let rules = broken_by(|evidence| {
            let words = timeline.iter().map(|word| (*word).to_owned());
            evidence.stored.requests[1].timeline = words.collect();
        });
        assert_eq!(rules, [Rule::TimelineWrong], "{timeline:?}");
    }
}

#[test]
fn the_checker_finds_what_is_left_undone() {
    let work = broken_by(|evidence| evidence.stored.work.push("dispatch of req_1".to_owned()));
    assert_eq!(work, [Rule::WorkLeft]);
    let intended = broken_by(|evidence| evidence.stored.effects[0].1 = "intended".to_owned());
    assert_eq!(intended, [Rule::EffectLeft]);
    let given_up = broken_by(|evidence| evidence.stored.effects[0].1 = "given_up".to_owned());
    assert!(given_up.is_empty(), "{given_up:?}");
}

#[test]
fn the_checker_finds_what_is_wrong_in_the_crm() {
    let second_contact = |phone: &'static str| {
        move |evidence: &mut Evidence| {
            evidence.contacts.push(Contact {
                id: "101".to_owned(),
                phone: phone.to_owned(),
                deals: Vec::new(),
            });
        }
    };
    assert_eq!(
        broken_by(second_contact("+15122000000")),
        [Rule::ContactDoubled]
    );
    assert_eq!(
        broken_by(second_contact("+15122000001")),
        [Rule::ContactUnexplained]
    );
    assert_eq!(
        broken_by(|evidence| evidence.contacts.clear()),
        [Rule::ContactLost, Rule::DealMisplaced]
    );
    assert_eq!(
        broken_by(|evidence| drop(evidence.deals.pop())),
        [Rule::DealLost]
    );
    let second_deal = |request: &'static str| {
        move |evidence: &mut Evidence| {
            let mut deal = evidence.deals[0].clone();
            (deal.id, deal.request) = ("209".to_owned(), request.to_owned());
            evidence.deals.push(deal);
        }
    };
    assert_eq!(broken_by(second_deal("req_1")), [Rule::DealDoubled]);
    assert_eq!(broken_by(second_deal("req_3")), [Rule::DealUnexplained]);
    assert_eq!(broken_by(second_deal("")), [Rule::DealUnexplained]);
    assert_eq!(
        broken_by(|evidence| drop(evidence.contacts[0].deals.pop())),
        [Rule::DealMisplaced]
    );
    assert_eq!(
        broken_by(|evidence| evidence.deals[0].tags = "said-11".to_owned()),
        [Rule::DealOutdated]
    );
}

#[test]
fn the_checker_finds_lost_doubled_and_strange_mails() {
    assert_eq!(
        broken_by(|evidence| drop(evidence.mails.pop())),
        [Rule::MailLost]
    );
    assert_eq!(
        broken_by(|evidence| evidence.mails.push(evidence.mails[0].clone())),
        [Rule::MailDoubled]
    );
    assert_eq!(
        broken_by(|evidence| evidence.mails[0].request = "req_3".to_owned()),
        [Rule::MailLost, Rule::MailUnexplained]
    );
    assert_eq!(
        broken_by(|evidence| evidence
            .stored
            .messages
            .push(evidence.stored.messages[0].clone())),
        [Rule::MailDoubled]
    );
    assert_eq!(
        broken_by(|evidence| evidence.stored.messages[0].1 = "refused".to_owned()),
        [Rule::MailLost]
    );
    assert_eq!(
        broken_by(|evidence| drop(evidence.stored.messages.pop())),
        [Rule::MailLost]
    );
    let tried_twice = broken_by(|evidence| {
        evidence
            .stored
            .messages
            .insert(0, ("req_1".to_owned(), "unknown".to_owned()));
    });
    assert!(tried_twice.is_empty(), "{tried_twice:?}");
    // Nobody can know whether it arrived; that is recorded, and it is not sent a third time.
    assert!(
        broken_by(|evidence| {
            evidence.stored.messages[0].1 = "unconfirmed".to_owned();
            evidence.mails.remove(0);
        })
        .is_empty()
    );
}
