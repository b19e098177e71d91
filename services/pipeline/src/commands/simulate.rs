//! `pipeline simulate`.

use std::{path::PathBuf, time::Duration};

use simulators::{Config, Ports, Simulators};

use super::say;
use crate::providers;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The first of seven ports in a row. Default: any free ones.
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..=65_000))]
    port_base: Option<u16>,
    /// The folder of recordings that the simulated Speech-to-Text may read: `blobs` in a data folder.
    #[arg(long, value_name = "FOLDER")]
    blobs: Option<PathBuf>,
    /// Where SendGrid's events are posted.
    #[arg(long, value_name = "URL")]
    event_webhook: Option<String>,
    /// How long after a refused post SendGrid's events are first posted again, in milliseconds; each pause is twice
    /// the one before.
    #[arg(long, value_name = "MS", value_parser = clap::value_parser!(u64).range(1..))]
    event_retry_ms: Option<u64>,
}

pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    let port = |offset| args.port_base.map(|base| base + offset);
    let mut config = Config {
        ports: Ports {
            callrail: port(0),
            speech: port(1),
            gemini: port(2),
            hubspot: port(3),
            sendgrid: port(4),
            storage: port(5),
            secret_manager: port(6),
        },
        ..Config::default()
    };
    config.speech.blob_root = args.blobs;
    config.sendgrid.event_webhook_url = args.event_webhook;
    if let Some(pause) = args.event_retry_ms {
        config.sendgrid.first_retry = Duration::from_millis(pause);
    }
    let simulators = Simulators::start(config).await?;
    say("Simulated providers; settings that point the product at them:")?;
    for (key, url) in providers::keys(&simulators.urls()) {
        say(&format!("{key}={url}"))?;
    }
    let cloud = simulators.cloud_urls();
    say(&format!("STORAGE_BASE_URL={}", cloud.storage))?;
    say(&format!("SECRET_MANAGER_BASE_URL={}", cloud.secret_manager))?;
    let event_key = simulators.sendgrid().public_key();
    say(&format!("SENDGRID_EVENT_KEY={event_key}"))?;
    say(
        "Each shows what it received at /_sim/requests and takes faults at /_sim/faults. Ctrl-C ends them.",
    )?;
    runtime::shutdown_signal().await;
    Ok(())
}
