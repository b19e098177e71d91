//! A mapping as JSON: read with every fault and its path, and described by a JSON Schema.

use std::collections::{BTreeMap, BTreeSet};

use domain::{Brief, ConfigError, ConfigFault, text};
use serde_json::{Map, Value, json};

use super::{
    FieldUse, MappingSpec, Write,
    datum::{Datum, Kind},
    functions::{DateForm, FUNCTIONS, MAX_DECIMALS, MAX_TEXT, PhoneForm, Scalar, Step, bounded},
    paths::{Path, nearest},
};

/// Most fields that a mapping speaks of.
const MAX_FIELDS: usize = 200;
/// Most parts of an expression.
const MAX_PARTS: usize = 10;
/// Most functions behind an expression.
const MAX_STEPS: usize = 10;
/// How deep expressions may lie in each other.
const MAX_DEPTH: usize = 3;
/// Most values that a function replaces.
const MAX_VALUES: usize = 500;
/// The longest text that a mapping says itself, in characters.
const MAX_SAID: usize = 1_000;
/// Most faults that are told at once.
const MAX_FAULTS: usize = 100;

/// Where a value comes from, and what becomes of it.
#[derive(Clone)]
pub(super) struct Expression {
    source: Taken,
    then: Vec<Step>,
}

#[derive(Clone)]
enum Taken {
    Path(Path),
    Value(Scalar),
    Concat {
        parts: Vec<Expression>,
        separator: String,
    },
    First(Vec<Expression>),
}

/// What a mapping says of one field.
#[derive(Clone)]
pub(super) struct Rule {
    /// None: it is not sent.
    pub(super) expression: Option<Expression>,
    pub(super) write: Write,
}

/// Rules by object and field.
pub(super) type Rules = BTreeMap<String, BTreeMap<String, Rule>>;

/// What an expression can come to, whatever the lead.
pub(super) struct Outcomes {
    pub(super) kinds: BTreeSet<Kind>,
    /// The texts that it can be; none if any.
    pub(super) words: Option<BTreeSet<String>>,
    /// Whether it comes to something for every lead.
    pub(super) is_always: bool,
}

impl Expression {
    /// What it comes to. Total, and the same for the same lead.
    pub(super) fn evaluate(&self, brief: &Brief) -> Option<Datum> {
        let value = match &self.source {
            Taken::Path(path) => path.get(brief),
            Taken::Value(value) => value.datum(),
            Taken::First(parts) => parts.iter().find_map(|part| part.evaluate(brief)),
            Taken::Concat { parts, separator } => {
                let parts = parts.iter().filter_map(|part| part.evaluate(brief));
                let parts: Vec<_> = parts.map(|part| part.plain()).collect();
                bounded(parts.join(separator))
            }
        };
        let steps = self.then.iter();
        steps.fold(value, |value, step| step.apply(value, &brief.zone))
    }

    /// The paths that it reads, as they are written.
    pub(super) fn paths(&self, found: &mut Vec<String>) {
        match &self.source {
            Taken::Path(Path::Known(path)) => found.push(path.name.to_owned()),
            Taken::Path(Path::Of(family, name)) => found.push(format!("{}{name}", family.prefix)),
            Taken::Value(_) => {}
            Taken::Concat { parts, .. } | Taken::First(parts) => {
                for part in parts {
                    part.paths(found);
                }
            }
        }
    }

    /// Whether it is this path, at most written in another form of a telephone number.
    fn is_only(&self, wanted: &str) -> bool {
        let is_path = matches!(&self.source, Taken::Path(Path::Known(path)) if path.name == wanted);
        is_path && self.then.iter().all(|step| matches!(step, Step::Phone(_)))
    }

    pub(super) fn outcomes(&self) -> Outcomes {
        let mut outcomes = match &self.source {
            Taken::Path(path) => Outcomes {
                kinds: [path.kind()].into(),
                words: Some(path.words())
                    .filter(|words| !words.is_empty())
                    .map(|words| words.iter().map(|word| (*word).to_owned()).collect()),
                is_always: matches!(path, Path::Known(path) if ALWAYS.contains(&path.name)),
            },
            Taken::Value(value) => Outcomes::of(value),
            Taken::Concat { parts, .. } => Outcomes {
                kinds: [Kind::Text].into(),
                words: None,
                is_always: parts.iter().any(|part| part.outcomes().is_always),
            },
            Taken::First(parts) => {
                let mut all = parts.iter().map(Self::outcomes);
                let first = all.next().unwrap_or_else(Outcomes::nothing);
                all.fold(first, Outcomes::or)
            }
        };
        for step in &self.then {
            outcomes = outcomes.behind(step);
        }
        outcomes
    }
}

