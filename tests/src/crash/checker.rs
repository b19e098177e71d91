//! The outside checker: compares what was sent and acknowledged with what the product keeps and what the providers
//! have received. It shares no code with the product, and knows of it only what its users are promised.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt,
};

use super::evidence::{
    Call, Contact, Deal, DeliveryKey, Evidence, Fate, GIVEN_UP, Request, UNKNOWN,
};

/// What can be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// A delivery has no acknowledgement.
    NotAcknowledged,
    /// A delivery was answered with something else than an acknowledgement.
    Refused,
    /// An acknowledged delivery is not stored.
    DeliveryLost,
    /// A delivery is stored twice.
    DeliveryDoubled,
    /// A stored delivery was never sent.
    DeliveryUnexplained,
    /// An acknowledgement names another request than the delivery and its call belong to.
    AcknowledgementWrong,
    /// An acknowledged request is not there.
    RequestLost,
    /// A call has more than one request.
    RequestDoubled,
    /// A request comes of no delivery.
    RequestUnexplained,
    /// Several calls have become one request.
    CallsMixed,
    /// A request does not stand where its call ends.
    StatusWrong,
    /// A timeline has no end, an end without a reason, or goes on behind it.
    TimelineWrong,
    /// Work is left.
    WorkLeft,
    /// An outside effect is still only intended.
    EffectLeft,
    /// A person of a lead has no contact.
    ContactLost,
    /// A person has two contacts.
    ContactDoubled,
    /// A contact comes of no lead.
    ContactUnexplained,
    /// A lead has no deal.
    DealLost,
    /// A request has two deals.
    DealDoubled,
    /// A deal comes of no lead.
    DealUnexplained,
    /// A deal does not belong to its person's contact alone.
    DealMisplaced,
    /// A deal does not show the newest.
    DealOutdated,
    /// Nobody was told of a lead.
    MailLost,
    /// People were told of a request twice.
    MailDoubled,
    /// A mail is about no lead.
    MailUnexplained,
    /// The API shows something else than what is stored.
    ShownWrong,
}

/// Something that is wrong.
#[derive(Debug, Clone)]
pub struct Finding {
    /// What kind of thing.
    pub rule: Rule,
    /// What exactly.
    pub detail: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.rule, self.detail)
    }
}

/// Compares everything; answers what is wrong, which should be nothing.
pub fn check(evidence: &Evidence) -> Vec<Finding> {
    let mut checker = Checker::new(evidence);
    checker.deliveries();
    checker.requests();
    checker.leftovers();
    checker.crm();
    checker.mails();
    checker.shown();
    checker.findings
}

struct Checker<'a> {
    evidence: &'a Evidence,
    requests: HashMap<&'a str, &'a Request>,
    /// The request of each call, where there is one.
    of_call: Vec<Option<&'a str>>,
    /// The calls of each request.
    calls_of: HashMap<&'a str, Vec<usize>>,
    findings: Vec<Finding>,
}

impl<'a> Checker<'a> {
    fn new(evidence: &'a Evidence) -> Self {
        let Evidence { calls, stored, .. } = evidence;
        let requests: HashMap<_, _> = stored
            .requests
            .iter()
            .map(|request| (request.id.as_str(), request))
            .collect();
        let aliases: HashMap<&str, &str> = stored
            .aliases
            .iter()
            .map(|(name, request)| (name.as_str(), request.as_str()))
            .collect();
        let of_call: Vec<_> = calls
            .iter()
            .map(|call| Some(survivor(&requests, aliases.get(call.id.as_str())?)))
            .collect();
        let mut calls_of: HashMap<&str, Vec<usize>> = HashMap::new();
        for (call, request) in of_call.iter().enumerate() {
            if let Some(request) = request {
                calls_of.entry(request).or_default().push(call);
            }
        }
        Self {
            evidence,
            requests,
            of_call,
            calls_of,
            findings: Vec::new(),
        }
    }

    fn survivor<'b>(&'b self, id: &'b str) -> &'b str {
        survivor(&self.requests, id)
    }

    fn find(&mut self, rule: Rule, detail: impl Into<String>) {
        let detail = detail.into();
        self.findings.push(Finding { rule, detail });
    }

