use std::time::Duration;

use reqwest::RequestBuilder;
use serde_json::{Value, json};
use simulators::Fault;
use simulators::slack::{CHANNEL, OTHER_CHANNEL, TOKEN, WEBHOOK};

use crate::world::{World, client, get, send};

fn call(world: &World, method: &str, arguments: &Value) -> RequestBuilder {
    let url = format!("{}/api/{method}", world.simulators.slack().base_url());
    client().post(url).bearer_auth(TOKEN).json(arguments)
}

async fn error(request: RequestBuilder) -> String {
    let refused = send(request).await.expect(200);
    assert_eq!(refused["ok"], false, "{refused}");
    refused["error"].as_str().unwrap().to_owned()
}

fn hook(world: &World, message: &Value) -> RequestBuilder {
    let path = WEBHOOK.strip_prefix("https://hooks.slack.com").unwrap();
    let url = format!("{}{path}", world.simulators.slack().base_url());
    client().post(url).json(message)
}

async fn word(request: RequestBuilder) -> (u16, String) {
    let answer = send(request).await;
    assert!(answer.header("content-type").starts_with("text/plain"));
    (
        answer.status,
        String::from_utf8(answer.bytes.to_vec()).unwrap(),
    )
}

#[tokio::test]
async fn a_message_is_posted_and_found_in_the_history() {
    let world = World::start().await;
    let who = send(call(&world, "auth.test", &json!({})))
        .await
        .expect(200);
    assert_eq!(
        (&who["ok"], &who["user"]),
        (&json!(true), &json!("lead-bot"))
    );
    let metadata = json!({ "event_type": "lead", "event_payload": { "id": "1" } });
    for text in ["one", "two", "three"] {
        let message = json!({ "channel": CHANNEL, "text": text, "metadata": metadata });
        let posted = send(call(&world, "chat.postMessage", &message))
            .await
            .expect(200);
        assert_eq!(
            (&posted["ok"], &posted["message"]["text"]),
            (&json!(true), &json!(text))
        );
    }
    let mut seen = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = json!({ "channel": CHANNEL, "limit": 2, "cursor": cursor, "include_all_metadata": true });
        let page = send(call(&world, "conversations.history", &page))
            .await
            .expect(200);
        for message in page["messages"].as_array().unwrap() {
            assert_eq!(message["metadata"], metadata);
            seen.push(message["text"].as_str().unwrap().to_owned());
        }
        if page["has_more"] == false {
            break;
        }
        cursor = page["response_metadata"]["next_cursor"]
            .as_str()
            .unwrap()
            .to_owned();
    }
    assert_eq!(seen, ["three", "two", "one"]);
    let bare = send(call(
        &world,
        "conversations.history",
        &json!({ "channel": CHANNEL }),
    ))
    .await;
    assert!(bare.expect(200)["messages"][0].get("metadata").is_none());
    let view = get(&format!(
        "{}/_sim/view?limit=1&after=1",
        world.simulators.slack().base_url()
    ))
    .await;
    assert_eq!(view.expect(200)["messages"][0]["text"], "two");
}

#[tokio::test]
async fn a_form_has_its_blocks_as_text() {
    let world = World::start().await;
    let blocks =
        json!([{ "type": "section", "text": { "type": "mrkdwn", "text": "hello <!here>" } }]);
    let url = format!(
        "{}/api/chat.postMessage",
        world.simulators.slack().base_url()
    );
    let form = [
        ("token", TOKEN),
        ("channel", CHANNEL),
        ("text", "a"),
        ("blocks", &blocks.to_string()),
    ];
    let posted = send(client().post(url).form(&form)).await.expect(200);
    assert_eq!(posted["ok"], true, "{posted}");
    let message = &world.simulators.slack().messages()[0];
    assert_eq!(message.blocks, *blocks.as_array().unwrap());
    assert_eq!(message.mentions(), ["!here"]);
}

