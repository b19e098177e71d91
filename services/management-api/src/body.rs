//! Bodies of calls: one that cannot be read is checked against the description of its type, so that everything that is
//! wrong with its shape is told at once; serde stops at the first fault. With stand-ins where the shape is wrong the
//! handler judges the rest, and tells what it finds together with that.

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

/// A JSON body, read into its type, with what is wrong so far: every field that does not have the shape which the
/// description gives it, and every one that is named twice. Where such a field was, a stand-in is. Rejections: those of
/// [`Json`]; 422 where not even stand-ins make it readable.
#[derive(Debug)]
pub(crate) struct Body<T> {
    said: T,
    faults: Faults,
}

impl<T> Body<T> {
    /// What it says, and what is wrong so far: the handler adds what else is, and refuses all of it before it does
    /// anything.
    pub(crate) fn open(self) -> (T, Faults) {
        (self.said, self.faults)
    }

    /// What it says, where its handler has nothing to add.
    ///
    /// # Errors
    /// 422 with everything that is wrong.
    pub(crate) fn read(self) -> Result<T, Problem> {
        self.faults.finish(BODY)?;
        Ok(self.said)
    }
}

/// The longest body that may be left out.
const MAX_OPTIONAL_BYTES: usize = 64 * 1024;

/// A [`Body`] that may be left out.
#[derive(Debug)]
pub(crate) struct OptionalBody<T>(pub(crate) Body<T>);

impl<S, T> FromRequest<S> for OptionalBody<T>
where
    S: Send + Sync,
    T: DeserializeOwned + ToSchema + Default,
{
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let bytes = runtime::read_body(body, MAX_OPTIONAL_BYTES).await?;
        if bytes.is_empty() {
            return Ok(Self(Body {
                said: T::default(),
                faults: Faults::default(),
            }));
        }
        let request = Request::from_parts(parts, bytes.into());
        Body::from_request(request, state).await.map(Self)
    }
}

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
            let faults = Faults::default();
            return Ok(Self { said: body, faults });
        }
        let Judged {
            mut faults,
            stand_ins,
        } = SHAPES.judge(&T::name(), &said)?;
        // What is empty is told apart from what somebody meant; some types take only a sample.
        for is_sample in [false, true] {
            let value = SHAPES.with_stand_ins(&said.value, &stand_ins, is_sample);
            if let Ok(said) = T::deserialize(&value) {
                let filled = stand_ins.iter().filter(|(_, wanted)| wanted.is_some());
                faults.hold_stand_ins(filled.map(|(pointer, _)| dotted(pointer)));
                return Ok(Self { said, faults });
            }
        }
        faults.finish(BODY)?;
        // The type refuses what its description takes.
        let said = runtime::read_json(&said.value)?;
        let faults = Faults::default();
        Ok(Self { said, faults })
    }
}

/// What is wrong with the shape of a body.
struct Judged<'a> {
    faults: Faults,
    /// Where, as JSON pointers, and the schema of what should be there; none for what should not.
    stand_ins: Vec<(String, Option<&'a Value>)>,
}

impl<'a> Judged<'a> {
    fn stand_in(&mut self, pointer: impl Into<String>, wanted: Option<&'a Value>) {
        self.stand_ins.push((pointer.into(), wanted));
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
    /// 500 if there is no such schema, which a test rules out.
    fn judge(&self, name: &str, body: &Said) -> Result<Judged<'_>, Problem> {
        let compiled = self
            .compiled
            .get(name)
            .and_then(|compiled| compiled.get_or_init(|| self.compile(name)).as_ref());
        let validator = compiled
            .ok_or_else(|| Problem::internal(format!("the description has no body {name}")))?;
        let mut judged = Judged {
            faults: body.faults(),
            stand_ins: Vec::new(),
        };
        for error in validator.iter_errors(&body.value).take(MAX_FAULTS) {
            self.tell(&error, &mut judged);
        }
        Ok(judged)
    }

    /// The body with something readable in each place that is wrong.
    fn with_stand_ins(
        &self,
        body: &Value,
        stand_ins: &[(String, Option<&Value>)],
        is_sample: bool,
    ) -> Value {
        let mut body = body.clone();
        for (pointer, wanted) in stand_ins {
            let value = wanted.map(|wanted| self.stand_in(wanted, is_sample));
            let Some((around, name)) = pointer.rsplit_once('/') else {
                body = value.unwrap_or_default();
                continue;
            };
            let name = unescaped(name);
            match (body.pointer_mut(around), value) {
                (Some(Value::Object(members)), Some(value)) => {
                    members.insert(name, value);
                }
                (Some(Value::Object(members)), None) => {
                    members.remove(&name);
                }
                (Some(Value::Array(items)), Some(value)) => {
                    let item = name
                        .parse()
                        .ok()
                        .and_then(|index: usize| items.get_mut(index));
                    if let Some(item) = item {
                        *item = value;
                    }
                }
                _ => {}
            }
        }
        body
    }

