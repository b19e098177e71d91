//! See [`fuzz::callrail_body`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::callrail_body::check(data));
