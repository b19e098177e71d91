//! `pipeline check-config`.

use settings::{Settings, WhenUnset};

use super::say;
use crate::{config::Config, providers::given};

/// Without a project the embedded product uses the simulators' one.
const SIMULATED_PROJECT: &str = "simulated-project";

pub(super) fn run(settings: &Settings) -> anyhow::Result<()> {
    let is_google_real = given(settings, "GOOGLE_PROJECT")?.is_some();
    let settings = if is_google_real {
        settings.clone()
    } else {
        settings.clone().with("GOOGLE_PROJECT", SIMULATED_PROJECT)
    };
    let mut reader = settings.reader();
    let config = Config::read(&mut reader);
    let references = reader.references().to_vec();
    reader.finish()?;
    for reference in &references {
        let default = match &reference.when_unset {
            WhenUnset::Value(value) => format!("default {value}"),
            WhenUnset::Absent => "no default".to_owned(),
            WhenUnset::Required => "required".to_owned(),
        };
        say(&format!(
            "{:<28} {} ({default})",
            reference.key, reference.about
        ))?;
    }
    say("")?;
    if is_google_real
        && config
            .speech
            .base_url
            .host_str()
            .is_some_and(|host| host.ends_with("googleapis.com"))
    {
        say(
            "note: calls of a minute and longer are transcribed in batches, and the real Speech-to-Text reads them \
             from Cloud Storage: recordings that lie in the data folder cannot be transcribed by it.",
        )?;
    }
    say("the settings are in order")
}