    /// Every acknowledged delivery is stored once, with the request that its sender was told; nothing else is stored.
    fn deliveries(&mut self) {
        let Evidence { sent, stored, .. } = self.evidence;
        let mut rows: HashMap<&DeliveryKey, Vec<Option<&str>>> = HashMap::new();
        for (key, request) in &stored.events {
            rows.entry(key).or_default().push(request.as_deref());
        }
        for (number, delivery) in sent.iter().enumerate() {
            let of_call = delivery.call.and_then(|call| self.of_call[call]);
            let row = rows.get(&delivery.key);
            if let Some(refused) = &delivery.refused {
                self.find(Rule::Refused, format!("delivery {number}: {refused}"));
            } else if let Some(named) = &delivery.acknowledged {
                if row.is_none() {
                    self.find(Rule::DeliveryLost, format!("delivery {number}"));
                }
                if let Some(named) = named
                    && !self.requests.contains_key(named.as_str())
                {
                    self.find(Rule::RequestLost, format!("{named}, of delivery {number}"));
                }
                if named.as_deref().map(|id| self.survivor(id)) != of_call {
                    let detail =
                        format!("delivery {number} was told {named:?}, its call is {of_call:?}");
                    self.find(Rule::AcknowledgementWrong, detail);
                }
            } else {
                self.find(Rule::NotAcknowledged, format!("delivery {number}"));
            }
            let is_of_call = |stored: &Option<&str>| stored.map(|id| self.survivor(id)) == of_call;
            if row.is_some_and(|row| !row.iter().all(is_of_call)) {
                let detail =
                    format!("delivery {number} is stored for {row:?}, its call is {of_call:?}");
                self.find(Rule::AcknowledgementWrong, detail);
            }
        }
        let known: BTreeSet<_> = sent.iter().map(|delivery| &delivery.key).collect();
        for (key, row) in &rows {
            if row.len() > 1 {
                self.find(
                    Rule::DeliveryDoubled,
                    format!("{} times: a {} of {row:?}", row.len(), key.0),
                );
            }
            if !known.contains(*key) {
                self.find(Rule::DeliveryUnexplained, format!("a {} of {row:?}", key.0));
            }
        }
    }

    /// Every call has one request, which has ended as its call must, and whose timeline has an end for each reason.
    fn requests(&mut self) {
        let mut attempts: HashMap<usize, u32> = HashMap::new();
        let mut deliveries: HashMap<usize, BTreeSet<&DeliveryKey>> = HashMap::new();
        for delivery in &self.evidence.sent {
            if let Some(call) = delivery.call {
                *attempts.entry(call).or_default() += delivery.attempts;
                deliveries.entry(call).or_default().insert(&delivery.key);
            }
        }
        let mut received: HashMap<String, u32> = HashMap::new();
        for request in &self.evidence.stored.requests {
            let times = request
                .timeline
                .iter()
                .filter(|word| *word == "received")
                .count();
            let survivor = self.survivor(&request.id).to_owned();
            *received.entry(survivor).or_default() += u32::try_from(times).unwrap_or(u32::MAX);
        }
        let with_events: BTreeSet<_> = self
            .evidence
            .stored
            .events
            .iter()
            .filter_map(|(_, request)| request.as_deref())
            .collect();
        for request in &self.evidence.stored.requests {
            if !with_events.contains(request.id.as_str()) {
                self.find(
                    Rule::RequestUnexplained,
                    format!("{} has no delivery", request.id),
                );
            }
            let is_merged = request.merged_into.is_some();
            if is_merged != (request.status == "merged") {
                let detail = format!(
                    "{} is {}: {:?}",
                    request.id, request.status, request.merged_into
                );
                self.find(Rule::StatusWrong, detail);
            }
            let calls = self.calls_of.get(self.survivor(&request.id));
            let Some(&[call]) = calls.map(Vec::as_slice) else {
                let (rule, detail) = match calls {
                    Some(calls) => (Rule::CallsMixed, format!("{}: {calls:?}", request.id)),
                    None => (
                        Rule::RequestUnexplained,
                        format!("{} has no call", request.id),
                    ),
                };
                self.find(rule, detail);
                continue;
            };
            if is_merged {
                continue;
            }
            let is_untold = self.is_given_up(&request.id) && request.status == "parked";
            let expected = self.evidence.calls[call].fate.status();
            if request.status != expected && !is_untold {
                let detail = format!("{} is {}, not {expected}", request.id, request.status);
                self.find(Rule::StatusWrong, detail);
            }
            let times = received.get(&request.id).copied().unwrap_or(0);
            let least = deliveries.get(&call).map_or(0, BTreeSet::len);
            let most = attempts.get(&call).copied().unwrap_or(0);
            if (times as usize) < least || times > most {
                let detail = format!(
                    "{} received {times} times, of {least} deliveries sent {most} times",
                    request.id
                );
                self.find(Rule::TimelineWrong, detail);
            }
            if let Err(why) = timeline(request)
                && !is_untold
            {
                let detail = format!("{} {why}: {}", request.id, request.timeline.join(", "));
                self.find(Rule::TimelineWrong, detail);
            }
        }
        // Two requests of one call would stand in two acknowledgements, or without a call.
        let mut told: BTreeMap<usize, BTreeSet<&str>> = BTreeMap::new();
        for delivery in &self.evidence.sent {
            if let (Some(call), Some(Some(request))) = (delivery.call, &delivery.acknowledged) {
                told.entry(call)
                    .or_default()
                    .insert(survivor(&self.requests, request));
            }
        }
        for (call, requests) in told {
            if requests.len() > 1 {
                let id = &self.evidence.calls[call].id;
                self.find(Rule::RequestDoubled, format!("{id}: {requests:?}"));
            }
        }
    }

