//! `pipeline figures`.

use serde_json::{Value, json};

use super::{
    api::Flags,
    job,
    session::TenantSession,
    table::{cell, table},
};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Shows every figure over a range of time; with --by, the main ones told apart.
    #[command(after_help = "Examples:\n  \
        pipeline figures show\n  \
        pipeline figures show --from 2026-11-01 --to 2026-11-30 --compare\n  \
        pipeline figures show --by source")]
    Show {
        #[command(flatten)]
        range: Range,
        /// Also the range of the same length before it.
        #[arg(long, conflicts_with = "by")]
        compare: bool,
        /// What they are told apart by.
        #[arg(long, value_parser = [
            "channel", "provider", "source", "office", "project_type", "connection", "stage", "reason",
        ])]
        by: Option<String>,
    },
    /// Shows one figure step by step.
    #[command(after_help = "Examples:\n  \
        pipeline figures series came_in --by channel --step week\n  \
        pipeline figures series stage_p95 --step hour --from 2026-11-27")]
    Series {
        /// The figure: a key that `figures keys` lists.
        key: String,
        #[command(flatten)]
        range: Range,
        /// What its series are told apart by.
        #[arg(long, value_name = "DIMENSION")]
        by: Option<String>,
        /// How long a step is: hour, day, week, month or all.
        #[arg(long, default_value = "day")]
        step: String,
    },
    /// Lists the figures, with what they are made of.
    #[command(after_help = "Example:\n  pipeline figures keys --tenant acme")]
    Keys,
    /// Counts requests anew that an older version wrote, and follows the job. Where figures are right, nothing changes.
    #[command(after_help = "Example:\n  pipeline figures recount --tenant acme")]
    Recount,
}

/// What stands for the parameters of figures on the command line.
const FLAGS: Flags = &[
    ("from", "--from"),
    ("to", "--to"),
    ("office", "--office"),
    ("by", "--by"),
    ("step", "--step"),
    ("key", "KEY"),
];

/// Over which time, and whose.
#[derive(Debug, clap::Args)]
pub(super) struct Range {
    /// Where it begins: a day by the office's clock, or a time. Default: 30 days before the end.
    #[arg(long, value_name = "WHEN")]
    from: Option<String>,
    /// Where it ends: the end of a day by the office's clock, or a time. Default: now.
    #[arg(long, value_name = "WHEN")]
    to: Option<String>,
    /// One office alone, by its clock.
    #[arg(long, value_name = "OFFICE")]
    office: Option<String>,
}

impl Range {
    fn query(&self) -> Vec<(&'static str, String)> {
        [
            ("from", &self.from),
            ("to", &self.to),
            ("office", &self.office),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value.clone()?)))
        .collect()
    }
}

pub(super) async fn run(tenant: &mut TenantSession<'_>, command: Command) -> anyhow::Result<()> {
    tenant.says(FLAGS);
    match command {
        Command::Show {
            range,
            compare,
            by: None,
        } => summary(tenant, &range, compare).await,
        Command::Show {
            range,
            by: Some(by),
            ..
        } => told_apart(tenant, &range, by).await,
        Command::Series {
            key,
            range,
            by,
            step,
        } => series(tenant, key, &range, by, step).await,
        Command::Keys => keys(tenant).await,
        Command::Recount => recount(tenant).await,
    }
}

async fn summary(
    tenant: &mut TenantSession<'_>,
    range: &Range,
    compare: bool,
) -> anyhow::Result<()> {
    let mut query = range.query();
    if compare {
        query.push(("compare", "previous".to_owned()));
    }
    let summary = tenant.get("metrics/summary", &query).await?;
    let mut columns = vec![("figure", "key"), ("value", "value")];
    if compare {
        columns.push(("before", "previous"));
    }
    columns.extend([("unit", "unit"), ("of", "denominator")]);
    tenant.session.show(&summary, |session| {
        let rows: Vec<_> = summary
            .as_array()
            .into_iter()
            .flatten()
            .map(rounded)
            .collect();
        session.say(&table(&columns, &rows))
    })
}

