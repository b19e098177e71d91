//! The stages against the simulated CallRail and Speech-to-Text, over real HTTP, on a real store.
#![expect(clippy::unwrap_used, reason = "tests")]

mod recording;
mod transcript;
mod world;
