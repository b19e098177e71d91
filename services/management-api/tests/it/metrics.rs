//! Figures: equal to what SQL counts over the same rows, by the office's clock, and with every fault told at once.

use std::{collections::BTreeMap, time::Duration};

use domain::{
    AreaBasis, AreaVerdict, ConnectionName, DispatchSection, DispatchState, Engine, Office,
    OfficeId, Outcome, ParkCause, PostalCode, ProjectType, QualificationSection, RemoteIds,
    Section, SpamGate, Stage, WorkflowConfig,
};
use rusqlite::Connection;
use serde_json::{Value, json};
use store::{AuditAction, ConfigKind, Figures as _, NewConfig, SecurityEvent, Store as _};

use crate::{
    openapi::assert_is_as_described,
    requests::analysis,
    world::{World, body, tenant, wrong_fields},
};

const PATH: &str = "/v1/tenants/a/metrics";

/// A call that is judged, and pushed into a CRM where it gets so far.
async fn lead(world: &World, number: u32, score: u8, gate: SpamGate, area: AreaVerdict) {
    world.call(number).await;
    world.gather().await;
    let hubspot = ConnectionName::new("hubspot").unwrap();
    let mut judged = analysis(Engine::Model("m".to_owned()));
    if let Section::Analysis(analysis) = &mut judged {
        analysis.lead_score = score;
        analysis.project_type = ProjectType::ALL[usize::try_from(number % 3).unwrap()];
        analysis.spam_likelihood = f64::from(number * 8);
        let said = [None, Some("78664"), Some("78664"), Some("78701")];
        let said = said[usize::try_from(number % 4).unwrap()];
        analysis.postal_code = said.map(|said| PostalCode::parse(said).unwrap());
    }
    let qualification = Section::Qualification(QualificationSection {
        missing_fields: Default::default(),
        revision: 0,
        gate,
        gate_reason: None,
        area,
        map: None,
        config_version: 1,
        destinations: BTreeMap::from([(hubspot.clone(), "hubspot".to_owned())]),
        notify: false,
    });
    let outcome = Outcome::Done {
        sections: vec![judged, qualification],
        aliases: Vec::new(),
    };
    world.settle(Stage::Analysis, outcome, Vec::new()).await;
    if gate != SpamGate::Pass || matches!(area, AreaVerdict::Out(_)) {
        return;
    }
    let outcome = if number.is_multiple_of(4) {
        Outcome::Park {
            cause: ParkCause::Permanent,
            reason: "no".to_owned(),
            answer: None,
        }
    } else {
        Outcome::done(Section::Dispatch(
            hubspot,
            DispatchSection {
                connector: "hubspot".to_owned(),
                state: DispatchState::Done,
                revision: 0,
                remote_ids: RemoteIds::default(),
                fields_hash: None,
                dispatched_at: None,
                reason: None,
            },
        ))
    };
    world.settle(Stage::Dispatch, outcome, Vec::new()).await;
}

/// Leads of every kind over some hours, a refusal, and a delivery that cannot be read.
async fn leads(world: &World) {
    let inside = AreaVerdict::In(AreaBasis::Everywhere);
    let outside = AreaVerdict::Out(AreaBasis::PostalCode);
    for number in 1..=12 {
        let score = u8::try_from(70 + 2 * number).unwrap();
        let (gate, area) = match number {
            3 => (SpamGate::Quarantine, inside),
            5 => (SpamGate::Review, inside),
            7 | 8 => (SpamGate::Pass, outside),
            _ => (SpamGate::Pass, inside),
        };
        lead(world, number, score, gate, area).await;
        world.clock.advance(Duration::from_secs(40 * 60));
        if number == 6 {
            while world.store.fold_figures_across_tenants(7).await.unwrap() > 0 {}
        }
    }
    world.accept("a", Err("broken".to_owned()), 900).await;
    world.call_of("b", 1).await;
    let refusal = SecurityEvent {
        minute: world.now(),
        address: "192.0.2.1".to_owned(),
        reason: "wrong_signature".to_owned(),
        provider: "callrail".to_owned(),
        tenant: Some("a".to_owned()),
        count: 3,
        trace_id: String::new(),
    };
    let recorded = world
        .store
        .record_security_events_across_tenants(vec![refusal]);
    recorded.await.unwrap();
}

