//! Where Pub/Sub is, and what our topics are called.

use std::time::Duration;

use domain::Stage;
use settings::Reader;

/// Whose Pub/Sub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    /// Google's, with the credentials of the machine that we run on.
    Google,
    /// An emulator, which takes no credentials.
    Emulator {
        /// Where it listens, as `http://127.0.0.1:8085`.
        endpoint: String,
    },
}

/// How Pub/Sub is reached and used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PubSubConfig {
    /// The Google Cloud project that has the topics.
    pub project: String,
    /// Whose Pub/Sub.
    pub access: Access,
    /// What the names of the stages' topics begin with.
    pub work_prefix: String,
    /// The topic of rows for analytics.
    pub events_topic: String,
    /// How long publishing may take, with the attempts that are made again. Then the relay publishes later.
    pub publish_deadline: Duration,
}

/// The account that Pub/Sub signs its pushes with, and whom they say they are for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushAccount {
    /// The service account.
    pub email: String,
    /// The audience of its tokens.
    pub audience: String,
}

impl PubSubConfig {
    const WORK_PREFIX: &str = "work-";
    const EVENTS_TOPIC: &str = "request-events";
    const PUBLISH_DEADLINE: Duration = Duration::from_secs(5);

    /// The defaults in a project.
    pub fn new(project: impl Into<String>, access: Access) -> Self {
        Self {
            project: project.into(),
            access,
            work_prefix: Self::WORK_PREFIX.to_owned(),
            events_topic: Self::EVENTS_TOPIC.to_owned(),
            publish_deadline: Self::PUBLISH_DEADLINE,
        }
    }

    /// Reads the settings of Pub/Sub in `project`.
    pub fn read(reader: &mut Reader<'_>, project: impl Into<String>) -> Self {
        let emulator = reader.optional_url(
            "PUBSUB_EMULATOR_URL",
            "A Pub/Sub emulator to use in place of Google's Pub/Sub.",
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
                "What the names of the stages' topics begin with.",
            ),
            events_topic: reader.get(
                "PUBSUB_EVENTS_TOPIC",
                Self::EVENTS_TOPIC.to_owned(),
                "The topic of rows for analytics.",
            ),
            publish_deadline: reader.duration(
                "PUBSUB_PUBLISH_DEADLINE",
                Self::PUBLISH_DEADLINE,
                "How long publishing may take before it is left to the relay.",
            ),
        }
    }

    /// The full name of a stage's topic.
    pub fn work_topic(&self, stage: Stage) -> String {
        self.topic(&format!("{}{stage}", self.work_prefix))
    }

    /// The full name of a stage's subscription.
    pub fn work_subscription(&self, stage: Stage) -> String {
        let Self {
            project,
            work_prefix,
            ..
        } = self;
        format!("projects/{project}/subscriptions/{work_prefix}{stage}")
    }

    /// The full name of the topic of rows for analytics.
    pub fn events_topic(&self) -> String {
        self.topic(&self.events_topic)
    }

    fn topic(&self, name: &str) -> String {
        format!("projects/{}/topics/{name}", self.project)
    }
}
