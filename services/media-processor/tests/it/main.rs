//! The stages against a simulated provider and Speech-to-Text, over real HTTP and a real store.
#![expect(clippy::unwrap_used, reason = "tests")]

mod booking;
mod details;
mod documents;
mod recording;
mod transcript;
mod trial;
mod world;
