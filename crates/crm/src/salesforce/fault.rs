//! What Salesforce's errors mean.
//!
//! Source: Salesforce, "Status Codes and Error Responses" (read 2026-11). An unknown code counts as its status.

use std::time::Duration;

use domain::ProviderAnswer;
use serde::Deserialize;
use serde_json::Value;

use super::api::is_id;
use crate::PushError;

/// The pause if the org's calls of a day are used up: they come back by and by.
const ONE_HOUR: Duration = Duration::from_secs(3_600);
/// The pause if too many long calls run at once.
const ONE_MINUTE: Duration = Duration::from_secs(60);

/// An error as Salesforce writes it: a list has one or more.
#[derive(Debug, Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Fault {
    pub(super) error_code: String,
    message: String,
    fields: Vec<String>,
    duplicate_result: Option<Value>,
}

/// What a write met, beside what ends it.
#[derive(Debug)]
pub(super) enum Refusal {
    /// Somebody else has written the same key meanwhile.
    Taken,
    /// A value is refused.
    Value {
        /// Its field.
        field: String,
        /// What it is if it cannot be left out.
        error: PushError,
    },
    /// The org's duplicate rules have found something.
    Duplicates {
        /// The record that fits best, if they say.
        found: Option<String>,
        /// What they say.
        answer: String,
    },
    /// Anything else.
    Other(PushError),
}

impl Fault {
    /// Whether a part of a composite request was not tried because of another.
    pub(super) fn is_halted(&self) -> bool {
        matches!(
            self.error_code.as_str(),
            "PROCESSING_HALTED" | "ALL_OR_NONE_OPERATION_ROLLED_BACK"
        )
    }

    /// What the error of a call means.
    pub(super) fn error(&self, status: u16, retry_after: Option<Duration>) -> PushError {
        match self.refusal(status, retry_after) {
            Refusal::Taken => PushError::Moved { holder: None },
            Refusal::Value { error, .. } | Refusal::Other(error) => error,
            Refusal::Duplicates { answer, .. } => PushError::Refused {
                code: name(&self.error_code),
                answer: ProviderAnswer::new(&answer),
            },
        }
    }

    /// What the error of a write means.
    pub(super) fn refusal(&self, status: u16, retry_after: Option<Duration>) -> Refusal {
        let answer = ProviderAnswer::new(&self.message);
        let code = name(&self.error_code);
        let throttled = |pause| {
            Refusal::Other(PushError::Throttled {
                retry_after: retry_after.or(pause),
            })
        };
        match self.error_code.as_str() {
            "REQUEST_LIMIT_EXCEEDED" => throttled(Some(if self.message.contains("Concurrent") {
                ONE_MINUTE
            } else {
                ONE_HOUR
            })),
            // Another write holds the row: the next attempt comes with jitter.
            "UNABLE_TO_LOCK_ROW" => throttled(None),
            "DUPLICATE_VALUE" => Refusal::Taken,
            "DUPLICATES_DETECTED" => Refusal::Duplicates {
                found: self.duplicate(),
                answer: self.message.clone(),
            },
            "INVALID_SESSION_ID" => Refusal::Other(PushError::Unauthorized { answer }),
            "CANNOT_UPDATE_CONVERTED_LEAD" | "ENTITY_IS_DELETED" => {
                Refusal::Other(PushError::Moved { holder: None })
            }
            "INVALID_FIELD" | "INVALID_TYPE" if status == 400 => match self.fields.first() {
                Some(field) => Refusal::Value {
                    field: field.clone(),
                    error: PushError::Outdated { field: name(field) },
                },
                None => Refusal::Other(PushError::Outdated {
                    field: "?".to_owned(),
                }),
            },
            "REQUIRED_FIELD_MISSING" => Refusal::Other(PushError::Required {
                field: self
                    .fields
                    .first()
                    .map_or("?".to_owned(), |field| name(field)),
                code,
                answer,
            }),
            // The company's own rule: no value of ours is wrong by itself.
            "FIELD_CUSTOM_VALIDATION_EXCEPTION" => {
                Refusal::Other(PushError::Refused { code, answer })
            }
            _ => self.by_status(status, retry_after, code, answer),
        }
    }

