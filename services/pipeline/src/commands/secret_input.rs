//! Secrets from outside: a file, an environment variable, or standard input; never an argument, which others on the
//! machine can see.

use std::{
    fs,
    io::{self, IsTerminal as _, Read as _},
    path::PathBuf,
};

use anyhow::{Context as _, bail};
use console::Term;
use secrecy::SecretString;
use settings::Settings;

/// The longest secret that is read.
const MAX_BYTES: u64 = 64 * 1024;

/// Where a secret comes from. Default: standard input; a person is asked for it.
#[derive(Debug, Default, clap::Args)]
pub(super) struct SecretInput {
    /// A file that holds it. Default: standard input.
    #[arg(long, value_name = "FILE", conflicts_with = "env")]
    file: Option<PathBuf>,
    /// An environment variable that holds it.
    #[arg(long, value_name = "VARIABLE")]
    env: Option<String>,
}

impl SecretInput {
    /// Reads it; `what` is what a person is asked for.
    ///
    /// # Errors
    /// When there is none.
    pub(super) fn read(&self, settings: &Settings, what: &str) -> anyhow::Result<SecretString> {
        if let Some(name) = &self.env {
            return settings.secret(name).with_context(|| {
                format!("the environment variable {name} is not set, or it is empty")
            });
        }
        let text = match &self.file {
            Some(path) => fs::read_to_string(path)
                .with_context(|| format!("reading the secret in {}", path.display()))?,
            None if io::stdin().is_terminal() => {
                let terminal = Term::stderr();
                terminal.write_str(&format!("{what} (it is not shown): "))?;
                terminal.read_secure_line()?
            }
            None => {
                let mut text = String::new();
                io::stdin()
                    .take(MAX_BYTES)
                    .read_to_string(&mut text)
                    .context("reading the secret from standard input")?;
                text
            }
        };
        let secret = text.trim_end_matches(['\r', '\n']);
        if secret.is_empty() {
            bail!(
                "no secret came in: pipe it into the command, or name a file (--file) or an environment variable (--env)"
            );
        }
        Ok(SecretString::from(secret))
    }
}
