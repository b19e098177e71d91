//! What tests share: fictional leads, a clock and a tokio time that stand still until a test moves them, a port that
//! refuses, and Google's emulators.

mod clock;
pub mod emulators;
pub mod lead;
mod refusing;
#[cfg(feature = "stopped-time")]
mod stopped_time;

pub use clock::ManualClock;
pub use refusing::RefusingPort;
#[cfg(feature = "stopped-time")]
pub use stopped_time::{PacedTime, StoppedTime};
