//! The one writer: takes units of work from a bounded queue and commits them in groups.
//!
//! A unit that fails or panics undoes its own writes only: when one has written by then, the group is rolled back and
//! run once more, each unit under a savepoint. Savepoints for every unit from the start would copy each page that it
//! touches, which cost a third of the writer's time. Nobody gets an answer before COMMIT, and a failed COMMIT fails
//! every unit of its group.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, atomic::AtomicBool},
    thread,
};

use domain::{StoreError, TenantId, metric_names};
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};
use tracing::{Dispatch, dispatcher};

use crate::{checkpoints, live::Watchers, noted, rows::store_error};

/// Units that may wait.
const QUEUE_UNITS: usize = 4_096;
/// Units of one group at most. Small enough that those who are answered send their next while the next group is
/// written: larger groups make senders and writer wait for each other alternately.
const GROUP_UNITS: usize = 128;

/// Work that waits for the group's COMMIT. It may run twice, the first time in a transaction that was rolled back.
trait Unit: Send {
    /// Runs the work and keeps its result; false when it failed.
    fn run(&mut self, connection: &Connection) -> bool;

    /// Tells whoever asked what came of it.
    fn answer(self: Box<Self>, committed: Result<(), StoreError>);
}

struct Work<T, F, A> {
    work: F,
    after: A,
    result: Option<Result<T, StoreError>>,
    asked: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, F, A> Unit for Work<T, F, A>
where
    T: Send,
    F: Fn(&Connection) -> Result<T, StoreError> + Send,
    A: FnOnce() + Send,
{
    fn run(&mut self, connection: &Connection) -> bool {
        // A panic leaves no result behind, not even the one of an earlier run.
        self.result = None;
        let result = (self.work)(connection);
        let is_ok = result.is_ok();
        self.result = Some(result);
        is_ok
    }

    fn answer(self: Box<Self>, committed: Result<(), StoreError>) {
        let failed = || {
            Err(StoreError::Failed(
                "a unit of work panicked: see the log".to_owned(),
            ))
        };
        let Self {
            after,
            result,
            asked,
            ..
        } = *self;
        after();
        // Whoever asked may have stopped waiting.
        drop(asked.send(committed.and(result.unwrap_or_else(failed))));
    }
}

/// The writer's queue. When the last handle goes, the thread ends after what is queued.
#[derive(Clone)]
pub(crate) struct Writer {
    queue: mpsc::Sender<Box<dyn Unit>>,
}

impl Writer {
    /// Starts the thread on a connection that nobody else writes with.
    pub(crate) fn start(
        connection: Connection,
        is_checkpoint_due: Arc<AtomicBool>,
        watchers: Arc<Watchers>,
    ) -> std::io::Result<Self> {
        let (queue, units) = mpsc::channel(QUEUE_UNITS);
        // Its lines go where its maker's go, also where that is not the process's own log.
        let log = dispatcher::get_default(Dispatch::clone);
        thread::Builder::new()
            .name("sqlite-writer".into())
            .spawn(move || {
                dispatcher::with_default(&log, || {
                    run(&connection, units, &is_checkpoint_due, &watchers);
                });
            })?;
        Ok(Self { queue })
    }

    /// Runs `work` in a transaction and returns after its COMMIT. Waits for capacity in the queue.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        work: impl Fn(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.write_then(work, || ()).await
    }

    /// The same; `after` is run behind the COMMIT, also if whoever asked has stopped waiting by then.
    pub(crate) async fn write_then<T: Send + 'static>(
        &self,
        work: impl Fn(&Connection) -> Result<T, StoreError> + Send + 'static,
        after: impl FnOnce() + Send + 'static,
    ) -> Result<T, StoreError> {
        let stopped = || StoreError::Failed("the writer has stopped".to_owned());
        let (asked, answer) = oneshot::channel();
        let unit = Box::new(Work {
            work,
            after,
            result: None,
            asked,
        });
        self.queue.send(unit).await.map_err(|_| stopped())?;
        answer.await.map_err(|_| stopped())?
    }
}

