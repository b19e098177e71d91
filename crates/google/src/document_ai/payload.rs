//! The wire format of Document AI.

use domain::{DocumentReader, ReadValue, text};
use serde::{Deserialize, Deserializer};

use super::ReadDocument;

/// Fields of a file that are kept.
const MAX_VALUES: usize = 100;
const MAX_NAME: usize = 100;
const MAX_VALUE: usize = 2_000;
/// How deep an extractor's fields may have fields of their own.
const MAX_DEPTH: usize = 4;

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Answer {
    pub(super) document: Document,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Document {
    text: String,
    pages: Vec<Page>,
    entities: Vec<Entity>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Page {
    form_fields: Vec<FormField>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct FormField {
    field_name: Layout,
    field_value: Layout,
    value_type: String,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Layout {
    text_anchor: Anchor,
    confidence: f64,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Anchor {
    text_segments: Vec<Segment>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Segment {
    #[serde(deserialize_with = "whole")]
    start_index: usize,
    #[serde(deserialize_with = "whole")]
    end_index: usize,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Entity {
    #[serde(rename = "type")]
    kind: String,
    mention_text: String,
    normalized_value: Normalized,
    confidence: f64,
    properties: Vec<Entity>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Normalized {
    text: String,
}

/// Whole numbers of 64 bits are texts in Google's JSON.
fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Whole {
        Text(String),
        Number(usize),
    }
    Ok(match Whole::deserialize(deserializer)? {
        Whole::Number(number) => number,
        Whole::Text(text) => text.parse().map_err(serde::de::Error::custom)?,
    })
}

impl Document {
    pub(super) fn read(self, reader: DocumentReader) -> ReadDocument {
        let mut values = Vec::new();
        match reader {
            DocumentReader::FormParser => {
                let chars: Vec<_> = self.text.chars().collect();
                let fields = self.pages.iter().flat_map(|page| &page.form_fields);
                values.extend(fields.filter_map(|field| field.read(&chars)));
            }
            DocumentReader::Extractor => collect(&self.entities, 0, &mut values),
        }
        values.truncate(MAX_VALUES);
        ReadDocument {
            pages: u32::try_from(self.pages.len()).unwrap_or(u32::MAX),
            values,
        }
    }
}

impl FormField {
    fn read(&self, chars: &[char]) -> Option<ReadValue> {
        let value = match self.value_type.as_str() {
            "unfilled_checkbox" => return None,
            "filled_checkbox" => "yes".to_owned(),
            _ => self.field_value.text(chars),
        };
        let confidence = self.field_name.confidence.min(self.field_value.confidence);
        value_of(&self.field_name.text(chars), &value, confidence)
    }
}

impl Layout {
    /// The text that it points to: offsets count characters, and one that is too far ends at the end.
    fn text(&self, chars: &[char]) -> String {
        let mut text = String::new();
        for segment in &self.text_anchor.text_segments {
            let end = segment.end_index.min(chars.len());
            text.extend(chars.get(segment.start_index..end).unwrap_or_default());
        }
        text
    }
}

/// The fields of an extractor; those that have fields of their own are told by these.
fn collect(entities: &[Entity], depth: usize, values: &mut Vec<ReadValue>) {
    for entity in entities {
        if values.len() >= MAX_VALUES || depth > MAX_DEPTH {
            return;
        }
        if entity.properties.is_empty() {
            let said = [&entity.mention_text, &entity.normalized_value.text];
            let said = said.into_iter().find(|text| !text.trim().is_empty());
            let said = said.map_or("", String::as_str);
            let name = entity.kind.rsplit('/').next().unwrap_or_default();
            values.extend(value_of(name, said, entity.confidence));
        } else {
            collect(&entity.properties, depth + 1, values);
        }
    }
}

fn value_of(name: &str, value: &str, confidence: f64) -> Option<ReadValue> {
    let value = text::bounded(value.trim(), MAX_VALUE);
    let name = text::line(name.trim().trim_end_matches(':'), MAX_NAME)?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to 0 to 100, and no number becomes 0"
    )]
    let percent_sure = (confidence * 100.0).clamp(0.0, 100.0).round() as u8;
    (!value.is_empty()).then_some(ReadValue {
        name,
        value,
        percent_sure,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(reader: DocumentReader, document: &Value) -> Vec<(String, String, u8)> {
        let answer: Answer = serde_json::from_value(json!({ "document": document })).unwrap();
        let values = answer.document.read(reader).values.into_iter();
        values
            .map(|value| (value.name, value.value, value.percent_sure))
            .collect()
    }

    fn layout(from: Option<&str>, to: &str, confidence: f64) -> Value {
        let segment = match from {
            Some(from) => json!({ "startIndex": from, "endIndex": to }),
            None => json!({ "endIndex": to }),
        };
        json!({ "textAnchor": { "textSegments": [segment] }, "confidence": confidence })
    }

    #[test]
    fn a_form_parser_tells_labels_and_values_by_characters_of_the_text() {
        let document = json!({
            "text": "Näme: Zoë Ortiz\nEstimate: x\nCall: \n",
            "pages": [{ "formFields": [
                { "fieldName": layout(None, "5", 0.98), "fieldValue": layout(Some("6"), "16", 0.97) },
                { "fieldName": layout(Some("16"), "25", 0.91), "fieldValue": { "confidence": 0.9 },
                  "valueType": "filled_checkbox" },
                { "fieldName": layout(Some("28"), "33", 0.9), "fieldValue": { "confidence": 0.9 },
                  "valueType": "unfilled_checkbox" },
                { "fieldName": layout(Some("28"), "33", 0.9), "fieldValue": layout(Some("900"), "999", 0.9) },
            ] }],
            "entities": [{ "type": "phone", "mentionText": "+1 512 555 0100", "confidence": 0.99 }],
        });
        let found = read(DocumentReader::FormParser, &document);
        let expected = [("Näme", "Zoë Ortiz", 97), ("Estimate", "yes", 90)];
        let expected =
            expected.map(|(name, value, sure)| (name.to_owned(), value.to_owned(), sure));
        assert_eq!(found, expected);
    }

    #[test]
    fn an_extractor_tells_its_fields_and_those_within_them() {
        let document = json!({
            "entities": [
                { "type": "email", "mentionText": "dana@example.com", "confidence": 0.955 },
                { "type": "customer", "mentionText": "all of it", "properties": [
                    { "type": "customer/name", "mentionText": " Dana Ortiz ", "confidence": 7.0 },
                    { "type": "phone", "normalizedValue": { "text": "+15125550142" } },
                ] },
                { "type": "nothing", "mentionText": " ", "confidence": 1.0 },
            ],
        });
        let found = read(DocumentReader::Extractor, &document);
        let expected = [
            ("email", "dana@example.com", 96),
            ("name", "Dana Ortiz", 100),
            ("phone", "+15125550142", 0),
        ];
        let expected =
            expected.map(|(name, value, sure)| (name.to_owned(), value.to_owned(), sure));
        assert_eq!(found, expected);
        assert_eq!(read(DocumentReader::Extractor, &json!({})), []);
    }

    #[test]
    fn no_answer_has_more_than_is_kept() {
        let entity = json!({ "type": "line", "mentionText": "x".repeat(5_000), "confidence": 0.5 });
        let found = read(
            DocumentReader::Extractor,
            &json!({ "entities": vec![entity; 300] }),
        );
        assert_eq!(found.len(), MAX_VALUES);
        assert!(
            found
                .iter()
                .all(|(_, value, _)| value.chars().count() <= MAX_VALUE)
        );
    }
}
