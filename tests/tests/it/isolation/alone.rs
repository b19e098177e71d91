//! What a tenant sees is the same whether another tenant is there or not.

use std::{collections::HashMap, fmt::Write as _, time::Duration};

use domain::Stage;
use http::{Method, StatusCode};
use rand::{Rng, RngExt as _, SeedableRng as _, rngs::StdRng};
use serde_json::{Map, Value, json};
use simulators::Fault;
use tests::{CallBody, World};

use super::{
    Api, Reply, Tenant,
    names::{Names, sorted},
};

/// What a tenant does in one run.
const STEPS: usize = 20;
/// The calls and callers that both tenants have in common.
const CALLS: usize = 7;
const CALLERS: [(&str, &str); 4] = [
    ("Ann Shared", "+15125550161"),
    ("Ben Shared", "+15125550162"),
    ("Cid Shared", "+15125550163"),
    ("Dot Shared", "+15125550164"),
];
/// A call's tag, and what the model makes of it.
const SPAM: &str = "spammark";
const UNSURE: &str = "unsuremark";
const NONSENSE: &str = "nonsensemark";
const CONNECTIONS: [&str; 3] = ["callrail", "hubspot", "sendgrid"];

/// Something that a tenant, its provider or its people do.
#[derive(Debug, Clone)]
enum Act {
    /// A call has ended.
    Deliver {
        call: usize,
        caller: usize,
        tag: &'static str,
    },
    /// The delivery before comes again.
    Repeat,
    /// Somebody edits a call.
    Modify {
        call: usize,
        caller: usize,
        tag: &'static str,
    },
    /// A call ends whose details CallRail does not tell at first.
    Trouble {
        call: usize,
        caller: usize,
        fault: Fault,
    },
    /// Somebody decides about the first request that waits for it.
    Decide { approve: bool },
    /// All that stopped runs again.
    Redrive,
    /// The first request runs again.
    Replay { from: Stage },
    /// A connection's secret is no longer taken.
    Spoil { connection: &'static str },
    /// It is taken again.
    Mend { connection: &'static str },
}

/// Acts from a seed.
struct Plan {
    rng: StdRng,
    /// Tags of calls.
    tags: Vec<&'static str>,
    /// Whether its providers fail more often than not.
    is_unlucky: bool,
}

impl Plan {
    fn next(&mut self) -> Act {
        let rng = &mut self.rng;
        let call = rng.random_range(0..CALLS);
        let caller = rng.random_range(0..CALLERS.len());
        let tag = self.tags[rng.random_range(0..self.tags.len())];
        let connection = CONNECTIONS[rng.random_range(0..CONNECTIONS.len())];
        let kind = rng.random_range(0..if self.is_unlucky { 26 } else { 20 });
        match kind {
            0..=4 => Act::Deliver { call, caller, tag },
            5 => Act::Repeat,
            6 | 7 => Act::Modify { call, caller, tag },
            8 | 9 | 20 | 21 => Act::Trouble {
                call,
                caller,
                fault: fault(rng),
            },
            10 | 11 => Act::Decide {
                approve: rng.random(),
            },
            12 | 13 => Act::Redrive,
            14 => Act::Replay {
                from: if rng.random() {
                    Stage::Analysis
                } else {
                    Stage::Dispatch
                },
            },
            15..=17 | 22..=25 => Act::Spoil { connection },
            _ => Act::Mend { connection },
        }
    }
}

fn fault(rng: &mut impl Rng) -> Fault {
    match rng.random_range(0..5) {
        0 => Fault::Status(503),
        1 => Fault::RateLimit,
        2 => Fault::Malformed,
        3 => Fault::RevokedToken,
        _ => Fault::ResetAfterWrite,
    }
}

fn call_id(call: usize) -> String {
    format!("CALshared{call}")
}

/// The same to the byte for whoever gets it.
fn body(call: usize, caller: usize, tag: &str) -> CallBody {
    let (name, phone) = CALLERS[caller];
    CallBody::post_call(&call_id(call))
        .with("customer_name", json!(name))
        .with("callername", json!(name))
        .with("customer_phone_number", json!(phone))
        .with("callernum", json!(phone))
        .with("tags", json!([tag]))
}

impl Tenant {
    /// Acts; `last` is its last delivery.
    async fn act(&self, api: &Api<'_>, act: &Act, last: &mut Option<(&'static str, CallBody)>) {
        match act {
            Act::Deliver { call, caller, tag } => {
                let body = body(*call, *caller, tag);
                self.deliver(api, "post-call", &body).await;
                *last = Some(("post-call", body));
            }
            Act::Repeat => {
                if let Some((event, body)) = last {
                    self.deliver(api, event, body).await;
                }
            }
            Act::Modify { call, caller, tag } => {
                let body = body(*call, *caller, tag).with("changes", json!(["tags"]));
                self.deliver(api, "call-modified", &body).await;
                *last = Some(("call-modified", body));
            }
            Act::Trouble {
                call,
                caller,
                fault,
            } => {
                let of_call = format!("/{}/calls/{}", self.account, call_id(*call));
                api.world
                    .simulators()
                    .callrail()
                    .answer_next_to(&of_call, fault.clone(), 1);
                self.deliver(api, "post-call", &body(*call, *caller, "kitchen"))
                    .await;
            }
            Act::Decide { approve } => {
                let requests = self.by_call(api).await;
                let waiting =
                    requests
                        .iter()
                        .find_map(|request| match request["status"].as_str()? {
                            "in_review" if *approve => Some((request, "approve")),
                            "in_review" => Some((request, "reject")),
                            "quarantined" if *approve => Some((request, "release")),
                            _ => None,
                        });
                if let Some((request, decision)) = waiting {
                    let path = format!(
                        "requests/{}/{decision}",
                        request["request_id"].as_str().unwrap()
                    );
                    let decided = self.call(api, Method::POST, &path, None).await;
                    assert!(is_done_or_in_the_way(&decided), "{decided:?}");
                }
            }
            Act::Redrive => {
                let all = json!({ "kind": "redrive", "filter": { "all": true } });
                let redriven = self.call(api, Method::POST, "jobs", Some(&all)).await;
                assert_eq!(redriven.status, StatusCode::ACCEPTED, "{redriven:?}");
            }
            Act::Replay { from } => {
                if let Some(request) = self.by_call(api).await.first() {
                    let path = format!(
                        "requests/{}/replay",
                        request["request_id"].as_str().unwrap()
                    );
                    let replayed = self
                        .call(api, Method::POST, &path, Some(&json!({ "from": from })))
                        .await;
                    assert!(is_done_or_in_the_way(&replayed), "{replayed:?}");
                }
            }
            Act::Spoil { connection } => self.spoil(api, connection).await,
            Act::Mend { connection } => self.mend(api, connection).await,
        }
    }

    /// Its requests, whole, by the id of their call.
    async fn by_call(&self, api: &Api<'_>) -> Vec<Value> {
        let mut requests = Vec::new();
        for listed in self.list(api, "requests").await {
            let path = format!("requests/{}", listed["request_id"].as_str().unwrap());
            requests.push(self.call(api, Method::GET, &path, None).await.body);
        }
        requests.sort_by_key(|request| request["about"]["external_id"].to_string());
        requests
    }

    /// Everything that it can see, here and at its providers.
    async fn view(&self, api: &Api<'_>) -> Value {
        let simulators = api.world.simulators();
        let mails = simulators.sendgrid().mails().into_iter();
        let mails = mails.filter(|mail| {
            mail.custom_args
                .get("tenant_id")
                .is_some_and(|id| id == self.id().as_str())
        });
        let counts = self.call(api, Method::GET, "work/counts", None).await.body;
        let mut view = Map::new();
        for (name, value) in [
            // First, so that ids are named by what is the same in every run.
            ("a_requests", Value::from(self.by_call(api).await)),
            ("crm", simulators.hubspot().view_of(&self.crm_token)),
            ("mails", json!(mails.collect::<Vec<_>>())),
            ("list", Value::from(self.list(api, "requests").await)),
            ("work", Value::from(self.list(api, "work").await)),
            ("work_counts", counts),
            ("sources", Value::from(self.list(api, "sources").await)),
            (
                "connections",
                Value::from(self.list(api, "connections").await),
            ),
            ("audit", Value::from(self.list(api, "audit").await)),
        ] {
            view.insert(name.to_owned(), value);
        }
        Value::Object(view)
    }
}

/// A decision, or that the request does not wait for it (any more).
fn is_done_or_in_the_way(reply: &Reply) -> bool {
    matches!(reply.status, StatusCode::OK | StatusCode::CONFLICT)
}

/// Who is there beside tenant `ann`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Beside {
    Nobody,
    /// Tenant `bob`, with accounts of his own.
    Bob,
    /// Tenant `bob`, who has the token of her CRM: not as isolated as they should be.
    BobInHerCrm,
}