async fn summary(world: &World, query: &str) -> BTreeMap<String, Value> {
    let shown = body(&world.get(&format!("{PATH}/summary{query}")).await);
    let figures = shown.as_array().unwrap().iter();
    figures
        .map(|figure| {
            assert_is_as_described(figure, "SummaryFigure");
            (figure["key"].as_str().unwrap().to_owned(), figure.clone())
        })
        .collect()
}

async fn series(world: &World, query: &str) -> Value {
    let shown = body(&world.get(&format!("{PATH}/series?{query}")).await);
    assert_is_as_described(&shown, "FigureSeries");
    shown
}

/// What SQL says over the rows of the product: numerator and denominator.
fn asked_of_sql(world: &World) -> BTreeMap<&'static str, (f64, f64)> {
    const GENUINE: &str = "status <> 'merged' AND ifnull(json_extract(document, '$.qualification.gate'), '') <> 'quarantine' \
                           AND ifnull(json_extract(document, '$.analysis.intent'), '') <> 'wrong_number'";
    const INSIDE: &str = "ifnull(json_extract(document, '$.qualification.area.area'), '') <> 'out'";
    const SCORE: &str = "json_extract(document, '$.analysis.lead_score')";
    let db = Connection::open(world.folder().join("store.db")).unwrap();
    let number = |sql: String| -> f64 {
        let found = db.query_row(&sql, [], |row| row.get::<_, Option<f64>>(0));
        found
            .unwrap_or_else(|error| panic!("{error}: {sql}"))
            .unwrap_or_default()
    };
    let leads = |what: &str, which: &str| {
        number(format!(
            "SELECT CAST({what} AS REAL) FROM requests WHERE tenant_id = 'a' AND {which}"
        ))
    };
    let runs = |what: &str, stage: &str| {
        number(format!(
            "SELECT CAST({what} AS REAL) FROM request_log WHERE tenant_id = 'a' \
             AND json_extract(entry, '$.stage') = '{stage}' AND json_extract(entry, '$.duration_ms') IS NOT NULL"
        ))
    };
    let genuine = leads("count(*)", GENUINE);
    let inside = leads("count(*)", &format!("{GENUINE} AND {INSIDE}"));
    let all = leads("count(*)", "status <> 'merged'");
    let scored = leads("count(*)", &format!("{GENUINE} AND {SCORE} IS NOT NULL"));
    let pushes = |state: &str| {
        number(format!(
            "SELECT CAST(count(*) AS REAL) FROM requests, json_each(document, '$.dispatches') AS push \
             WHERE tenant_id = 'a' AND json_extract(push.value, '$.state') IN ({state})"
        ))
    };
    let stored = number(
        "SELECT CAST(count(*) AS REAL) FROM webhook_events WHERE tenant_id = 'a'".to_owned(),
    );
    let refused = number(
        "SELECT CAST(sum(count) AS REAL) FROM security_events WHERE tenant_id = 'a'".to_owned(),
    );
    let status = |status: &str| leads("count(*)", &format!("status = '{status}'"));
    BTreeMap::from([
        ("came_in", (all, 0.0)),
        ("genuine", (genuine, 0.0)),
        ("in_area", (inside, 0.0)),
        ("completed", (status("completed"), 0.0)),
        ("parked", (status("parked"), 0.0)),
        ("in_review", (status("in_review"), 0.0)),
        ("quarantined", (status("quarantined"), 0.0)),
        ("out_of_area", (status("out_of_area"), 0.0)),
        ("conversion", (inside, all)),
        (
            "average_score",
            (leads(&format!("sum({SCORE})"), GENUINE), scored),
        ),
        (
            "share_over_80",
            (
                leads("count(*)", &format!("{GENUINE} AND {SCORE} > 80")),
                scored,
            ),
        ),
        (
            "crm_success",
            (pushes("'done'"), pushes("'done', 'held', 'parked'")),
        ),
        ("deliveries", (stored, 0.0)),
        ("webhook_success", (stored, stored + refused)),
        (
            "stage_average.analysis",
            (
                runs("sum(json_extract(entry, '$.duration_ms'))", "analysis"),
                runs("count(*)", "analysis"),
            ),
        ),
        ("stage_runs.dispatch", (runs("count(*)", "dispatch"), 0.0)),
    ])
}

