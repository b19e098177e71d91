//! The product and the simulators as processes of their own, which end with whoever started them.

use std::{
    ffi::OsString,
    fs::{self, File},
    io::{BufRead as _, BufReader},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use rand::RngExt as _;

/// Longest wait for a process to be ready, or to end.
const PATIENCE: Duration = Duration::from_secs(60);

/// How the program `pipeline` is called.
#[derive(Debug, Clone)]
pub struct Program(Vec<OsString>);

impl Program {
    /// A program that behaves as `pipeline` when these words go before its arguments.
    pub fn new<T: Into<OsString>>(words: impl IntoIterator<Item = T>) -> Self {
        Self(words.into_iter().map(Into::into).collect())
    }

    pub(crate) fn command(&self) -> Command {
        let (program, words) = self.0.split_first().unwrap();
        let mut command = Command::new(program);
        // It ends when this pipe does, that is with us at the latest.
        command.args(words).stdin(Stdio::piped());
        command
    }

    /// The output of a command that ends by itself.
    pub(crate) fn output(&self, args: &[&str]) -> String {
        let mut process = self
            .command()
            .args(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let held = process.stdin.take();
        let output = process.wait_with_output().unwrap();
        drop(held);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{args:?}: {said}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }
}

/// A process that is killed when this is dropped.
struct Process(Child);

impl Process {
    fn kill(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }

    /// SIGTERM. The shell knows how.
    fn ask_to_end(&self) {
        let order = format!("kill -TERM {}", self.0.id());
        let sent = Command::new("sh").args(["-c", &order]).status().unwrap();
        assert!(sent.success(), "{order}");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// `pipeline simulate`.
pub(crate) struct Simulators {
    /// The settings that point the product at them.
    settings: Vec<(String, String)>,
    _process: Process,
}

impl Simulators {
    pub(crate) fn start(program: &Program, args: &[&str]) -> Self {
        let mut process = program
            .command()
            .arg("simulate")
            .args(args)
            .env("LOG", "warn")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let process = Process(process);
        let mut settings = Vec::new();
        for line in lines {
            let line = line.unwrap();
            match line.split_once('=') {
                Some((key, value)) => settings.push((key.to_owned(), value.to_owned())),
                // One that the product does not call has no setting.
                None if settings.is_empty() || line.starts_with('#') => {}
                // A sentence follows the last of them.
                None => break,
            }
        }
        assert!(!settings.is_empty(), "the simulators do not start");
        Self {
            settings,
            _process: process,
        }
    }

    /// The base URL that a setting names.
    pub(crate) fn url(&self, key: &str) -> &str {
        let found = self.settings.iter().find(|(known, _)| known == key);
        found.unwrap().1.as_str()
    }
}

/// `pipeline run` on one data folder and one port, alive or not.
pub(crate) struct Product {
    program: Program,
    settings: Vec<(String, String)>,
    folder: PathBuf,
    log: PathBuf,
    port: u16,
    process: Option<Process>,
    http: reqwest::Client,
}

impl Product {
    pub(crate) fn new(
        program: &Program,
        folder: &Path,
        log: &Path,
        port: u16,
        simulators: &Simulators,
        settings: &[(&str, String)],
    ) -> Self {
        let own = settings
            .iter()
            .map(|(key, value)| ((*key).to_owned(), value.clone()));
        Self {
            program: program.clone(),
            settings: simulators.settings.iter().cloned().chain(own).collect(),
            folder: folder.to_owned(),
            log: log.to_owned(),
            port,
            process: None,
            http: client(),
        }
    }

    pub(crate) fn base(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Starts the process, ready or not.
    pub(crate) fn spawn(&mut self) {
        assert!(self.process.is_none(), "it runs");
        let log = File::options().create(true).append(true).open(&self.log);
        let process = self
            .program
            .command()
            .args(["run", "--port", &self.port.to_string(), "--data-dir"])
            .arg(&self.folder)
            .envs(self.settings.iter().map(|(key, value)| (key, value)))
            // What the product has is counted as one person, as fast as it goes.
            .env("API_CALLS_PER_MINUTE", "1000000")
            .env("API_CALLS_PER_MINUTE_OF_TENANT", "1000000")
            .stdout(Stdio::null())
            .stderr(log.unwrap())
            .spawn()
            .unwrap();
        self.process = Some(Process(process));
    }

    /// Starts the process; answers how long it took to be ready.
    pub(crate) async fn start(&mut self) -> Duration {
        let started = Instant::now();
        self.spawn();
        let url = format!("{}/v1/health/ready", self.base());
        loop {
            let answer = self.http.get(&url).send().await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                return started.elapsed();
            }
            self.must_run();
            assert!(
                started.elapsed() < PATIENCE,
                "it does not start: {}",
                self.log_end()
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// SIGKILL, at once. It must still have been running.
    pub(crate) fn kill(&mut self) {
        self.must_run();
        self.process.take().unwrap().kill();
    }

    /// Nobody but us ends it.
    pub(crate) fn must_run(&mut self) {
        let process = self.process.as_mut().unwrap();
        if let Some(status) = process.0.try_wait().unwrap() {
            panic!(
                "the product ended by itself with {status}: {}",
                self.log_end()
            );
        }
    }

    /// SIGSTOP, and SIGCONT after a time. A process of its own sees to both, so that the product is not left frozen
    /// when this one ends in between.
    pub(crate) async fn freeze(&self, time: Duration) {
        let id = self.process.as_ref().unwrap().0.id();
        let order = format!(
            "kill -STOP {id} && sleep {}; kill -CONT {id}",
            time.as_secs()
        );
        let mut shell = Command::new("sh");
        shell.args(["-c", &order]).stdin(Stdio::null());
        let done = tokio::task::spawn_blocking(move || shell.status());
        assert!(done.await.unwrap().unwrap().success(), "{order}");
    }

    /// SIGTERM, and waits until it has ended in order.
    pub(crate) async fn stop(&mut self) {
        let mut process = self.process.take().unwrap();
        process.ask_to_end();
        let asked = Instant::now();
        loop {
            if let Some(status) = process.0.try_wait().unwrap() {
                assert!(
                    status.success(),
                    "it ended with {status}: {}",
                    self.log_end()
                );
                return;
            }
            assert!(
                asked.elapsed() < PATIENCE,
                "it does not end: {}",
                self.log_end()
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// How often a line of its log says this.
    pub(crate) fn said(&self, what: &str) -> usize {
        let log = File::open(&self.log).unwrap();
        let lines = BufReader::new(log).split(b'\n');
        lines
            .filter(|line| String::from_utf8_lossy(line.as_ref().unwrap()).contains(what))
            .count()
    }

    fn log_end(&self) -> String {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let skipped = log.lines().count().saturating_sub(20);
        log.lines().skip(skipped).collect::<Vec<_>>().join("\n")
    }
}

/// A port that is free, and that the system gives to nobody by itself: the product comes back to it again and again.
pub(crate) fn fixed_port() -> u16 {
    loop {
        let port = rand::rng().random_range(20_000..32_000);
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "it calls the product and its simulators"
)]
pub(crate) fn client() -> reqwest::Client {
    reqwest::Client::builder()
        .no_proxy()
        .timeout(PATIENCE)
        .build()
        .unwrap()
}
