//! `pipeline job`: bulk work that the server does in the background.

use std::{fs, path::PathBuf, time::Duration};

use anyhow::{Context as _, bail};
use domain::{Channel, JobId, OfficeId, Stage, Status};
use http::Method;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use runtime::ServeOptions;
use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::{
    session::{Paging, Session, TenantSession},
    table::{cell, field_of, table},
};

/// The pause between two looks at a job.
const PAUSE: Duration = Duration::from_millis(100);

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Lists jobs, newest first.
    #[command(after_help = "Examples:\n  \
        pipeline job list\n  \
        pipeline job list --state running --kind redrive")]
    List {
        /// Where they stand.
        #[arg(long, value_parser = ["queued", "running", "done", "cancelled", "failed"])]
        state: Option<String>,
        /// What they do.
        #[arg(long, value_parser = ["redrive", "replay", "release", "dry_run", "reconcile", "recount"])]
        kind: Option<String>,
        #[command(flatten)]
        paging: Paging,
    },
    /// Shows a job: how far it is, what it left as it was, and what stopped again.
    #[command(after_help = "Example:\n  pipeline job show job_…")]
    Show {
        /// The job.
        job: JobId,
    },
    /// Stops a job. What it did stays done.
    #[command(after_help = "Example:\n  pipeline job cancel job_…")]
    Cancel {
        /// The job.
        job: JobId,
    },
    /// Follows a job until it ends. Ctrl-C leaves it running.
    #[command(after_help = "Example:\n  pipeline job watch job_…")]
    Watch {
        /// The job.
        job: JobId,
    },
    /// Has many requests run again from a stage on, and follows the job. `pipeline request replay` replays one.
    #[command(after_help = "Examples:\n  \
        pipeline job replay --from-stage dispatch --status completed --since 2026-11-01\n  \
        pipeline job replay --from-stage analysis --all")]
    Replay {
        /// The first stage that runs again.
        #[arg(long, value_name = "STAGE")]
        from_stage: Stage,
        /// Where the requests stand.
        #[arg(long, value_name = "STATUS")]
        status: Option<Status>,
        #[command(flatten)]
        requests: Requests,
    },
    /// Tries a workflow configuration on what came in: how many requests would end where, and which ones differently.
    /// Nothing is sent and nothing is saved.
    #[command(
        after_help = "Example:\n  pipeline job dry-run workflow.json --tenant acme --days 30"
    )]
    DryRun {
        /// The configuration as JSON, whole.
        file: PathBuf,
        /// The office whose requests are compared. Default: the tenant's only one.
        #[arg(long, value_name = "OFFICE")]
        office: Option<OfficeId>,
        /// Requests of so many days are compared.
        #[arg(long, value_name = "DAYS", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=90))]
        days: u32,
    },
}

/// Which requests bulk work is about: those that agree with everything that is given.
#[derive(Debug, clap::Args)]
pub(super) struct Requests {
    /// How they reached the company.
    #[arg(long, value_name = "CHANNEL")]
    channel: Option<Channel>,
    /// Those that came in then or later: a day (2026-11-27) by the office's clock, or a time (2026-11-27T14:00:00Z).
    #[arg(long, value_name = "WHEN")]
    since: Option<String>,
    /// Those that came in up to the end of this day, or before this time.
    #[arg(long, value_name = "WHEN")]
    until: Option<String>,
    /// All of them.
    #[arg(long, conflicts_with_all = ["channel", "since", "until"])]
    all: bool,
}

impl Requests {
    /// Whether anything is given.
    pub(super) const fn is_given(&self) -> bool {
        self.all || self.channel.is_some() || self.since.is_some() || self.until.is_some()
    }

    /// As the API's filter, with a status where one is meant.
    pub(super) fn filter(&self, status: Option<&str>) -> Value {
        let mut filter = json!({});
        let texts = [
            ("status", status.map(str::to_owned)),
            ("channel", self.channel.map(|channel| channel.to_string())),
            ("from", self.since.clone()),
            ("to", self.until.clone()),
        ];
        for (name, text) in texts {
            if let Some(text) = text {
                filter[name] = json!(text);
            }
        }
        if filter == json!({}) {
            filter["all"] = json!(self.all);
        }
        filter
    }
}

