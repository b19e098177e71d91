//! The simulators, driven over HTTP as the product and the providers' own clients drive them.

#![expect(clippy::unwrap_used, reason = "tests")]

mod acuity;
mod calendly;
mod callrail;
mod callrail_webhooks;
mod errors;
mod faults;
mod gemini;
mod hook;
mod hubspot;
mod intercom;
mod secret_manager;
mod sendgrid;
mod signedwebhook;
mod siteverify;
mod slack;
mod speech;
mod storage;
mod table;
mod webforms;
mod world;
mod zendesk;
