//! The files of a stored delivery, and what a reader found in one, as facts of a lead.

use bytes::Bytes;
use domain::{About, Channel, Facts, FormFacts};
use serde::Deserialize as _;
use serde_json::Value;

use crate::{
    Verified,
    body::{Body, Entry},
    mapping::Mapping,
};

/// The files of a delivery, each with the SHA-256 that [`domain::DocumentFacts`] has of it. None where it has none, or cannot
/// be read.
pub fn files(delivery: &Verified) -> Vec<(String, Bytes)> {
    let body = Body::read(delivery).unwrap_or_default();
    let files = body.files.into_iter();
    files.map(|file| (file.sha256, file.content)).collect()
}

/// What the fields of a paper form say of a lead, by the names that its source's `settings` know and the common ones. A
/// label that is no name of ours is a question, and what stands beside it its answer. Nobody agrees to anything, or is
/// found by a campaign, on paper that a machine read.
pub fn facts_of_values(settings: &Value, values: &[(&str, &str)]) -> Facts {
    let mapping = settings.get("mapping").unwrap_or(&Value::Null);
    let mapping = Mapping::deserialize(mapping).unwrap_or_default();
    let mut body = Body::default();
    for (name, value) in values {
        body.add(name, *value);
    }
    for entry in &mut body.entries {
        *entry = Entry {
            is_question: true,
            ..entry.clone()
        };
    }
    let facts = mapping.map(&body, |_| false).into_facts(None, None);
    let form = match facts.about {
        About::Form(form) => FormFacts {
            message: form.message,
            answers: form.answers,
            ..FormFacts::default()
        },
        _ => FormFacts::default(),
    };
    Facts {
        person: facts.person,
        about: About::Form(form),
        ..Facts::nothing(Channel::Form)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn labels_on_paper_are_names_of_fields_or_questions() {
        let facts = facts_of_values(
            &json!({ "mapping": { "phone": ["Where we reach you"] } }),
            &[
                ("Full Name:", "Dana Ortiz"),
                ("E-mail", "dana@example.com"),
                ("Where we reach you", "(512) 555-0142"),
                ("Age of the roof", "20 years"),
                ("Consent", "yes"),
                ("utm_source", "google"),
            ],
        );
        assert_eq!(facts.person.name.as_deref(), Some("Dana Ortiz"));
        assert_eq!(facts.person.email.as_deref(), Some("dana@example.com"));
        assert_eq!(facts.person.phone.as_deref(), Some("(512) 555-0142"));
        let About::Form(form) = &facts.about else {
            panic!("paper is a form");
        };
        assert_eq!(form.answers["Age of the roof"], "20 years");
        assert_eq!((facts.consent, facts.attribution.len()), (None, 0));
        assert_eq!(
            facts_of_values(&json!(7), &[]),
            Facts::nothing(Channel::Form)
        );
    }
}
