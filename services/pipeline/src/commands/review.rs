//! `pipeline review` and `pipeline quarantine`: requests that were kept back.

use anyhow::{Error, anyhow, bail};
use domain::RequestId;
use http::Method;
use serde_json::json;

use super::{
    api::Refused,
    job,
    session::{Paging, TenantSession},
    table::cell,
};

#[derive(Debug, clap::Subcommand)]
pub(super) enum ReviewCommand {
    /// Lists the requests that wait for a person, because they may be spam.
    #[command(after_help = "Example:\n  pipeline review list")]
    List(Paging),
    /// Lets a request go on to CRM and people.
    #[command(after_help = "Example:\n  pipeline review approve req_…")]
    Approve {
        /// The request.
        request: RequestId,
    },
    /// Puts a request aside, as spam. `pipeline quarantine release` takes that back.
    #[command(after_help = "Example:\n  pipeline review reject req_…")]
    Reject {
        /// The request.
        request: RequestId,
    },
}

#[derive(Debug, clap::Subcommand)]
pub(super) enum QuarantineCommand {
    /// Lists the requests that were put aside as spam, or as outside the service area.
    #[command(
        after_help = "Examples:\n  pipeline quarantine list\n  pipeline quarantine list --out-of-area"
    )]
    List {
        /// Those outside the service area.
        #[arg(long)]
        out_of_area: bool,
        #[command(flatten)]
        paging: Paging,
    },
    /// Lets a request that is no spam, or is worth the way, go on to CRM and people; or many of them, as a job that is
    /// followed until it ends. Ctrl-C leaves it running.
    #[command(after_help = "Examples:\n  \
        pipeline quarantine release req_…\n  \
        pipeline quarantine release --out-of-area --since 2026-11-01\n  \
        pipeline quarantine release --all")]
    Release {
        /// The request.
        #[arg(conflicts_with_all = ["out_of_area", "channel", "since", "until", "all"])]
        request: Option<RequestId>,
        /// Of many: those outside the service area, in place of those put aside as spam.
        #[arg(long)]
        out_of_area: bool,
        #[command(flatten)]
        requests: job::Requests,
    },
}

pub(super) async fn review(
    tenant: &mut TenantSession<'_>,
    command: ReviewCommand,
) -> anyhow::Result<()> {
    match command {
        ReviewCommand::List(paging) => {
            list(tenant, "in_review", &paging, "Nothing waits for a review.").await
        }
        ReviewCommand::Approve { request } => decide(tenant, request, "approve").await,
        ReviewCommand::Reject { request } => decide(tenant, request, "reject").await,
    }
}

pub(super) async fn quarantine(
    tenant: &mut TenantSession<'_>,
    command: QuarantineCommand,
) -> anyhow::Result<()> {
    match command {
        QuarantineCommand::List {
            out_of_area,
            paging,
        } => {
            let (status, empty) = if out_of_area {
                ("out_of_area", "Nothing is outside the service area.")
            } else {
                ("quarantined", "Nothing is quarantined.")
            };
            list(tenant, status, &paging, empty).await
        }
        QuarantineCommand::Release {
            request: Some(request),
            ..
        } => decide(tenant, request, "release").await,
        QuarantineCommand::Release {
            request: None,
            out_of_area,
            requests,
        } => release_many(tenant, out_of_area, &requests).await,
    }
}

async fn release_many(
    tenant: &mut TenantSession<'_>,
    out_of_area: bool,
    requests: &job::Requests,
) -> anyhow::Result<()> {
    if !requests.is_given() {
        bail!("say which: one request, a filter (--channel, --since, --until), or --all");
    }
    let status = if out_of_area {
        "out_of_area"
    } else {
        "quarantined"
    };
    tenant.says(job::Requests::FLAGS);
    let new = json!({ "kind": "release", "filter": requests.filter(Some(status)) });
    let job = job::start(tenant, "jobs", &new).await?;
    tenant.session.show(&job, |session| {
        let (changed, skipped) = (&job["result"]["changed"], &job["result"]["skipped"]);
        session.say(&format!(
            "{} requests are released, {} were left as they were.",
            cell(changed),
            cell(skipped)
        ))
    })?;
    tenant.session.say_when_it_runs()
}

async fn list(
    tenant: &mut TenantSession<'_>,
    status: &str,
    paging: &Paging,
    empty: &str,
) -> anyhow::Result<()> {
    let mut query = paging.query();
    query.push(("status", status.to_owned()));
    let page = tenant.get("requests", &query).await?;
    let columns = [
        ("request", "request_id"),
        ("came", "created_at"),
        ("spam %", "spam_likelihood"),
        ("score", "lead_score"),
        ("from", "headline"),
        ("summary", "summary"),
    ];
    tenant.session.show_list(&page, &columns, empty)
}

async fn decide(
    tenant: &mut TenantSession<'_>,
    request: RequestId,
    verb: &str,
) -> anyhow::Result<()> {
    let path = format!("requests/{request}/{verb}");
    let now = match tenant.call(Method::POST, &path, None, None).await {
        Ok(now) => now,
        Err(error) => return Err(with_hint(tenant, request, verb, error).await),
    };
    tenant.session.show(&now, |session| {
        let (request, status) = (cell(&now["request_id"]), cell(&now["status"]));
        session.say(&format!("The request {request} is {status} now."))
    })?;
    if verb == "reject" {
        return Ok(());
    }
    tenant.session.say_when_it_runs()
}

/// Says which command would do, where the request's status has one.
async fn with_hint(
    tenant: &TenantSession<'_>,
    request: RequestId,
    verb: &str,
    error: Error,
) -> Error {
    if !error.is::<Refused>() {
        return error;
    }
    let Ok(shown) = tenant.get(&format!("requests/{request}"), &[]).await else {
        return error; // the request is not there
    };
    let command = match (verb, shown["status"].as_str()) {
        (_, Some("quarantined" | "out_of_area")) => format!("quarantine release {request}"),
        (_, Some("in_review")) => format!("review approve {request}"),
        (_, Some("held" | "parked")) => format!("work list --request {request}"),
        _ => format!("request show {request}"),
    };
    anyhow!("{error:#}\n  instead: `pipeline {command}`")
}