pub(super) async fn run(tenant: &mut TenantSession<'_>, command: Command) -> anyhow::Result<()> {
    match command {
        Command::List {
            state,
            kind,
            paging,
        } => list(tenant, state, kind, &paging).await,
        Command::Show { job } => {
            let job = tenant.get(&format!("jobs/{job}"), &[]).await?;
            tenant.session.show(&job, |session| show(session, &job))
        }
        Command::Cancel { job } => {
            let path = format!("jobs/{job}");
            let job = tenant.call(Method::DELETE, &path, None, None).await?;
            tenant.session.show(&job, |session| {
                session.say(&format!("The job is cancelled: {}.", progress_of(&job)))
            })
        }
        Command::Watch { job } => {
            let job = tenant.get(&format!("jobs/{job}"), &[]).await?;
            let job = follow(tenant, job).await?;
            tenant.session.show(&job, |session| show(session, &job))
        }
        Command::Replay {
            from_stage,
            status,
            requests,
        } => {
            let filter = requests.filter(status.map(Status::as_str));
            let new = json!({ "kind": "replay", "from_stage": from_stage, "filter": filter });
            let job = start(tenant, "jobs", &new).await?;
            tenant.session.show(&job, |session| show(session, &job))?;
            tenant.session.say_when_it_runs()
        }
        Command::DryRun { file, office, days } => {
            let text =
                fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?;
            let config: Value = serde_json::from_str(&text)
                .with_context(|| format!("{} is not JSON", file.display()))?;
            let trial = json!({ "config": config, "days": days });
            let path = format!("{}/config/dry-run", tenant.office(office).await?);
            let job = start(tenant, &path, &trial).await?;
            tenant.session.show(&job, |session| show(session, &job))
        }
    }
}

async fn list(
    tenant: &mut TenantSession<'_>,
    state: Option<String>,
    kind: Option<String>,
    paging: &Paging,
) -> anyhow::Result<()> {
    let mut query = paging.query();
    query.extend(state.map(|state| ("state", state)));
    query.extend(kind.map(|kind| ("kind", kind)));
    let list = tenant.get("jobs", &query).await?;
    let columns = [
        ("job", "job_id"),
        ("kind", "kind"),
        ("state", "state"),
        ("done", "done"),
        ("of", "total"),
        ("stopped again", "stopped"),
        ("by", "by"),
        ("created", "created_at"),
    ];
    let empty = "There is no such job. Jobs are kept for 30 days.";
    tenant.session.show_list(&list, &columns, empty)
}

/// Starts a job and follows it until it ends.
///
/// # Errors
/// When it is refused, or does not end well.
pub(super) async fn start(
    tenant: &mut TenantSession<'_>,
    path: &str,
    new: &Value,
) -> anyhow::Result<Value> {
    let job = tenant.call(Method::POST, path, Some(new), None).await?;
    follow(tenant, job).await
}

/// Follows a job until it ends. Where no server runs, it is done here.
async fn follow(tenant: &mut TenantSession<'_>, job: Value) -> anyhow::Result<Value> {
    let tasks = tenant.session.api.take_tasks();
    if tasks.is_empty() {
        return watched(tenant, job).await;
    }
    let (stop, stopped) = oneshot::channel::<()>();
    let shutdown = async {
        // It is dropped, not sent.
        drop(stopped.await);
    };
    let running = runtime::run(Vec::new(), tasks, ServeOptions::default(), shutdown);
    let watching = async {
        let ended = watched(tenant, job).await;
        drop(stop);
        ended
    };
    let (ran, ended) = tokio::join!(running, watching);
    ran?;
    ended
}

async fn watched(tenant: &TenantSession<'_>, mut job: Value) -> anyhow::Result<Value> {
    let path = format!("jobs/{}", job["job_id"].as_str().unwrap_or_default());
    let style = ProgressStyle::with_template("{bar:40} {pos} of {len}, {per_sec}")?;
    let bar = ProgressBar::with_draw_target(job["total"].as_u64(), ProgressDrawTarget::stderr());
    let bar = bar.with_style(style);
    while job["finished_at"].is_null() {
        tokio::time::sleep(PAUSE).await;
        job = tenant
            .get(&path, &[])
            .await
            .inspect_err(|_| bar.abandon())?;
        if let Some(total) = job["total"].as_u64() {
            bar.set_length(total);
        }
        bar.set_position(job["done"].as_u64().unwrap_or_default());
    }
    bar.finish_and_clear();
    match job["state"].as_str() {
        Some("failed") => bail!(
            "the job failed after {}: {}",
            progress_of(&job),
            cell(&job["failure"])
        ),
        Some("cancelled") => bail!("the job was cancelled after {}", progress_of(&job)),
        _ => Ok(job),
    }
}

/// How far a job is: `180 of 1204`.
fn progress_of(job: &Value) -> String {
    match job["total"].as_u64() {
        Some(total) => format!("{} of {total}", job["done"]),
        None => cell(&job["done"]),
    }
}

