//! The notification stage, with a real store and a simulated provider of e-mail.
#![expect(clippy::unwrap_used, reason = "tests")]

mod chat;
mod world;

use std::time::Duration;

use domain::{
    Channel, Claimed, Clock as _, EffectKey, Message, NotificationRules, OfficeConfig, Outcome,
    ParkCause, RequestId, Section, Stage, Status, WorkState, later,
};
use notify::message_id;
use simulators::Fault;
use testkit::lead;

use crate::world::{KEY, World, email, name, rules};

const SALES: &str = "sales@example.com";
const OWNER: &str = "owner@example.com";

pub(crate) async fn messages(world: &World, request: RequestId) -> Vec<Message> {
    world
        .view(request)
        .await
        .request
        .document
        .notifications
        .unwrap()
        .messages
}

fn key(request: RequestId, to: &str) -> EffectKey {
    EffectKey::of_message(&message_id(request, &email(to), 0)).unwrap()
}

#[tokio::test]
async fn one_address_in_two_spellings_gets_one_mail_by_the_first() {
    for (spellings, first) in [
        (
            ["Intake@Example.com", "intake@example.com"],
            "Intake@example.com",
        ),
        (
            ["intake@example.com", "INTAKE@example.com"],
            "intake@example.com",
        ),
    ] {
        let world = World::start(&spellings).await;
        let request = world.qualified(Channel::Phone).await;
        world.notify(request).await;
        let mails = world.sendgrid().mails();
        assert_eq!(mails.len(), 1);
        assert_eq!(mails[0].to, [first]);
        assert_eq!(messages(&world, request).await.len(), 1);
    }
}

#[tokio::test]
async fn each_recipient_gets_one_mail_and_it_is_written_down() {
    let world = World::start(&[SALES, OWNER, "Sales@Example.com"]).await;
    let request = world.qualified(Channel::Phone).await;
    assert!(matches!(world.notify(request).await, Outcome::Done { .. }));

    let mails = world.sendgrid().mails();
    let mut to: Vec<_> = mails.iter().map(|mail| mail.to[0].to_lowercase()).collect();
    to.sort();
    assert_eq!(to, [OWNER, SALES]);
    assert!(
        mails[0]
            .subject
            .starts_with("Phone call: Kitchen, score 82, Ann Lee")
    );
    let view = world.view(request).await;
    assert_eq!(view.request.status, Status::Completed);
    let section = view.request.document.notifications.unwrap();
    assert!(section.is_done && section.messages.iter().all(|message| message.is_sent));
    let records: Vec<_> = view
        .notifications
        .iter()
        .map(|r| (r.outcome.as_str(), r.template.as_str()))
        .collect();
    assert_eq!(records, [("sent", "lead/3"), ("sent", "lead/3")]);
    for record in &view.notifications {
        // What went well has a status and a time, and nothing to explain.
        assert_eq!((record.status, &record.answer), (Some(202), &None));
        assert!(record.latency_ms.is_some() && record.bytes_cut == 0);
    }
    let usage: Vec<_> = view
        .usage
        .iter()
        .map(|(_, usage)| (usage.unit.as_str(), usage.amount))
        .collect();
    assert_eq!(usage, [("emails", 2)]);
}

#[tokio::test]
async fn a_worker_that_dies_before_it_settles_sends_no_second_mail() {
    let world = World::start(&[SALES, OWNER]).await;
    let request = world.qualified(Channel::Phone).await;
    let job = world.claim(request, Stage::Notification).await;
    world.handler.handle(&job).await.unwrap();
    drop(job);

    assert!(matches!(world.notify(request).await, Outcome::Done { .. }));
    assert_eq!(world.sendgrid().mails().len(), 2);
    assert!(
        messages(&world, request)
            .await
            .iter()
            .all(|message| message.is_sent)
    );
}

