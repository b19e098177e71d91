//! How the last write went: a disk can fail every write while it still reads.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use domain::StoreError;
use jiff::Timestamp;

use crate::{Result, SecurityEvent};

/// Remembers whether a write failed, or was not waited for, since the last check.
#[derive(Debug, Default)]
pub struct LastWrite {
    has_failed: AtomicBool,
}

/// A write that has not ended. Whoever gives up on it drops it: then it counts as failed.
struct Unfinished<'a> {
    last: &'a LastWrite,
    is_fine: bool,
}

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        if !self.is_fine {
            self.last.has_failed.store(true, Ordering::Relaxed);
        }
    }
}

impl LastWrite {
    /// Runs a write and takes note of how it ends. What the store refuses with a reason has not failed.
    ///
    /// # Errors
    /// The write's own.
    pub async fn watch<T>(&self, write: impl Future<Output = Result<T>>) -> Result<T> {
        let mut unfinished = Unfinished {
            last: self,
            is_fine: false,
        };
        let written = write.await;
        unfinished.is_fine = !matches!(written, Err(StoreError::Busy | StoreError::Failed(_)));
        written
    }

    /// Whether a write has failed since this was asked last.
    pub(crate) fn take_failure(&self) -> bool {
        self.has_failed.swap(false, Ordering::Relaxed)
    }
}

/// What a check writes, and removes again: a refusal of nobody, before any other.
pub(crate) fn trace_of_check() -> SecurityEvent {
    SecurityEvent {
        minute: Timestamp::UNIX_EPOCH - Duration::from_secs(60 * 60),
        address: "readiness".to_owned(),
        reason: "check".to_owned(),
        provider: String::new(),
        tenant: None,
        count: 1,
        trace_id: String::new(),
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use futures::FutureExt as _;

    use super::*;

    #[test]
    fn a_failed_write_is_told_once() {
        for (written, expected) in [
            (Ok(()), false),
            (Err(StoreError::NotFound), false),
            (Err(StoreError::Conflict("taken".to_owned())), false),
            (Err(StoreError::Busy), true),
            (Err(StoreError::Failed("broken".to_owned())), true),
        ] {
            let last = LastWrite::default();
            let seen = last.watch(ready(written.clone())).now_or_never().unwrap();
            assert_eq!(seen.is_ok(), written.is_ok());
            assert_eq!(last.take_failure(), expected, "{written:?}");
            assert!(!last.take_failure(), "{written:?}");
        }
    }

    #[test]
    fn a_write_that_nobody_waits_for_counts_as_failed() {
        let last = LastWrite::default();
        let hung = last.watch::<()>(pending()).now_or_never();
        assert!(hung.is_none() && last.take_failure());
    }
}
