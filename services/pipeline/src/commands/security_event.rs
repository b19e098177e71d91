//! `pipeline security-event`.

use store::REFUSAL_REASONS;

use super::session::{Paging, TenantSession};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Lists refused deliveries, by minute, address and reason, newest first: a wrong signature, an old one, none.
    #[command(after_help = "Examples:\n  \
        pipeline security-event list --tenant acme --reason wrong_signature\n  \
        pipeline security-event list --address 192.0.2.7")]
    List {
        /// Only those from this address; of IPv6, from its network.
        #[arg(long, value_name = "ADDRESS")]
        address: Option<String>,
        /// Only those for this reason.
        #[arg(long, value_name = "REASON", value_parser = REFUSAL_REASONS)]
        reason: Option<String>,
        /// Instead of the tenant's, those that named no tenant of this server.
        #[arg(long)]
        of_nobody: bool,
        #[command(flatten)]
        paging: Paging,
    },
}

pub(super) async fn run(tenant: &mut TenantSession<'_>, command: Command) -> anyhow::Result<()> {
    let Command::List {
        address,
        reason,
        of_nobody,
        paging,
    } = command;
    tenant.says(&[
        ("address", "--address"),
        ("reason", "--reason"),
        ("cursor", "--cursor"),
    ]);
    let mut query = paging.query();
    query.extend(address.map(|address| ("address", address)));
    query.extend(reason.map(|reason| ("reason", reason)));
    let list = if of_nobody {
        tenant.session.get("/v1/security-events", &query).await?
    } else {
        tenant.get("security-events", &query).await?
    };
    let columns = [
        ("minute", "minute"),
        ("address", "address"),
        ("reason", "reason"),
        ("provider", "provider"),
        ("count", "count"),
        ("trace", "trace_id"),
    ];
    tenant
        .session
        .show_list(&list, &columns, "Nothing of the kind was refused.")
}
