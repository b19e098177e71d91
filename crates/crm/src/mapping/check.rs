//! A mapping against what the CRM says of its fields.

use domain::{ConfigFault, text};

use super::{
    Mapping, MappingSpec, coercion::is_alike, datum::Kind, outcomes::Outcomes, rules::Rule,
};
use crate::inspection::{CrmField, CrmObject, Holds};

/// What is wrong with a mapping, as far as the CRM's own description tells.
#[derive(Debug, Default)]
pub struct Checked {
    /// What the CRM would refuse of every lead: it is not saved.
    pub faults: Vec<ConfigFault>,
    /// What it may refuse of some: it is saved, and said.
    pub warnings: Vec<ConfigFault>,
}

/// How many options are named.
const MAX_NAMED: usize = 10;

/// Whether a value of a kind can stand in a field: the table of coercions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fit {
    /// As it is.
    Same,
    /// Written as a text.
    AsText,
    /// Not without a function: what helps.
    Not(&'static str),
}

/// How a value of a kind stands in a field that holds this. Every pair has its answer.
pub const fn fit(kind: Kind, holds: Holds) -> Fit {
    match (holds, kind) {
        (Holds::Number, Kind::Number)
        | (Holds::Flag, Kind::Flag)
        | (Holds::Date, Kind::Date)
        | (Holds::Time, Kind::Time)
        | (Holds::Choices, Kind::List)
        | (Holds::Text | Holds::Choice | Holds::Choices | Holds::Anything, Kind::Text)
        | (Holds::Anything, _) => Fit::Same,
        (Holds::Text | Holds::Choice, _)
        | (Holds::Choices, Kind::Phone | Kind::Number | Kind::Flag | Kind::Date | Kind::Time) => {
            Fit::AsText
        }
        (Holds::Number, _) => Fit::Not("it takes a number: add \"number\""),
        (Holds::Flag, _) => Fit::Not(
            "it takes true or false: add {\"map\": {\"values\": {\"yes\": true}, \"otherwise\": false}}",
        ),
        (Holds::Date, _) => Fit::Not("it takes a day: add {\"date\": \"date\"}"),
        (Holds::Time, _) => Fit::Not("it takes a time: add {\"date\": \"time\"}"),
        (Holds::Other, _) => Fit::Not("it holds what no mapping can fill, such as a reference"),
    }
}

/// Checks a mapping against the CRM's records.
pub fn check(mapping: &Mapping, spec: &MappingSpec, objects: &[CrmObject]) -> Checked {
    let mut checked = Checked::default();
    for (object, rules) in &mapping.rules {
        let Some(described) = objects.iter().find(|described| described.name == *object) else {
            continue;
        };
        for (name, rule) in rules {
            let path = format!("fields.{object}.{name}");
            let mut fields = described.fields.iter();
            let found = fields.find(|field| spec.is_same_name(&field.name, name));
            // What a connector defines by itself may not be there yet.
            let is_usual = spec.field(object, name).is_some();
            match found {
                Some(field) => of_field(&path, rule, field, &mut checked),
                None if is_usual || spec.is_open => {}
                None => checked.faults.push(no_such(&path, described)),
            }
        }
    }
    for described in objects {
        for field in described.fields.iter().filter(|field| field.is_required) {
            required(mapping, spec, &described.name, field, &mut checked);
        }
    }
    checked
}

fn no_such(path: &str, object: &CrmObject) -> ConfigFault {
    let wanted = path.rsplit('.').next().unwrap_or_default().to_lowercase();
    let alike = |field: &&CrmField| {
        let name = field.name.to_lowercase();
        name.contains(&wanted) || wanted.contains(&name) || field.label.to_lowercase() == wanted
    };
    let alike = object.fields.iter().filter(alike);
    let alike: Vec<_> = alike
        .take(3)
        .map(|field| format!("`{}`", field.name))
        .collect();
    let hint = match alike.as_slice() {
        [] => "add it there first".to_owned(),
        alike => format!("did you mean {}?", alike.join(" or ")),
    };
    let message = format!("the CRM's {} have no such field: {hint}", object.name);
    ConfigFault::new(path, message).coded("unknown_field")
}

