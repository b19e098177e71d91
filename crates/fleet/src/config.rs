//! What every service of the fleet can be told.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::Duration,
};

use bus::RunnerConfig;
use bus_pubsub::{GoogleKeys, PubSubConfig, PushAccount};
use google::SecretManagerConfig;
use runtime::{ServeOptions, TelemetryConfig};
use secrecy::SecretString;
use settings::Reader;
use store_spanner::{Emulator, SpannerConfig};
use url::Url;

/// Settings that all services share.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where the service listens.
    pub listen: SocketAddr,
    /// Port of the private metrics, on loopback; none: there are none.
    pub metrics_port: Option<u16>,
    /// Connections and timeouts.
    pub serve: ServeOptions,
    /// Logs.
    pub telemetry: TelemetryConfig,
    /// The store.
    pub spanner: SpannerConfig,
    /// The bus.
    pub pubsub: PubSubConfig,
    /// Who may push wake-ups and call the relay, where the service proves that by itself.
    pub push: Option<Push>,
    /// The tenants' credentials.
    pub secrets: SecretManagerConfig,
    /// A token for Google's services, in place of the machine's credentials.
    pub access_token: Option<SecretString>,
    /// Whether providers may be on this machine.
    pub allow_loopback: bool,
    /// Whether URLs that tenants enter may lead to this machine.
    pub tenants_allow_loopback: bool,
    /// How long a step is its worker's without a sign of life.
    pub work_lease: Duration,
}

/// How callers of `/internal/…` are proven.
#[derive(Debug, Clone)]
pub struct Push {
    /// Whose tokens count.
    pub account: PushAccount,
    /// Where the keys of the tokens are.
    pub keys_url: Url,
}

impl Config {
    /// Reads every setting.
    pub fn read(reader: &mut Reader<'_>) -> Self {
        let secrets = SecretManagerConfig::read(reader);
        let project = secrets.project.clone();
        Self {
            // Cloud Run sets PORT, and reaches the service at every address.
            listen: SocketAddr::new(
                reader.get(
                    "HOST",
                    IpAddr::V4(Ipv4Addr::UNSPECIFIED),
                    "Address that the service listens on.",
                ),
                reader.get(
                    "PORT",
                    8080,
                    "Port that the service listens on; 0 takes any free one.",
                ),
            ),
            metrics_port: reader.optional(
                "METRICS_PORT",
                "Port of the private metrics, on loopback; none where it is not set.",
            ),
            serve: ServeOptions::read(reader),
            telemetry: TelemetryConfig::read(reader),
            spanner: spanner(reader, &project),
            pubsub: PubSubConfig::read(reader, &project),
            push: push(reader),
            secrets,
            access_token: reader.secret(
                "GOOGLE_ACCESS_TOKEN",
                "A token for Google's services in place of the machine's credentials: for simulators.",
            ),
            allow_loopback: reader.flag(
                "ALLOW_LOOPBACK",
                false,
                "Whether providers may be on this machine: for simulators.",
            ),
            tenants_allow_loopback: reader.flag(
                "TENANTS_ALLOW_LOOPBACK",
                false,
                "Whether URLs that tenants enter may lead to this machine: for tests and the demo.",
            ),
            work_lease: RunnerConfig::read(reader).lease,
        }
    }
}

/// Reads where the database is.
pub fn spanner(reader: &mut Reader<'_>, project: &str) -> SpannerConfig {
    let address = |url: Url| url.as_str().trim_end_matches('/').to_owned();
    let grpc = reader.optional_url(
        "SPANNER_EMULATOR_URL",
        "A Spanner emulator's gRPC side, to use in place of Google's Spanner.",
    );
    let rest = reader.optional_url(
        "SPANNER_EMULATOR_REST_URL",
        "The emulator's REST side, which creates databases.",
    );
    if grpc.is_some() != rest.is_some() {
        let advice = "set SPANNER_EMULATOR_URL and SPANNER_EMULATOR_REST_URL, or neither";
        reader.fault(
            "SPANNER_EMULATOR_REST_URL",
            "an emulator has two sides",
            advice,
        );
    }
    SpannerConfig {
        project: project.to_owned(),
        instance: reader.get(
            "SPANNER_INSTANCE",
            "pipeline".to_owned(),
            "The Spanner instance.",
        ),
        database: reader.get(
            "SPANNER_DATABASE",
            "pipeline".to_owned(),
            "The Spanner database.",
        ),
        emulator: grpc.zip(rest).map(|(grpc, rest)| Emulator {
            grpc: address(grpc),
            rest: address(rest),
        }),
    }
}

/// None where the platform proves callers.
fn push(reader: &mut Reader<'_>) -> Option<Push> {
    const ACCOUNT: &str = "PUSH_ACCOUNT";
    const AUDIENCE: &str = "PUSH_AUDIENCE";
    let is_own_proof = reader.choice(
        "PUSH_PROOF",
        "token",
        &[("token", true), ("platform", false)],
        "Who proves the callers of `/internal`: `token`, the service by their tokens; `platform`, Cloud Run by its IAM.",
    );
    let email: Option<String> = reader.optional(
        ACCOUNT,
        "The service account that Pub/Sub and the scheduler call with.",
    );
    let audience: Option<String> =
        reader.optional(AUDIENCE, "Whom the tokens of these calls are for.");
    let keys_url = reader.url(
        "PUSH_KEYS_URL",
        GoogleKeys::URL,
        "The keys that these tokens are signed with.",
    );
    if !is_own_proof {
        return None;
    }
    for (key, is_set) in [(ACCOUNT, email.is_some()), (AUDIENCE, audience.is_some())] {
        if !is_set {
            let advice = "set it, or PUSH_PROOF=platform where the platform proves callers";
            reader.fault(key, "it is not set", advice);
        }
    }
    Some(Push {
        account: PushAccount {
            email: email.unwrap_or_default(),
            audience: audience.unwrap_or_default(),
        },
        keys_url,
    })
}
