//! `pipeline simulate`.

use std::{path::PathBuf, time::Duration};

use simulators::{Config, SIMULATORS, Simulators};

use super::say;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The first of a row of ports, one for each provider by name. Default: any free ones.
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..=65_000))]
    port_base: Option<u16>,
    /// The folder of recordings that the simulated Speech-to-Text may read: `blobs` in a data folder.
    #[arg(long, value_name = "FOLDER")]
    blobs: Option<PathBuf>,
    /// Where a provider posts its webhooks; can be repeated.
    #[arg(long = "webhook", value_name = "PROVIDER=URL", value_parser = super::pair)]
    webhooks: Vec<(String, String)>,
    /// How long after a refused post a webhook is first posted again, in milliseconds; each pause is twice the one
    /// before.
    #[arg(long, value_name = "MS", value_parser = clap::value_parser!(u64).range(1..))]
    webhook_retry_ms: Option<u64>,
}

pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    let mut config = Config {
        blob_root: args.blobs,
        ..Config::default()
    };
    if let Some(base) = args.port_base {
        config.ports = SIMULATORS
            .iter()
            .map(|spec| spec.slug)
            .zip(base..)
            .collect();
    }
    if let Some(pause) = args.webhook_retry_ms {
        config.webhook_retry = Duration::from_millis(pause);
    }
    let simulators = Simulators::start(config).await?;
    for (provider, url) in &args.webhooks {
        anyhow::ensure!(
            simulators.post_webhooks_to(provider, url),
            "the simulated `{provider}` posts no webhooks"
        );
    }
    say("Simulated providers; settings that point the product at them:")?;
    let urls = simulators.urls();
    for spec in SIMULATORS {
        match spec.setting {
            Some(setting) => say(&format!("{setting}={}", urls[spec.slug]))?,
            None => say(&format!("# {}: {}", spec.name, urls[spec.slug]))?,
        }
        let key = spec
            .webhook_key_setting
            .zip(simulators.webhook_key(spec.slug));
        if let Some((setting, key)) = key {
            say(&format!("{setting}={key}"))?;
        }
    }
    say(
        "Each shows what it received at /_sim/requests and takes faults at /_sim/faults. Ctrl-C ends them.",
    )?;
    runtime::shutdown_signal().await;
    Ok(())
}
