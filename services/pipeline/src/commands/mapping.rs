//! `pipeline mapping`.

use std::{io::Write, path::PathBuf};

use domain::{ConnectionName, RequestId};
use http::Method;
use serde_json::{Value, json};
use settings::Settings;

use super::{
    config::{newest, of_the_file, read},
    session::{Paging, Session, TenantArgs, TenantSession, for_tenant},
    table::cell,
};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Prints the field mapping of a connection to a CRM as JSON, ready to be changed and saved again. With --json, also
    /// what is filled without any mapping.
    #[command(after_help = "Example:\n  pipeline mapping show crm --tenant acme > mapping.json")]
    Show {
        /// The connection's name.
        connection: ConnectionName,
        /// An earlier version. Default: the newest.
        #[arg(long, value_name = "NUMBER")]
        at: Option<u64>,
    },
    /// Saves the field mapping of a connection as a new version, once the CRM's own description was asked whether it fits.
    #[command(
        after_help = "Example:\n  pipeline mapping set crm mapping.json --tenant acme --note \"budget goes to amount\""
    )]
    Set {
        /// The connection's name.
        connection: ConnectionName,
        /// A file with the mapping as JSON, as `mapping show` prints it; `-` is standard input.
        file: PathBuf,
        /// Why, for whoever reads the history.
        #[arg(long)]
        note: Option<String>,
        /// The version that the file was made from: if there is a newer one, nothing is saved. Default: the newest.
        #[arg(long, value_name = "NUMBER")]
        upon: Option<u64>,
    },
    /// Shows what a push of a lead would send, without sending it.
    #[command(
        after_help = "Example:\n  pipeline mapping preview crm req_0199f3a100007000800000000000002a mapping.json --tenant acme"
    )]
    Preview {
        /// The connection's name.
        connection: ConnectionName,
        /// The lead.
        request: RequestId,
        /// A file with a mapping that is not saved yet; `-` is standard input. Default: the mapping that is saved.
        file: Option<PathBuf>,
    },
    /// Lists the versions of a field mapping, newest first.
    #[command(after_help = "Example:\n  pipeline mapping history crm --tenant acme")]
    History {
        /// The connection's name.
        connection: ConnectionName,
        #[command(flatten)]
        paging: Paging,
    },
    /// Shows what two versions say differently. Default: the newest and the one before.
    #[command(after_help = "Example:\n  pipeline mapping diff crm --tenant acme --from 1 --to 3")]
    Diff {
        /// The connection's name.
        connection: ConnectionName,
        /// The version before; 0 stands for no mapping.
        #[arg(long, value_name = "NUMBER")]
        from: Option<u64>,
        /// The version after.
        #[arg(long, value_name = "NUMBER")]
        to: Option<u64>,
    },
    /// Saves what an earlier version says as a new one.
    #[command(after_help = "Example:\n  pipeline mapping restore crm 3 --tenant acme")]
    Restore {
        /// The connection's name.
        connection: ConnectionName,
        /// The earlier version.
        version: u64,
    },
    /// Prints the JSON Schema of field mappings.
    #[command(after_help = "Example:\n  pipeline mapping schema")]
    Schema,
}

pub(super) async fn run(
    settings: &Settings,
    args: TenantArgs<Command>,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    if matches!(args.command(), Command::Schema) {
        let schema = serde_json::to_string_pretty(&crm::mapping::schema())?;
        return super::print(out, &schema);
    }
    for_tenant(settings, args, out, act).await
}

