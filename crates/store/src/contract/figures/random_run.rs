//! A run at random: everything that changes a tenant's requests, in any order. What happens at a moment is noted for the
//! oracle; what requests are in the end, it reads.

use std::{collections::BTreeSet, sync::Mutex};

use domain::{
    AreaBasis, AreaVerdict, Intent, Message, ParkCause, PostalCode, ProjectType, RecordingSection,
    ReviewAction, StoreError,
};

use super::*;
use crate::WorkQuery;

/// A try of a step that was settled.
pub(super) struct Try {
    pub(super) at: Timestamp,
    pub(super) stage: Stage,
    pub(super) milliseconds: u64,
}

/// A delivery that was stored.
pub(super) struct Stored {
    pub(super) at: Timestamp,
    pub(super) channel: &'static str,
    pub(super) provider: String,
    pub(super) source: String,
    pub(super) office: String,
}

pub(super) struct Run<'a> {
    pub(super) subject: &'a Subject,
    pub(super) tenant: TenantId,
    pub(super) began: Timestamp,
    pub(super) tries: Vec<Try>,
    pub(super) stored: Vec<Stored>,
    /// Refusals: when, provider, reason and how many.
    pub(super) refused: Vec<(Timestamp, &'static str, &'static str, u64)>,
    /// Figures that were seen over zero.
    pub(super) seen: Mutex<BTreeSet<&'static str>>,
    leads: u64,
    reasons: u64,
    seed: u64,
}

const CONNECTIONS: [&str; 2] = ["one", "two"];

impl<'a> Run<'a> {
    pub(super) fn new(subject: &'a Subject, seed: u64) -> Self {
        Self {
            subject,
            tenant: subject.tenant(&format!("run{seed}")),
            began: (subject.now)(),
            tries: Vec::new(),
            stored: Vec::new(),
            refused: Vec::new(),
            seen: Mutex::default(),
            leads: 0,
            reasons: 0,
            seed,
        }
    }

    /// A number below `end`.
    fn draw(&mut self, end: u64) -> u64 {
        self.seed = self.seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.seed;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }

    fn one_of<T: Clone>(&mut self, all: &[T]) -> T {
        let place = self.draw(all.len() as u64);
        all[usize::try_from(place).unwrap()].clone()
    }

    fn reason(&mut self) -> String {
        self.reasons += 1;
        format!("reason {}", self.reasons)
    }

    pub(super) async fn acts(&mut self, number: u32) {
        for _ in 0..number {
            match self.draw(20) {
                0..=4 => self.deliver().await,
                5..=13 => self.work().await,
                14 => self.decide().await,
                15 => self.replay().await,
                16 => self.redrive().await,
                17 => self.refuse().await,
                18 => drop(
                    self.subject
                        .store
                        .fold_figures_across_tenants(3)
                        .await
                        .unwrap(),
                ),
                _ => {
                    // Now and then days go by.
                    let longest = self.one_of(&[40 * 60, 40 * 60, 40 * 60, 3 * 24 * 60 * 60]);
                    let by = self.draw(longest);
                    self.subject.wait(Duration::from_secs(by)).await;
                }
            }
        }
    }

