//! Refusals are remembered for a while.

use std::time::Duration;

use webhook_ingest::Config;

use crate::world::{UNKNOWN, World};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[tokio::test]
async fn refusals_are_forgotten_when_they_are_old() {
    let world = World::with(Config {
        security_events_kept_for: 2 * DAY,
        ..Config::default()
    })
    .await;
    world.forged_call("192.0.2.1", UNKNOWN).await;
    let addresses = async || {
        let events = world.security_events().await;
        let addresses = events.into_iter().map(|event| event.address);
        addresses.collect::<Vec<_>>()
    };
    world
        .eventually("the first is recorded", async || {
            addresses().await == ["192.0.2.1"]
        })
        .await;
    world.clock.advance(DAY);
    world.forged_call("192.0.2.2", UNKNOWN).await;
    world
        .eventually("both are there", async || {
            addresses().await == ["192.0.2.2", "192.0.2.1"]
        })
        .await;
    world.clock.advance(DAY);
    world
        .eventually("only the newer is left", async || {
            addresses().await == ["192.0.2.2"]
        })
        .await;
}
