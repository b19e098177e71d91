//! Finding leads among a million: lists, counts and search, over HTTP.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use domain::{
    About, AnalysisSection, AreaBasis, AreaVerdict, Budget, CallFacts, Document, EventId, Facts,
    FormFacts, Intent, PersonFacts, ProjectType, QualificationSection, RequestId, Sentiment,
    SourceId, SourceSection, SpamGate, Status, Timeline, TranscriptSection, TranscriptState, Turn,
};
use jiff::Timestamp;
use runtime::SystemClock;
use rusqlite::{Connection, params};
use store::Finding as _;
use store_sqlite::SqliteStore;
use uuid::Uuid;

use crate::product::Product;

/// How many leads there are.
pub(crate) const LEADS: u64 = 1_000_000;
/// How often each question is asked.
const ROUNDS: usize = 40;
/// Requests that lie before a deep page.
const DEPTH: usize = 50_000;
/// Seconds between two leads: a million of them come in two years.
const PACE: u64 = 63;
/// Requests that are written, or indexed, in one transaction.
const AT_ONCE: u32 = 5_000;

const FIRST_NAMES: [&str; 24] = [
    "Ann", "Bob", "Carla", "Dana", "Ed", "Fay", "Gus", "Hana", "Ivan", "Jose", "Kim", "Lee", "Mia",
    "Ned", "Olga", "Pat", "Quinn", "Rosa", "Sam", "Tess", "Uma", "Vic", "Wes", "Zoe",
];
const LAST_NAMES: [&str; 20] = [
    "Adams",
    "Brown",
    "Castro",
    "Diaz",
    "Evans",
    "Fisher",
    "Garcia",
    "Hughes",
    "Irwin",
    "Jones",
    "Klein",
    "Lopez",
    "Meyer",
    "Nguyen",
    "Ortiz",
    "Patel",
    "Reyes",
    "Smith",
    "Turner",
    "Whitfield",
];
const TOWNS: [&str; 8] = [
    "Austin",
    "Round Rock",
    "Leander",
    "Georgetown",
    "Pflugerville",
    "Kyle",
    "Buda",
    "Lakeway",
];
const WISHES: [&str; 12] = [
    "The caller wants a new kitchen with an island and quartz counters before the holidays.",
    "They ask for a price for a bathroom with a walk-in shower and heated floors.",
    "Water came through the roof after the storm, and they need a repair this week.",
    "A family plans an addition of two rooms and asks how long the permits take.",
    "The basement should become a playroom with a bar and a small bathroom.",
    "Old windows let the wind in; all fourteen of them should be replaced.",
    "They want hardwood floors in the whole house and ask about oak and walnut.",
    "A deck with a pergola behind the house, about four hundred square feet.",
    "The whole home is to be remodeled while they live with relatives.",
    "Somebody offers a better rank in search engines for a monthly fee.",
    "They ask when the crew comes to finish the backsplash and the cabinets.",
    "A landlord wants two bathrooms and a kitchen done between tenants.",
];

/// A question, and how long its answers took.
pub(crate) struct Answer {
    pub(crate) question: &'static str,
    pub(crate) p50: Duration,
    pub(crate) p95: Duration,
}

/// What was measured.
pub(crate) struct Figures {
    pub(crate) leads: u64,
    /// What a lead takes on the disk, its tokens included.
    pub(crate) bytes_per_lead: u64,
    /// What taking one into the index takes.
    pub(crate) indexing_per_lead: Duration,
    pub(crate) start: Duration,
    pub(crate) answers: Vec<Answer>,
}

pub(crate) async fn measure(leads: u64) -> Figures {
    let folder = Product::start(&[]).await.kill();
    let path = folder.path().join("pipeline.sqlite3");
    fill(&path, leads);
    let began = Instant::now();
    index(&path).await;
    let indexing_per_lead = began.elapsed() / u32::try_from(leads).unwrap();
    let bytes_per_lead = path.metadata().unwrap().len() / leads;
    let product = Product::start_in(folder, &[]).await;
    Figures {
        leads,
        bytes_per_lead,
        indexing_per_lead,
        start: product.ready_after,
        answers: ask(&product).await,
    }
}