    /// A lead, news of one, a repeat, news of two that are one, something that is not used, or that cannot be read.
    async fn deliver(&mut self) {
        let known = self.draw(self.leads.max(1));
        let typed = self.one_of(&[None, Some("78613".to_owned())]);
        let mut lead = match self.draw(8) {
            0 if self.leads > 0 => {
                let text = self.reason();
                Lead::new(&self.tenant, &format!("lead-{known}")).body(&text)
            }
            1 if self.leads > 1 => {
                let other = self.draw(self.leads);
                let ids = [known, other].map(|number| format!("lead-{number}"));
                let text = self.reason();
                Lead::new(&self.tenant, "both")
                    .body(&text)
                    .named(&[&ids[0], &ids[1]])
            }
            2 if self.leads > 0 => Lead::new(&self.tenant, &format!("lead-{known}")),
            kind => {
                let id = format!("lead-{}", self.leads);
                self.leads += 1;
                match kind {
                    3 => Lead::phone(&self.tenant, &id),
                    _ => Lead::new(&self.tenant, &id),
                }
            }
        };
        lead.facts.person.name = Some(self.reason());
        lead.facts.person.postal_code = typed;
        let mut delivery = lead.delivery();
        delivery.source = SourceId::from_uuid(Uuid::from_u128(self.draw(3).into()));
        delivery.office = self.one_of(&[None, Some(office_id(1)), Some(office_id(2))]);
        match self.draw(12) {
            0 => delivery.reading = Err("it has no id".to_owned()),
            1 => {
                delivery.reading = Ok(Reading::Ignored {
                    reason: "not used".into(),
                });
            }
            _ => {}
        }
        let stored = Stored {
            at: (self.subject.now)(),
            channel: delivery.channel.as_str(),
            provider: delivery.provider.clone(),
            source: delivery.source.to_string(),
            office: delivery.office.map(|id| id.to_string()).unwrap_or_default(),
        };
        let accepted = self.subject.store.accept(delivery).await.unwrap();
        if !accepted.is_duplicate() {
            self.stored.push(stored);
        }
    }

    /// Claims a step that is due, and settles it in any way.
    async fn work(&mut self) {
        let store = &self.subject.store;
        let stage = self.one_of(&Stage::ALL);
        let mut due = Vec::new();
        for stage in [stage].into_iter().chain(Stage::ALL) {
            due.extend(store.due_work(&self.tenant, stage, 20).await.unwrap());
        }
        let Some(wake) = due.first() else {
            return self.subject.wait(Duration::from_secs(60)).await;
        };
        let Some(job) = store.claim(wake, LEASE).await.unwrap() else {
            return;
        };
        let outcome = self.outcome(&job);
        let milliseconds = self.draw(30) * self.draw(30) * self.draw(2_000);
        let took = Duration::from_millis(milliseconds);
        let settled = store.settle(&job, outcome, job.take_records(), took).await;
        if matches!(settled.unwrap(), SettleResult::Written(_)) {
            self.tries.push(Try {
                at: (self.subject.now)(),
                stage: job.row.key.stage,
                milliseconds,
            });
        }
    }

    fn outcome(&mut self, job: &Claimed) -> Outcome {
        let reason = self.reason();
        match self.draw(12) {
            0 => Outcome::wait(self.subject.after(SECOND), &reason),
            1 => Outcome::Retry {
                after: None,
                reason,
                answer: None,
            },
            2 => Outcome::Park {
                cause: ParkCause::Permanent,
                reason,
                answer: None,
            },
            3 => hold(CONNECTIONS[0], 1),
            _ => Outcome::Done {
                sections: self.sections(job),
                aliases: match self.draw(6) {
                    0 => vec![alias(&format!("lead-{}", self.draw(self.leads.max(1))))],
                    _ => Vec::new(),
                },
            },
        }
    }

    fn sections(&mut self, job: &Claimed) -> Vec<Section> {
        let request = &job.request;
        match job.row.key.stage {
            Stage::Reading => {
                let mut source = request.document.source.clone();
                source.unread = None;
                vec![Section::Source(Box::new(source))]
            }
            Stage::Details => vec![no_details(request)],
            Stage::Recording | Stage::Transcript => vec![Section::Recording(RecordingSection {
                revision: request.document.revisions.of(Stage::Recording),
                audio: domain::Audio::Absent {
                    reason: domain::NoAudio::NotRecorded,
                },
            })],
            Stage::Documents => vec![Section::Documents(Box::new(domain::DocumentsSection {
                revision: request.document.revisions.of(Stage::Documents),
                ..domain::DocumentsSection::default()
            }))],
            Stage::Booking => vec![Section::Booking(domain::BookingSection {
                revision: request.document.revisions.of(Stage::Booking),
                ..domain::BookingSection::default()
            })],
            Stage::Analysis => self.judgment(request),
            Stage::Dispatch => vec![dispatched(request, &job.row.key.target)],
            Stage::Notification => vec![Section::Notifications(NotificationsSection {
                is_done: true,
                messages: vec![Message {
                    channel: "email".to_owned(),
                    recipient: "someone".to_owned(),
                    id: None,
                    is_sent: self.draw(4) > 0,
                    provider_id: None,
                    reason: None,
                }],
            })],
        }
    }

