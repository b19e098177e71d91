//! `pipeline request`.

use std::io::Write;

use domain::{RequestId, Stage};
use http::Method;
use serde_json::{Value, json};
use settings::Settings;

use super::{
    session::{Scope, Session, TenantSession},
    table::{cell, field_of, table},
};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    scope: Scope,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Shows a request: where it stands, what is still to be done, and what happened.
    #[command(after_help = "Examples:\n  \
        pipeline request show req_…\n  \
        pipeline request show req_… --json")]
    Show {
        /// The request.
        request: RequestId,
    },
    /// Has a request run again from a stage on. CRMs are brought up to date; people are told again only from
    /// `notification` on.
    #[command(after_help = "Example:\n  pipeline request replay req_… --from analysis")]
    Replay {
        /// The request.
        request: RequestId,
        /// The first stage that runs again: reading, recording, transcript, analysis, dispatch or notification.
        #[arg(long, value_name = "STAGE")]
        from: Stage,
    },
}

pub(super) async fn run(
    settings: &Settings,
    args: Args,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let mut tenant = TenantSession::open(settings, &args.scope, out).await?;
    match args.command {
        Command::Show { request } => {
            let shown = tenant.get(&format!("requests/{request}"), &[]).await?;
            tenant
                .session()
                .show(&shown, |session| show(session, &shown))
        }
        Command::Replay { request, from } => {
            let path = format!("requests/{request}/replay");
            let body = json!({ "from": from });
            let now = tenant.act(Method::POST, &path, Some(&body)).await?;
            tenant.session().show(&now, |session| {
                session.say(&format!("The request {request} runs again from {from} on."))
            })?;
            tenant.session().say_when_it_runs()
        }
    }
}

fn show(session: &mut Session<'_>, request: &Value) -> anyhow::Result<()> {
    let lines = [
        ("request", "request_id"),
        ("status", "status"),
        ("came", "created_at"),
        ("caller", "contact.name"),
        ("phone", "contact.phone"),
        ("score", "analysis.lead_score"),
        ("spam %", "analysis.spam_likelihood"),
        ("summary", "analysis.summary"),
        ("verdict", "verdict.decision"),
        ("flags", "flags"),
    ];
    for (name, field) in lines {
        session.say(&format!("{name:<10}{}", cell(field_of(request, field))))?;
    }
    let crms = [
        ("connection", "connection"),
        ("state", "state"),
        ("contact", "contact_id"),
        ("deal", "deal_id"),
        ("reason", "reason"),
    ];
    let work = [
        ("stage", "stage"),
        ("target", "target"),
        ("state", "state"),
        ("cause", "park_cause"),
        ("held for", "held_for"),
        ("due", "due_at"),
        ("reason", "reason"),
    ];
    let timeline = [
        ("at", "at"),
        ("stage", "stage"),
        ("target", "target"),
        ("outcome", "outcome"),
        ("detail", "detail"),
    ];
    for (title, field, columns) in [
        ("CRMs", "dispatches", crms.as_slice()),
        ("Still to be done", "open_work", &work),
        ("What happened", "timeline", &timeline),
    ] {
        let items = request[field].as_array().cloned().unwrap_or_default();
        if !items.is_empty() {
            session.say(&format!("\n{title}\n{}", table(columns, &items)))?;
        }
    }
    Ok(())
}