/// What tenant `ann` sees after her run.
async fn run(seed: u64, beside: Beside) -> Value {
    let world =
        World::on_manual_clock_with([("WORKERS_PER_STAGE", "1"), ("MODEL_TRIES", "1")]).await;
    let gemini = world.simulators().gemini();
    gemini.answer_with_when(SPAM, json!({ "spam_likelihood": 90 }));
    gemini.answer_with_when(UNSURE, json!({ "spam_likelihood": 60 }));
    gemini.answer_with_when(NONSENSE, json!({ "intent": "nonsense" }));
    let api = Api::of(&world);
    let ann = Tenant::create(&api, "ann").await;
    let mut bob = match beside {
        Beside::Nobody => None,
        Beside::Bob | Beside::BobInHerCrm => Some(Tenant::create(&api, "bob").await),
    };
    if let (Beside::BobInHerCrm, Some(bob)) = (beside, &mut bob) {
        bob.crm_token = ann.crm_token.clone();
        bob.mend(&api, "hubspot").await;
    }
    let plan = |seed, is_unlucky| Plan {
        rng: StdRng::seed_from_u64(seed),
        tags: if is_unlucky {
            vec!["kitchen", UNSURE, SPAM, NONSENSE]
        } else {
            vec!["kitchen", "bath", UNSURE, SPAM]
        },
        is_unlucky,
    };
    let (mut hers, mut his) = (plan(seed, false), plan(!seed, true));
    let (mut her_last, mut his_last) = (None, None);
    let mut steps = Vec::new();
    for _ in 0..STEPS {
        let act = hers.next();
        // His work is under way while hers comes, and the other way round.
        if let Some(bob) = &bob {
            for _ in 0..his.rng.random_range(0..3) {
                bob.act(&api, &his.next(), &mut his_last).await;
            }
        }
        ann.act(&api, &act, &mut her_last).await;
        if let Some(bob) = &bob
            && his.rng.random()
        {
            bob.act(&api, &his.next(), &mut his_last).await;
        }
        world.rest().await;
        world.pass(Duration::from_secs(hers.rng.random_range(60..1_800)));
        steps.push(world.now());
        world.rest().await;
    }
    let view = ann.view(&api).await;
    if let Some(bob) = &bob {
        assert!(
            !bob.list(&api, "requests").await.is_empty(),
            "seed {seed}: bob had nothing to do"
        );
    }
    let callrail = world.simulators().callrail().base_url();
    world.stop_early().await;
    // Reasons name who was not heard, and every run has other ports.
    let view = view.to_string().replace(&callrail, "callrail");
    let view = sorted(serde_json::from_str(&view).unwrap(), &steps);
    let mut names = Names {
        steps: &steps,
        known: HashMap::new(),
    };
    names.value("", &view)
}

