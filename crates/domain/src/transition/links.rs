//! Requests of one person, who came by two doors: linked, and taken apart.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use jiff::Timestamp;

use super::{Plan, RequestState, Undecidable};
use crate::{Link, LinkReason, RequestId, Unlinked, name};

/// Requests that have one number or address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Circle {
    /// Which of the two it is.
    pub reason: LinkReason,
    /// The requests.
    pub members: BTreeSet<RequestId>,
    /// Whether there are more than anybody looked at: then it is no one person's.
    pub is_crowded: bool,
}

/// A link for what two requests no longer have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StaleLink {
    /// One of them.
    pub of: RequestId,
    /// The other, as the link names it: it may have been merged since.
    pub named: RequestId,
    /// The other, as it is now.
    pub to: RequestId,
    /// What they had in common.
    pub reason: LinkReason,
}

/// Links requests that are the same person's and came within `window` of each other.
///
/// A number or an address at which several people answer joins nobody: two different names are enough, or two extensions of
/// one number, and links that it made before are taken out. So what is linked follows from which requests there are, not
/// from their order.
pub fn link(
    states: Vec<RequestState>,
    circles: &[Circle],
    stale: &[StaleLink],
    window: Duration,
    now: Timestamp,
) -> Plan {
    let open = states.into_iter().filter(|state| {
        let document = &state.request.document;
        document.merged_into.is_none() && !document.erased
    });
    let mut states: BTreeMap<_, _> = open.map(|state| (state.request.id, state)).collect();
    let mut changed = BTreeSet::new();
    for link in stale {
        let why = format!("they no longer have one {}", link.reason.thing());
        for (of, to) in [(link.of, link.named), (link.to, link.of)] {
            if take_out(&mut states, of, to, link.reason, &why, now) {
                changed.insert(of);
            }
        }
    }
    for circle in circles {
        let members: Vec<_> = circle
            .members
            .iter()
            .filter(|id| states.contains_key(id))
            .copied()
            .collect();
        let has_desks = circle.reason == LinkReason::Phone && has_several_desks(&members, &states);
        let is_shared = circle.is_crowded || has_desks || has_several_names(&members, &states);
        for (index, one) in members.iter().enumerate() {
            for other in members.iter().skip(index + 1) {
                for (of, to) in [(one, other), (other, one)] {
                    let is_changed = if is_shared {
                        let whose = if has_desks { "desks" } else { "names" };
                        let why = format!("several {whose} have the {}", circle.reason.thing());
                        take_out(&mut states, *of, *to, circle.reason, &why, now)
                    } else {
                        put_in(&mut states, *of, *to, circle.reason, window, now)
                    };
                    if is_changed {
                        changed.insert(*of);
                    }
                }
            }
        }
    }
    let mut plan = Plan::default();
    for (id, state) in states {
        if changed.contains(&id) {
            let change = state.finish(now, &mut plan.wakes);
            plan.changes.push(change);
        }
    }
    plan
}

/// Takes two linked requests apart, on both sides; `by` asked for it. `names` are the ids that each is known by to the
/// other: its own, and that of one that was merged into it.
///
/// # Errors
/// [`Undecidable`] when they are not linked.
pub fn unlink(
    one: (RequestState, &[RequestId]),
    other: (RequestState, &[RequestId]),
    by: &str,
    now: Timestamp,
) -> Result<Plan, Undecidable> {
    let (mut one, its_names) = one;
    let (mut other, others_names) = other;
    let is_linked = part(&mut one, others_names, by, now) | part(&mut other, its_names, by, now);
    if !is_linked {
        let (one, other) = (one.request.id, other.request.id);
        return Err(Undecidable(format!("{one} is not linked to {other}")));
    }
    let mut plan = Plan::default();
    for state in [one, other] {
        let change = state.finish(now, &mut plan.wakes);
        plan.changes.push(change);
    }
    Ok(plan)
}

fn part(state: &mut RequestState, names: &[RequestId], by: &str, now: Timestamp) -> bool {
    let links = state.request.document.links.iter_mut();
    let mut parted = Vec::new();
    for link in links.filter(|link| link.is_active() && names.contains(&link.request)) {
        link.unlinked = Some(Unlinked {
            by: by.to_owned(),
            at: now,
        });
        parted.push(link.request);
    }
    for request in &parted {
        state.note(
            now,
            "unlinked",
            Some(format!("{request} is another person, says {by}")),
        );
    }
    !parted.is_empty()
}

/// Whether different extensions are dialed behind the number: it is an office's.
fn has_several_desks(members: &[RequestId], states: &BTreeMap<RequestId, RequestState>) -> bool {
    let extensions: BTreeSet<_> = members
        .iter()
        .filter_map(|id| states.get(id)?.request.document.facts().contact().extension)
        .collect();
    extensions.len() > 1
}

fn has_several_names(members: &[RequestId], states: &BTreeMap<RequestId, RequestState>) -> bool {
    let names: Vec<_> = members
        .iter()
        .filter_map(|id| {
            let contact = states.get(id)?.request.document.facts().contact();
            let words = name::distinguishing(&contact.name?);
            (!words.is_empty()).then_some(words)
        })
        .collect();
    let mut pairs = names
        .iter()
        .enumerate()
        .flat_map(|(index, one)| names.iter().skip(index + 1).map(move |other| (one, other)));
    pairs.any(|(one, other)| !name::are_same(one, other))
}

/// Links `of` to `to`, unless it is so already. Where a person took a link of the two back, they are two persons,
/// whatever else they turn out to have in common.
fn put_in(
    states: &mut BTreeMap<RequestId, RequestState>,
    of: RequestId,
    to: RequestId,
    reason: LinkReason,
    window: Duration,
    now: Timestamp,
) -> bool {
    let Some(other) = states.get(&to).map(|state| &state.request) else {
        return false;
    };
    let (channel, came_at) = (other.document.channel_word().to_owned(), other.created_at);
    let Some(state) = states.get_mut(&of) else {
        return false;
    };
    let apart = state.request.created_at.duration_since(came_at);
    let links = &mut state.request.document.links;
    let is_known = |link: &Link| link.request == to && (link.reason == reason || !link.is_active());
    if window.is_zero() || apart.unsigned_abs() > window || links.iter().any(is_known) {
        return false;
    }
    links.push(Link {
        request: to,
        reason,
        channel,
        came_at,
        at: now,
        by: Link::BY_ITSELF.to_owned(),
        unlinked: None,
    });
    links.sort_by_key(|link| (link.came_at, link.request, link.reason));
    let why = format!("{to} is the same person's: {}", reason.sentence());
    state.note(now, "linked", Some(why));
    true
}

/// Takes a link out that was made without being asked; what a person took back stays known.
fn take_out(
    states: &mut BTreeMap<RequestId, RequestState>,
    of: RequestId,
    to: RequestId,
    reason: LinkReason,
    why: &str,
    now: Timestamp,
) -> bool {
    let Some(state) = states.get_mut(&of) else {
        return false;
    };
    let links = &mut state.request.document.links;
    let before = links.len();
    links.retain(|link| link.request != to || link.reason != reason || !link.is_active());
    if links.len() == before {
        return false;
    }
    let why = format!("{to} need not be the same person's: {why}");
    state.note(now, "unlinked", Some(why));
    true
}
