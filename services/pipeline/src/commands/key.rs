//! `pipeline key`.

use http::Method;
use jiff::Timestamp;
use serde_json::json;
use store::Scope;

use super::session::{TenantSession, segment};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Makes a key by which a program calls the API for the tenant, and prints it this once.
    #[command(
        after_help = "Example:\n  pipeline key create \"Weekly report\" --scope read --expires 2027-12-31T00:00:00Z --tenant acme"
    )]
    Create {
        /// What it is for.
        name: String,
        /// What it opens: ingest, read, operate or admin; can be repeated.
        #[arg(long = "scope", value_name = "SCOPE", required = true)]
        scopes: Vec<Scope>,
        /// Until when it is taken. Default: until it is revoked.
        #[arg(long, value_name = "TIME")]
        expires: Option<Timestamp>,
    },
    /// Lists the keys of a tenant, without the keys themselves.
    #[command(after_help = "Example:\n  pipeline key list --tenant acme")]
    List,
    /// Revokes a key: it is refused within 5 seconds.
    #[command(
        after_help = "Example:\n  pipeline key revoke key_0199f3a100007000800000000000002a --tenant acme"
    )]
    Revoke {
        /// The key's id.
        key: String,
    },
}

pub(super) async fn run(tenant: &mut TenantSession<'_>, command: Command) -> anyhow::Result<()> {
    match command {
        Command::Create {
            name,
            scopes,
            expires,
        } => {
            let scopes: Vec<_> = scopes.into_iter().map(Scope::as_str).collect();
            let body = json!({ "name": name, "scopes": scopes, "expires_at": expires });
            let created = tenant
                .call(Method::POST, "api-keys", Some(&body), None)
                .await?;
            tenant.session.show(&created, |session| {
                session.say("The key is shown this once; send it as `Authorization: Bearer …`:")?;
                session.say(created["key"].as_str().unwrap_or_default())
            })
        }
        Command::List => {
            let list = tenant.all("api-keys").await?;
            let columns = [
                ("key", "key_id"),
                ("begins", "prefix"),
                ("name", "name"),
                ("scopes", "scopes"),
                ("last used", "last_used_at"),
                ("expires", "expires_at"),
                ("revoked", "revoked_at"),
            ];
            let empty = "The tenant has no key: make one with `pipeline key create`.";
            tenant.session.show_list(&list, &columns, empty)
        }
        Command::Revoke { key } => {
            let path = format!("api-keys/{}", segment(&key));
            let now = tenant.call(Method::DELETE, &path, None, None).await?;
            let said = "The key is refused within 5 seconds.";
            tenant.session.show(&now, |session| session.say(said))
        }
    }
}
