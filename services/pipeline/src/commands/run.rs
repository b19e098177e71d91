//! `pipeline run`.

use std::{path::PathBuf, sync::Arc};

use anyhow::bail;
use runtime::SystemClock;
use settings::Settings;

use super::{data_dir, say};
use crate::{
    app::App,
    config::Config,
    data_folder::{DataFolder, ServerFile, Simulated},
    demo,
    providers::{self, Providers},
};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The data folder. Default: the setting `DATA_DIR`, else `.data`.
    #[arg(long, value_name = "FOLDER")]
    data_dir: Option<PathBuf>,
    /// The port of API and webhooks; 0 takes any free one. Default: the setting `PORT`, else 8080.
    #[arg(long, value_name = "PORT")]
    port: Option<u16>,
}

pub(super) async fn run(settings: Settings, args: Args) -> anyhow::Result<()> {
    let settings = match args.port {
        Some(port) => settings.with("PORT", &port.to_string()),
        None => settings,
    };
    let folder = DataFolder::open(&data_dir(&settings, args.data_dir)?)?;
    let (settings, providers) =
        providers::simulate(settings, &folder.blobs(), simulators::Config::default()).await?;
    let config = settings.load(Config::read)?;
    runtime::telemetry("pipeline", &config.telemetry)?;

    let app = App::build(
        &config,
        folder,
        &providers,
        Arc::new(SystemClock::default()),
    )
    .await?;
    if !app.address.ip().is_loopback() && !providers.is_google_simulated {
        bail!(
            "the demo tenant's keys are public: with real providers, serve on loopback only (HOST=127.0.0.1)"
        );
    }
    let event_key = config.sendgrid_event_key.or_else(|| providers.event_key());
    demo::ensure(
        app.store.as_ref(),
        app.secrets.as_ref(),
        event_key.as_deref(),
    )
    .await?;
    providers.simulators.sendgrid().set_event_webhook(&format!(
        "http://{}/v1/hooks/{}",
        app.address,
        demo::SENDGRID_TOKEN
    ));
    let shown = providers.shown();
    app.folder.announce(&ServerFile {
        address: app.address,
        simulators: Some(shown.clone()),
    })?;
    greet(&app, &providers, &shown)?;
    app.run(runtime::shutdown_signal()).await
}

/// What is where, and what to try.
fn greet(app: &App, providers: &Providers, shown: &Simulated) -> anyhow::Result<()> {
    let program = quoted(&std::env::current_exe()?.display().to_string());
    let folder = quoted(&app.folder.path().display().to_string());
    let base = format!("http://{}", app.address);
    let urls = providers.urls();
    let Simulated {
        callrail,
        hubspot,
        sendgrid,
    } = shown;
    say(&format!(
        "\nThe pipeline {version} is up: every service in one process, providers simulated.\n\
         \n  API and webhooks  {base}\
         \n  health            {base}/v1/health\
         \n  metrics           http://{metrics}/metrics (private)\
         \n  data folder       {data}\
         \n  demo tenant       {tenant} (Demo Company, Austin TX)\
         \n  its webhook URL   {base}/v1/hooks/{token}/post-call\
         \n  simulators        CallRail {callrail}, Speech-to-Text {speech}, Gemini {gemini},\
         \n                    HubSpot {hubspot}, SendGrid {sendgrid}\n\
         \nTry it; each line works as it stands, from any folder:\n",
        version = env!("CARGO_PKG_VERSION"),
        metrics = app.metrics_address,
        data = app.folder.path().display(),
        tenant = demo::TENANT,
        token = demo::CALLRAIL_TOKEN,
        speech = urls.speech,
        gemini = urls.gemini,
    ))?;
    say(&format!("{program} send callrail --data-dir {folder}"))?;
    say(&format!(
        "curl -sS -H \"Authorization: Bearer $({program} token --data-dir {folder})\" {base}/v1/tenants/{}/requests",
        demo::TENANT
    ))?;
    say(&format!("curl -sS {hubspot}/_sim/view"))?;
    say("")
}

/// Text as one word of a shell.
fn quoted(text: &str) -> String {
    let is_plain = text
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b"/._-+".contains(&b));
    if is_plain {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}