/// The main figures that are known by a dimension, as columns.
async fn told_apart(
    tenant: &mut TenantSession<'_>,
    range: &Range,
    by: String,
) -> anyhow::Result<()> {
    let keys: &[&str] = match by.as_str() {
        "stage" => &["stage_runs", "stage_average", "stage_p50", "stage_p95"],
        "connection" => &["crm_success", "crm_stopped"],
        "reason" => &["refused"],
        _ => &[
            "came_in",
            "genuine",
            "in_area",
            "in_crm",
            "conversion",
            "average_score",
            "share_over_80",
        ],
    };
    let mut rows: Vec<Value> = Vec::new();
    for key in keys {
        let mut query = range.query();
        query.extend([
            ("key", (*key).to_owned()),
            ("by", by.clone()),
            ("step", "all".to_owned()),
        ]);
        let found = tenant.get("metrics/series", &query).await?;
        for series in found["series"].as_array().into_iter().flatten() {
            let value = &series["values"][0];
            match rows.iter_mut().find(|row| row["name"] == series["name"]) {
                Some(row) => row[*key] = value.clone(),
                None => rows.push(json!({ "name": series["name"], *key: value })),
            }
        }
    }
    let mut columns = vec![(by.as_str(), "name")];
    columns.extend(keys.iter().map(|key| (*key, *key)));
    let answer = json!({ "items": rows });
    tenant.session.show(&answer, |session| {
        if rows.is_empty() {
            return session.say("Nothing came in during this time.");
        }
        let rows: Vec<_> = rows.iter().map(rounded).collect();
        session.say(&table(&columns, &rows))
    })
}

async fn series(
    tenant: &mut TenantSession<'_>,
    key: String,
    range: &Range,
    by: Option<String>,
    step: String,
) -> anyhow::Result<()> {
    let mut query = range.query();
    query.extend([("key", key), ("step", step)]);
    query.extend(by.map(|by| ("by", by)));
    let found = tenant.get("metrics/series", &query).await?;
    let steps = found["steps"].as_array().into_iter().flatten();
    let all: Vec<_> = found["series"].as_array().into_iter().flatten().collect();
    let rows = steps.enumerate().map(|(step, begin)| {
        let mut row = json!({ "begins": begin });
        for (place, series) in all.iter().enumerate() {
            row[place.to_string()] = series["values"][step].clone();
        }
        rounded(&row)
    });
    let rows: Vec<_> = rows.collect();
    let places: Vec<_> = (0..all.len()).map(|place| place.to_string()).collect();
    let names = all
        .iter()
        .map(|series| series["name"].as_str().unwrap_or_default());
    let mut columns = vec![("begins", "begins")];
    columns.extend(
        names
            .zip(&places)
            .map(|(name, place)| (name, place.as_str())),
    );
    tenant
        .session
        .show(&found, |session| session.say(&table(&columns, &rows)))
}

async fn keys(tenant: &mut TenantSession<'_>) -> anyhow::Result<()> {
    let list = tenant.get("metrics", &[]).await?;
    let columns = [
        ("key", "key"),
        ("unit", "unit"),
        ("says", "definition"),
        ("by", "by"),
    ];
    tenant.session.show_list(&list, &columns, "There are none.")
}

async fn recount(tenant: &mut TenantSession<'_>) -> anyhow::Result<()> {
    let job = job::start(tenant, "jobs", &json!({ "kind": "recount" })).await?;
    tenant.session.show(&job, |session| {
        session.say(&format!(
            "Looked at {} requests; {} of them were not counted as they are, and are now.",
            cell(&job["done"]),
            cell(&job["result"]["changed"])
        ))
    })
}

/// Numbers with two places behind the point at most; shares with four.
fn rounded(row: &Value) -> Value {
    let mut row = row.clone();
    for value in row
        .as_object_mut()
        .into_iter()
        .flat_map(|fields| fields.values_mut())
    {
        let Some(number) = value.as_f64() else {
            continue;
        };
        let places = if number.abs() < 1.0 { 1e4 } else { 1e2 };
        let short = (number * places).round() / places;
        *value = json!(format!("{short}"));
    }
    row
}
