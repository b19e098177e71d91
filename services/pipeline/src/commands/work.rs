//! `pipeline work`: steps that are held or parked.

use anyhow::{anyhow, bail};
use domain::{ConnectionName, RequestId, Stage};
use http::Method;
use serde_json::{Value, json};

use super::{
    api::{Flags, Refused},
    job,
    session::{Paging, TenantSession},
    table::table,
};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Lists the steps that stopped: how many for each reason, then one by one.
    #[command(after_help = "Examples:\n  \
        pipeline work list\n  \
        pipeline work list --state held --stage dispatch")]
    List {
        #[command(flatten)]
        filter: Filter,
        #[command(flatten)]
        paging: Paging,
    },
    /// Lets stopped steps run again, as if they were new: one, or those of a filter, or all, as a job that is followed
    /// until it ends. Ctrl-C leaves it running.
    #[command(after_help = "Examples:\n  \
        pipeline work redrive --request req_… --stage analysis\n  \
        pipeline work redrive --state parked --cause exhausted\n  \
        pipeline work redrive --all")]
    Redrive {
        #[command(flatten)]
        filter: Filter,
        /// For one dispatch: its connection. With --request and --stage.
        #[arg(long, value_name = "CONNECTION", requires_all = ["request", "stage"])]
        target: Option<String>,
        /// Every step that is held or parked, whatever for.
        #[arg(long, conflicts_with_all = ["state", "stage", "cause", "connection", "request"])]
        all: bool,
    },
}

/// Which steps: those that agree with everything that is given.
#[derive(Debug, clap::Args)]
pub(super) struct Filter {
    /// How they stopped.
    #[arg(long, value_parser = ["held", "parked"])]
    state: Option<String>,
    /// Their stage: reading, recording, transcript, analysis, dispatch or notification.
    #[arg(long)]
    stage: Option<Stage>,
    /// Why they were parked.
    #[arg(long, value_parser = ["permanent", "exhausted", "deadline", "crash_loop", "unreadable", "unreached"])]
    cause: Option<String>,
    /// The connection that they are held for.
    #[arg(long, value_name = "NAME")]
    connection: Option<ConnectionName>,
    /// Their request.
    #[arg(long, value_name = "REQUEST")]
    request: Option<RequestId>,
}

/// What stands for the members of a call on the command line.
const FLAGS: Flags = &[
    ("filter.state", "--state"),
    ("filter.stage", "--stage"),
    ("filter.cause", "--cause"),
    ("filter.connection", "--connection"),
    ("filter.request_id", "--request"),
    ("filter.all", "--all"),
    ("filter", "which steps"),
    ("request_id", "--request"),
    ("stage", "--stage"),
    ("target", "--target"),
    ("cursor", "--cursor"),
];

impl Filter {
    fn pairs(&self) -> Vec<(&'static str, String)> {
        [
            ("state", self.state.clone()),
            ("stage", self.stage.map(|stage| stage.to_string())),
            ("cause", self.cause.clone()),
            (
                "connection",
                self.connection.as_ref().map(ToString::to_string),
            ),
            ("request", self.request.map(|request| request.to_string())),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect()
    }

    /// The step that it names, where it names one and nothing else.
    fn step(&self) -> Option<(RequestId, Stage)> {
        let has_more = self.state.is_some() || self.cause.is_some() || self.connection.is_some();
        self.request.zip(self.stage).filter(|_| !has_more)
    }

    /// Whether a line of the counts agrees with it; a request is not told apart there.
    fn takes(&self, count: &Value) -> bool {
        self.pairs()
            .iter()
            .filter(|(name, _)| *name != "request")
            .all(|(name, value)| count[*name].as_str() == Some(value))
    }
}

pub(super) async fn run(tenant: &mut TenantSession<'_>, command: Command) -> anyhow::Result<()> {
    tenant.says(FLAGS);
    match command {
        Command::List { filter, paging } => list(tenant, &filter, &paging).await,
        Command::Redrive {
            filter,
            target,
            all,
        } => redrive(tenant, &filter, target, all).await,
    }
}

async fn list(
    tenant: &mut TenantSession<'_>,
    filter: &Filter,
    paging: &Paging,
) -> anyhow::Result<()> {
    let mut query = filter.pairs();
    query.extend(paging.query());
    let page = tenant.get("work", &query).await?;
    let counts = tenant.get("work/counts", &[]).await?;
    let counts: Vec<_> = counts["items"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|count| filter.takes(count))
        .collect();
    let reasons = [
        ("state", "state"),
        ("stage", "stage"),
        ("cause", "cause"),
        ("held for", "connection"),
        ("steps", "steps"),
        ("oldest", "oldest"),
    ];
    let steps = [
        ("request", "request_id"),
        ("stage", "stage"),
        ("target", "target"),
        ("state", "state"),
        ("cause", "cause"),
        ("held for", "connection"),
        ("reason", "reason"),
    ];
    tenant.session.show(&page, |session| {
        if filter.request.is_none() && !counts.is_empty() {
            session.say(&table(&reasons, counts))?;
            session.say("")?;
        }
        session.show_list(&page, &steps, "Nothing is held or parked.")
    })
}

async fn redrive(
    tenant: &mut TenantSession<'_>,
    filter: &Filter,
    target: Option<String>,
    all: bool,
) -> anyhow::Result<()> {
    if filter.pairs().is_empty() && !all {
        bail!(
            "say which: one step (--request, --stage and --target), a filter (--state, --stage, --cause, --connection, \
             --request), or --all"
        );
    }
    let redriven = match filter.step() {
        Some((request, stage)) => {
            let body = json!({ "request_id": request, "stage": stage, "target": target });
            redrive_one(tenant, request, &body).await?
        }
        None => {
            let mut choice = json!({});
            for (name, value) in filter.pairs() {
                let field = if name == "request" {
                    "request_id"
                } else {
                    name
                };
                choice[field] = json!(value);
            }
            if all {
                choice["all"] = json!(true);
            }
            let new = json!({ "kind": "redrive", "filter": choice });
            job::start(tenant, "jobs", &new).await?
        }
    };
    let sum = redriven["redriven"].as_u64();
    let sum = sum
        .or(redriven["result"]["changed"].as_u64())
        .unwrap_or_default();
    tenant.session.show(&redriven, |session| match sum {
        0 => session
            .say("Nothing that is held or parked agrees with this: see `pipeline work list`."),
        1 => session.say("One step runs again."),
        sum => session.say(&format!("{sum} steps run again.")),
    })?;
    if sum == 0 {
        return Ok(());
    }
    tenant.session.say_when_it_runs()
}

async fn redrive_one(
    tenant: &TenantSession<'_>,
    request: RequestId,
    body: &Value,
) -> anyhow::Result<Value> {
    let redriven = tenant
        .call(Method::POST, "work/redrive", Some(body), None)
        .await;
    redriven.map_err(|error| match error.is::<Refused>() {
        true => anyhow!("{error:#}\n  see: `pipeline request show {request}`"),
        false => error,
    })
}