/// The lines that differ, the first of many.
fn difference(alone: &Value, beside: &Value) -> String {
    let (alone, beside) = (format!("{alone:#}"), format!("{beside:#}"));
    let (alone, beside): (Vec<_>, Vec<_>) = (alone.lines().collect(), beside.lines().collect());
    let first = alone
        .iter()
        .zip(&beside)
        .position(|(a, b)| a != b)
        .unwrap_or(alone.len().min(beside.len()));
    let mut shown = String::new();
    for (who, lines) in [("alone", alone), ("beside", beside)] {
        writeln!(
            shown,
            "--- {who}, {} lines, from line {first} on",
            lines.len()
        )
        .unwrap();
        for line in lines.iter().skip(first.saturating_sub(12)).take(30) {
            writeln!(shown, "{line}").unwrap();
        }
    }
    shown
}

async fn is_the_same_alone_and_beside_another(seed: u64) {
    let (alone, beside) = (
        run(seed, Beside::Nobody).await,
        run(seed, Beside::Bob).await,
    );
    assert!(
        alone == beside,
        "seed {seed}: what a tenant sees depends on another\n{}",
        difference(&alone, &beside)
    );
    let requests = alone["a_requests"].as_array().unwrap();
    let timelines: String = requests
        .iter()
        .map(|request| request["timeline"].to_string())
        .collect();
    let has_happened = |outcome: &str| timelines.contains(&json!(outcome).to_string());
    assert!(
        requests.len() > 2
            && has_happened("completed")
            && (has_happened("held") || has_happened("retry")),
        "seed {seed}: hardly anything happened: {alone:#}"
    );
}

/// Another seed may be given as `ISOLATION_SEED`.
macro_rules! seeds {
    ($($name:ident: $seed:literal),+ $(,)?) => {$(
        #[tokio::test]
        async fn $name() {
            let seed = option_env!("ISOLATION_SEED").map_or($seed, |seed| seed.parse().unwrap());
            is_the_same_alone_and_beside_another(seed).await;
        }
    )+};
}

seeds! {
    a_tenant_sees_the_same_alone_and_beside_another_1: 2,
    a_tenant_sees_the_same_alone_and_beside_another_2: 13,
    a_tenant_sees_the_same_alone_and_beside_another_3: 35,
    a_tenant_sees_the_same_alone_and_beside_another_4: 36,
}

#[tokio::test]
async fn a_tenant_who_writes_into_anothers_crm_is_noticed() {
    let (alone, beside) = (
        run(13, Beside::Nobody).await,
        run(13, Beside::BobInHerCrm).await,
    );
    assert_ne!(alone["crm"], beside["crm"]);
}
