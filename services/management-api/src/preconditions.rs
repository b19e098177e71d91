//! Changes of one version and no other: `ETag` and `If-Match`. Source: RFC 9110, sections 8.8.3 and 13.1.1; RFC 6585,
//! section 3.

use axum::extract::FromRequestParts;
use domain::{StoreError, TenantId};
use http::{
    HeaderValue,
    header::{ETAG, IF_MATCH},
    request::Parts,
};
use jiff::Timestamp;
use runtime::Problem;
use serde::Serialize;
use serde_json::{Value, json};
use store::{Config, ConfigKind};
use utoipa::ToSchema;

use crate::Deps;

/// Which version a caller changes, as they say it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum IfMatch {
    /// They do not say.
    Absent,
    /// Whatever is there.
    Any,
    /// One of these.
    Versions(Vec<u64>),
}

/// A version of something that a tenant configures.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Version {
    /// Its number.
    version: u64,
    /// What it says.
    #[schema(value_type = std::collections::BTreeMap<String, Value>)]
    config: Value,
    /// Who wrote it.
    author: String,
    /// Why, in their words.
    note: String,
    /// When.
    created_at: Timestamp,
}

impl From<Config> for Version {
    fn from(config: Config) -> Self {
        Self {
            version: config.version,
            config: config.json,
            author: config.author,
            note: config.note,
            created_at: config.created_at,
        }
    }
}

impl IfMatch {
    /// The version that is changed, where `newest` is the newest. Where nothing is there yet, nobody needs to say.
    ///
    /// # Errors
    /// 428 if they do not say which; [`StoreError::Outdated`] if it is another one.
    pub(crate) fn expected(&self, newest: u64) -> Result<u64, Refused> {
        match self {
            Self::Absent if newest > 0 => Err(Refused::Unsaid),
            Self::Any if newest == 0 => Err(Refused::Outdated),
            Self::Versions(versions) if !versions.contains(&newest) => Err(Refused::Outdated),
            Self::Absent | Self::Any | Self::Versions(_) => Ok(newest),
        }
    }

    /// The newest of the versions that the caller saw.
    fn seen(&self) -> Option<u64> {
        match self {
            Self::Versions(versions) => versions.iter().max().copied(),
            Self::Absent | Self::Any => None,
        }
    }
}

/// Why a change is not made to the version that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The caller does not say which version they saw.
    Unsaid,
    /// They saw another one.
    Outdated,
}

impl FromRequestParts<Deps> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Deps) -> Result<Self, Problem> {
        let mut tags = Vec::new();
        for value in parts.headers.get_all(IF_MATCH) {
            let value = value.to_str().map_err(|_| unreadable())?;
            tags.extend(
                value
                    .split(',')
                    .map(str::trim)
                    .filter(|tag| !tag.is_empty()),
            );
        }
        match tags.as_slice() {
            [] if parts.headers.contains_key(IF_MATCH) => Err(unreadable()),
            [] => Ok(Self::Absent),
            ["*"] => Ok(Self::Any),
            tags => {
                let versions: Result<Vec<_>, _> = tags.iter().map(|tag| version_of(tag)).collect();
                Ok(Self::Versions(versions?.into_iter().flatten().collect()))
            }
        }
    }
}

/// The version behind a tag; none for a tag that none of ours is.
fn version_of(tag: &str) -> Result<Option<u64>, Problem> {
    let opaque = tag.strip_prefix("W/").unwrap_or(tag);
    let inner = opaque
        .strip_prefix('"')
        .and_then(|tag| tag.strip_suffix('"'));
    let inner = inner.ok_or_else(unreadable)?;
    // A weak tag never matches, and 01 is not what we call 1.
    let version = inner.parse::<u64>().ok();
    Ok(version.filter(|version| tag.starts_with('"') && version.to_string() == inner))
}

fn unreadable() -> Problem {
    Problem::unprocessable("A header is not valid. See `errors`.").with_error(
        "If-Match",
        "the `ETag` of an earlier answer with its quotes, such as `\"3\"`, or `*`",
    )
}

/// The header that names a version.
pub(crate) fn etag(version: u64) -> [(http::HeaderName, HeaderValue); 1] {
    let tag = HeaderValue::from_str(&format!("\"{version}\""));
    [(ETAG, tag.unwrap_or(HeaderValue::from_static("\"0\"")))]
}

/// What a caller is told whose change was not made, where no versions are kept to compare.
pub(crate) fn told(why: Refused) -> Problem {
    match why {
        Refused::Unsaid => unsaid(),
        Refused::Outdated => Problem::precondition_failed(
            "Somebody changed it since you read it. Read it again, and repeat your change on what it is now.",
        ),
    }
}

fn unsaid() -> Problem {
    Problem::precondition_required(
        "Read it first, and send the `ETag` of that answer as `If-Match`, so that nobody else's change gets lost.",
    )
}

/// What a caller is told whose change was not made: 428, or 412 with the version that they saw and the newest.
pub(crate) async fn refused(
    deps: &Deps,
    (tenant, kind, name): (&TenantId, ConfigKind, &str),
    if_match: &IfMatch,
    why: Refused,
) -> Problem {
    let told = match why {
        Refused::Unsaid => return unsaid(),
        Refused::Outdated => Problem::precondition_failed(
            "Somebody changed it since you read it. Compare `seen` with `current`, and repeat your change on `current`.",
        ),
    };
    let version = async |version| -> Result<Value, StoreError> {
        let found = deps.store.config(tenant, kind, name, version).await?;
        Ok(found.map_or(Value::Null, |found| json!(Version::from(found))))
    };
    let seen = match if_match.seen() {
        Some(seen) => version(Some(seen)).await,
        None => Ok(Value::Null),
    };
    match (seen, version(None).await) {
        (Ok(seen), Ok(current)) => told
            .with_member("seen", seen)
            .with_member("current", current),
        (Err(error), _) | (_, Err(error)) => error.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_read_as_it_was_shown() {
        let read = |tag: &str| version_of(tag).ok();
        assert_eq!(read("\"3\""), Some(Some(3)));
        for other in ["W/\"3\"", "\"03\"", "\"+3\"", "\"\"", "\"x\"", "\"-1\""] {
            assert_eq!(read(other), Some(None), "{other}");
        }
        for broken in ["3", "\"3", "3\"", "W/3"] {
            assert_eq!(read(broken), None, "{broken}");
        }
    }

    #[test]
    fn only_the_newest_version_is_changed() {
        use IfMatch::{Absent, Any, Versions};
        for (if_match, newest, expected) in [
            (Absent, 0, Ok(0)),
            (Absent, 2, Err(Refused::Unsaid)),
            (Any, 0, Err(Refused::Outdated)),
            (Any, 2, Ok(2)),
            (Versions(vec![2]), 2, Ok(2)),
            (Versions(vec![1, 2]), 2, Ok(2)),
            (Versions(vec![1]), 2, Err(Refused::Outdated)),
            (Versions(vec![0]), 0, Ok(0)),
            (Versions(vec![]), 0, Err(Refused::Outdated)),
        ] {
            assert_eq!(if_match.expected(newest), expected, "{if_match:?} {newest}");
        }
    }
}
