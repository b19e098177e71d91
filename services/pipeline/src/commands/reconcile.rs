//! `pipeline reconcile`.

use domain::SourceId;
use serde_json::json;

use super::{job, session::TenantSession, table::cell};

/// What is compared.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The source. Default: every source whose provider has a list.
    #[arg(long, value_name = "SOURCE")]
    source: Option<SourceId>,
    /// Things that happened then or later: a day (2026-11-20) by the office's clock, or a time (2026-11-20T14:00:00Z). Whole
    /// days are compared. Default: a day before the end.
    #[arg(long, value_name = "WHEN")]
    from: Option<String>,
    /// Things that happened up to the end of this day, or before this time. Default: now.
    #[arg(long, value_name = "WHEN")]
    to: Option<String>,
}

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Compares now, and follows the job. What is missing is taken, and marked as recovered.
    #[command(after_help = "Example:\n  pipeline reconcile now --tenant acme --from 2026-11-20")]
    Now(Args),
}

pub(super) async fn run(tenant: &mut TenantSession<'_>, command: Command) -> anyhow::Result<()> {
    let Command::Now(args) = command;
    let mut new = json!({ "kind": "reconcile", "filter": {} });
    let times = [("from", args.from), ("to", args.to)];
    for (name, at) in times {
        if let Some(at) = at {
            new["filter"][name] = json!(at);
        }
    }
    if let Some(source) = args.source {
        new["source_id"] = json!(source.to_string());
    }
    if tenant.session.api.is_alone() {
        let is_meant = |id: &str| args.source.is_none_or(|meant| meant.to_string() == id);
        for source in tenant.items("sources").await? {
            if is_meant(source["source_id"].as_str().unwrap_or_default()) {
                let provider = source["provider"].as_str().unwrap_or_default();
                tenant.session.api.needs_provider(provider)?;
            }
        }
    }
    let job = job::start(tenant, "jobs", &new).await?;
    tenant.session.show(&job, |session| {
        session.say(&format!(
            "{} things were compared, {} were missing and are taken.",
            cell(&job["done"]),
            cell(&job["result"]["changed"])
        ))?;
        job::say_not_compared(session, &job["result"])
    })
}
