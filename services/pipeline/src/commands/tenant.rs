//! `pipeline tenant`.

use std::io::Write;

use domain::TenantId;
use http::Method;
use serde_json::json;
use settings::Settings;

use super::session::{Common, Session};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Creates a tenant: a company whose leads are taken.
    #[command(after_help = "Example:\n  pipeline tenant create acme --name \"Acme Remodeling\"")]
    Create {
        /// Its id: 1 to 63 of a-z, 0-9, `_` and `-`. It stays for ever.
        tenant: TenantId,
        /// Its name, as people read it.
        #[arg(long)]
        name: String,
        /// Names this call, so that a script can repeat it.
        #[arg(long, value_name = "KEY")]
        idempotency_key: Option<String>,
    },
    /// Lists the tenants.
    #[command(after_help = "Example:\n  pipeline tenant list")]
    List,
    /// Gives a tenant another name, which people read. Its id stays.
    #[command(after_help = "Example:\n  pipeline tenant rename acme \"Acme Remodeling\"")]
    Rename {
        /// The tenant.
        tenant: TenantId,
        /// Its name from now on.
        name: String,
    },
    /// Refuses a tenant's webhooks as if it did not exist, within 5 seconds.
    #[command(after_help = "Example:\n  pipeline tenant suspend acme")]
    Suspend {
        /// The tenant.
        tenant: TenantId,
    },
    /// Lets a suspended tenant take part again, within 5 seconds.
    #[command(after_help = "Example:\n  pipeline tenant resume acme")]
    Resume {
        /// The tenant.
        tenant: TenantId,
    },
}

pub(super) async fn run(
    settings: &Settings,
    args: Args,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let mut session = Session::open(settings, &args.common, out).await?;
    match args.command {
        Command::Create {
            tenant,
            name,
            idempotency_key,
        } => {
            let body = json!({ "tenant_id": tenant.as_str(), "name": name });
            let key = idempotency_key.as_deref();
            let created = session
                .api
                .call(Method::POST, "/v1/tenants", Some(&body), key)
                .await?;
            session.show(&created, |session| {
                session.say(&format!(
                    "The tenant {tenant} is there. Its first source: `pipeline source add --tenant {tenant}`."
                ))
            })
        }
        Command::List => {
            let list = json!({ "items": session.tenants().await?, "next_cursor": null });
            let columns = [
                ("tenant", "tenant_id"),
                ("status", "status"),
                ("name", "name"),
            ];
            let empty = "There is no tenant yet: create one with `pipeline tenant create`.";
            session.show_list(&list, &columns, empty)
        }
        Command::Rename { tenant, name } => {
            let (path, body) = (format!("/v1/tenants/{tenant}"), json!({ "name": name }));
            let now = session
                .api
                .call(Method::PUT, &path, Some(&body), None)
                .await?;
            session.show(&now, |session| {
                session.say(&format!("The tenant {tenant} is called {name} now."))
            })
        }
        Command::Suspend { tenant } => set_status(&mut session, &tenant, "suspend").await,
        Command::Resume { tenant } => set_status(&mut session, &tenant, "resume").await,
    }
}

async fn set_status(
    session: &mut Session<'_>,
    tenant: &TenantId,
    verb: &str,
) -> anyhow::Result<()> {
    let path = format!("/v1/tenants/{tenant}/{verb}");
    let now = session.api.call(Method::POST, &path, None, None).await?;
    session.show(&now, |session| {
        let status = now["status"].as_str().unwrap_or_default();
        session.say(&format!("The tenant {tenant} is {status}."))
    })
}
