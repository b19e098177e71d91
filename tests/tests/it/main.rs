//! Stories across the whole product, through the doors that its users have.
#![expect(clippy::unwrap_used, reason = "tests")]

mod calls;
mod edges;
mod layering;
mod settings;
