use std::{collections::BTreeMap, sync::Arc, time::Duration};

use domain::{
    Account, Brief, Channel, ChannelRecipient, Classify, Clock, ConnectionName, Disposition,
    EffectFailure, Lookup, RequestId,
};
use http_client::{Client, Options, Url};
use jiff::Timestamp;
use notify::{
    Channels, ChatChannel, Config, LeadPost, Post, PostError, ProviderMessageId, lead_post, post_id,
};
use serde_json::json;
use simulators::{
    Fault, Simulators,
    slack::{CHANNEL, OTHER_CHANNEL, TOKEN, WEBHOOK},
};
use testkit::{ManualClock, RefusingPort, lead};

struct World {
    simulators: Simulators,
    channel: Arc<dyn ChatChannel>,
    clock: ManualClock,
}

impl World {
    async fn start() -> Self {
        let clock = ManualClock::at(lead::at());
        let now = clock.clone();
        let config = simulators::Config {
            now: Arc::new(move || now.now()),
            ..simulators::Config::default()
        };
        let simulators = Simulators::start(config).await.unwrap();
        let channel = channel(&simulators.slack().base_url(), &clock);
        Self {
            simulators,
            channel,
            clock,
        }
    }

    async fn post(
        &self,
        secret: &str,
        content: &LeadPost,
        to: Option<&str>,
    ) -> Result<ProviderMessageId, PostError> {
        let id = name(to);
        let post = post(content, to, &id);
        self.channel.post(&post, &account(secret)).await
    }

    async fn find(&self, secret: &str, to: Option<&str>) -> Result<Lookup, PostError> {
        let (content, id) = (message(true), name(to));
        let post = post(&content, to, &id);
        let since = lead::at() - jiff::SignedDuration::from_mins(5);
        self.channel.find(&post, since, &account(secret)).await
    }
}

fn channel(url: &str, clock: &ManualClock) -> Arc<dyn ChatChannel> {
    let options = Options {
        allow_loopback: true,
        ..Options::default()
    };
    let config = Config::default().with_url("slack", Url::parse(url).unwrap());
    let clock: Arc<dyn Clock> = Arc::new(clock.clone());
    let channels = Channels::new(&Client::new(options).unwrap(), &clock, &config);
    assert!(channels.email("slack").is_none());
    Arc::clone(channels.chat("slack").unwrap())
}

fn request() -> RequestId {
    RequestId::from_uuid(uuid::Uuid::from_u128(1))
}

fn name(to: Option<&str>) -> String {
    let place = ChannelRecipient {
        channel: "slack".to_owned(),
        connection: ConnectionName::new("team").unwrap(),
        to: to.map(str::to_owned),
        shows_contact: false,
    };
    post_id(request(), &place, 0)
}

fn post<'a>(content: &'a LeadPost, to: Option<&'a str>, message_id: &'a str) -> Post<'a> {
    Post {
        to,
        content,
        message_id,
        request: request(),
    }
}

fn account(secret: &str) -> Account {
    let channel = ("channel".to_owned(), CHANNEL.to_owned());
    let is_bot = secret.starts_with("xoxb-");
    Account {
        tenant: lead::tenant(),
        connection: ConnectionName::new("team").unwrap(),
        version: 1,
        secret: secret.into(),
        settings: BTreeMap::from_iter(is_bot.then_some(channel)),
    }
}

/// The message about the sample lead of a phone call.
fn message(shows_contact: bool) -> LeadPost {
    let request = lead::qualified(Channel::Phone);
    let office = lead::office();
    let brief = Brief::new(&request, &office);
    lead_post(&brief, &office.tenant_name, crate::crm_name, shows_contact)
}