    /// What can be read in place of a value of this schema: nothing, or, as a sample, what its words and patterns take.
    fn stand_in(&self, schema: &Value, is_sample: bool) -> Value {
        let schema = self.resolved(schema);
        let choices = schema["oneOf"].as_array().or(schema["anyOf"].as_array());
        if let Some(choices) = choices {
            let is_null = |choice: &&Value| choice["type"] == "null";
            let first = choices.iter().find(|choice| !is_null(choice));
            return match (choices.iter().find(is_null), first) {
                (None, Some(first)) => self.stand_in(first, is_sample),
                _ => Value::Null,
            };
        }
        let type_name = match &schema["type"] {
            Value::Array(types) if types.iter().any(|name| name == "null") => return Value::Null,
            Value::Array(types) => types.first().and_then(Value::as_str),
            one => one.as_str(),
        };
        match type_name {
            Some("string") if is_sample => sample_of(schema).into(),
            Some("string") => "".into(),
            Some("integer" | "number") => match &schema["minimum"] {
                Value::Null => 0.into(),
                minimum => minimum.clone(),
            },
            Some("boolean") => false.into(),
            Some("array") => Value::Array(Vec::new()),
            Some("object") => {
                let required = schema["required"].as_array().into_iter().flatten();
                let members = required.filter_map(Value::as_str).map(|name| {
                    let member = self.stand_in(&schema["properties"][name], is_sample);
                    (name.to_owned(), member)
                });
                Value::Object(members.collect())
            }
            _ => Value::Null,
        }
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

    /// Notes what a person reads about an error, and where a stand-in is needed. Never the value: it may be a secret in the
    /// wrong field.
    fn tell<'a>(&'a self, error: &ValidationError<'_>, judged: &mut Judged<'a>) {
        let pointer = error.instance_path().as_str();
        let path = dotted(pointer);
        // The schema that has the keyword which the value breaks.
        let schema = self.at(error.schema_path().as_str());
        match error.kind() {
            Required { property } => {
                let name = property.as_str().unwrap_or_default();
                let wanted = &schema["properties"][name];
                let message = format!("is missing: {}", self.about(wanted));
                let faults = &mut judged.faults;
                faults.add_coded(below(&path, name), "missing", message);
                judged.stand_in(format!("{pointer}/{}", escaped(name)), Some(wanted));
            }
            AdditionalProperties { unexpected } => {
                let known = match schema["properties"].as_object() {
                    Some(known) if !known.is_empty() => listed(known.keys().map(String::as_str)),
                    _ => "none".to_owned(),
                };
                for name in unexpected {
                    let field = below(&path, &text::bounded(name, MAX_NAME));
                    let message = format!("not a field; there are {known}");
                    judged.faults.add_coded(field, "unknown_field", message);
                    judged.stand_in(format!("{pointer}/{}", escaped(name)), None);
                }
            }
            // A choice is a schema or null: what is not null is meant to be the other.
            OneOfNotValid { context } | AnyOf { context } => {
                let mut branches = context.iter().filter(|errors| !is_of_null(errors));
                match (branches.next(), branches.next()) {
                    (Some(errors), None) => {
                        for error in errors {
                            self.tell(error, judged);
                        }
                        let is_whole = |error: &ValidationError<'_>| {
                            let is_of_members = matches!(
                                error.kind(),
                                Required { .. } | AdditionalProperties { .. }
                            );
                            error.instance_path().as_str() == pointer && !is_of_members
                        };
                        if errors.iter().any(is_whole) {
                            judged.stand_in(pointer, Some(schema));
                        }
                    }
                    _ => {
                        let wanted = self.wanted(schema);
                        judged.faults.add_coded(path, "invalid", wanted);
                        judged.stand_in(pointer, Some(schema));
                    }
                }
            }
            kind => {
                let message = match kind {
                    Pattern { .. } if words_of(schema).is_some() => self.wanted(schema),
                    Pattern { .. } | Format { .. } => self.about(schema),
                    _ => self.wanted(schema),
                };
                judged.faults.add_coded(path, code_of(kind), message);
                judged.stand_in(pointer, Some(schema));
            }
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

/// A text that is of this schema, as far as that is easily told: the first of its words, or what its pattern begins with.
fn sample_of(schema: &Value) -> String {
    let words = schema["enum"].as_array().into_iter().flatten();
    if let Some(word) = words.filter_map(Value::as_str).next() {
        return word.to_owned();
    }
    if let Some(words) = words_of(schema) {
        return words.split('|').next().unwrap_or_default().to_owned();
    }
    if schema["format"] == "date-time" {
        return Timestamp::UNIX_EPOCH.to_string();
    }
    let pattern = schema["pattern"].as_str().unwrap_or_default();
    let of_id = pattern.strip_prefix('^').unwrap_or_default();
    match of_id.strip_suffix("[0-9a-f]{32}$") {
        Some(prefix) => format!("{prefix}{}", "0".repeat(32)),
        None => "0".to_owned(),
    }
}

/// A JSON pointer as the names and positions of a fault: with dots between.
fn dotted(pointer: &str) -> String {
    let names = pointer.split('/').skip(1);
    names.map(unescaped).collect::<Vec<_>>().join(".")
}

/// A part of a JSON pointer as a name. Source: RFC 6901, section 4.
fn unescaped(part: &str) -> String {
    part.replace("~1", "/").replace("~0", "~")
}

/// A name as a part of a JSON pointer.
fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
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