/// Paths that no lead is without.
const ALWAYS: [&str; 9] = [
    "lead_id",
    "version",
    "channel",
    "source",
    "received_at",
    "title",
    "contact.person_id",
    "property.is_area_unknown",
    "details",
];

impl Outcomes {
    fn nothing() -> Self {
        Self {
            kinds: BTreeSet::new(),
            words: Some(BTreeSet::new()),
            is_always: false,
        }
    }

    fn of(value: &Scalar) -> Self {
        let text = value.datum().map(|datum| datum.plain());
        Self {
            kinds: [value.kind()].into(),
            is_always: text.is_some(),
            words: Some(text.into_iter().collect()),
        }
    }

    fn only(kind: Kind, is_always: bool) -> Self {
        Self {
            kinds: [kind].into(),
            words: None,
            is_always,
        }
    }

    /// What comes to one of both.
    fn or(mut self, other: Self) -> Self {
        self.kinds.extend(other.kinds);
        self.words = self
            .words
            .zip(other.words)
            .map(|(one, two)| one.union(&two).cloned().collect());
        self.is_always |= other.is_always;
        self
    }

    fn worded(self, change: impl Fn(&str) -> String) -> Self {
        let words = self.words.map(|words| {
            let words = words.iter().map(|word| change(word));
            words.collect()
        });
        Self {
            kinds: [Kind::Text].into(),
            words,
            ..self
        }
    }

    fn behind(self, step: &Step) -> Self {
        match step {
            Step::Cut(max) => self.worded(|word| text::bounded(word, *max)),
            Step::Label => self.worded(domain::lead::brief::label),
            Step::Lower => self.worded(str::to_lowercase),
            Step::Upper => self.worded(str::to_uppercase),
            Step::Join(_) => self.joined(),
            Step::Date(DateForm::Date) => Self::only(Kind::Date, false),
            Step::Date(DateForm::Time) => Self::only(Kind::Time, false),
            Step::Date(DateForm::UsDate | DateForm::Words) => Self::only(Kind::Text, false),
            Step::Number(_) => Self::only(Kind::Number, false),
            Step::Phone(PhoneForm::E164) => Self::only(Kind::Phone, false),
            Step::Phone(_) => Self::only(Kind::Text, false),
            Step::Default(instead) => self.or(Self::of(instead)),
            Step::Map { values, otherwise } => self.mapped(values, otherwise.as_ref()),
        }
    }

    /// Only a list is joined; anything else stays.
    fn joined(mut self) -> Self {
        if self.kinds.remove(&Kind::List) {
            self.kinds.insert(Kind::Text);
            self.words = None;
        }
        self
    }

    fn mapped(self, values: &BTreeMap<String, Scalar>, otherwise: Option<&Option<Scalar>>) -> Self {
        let is_list = self.kinds.contains(&Kind::List);
        let mut mapped = Self {
            is_always: self.is_always,
            ..Self::nothing()
        };
        let instead = otherwise.and_then(Option::as_ref);
        for value in values.values().chain(instead) {
            let becomes = Self::of(value);
            let is_always = mapped.is_always && becomes.is_always;
            mapped = mapped.or(becomes);
            mapped.is_always = is_always;
        }
        match otherwise {
            Some(Some(_)) => {}
            Some(None) => mapped.is_always = false,
            None => {
                // What is not replaced stays as it was.
                let left = self.words.as_ref().map(|words| {
                    let left = words
                        .iter()
                        .filter(|word| !values.contains_key(&word.to_lowercase()));
                    left.cloned().collect::<BTreeSet<_>>()
                });
                if left.as_ref().is_none_or(|left| !left.is_empty()) {
                    let kept = Self {
                        words: left,
                        kinds: self.kinds,
                        is_always: false,
                    };
                    mapped = mapped.or(kept);
                }
            }
        }
        if is_list {
            mapped.kinds.insert(Kind::List);
        }
        mapped
    }
}

