use std::{collections::BTreeMap, sync::Arc, time::Duration};

use domain::{
    Account, Channel, Classify, Clock, ConnectionName, Disposition, EffectFailure, EffectKey,
    EmailAddress, RequestId, later,
};
use http_client::{Client, Options, Url};
use notify::{
    Channels, Config, Content, EmailChannel, Mail, ProviderMessageId, SendError, message_id,
};
use simulators::{Fault, Simulators};
use testkit::{ManualClock, RefusingPort, lead};

struct World {
    simulators: Simulators,
    channel: Arc<dyn EmailChannel>,
    clock: ManualClock,
    content: Content,
}

impl World {
    async fn start() -> Self {
        let clock = ManualClock::at(lead::at());
        let mut config = simulators::Config::default();
        let now = clock.clone();
        config.now = Arc::new(move || now.now());
        let simulators = Simulators::start(config).await.unwrap();
        let channel = channel(&simulators.sendgrid().base_url(), clock.clone());
        Self {
            simulators,
            channel,
            clock,
            content: crate::mail(Channel::Phone, |_| ()),
        }
    }

    async fn send(&self, to: &str, key: &str) -> Result<ProviderMessageId, SendError> {
        let request = RequestId::from_uuid(uuid::Uuid::from_u128(1));
        let to = EmailAddress::parse(to).unwrap();
        let mail = Mail {
            from: &EmailAddress::parse("leads@example.com").unwrap(),
            from_name: "Demo Company",
            to: &to,
            content: &self.content,
            message_id: &message_id(request, &to, 0),
            request: Some(request),
        };
        let account = Account {
            tenant: lead::tenant(),
            connection: ConnectionName::new("mail").unwrap(),
            version: 1,
            secret: key.into(),
            settings: BTreeMap::new(),
        };
        self.channel.send(&mail, &account).await
    }
}

const KEY: &str = "SG.simulated-sendgrid-key";

fn channel(url: &str, clock: ManualClock) -> Arc<dyn EmailChannel> {
    let options = Options {
        allow_loopback: true,
        ..Options::default()
    };
    let config = Config::default().with_url("sendgrid", Url::parse(url).unwrap());
    let clock: Arc<dyn Clock> = Arc::new(clock);
    let channels = Channels::new(&Client::new(options).unwrap(), &clock, &config);
    Arc::clone(channels.email("sendgrid").unwrap())
}

#[tokio::test]
async fn a_mail_arrives_with_both_parts_and_says_nothing_to_others() {
    let world = World::start().await;
    let id = world.send("Sales@example.com", KEY).await.unwrap();
    let mails = world.simulators.sendgrid().mails();
    assert_eq!(mails.len(), 1);
    let mail = &mails[0];
    assert_eq!(mail.message_id, id.0);
    assert_eq!(
        (mail.from.as_str(), mail.to.as_slice()),
        ("leads@example.com", &["Sales@example.com".to_owned()][..])
    );
    assert_eq!(
        (&mail.subject, &mail.text, &mail.html),
        (
            &world.content.subject,
            &world.content.text,
            &world.content.html
        )
    );
    assert_eq!(mail.custom_args["tenant_id"], "tenant_demo");
    assert_eq!(
        mail.custom_args["request_id"],
        "req_00000000000000000000000000000001"
    );
    assert!(EffectKey::of_message(&mail.custom_args["message_id"]).is_some());
    assert!(mail.categories.is_empty());
    let sent = &world.simulators.sendgrid().requests()[0].body;
    for kind in ["click_tracking", "open_tracking", "subscription_tracking"] {
        assert_eq!(sent["tracking_settings"][kind]["enable"], false, "{kind}");
    }
}

#[tokio::test]
async fn a_failure_says_whether_the_mail_may_have_been_sent() {
    let retry = Disposition::Retry { after: None };
    for (fault, is_unknown, disposition, mails) in [
        (Fault::Status(400), false, Disposition::Park, 0),
        (Fault::Status(413), false, Disposition::Park, 0),
        (Fault::Status(404), false, Disposition::Park, 0),
        (Fault::RevokedToken, false, Disposition::Hold, 0),
        (Fault::Status(403), false, Disposition::Hold, 0),
        (Fault::Status(500), true, retry, 0),
        (Fault::Status(503), true, retry, 0),
        (Fault::ResetAfterWrite, true, retry, 1),
    ] {
        let world = World::start().await;
        world.simulators.sendgrid().answer_next(fault.clone());
        let error = world.send("sales@example.com", KEY).await.unwrap_err();
        assert_eq!(error.is_outcome_unknown(), is_unknown, "{fault:?}: {error}");
        assert_eq!(error.disposition(), disposition, "{fault:?}: {error}");
        assert_eq!(
            world.simulators.sendgrid().mails().len(),
            mails,
            "{fault:?}"
        );
    }
}

#[tokio::test]
async fn too_many_mails_wait_until_the_limit_is_reset() {
    let world = World::start().await;
    world.simulators.sendgrid().answer_next(Fault::RateLimit);
    let error = world.send("sales@example.com", KEY).await.unwrap_err();
    let Disposition::Retry { after: Some(pause) } = error.disposition() else {
        panic!("{error}")
    };
    // The limit is reset at each full minute.
    assert_eq!(later(world.clock.now(), pause).as_second() % 60, 0);
    assert!(!error.is_outcome_unknown());

    let fault = Fault::Answer {
        status: 429,
        retry_after_seconds: Some(7),
        body: None,
    };
    world.simulators.sendgrid().answer_next(fault);
    let error = world.send("sales@example.com", KEY).await.unwrap_err();
    assert_eq!(
        error.disposition(),
        Disposition::Retry {
            after: Some(Duration::from_secs(7))
        }
    );
}

#[tokio::test]
async fn a_refusal_has_sendgrids_words_and_no_address() {
    let world = World::start().await;
    let error = world
        .send("sales@example.com", "SG.wrong")
        .await
        .unwrap_err();
    assert_eq!(error.disposition(), Disposition::Hold);
    assert!(
        error
            .answer()
            .unwrap()
            .contains("authorization grant is invalid")
    );
    let broken = world.send("sales@example.com", "SG.\n").await.unwrap_err();
    assert_eq!(broken.disposition(), Disposition::Hold, "{broken}");
    assert!(!format!("{error:?}{error}").contains("sales"));
}

#[tokio::test]
async fn an_unreached_provider_was_not_sent_anything() {
    let nobody = RefusingPort::new();
    let world = World::start().await;
    let world = World {
        channel: channel(&nobody.url(), world.clock.clone()),
        ..world
    };
    let error = world.send("sales@example.com", KEY).await.unwrap_err();
    assert!(
        matches!(error, SendError::NotSent(_)) && !error.is_outcome_unknown(),
        "{error}"
    );
}
