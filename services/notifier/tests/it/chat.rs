//! Messages to a team's chat, beside mail.

use std::time::Duration;

use domain::{
    Channel, ChannelRecipient, Clock as _, ConnectionName, Message, NotificationRules, Outcome,
    ParkCause, RequestId, Stage, Status, later,
};
use simulators::{
    Fault,
    slack::{CHANNEL, OTHER_CHANNEL, TOKEN, WEBHOOK},
};

use crate::{
    messages, parked,
    world::{World, rules},
};

const SALES: &str = "sales@example.com";

/// Rules that tell these addresses, and these places by these connections.
fn telling(addresses: &[&str], places: &[(&str, Option<&str>)]) -> NotificationRules {
    let place = |(connection, to): &(&str, Option<&str>)| ChannelRecipient {
        channel: "slack".to_owned(),
        connection: ConnectionName::new(connection).unwrap(),
        to: to.map(str::to_owned),
        shows_contact: false,
    };
    NotificationRules {
        channels: places.iter().map(place).collect(),
        ..rules(addresses)
    }
}

/// A tenant that is connected to mail, to a bot and to a webhook.
async fn world(addresses: &[&str], places: &[(&str, Option<&str>)]) -> World {
    let world = World::with(telling(addresses, places)).await;
    world.connect("mail", "sendgrid").await;
    let channel = [("channel", CHANNEL)];
    world.connect_with("bot", "slack", TOKEN, &channel).await;
    world.connect_with("hook", "slack", WEBHOOK, &[]).await;
    world
}

/// The only message to a place.
fn to<'a>(messages: &'a [Message], recipient: &str) -> &'a Message {
    let mut found = messages
        .iter()
        .filter(|message| message.recipient == recipient);
    let message = found
        .next()
        .unwrap_or_else(|| panic!("{recipient}: {messages:?}"));
    assert!(found.next().is_none(), "{messages:?}");
    message
}

async fn attempts(world: &World, request: RequestId) -> Vec<(String, String)> {
    let attempts = world.view(request).await.notifications.into_iter();
    attempts
        .map(|attempt| (attempt.recipient, attempt.outcome))
        .collect()
}

#[tokio::test]
async fn a_lead_is_told_once_by_every_way_and_written_down() {
    let places = [("bot", None), ("bot", Some(OTHER_CHANNEL)), ("hook", None)];
    let world = world(&[SALES], &places).await;
    world.slack().invite(OTHER_CHANNEL);
    let request = world.qualified(Channel::Phone).await;
    assert!(matches!(world.notify(request).await, Outcome::Done { .. }));
    assert_eq!(world.sendgrid().mails().len(), 1);
    let posted = world.slack().messages();
    let mut places: Vec<_> = posted
        .iter()
        .map(|message| (message.channel.as_str(), message.is_by_webhook))
        .collect();
    places.sort_unstable();
    assert_eq!(
        places,
        [(CHANNEL, false), (CHANNEL, true), (OTHER_CHANNEL, false)]
    );
    for message in &posted {
        let text = format!("{message:?}");
        assert!(
            text.contains("Ann Lee") && !text.contains("555-0142"),
            "{text}"
        );
        assert!(text.contains(&request.to_string()));
    }

    let told = messages(&world, request).await;
    assert!(told.iter().all(|message| message.is_sent), "{told:?}");
    assert_eq!(to(&told, SALES).channel, "email");
    let id = to(&told, "bot").provider_id.clone().unwrap();
    assert!(id.starts_with(&format!("{CHANNEL}/")), "{id}");
    assert_eq!(to(&told, "hook").channel, "slack");
    to(&told, &format!("bot/{OTHER_CHANNEL}"));
    let view = world.view(request).await;
    assert_eq!(view.request.status, Status::Completed);
    let template = |record: &domain::NotificationRecord| record.template.clone();
    let mut templates: Vec<_> = view.notifications.iter().map(template).collect();
    templates.dedup();
    assert_eq!(templates, ["lead/3", "lead_post/1"]);
    let usage: Vec<_> = view
        .usage
        .iter()
        .map(|(_, usage)| (usage.unit.as_str(), usage.by.as_str(), usage.amount))
        .collect();
    assert_eq!(
        usage,
        [("chat_messages", "slack", 3), ("emails", "sendgrid", 1)]
    );
}

#[tokio::test]
async fn a_worker_that_dies_before_it_settles_posts_no_second_message() {
    let world = world(&[], &[("bot", None), ("hook", None)]).await;
    let request = world.qualified(Channel::Phone).await;
    let job = world.claim(request, Stage::Notification).await;
    world.handler.handle(&job).await.unwrap();
    drop(job);
    assert!(matches!(world.notify(request).await, Outcome::Done { .. }));
    assert_eq!(world.slack().messages().len(), 2);
    assert!(
        messages(&world, request)
            .await
            .iter()
            .all(|message| message.is_sent)
    );
}