#[tokio::test]
async fn a_bots_message_arrives_with_our_name_of_it() {
    let world = World::start().await;
    let content = message(true);
    let id = world.post(TOKEN, &content, None).await.unwrap();
    let messages = world.simulators.slack().messages();
    assert_eq!(messages.len(), 1);
    let posted = &messages[0];
    assert_eq!(id.0, format!("{CHANNEL}/{}", posted.ts));
    assert!(!posted.is_by_webhook);
    assert_eq!(
        posted.metadata["event_payload"],
        json!({ "message_id": name(None), "request_id": request().to_string() })
    );
    assert!(
        posted
            .text
            .starts_with("Phone call: Kitchen, score 82, Ann Lee")
    );
    let sent = &world.simulators.slack().requests()[0].body;
    assert_eq!(
        (&sent["unfurl_links"], &sent["unfurl_media"]),
        (&json!(false), &json!(false))
    );
    assert_eq!(posted.mentions(), [""; 0]);
}

#[tokio::test]
async fn a_webhooks_message_arrives_and_other_hosts_are_never_called() {
    let world = World::start().await;
    let id = world.post(WEBHOOK, &message(true), None).await.unwrap();
    assert_eq!(id.0, name(None));
    let messages = world.simulators.slack().messages();
    assert!(messages[0].is_by_webhook && messages[0].channel == CHANNEL);
    let base = world.simulators.slack().base_url();
    for secret in [
        format!("{base}/services/T0SIMTEAM/B0SIMHOOK/simulatedWebhookSecret"),
        "https://169.254.169.254/services/T0SIMTEAM/B0SIMHOOK/simulatedWebhookSecret".to_owned(),
        "https://hooks.slack.com@10.0.0.1/services/T0SIMTEAM/B0SIMHOOK/x".to_owned(),
    ] {
        let error = world.post(&secret, &message(true), None).await.unwrap_err();
        assert_eq!(error.disposition(), Disposition::Hold, "{error}");
        assert!(!format!("{error:?}{error}").contains("simulatedWebhookSecret"));
    }
    assert_eq!(world.simulators.slack().requests().len(), 1);
}

#[tokio::test]
async fn what_a_lead_says_mentions_nobody_and_fits() {
    let world = World::start().await;
    let hostile = "<!channel> <@U0SIMBOT> <https://evil.example|here> & ".repeat(80);
    let mut content = message(true);
    content.headline.clone_from(&hostile);
    content.summary = Some(hostile.clone());
    content.warnings = vec![hostile.clone(); 6];
    for fact in &mut content.facts {
        fact.value.clone_from(&hostile);
    }
    for secret in [TOKEN, WEBHOOK] {
        world.post(secret, &content, None).await.unwrap();
    }
    for posted in world.simulators.slack().messages() {
        assert_eq!(posted.mentions(), [""; 0]);
        assert!(posted.text.contains("&lt;!channel&gt;"));
    }
}

#[test]
fn a_telephone_number_is_masked_unless_it_is_wanted() {
    let text = |post: &LeadPost| format!("{post:?}");
    let (whole, masked) = (message(true), message(false));
    assert!(text(&whole).contains("555-0142"), "{whole:?}");
    assert!(!text(&masked).contains("555-0142"), "{masked:?}");
    assert!(text(&masked).contains("42"), "{masked:?}");
    assert_eq!(whole.footer, masked.footer);
    assert!(whole.footer.contains(&request_of_the_sample()));
}

fn request_of_the_sample() -> String {
    lead::qualified(Channel::Phone).id.to_string()
}

