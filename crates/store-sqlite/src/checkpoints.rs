//! Checkpoints of the write-ahead log, on a connection and a thread of their own: no commit waits for one.

use std::{
    path::{Path, PathBuf},
    sync::mpsc::{self, RecvTimeoutError, Sender},
    thread::{self, JoinHandle},
    time::Duration,
};

use domain::StoreError;
use rusqlite::Connection;

use crate::rows::store_error;

/// How often the log is looked at.
const INTERVAL: Duration = Duration::from_millis(500);
/// Below this size the log is left alone.
const PASSIVE_BYTES: u64 = 4 << 20;
/// Above this size it is begun anew. Most of it is copied beside the writer first, so that the writer waits only for
/// what came meanwhile.
const RESTART_BYTES: u64 = 32 << 20;

/// The running thread; it ends when this is dropped.
pub(crate) struct Checkpoints {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Checkpoints {
    pub(crate) fn start(path: &Path) -> Result<Self, StoreError> {
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
                    let size = wal.metadata().map_or(0, |file| file.len());
                    if size > PASSIVE_BYTES {
                        checkpoint(&connection, "PASSIVE");
                    }
                    if size > RESTART_BYTES {
                        checkpoint(&connection, "RESTART");
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

fn checkpoint(connection: &Connection, mode: &str) {
    let sql = format!("PRAGMA wal_checkpoint({mode})");
    if let Err(error) = connection.query_row(&sql, [], |_| Ok(())) {
        tracing::warn!("a checkpoint did not run: {error}");
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
