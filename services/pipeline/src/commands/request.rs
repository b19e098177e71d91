//! `pipeline request`.

use domain::{Channel, Intent, OfficeId, ProjectType, RequestId, SourceId, Stage, Status};
use http::Method;
use serde_json::{Value, json};

use super::{
    api::Flags,
    delivery,
    session::{Paging, Session, TenantSession, segment},
    table::{cell, field_of, table},
};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Lists requests, and finds some of them.
    #[command(after_help = "Examples:\n  \
        pipeline request list\n  \
        pipeline request list --status parked --status held --channel form --limit 200\n  \
        pipeline request list --q '512 555 0142'\n  \
        pipeline request list --from 2026-11-01 --score-from 80 --sort score\n  \
        pipeline request list --needs-call --sort score")]
    List(ListArgs),
    /// Counts requests, exactly up to 10,000.
    #[command(
        after_help = "Example:\n  pipeline request count --status completed --from 2026-11-01"
    )]
    Count(Filter),
    /// Shows a request: where it stands, what is still to be done, and what happened.
    #[command(after_help = "Examples:\n  \
        pipeline request show req_…\n  \
        pipeline request show req_… --json")]
    Show {
        /// The request.
        request: RequestId,
    },
    /// Shows the newest delivery of a request as it came: headers and body.
    #[command(after_help = "Example:\n  pipeline request delivery req_…")]
    Delivery {
        /// The request.
        request: RequestId,
    },
    /// Takes two requests apart that were linked as one person's.
    #[command(after_help = "Example:\n  pipeline request unlink req_… req_…")]
    Unlink {
        /// The request.
        request: RequestId,
        /// The one that it is linked to.
        other: RequestId,
    },
    /// Notes that you got in touch with the person, or tried to: the request needs no call any more.
    #[command(after_help = "Examples:\n  \
        pipeline request touch req_… --kind call --outcome reached\n  \
        pipeline request touch req_… --kind text --note 'asked for photos'")]
    Touch {
        /// The request.
        request: RequestId,
        /// How.
        #[arg(long, value_parser = ["call", "text", "email", "visit", "other"])]
        kind: String,
        /// What came of it.
        #[arg(long, value_parser = ["reached", "left_message", "no_answer", "wrong_person"])]
        outcome: Option<String>,
        /// What is worth knowing about it, 2,000 characters at most.
        #[arg(long, value_name = "TEXT")]
        note: Option<String>,
    },
    /// Has a request run again from a stage on. CRMs are brought up to date; people are notified again only from
    /// `notification` on.
    #[command(after_help = "Example:\n  pipeline request replay req_… --from analysis")]
    Replay {
        /// The request.
        request: RequestId,
        /// The first stage that runs again: reading, details, recording, transcript, booking, analysis, dispatch or notification,
        /// if its channel has it.
        #[arg(long, value_name = "STAGE")]
        from: Stage,
    },
}

/// Which requests to list, and how.
#[derive(Debug, clap::Args)]
pub(super) struct ListArgs {
    #[command(flatten)]
    filter: Filter,
    /// The order: newest, oldest, waiting (only those that are not at their end, the oldest first) or score.
    #[arg(long, value_parser = ["newest", "oldest", "waiting", "score"])]
    sort: Option<String>,
    #[command(flatten)]
    paging: Paging,
}

/// Which requests: those that agree with everything that is given.
#[derive(Debug, clap::Args)]
pub(super) struct Filter {
    /// Where they stand: `received`, `processing`, `in_review`, `held`, `parked`, `completed`, `quarantined`,
    /// `out_of_area`, `merged` or `erased`. Can be repeated.
    #[arg(long, value_name = "STATUS")]
    status: Vec<Status>,
    /// How the leads reached the company: phone, text, form, calendar, chat or api.
    #[arg(long, value_name = "CHANNEL")]
    channel: Option<Channel>,
    /// The source of their first delivery.
    #[arg(long, value_name = "SOURCE")]
    source: Option<SourceId>,
    /// Their office.
    #[arg(long, value_name = "OFFICE")]
    office: Option<OfficeId>,
    /// The lowest score, 0 to 100.
    #[arg(long, value_name = "SCORE", value_parser = clap::value_parser!(u8).range(0..=100))]
    score_from: Option<u8>,
    /// The highest score, 0 to 100.
    #[arg(long, value_name = "SCORE", value_parser = clap::value_parser!(u8).range(0..=100))]
    score_to: Option<u8>,
    /// In the service area or not: in, out or unknown.
    #[arg(long, value_parser = ["in", "out", "unknown"])]
    area: Option<String>,
    /// What is to be remodeled: kitchen, bathroom, roofing and so on.
    #[arg(long, value_name = "TYPE")]
    project_type: Option<ProjectType>,
    /// What they want: `quote_request`, appointment, repair and so on.
    #[arg(long, value_name = "INTENT")]
    intent: Option<Intent>,
    /// Only those whose person somebody should call, because nobody did yet.
    #[arg(long)]
    needs_call: bool,
    /// Since then: a day (`2026-11-01`) in the office's zone, or a time (`2026-11-01T09:00:00Z`).
    #[arg(long, value_name = "DAY")]
    from: Option<String>,
    /// Up to the end of this day, or before this time.
    #[arg(long, value_name = "DAY")]
    to: Option<String>,
    /// A name, a telephone number in any form or its last digits, an e-mail address, words that were written or said.
    #[arg(long, value_name = "WORDS")]
    q: Option<String>,
}

/// What stands for the parameters of a list on the command line.
const FLAGS: Flags = &[
    ("status", "--status"),
    ("channel", "--channel"),
    ("source_id", "--source"),
    ("office_id", "--office"),
    ("score_from", "--score-from"),
    ("score_to", "--score-to"),
    ("from", "--from"),
    ("to", "--to"),
    ("q", "--q"),
    ("sort", "--sort"),
    ("cursor", "--cursor"),
];