#[tokio::test]
async fn figures_equal_what_sql_counts_over_the_same_rows() {
    let world = World::start().await;
    leads(&world).await;
    for is_folded in [false, true] {
        let summary = summary(&world, "").await;
        for (key, (numerator, denominator)) in asked_of_sql(&world) {
            let shown = &summary[key];
            assert_eq!(
                shown["numerator"].as_f64(),
                Some(numerator),
                "{key}, {is_folded}"
            );
            let of = shown["denominator"].as_f64().unwrap_or_default();
            assert_eq!(of, denominator, "{key}, {is_folded}");
            let value = if denominator > 0.0 {
                numerator / denominator
            } else {
                numerator
            };
            assert_eq!(shown["value"].as_f64(), Some(value), "{key}, {is_folded}");
        }
        assert_eq!(summary["stage_p95.analysis"]["value"], json!(195.0));
        assert_eq!(summary["came_in"]["numerator"], json!(13));
        while world.store.fold_figures_across_tenants(100).await.unwrap() > 0 {}
    }
}

#[tokio::test]
async fn every_figure_has_a_series_by_all_that_it_is_known_by() {
    let world = World::start().await;
    leads(&world).await;
    let list = body(&world.get(PATH).await);
    assert_is_as_described(&list, "FigureList");
    for figure in list["items"].as_array().unwrap() {
        assert_is_as_described(figure, "FigureDefinition");
        let key = figure["key"].as_str().unwrap();
        let whole = series(&world, &format!("key={key}&step=all")).await;
        for by in figure["by"].as_array().unwrap() {
            let by = by.as_str().unwrap();
            let apart = series(&world, &format!("key={key}&step=hour&by={by}")).await;
            let steps = apart["steps"].as_array().unwrap().len();
            let parts: f64 = apart["series"]
                .as_array()
                .unwrap()
                .iter()
                .flat_map(|series| {
                    let values = series["values"].as_array().unwrap();
                    assert_eq!(values.len(), steps);
                    values.iter().filter_map(Value::as_f64)
                })
                .sum();
            // Counts of the parts come to the whole.
            if figure["denominator"].is_null() && by != "stage" {
                assert_eq!(
                    Some(parts),
                    whole["series"][0]["values"][0].as_f64(),
                    "{key} by {by}"
                );
            }
        }
    }
    let by = series(&world, "key=came_in&by=project_type&step=all").await;
    let names: Vec<_> = by["series"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["name"])
        .collect();
    assert_eq!(names, ["none", "bathroom", "kitchen", "whole_home"]);
    let one = series(&world, "key=stage_runs.analysis&step=all").await;
    assert_eq!(
        one["series"],
        json!([{ "name": "analysis", "values": [12.0] }])
    );
}

