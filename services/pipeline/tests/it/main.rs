//! The program as people start it.
#![expect(clippy::unwrap_used, reason = "tests")]

mod connecting;
mod connections;
mod from_nothing;
mod on_a_server;
mod people;

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Child, Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use clap::CommandFactory as _;
use serde_json::Value;

const PROGRAM: &str = env!("CARGO_BIN_EXE_pipeline");
/// Longest wait for a server.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server that ends with its test.
struct Server(Child);

impl Server {
    fn start(folder: &Path) -> Self {
        Self::start_with(folder, &[])
    }

    /// The same with what it says to whoever started it: the lines up to the one that is to be tried last.
    fn greets(folder: &Path, options: &[&str]) -> (Self, String) {
        let mut child = Command::new(PROGRAM)
            .args(["run", "--port", "0", "--data-dir"])
            .arg(folder)
            .args(options)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let server = Self(child);
        let mut greeting = String::new();
        for line in lines {
            let line = line.unwrap();
            greeting.push_str(&line);
            greeting.push('\n');
            if line.contains(" sign-in code ") {
                break;
            }
        }
        (server, greeting)
    }

    fn start_with(folder: &Path, options: &[&str]) -> Self {
        let child = Command::new(PROGRAM)
            .args(["run", "--port", "0", "--data-dir"])
            .arg(folder)
            .args(options)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let server = Self(child);
        let started = Instant::now();
        // It is there a moment before it is written.
        let announced = || fs::read(folder.join("server.json")).unwrap_or_default();
        while serde_json::from_slice::<Value>(&announced()).is_err() {
            assert!(started.elapsed() < PATIENCE, "no server came up");
            thread::sleep(Duration::from_millis(20));
        }
        server
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// Runs a command on a folder with this on its standard input.
fn pipeline(folder: &Path, line: &[&str], input: &str) -> Output {
    let mut child = Command::new(PROGRAM)
        .args(line)
        .arg("--data-dir")
        .arg(folder)
        .env("CONNECTION_SECRET", "pat-na1-from-the-environment")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that reads no secret may have ended already.
    child.stdin.take().unwrap().write_all(input.as_bytes()).ok();
    child.wait_with_output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn the_commands_are_well_formed_and_show_examples() {
    let mut program = pipeline::commands::Cli::command();
    program.build();
    program.clone().debug_assert();
    let groups = program.get_subcommands();
    let groups = groups.filter(|group| group.get_name() != "help");
    let handles: usize = groups.map(|group| shown("pipeline", group)).sum();
    assert!(handles >= 45, "{handles}");
}

/// How many commands of a group show an example of themselves, which all of them do; groups within it are gone through.
fn shown(above: &str, group: &clap::Command) -> usize {
    let above = format!("{above} {}", group.get_name());
    let leaves = group.get_subcommands();
    let leaves = leaves.filter(|leaf| leaf.get_name() != "help");
    leaves
        .map(|leaf| {
            if leaf.has_subcommands() {
                return shown(&above, leaf);
            }
            let example = leaf
                .get_after_help()
                .map(ToString::to_string)
                .unwrap_or_default();
            let line = format!("{above} {}", leaf.get_name());
            assert!(
                example.contains(&line),
                "`{line}` shows no example of itself"
            );
            1
        })
        .sum()
}

#[test]
fn secrets_come_by_standard_input_or_the_environment() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let by_input = ["secret", "set", "hubspot", "--json"];
    let by_environment = [
        "secret",
        "set",
        "hubspot",
        "--env",
        "CONNECTION_SECRET",
        "--json",
    ];
    let version = |output: &Output| {
        assert!(output.status.success(), "{}", text(&output.stderr));
        let shown: Value = serde_json::from_slice(&output.stdout).unwrap();
        shown["version"].as_u64().unwrap()
    };
    let server = Server::start(folder);
    assert_eq!(
        version(&pipeline(folder, &by_input, "pat-na1-from-a-pipe\n")),
        2
    );
    assert_eq!(version(&pipeline(folder, &by_environment, "")), 3);
    let none = pipeline(folder, &by_input, "");
    assert_eq!(none.status.code(), Some(1));
    assert!(
        text(&none.stderr).contains("pipe it into the command"),
        "{none:?}"
    );
    let two_ways = pipeline(
        folder,
        &["secret", "set", "a", "--env", "A", "--file", "b"],
        "",
    );
    assert_eq!(two_ways.status.code(), Some(2));

    // It was killed: its announcement stays, and is not believed.
    drop(server);
    assert!(folder.join("server.json").exists());
    assert_eq!(
        version(&pipeline(folder, &by_input, "pat-na1-from-a-pipe\n")),
        4
    );
    let unset = pipeline(
        folder,
        &["secret", "set", "hubspot", "--env", "NO_SUCH_SECRET"],
        "",
    );
    assert!(
        text(&unset.stderr).contains("NO_SUCH_SECRET is not set"),
        "{unset:?}"
    );
    let log = pipeline(folder, &["audit", "list", "--json"], "");
    let log: Value = serde_json::from_slice(&log.stdout).unwrap();
    let items = log["items"].as_array().unwrap();
    let sets = items.iter().filter(|item| item["action"] == "secret.set");
    assert_eq!(sets.count(), 3, "{log}");
    assert!(!log.to_string().contains("pat-na1"));
}
