//! `pipeline audit`.

use super::{
    api::Flags,
    session::{Paging, Period, TenantSession},
};

/// What stands for the parameters of the list on the command line.
const FLAGS: Flags = &[
    ("actor", "--who"),
    ("action", "--action"),
    ("object", "--object"),
    ("from", "--since"),
    ("to", "--until"),
    ("cursor", "--cursor"),
];

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Lists who changed what in a tenant, newest first: what agrees with everything that is given.
    #[command(after_help = "Examples:\n  \
        pipeline audit list --tenant acme --limit 20\n  \
        pipeline audit list --who ann@example.com --since 2026-11-01\n  \
        pipeline audit list --action secret.set --object our-crm")]
    List {
        /// Who did it, as the list shows it.
        #[arg(long, value_name = "NAME")]
        who: Option<String>,
        /// What was done, as the list shows it.
        #[arg(long, value_name = "ACTION")]
        action: Option<String>,
        /// What it was done to: an id or a name.
        #[arg(long, value_name = "OBJECT")]
        object: Option<String>,
        #[command(flatten)]
        period: Period,
        #[command(flatten)]
        paging: Paging,
    },
}

pub(super) async fn run(tenant: &mut TenantSession<'_>, command: Command) -> anyhow::Result<()> {
    let Command::List {
        who,
        action,
        object,
        period,
        paging,
    } = command;
    tenant.says(FLAGS);
    let mut query = paging.query();
    query.extend(who.map(|who| ("actor", who)));
    query.extend(action.map(|action| ("action", action)));
    query.extend(object.map(|object| ("object", object)));
    query.extend(period.query());
    let page = tenant.get("audit", &query).await?;
    let columns = [
        ("at", "at"),
        ("who", "actor"),
        ("did", "action"),
        ("to", "object"),
        ("detail", "detail"),
    ];
    tenant
        .session
        .show_list(&page, &columns, "Nobody has changed any such thing.")
}
