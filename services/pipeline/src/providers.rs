//! Providers of the embedded product: simulated wherever no other base URL is set.
//!
//! A base URL on this machine names a simulator that runs by itself (`pipeline simulate`).

use std::path::Path;

use settings::{Settings, SettingsError};
use simulators::{SIMULATORS, SimulatorSpec, Simulators, Urls, geocoding};
use url::{Host, Url};

/// Who sends people their links where the provider is simulated: an address that its simulator has verified.
const SIGN_IN_MAIL_FROM: &str = "sign-in@example.com";

/// The setting of the map's key: without one no map is asked.
const MAPS_KEY: &str = "GOOGLE_MAPS_KEY";

/// A base URL at which nothing can listen.
const NOWHERE: &str = "http://127.0.0.1:0";

/// The simulated providers, and which of them the product uses.
pub struct Providers {
    /// The simulators, serving until this is dropped.
    pub simulators: Simulators,
    /// Whether Google's APIs are simulated: then their tokens are, too.
    pub is_google_simulated: bool,
    /// Where the simulators are that the product uses, by slug: our own, or others on this machine.
    pub urls: Urls,
    /// The slugs of our own simulators that the product uses.
    own: Vec<&'static str>,
}

/// The simulators that the embedded product uses.
pub fn embedded() -> impl Iterator<Item = &'static SimulatorSpec> {
    SIMULATORS.iter().filter(|spec| !spec.is_cloud_only)
}

/// Starts the simulators, and points every provider that no setting names at its own.
///
/// # Errors
/// When a simulator cannot listen, or a setting is wrong.
pub async fn simulate(
    mut settings: Settings,
    blobs: &Path,
    mut config: simulators::Config,
) -> anyhow::Result<(Settings, Providers)> {
    config.blob_root = Some(blobs.to_owned());
    let simulators = Simulators::start(config).await?;
    let mut urls = simulators.urls();
    let (mut is_google_simulated, mut own) = (true, Vec::new());
    let has_map = given(&settings, MAPS_KEY)?.is_some();
    for spec in embedded() {
        // What is never called posts all the same.
        let Some(setting) = spec.setting else {
            own.push(spec.slug);
            continue;
        };
        let Some(url) = given(&settings, setting)? else {
            if has_map && spec.credential == geocoding::KEY {
                // Whoever has a key means the map that it opens.
                urls.remove(spec.slug);
                continue;
            }
            settings = settings.with(setting, &urls[spec.slug]);
            own.push(spec.slug);
            continue;
        };
        if is_here(&url) {
            urls.insert(spec.slug.to_owned(), url.trim_end_matches('/').to_owned());
        } else {
            urls.remove(spec.slug);
            is_google_simulated &= !spec.is_google;
        }
    }
    if given(&settings, "SIGN_IN_MAIL_FROM")?.is_none()
        && let Some(spec) = mailer(&own)
    {
        settings = settings
            .with("SIGN_IN_MAIL_FROM", SIGN_IN_MAIL_FROM)
            .with("SIGN_IN_MAIL_KEY", spec.credential);
    }
    // A map that is not there decides about no real lead.
    if is_google_simulated && !has_map && own.contains(&geocoding::SLUG) {
        settings = settings.with(MAPS_KEY, geocoding::KEY);
    }
    if given(&settings, "GOOGLE_PROJECT")?.is_none() {
        settings = settings.with("GOOGLE_PROJECT", "simulated-project");
    }
    if urls.contains_key("document_ai") {
        for (setting, processor) in [
            (
                "DOCUMENT_AI_FORM_PARSER",
                simulators::document_ai::FORM_PARSER,
            ),
            ("DOCUMENT_AI_EXTRACTOR", simulators::document_ai::EXTRACTOR),
        ] {
            if given(&settings, setting)?.is_none() {
                settings = settings.with(setting, processor);
            }
        }
    }
    let providers = Providers {
        simulators,
        is_google_simulated,
        urls,
        own,
    };
    Ok((settings, providers))
}

/// Settings of a process beside which no simulator runs, and the slugs of the providers that [`simulate`] would simulate.
/// Those lead nowhere: what a simulated account is opened by must not reach the real provider.
///
/// # Errors
/// When a setting is wrong.
pub fn without_simulators(
    mut settings: Settings,
) -> Result<(Settings, Vec<&'static str>), SettingsError> {
    let mut simulated = Vec::new();
    for spec in embedded() {
        if let Some(setting) = spec.setting
            && given(&settings, setting)?.is_none()
        {
            settings = settings.with(setting, NOWHERE);
            simulated.push(spec.slug);
        }
    }
    Ok((settings, simulated))
}

/// The simulator of the provider that usually brings people their links, if it is one of these.
fn mailer(own: &[&str]) -> Option<&'static SimulatorSpec> {
    let usual = notify::email_channels().next()?.slug;
    let mut own = embedded().filter(|spec| own.contains(&spec.slug));
    own.find(|spec| spec.slug == usual)
}

/// What a setting says.
pub fn given(settings: &Settings, key: &'static str) -> Result<Option<String>, SettingsError> {
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
    /// The key that verifies a provider's webhooks, where the provider is simulated by this process and makes its own.
    pub fn webhook_key(&self, slug: &str) -> Option<String> {
        let is_own = self.own.contains(&slug);
        is_own.then(|| self.simulators.webhook_key(slug)).flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_gets_simulated_credentials() {
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