#[tokio::test]
async fn a_bots_lost_answer_is_found_in_the_history() {
    for fault in [Fault::ResetAfterWrite, Fault::Malformed] {
        let world = world(&[], &[("bot", None)]).await;
        let request = world.qualified(Channel::Phone).await;
        world.slack().answer_next(fault);
        let (waits, outcome) = world.notify_until_it_ends(request).await;
        assert!(
            matches!(outcome, Outcome::Done { .. }) && waits > 0,
            "{outcome:?}"
        );
        let posted = world.slack().messages();
        assert_eq!(posted.len(), 1);
        let told = messages(&world, request).await;
        let expected = format!("{CHANNEL}/{}", posted[0].ts);
        assert_eq!(told[0].provider_id.as_deref(), Some(expected.as_str()));
        assert!(told[0].is_sent);
    }
}

#[tokio::test]
async fn what_a_bot_did_not_post_is_posted_after_a_look() {
    let world = world(&[], &[("bot", None)]).await;
    let request = world.qualified(Channel::Phone).await;
    world.slack().answer_next(Fault::Status(503));
    let (_, outcome) = world.notify_until_it_ends(request).await;
    assert!(matches!(outcome, Outcome::Done { .. }));
    assert_eq!(world.slack().messages().len(), 1);
    assert!(messages(&world, request).await[0].is_sent);
    let looks = world.slack().requests();
    assert!(
        looks
            .iter()
            .any(|call| call.path.starts_with("/api/conversations.history"))
    );
}

#[tokio::test]
async fn where_nobody_tells_a_lost_answer_is_not_posted_again() {
    for place in ["hook", "bot"] {
        let world = world(&[], &[(place, None)]).await;
        world.slack().let_read_history(false);
        let request = world.qualified(Channel::Phone).await;
        world.slack().answer_next(Fault::ResetAfterWrite);
        let (_, outcome) = world.notify_until_it_ends(request).await;
        assert!(matches!(outcome, Outcome::Done { .. }));
        assert_eq!(world.slack().messages().len(), 1);
        let told = messages(&world, request).await;
        assert!(
            !told[0].is_sent
                && told[0]
                    .reason
                    .as_ref()
                    .unwrap()
                    .contains("look in the channel"),
            "{told:?}"
        );
        // Nobody else was told: so a person decides.
        assert_eq!(parked(&world, request).await, ParkCause::Unreached);
        assert_eq!(
            attempts(&world, request).await,
            [
                (place.to_owned(), "unknown".to_owned()),
                (place.to_owned(), "unconfirmed".to_owned())
            ]
        );
        world.redrive(request).await;
        world.notify_until_it_ends(request).await;
        assert_eq!(world.view(request).await.request.status, Status::Completed);
        assert_eq!(world.slack().messages().len(), 2);
    }
}

#[tokio::test]
async fn a_webhook_that_says_it_failed_is_tried_again() {
    let world = world(&[], &[("hook", None)]).await;
    let request = world.qualified(Channel::Phone).await;
    world.slack().answer_next(Fault::Status(500));
    assert!(matches!(world.notify(request).await, Outcome::Retry { .. }));
    assert!(matches!(world.notify(request).await, Outcome::Done { .. }));
    assert_eq!(world.slack().messages().len(), 1);
}

#[tokio::test]
async fn a_bad_channel_holds_up_nobody_else() {
    let world = world(
        &[SALES],
        &[
            ("bot", Some("C0NOWHERE")),
            ("bot", None),
            ("bot", Some(OTHER_CHANNEL)),
        ],
    )
    .await;
    let request = world.qualified(Channel::Phone).await;
    assert!(matches!(world.notify(request).await, Outcome::Done { .. }));
    assert_eq!(world.sendgrid().mails().len(), 1);
    assert_eq!(world.slack().messages().len(), 1);
    let told = messages(&world, request).await;
    assert!(to(&told, "bot").is_sent && to(&told, SALES).is_sent);
    for (recipient, words) in [
        ("bot/C0NOWHERE", "check the channel's id"),
        ("bot/C0SIMOTHER", "invite the app"),
    ] {
        let reason = to(&told, recipient).reason.as_ref().unwrap();
        assert!(reason.contains(words), "{reason}");
    }
    assert_eq!(world.view(request).await.request.status, Status::Completed);
}

