//! What HubSpot's errors mean.
//!
//! Source: HubSpot, "Error handling" (read 2026-11). UNCONFIRMED: the forms in which an error names its property: a list
//! beside the message, a list within it, and words have been seen.

use std::collections::BTreeMap;

use domain::ProviderAnswer;
use serde::Deserialize;

use super::mapping::Properties;
use crate::PushError;

/// An error as HubSpot writes it, of an answer or of a row. Every field may be missing.
#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Fault {
    pub(super) category: String,
    message: String,
    pub(super) policy_name: String,
    errors: Vec<FieldFault>,
}

/// What is wrong with one property. The list within a message has other names than the list beside it.
#[derive(Deserialize, Default)]
#[serde(default)]
struct FieldFault {
    message: String,
    code: String,
    /// The code, within a message.
    error: String,
    #[serde(rename = "in")]
    field: String,
    /// The property, within a message.
    name: String,
    context: BTreeMap<String, serde_json::Value>,
}

impl Fault {
    /// What the error of one row means: there is no status, so the category decides.
    pub(super) fn row_refusal(&self) -> PushError {
        self.refusal(match self.category.as_str() {
            "CONFLICT" | "OBJECT_ALREADY_EXISTS" => 409,
            "OBJECT_NOT_FOUND" => 404,
            _ => 400,
        })
    }

    pub(super) fn refusal(&self, status: u16) -> PushError {
        let answer = ProviderAnswer::new(&self.message);
        match status {
            401 => PushError::Unauthorized { answer },
            403 => PushError::MissingScopes { answer },
            404 => PushError::Moved { holder: None },
            409 => PushError::Moved {
                holder: holder(&self.message),
            },
            _ => self.field_refusal(status),
        }
    }

    fn field_refusal(&self, status: u16) -> PushError {
        let within = self.within_message();
        let Some(fault) = self.errors.first().or(within.as_ref()) else {
            let code = if self.category.is_empty() {
                status.to_string()
            } else {
                name(&self.category)
            };
            return PushError::Refused {
                code,
                answer: ProviderAnswer::new(&self.message),
            };
        };
        let context = || {
            fault
                .context
                .get("propertyName")
                .and_then(|names| names.get(0)?.as_str())
        };
        let field = [fault.field.as_str(), &fault.name]
            .into_iter()
            .find(|field| !field.is_empty())
            .or_else(context)
            .unwrap_or("?");
        let field = name(field);
        // The list beside a message says `code`, the one within it `error`.
        let code = if fault.code.is_empty() {
            &fault.error
        } else {
            &fault.code
        };
        match code.as_str() {
            "PROPERTY_DOESNT_EXIST" => PushError::Outdated { field },
            code if is_stage(&field) && says_unknown(code) => PushError::Outdated { field },
            "MISSING_REQUIRED_PROPERTY" | "MISSING_CONDITIONAL_REQUIRED_PROPERTY" => {
                PushError::Required {
                    field,
                    code: name(code),
                    answer: ProviderAnswer::new(&fault.message),
                }
            }
            code => PushError::Rejected {
                field,
                code: name(code),
                answer: ProviderAnswer::new(&fault.message),
            },
        }
    }

    /// The first of the faults that stand as JSON within the message: `Property values were not valid: [{…}]`.
    fn within_message(&self) -> Option<FieldFault> {
        let (_, list) = self.message.split_once(": [")?;
        let list = format!("[{list}");
        let mut lists = serde_json::Deserializer::from_str(&list).into_iter::<Vec<FieldFault>>();
        lists.next()?.ok()?.into_iter().next()
    }
}

/// Whether a property says where a deal stands.
pub(super) fn is_stage(field: &str) -> bool {
    matches!(field, "dealstage" | "pipeline")
}

/// Whether a code or a message says that there is no such thing.
fn says_unknown(words: &str) -> bool {
    let words = words.to_ascii_lowercase();
    let unknown = [
        "invalid",
        "not valid",
        "allowed options",
        "not exist",
        "doesnt_exist",
        "doesn't exist",
        "not found",
        "not_found",
        "unknown",
    ];
    unknown.iter().any(|phrase| words.contains(phrase))
}

