//! What tests share: fictional leads, a clock and a tokio time that stand still until a test moves them, and Google's
//! emulators.

mod clock;
pub mod emulators;
pub mod lead;
#[cfg(feature = "stopped-time")]
mod stopped_time;

pub use clock::ManualClock;
#[cfg(feature = "stopped-time")]
pub use stopped_time::{PacedTime, StoppedTime};
