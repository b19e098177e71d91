//! The stage against a simulated Gemini, over real HTTP.
#![expect(clippy::unwrap_used, reason = "tests")]

mod analysis;
mod map;
mod red_team;
mod world;
