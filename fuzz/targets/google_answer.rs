//! See [`fuzz::google_answer`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::google_answer::check(data));