#[tokio::test]
async fn a_refused_address_blocks_no_other_and_is_tried_once() {
    let world = World::start(&[SALES, OWNER]).await;
    let request = world.qualified(Channel::Phone).await;
    let refusal = serde_json::json!({ "errors": [{ "message": "Does not contain a valid address.",
        "field": "personalizations.0.to.0.email" }] });
    world.sendgrid().answer_next(Fault::Answer {
        status: 400,
        retry_after_seconds: None,
        body: Some(refusal),
    });
    world.sendgrid().answer_next(Fault::ResetAfterWrite);
    assert!(matches!(world.notify(request).await, Outcome::Wait { .. }));
    let lost = world.sendgrid().mails()[0].to[0].clone();
    world.receive_receipt(key(request, &lost), "sg-1").await;
    assert!(matches!(world.notify(request).await, Outcome::Done { .. }));

    assert_eq!(
        world.sendgrid().requests().len(),
        2,
        "neither was sent again"
    );
    let messages = messages(&world, request).await;
    let (sent, refused): (Vec<_>, Vec<_>) = messages.iter().partition(|message| message.is_sent);
    assert_eq!(
        (sent[0].recipient.as_str(), sent[0].provider_id.as_deref()),
        (lost.as_str(), Some("sg-1"))
    );
    let reason = refused[0].reason.as_ref().unwrap();
    assert!(
        reason.contains("status 400") && reason.contains("Does not contain a valid address."),
        "{reason}"
    );
}

#[tokio::test]
async fn a_lost_answer_waits_for_the_receipt_and_sends_nothing_again() {
    let world = World::start(&[SALES]).await;
    let request = world.qualified(Channel::Phone).await;
    world.sendgrid().answer_next(Fault::ResetAfterWrite);
    for _ in 0..10 {
        let Outcome::Wait { until, .. } = world.notify(request).await else {
            panic!("does not wait")
        };
        assert!(until <= later(world.clock.now(), Duration::from_secs(10)));
    }
    assert_eq!(world.sendgrid().mails().len(), 1);

    world.receive_receipt(key(request, SALES), "sg-1").await;
    assert!(matches!(world.notify(request).await, Outcome::Done { .. }));
    assert_eq!(
        messages(&world, request).await[0].provider_id.as_deref(),
        Some("sg-1")
    );
    assert_eq!(world.sendgrid().mails().len(), 1);
}

#[tokio::test]
async fn an_unconfirmed_mail_is_sent_once_more_after_the_wait() {
    let world = World::start(&[SALES]).await;
    let request = world.qualified(Channel::Phone).await;
    let begun = world.clock.now();
    world.sendgrid().answer_next(Fault::Status(503));
    let (waits, outcome) = world.notify_until_it_ends(request).await;
    assert!(matches!(outcome, Outcome::Done { .. }));
    assert!(waits > 50, "{waits} waits");
    assert!(
        world.clock.now().duration_since(begun).as_secs() >= 615,
        "sent again too early"
    );
    assert_eq!(world.sendgrid().mails().len(), 1);
    assert!(messages(&world, request).await[0].is_sent);
}

#[tokio::test]
async fn a_mail_is_handed_over_twice_at_most() {
    let world = World::start(&[SALES]).await;
    let request = world.qualified(Channel::Phone).await;
    world
        .sendgrid()
        .always_to("mail/send", Fault::ResetAfterWrite);
    let (_, outcome) = world.notify_until_it_ends(request).await;
    assert!(matches!(outcome, Outcome::Done { .. }));
    assert_eq!(world.sendgrid().mails().len(), 2);
    let message = &messages(&world, request).await[0];
    assert!(
        !message.is_sent && message.reason.as_ref().unwrap().contains("never confirmed"),
        "{message:?}"
    );
    let attempts = world.view(request).await.notifications;
    let outcomes: Vec<_> = attempts
        .iter()
        .map(|attempt| attempt.outcome.as_str())
        .collect();
    assert_eq!(outcomes, ["unknown", "unknown", "unconfirmed"]);
    // No answer came; and for the last word nobody was asked to send.
    let statuses: Vec<_> = attempts.iter().map(|attempt| attempt.status).collect();
    assert_eq!(statuses[..2], [None, None]);
    assert!(attempts[0].latency_ms.is_some());
}

