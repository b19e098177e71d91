//! Figures over a million leads: a summary and series, over HTTP.

use std::{path::Path, sync::Arc, time::Duration};

use domain::{
    ProjectType, SourceId, Stage,
    figures::{Addition, Additions, Dimension, Metric, Slot},
};
use jiff::Timestamp;
use runtime::SystemClock;
use rusqlite::{Connection, params};
use store::Figures as _;
use store_sqlite::SqliteStore;
use uuid::Uuid;

use crate::product::Product;

/// How many leads there are.
pub(crate) const LEADS: u64 = 1_000_000;
/// How often each question is asked.
const ROUNDS: usize = 100;
/// Over so many seconds the leads came in: two years.
const SPAN: u64 = 2 * 365 * 24 * 60 * 60;
/// Leads whose additions are one transaction's, and transactions that are written at once.
const TOGETHER: u64 = 50;
const AT_ONCE: u64 = 50_000;

/// What is asked, of leads that came in from 2024-11-28 on.
const QUESTIONS: [(&str, &str); 5] = [
    (
        "summary of a year, and of the year before it",
        "metrics/summary?from=2025-11-28&to=2026-11-27&compare=previous",
    ),
    (
        "leads of a year by day and source",
        "metrics/series?key=came_in&by=source&from=2025-06-01&to=2026-05-31",
    ),
    (
        "average score of two years by week and type of project",
        "metrics/series?key=average_score&by=project_type&step=week&from=2024-11-28&to=2026-11-27",
    ),
    (
        "leads of 41 days by hour and type of project",
        "metrics/series?key=came_in&by=project_type&step=hour&from=2026-01-01&to=2026-02-10",
    ),
    (
        "p95 of each stage in two years by day",
        "metrics/series?key=stage_p95&from=2024-11-28&to=2026-11-27",
    ),
];

/// A question, and how long its answers took.
pub(crate) struct Answer {
    pub(crate) question: &'static str,
    pub(crate) p50: Duration,
    pub(crate) p95: Duration,
}

pub(crate) async fn measure(leads: u64) -> Vec<Answer> {
    let folder = Product::start(&[]).await.kill();
    let path = folder.path().join("pipeline.sqlite3");
    fill(&path, leads).await;
    let product = Product::start_in(folder, &[]).await;
    let mut answers = Vec::new();
    for (question, path) in QUESTIONS {
        let times = product.times_of(path, ROUNDS).await;
        answers.push(Answer {
            question,
            p50: times[times.len() / 2],
            p95: times[times.len() * 95 / 100],
        });
    }
    answers
}

/// Adds what leads add to figures, and folds it, as the product does.
async fn fill(path: &Path, leads: u64) {
    const SQL: &str = "INSERT INTO metric_additions (tenant_id, additions) VALUES (?1, ?2)";
    let store = SqliteStore::open(path, Arc::new(SystemClock::default())).unwrap();
    let mut next = 0;
    while next < leads {
        let mut db = Connection::open(path).unwrap();
        let transaction = db.transaction().unwrap();
        let end = (next + AT_ONCE).min(leads);
        while next < end {
            let mut additions = Additions::default();
            for number in next..(next + TOGETHER).min(end) {
                lead(number, leads)
                    .into_iter()
                    .for_each(|addition| additions.add(addition));
            }
            next = (next + TOGETHER).min(end);
            let json = store::stored::to_json(&additions).unwrap();
            let values = params![pipeline::demo::TENANT, json];
            transaction.execute(SQL, values).unwrap();
        }
        transaction.commit().unwrap();
        drop(db);
        while store.fold_figures_across_tenants(1_000).await.unwrap() > 0 {}
    }
}

/// What a lead adds: itself, and the tries of its steps.
fn lead(number: u64, leads: u64) -> Vec<Addition> {
    let mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 16;
    let begin: Timestamp = "2024-11-28T00:00:00Z".parse().unwrap();
    let at = begin.as_second() + i64::try_from(number * SPAN / leads).unwrap();
    let slot = Slot::of(Timestamp::from_second(at).unwrap());
    let one_of = |all: &[&str], salt: u32| {
        let place = (mixed >> salt) % all.len() as u64;
        all[usize::try_from(place).unwrap()].to_owned()
    };
    let project_types = ProjectType::ALL.map(ProjectType::as_str);
    let source = SourceId::from_uuid(Uuid::from_u128(u128::from(mixed % 5)));
    let names = vec![
        (
            Dimension::Channel.code(),
            one_of(&["phone", "form", "chat"], 4),
        ),
        (Dimension::Provider.code(), "callrail".to_owned()),
        (Dimension::Source.code(), source.to_string()),
        (Dimension::Office.code(), one_of(&["", "ofc_one"], 8)),
        (Dimension::ProjectType.code(), one_of(&project_types, 12)),
    ];
    let score = i64::try_from(mixed % 101).unwrap();
    let values = vec![
        (Metric::CAME_IN, 1),
        (Metric::GENUINE, 1),
        (Metric::IN_AREA, 1),
        (Metric::IN_CRM, 1),
        (Metric::TOLD, 1),
        (Metric::SCORED, 1),
        (Metric::SCORES, score),
        (Metric::OVER_80, i64::from(score > 80)),
        (Metric::COMPLETED, 1),
        (Metric::DELIVERIES, 1),
        (Metric::PUSHED, 1),
    ];
    let tries = Stage::ALL.map(|stage| {
        let took = (mixed >> 20) % 3_000;
        Addition {
            slot,
            names: vec![(Dimension::Stage.code(), stage.as_str().to_owned())],
            values: vec![
                (Metric::RUNS, 1),
                (Metric::MILLISECONDS, i64::try_from(took).unwrap()),
                (Metric::of_time(took), 1),
            ],
        }
    });
    let lead = Addition {
        slot,
        names,
        values,
    };
    [lead].into_iter().chain(tries).collect()
}
