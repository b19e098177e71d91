//! How a newer statement overlays an older one.

use std::collections::{BTreeMap, BTreeSet};

/// A fact that may be unsaid, and that a newer statement overlays.
pub(super) trait Fact {
    fn is_unsaid(&self) -> bool;

    /// Takes over what `newer` says; what it leaves out stays.
    fn overlay(&mut self, newer: &Self);
}

impl<T: Clone> Fact for Option<T> {
    fn is_unsaid(&self) -> bool {
        self.is_none()
    }

    fn overlay(&mut self, newer: &Self) {
        if newer.is_some() {
            self.clone_from(newer);
        }
    }
}

/// What a map of facts holds: two statements of one entry become one.
pub(super) trait Entry: Clone {
    fn overlay(&mut self, newer: &Self);
}

impl Entry for String {
    fn overlay(&mut self, newer: &Self) {
        self.clone_from(newer);
    }
}

/// Maps are united: each statement may carry a part, such as one message of a chat.
impl<K: Ord + Clone, V: Entry> Fact for BTreeMap<K, V> {
    fn is_unsaid(&self) -> bool {
        self.is_empty()
    }

    fn overlay(&mut self, newer: &Self) {
        for (key, value) in newer {
            match self.get_mut(key) {
                Some(known) => known.overlay(value),
                None => {
                    self.insert(key.clone(), value.clone());
                }
            }
        }
    }
}

/// Sets are united, too.
impl<T: Ord + Clone> Fact for BTreeSet<T> {
    fn is_unsaid(&self) -> bool {
        self.is_empty()
    }

    fn overlay(&mut self, newer: &Self) {
        self.extend(newer.iter().cloned());
    }
}

/// Declares a struct of facts: every field may be unsaid, and `overlay` covers every field, so that a new one cannot be
/// forgotten.
macro_rules! facts {
    ($(
        $(#[$doc:meta])*
        pub struct $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty),+ $(,)? }
    )+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
        #[serde(default)]
        pub struct $name {
            $($(#[$field_doc])* #[serde(skip_serializing_if = "Fact::is_unsaid")] pub $field: $type),+
        }

        impl Fact for $name {
            fn is_unsaid(&self) -> bool {
                $(self.$field.is_unsaid())&&+
            }

            fn overlay(&mut self, newer: &Self) {
                $(self.$field.overlay(&newer.$field);)+
            }
        }
    )+};
}

pub(super) use facts;
