//! `pipeline source`.

use std::{collections::BTreeMap, path::PathBuf};

use domain::{ConnectionName, OfficeId, SourceId};
use http::Method;
use jiff::civil::Date;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use settings::Settings;

use super::{
    config,
    secret_input::SecretInput,
    session::{Session, TenantSession, segment},
    table::cell,
};

const KEY: &str = "The signing key, as the provider shows it";

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Adds a source of webhooks, and prints its URLs, which are shown this once. Its signing key is read from standard
    /// input, a file or an environment variable.
    #[command(after_help = examples())]
    Add(AddArgs),
    /// Connects a source in one go: checks the account's secret at the provider, registers the webhooks there beside those
    /// of others, keeps the signing key, and sends a test delivery. It can be repeated and goes on where it stopped. The
    /// secret is read from standard input, a file or an environment variable. Of a provider whose webhooks a person enters,
    /// it creates the source and says what is left to do there.
    #[command(after_help = connect_examples())]
    Connect(ConnectArgs),
    /// Lists what can be connected: by one call, or with the URLs entered at the provider by hand.
    #[command(after_help = "Example:\n  pipeline source providers --tenant acme")]
    Providers,
    /// Sends a test delivery through a source's public URL, and waits until it is stored.
    #[command(after_help = "Example:\n  pipeline source test src_… --tenant acme")]
    Test {
        /// The source.
        source: SourceId,
    },
    /// Shows whether a source brings what it should.
    #[command(after_help = "Example:\n  pipeline source health src_… --tenant acme")]
    Health {
        /// The source.
        source: SourceId,
    },
    /// Shows how much of what happened at the providers is held, by day.
    #[command(
        after_help = "Example:\n  pipeline source completeness --tenant acme --from 2026-11-01"
    )]
    Completeness {
        /// The first day. Default: a week before the last.
        #[arg(long, value_name = "DAY")]
        from: Option<Date>,
        /// The last day. Default: today.
        #[arg(long, value_name = "DAY")]
        to: Option<Date>,
    },
    /// Changes what a source is called, the office that its requests belong to, and its accounts: only what is named.
    #[command(
        after_help = "Example:\n  pipeline source set src_… --tenant acme --name \"Website, Austin\" --account 481516777"
    )]
    Set(SetArgs),
    /// Lists a tenant's sources with their keys' names.
    #[command(after_help = "Example:\n  pipeline source list --tenant acme")]
    List,
    /// Adds a second signing key, so that it can replace the first without a gap. It is read as with `source add`.
    #[command(
        after_help = "Example:\n  pipeline source add-key src_… --tenant acme --file new-key.txt"
    )]
    AddKey {
        /// The source.
        source: SourceId,
        /// Has a key made, where the sender takes one of our choice.
        #[arg(long, conflicts_with_all = ["file", "env"])]
        make_key: bool,
        #[command(flatten)]
        key: SecretInput,
    },
    /// Removes a signing key: what only it proves is refused within 5 seconds. The last key stays.
    #[command(
        after_help = "Example:\n  pipeline source remove-key src_… signing_key_…@1 --tenant acme"
    )]
    RemoveKey {
        /// The source.
        source: SourceId,
        /// The key's name, as `source list` shows it.
        key: String,
    },
    /// Shows or saves what a tenant sets for a source: which field means what, where forms may be sent from, and so on.
    #[command(subcommand)]
    Settings(SettingsCommand),
    /// Prints a form to paste into a page of the company's website.
    #[command(after_help = "Example:\n  pipeline source snippet src_… --tenant acme > form.html")]
    Snippet {
        /// The source.
        source: SourceId,
    },
    /// Refuses a source's deliveries as if it did not exist, within 5 seconds.
    #[command(after_help = "Example:\n  pipeline source disable src_… --tenant acme")]
    Disable {
        /// The source.
        source: SourceId,
    },
    /// Takes the deliveries of a disabled source again.
    #[command(after_help = "Example:\n  pipeline source enable src_… --tenant acme")]
    Enable {
        /// The source.
        source: SourceId,
    },
}