    fn by_status(
        &self,
        status: u16,
        retry_after: Option<Duration>,
        code: String,
        answer: ProviderAnswer,
    ) -> Refusal {
        Refusal::Other(match status {
            401 => PushError::Unauthorized { answer },
            403 => PushError::MissingScopes { answer },
            404 | 409 => PushError::Moved { holder: None },
            429 => PushError::Throttled { retry_after },
            300 => PushError::Misconfigured(
                "a key stands for several records: mark its field as unique".to_owned(),
            ),
            408 | 500.. => PushError::Unavailable {
                status,
                retry_after,
            },
            _ => match self.fields.first() {
                Some(field) => {
                    return Refusal::Value {
                        field: field.clone(),
                        error: PushError::Rejected {
                            field: name(field),
                            code,
                            answer,
                        },
                    };
                }
                None if code == "?" => PushError::Refused {
                    code: status.to_string(),
                    answer,
                },
                None => PushError::Refused { code, answer },
            },
        })
    }

    /// The record that the rules name, a lead before anything else. Every member may be missing.
    fn duplicate(&self) -> Option<String> {
        let results = self
            .duplicate_result
            .as_ref()?
            .get("matchResults")?
            .as_array()?;
        let records = |of_leads: bool| {
            results
                .iter()
                .filter(move |result| (result["entityType"] == "Lead") == of_leads)
                .filter_map(|result| result["matchRecords"].as_array())
                .flatten()
                .filter_map(|found| found.pointer("/record/Id")?.as_str())
                .find(|id| is_id(id))
        };
        records(true).or_else(|| records(false)).map(str::to_owned)
    }
}

/// Salesforce's name of a field or a code, if it looks like one; a value of ours that it repeats is `?`.
fn name(raw: &str) -> String {
    let is_name = raw.len() <= 100
        && raw.starts_with(|c: char| c.is_ascii_alphabetic())
        && raw.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if is_name { raw } else { "?" }.to_owned()
}

#[cfg(test)]
mod tests {
    use domain::{Classify as _, Disposition};

    use super::*;

    fn refusal(status: u16, body: &str) -> Refusal {
        let fault: Fault = serde_json::from_str(body).unwrap();
        fault.refusal(status, None)
    }

    #[test]
    fn the_rules_name_a_lead_or_nobody() {
        let named = r#"{"errorCode":"DUPLICATES_DETECTED","message":"Use one of these records?","fields":[],
            "duplicateResult":{"allowSave":true,"matchResults":[
                {"entityType":"Contact","matchRecords":[{"record":{"Id":"0035f00000Ab1CDEAZ"}}]},
                {"entityType":"Lead","matchRecords":[{"record":{"Id":"00Q5f00000Ab1CDEAZ"}}]}]}}"#;
        let nobody =
            r#"{"errorCode":"DUPLICATES_DETECTED","message":"looks like a duplicate","fields":[]}"#;
        for (body, expected) in [(named, Some("00Q5f00000Ab1CDEAZ")), (nobody, None)] {
            let Refusal::Duplicates { found, .. } = refusal(400, body) else {
                panic!("{body}");
            };
            assert_eq!(found.as_deref(), expected);
        }
    }

    #[test]
    fn each_code_says_what_to_do() {
        let retry = |seconds: Option<u64>| Disposition::Retry {
            after: seconds.map(Duration::from_secs),
        };
        for (status, code, message, expected) in [
            (
                403,
                "REQUEST_LIMIT_EXCEEDED",
                "TotalRequests Limit exceeded.",
                retry(Some(3_600)),
            ),
            (
                403,
                "REQUEST_LIMIT_EXCEEDED",
                "ConcurrentRequests Limit exceeded.",
                retry(Some(60)),
            ),
            (400, "UNABLE_TO_LOCK_ROW", "", retry(None)),
            (401, "INVALID_SESSION_ID", "", Disposition::Hold),
            (
                403,
                "INSUFFICIENT_ACCESS_OR_READONLY",
                "",
                Disposition::Hold,
            ),
            (400, "REQUIRED_FIELD_MISSING", "", Disposition::Park),
            (
                400,
                "FIELD_CUSTOM_VALIDATION_EXCEPTION",
                "",
                Disposition::Park,
            ),
            (400, "NEVER_SEEN", "", Disposition::Park),
            (300, "", "", Disposition::Park),
            (503, "SERVER_UNAVAILABLE", "", retry(None)),
        ] {
            let fault = Fault {
                error_code: code.to_owned(),
                message: message.to_owned(),
                ..Fault::default()
            };
            assert_eq!(fault.error(status, None).disposition(), expected, "{code}");
        }
    }
}