    /// Whether nobody confirmed a request's mail: then it waits for a person.
    fn is_given_up(&self, request: &str) -> bool {
        let messages = &self.evidence.stored.messages;
        messages
            .iter()
            .any(|(of, outcome)| of == request && outcome == GIVEN_UP)
    }

    fn leftovers(&mut self) {
        for row in &self.evidence.stored.work {
            let rest = row.strip_prefix("notification of ");
            let untold = rest.and_then(|rest| rest.split_once(" is parked "));
            if !untold.is_some_and(|(request, _)| self.is_given_up(request)) {
                self.find(Rule::WorkLeft, row.clone());
            }
        }
        for (key, state) in &self.evidence.stored.effects {
            // What was begun for a request that became part of another is asked for by nobody.
            let request = key.split('/').nth(1).and_then(|id| self.requests.get(id));
            let is_merged = request.is_some_and(|request| request.merged_into.is_some());
            if state == "intended" && !is_merged {
                self.find(Rule::EffectLeft, key.clone());
            }
        }
    }

    /// The requests of leads, each with its call.
    fn leads(&self) -> Vec<(&'a str, &'a Call)> {
        let of_call = self.of_call.iter().zip(&self.evidence.calls);
        of_call
            .filter(|(_, call)| call.fate == Fate::Lead)
            .filter_map(|(request, call)| Some(((*request)?, call)))
            .collect()
    }

    /// One contact for each person of a lead, one deal for each lead, each where it belongs, and nothing else.
    fn crm(&mut self) {
        let leads = self.leads();
        let mut contacts: BTreeMap<&str, Vec<&Contact>> = BTreeMap::new();
        for contact in &self.evidence.contacts {
            contacts.entry(&contact.phone).or_default().push(contact);
        }
        let people: BTreeSet<&str> = leads.iter().map(|(_, call)| call.phone.as_str()).collect();
        for phone in &people {
            if !contacts.contains_key(phone) {
                self.find(Rule::ContactLost, *phone);
            }
        }
        for (phone, of_person) in &contacts {
            let ids: Vec<_> = of_person.iter().map(|contact| &contact.id).collect();
            if of_person.len() > 1 {
                self.find(Rule::ContactDoubled, format!("{phone}: {ids:?}"));
            }
            if !people.contains(phone) {
                self.find(Rule::ContactUnexplained, format!("{phone}: {ids:?}"));
            }
        }

        let mut holders: HashMap<&str, Vec<&Contact>> = HashMap::new();
        for contact in &self.evidence.contacts {
            for deal in &contact.deals {
                holders.entry(deal).or_default().push(contact);
            }
        }
        let mut deals: HashMap<&str, Vec<&Deal>> = HashMap::new();
        for deal in &self.evidence.deals {
            deals.entry(&deal.request).or_default().push(deal);
        }
        for (request, call) in &leads {
            let of_request = deals.remove(request).unwrap_or_default();
            match of_request.as_slice() {
                [] => self.find(Rule::DealLost, *request),
                [deal] => {
                    let held_by: Vec<_> = holders
                        .get(deal.id.as_str())
                        .into_iter()
                        .flatten()
                        .map(|contact| contact.phone.as_str())
                        .collect();
                    if held_by != [call.phone.as_str()] {
                        let detail = format!("{request} of {} belongs to {held_by:?}", call.phone);
                        self.find(Rule::DealMisplaced, detail);
                    }
                    if !deal
                        .tags
                        .split([',', ';', ' '])
                        .any(|tag| tag == call.newest_tag)
                    {
                        let detail =
                            format!("{request} shows `{}`, not `{}`", deal.tags, call.newest_tag);
                        self.find(Rule::DealOutdated, detail);
                    }
                }
                several => {
                    let ids: Vec<_> = several.iter().map(|deal| &deal.id).collect();
                    self.find(Rule::DealDoubled, format!("{request}: {ids:?}"));
                }
            }
        }
        for (request, strange) in deals {
            let ids: Vec<_> = strange.iter().map(|deal| &deal.id).collect();
            self.find(Rule::DealUnexplained, format!("{ids:?} of `{request}`"));
        }
    }

