//! What one request counts for.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Addition, Additions, Dimension, Metric, Slot};
use crate::{
    AreaVerdict, DispatchState, Document, Intent, LeadRequest, SpamGate, Status, VerdictKind,
};

/// What figures count of one request: kept beside it, so that what changes it next, whichever build wrote it since, adds
/// the difference to what was really counted.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counted {
    /// When it came in.
    #[serde(rename = "t")]
    slot: Slot,
    /// What it has in common with others: the dimension's number, and the name in it; empty for none.
    #[serde(rename = "n", default)]
    names: Vec<(u8, String)>,
    #[serde(rename = "v", default)]
    values: Vec<(Metric, i64)>,
    /// What its pushes count for, by connection.
    #[serde(rename = "c", default, skip_serializing_if = "BTreeMap::is_empty")]
    pushes: BTreeMap<String, Vec<(Metric, i64)>>,
}

impl Counted {
    /// What a request counts for as it is. One that was merged counts for nothing: the other one goes on.
    pub fn of(request: &LeadRequest) -> Self {
        let document = &request.document;
        if document.merged_into.is_some() {
            return Self::default();
        }
        let project_type = document
            .analysis
            .as_ref()
            .map_or("", |analysis| analysis.project_type.as_str());
        let mut values = vec![(Metric::CAME_IN, 1)];
        if is_genuine(document) {
            values.push((Metric::GENUINE, 1));
            genuine_values(document, &mut values);
        }
        values.extend(status_metric(request.status).map(|metric| (metric, 1)));
        if let Some(analysis) = &document.analysis {
            values.push((Metric::of_spam(analysis.spam_likelihood), 1));
        }
        let pushes = document.dispatches.iter().filter_map(|(name, section)| {
            let metric = match section.state {
                DispatchState::Done => Metric::PUSHED,
                DispatchState::Held | DispatchState::Parked => Metric::NOT_PUSHED,
                DispatchState::Pending => return None,
            };
            Some((name.to_string(), vec![(metric, 1)]))
        });
        Self {
            slot: Slot::of(request.created_at),
            names: names(document, project_type, postal_code(document)),
            values,
            pushes: pushes.collect(),
        }
    }

    /// What a new request counts for, of which nothing is known but where it came from.
    pub fn of_new(document: &Document, created_at: Timestamp) -> Self {
        Self {
            slot: Slot::of(created_at),
            names: names(document, "", String::new()),
            values: NEW.map(|metric| (metric, 1)).to_vec(),
            pushes: BTreeMap::new(),
        }
    }

    /// Whether a request counts for what a new one does: then only its names are its own.
    pub fn is_of_new(&self) -> bool {
        let is_unknown = |dimension: Dimension| {
            let unknown = (dimension.code(), String::new());
            self.names.contains(&unknown)
        };
        self.pushes.is_empty()
            && self
                .values
                .iter()
                .copied()
                .eq(NEW.map(|metric| (metric, 1)))
            && is_unknown(Dimension::ProjectType)
            && is_unknown(Dimension::PostalCode)
    }

    /// What must be added to the sums when this takes the place of `before`.
    pub fn since(&self, before: &Self) -> Additions {
        let mut additions = Additions::default();
        for (counted, sign) in [(before, -1), (self, 1)] {
            let part = |names: Vec<(u8, String)>, values: &[(Metric, i64)]| Addition {
                slot: counted.slot,
                names,
                values: values
                    .iter()
                    .map(|(metric, value)| (*metric, sign * value))
                    .collect(),
            };
            if !counted.values.is_empty() {
                additions.add(part(counted.names.clone(), &counted.values));
            }
            for (connection, values) in &counted.pushes {
                let mut names = counted.names.clone();
                names.push((Dimension::Connection.code(), connection.clone()));
                additions.add(part(names, values));
            }
        }
        additions
    }
}

/// What a new request counts for, each once and in this order.
const NEW: [Metric; 4] = [
    Metric::CAME_IN,
    Metric::GENUINE,
    Metric::IN_AREA,
    Metric::IN_PROGRESS,
];

fn names(document: &Document, project_type: &str, postal_code: String) -> Vec<(u8, String)> {
    let source = &document.source;
    vec![
        (
            Dimension::Channel.code(),
            document.channel_word().to_owned(),
        ),
        (Dimension::Provider.code(), source.provider.clone()),
        (Dimension::Source.code(), source.source.to_string()),
        (
            Dimension::Office.code(),
            source.office.map(|id| id.to_string()).unwrap_or_default(),
        ),
        (Dimension::ProjectType.code(), project_type.to_owned()),
        (Dimension::PostalCode.code(), postal_code),
    ]
}

/// The ZIP code of the place that a lead is about: as said, else as typed. Where a caller's number is registered says too
/// little. Empty where nothing is known.
fn postal_code(document: &Document) -> String {
    let said = document.analysis.as_ref();
    let said = said.and_then(|analysis| analysis.postal_code.as_ref());
    let typed = || {
        let typed = document.contact.postal_code.as_ref();
        typed.filter(|_| !document.channel().is_by_number())
    };
    let code = said.filter(|code| !code.is_placeholder()).or_else(typed);
    code.map(|code| code.as_str().to_owned())
        .unwrap_or_default()
}

/// Whether it is neither quarantined, nor rejected by a person, nor a wrong number.
fn is_genuine(document: &Document) -> bool {
    let is_spam = match document.verdict.as_ref().map(|verdict| verdict.decision) {
        Some(VerdictKind::Approved) => false,
        Some(VerdictKind::Rejected) => true,
        None => document
            .qualification
            .as_ref()
            .is_some_and(|section| section.gate == SpamGate::Quarantine),
    };
    let is_wrong_number = document
        .analysis
        .as_ref()
        .is_some_and(|analysis| analysis.intent == Intent::WrongNumber);
    !is_spam && !is_wrong_number
}

fn genuine_values(document: &Document, values: &mut Vec<(Metric, i64)>) {
    let is_outside = document
        .qualification
        .as_ref()
        .is_some_and(|section| matches!(section.area, AreaVerdict::Out(_)))
        && !document
            .verdict
            .as_ref()
            .is_some_and(|verdict| verdict.overrules_area);
    if !is_outside {
        values.push((Metric::IN_AREA, 1));
    }
    let mut dispatches = document.dispatches.values();
    if dispatches.any(|section| section.state == DispatchState::Done) {
        values.push((Metric::IN_CRM, 1));
    }
    if let Some(section) = &document.notifications
        && section.messages.iter().any(|message| message.is_sent)
    {
        values.push((Metric::TOLD, 1));
    }
    if let Some(analysis) = &document.analysis {
        values.push((Metric::SCORED, 1));
        values.push((Metric::SCORES, i64::from(analysis.lead_score)));
        values.push((Metric::of_score(analysis.lead_score), 1));
        if analysis.lead_score > 80 {
            values.push((Metric::OVER_80, 1));
        }
    }
}

/// The count that a status belongs to. A claim makes `processing` of `received` without counting anew, so both are one.
const fn status_metric(status: Status) -> Option<Metric> {
    Some(match status {
        Status::Received | Status::Processing => Metric::IN_PROGRESS,
        Status::InReview => Metric::IN_REVIEW,
        Status::Held => Metric::HELD,
        Status::Parked => Metric::PARKED,
        Status::Completed => Metric::COMPLETED,
        Status::Quarantined => Metric::QUARANTINED,
        Status::OutOfArea => Metric::OUT_OF_AREA,
        Status::Merged | Status::Erased | Status::Unrecognized => return None,
    })
}
