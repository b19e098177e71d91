//! The crash story: the product as a process of its own is killed, frozen and started again while deliveries come in,
//! and nothing may be lost or done twice.
//!
//! Everything random comes from one seed. What was killed in the middle of what does not: two runs of one seed send
//! the same deliveries and are killed after the same times, and yet differ.

pub mod checker;
pub(crate) mod collect;
pub mod evidence;
pub(crate) mod outcome;
pub(crate) mod plan;
pub(crate) mod process;
pub(crate) mod sender;
mod story;
pub(crate) mod trouble;

pub use outcome::Outcome;
pub use process::Program;
pub use story::{Options, tell};
