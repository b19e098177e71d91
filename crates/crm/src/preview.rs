//! What a push would send, made by the push itself.
//!
//! The connector's own [`push`](crate::Connector::push) runs as a rehearsal: what it only reads is asked of the CRM, what
//! it would write is told instead of sent. So a preview cannot differ from the push, except in what changes in between.
//! Zeros stand for the ids of records that would be made.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use domain::{
    Account, Brief, Claim, Clock, EffectEnd, EffectIntent, EffectKey, EffectLog, Effects, Stage,
    StoreError, WorkKey,
};
use http_client::{Rehearsed, rehearse};
use serde_json::{Map, Value};

use crate::{
    Connector, CrmField, CrmObject, Holds, Known, Mapped, Mapping, MappingSpec, PushError,
    mapping::check::{Fit, fit},
};

/// What a push would send.
#[derive(Debug)]
pub struct Preview {
    /// Each call that writes, in order.
    pub calls: Vec<Call>,
    /// Whether the CRM has all of it already, so that nothing would be sent: the calls are those of a push that a person
    /// asks for again.
    pub is_up_to_date: bool,
    /// Why the push would not get further.
    pub error: Option<PushError>,
}

/// A call that writes.
#[derive(Debug)]
pub struct Call {
    /// Its method, URL without query, and body.
    pub request: Rehearsed,
    /// The records in its body.
    pub records: Vec<Record>,
}

/// A record in the body of a call.
#[derive(Debug, PartialEq)]
pub struct Record {
    /// The CRM's name of the kind of record.
    pub object: &'static str,
    /// Its fields.
    pub fields: Vec<Field>,
}

/// A field of a record.
#[derive(Debug, PartialEq)]
pub struct Field {
    /// The CRM's name of it.
    pub name: String,
    /// What is sent.
    pub value: Value,
    /// The paths that fill it; words, where it is filled as usual.
    pub from: String,
    /// Whether the mapping fills it.
    pub is_mapped: bool,
    /// Whether the CRM will take it.
    pub state: State,
    /// What is to be done about it.
    pub note: Option<String>,
}

/// What becomes of a value, as far as the CRM's description tells. The words are on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It is taken as it is.
    Ok,
    /// It is written as a text.
    Coerced,
    /// It is longer than the CRM takes, and its beginning is sent.
    Cut,
    /// The CRM has no such field.
    Missing,
    /// The CRM does not take this value.
    Refused,
}

impl State {
    /// It as a word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Coerced => "coerced",
            Self::Cut => "cut",
            Self::Missing => "missing",
            Self::Refused => "refused",
        }
    }
}

