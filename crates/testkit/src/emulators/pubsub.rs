//! The Pub/Sub emulator.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::{Emulator, EmulatorError, NO_SDK, Probe, on_path, sdk};

const NAME: &str = "Pub/Sub emulator";
/// For a program that lives for seconds: compiling its hottest parts again, and better, would take a third of all the
/// processor time of a story.
const LEAN: [&str; 3] = ["-Xmx512m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"];

/// A running Pub/Sub emulator, empty and only for its owner. Dropping it stops it.
///
/// It needs a gigabyte of memory under load and two seconds to start. It speaks gRPC and REST at one port, takes no
/// credentials, and sends no `Authorization` with what it pushes.
#[derive(Debug)]
pub struct PubSub {
    /// Where it listens, as `http://127.0.0.1:<port>`.
    pub endpoint: String,
    /// Its processes.
    pub emulator: Emulator,
}

impl PubSub {
    /// Starts one on a free port and waits until it answers.
    ///
    /// # Errors
    /// [`EmulatorError::NotInstalled`] without the Cloud SDK, its emulator or Java; else see [`Emulator::start`].
    pub async fn start() -> Result<Self, EmulatorError> {
        let (java, program) = programs()?;
        let command = |[port]: [u16; 1]| {
            let mut command = Command::new(&java);
            command
                .args(LEAN)
                .arg("-jar")
                .arg(&program)
                .args(["--host=127.0.0.1", &format!("--port={port}")]);
            command
        };
        let probe = Probe::new();
        let is_ready = async |[port]: [u16; 1]| {
            probe
                .get(port, "/")
                .await
                .is_some_and(|(_, text)| text.trim() == "Ok")
        };
        let (emulator, [port]) = Emulator::start(NAME, command, is_ready).await?;
        Ok(Self {
            endpoint: format!("http://127.0.0.1:{port}"),
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

/// Java, and the program that it runs.
fn programs() -> Result<(PathBuf, PathBuf), EmulatorError> {
    let missing = |missing| EmulatorError::NotInstalled {
        name: NAME,
        missing,
    };
    let sdk = sdk().ok_or_else(|| missing(NO_SDK))?;
    let program = program(&sdk).ok_or_else(|| {
        missing("the Cloud SDK is there without it; add the component `pubsub-emulator`")
    })?;
    let java = on_path("java").ok_or_else(|| missing("there is no `java` on the path"))?;
    Ok((java, program))
}

/// The program; its name holds a version.
fn program(sdk: &Path) -> Option<PathBuf> {
    let folder = fs::read_dir(sdk.join("platform/pubsub-emulator/lib")).ok()?;
    folder
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| {
            path.file_name()
                .and_then(|name| name.to_str())
                .is_some_and(|name| {
                    name.starts_with("cloud-pubsub-emulator-") && name.ends_with("-all.jar")
                })
        })
}
