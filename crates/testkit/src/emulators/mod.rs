//! Google's emulators, as child processes: for tests of the adapters, and for a fleet on one machine.
//!
//! They come with the Cloud SDK and may not be installed. That is an [`EmulatorError::NotInstalled`], which
//! [`unless_missing`] turns into a skipped test.

mod process;
mod pubsub;
mod spanner;

use std::{
    env, io,
    path::{Path, PathBuf},
    time::Duration,
};

use http_client::{Client, Options};

pub use process::Emulator;
pub use pubsub::PubSub;
pub use rustix::process::Signal;
pub use spanner::Spanner;

/// Where the Cloud SDK is installed by its packages, seen from the root folder.
const COMMON_PLACES: [&str; 4] = [
    "/usr/lib/google-cloud-sdk",
    "/usr/share/google-cloud-sdk",
    "/usr/local/google-cloud-sdk",
    "/opt/google-cloud-sdk",
];

const NO_SDK: &str = "the Cloud SDK is not installed; install it or set CLOUDSDK_ROOT";

/// Why there is no emulator.
#[derive(Debug, thiserror::Error)]
pub enum EmulatorError {
    /// Something that it needs is not on this machine. The text says what, and how to get it.
    #[error("no {name} found: {missing}")]
    NotInstalled {
        /// The emulator.
        name: &'static str,
        /// What is missing.
        missing: &'static str,
    },
    /// The system did not let us start it.
    #[error("the {name} could not be started: {error}")]
    Io {
        /// The emulator.
        name: &'static str,
        /// What the system said.
        error: io::Error,
    },
    /// It was started, and does not work.
    #[error("the {name} failed: {what}; the end of its log:\n{log}")]
    Failed {
        /// The emulator.
        name: &'static str,
        /// What it did.
        what: &'static str,
        /// The end of what it printed.
        log: String,
    },
}

/// The Cloud SDK's folder: the one that `CLOUDSDK_ROOT` names, the one that the `gcloud` on the path belongs to, or one
/// of the common places.
pub fn sdk() -> Option<PathBuf> {
    let named = variable("CLOUDSDK_ROOT").map(PathBuf::from);
    let beside_gcloud = on_path("gcloud")
        .and_then(|gcloud| gcloud.canonicalize().ok())
        .and_then(|gcloud| Some(gcloud.parent()?.parent()?.to_owned()));
    let home = variable("HOME").map(|home| Path::new(&home).join("google-cloud-sdk"));
    named
        .into_iter()
        .chain(beside_gcloud)
        .chain(COMMON_PLACES.map(PathBuf::from))
        .chain(home)
        .find(|folder| folder.join("platform").is_dir() || folder.join("bin/gcloud").is_file())
}

/// A program on the path.
pub fn on_path(program: &str) -> Option<PathBuf> {
    env::split_paths(&variable("PATH")?)
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}

/// The emulator; none, and a line that says so, where it is not installed: then the test returns early.
///
/// # Panics
/// When it is installed and does not work.
#[expect(clippy::print_stdout, reason = "a test that was skipped must say so")]
pub fn unless_missing<T>(started: Result<T, EmulatorError>) -> Option<T> {
    match started {
        Ok(emulator) => Some(emulator),
        Err(error @ EmulatorError::NotInstalled { .. }) => {
            println!("SKIPPED: {error}");
            None
        }
        Err(error) => panic!("{error}"),
    }
}

/// Asks on this machine until somebody answers.
#[derive(Debug)]
pub struct Probe {
    // One for all looks: making a client reads the machine's certificates.
    client: Client,
}

impl Probe {
    /// One that waits two seconds for an answer.
    ///
    /// # Panics
    /// When the system gives no randomness.
    #[expect(
        clippy::new_without_default,
        reason = "nobody needs one that is made in silence"
    )]
    pub fn new() -> Self {
        let options = Options {
            deadline: Duration::from_secs(2),
            allow_loopback: true,
            ..Options::default()
        };
        let client = Client::new(options).expect("a client without a certificate of its own");
        Self { client }
    }

    /// What a `GET` of this path answers: status and text. None when nobody answers.
    pub async fn get(&self, port: u16, path: &str) -> Option<(u16, String)> {
        let url = format!("http://127.0.0.1:{port}{path}");
        let answer = self.client.get(url).send().await.ok()?;
        Some((answer.status.as_u16(), answer.text_lossy(1_000)))
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "where programs are installed is the machine's business, not a setting of the product"
)]
fn variable(name: &str) -> Option<std::ffi::OsString> {
    env::var_os(name).filter(|value| !value.is_empty())
}
