//! A tenant's people.

use std::{collections::BTreeSet, time::Duration};

use domain::{
    Circle, ContactSection, E164, EmailAddress, Link, LinkReason, PersonId, Plan, RequestId,
    RequestState, StoreError,
    transition::{self, StaleLink},
};
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use crate::Result;

/// What a person is recognized by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum PersonIdentity {
    /// A telephone number. Where number and address belong to two people, the number wins.
    Phone(E164),
    /// An e-mail address; upper and lower case are the same.
    Email(EmailAddress),
}

impl PersonIdentity {
    /// What a person is recognized by who can be reached like this.
    pub fn of(contact: &ContactSection) -> Vec<Self> {
        let phone = contact.phone.clone().map(Self::Phone);
        let email = contact.email.clone().map(Self::Email);
        phone.into_iter().chain(email).collect()
    }

    /// `phone` or `email`.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Phone(_) => "phone",
            Self::Email(_) => "email",
        }
    }

    /// What requests that share it are linked for; none if it tells nobody: a role's address, a company's freephone
    /// number, a number or an address that stands in for one.
    pub fn link_reason(&self) -> Option<LinkReason> {
        match self {
            Self::Phone(phone) => phone.is_personal().then_some(LinkReason::Phone),
            Self::Email(email) => email.is_personal().then_some(LinkReason::Email),
        }
    }

    /// Whether a request has it now.
    fn is_of(&self, state: &RequestState) -> bool {
        let contact = state.request().document.facts().contact();
        let mut now = Self::of(&contact).into_iter();
        now.any(|now| now.kind() == self.kind() && now.fingerprint() == self.fingerprint())
    }

    /// What is stored instead of the number or address itself.
    pub fn fingerprint(&self) -> String {
        let text = match self {
            Self::Phone(phone) => phone.as_str().to_owned(),
            Self::Email(email) => email.as_str().to_lowercase(),
        };
        hex::encode(Sha256::digest(text))
    }
}

/// How many requests with one number or address are looked at. One that has more is no one person's.
pub const MAX_CIRCLE: usize = 20;

/// Whose a request is, and which others are theirs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identified {
    /// The person.
    pub person: PersonId,
    /// The request's links, active ones and others.
    pub links: Vec<Link>,
}

/// What a request's identities lead to, gathered in the transaction that learns them.
#[derive(Debug, Default)]
pub struct Circles {
    states: Vec<RequestState>,
    circles: Vec<Circle>,
    stale: Vec<StaleLink>,
}

impl Circles {
    /// The circles of a request that has just learned its identities.
    pub fn around(request: RequestState) -> Self {
        Self {
            states: vec![request],
            circles: Vec::new(),
            stale: Vec::new(),
        }
    }

    /// The requests that had this identity when they were last asked, each with the id by which it was found, merged ones
    /// followed; those that this build cannot read are left out. `found` is how many there are, up to one more than
    /// [`MAX_CIRCLE`]. Whoever has corrected the number or the address since has it no more.
    pub fn add(
        &mut self,
        identity: &PersonIdentity,
        reason: LinkReason,
        found: usize,
        states: Vec<(RequestId, RequestState)>,
    ) {
        let has_it = |(named, state): &(RequestId, RequestState)| {
            // What was merged brought it along: its contact is in the other's.
            *named != state.request().id || identity.is_of(state)
        };
        let states = states.into_iter().filter(has_it);
        let states: Vec<_> = states.map(|(_, state)| state).collect();
        let own = self.states.first().map(|state| state.request().id);
        let others = states.iter().map(|state| state.request().id);
        self.circles.push(Circle {
            reason,
            members: own.into_iter().chain(others).collect(),
            is_crowded: found > MAX_CIRCLE,
        });
        states.into_iter().for_each(|state| self.keep(state));
    }

