//! The settings of the program: the sum of what its parts can be told.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use bus::{LocalBusConfig, RunnerConfig};
use google::{DocumentAiConfig, GeminiConfig, MapsConfig, SpeechConfig};
use management_api::{AuditConfig, LimitsConfig, sign_in::SignInMailConfig};
use runtime::{ServeOptions, TelemetryConfig};
use secrecy::SecretString;
use settings::Reader;
use simulators::SIMULATORS;
use url::Url;

/// Everything that can be set.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where everything is kept.
    pub data_dir: PathBuf,
    /// Where the API and the webhooks are served.
    pub listen: SocketAddr,
    /// Where senders of webhooks reach the server, when that is not where it listens.
    pub public_url: Option<Url>,
    /// Where metrics are served, on loopback only.
    pub metrics_port: u16,
    /// The key that seals the secrets; else one is made in the data folder.
    pub sealing_key: Option<SecretString>,
    /// Steps of one stage that run at once; 0 accepts without working.
    pub workers_per_stage: u32,
    /// How long a worker keeps a step without renewing its lease.
    pub work_lease: Duration,
    /// What the edge for webhooks is held to.
    pub ingest: webhook_ingest::Config,
    /// How much of the API may be asked.
    pub limits: LimitsConfig,
    /// Whether sources are audited.
    pub audit: AuditConfig,
    /// Connections and timeouts.
    pub serve: ServeOptions,
    /// Logs.
    pub telemetry: TelemetryConfig,
    /// The APIs of sources.
    pub sources: sources::Config,
    /// The APIs of message channels.
    pub notify: notify::Config,
    /// Who mails people the links that they sign in by.
    pub sign_in_mail: Option<SignInMailConfig>,
    /// The keys that verify webhooks to the demo tenant where a provider makes its own, by the provider's slug.
    pub webhook_keys: BTreeMap<&'static str, String>,
    /// Whether URLs that tenants enter may lead to this machine.
    pub tenants_allow_loopback: bool,
    /// The CRMs' APIs.
    pub crm: crm::Config,
    /// Speech-to-Text.
    pub speech: SpeechConfig,
    /// Document AI.
    pub documents: DocumentAiConfig,
    /// Gemini.
    pub gemini: GeminiConfig,
    /// The map, if any.
    pub maps: Option<MapsConfig>,
    /// The analyzer.
    pub analyzer: ai_analyzer::Config,
}

impl Config {
    /// Reads every setting.
    pub fn read(reader: &mut Reader<'_>) -> Self {
        let bus = LocalBusConfig::default();
        Self {
            data_dir: data_dir(reader),
            listen: SocketAddr::new(
                reader.get("HOST", IpAddr::V4(Ipv4Addr::LOCALHOST), "Address that API and webhooks are served on."),
                reader.get("PORT", 8080, "Port that API and webhooks are served on; 0 takes any free one."),
            ),
            public_url: reader.optional_url(
                "PUBLIC_URL",
                "What webhooks' URLs begin with, where senders reach the server by another name.",
            ),
            metrics_port: reader.get("METRICS_PORT", 0, "Port of the private metrics; 0 takes any free one."),
            sealing_key: reader.secret("SEALING_KEY", "Key that seals secrets: 32 bytes in base64."),
            workers_per_stage: reader.get(
                "WORKERS_PER_STAGE",
                bus.workers_per_stage,
                "Steps of one stage that run at once; 0 accepts deliveries without working on them.",
            ),
            work_lease: RunnerConfig::read(reader).lease,
            ingest: webhook_ingest::Config::read(reader),
            limits: LimitsConfig::read(reader),
            audit: AuditConfig::read(reader),
            serve: ServeOptions::read(reader),
            sources: sources::Config::read(reader),
            notify: notify::Config::read(reader),
            sign_in_mail: SignInMailConfig::read(reader),
            webhook_keys: SIMULATORS
                .iter()
                .filter_map(|spec| {
                    let key = reader.optional(
                        spec.webhook_key_setting?,
                        "Key that verifies the provider's webhooks to the demo tenant. A simulator's own is known.",
                    );
                    Some((spec.slug, key?))
                })
                .collect(),
            tenants_allow_loopback: reader.flag(
                "TENANTS_ALLOW_LOOPBACK",
                false,
                "Whether URLs that tenants enter may lead to this machine: for tests and the demo.",
            ),
            crm: crm::Config::read(reader),
            speech: SpeechConfig::read(reader),
            documents: DocumentAiConfig::read(reader),
            gemini: GeminiConfig::read(reader),
            maps: MapsConfig::read(reader),
            analyzer: ai_analyzer::Config::read(reader),
            // Behind Google's own settings: where GOOGLE_PROJECT is required, it is described so.
            telemetry: TelemetryConfig::read(reader),
        }
    }

    /// What webhooks' URLs begin with, for a server that listens at `address`. Empty where that is not known yet.
    pub fn webhook_base(&self, address: SocketAddr) -> String {
        match &self.public_url {
            Some(url) => url.as_str().trim_end_matches('/').to_owned(),
            None if address.port() == 0 => String::new(),
            None => format!("http://{}", reachable(address)),
        }
    }
}

/// Reads where everything is kept.
pub(crate) fn data_dir(reader: &mut Reader<'_>) -> PathBuf {
    let about = "Folder that everything is kept in.";
    reader.get("DATA_DIR", ".data".to_owned(), about).into()
}

/// Where a server that listens at `address` is reached from this machine.
pub fn reachable(address: SocketAddr) -> SocketAddr {
    let mut reachable = address;
    if address.ip().is_unspecified() {
        reachable.set_ip(match address {
            SocketAddr::V4(_) => IpAddr::V4(Ipv4Addr::LOCALHOST),
            SocketAddr::V6(_) => IpAddr::V6(Ipv6Addr::LOCALHOST),
        });
    }
    reachable
}
