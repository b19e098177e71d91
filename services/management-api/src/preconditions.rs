//! Changes of one version and no other: `ETag` and `If-Match`. Source: RFC 9110, sections 8.8.3 and 13.1.1; RFC 6585,
//! section 3.

use axum::extract::FromRequestParts;
use domain::{StoreError, TenantId, says_the_same};
use http::{
    HeaderValue,
    header::{ETAG, IF_MATCH},
    request::Parts,
};
use jiff::Timestamp;
use runtime::Problem;
use serde::Serialize;
use serde_json::{Value, json};
use store::{AuditAction, Config, ConfigKind, NewConfig};
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
    /// What it says, with the defaults in place of what was not said.
    #[schema(value_type = std::collections::BTreeMap<String, Value>)]
    config: Value,
    /// Who wrote it; empty where that was not kept.
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
    /// [`Refused`] if they do not say which, or if it is another one.
    fn expected(&self, newest: u64) -> Result<u64, Refused> {
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
enum Refused {
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

fn unsaid() -> Problem {
    Problem::precondition_required(
        "Read it first, and send the `ETag` of that answer as `If-Match`, so that nobody else's change gets lost.",
    )
}

/// The versions of one thing, of which a call changes the newest and no other.
pub(crate) struct Versions<'a> {
    deps: &'a Deps,
    tenant: &'a TenantId,
    kind: ConfigKind,
    name: String,
    /// What is there, in case it was made by a build that kept no versions of it.
    there: Option<Config>,
    /// What a version says as it is read, with its defaults.
    as_read: Box<dyn Fn(&Value) -> Value + Send + Sync + 'a>,
}

impl<'a> Versions<'a> {
    pub(crate) fn of(
        deps: &'a Deps,
        tenant: &'a TenantId,
        kind: ConfigKind,
        name: &impl ToString,
    ) -> Self {
        Self {
            deps,
            tenant,
            kind,
            name: name.to_string(),
            there: None,
            as_read: Box::new(move |json| kind.as_read(json)),
        }
    }

    /// The same of something whose defaults the store does not know: `as_read` puts them in place of what is left out.
    pub(crate) fn read_by(self, as_read: impl Fn(&Value) -> Value + Send + Sync + 'a) -> Self {
        Self {
            as_read: Box::new(as_read),
            ..self
        }
    }

    /// The same of what is there as `there` says, whether that version was kept or not.
    pub(crate) fn with(self, there: Config) -> Self {
        Self {
            there: Some(there),
            ..self
        }
    }

    /// The version that is to be changed, where `newest` is the newest; 0: there is none yet.
    ///
    /// # Errors
    /// 428 if the caller does not say which one they saw; 412, with that one and the newest, if it is another one.
    pub(crate) async fn expected(&self, if_match: &IfMatch, newest: u64) -> Result<u64, Problem> {
        match if_match.expected(newest) {
            Ok(expected) => Ok(expected),
            Err(Refused::Unsaid) => Err(unsaid()),
            Err(Refused::Outdated) => Err(self.outdated(if_match.seen()).await),
        }
    }

    /// What came of the change of the version `expected`.
    ///
    /// # Errors
    /// The store's; 412, with both versions, where somebody else was faster.
    pub(crate) async fn written<T>(
        &self,
        expected: u64,
        written: Result<T, StoreError>,
    ) -> Result<T, Problem> {
        match written {
            Ok(written) => Ok(written),
            Err(StoreError::Outdated { .. }) => Err(self.outdated(Some(expected)).await),
            Err(error) => Err(error.into()),
        }
    }

    /// Saves a configuration as the version behind `expected`; the newest version then. One that is read as what the
    /// newest says makes none.
    ///
    /// # Errors
    /// As of [`written`](Self::written).
    pub(crate) async fn save(
        &self,
        expected: u64,
        json: Value,
        note: String,
        act: AuditAction,
    ) -> Result<u64, Problem> {
        let newest = self.kept(None).await?;
        let same = newest.map(|newest| newest.json);
        let same =
            same.filter(|known| says_the_same(&(self.as_read)(known), &(self.as_read)(&json)));
        let new = NewConfig {
            tenant: self.tenant.clone(),
            kind: self.kind,
            name: self.name.clone(),
            // Word for word the same is what the store knows as the same.
            json: same.unwrap_or(json),
            expected: Some(expected),
            note,
        };
        let saved = self.deps.store.put_config(&new, &act).await;
        self.written(expected, saved).await
    }

    async fn outdated(&self, seen: Option<u64>) -> Problem {
        let seen = match seen.filter(|seen| *seen > 0) {
            Some(seen) => self.shown(Some(seen)).await,
            None => Ok(Value::Null),
        };
        match (seen, self.shown(None).await) {
            (Ok(seen), Ok(current)) => Problem::precondition_failed(
                "Somebody changed it since you read it. Compare `seen` with `current`, and repeat your change on `current`.",
            )
            .with_member("seen", seen)
            .with_member("current", current),
            (Err(error), _) | (_, Err(error)) => error.into(),
        }
    }

    /// A version as it is told; null where there is none. `None` stands for the newest.
    async fn shown(&self, version: Option<u64>) -> Result<Value, StoreError> {
        let kept = self.kept(version).await?;
        let kept_version = kept.as_ref().map_or(0, |kept| kept.version);
        let is_meant = |there: &&Config| match version {
            Some(version) => there.version == version && kept.is_none(),
            None => there.version > kept_version,
        };
        let found = self.there.as_ref().filter(is_meant).cloned().or(kept);
        let shown = found.map(|found| {
            let config = (self.as_read)(&found.json);
            json!(Version {
                config,
                ..Version::from(found)
            })
        });
        Ok(shown.unwrap_or_default())
    }

    /// A version that was kept; `None` stands for the newest.
    async fn kept(&self, version: Option<u64>) -> Result<Option<Config>, StoreError> {
        let store = &self.deps.store;
        store
            .config(self.tenant, self.kind, &self.name, version)
            .await
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