#[tokio::test]
async fn histograms_and_places_equal_what_sql_counts() {
    const GENUINE: &str = "ifnull(json_extract(document, '$.qualification.gate'), '') <> 'quarantine' \
                           AND ifnull(json_extract(document, '$.analysis.intent'), '') <> 'wrong_number'";
    const CODE: &str = "json_extract(document, '$.analysis.postal_code')";
    let world = World::start().await;
    leads(&world).await;
    let db = Connection::open(world.folder().join("store.db")).unwrap();
    let count = |which: String| -> i64 {
        let sql = format!("SELECT count(*) FROM requests WHERE tenant_id = 'a' AND {which}");
        db.query_row(&sql, [], |row| row.get(0)).unwrap()
    };
    let histogram = async |key: &str| {
        let shown = body(&world.get(&format!("{PATH}/histogram?key={key}")).await);
        assert_is_as_described(&shown, "FigureHistogram");
        shown
    };
    for (key, path, which) in [
        ("score", "$.analysis.lead_score", GENUINE),
        ("spam_likelihood", "$.analysis.spam_likelihood", "true"),
    ] {
        let shown = histogram(key).await;
        let bins = shown["bins"].as_array().unwrap();
        assert_eq!(bins.len(), 20);
        for bin in bins {
            let (from, to) = (bin["from"].as_u64().unwrap(), bin["to"].as_u64().unwrap());
            let end = if to == 100 { 101 } else { to };
            let value = format!("json_extract(document, '{path}')");
            let expected = count(format!("{which} AND {value} >= {from} AND {value} < {end}"));
            assert_eq!(bin["count"], json!(expected), "{key} from {from}");
        }
        let all = count(format!(
            "{which} AND json_extract(document, '{path}') IS NOT NULL"
        ));
        assert!(all > 0);
        assert_eq!(shown["count"], json!(all), "{key}");
    }
    let times = histogram("stage_time.analysis").await;
    assert_eq!(times["count"], json!(12));
    assert_eq!(
        times["bins"].as_array().unwrap().last().unwrap()["to"],
        Value::Null
    );

    let places = body(&world.get(&format!("{PATH}/places")).await);
    assert_is_as_described(&places, "PlaceList");
    assert_eq!(places["others"], json!(0));
    let mut seen = 0;
    for place in places["items"].as_array().unwrap() {
        let here = match place["postal_code"].as_str() {
            Some(code) => format!("{CODE} = '{code}'"),
            None => format!("{CODE} IS NULL"),
        };
        assert_eq!(place["came_in"], json!(count(here.clone())), "{here}");
        let genuine = count(format!("{here} AND {GENUINE}"));
        assert_eq!(place["genuine"], json!(genuine), "{here}");
        seen += count(here);
    }
    assert_eq!(seen, count("true".to_owned()));
}

#[tokio::test]
async fn days_begin_by_the_offices_clock() {
    let world = World::start().await;
    let office = Office {
        id: OfficeId::from_uuid(world.store.ids().next()),
        tenant: tenant("a"),
        name: "Austin".to_owned(),
        address: "500 Example Ave".to_owned(),
        time_zone: "America/Chicago".to_owned(),
        config: WorkflowConfig::default(),
        config_version: 1,
    };
    world.store.put_office(&office).await.unwrap();
    // 11:45 PM on 1 June in Austin, and half an hour later.
    world.clock.set("2020-06-02T04:45:00Z".parse().unwrap());
    world.call(1).await;
    world.clock.advance(Duration::from_secs(30 * 60));
    world.call(2).await;
    world.call(3).await;
    let days = series(&world, "key=came_in&from=2020-06-01&to=2020-06-02").await;
    assert_eq!(
        days["steps"],
        json!(["2020-06-01T05:00:00Z", "2020-06-02T05:00:00Z"])
    );
    assert_eq!(
        days["series"],
        json!([{ "name": "all", "values": [1.0, 2.0] }])
    );

    let compared = summary(&world, "?from=2020-06-02&to=2020-06-02&compare=previous").await;
    let came_in = &compared["came_in"];
    assert_eq!(
        (&came_in["value"], &came_in["previous"]),
        (&json!(2.0), &json!(1.0))
    );
    // The calls name no office: they belong to the first one, and not to another.
    let of_office = summary(&world, &format!("?office={}", office.id)).await;
    assert_eq!(of_office["came_in"]["value"], json!(3.0));
    let by_office = series(
        &world,
        "key=came_in&by=office&step=all&from=2020-06-01&to=2020-06-02",
    )
    .await;
    let name = office.id.to_string();
    assert_eq!(
        by_office["series"],
        json!([{ "name": name, "values": [3.0] }])
    );
    assert!(!of_office.contains_key("stage_runs.analysis"));
}

