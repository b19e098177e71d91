//! The contract of connectors against simulated CRMs, and what is each CRM's own.
#![expect(clippy::unwrap_used, reason = "tests")]

mod customcrm;
mod hubspot;
mod mapped;
mod persons;
mod pipedrive;
mod reference;
mod refusals;
mod salesforce;
mod world;

crm::contract_suite!(world::brief; world::World, customcrm::Receiver, salesforce::World, pipedrive::World);