    fn judgment(&mut self, request: &LeadRequest) -> Vec<Section> {
        let gate = self.one_of(&[
            SpamGate::Pass,
            SpamGate::Pass,
            SpamGate::Pass,
            SpamGate::Review,
            SpamGate::Quarantine,
        ]);
        let destinations = self.one_of(&[&CONNECTIONS[..0], &CONNECTIONS[..1], &CONNECTIONS[..]]);
        let mut sections = vec![
            analysis(request, 5.0),
            qualification(request, gate, destinations),
        ];
        for section in &mut sections {
            match section {
                Section::Analysis(analysis) => {
                    analysis.lead_score = u8::try_from(70 + self.draw(30)).unwrap();
                    analysis.project_type = self.one_of(&ProjectType::ALL);
                    analysis.spam_likelihood = f64::from(u8::try_from(self.draw(101)).unwrap());
                    let said = self.one_of(&[None, Some("78664"), Some("78701"), Some("00000")]);
                    analysis.postal_code = said.map(|said| PostalCode::parse(said).unwrap());
                    analysis.intent =
                        self.one_of(&[Intent::Quote, Intent::Repair, Intent::WrongNumber]);
                }
                Section::Qualification(section) => {
                    section.area = self.one_of(&[
                        AreaVerdict::In(AreaBasis::Everywhere),
                        AreaVerdict::Unknown,
                        AreaVerdict::Out(AreaBasis::PostalCode),
                    ]);
                }
                _ => {}
            }
        }
        sections
    }

    async fn requests(&self) -> Vec<RequestId> {
        let query = crate::RequestQuery {
            limit: 200,
            ..Default::default()
        };
        let page = self.subject.store.list_requests(&self.tenant, &query).await;
        page.unwrap()
            .items
            .iter()
            .map(|request| request.id)
            .collect()
    }

    async fn decide(&mut self) {
        let action = self.one_of(&[
            ReviewAction::Approve,
            ReviewAction::Reject,
            ReviewAction::Release,
        ]);
        for id in self.requests().await {
            let decided = self
                .subject
                .store
                .decide(&self.tenant, id, action, &act())
                .await;
            match decided {
                Ok(_) => return,
                Err(StoreError::Conflict(_)) => {}
                Err(error) => panic!("{error}"),
            }
        }
    }

    async fn replay(&mut self) {
        let requests = self.requests().await;
        if requests.is_empty() {
            return;
        }
        let (id, stage) = (self.one_of(&requests), self.one_of(&Stage::ALL));
        let replayed = self
            .subject
            .store
            .replay(&self.tenant, id, stage, &act())
            .await;
        assert!(matches!(replayed, Ok(_) | Err(StoreError::Conflict(_))));
    }

    async fn redrive(&mut self) {
        let query = WorkQuery {
            limit: 3,
            ..Default::default()
        };
        let store = &self.subject.store;
        let stopped = store.stopped_work(&self.tenant, &query).await.unwrap();
        let keys: Vec<_> = stopped.items.into_iter().map(|row| row.key).collect();
        store.redrive(&self.tenant, &keys, &act()).await.unwrap();
    }

    async fn refuse(&mut self) {
        let provider = self.one_of(&["leads", "other"]);
        let reason = self.one_of(&["wrong_signature", "missing_signature"]);
        let count = 1 + self.draw(4);
        let now = (self.subject.now)();
        let event = SecurityEvent {
            minute: now,
            address: "192.0.2.1".to_owned(),
            reason: reason.to_owned(),
            provider: provider.to_owned(),
            tenant: Some(self.tenant.to_string()),
            count,
            trace_id: String::new(),
        };
        let events = vec![event];
        let recorded = self
            .subject
            .store
            .record_security_events_across_tenants(events);
        recorded.await.unwrap();
        self.refused.push((now, provider, reason, count));
    }
}