#[derive(Debug, clap::Subcommand)]
pub(super) enum SettingsCommand {
    /// Prints a source's settings as JSON, ready to be changed and saved again. With --json, their version, author and
    /// note, too.
    #[command(
        after_help = "Example:\n  pipeline source settings show src_… --tenant acme > settings.json"
    )]
    Show {
        /// The source.
        source: SourceId,
    },
    /// Saves a source's settings as a new version. What the file leaves out has its default.
    #[command(
        after_help = "Example:\n  pipeline source settings set src_… settings.json --tenant acme --note \"a new form\""
    )]
    Set {
        /// The source.
        source: SourceId,
        /// A file with the settings as JSON, as `source settings show` prints them; `-` is standard input.
        file: PathBuf,
        /// Why, for whoever reads the history.
        #[arg(long)]
        note: Option<String>,
        /// The version that the file was made from: if there is a newer one, nothing is saved. Default: the newest.
        #[arg(long, value_name = "NUMBER")]
        upon: Option<u64>,
    },
}

#[derive(Debug, clap::Args)]
pub(super) struct AddArgs {
    /// The provider.
    #[arg(long_help = format!("The provider: {}", super::slugs(|provider| provider.is_source)))]
    provider: String,
    /// The connection that opens the tenant's account at the provider. Default: the one named like the provider.
    #[arg(long, value_name = "CONNECTION")]
    connection: Option<ConnectionName>,
    /// The tenant's account at the provider, in every form that its webhooks name it; can be repeated.
    #[arg(long = "account", value_name = "ID")]
    accounts: Vec<String>,
    /// What you call it.
    #[arg(long)]
    name: Option<String>,
    /// The office that its requests belong to. Default: the tenant's first.
    #[arg(long, value_name = "OFFICE")]
    office: Option<OfficeId>,
    /// A signature scheme that is taken; can be repeated. Default: all that the provider has.
    #[arg(long = "scheme", value_name = "SCHEME")]
    schemes: Vec<String>,
    /// Has a key made and prints it once, where the sender takes one of our choice (--scheme sha256-hex alone).
    #[arg(long, conflicts_with_all = ["file", "env"])]
    make_key: bool,
    /// Names this call, so that a script can repeat it. A repeat does not show the URLs again.
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,
    #[command(flatten)]
    key: SecretInput,
}

#[derive(Debug, clap::Args)]
pub(super) struct SetArgs {
    /// The source.
    source: SourceId,
    /// What you call it.
    #[arg(long)]
    name: Option<String>,
    /// Takes its name away.
    #[arg(long, conflicts_with = "name")]
    no_name: bool,
    /// The office that its requests belong to from now on.
    #[arg(long, value_name = "OFFICE")]
    office: Option<OfficeId>,
    /// Its requests belong to the tenant's first office from now on.
    #[arg(long, conflicts_with = "office")]
    first_office: bool,
    /// The tenant's account at the provider, in every form that its webhooks name it; can be repeated. These replace those
    /// that it has.
    #[arg(long = "account", value_name = "ID")]
    accounts: Vec<String>,
    /// Takes its accounts away.
    #[arg(long, conflicts_with = "accounts")]
    no_accounts: bool,
}

#[derive(Debug, clap::Args)]
pub(super) struct ConnectArgs {
    /// The provider.
    #[arg(long_help = connectable())]
    provider: String,
    /// What the account needs beside its secret; can be repeated. Default: what was entered before.
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = setting)]
    settings: Vec<(String, String)>,
    /// The name of the connection. Default: the provider's.
    #[arg(long, value_name = "CONNECTION")]
    connection: Option<ConnectionName>,
    /// The tenant's account at the provider, in every form that its webhooks name it; can be repeated.
    #[arg(long = "account", value_name = "ID")]
    accounts: Vec<String>,
    /// The office that its requests belong to. Default: the tenant's first.
    #[arg(long, value_name = "OFFICE")]
    office: Option<OfficeId>,
    /// Takes the secret that was entered before.
    #[arg(long, conflicts_with_all = ["file", "env"])]
    same_secret: bool,
    #[command(flatten)]
    secret: SecretInput,
}

/// Which providers one call connects, and at which a person enters the URLs.
fn connectable() -> String {
    let slugs = |is_by_call: bool| {
        super::slugs(|provider| provider.is_source && provider.is_connected_by_call == is_by_call)
    };
    format!(
        "The provider. By its API: {}. With the URLs entered there by hand: {}.",
        slugs(true),
        slugs(false)
    )
}

