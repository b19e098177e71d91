//! Secrets and their versions.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use axum::response::Response;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::google;

/// All secrets, by parent and id.
#[derive(Default)]
pub(super) struct Secrets(BTreeMap<(String, String), Secret>);

pub(super) struct Secret {
    labels: Value,
    replication: Option<Value>,
    created: Timestamp,
    /// Version 1 first.
    pub(super) versions: Vec<Version>,
}

pub(super) struct Version {
    pub(super) state: State,
    pub(super) data: Vec<u8>,
    created: Timestamp,
    has_checksum: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Enabled,
    Disabled,
    Destroyed,
}

impl State {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Enabled => "ENABLED",
            Self::Disabled => "DISABLED",
            Self::Destroyed => "DESTROYED",
        }
    }
}

impl Secrets {
    pub(super) fn create(
        &mut self,
        parent: &str,
        id: &str,
        body: &Value,
        now: Timestamp,
    ) -> Result<Value, Response> {
        let is_valid = (1..=255).contains(&id.len())
            && id
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
        if !is_valid {
            return Err(google::invalid(
                "The provided Secret ID does not match the expected format [[a-zA-Z_0-9]+].",
            ));
        }
        let is_regional = parent.contains("/locations/");
        let replication = Some(body["replication"].clone()).filter(Value::is_object);
        if replication.is_some() == is_regional {
            return Err(google::invalid(if is_regional {
                "A regional secret must not have a replication policy."
            } else {
                "Secret.replication must be provided."
            }));
        }
        check_labels(&body["labels"])?;
        let key = (parent.to_owned(), id.to_owned());
        if self.0.contains_key(&key) {
            let reason = format!("Secret [{parent}/secrets/{id}] already exists.");
            return Err(google::error_named(
                StatusCode::CONFLICT,
                "ALREADY_EXISTS",
                &reason,
            ));
        }
        let secret = self.0.entry(key).or_insert(Secret {
            labels: body["labels"].clone(),
            replication,
            created: now,
            versions: Vec::new(),
        });
        Ok(secret.resource(parent, id))
    }

    pub(super) fn find(&mut self, parent: &str, id: &str) -> Result<&mut Secret, Response> {
        let found = self.0.get_mut(&(parent.to_owned(), id.to_owned()));
        found.ok_or_else(|| missing(&format!("Secret [{parent}/secrets/{id}]")))
    }

    pub(super) fn delete(&mut self, parent: &str, id: &str) -> Result<Value, Response> {
        let found = self.0.remove(&(parent.to_owned(), id.to_owned()));
        found
            .map(|_| json!({}))
            .ok_or_else(|| missing(&format!("Secret [{parent}/secrets/{id}]")))
    }

    /// The secrets of a parent whose names contain a text, newest first.
    pub(super) fn list(&self, parent: &str, contains: &str) -> Vec<Value> {
        let found = self
            .0
            .iter()
            .filter(|((of, id), _)| of == parent && id.contains(contains));
        let mut found: Vec<_> = found.collect();
        found.sort_by_key(|((_, id), secret)| (std::cmp::Reverse(secret.created), id.clone()));
        found
            .into_iter()
            .map(|((parent, id), secret)| secret.resource(parent, id))
            .collect()
    }

    pub(super) fn shown(&self) -> Vec<Value> {
        let shown = self.0.iter().map(|((parent, id), secret)| {
            let states = secret.versions.iter().map(|version| version.state.as_str());
            json!({
                "name": format!("{parent}/secrets/{id}"),
                "labels": secret.labels,
                "versions": states.collect::<Vec<_>>(),
            })
        });
        shown.collect()
    }
}

impl Secret {
    pub(super) fn resource(&self, parent: &str, id: &str) -> Value {
        let mut resource = json!({
            "name": format!("{parent}/secrets/{id}"),
            "createTime": self.created.to_string(),
            "etag": format!("\"{:x}\"", self.created.as_microsecond()),
        });
        if let Some(replication) = &self.replication {
            resource["replication"] = replication.clone();
        }
        if self.labels.is_object() {
            resource["labels"] = self.labels.clone();
        }
        resource
    }

    /// Adds a version and returns its number.
    pub(super) fn add(&mut self, data: Vec<u8>, has_checksum: bool, now: Timestamp) -> usize {
        self.versions.push(Version {
            state: State::Enabled,
            data,
            created: now,
            has_checksum,
        });
        self.versions.len()
    }

    /// The number of the wanted version. `latest` is the newest enabled one.
    pub(super) fn number(&self, name: &str, wanted: &str) -> Result<usize, Response> {
        let not_there = || missing(&format!("Secret Version [{name}/versions/{wanted}]"));
        if wanted == "latest" {
            let newest = self
                .versions
                .iter()
                .rposition(|version| version.state == State::Enabled);
            return newest.map(|index| index + 1).ok_or_else(not_there);
        }
        let number: usize = wanted
            .parse()
            .map_err(|_| google::invalid("Invalid version."))?;
        if (1..=self.versions.len()).contains(&number) {
            Ok(number)
        } else {
            Err(not_there())
        }
    }

    pub(super) fn version(&mut self, number: usize) -> Option<&mut Version> {
        self.versions.get_mut(number.checked_sub(1)?)
    }
}

impl Version {
    pub(super) fn resource(&self, name: &str) -> Value {
        json!({
            "name": name,
            "createTime": self.created.to_string(),
            "state": self.state.as_str(),
            "clientSpecifiedPayloadChecksum": self.has_checksum,
        })
    }

    /// Changes the state. A destroyed version stays destroyed.
    pub(super) fn change(&mut self, to: State) -> Result<(), Response> {
        if self.state == State::Destroyed {
            return Err(not_usable(State::Destroyed));
        }
        if to == State::Destroyed {
            self.data.clear();
        }
        self.state = to;
        Ok(())
    }
}

/// The error for a version that is disabled or destroyed.
pub(super) fn not_usable(state: State) -> Response {
    let reason = format!("Secret Version is in {} state.", state.as_str());
    google::error_named(StatusCode::BAD_REQUEST, "FAILED_PRECONDITION", &reason)
}

fn missing(what: &str) -> Response {
    google::error(StatusCode::NOT_FOUND, &format!("{what} not found."))
}

/// Source: discovery document, `Secret.labels`.
fn check_labels(labels: &Value) -> Result<(), Response> {
    let is_fine = |text: &str| {
        text.len() <= 63
            && text
                .chars()
                .all(|c| c.is_lowercase() || c.is_numeric() || matches!(c, '_' | '-'))
    };
    let mut all = labels.as_object().into_iter().flatten();
    let are_fine = all.all(|(name, value)| {
        !name.is_empty() && is_fine(name) && value.as_str().is_some_and(is_fine)
    });
    if are_fine {
        Ok(())
    } else {
        Err(google::invalid("Invalid label."))
    }
}
