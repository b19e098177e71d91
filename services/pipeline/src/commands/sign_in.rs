//! `pipeline sign-in`.

use http::Method;
use serde_json::json;
use store::TenantRole;

use super::session::{TenantSession, link_or_code};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Prints a link that signs in, once, within 24 hours and until the server starts again.
    #[command(after_help = "Example:\n  pipeline sign-in code --tenant acme --role operator")]
    Code {
        /// What the person may do in the tenant.
        #[arg(long, value_name = "ROLE", default_value = "tenant_admin")]
        role: TenantRole,
        /// Who the person is, as the audit log shows them.
        #[arg(long, value_name = "NAME", default_value = "operator")]
        subject: String,
    },
}

pub(super) async fn run(tenant: &mut TenantSession<'_>, command: Command) -> anyhow::Result<()> {
    let Command::Code { role, subject } = command;
    let body = json!({ "tenant_id": tenant.id(), "role": role.as_str(), "subject": subject });
    let session = &mut tenant.session;
    session
        .api
        .needs_server("so nobody can sign in, and the next start makes the code void")?;
    let created = session
        .api
        .call(Method::POST, "/v1/sign-in/codes", Some(&body), None)
        .await?;
    session.show(&created, |session| session.say(link_or_code(&created)))
}