#[tokio::test]
async fn an_office_that_was_removed_has_its_figures_still() {
    let world = World::start().await;
    world.office_of("a").await;
    let id = OfficeId::from_uuid(uuid::Uuid::from_u128(2));
    let (kind, name) = (ConfigKind::Office, id.to_string());
    let office = Office {
        id,
        tenant: tenant("a"),
        name: "Denver".to_owned(),
        address: String::new(),
        time_zone: "America/Denver".to_owned(),
        config: WorkflowConfig::default(),
        config_version: 1,
    };
    world.store.put_office(&office).await.unwrap();
    let known = world.store.config(&tenant("a"), kind, &name, None).await;
    let removal = NewConfig {
        tenant: tenant("a"),
        kind,
        name: name.clone(),
        json: known.unwrap().unwrap().removed(),
        expected: None,
        note: String::new(),
    };
    let act = AuditAction::new("ann", "office.remove", &name);
    world.store.put_config(&removal, &act).await.unwrap();
    // A lead that was on its way when the office went.
    world.call_at(id, 1).await;
    let shown = series(&world, &format!("key=came_in&step=all&office={id}")).await;
    assert_eq!(shown["series"], json!([{ "name": name, "values": [1.0] }]));
    let figures = summary(&world, &format!("?office={id}")).await;
    assert_eq!(figures["came_in"]["value"], 1.0);
    let scores = format!("{PATH}/histogram?key=score&office={id}");
    assert!(body(&world.get(&scores).await)["bins"].is_array());
    let other = format!("{PATH}/summary?office=ofc_{}", "7".repeat(32));
    assert_eq!(wrong_fields(&world.get(&other).await), ["office"]);
}

#[tokio::test]
async fn an_office_that_is_asked_for_has_its_figures_however_small_it_is() {
    let world = World::start().await;
    let offices: Vec<_> = (1..=52)
        .map(|number| OfficeId::from_uuid(uuid::Uuid::from_u128(number)))
        .collect();
    let (small, large) = offices.split_last().unwrap();
    let mut number = 0;
    for office in large.iter().chain(large).chain([small]) {
        number += 1;
        world.call_at(*office, number).await;
    }
    for id in [small, &large[0]] {
        let office = Office {
            id: *id,
            tenant: tenant("a"),
            name: "Austin".to_owned(),
            address: String::new(),
            time_zone: "America/Chicago".to_owned(),
            config: WorkflowConfig::default(),
            config_version: 1,
        };
        world.store.put_office(&office).await.unwrap();
    }
    for (office, leads) in [(&large[0], 2.0), (small, 1.0)] {
        let query = format!("key=came_in&step=all&office={office}");
        let shown = series(&world, &query).await;
        let name = office.to_string();
        assert_eq!(
            shown["series"],
            json!([{ "name": name, "values": [leads] }])
        );
    }
}

#[tokio::test]
async fn every_parameter_that_is_wrong_is_named() {
    let world = World::start().await;
    let wrong = async |query: &str| wrong_fields(&world.get(&format!("{PATH}/{query}")).await);
    assert_eq!(
        wrong("histogram?key=stage_time&from=yesterday&office=mine").await,
        ["key", "office", "from"]
    );
    assert_eq!(wrong("histogram?key=score.analysis").await, ["key"]);
    assert_eq!(wrong("places?to=soon").await, ["to"]);
    assert_eq!(
        wrong("summary?from=yesterday&to=2020-13-01&compare=next&office=mine").await,
        ["compare", "office", "from", "to"]
    );
    assert_eq!(
        wrong("summary?from=2020-06-02&to=2020-06-01").await,
        ["from"]
    );
    assert_eq!(wrong("summary?from=1999-01-01").await, ["from"]);
    assert_eq!(
        wrong("summary?from=-009999-01-02T00:00:00Z").await,
        ["from"]
    );
    assert_eq!(wrong("series").await, ["key"]);
    assert_eq!(
        wrong("series?key=sales&by=color&step=minute&from=x").await,
        ["key", "by", "step", "from"]
    );
    assert_eq!(wrong("series?key=came_in&by=stage").await, ["by"]);
    assert_eq!(wrong("series?key=came_in.analysis").await, ["key"]);
    assert_eq!(
        wrong("series?key=came_in&step=hour&from=2020-01-01").await,
        ["step"]
    );
}
