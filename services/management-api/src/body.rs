//! Bodies of calls: one that cannot be read is checked against the description of its type, so that everything that is
//! wrong with its shape is told at once. serde stops at the first fault.

mod said;

use std::{
    collections::HashMap,
    sync::{LazyLock, OnceLock},
};

use axum::extract::{FromRequest, Request};
use domain::text;
use jiff::Timestamp;
use jsonschema::{
    JsonType, ValidationError, Validator,
    error::TypeKind,
    error::ValidationErrorKind::{
        self, AdditionalProperties, AnyOf, ExclusiveMaximum, ExclusiveMinimum, Format, MaxItems,
        MaxLength, MaxProperties, Maximum, MinItems, MinLength, MinProperties, Minimum,
        OneOfNotValid, Pattern, Required, Type,
    },
};
use runtime::{Json, Problem};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use utoipa::ToSchema;

pub(crate) use self::said::Said;
use crate::{
    faults::{BODY, Faults},
    openapi,
};

/// Most faults that are told at once.
const MAX_FAULTS: usize = 100;
/// How much of the name of a field that there is not is repeated, in characters.
const MAX_NAME: usize = 60;

static SHAPES: LazyLock<Shapes> = LazyLock::new(Shapes::of_the_description);

/// A JSON body, read into its type. Rejections: those of [`Json`]; a 422 names every field that does not have the shape
/// which the description gives it, and every one that is named twice.
#[derive(Debug)]
pub(crate) struct Body<T>(pub(crate) T);

/// A JSON body whose handler tells what is wrong with it. Rejections: those of [`Json`].
#[derive(Debug)]
pub(crate) struct AnyBody(Said);

impl<S: Send + Sync> FromRequest<S> for AnyBody {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let Json(said) = Json::from_request(request, state).await?;
        Ok(Self(said))
    }
}

impl AnyBody {
    /// What it says.
    pub(crate) const fn value(&self) -> &Value {
        &self.0.value
    }

    /// What is wrong with it, whatever it should say: more is to be added.
    pub(crate) fn faults(&self) -> Faults {
        self.0.faults()
    }
}

impl<S: Send + Sync, T: DeserializeOwned + ToSchema> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let Json(said) = Json::<Said>::from_request(request, state).await?;
        // What can be read is judged by its handler, which says more than a description can, and all of it, too.
        if said.is_plain()
            && let Ok(body) = T::deserialize(&said.value)
        {
            return Ok(Self(body));
        }
        SHAPES.check(&T::name(), &said)?;
        // The type refuses what its description takes.
        runtime::read_json(&said.value).map(Self)
    }
}

/// The schemas of bodies, each compiled when it is first asked for.
struct Shapes {
    /// `{"components": {"schemas": …}}`.
    document: Value,
    compiled: HashMap<String, OnceLock<Option<Validator>>>,
}

impl Shapes {
    fn of_the_description() -> Self {
        let schemas = openapi::schemas_of_bodies();
        Self {
            compiled: schemas
                .keys()
                .map(|name| (name.clone(), OnceLock::new()))
                .collect(),
            document: json!({ "components": { "schemas": schemas } }),
        }
    }

    /// # Errors
    /// 422 with everything that is wrong with the shape; 500 if there is no such schema, which a test rules out.
    fn check(&self, name: &str, body: &Said) -> Result<(), Problem> {
        let compiled = self
            .compiled
            .get(name)
            .and_then(|compiled| compiled.get_or_init(|| self.compile(name)).as_ref());
        let validator = compiled
            .ok_or_else(|| Problem::internal(format!("the description has no body {name}")))?;
        let mut faults = body.faults();
        for error in validator.iter_errors(&body.value).take(MAX_FAULTS) {
            self.tell(&error, &mut faults);
        }
        faults.finish(BODY)
    }

    fn compile(&self, name: &str) -> Option<Validator> {
        let mut schema = self.document.clone();
        schema["$ref"] = json!(format!("#/components/schemas/{name}"));
        jsonschema::options()
            .should_validate_formats(true)
            .with_format("date-time", |text| text.parse::<Timestamp>().is_ok())
            .build(&schema)
            .inspect_err(|error| tracing::error!("the schema of {name} is not valid: {error}"))
            .ok()
    }

    /// Notes what a person reads about an error. Never the value: it may be a secret in the wrong field.
    fn tell(&self, error: &ValidationError<'_>, faults: &mut Faults) {
        let path = dotted(error.instance_path().as_str());
        // The schema that has the keyword which the value breaks.
        let schema = self.at(error.schema_path().as_str());
        match error.kind() {
            Required { property } => {
                let name = property.as_str().unwrap_or_default();
                let wanted = self.about(&schema["properties"][name]);
                let message = format!("is missing: {wanted}");
                faults.add_coded(below(&path, name), "missing", message);
            }
            AdditionalProperties { unexpected } => {
                let known = match schema["properties"].as_object() {
                    Some(known) if !known.is_empty() => listed(known.keys().map(String::as_str)),
                    _ => "none".to_owned(),
                };
                for name in unexpected {
                    let field = below(&path, &text::bounded(name, MAX_NAME));
                    let message = format!("not a field; there are {known}");
                    faults.add_coded(field, "unknown_field", message);
                }
            }
            // A choice is a schema or null: what is not null is meant to be the other.
            OneOfNotValid { context } | AnyOf { context } => {
                let mut branches = context.iter().filter(|errors| !is_of_null(errors));
                match (branches.next(), branches.next()) {
                    (Some(errors), None) => {
                        for error in errors {
                            self.tell(error, faults);
                        }
                    }
                    _ => faults.add_coded(path, "invalid", self.wanted(schema)),
                }
            }
            Pattern { .. } if words_of(schema).is_some() => {
                faults.add_coded(path, "invalid", self.wanted(schema));
            }
            Pattern { .. } | Format { .. } => {
                faults.add_coded(path, "invalid", self.about(schema));
            }
            kind => faults.add_coded(path, code_of(kind), self.wanted(schema)),
        }
    }

