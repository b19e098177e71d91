//! Slack loses its answer, does not take the token, or is out of order.

use domain::{ChannelRecipient, ConnectionName, RequestId, Status};
use serde_json::{Value, json};
use simulators::{Fault, slack};
use tests::World;

use super::{MINUTE, call, comes_to, counts, finish_with_nothing_open, let_pass};

/// The demo tenant's connection.
const CONNECTION: &str = "slack";

/// The product on a manual clock, with an office that tells its team in Slack, beside the mail.
async fn world() -> World {
    let world = World::on_manual_clock().await;
    let offices = world.store.offices(&world.tenant()).await.unwrap();
    let mut office = offices.into_iter().next().unwrap();
    office.config.notifications.channels = vec![ChannelRecipient {
        channel: CONNECTION.to_owned(),
        connection: ConnectionName::new(CONNECTION).unwrap(),
        to: None,
        shows_contact: false,
    }];
    office.config.check().unwrap();
    world.store.put_office(&office).await.unwrap();
    world
}

/// The messages about a request, as Slack has them.
fn posted(world: &World, request: RequestId) -> Vec<slack::Message> {
    let mut messages = world.simulators().slack().messages();
    messages.retain(|message| {
        let about = &message.metadata["event_payload"]["request_id"];
        *about == json!(request.to_string())
    });
    messages
}

/// What is shown of the message to the team.
fn told(shown: &Value) -> &Value {
    let messages = shown["notifications"]["messages"].as_array().unwrap();
    let mut found = messages
        .iter()
        .filter(|message| message["channel"] == CONNECTION);
    found.next().unwrap_or_else(|| panic!("{shown}"))
}

/// Asks the API whether Slack takes the connection.
async fn is_taken(world: &World) -> Value {
    let path = format!("connections/{CONNECTION}/test");
    let tenant = world.tenant();
    let tested = world.post_as_admin(&tenant, &path, &json!({})).await;
    assert_eq!(tested.status, 200, "{tested:?}");
    tested.body
}

#[tokio::test]
async fn slack_loses_its_answer_and_the_lead_stands_there_once() {
    let world = world().await;
    let tested = is_taken(&world).await;
    assert_eq!(tested["is_accepted"], true, "{tested}");
    assert!(tested["detail"].as_str().unwrap().contains("lead-bot"));
    let slack = world.simulators().slack();
    slack.answer_next_to("chat.postMessage", Fault::ResetAfterWrite, 1);
    let request = call(&world, 1).await;
    comes_to(&world, request, Status::Completed).await;
    let messages = posted(&world, request);
    assert_eq!(messages.len(), 1, "{messages:?}");
    assert!(messages[0].mentions().is_empty());
    let shown = world.shown(request).await;
    let message = told(&shown);
    assert_eq!(message["is_sent"], true, "{message}");
    let id = format!("{}/{}", slack::CHANNEL, messages[0].ts);
    assert_eq!(message["provider_id"], id);
    assert_eq!(counts(&world), (1, 1, 1), "the mail is one, too");
    let_pass(&world, 60 * MINUTE).await;
    assert_eq!(posted(&world, request).len(), 1);
    finish_with_nothing_open(world).await;
}

#[tokio::test]
async fn slack_does_not_take_the_token_and_the_lead_is_told_when_it_does() {
    let world = world().await;
    let slack = world.simulators().slack();
    slack.refuse_token(Some("token_revoked"));
    let tested = is_taken(&world).await;
    assert_eq!(
        (&tested["is_accepted"], &tested["answer"]),
        (&json!(false), &json!("token_revoked"))
    );
    let request = call(&world, 1).await;
    comes_to(&world, request, Status::Held).await;
    assert_eq!(counts(&world), (1, 1, 1), "mail did not wait for it");
    slack.refuse_token(None);
    world.replace_secret(CONNECTION, slack::TOKEN).await;
    comes_to(&world, request, Status::Completed).await;
    assert_eq!(posted(&world, request).len(), 1);
    assert_eq!(counts(&world), (1, 1, 1), "nobody is told twice");
    finish_with_nothing_open(world).await;
}
