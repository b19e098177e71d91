//! `pipeline connection`.

use anyhow::bail;
use domain::ConnectionName;
use serde_json::{Value, json};

use super::{
    secret::{self, SetArgs, TestArgs},
    session::TenantSession,
    table::table,
};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Connects an account at a provider, or changes its secret, and lets what was held for it go on. The secret is read
    /// from standard input, a file or an environment variable. A connection that is called like a provider is one to it.
    #[command(after_help = secret::examples("connection add"))]
    Add(SetArgs),
    /// Asks a CRM or a team's chat whether it takes a connection's account. Nothing is written or posted there. Ends with 1
    /// where the account is refused or the provider is not reached.
    #[command(after_help = "Example:\n  pipeline connection check crm --tenant acme")]
    Check(TestArgs),
    /// Lists the fields of a connection's CRM: their types, their options, and which it requires. Ends with 1 where the CRM
    /// does not tell them.
    #[command(after_help = "Example:\n  pipeline connection schema crm --tenant acme")]
    Schema(SchemaArgs),
    /// Lists the connections, and whether their providers take them.
    #[command(after_help = "Example:\n  pipeline connection list --tenant acme")]
    List,
}

#[derive(Debug, clap::Args)]
pub(super) struct SchemaArgs {
    /// The connection's name.
    connection: ConnectionName,
}

pub(super) async fn run(tenant: &mut TenantSession<'_>, command: Command) -> anyhow::Result<()> {
    match command {
        Command::Add(args) => secret::set(tenant.settings, tenant, args.with_its_provider()).await,
        Command::Check(args) => secret::test(tenant, args).await,
        Command::Schema(SchemaArgs { connection }) => {
            tenant.needs_provider_of(&connection).await?;
            let path = format!("connections/{connection}/schema");
            let schema = tenant.get(&path, &[]).await?;
            let is_silent = schema["objects"].as_array().is_none_or(Vec::is_empty);
            tenant.session.show(&schema, |session| {
                if is_silent {
                    return session.say(schema["detail"].as_str().unwrap_or_default());
                }
                session.say(&fields(&schema))
            })?;
            if is_silent {
                bail!("the CRM of the connection {connection} did not tell its fields");
            }
            Ok(())
        }
        Command::List => {
            let list = tenant.get("connections", &[]).await?;
            let columns = [
                ("connection", "name"),
                ("provider", "provider"),
                ("state", "state"),
                ("version", "version"),
            ];
            let empty =
                "The tenant has no connections yet: add one with `pipeline connection add`.";
            tenant.session.show_list(&list, &columns, empty)
        }
    }
}

/// The fields as a table.
fn fields(schema: &Value) -> String {
    let mut rows = Vec::new();
    for object in schema["objects"].as_array().into_iter().flatten() {
        for field in object["fields"].as_array().into_iter().flatten() {
            let is = |name: &str| field[name] == true;
            let options = field["options"].as_array().into_iter().flatten();
            let options: Vec<_> = options.filter_map(Value::as_str).collect();
            rows.push(json!({
                "object": object["name"], "name": field["name"], "label": field["label"], "holds": field["holds"],
                "is": match (is("is_required"), is("is_read_only")) {
                    (true, _) => "required",
                    (_, true) => "read only",
                    _ => "",
                },
                "options": domain::text::bounded(&options.join(", "), 60),
            }));
        }
    }
    let columns = [
        ("record", "object"),
        ("field", "name"),
        ("label", "label"),
        ("holds", "holds"),
        ("", "is"),
        ("options", "options"),
    ];
    table(&columns, &rows)
}
