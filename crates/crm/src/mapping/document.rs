//! A mapping as JSON: read with every fault and its path.

use std::collections::BTreeMap;

use domain::{ConfigError, ConfigFault, text};
use serde_json::{Map, Value};

use super::{
    FieldUse, MappingSpec, Write,
    functions::{DateForm, FUNCTIONS, MAX_DECIMALS, MAX_TEXT, PhoneForm, Scalar, Step},
    limits::{
        MAX_BYTES, MAX_DEPTH, MAX_FAULTS, MAX_FIELDS, MAX_PARTS, MAX_SAID, MAX_STEPS, MAX_VALUES,
    },
    paths::{Path, nearest},
    rules::{Expression, Rule, Rules, Taken},
};

/// Reads a mapping; the error has every fault. `is_new`: it is about to be saved. One that was saved, perhaps by another
/// build, is read without its rules on fields that are ours alone.
pub(super) fn read(spec: &MappingSpec, json: &Value, is_new: bool) -> Result<Rules, ConfigError> {
    if is_new && !fits(json) {
        let wanted = format!("at most {MAX_BYTES} bytes of JSON in all: put fewer texts into it");
        let fault = ConfigFault::new("", wanted).coded("wrong_length");
        return Err(ConfigError {
            faults: vec![fault],
        });
    }
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

/// Whether a mapping is no longer than any may be. It is not read any further otherwise.
fn fits(json: &Value) -> bool {
    serde_json::to_vec(json).is_ok_and(|text| text.len() <= MAX_BYTES)
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
                let Some(rule) = self.rule(object, field, rule, &path) else {
                    continue;
                };
                // CRMs do not tell small from capital letters, so that both would fill one field.
                let usual = self.spec.field(object, field).map(|usual| usual.field);
                let name = usual.unwrap_or(field).to_owned();
                let is_same = |other: &String| self.spec.is_same_name(other, &name);
                if read.keys().any(is_same) {
                    let why = "stands here twice: small and capital letters are the same";
                    self.fault(&path, "invalid", why);
                    continue;
                }
                read.insert(name, rule);
            }
            self.nested(object, &read, &path);
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

    /// Notes rules that stand in each other's way: one fills what another one leads into.
    fn nested(&mut self, object: &str, read: &BTreeMap<String, Rule>, path: &str) {
        if !self.spec.is_open || !self.is_new {
            return;
        }
        let keys = self
            .spec
            .fields
            .iter()
            .filter(|usual| usual.usage == FieldUse::Key);
        let keys = keys
            .filter(|usual| usual.object == object)
            .map(|usual| usual.field);
        let filled = read.iter().filter(|(_, rule)| rule.expression.is_some());
        let filled: Vec<&str> = keys.chain(filled.map(|(name, _)| name.as_str())).collect();
        for name in read.keys() {
            let leads_into = |outer: &&&str| {
                name.strip_prefix(**outer)
                    .is_some_and(|rest| rest.starts_with('.'))
            };
            if let Some(outer) = filled.iter().find(leads_into) {
                let why = format!(
                    "leads into `{outer}`, which has a value of its own: take one of them out"
                );
                self.fault(
                    &format!("{path}.{}", text::bounded(name, 100)),
                    "invalid",
                    why,
                );
            }
        }
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
        let is_needed = default.is_some_and(|default| default.is_needed);
        if is_needed && json.is_null() {
            if self.is_new {
                let why = "the CRM takes no record without it, so it cannot be taken away: map it, or leave it as usual";
                self.fault(path, "required", why);
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
        let mut write = write;
        if let FieldUse::Match(from) = usage {
            if !expression.as_ref().is_some_and(|it| it.is_only(from)) {
                if self.is_new {
                    let form = match from {
                        "contact.phone" => {
                            ", at most in another form: {\"from\": \"contact.phone\", \"then\": [{\"phone\": \"national\"}]}"
                        }
                        _ => "",
                    };
                    let why = format!("the person is found by it, so it stays `{from}`{form}");
                    self.fault(path, "fixed", why);
                }
                return None;
            }
            if write != usual {
                if self.is_new {
                    let why = "the person is found by it, so what the CRM has there stays: leave `write` out";
                    self.fault(&format!("{path}.write"), "fixed", why);
                }
                write = usual;
            }
        }
        Some(Rule {
            expression,
            write,
            is_needed,
        })
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
            if value.chars().count() > MAX_SAID {
                let wanted = format!("a value of at most {MAX_SAID} characters");
                self.fault(&at, "wrong_length", wanted);
                is_whole = false;
                continue;
            }
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
