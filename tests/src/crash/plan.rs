//! What is sent: drawn from a seed before anything happens.

use std::{collections::BTreeMap, fmt::Write as _, sync::Arc};

use jiff::Timestamp;
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use serde_json::{Value, json};

use super::evidence::Fate;

/// How many of the newest calls or deliveries are mostly meant when an earlier one is.
const NEAR: usize = 60;

/// All calls and deliveries of a story.
pub(crate) struct Plan {
    pub(crate) calls: Vec<Call>,
    pub(crate) deliveries: Vec<Delivery>,
}

/// A call, as it stands once everything was said of it.
pub(crate) struct Call {
    pub(crate) id: String,
    pub(crate) phone: String,
    pub(crate) fate: Fate,
    /// The tag that only the newest delivery has.
    pub(crate) newest_tag: String,
    name: String,
    audio: Option<&'static str>,
    /// The older, numeric id of the same call.
    number: usize,
}

/// One delivery.
pub(crate) struct Delivery {
    /// The name of the event in its URL.
    pub(crate) event: &'static str,
    pub(crate) body: Arc<[u8]>,
    /// The call that it makes or changes; none for an event that is not used.
    pub(crate) call: Option<usize>,
    /// It is sent once this one is acknowledged.
    pub(crate) after: Option<usize>,
}

/// The recordings that calls have, how often of a thousand, and what becomes of such a call.
const RECORDINGS: [(&str, u32, Fate); 5] = [
    ("kitchen-quote", 20, Fate::Lead),
    ("bathroom-leak", 20, Fate::Lead),
    ("whole-home", 20, Fate::Lead),
    ("spam-robocall", 20, Fate::Spam),
    ("out-of-area", 20, Fate::OutOfArea),
];
/// A recording that is transcribed by an operation, for stories that have the time.
const LONG_RECORDING: (&str, u32, Fate) = ("long-call", 2, Fate::Lead);

struct Drawing {
    rng: StdRng,
    plan: Plan,
    people: usize,
    /// For each call, its newest delivery.
    newest: BTreeMap<usize, usize>,
    has_long_calls: bool,
}

impl Plan {
    /// Draws the deliveries of a story.
    pub(crate) fn draw(seed: u64, deliveries: usize, has_long_calls: bool) -> Self {
        let mut drawing = Drawing {
            rng: StdRng::seed_from_u64(seed),
            plan: Self {
                calls: Vec::new(),
                deliveries: Vec::with_capacity(deliveries),
            },
            people: 0,
            newest: BTreeMap::new(),
            has_long_calls,
        };
        for _ in 0..deliveries {
            let delivery = match drawing.rng.random_range(0..100) {
                _ if drawing.plan.calls.is_empty() => drawing.new_call(),
                0..50 => drawing.new_call(),
                50..72 => drawing.edit(),
                72..95 => drawing.repeat(),
                _ => drawing.unused(),
            };
            drawing.plan.deliveries.push(delivery);
        }
        drawing.plan
    }

    /// The calls as the simulated CallRail is to know them, in parts of a size that a request may have.
    pub(crate) fn registrations(&self) -> impl Iterator<Item = Value> + '_ {
        self.calls.chunks(500).map(|part| {
            let calls = part
                .iter()
                .map(|call| (call.id.clone(), call.registration()));
            Value::Object(calls.collect())
        })
    }
}

impl Drawing {
    /// An earlier one of `count`: mostly one of the newest.
    fn earlier(&mut self, count: usize) -> usize {
        let from = if self.rng.random_bool(0.7) {
            count.saturating_sub(NEAR)
        } else {
            0
        };
        self.rng.random_range(from..count)
    }

    fn new_call(&mut self) -> Delivery {
        let index = self.plan.calls.len();
        let person = if index > 0 && self.rng.random_bool(0.25) {
            self.rng.random_range(0..self.people)
        } else {
            self.people += 1;
            self.people - 1
        };
        let (audio, fate) = self.recording();
        let call = Call {
            id: format!("CAL{:032x}", self.rng.random::<u128>()),
            // No exchange begins with a digit below 2.
            phone: format!("+1512{}", 2_000_000 + person),
            fate,
            newest_tag: format!("said-{}", self.plan.deliveries.len()),
            name: name(person),
            audio,
            number: 100_000_000 + index,
        };
        let body = call.body(&[], false);
        self.plan.calls.push(call);
        self.newest.insert(index, self.plan.deliveries.len());
        Delivery {
            event: "post-call",
            body,
            call: Some(index),
            after: None,
        }
    }

    fn recording(&mut self) -> (Option<&'static str>, Fate) {
        let mut draw = self.rng.random_range(0..1_000);
        let long = self.has_long_calls.then_some(LONG_RECORDING);
        for (name, share, fate) in RECORDINGS.into_iter().chain(long) {
            if draw < share {
                return (Some(name), fate);
            }
            draw -= share;
        }
        (None, Fate::Lead)
    }

