//! What is read again and again and hardly ever changes, kept in memory. One process has the file for itself, so what it
//! writes is all there is to forget.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use store::Result;

/// Most answers that are kept; with more, all are forgotten.
const MAX_KEPT: usize = 10_000;

/// Answers by question. Clones share them.
pub(crate) struct Memo<K, V>(Arc<Mutex<Kept<K, V>>>);

struct Kept<K, V> {
    answers: HashMap<K, V>,
    /// Grows whenever everything is forgotten.
    age: u64,
}

impl<K: Eq + Hash, V: Clone> Memo<K, V> {
    /// The answer that is kept, else the one that is read. What was written meanwhile makes it count for this once only.
    pub(crate) async fn get(&self, key: K, read: impl Future<Output = Result<V>>) -> Result<V> {
        let age = {
            let kept = self.lock();
            if let Some(answer) = kept.answers.get(&key) {
                return Ok(answer.clone());
            }
            kept.age
        };
        let answer = read.await?;
        let mut kept = self.lock();
        if kept.age == age {
            if kept.answers.len() >= MAX_KEPT {
                kept.answers.clear();
            }
            kept.answers.insert(key, answer.clone());
        }
        Ok(answer)
    }

    /// Forgets everything. To be called once a change is committed: what is read before may be the state before.
    pub(crate) fn forget(&self) {
        let mut kept = self.lock();
        kept.age += 1;
        kept.answers.clear();
    }
}

impl<K, V> Memo<K, V> {
    fn lock(&self) -> MutexGuard<'_, Kept<K, V>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K, V> Clone for Memo<K, V> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<K, V> Default for Memo<K, V> {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Kept {
            answers: HashMap::new(),
            age: 0,
        })))
    }
}
