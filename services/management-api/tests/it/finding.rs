//! Finding requests: filters, orders, search and counts over HTTP.

use std::time::Duration;

use domain::{
    AreaBasis, AreaVerdict, Engine, Office, OfficeId, Outcome, Reading, RequestId, Section, Stage,
    WorkflowConfig,
};
use serde_json::{Value, json};
use store::{Finding as _, Store as _};

use crate::{
    openapi::assert_is_as_described,
    requests::{analysis, qualification},
    world::{World, body, news, problem, tenant, wrong_fields},
};

const LIST: &str = "/v1/tenants/a/requests";

impl World {
    async fn found(&self, query: &str) -> Vec<String> {
        let list = body(&self.get(&format!("{LIST}?{query}")).await);
        let items = list["items"].as_array().unwrap();
        items
            .iter()
            .map(|item| item["request_id"].as_str().unwrap().to_owned())
            .collect()
    }

    async fn counted(&self, query: &str) -> Value {
        let count = body(&self.get(&format!("{LIST}/count?{query}")).await);
        assert_is_as_described(&count, "RequestCount");
        count
    }

    /// A call of somebody.
    async fn call_from(&self, number: u32, name: &str, phone: &str) -> RequestId {
        let mut news = news(number);
        news.facts.person.name = Some(name.to_owned());
        news.facts.person.phone = Some(phone.to_owned());
        self.accept("a", Ok(Reading::News(Box::new(news))), number)
            .await
    }

    /// Has the only call that waits judged.
    async fn judge(&self, score: u8, area: AreaVerdict) {
        self.gather().await;
        let Section::Analysis(mut said) = analysis(Engine::Model("m".to_owned())) else {
            unreachable!()
        };
        said.lead_score = score;
        let sections = vec![Section::Analysis(said), qualification(area, true)];
        let aliases = Vec::new();
        let done = Outcome::Done { sections, aliases };
        self.settle(Stage::Analysis, done, Vec::new()).await;
    }

    async fn index(&self) {
        while self
            .store
            .index_requests_across_tenants(50)
            .await
            .unwrap()
            .has_more
        {}
    }
}

fn names(ids: &[RequestId]) -> Vec<String> {
    ids.iter().map(RequestId::to_string).collect()
}

#[tokio::test]
async fn filters_and_orders_agree_with_what_is_given() {
    let world = World::start().await;
    let ann = world.call_from(1, "Ann Lee", "5125550142").await;
    world
        .judge(80, AreaVerdict::In(AreaBasis::Everywhere))
        .await;
    let bob = world.call_from(2, "Bob Ray", "7375550199").await;
    world.judge(40, AreaVerdict::Unknown).await;
    let cid = world.call_from(3, "Cid Roe", "5125550177").await;
    world.call_of("b", 4).await;
    for _ in ["looked at", "indexed"] {
        for (query, expected) in [
            ("", vec![cid, bob, ann]),
            ("sort=newest", vec![cid, bob, ann]),
            ("sort=oldest", vec![ann, bob, cid]),
            ("sort=waiting", vec![ann, bob, cid]),
            ("sort=score", vec![ann, bob, cid]),
            ("status=received", vec![cid]),
            ("status=received&status=processing", vec![cid, bob, ann]),
            ("status=received&sort=waiting", vec![cid]),
            ("status=completed&sort=waiting", vec![]),
            ("channel=phone", vec![cid, bob, ann]),
            ("channel=form", vec![]),
            ("score_from=0", vec![bob, ann]),
            ("score_from=80", vec![ann]),
            ("score_from=81", vec![]),
            ("score_to=100", vec![bob, ann]),
            ("score_from=40&score_to=40", vec![bob]),
            ("area=in", vec![ann]),
            ("area=unknown&project_type=kitchen", vec![bob]),
            ("intent=quote_request&sort=oldest", vec![ann, bob]),
            ("project_type=roofing", vec![]),
            (
                "source_id=src_00000000000000000000000000000001",
                vec![cid, bob, ann],
            ),
            ("source_id=src_00000000000000000000000000000002", vec![]),
            ("office_id=ofc_00000000000000000000000000000001", vec![]),
            ("from=2020-06-01", vec![cid, bob, ann]),
            ("to=2020-06-01", vec![cid, bob, ann]),
            ("to=2020-05-31", vec![]),
            ("from=2020-06-01T12:00:00Z", vec![cid, bob, ann]),
            ("to=2020-06-01T12:00:00Z", vec![]),
            ("q=lee", vec![ann]),
            ("q=%28512%29+555-0142", vec![ann]),
            ("q=%2B15125550142", vec![ann]),
            ("q=0199", vec![bob]),
            ("q=wants+kitchen", vec![bob, ann]),
            ("q=kitchen+ray", vec![bob]),
            ("q=kitchen&score_from=50", vec![ann]),
        ] {
            assert_eq!(world.found(query).await, names(&expected), "{query}");
            if !query.contains("sort") {
                let expected = json!({ "count": expected.len(), "is_exact": true });
                assert_eq!(world.counted(query).await, expected, "{query}");
            }
        }
        world.index().await;
    }
}

