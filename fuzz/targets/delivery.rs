//! See [`fuzz::delivery`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::delivery::check(data));