/// The error with the property that only its message names. Only what was written counts, so nothing else is taken for
/// a name; and what the lead says itself, which such a message can repeat, names nothing.
///
/// UNCONFIRMED: the wording of such messages. They have been seen to name a property, or to call it as people do.
pub(super) fn named(error: PushError, written: &Properties) -> PushError {
    let (code, answer) = match &error {
        PushError::Refused { code, answer } if code == "VALIDATION_ERROR" => (code, answer),
        PushError::Rejected {
            field,
            code,
            answer,
        } if field == "?" => (code, answer),
        _ => return error,
    };
    let message = answer.text().unwrap_or_default();
    let names = |word: &String| {
        let name = match word.as_str() {
            "e-mail" => "email",
            "mobile" => "mobilephone",
            "stage" if says_unknown(&message) => "dealstage",
            other => other,
        };
        written.keys().find(|known| **known == *name).cloned()
    };
    let own = own_words(&message, written);
    let Some(field) = own.iter().find_map(names) else {
        return error;
    };
    let (field, code, answer) = (field.into_owned(), code.clone(), answer.clone());
    if !is_stage(&field) {
        PushError::Rejected {
            field,
            code,
            answer,
        }
    } else if says_unknown(&message) {
        PushError::Outdated { field }
    } else {
        error
    }
}

/// The words of a message that are HubSpot's own: without texts in quotation marks, and without what we have written.
fn own_words(message: &str, written: &Properties) -> Vec<String> {
    let mut own = String::new();
    for (at, part) in message.split('"').enumerate() {
        // A name is one word; a lead's text as a rule is several.
        let is_quoted = at % 2 == 1 && part.trim().contains(char::is_whitespace);
        own.push(' ');
        own.push_str(if is_quoted { "" } else { part });
    }
    let mut own = words(&own);
    let mut texts: Vec<Vec<String>> = written.values().map(|value| words(value)).collect();
    texts.retain(|text| text.len() > 1);
    texts.sort_by_key(|text| std::cmp::Reverse(text.len()));
    for text in texts {
        while let Some(at) = own.windows(text.len()).position(|some| some == text) {
            own.drain(at..at + text.len());
        }
    }
    own
}

fn words(text: &str) -> Vec<String> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-')));
    let words = words.filter(|word| !word.is_empty());
    words.map(str::to_ascii_lowercase).collect()
}

/// HubSpot's name of a field or a code, if it looks like one; a value of ours that it repeats is `?`.
fn name(raw: &str) -> String {
    let is_name = raw.len() <= 100
        && raw.starts_with(|c: char| c.is_ascii_alphabetic())
        && raw
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'));
    if is_name { raw } else { "?" }.to_owned()
}

