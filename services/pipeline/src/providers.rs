//! Providers of the embedded product: simulated wherever no other base URL is set.

use std::path::Path;

use settings::{Settings, SettingsError};
use simulators::{Simulators, Urls};

use crate::data_folder::Simulated;

/// The simulated providers, and which of them the product uses.
pub struct Providers {
    /// The simulators, serving until this is dropped.
    pub simulators: Simulators,
    /// Whether Google's APIs are simulated: then their tokens are, too.
    pub is_google_simulated: bool,
}

/// Starts the simulators, and points every provider that no setting names at its own.
///
/// # Errors
/// When a simulator cannot listen, or a setting is wrong.
pub async fn simulate(
    settings: Settings,
    blobs: &Path,
    config: simulators::Config,
) -> anyhow::Result<(Settings, Providers)> {
    let mut config = config;
    config.speech.blob_root = Some(blobs.to_owned());
    let simulators = Simulators::start(config).await?;
    let urls = simulators.urls();
    let mut settings = settings;
    let mut is_google_simulated = true;
    for (key, url) in keys(&urls) {
        if is_set(&settings, key)? {
            is_google_simulated &= !matches!(key, "SPEECH_BASE_URL" | "GEMINI_BASE_URL");
        } else {
            settings = settings.with(key, url);
        }
    }
    if !is_set(&settings, "GOOGLE_PROJECT")? {
        settings = settings.with("GOOGLE_PROJECT", "simulated-project");
    }
    Ok((
        settings,
        Providers {
            simulators,
            is_google_simulated,
        },
    ))
}

/// The settings that simulators stand in for.
pub fn keys(urls: &Urls) -> [(&'static str, &str); 5] {
    [
        ("CALLRAIL_BASE_URL", &urls.callrail),
        ("SPEECH_BASE_URL", &urls.speech),
        ("GEMINI_BASE_URL", &urls.gemini),
        ("HUBSPOT_BASE_URL", &urls.hubspot),
        ("SENDGRID_BASE_URL", &urls.sendgrid),
    ]
}

fn is_set(settings: &Settings, key: &'static str) -> Result<bool, SettingsError> {
    settings.load(|reader| reader.optional::<String>(key, "").is_some())
}

impl Providers {
    /// Where those are that a person may want to look at.
    pub fn shown(&self) -> Simulated {
        let urls = self.simulators.urls();
        Simulated {
            callrail: urls.callrail,
            hubspot: urls.hubspot,
            sendgrid: urls.sendgrid,
        }
    }
}
