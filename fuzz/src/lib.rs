//! Fuzz targets: each takes any bytes, hands them to the product where bytes of strangers go, and asserts what must hold.
//!
//! `scripts/fuzz` runs them under libFuzzer, guided by coverage. `make test` runs each on every file of its folder in
//! `fuzz/regressions`: real bodies to begin with, and whatever once broke it.
#![warn(missing_docs)]

mod answering;
pub mod cursor;
pub mod delivery;
pub mod form;
pub mod google_answer;
pub mod model_answer;
pub mod provider_answer;
pub mod retry_after;
pub mod signature;
pub mod tenant_hint;
mod text;
pub mod traceparent;

/// A target: panics when something does not hold.
pub type Target = fn(&[u8]);

/// Every target, by its name: that of its program and of its folder.
pub static TARGETS: [(&str, Target); 10] = [
    ("cursor", cursor::check),
    ("delivery", delivery::check),
    ("form", form::check),
    ("google_answer", google_answer::check),
    ("model_answer", model_answer::check),
    ("provider_answer", provider_answer::check),
    ("retry_after", retry_after::check),
    ("signature", signature::check),
    ("tenant_hint", tenant_hint::check),
    ("traceparent", traceparent::check),
];
