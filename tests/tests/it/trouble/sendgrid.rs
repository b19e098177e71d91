//! SendGrid takes mails without saying so, or takes none.

use std::time::Duration;

use domain::{RequestId, Status};
use serde_json::Value;
use simulators::Fault;
use tests::World;

use super::{
    HOUR, MINUTE, at_rest, call, comes_to, counts, finish_with_nothing_open, let_pass, mail, mails,
    outcomes,
};

/// An address where nobody listens: no event reaches us.
const NOWHERE: &str = "http://127.0.0.1:9/";

/// How each attempt to tell people ended, in a word, as the API shows it.
fn attempts(shown: &Value) -> Vec<String> {
    let attempts = shown["notification_attempts"].as_array().unwrap().iter();
    attempts
        .map(|attempt| attempt["outcome"].as_str().unwrap().to_owned())
        .collect()
}

/// The seconds between two mails about a request.
fn seconds_between(world: &World, request: RequestId) -> i64 {
    let mails = mails(world, request);
    assert_eq!(mails.len(), 2, "{mails:?}");
    mails[1].at.duration_since(mails[0].at).as_secs()
}

/// Sets how long a lost answer is waited for.
async fn wait_for_lost_answers(world: &World, time: Duration) {
    let mut office = world
        .store
        .offices(&world.tenant())
        .await
        .unwrap()
        .remove(0);
    office.config.notifications.unknown_wait_seconds = time.as_secs();
    world.store.put_office(&office).await.unwrap();
}

#[tokio::test]
async fn sendgrid_loses_its_answer_and_its_signed_event_settles_it() {
    let world = World::on_manual_clock().await;
    world
        .simulators()
        .sendgrid()
        .answer_next(Fault::ResetAfterWrite);
    let request = call(&world, 1).await;
    let view = comes_to(&world, request, Status::Completed).await;
    let mail = mail(&world, request);
    let waited = view.request.updated_at.duration_since(mail.at).as_secs();
    assert!(waited <= 60, "{waited} s");
    let shown = world.shown(request).await;
    assert_eq!(attempts(&shown), ["unknown", "sent"]);
    assert_eq!(outcomes(&shown, "notification"), ["waiting", "done"]);
    let message = &shown["notifications"]["messages"][0];
    assert_eq!(message["is_sent"], true);
    let id = message["provider_id"].as_str().unwrap();
    assert!(id.starts_with(&mail.message_id), "{id}");
    assert_eq!(counts(&world), (1, 1, 1));
    finish_with_nothing_open(world).await;
}

#[tokio::test]
async fn sendgrid_loses_answer_and_event_and_one_more_mail_goes_out() {
    let world = World::on_manual_clock().await;
    wait_for_lost_answers(&world, 2 * MINUTE).await;
    let sendgrid = world.simulators().sendgrid();
    sendgrid.set_event_webhook(NOWHERE);
    sendgrid.answer_next(Fault::ResetAfterWrite);
    let request = call(&world, 1).await;
    let_pass(&world, MINUTE).await;
    assert_eq!(counts(&world), (1, 1, 1), "not before the wait is over");
    let shown = world.shown(request).await;
    assert_eq!(
        shown["open_work"][0]["reason"],
        "the answer to a mail was lost: waiting for its receipt"
    );

    comes_to(&world, request, Status::Completed).await;
    let waited = seconds_between(&world, request);
    // The wait of 135 s began with the mail's record, and the mail was received a moment later.
    assert!((130..=240).contains(&waited), "{waited} s");
    let shown = world.shown(request).await;
    assert_eq!(attempts(&shown), ["unknown", "sent"]);
    assert_eq!(shown["notifications"]["messages"][0]["is_sent"], true);
    let_pass(&world, 24 * HOUR).await;
    assert_eq!(counts(&world), (1, 1, 2), "two, and never a third");
    finish_with_nothing_open(world).await;
}

#[tokio::test]
async fn sendgrid_never_answers_and_two_mails_are_all() {
    let world = World::on_manual_clock().await;
    let sendgrid = world.simulators().sendgrid();
    sendgrid.set_event_webhook(NOWHERE);
    sendgrid.always_to("mail/send", Fault::ResetAfterWrite);
    let request = call(&world, 1).await;
    // Nobody is known to have been told.
    comes_to(&world, request, Status::Parked).await;
    let waited = seconds_between(&world, request);
    assert!((610..=720).contains(&waited), "{waited} s");
    let shown = world.shown(request).await;
    assert_eq!(attempts(&shown), ["unknown", "unknown", "unconfirmed"]);
    let message = &shown["notifications"]["messages"][0];
    assert_eq!(message["is_sent"], false);
    assert_eq!(
        message["reason"],
        "handed over 2 times, and never confirmed: it may have arrived"
    );
    assert_eq!(counts(&world), (1, 1, 2));
    let step = &shown["open_work"][0];
    assert_eq!(step["park_cause"], "unreached", "{step}");
    world.finish().await;
}

#[tokio::test]
async fn sendgrid_is_out_for_hours_and_one_mail_goes_out_afterwards() {
    let world = World::on_manual_clock().await;
    let sendgrid = world.simulators().sendgrid();
    sendgrid.always(Fault::Status(503));
    let request = call(&world, 1).await;
    let_pass(&world, 3 * HOUR).await;
    assert_eq!(counts(&world), (1, 1, 0), "the CRM does not wait for mail");
    let shown = world.shown(request).await;
    let reason = shown["open_work"][0]["reason"].as_str().unwrap();
    assert!(
        reason.starts_with("the e-mail provider is out of order (status 503)"),
        "{reason}"
    );
    sendgrid.clear_faults();
    comes_to(&world, request, Status::Completed).await;
    let shown = world.shown(request).await;
    let all = attempts(&shown);
    let [first, refused @ .., last] = all.as_slice() else {
        panic!("{all:?}");
    };
    assert_eq!((first.as_str(), last.as_str()), ("unknown", "sent"));
    assert!(refused.len() > 3, "{all:?}");
    assert!(
        refused.iter().all(|state| state == "out_of_order"),
        "{all:?}"
    );
    assert_eq!(counts(&world), (1, 1, 1));
    assert!(at_rest(&world).await.is_empty());
    finish_with_nothing_open(world).await;
}
