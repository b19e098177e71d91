//! Checkpoints of the write-ahead log, on a connection and a thread of their own: no commit waits for the bulk of it.
//!
//! The log starts over only when all of it was copied and nobody appends meanwhile. Under load a thread beside the
//! writer never sees that moment, so it copies until little is left and leaves the rest to the writer.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{self, RecvTimeoutError, Sender},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use domain::StoreError;
use rusqlite::Connection;

use crate::rows::store_error;

/// How often the log is checked.
const INTERVAL: Duration = Duration::from_millis(200);
/// Below this size the log is left alone.
const LEAST_BYTES: u64 = 4 << 20;
/// Pages in the log from which on it should start over: 256 MiB. The writer waits for the disk when it does.
const RESTART_PAGES: i64 = 65_536;
/// Pages that may be left to the writer: some milliseconds of copying.
const LEFT_TO_WRITER_PAGES: i64 = 2_048;
/// How often the copying may be repeated at once, each time with less to copy.
const ROUNDS: u32 = 6;

/// The running thread; it ends when this is dropped.
pub(crate) struct Checkpoints {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// What a checkpoint found: pages in the log, and those that are copied.
struct Copied {
    pages: i64,
    copied: i64,
}

impl Checkpoints {
    /// Starts the thread. It sets `is_due` when the writer should copy what is left between two groups.
    pub(crate) fn start(path: &Path, is_due: Arc<AtomicBool>) -> Result<Self, StoreError> {
        let connection = Connection::open(path).map_err(store_error)?;
        let wal = PathBuf::from(format!("{}-wal", path.display()));
        let (stop, stopped) = mpsc::channel();
        let thread = thread::Builder::new()
            .name("sqlite-checkpoints".into())
            .spawn(move || {
                while matches!(
                    stopped.recv_timeout(INTERVAL),
                    Err(RecvTimeoutError::Timeout)
                ) {
                    if wal.metadata().map_or(0, |file| file.len()) > LEAST_BYTES {
                        catch_up(&connection, &is_due);
                    }
                }
            })
            .map_err(|error| StoreError::Failed(error.to_string()))?;
        Ok(Self {
            stop: Some(stop),
            thread: Some(thread),
        })
    }
}

/// Copies until the log is short enough, or little enough is left for the writer.
fn catch_up(connection: &Connection, is_due: &AtomicBool) {
    for _ in 0..ROUNDS {
        let Some(Copied { pages, copied }) = checkpoint(connection) else {
            return;
        };
        if pages < RESTART_PAGES {
            return;
        }
        if pages - copied <= LEFT_TO_WRITER_PAGES {
            is_due.store(true, Ordering::Release);
            return;
        }
    }
}

/// Copies what can be copied without waiting for anybody. Where everything is, the next commit starts the log over.
fn checkpoint(connection: &Connection) -> Option<Copied> {
    let result = connection
        .prepare_cached("PRAGMA wal_checkpoint(PASSIVE)")
        .and_then(|mut statement| {
            statement.query_row([], |row| {
                Ok(Copied {
                    pages: row.get(1)?,
                    copied: row.get(2)?,
                })
            })
        });
    result
        .inspect_err(|error| tracing::warn!("a checkpoint did not run: {error}"))
        .ok()
}

/// For the writer, between two groups: copies what is left, when that is due.
pub(crate) fn finish_if_due(connection: &Connection, is_due: &AtomicBool) {
    if is_due.swap(false, Ordering::AcqRel) {
        checkpoint(connection);
    }
}

impl Drop for Checkpoints {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::warn!("the checkpoint thread panicked");
        }
    }
}
