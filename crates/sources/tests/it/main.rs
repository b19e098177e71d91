//! The contract of every source, and the API clients against simulators over real HTTP.
#![expect(clippy::unwrap_used, reason = "tests")]

mod acuity;
mod busy;
mod calendly;
mod callrail;
mod contract;
mod forms;
mod intercom;
mod lists;
mod sent;
mod zendesk;
