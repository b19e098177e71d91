//! `pipeline sign-in`.

use std::io::Write;

use http::Method;
use serde_json::json;
use settings::Settings;
use store::TenantRole;

use super::session::{TenantArgs, link_or_code};

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

pub(super) async fn run(
    settings: &Settings,
    args: TenantArgs<Command>,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let (mut tenant, command) = args.open(settings, out).await?;
    let Command::Code { role, subject } = command;
    let body = json!({ "tenant_id": tenant.id(), "role": role.as_str(), "subject": subject });
    let session = &mut tenant.session;
    let created = session
        .api
        .call(Method::POST, "/v1/sign-in/codes", Some(&body), None)
        .await?;
    session.show(&created, |session| session.say(link_or_code(&created)))
}
