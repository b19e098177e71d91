//! Every call to another machine goes through [`Client`].
//!
//! Each call has a deadline and each answer a size limit. The client calls public addresses alone, follows no redirect and
//! uses no proxy. Every failure says whether the other side may have received the request ([`HttpError`]). Nothing here
//! prints a query string, a header's value or a body.
#![warn(missing_docs)]

mod address;
mod client;
mod error;
mod exchanges;
mod gate;
mod rehearsal;
mod request;
mod response;
mod streaming;

pub use address::Names;
pub use client::{Client, Options, SetupError};
pub use error::{HttpError, StatusClass, chain, classify_status, redact_url};
pub use exchanges::{Exchange, with_last_exchange};
pub use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
pub use rehearsal::{Rehearsed, is_rehearsal, rehearse};
pub use request::Request;
pub use response::{Response, UnreadableBody, retry_after};
pub use streaming::{Limits, Streaming};
pub use url::Url;
