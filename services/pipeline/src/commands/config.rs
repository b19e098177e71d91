//! `pipeline config`.

use std::{
    fs,
    io::{self, Read as _, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};
use domain::OfficeId;
use http::Method;
use serde_json::{Value, json};
use settings::Settings;

use super::{
    api::Refused,
    session::{Paging, TenantArgs, TenantSession, for_tenant},
    table::cell,
};

/// The largest file that is read, of a configuration or of a source's settings.
const MAX_BYTES: u64 = 2 * 1024 * 1024;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Prints an office's configuration as JSON, ready to be changed and saved again. With --json, its version, author
    /// and note, too.
    #[command(after_help = "Example:\n  pipeline config show --tenant acme > config.json")]
    Show {
        #[command(flatten)]
        office: Office,
        /// An earlier version. Default: the newest.
        #[arg(long, value_name = "NUMBER")]
        at: Option<u64>,
    },
    /// Saves an office's configuration as a new version. What the file leaves out has its default.
    #[command(
        after_help = "Example:\n  pipeline config set config.json --tenant acme --note \"we work in Austin now\""
    )]
    Set {
        /// A file with the configuration as JSON, as `config show` prints it; `-` is standard input. `pipeline config
        /// schema` says what can stand in it.
        file: PathBuf,
        #[command(flatten)]
        office: Office,
        /// Why, for whoever reads the history.
        #[arg(long)]
        note: Option<String>,
        /// The version that the file was made from: if there is a newer one, nothing is saved. Default: the newest.
        #[arg(long, value_name = "NUMBER")]
        upon: Option<u64>,
    },
    /// Lists the versions of an office's configuration, newest first.
    #[command(after_help = "Example:\n  pipeline config history --tenant acme")]
    History {
        #[command(flatten)]
        office: Office,
        #[command(flatten)]
        paging: Paging,
    },
    /// Shows what two versions say differently. Default: the newest and the one before.
    #[command(after_help = "Example:\n  pipeline config diff --tenant acme --from 1 --to 3")]
    Diff {
        #[command(flatten)]
        office: Office,
        /// The version before; 0 stands for the defaults.
        #[arg(long, value_name = "NUMBER")]
        from: Option<u64>,
        /// The version after.
        #[arg(long, value_name = "NUMBER")]
        to: Option<u64>,
    },
    /// Saves what an earlier version says as a new one.
    #[command(
        after_help = "Example:\n  pipeline config restore 3 --tenant acme --note \"the new area sent good leads away\""
    )]
    Restore {
        /// The earlier version.
        version: u64,
        #[command(flatten)]
        office: Office,
        /// Why, for whoever reads the history. Default: that it is the earlier version again.
        #[arg(long, value_name = "TEXT")]
        note: Option<String>,
    },
    /// Prints the JSON Schema of a configuration: every setting with its default and its limits.
    #[command(after_help = "Example:\n  pipeline config schema")]
    Schema,
}

/// Whose configuration.
#[derive(Debug, clap::Args)]
pub(super) struct Office {
    /// The office. Default: the tenant's only one.
    #[arg(long, value_name = "OFFICE")]
    office: Option<OfficeId>,
}

impl Office {
    /// The path of its configuration, under the tenant.
    async fn config(&self, tenant: &TenantSession<'_>) -> anyhow::Result<String> {
        let office = tenant.office(self.office).await?;
        Ok(format!("{office}/config"))
    }
}

pub(super) async fn run(
    settings: &Settings,
    args: TenantArgs<Command>,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    if matches!(args.command(), Command::Schema) {
        let schema = serde_json::to_string_pretty(&domain::WorkflowConfig::schema())?;
        return super::print(out, &schema);
    }
    for_tenant(settings, args, out, act).await
}

