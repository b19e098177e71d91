//! A source whose deliveries are refused one after the other.

use std::time::Duration;

use axum::http::StatusCode;
use runtime::CapturedLogs;

use crate::world::{CALLRAIL, NEIGHBOUR, SHARED, UNKNOWN, World};

const MINUTE: Duration = Duration::from_secs(60);
const SENDER: &str = "192.0.2.1";

/// The alarms in a log, a line each.
fn alarms(logs: &CapturedLogs) -> Vec<String> {
    lines(logs, "compare the source's signing key")
}

fn ends(logs: &CapturedLogs) -> Vec<String> {
    lines(logs, "sends genuine deliveries again")
}

fn lines(logs: &CapturedLogs, words: &str) -> Vec<String> {
    let text = logs.text();
    let lines = text.lines().filter(|line| line.contains(words));
    lines.map(str::to_owned).collect()
}

async fn forge(world: &World, path: &str, times: usize) {
    for _ in 0..times {
        let answer = world.forged_call(SENDER, path).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    }
}

#[tokio::test]
async fn a_run_of_refusals_is_told_once_and_so_is_its_end() {
    let (logs, _guard) = CapturedLogs::begin();
    let world = World::start().await;
    forge(&world, CALLRAIL, 4).await;
    assert!(alarms(&logs).is_empty(), "a few are no alarm");
    forge(&world, CALLRAIL, 146).await;
    let told = alarms(&logs);
    assert_eq!(told.len(), 1, "{told:?}");
    for part in [
        "tenant_demo",
        "wrong_signature",
        "src_00000000000000000000000000000001",
    ] {
        assert!(told[0].contains(part), "{part}: {}", told[0]);
    }
    assert!(ends(&logs).is_empty());

    for call in ["CAL1", "CAL2"] {
        let answer = world.call(SENDER, CALLRAIL, call).await;
        assert_eq!(answer.status, StatusCode::OK);
    }
    let ended = ends(&logs);
    assert_eq!(ended.len(), 1, "{ended:?}");
    assert!(ended[0].contains("after 150 were refused"), "{}", ended[0]);

    forge(&world, CALLRAIL, 5).await;
    assert_eq!(alarms(&logs).len(), 2, "another run");
}

#[tokio::test]
async fn a_run_that_goes_on_is_told_every_hour() {
    let (logs, _guard) = CapturedLogs::begin();
    let world = World::start().await;
    for _ in 0..3 * 60 {
        forge(&world, CALLRAIL, 1).await;
        world.clock.advance(MINUTE);
    }
    assert_eq!(alarms(&logs).len(), 3);
}

#[tokio::test]
async fn refusals_between_genuine_deliveries_are_no_run() {
    let (logs, _guard) = CapturedLogs::begin();
    let world = World::start().await;
    for number in 0..10 {
        forge(&world, CALLRAIL, 4).await;
        world.call(SENDER, CALLRAIL, &format!("CAL{number}")).await;
    }
    // Nor are those of two sources, or of a source that does not exist.
    for _ in 0..2 {
        forge(&world, CALLRAIL, 2).await;
        forge(&world, NEIGHBOUR, 2).await;
        forge(&world, UNKNOWN, 20).await;
    }
    assert!(alarms(&logs).is_empty() && ends(&logs).is_empty());
}

#[tokio::test]
async fn a_run_at_the_shared_url_names_the_source() {
    let (logs, _guard) = CapturedLogs::begin();
    let world = World::start().await;
    forge(&world, SHARED, 5).await;
    let told = alarms(&logs);
    assert!(
        told.len() == 1 && told[0].contains("tenant_demo"),
        "{told:?}"
    );
    assert!(!logs.text().contains("+15125550142"), "no personal data");
}
