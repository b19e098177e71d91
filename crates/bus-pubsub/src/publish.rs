//! Publishes wake-ups of the stages, and events for analytics.

use std::{collections::HashMap, time::Duration};

use async_trait::async_trait;
use bus::{Bus, BusError, Slot};
use bytes::Bytes;
use domain::{Stage, TenantId, Wake};
use futures::future::try_join_all;
use google_cloud_auth::credentials::anonymous;
use google_cloud_gax::retry_policy::RetryPolicyExt as _;
use google_cloud_pubsub::{
    client::{BasePublisher, Publisher},
    model::Message,
    retry_policy::RetryableErrors,
};
use runtime::TraceContext;

use crate::{Access, PubSubConfig};

/// How long a message waits for others to share a request. The library's ten milliseconds would delay every single
/// wake-up, and messages that are published together reach the library together anyway.
const BATCH_DELAY: Duration = Duration::from_millis(1);

/// The attribute that carries the trace. Source: the Pub/Sub client libraries' OpenTelemetry support, which prefix
/// `traceparent` so.
pub(crate) const TRACE_ATTRIBUTE: &str = "googclient_traceparent";

/// Why Pub/Sub cannot be used: there are no credentials, or the endpoint is no URL.
#[derive(Debug, thiserror::Error)]
#[error("Pub/Sub could not be set up: {0}")]
pub struct OpenError(pub(crate) String);

/// Publishes wake-ups to their stages' topics.
///
/// Nothing overflows here, because topics keep unacknowledged messages for days. How many steps run at once, of all tenants
/// and of one, is bounded by the receiver: [`PushLimits`](crate::PushLimits).
#[derive(Debug)]
pub struct PubSubBus {
    topics: HashMap<Stage, Topic>,
}

/// Publishes events for analytics. A reader may see one twice, and drops repeats by its id.
#[derive(Debug)]
pub struct EventTopic(Topic);

/// An event for analytics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventMessage {
    /// Readers drop repeats by this id. An attribute, at most 1,024 bytes.
    pub event_id: String,
    /// An attribute.
    pub tenant: String,
    /// The event as JSON.
    pub data: Bytes,
}

#[derive(Debug)]
struct Topic {
    publisher: Publisher,
    deadline: Duration,
}

impl PubSubBus {
    /// Opens every stage's topic. They share their connections; nothing is sent yet.
    ///
    /// # Errors
    /// [`OpenError`] if there are no credentials or the endpoint is no URL.
    pub async fn open(config: &PubSubConfig) -> Result<Self, OpenError> {
        let base = base(config).await?;
        let topics = Stage::ALL
            .into_iter()
            .map(|stage| (stage, Topic::new(&base, config.work_topic(stage), config)))
            .collect();
        Ok(Self { topics })
    }
}

#[async_trait]
impl Bus for PubSubBus {
    /// Publishes each to its stage's topic. After the deadline all count as not published, although some may still
    /// arrive.
    async fn publish(&self, wakes: Vec<Wake>) -> Result<(), BusError> {
        let trace = TraceContext::current().map(|trace| trace.to_string());
        let mut messages: HashMap<Stage, Vec<Message>> = HashMap::new();
        for wake in &wakes {
            let data = serde_json::to_vec(wake).map_err(unavailable)?;
            let mut message = Message::new().set_data(data);
            if let Some(trace) = &trace {
                message = message.set_attributes([(TRACE_ATTRIBUTE, trace)]);
            }
            messages.entry(wake.key.stage).or_default().push(message);
        }
        let published = messages
            .into_iter()
            .filter_map(|(stage, messages)| Some(self.topics.get(&stage)?.publish(messages)));
        try_join_all(published).await?;
        Ok(())
    }

    /// A topic takes whatever comes.
    fn capacity(&self, _: &TenantId, _: Stage) -> u32 {
        // Callers double it.
        u32::MAX / 2
    }

    /// Never: nothing overflows.
    fn take_overflowed(&self, _: &TenantId, _: Stage) -> bool {
        false
    }

    /// Always: the push that runs the step before has its permit, which is for one step at a time.
    fn try_begin(&self, _: &TenantId, _: Stage) -> Option<Slot> {
        Some(Box::new(()))
    }
}

impl EventTopic {
    /// Opens the topic. Nothing is sent yet.
    ///
    /// # Errors
    /// [`OpenError`] if there are no credentials or the endpoint is no URL.
    pub async fn open(config: &PubSubConfig) -> Result<Self, OpenError> {
        let base = base(config).await?;
        Ok(Self(Topic::new(&base, config.events_topic(), config)))
    }

    /// A repeat publishes them once more.
    ///
    /// # Errors
    /// [`BusError::Unavailable`] if not all were published within the deadline; some may have been.
    pub async fn publish(&self, messages: Vec<EventMessage>) -> Result<(), BusError> {
        let messages = messages.into_iter().map(|message| {
            Message::new().set_data(message.data).set_attributes([
                ("event_id", message.event_id),
                ("tenant_id", message.tenant),
            ])
        });
        self.0.publish(messages.collect()).await
    }
}

impl Topic {
    fn new(base: &BasePublisher, name: String, config: &PubSubConfig) -> Self {
        let publisher = base
            .publisher(name)
            .set_delay_threshold(BATCH_DELAY)
            .build();
        Self {
            publisher,
            deadline: config.publish_deadline,
        }
    }

    async fn publish(&self, messages: Vec<Message>) -> Result<(), BusError> {
        // The library has all of them before the first answer is awaited, so that they share requests.
        let sent: Vec<_> = messages
            .into_iter()
            .map(|message| self.publisher.publish(message))
            .collect();
        match tokio::time::timeout(self.deadline, try_join_all(sent)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(unavailable(error)),
            Err(_) => Err(unavailable("no answer within the deadline")),
        }
    }
}

/// The connections to Pub/Sub. Unpublished messages are dropped at the deadline, so that an outage does not fill memory.
async fn base(config: &PubSubConfig) -> Result<BasePublisher, OpenError> {
    let builder = BasePublisher::builder()
        .with_retry_policy(RetryableErrors.with_time_limit(config.publish_deadline));
    let builder = match &config.access {
        Access::Google => builder,
        Access::Emulator { endpoint } => builder
            .with_endpoint(endpoint)
            .with_credentials(anonymous::Builder::new().build()),
    };
    builder
        .build()
        .await
        .map_err(|error| OpenError(error.to_string()))
}

fn unavailable(error: impl std::fmt::Display) -> BusError {
    BusError::Unavailable(error.to_string())
}
