//! How promising a lead is.

use domain::{Budget, Intent, Reason, Timeline};

use super::{Findings, plain, said::Finding};

/// The lead score, a sum of named contributions, and what shows each. The likelier it is spam, the lower it is.
pub(super) fn score(base: i32, found: &Findings) -> (u8, Vec<Reason>) {
    let mut sum = Sum(base, Vec::new());
    sum.add(found.intent.as_ref(), |intent| {
        let word = plain(intent.as_str());
        (intent_points(*intent), format!("wants: {word}"))
    });
    sum.add(found.project.as_ref(), |project| {
        (10, format!("project: {}", plain(project.as_str())))
    });
    sum.add(found.timeline.as_ref(), |timeline| {
        let word = plain(timeline.as_str());
        (timeline_points(*timeline), format!("start: {word}"))
    });
    sum.add(found.dollars.as_ref(), |_| {
        let budget = found.budget();
        let points = if budget == Budget::Low { 3 } else { 15 };
        let name = format!("names a sum: {} for its kind", budget.as_str());
        (points, name)
    });
    sum.add(found.postal_code.as_ref(), |_| (5, "names a place".into()));
    sum.add(found.call_back.as_ref(), |()| {
        (5, "asks to be called back".into())
    });
    let Sum(score, reasons) = sum;
    let is_likely = |score: &u8| f64::from(*score) <= 100.0 - found.spam.value;
    let most = (0..=100_u8).rev().find(is_likely).unwrap_or(0);
    let score = u8::try_from(score.clamp(0, 100)).unwrap_or(0);
    (score.min(most), reasons)
}

/// Points, and a reason for each contribution that somebody's words show.
struct Sum(i32, Vec<Reason>);

impl Sum {
    fn add<T>(&mut self, found: Option<&Finding<T>>, share: impl Fn(&T) -> (i32, String)) {
        let Some(Finding { value, quote }) = found else {
            return;
        };
        let (points, name) = share(value);
        self.0 += points;
        self.1.extend(quote.clone().map(|quote| Reason {
            reason: format!("{name} ({points:+})"),
            quote,
        }));
    }
}

fn intent_points(intent: Intent) -> i32 {
    match intent {
        Intent::Quote | Intent::Appointment => 20,
        Intent::Repair => 15,
        Intent::Information => 5,
        Intent::Other => 0,
        Intent::ExistingProject | Intent::Complaint => -15,
        Intent::Solicitation | Intent::WrongNumber => -50,
    }
}

fn timeline_points(timeline: Timeline) -> i32 {
    match timeline {
        Timeline::Immediate => 20,
        Timeline::OneToThreeMonths => 15,
        Timeline::ThreeToSixMonths => 8,
        Timeline::SixMonthsPlus => 3,
        Timeline::Unknown => 0,
    }
}