fn show(session: &mut Session<'_>, job: &Value) -> anyhow::Result<()> {
    for (name, field) in [
        ("job", "job_id"),
        ("kind", "kind"),
        ("from", "from_stage"),
        ("state", "state"),
        ("by", "by"),
        ("created", "created_at"),
        ("ended", "finished_at"),
        ("failure", "failure"),
    ] {
        session.say(&format!("{name:<10}{}", cell(field_of(job, field))))?;
    }
    let filter = job["filter"].as_object().into_iter().flatten();
    // All is what is said where nothing else is.
    let filter = filter.filter(|(name, value)| !value.is_null() && name.as_str() != "all");
    let filter: Vec<_> = filter
        .map(|(name, value)| format!("{name} {}", cell(value)))
        .collect();
    let what = if filter.is_empty() {
        "everything".to_owned()
    } else {
        filter.join(", ")
    };
    session.say(&format!("{:<10}{what}", "what"))?;
    session.say(&format!("{:<10}{}", "done", progress_of(job)))?;
    let result = &job["result"];
    if job["kind"] == "dry_run" {
        return show_comparison(session, result);
    }
    for (name, value) in [
        ("changed", &result["changed"]),
        ("skipped", &result["skipped"]),
        ("stopped", &job["stopped"]),
    ] {
        session.say(&format!("{name:<10}{}", cell(value)))?;
    }
    let skipped = [("request", "request_id"), ("reason", "reason")];
    let stopped = [
        ("request", "request_id"),
        ("stage", "stage"),
        ("target", "target"),
        ("state", "state"),
        ("reason", "reason"),
    ];
    say_table(
        session,
        "Left as it was",
        &skipped,
        &result["first_skipped"],
    )?;
    say_table(session, "Stopped again", &stopped, &result["first_stopped"])?;
    say_not_compared(session, result)
}

/// What a comparison with providers did not take, the sources that it passed over, and until when it waits for one.
pub(super) fn say_not_compared(session: &mut Session<'_>, result: &Value) -> anyhow::Result<()> {
    for left in left_out(result) {
        session.say(&left)?;
    }
    if let Some(until) = result["put_off_until"].as_str() {
        session.say(&format!(
            "A provider takes no more requests: it goes on at {until}."
        ))?;
    }
    let faults = [("source", "source_id"), ("reason", "reason")];
    say_table(session, "Not compared", &faults, &result["faults"])
}

/// What is missing still, in words.
fn left_out(result: &Value) -> Vec<String> {
    let count = |name: &str| result[name].as_u64().unwrap_or_default();
    let mut left = Vec::new();
    let young = count("too_young");
    if young > 0 {
        let (verb, its) = if young == 1 {
            ("waits", "its webhook")
        } else {
            ("wait", "their webhooks")
        };
        let until = result["old_enough_at"].as_str();
        let until = until.map_or_else(String::new, |at| format!(" after {at}"));
        left.push(format!(
            "{young} more {verb}: too young to be missing, {its} may still come. The audit looks again{until}, or run this then."
        ));
    }
    let unreadable = count("unreadable");
    if unreadable > 0 {
        let verb = if unreadable == 1 { "is" } else { "are" };
        left.push(format!(
            "{unreadable} more {verb} missing and cannot be read as the provider lists them: the server's log says why."
        ));
    }
    left
}

fn show_comparison(session: &mut Session<'_>, result: &Value) -> anyhow::Result<()> {
    session.say(&format!("{:<10}{}", "compared", cell(&result["requests"])))?;
    session.say(&format!(
        "{:<10}{}",
        "changed",
        cell(&result["changed_total"])
    ))?;
    let before = result["counts"]["before"].as_object();
    let outcomes: Vec<_> = before
        .into_iter()
        .flatten()
        .map(|(outcome, before)| {
            let after = &result["counts"]["after"][outcome];
            json!({ "outcome": outcome, "before": before, "after": after })
        })
        .collect();
    let columns = [
        ("outcome", "outcome"),
        ("before", "before"),
        ("after", "after"),
    ];
    session.say(&format!("\n{}", table(&columns, &outcomes)))?;
    let columns = [
        ("request", "request_id"),
        ("what", "what"),
        ("before", "before"),
        ("after", "after"),
        ("because", "because"),
    ];
    say_table(session, "Would be different", &columns, &result["changed"])
}

fn say_table(
    session: &mut Session<'_>,
    title: &str,
    columns: &[(&str, &str)],
    items: &Value,
) -> anyhow::Result<()> {
    match items.as_array() {
        Some(items) if !items.is_empty() => {
            session.say(&format!("\n{title}\n{}", table(columns, items)))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_taken_is_told() {
        let none = json!({ "too_young": 0, "old_enough_at": null, "unreadable": 0 });
        assert!(left_out(&none).is_empty());
        let some =
            json!({ "too_young": 1, "old_enough_at": "2026-11-28T19:20:00Z", "unreadable": 2 });
        let left = left_out(&some);
        assert!(left[0].starts_with("1 more waits: too young"), "{left:?}");
        assert!(left[0].contains("after 2026-11-28T19:20:00Z"), "{left:?}");
        assert!(left[1].starts_with("2 more are missing"), "{left:?}");
    }
}