    /// One mail for each lead, accepted and recorded once, and nothing else. One that was begun as often as it may
    /// be, and never confirmed, is recorded as such.
    fn mails(&mut self) {
        let mut mails: HashMap<&str, Vec<&str>> = HashMap::new();
        for mail in &self.evidence.mails {
            mails.entry(&mail.request).or_default().push(&mail.message);
        }
        let mut recorded: HashMap<&str, Vec<&str>> = HashMap::new();
        for (request, outcome) in &self.evidence.stored.messages {
            if outcome != UNKNOWN {
                recorded.entry(request).or_default().push(outcome);
            }
        }
        for (request, _) in self.leads() {
            let accepted = mails.remove(request).unwrap_or_default();
            if accepted.len() > 1 {
                self.find(Rule::MailDoubled, format!("{request}: {accepted:?}"));
            }
            let recorded = recorded.remove(request).unwrap_or_default();
            match recorded.as_slice() {
                [GIVEN_UP] => {}
                ["sent"] if accepted.is_empty() => {
                    self.find(Rule::MailLost, format!("{request} is recorded as sent"));
                }
                ["sent"] => {}
                [_, _, ..] => {
                    self.find(
                        Rule::MailDoubled,
                        format!("{request} is recorded as {recorded:?}"),
                    );
                }
                _ => self.find(
                    Rule::MailLost,
                    format!("{request} is recorded as {recorded:?}"),
                ),
            }
        }
        for (request, strange) in mails {
            self.find(Rule::MailUnexplained, format!("{strange:?} of `{request}`"));
        }
        for (request, strange) in recorded {
            self.find(
                Rule::MailUnexplained,
                format!("{strange:?} recorded of `{request}`"),
            );
        }
    }

    fn shown(&mut self) {
        let Evidence { shown, stored, .. } = self.evidence;
        let mut left: HashMap<&str, &str> = stored
            .requests
            .iter()
            .map(|request| (request.id.as_str(), request.status.as_str()))
            .collect();
        for (request, status) in shown {
            if left.remove(request.as_str()) != Some(status) {
                self.find(Rule::ShownWrong, format!("{request} is shown as {status}"));
            }
        }
        for (request, status) in left {
            self.find(
                Rule::ShownWrong,
                format!("{request}, {status}, is not shown"),
            );
        }
    }
}

/// The request that goes on; of a chain that has no end, any.
fn survivor<'a>(requests: &HashMap<&'a str, &'a Request>, id: &'a str) -> &'a str {
    let mut last = id;
    for _ in 0..requests.len() {
        match requests
            .get(last)
            .and_then(|request| request.merged_into.as_deref())
        {
            Some(next) => last = next,
            None => break,
        }
    }
    last
}

/// A timeline ends as the request stands. It has at most one end for each reason (a delivery that was received, or
/// another request that was the same), and nothing but further reasons, which changed nothing, stands behind the last
/// end. What tells of other requests, or of people, is no work, and stands anywhere.
fn timeline(request: &Request) -> Result<(), &'static str> {
    const ENDS: [&str; 3] = ["completed", "quarantined", "out_of_area"];
    const BESIDE: [&str; 3] = ["linked", "unlinked", "touched"];
    let (mut has_reason, mut end) = (false, None);
    let work = |word: &&String| !BESIDE.contains(&word.as_str());
    for word in request.timeline.iter().filter(work) {
        if word == "received" || word == "merged" {
            has_reason = true;
        } else if !has_reason {
            return Err("goes on without a reason");
        } else if ENDS.contains(&word.as_str()) {
            (has_reason, end) = (false, Some(word));
        } else {
            end = None;
        }
    }
    match end {
        Some(end) if *end == request.status => Ok(()),
        Some(_) => Err("ended otherwise than it stands"),
        None => Err("has no end"),
    }
}