/// Slack's word, what it means for the work, and whether the message may be posted.
#[tokio::test]
async fn each_refusal_of_the_web_api_has_its_end_and_a_persons_words() {
    let retry = Disposition::Retry { after: None };
    for (word, disposition, is_unknown, remedy) in [
        (
            "channel_not_found",
            Disposition::Park,
            false,
            "check the channel's id",
        ),
        ("not_in_channel", Disposition::Park, false, "invite the app"),
        ("is_archived", Disposition::Park, false, "reopen it"),
        (
            "restricted_action",
            Disposition::Park,
            false,
            "workspace's owner",
        ),
        (
            "invalid_blocks",
            Disposition::Park,
            false,
            "fault of this program",
        ),
        (
            "a_word_of_tomorrow",
            Disposition::Park,
            false,
            "see what Slack says",
        ),
        ("invalid_auth", Disposition::Hold, false, "new token"),
        ("token_revoked", Disposition::Hold, false, "new token"),
        (
            "account_inactive",
            Disposition::Hold,
            false,
            "install it again",
        ),
        ("missing_scope", Disposition::Hold, false, "chat:write"),
        ("fatal_error", retry, true, "may have been posted"),
        ("internal_error", retry, true, "may have been posted"),
    ] {
        let world = World::start().await;
        world.simulators.slack().answer_next(Fault::Answer {
            status: 200,
            retry_after_seconds: None,
            body: Some(json!({ "ok": false, "error": word })),
        });
        let error = world.post(TOKEN, &message(true), None).await.unwrap_err();
        assert_eq!(error.disposition(), disposition, "{word}: {error}");
        assert_eq!(error.is_outcome_unknown(), is_unknown, "{word}: {error}");
        assert!(error.to_string().contains(remedy), "{word}: {error}");
        let answer = error.answer();
        assert!(is_unknown || answer.as_deref() == Some(word), "{answer:?}");
    }
    // The simulated workspace says the same of what is really so.
    let world = World::start().await;
    for (to, word) in [
        (OTHER_CHANNEL, "not_in_channel"),
        ("C0NOWHERE", "channel_not_found"),
    ] {
        let error = world
            .post(TOKEN, &message(true), Some(to))
            .await
            .unwrap_err();
        assert_eq!(error.answer().as_deref(), Some(word));
    }
    let error = world
        .post("xoxb-wrong", &message(true), None)
        .await
        .unwrap_err();
    assert_eq!(error.answer().as_deref(), Some("invalid_auth"));
}

#[tokio::test]
async fn each_refusal_of_a_webhook_has_its_end() {
    let retry = Disposition::Retry { after: None };
    let world = World::start().await;
    let slack = world.simulators.slack();
    for (fault, disposition) in [
        (Fault::Status(400), Disposition::Park),
        (Fault::Status(403), Disposition::Park),
        (Fault::RevokedToken, Disposition::Hold),
        (Fault::Status(404), Disposition::Hold),
        // By its own word nothing was posted.
        (Fault::Status(500), retry),
        (Fault::Status(301), Disposition::Park),
    ] {
        slack.answer_next(fault.clone());
        let error = world.post(WEBHOOK, &message(true), None).await.unwrap_err();
        assert_eq!(error.disposition(), disposition, "{fault:?}: {error}");
        assert!(!error.is_outcome_unknown(), "{fault:?}: {error}");
    }
    slack.archive(CHANNEL, true);
    let error = world.post(WEBHOOK, &message(true), None).await.unwrap_err();
    assert_eq!(error.disposition(), Disposition::Hold, "{error}");
    assert_eq!(error.answer().as_deref(), Some("channel_is_archived"));
    assert!(slack.messages().is_empty());
}

