//! tokio's time, stopped until a test moves it.

use std::{
    cell::Cell,
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use tokio::{runtime::Handle, task::JoinHandle};

thread_local! {
    /// Those for whom the time of this thread's runtime stands still.
    static STOPPED: Cell<usize> = const { Cell::new(0) };
}

/// How far time passes at each step of [`StoppedTime::pass_until`] and of [`PacedTime`].
const STEP: Duration = Duration::from_millis(5);
/// How long the machine has to run what is ready, at each step.
const BREATH: Duration = Duration::from_millis(1);
/// Longest wait, in the machine's own time. A busy machine needs many times what an idle one does.
const PATIENCE: Duration = Duration::from_secs(120);

/// tokio's time of the current runtime, which stands still while this lives.
///
/// Deadlines that the code under test measures with `tokio::time` pass when a test lets them, however busy the machine
/// is. Sockets and threads work on meanwhile, in the machine's own time. Nothing must wait with `tokio::time::sleep`
/// for what these do: it would wait forever; that is what [`breathe`](Self::breathe) is for.
#[derive(Debug)]
pub struct StoppedTime {
    _holds: mpsc::Sender<()>,
}

impl StoppedTime {
    /// Stops the time of this runtime, until this and all others of it are dropped.
    ///
    /// # Panics
    /// When the runtime has more than one thread, or its time was paused otherwise.
    pub fn begin() -> Self {
        if STOPPED.replace(STOPPED.get() + 1) == 0 {
            tokio::time::pause();
        }
        let (holds, held) = mpsc::channel::<()>();
        // Time that is only paused jumps to the next timer whenever every task waits, for a socket as well. It does not
        // while a blocking task runs, and this one runs until `holds` is dropped.
        drop(tokio::task::spawn_blocking(move || held.recv()));
        Self { _holds: holds }
    }

    /// Lets time pass all at once, and wakes whoever slept until now.
    pub async fn pass(&self, time: Duration) {
        tokio::time::advance(time).await;
    }

    /// Lets time pass in small steps until `done` ends; every task that is ready runs between two steps.
    ///
    /// # Panics
    /// When it does not end although the machine had two minutes: the message says `what` was waited for.
    pub async fn pass_until<T>(&self, what: &str, done: impl Future<Output = T>) -> T {
        self.until(what, done, STEP).await
    }

    /// Waits until `done` ends, while time stands still.
    ///
    /// # Panics
    /// As [`pass_until`](Self::pass_until).
    pub async fn stand_until<T>(&self, what: &str, done: impl Future<Output = T>) -> T {
        self.until(what, done, Duration::ZERO).await
    }

    async fn until<T>(&self, what: &str, done: impl Future<Output = T>, step: Duration) -> T {
        let waiting = async {
            let began = Instant::now();
            while began.elapsed() < PATIENCE {
                self.pass(step).await;
                self.breathe().await;
            }
        };
        tokio::select! {
            biased;
            done = done => done,
            () = waiting => panic!("never: {what}"),
        }
    }

    /// Lets the machine run what is ready, for a moment of its own time. No other time passes.
    pub async fn breathe(&self) {
        drop(tokio::task::spawn_blocking(|| thread::sleep(BREATH)).await);
    }
}

impl Drop for StoppedTime {
    fn drop(&mut self) {
        let others = STOPPED.get() - 1;
        STOPPED.set(others);
        // A task that holds one may be dropped with its runtime, whose time nobody needs any more.
        if others == 0 && Handle::try_current().is_ok() {
            tokio::time::resume();
        }
    }
}

/// tokio's time of the current runtime, which passes while this lives as far as the runtime gets to run: a step, then
/// whatever is ready, then the next step.
///
/// A deadline passes, but not because the machine is busy with something else.
#[derive(Debug)]
pub struct PacedTime(JoinHandle<()>);

impl PacedTime {
    /// Has time pass step by step.
    ///
    /// # Panics
    /// As [`StoppedTime::begin`].
    pub fn begin() -> Self {
        let time = StoppedTime::begin();
        Self(tokio::spawn(async move {
            loop {
                time.pass(STEP).await;
                time.breathe().await;
            }
        }))
    }
}

impl Drop for PacedTime {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::{TcpListener, TcpStream},
        time::{sleep, timeout},
    };

    use super::*;

    #[tokio::test]
    async fn a_deadline_does_not_pass_while_a_socket_is_waited_for() {
        let time = StoppedTime::begin();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut sender = TcpStream::connect(listener.local_addr().unwrap())
            .await
            .unwrap();
        let (mut receiver, _) = listener.accept().await.unwrap();
        let received = tokio::spawn(async move { timeout(STEP, receiver.read_u8()).await });
        for _ in 0..20 {
            time.breathe().await;
        }
        sender.write_u8(7).await.unwrap();
        assert_eq!(received.await.unwrap().unwrap().unwrap(), 7);
    }

    #[tokio::test]
    async fn paced_time_passes_by_itself_beside_another() {
        let (_one, _another) = (PacedTime::begin(), PacedTime::begin());
        let began = tokio::time::Instant::now();
        sleep(10 * STEP).await;
        assert!(began.elapsed() >= 10 * STEP);
    }

    #[tokio::test]
    async fn time_passes_as_far_as_it_is_let() {
        let time = StoppedTime::begin();
        let began = tokio::time::Instant::now();
        time.pass(Duration::from_secs(3_600)).await;
        time.pass_until("the sleep ends", sleep(10 * STEP)).await;
        let slept = began.elapsed() - Duration::from_secs(3_600);
        // Timers count whole milliseconds, so that a sleep may end one step late.
        assert!((10 * STEP..=11 * STEP).contains(&slept), "{slept:?}");
    }
}
