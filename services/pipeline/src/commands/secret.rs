//! `pipeline secret`.

use std::{collections::BTreeMap, io::Write};

use domain::ConnectionName;
use http::Method;
use secrecy::ExposeSecret as _;
use serde_json::json;
use settings::Settings;

use super::{
    secret_input::SecretInput,
    session::{Scope, TenantSession},
    table::cell,
};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    scope: Scope,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Sets the secret of a connection to a provider, and lets what was held for it go on. The secret is read from
    /// standard input, a file or an environment variable. A connection that is not there yet is created.
    #[command(after_help = "Examples:\n  \
        pipeline secret set hubspot --tenant acme < token.txt\n  \
        pipeline secret set callrail --tenant acme --provider callrail --setting account_id=ACC0f1e2d3c --env CALLRAIL_KEY")]
    Set(SetArgs),
}

#[derive(Debug, clap::Args)]
struct SetArgs {
    /// The connection's name, as the office's destinations and the list of held work show it.
    connection: ConnectionName,
    /// The provider, for a new connection: callrail, hubspot, sendgrid.
    #[arg(long, value_name = "PROVIDER")]
    provider: Option<String>,
    /// What the connection needs beside its secret; can be repeated. For CallRail: `account_id`, `company_ids`.
    #[arg(long = "setting", value_name = "NAME=VALUE", value_parser = pair)]
    settings: Vec<(String, String)>,
    #[command(flatten)]
    secret: SecretInput,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write it as NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

pub(super) async fn run(
    settings: &Settings,
    args: Args,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let mut tenant = TenantSession::open(settings, &args.scope, out).await?;
    let Command::Set(args) = args.command;
    let SetArgs {
        connection,
        provider,
        settings: pairs,
        secret,
    } = args;
    let secret = secret.read(settings, &format!("The secret of {connection}"))?;
    let mut body = json!({ "secret": secret.expose_secret() });
    if let Some(provider) = provider {
        body["provider"] = json!(provider);
    }
    if !pairs.is_empty() {
        body["settings"] = json!(BTreeMap::from_iter(pairs));
    }
    let path = format!("connections/{connection}/secret");
    let set = tenant.act(Method::PUT, &path, Some(&body)).await?;
    let released = set["released"].as_u64().unwrap_or_default();
    tenant.session().show(&set, |session| {
        let (provider, version) = (cell(&set["provider"]), cell(&set["version"]));
        session.say(&format!(
            "The connection {connection} to {provider} has its secret, version {version}."
        ))?;
        match released {
            0 if version == "1" => session.say(
                "What was parked because it was missing runs again with `pipeline work redrive`.",
            ),
            0 => session.say("Nothing was held for it."),
            1 => session.say("One step that was held for it goes on."),
            steps => session.say(&format!("{steps} steps that were held for it go on.")),
        }
    })?;
    if released == 0 {
        return Ok(());
    }
    tenant.session().say_when_it_runs()
}
