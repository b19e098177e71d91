//! The oracle: counts every figure over all requests and over what the run noted, each by its own words. It shares nothing
//! with how figures are kept.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    Channel, DispatchState, VerdictKind,
    figures::{Figure, HISTOGRAMS},
};

use super::{
    random_run::{Run, Stored},
    *,
};
use crate::RequestQuery;

/// What is counted: its names by dimension, and when.
struct Thing {
    at: Timestamp,
    names: BTreeMap<Dimension, String>,
    what: What,
}

enum What {
    Lead {
        status: Status,
        is_genuine: bool,
        is_in_area: bool,
        is_in_crm: bool,
        is_told: bool,
        score: Option<f64>,
        spam: Option<f64>,
    },
    Push {
        is_done: bool,
    },
    Delivery,
    Refusals(u64),
    Try(u64),
}

pub(super) struct Oracle(Vec<Thing>);

/// A figure as the oracle has it: its numerator and denominator, or the times that a percentile is of.
#[derive(Debug, PartialEq)]
enum Expected {
    Count(f64),
    Ratio(f64, f64),
    Percentile(f64, Vec<u64>),
}

impl Oracle {
    pub(super) async fn of(run: &Run<'_>) -> Self {
        let mut things = Vec::new();
        let mut query = RequestQuery {
            limit: 200,
            ..Default::default()
        };
        loop {
            let page = run.subject.store.list_requests(&run.tenant, &query).await;
            let page = page.unwrap();
            query.before = page.items.last().map(|request| request.id);
            let alive = page
                .items
                .iter()
                .filter(|request| request.status != Status::Merged);
            for request in alive {
                things.extend(of_request(request));
            }
            if !page.has_more {
                break;
            }
        }
        things.extend(run.stored.iter().map(of_delivery));
        things.extend(run.refused.iter().map(|(at, provider, reason, count)| {
            let names = [
                (Dimension::Provider, (*provider).to_owned()),
                (Dimension::Reason, (*reason).to_owned()),
            ];
            thing(*at, names, What::Refusals(*count))
        }));
        things.extend(run.tries.iter().map(|it| {
            let names = [(Dimension::Stage, it.stage.to_string())];
            thing(it.at, names, What::Try(it.milliseconds))
        }));
        Self(things)
    }

    /// Compares every figure, by everything that it is told apart by, over steps of several lengths.
    pub(super) async fn agrees(&self, run: &Run<'_>) {
        let first = Slot::of(run.began);
        let end = Slot(Slot::of((run.subject.now)()).0 + 1);
        let (third, half) = ((end.0 - first.0) / 3, (end.0 - first.0) / 2);
        let mut bounds = vec![
            first,
            // The beginning of a day in UTC, an hour, and what begins neither.
            Slot((first.0 + third) / 96 * 96),
            Slot((first.0 + half) / 4 * 4),
            Slot(first.0 + half.max(third + 1)),
            Slot(end.0 + 96),
        ];
        bounds.retain(|bound| *bound >= first);
        bounds.sort_unstable();
        bounds.dedup();
        for dimension in Dimension::ALL {
            let figures = FIGURES.iter().filter(|figure| figure.is_by(dimension));
            let metrics: BTreeSet<_> = figures.clone().flat_map(Figure::metrics).collect();
            let query = FiguresQuery {
                dimension,
                bounds: bounds.clone(),
                metrics: metrics.into_iter().collect(),
            };
            let sums = run.subject.store.figures(&run.tenant, &query).await;
            let sums = sums.unwrap();
            for figure in figures {
                let mut names: BTreeSet<_> = sums.names().map(str::to_owned).collect();
                names.extend(
                    self.0
                        .iter()
                        .filter_map(|thing| thing.names.get(&dimension).cloned()),
                );
                for name in &names {
                    for (step, part) in bounds.windows(2).enumerate() {
                        let found = figure.value(sums.of(name), step);
                        let (from, to) = (part[0].begin(), part[1].begin());
                        let expected = self.expected(figure, dimension, name, from, to);
                        let why = format!(
                            "{} by {dimension} under `{name}` in step {step}: {found:?}, {expected:?}",
                            figure.key
                        );
                        compare(found, &expected, &why);
                        if found.value.is_some_and(|value| value > 0.0) {
                            run.seen.lock().unwrap().insert(figure.key);
                        }
                    }
                }
            }
        }
    }

