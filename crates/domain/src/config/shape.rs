//! The shape of a configuration as data. The checks of what is written and the JSON Schema are both made from it, so that
//! they cannot differ.

use serde_json::{Map, Number, Value, json};

use super::{ConfigError, ConfigFault, completed, says_the_same};

/// Most faults that are told at once.
const MAX_FAULTS: usize = 200;

/// What a value may be.
pub enum Shape {
    /// An object with these members and no other.
    Object(&'static [Member]),
    /// A list of so many of a shape.
    List {
        /// What each of its items is.
        of: &'static Shape,
        /// The fewest items.
        min: usize,
        /// The most items.
        max: usize,
    },
    /// A list of so many of a shape, each once.
    Set {
        /// What each of its items is.
        of: &'static Shape,
        /// The most items.
        max: usize,
    },
    /// A list of exactly these.
    Tuple(&'static [Shape]),
    /// A text.
    Text(&'static Text),
    /// One of these words.
    Word(&'static [&'static str]),
    /// A number within bounds.
    Number(Bounds),
    /// A whole number from 0 on. Whoever reads a body makes 1 of 1.0, which JSON Schema calls an integer, too.
    Whole {
        /// The greatest.
        max: u64,
    },
    /// True or false.
    Flag,
    /// An object with so many members of any name, up to so many characters long.
    Map {
        /// What each of its values is.
        of: &'static Shape,
        /// The most members.
        max: usize,
        /// The longest name, in characters.
        max_name: usize,
    },
    /// A text of at most so many characters, a number, or true or false.
    Scalar {
        /// The most characters.
        max: usize,
    },
    /// The shape, or null.
    OrNull(&'static Shape),
}

/// A member of an object.
pub struct Member {
    /// Its name.
    pub name: &'static str,
    /// What it does, for whoever reads the schema.
    pub about: &'static str,
    /// What its value may be.
    pub shape: Shape,
    /// Whether it must be there.
    pub is_required: bool,
}

/// A text. Both ways of saying which are valid say the same.
pub struct Text {
    /// What it should be, as whoever wrote something else is told.
    pub about: &'static str,
    /// Which texts are valid, as a regular expression of ECMA-262.
    pub pattern: &'static str,
    /// The most characters.
    pub max: usize,
    /// Which texts are valid.
    pub is_valid: fn(&str) -> bool,
}

/// From where to where, both included unless it is said.
pub struct Bounds {
    /// The least.
    pub min: f64,
    /// The greatest.
    pub max: f64,
    /// Whether it must be above the minimum.
    pub is_above: bool,
}

impl Member {
    /// A member that may be left out.
    pub const fn optional(name: &'static str, shape: Shape, about: &'static str) -> Self {
        Self {
            name,
            about,
            shape,
            is_required: false,
        }
    }

    /// A member that must be there.
    pub const fn required(name: &'static str, shape: Shape, about: &'static str) -> Self {
        Self {
            is_required: true,
            ..Self::optional(name, shape, about)
        }
    }
}

impl Bounds {
    /// Both included.
    pub const fn new(min: f64, max: f64) -> Self {
        Self {
            min,
            max,
            is_above: false,
        }
    }
}

impl Shape {
    /// Checks a configuration of this shape before it is stored; `contradictions` are what is wrong where each field
    /// alone is well, asked only once that is so.
    ///
    /// # Errors
    /// [`ConfigError`] with every fault that was found.
    pub fn read(
        &self,
        json: &Value,
        contradictions: impl FnOnce(&Value) -> Vec<ConfigFault>,
    ) -> Result<(), ConfigError> {
        let mut faults = self.faults(json);
        if faults.is_empty() {
            faults = contradictions(json);
        }
        if faults.is_empty() {
            Ok(())
        } else {
            Err(ConfigError { faults })
        }
    }

    /// `json` with `defaults` in place of what it leaves out.
    pub fn with_defaults(json: &Value, defaults: &Value) -> Value {
        completed(json, defaults)
    }

    /// Everything that is wrong with `json`, in the order of the fields.
    pub fn faults(&self, json: &Value) -> Vec<ConfigFault> {
        let mut faults = Vec::new();
        self.check(json, "", &mut faults);
        if faults.len() > MAX_FAULTS {
            faults.truncate(MAX_FAULTS);
            let more = "there are more faults; mend these first";
            faults.push(ConfigFault::new("", more));
        }
        faults
    }

    fn check(&self, json: &Value, path: &str, faults: &mut Vec<ConfigFault>) {
        // One beyond tells that there are more.
        if faults.len() > MAX_FAULTS {
            return;
        }
        match (self, json) {
            (Self::OrNull(_), Value::Null) => {}
            (Self::OrNull(shape), _) => shape.check(json, path, faults),
            (Self::Object(members), Value::Object(given)) => {
                check_members(members, given, path, faults);
            }
            (Self::List { of, min, max }, Value::Array(items))
                if (*min..=*max).contains(&items.len()) =>
            {
                for (index, item) in items.iter().enumerate() {
                    of.check(item, &below(path, &index.to_string()), faults);
                }
            }
            (Self::Set { of, max }, Value::Array(items)) if items.len() <= *max => {
                for (index, item) in items.iter().enumerate() {
                    let path = below(path, &index.to_string());
                    of.check(item, &path, faults);
                    let mut before = items.iter().take(index);
                    if before.any(|before| says_the_same(before, item)) {
                        let wanted = "another one than those before: each stands there once";
                        faults.push(ConfigFault::new(path, wanted).coded("duplicate"));
                    }
                }
            }
            (Self::Tuple(shapes), Value::Array(items)) if items.len() == shapes.len() => {
                for (index, (shape, item)) in shapes.iter().zip(items).enumerate() {
                    shape.check(item, &below(path, &index.to_string()), faults);
                }
            }
            (Self::Text(text), Value::String(given))
                if (text.is_valid)(given) && given.chars().count() <= text.max => {}
            (Self::Word(words), Value::String(given)) if words.contains(&given.as_str()) => {}
            (Self::Number(bounds), Value::Number(number))
                if number
                    .as_f64()
                    .is_some_and(|number| bounds.contains(number)) => {}
            (Self::Whole { max }, Value::Number(number))
                if number.as_u64().is_some_and(|number| number <= *max) => {}
            (Self::Flag | Self::Scalar { .. }, Value::Bool(_))
            | (Self::Scalar { .. }, Value::Number(_)) => {}
            (Self::Scalar { max }, Value::String(given)) if given.chars().count() <= *max => {}
            (Self::Map { of, max, max_name }, Value::Object(given))
                if given.len() <= *max
                    && given.keys().all(|name| name.chars().count() <= *max_name) =>
            {
                for (name, value) in given {
                    of.check(value, &below(path, name), faults);
                }
            }
            _ => {
                let fault = ConfigFault::new(path, self.wanted());
                faults.push(fault.coded(self.code_of(json)));
            }
        }
    }

    /// What kind of fault a value is that does not have this shape.
    fn code_of(&self, json: &Value) -> &'static str {
        match (self, json) {
            (Self::OrNull(shape), _) => shape.code_of(json),
            (Self::Text(text), Value::String(given)) if given.chars().count() > text.max => {
                "too_long"
            }
            (Self::Text(_) | Self::Word(_), Value::String(_)) => "invalid",
            (Self::Scalar { .. }, Value::String(_)) => "too_long",
            (Self::Number(_) | Self::Whole { .. }, Value::Number(_)) => "out_of_range",
            (Self::List { .. } | Self::Set { .. } | Self::Tuple(_), Value::Array(_))
            | (Self::Map { .. }, Value::Object(_)) => "wrong_length",
            _ => "wrong_type",
        }
    }

    /// What should be there.
    fn wanted(&self) -> String {
        match self {
            Self::Object([]) => "an empty object".to_owned(),
            Self::Object(members) => {
                let names: Vec<_> = members
                    .iter()
                    .map(|member| format!("`{}`", member.name))
                    .collect();
                format!("an object with {}", names.join(", "))
            }
            Self::List { min: 0, max, .. } => format!("a list of at most {max}"),
            Self::List { min, max, .. } => format!("a list of {min} to {max}"),
            Self::Set { max, .. } => format!("a list of at most {max}, each once"),
            Self::Tuple(shapes) => {
                let wanted: Vec<_> = shapes.iter().map(Self::wanted).collect();
                format!("a list of {}: {}", shapes.len(), wanted.join(", and "))
            }
            Self::Text(text) => text.about.to_owned(),
            Self::Word(words) => {
                let words: Vec<_> = words.iter().map(|word| format!("`{word}`")).collect();
                match words.split_last() {
                    Some((last, [])) => last.clone(),
                    Some((last, others)) => format!("{} or {last}", others.join(", ")),
                    None => "no word".to_owned(),
                }
            }
            Self::Number(Bounds {
                min,
                max,
                is_above: true,
            }) => format!("a number above {min}, up to {max}"),
            Self::Number(Bounds { min, max, .. }) => format!("a number from {min} to {max}"),
            Self::Whole { max } => format!("a whole number from 0 to {max}"),
            Self::Flag => "true or false".to_owned(),
            Self::Map { max, max_name, .. } => {
                format!(
                    "an object of at most {max} fields with names of at most {max_name} characters"
                )
            }
            Self::Scalar { max } => {
                format!("a text of at most {max} characters, a number, or true or false")
            }
            Self::OrNull(shape) => format!("{}, or null", shape.wanted()),
        }
    }

    /// The shape as a JSON Schema, with the values that stand where nothing is said.
    pub fn schema(&self, default: Option<&Value>) -> Value {
        let mut schema = match self {
            Self::Object(members) => {
                let properties: Map<String, Value> = members
                    .iter()
                    .map(|member| {
                        let default = default.and_then(|default| default.get(member.name));
                        let mut schema = member.shape.schema(default);
                        schema["description"] = member.about.into();
                        (member.name.to_owned(), schema)
                    })
                    .collect();
                let required: Vec<_> = members
                    .iter()
                    .filter(|member| member.is_required)
                    .map(|member| member.name)
                    .collect();
                let mut schema = json!({ "type": "object", "properties": properties });
                if !required.is_empty() {
                    schema["required"] = json!(required);
                }
                schema["additionalProperties"] = false.into();
                // Its members say theirs.
                return schema;
            }
            Self::List { of, min, max } => {
                let mut schema =
                    json!({ "type": "array", "items": of.schema(None), "maxItems": max });
                if *min > 0 {
                    schema["minItems"] = json!(min);
                }
                schema
            }
            Self::Set { of, max } => json!({
                "type": "array", "items": of.schema(None), "maxItems": max, "uniqueItems": true,
            }),
            Self::Tuple(shapes) => json!({
                "type": "array",
                "prefixItems": shapes.iter().map(|shape| shape.schema(None)).collect::<Vec<_>>(),
                "items": false,
                "minItems": shapes.len(),
            }),
            Self::Text(text) => {
                json!({ "type": "string", "pattern": text.pattern, "maxLength": text.max })
            }
            Self::Word(words) => json!({ "type": "string", "enum": words }),
            Self::Number(bounds) => {
                let min = if bounds.is_above {
                    "exclusiveMinimum"
                } else {
                    "minimum"
                };
                json!({ "type": "number", min: plain(bounds.min), "maximum": plain(bounds.max) })
            }
            Self::Whole { max } => json!({ "type": "integer", "minimum": 0, "maximum": max }),
            Self::Flag => json!({ "type": "boolean" }),
            Self::Map { of, max, max_name } => json!({
                "type": "object",
                "additionalProperties": of.schema(None),
                "maxProperties": max,
                "propertyNames": { "type": "string", "maxLength": max_name },
            }),
            Self::Scalar { max } => {
                json!({ "type": ["string", "number", "boolean"], "maxLength": max })
            }
            Self::OrNull(shape) => {
                let mut schema = shape.schema(None);
                schema["type"] = match schema["type"].take() {
                    Value::Array(mut types) => {
                        types.push("null".into());
                        types.into()
                    }
                    of => json!([of, "null"]),
                };
                if let Some(Value::Array(words)) = schema.get_mut("enum") {
                    words.push(Value::Null);
                }
                schema
            }
        };
        if let Some(default) = default.filter(|default| !default.is_null()) {
            schema["default"] = default.clone();
        }
        schema
    }
}

impl Bounds {
    fn contains(&self, number: f64) -> bool {
        let is_high_enough = if self.is_above {
            number > self.min
        } else {
            number >= self.min
        };
        is_high_enough && number <= self.max
    }
}

/// A number without a fraction that says nothing.
fn plain(number: f64) -> Value {
    let plain = number.to_string().parse::<Number>();
    plain.map_or(Value::Null, Value::Number)
}

fn check_members(
    members: &[Member],
    given: &Map<String, Value>,
    path: &str,
    faults: &mut Vec<ConfigFault>,
) {
    for member in members {
        let path = below(path, member.name);
        match given.get(member.name) {
            Some(value) => member.shape.check(value, &path, faults),
            None if member.is_required => {
                let wanted = member.shape.wanted();
                let fault = ConfigFault::new(path, format!("is missing: {wanted}"));
                faults.push(fault.coded("missing"));
            }
            None => {}
        }
    }
    let is_known = |name: &String| members.iter().any(|member| member.name == name);
    for name in given.keys().filter(|name| !is_known(name)) {
        if faults.len() > MAX_FAULTS {
            return;
        }
        let names: Vec<_> = members.iter().map(|member| member.name).collect();
        let known = match names.as_slice() {
            [] => "none".to_owned(),
            names => names.join(", "),
        };
        let fault = ConfigFault::new(
            below(path, &crate::text::bounded(name, 60)),
            format!("not a field; there are {known}"),
        );
        faults.push(fault.coded("unknown_field"));
    }
}

fn below(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}
