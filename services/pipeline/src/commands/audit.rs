//! `pipeline audit`.

use std::io::Write;

use settings::Settings;

use super::session::{Paging, TenantArgs};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Lists who changed what in a tenant, newest first.
    #[command(after_help = "Example:\n  pipeline audit list --tenant acme --limit 20")]
    List(Paging),
}

pub(super) async fn run(
    settings: &Settings,
    args: TenantArgs<Command>,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let (mut tenant, command) = args.open(settings, out).await?;
    let Command::List(paging) = command;
    let page = tenant.get("audit", &paging.query()).await?;
    let columns = [
        ("at", "at"),
        ("who", "actor"),
        ("did", "action"),
        ("to", "object"),
        ("detail", "detail"),
    ];
    tenant
        .session
        .show_list(&page, &columns, "Nobody has changed anything yet.")
}
