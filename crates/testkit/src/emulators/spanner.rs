//! The Spanner emulator.

use std::process::Command;

use super::{Emulator, EmulatorError, Signal, probe, sdk};

const NAME: &str = "Spanner emulator";

/// A running Spanner emulator, empty and only for its owner. Dropping it stops it.
///
/// It keeps everything in memory, takes no credentials, and does one read-write transaction of a database at a time.
#[derive(Debug)]
pub struct Spanner {
    /// Where its gRPC side listens, which reads and writes: `http://127.0.0.1:<port>`.
    pub grpc: String,
    /// Where its REST side listens, which creates instances and databases: `http://127.0.0.1:<port>`.
    pub rest: String,
    emulator: Emulator,
}

impl Spanner {
    /// Starts one on free ports and waits until it answers, which takes a second.
    ///
    /// # Errors
    /// [`EmulatorError::NotInstalled`] without the Cloud SDK or its emulator; else see [`Emulator::start`].
    pub async fn start() -> Result<Self, EmulatorError> {
        let missing = |missing| EmulatorError::NotInstalled {
            name: NAME,
            missing,
        };
        let sdk = sdk().ok_or_else(|| {
            missing("the Cloud SDK is not installed; install it or set CLOUDSDK_ROOT")
        })?;
        let folder = sdk.join("bin/cloud_spanner_emulator");
        let (gateway, server) = (folder.join("gateway_main"), folder.join("emulator_main"));
        if !gateway.is_file() || !server.is_file() {
            return Err(missing(
                "the Cloud SDK is there without it; add the component `cloud-spanner-emulator`",
            ));
        }
        let command = |[grpc, rest]: [u16; 2]| {
            let mut command = Command::new(&gateway);
            command
                .args(["--hostname", "127.0.0.1"])
                .args(["--grpc_port", &grpc.to_string()])
                .args(["--http_port", &rest.to_string()])
                .arg("--grpc_binary")
                .arg(&server);
            command
        };
        let is_ready = async |[_, rest]: [u16; 2]| {
            probe(rest, "/v1/projects/any/instanceConfigs")
                .await
                .is_some_and(|(status, _)| status == 200)
        };
        let (emulator, [grpc, rest]) = Emulator::start(NAME, command, is_ready).await?;
        Ok(Self {
            grpc: format!("http://127.0.0.1:{grpc}"),
            rest: format!("http://127.0.0.1:{rest}"),
            emulator,
        })
    }

    /// The end of what it printed.
    pub fn log_end(&self) -> String {
        self.emulator.log_end()
    }

    /// Lets it answer nothing until [`resume`](Self::resume), as a service that hangs.
    ///
    /// # Errors
    /// When it has ended.
    pub fn suspend(&self) -> std::io::Result<()> {
        self.emulator.signal_group(Signal::STOP)
    }

    /// Lets it go on.
    ///
    /// # Errors
    /// When it has ended.
    pub fn resume(&self) -> std::io::Result<()> {
        self.emulator.signal_group(Signal::CONT)
    }
}
