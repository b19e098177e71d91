//! One process of a service.

use std::{
    fs::{self, File},
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};
use domain::Stage;
use testkit::emulators::{Emulator as Process, Probe, Signal};

use super::Front;

/// What is shown of a log, in bytes.
const LOG_END: usize = 4_000;
/// Runs a program whose output goes to a file.
const LOGGED: &str = r#"exec "$0" >>"$1" 2>&1"#;

/// A service of the fleet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Name {
    /// Takes webhooks.
    WebhookIngest,
    /// Fetches and transcribes recordings.
    MediaProcessor,
    /// Judges.
    AiAnalyzer,
    /// Pushes into CRMs.
    CrmDispatcher,
    /// Tells people.
    Notifier,
    /// The API.
    ManagementApi,
}

impl Name {
    /// Every service.
    pub const ALL: [Self; 6] = [
        Self::WebhookIngest,
        Self::MediaProcessor,
        Self::AiAnalyzer,
        Self::CrmDispatcher,
        Self::Notifier,
        Self::ManagementApi,
    ];

    /// Its program.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::WebhookIngest => "webhook-ingest",
            Self::MediaProcessor => "media-processor",
            Self::AiAnalyzer => "ai-analyzer",
            Self::CrmDispatcher => "crm-dispatcher",
            Self::Notifier => "notifier",
            Self::ManagementApi => "management-api",
        }
    }

    /// Who has a stage.
    pub(super) const fn of_stage(stage: Stage) -> Self {
        match stage {
            Stage::Reading => Self::WebhookIngest,
            Stage::Details
            | Stage::Documents
            | Stage::Recording
            | Stage::Transcript
            | Stage::Booking => Self::MediaProcessor,
            Stage::Analysis => Self::AiAnalyzer,
            Stage::Dispatch => Self::CrmDispatcher,
            Stage::Notification => Self::Notifier,
        }
    }
}

/// A process of a service, or what is to be one.
pub struct Instance {
    /// Which service.
    pub name: Name,
    /// How long its last start took until it was ready.
    pub ready_after: Duration,
    program: PathBuf,
    /// The file that its output goes to.
    pub(super) log: PathBuf,
    settings: Vec<(String, String)>,
    running: Option<(Process, SocketAddr)>,
}

impl Instance {
    pub(super) fn new(
        name: Name,
        program: PathBuf,
        log: PathBuf,
        settings: &[(String, String)],
    ) -> anyhow::Result<Self> {
        if !program.is_file() {
            bail!(
                "there is no program {}: build the services first (`cargo build --workspace --bins`)",
                program.display()
            );
        }
        File::create(&log).with_context(|| format!("creating {}", log.display()))?;
        Ok(Self {
            name,
            ready_after: Duration::ZERO,
            program,
            log,
            settings: settings.to_vec(),
            running: None,
        })
    }

    /// Starts it, waits until it is ready, and lets requests reach it.
    pub(super) async fn start(&mut self, front: &Front, probe: &Probe) -> anyhow::Result<()> {
        let command = |[port]: [u16; 1]| {
            // Nothing of the environment of whoever starts the fleet is a setting here.
            let mut command = Command::new("env");
            command
                .args(["-i", "PATH=/usr/bin:/bin"])
                .args(
                    self.settings
                        .iter()
                        .map(|(key, value)| format!("{key}={value}")),
                )
                .arg(format!("PORT={port}"))
                .args(["sh", "-c", LOGGED])
                .args([&self.program, &self.log]);
            command
        };
        let is_ready = async |[port]: [u16; 1]| {
            let answer = probe.get(port, "/v1/health/ready").await;
            answer.is_some_and(|(status, _)| status == 200)
        };
        let began = Instant::now();
        let started = Process::start(self.name.as_str(), command, is_ready).await;
        let (process, [port]) = started.with_context(|| self.log_end())?;
        self.ready_after = began.elapsed();
        let address = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port);
        front.open(self.name, address);
        self.running = Some((process, address));
        Ok(())
    }

    /// SIGKILL.
    pub(super) fn kill(&mut self, front: &Front) {
        if let Some((process, address)) = self.running.take() {
            drop(process.signal_group(Signal::KILL));
            front.close(self.name, address);
        }
    }

    /// Asks it to end, and waits a moment for that.
    pub(super) fn stop(&mut self, front: &Front) {
        if let Some((process, address)) = self.running.take() {
            front.close(self.name, address);
            drop(process);
        }
    }

    /// Where it is reached without the front, while it runs.
    pub fn address(&self) -> Option<SocketAddr> {
        self.running.as_ref().map(|(_, address)| *address)
    }

    /// The number of its process.
    pub fn process(&self) -> Option<u32> {
        let (process, _) = self.running.as_ref()?;
        Some(process.id())
    }

    /// What it logged, in all its lives.
    pub fn logged(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    /// The end of what it logged.
    pub fn log_end(&self) -> String {
        let log = fs::read(&self.log).unwrap_or_default();
        let end = log.get(log.len().saturating_sub(LOG_END)..);
        String::from_utf8_lossy(end.unwrap_or_default()).into_owned()
    }
}