/// An example for each provider: those first that one call connects.
fn connect_examples() -> String {
    let all = catalogue::providers();
    let examples = |is_by_call: bool| -> String {
        let those = all
            .iter()
            .filter(|provider| provider.is_source && provider.is_connected_by_call == is_by_call);
        those.map(connect_example).collect()
    };
    format!(
        "Examples, where one call does all:{}\n\nExamples, where the URLs are entered at the provider by hand:{}",
        examples(true),
        examples(false)
    )
}

fn connect_example(provider: &catalogue::Provider) -> String {
    let line = format!(
        "\n  pipeline source connect {} --tenant acme",
        provider.slug
    );
    let Some(account) = provider.account else {
        return line;
    };
    let settings = account
        .settings
        .iter()
        .filter(|setting| setting.is_required);
    let settings: String = settings
        .map(|setting| format!(" --set {}=…", setting.key))
        .collect();
    format!("{line}{settings} < secret.txt")
}

fn setting(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// An example for each provider.
fn examples() -> String {
    let mut help = "Examples:".to_owned();
    for provider in catalogue::providers()
        .iter()
        .filter(|provider| provider.is_source)
    {
        help.push_str(&format!(
            "\n  pipeline source add {} --tenant acme --account 481516777 < key.txt",
            provider.slug
        ));
    }
    help
}

pub(super) async fn run(tenant: &mut TenantSession<'_>, command: Command) -> anyhow::Result<()> {
    match command {
        Command::Add(args) => add(tenant.settings, tenant, args).await,
        Command::List => {
            let list = tenant.get("sources", &[]).await?;
            let columns = [
                ("source", "source_id"),
                ("provider", "provider"),
                ("name", "name"),
                ("state", "state"),
                ("accounts", "accounts"),
                ("keys", "keys"),
            ];
            let empty = "The tenant has no source yet: add one with `pipeline source add`.";
            tenant.session.show_list(&list, &columns, empty)
        }
        Command::Providers => {
            let list = tenant.get("source-catalogue", &[]).await?;
            let columns = [
                ("provider", "provider"),
                ("name", "name"),
                ("one call", "is_connected_by_call"),
                ("audited", "is_audited"),
            ];
            tenant
                .session
                .show_list(&list, &columns, "This build has no source.")
        }
        Command::AddKey {
            source,
            make_key,
            key,
        } => {
            let mut body = json!({});
            if !make_key {
                body["signing_key"] = json!(key.read(tenant.settings, KEY)?.expose_secret());
            }
            let path = format!("sources/{source}/keys");
            let added = tenant.call(Method::POST, &path, Some(&body), None).await?;
            tenant.session.show(&added, |session| {
                session.say(&format!("The source has the key {} now.", cell(&added["key"])))?;
                say_made_key(session, &added)?;
                session.say(
                    "When the sender signs with it, remove the older one with `pipeline source remove-key`.",
                )
            })
        }
        Command::RemoveKey { source, key } => {
            let path = format!("sources/{source}/keys/{}", segment(&key));
            let now = tenant.call(Method::DELETE, &path, None, None).await?;
            tenant.session.show(&now, |session| {
                session.say(&format!(
                    "The key is removed. The source has {}.",
                    cell(&now["keys"])
                ))
            })
        }
        Command::Snippet { source } => {
            let shown = tenant
                .get(&format!("sources/{source}/snippet"), &[])
                .await?;
            tenant.session.show(&shown, |session| {
                session.say(shown["html"].as_str().unwrap_or_default())
            })
        }
        Command::Settings(SettingsCommand::Show { source }) => {
            let path = format!("sources/{source}/settings");
            let shown = tenant.get(&path, &[]).await?;
            tenant.session.show(&shown, |session| {
                session.say(&serde_json::to_string_pretty(&shown["settings"])?)
            })
        }
        Command::Settings(SettingsCommand::Set {
            source,
            file,
            note,
            upon,
        }) => {
            let path = format!("sources/{source}/settings");
            let mut body = json!({ "settings": config::read(&file)? });
            if let Some(note) = note {
                body["note"] = note.into();
            }
            let version = match upon {
                Some(version) => version,
                None => config::newest(tenant, &path).await?,
            };
            let saved = tenant
                .change(Method::PUT, &path, Some(&body), version)
                .await
                .map_err(|error| config::of_the_file("settings", error))?;
            let now = saved["version"].as_u64().unwrap_or_default();
            tenant.session.show(&saved, |session| {
                session.say(&if now == version {
                    format!("Nothing has changed: version {now} says the same.")
                } else {
                    format!(
                        "The settings are saved as version {now}. Deliveries that arrive 5 seconds from now are read by them."
                    )
                })
            })
        }
        Command::Set(args) => set(tenant, args).await,
        Command::Connect(args) => connect(tenant.settings, tenant, args).await,
        Command::Test { source } => test(tenant, &source.to_string()).await,
        Command::Health { source } => {
            let health = tenant.get(&format!("sources/{source}/health"), &[]).await?;
            tenant.session.show(&health, |session| {
                session.say(&format!(
                    "{}: {}",
                    cell(&health["state"]),
                    cell(&health["detail"])
                ))?;
                if let Some(at) = health["last_ping_at"].as_str() {
                    session.say(&format!("Last test of the provider's: {at}."))?;
                }
                session.say(&format!(
                    "Last delivery: {}. Today: {} accepted, {} repeated, {} refused.",
                    cell(&health["last_at"]),
                    cell(&health["today"]["accepted"]),
                    cell(&health["today"]["repeated"]),
                    cell(&health["today"]["refused"])
                ))
            })
        }
        Command::Completeness { from, to } => {
            let days = [("from", from), ("to", to)];
            let query: Vec<_> = days
                .into_iter()
                .filter_map(|(name, day)| Some((name, day?.to_string())))
                .collect();
            let list = tenant.get("completeness", &query).await?;
            let columns = [
                ("date", "date"),
                ("source", "source_id"),
                ("held", "held"),
                ("of", "at_provider"),
                ("recovered", "recovered"),
                ("missing", "missing"),
                ("checked", "checked_at"),
            ];
            let empty = "Nothing was compared in this time.";
            tenant.session.show_list(&list, &columns, empty)
        }
        Command::Disable { source } => set_state(tenant, source, "disable").await,
        Command::Enable { source } => set_state(tenant, source, "enable").await,
    }
}

async fn add(
    settings: &Settings,
    tenant: &mut TenantSession<'_>,
    args: AddArgs,
) -> anyhow::Result<()> {
    let mut body = json!({
        "provider": args.provider,
        "name": args.name,
        "connection": args.connection,
        "accounts": args.accounts,
        "schemes": args.schemes,
        "office_id": args.office.map(|office| office.to_string()),
    });
    if !args.make_key {
        body["signing_key"] = json!(args.key.read(settings, KEY)?.expose_secret());
    }
    let key = args.idempotency_key.as_deref();
    let created = tenant
        .call(Method::POST, "sources", Some(&body), key)
        .await?;
    tenant.session.show(&created, |session| {
        let id = cell(&created["source"]["source_id"]);
        session.say(&format!("The source {id} is there."))?;
        say_urls(
            session,
            &created,
            "Its URLs hold a key and are shown this once:\n",
        )?;
        say_made_key(session, &created)?;
        session.say(created["set_up"].as_str().unwrap_or_default())
    })
}

async fn set(tenant: &mut TenantSession<'_>, args: SetArgs) -> anyhow::Result<()> {
    let path = format!("sources/{}", args.source);
    let mut body = json!({});
    if args.no_name || args.name.is_some() {
        body["name"] = json!(args.name);
    }
    if args.first_office || args.office.is_some() {
        body["office_id"] = json!(args.office.map(|office| office.to_string()));
    }
    if args.no_accounts || !args.accounts.is_empty() {
        body["accounts"] = json!(args.accounts);
    }
    if body == json!({}) {
        anyhow::bail!("nothing is named that should change: see `pipeline source set --help`");
    }
    let version = config::newest(tenant, &path).await?;
    let now = tenant
        .change(Method::PATCH, &path, Some(&body), version)
        .await?;
    tenant.session.show(&now, |session| {
        session.say(&if now["version"].as_u64() == Some(version) {
            "Nothing has changed: the source is so already.".to_owned()
        } else {
            format!(
                "The source {} is changed, within 5 seconds. Name: {}. Office: {}. Accounts: {}.",
                args.source,
                cell(&now["name"]),
                now["office_id"].as_str().unwrap_or("the first"),
                cell(&now["accounts"])
            )
        })
    })
}

async fn connect(
    settings: &Settings,
    tenant: &mut TenantSession<'_>,
    args: ConnectArgs,
) -> anyhow::Result<()> {
    tenant.session.api.needs_provider(&args.provider)?;
    let mut body = json!({
        "provider": args.provider,
        "connection": args.connection,
        "accounts": args.accounts,
        "office_id": args.office.map(|office| office.to_string()),
    });
    if !args.settings.is_empty() {
        let given: BTreeMap<_, _> = args.settings.into_iter().collect();
        body["settings"] = json!(given);
    }
    // Without an API that we call, nothing needs the account. What is no provider is refused by the server, which says which
    // there are.
    let providers = catalogue::providers();
    let mut known = providers.iter();
    let known = known.find(|known| known.is_source && known.slug == args.provider);
    let has_api = known.is_some_and(|known| known.base_url.is_some());
    if has_api && !args.same_secret {
        let secret = args.secret.read(settings, "The account's secret")?;
        body["secret"] = json!(secret.expose_secret());
    }
    let path = "sources/connect";
    let answer = tenant.call(Method::POST, path, Some(&body), None).await?;
    let is_connected = answer["is_connected"] == json!(true);
    let by_hand = answer["by_hand"].as_array().cloned().unwrap_or_default();
    let is_by_hand = !by_hand.is_empty();
    tenant.session.show(&answer, |session| {
        for step in answer["steps"].as_array().into_iter().flatten() {
            let mark = match step["is_done"].as_bool() {
                Some(true) => "done",
                _ if is_by_hand => "TO DO",
                _ => "FAILED",
            };
            session.say(&format!(
                "  {mark:<7} {:<12} {}",
                cell(&step["step"]),
                step["detail"].as_str().unwrap_or_default()
            ))?;
        }
        say_urls(
            session,
            &answer,
            "\nIts URLs hold a key and are shown until the first delivery has come:\n",
        )?;
        say_made_key(session, &answer)?;
        for (number, step) in (1..).zip(&by_hand) {
            let step = step.as_str().unwrap_or_default();
            session.say(&format!("{number}. {step}"))?;
        }
        Ok(())
    })?;
    if is_by_hand {
        anyhow::bail!("the source is not connected yet: do what is listed, then run this again");
    }
    if !is_connected {
        anyhow::bail!("the source is not connected yet: see the last step, then run this again");
    }
    if known.is_some_and(|known| !known.is_connected_by_call) {
        // A delivery of the provider's own has come already.
        return tenant.session.show(&json!(null), |session| {
            session.say("The source is connected.")
        });
    }
    let source = answer["source"]["source_id"].as_str().unwrap_or_default();
    test(tenant, source).await
}

async fn test(tenant: &mut TenantSession<'_>, source: &str) -> anyhow::Result<()> {
    tenant
        .session
        .api
        .needs_server("so no delivery can arrive")?;
    let path = format!("sources/{source}/test");
    let answer = tenant.call(Method::POST, &path, None, None).await?;
    tenant.session.show(&answer, |session| {
        session.say(answer["detail"].as_str().unwrap_or_default())
    })?;
    if answer["is_arrived"] == json!(true) {
        Ok(())
    } else {
        anyhow::bail!("the test delivery did not arrive")
    }
}

/// Prints the URLs to enter at the provider, if there are any, below these words.
fn say_urls(session: &mut Session<'_>, answer: &Value, words: &str) -> anyhow::Result<()> {
    let webhooks = answer["webhooks"].as_array().cloned().unwrap_or_default();
    if webhooks.is_empty() {
        return Ok(());
    }
    session.say(words)?;
    for webhook in &webhooks {
        let event = match webhook["event"].as_str() {
            Some(event) => format!("{event:<15} "),
            None => String::new(),
        };
        let url = webhook["url"].as_str().unwrap_or_default();
        session.say(&format!("  {event}{url}"))?;
    }
    session.say("")
}

/// Prints a key that was made, for the sender to sign with.
fn say_made_key(session: &mut Session<'_>, answer: &Value) -> anyhow::Result<()> {
    match answer["signing_key"].as_str() {
        Some(key) => session.say(&format!(
            "The key that the sender signs with, shown this once:\n\n  {key}\n"
        )),
        None => Ok(()),
    }
}

async fn set_state(
    tenant: &mut TenantSession<'_>,
    source: SourceId,
    verb: &str,
) -> anyhow::Result<()> {
    let path = format!("sources/{source}/{verb}");
    let now = tenant.call(Method::POST, &path, None, None).await?;
    tenant.session.show(&now, |session| {
        session.say(&format!("The source {source} is {}.", cell(&now["state"])))
    })
}
