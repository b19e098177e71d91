//! The rules of a mapping: what fills each field, and what that comes to for a lead.

use std::collections::BTreeMap;

use domain::Brief;

use super::{
    Write,
    datum::{Datum, Kind},
    functions::{PhoneForm, Scalar, Step, bounded},
    paths::Path,
};

/// Where a value comes from, and what becomes of it.
#[derive(Clone)]
pub(super) struct Expression {
    pub(super) source: Taken,
    pub(super) then: Vec<Step>,
}

/// What an expression begins with.
#[derive(Clone)]
pub(super) enum Taken {
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
    /// Whether the CRM takes no record without it: where the expression comes to nothing, what is usual stands.
    pub(super) is_needed: bool,
}

impl Rule {
    /// What it puts into its field for a lead. Outside: whether it says anything; inside: what, or that it is not sent.
    pub(super) fn evaluate(&self, brief: &Brief) -> Option<Option<Datum>> {
        let value = self.expression.as_ref().and_then(|it| it.evaluate(brief));
        let is_blank = value.as_ref().is_none_or(|it| it.plain().trim().is_empty());
        (!(self.is_needed && is_blank)).then_some(value)
    }
}

/// Rules by object and field.
pub(super) type Rules = BTreeMap<String, BTreeMap<String, Rule>>;

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

    /// Whether it is this path, at most written in another form of a telephone number: one in which a number from
    /// elsewhere keeps its country code.
    pub(super) fn is_only(&self, wanted: &str) -> bool {
        let is_path = matches!(&self.source, Taken::Path(Path::Known(path)) if path.name == wanted);
        let is_phone = matches!(&self.source, Taken::Path(path) if path.kind() == Kind::Phone);
        let keeps = |step: &Step| match step {
            Step::Phone(form) => is_phone && *form != PhoneForm::Digits,
            _ => false,
        };
        is_path && self.then.iter().all(keeps)
    }
}
