//! Whether a process is alive, and ready.

use std::{
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use runtime::{CapturedLogs, Check, health_routes};
use serde_json::json;

use crate::{ask, get};

#[tokio::test]
async fn a_process_that_answers_is_alive_whatever_fails() {
    let routes = health_routes(
        "1.2.3",
        vec![Check::new("store", async || anyhow::bail!("down"))],
    );
    let answer = ask(&routes, get("/v1/health")).await;
    assert_eq!(
        (answer.status.as_u16(), answer.json()),
        (200, json!({"status": "ok", "version": "1.2.3"}))
    );
}

#[tokio::test]
async fn a_process_is_ready_while_every_check_passes() {
    let routes = health_routes(
        "1",
        vec![
            Check::new("store", async || Ok(())),
            Check::new("bus", async || Ok(())),
        ],
    );
    let answer = ask(&routes, get("/v1/health/ready")).await;
    let expected = json!({"status": "ok", "checks": {"bus": "ok", "store": "ok"}});
    assert_eq!((answer.status.as_u16(), answer.json()), (200, expected));
}

#[tokio::test(start_paused = true)]
async fn a_failing_check_makes_it_unready_and_only_logs_why() {
    let (logs, _guard) = CapturedLogs::begin();
    let checks = vec![
        Check::new("bus", async || pending().await),
        Check::new("keys", async || Ok(())),
        Check::new("store", async || anyhow::bail!("cannot open /secret/place")),
    ];
    let answer = ask(&health_routes("1", checks), get("/v1/health/ready")).await;
    let expected = json!({"status": "failing", "checks": {"bus": "failing", "keys": "ok", "store": "failing"}});
    assert_eq!((answer.status.as_u16(), answer.json()), (503, expected));
    assert!(logs.text().contains("/secret/place"), "{logs:?}");
}

#[tokio::test(start_paused = true)]
async fn probes_do_not_become_load() {
    let runs = Arc::new(AtomicUsize::new(0));
    let counted = runs.clone();
    let check = Check::new("store", move || {
        counted.fetch_add(1, Ordering::SeqCst);
        async { Ok(()) }
    });
    let routes = health_routes("1", vec![check]);
    for _ in 0..10 {
        ask(&routes, get("/v1/health/ready")).await;
    }
    assert_eq!(runs.load(Ordering::SeqCst), 1);
    tokio::time::advance(Duration::from_secs(1)).await;
    ask(&routes, get("/v1/health/ready")).await;
    assert_eq!(runs.load(Ordering::SeqCst), 2);
}