impl Filter {
    /// As parameters of a query.
    fn query(self) -> Vec<(&'static str, String)> {
        let statuses = self.status.into_iter();
        let statuses = statuses.map(|status| ("status", status.as_str().to_owned()));
        let others = [
            ("channel", self.channel.map(|channel| channel.to_string())),
            ("source_id", self.source.map(|source| source.to_string())),
            ("office_id", self.office.map(|office| office.to_string())),
            ("score_from", self.score_from.map(|score| score.to_string())),
            ("score_to", self.score_to.map(|score| score.to_string())),
            ("area", self.area),
            (
                "project_type",
                self.project_type.map(|project| project.to_string()),
            ),
            ("intent", self.intent.map(|intent| intent.to_string())),
            ("needs_call", self.needs_call.then(|| "true".to_owned())),
            ("from", self.from),
            ("to", self.to),
            ("q", self.q),
        ];
        let others = others
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)));
        statuses.chain(others).collect()
    }
}

async fn list(tenant: &mut TenantSession<'_>, args: ListArgs) -> anyhow::Result<()> {
    let mut query = args.paging.query();
    query.extend(args.sort.map(|sort| ("sort", sort)));
    query.extend(args.filter.query());
    let list = tenant.get("requests", &query).await?;
    let columns = [
        ("request", "request_id"),
        ("came", "created_at"),
        ("status", "status"),
        ("channel", "channel"),
        ("from", "headline"),
        ("score", "lead_score"),
        ("flags", "flags"),
    ];
    let empty = "No request agrees with this.";
    tenant.session.show_list(&list, &columns, empty)
}

async fn count(tenant: &mut TenantSession<'_>, filter: Filter) -> anyhow::Result<()> {
    let counted = tenant.get("requests/count", &filter.query()).await?;
    tenant.session.show(&counted, |session| {
        let count = cell(&counted["count"]);
        match counted["is_exact"].as_bool() {
            Some(true) => session.say(&count),
            _ => session.say(&format!("{count} or more")),
        }
    })
}

pub(super) async fn run(tenant: &mut TenantSession<'_>, command: Command) -> anyhow::Result<()> {
    match command {
        Command::List(args) => {
            tenant.says(FLAGS);
            list(tenant, args).await
        }
        Command::Count(filter) => {
            tenant.says(FLAGS);
            count(tenant, filter).await
        }
        Command::Show { request } => {
            let shown = tenant.get(&format!("requests/{request}"), &[]).await?;
            tenant.session.show(&shown, |session| show(session, &shown))
        }
        Command::Delivery { request } => {
            let shown = tenant.get(&format!("requests/{request}"), &[]).await?;
            let event = field_of(&shown, "source.last_event_id").as_str();
            let path = format!("events/{}", segment(event.unwrap_or_default()));
            let delivery = tenant.get(&path, &[]).await?;
            let session = &mut tenant.session;
            session.show(&delivery, |session| delivery::show(session, &delivery))
        }
        Command::Unlink { request, other } => {
            let path = format!("requests/{request}/links/{other}/unlink");
            let now = tenant.call(Method::POST, &path, None, None).await?;
            tenant.session.show(&now, |session| {
                session.say(&format!("{request} and {other} are no longer linked."))
            })
        }
        Command::Touch {
            request,
            kind,
            outcome,
            note,
        } => {
            let path = format!("requests/{request}/touches");
            let body = json!({ "kind": kind, "outcome": outcome, "note": note });
            let now = tenant.call(Method::POST, &path, Some(&body), None).await?;
            tenant.session.show(&now, |session| {
                session.say(&format!("It is noted of {request}."))
            })
        }
        Command::Replay { request, from } => {
            let path = format!("requests/{request}/replay");
            let body = json!({ "from": from });
            let now = tenant.call(Method::POST, &path, Some(&body), None).await?;
            tenant.session.show(&now, |session| {
                session.say(&format!("The request {request} runs again from {from} on."))
            })?;
            tenant.session.say_when_it_runs()
        }
    }
}

fn show(session: &mut Session<'_>, request: &Value) -> anyhow::Result<()> {
    let lines = [
        ("request", "request_id"),
        ("status", "status"),
        ("came", "created_at"),
        ("what", "headline"),
        ("phone", "contact.phone"),
        ("e-mail", "contact.email"),
        ("score", "analysis.lead_score"),
        ("spam %", "analysis.spam_likelihood"),
        ("summary", "analysis.summary"),
        ("verdict", "verdict.decision"),
        ("needs call", "needs_call"),
        ("flags", "flags"),
        ("missing", "missing_required_fields"),
        ("unread", "unread_fields"),
    ];
    for (name, field) in lines {
        session.say(&format!("{name:<10}{}", cell(field_of(request, field))))?;
    }
    let crms = [
        ("connection", "connection"),
        ("state", "state"),
        ("records", "remote_ids"),
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
    let links = [
        ("request", "request_id"),
        ("reason", "reason"),
        ("channel", "channel"),
        ("came", "came_at"),
    ];
    let taken_apart = [
        ("request", "request_id"),
        ("channel", "channel"),
        ("by", "taken_back.by"),
        ("at", "taken_back.at"),
    ];
    let timeline = [
        ("at", "at"),
        ("stage", "stage"),
        ("target", "target"),
        ("outcome", "outcome"),
        ("detail", "detail"),
    ];
    for (title, field, columns) in [
        ("The same person's", "links", links.as_slice()),
        ("Taken apart", "links_taken_back", &taken_apart),
        ("CRMs", "dispatches", &crms),
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
