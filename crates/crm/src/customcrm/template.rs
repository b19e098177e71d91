//! A company's own shape of a lead: a JSON object whose texts name ours, `{"customer":"{{contact.name}}"}`. Pure.

use serde_json::{Map, Value};

/// How deep objects and lists may lie in each other.
const MAX_DEPTH: usize = 6;

/// A shape that names only what there is.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Template(Map<String, Value>);

impl Template {
    /// Reads a shape. `places` are what can be named. The error says what is expected.
    pub(super) fn parse(text: &str, places: &[&str]) -> Result<Self, String> {
        let Ok(Value::Object(members)) = serde_json::from_str(text) else {
            return Err("a JSON object, such as {\"customer\":\"{{contact.name}}\"}".to_owned());
        };
        let known = |place: &str| places.contains(&place);
        for value in members.values() {
            check(value, &known, 1)?;
        }
        Ok(Self(members))
    }

    /// The names of its members.
    pub(super) fn members(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }

    /// The shape with what the lead has. A text that is one name becomes its value as it is, null if the lead has none;
    /// in a longer text, names become text.
    pub(super) fn fill(&self, lead: &Value) -> Map<String, Value> {
        let filled = self
            .0
            .iter()
            .map(|(name, value)| (name.clone(), fill(value, lead)));
        filled.collect()
    }
}

/// A piece of a text: as it stands, or what is named.
enum Piece<'a> {
    Text(&'a str),
    Place(&'a str),
}

/// The pieces of a text. An opening without an end is text.
fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        let Some((place, behind)) = after.split_once("}}") else {
            break;
        };
        if !before.is_empty() {
            pieces.push(Piece::Text(before));
        }
        pieces.push(Piece::Place(place.trim()));
        rest = behind;
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest));
    }
    pieces
}

fn check(value: &Value, known: &dyn Fn(&str) -> bool, depth: usize) -> Result<(), String> {
    if depth > MAX_DEPTH {
        return Err(format!("at most {MAX_DEPTH} levels"));
    }
    match value {
        Value::String(text) => pieces(text).into_iter().try_for_each(|piece| match piece {
            Piece::Place(place) if !known(place) => {
                let place = domain::text::bounded(place, 60);
                Err(format!(
                    "names of ours between {{{{ and }}}}; there is no `{place}`"
                ))
            }
            Piece::Place(_) | Piece::Text(_) => Ok(()),
        }),
        Value::Array(items) => items
            .iter()
            .try_for_each(|item| check(item, known, depth + 1)),
        Value::Object(members) => members
            .values()
            .try_for_each(|member| check(member, known, depth + 1)),
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
    }
}

fn fill(value: &Value, lead: &Value) -> Value {
    match value {
        Value::String(text) => match pieces(text).as_slice() {
            [Piece::Place(place)] => at(lead, place).clone(),
            pieces => Value::String(pieces.iter().map(|piece| written(piece, lead)).collect()),
        },
        Value::Array(items) => items.iter().map(|item| fill(item, lead)).collect(),
        Value::Object(members) => {
            let filled = members
                .iter()
                .map(|(name, member)| (name.clone(), fill(member, lead)));
            Value::Object(filled.collect())
        }
        other => other.clone(),
    }
}

fn written(piece: &Piece<'_>, lead: &Value) -> String {
    match piece {
        Piece::Text(text) => (*text).to_owned(),
        Piece::Place(place) => match at(lead, place) {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            Value::Array(items) => {
                let texts = items.iter().filter_map(Value::as_str);
                texts.collect::<Vec<_>>().join(", ")
            }
            other => other.to_string(),
        },
    }
}

/// What the lead has at a place, such as `contact.name`.
fn at<'a>(lead: &'a Value, place: &str) -> &'a Value {
    let mut found = lead;
    for part in place.split('.') {
        found = found.get(part).unwrap_or(&Value::Null);
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const PLACES: &[&str] = &["contact.name", "contact.phone", "score", "tags"];

    fn filled(template: &Value) -> Value {
        let lead = json!({ "contact": { "name": "Ann \"A\" Lee" }, "score": 82, "tags": ["kitchen", "hot"] });
        let template = Template::parse(&template.to_string(), PLACES).unwrap();
        Value::Object(template.fill(&lead))
    }

    #[test]
    fn a_shape_is_filled_with_what_the_lead_has() {
        let shape = json!({
            "customer": "{{contact.name}}", "mobile": "{{ contact.phone }}", "rank": "{{score}}",
            "labels": "{{tags}}", "line": "{{contact.name}} ({{score}}): {{tags}}{{contact.phone}}",
            "deep": { "list": ["{{score}}", 1, true, null, "as it stands {{"] },
        });
        let expected = json!({
            "customer": "Ann \"A\" Lee", "mobile": null, "rank": 82, "labels": ["kitchen", "hot"],
            "line": "Ann \"A\" Lee (82): kitchen, hot",
            "deep": { "list": [82, 1, true, null, "as it stands {{"] },
        });
        assert_eq!(filled(&shape), expected);
    }

    #[test]
    fn what_a_lead_says_is_never_taken_for_a_name() {
        let lead = json!({ "contact": { "name": "{{score}}" }, "score": 82 });
        let template = Template::parse(
            r#"{"a":"{{contact.name}}","b":"x {{contact.name}}"}"#,
            PLACES,
        );
        let filled = Value::Object(template.unwrap().fill(&lead));
        assert_eq!(filled, json!({ "a": "{{score}}", "b": "x {{score}}" }));
    }

    #[test]
    fn a_shape_that_cannot_be_filled_is_refused() {
        let deep = format!("{}1{}", r#"{"a":"#.repeat(8), "}".repeat(8));
        for (text, why) in [
            ("", "a JSON object"),
            ("[]", "a JSON object"),
            ("\"{{score}}\"", "a JSON object"),
            (r#"{"a":"{{contact.nmae}}"}"#, "there is no `contact.nmae`"),
            (r#"{"a":["{{}}"]}"#, "there is no ``"),
            (&deep, "at most 6 levels"),
        ] {
            let error = Template::parse(text, PLACES).unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}
