//! `pipeline secret`.

use std::collections::BTreeMap;

use anyhow::bail;
use domain::ConnectionName;
use http::Method;
use secrecy::ExposeSecret as _;
use serde_json::json;
use settings::Settings;

use super::{
    secret_input::SecretInput,
    session::{Session, TenantSession},
    table::cell,
};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Sets the secret of a connection to a provider, and lets what was held for it go on. The secret is read from
    /// standard input, a file or an environment variable. A connection that is not there yet is created.
    #[command(after_help = examples("secret set"))]
    Set(SetArgs),
    /// Asks a CRM or a team's chat whether it takes a connection's account, and which fields a CRM's records have. Ends with
    /// 1 where the account is refused or the provider is not reached.
    #[command(after_help = "Example:\n  pipeline secret test crm --tenant acme")]
    Test(TestArgs),
}

#[derive(Debug, clap::Args)]
pub(super) struct TestArgs {
    /// The connection's name.
    connection: ConnectionName,
}

#[derive(Debug, clap::Args)]
pub(super) struct SetArgs {
    /// The connection's name, as the office's destinations and the list of held work show it.
    connection: ConnectionName,
    /// The provider, for a new connection.
    #[arg(long, value_name = "PROVIDER", long_help = format!("The provider, for a new connection: {}", super::slugs(|provider| provider.account.is_some())))]
    provider: Option<String>,
    /// What the connection needs beside its secret; can be repeated. `--help` lists it by provider.
    #[arg(long = "setting", value_name = "NAME=VALUE", value_parser = super::pair, long_help = settings_help())]
    settings: Vec<(String, String)>,
    #[command(flatten)]
    secret: SecretInput,
}

impl SetArgs {
    /// The same with the provider that the connection is called like, where none is named.
    pub(super) fn with_its_provider(mut self) -> Self {
        let providers = catalogue::providers();
        let mut known = providers.iter();
        if self.provider.is_none()
            && let Some(known) = known.find(|known| known.slug == self.connection.as_str())
        {
            self.provider = Some(known.slug.to_owned());
        }
        self
    }
}

/// What each provider's accounts need.
fn settings_help() -> String {
    let mut help = "What the connection needs beside its secret; can be repeated.".to_owned();
    for provider in catalogue::providers() {
        for setting in provider.account.iter().flat_map(|account| account.settings) {
            let is_required = if setting.is_required {
                ""
            } else {
                ", optional"
            };
            help.push_str(&format!(
                "\n- {}{is_required}, for {}: {}",
                setting.key, provider.name, setting.about
            ));
        }
    }
    help
}

/// One example for a provider that needs a secret alone, one for each that needs settings.
pub(super) fn examples(command: &str) -> String {
    let mut help = "Examples:".to_owned();
    let providers = catalogue::providers();
    let accounts = providers
        .iter()
        .filter_map(|provider| Some((provider.slug, provider.account?)));
    for (slug, account) in accounts {
        let required = account
            .settings
            .iter()
            .filter(|setting| setting.is_required);
        let settings: String = required
            .map(|setting| format!(" --setting {}=…", setting.key))
            .collect();
        help.push_str(&format!(
            "\n  pipeline {command} {slug} --tenant acme --provider {slug}{settings} < secret.txt"
        ));
    }
    help
}

pub(super) async fn run(tenant: &mut TenantSession<'_>, command: Command) -> anyhow::Result<()> {
    match command {
        Command::Set(args) => set(tenant.settings, tenant, args).await,
        Command::Test(args) => test(tenant, args).await,
    }
}

/// Asks the provider of a connection whether it takes the account.
pub(super) async fn test(
    tenant: &mut TenantSession<'_>,
    TestArgs { connection }: TestArgs,
) -> anyhow::Result<()> {
    tenant.needs_provider_of(&connection).await?;
    let path = format!("connections/{connection}/test");
    let tested = tenant.call(Method::POST, &path, None, None).await?;
    tenant
        .session
        .show(&tested, |session| show_test(session, &tested))?;
    if tested["is_accepted"] != true {
        bail!("the account of the connection {connection} does not work, as it says");
    }
    Ok(())
}

/// Sets a connection's secret.
pub(super) async fn set(
    settings: &Settings,
    tenant: &mut TenantSession<'_>,
    args: SetArgs,
) -> anyhow::Result<()> {
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
    let set = tenant.call(Method::PUT, &path, Some(&body), None).await?;
    let released = set["released"].as_u64().unwrap_or_default();
    tenant.session.show(&set, |session| {
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
    tenant.session.say_when_it_runs()
}

/// What came of a test, and what a record cannot be made without.
fn show_test(session: &mut Session<'_>, tested: &serde_json::Value) -> anyhow::Result<()> {
    session.say(&cell(&tested["detail"]))?;
    let list = |value: &serde_json::Value| value.as_array().cloned().unwrap_or_default();
    if !tested["answer"].is_null() {
        session.say(&format!("It says: {}", cell(&tested["answer"])))?;
    }
    for note in list(&tested["notes"]) {
        session.say(&format!("- {}", cell(&note)))?;
    }
    for object in list(&tested["objects"]) {
        let fields = list(&object["fields"]);
        let required = fields.iter().filter(|field| field["is_required"] == true);
        let required: Vec<_> = required.map(|field| cell(&field["name"])).collect();
        session.say(&format!(
            "{}: {} fields; required: {}",
            cell(&object["name"]),
            fields.len(),
            if required.is_empty() {
                "none".to_owned()
            } else {
                required.join(", ")
            }
        ))?;
    }
    Ok(())
}
