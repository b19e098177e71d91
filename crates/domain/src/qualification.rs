//! Qualification: what an analysis means for this tenant. A pure function.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    AnalysisSection, Coordinates, Document, Normalized, OfficeConfig, Place, PostalCode,
    QualificationSection, RequiredField, SpamGate, SpamThresholds,
};

/// What the spam gate says of a likelihood in percent: above the upper threshold quarantine, from the lower one on,
/// both edges included, review. What the model refused to judge for safety is for a person.
pub fn spam_gate(analysis: &AnalysisSection, thresholds: SpamThresholds) -> SpamGate {
    if analysis.spam_likelihood > thresholds.quarantine_above {
        SpamGate::Quarantine
    } else if analysis.spam_likelihood >= thresholds.review_from || analysis.is_blocked {
        SpamGate::Review
    } else {
        SpamGate::Pass
    }
}

/// Why the gate closes without asking the analysis.
const MARKED_SPAM: &str = "marked by the source";

/// Which of the fields that a company wants of every lead, or this one's source of its own, it lacks.
fn missing(
    document: &Document,
    analysis: &AnalysisSection,
    wanted: &[RequiredField],
) -> BTreeSet<RequiredField> {
    let own = &document.source.said.required_fields;
    let own = own.iter().filter_map(|word| RequiredField::from_word(word));
    let wanted: BTreeSet<_> = wanted.iter().copied().chain(own).collect();
    if wanted.is_empty() {
        return wanted;
    }
    let normalized = Normalized::of_request(document);
    let missing = wanted
        .into_iter()
        .filter(|field| field.is_missing(document, &normalized, analysis));
    missing.collect()
}

/// Qualifies a request: gate, service area, and where it goes. `analysis` is the one just made, or the stored one.
pub fn qualify(
    document: &Document,
    analysis: &AnalysisSection,
    office: &OfficeConfig,
    coordinates: Option<Coordinates>,
) -> QualificationSection {
    let config = &office.workflow;
    let facts = document.facts();
    let contact = facts.contact();
    let said = |code: &&PostalCode| !code.is_placeholder();
    let said = analysis.postal_code.as_ref().filter(said).cloned();
    let (typed, recorded) = if document.channel().is_by_number() {
        (None, contact.postal_code)
    } else {
        (contact.postal_code, None)
    };
    let place = Place {
        postal_code: said.or(typed),
        address: analysis.address.clone().or(contact.address),
        caller_postal_code: recorded,
        caller_city: contact.city.zip(contact.state),
        coordinates,
    };
    let (gate, gate_reason) = match facts.marked_spam {
        Some(true) => {
            let told = facts.suspicions.iter().flatten().map(String::as_str);
            let told: Vec<_> = told.collect();
            let reason = match told.as_slice() {
                [] => MARKED_SPAM.to_owned(),
                told => format!("{MARKED_SPAM}: {}", told.join(", ")),
            };
            (SpamGate::Quarantine, Some(reason))
        }
        Some(false) | None => (spam_gate(analysis, config.spam), None),
    };
    let destinations: BTreeMap<_, _> = config
        .destinations
        .iter()
        .map(|d| (d.connection.clone(), d.connector.clone()))
        .collect();
    QualificationSection {
        revision: document.revisions.of_qualification(),
        gate,
        gate_reason,
        area: config.service_area.verdict(&place),
        missing_fields: missing(document, analysis, &config.required_fields),
        config_version: office.version,
        destinations,
        notify: !config.notifications.email.is_empty(),
    }
}