#[tokio::test]
async fn every_filter_that_is_wrong_is_named_at_once() {
    let world = World::start().await;
    let wrong = "status=done&status=held&channel=fax&source_id=1&office_id=x&score_from=-1&score_to=101&area=near\
                 &project_type=moat&intent=none&from=yesterday&to=2026-02-30&q=%22%2A";
    let mut fields = vec![
        "status",
        "channel",
        "source_id",
        "office_id",
        "score_from",
        "score_to",
        "area",
        "project_type",
        "intent",
        "from",
        "to",
        "q",
    ];
    fields.sort_unstable();
    let mut named = wrong_fields(&world.get(&format!("{LIST}/count?{wrong}")).await);
    named.sort_unstable();
    assert_eq!(named, fields);
    let list = format!("{LIST}?{wrong}&sort=best&limit=0&cursor=x");
    let mut named = wrong_fields(&world.get(&list).await);
    named.sort_unstable();
    fields.extend(["sort", "limit", "cursor"]);
    fields.sort_unstable();
    assert_eq!(named, fields);

    for (query, field) in [
        ("score_from=80&score_to=79", "score_to"),
        ("from=2026-11-02&to=2026-11-01", "to"),
        ("score_from=", "score_from"),
        ("score_to=100.0", "score_to"),
        ("score_to=%2B256", "score_to"),
        ("status=", "status"),
        ("area=In", "area"),
        ("from=2026-11-01T09:00", "from"),
        ("from=", "from"),
        ("to=9999-12-31", "to"),
        ("needs_call=yes", "needs_call"),
        ("q=", "q"),
        ("q=%00", "q"),
        ("q=...", "q"),
    ] {
        let answer = world.get(&format!("{LIST}?{query}")).await;
        assert_eq!(wrong_fields(&answer), [field], "{query}");
    }
    for query in [
        "statuss=held",
        "score_from=1&score_from=2",
        "needs_call=true&needs_call=true",
    ] {
        problem(&world.get(&format!("{LIST}?{query}")).await, 400);
        problem(&world.get(&format!("{LIST}/count?{query}")).await, 400);
    }
    problem(&world.get(&format!("{LIST}/count?limit=1")).await, 400);
}

#[tokio::test]
async fn the_beginning_of_a_number_is_found_however_it_is_written() {
    let world = World::start().await;
    let ann = world.call_from(1, "Ann Lee", "+15125550142").await;
    let bob = world.call_from(2, "Bob Roy", "+442079460018").await;
    world.index().await;
    let (ann, bob) = (names(&[ann]), names(&[bob]));
    for q in [
        "512555",
        "(512)+555",
        "512+555",
        "512-555",
        "512-5",
        "%2B1+512",
        "1+512+5",
        "512+555+ann",
    ] {
        let expected = if q.ends_with("ann") {
            [].as_slice()
        } else {
            &ann
        };
        assert_eq!(world.found(&format!("q={q}")).await, expected, "{q}");
    }
    for q in ["44+20", "%2B44+20", "020+7946", "02079"] {
        assert_eq!(world.found(&format!("q={q}")).await, bob, "{q}");
    }
    for q in ["512+556", "555+512", "020+7947"] {
        assert_eq!(world.found(&format!("q={q}")).await, [""; 0], "{q}");
    }
}

