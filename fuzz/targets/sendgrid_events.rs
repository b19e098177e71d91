//! See [`fuzz::sendgrid_events`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::sendgrid_events::check(data));
