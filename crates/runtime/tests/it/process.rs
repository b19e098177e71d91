//! A process from start to end.

use std::{
    future::pending,
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use axum::{Router, routing::get};
use futures::FutureExt as _;
use runtime::{Endpoint, Listener, ProcessError, ServeOptions, Task, run, shutdown_signal};
use tokio::sync::oneshot;

async fn endpoint(routes: Router) -> Endpoint {
    Endpoint::new(
        "public",
        Listener::bind("127.0.0.1:0".parse().unwrap())
            .await
            .unwrap(),
        routes,
    )
}

#[tokio::test]
async fn a_task_that_ends_or_panics_ends_the_process_with_its_name() {
    let ends = Task::new("relay", async |_| {});
    let error = run(
        vec![endpoint(Router::new()).await],
        vec![ends],
        ServeOptions::default(),
        pending(),
    )
    .await
    .unwrap_err();
    assert!(matches!(error, ProcessError::TaskEnded("relay")), "{error}");

    let panics = Task::new("relay", async |_| panic!("on purpose"));
    let error = run(Vec::new(), vec![panics], ServeOptions::default(), pending())
        .await
        .unwrap_err();
    assert!(
        matches!(error, ProcessError::TaskPanicked("relay")),
        "{error}"
    );
}

#[tokio::test]
async fn tasks_are_stopped_after_the_last_request_has_ended() {
    let is_stopped = Arc::new(AtomicBool::new(false));
    let (seen, seen_by_task) = (is_stopped.clone(), is_stopped.clone());
    let task = Task::new("writer", async move |stop| {
        stop.cancelled().await;
        seen_by_task.store(true, Ordering::SeqCst);
    });
    let (arrived, has_arrived) = oneshot::channel();
    let arrived = Arc::new(std::sync::Mutex::new(Some(arrived)));
    let (leave, may_leave) = tokio::sync::watch::channel(false);
    let handler = async move || {
        if let Some(arrived) = arrived.lock().unwrap().take() {
            arrived.send(()).unwrap();
        }
        may_leave
            .clone()
            .wait_for(|may_leave| *may_leave)
            .await
            .unwrap();
        seen.load(Ordering::SeqCst).to_string()
    };
    let listener = Listener::bind("127.0.0.1:0".parse().unwrap())
        .await
        .unwrap();
    let address = listener.local_addr().unwrap();
    let endpoint = Endpoint::new("public", listener, Router::new().route("/", get(handler)));
    let (shutdown, is_shut_down) = oneshot::channel::<()>();
    let process = tokio::spawn(run(
        vec![endpoint],
        vec![task],
        ServeOptions::default(),
        async {
            is_shut_down.await.unwrap();
        },
    ));

    let request = tokio::spawn(crate::serve::exchange(
        address,
        "GET / HTTP/1.1\r\nhost: x\r\n\r\n",
    ));
    has_arrived.await.unwrap();
    shutdown.send(()).unwrap();
    // The listener is gone when draining has begun.
    while tokio::net::TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert!(!is_stopped.load(Ordering::SeqCst));
    leave.send(true).unwrap();
    assert!(request.await.unwrap().ends_with("false"));
    process.await.unwrap().unwrap();
    assert!(is_stopped.load(Ordering::SeqCst));
}

#[test]
fn sigterm_and_sigint_ask_a_process_to_end() {
    for signal in ["-TERM", "-INT"] {
        // A signal goes to a whole process, so the test starts another one.
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "--ignored",
                "--nocapture",
                "process::waits_for_a_signal",
            ])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(
            lines.any(|line| line.unwrap().contains("ready")),
            "the process ended before it was ready"
        );
        assert!(
            Command::new("kill")
                .args([signal, &child.id().to_string()])
                .status()
                .unwrap()
                .success()
        );
        assert!(
            lines.any(|line| line.unwrap().contains("1 passed")),
            "{signal}"
        );
        assert!(child.wait().unwrap().success(), "{signal}");
    }
}

#[tokio::test]
#[ignore = "run by `sigterm_and_sigint_ask_a_process_to_end`"]
async fn waits_for_a_signal() {
    let mut signal = Box::pin(shutdown_signal());
    assert!(signal.as_mut().now_or_never().is_none()); // from here on signals are handled
    println!("ready");
    signal.await;
}
