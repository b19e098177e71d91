#![doc = include_str!("../README.md")]
#![expect(
    clippy::result_large_err,
    reason = "a refusal is a whole answer, and the usual way out"
)]

pub mod callrail;
mod control;
mod fault;
pub mod gemini;
mod google;
pub mod hubspot;
mod mp3;
mod received;
pub mod recordings;
pub mod secret_manager;
pub mod sendgrid;
pub mod speech;
pub mod storage;

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

pub use control::{Now, Simulator, system_clock};
pub use fault::{Fault, Late};
pub use google::TOKEN as GOOGLE_TOKEN;
pub use received::Received;

/// How the simulators behave and where they listen.
#[derive(Clone)]
pub struct Config {
    /// The address they listen on.
    pub host: IpAddr,
    /// The port of each; any free one when absent.
    pub ports: Ports,
    /// What time it is.
    pub now: Now,
    /// The simulated CallRail.
    pub callrail: callrail::Config,
    /// The simulated Speech-to-Text.
    pub speech: speech::Config,
    /// The simulated Gemini.
    pub gemini: gemini::Config,
    /// The simulated HubSpot.
    pub hubspot: hubspot::Config,
    /// The simulated SendGrid.
    pub sendgrid: sendgrid::Config,
    /// The simulated Cloud Storage.
    pub storage: storage::Config,
    /// The simulated Secret Manager.
    pub secret_manager: secret_manager::Config,
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("host", &self.host)
            .field("ports", &self.ports)
            .finish_non_exhaustive()
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            host: IpAddr::V4(Ipv4Addr::LOCALHOST),
            ports: Ports::default(),
            now: system_clock(),
            callrail: callrail::Config::default(),
            speech: speech::Config::default(),
            gemini: gemini::Config::default(),
            hubspot: hubspot::Config::default(),
            sendgrid: sendgrid::Config::default(),
            storage: storage::Config::default(),
            secret_manager: secret_manager::Config::default(),
        }
    }
}

/// The port of each simulator; any free one when absent.
#[derive(Debug, Clone, Default)]
pub struct Ports {
    /// CallRail's.
    pub callrail: Option<u16>,
    /// Speech-to-Text's.
    pub speech: Option<u16>,
    /// Gemini's.
    pub gemini: Option<u16>,
    /// HubSpot's.
    pub hubspot: Option<u16>,
    /// SendGrid's.
    pub sendgrid: Option<u16>,
    /// Cloud Storage's.
    pub storage: Option<u16>,
    /// Secret Manager's.
    pub secret_manager: Option<u16>,
}

/// Where each simulator is found: scheme, host and port, without a path.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Urls {
    /// CallRail's; its API is below `/v3`.
    pub callrail: String,
    /// Speech-to-Text's.
    pub speech: String,
    /// Gemini's.
    pub gemini: String,
    /// HubSpot's.
    pub hubspot: String,
    /// SendGrid's.
    pub sendgrid: String,
}

/// Where those simulators are found that stand in for services of the Google form alone.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct CloudUrls {
    /// Cloud Storage's.
    pub storage: String,
    /// Secret Manager's.
    pub secret_manager: String,
}

/// All simulators, serving until they are dropped.
#[derive(Debug)]
pub struct Simulators {
    callrail: callrail::Simulator,
    speech: speech::Simulator,
    gemini: gemini::Simulator,
    hubspot: hubspot::Simulator,
    sendgrid: sendgrid::Simulator,
    storage: storage::Simulator,
    secret_manager: secret_manager::Simulator,
}

impl Simulators {
    /// Binds every listener and starts serving.
    ///
    /// # Errors
    /// When an address cannot be bound.
    pub async fn start(config: Config) -> io::Result<Self> {
        let Config {
            host,
            ports,
            now,
            callrail,
            speech,
            gemini,
            hubspot,
            sendgrid,
            storage,
            secret_manager,
        } = config;
        let clock = || Arc::clone(&now);
        let storage = storage::Storage::new(storage);
        let storage = Simulator::serve(host, ports.storage, clock(), storage).await?;
        let speech = speech::Speech::new(speech, &storage);
        let mut simulators = Self {
            callrail: Simulator::serve(
                host,
                ports.callrail,
                clock(),
                callrail::CallRail::new(callrail),
            )
            .await?,
            speech: Simulator::serve(host, ports.speech, clock(), speech).await?,
            gemini: Simulator::serve(host, ports.gemini, clock(), gemini::Gemini::new(gemini))
                .await?,
            hubspot: Simulator::serve(
                host,
                ports.hubspot,
                clock(),
                hubspot::HubSpot::new(hubspot, now()),
            )
            .await?,
            sendgrid: Simulator::serve(
                host,
                ports.sendgrid,
                clock(),
                sendgrid::SendGrid::new(sendgrid),
            )
            .await?,
            storage,
            secret_manager: Simulator::serve(
                host,
                ports.secret_manager,
                clock(),
                secret_manager::SecretManager::new(secret_manager),
            )
            .await?,
        };
        simulators.sendgrid.post_events(clock());
        Ok(simulators)
    }

    /// The simulated CallRail.
    pub fn callrail(&self) -> &callrail::Simulator {
        &self.callrail
    }

    /// The simulated Speech-to-Text.
    pub fn speech(&self) -> &speech::Simulator {
        &self.speech
    }

    /// The simulated Gemini.
    pub fn gemini(&self) -> &gemini::Simulator {
        &self.gemini
    }

    /// The simulated HubSpot.
    pub fn hubspot(&self) -> &hubspot::Simulator {
        &self.hubspot
    }

    /// The simulated SendGrid.
    pub fn sendgrid(&self) -> &sendgrid::Simulator {
        &self.sendgrid
    }

    /// The simulated Cloud Storage.
    pub fn storage(&self) -> &storage::Simulator {
        &self.storage
    }

    /// The simulated Secret Manager.
    pub fn secret_manager(&self) -> &secret_manager::Simulator {
        &self.secret_manager
    }

    /// Where those are found that only the Google form uses.
    pub fn cloud_urls(&self) -> CloudUrls {
        CloudUrls {
            storage: self.storage.base_url(),
            secret_manager: self.secret_manager.base_url(),
        }
    }

    /// Where each is found.
    pub fn urls(&self) -> Urls {
        Urls {
            callrail: self.callrail.base_url(),
            speech: self.speech.base_url(),
            gemini: self.gemini.base_url(),
            hubspot: self.hubspot.base_url(),
            sendgrid: self.sendgrid.base_url(),
        }
    }
}
