//! Publishing: wake-ups of the stages, and rows for analytics.

use std::{collections::HashMap, time::Duration};

use async_trait::async_trait;
use bus::{Bus, BusError};
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

/// How long a message waits for others to travel with. The library's ten milliseconds would delay every hand-over of
/// one step; what is published together is with the library at once anyway.
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
/// There always is room: topics keep what nobody takes yet, for days. So nothing is ever left out here; what runs at once,
/// of all and of one tenant, is bounded by the receiver ([`PushLimits`](crate::PushLimits)).
#[derive(Debug)]
pub struct PubSubBus {
    topics: HashMap<Stage, Topic>,
}

/// Publishes rows for analytics, each under the id of its event: a reader may see one twice.
#[derive(Debug)]
pub struct EventTopic(Topic);

/// A row for analytics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventMessage {
    /// The event's id: readers drop repeats by it. An attribute, at most 1,024 bytes.
    pub event_id: String,
    /// Whose it is. An attribute.
    pub tenant: String,
    /// The row as JSON.
    pub data: Bytes,
}

/// One topic, and how long publishing to it may take.
#[derive(Debug)]
struct Topic {
    publisher: Publisher,
    deadline: Duration,
}

impl PubSubBus {
    /// Opens the topics of every stage; they share their connections. Nothing is sent yet.
    ///
    /// # Errors
    /// [`OpenError`] when there are no credentials or the endpoint is no URL.
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
    /// Publishes all of them, each to its stage's topic. After the deadline they count as not published, although some
    /// may still arrive.
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

    /// Always the same: a topic takes whatever comes.
    fn room(&self, _: &TenantId, _: Stage) -> u32 {
        // Callers double it to look for more.
        u32::MAX / 2
    }

    /// Never: nothing is left out.
    fn take_left_out(&self, _: &TenantId, _: Stage) -> bool {
        false
    }
}

impl EventTopic {
    /// Opens the topic. Nothing is sent yet.
    ///
    /// # Errors
    /// [`OpenError`] when there are no credentials or the endpoint is no URL.
    pub async fn open(config: &PubSubConfig) -> Result<Self, OpenError> {
        let base = base(config).await?;
        Ok(Self(Topic::new(&base, config.events_topic(), config)))
    }

    /// Publishes all of them. A repeat publishes them once more.
    ///
    /// # Errors
    /// [`BusError::Unavailable`] when not all were taken within the deadline; some may have been.
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
        // All are with the library before the first answer is waited for: they travel together.
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

/// The connections to Pub/Sub. What it could not take by the deadline is forgotten, so that an outage fills no memory.
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