/// Reads a mapping; the error has every fault. `is_new`: it is about to be saved. One that was saved, perhaps by another
/// build, is read without its rules on fields that are ours alone.
pub(super) fn read(spec: &MappingSpec, json: &Value, is_new: bool) -> Result<Rules, ConfigError> {
    let mut reader = Reader {
        spec,
        is_new,
        faults: Vec::new(),
    };
    let rules = reader.mapping(json);
    let mut faults = reader.faults;
    if faults.len() > MAX_FAULTS {
        faults.truncate(MAX_FAULTS);
        faults.push(ConfigFault::new(
            "",
            "there are more faults; mend these first",
        ));
    }
    if faults.is_empty() {
        Ok(rules)
    } else {
        Err(ConfigError { faults })
    }
}

struct Reader<'a> {
    spec: &'a MappingSpec,
    is_new: bool,
    faults: Vec<ConfigFault>,
}

impl Reader<'_> {
    fn fault(&mut self, path: &str, code: &'static str, message: impl Into<String>) {
        self.faults
            .push(ConfigFault::new(path, message).coded(code));
    }

    fn mapping(&mut self, json: &Value) -> Rules {
        let mut rules = Rules::new();
        let Some(members) = json.as_object() else {
            self.fault("", "wrong_type", "an object with `fields`");
            return rules;
        };
        if self.is_new {
            self.known_members(members, "", &["fields"]);
        }
        let objects = match members.get("fields") {
            None => return rules,
            Some(Value::Object(objects)) => objects,
            Some(_) => {
                let wanted = format!("an object with {}", self.spec.names());
                self.fault("fields", "wrong_type", wanted);
                return rules;
            }
        };
        let mut count = 0;
        for (object, fields) in objects {
            let path = format!("fields.{}", text::bounded(object, 60));
            if self.spec.object(object).is_none() {
                if self.is_new {
                    let known = format!("no kind of record; there are {}", self.spec.names());
                    self.fault(&path, "unknown_field", known);
                }
                continue;
            }
            let Some(fields) = fields.as_object() else {
                let wanted = "an object with a rule for each field by its name";
                self.fault(&path, "wrong_type", wanted);
                continue;
            };
            let mut read = BTreeMap::new();
            for (field, rule) in fields {
                count += 1;
                let path = format!("{path}.{}", text::bounded(field, 100));
                if let Some(rule) = self.rule(object, field, rule, &path) {
                    read.insert(field.clone(), rule);
                }
            }
            if !read.is_empty() {
                rules.insert(object.clone(), read);
            }
        }
        if count > MAX_FIELDS {
            let wanted = format!("rules for at most {MAX_FIELDS} fields");
            self.fault("fields", "wrong_length", wanted);
        }
        rules
    }

    fn rule(&mut self, object: &str, field: &str, json: &Value, path: &str) -> Option<Rule> {
        if !(self.spec.is_name)(field) {
            let wanted = format!("no name of a field: {}", self.spec.name_rule);
            self.fault(path, "unknown_field", wanted);
            return None;
        }
        let default = self.spec.field(object, field);
        let usage = default.map_or(FieldUse::Free, |default| default.usage);
        if usage == FieldUse::Key {
            if self.is_new {
                let why = "ours alone: by it a lead is written once, so it cannot be mapped";
                self.fault(path, "fixed", why);
            }
            return None;
        }
        let usual = default.map_or(Write::IfEmpty, |default| default.write);
        let (expression, write) = match json {
            Value::Null => (None, usual),
            _ => {
                let expression = self.expression(json, path, 1)?;
                let write = match json.get("write") {
                    None => usual,
                    Some(word) => self.write(object, word, &format!("{path}.write"))?,
                };
                (Some(expression), write)
            }
        };
        if let FieldUse::Match(from) = usage {
            let is_kept = expression.as_ref().is_some_and(|it| it.is_only(from));
            if !is_kept {
                if self.is_new {
                    let why = format!(
                        "the person is found by it, so it stays `{from}`, at most in another form: \
                         {{\"from\": \"{from}\", \"then\": [{{\"phone\": \"national\"}}]}}"
                    );
                    self.fault(path, "fixed", why);
                }
                return None;
            }
        }
        Some(Rule { expression, write })
    }

    fn write(&mut self, object: &str, json: &Value, path: &str) -> Option<Write> {
        let is_updated = self
            .spec
            .object(object)
            .is_some_and(|object| object.is_updated);
        match json.as_str().and_then(Write::from_word) {
            Some(Write::Always) if !is_updated => {
                let why = format!("a record `{object}` is never changed once it is there");
                self.fault(path, "invalid", why);
                None
            }
            Some(write) => Some(write),
            None => {
                self.fault(path, "invalid", "`if_empty` or `always`");
                None
            }
        }
    }

    fn known_members(&mut self, members: &Map<String, Value>, path: &str, known: &[&str]) {
        for name in members
            .keys()
            .filter(|name| !known.contains(&name.as_str()))
        {
            let path = below(path, &text::bounded(name, 60));
            let message = format!("not a field; there are {}", known.join(", "));
            self.fault(&path, "unknown_field", message);
        }
    }

    fn expression(&mut self, json: &Value, path: &str, depth: usize) -> Option<Expression> {
        const SOURCES: [&str; 4] = ["from", "value", "concat", "first"];
        if depth > MAX_DEPTH {
            let wanted = format!("expressions at most {MAX_DEPTH} deep");
            self.fault(path, "invalid", wanted);
            return None;
        }
        let members = match json {
            // A path alone.
            Value::String(from) => {
                return Some(Expression {
                    source: Taken::Path(self.path(from, path)?),
                    then: Vec::new(),
                });
            }
            Value::Object(members) => members,
            _ => {
                let wanted = "a path such as `contact.name`, or an object with one of from, value, concat, first";
                self.fault(path, "wrong_type", wanted);
                return None;
            }
        };
        let rule = if depth == 1 { "write" } else { "then" };
        let known = [
            "from",
            "value",
            "concat",
            "first",
            "separator",
            "then",
            rule,
        ];
        self.known_members(members, path, &known);
        let given: Vec<_> = SOURCES
            .into_iter()
            .filter(|name| members.contains_key(*name))
            .collect();
        let source = match given.as_slice() {
            ["from"] => match members.get("from").and_then(Value::as_str) {
                Some(from) => self.path(from, &below(path, "from")).map(Taken::Path),
                None => {
                    let wanted = "a path such as `contact.name`";
                    self.fault(&below(path, "from"), "wrong_type", wanted);
                    None
                }
            },
            ["value"] => {
                let at = below(path, "value");
                self.scalar(members.get("value")?, &at).map(Taken::Value)
            }
            ["concat"] => {
                let parts = self.parts(members.get("concat")?, &below(path, "concat"), depth);
                let separator = match members.get("separator") {
                    None => Some(" ".to_owned()),
                    Some(given) => self.said(given, &below(path, "separator")),
                };
                parts
                    .zip(separator)
                    .map(|(parts, separator)| Taken::Concat { parts, separator })
            }
            ["first"] => self
                .parts(members.get("first")?, &below(path, "first"), depth)
                .map(Taken::First),
            _ => {
                self.fault(path, "invalid", "exactly one of from, value, concat, first");
                None
            }
        };
        if members.contains_key("separator") && given != ["concat"] {
            let why = "stands between the parts of `concat`, and there are none";
            self.fault(&below(path, "separator"), "invalid", why);
        }
        let then = match members.get("then") {
            None => Some(Vec::new()),
            Some(Value::Array(steps)) if steps.len() <= MAX_STEPS => {
                let mut read = Vec::new();
                for (at, step) in steps.iter().enumerate() {
                    read.push(self.step(step, &below(path, &format!("then.{at}"))));
                }
                read.into_iter().collect()
            }
            Some(_) => {
                let wanted = format!("a list of at most {MAX_STEPS} functions");
                self.fault(&below(path, "then"), "wrong_type", wanted);
                None
            }
        };
        Some(Expression {
            source: source?,
            then: then?,
        })
    }

    fn path(&mut self, text: &str, at: &str) -> Option<Path> {
        let path = Path::parse(text);
        if path.is_none() {
            let shown = text::bounded(text, 60);
            let near = nearest(text);
            let why = format!("a request has no `{shown}`; did you mean `{near}`?");
            self.fault(at, "unknown_path", why);
        }
        path
    }

    fn parts(&mut self, json: &Value, path: &str, depth: usize) -> Option<Vec<Expression>> {
        let parts = json
            .as_array()
            .filter(|parts| (1..=MAX_PARTS).contains(&parts.len()));
        let Some(parts) = parts else {
            let wanted = format!("a list of 1 to {MAX_PARTS} paths or expressions");
            self.fault(path, "wrong_type", wanted);
            return None;
        };
        let mut read = Vec::new();
        for (at, part) in parts.iter().enumerate() {
            read.push(self.expression(part, &below(path, &at.to_string()), depth + 1));
        }
        read.into_iter().collect()
    }

    fn scalar(&mut self, json: &Value, path: &str) -> Option<Scalar> {
        match json {
            Value::String(said) if is_said(said) => Some(Scalar::Text(said.clone())),
            Value::Bool(flag) => Some(Scalar::Flag(*flag)),
            Value::Number(number) if number.as_f64().is_some_and(|number| number >= 0.0) => {
                number.as_f64().map(Scalar::Number)
            }
            _ => {
                let wanted = format!(
                    "a text of at most {MAX_SAID} characters, a number from 0 on, true or false"
                );
                self.fault(path, "wrong_type", wanted);
                None
            }
        }
    }

    fn said(&mut self, json: &Value, path: &str) -> Option<String> {
        let said = json.as_str().filter(|said| is_said(said));
        if said.is_none() {
            let wanted = format!("a text of at most {MAX_SAID} characters");
            self.fault(path, "wrong_type", wanted);
        }
        said.map(str::to_owned)
    }

    fn step(&mut self, json: &Value, path: &str) -> Option<Step> {
        let (name, argument) = match json {
            Value::String(name) => (name.as_str(), &Value::Null),
            Value::Object(members) if members.len() == 1 => {
                let (name, argument) = members.iter().next()?;
                (name.as_str(), argument)
            }
            _ => {
                let wanted =
                    "a function by its name, or an object with one function and its argument";
                self.fault(path, "wrong_type", wanted);
                return None;
            }
        };
        let at = below(path, &text::bounded(name, 60));
        match (name, argument) {
            ("label", Value::Null) => Some(Step::Label),
            ("lower", Value::Null) => Some(Step::Lower),
            ("upper", Value::Null) => Some(Step::Upper),
            ("number", Value::Null) => Some(Step::Number(None)),
            ("number", decimals) if decimals.as_u64().is_some_and(|it| it <= MAX_DECIMALS) => {
                let decimals = decimals.as_u64().and_then(|it| u32::try_from(it).ok());
                Some(Step::Number(decimals))
            }
            ("cut", max) => match max.as_u64().and_then(|max| usize::try_from(max).ok()) {
                Some(max @ 1..=MAX_TEXT) => Some(Step::Cut(max)),
                _ => self.refused(&at, name),
            },
            ("default", value) => self.scalar(value, &at).map(Step::Default),
            ("join", between) => self.said(between, &at).map(Step::Join),
            ("date", Value::String(form)) => match of(&DateForm::WORDS, form) {
                Some(form) => Some(Step::Date(form)),
                None => self.refused(&at, name),
            },
            ("phone", Value::String(form)) => match of(&PhoneForm::WORDS, form) {
                Some(form) => Some(Step::Phone(form)),
                None => self.refused(&at, name),
            },
            ("map", Value::Object(members)) => self.map(members, &at),
            (name, _) if FUNCTIONS.iter().any(|function| function.name == name) => {
                self.refused(&at, name)
            }
            _ => {
                let names: Vec<_> = FUNCTIONS.iter().map(|function| function.name).collect();
                let why = format!("no function; there are {}", names.join(", "));
                self.fault(&at, "unknown_function", why);
                None
            }
        }
    }

    fn map(&mut self, members: &Map<String, Value>, path: &str) -> Option<Step> {
        self.known_members(members, path, &["values", "otherwise"]);
        let given = members.get("values").and_then(Value::as_object);
        let given = given.filter(|given| (1..=MAX_VALUES).contains(&given.len()));
        let Some(given) = given else {
            let wanted = format!("an object of 1 to {MAX_VALUES} values and what they become");
            self.fault(&below(path, "values"), "wrong_type", wanted);
            return None;
        };
        let at = below(path, "values");
        let mut values = BTreeMap::new();
        let mut is_whole = true;
        for (value, becomes) in given {
            let at = below(&at, &text::bounded(value, 60));
            let Some(becomes) = self.scalar(becomes, &at) else {
                is_whole = false;
                continue;
            };
            if values.insert(value.to_lowercase(), becomes).is_some() {
                let why = "stands here twice: small and capital letters are the same";
                self.fault(&at, "invalid", why);
                is_whole = false;
            }
        }
        let otherwise = match members.get("otherwise") {
            None => None,
            Some(Value::Null) => Some(None),
            Some(instead) => Some(Some(self.scalar(instead, &below(path, "otherwise"))?)),
        };
        is_whole.then_some(Step::Map { values, otherwise })
    }

    /// Says what the argument of a function is.
    fn refused(&mut self, at: &str, name: &str) -> Option<Step> {
        let known = FUNCTIONS.iter().find(|function| function.name == name);
        let wanted = known.map_or("", |function| function.argument);
        self.fault(at, "invalid", format!("its argument is {wanted}"));
        None
    }
}

