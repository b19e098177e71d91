//! See [`fuzz::tenant_hint`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::tenant_hint::check(data));
