//! The public keys that tokens are signed with (JSON Web Key Sets, RFC 7517).
//!
//! A [`KeySet`] holds keys, each for one algorithm alone. [`FetchedKeys`] are those that an issuer publishes: fetched
//! when they are needed, and kept for as long as it says.
#![warn(missing_docs)]

mod fetched;
mod key_set;

pub use fetched::{FetchedKeys, Unavailable};
pub use jsonwebtoken::{Algorithm, jwk::JwkSet};
pub use key_set::{Key, KeySet};
