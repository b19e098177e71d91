//! Emulators end with whoever started them.
#![expect(clippy::unwrap_used, reason = "tests")]

mod emulators;