#[tokio::test]
async fn no_search_breaks_the_search() {
    let world = World::start().await;
    world.call(1).await;
    world.index().await;
    let long = "a".repeat(10_000);
    let (many, most) = ("a+".repeat(60), "a+".repeat(16));
    for (q, status) in [
        ("a%22+OR+%22b", 200),
        ("NEAR%28a+b%29", 200),
        ("NOT+a", 200),
        ("a%2A", 200),
        ("tokens%3Aa", 200),
        ("%27%3B+DROP+TABLE+requests", 200),
        ("a%00b", 200),
        ("%F0%9F%A6%80+a", 200),
        ("%C3%A9", 200),
        ("%ff", 422),
        (most.as_str(), 200),
        (many.as_str(), 422),
        (long.as_str(), 422),
        ("%22%22%22", 422),
        ("%F0%9F%A6%80", 422),
    ] {
        for path in [format!("{LIST}?q={q}"), format!("{LIST}/count?q={q}")] {
            assert_eq!(world.get(&path).await.status, status, "{q:.40}");
        }
    }
}

#[tokio::test]
async fn a_cursor_goes_on_in_its_own_list_only() {
    let world = World::start().await;
    let mut all = Vec::new();
    for number in 0..5 {
        world.clock.advance(Duration::from_secs(1));
        all.push(world.call(number).await.to_string());
    }
    for query in [
        "channel=phone&sort=oldest",
        "sort=oldest&q=ann&status=received",
    ] {
        let first = body(&world.get(&format!("{LIST}?{query}&limit=2")).await);
        let cursor = first["next_cursor"].as_str().unwrap();
        let on = world
            .found(&format!("limit=200&{query}&cursor={cursor}"))
            .await;
        assert_eq!(on, all[2..]);
        for other in [
            "",
            "sort=oldest",
            "channel=phone",
            "channel=phone&sort=score",
            "channel=phone&sort=oldest&score_from=0",
        ] {
            let answer = world.get(&format!("{LIST}?{other}&cursor={cursor}")).await;
            assert_eq!(wrong_fields(&answer), ["cursor"], "{other}");
            let shown = problem(&answer, 422);
            let message = shown["errors"][0]["message"].as_str().unwrap();
            assert!(message.contains("another list"), "{message}");
        }
    }
}

#[tokio::test]
async fn a_day_is_one_of_the_offices_zone() {
    let world = World::start().await;
    // Half past midnight in Chicago, where it is the day before in Los Angeles.
    let late: jiff::Timestamp = "2020-06-02T05:30:00Z".parse().unwrap();
    let wait = late.duration_since(world.now());
    world.clock.advance(wait.try_into().unwrap());
    let id = world.call(1).await.to_string();
    assert_eq!(world.found("from=2020-06-02").await, vec![id.clone()]);
    for (number, zone) in [(1, "America/Chicago"), (2, "America/Los_Angeles")] {
        let office = Office {
            id: OfficeId::from_uuid(uuid::Uuid::from_u128(number)),
            tenant: tenant("a"),
            name: "Office".to_owned(),
            address: String::new(),
            time_zone: zone.to_owned(),
            config: WorkflowConfig::default(),
            config_version: 0,
        };
        world.store.put_office(&office).await.unwrap();
    }
    let none = Vec::<String>::new();
    assert_eq!(world.found("from=2020-06-02").await, vec![id.clone()]);
    assert_eq!(world.found("to=2020-06-01").await, none);
    assert_eq!(world.counted("from=2020-06-02").await["count"], 1);
    // Its zone says which day; it belongs to no office.
    let second = "office_id=ofc_00000000000000000000000000000002";
    assert_eq!(world.found(&format!("{second}&to=2020-06-01")).await, none);
}