    /// The schema around a keyword.
    fn at(&self, keyword: &str) -> &Value {
        let schema = keyword
            .rsplit_once('/')
            .and_then(|(schema, _)| self.document.pointer(schema));
        self.resolved(schema.unwrap_or(&Value::Null))
    }

    fn resolved<'a>(&'a self, schema: &'a Value) -> &'a Value {
        let named = schema["$ref"].as_str().and_then(|name| {
            let name = name.trim_start_matches('#');
            self.document.pointer(name)
        });
        named.unwrap_or(schema)
    }

    /// What should be there, and what it is for.
    fn about(&self, schema: &Value) -> String {
        let wanted = self.wanted(schema);
        match schema["description"].as_str() {
            Some(description) => format!("{wanted}. {}", text::bounded(description, 300)),
            None => wanted,
        }
    }

    /// What should be there.
    fn wanted(&self, schema: &Value) -> String {
        let schema = self.resolved(schema);
        if let Some(choices) = schema["oneOf"].as_array() {
            let wanted = choices.iter().map(|choice| self.wanted(choice));
            return wanted.collect::<Vec<_>>().join(", or ");
        }
        if let Some(words) = schema["enum"].as_array() {
            return format!("one of {}", listed(words.iter().filter_map(Value::as_str)));
        }
        let types = match &schema["type"] {
            Value::Array(types) => types.iter().filter_map(Value::as_str).collect(),
            one => one.as_str().into_iter().collect::<Vec<_>>(),
        };
        let wanted = types.iter().map(|name| self.wanted_of(name, schema));
        match wanted.collect::<Vec<_>>().join(", or ") {
            wanted if wanted.is_empty() => "another value".to_owned(),
            wanted => wanted,
        }
    }

    fn wanted_of(&self, type_name: &str, schema: &Value) -> String {
        let bounds = |least: &str, most: &str| {
            let bound = |name: &str| schema[name].as_f64().map(|bound| bound.to_string());
            match (bound(least), bound(most)) {
                (Some(least), Some(most)) => Some(format!("{least} to {most}")),
                (None, Some(most)) => Some(format!("at most {most}")),
                (Some(least), None) => Some(format!("at least {least}")),
                (None, None) => None,
            }
        };
        match type_name {
            "string" if words_of(schema).is_some() => {
                let words = words_of(schema).unwrap_or_default();
                format!("one of {}", words.replace('|', ", "))
            }
            "string" if schema["format"] == "date-time" => {
                "a time such as `2026-11-01T08:30:00Z`".to_owned()
            }
            "string" => match bounds("minLength", "maxLength") {
                Some(bounds) => format!("a text of {bounds} characters"),
                None => "a text".to_owned(),
            },
            "integer" | "number" => {
                let kind = if type_name == "integer" {
                    "a whole number"
                } else {
                    "a number"
                };
                match bounds("minimum", "maximum") {
                    Some(bounds) if schema["minimum"].is_number() => {
                        format!("{kind} from {bounds}")
                    }
                    Some(bounds) => format!("{kind} of {bounds}"),
                    None => kind.to_owned(),
                }
            }
            "boolean" => "true or false".to_owned(),
            "array" => {
                let of = self.wanted(&schema["items"]);
                match bounds("minItems", "maxItems") {
                    Some(bounds) => format!("a list of {bounds}, each of them {of}"),
                    None => format!("a list, each of it {of}"),
                }
            }
            "object" => match schema["properties"].as_object() {
                Some(members) if !members.is_empty() => {
                    let members = listed(members.keys().map(String::as_str));
                    format!("an object with {members}")
                }
                _ => "an object".to_owned(),
            },
            other => other.to_owned(),
        }
    }
}

/// The words that a pattern of nothing else takes, as `a|b|c`: a list that is closed in this build, and may have grown in
/// the next one.
fn words_of(schema: &Value) -> Option<&str> {
    let words = schema["pattern"].as_str()?.strip_prefix("^(")?;
    let words = words.strip_suffix(")$")?;
    let is_of_word = |byte: u8| byte.is_ascii_alphanumeric() || b"_-|".contains(&byte);
    words.bytes().all(is_of_word).then_some(words)
}

/// Whether a choice was refused because the value is not null.
fn is_of_null(errors: &[ValidationError<'_>]) -> bool {
    let is_null_alone = |error: &ValidationError<'_>| {
        matches!(
            error.kind(),
            Type {
                kind: TypeKind::Single(JsonType::Null)
            }
        )
    };
    matches!(errors, [error] if is_null_alone(error))
}

/// The kind of fault, for programs.
fn code_of(kind: &ValidationErrorKind) -> &'static str {
    match kind {
        Type { .. } => "wrong_type",
        MaxLength { .. } => "too_long",
        MinLength { .. }
        | MinItems { .. }
        | MaxItems { .. }
        | MinProperties { .. }
        | MaxProperties { .. } => "wrong_length",
        Minimum { .. } | Maximum { .. } | ExclusiveMinimum { .. } | ExclusiveMaximum { .. } => {
            "out_of_range"
        }
        _ => "invalid",
    }
}

/// A JSON pointer as the names and positions of a fault: with dots between.
fn dotted(pointer: &str) -> String {
    let names = pointer.split('/').skip(1);
    let names = names.map(|name| name.replace("~1", "/").replace("~0", "~"));
    names.collect::<Vec<_>>().join(".")
}

fn below(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}

fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.collect::<Vec<_>>().join(", ")
}