/// The record that a conflict names: `… Existing ID: 40051`.
fn holder(message: &str) -> Option<String> {
    let (_, rest) = message.split_once("Existing ID:")?;
    let digits: String = rest
        .trim_start()
        .chars()
        .take_while(char::is_ascii_digit)
        .take(20)
        .collect();
    (!digits.is_empty()).then_some(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(json: &str) -> Fault {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn a_conflict_names_the_holder() {
        let conflict = fault(include_str!("fixtures/conflict-409.json"));
        assert!(
            matches!(conflict.refusal(409), PushError::Moved { holder: Some(id) } if id == "40051")
        );
        assert_eq!(holder("Existing ID: 12; more"), Some("12".to_owned()));
        assert_eq!(holder("Existing ID: none"), None);
        assert_eq!(holder("taken"), None);
    }

    #[test]
    fn a_refused_row_says_which_field_and_why_without_repeating_it() {
        let batch = include_str!("fixtures/upsert-207.json");
        let mut batch: serde_json::Value = serde_json::from_str(batch).unwrap();
        let row = serde_json::from_value::<Fault>(batch["errors"][0].take());
        let error = row.unwrap().row_refusal();
        assert_eq!(
            error.to_string(),
            "the CRM refused the field `email` (INVALID_EMAIL)"
        );
        assert!(!format!("{error:?}").contains("not-an-email"), "{error:?}");
        assert!(
            domain::Classify::answer(&error)
                .unwrap()
                .contains("not-an-email")
        );
    }

    #[test]
    fn a_field_that_is_gone_is_looked_for_again() {
        for (body, field) in [
            (
                r#"{"errors":[{"code":"PROPERTY_DOESNT_EXIST","in":"lead_intake_tags"}]}"#,
                "lead_intake_tags",
            ),
            (
                r#"{"errors":[{"code":"INVALID_OPTION","context":{"propertyName":["dealstage"]}}]}"#,
                "dealstage",
            ),
        ] {
            assert!(
                matches!(fault(body).refusal(400), PushError::Outdated { field: found } if found == field)
            );
        }
        let other = fault(r#"{"errors":[{"code":"INVALID_OPTION","in":"state"}]}"#).refusal(400);
        assert!(matches!(other, PushError::Rejected { .. }));
    }

    #[test]
    fn a_property_is_named_beside_the_message_or_within() {
        let written = Properties::from([
            ("email".into(), String::new()),
            ("phone".into(), String::new()),
        ]);
        for (body, expected) in [
            (
                r#"{"errors":[{"in":"email","name":"email","code":"X","error":"Y"}]}"#,
                "email",
            ),
            (
                r#"{"message":"Not valid: [{\"error\":\"X\",\"name\":\"phone\"}] (1 fault)"}"#,
                "phone",
            ),
            (
                r#"{"category":"VALIDATION_ERROR","message":"E-mail address a@b is invalid"}"#,
                "email",
            ),
            (
                r#"{"category":"VALIDATION_ERROR","message":"`phone`: no","errors":[{"code":"X","message":"phone"}]}"#,
                "phone",
            ),
        ] {
            let error = named(fault(body).refusal(400), &written);
            let is_named = matches!(&error, PushError::Rejected { field, .. } if field == expected);
            assert!(is_named, "{body}: {error}");
        }
        for body in [
            r#"{"category":"VALIDATION_ERROR","message":"lastname is invalid"}"#,
            r#"{"category":"VALIDATION_ERROR","message":"emailing is forbidden"}"#,
            r#"{"category":"OTHER","message":"email is invalid"}"#,
            r#"{"category":"VALIDATION_ERROR","message":"broken: [{"}"#,
        ] {
            let error = named(fault(body).refusal(400), &written);
            assert!(
                matches!(error, PushError::Refused { .. }),
                "{body}: {error}"
            );
        }
    }

    #[test]
    fn what_a_lead_says_is_blamed_for_nothing() {
        let written = Properties::from([
            ("email".into(), "ann@example.com".to_owned()),
            ("phone".into(), "+15125550142".to_owned()),
            ("state".into(), "a good state".to_owned()),
            ("note".into(), "My phone is broken, e-mail me".to_owned()),
        ]);
        let body = |message: &str| {
            serde_json::json!({ "category": "VALIDATION_ERROR", "message": message }).to_string()
        };
        for (message, field) in [
            (
                "My phone is broken, e-mail me is too long for note",
                Some("note"),
            ),
            (
                r#""the phone of the state" is too long: note"#,
                Some("note"),
            ),
            (r#""email" is not valid"#, Some("email")),
            ("My phone is broken, e-mail me is too long", None),
        ] {
            let error = named(fault(&body(message)).refusal(400), &written);
            let found = match &error {
                PushError::Rejected { field, .. } => Some(field.as_str()),
                _ => None,
            };
            assert_eq!(found, field, "{message}");
        }
    }

    #[test]
    fn what_is_no_name_is_not_repeated_as_one() {
        for value in [
            "+15125550142",
            "5125550142",
            "Ann Example",
            "ann@example.com",
            "Zoë",
            "",
        ] {
            assert_eq!(name(value), "?", "{value}");
        }
        for known in [
            "email",
            "lead_intake_tags",
            "properties.email",
            "INVALID_EMAIL",
        ] {
            assert_eq!(name(known), known);
        }
    }

    #[test]
    fn an_error_without_fields_is_still_one() {
        let error = fault("{}").refusal(418);
        assert_eq!(error.to_string(), "the CRM refused the lead (418)");
    }
}
