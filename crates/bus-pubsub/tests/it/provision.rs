//! Topics and subscriptions.

use bus::{Bus as _, LocalBus, LocalBusConfig};
use bus_pubsub::{Access, PubSubConfig, PushAccount, PushLimits, provision, push_routes};
use domain::Stage;
use google_cloud_auth::credentials::anonymous;
use google_cloud_pubsub::{
    client::SubscriptionAdmin,
    model::{Subscription, push_config::OidcToken},
};
use std::sync::Arc;

use crate::{
    emulator::{connect, listen, project},
    queue::{Counting, Rows, eventually, runner},
};

async fn subscription(config: &PubSubConfig, stage: Stage) -> Subscription {
    let Access::Emulator { endpoint } = &config.access else {
        panic!("tests use the emulator");
    };
    SubscriptionAdmin::builder()
        .with_endpoint(endpoint)
        .with_credentials(anonymous::Builder::new().build())
        .build()
        .await
        .unwrap()
        .get_subscription()
        .set_subscription(config.work_subscription(stage))
        .send()
        .await
        .unwrap()
}

#[tokio::test]
async fn a_subscription_pushes_with_the_account_and_longest_deadline() {
    let Some(config) = project().await else {
        return;
    };
    let account = PushAccount {
        email: "push@project.iam.gserviceaccount.com".to_owned(),
        audience: "https://worker.example".to_owned(),
    };
    let pushes = [(
        Stage::Analysis,
        "http://127.0.0.1:9/internal/push".to_owned(),
    )];
    for _ in 0..2 {
        provision(&config, &pushes, Some(&account)).await.unwrap();
    }
    let made = subscription(&config, Stage::Analysis).await;
    assert_eq!(made.topic, config.work_topic(Stage::Analysis));
    assert_eq!(made.ack_deadline_seconds, 600);
    let retry = made.retry_policy.unwrap();
    let seconds = |pause: Option<google_cloud_wkt::Duration>| pause.map(|pause| pause.seconds());
    assert_eq!(seconds(retry.minimum_backoff), Some(1));
    assert_eq!(seconds(retry.maximum_backoff), Some(60));
    let push = made.push_config.unwrap();
    assert_eq!(push.push_endpoint, pushes[0].1);
    let token = OidcToken::new()
        .set_service_account_email(&account.email)
        .set_audience(&account.audience);
    assert_eq!(push.oidc_token(), Some(&Box::new(token)));
}

#[tokio::test]
async fn a_service_that_moved_gets_its_wake_ups_there() {
    let Some(config) = project().await else {
        return;
    };
    let service = || {
        let (rows, stage) = (Arc::new(Rows::default()), Counting::new(Stage::Recording));
        let nowhere = LocalBus::new(LocalBusConfig::default());
        let routes = push_routes(runner(&rows, nowhere, &stage), None, PushLimits::default());
        (rows, stage, routes)
    };
    let (_, _, old) = service();
    let (rows, stage, new) = service();
    let bus = connect(&config, [(Stage::Recording, old)]).await;
    let url = format!("{}/internal/push", listen(new).await);
    provision(&config, &[(Stage::Recording, url.clone())], None)
        .await
        .unwrap();
    let push = subscription(&config, Stage::Recording).await.push_config;
    assert_eq!(push.unwrap().push_endpoint, url);

    bus.publish(vec![rows.add(1, false)]).await.unwrap();
    eventually("the new one handled it", || stage.handled().len() == 1).await;
}
