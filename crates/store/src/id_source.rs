//! New ids: ordered by time, and within one process strictly.

use std::sync::{Arc, Mutex, PoisonError};

use domain::Clock;
use uuid::{ContextV7, Timestamp, Uuid};

/// Makes the ids of a store. UUIDs of version 7 with a counter, so that order of creation is order of ids.
pub struct IdSource {
    clock: Arc<dyn Clock>,
    context: Mutex<ContextV7>,
}

impl IdSource {
    /// Ids by this clock.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            context: Mutex::new(ContextV7::new()),
        }
    }

    /// A new one, larger than any before from this source.
    pub fn next(&self) -> Uuid {
        let now = self.clock.now();
        let seconds = u64::try_from(now.as_second()).unwrap_or(0);
        let nanos = u32::try_from(now.subsec_nanosecond()).unwrap_or(0);
        let context = self.context.lock().unwrap_or_else(PoisonError::into_inner);
        Uuid::new_v7(Timestamp::from_unix(&*context, seconds, nanos))
    }
}