fn run(
    connection: &Connection,
    mut units: mpsc::Receiver<Box<dyn Unit>>,
    is_checkpoint_due: &AtomicBool,
    watchers: &Watchers,
) {
    let mut group = Vec::with_capacity(GROUP_UNITS);
    while let Some(first) = units.blocking_recv() {
        group.push(first);
        while group.len() < GROUP_UNITS
            && let Ok(unit) = units.try_recv()
        {
            group.push(unit);
        }
        metrics::histogram!(metric_names::STORE_GROUP_UNITS)
            .record(u32::try_from(group.len()).unwrap_or(u32::MAX));
        let committed = commit(connection, &mut group);
        if let Err(error) = &committed {
            tracing::error!("a commit failed, {} units with it: {error}", group.len());
            if !connection.is_autocommit()
                && let Err(error) = execute(connection, "ROLLBACK")
            {
                tracing::error!("cannot roll back: {error}");
            }
        }
        if let Ok(told) = &committed {
            watchers.tell(told);
        }
        let committed = committed.map(drop);
        for unit in group.drain(..) {
            unit.answer(committed.clone());
        }
        checkpoints::finish_if_due(connection, is_checkpoint_due);
    }
}

/// Commits a group. Returns the tenants that it told something.
fn commit(
    connection: &Connection,
    group: &mut [Box<dyn Unit>],
) -> Result<Vec<TenantId>, StoreError> {
    execute(connection, "BEGIN IMMEDIATE")?;
    noted::begin();
    if !group
        .iter_mut()
        .all(|unit| leaves_no_trace_of_failure(connection, unit.as_mut()))
    {
        // Some failures, a full disk among them, make SQLite roll back by itself.
        if !connection.is_autocommit() {
            execute(connection, "ROLLBACK")?;
        }
        execute(connection, "BEGIN IMMEDIATE")?;
        noted::begin();
        for unit in group {
            run_apart(connection, unit.as_mut())?;
        }
    }
    let told = noted::write(connection)?;
    execute(connection, "COMMIT")?;
    Ok(told)
}

/// Runs a unit; false when it failed and had written by then.
fn leaves_no_trace_of_failure(connection: &Connection, unit: &mut dyn Unit) -> bool {
    let before = connection.total_changes();
    is_done(connection, unit)
        || (connection.total_changes() == before && !connection.is_autocommit())
}

/// Runs a unit under a savepoint of its own.
fn run_apart(connection: &Connection, unit: &mut dyn Unit) -> Result<(), StoreError> {
    execute(connection, "SAVEPOINT unit")?;
    if !is_done(connection, unit) {
        // Fails where SQLite has rolled back everything: then the whole group has failed.
        execute(connection, "ROLLBACK TO unit")?;
    }
    execute(connection, "RELEASE unit")
}

/// Runs a unit; false when it failed or panicked.
fn is_done(connection: &Connection, unit: &mut dyn Unit) -> bool {
    let run = catch_unwind(AssertUnwindSafe(|| unit.run(connection)));
    let is_done = run.unwrap_or_else(|_| {
        tracing::error!("a unit of work panicked");
        false
    });
    noted::end_unit(is_done);
    is_done
}

