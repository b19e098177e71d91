//! The program in a process of its own, with all that it prints.

use std::{
    fs::{self, File},
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use domain::Clock as _;
use management_api::auth::{Role, SigningKey};
use runtime::SystemClock;
use rustix::process::{Pid, Signal, kill_process};
use simulators::{SIMULATORS, Urls};
use tempfile::TempDir;

use super::product::{Product, client, token};

/// Longest wait for a process to be ready, or to end.
const PATIENCE: Duration = Duration::from_secs(60);

/// `pipeline run` on a data folder of its own.
pub(super) struct Running {
    process: Child,
    folder: TempDir,
    printed: Arc<Mutex<String>>,
    base: String,
    pub(super) metrics: String,
    providers: Urls,
}

/// What a command left.
pub(super) struct Output {
    pub(super) is_success: bool,
    /// Both of its outputs.
    pub(super) printed: Vec<u8>,
}

impl Running {
    /// Starts the program, logging as these settings say, and waits until it is up.
    pub(super) fn start(settings: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let log = File::create(folder.path().join("log")).unwrap();
        let mut process = program(settings)
            .args(["run", "--port", "0", "--data-dir"])
            .arg(folder.path().join("data"))
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let printed = Arc::new(Mutex::new(String::new()));
        let kept = printed.clone();
        thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                kept.push_str(&line);
                kept.push('\n');
            }
        });
        let started = Instant::now();
        let greeting = loop {
            let so_far = printed.lock().unwrap().clone();
            // The last line of the greeting.
            if so_far.contains("/_sim/view") {
                break so_far;
            }
            let log = || fs::read_to_string(folder.path().join("log")).unwrap();
            assert!(
                started.elapsed() < PATIENCE,
                "it does not start: {so_far}\n{}",
                log()
            );
            assert!(
                process.try_wait().unwrap().is_none(),
                "it ended: {so_far}\n{}",
                log()
            );
            thread::sleep(Duration::from_millis(10));
        };
        let url_behind = |words: &str| {
            let (_, behind) = greeting
                .split_once(words)
                .unwrap_or_else(|| panic!("no `{words}` in {greeting}"));
            let url = behind.trim_start().split([' ', ',', '\n']).next().unwrap();
            url.to_owned()
        };
        Self {
            base: url_behind("API and webhooks"),
            metrics: url_behind("metrics "),
            providers: SIMULATORS
                .iter()
                .filter(|spec| !spec.is_cloud_only)
                .map(|spec| (spec.slug.to_owned(), url_behind(&format!("{} ", spec.name))))
                .collect(),
            process,
            folder,
            printed,
        }
    }

    pub(super) fn product(&self) -> Product<'static> {
        let key = SigningKey::open(&self.data_folder()).unwrap();
        let now = SystemClock::default().now();
        Product {
            base: self.base.clone(),
            providers: self.providers.clone(),
            admin: token(&key, Role::TenantAdmin, now),
            platform: token(&key, Role::PlatformAdmin, now),
            pass: Box::new(|| {}),
            http: client().build().unwrap(),
        }
    }

    pub(super) fn data_folder(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Everything that was logged so far.
    pub(super) fn log(&self) -> Vec<u8> {
        fs::read(self.folder.path().join("log")).unwrap()
    }

    /// Everything that was printed so far.
    pub(super) fn printed(&self) -> String {
        self.printed.lock().unwrap().clone()
    }

    /// Asks the process to end, and waits until it has.
    pub(super) fn stop(&mut self) {
        kill_process(Pid::from_child(&self.process), Signal::TERM).unwrap();
        let asked = Instant::now();
        while self.process.try_wait().unwrap().is_none() {
            assert!(asked.elapsed() < PATIENCE, "it does not end");
            thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

/// Runs a command to its end.
pub(super) fn command(folder: &Path, settings: &[(&str, &str)], words: &[&str]) -> Output {
    let mut process = program(settings)
        .args(words)
        .env("DATA_DIR", folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let held = process.stdin.take();
    let output = process.wait_with_output().unwrap();
    drop(held);
    Output {
        is_success: output.status.success(),
        printed: [output.stdout, output.stderr].concat(),
    }
}

/// The program, which ends with us at the latest: when its input does.
fn program(settings: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_crash"));
    command
        .arg("pipeline")
        .envs(settings.iter().copied())
        .stdin(Stdio::piped());
    command
}
