//! How people are told of a lead: what a message says, what it is called, and who carries it.
#![warn(missing_docs)]

mod config;
mod lead_mail;
mod message;
pub mod sendgrid;

pub use config::Config;
pub use lead_mail::{Content, LEAD_TEMPLATE, TemplateError, lead_mail};
pub use message::{effect_key, message_id};