fn execute(connection: &Connection, sql: &str) -> Result<(), StoreError> {
    connection
        .prepare_cached(sql)
        .and_then(|mut statement| statement.execute([]))
        .map_err(store_error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use futures::future::{BoxFuture, join_all};

    use super::*;

    const SCHEMA: &str = "PRAGMA foreign_keys = ON; CREATE TABLE word (word TEXT NOT NULL PRIMARY KEY); \
                          CREATE TABLE reply (word TEXT REFERENCES word DEFERRABLE INITIALLY DEFERRED);";

    fn writer() -> Writer {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(SCHEMA).unwrap();
        Writer::start(connection, Arc::default(), Arc::default()).unwrap()
    }

    fn run(connection: &Connection, sql: &str) -> Result<(), StoreError> {
        connection.execute_batch(sql).map_err(store_error)
    }

    async fn words(writer: &Writer) -> String {
        let words = writer.write(|connection| {
            connection
                .query_row(
                    "SELECT ifnull(group_concat(word, ' '), '') FROM word",
                    [],
                    |row| row.get(0),
                )
                .map_err(store_error)
        });
        words.await.unwrap()
    }

    type Answers = Vec<Result<(), StoreError>>;

    /// Runs units while the writer is kept busy until all of them wait: so they become one group.
    async fn grouped(
        writer: &Writer,
        units: Vec<BoxFuture<'_, Result<(), StoreError>>>,
    ) -> Answers {
        let (release, released) = mpsc::channel::<()>();
        let (started, is_started) = mpsc::channel::<()>();
        let blocker = writer.write(move |_| {
            started.send(()).unwrap();
            released.recv().unwrap();
            Ok(())
        });
        let units = join_all(units);
        let others = async {
            let started = tokio::task::spawn_blocking(move || is_started.recv());
            started.await.unwrap().unwrap();
            tokio::join!(units, async { release.send(()).unwrap() }).0
        };
        let (blocked, answers) = tokio::join!(blocker, others);
        blocked.unwrap();
        answers
    }

    #[tokio::test]
    async fn a_unit_that_fails_or_panics_undoes_only_its_own_writes() {
        let writer = writer();
        let answers = grouped(
            &writer,
            vec![
                Box::pin(writer.write(|db| run(db, "INSERT INTO word VALUES ('one')"))),
                Box::pin(writer.write(|db| {
                    run(db, "INSERT INTO word VALUES ('failed')")?;
                    Err(StoreError::NotFound)
                })),
                Box::pin(writer.write(|db| {
                    run(db, "INSERT INTO word VALUES ('panicked')")?;
                    panic!("on purpose")
                })),
                Box::pin(writer.write(|db| run(db, "INSERT INTO word VALUES ('two')"))),
            ],
        )
        .await;
        let [
            Ok(()),
            Err(StoreError::NotFound),
            Err(StoreError::Failed(_)),
            Ok(()),
        ] = answers.as_slice()
        else {
            panic!("{answers:?}")
        };
        assert_eq!(words(&writer).await, "one two");
    }

    #[tokio::test]
    async fn a_failed_commit_fails_its_whole_group_and_no_later_unit() {
        let writer = writer();
        let answers = grouped(
            &writer,
            vec![
                Box::pin(writer.write(|db| run(db, "INSERT INTO word VALUES ('one')"))),
                // Seen by COMMIT only.
                Box::pin(writer.write(|db| run(db, "INSERT INTO reply VALUES ('nobody')"))),
                Box::pin(writer.write(|db| run(db, "INSERT INTO word VALUES ('two')"))),
            ],
        )
        .await;
        assert!(
            answers
                .iter()
                .all(|answer| matches!(answer, Err(StoreError::Failed(_)))),
            "{answers:?}"
        );
        assert_eq!(words(&writer).await, "");
        writer
            .write(|db| run(db, "INSERT INTO word VALUES ('three')"))
            .await
            .unwrap();
        assert_eq!(words(&writer).await, "three");
    }

    #[tokio::test]
    async fn a_full_disk_loses_nothing_that_was_acknowledged() {
        let folder = tempfile::tempdir().unwrap();
        let connection = Connection::open(folder.path().join("small.db")).unwrap();
        connection.execute_batch(SCHEMA).unwrap();
        connection
            .execute_batch("PRAGMA max_page_count = 10")
            .unwrap();
        let writer = Writer::start(connection, Arc::default(), Arc::default()).unwrap();
        let large = "INSERT INTO word VALUES (hex(zeroblob(100000)))";
        let answers = grouped(
            &writer,
            vec![
                Box::pin(writer.write(|db| run(db, "INSERT INTO word VALUES ('one')"))),
                Box::pin(writer.write(move |db| run(db, large))),
                Box::pin(writer.write(|db| run(db, "INSERT INTO word VALUES ('two')"))),
            ],
        )
        .await;
        // Whoever heard "done" is there; SQLite may undo the whole group.
        assert!(
            matches!(answers.as_slice(), [_, Err(StoreError::Failed(_)), _]),
            "{answers:?}"
        );
        let kept = words(&writer).await;
        for (answer, word) in answers.iter().zip(["one", "large", "two"]) {
            assert!(
                answer.is_err() || kept.contains(word),
                "{word}: {answer:?}, {kept}"
            );
        }
        writer
            .write(|db| run(db, "INSERT INTO word VALUES ('three')"))
            .await
            .unwrap();
    }
}