#[tokio::test]
async fn the_last_mail_waits_until_the_provider_is_in_order() {
    let world = World::start(&[SALES]).await;
    let request = world.qualified(Channel::Phone).await;
    world.sendgrid().always(Fault::Status(503));
    let (_, outcome) = world.notify_until_it_ends(request).await;
    assert!(
        matches!(&outcome, Outcome::Retry { reason, .. } if reason.contains("out of order")),
        "{outcome:?}"
    );
    world.sendgrid().clear_faults();
    let (_, outcome) = world.notify_until_it_ends(request).await;
    assert!(matches!(outcome, Outcome::Done { .. }));
    assert!(messages(&world, request).await[0].is_sent);
    assert_eq!(world.sendgrid().mails().len(), 1);
}

#[tokio::test]
async fn a_refused_key_holds_the_rest_until_it_is_replaced() {
    for fault in [Fault::RevokedToken, Fault::Status(403)] {
        let world = World::start(&[SALES, OWNER]).await;
        let request = world.qualified(Channel::Phone).await;
        world.sendgrid().always(fault);
        let Outcome::Hold {
            connection,
            version,
            ..
        } = world.notify(request).await
        else {
            panic!("not held")
        };
        assert_eq!((connection, version), (name(), 1));
        let view = world.view(request).await;
        assert_eq!(view.request.status, Status::Held);
        let tried = &view.notifications[0];
        assert!(
            matches!(
                (tried.outcome.as_str(), tried.status),
                ("unauthorized", Some(401)) | ("forbidden", Some(403))
            ),
            "{tried:?}"
        );

        world.sendgrid().clear_faults();
        world.replace_secret(Some(KEY)).await;
        assert!(matches!(world.notify(request).await, Outcome::Done { .. }));
        assert_eq!(world.sendgrid().mails().len(), 2);
    }
}

#[tokio::test]
async fn too_many_mails_go_on_later_and_repeat_none() {
    let world = World::start(&[SALES, OWNER]).await;
    let request = world.qualified(Channel::Phone).await;
    world
        .sendgrid()
        .answer_next(Fault::Slow(Duration::from_millis(1)));
    world.sendgrid().answer_next(Fault::Answer {
        status: 429,
        retry_after_seconds: Some(40),
        body: None,
    });
    let Outcome::Retry { after, .. } = world.notify(request).await else {
        panic!("not tried again")
    };
    assert_eq!(after, Some(Duration::from_secs(40)));
    assert_eq!(world.sendgrid().mails().len(), 1);
    assert!(matches!(world.notify(request).await, Outcome::Done { .. }));
    assert_eq!(world.sendgrid().mails().len(), 2);
}

#[tokio::test]
async fn a_lead_that_reaches_nobody_waits_for_a_person() {
    let named = || NotificationRules {
        connection: Some(name()),
        ..rules(&[SALES])
    };
    for (rules, provider, words) in [
        (
            rules(&[SALES]),
            None,
            "no connection to a provider of e-mail",
        ),
        (
            rules(&[SALES]),
            Some("hubspot"),
            "no connection to a provider of e-mail",
        ),
        (named(), None, "there is no connection `mail`"),
        (
            named(),
            Some("hubspot"),
            "belongs to hubspot, which sends no e-mail",
        ),
    ] {
        let world = World::with(rules).await;
        if let Some(provider) = provider {
            world.connect("mail", provider).await;
        }
        let request = world.qualified(Channel::Phone).await;
        assert!(matches!(world.notify(request).await, Outcome::Done { .. }));
        let view = world.view(request).await;
        assert_eq!(view.request.status, Status::Parked);
        assert_eq!(parked(&world, request).await, ParkCause::Unreached);
        assert_eq!(view.notifications[0].outcome, "no_connection");
        assert!(view.usage.is_empty());
        let message = &messages(&world, request).await[0];
        let reason = message.reason.as_ref().unwrap();
        assert!(!message.is_sent && reason.contains(words), "{reason}");
    }
}

