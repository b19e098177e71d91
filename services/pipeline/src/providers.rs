//! Providers of the embedded product: simulated wherever no other base URL is set.
//!
//! A base URL on this machine names a simulator that runs by itself (`pipeline simulate`).

use std::path::Path;

use settings::{Settings, SettingsError};
use simulators::{Simulators, Urls};
use url::{Host, Url};

use crate::data_folder::Simulated;

/// The simulated providers, and which of them the product uses.
pub struct Providers {
    /// The simulators, serving until this is dropped.
    pub simulators: Simulators,
    /// Whether Google's APIs are simulated: then their tokens are, too.
    pub is_google_simulated: bool,
    /// Whether mail goes to the SendGrid of [`Providers::simulators`].
    is_sendgrid_ours: bool,
    /// Where the simulators are that the product uses.
    urls: Urls,
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
    let ours = simulators.urls();
    let mut urls = ours.clone();
    let mut settings = settings;
    let (mut is_google_simulated, mut is_sendgrid_ours) = (true, true);
    for ((key, our_url), used) in keys(&ours).into_iter().zip(used(&mut urls)) {
        let Some(url) = given(&settings, key)? else {
            settings = settings.with(key, our_url);
            continue;
        };
        is_sendgrid_ours &= key != "SENDGRID_BASE_URL";
        if is_here(&url) {
            *used = url.trim_end_matches('/').to_owned();
        } else {
            is_google_simulated &= !matches!(key, "SPEECH_BASE_URL" | "GEMINI_BASE_URL");
        }
    }
    if given(&settings, "GOOGLE_PROJECT")?.is_none() {
        settings = settings.with("GOOGLE_PROJECT", "simulated-project");
    }
    Ok((
        settings,
        Providers {
            simulators,
            is_google_simulated,
            is_sendgrid_ours,
            urls,
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

/// The same URLs in the same order, to be replaced.
fn used(urls: &mut Urls) -> [&mut String; 5] {
    let Urls {
        callrail,
        speech,
        gemini,
        hubspot,
        sendgrid,
    } = urls;
    [callrail, speech, gemini, hubspot, sendgrid]
}

/// What a setting says.
fn given(settings: &Settings, key: &'static str) -> Result<Option<String>, SettingsError> {
    settings.load(|reader| reader.optional(key, ""))
}

/// Whether a URL leads to this machine. One that cannot be read is refused with the other settings.
fn is_here(url: &str) -> bool {
    let url = Url::parse(url).ok();
    match url.as_ref().and_then(Url::host) {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

impl Providers {
    /// Where the simulators are that the product uses.
    pub fn urls(&self) -> &Urls {
        &self.urls
    }

    /// Where those are that a person may want to look at.
    pub fn shown(&self) -> Simulated {
        let Urls {
            callrail,
            hubspot,
            sendgrid,
            ..
        } = self.urls.clone();
        Simulated {
            callrail,
            hubspot,
            sendgrid,
        }
    }

    /// The key that proves SendGrid's events, where SendGrid is simulated by this process.
    pub fn event_key(&self) -> Option<String> {
        self.is_sendgrid_ours
            .then(|| self.simulators.sendgrid().public_key())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_simulators_on_this_machine_get_simulated_credentials() {
        for (url, expected) in [
            ("http://127.0.0.1:4000", true),
            ("http://[::1]:4000", true),
            ("http://localhost:4000/", true),
            ("https://us-speech.googleapis.com", false),
            ("http://10.0.0.1:4000", false),
            ("http://localhost.example.com", false),
            ("no URL", false),
        ] {
            assert_eq!(is_here(url), expected, "{url}");
        }
    }
}
