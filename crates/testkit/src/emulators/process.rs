//! An emulator's processes: a group of its own that ends with us, however we end.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    net::TcpListener,
    os::unix::process::CommandExt as _,
    path::PathBuf,
    process::{Child, ChildStdin, Command, Stdio},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use tempfile::TempDir;

use super::EmulatorError;

/// Waits for a line and then becomes the program. When its input ends before, we are gone, and it ends too.
const LAUNCH: &str = r#"read -r go && exec "$@" </dev/null"#;
/// Waits until its input ends, which is when we have ended, kills the group and removes its folder.
const WATCH: &str = r#"while read -r line; do :; done; kill -s KILL -- "-$1"; rm -rf -- "$2""#;
/// How long the group may take to end by itself.
const PATIENCE: Duration = Duration::from_secs(2);
/// Pause between two looks at whether something has come about.
const PAUSE: Duration = Duration::from_millis(20);
/// Starts with other ports, before the emulator counts as broken: a free port may be taken before it is used.
const STARTS: u32 = 3;
/// How long one start may take until the emulator answers. A loaded machine needs many times the usual two seconds.
const READY_WITHIN: Duration = Duration::from_secs(45);
/// What is shown of a log, in bytes.
const LOG_END: usize = 4_000;

/// A running emulator: a process group of its own.
///
/// Dropping it stops the whole group. When this process ends without dropping, by SIGKILL too, a small watcher outside
/// of the group sees its pipe close and kills the group.
#[derive(Debug)]
pub struct Emulator {
    name: &'static str,
    /// The group's leader. It is not reaped before the drop, so that its number stays the group's.
    leader: Child,
    group: Pid,
    watcher: Child,
    folder: TempDir,
}

impl Emulator {
    /// Starts an emulator on `N` free ports and waits until it is ready.
    ///
    /// `command` gets the ports and says what to run; `is_ready` gets them and says whether it answers. When it ends
    /// at once, or never answers because a part of it took the port of another part, it is started again with other
    /// ports.
    ///
    /// # Errors
    /// [`EmulatorError`] when it cannot be started, ends by itself or does not get ready.
    pub async fn start<const N: usize>(
        name: &'static str,
        command: impl Fn([u16; N]) -> Command,
        is_ready: impl AsyncFn([u16; N]) -> bool,
    ) -> Result<(Self, [u16; N]), EmulatorError> {
        let mut starts = 1;
        loop {
            let give_up_at = Instant::now() + READY_WITHIN;
            let mut fault = "it ended by itself";
            let ports = free_ports().map_err(|error| EmulatorError::Io { name, error })?;
            let emulator = Self::spawn(name, &command(ports))
                .map_err(|error| EmulatorError::Io { name, error })?;
            while !emulator.has_ended() {
                if is_ready(ports).await {
                    return Ok((emulator, ports));
                }
                if Instant::now() > give_up_at {
                    fault = "it did not answer in time";
                    break;
                }
                tokio::time::sleep(PAUSE).await;
            }
            if starts == STARTS {
                return Err(emulator.failed(fault));
            }
            starts += 1;
        }
    }

    fn spawn(name: &'static str, program: &Command) -> io::Result<Self> {
        let folder = tempfile::Builder::new().prefix("emulator-").tempdir()?;
        let log = File::create(folder.path().join("log"))?;
        let mut leader = shell(LAUNCH)
            .arg(program.get_program())
            .args(program.get_args())
            .envs(
                program
                    .get_envs()
                    .filter_map(|(key, value)| Some((key, value?))),
            )
            .current_dir(folder.path())
            .stdin(Stdio::piped())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        let go = leader.stdin.take();
        // From here on the drop ends what was started.
        let group = Pid::from_child(&leader);
        let watcher = shell(WATCH)
            .arg(group.as_raw_nonzero().to_string())
            .arg(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let watcher = match watcher {
            Ok(watcher) => watcher,
            Err(error) => {
                drop(go);
                leader.wait()?;
                return Err(error);
            }
        };
        let emulator = Self {
            name,
            leader,
            group,
            watcher,
            folder,
        };
        // Only now that the watcher lives may the program.
        go.as_ref()
            .map_or(Ok(()), |mut go: &ChildStdin| go.write_all(b"go\n"))?;
        Ok(emulator)
    }

    /// Sends a signal to every process of the emulator, as [`Signal::STOP`] and [`Signal::CONT`].
    ///
    /// # Errors
    /// When there is no such process any more.
    pub fn signal_group(&self, signal: Signal) -> io::Result<()> {
        Ok(kill_process_group(self.group, signal)?)
    }

    /// Lets it answer nothing until [`resume`](Self::resume), as a service that hangs.
    ///
    /// # Errors
    /// When it has ended.
    pub fn suspend(&self) -> io::Result<()> {
        self.signal_group(Signal::STOP)
    }

    /// Lets it go on.
    ///
    /// # Errors
    /// When it has ended.
    pub fn resume(&self) -> io::Result<()> {
        self.signal_group(Signal::CONT)
    }

    /// The number of its first process.
    pub fn id(&self) -> u32 {
        self.leader.id()
    }

    /// Where its log is, and where it may keep files. Removed with it.
    pub fn folder(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    /// The end of what it printed.
    pub fn log_end(&self) -> String {
        let log = fs::read(self.folder.path().join("log")).unwrap_or_default();
        let end = log
            .get(log.len().saturating_sub(LOG_END)..)
            .unwrap_or_default();
        String::from_utf8_lossy(end).into_owned()
    }

    /// Whether its first process has ended.
    pub fn has_ended(&self) -> bool {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        // Its number stays taken: nobody has asked for its end yet but this look, which leaves it as it is.
        !matches!(waitid(WaitId::Pid(self.group), options), Ok(None))
    }

    fn failed(&self, what: &'static str) -> EmulatorError {
        EmulatorError::Failed {
            name: self.name,
            what,
            log: self.log_end(),
        }
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        // A process that is stopped does not act on TERM. What a signal meets may have ended already: then all is well.
        drop(self.signal_group(Signal::TERM));
        drop(self.signal_group(Signal::CONT));
        let give_up_at = Instant::now() + PATIENCE;
        while !self.has_ended() && Instant::now() < give_up_at {
            std::thread::sleep(PAUSE);
        }
        drop(self.signal_group(Signal::KILL));
        // The watcher goes before the leader's number is free for another group.
        drop(self.watcher.kill());
        drop(self.watcher.wait());
        drop(self.leader.wait());
    }
}

/// A shell in a group of its own, with a script whose arguments follow.
fn shell(script: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", script, "sh"]).process_group(0);
    command
}

/// Ports that were free just now, all different.
fn free_ports<const N: usize>() -> io::Result<[u16; N]> {
    let mut listeners = Vec::with_capacity(N);
    let mut ports = [0; N];
    for port in &mut ports {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        *port = listener.local_addr()?.port();
        listeners.push(listener); // kept until all are chosen
    }
    Ok(ports)
}
