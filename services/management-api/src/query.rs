//! Query strings: what has no name that is known, and what is given twice, is told together with every value that is
//! wrong. serde stops at the first fault.

use std::collections::BTreeMap;

use axum::extract::FromRequestParts;
use domain::text;
use http::request::Parts;
use runtime::Problem;
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::form_urlencoded;
use utoipa::IntoParams;

use crate::faults::{Faults, PARAMETERS};

/// Most parameters without a known name that are told at once.
const MAX_UNKNOWN: usize = 100;
/// How much of a name that there is not is repeated, in characters.
const MAX_NAME: usize = 60;

/// The parameters of a query string, with what is wrong with their names so far. Its handler adds what is wrong with the
/// values. Rejection: 422, where the type takes no text.
#[derive(Debug)]
pub(crate) struct Query<T> {
    asked: T,
    faults: Faults,
}

impl<T> Query<T> {
    /// What is asked for, and what is wrong so far.
    pub(crate) fn open(self) -> (T, Faults) {
        (self.asked, self.faults)
    }
}

impl<S: Send + Sync, T: DeserializeOwned + IntoParams> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let known = T::into_params(|| None);
        let known: Vec<_> = known.iter().map(|known| known.name.as_str()).collect();
        let (given, faults) = Pairs::of(parts).known(&known, None);
        let given = given.into_iter().filter_map(|(name, values)| {
            let value = values.into_iter().next()?;
            Some((name, Value::String(value)))
        });
        match T::deserialize(Value::Object(given.collect())) {
            Ok(asked) => Ok(Self { asked, faults }),
            Err(error) => {
                faults.finish(PARAMETERS)?;
                let reason = runtime::without_value(&error.to_string());
                Err(Problem::unprocessable(format!(
                    "A parameter is not valid: {reason}."
                )))
            }
        }
    }
}

/// The pairs of a query string, as they stand there.
#[derive(Debug)]
pub(crate) struct Pairs(Vec<(String, String)>);

impl<S: Send + Sync> FromRequestParts<S> for Pairs {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self::of(parts))
    }
}

impl Pairs {
    fn of(parts: &Parts) -> Self {
        let query = parts.uri.query().unwrap_or_default();
        Self(
            form_urlencoded::parse(query.as_bytes())
                .into_owned()
                .collect(),
        )
    }

    /// The values under each name that is known, in their order. Told is what has another name, and what is given more
    /// than once, but for the name `repeated`: then the first counts.
    pub(crate) fn known(
        self,
        known: &[&str],
        repeated: Option<&str>,
    ) -> (BTreeMap<String, Vec<String>>, Faults) {
        let mut faults = Faults::default();
        let mut given: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut unknown = Vec::new();
        for (name, value) in self.0 {
            if known.contains(&name.as_str()) {
                given.entry(name).or_default().push(value);
            } else if unknown.len() < MAX_UNKNOWN && !unknown.contains(&name) {
                unknown.push(name);
            }
        }
        for name in unknown {
            let message = format!("not a parameter; there are {}", known.join(", "));
            faults.add_coded(text::bounded(&name, MAX_NAME), "unknown_field", message);
        }
        for (name, values) in &mut given {
            if values.len() > 1 && repeated != Some(name.as_str()) {
                values.truncate(1);
                let message = "given more than once: give it once, so that one value is meant";
                faults.add_coded(name.as_str(), "duplicate_field", message);
            }
        }
        (given, faults)
    }
}
