//! `pipeline run`.

use std::{path::PathBuf, sync::Arc};

use anyhow::{anyhow, bail};
use domain::{Clock as _, TenantId};
use management_api::{
    dashboard::{Files, HOME},
    sign_in::{PAGE, console_code},
};
use runtime::SystemClock;
use settings::Settings;
use simulators::{SIMULATORS, SimulatorSpec};
use sources::Sources;
use store::{Sessions as _, Store as _, TenantRole};

use super::{data_dir, say};
use crate::{
    app::App,
    config::Config,
    data_folder::{DataFolder, ServerFile},
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
    /// Makes no demo tenant. One that an earlier start made stays.
    #[arg(long)]
    no_demo: bool,
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
        Sources::standard(),
        Arc::new(SystemClock::default()),
    )
    .await?;
    let has_demo = !args.no_demo || demo::is_there(app.store.as_ref()).await?;
    if has_demo && !app.address.ip().is_loopback() && !providers.is_google_simulated {
        bail!(
            "the demo tenant's keys are public: with real providers, serve on loopback only (HOST=127.0.0.1), or start on a new data folder \
             without it (--no-demo)"
        );
    }
    let base = format!("http://{}", app.address);
    if has_demo {
        demo::ensure(app.store.as_ref(), app.secrets.as_ref(), |spec| {
            let given = config.webhook_keys.get(spec.slug).cloned();
            given.or_else(|| providers.webhook_key(spec.slug))
        })
        .await?;
        for spec in SIMULATORS {
            let hook = format!("{base}{}", demo::hook(spec.slug));
            providers.simulators.post_webhooks_to(spec.slug, &hook);
        }
    }
    app.folder.announce(&ServerFile {
        address: app.address,
        simulators: providers.urls.clone(),
    })?;
    let code = if has_demo {
        Some(operators_code(&app).await?)
    } else {
        // Those of earlier starts are gone here, too.
        app.store.remove_console_codes_across_tenants().await?;
        None
    };
    let entered = match code {
        Some(code) => Entered::Demo(code),
        None => {
            let mut tenants = app.store.tenants_across_tenants().await?.into_iter();
            match tenants.next() {
                Some(tenant) => Entered::Tenant(tenant.id),
                None => Entered::Nothing,
            }
        }
    };
    greet(&app, &providers, &base, &entered)?;
    app.run(runtime::shutdown_signal()).await
}

/// What somebody who starts a server comes into.
enum Entered {
    /// The demo tenant, by this code.
    Demo(String),
    /// A server with tenants of their own, of which this is the first.
    Tenant(TenantId),
    /// A server without tenants.
    Nothing,
}

/// A code that signs the operator in, once, into the demo tenant. Those of earlier starts are gone.
async fn operators_code(app: &App) -> anyhow::Result<String> {
    let tenant = TenantId::new(demo::TENANT)?;
    let whom = ("operator", &tenant, TenantRole::TenantAdmin);
    let (store, now) = (app.store.as_ref(), SystemClock::default().now());
    let code = console_code(store, store.ids(), now, whom, "operator", true).await;
    code.map_err(|problem| anyhow!("the code that signs in could not be made: {problem:?}"))
}

/// What is where, and what to try.
fn greet(app: &App, providers: &Providers, base: &str, entered: &Entered) -> anyhow::Result<()> {
    let program = quoted(&std::env::current_exe()?.display().to_string());
    let folder = quoted(&app.folder.path().display().to_string());
    let url_of = |spec: &SimulatorSpec| providers.urls.get(spec.slug);
    let simulated: String = providers::embedded()
        .filter_map(|spec| Some(format!("\n  {:<20}{}", spec.name, url_of(spec)?)))
        .collect();
    say(&format!(
        "\nThe pipeline {version} is up: every service in one process, providers simulated.\n\
         \n  API and webhooks  {base}\
         \n  health            {base}/v1/health\
         \n  metrics           http://{metrics}/metrics (private)\
         \n  data folder       {data}{sign_in}",
        version = env!("CARGO_PKG_VERSION"),
        metrics = app.metrics_address,
        data = app.folder.path().display(),
        sign_in = match entered {
            Entered::Demo(code) => entrance(base, code),
            Entered::Tenant(_) | Entered::Nothing => String::new(),
        },
    ))?;
    let own = match entered {
        Entered::Demo(_) => None,
        Entered::Tenant(tenant) => Some((
            tenant.as_str(),
            "Sign in, once, by the link that this prints",
        )),
        Entered::Nothing => Some((
            "acme",
            "Begin with a tenant of your own, then sign in, once, by the link that the second line prints",
        )),
    };
    if let Some((tenant, what)) = own {
        say(&format!("\nSimulated providers:\n{simulated}\n\n{what}:\n"))?;
        if matches!(entered, Entered::Nothing) {
            say(&format!(
                "{program} tenant create {tenant} --name \"Acme Remodeling\" --data-dir {folder}"
            ))?;
        }
        return say(&format!(
            "{program} sign-in code --tenant {tenant} --data-dir {folder}\n"
        ));
    }
    // The list of sources begins with the one that the README shows.
    let usual = ::sources::SOURCES.iter().find_map(|source| {
        let mut simulators = providers::embedded();
        let spec = simulators.find(|simulator| simulator.slug == source.spec().slug)?;
        Some((spec, spec.demo?.samples.first()?))
    });
    let (source, event) = usual.map_or(("", ""), |(spec, sample)| (spec.slug, sample.event));
    say(&format!(
        "  demo tenant       {tenant} (Demo Company, Austin TX)\
         \n  its webhook URL   {base}{hook}\n\
         \nSimulated providers:\n{simulated}\n\
         \nTry it; each line works as it stands, from any folder:\n",
        tenant = demo::TENANT,
        hook = demo::hook_of(source, event),
    ))?;
    say(&format!("{program} send {source} --data-dir {folder}"))?;
    say(&format!(
        "curl -sS -H \"Authorization: Bearer $({program} token --data-dir {folder})\" {base}/v1/tenants/{}/requests",
        demo::TENANT
    ))?;
    let crms = catalogue::providers()
        .into_iter()
        .filter(|provider| provider.is_crm);
    for crm in crms.filter_map(|provider| providers.urls.get(provider.slug)) {
        say(&format!("curl -sS {crm}/_sim/view"))?;
    }
    say("")
}

/// The line by which somebody gets in: to the dashboard where it was built, else to the page of signing in.
fn entrance(base: &str, code: &str) -> String {
    if Files::embedded().is_built() {
        format!("\n  dashboard         {base}{HOME}#code={code}  (signs you in, once)")
    } else {
        format!("\n  sign in           {base}{PAGE}#code={code}  (once)")
    }
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