#[tokio::test]
async fn refusals_are_answered_with_200_and_a_word() {
    let world = World::start().await;
    let slack = world.simulators.slack();
    let to = |channel: &str| json!({ "channel": channel, "text": "a" });
    let method = "chat.postMessage";
    assert_eq!(
        error(call(&world, method, &to("C0NOWHERE"))).await,
        "channel_not_found"
    );
    assert_eq!(
        error(call(&world, method, &to(OTHER_CHANNEL))).await,
        "not_in_channel"
    );
    assert_eq!(
        error(call(&world, method, &json!({ "channel": CHANNEL }))).await,
        "no_text"
    );
    for (blocks, expected) in [
        (
            json!([{ "type": "section", "text": { "type": "mrkdwn", "text": "a".repeat(3_001) } }]),
            "invalid_blocks",
        ),
        (
            json!([{ "type": "header", "text": { "type": "mrkdwn", "text": "a" } }]),
            "invalid_blocks",
        ),
        (
            json!(vec![json!({ "type": "divider" }); 51]),
            "invalid_blocks",
        ),
        (json!({}), "invalid_blocks"),
    ] {
        let message = json!({ "channel": CHANNEL, "text": "a", "blocks": blocks });
        assert_eq!(error(call(&world, method, &message)).await, expected);
    }
    slack.archive(CHANNEL, true);
    assert_eq!(
        error(call(&world, method, &to(CHANNEL))).await,
        "is_archived"
    );
    slack.archive(CHANNEL, false);
    slack.refuse_token(Some("account_inactive"));
    assert_eq!(
        error(call(&world, method, &to(CHANNEL))).await,
        "account_inactive"
    );
    slack.refuse_token(None);
    slack.let_read_history(false);
    assert_eq!(
        error(call(&world, "conversations.history", &to(CHANNEL))).await,
        "missing_scope"
    );
    let url = format!("{}/api/{method}", slack.base_url());
    assert_eq!(
        error(client().post(&url).json(&to(CHANNEL))).await,
        "not_authed"
    );
    assert_eq!(
        error(client().post(&url).bearer_auth("xoxb-1").json(&to(CHANNEL))).await,
        "invalid_auth"
    );
    let broken = client().post(&url).bearer_auth(TOKEN);
    let broken = broken.header("content-type", "application/json").body("{");
    assert_eq!(error(broken).await, "invalid_json");
    assert!(slack.messages().is_empty());
}

#[tokio::test]
async fn a_webhook_answers_with_a_word() {
    let world = World::start().await;
    let slack = world.simulators.slack();
    let message = json!({ "text": "a lead" });
    assert_eq!(word(hook(&world, &message)).await, (200, "ok".to_owned()));
    assert!(slack.messages()[0].is_by_webhook);
    assert_eq!(
        word(hook(&world, &json!({}))).await,
        (400, "no_text".to_owned())
    );
    assert_eq!(
        word(hook(&world, &json!(5))).await,
        (400, "invalid_payload".to_owned())
    );
    for (fault, expected) in [
        (Fault::Status(503), (503, "rollup_error")),
        (Fault::Status(403), (403, "action_prohibited")),
        (Fault::RevokedToken, (403, "invalid_token")),
        (Fault::RateLimit, (429, "rate_limited")),
    ] {
        slack.answer_next(fault);
        let (status, said) = word(hook(&world, &message)).await;
        assert_eq!((status, said.as_str()), expected);
    }
    slack.archive(CHANNEL, true);
    assert_eq!(word(hook(&world, &message)).await.0, 410);
    slack.archive(CHANNEL, false);
    slack.remove_webhook(true);
    assert_eq!(
        word(hook(&world, &message)).await,
        (404, "no_service".to_owned())
    );
    let base = slack.base_url();
    let wrong = client()
        .post(format!("{base}/services/T1/B1/x"))
        .json(&message);
    assert_eq!(word(wrong).await, (404, "no_team".to_owned()));
    assert_eq!(slack.messages().len(), 1);
}

#[tokio::test]
async fn a_burst_for_one_channel_is_limited_where_that_is_on() {
    let world = World::with(|config| {
        config.of::<simulators::slack::Config>().burst = Some(2);
    })
    .await;
    let message = json!({ "channel": CHANNEL, "text": "a" });
    let post = async || send(call(&world, "chat.postMessage", &message)).await;
    for _ in 0..2 {
        assert_eq!(post().await.expect(200)["ok"], true);
    }
    let limited = post().await;
    assert_eq!(limited.header("retry-after"), "1");
    assert_eq!(limited.expect(429)["error"], "ratelimited");
    world.pass(Duration::from_secs(2));
    assert_eq!(post().await.expect(200)["ok"], true);
    assert_eq!(world.simulators.slack().messages().len(), 3);
}
