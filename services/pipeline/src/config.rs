//! The settings of the program: the sum of what its parts can be told.

use std::{
    convert::Infallible,
    fmt,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    num::NonZeroU32,
    path::PathBuf,
    str::FromStr,
};

use bus::LocalBusConfig;
use google::{GeminiConfig, SpeechConfig};
use runtime::{ServeOptions, TelemetryConfig};
use secrecy::SecretString;
use settings::Reader;
use url::Url;
use webhook_ingest::QuotaConfig;

/// Everything that can be set.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where everything is kept.
    pub data_dir: PathBuf,
    /// Where the API and the webhooks are served.
    pub listen: SocketAddr,
    /// Where metrics are served, on loopback only.
    pub metrics_port: u16,
    /// The key that seals the secrets; else one is made in the data folder.
    pub sealing_key: Option<SecretString>,
    /// Steps of one stage that run at once; 0 accepts without working.
    pub workers_per_stage: u32,
    /// What a tenant may send.
    pub quota: QuotaConfig,
    /// Connections and timeouts.
    pub serve: ServeOptions,
    /// Logs.
    pub telemetry: TelemetryConfig,
    /// CallRail's API.
    pub callrail_url: Url,
    /// The carriers of messages.
    pub notify: notify::Config,
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
        let quota = QuotaConfig::default();
        Self {
            data_dir: reader.get("DATA_DIR", DataDir::default(), "Folder that everything is kept in.").0,
            listen: SocketAddr::new(
                reader.get("HOST", IpAddr::V4(Ipv4Addr::LOCALHOST), "Address that API and webhooks are served on."),
                reader.get("PORT", 8080, "Port that API and webhooks are served on; 0 takes any free one."),
            ),
            metrics_port: reader.get("METRICS_PORT", 0, "Port of the private metrics; 0 takes any free one."),
            sealing_key: reader.secret("SEALING_KEY", "Key that seals secrets: 32 bytes in base64."),
            workers_per_stage: reader.get(
                "WORKERS_PER_STAGE",
                bus.workers_per_stage,
                "Steps of one stage that run at once; 0 accepts deliveries without working on them.",
            ),
            quota: QuotaConfig {
                per_second: reader.get(
                    "TENANT_QUOTA_PER_SECOND",
                    quota.per_second,
                    "Deliveries a second that a tenant may send over time.",
                ),
                burst: reader.get::<NonZeroU32>(
                    "TENANT_QUOTA_BURST",
                    quota.burst,
                    "Deliveries that a tenant may send at once.",
                ),
            },
            serve: ServeOptions::read(reader),
            telemetry: TelemetryConfig::read(reader),
            callrail_url: reader.url("CALLRAIL_BASE_URL", sources::callrail::api::BASE_URL, "CallRail's API."),
            notify: notify::Config::read(reader),
            crm: crm::Config::read(reader),
            speech: SpeechConfig::read(reader),
            gemini: GeminiConfig::read(reader),
            analyzer: ai_analyzer::Config::read(reader),
        }
    }
}