/// The records in the body of a call, by the CRM's names of their kind and fields.
pub type Records = fn(&Rehearsed) -> Vec<(&'static str, Map<String, Value>)>;

/// Rehearses the push of a lead. `connector` is one [for rehearsals](crate::Connectors::for_rehearsal); `objects` are what
/// the CRM says of its records, if it was asked.
pub async fn preview(
    connector: &dyn Connector,
    spec: &MappingSpec,
    (brief, mapping): (&Brief, &Mapping),
    (account, known): (&Account, &Known),
    clock: Arc<dyn Clock>,
    objects: &[CrmObject],
) -> Preview {
    let claim = Claim {
        key: WorkKey {
            tenant: account.tenant.clone(),
            request: brief.request,
            stage: Stage::Dispatch,
            target: account.connection.to_string(),
        },
        token: 0,
    };
    let effects = Effects::new(Arc::new(NothingBegun), clock, claim);
    let push = async |known: &Known| {
        rehearse(connector.push(brief, mapping, account, known, &effects)).await
    };
    let (mut pushed, mut calls) = push(known).await;
    let is_up_to_date = pushed.as_ref().is_ok_and(|pushed| !pushed.is_changed);
    if is_up_to_date {
        let again = Known {
            fields_hash: None,
            ..known.clone()
        };
        (pushed, calls) = push(&again).await;
    }
    let mapped = mapping.of(brief);
    let calls = calls.into_iter().map(|request| {
        let records = (spec.records)(&request).into_iter();
        let records = records.map(|(object, fields)| {
            let described = objects.iter().find(|described| described.name == object);
            let shown =
                |(name, value)| shown(spec, mapping, &mapped, object, described, name, value);
            Record {
                object,
                fields: fields.into_iter().map(shown).collect(),
            }
        });
        Call {
            records: records.collect(),
            request,
        }
    });
    Preview {
        calls: calls.collect(),
        is_up_to_date,
        error: pushed.err(),
    }
}

fn shown(
    spec: &MappingSpec,
    mapping: &Mapping,
    mapped: &Mapped,
    object: &'static str,
    described: Option<&CrmObject>,
    name: String,
    value: Value,
) -> Field {
    // Where the mapping comes to nothing, and the CRM wants something, what is usual stands.
    let rule = mapped
        .has(object, &name)
        .then(|| mapping.paths_of(object, &name));
    let rule = rule.flatten();
    let usual = spec.field(object, &name);
    let from = match &rule {
        Some(paths) if paths.is_empty() => "a value of the mapping".to_owned(),
        Some(paths) => paths.join(", "),
        None => usual.map_or("as usual", |usual| usual.from).to_owned(),
    };
    let field = described.and_then(|described| {
        let mut fields = described.fields.iter();
        fields.find(|field| spec.is_same_name(&field.name, &name))
    });
    let is_known = described.is_some() && !spec.is_open;
    let datum = mapped
        .get(object, &name)
        .and_then(|field| field.value.as_ref());
    let (state, note) = match (field, datum) {
        (None, _) if is_known && rule.is_some() => (
            State::Missing,
            Some(
                "the CRM has no such field: add it there, or take it out of the mapping".to_owned(),
            ),
        ),
        (Some(field), _) if !takes(field, &value) => (
            State::Refused,
            Some("it is none of the field's options: add {\"map\": …}".to_owned()),
        ),
        (_, Some(datum)) if is_shorter(&value, &datum.written()) => {
            (State::Cut, Some("only its beginning fits".to_owned()))
        }
        (Some(field), Some(datum)) if fit(datum.kind(), field.holds) == Fit::AsText => {
            (State::Coerced, None)
        }
        _ => (State::Ok, None),
    };
    Field {
        name,
        value,
        from,
        is_mapped: rule.is_some(),
        state,
        note,
    }
}

/// Whether a value is one of the options of a field that has some. Ids in place of options were looked up by them.
fn takes(field: &CrmField, value: &Value) -> bool {
    let is_choice = matches!(field.holds, Holds::Choice | Holds::Choices);
    let Some(text) = value.as_str().filter(|_| is_choice) else {
        return true;
    };
    let is_option = |text: &str| field.options.iter().any(|option| option == text);
    field.options.is_empty() || text.is_empty() || text.split(';').all(is_option)
}

fn is_shorter(value: &Value, whole: &str) -> bool {
    let text = value.as_str();
    text.is_some_and(|text| !text.is_empty() && text.len() < whole.len() && whole.starts_with(text))
}

/// The members of an object, those of objects in it by names with dots.
pub(crate) fn flattened(object: &Value) -> Map<String, Value> {
    fn flatten(prefix: &str, object: &Value, found: &mut Map<String, Value>) {
        for (name, value) in object.as_object().into_iter().flatten() {
            let name = format!("{prefix}{name}");
            if value.is_object() {
                flatten(&format!("{name}."), value, found);
            } else {
                found.insert(name, value.clone());
            }
        }
    }
    let mut found = Map::new();
    flatten("", object, &mut found);
    found
}

/// A record of effects in which nothing was begun, and which keeps nothing.
struct NothingBegun;

#[async_trait]
impl EffectLog for NothingBegun {
    async fn intend(
        &self,
        _: &Claim,
        _: &EffectKey,
        _: Duration,
    ) -> Result<EffectIntent, StoreError> {
        Ok(EffectIntent::Begin)
    }

    async fn intend_again(
        &self,
        _: &Claim,
        _: &EffectKey,
        _: Duration,
    ) -> Result<EffectIntent, StoreError> {
        Ok(EffectIntent::Begin)
    }

    async fn conclude(&self, _: &Claim, _: &EffectKey, _: EffectEnd) -> Result<(), StoreError> {
        Ok(())
    }
}

/// The values of all records of these kinds in calls, by kind and field: what a test compares.
pub fn values(calls: &[Call]) -> BTreeMap<(&'static str, String), Value> {
    let records = calls.iter().flat_map(|call| &call.records);
    let fields = records.flat_map(|record| {
        let fields = record.fields.iter();
        fields.map(|field| ((record.object, field.name.clone()), field.value.clone()))
    });
    fields.collect()
}
