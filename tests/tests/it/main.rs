//! Stories across the whole product, through the endpoints that its users have.
#![expect(clippy::unwrap_used, reason = "tests")]

mod area_by_map;
mod audit;
mod audit_bookings;
mod audit_written;
mod callrail;
mod calls;
mod channels;
mod chats;
mod connecting;
mod crash;
mod deployment;
mod documents;
mod double_bookings;
mod edges;
mod fairness;
mod fleet;
mod forms;
mod handles;
mod isolation;
mod layering;
mod leads;
mod leaks;
mod limits;
mod live;
mod mapping;
mod one_shape;
mod providers;
mod settings;
mod simulation;
mod trouble;
