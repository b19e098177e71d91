//! Settings of Pub/Sub: where it is, and the names of topics and subscriptions.

use std::time::Duration;

use domain::Stage;
use settings::Reader;

/// Where Pub/Sub is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    /// At Google, with the machine's own credentials.
    Google,
    /// An emulator, which needs no credentials.
    Emulator {
        /// Its address: `http://127.0.0.1:8085`.
        endpoint: String,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PubSubConfig {
    /// The Google Cloud project that has the topics.
    pub project: String,
    pub access: Access,
    /// Prefix of the stages' topic names.
    pub work_prefix: String,
    /// The topic of events for analytics.
    pub events_topic: String,
    /// How long publishing may take, retries included. After that the relay publishes later.
    pub publish_deadline: Duration,
}

/// The service account that Pub/Sub signs its pushes with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushAccount {
    pub email: String,
    /// The `aud` of its tokens.
    pub audience: String,
}

impl PubSubConfig {
    const WORK_PREFIX: &str = "work-";
    const EVENTS_TOPIC: &str = "request-events";
    const PUBLISH_DEADLINE: Duration = Duration::from_secs(5);

    pub fn new(project: impl Into<String>, access: Access) -> Self {
        Self {
            project: project.into(),
            access,
            work_prefix: Self::WORK_PREFIX.to_owned(),
            events_topic: Self::EVENTS_TOPIC.to_owned(),
            publish_deadline: Self::PUBLISH_DEADLINE,
        }
    }

    pub fn read(reader: &mut Reader<'_>, project: impl Into<String>) -> Self {
        let emulator = reader.optional_url(
            "PUBSUB_EMULATOR_URL",
            "A Pub/Sub emulator to use instead of Google's Pub/Sub.",
        );
        let access = emulator.map_or(Access::Google, |url| Access::Emulator {
            endpoint: url.as_str().trim_end_matches('/').to_owned(),
        });
        Self {
            project: project.into(),
            access,
            work_prefix: reader.get(
                "PUBSUB_WORK_PREFIX",
                Self::WORK_PREFIX.to_owned(),
                "Prefix of the stages' topic names.",
            ),
            events_topic: reader.get(
                "PUBSUB_EVENTS_TOPIC",
                Self::EVENTS_TOPIC.to_owned(),
                "The topic of events for analytics.",
            ),
            publish_deadline: reader.duration(
                "PUBSUB_PUBLISH_DEADLINE",
                Self::PUBLISH_DEADLINE,
                "How long publishing may take before the relay takes over.",
            ),
        }
    }

    /// `projects/{project}/topics/{prefix}{stage}`.
    pub fn work_topic(&self, stage: Stage) -> String {
        self.topic(&format!("{}{stage}", self.work_prefix))
    }

    /// `projects/{project}/subscriptions/{prefix}{stage}`.
    pub fn work_subscription(&self, stage: Stage) -> String {
        let Self {
            project,
            work_prefix,
            ..
        } = self;
        format!("projects/{project}/subscriptions/{work_prefix}{stage}")
    }

    /// The full name of the topic of events for analytics.
    pub fn events_topic(&self) -> String {
        self.topic(&self.events_topic)
    }

    fn topic(&self, name: &str) -> String {
        format!("projects/{}/topics/{name}", self.project)
    }
}
