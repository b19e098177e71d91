//! The settings of the program: the sum of what its parts can be told.

use std::{
    convert::Infallible,
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::PathBuf,
    str::FromStr,
    time::Duration,
};

use bus::LocalBusConfig;
use google::{GeminiConfig, SpeechConfig};
use runtime::{ServeOptions, TelemetryConfig};
use secrecy::SecretString;
use settings::Reader;
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
    /// How long a step is its worker's without a sign of life.
    pub work_lease: Duration,
    /// What the edge for webhooks is held to.
    pub ingest: webhook_ingest::Config,
    /// Connections and timeouts.
    pub serve: ServeOptions,
    /// Logs.
    pub telemetry: TelemetryConfig,
    /// CallRail's API.
    pub callrail_url: Url,
    /// The carriers of messages.
    pub notify: notify::Config,
    /// The key that proves SendGrid's events to the demo tenant.
    pub sendgrid_event_key: Option<String>,
    /// The CRMs' APIs.
    pub crm: crm::Config,
    /// Speech-to-Text.
    pub speech: SpeechConfig,
    /// Gemini.
    pub gemini: GeminiConfig,
    /// The analyzer.
    pub analyzer: ai_analyzer::Config,
}

/// A folder's path as a setting.
#[derive(Debug, Clone)]
pub struct DataDir(pub PathBuf);

impl Default for DataDir {
    fn default() -> Self {
        Self(PathBuf::from(".data"))
    }
}

impl FromStr for DataDir {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(PathBuf::from(text)))
    }
}

impl fmt::Display for DataDir {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.display().fmt(f)
    }
}

impl Config {
    /// Reads every setting.
    pub fn read(reader: &mut Reader<'_>) -> Self {
        let bus = LocalBusConfig::default();
        Self {
            data_dir: reader.get("DATA_DIR", DataDir::default(), "Folder that everything is kept in.").0,
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
            work_lease: fleet::work_lease(reader),
            ingest: webhook_ingest::Config::read(reader),
            serve: ServeOptions::read(reader),
            callrail_url: reader.url("CALLRAIL_BASE_URL", sources::callrail::api::BASE_URL, "CallRail's API."),
            notify: notify::Config::read(reader),
            sendgrid_event_key: reader.optional(
                "SENDGRID_EVENT_KEY",
                "Public key that proves SendGrid's events to the demo tenant; a simulated SendGrid's is known.",
            ),
            crm: crm::Config::read(reader),
            speech: SpeechConfig::read(reader),
            gemini: GeminiConfig::read(reader),
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