    /// Compares every histogram, over everything.
    pub(super) async fn agrees_on_histograms(&self, run: &Run<'_>) {
        for histogram in HISTOGRAMS {
            let query = FiguresQuery {
                dimension: histogram.dimension(),
                bounds: vec![Slot(0), Slot(10_000_000)],
                metrics: histogram.metrics(),
            };
            let sums = run.subject.store.figures(&run.tenant, &query).await;
            let sums = sums.unwrap();
            let names = match histogram.is_of_stages() {
                true => Stage::ALL.map(Stage::as_str).to_vec(),
                false => vec![""],
            };
            for name in names {
                let things = self.0.iter().filter(|thing| {
                    !histogram.is_of_stages()
                        || thing.names.get(&Dimension::Stage).map(String::as_str) == Some(name)
                });
                let values = things.filter_map(|thing| match (histogram.key, &thing.what) {
                    ("score", What::Lead { score, .. }) => *score,
                    ("spam_likelihood", What::Lead { spam, .. }) => *spam,
                    ("stage_time", What::Try(milliseconds)) => Some(*milliseconds as f64),
                    _ => None,
                });
                let values: Vec<_> = values.collect();
                for bin in histogram.bins(sums.of(name), 0) {
                    let (from, to) = (bin.from as f64, bin.to.map(|to| to as f64));
                    let is_in = |value: &&f64| match histogram.is_of_stages() {
                        true => {
                            (**value > from || from == 0.0) && to.is_none_or(|to| **value <= to)
                        }
                        false => **value >= from && to.is_none_or(|to| **value < to || to == 100.0),
                    };
                    let expected = values.iter().filter(is_in).count();
                    let why = format!("{} of `{name}`: {bin:?}, {expected}", histogram.key);
                    assert_eq!(bin.count, i64::try_from(expected).unwrap(), "{why}");
                }
            }
        }
    }

