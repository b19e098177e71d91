//! A stand-in for an emulator: a shell with a child, both of which must not outlive us.

use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use testkit::emulators::{Emulator, EmulatorError, Probe};

/// Prints the numbers of its two processes, `<leader> <child>`.
const PROGRAM: &str = "sleep 600 & echo $$ $!; wait";

fn program([_]: [u16; 1]) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", PROGRAM]);
    command
}

/// A started one, and its processes.
async fn started() -> (Emulator, Vec<String>) {
    let is_ready = async |_: [u16; 1]| true;
    let (emulator, _) = Emulator::start("sleeper", program, is_ready).await.unwrap();
    let numbers = loop {
        let log = emulator.log_end();
        if log.ends_with('\n') {
            break log.split_whitespace().map(str::to_owned).collect();
        }
        tokio::task::yield_now().await;
    };
    (emulator, numbers)
}

/// The state of a process as `ps` shows it; empty when there is none. One that only waits to be reaped is none.
fn state(number: &str) -> String {
    let shown = Command::new("ps")
        .args(["-o", "stat=", "-p", number])
        .output()
        .unwrap();
    let state = String::from_utf8(shown.stdout).unwrap();
    let state = state.trim();
    if state.starts_with('Z') {
        return String::new();
    }
    state.to_owned()
}

async fn eventually(what: &str, has_come: impl Fn() -> bool) {
    let wait = async {
        while !has_come() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), wait)
        .await
        .unwrap_or_else(|_| panic!("not in time: {what}"));
}

#[tokio::test]
async fn a_dropped_emulator_ends_although_it_is_suspended() {
    for is_suspended in [false, true] {
        let (emulator, numbers) = started().await;
        assert_eq!(numbers.len(), 2, "{numbers:?}");
        assert!(numbers.iter().all(|number| !state(number).is_empty()));
        if is_suspended {
            emulator.suspend().unwrap();
            let all = || numbers.iter().all(|number| state(number).starts_with('T'));
            eventually("all are suspended", all).await;
        }
        drop(emulator);
        let gone = || numbers.iter().all(|number| state(number).is_empty());
        eventually("all are gone", gone).await;
    }
}

#[tokio::test]
async fn an_emulator_ends_with_its_owner_although_it_is_suspended() {
    for suspend in ["", "STOP"] {
        let mut owner = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "--nocapture", "emulators::owner"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(owner.stdout.take().unwrap()).lines();
        let printed = lines
            .map(Result::unwrap)
            .find_map(|line| Some(line.split_once("started: ")?.1.to_owned()))
            .unwrap();
        let (folder, numbers) = printed.split_once(' ').unwrap();
        let numbers: Vec<_> = numbers.split(' ').collect();
        assert!(Path::new(folder).is_dir());
        assert!(numbers.iter().all(|number| !state(number).is_empty()));
        if !suspend.is_empty() {
            let status = Command::new("kill")
                .arg(format!("-{suspend}"))
                .args(&numbers)
                .status()
                .unwrap();
            assert!(status.success());
        }
        owner.kill().unwrap();
        owner.wait().unwrap();
        let gone =
            || numbers.iter().all(|number| state(number).is_empty()) && !Path::new(folder).exists();
        eventually("all are gone", gone).await;
    }
}

#[tokio::test]
#[ignore = "no test: the process that another test kills"]
async fn owner() {
    let (emulator, numbers) = started().await;
    let folder = emulator.folder();
    println!("started: {} {}", folder.display(), numbers.join(" "));
    // Nobody writes; should the test end early, this ends too.
    std::io::stdin().read_line(&mut String::new()).unwrap();
}

#[tokio::test]
async fn a_failing_start_is_retried_and_then_reported_with_its_log() {
    let command = |[port]: [u16; 1]| {
        let mut command = Command::new("sh");
        command.args(["-c", &format!("echo port {port} is taken; exit 1")]);
        command
    };
    let probe = Probe::new();
    let is_ready = async |[port]: [u16; 1]| probe.get(port, "/").await.is_some();
    let error = Emulator::start("breaker", command, is_ready)
        .await
        .unwrap_err();
    assert!(
        matches!(
            &error,
            EmulatorError::Failed {
                name: "breaker",
                ..
            }
        ),
        "{error}"
    );
    assert!(error.to_string().contains("is taken"), "{error}");
}
