//! `pipeline delivery`.

use domain::{EventId, RequestId, SourceId, text};
use http::Method;
use serde_json::Value;

use super::{
    api::Flags,
    session::{Paging, Period, Session, TenantSession},
    table::{cell, field_of},
};

/// How much of a delivery's body is printed, in characters: more than the API shows.
const MAX_SHOWN: usize = 100_000;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Lists what came in, newest first: what agrees with everything that is given.
    #[command(after_help = "Examples:\n  \
        pipeline delivery list --tenant acme --outcome unread\n  \
        pipeline delivery list --since 2026-11-01 --repeated")]
    List {
        #[command(flatten)]
        filter: Filter,
        #[command(flatten)]
        period: Period,
        #[command(flatten)]
        paging: Paging,
    },
    /// Shows a delivery as it came: headers and body.
    #[command(after_help = "Example:\n  pipeline delivery show evt_…")]
    Show {
        /// The delivery.
        delivery: EventId,
    },
    /// Has a stored delivery read again, as the same one: what could not be read, or said nothing of a lead, may be read
    /// by now.
    #[command(after_help = "Example:\n  pipeline delivery replay evt_…")]
    Replay {
        /// The delivery.
        delivery: EventId,
    },
}

/// Which deliveries.
#[derive(Debug, clap::Args)]
pub(super) struct Filter {
    /// Those that came to this source.
    #[arg(long, value_name = "SOURCE")]
    source: Option<SourceId>,
    /// Those of this provider.
    #[arg(long, value_name = "PROVIDER")]
    provider: Option<String>,
    /// Those that made or changed this request.
    #[arg(long, value_name = "REQUEST")]
    request: Option<RequestId>,
    /// Those that came to this.
    #[arg(long, value_parser = ["request", "unread", "unused"])]
    outcome: Option<String>,
    /// Those that came again.
    #[arg(long)]
    repeated: bool,
}

/// What stands for the parameters of the list on the command line.
const FLAGS: Flags = &[
    ("source_id", "--source"),
    ("provider", "--provider"),
    ("request_id", "--request"),
    ("outcome", "--outcome"),
    ("from", "--since"),
    ("to", "--until"),
    ("cursor", "--cursor"),
];

impl Filter {
    fn query(&self) -> Vec<(&'static str, String)> {
        let given = [
            ("source_id", self.source.map(|source| source.to_string())),
            ("provider", self.provider.clone()),
            (
                "request_id",
                self.request.map(|request| request.to_string()),
            ),
            ("outcome", self.outcome.clone()),
            ("repeated", self.repeated.then(|| true.to_string())),
        ];
        let given = given.into_iter();
        given
            .filter_map(|(name, value)| Some((name, value?)))
            .collect()
    }
}

pub(super) async fn run(tenant: &mut TenantSession<'_>, command: Command) -> anyhow::Result<()> {
    match command {
        Command::List {
            filter,
            period,
            paging,
        } => {
            tenant.says(FLAGS);
            let query = [paging.query(), filter.query(), period.query()].concat();
            let list = tenant.get("events", &query).await?;
            let columns = [
                ("delivery", "event_id"),
                ("came", "received_at"),
                ("provider", "provider"),
                ("event", "event"),
                ("outcome", "outcome"),
                ("request", "request_id"),
                ("again", "repeats"),
                ("remark", "remark"),
            ];
            let empty = "No such delivery has come.";
            tenant.session.show_list(&list, &columns, empty)
        }
        Command::Show { delivery } => {
            let shown = tenant.get(&format!("events/{delivery}"), &[]).await?;
            tenant.session.show(&shown, |session| show(session, &shown))
        }
        Command::Replay { delivery } => {
            let path = format!("events/{delivery}/replay");
            let now = tenant.call(Method::POST, &path, None, None).await?;
            tenant.session.show(&now, |session| {
                let request = cell(&now["request_id"]);
                session.say(&format!(
                    "It is read again. What comes of it is seen by `pipeline request show {request}`."
                ))
            })?;
            tenant.session.say_when_it_runs()
        }
    }
}

/// Prints a delivery; characters that steer a terminal are left out.
pub(super) fn show(session: &mut Session<'_>, delivery: &Value) -> anyhow::Result<()> {
    for (name, field) in [
        ("delivery", "event_id"),
        ("came", "received_at"),
        ("provider", "provider"),
        ("event", "event"),
        ("remark", "remark"),
        ("bytes", "body_bytes"),
    ] {
        session.say(&format!("{name:<10}{}", cell(field_of(delivery, field))))?;
    }
    let clean = |text: &str| text::bounded(&text::harmless(text), MAX_SHOWN);
    session.say("\nHeaders")?;
    for (name, value) in delivery["headers"].as_object().into_iter().flatten() {
        let value = value.as_str().unwrap_or_default();
        session.say(&clean(&format!("{name}: {value}")))?;
    }
    session.say("\nBody")?;
    session.say(&clean(delivery["body"].as_str().unwrap_or_default()))?;
    if delivery["is_cut"] == true {
        session.say("(it goes on; the rest is not shown)")?;
    }
    Ok(())
}