    fn expected(
        &self,
        figure: &Figure,
        dimension: Dimension,
        name: &str,
        from: Timestamp,
        to: Timestamp,
    ) -> Expected {
        let here: Vec<_> = self
            .0
            .iter()
            .filter(|it| it.at >= from && it.at < to)
            .filter(|it| it.names.get(&dimension).map(String::as_str) == Some(name))
            .map(|it| &it.what)
            .collect();
        let count = |is_meant: &dyn Fn(&What) -> bool| {
            here.iter().filter(|what| is_meant(what)).count() as f64
        };
        let lead = |what: &What| matches!(what, What::Lead { .. });
        let in_area = |what: &What| {
            matches!(
                what,
                What::Lead {
                    is_in_area: true,
                    ..
                }
            )
        };
        let of_status = |wanted: &[Status]| {
            Expected::Count(count(
                &|what| matches!(what, What::Lead { status, .. } if wanted.contains(status)),
            ))
        };
        let scores: Vec<f64> = here
            .iter()
            .filter_map(|what| match what {
                What::Lead { score, .. } => *score,
                _ => None,
            })
            .collect();
        let tries: Vec<u64> = here
            .iter()
            .filter_map(|what| match what {
                What::Try(milliseconds) => Some(*milliseconds),
                _ => None,
            })
            .collect();
        let refused: u64 = here
            .iter()
            .filter_map(|what| match what {
                What::Refusals(count) => Some(*count),
                _ => None,
            })
            .sum();
        let delivered = count(&|what| matches!(what, What::Delivery));
        let stopped = count(&|what| matches!(what, What::Push { is_done: false }));
        let pushed = count(&|what| matches!(what, What::Push { is_done: true }));
        match figure.key {
            "came_in" => Expected::Count(count(&lead)),
            "genuine" => Expected::Count(count(&|what| {
                matches!(
                    what,
                    What::Lead {
                        is_genuine: true,
                        ..
                    }
                )
            })),
            "in_area" => Expected::Count(count(&in_area)),
            "in_crm" => Expected::Count(count(&|what| {
                matches!(
                    what,
                    What::Lead {
                        is_in_crm: true,
                        ..
                    }
                )
            })),
            "told" => Expected::Count(count(&|what| {
                matches!(what, What::Lead { is_told: true, .. })
            })),
            "in_progress" => of_status(&[Status::Received, Status::Processing]),
            "in_review" => of_status(&[Status::InReview]),
            "held" => of_status(&[Status::Held]),
            "parked" => of_status(&[Status::Parked]),
            "completed" => of_status(&[Status::Completed]),
            "quarantined" => of_status(&[Status::Quarantined]),
            "out_of_area" => of_status(&[Status::OutOfArea]),
            "conversion" => Expected::Ratio(count(&in_area), count(&lead)),
            "average_score" => Expected::Ratio(scores.iter().sum(), scores.len() as f64),
            "share_over_80" => Expected::Ratio(
                scores.iter().filter(|score| **score > 80.0).count() as f64,
                scores.len() as f64,
            ),
            "crm_success" => Expected::Ratio(pushed, pushed + stopped),
            "crm_stopped" => Expected::Count(stopped),
            "deliveries" => Expected::Count(delivered),
            "refused" => Expected::Count(refused as f64),
            "webhook_success" => Expected::Ratio(delivered, delivered + refused as f64),
            "stage_runs" => Expected::Count(tries.len() as f64),
            "stage_average" => {
                Expected::Ratio(tries.iter().sum::<u64>() as f64, tries.len() as f64)
            }
            "stage_p50" => Expected::Percentile(0.50, tries),
            "stage_p95" => Expected::Percentile(0.95, tries),
            other => panic!("the oracle does not know `{other}`"),
        }
    }
}

fn compare(found: domain::figures::FigureValue, expected: &Expected, why: &str) {
    let numbers = (
        found.numerator.map(|number| number as f64),
        found.denominator.map(|number| number as f64),
    );
    match expected {
        Expected::Count(count) => {
            assert_eq!(
                (found.value, numbers),
                (Some(*count), (Some(*count), None)),
                "{why}"
            );
        }
        Expected::Ratio(part, whole) => {
            assert_eq!(numbers, (Some(*part), Some(*whole)), "{why}");
            let value = (*whole > 0.0).then(|| part / whole);
            assert_eq!(found.value, value, "{why}");
        }
        Expected::Percentile(share, times) => {
            let mut times = times.clone();
            times.sort_unstable();
            assert_eq!(numbers, (None, Some(times.len() as f64)), "{why}");
            let Some(value) = found.value else {
                return assert!(times.is_empty(), "{why}");
            };
            // Within the limits that the time of this rank is in.
            let percent = (share * 100.0).round();
            let place = (0..times.len())
                .find(|place| (place + 1) as f64 * 100.0 >= times.len() as f64 * percent)
                .unwrap();
            let exact = times[place] as f64;
            let limits: Vec<f64> = [0.0]
                .into_iter()
                .chain((0..6).flat_map(|power| [1.0, 2.0, 5.0].map(|of| of * 10_f64.powi(power))))
                .chain([1e6, 1e6])
                .collect();
            let is_within = |pair: &[f64]| {
                let holds_exact = exact > pair[0] && (exact <= pair[1] || pair[1] >= 1e6)
                    || exact == 0.0 && pair[0] == 0.0;
                holds_exact && value >= pair[0] && value <= pair[1]
            };
            assert!(limits.windows(2).any(is_within), "{why}");
        }
    }
}