/// Whether a mapping may say this text itself.
fn is_said(text: &str) -> bool {
    let is_harmful = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
    text.chars().count() <= MAX_SAID && !text.contains(is_harmful)
}

fn of<T: Copy>(words: &[(&str, T)], wanted: &str) -> Option<T> {
    let found = words.iter().find(|(word, _)| *word == wanted);
    found.map(|(_, value)| *value)
}

fn below(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}

/// What a mapping of any connector looks like: a JSON Schema of the draft 2020-12.
pub fn schema() -> Value {
    let scalar =
        json!({ "type": ["string", "number", "boolean"], "maxLength": MAX_SAID, "minimum": 0 });
    let said = json!({ "type": "string", "maxLength": MAX_SAID });
    let path = json!({ "type": "string", "description": "A path of the request: `contact.name`." });
    let words = |words: &[&str]| json!({ "type": "string", "enum": words });
    let of = |argument: &str, schema: Value, about: &str| {
        json!({
            "type": "object", "properties": { argument: schema }, "required": [argument],
            "additionalProperties": false, "description": about,
        })
    };
    let steps = FUNCTIONS.iter().map(|function| {
        let argument = match function.name {
            "cut" => json!({ "type": "integer", "minimum": 1, "maximum": MAX_TEXT }),
            "date" => words(&DateForm::WORDS.map(|(word, _)| word)),
            "phone" => words(&PhoneForm::WORDS.map(|(word, _)| word)),
            "default" => scalar.clone(),
            "join" => said.clone(),
            "number" => json!({ "type": "integer", "minimum": 0, "maximum": MAX_DECIMALS }),
            "map" => json!({
                "type": "object",
                "properties": {
                    "values": {
                        "type": "object", "minProperties": 1, "maxProperties": MAX_VALUES,
                        "additionalProperties": scalar,
                    },
                    "otherwise": { "type": ["string", "number", "boolean", "null"], "maxLength": MAX_SAID, "minimum": 0 },
                },
                "required": ["values"], "additionalProperties": false,
            }),
            _ => return json!({ "const": function.name, "description": function.about }),
        };
        of(function.name, argument, function.about)
    });
    let mut steps: Vec<_> = steps.collect();
    steps.push(json!({ "const": "number" }));
    let expression = |has_write: bool, parts: &str| {
        let parts = json!({ "type": "array", "minItems": 1, "maxItems": MAX_PARTS, "items": { "$ref": parts } });
        let mut properties = json!({
            "from": path, "value": scalar, "concat": parts, "first": parts, "separator": said,
            "then": { "type": "array", "maxItems": MAX_STEPS, "items": { "$ref": "#/$defs/function" } },
        });
        if has_write {
            properties["write"] = words(&[Write::IfEmpty.as_str(), Write::Always.as_str()]);
        }
        let one = |name: &str| json!({ "required": [name] });
        json!({
            "type": "object", "properties": properties, "additionalProperties": false,
            "oneOf": [one("from"), one("value"), one("concat"), one("first")],
            "dependentRequired": { "separator": ["concat"] },
        })
    };
    let (part, deepest) = ("#/$defs/part", "#/$defs/deepest");
    let alone = |parts: &str| json!({ "anyOf": [path, expression(false, parts)] });
    let end = json!({
        "anyOf": [path, {
            "type": "object",
            "properties": { "from": path, "value": scalar, "then": { "type": "array", "maxItems": MAX_STEPS, "items": { "$ref": "#/$defs/function" } } },
            "additionalProperties": false,
            "oneOf": [{ "required": ["from"] }, { "required": ["value"] }],
        }]
    });
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "/v1/schemas/field-mapping",
        "title": "Field mapping of a connection to a CRM",
        "type": "object",
        "properties": {
            "fields": {
                "description": "A rule for each field, by the CRM's name of the kind of record, then of the field. What is not here is sent as usual.",
                "type": "object",
                "additionalProperties": {
                    "type": "object",
                    "maxProperties": MAX_FIELDS,
                    "additionalProperties": { "anyOf": [{ "type": "null" }, path, expression(true, part)] },
                },
            },
        },
        "additionalProperties": false,
        "$defs": {
            "function": { "oneOf": steps },
            "part": alone(deepest),
            "deepest": end,
        },
    })
}