async fn ask(product: &Product) -> Vec<Answer> {
    let deep = deep_page(product, "requests?limit=200").await;
    let deep_kitchens = deep_page(product, "requests?limit=200&project_type=kitchen&area=in").await;
    let deep_scores = deep_page(product, "requests?limit=200&sort=score").await;
    let questions: Vec<(&'static str, Vec<String>)> = vec![
        (
            "list, newest first",
            texts(&["requests", "requests?limit=200"]),
        ),
        ("the same, a page behind 50,000", vec![deep]),
        (
            "list by status",
            texts(&[
                "requests?status=completed",
                "requests?status=held&status=parked",
                "requests?status=in_review&sort=oldest",
                "requests?status=quarantined",
            ]),
        ),
        (
            "list by channel, source, office",
            texts(&[
                "requests?channel=form",
                "requests?channel=chat",
                "requests?channel=phone&sort=oldest",
                "requests?source_id=src_00000000000000000000000000000003",
                "requests?office_id=ofc_00000000000000000000000000000002",
            ]),
        ),
        (
            "list by score, in either order",
            texts(&[
                "requests?sort=score",
                "requests?score_from=80",
                "requests?score_from=80&sort=score",
                "requests?score_from=37&score_to=61&sort=oldest",
                "requests?score_to=3",
            ]),
        ),
        ("by score, a page behind 50,000", vec![deep_scores]),
        (
            "list by area, project, intent, budgeted together",
            texts(&[
                "requests?area=out",
                "requests?area=in&project_type=kitchen",
                "requests?area=unknown&project_type=roofing&intent=repair&channel=form",
                "requests?area=out&project_type=basement&score_from=90&status=completed",
                "requests?intent=complaint&channel=chat&score_from=95&sort=score",
            ]),
        ),
        ("filtered, a page behind 50,000", vec![deep_kitchens]),
        (
            "what waits, the oldest first",
            texts(&[
                "requests?sort=waiting",
                "requests?sort=waiting&status=held",
                "requests?sort=waiting&channel=form&score_from=50",
            ]),
        ),
        (
            "list of some days",
            texts(&[
                "requests?from=2025-03-01&to=2025-03-31",
                "requests?from=2025-06-01&project_type=bathroom&sort=oldest",
                "requests?to=2025-01-15&channel=form&sort=score",
            ]),
        ),
        (
            "counts",
            texts(&[
                "requests/count",
                "requests/count?status=completed",
                "requests/count?status=held&status=parked",
                "requests/count?project_type=kitchen&area=in",
                "requests/count?score_from=80",
                "requests/count?q=kitchen",
                "requests/count?from=2025-03-01&to=2025-03-03",
            ]),
        ),
        (
            "search for a rare word",
            texts(&["requests?q=rareword17", "requests?q=rareword523"]),
        ),
        (
            "search for a frequent word",
            texts(&[
                "requests?q=kitchen",
                "requests?q=the",
                "requests?q=bathroom&sort=oldest",
            ]),
        ),
        (
            "search for a number or its end",
            (0..20)
                .flat_map(|number| {
                    let lead = number * 49_999 + 7;
                    [
                        format!(
                            "requests?q=%28{}%29+{:03}-{:04}",
                            512,
                            200 + lead / 10_000 % 800,
                            lead % 10_000
                        ),
                        format!("requests?q={:04}", lead % 10_000),
                    ]
                })
                .collect(),
        ),
        (
            "search for two words",
            texts(&[
                "requests?q=ann+meyer",
                "requests?q=kitchen+quartz",
                "requests?q=whitfield+pergola&sort=oldest",
                "requests?q=rareword17+kitchen",
                "requests?q=meyer+kitchen&score_from=80&sort=score",
            ]),
        ),
    ];
    let mut answers = Vec::new();
    for (question, paths) in questions {
        let mut times = product.answers_to(&paths, ROUNDS).await;
        times.sort();
        let at = |percent: usize| times[(times.len() * percent / 100).min(times.len() - 1)];
        let answer = Answer {
            question,
            p50: at(50),
            p95: at(95),
        };
        println!("{question}: {:?} {:?}", answer.p50, answer.p95);
        answers.push(answer);
    }
    answers
}

fn texts(paths: &[&str]) -> Vec<String> {
    paths.iter().map(|path| (*path).to_owned()).collect()
}

/// The path of a page far behind the first.
async fn deep_page(product: &Product, path: &str) -> String {
    let mut next = path.to_owned();
    for _ in 0..DEPTH / 200 {
        let page = product.ask(&next).await;
        match page["next_cursor"].as_str() {
            Some(cursor) => next = format!("{path}&cursor={cursor}"),
            None => break,
        }
    }
    next
}

/// Writes finished leads of the demo tenant into a database, as the product would have left them. Their tokens are taken
/// in by [`index`].
pub(crate) fn fill(path: &Path, leads: u64) {
    const SQL: &str = "INSERT INTO requests (status, version, updated_at, document, tenant_id, request_id, created_at, \
                       opening, channel) VALUES (?1, 5, ?2, ?3, ?4, ?5, ?6, '[]', ?7)";
    let mut db = Connection::open(path).unwrap();
    let begin: Timestamp = "2024-11-28T00:00:00Z".parse().unwrap();
    let mut next = 0;
    while next < leads {
        let transaction = db.transaction().unwrap();
        let end = (next + u64::from(AT_ONCE)).min(leads);
        for number in next..end {
            let second = begin.as_second() + i64::try_from(number * PACE).unwrap();
            let id = Uuid::new_v7(uuid::Timestamp::from_unix(
                uuid::NoContext,
                u64::try_from(second).unwrap(),
                0,
            ));
            let (status, document) = lead(number);
            let json = store::stored::to_json(&document).unwrap();
            let at = second * 1_000_000;
            transaction
                .prepare_cached(SQL)
                .unwrap()
                .execute(params![
                    status.as_str(),
                    at,
                    json,
                    pipeline::demo::TENANT,
                    RequestId::from_uuid(id).to_string(),
                    at,
                    document.channel_word(),
                ])
                .unwrap();
        }
        transaction.commit().unwrap();
        next = end;
    }
}

