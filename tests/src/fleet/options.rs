//! What a story of the fleet is like.

use std::{ops::Range, time::Duration};

/// What a story is like.
#[derive(Debug, Clone)]
pub struct StoryOptions {
    /// How many deliveries are sent.
    pub webhooks: usize,
    /// What everything random comes from.
    pub seed: u64,
    /// How many processes each service has.
    pub instances: usize,
    /// How often a process is killed: each in its turn.
    pub kills: usize,
    /// How long Pub/Sub hangs; zero: it does not.
    pub pubsub_hangs: Duration,
    /// How long Spanner hangs; zero: it does not.
    pub spanner_hangs: Duration,
    /// Whether CRM and mail fail now and then.
    pub has_trouble: bool,
    /// How long the services' leases are.
    pub lease: Duration,
    /// How long a mail whose fate is unknown is waited for, beside the deadline of its call.
    pub unknown_wait: Duration,
    /// What is between two events, in milliseconds.
    pub pause_ms: Range<u64>,
    /// How long a process that was killed is down, in milliseconds.
    pub down_ms: Range<u64>,
    /// How many connections the sender has.
    pub connections: u64,
    /// Longest wait for acknowledgements, and for quiet.
    pub patience: Duration,
}

impl StoryOptions {
    /// Two processes of each service, and nothing goes wrong.
    pub fn calm(seed: u64) -> Self {
        Self {
            webhooks: 60,
            instances: 2,
            kills: 0,
            pubsub_hangs: Duration::ZERO,
            spanner_hangs: Duration::ZERO,
            has_trouble: false,
            ..Self::short(seed)
        }
    }

    /// A story of about a minute.
    pub fn short(seed: u64) -> Self {
        Self {
            webhooks: 100,
            seed,
            instances: 1,
            kills: 8,
            pubsub_hangs: Duration::from_secs(20),
            spanner_hangs: Duration::from_secs(10),
            has_trouble: true,
            lease: Duration::from_secs(5),
            unknown_wait: Duration::from_secs(4),
            pause_ms: 100..1_500,
            down_ms: 0..500,
            connections: 8,
            patience: Duration::from_secs(600),
        }
    }

    /// One for `make crash`.
    pub fn long(seed: u64, webhooks: usize, kills: usize) -> Self {
        Self {
            webhooks,
            kills,
            pause_ms: 500..5_000,
            patience: Duration::from_secs(900),
            ..Self::short(seed)
        }
    }
}
