//! The public keys that tokens are signed with (JSON Web Key Sets, RFC 7517), and what verifies a token with them.
//!
//! A [`KeySet`] holds keys, each for one algorithm alone. [`FetchedKeys`] are those that an issuer publishes: fetched
//! when they are needed, and kept for as long as it says. [`Keys::verify`] verifies a token's signature with either.

mod fetched;
mod key_set;
mod verify;

pub use fetched::{FetchedKeys, Unavailable};
pub use jsonwebtoken::{Algorithm, jwk::JwkSet};
pub use key_set::{Key, KeySet};
pub use verify::{Keys, Refusal, VerifyError, check_time};