fn thing(at: Timestamp, names: impl IntoIterator<Item = (Dimension, String)>, what: What) -> Thing {
    let mut names: BTreeMap<_, _> = names.into_iter().collect();
    if !matches!(what, What::Try(_)) {
        names.insert(Dimension::All, String::new());
    }
    Thing { at, names, what }
}

fn of_delivery(stored: &Stored) -> Thing {
    let names = [
        (Dimension::Channel, stored.channel.to_owned()),
        (Dimension::Provider, stored.provider.clone()),
        (Dimension::Source, stored.source.clone()),
        (Dimension::Office, stored.office.clone()),
    ];
    thing(stored.at, names, What::Delivery)
}

/// The lead, and its push into each CRM.
fn of_request(request: &LeadRequest) -> Vec<Thing> {
    let document = &request.document;
    let names = [
        (Dimension::Channel, document.channel().to_string()),
        (Dimension::Provider, document.source.provider.clone()),
        (Dimension::Source, document.source.source.to_string()),
        (
            Dimension::Office,
            document
                .source
                .office
                .map_or_else(String::new, |id| id.to_string()),
        ),
        (
            Dimension::ProjectType,
            document
                .analysis
                .as_ref()
                .map_or_else(String::new, |analysis| analysis.project_type.to_string()),
        ),
    ];
    let said = document.analysis.as_ref();
    let said = said
        .and_then(|it| it.postal_code.as_ref())
        .map(|code| code.as_str());
    let typed = match document.channel() {
        Channel::Phone | Channel::Text => None,
        _ => document
            .contact
            .postal_code
            .as_ref()
            .map(|code| code.as_str()),
    };
    let postal_code = said
        .filter(|code| *code != "00000")
        .or(typed)
        .unwrap_or_default();
    let names = names
        .into_iter()
        .chain([(Dimension::PostalCode, postal_code.to_owned())])
        .collect::<Vec<_>>();
    let approved = document.verdict.as_ref().map(|verdict| {
        (
            verdict.decision == VerdictKind::Approved,
            verdict.overrules_area,
        )
    });
    let gate = document.qualification.as_ref().map(|it| it.gate);
    let area = document.qualification.as_ref().map(|it| it.area);
    let is_spam = match approved {
        Some((is_approved, _)) => !is_approved,
        None => gate == Some(SpamGate::Quarantine),
    };
    let intent = document.analysis.as_ref().map(|it| it.intent);
    let is_genuine = !is_spam && intent != Some(Intent::WrongNumber);
    let is_outside =
        matches!(area, Some(AreaVerdict::Out(_))) && !matches!(approved, Some((_, true)));
    let pushes: Vec<_> = document
        .dispatches
        .iter()
        .map(|(name, section)| (name.to_string(), section.state))
        .collect();
    let is_told = document
        .notifications
        .iter()
        .flat_map(|section| &section.messages)
        .any(|message| message.is_sent);
    let score = document
        .analysis
        .as_ref()
        .map(|it| f64::from(it.lead_score));
    let mut things = vec![thing(
        request.created_at,
        names.clone(),
        What::Lead {
            status: request.status,
            is_genuine,
            is_in_area: is_genuine && !is_outside,
            is_in_crm: is_genuine
                && pushes
                    .iter()
                    .any(|(_, state)| *state == DispatchState::Done),
            is_told: is_genuine && is_told,
            score: score.filter(|_| is_genuine),
            spam: document.analysis.as_ref().map(|it| it.spam_likelihood),
        },
    )];
    for (connection, state) in pushes {
        if state != DispatchState::Pending {
            let mut names = names.clone();
            names.push((Dimension::Connection, connection));
            let is_done = state == DispatchState::Done;
            things.push(thing(request.created_at, names, What::Push { is_done }));
        }
    }
    things
}