#[tokio::test]
async fn a_failure_says_whether_the_message_may_have_been_posted() {
    for (secret, fault, is_unknown, posted) in [
        (TOKEN, Fault::ResetAfterWrite, true, 1),
        (TOKEN, Fault::Malformed, true, 1),
        (TOKEN, Fault::Status(503), true, 0),
        (WEBHOOK, Fault::ResetAfterWrite, true, 1),
        (WEBHOOK, Fault::Status(503), false, 0),
    ] {
        let world = World::start().await;
        world.simulators.slack().answer_next(fault.clone());
        let error = world.post(secret, &message(true), None).await.unwrap_err();
        assert_eq!(error.is_outcome_unknown(), is_unknown, "{fault:?}: {error}");
        assert_eq!(
            world.simulators.slack().messages().len(),
            posted,
            "{fault:?}"
        );
    }
    let nobody = RefusingPort::new();
    let world = World::start().await;
    let world = World {
        channel: channel(&nobody.url(), &world.clock),
        ..world
    };
    for secret in [TOKEN, WEBHOOK] {
        let error = world.post(secret, &message(true), None).await.unwrap_err();
        assert!(!error.is_outcome_unknown(), "{error}");
        assert!(
            !error.to_string().contains("simulatedWebhookSecret"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn too_many_messages_wait_as_long_as_slack_says() {
    let world = World::start().await;
    for secret in [TOKEN, WEBHOOK] {
        for (asked, pause) in [
            (Some(7), 7),
            (Some(0), 1),
            (Some(90_000), 3_600),
            (None, 30),
        ] {
            world.simulators.slack().answer_next(Fault::Answer {
                status: 429,
                retry_after_seconds: asked,
                body: None,
            });
            let error = world.post(secret, &message(true), None).await.unwrap_err();
            let after = Some(Duration::from_secs(pause));
            assert_eq!(error.disposition(), Disposition::Retry { after }, "{error}");
            assert!(!error.is_outcome_unknown());
        }
    }
    assert!(world.simulators.slack().messages().is_empty());
}

#[tokio::test]
async fn a_lost_message_is_found_in_the_history_or_nobody_tells() {
    let world = World::start().await;
    let slack = world.simulators.slack();
    assert_eq!(world.find(TOKEN, None).await.unwrap(), Lookup::Absent);
    slack.answer_next(Fault::ResetAfterWrite);
    world.post(TOKEN, &message(true), None).await.unwrap_err();
    // Others write there, too, more than a page of them.
    for _ in 0..120 {
        world.clock.advance(Duration::from_secs(1));
        let other = Some(CHANNEL);
        world.post(TOKEN, &message(true), other).await.unwrap();
    }
    let found = world.find(TOKEN, None).await.unwrap();
    let ts = slack.messages()[0].ts.clone();
    assert_eq!(found, Lookup::Found(format!("{CHANNEL}/{ts}")));
    assert_eq!(
        world.find(TOKEN, Some("C0NOWHERE")).await.unwrap(),
        Lookup::CannotTell
    );
    // It is no longer new enough to be about the lead.
    let (content, id) = (message(true), name(None));
    let late: Timestamp = domain::later(world.clock.now(), Duration::from_secs(600));
    let sought = post(&content, None, &id);
    let found = world.channel.find(&sought, late, &account(TOKEN)).await;
    assert_eq!(found.unwrap(), Lookup::Absent);
    assert_eq!(world.find(WEBHOOK, None).await.unwrap(), Lookup::CannotTell);
    slack.let_read_history(false);
    assert_eq!(world.find(TOKEN, None).await.unwrap(), Lookup::CannotTell);
    // While Slack is out of order it is no answer.
    slack.answer_next(Fault::Status(503));
    let error = world.find(TOKEN, None).await.unwrap_err();
    assert_eq!(error.disposition(), Disposition::Retry { after: None });
    assert!(!error.is_outcome_unknown());
}

#[tokio::test]
async fn a_test_of_a_connection_posts_nothing() {
    let world = World::start().await;
    let slack = world.simulators.slack();
    let inspect = async |secret: &str| world.channel.inspect(&account(secret)).await;
    assert!(
        inspect(TOKEN)
            .await
            .unwrap()
            .contains("the bot lead-bot of Simulated")
    );
    assert!(
        inspect(WEBHOOK)
            .await
            .unwrap()
            .contains("knows the incoming webhook")
    );
    let wrong = WEBHOOK.replace("simulatedWebhookSecret", "another");
    for secret in ["xoxb-wrong", &wrong] {
        let error = inspect(secret).await.unwrap_err();
        assert_eq!(error.disposition(), Disposition::Hold, "{error}");
    }
    slack.answer_next(Fault::Status(503));
    assert!(!inspect(TOKEN).await.unwrap_err().is_outcome_unknown());
    assert!(slack.messages().is_empty());
}