/// Takes everything into the index, in steps that are larger than the product's.
pub(crate) async fn index(path: &Path) {
    let store = SqliteStore::open(path, Arc::new(SystemClock::default())).unwrap();
    while store
        .index_requests_across_tenants(AT_ONCE)
        .await
        .unwrap()
        .has_more
    {}
}

/// A number that looks drawn, the same in every run.
fn drawn(number: u64, salt: u64) -> u64 {
    let mut mixed = number
        .wrapping_add(salt << 40)
        .wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed ^= mixed >> 31;
    mixed = mixed.wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed ^ (mixed >> 29)
}

fn one_of<T: Copy>(all: &[T], number: u64, salt: u64) -> T {
    all[usize::try_from(drawn(number, salt) % all.len() as u64).unwrap()]
}

fn lead(number: u64) -> (Status, Document) {
    let percent = drawn(number, 1) % 1_000;
    let status = match percent {
        0 => Status::Held,
        1 => Status::Parked,
        2..=5 => Status::InReview,
        6..=55 => Status::OutOfArea,
        56..=135 => Status::Quarantined,
        _ => Status::Completed,
    };
    let (first, last) = (
        one_of(&FIRST_NAMES, number, 2),
        one_of(&LAST_NAMES, number, 3),
    );
    let text = |text: &str| Some(text.to_owned());
    let wish = one_of(&WISHES, number, 4);
    let about = match drawn(number, 5) % 10 {
        0..=5 => About::Phone(CallFacts {
            is_answered: Some(true),
            duration_seconds: Some(31),
            ..CallFacts::default()
        }),
        6..=8 => About::Form(FormFacts {
            message: text(wish),
            ..FormFacts::default()
        }),
        _ => About::nothing(one_of(
            &[
                domain::Channel::Chat,
                domain::Channel::Calendar,
                domain::Channel::Text,
            ],
            number,
            6,
        )),
    };
    let is_call = about.call().is_some();
    let mut document = Document::new(SourceSection {
        provider: "callrail".to_owned(),
        source: SourceId::from_uuid(Uuid::from_u128(u128::from(drawn(number, 7) % 5))),
        office: Some(domain::OfficeId::from_uuid(Uuid::from_u128(u128::from(
            drawn(number, 8) % 3,
        )))),
        events: 1,
        last_event: EventId::from_uuid(Uuid::from_u128(u128::from(number))),
        is_modified: false,
        unread: None,
        recovered: None,
        said: Facts {
            person: PersonFacts {
                name: Some(format!("{first} {last}")),
                phone: Some(format!(
                    "+1512{:03}{:04}",
                    200 + number / 10_000 % 800,
                    number % 10_000
                )),
                email: Some(format!("{first}.{last}.{number}@example.com").to_lowercase()),
                city: text(one_of(&TOWNS, number, 9)),
                ..PersonFacts::default()
            },
            about,
            ..Facts::default()
        },
    });
    document.contact = document.source.said.contact();
    document.transcript = is_call.then(|| TranscriptSection {
        audio_sha256: String::new(),
        engine: "chirp_3".to_owned(),
        state: TranscriptState::Spoken,
        language: text("en-US"),
        turns: [
            "Thank you for calling, how can we help?",
            wish,
            "We will call back tomorrow morning.",
        ]
        .into_iter()
        .map(|said| Turn {
            speaker: "1".to_owned(),
            start_ms: 0,
            end_ms: 1,
            text: said.to_owned(),
        })
        .collect(),
        billed_seconds: 31,
        revision: 0,
    });
    let area = match status {
        Status::OutOfArea => AreaVerdict::Out(AreaBasis::PostalCode),
        _ if drawn(number, 10).is_multiple_of(20) => AreaVerdict::Unknown,
        _ => AreaVerdict::In(AreaBasis::PostalCode),
    };
    document.analysis = Some(AnalysisSection {
        revision: 0,
        engine: domain::Engine::Model("bench".to_owned()),
        prompt_version: "1".to_owned(),
        intent: one_of(&Intent::ALL, number, 11),
        sentiment: Sentiment::Neutral,
        project_type: one_of(&ProjectType::ALL, number, 12),
        timeline: one_of(&Timeline::ALL, number, 13),
        budget: one_of(&Budget::ALL, number, 14),
        lead_score: u8::try_from(drawn(number, 15) % 101).unwrap(),
        confidence: 0.9,
        reasons: Vec::new(),
        spam_likelihood: if status == Status::Quarantined {
            95.0
        } else {
            3.0
        },
        // One of a thousand words that few others have.
        summary: format!("{wish} They mention rareword{}.", number % 20_000),
        postal_code: None,
        address: None,
        is_blocked: false,
        tokens: Default::default(),
    });
    document.qualification = Some(QualificationSection {
        missing_fields: Default::default(),
        revision: 0,
        gate: SpamGate::Pass,
        gate_reason: None,
        area,
        map: None,
        config_version: 1,
        destinations: Default::default(),
        notify: true,
    });
    (status, document)
}