#[tokio::test]
async fn a_chat_that_takes_nothing_parks_with_a_persons_words() {
    let world = world(&[], &[("bot", None)]).await;
    let request = world.qualified(Channel::Phone).await;
    world.slack().archive(CHANNEL, true);
    assert!(matches!(world.notify(request).await, Outcome::Done { .. }));
    assert_eq!(parked(&world, request).await, ParkCause::Unreached);
    let row = world.view(request).await.work.remove(0);
    let answer = row.answer.unwrap();
    assert!(
        answer.contains("reopen it") && answer.contains("is_archived"),
        "{answer}"
    );
    world.slack().archive(CHANNEL, false);
    world.redrive(request).await;
    assert!(matches!(world.notify(request).await, Outcome::Done { .. }));
    assert_eq!(world.slack().messages().len(), 1);
}

#[tokio::test]
async fn a_dead_token_is_held_after_everybody_else_was_told() {
    let world = world(&[SALES], &[("bot", None), ("hook", None)]).await;
    let request = world.qualified(Channel::Phone).await;
    world.slack().refuse_token(Some("account_inactive"));
    let Outcome::Hold {
        connection,
        reason,
        answer,
        ..
    } = world.notify(request).await
    else {
        panic!("not held")
    };
    assert_eq!(connection.as_str(), "bot");
    assert!(reason.contains("install it again"), "{reason}");
    assert_eq!(answer.as_deref(), Some("account_inactive"));
    assert_eq!(world.sendgrid().mails().len(), 1);
    assert_eq!(world.slack().messages().len(), 1, "by the webhook");
    assert_eq!(world.view(request).await.request.status, Status::Held);

    world.slack().refuse_token(None);
    world.replace_secret_of("bot", Some(TOKEN)).await;
    assert!(matches!(world.notify(request).await, Outcome::Done { .. }));
    assert_eq!(world.sendgrid().mails().len(), 1, "nobody is told twice");
    assert_eq!(world.slack().messages().len(), 2);
    assert!(
        messages(&world, request)
            .await
            .iter()
            .all(|message| message.is_sent)
    );
}

#[tokio::test]
async fn a_webhook_that_was_removed_is_held() {
    let world = world(&[], &[("hook", None)]).await;
    let request = world.qualified(Channel::Phone).await;
    world.slack().remove_webhook(true);
    let Outcome::Hold { reason, answer, .. } = world.notify(request).await else {
        panic!("not held")
    };
    assert!(reason.contains("make a new incoming webhook"), "{reason}");
    assert_eq!(answer.as_deref(), Some("no_service"));
}

#[tokio::test]
async fn mail_that_is_stopped_holds_up_no_chat() {
    let world = world(&[SALES], &[("bot", None)]).await;
    let request = world.qualified(Channel::Phone).await;
    world.sendgrid().always(Fault::RevokedToken);
    let Outcome::Hold { connection, .. } = world.notify(request).await else {
        panic!("not held")
    };
    assert_eq!(connection.as_str(), "mail");
    assert_eq!(world.slack().messages().len(), 1);
}

#[tokio::test]
async fn without_mail_a_chat_is_told_all_the_same() {
    let rules = NotificationRules {
        from: None,
        ..telling(&[], &[("bot", None), ("gone", None)])
    };
    let world = World::with(rules).await;
    let channel = [("channel", CHANNEL)];
    world.connect_with("bot", "slack", TOKEN, &channel).await;
    let request = world.qualified(Channel::Form).await;
    assert!(matches!(world.notify(request).await, Outcome::Done { .. }));
    assert_eq!(world.slack().messages().len(), 1);
    let told = messages(&world, request).await;
    let reason = to(&told, "gone").reason.clone().unwrap();
    assert!(reason.contains("there is no connection `gone`"), "{reason}");
    assert_eq!(world.view(request).await.request.status, Status::Completed);
}

#[tokio::test]
async fn a_limit_is_waited_for_and_repeats_nothing() {
    let world = world(&[SALES], &[("bot", None), ("hook", None)]).await;
    let request = world.qualified(Channel::Phone).await;
    world.slack().answer_next(Fault::Answer {
        status: 429,
        retry_after_seconds: Some(40),
        body: None,
    });
    let before = world.clock.now();
    let Outcome::Retry { after, .. } = world.notify(request).await else {
        panic!("not tried again")
    };
    assert_eq!(after, Some(Duration::from_secs(40)));
    assert_eq!(
        (
            world.sendgrid().mails().len(),
            world.slack().messages().len()
        ),
        (1, 1)
    );
    assert!(matches!(world.notify(request).await, Outcome::Done { .. }));
    assert!(world.clock.now() >= later(before, Duration::from_secs(40)));
    assert_eq!(
        (
            world.sendgrid().mails().len(),
            world.slack().messages().len()
        ),
        (1, 2)
    );
}
