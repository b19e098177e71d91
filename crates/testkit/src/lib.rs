//! What tests of the whole product share: a clock that stands still, builders and fixtures.
#![warn(missing_docs)]

mod clock;

pub use clock::ManualClock;
