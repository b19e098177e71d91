//! Every service in one process, on embedded parts, with simulated providers: no account, no key, no cloud.

pub mod app;
pub mod commands;
pub mod config;
pub mod data_folder;
pub mod demo;
pub mod providers;
pub mod samples;
mod try_it;
