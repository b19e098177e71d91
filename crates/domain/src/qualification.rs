//! Qualification: what an analysis means for this tenant. A pure function.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    AnalysisSection, AreaVerdict, Coordinates, Document, MapAddress, Normalized, OfficeConfig,
    Place, PostalCode, QualificationSection, RequiredField, ServiceArea, SpamGate, SpamThresholds,
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
    let place = Place {
        coordinates,
        ..place(document, analysis, &config.service_area)
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
        map: None,
        missing_fields: missing(document, analysis, &config.required_fields),
        config_version: office.version,
        destinations,
        notify: config.notifications.has_recipients(),
    }
}

/// What was said of where the project is. A ZIP code that the analysis found in somebody's words sends a lead away only
/// where nothing that was typed stands against it: in doubt it is not known where the project is.
fn place(document: &Document, analysis: &AnalysisSection, area: &ServiceArea) -> Place {
    let contact = document.facts().contact();
    let is_typed = !document.channel().is_by_number();
    let is_other_state = |code: &PostalCode| {
        let states = code.state().zip(contact.state.as_deref());
        states.is_some_and(|(of_code, said)| of_code != said)
    };
    let is_contradicted = contact.postal_code.as_ref().is_some_and(is_other_state);
    let said = |code: &&PostalCode| !code.is_placeholder();
    let said = analysis.postal_code.as_ref().filter(said).cloned();
    let town = contact.city.clone().zip(contact.state.clone());
    // A code of another state than the one that was said beside it may speak for the area, not against it.
    let typed = contact
        .postal_code
        .as_ref()
        .filter(|code| is_typed && !is_contradicted && !code.is_placeholder());
    let sends_away = |place: Place| matches!(area.verdict(&place), AreaVerdict::Out(_));
    let of_code = |code: &PostalCode| Place {
        postal_code: Some(code.clone()),
        ..Place::default()
    };
    let of_town = || Place {
        caller_city: town.clone(),
        ..Place::default()
    };
    let is_doubtful = |code: &PostalCode| {
        is_typed
            && sends_away(of_code(code))
            && match typed {
                Some(typed) => !sends_away(of_code(typed)),
                None => {
                    is_other_state(code) || matches!(area.verdict(&of_town()), AreaVerdict::In(_))
                }
            }
    };
    let recorded = contact.postal_code.clone().filter(|_| typed.is_none());
    let postal_code = match said {
        Some(said) if is_doubtful(&said) => None,
        said => said.or_else(|| typed.cloned()),
    };
    Place {
        postal_code,
        address: analysis.address.clone().or(contact.address),
        caller_postal_code: recorded,
        caller_city: town,
        coordinates: None,
    }
}

/// The address that a map has to be asked for: none where what was said decides whether the project is in the area, where
/// no area is drawn on a map, where too little of an address was said, or where the request is spam. A caller's town and ZIP
/// code belong to their number, so they are not taken for the project's.
pub fn address_to_locate(
    document: &Document,
    analysis: &AnalysisSection,
    office: &OfficeConfig,
    qualified: &QualificationSection,
) -> Option<MapAddress> {
    let is_open = qualified.area == AreaVerdict::Unknown
        && qualified.gate != SpamGate::Quarantine
        && office.workflow.service_area.is_drawn();
    if !is_open {
        return None;
    }
    let facts = document.facts();
    let country = facts.person.country.as_deref();
    if country.is_some_and(|country| !is_home(country)) {
        return None;
    }
    let place = place(document, analysis, &office.workflow.service_area);
    let typed = !document.channel().is_by_number();
    let contact = facts.contact();
    let address = if typed {
        place.address
    } else {
        analysis.address.clone()
    };
    let town = contact.city.as_deref().filter(|_| typed);
    let town = town.map(|city| (city, contact.state.as_deref()));
    MapAddress::new(&address?, place.postal_code.as_ref(), town)
}

/// Whether a country, as somebody typed it, is the United States: maps are asked of no other.
fn is_home(country: &str) -> bool {
    let letters: String = country.chars().filter(|c| c.is_alphabetic()).collect();
    let names = ["us", "usa", "unitedstates", "unitedstatesofamerica"];
    names.iter().any(|name| letters.eq_ignore_ascii_case(name))
}
