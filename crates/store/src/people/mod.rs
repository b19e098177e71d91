//! People, who they are signed in as, and the keys of programs. What is decided about them stands here, in pure
//! functions; stores load and save.

pub mod api_keys;
pub mod codes;
pub mod members;
pub mod rows;
pub mod sessions;
pub mod views;

pub use api_keys::{ApiKey, ApiKeys, Scope};
pub use codes::{Invitation, OneTimeCode, Purpose};
pub use members::{Member, People, TenantRole, User};
pub use sessions::{Device, Holder, NewSession, Refreshed, Session, SessionCookie, Sessions};
pub use views::{SavedView, SavedViews};

/// How many rows of what has ended one write removes beside its own work, so that tables do not grow for ever.
pub const REMOVED_AT_ONCE: u32 = 20;
