//! What another workflow configuration would have done to requests that came in. Pure: nothing is sent or written.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    AreaBasis, AreaVerdict, Document, MapAddress, MapAnswer, MapOutcome, OfficeConfig,
    QualificationSection, RequestId, SpamGate, SpamThresholds, qualification,
    words::words,
    workflow::{self, Route},
};

/// Requests that a [`DryRun`] names at most. It counts the others.
pub const MAX_CHANGED: usize = 500;

words! {
    /// Where a configuration sends a request.
    #[derive(PartialOrd, Ord)]
    pub enum DryRunOutcome ("an outcome") {
        /// On to CRMs or people.
        Dispatched => "dispatched",
        /// On, but there is neither a CRM nor a recipient.
        Unreached => "unreached",
        /// A person decides.
        InReview => "in_review",
        /// Spam: kept apart.
        Quarantined => "quarantined",
        /// Outside the service area.
        OutOfArea => "out_of_area",
        /// It was never analyzed, or only a map could tell whether it is in the area, which a dry run never asks.
        Unknown => "unknown",
    }
}

words! {
    /// What a configuration would do differently.
    pub enum DryRunAspect ("an aspect") {
        /// The request would end elsewhere.
        Outcome => "outcome",
        /// Other CRMs would get it.
        Destinations => "destinations",
        /// Other people would be told.
        Recipients => "recipients",
    }
}

/// A request that another configuration treats differently.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangedRequest {
    /// Which.
    pub request_id: RequestId,
    /// What would be different: the first of the outcome, the CRMs, the recipients.
    pub what: DryRunAspect,
    /// As it is by the old configuration.
    pub before: String,
    /// As it would be by the new one.
    pub after: String,
    /// Which part of the configuration makes the difference, in a sentence.
    pub because: String,
}

/// The result of a dry run, collected request by request.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DryRun {
    /// Version of the old configuration; 0 when none was saved.
    pub config_version: u64,
    /// Requests of the office that were compared.
    pub requests: u64,
    /// How many ended where by the old configuration.
    pub before: BTreeMap<DryRunOutcome, u64>,
    /// How many would end where by the new one.
    pub after: BTreeMap<DryRunOutcome, u64>,
    /// How many would be treated differently.
    pub changed_total: u64,
    /// The first [`MAX_CHANGED`] of them.
    pub changed: Vec<ChangedRequest>,
}

impl DryRun {
    /// Compares one more request. One that became part of another, or was erased, does not count. `said` is what a map
    /// once said of its [`address_to_locate`], where that is still kept.
    pub fn add(
        &mut self,
        id: RequestId,
        document: &Document,
        before: &OfficeConfig,
        after: &OfficeConfig,
        said: Option<MapAnswer>,
    ) {
        if document.erased || document.merged_into.is_some() {
            return;
        }
        let of = |office: &OfficeConfig| {
            let settled = settled(document, before);
            let is_same_area = office.workflow.service_area == before.workflow.service_area;
            Fate::of(document, office, settled.filter(|_| is_same_area), said)
        };
        let fates = (of(before), of(after));
        let outcome = |fate: Option<&Fate>| fate.map_or(DryRunOutcome::Unknown, Fate::outcome);
        let (was, is) = (outcome(fates.0.as_ref()), outcome(fates.1.as_ref()));
        let fates = fates.0.zip(fates.1);
        self.requests += 1;
        *self.before.entry(was).or_default() += 1;
        *self.after.entry(is).or_default() += 1;
        let change = fates.and_then(|(was, is)| was.change_to(&is, id, document));
        if let Some(change) = change {
            self.changed_total += 1;
            if self.changed.len() < MAX_CHANGED {
                self.changed.push(change);
            }
        }
    }
}

/// The address of a request of which only a map tells whether it is in the area of one of the configurations.
pub fn address_to_locate(
    document: &Document,
    before: &OfficeConfig,
    after: &OfficeConfig,
) -> Option<MapAddress> {
    let analysis = document.analysis.as_ref()?;
    let mut offices = [before, after].into_iter();
    offices.find_map(|office| {
        if !office.workflow.service_area.is_drawn() {
            return None;
        }
        let qualified = qualification::qualify(document, analysis, office, None);
        qualification::address_to_locate(document, analysis, office, &qualified)
    })
}

/// What the request itself says of the area of the configuration in use: it was decided by that, and nothing has changed.
fn settled(document: &Document, before: &OfficeConfig) -> Option<AreaVerdict> {
    let section = document.qualification.as_ref()?;
    let is_current = section.config_version == before.version
        && section.revision == document.revisions.of_qualification();
    is_current.then_some(section.area)
}

/// What one configuration does to one request.
struct Fate {
    qualification: QualificationSection,
    route: Route,
    recipients: Vec<String>,
    spam: SpamThresholds,
}

impl Fate {
    /// None for a request that was never analyzed, and for one whose place only a map knows that did not say it.
    fn of(
        document: &Document,
        office: &OfficeConfig,
        settled: Option<AreaVerdict>,
        said: Option<MapAnswer>,
    ) -> Option<Self> {
        let analysis = document.analysis.as_ref()?;
        let qualify = |at| qualification::qualify(document, analysis, office, at);
        let open = qualify(None);
        let address = qualification::address_to_locate(document, analysis, office, &open);
        let qualification = match (address, settled, said) {
            (None, _, _) => open,
            (Some(_), Some(area), _) => QualificationSection { area, ..open },
            (Some(_), None, Some(MapAnswer::Found { at })) => qualify(Some(at)),
            (Some(_), None, Some(MapAnswer::Doubtful | MapAnswer::NotFound)) => open,
            (Some(_), None, None) if is_off_the_map(document) => open,
            (Some(_), None, None) => return None,
        };
        let route = workflow::route_by(&qualification, document.verdict.as_ref());
        let rules = &office.workflow.notifications;
        let addresses = rules.email.iter().map(|to| to.as_str().to_owned());
        let places = rules.channels.iter();
        let places = places.map(|place| format!("{} {place}", place.channel));
        let mut recipients: Vec<_> = addresses.chain(places).collect();
        recipients.sort();
        recipients.dedup();
        Some(Self {
            qualification,
            route,
            recipients,
            spam: office.workflow.spam,
        })
    }