async fn act(tenant: &mut TenantSession<'_>, command: Command) -> anyhow::Result<()> {
    match command {
        Command::Show { office, at } => {
            let mut path = office.config(tenant).await?;
            if let Some(version) = at {
                path.push_str(&format!("/versions/{version}"));
            }
            let shown = tenant.get(&path, &[]).await?;
            tenant.session.show(&shown, |session| {
                session.say(&serde_json::to_string_pretty(&shown["config"])?)
            })
        }
        Command::Set {
            file,
            office,
            note,
            upon,
        } => {
            let config = read(&file)?;
            let path = office.config(tenant).await?;
            let version = match upon {
                Some(version) => version,
                None => newest(tenant, &path).await?,
            };
            let mut body = json!({ "config": config });
            if let Some(note) = note {
                body["note"] = note.into();
            }
            let saved = tenant
                .change(Method::PUT, &path, Some(&body), version)
                .await
                .map_err(|error| of_the_file("config", error))?;
            say_saved(tenant, &saved, version)
        }
        Command::History { office, paging } => {
            let path = format!("{}/versions", office.config(tenant).await?);
            let list = tenant.get(&path, &paging.query()).await?;
            let columns = [
                ("version", "version"),
                ("saved", "created_at"),
                ("by", "author"),
                ("note", "note"),
            ];
            let empty = "Nobody has saved a configuration yet: the defaults apply.";
            tenant.session.show_list(&list, &columns, empty)
        }
        Command::Diff { office, from, to } => {
            let path = format!("{}/diff", office.config(tenant).await?);
            let given = [("from", from), ("to", to)].into_iter();
            let query: Vec<_> = given
                .filter_map(|(name, version)| Some((name, version?.to_string())))
                .collect();
            let diff = tenant.get(&path, &query).await?;
            let columns = [
                ("setting", "path"),
                ("before", "before"),
                ("after", "after"),
            ];
            let (from, to) = (cell(&diff["from"]), cell(&diff["to"]));
            let empty = format!("Versions {from} and {to} say the same.");
            tenant.session.show_list(&diff, &columns, &empty)
        }
        Command::Restore {
            version,
            office,
            note,
        } => {
            let path = office.config(tenant).await?;
            let newest = newest(tenant, &path).await?;
            let path = format!("{path}/versions/{version}/restore");
            let saved = tenant
                .change(Method::POST, &path, restoration(note).as_ref(), newest)
                .await
                .map_err(|error| of_the_file("config", error))?;
            say_saved(tenant, &saved, newest)
        }
        Command::Schema => Ok(()),
    }
}

/// What is sent along with the wish for an earlier version.
pub(super) fn restoration(note: Option<String>) -> Option<Value> {
    note.map(|note| json!({ "note": note }))
}

pub(super) async fn newest(tenant: &TenantSession<'_>, path: &str) -> anyhow::Result<u64> {
    let shown = tenant.get(path, &[]).await?;
    Ok(shown["version"].as_u64().unwrap_or_default())
}

pub(super) fn read(file: &Path) -> anyhow::Result<Value> {
    let mut text = String::new();
    if file == Path::new("-") {
        io::stdin()
            .take(MAX_BYTES)
            .read_to_string(&mut text)
            .context("reading the configuration from standard input")?;
    } else {
        let opened = fs::File::open(file);
        opened
            .and_then(|opened| opened.take(MAX_BYTES).read_to_string(&mut text))
            .with_context(|| format!("reading the configuration in {}", file.display()))?;
    }
    if text.trim().is_empty() {
        bail!("no configuration came in: `pipeline config show` prints one to begin with");
    }
    serde_json::from_str(&text).with_context(|| format!("{} is not JSON", file.display()))
}

/// Faults by their path in the file, which is the member `part` of what was sent.
pub(super) fn of_the_file(part: &'static str, error: anyhow::Error) -> anyhow::Error {
    match error.downcast::<Refused>() {
        Ok(refused) => refused.below(part).into(),
        Err(error) => error,
    }
}

fn say_saved(tenant: &mut TenantSession<'_>, saved: &Value, before: u64) -> anyhow::Result<()> {
    let version = saved["version"].as_u64().unwrap_or_default();
    tenant.session.show(saved, |session| {
        session.say(&if version == before {
            format!("Nothing has changed: version {version} says the same.")
        } else {
            format!("The configuration is saved as version {version}. Leads that arrive now are judged by it.")
        })
    })
}
