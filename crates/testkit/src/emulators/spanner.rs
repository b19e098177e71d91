//! The Spanner emulator.

use std::{path::PathBuf, process::Command};

use super::{Emulator, EmulatorError, NO_SDK, Probe, sdk};

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
    /// Its processes.
    pub emulator: Emulator,
}

impl Spanner {
    /// Starts one on free ports and waits until it answers, which takes a second.
    ///
    /// # Errors
    /// [`EmulatorError::NotInstalled`] without the Cloud SDK or its emulator; else see [`Emulator::start`].
    pub async fn start() -> Result<Self, EmulatorError> {
        let (gateway, server) = programs()?;
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
        let probe = Probe::new();
        let is_ready = async |[_, rest]: [u16; 2]| {
            probe
                .get(rest, "/v1/projects/any/instanceConfigs")
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

    /// Whether it can be started here.
    ///
    /// # Errors
    /// [`EmulatorError::NotInstalled`] when not.
    pub fn installed() -> Result<(), EmulatorError> {
        programs().map(|_| ())
    }
}

/// Its two programs: the one that starts the other.
fn programs() -> Result<(PathBuf, PathBuf), EmulatorError> {
    let missing = |missing| EmulatorError::NotInstalled {
        name: NAME,
        missing,
    };
    let sdk = sdk().ok_or_else(|| missing(NO_SDK))?;
    let folder = sdk.join("bin/cloud_spanner_emulator");
    let (gateway, server) = (folder.join("gateway_main"), folder.join("emulator_main"));
    if !gateway.is_file() || !server.is_file() {
        return Err(missing(
            "the Cloud SDK is there without it; add the component `cloud-spanner-emulator`",
        ));
    }
    Ok((gateway, server))
}