#[tokio::test]
async fn a_mail_that_is_refused_is_sent_again_when_a_person_says_so() {
    let world = World::start(&[SALES]).await;
    let request = world.qualified(Channel::Phone).await;
    world.sendgrid().answer_next(Fault::Answer {
        status: 400,
        retry_after_seconds: None,
        body: Some(
            serde_json::json!({ "errors": [{ "message": "Each address must be unique." }] }),
        ),
    });
    world.notify(request).await;
    assert_eq!(world.view(request).await.request.status, Status::Parked);
    assert_eq!(parked(&world, request).await, ParkCause::Unreached);
    let row = world.view(request).await.work.remove(0);
    let answer = row.answer.unwrap();
    assert!(answer.contains("Each address must be unique."), "{answer}");
    assert_eq!(world.sendgrid().requests().len(), 1, "it is not repeated");

    world.redrive(request).await;
    assert!(matches!(world.notify(request).await, Outcome::Done { .. }));
    assert_eq!(world.view(request).await.request.status, Status::Completed);
    assert!(messages(&world, request).await[0].is_sent);
    assert_eq!(world.sendgrid().mails().len(), 1);
}

#[tokio::test]
async fn a_mail_that_is_dropped_later_was_not_sent() {
    for event in ["dropped", "bounce", "blocked"] {
        let world = World::start(&[SALES, OWNER]).await;
        let request = world.qualified(Channel::Phone).await;
        world.notify(request).await;
        assert_eq!(world.view(request).await.request.status, Status::Completed);

        world
            .receive_drop(key(request, SALES), event, "Bounced Address")
            .await;
        let view = world.view(request).await;
        assert_eq!(view.request.status, Status::Completed, "the other was told");
        let lost = messages(&world, request).await;
        let lost: Vec<_> = lost.iter().filter(|message| !message.is_sent).collect();
        assert_eq!((lost.len(), lost[0].recipient.as_str()), (1, SALES));
        let reason = lost[0].reason.as_ref().unwrap();
        assert!(
            reason.contains(event) && reason.contains("Bounced Address"),
            "{reason}"
        );

        world
            .receive_drop(key(request, OWNER), event, "Bounced Address")
            .await;
        assert_eq!(world.view(request).await.request.status, Status::Parked);
        assert_eq!(parked(&world, request).await, ParkCause::Unreached);
        world.redrive(request).await;
        world.notify(request).await;
        assert_eq!(world.view(request).await.request.status, Status::Completed);
        assert_eq!(world.sendgrid().mails().len(), 4);
    }
}

#[tokio::test]
async fn a_lost_answer_that_turns_out_dropped_was_not_sent() {
    let world = World::start(&[SALES]).await;
    let request = world.qualified(Channel::Phone).await;
    world.sendgrid().answer_next(Fault::ResetAfterWrite);
    assert!(matches!(world.notify(request).await, Outcome::Wait { .. }));
    world.receive_receipt(key(request, SALES), "sg-1").await;
    world
        .receive_drop(key(request, SALES), "dropped", "Spam Content")
        .await;
    world.notify(request).await;
    let message = &messages(&world, request).await[0];
    assert!(!message.is_sent && message.reason.as_ref().unwrap().contains("Spam Content"));
    assert_eq!(world.view(request).await.request.status, Status::Parked);
    assert_eq!(world.sendgrid().mails().len(), 1);
}

#[tokio::test]
async fn a_drop_while_the_mail_is_being_written_down_counts() {
    let world = World::start(&[SALES]).await;
    let request = world.qualified(Channel::Phone).await;
    let job = world.claim(request, Stage::Notification).await;
    let outcome = world.handler.handle(&job).await.unwrap();
    world
        .receive_drop(key(request, SALES), "dropped", "Bounced Address")
        .await;
    world.settle(&job, outcome).await;
    world.notify(request).await;
    assert!(!messages(&world, request).await[0].is_sent);
    assert_eq!(world.view(request).await.request.status, Status::Parked);
    assert_eq!(world.sendgrid().mails().len(), 1);
}