fn of_field(path: &str, rule: &Rule, field: &CrmField, checked: &mut Checked) {
    if field.is_read_only {
        let message = "the CRM fills it itself: nothing can be written there";
        let fault = ConfigFault::new(path, message).coded("read_only");
        checked.faults.push(fault);
        return;
    }
    let Some(expression) = &rule.expression else {
        if field.is_required {
            let message = "the CRM requires it, so it cannot be left out";
            let fault = ConfigFault::new(path, message).coded("required");
            checked.faults.push(fault);
        }
        return;
    };
    let outcomes = expression.outcomes();
    let unfit = outcomes
        .kinds
        .iter()
        .find_map(|kind| match fit(*kind, field.holds) {
            Fit::Not(why) => Some((*kind, why)),
            Fit::Same | Fit::AsText => None,
        });
    if let Some((kind, why)) = unfit {
        let message = format!(
            "the CRM's type is {}, and this comes to {}: {why}",
            shown(&field.kind),
            kind.as_str()
        );
        checked
            .faults
            .push(ConfigFault::new(path, message).coded("wrong_type"));
        return;
    }
    options(path, &outcomes, field, checked);
    if field.is_required && !outcomes.is_always {
        let message = "the CRM requires it, and some leads have none: add {\"default\": …}";
        let warning = ConfigFault::new(path, message).coded("required");
        checked.warnings.push(warning);
    }
}

fn options(path: &str, outcomes: &Outcomes, field: &CrmField, checked: &mut Checked) {
    if !matches!(field.holds, Holds::Choice | Holds::Choices) || field.options.is_empty() {
        return;
    }
    let options = named(field.options.iter().map(String::as_str));
    let Some(words) = &outcomes.words else {
        let message = format!(
            "it takes {options}, and this can come to any text: what is none of them parks the lead; add {{\"map\": …}} \
             with \"otherwise\""
        );
        let warning = ConfigFault::new(path, message).coded("options");
        checked.warnings.push(warning);
        return;
    };
    let is_known = |word: &&str| field.options.iter().any(|option| is_alike(option, word));
    let words = words.iter().map(String::as_str);
    let unknown: Vec<_> = words.filter(|word| !is_known(word)).collect();
    if !unknown.is_empty() {
        let message = format!(
            "this can come to {}, and the CRM takes {options}: add {{\"map\": …}}",
            named(unknown.into_iter())
        );
        checked
            .faults
            .push(ConfigFault::new(path, message).coded("options"));
    }
}

fn required(
    mapping: &Mapping,
    spec: &MappingSpec,
    object: &str,
    field: &CrmField,
    checked: &mut Checked,
) {
    let rules = mapping.rules.get(object);
    let is_mapped = rules.is_some_and(|rules| {
        let mut names = rules.keys();
        names.any(|name| spec.is_same_name(name, &field.name))
    });
    let is_filled = spec.field(object, &field.name).is_some();
    if is_mapped || is_filled || field.is_read_only {
        return;
    }
    let path = format!("fields.{object}.{}", field.name);
    let message = "the CRM requires it, and nothing fills it: add a rule, or no longer require it";
    checked
        .warnings
        .push(ConfigFault::new(path, message).coded("required"));
}

/// Some of these words, quoted.
fn named<'a>(words: impl Iterator<Item = &'a str>) -> String {
    let words: Vec<_> = words.collect();
    let shown = words.iter().take(MAX_NAMED);
    let shown: Vec<_> = shown
        .map(|word| format!("`{}`", text::bounded(word, 60)))
        .collect();
    match words.len().saturating_sub(MAX_NAMED) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

fn shown(kind: &str) -> String {
    format!("`{}`", text::bounded(kind, 40))
}