    /// Those that the request is linked to already, as its links name them.
    pub fn linked_before(&self) -> BTreeSet<RequestId> {
        let own = self.states.first();
        let links = own.map_or(&[][..], |own| &own.request().document.links);
        let active = links.iter().filter(|link| link.is_active());
        active.map(|link| link.request).collect()
    }

    /// One that the request is linked to already, and the id that its link names; asked once all circles are known. What
    /// they no longer have in common links them no longer. Returns what the request is no longer to be found by.
    pub fn compare(&mut self, named: RequestId, other: RequestState) -> Vec<PersonIdentity> {
        let Some(own) = self.states.first() else {
            return Vec::new();
        };
        let to = other.request().id;
        let is_still = |reason: LinkReason| {
            let mut of_reason = self.circles.iter().filter(|circle| circle.reason == reason);
            of_reason.any(|circle| circle.is_crowded || circle.members.contains(&to))
        };
        let links = own.request().document.links.iter();
        let gone = links.filter(|link| {
            let is_by_itself = link.is_active() && link.by == Link::BY_ITSELF;
            link.request == named && is_by_itself && !is_still(link.reason)
        });
        let gone: Vec<_> = gone.map(|link| link.reason).collect();
        let of = own.request().id;
        self.stale.extend(gone.iter().map(|reason| StaleLink {
            of,
            named,
            to,
            reason: *reason,
        }));
        let contact = other.request().document.facts().contact();
        let mut others = PersonIdentity::of(&contact);
        others.retain(|identity| {
            identity
                .link_reason()
                .is_some_and(|reason| gone.contains(&reason))
        });
        self.keep(other);
        others
    }

    fn keep(&mut self, state: RequestState) {
        let id = state.request().id;
        if !self.states.iter().any(|known| known.request().id == id) {
            self.states.push(state);
        }
    }

    /// What to write, and the links that the request has then.
    pub fn linked(self, within: Duration, now: Timestamp) -> (Plan, Vec<Link>) {
        let own = self.states.first().map(|state| state.request().clone());
        let plan = transition::link(self.states, &self.circles, &self.stale, within, now);
        let links = own.map(|own| {
            let mut changes = plan.changes.iter();
            let changed = changes.find(|change| change.request.id == own.id);
            let now = changed.map_or(&own, |change| &change.request);
            now.document.links.clone()
        });
        (plan, links.unwrap_or_default())
    }
}

/// Decides what takes two requests apart; each comes with the id that it was asked for by. `by` asked for it.
///
/// # Errors
/// [`StoreError::Conflict`] when they are not linked.
pub fn unlinked(
    (asked, one): (RequestId, RequestState),
    (asked_other, other): (RequestId, RequestState),
    by: &str,
    now: Timestamp,
) -> Result<Plan> {
    let names = [asked, one.request().id];
    let others_names = [asked_other, other.request().id];
    transition::unlink((one, &names), (other, &others_names), by, now)
        .map_err(|error| StoreError::Conflict(error.to_string()))
}

/// Whose a request is.
#[derive(Debug, PartialEq, Eq)]
pub struct Resolved<'a> {
    /// The person; `None` if it is somebody new.
    pub person: Option<PersonId>,
    /// The identities that belong to nobody yet: from now on they are this person's.
    pub free: BTreeSet<&'a PersonIdentity>,
}

/// Decides whose a request is. `known` is its person, if it was asked before; `owners` are its identities, each with the
/// person whom it belongs to.
pub fn resolve(
    known: Option<PersonId>,
    owners: &[(PersonIdentity, Option<PersonId>)],
) -> Resolved<'_> {
    // Numbers sort before addresses.
    let owner = owners
        .iter()
        .filter_map(|(identity, owner)| owner.map(|owner| (identity, owner)))
        .min_by_key(|(identity, _)| *identity)
        .map(|(_, owner)| owner);
    let free = owners.iter().filter(|(_, owner)| owner.is_none());
    Resolved {
        person: known.or(owner),
        free: free.map(|(identity, _)| identity).collect(),
    }
}