/// Why the one open step of a request waits for a person.
pub(crate) async fn parked(world: &World, request: RequestId) -> ParkCause {
    let view = world.view(request).await;
    match &view.work[0].state {
        WorkState::Parked { cause } => *cause,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn mail_leaves_by_the_connection_that_is_named_or_can_send() {
    let rules = |connection| NotificationRules {
        connection,
        ..rules(&[SALES])
    };
    for rules in [rules(None), rules(Some(name()))] {
        let world = World::with(rules).await;
        world.connect("crm", "hubspot").await;
        world.connect("mail", "sendgrid").await;
        let request = world.qualified(Channel::Form).await;
        assert!(matches!(world.notify(request).await, Outcome::Done { .. }));
        assert_eq!(world.sendgrid().mails().len(), 1);
        let view = world.view(request).await;
        assert_eq!(view.usage[0].1.by, "sendgrid");
    }
}

#[tokio::test]
async fn a_lead_of_every_channel_is_reported_in_its_own_words() {
    for (channel, begin) in [
        (Channel::Phone, "Phone call: "),
        (Channel::Text, "Text message: "),
        (Channel::Form, "Website form: "),
        (Channel::Calendar, "Booking: "),
        (Channel::Chat, "Chat: "),
        (Channel::Api, "Lead: "),
    ] {
        let world = World::start(&[SALES]).await;
        let request = world.qualified(channel).await;
        assert!(matches!(world.notify(request).await, Outcome::Done { .. }));
        let mail = &world.sendgrid().mails()[0];
        assert!(mail.subject.starts_with(begin), "{}", mail.subject);
        assert_eq!(mail.custom_args["tenant_id"], lead::tenant().as_str());
    }
}

#[tokio::test]
async fn without_a_sender_nothing_is_sent_and_the_request_goes_on() {
    let world = World::start(&[SALES]).await;
    let request = world.qualified(Channel::Phone).await;
    let claimed = world.claim(request, Stage::Notification).await;
    let mut config = OfficeConfig::clone(&claimed.config);
    config.workflow.notifications.from = None;
    let job = Claimed::new(claimed.row.clone(), claimed.request.clone(), config.into());
    let outcome = world.handler.handle(&job).await.unwrap();
    let Outcome::Done { sections, .. } = outcome else {
        panic!("{outcome:?}")
    };
    let [Section::Notifications(section)] = sections.as_slice() else {
        panic!("{sections:?}")
    };
    assert!(section.is_done && !section.messages[0].is_sent);
    assert!(
        section.messages[0]
            .reason
            .as_ref()
            .unwrap()
            .contains("names no sender")
    );
    assert!(world.sendgrid().requests().is_empty());
}

#[tokio::test]
async fn a_key_that_is_gone_holds_the_request() {
    let world = World::start(&[SALES]).await;
    let request = world.qualified(Channel::Phone).await;
    world.replace_secret(None).await;
    let Outcome::Hold {
        version, reason, ..
    } = world.notify(request).await
    else {
        panic!("not held")
    };
    assert_eq!(version, 2);
    assert!(reason.contains("enter it again"), "{reason}");
}

#[tokio::test]
async fn an_unverified_sender_holds_the_request() {
    let rules = NotificationRules {
        from: Some(email("leads@unverified.example.org")),
        ..rules(&[SALES])
    };
    let world = World::with(rules).await;
    world.connect("mail", "sendgrid").await;
    let request = world.qualified(Channel::Phone).await;
    let Outcome::Hold { reason, answer, .. } = world.notify(request).await else {
        panic!("not held")
    };
    assert!(reason.contains("verify the sender"), "{reason}");
    assert!(answer.unwrap().contains("verified Sender Identity"));
}