    fn outcome(&self) -> DryRunOutcome {
        match self.route {
            Route::Dispatch
                if self.qualification.destinations.is_empty() && !self.qualification.notify =>
            {
                DryRunOutcome::Unreached
            }
            Route::Dispatch => DryRunOutcome::Dispatched,
            Route::Review => DryRunOutcome::InReview,
            Route::Quarantine => DryRunOutcome::Quarantined,
            Route::OutOfArea => DryRunOutcome::OutOfArea,
        }
    }

    fn change_to(
        &self,
        after: &Self,
        id: RequestId,
        document: &Document,
    ) -> Option<ChangedRequest> {
        let changed = |what, before: String, now: String, because| ChangedRequest {
            request_id: id,
            what,
            before,
            after: now,
            because,
        };
        let (was, is) = (self.outcome(), after.outcome());
        if was != is {
            let because = self.why(after, document);
            return Some(changed(
                DryRunAspect::Outcome,
                was.to_string(),
                is.to_string(),
                because,
            ));
        }
        // Of what is withheld, nobody hears by either configuration.
        if was != DryRunOutcome::Dispatched {
            return None;
        }
        let (from, to) = (self.destinations(), after.destinations());
        if self.qualification.destinations != after.qualification.destinations {
            let because = "the destinations name other connections".to_owned();
            return Some(changed(DryRunAspect::Destinations, from, to, because));
        }
        (self.recipients != after.recipients).then(|| {
            changed(
                DryRunAspect::Recipients,
                listed(self.recipients.iter()),
                listed(after.recipients.iter()),
                "the notifications name other recipients".to_owned(),
            )
        })
    }

    fn destinations(&self) -> String {
        let destinations = self.qualification.destinations.iter();
        listed(destinations.map(|(connection, connector)| format!("{connection} ({connector})")))
    }

    /// Which part of the configuration makes the outcome another one.
    fn why(&self, after: &Self, document: &Document) -> String {
        let mut parts = Vec::new();
        if self.qualification.gate != after.qualification.gate {
            let likelihood = document
                .analysis
                .as_ref()
                .map_or(0.0, |analysis| analysis.spam_likelihood);
            parts.push(format!(
                "its spam likelihood of {likelihood:.0} % {} (review from {} %, quarantine above {} %) and {} \
                 (review from {} %, quarantine above {} %)",
                gated(self.qualification.gate, "passed"),
                self.spam.review_from,
                self.spam.quarantine_above,
                gated(after.qualification.gate, "would pass"),
                after.spam.review_from,
                after.spam.quarantine_above,
            ));
        }
        let side = |fate: &Self| std::mem::discriminant(&fate.qualification.area);
        if side(self) != side(after) {
            parts.push(format!(
                "the place {} and {}",
                placed(self.qualification.area, "was"),
                placed(after.qualification.area, "would be"),
            ));
        }
        if parts.is_empty() {
            parts.push("the destinations and recipients reach somebody else or nobody".to_owned());
        }
        parts.join(", and ")
    }
}

/// Whether a map was asked for the request's address and could not tell.
fn is_off_the_map(document: &Document) -> bool {
    let section = document.qualification.as_ref();
    let current = section.filter(|one| one.revision == document.revisions.of_qualification());
    let outcome = current.and_then(|section| section.map);
    outcome.is_some_and(|outcome| match outcome {
        MapOutcome::Doubtful
        | MapOutcome::NotFound
        | MapOutcome::OverQuota
        | MapOutcome::Unavailable => true,
        MapOutcome::Found | MapOutcome::Unrecognized => false,
    })
}

fn gated(gate: SpamGate, passes: &str) -> String {
    match (gate, passes) {
        (SpamGate::Pass, passes) => passes.to_owned(),
        (SpamGate::Review, "passed") => "asked for a review".to_owned(),
        (SpamGate::Review, _) => "would ask for a review".to_owned(),
        (SpamGate::Quarantine, "passed") => "was quarantined".to_owned(),
        (SpamGate::Quarantine, _) => "would be quarantined".to_owned(),
    }
}

fn placed(area: AreaVerdict, verb: &str) -> String {
    let (side, basis) = match area {
        AreaVerdict::In(basis) => ("inside the service area", Some(basis)),
        AreaVerdict::Out(basis) => ("outside the service area", Some(basis)),
        AreaVerdict::Unknown => ("not known to be inside the service area", None),
    };
    let basis = basis.filter(|basis| *basis != AreaBasis::Everywhere);
    let by = basis.map_or_else(String::new, |basis| format!(" by {}", by(basis)));
    format!("{verb} {side}{by}")
}

const fn by(basis: AreaBasis) -> &'static str {
    match basis {
        AreaBasis::Everywhere => "no limit",
        AreaBasis::PostalCode => "its ZIP code",
        AreaBasis::Radius => "its distance",
        AreaBasis::Polygon => "its place on the map",
        AreaBasis::Address => "its address",
        AreaBasis::CallerCity => "the caller's town",
    }
}

fn listed(names: impl Iterator<Item = impl ToString>) -> String {
    let names: Vec<_> = names.map(|name| name.to_string()).collect();
    if names.is_empty() {
        "none".to_owned()
    } else {
        names.join(", ")
    }
}
