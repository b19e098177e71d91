//! How much a mapping may say. It is read with every push, so its size has an end in each direction.

/// Most fields that a mapping speaks of.
pub(super) const MAX_FIELDS: usize = 200;
/// Most parts of an expression.
pub(super) const MAX_PARTS: usize = 10;
/// Most functions behind an expression.
pub(super) const MAX_STEPS: usize = 10;
/// How deep expressions may lie in each other.
pub(super) const MAX_DEPTH: usize = 3;
/// Most values that a function replaces.
pub(super) const MAX_VALUES: usize = 500;
/// The longest text that a mapping says itself, in characters.
pub(super) const MAX_SAID: usize = 1_000;
/// Most faults that are told at once.
pub(super) const MAX_FAULTS: usize = 100;
/// The longest mapping, in bytes of JSON: far more than all fields of a CRM need.
pub(super) const MAX_BYTES: usize = 256 * 1024;
