//! The contract of connectors against simulated CRMs, and what is each CRM's own.
#![expect(clippy::unwrap_used, reason = "tests")]

mod hubspot;
mod persons;
mod refusals;
mod world;

crm::contract_suite!(world::brief; world::World);
