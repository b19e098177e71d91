//! What tests of the whole product share: a clock that stands still, and Google's emulators.
#![warn(missing_docs)]

mod clock;
pub mod emulators;

pub use clock::ManualClock;