async fn act(tenant: &mut TenantSession<'_>, command: Command) -> anyhow::Result<()> {
    match command {
        Command::Show { connection, at } => {
            let mut path = path(&connection);
            if let Some(version) = at {
                path.push_str(&format!("/versions/{version}"));
            }
            let shown = tenant.get(&path, &[]).await?;
            tenant.session.show(&shown, |session| {
                session.say(&serde_json::to_string_pretty(&shown["mapping"])?)
            })
        }
        Command::Set {
            connection,
            file,
            note,
            upon,
        } => {
            let mapping = read(&file)?;
            let path = path(&connection);
            let version = match upon {
                Some(version) => version,
                None => newest(tenant, &path).await?,
            };
            let mut body = json!({ "mapping": mapping });
            if let Some(note) = note {
                body["note"] = note.into();
            }
            let saved = tenant
                .change(Method::PUT, &path, Some(&body), version)
                .await
                .map_err(|error| of_the_file("mapping", error))?;
            say_saved(tenant, &saved, version)
        }
        Command::Preview {
            connection,
            request,
            file,
        } => {
            tenant.needs_provider_of(&connection).await?;
            let mut body = json!({ "request_id": request });
            if let Some(file) = file {
                body["mapping"] = read(&file)?;
            }
            let path = format!("{}/preview", path(&connection));
            let shown = tenant
                .call(Method::POST, &path, Some(&body), None)
                .await
                .map_err(|error| of_the_file("mapping", error))?;
            tenant
                .session
                .show(&shown, |session| show_preview(session, &shown))
        }
        Command::History { connection, paging } => {
            let path = format!("{}/versions", path(&connection));
            let list = tenant.get(&path, &paging.query()).await?;
            let columns = [
                ("version", "version"),
                ("saved", "created_at"),
                ("by", "author"),
                ("note", "note"),
            ];
            let empty = "Nobody has saved a mapping yet: everything is filled as usual.";
            tenant.session.show_list(&list, &columns, empty)
        }
        Command::Diff {
            connection,
            from,
            to,
        } => {
            let path = format!("{}/diff", path(&connection));
            let given = [("from", from), ("to", to)].into_iter();
            let query: Vec<_> = given
                .filter_map(|(name, version)| Some((name, version?.to_string())))
                .collect();
            let diff = tenant.get(&path, &query).await?;
            let columns = [("field", "path"), ("before", "before"), ("after", "after")];
            let (from, to) = (cell(&diff["from"]), cell(&diff["to"]));
            let empty = format!("Versions {from} and {to} say the same.");
            tenant.session.show_list(&diff, &columns, &empty)
        }
        Command::Restore {
            connection,
            version,
        } => {
            let path = path(&connection);
            let newest = newest(tenant, &path).await?;
            let path = format!("{path}/versions/{version}/restore");
            let saved = tenant
                .change(Method::POST, &path, None, newest)
                .await
                .map_err(|error| of_the_file("mapping", error))?;
            say_saved(tenant, &saved, newest)
        }
        Command::Schema => Ok(()),
    }
}

fn path(connection: &ConnectionName) -> String {
    format!("connections/{connection}/mapping")
}

fn say_saved(tenant: &mut TenantSession<'_>, saved: &Value, before: u64) -> anyhow::Result<()> {
    let version = saved["version"].as_u64().unwrap_or_default();
    tenant.session.show(saved, |session| {
        session.say(&if version == before {
            format!("Nothing has changed: version {version} says the same.")
        } else {
            format!(
                "The mapping is saved as version {version}. Leads that are pushed now go by it."
            )
        })?;
        let check = &saved["check"];
        if let Some(detail) = check["detail"].as_str() {
            session.say(detail)?;
        }
        show_faults(session, &check["warnings"])
    })
}

fn show_faults(session: &mut Session<'_>, faults: &Value) -> anyhow::Result<()> {
    for fault in faults.as_array().into_iter().flatten() {
        let line = format!("  {}: {}", cell(&fault["path"]), cell(&fault["message"]));
        session.say(&line)?;
    }
    Ok(())
}

/// Each call with its fields, what fills them, and what is wrong.
fn show_preview(session: &mut Session<'_>, shown: &Value) -> anyhow::Result<()> {
    if shown["is_up_to_date"] == true {
        session.say("The CRM has all of it already: nothing would be sent. If it is pushed again on request:")?;
    }
    for call in shown["calls"].as_array().into_iter().flatten() {
        session.say(&format!("{} {}", cell(&call["method"]), cell(&call["url"])))?;
        for record in call["records"].as_array().into_iter().flatten() {
            session.say(&format!("  {}", cell(&record["object"])))?;
            for field in record["fields"].as_array().into_iter().flatten() {
                let value = domain::text::bounded(&cell(&field["value"]).replace('\n', " "), 60);
                let mut line = format!("    {} = {value}", cell(&field["name"]));
                if field["is_mapped"] == true {
                    line.push_str(&format!("  (mapped from {})", cell(&field["from"])));
                }
                if field["state"] != "ok" {
                    line.push_str(&format!("  {}", cell(&field["state"])));
                }
                if let Some(note) = field["note"].as_str() {
                    line.push_str(&format!(": {note}"));
                }
                session.say(&line)?;
            }
        }
    }
    if let Some(error) = shown["error"].as_str() {
        session.say(&format!("It would get no further: {error}"))?;
    }
    show_faults(session, &shown["problems"])
}
