//! Creates topics and subscriptions, or brings them up to date. A repeat changes nothing.

use std::time::Duration;

use domain::Stage;
use google_cloud_auth::credentials::anonymous;
use google_cloud_gax::error::rpc::Code;
use google_cloud_pubsub::{
    Error,
    client::{SubscriptionAdmin, TopicAdmin},
    model::{ExpirationPolicy, PushConfig, RetryPolicy, Subscription, push_config::OidcToken},
};
use google_cloud_wkt::FieldMask;

use crate::{Access, OpenError, PubSubConfig, PushAccount};

/// How long Pub/Sub waits for the answer to a push before it delivers again: the longest that Pub/Sub allows.
///
/// Source: Pub/Sub, `ackDeadlineSeconds`, 10 to 600; for push it cannot be extended.
pub const ACK_DEADLINE: Duration = Duration::from_secs(600);

/// The longest run of a step that a push may start, for [`bus::RunnerConfig::longest_run`]: it is settled before
/// [`ACK_DEADLINE`].
pub const LONGEST_RUN: Duration = Duration::from_secs(540);

/// Bounds of the pause before a nacked message is delivered again. It starts short, because most nacks come from a short
/// lack of slots.
const RETRY_PAUSE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// The fields of a subscription that are brought up to date. Its lifetime never changes, and the emulator could not.
const UPDATED: [&str; 3] = ["push_config", "ack_deadline_seconds", "retry_policy"];

/// Why topics and subscriptions could not be created. Those that were created stay.
#[derive(Debug, thiserror::Error)]
pub enum ProvisionError {
    /// There are no credentials, or the endpoint is no URL.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Pub/Sub refused, or did not answer.
    #[error("{name} could not be created: {error}")]
    Refused {
        /// The topic or subscription.
        name: String,
        /// Pub/Sub's error.
        error: String,
    },
}

/// Creates the topic of every stage and the topic of events, and for each of `pushes` the subscription that pushes the
/// stage's wake-ups to a URL. With `account`, pushes carry its token.
///
/// What exists is kept; a subscription is brought up to date, its URL included. A subscription never expires, however
/// long it gets no messages.
///
/// # Errors
/// [`ProvisionError`] at the first one that could not be created. Then repeat.
pub async fn provision(
    config: &PubSubConfig,
    pushes: &[(Stage, String)],
    account: Option<&PushAccount>,
) -> Result<(), ProvisionError> {
    let topics = topics(config).await?;
    let work = Stage::ALL.map(|stage| config.work_topic(stage));
    for topic in work.into_iter().chain([config.events_topic()]) {
        let made = topics.create_topic().set_name(&topic).send().await;
        if let Err(error) = made
            && !already_exists(&error)
        {
            return Err(refused(&topic, &error));
        }
    }
    let subscriptions = subscriptions(config).await?;
    for (stage, url) in pushes {
        let wanted = subscription(config, *stage, url, account);
        let name = wanted.name.clone();
        ensure(&subscriptions, wanted)
            .await
            .map_err(|error| refused(&name, &error))?;
    }
    Ok(())
}

fn subscription(
    config: &PubSubConfig,
    stage: Stage,
    url: &str,
    account: Option<&PushAccount>,
) -> Subscription {
    let mut push = PushConfig::new().set_push_endpoint(url);
    if let Some(account) = account {
        let token = OidcToken::new()
            .set_service_account_email(&account.email)
            .set_audience(&account.audience);
        push = push.set_oidc_token(token);
    }
    let (least, most) = RETRY_PAUSE;
    let retry = RetryPolicy::new()
        .set_minimum_backoff(seconds(least))
        .set_maximum_backoff(seconds(most));
    Subscription::new()
        .set_name(config.work_subscription(stage))
        .set_topic(config.work_topic(stage))
        .set_push_config(push)
        .set_ack_deadline_seconds(i32::try_from(ACK_DEADLINE.as_secs()).unwrap_or(i32::MAX))
        .set_retry_policy(retry)
        // One without a lifetime: never.
        .set_expiration_policy(ExpirationPolicy::new())
}

async fn ensure(admin: &SubscriptionAdmin, wanted: Subscription) -> Result<(), Error> {
    let made = admin
        .create_subscription()
        .with_request(wanted.clone())
        .send()
        .await;
    match made {
        Err(error) if already_exists(&error) => {
            admin
                .update_subscription()
                .set_subscription(wanted)
                .set_update_mask(FieldMask::default().set_paths(UPDATED))
                .send()
                .await?;
            Ok(())
        }
        made => made.map(drop),
    }
}

fn already_exists(error: &Error) -> bool {
    error
        .status()
        .is_some_and(|status| status.code == Code::AlreadyExists)
}

fn refused(name: &str, error: &Error) -> ProvisionError {
    ProvisionError::Refused {
        name: name.to_owned(),
        error: error.to_string(),
    }
}

fn seconds(duration: Duration) -> google_cloud_wkt::Duration {
    google_cloud_wkt::Duration::clamp(i64::try_from(duration.as_secs()).unwrap_or(i64::MAX), 0)
}

async fn topics(config: &PubSubConfig) -> Result<TopicAdmin, OpenError> {
    let builder = match &config.access {
        Access::Google => TopicAdmin::builder(),
        Access::Emulator { endpoint } => TopicAdmin::builder()
            .with_endpoint(endpoint)
            .with_credentials(anonymous::Builder::new().build()),
    };
    builder
        .build()
        .await
        .map_err(|error| OpenError(error.to_string()))
}

async fn subscriptions(config: &PubSubConfig) -> Result<SubscriptionAdmin, OpenError> {
    let builder = match &config.access {
        Access::Google => SubscriptionAdmin::builder(),
        Access::Emulator { endpoint } => SubscriptionAdmin::builder()
            .with_endpoint(endpoint)
            .with_credentials(anonymous::Builder::new().build()),
    };
    builder
        .build()
        .await
        .map_err(|error| OpenError(error.to_string()))
}