    /// A later edit of a call, some by another id than the report. Edits come in their order; the first may overtake
    /// the report of the call itself.
    fn edit(&mut self) -> Delivery {
        let index = self.earlier(self.plan.calls.len());
        let number = self.plan.deliveries.len();
        let before = self.newest.insert(index, number);
        let (overtakes, by_number) = (self.rng.random_bool(0.2), self.rng.random_bool(0.1));
        let call = &mut self.plan.calls[index];
        call.newest_tag = format!("said-{number}");
        let is_first_edit =
            before.is_some_and(|before| self.plan.deliveries[before].event == "post-call");
        Delivery {
            event: "call-modified",
            body: call.body(&["tags"], by_number),
            call: Some(index),
            after: before.filter(|_| !(is_first_edit && overtakes)),
        }
    }

    /// An earlier delivery once more, to the byte.
    fn repeat(&mut self) -> Delivery {
        let earlier = self.earlier(self.plan.deliveries.len());
        let earlier = &self.plan.deliveries[earlier];
        Delivery {
            event: earlier.event,
            body: earlier.body.clone(),
            call: earlier.call,
            after: None,
        }
    }

    fn unused(&mut self) -> Delivery {
        let index = self.earlier(self.plan.calls.len());
        let number = self.plan.deliveries.len();
        let body = json!({ "resource_id": self.plan.calls[index].id, "number": number });
        Delivery {
            event: "convert-assist",
            body: bytes(&body),
            call: None,
            after: None,
        }
    }
}

impl Call {
    fn body(&self, changes: &[&str], by_number: bool) -> Arc<[u8]> {
        // No two calls at one moment: those of one caller would have one name.
        let nth = i64::try_from(self.number).unwrap();
        let began = Timestamp::from_millisecond(1_773_758_462_101 + nth).unwrap();
        let mut body = json!({
            "company_resource_id": simulators::callrail::COMPANIES[1],
            "answered": self.audio.is_some(),
            "voicemail": false,
            "direction": "inbound",
            "duration": if self.audio.is_some() { "31" } else { "0" },
            "start_time": began.to_string(),
            "customer_name": self.name,
            "customer_phone_number": self.phone,
            "business_phone_number": "+15125550100",
            "tracking_phone_number": "+15125550117",
            "source": "Google Ads",
            "tags": [self.newest_tag],
        });
        if by_number {
            body["id"] = json!(self.number);
        } else {
            body["resource_id"] = json!(self.id);
        }
        if self.audio.is_some() {
            body["recording"] = json!("https://app.callrail.com/calls/1/recording/redirect");
        }
        if !changes.is_empty() {
            body["changes"] = json!(changes);
        }
        bytes(&body)
    }

    fn registration(&self) -> Value {
        json!({
            "recording": self.audio,
            "numeric_id": self.number,
            "answered": self.audio.is_some(),
            "duration": if self.audio.is_some() { 31 } else { 0 },
            "customer_name": self.name,
            "customer_phone_number": self.phone,
            "tags": [self.newest_tag],
        })
    }
}

fn bytes(body: &Value) -> Arc<[u8]> {
    body.to_string().into_bytes().into()
}

/// A name without digits, as people have.
fn name(person: usize) -> String {
    let mut name = "Dana W".to_owned();
    for digit in person.to_string().bytes() {
        let letter = char::from(b'a' + (digit - b'0'));
        write!(name, "{letter}").unwrap();
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_seed_draws_one_plan_with_everything_in_it() {
        let plan = Plan::draw(7, 2_000, false);
        let again = Plan::draw(7, 2_000, false);
        let other = Plan::draw(8, 2_000, false);
        let bodies = |plan: &Plan| -> Vec<_> {
            plan.deliveries
                .iter()
                .map(|delivery| delivery.body.clone())
                .collect()
        };
        assert_eq!(bodies(&plan), bodies(&again));
        assert_ne!(bodies(&plan), bodies(&other));
        let different: std::collections::BTreeSet<_> = bodies(&plan).into_iter().collect();
        assert!(different.len() < 1_700, "repeats");
        let count = |event: &str| {
            plan.deliveries
                .iter()
                .filter(|sent| sent.event == event)
                .count()
        };
        for (event, least) in [
            ("post-call", 1_000),
            ("call-modified", 400),
            ("convert-assist", 50),
        ] {
            assert!(count(event) > least, "{event}: {}", count(event));
        }
        let people: std::collections::BTreeSet<_> =
            plan.calls.iter().map(|call| &call.phone).collect();
        assert!(people.len() < plan.calls.len() * 9 / 10, "second calls");
        for fate in [Fate::Lead, Fate::Spam, Fate::OutOfArea] {
            assert!(plan.calls.iter().any(|call| call.fate == fate), "{fate:?}");
        }
    }
}
