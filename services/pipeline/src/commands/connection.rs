//! `pipeline connection`.

use super::{
    secret::{self, SetArgs, TestArgs},
    session::TenantSession,
};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Connects an account at a provider, or changes its secret, and lets what was held for it go on. The secret is read
    /// from standard input, a file or an environment variable. A connection that is called like a provider is one to it.
    #[command(after_help = secret::examples("connection add"))]
    Add(SetArgs),
    /// Asks a CRM or a team's chat whether it takes a connection's account. Nothing is written or posted there.
    #[command(after_help = "Example:\n  pipeline connection check crm --tenant acme")]
    Check(TestArgs),
    /// Lists the connections, and whether their providers take them.
    #[command(after_help = "Example:\n  pipeline connection list --tenant acme")]
    List,
}

pub(super) async fn run(tenant: &mut TenantSession<'_>, command: Command) -> anyhow::Result<()> {
    match command {
        Command::Add(args) => secret::set(tenant.settings, tenant, args.with_its_provider()).await,
        Command::Check(args) => secret::test(tenant, args).await,
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
