//! A store of a few requests in memory, and stages that do what they are told.

use std::{collections::BTreeMap, time::Duration};

use domain::{
    Alias, AnalysisSection, AreaBasis, AreaVerdict, Audio, Budget, CallFacts, CallerIntent, Claim,
    ClaimResult, ConnectionName, DispatchSection, DispatchState, Document, Engine, EventId,
    Inbound, LeadRequest, NoAudio, NotificationsSection, OpenWork, Origin, Outcome, ParkCause,
    Plan, ProjectType, QualificationSection, RecordingSection, RequestId, RequestState,
    RetryPolicy, Ruling, Section, Sentiment, SettleContext, SourceId, SpamGate, Stage, Stale,
    TenantId, Timeline, TranscriptSection, TranscriptState, VerdictKind, WorkRow, WorkState, later,
    transition::{self, LogEntry},
    workflow::{self, Decision},
};
use jiff::Timestamp;
use uuid::Uuid;

pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const LEASE: Duration = Duration::from_secs(60);

/// The one connection that holds are about has this version.
pub(crate) const SECRET: u64 = 2;

/// Requests and their rows, as a store keeps them.
#[derive(Debug, Clone, Default)]
pub(crate) struct World {
    pub(crate) now: Timestamp,
    pub(crate) requests: BTreeMap<RequestId, (LeadRequest, Vec<WorkRow>)>,
    pub(crate) log: Vec<(RequestId, LogEntry)>,
    events: u128,
    /// The highest token that each step ever had.
    tokens: BTreeMap<(RequestId, Stage, String), u64>,
}

/// Claimed work, with the request as it was then.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    pub(crate) claim: Claim,
    pub(crate) request: LeadRequest,
}

/// What a stage is to find.
#[derive(Debug, Clone)]
pub(crate) struct Findings {
    pub(crate) audio: Option<u8>,
    pub(crate) api: CallFacts,
    pub(crate) gate: SpamGate,
    pub(crate) area: AreaVerdict,
    pub(crate) destinations: Vec<&'static str>,
    pub(crate) notify: bool,
}

impl Default for Findings {
    fn default() -> Self {
        Self {
            audio: Some(1),
            api: CallFacts::default(),
            gate: SpamGate::Pass,
            area: AreaVerdict::In(AreaBasis::Everywhere),
            destinations: vec!["hubspot"],
            notify: true,
        }
    }
}

pub(crate) fn name(text: &str) -> ConnectionName {
    ConnectionName::new(text).unwrap()
}

pub(crate) fn note(text: &str) -> CallFacts {
    CallFacts {
        note: Some(text.to_owned()),
        ..CallFacts::default()
    }
}

pub(crate) fn inbound(call: CallFacts) -> Inbound {
    Inbound {
        aliases: vec![Alias {
            provider: "callrail".to_owned(),
            kind: "call".to_owned(),
            value: "1".to_owned(),
        }],
        is_modified: true,
        delay: Duration::ZERO,
        call,
    }
}

pub(crate) fn retry() -> Outcome {
    Outcome::Retry {
        after: None,
        reason: "it did not answer".to_owned(),
        answer: None,
    }
}

pub(crate) fn park() -> Outcome {
    Outcome::Park {
        cause: ParkCause::Permanent,
        reason: "a field is missing".to_owned(),
        answer: None,
    }
}

pub(crate) fn hold(version: u64) -> Outcome {
    Outcome::Hold {
        connection: name("hubspot"),
        version,
        reason: "refused".to_owned(),
        answer: None,
    }
}

impl World {
    fn origin(&mut self) -> Origin {
        self.events += 1;
        Origin {
            tenant: TenantId::new("tenant_a").unwrap(),
            provider: "callrail".to_owned(),
            source: SourceId::from_uuid(Uuid::from_u128(1)),
            office: None,
            event: EventId::from_uuid(Uuid::from_u128(self.events)),
            traceparent: None,
        }
    }

    pub(crate) fn receive(&mut self, inbound: Result<Inbound, String>) -> RequestId {
        let origin = self.origin();
        let id = RequestId::from_uuid(Uuid::from_u128(1_000 + self.events));
        let plan = transition::receive(id, &origin, inbound, self.now);
        self.write(plan);
        id
    }

    /// A call that came in.
    pub(crate) fn call(&mut self) -> RequestId {
        self.receive(Ok(inbound(CallFacts::default())))
    }

    pub(crate) fn state(&self, id: RequestId) -> RequestState {
        let (request, rows) = self.requests[&id].clone();
        RequestState::new(request, rows)
    }

    /// The request that goes on.
    pub(crate) fn follow(&self, mut id: RequestId) -> RequestId {
        while let Some(into) = self.document(id).merged_into {
            id = into;
        }
        id
    }

    /// News of a request.
    pub(crate) fn event(&mut self, id: RequestId, inbound: &Inbound) {
        self.event_of_all(&[id], inbound);
    }

    /// News that name several requests, the first of them the canonical one.
    pub(crate) fn event_of_all(&mut self, ids: &[RequestId], inbound: &Inbound) {
        let origin = self.origin();
        let mut states: Vec<_> = ids.iter().map(|id| self.state(self.follow(*id))).collect();
        let first = states.remove(0);
        let plan = transition::receive_again(first, states, &origin, inbound, self.now);
        self.write(plan);
    }

    /// An older delivery again.
    pub(crate) fn refetch(&mut self, id: RequestId) {
        let origin = self.origin();
        let plan = transition::refetch(self.state(self.follow(id)), &origin, self.now);
        self.write(plan);
    }

    pub(crate) fn document(&self, id: RequestId) -> &Document {
        &self.requests[&id].0.document
    }

    pub(crate) fn rows(&self, id: RequestId) -> &[WorkRow] {
        &self.requests[&id].1
    }

    pub(crate) fn row(&self, id: RequestId, stage: Stage) -> Option<&WorkRow> {
        self.rows(id).iter().find(|row| row.key.stage == stage)
    }

    /// The open stages of a request.
    pub(crate) fn open(&self, id: RequestId) -> Vec<Stage> {
        self.rows(id).iter().map(|row| row.key.stage).collect()
    }

    pub(crate) fn words(&self, id: RequestId) -> Vec<&str> {
        let of = self.log.iter().filter(|(request, _)| *request == id);
        of.map(|(_, entry)| entry.outcome.as_str()).collect()
    }

    /// Claims a row, if it is due.
    pub(crate) fn try_claim(&mut self, row: &WorkRow) -> Option<Job> {
        let id = row.key.request;
        let mut row = row.clone();
        let token = row.token;
        match row.claim(token, self.now, LEASE) {
            ClaimResult::NotNow => None,
            ClaimResult::CrashLoop => {
                let plan = transition::crash_loop(self.state(id), row, self.now);
                self.write(plan);
                None
            }
            ClaimResult::Claimed => {
                let claim = Claim {
                    key: row.key.clone(),
                    token: row.token,
                };
                let (request, rows) = self.requests.get_mut(&id).unwrap();
                let place = rows.iter_mut().find(|other| other.key == row.key).unwrap();
                *place = row;
                let request = request.clone();
                self.see_tokens(id);
                Some(Job { claim, request })
            }
        }
    }

    /// Claims the open step of a stage.
    pub(crate) fn claim(&mut self, id: RequestId, stage: Stage) -> Job {
        let row = self.row(id, stage).expect("the step is open").clone();
        self.try_claim(&row).expect("the step is due")
    }

    pub(crate) fn settle(&mut self, job: &Job, outcome: Outcome) -> Result<(), Stale> {
        self.settle_with(job, outcome, &[])
    }

    /// Settles with what the outcome's names lead to.
    pub(crate) fn settle_with(
        &mut self,
        job: &Job,
        outcome: Outcome,
        others: &[RequestId],
    ) -> Result<(), Stale> {
        let context = SettleContext {
            now: self.now,
            retry: &RetryPolicy::default(),
            connection_version: matches!(outcome, Outcome::Hold { .. }).then_some(SECRET),
            draw: 0.0,
            duration: SECOND,
        };
        let id = job.claim.key.request;
        let others = others.iter().map(|id| self.state(self.follow(*id)));
        let others = others.filter(|other| other.request().id != id).collect();
        let plan = transition::settle(self.state(id), others, &job.claim, outcome, context)?;
        self.write(plan);
        Ok(())
    }

    /// Claims a stage and settles it with what it found.
    pub(crate) fn run(&mut self, id: RequestId, stage: Stage, findings: &Findings) {
        let job = self.claim(id, stage);
        self.settle(&job, job.done(findings)).unwrap();
    }

    /// Runs the stages of a new call up to its decision.
    pub(crate) fn qualify(&mut self, id: RequestId, findings: &Findings) {
        self.run(id, Stage::Recording, findings);
        if findings.audio.is_some() {
            self.run(id, Stage::Transcript, findings);
        }
        self.run(id, Stage::Analysis, findings);
    }

    /// A call that is done, and everybody knows.
    pub(crate) fn completed(&mut self, findings: &Findings) -> RequestId {
        let id = self.call();
        self.qualify(id, findings);
        for _ in &findings.destinations {
            self.run(id, Stage::Dispatch, findings);
        }
        self.run(id, Stage::Notification, findings);
        assert!(self.rows(id).is_empty());
        id
    }

    /// Gives the connection a new secret.
    pub(crate) fn replace_secret(&mut self) {
        for id in self.requests.keys().copied().collect::<Vec<_>>() {
            let plan = transition::release(self.state(id), &name("hubspot"), self.now);
            self.write(plan);
        }
    }

    /// Lets what is held or parked run again, as a person does; answers how many rows did.
    pub(crate) fn redrive(&mut self) -> usize {
        let mut count = 0;
        for id in self.requests.keys().copied().collect::<Vec<_>>() {
            let keys: Vec<_> = self.rows(id).iter().map(|row| row.key.clone()).collect();
            if let Some((run, plan)) = transition::redrive(self.state(id), &keys, "ann", self.now) {
                count += run.len();
                self.write(plan);
            }
        }
        count
    }

    /// A person's verdict.
    pub(crate) fn decide(&mut self, id: RequestId, decision: VerdictKind) -> Result<(), String> {
        let state = self.state(self.follow(id));
        let is_quarantined = workflow::decision(&state.request().document)
            .is_some_and(|decision| decision == Decision::Quarantine);
        let ruling = match decision {
            VerdictKind::Approved if is_quarantined => Ruling::Release,
            VerdictKind::Approved => Ruling::Approve,
            VerdictKind::Rejected => Ruling::Reject,
        };
        let plan = transition::decide(state, ruling, "ann", self.now)
            .map_err(|error| error.to_string())?;
        self.write(plan);
        Ok(())
    }

    /// A person has a request run again from a stage on.
    pub(crate) fn replay(&mut self, id: RequestId, from: Stage) -> Result<(), String> {
        let plan = transition::replay(self.state(self.follow(id)), from, "ann", self.now)
            .map_err(|error| error.to_string())?;
        self.write(plan);
        Ok(())
    }

    /// Does everything that is left, as good stages do; answers how many steps that took.
    pub(crate) fn drain(&mut self, findings: &Findings) -> u32 {
        for steps in 0..1_000 {
            let rows = self.requests.values().flat_map(|(_, rows)| rows);
            let next = rows.min_by_key(|row| match row.state {
                WorkState::Ready => row.due_at,
                WorkState::InFlight { lease_until } => lease_until,
                WorkState::Held { .. } | WorkState::Parked { .. } => Timestamp::MAX,
            });
            let Some(row) = next.cloned() else {
                return steps;
            };
            match row.state {
                WorkState::Ready => self.now = self.now.max(row.due_at),
                WorkState::InFlight { lease_until } => self.now = self.now.max(lease_until),
                WorkState::Held { .. } => self.replace_secret(),
                WorkState::Parked { .. } => {
                    self.redrive();
                }
            }
            if let Some(job) = self.try_claim(&row) {
                self.settle(&job, job.done(findings)).unwrap();
            }
        }
        panic!("it does not end: {:?}", self.requests)
    }

    fn see_tokens(&mut self, id: RequestId) {
        for row in &self.requests[&id].1 {
            let seen = self
                .tokens
                .entry((id, row.key.stage, row.key.target.clone()))
                .or_default();
            assert!(row.token >= *seen, "a token went back: {row:?}");
            *seen = row.token;
        }
    }

    /// Writes a plan as a store does, and checks what must hold after each.
    fn write(&mut self, plan: Plan) {
        for change in plan.changes {
            let request = change.request;
            let id = request.id;
            let known = self.requests.remove(&id);
            assert_eq!(known.is_none(), change.is_new);
            let was = known.as_ref().map(|(request, _)| request.status);
            assert_eq!(change.is_announced, was != Some(request.status));
            let (version, mut rows) =
                known.map_or((0, Vec::new()), |(request, rows)| (request.version, rows));
            assert_eq!(request.version, version + 1);
            for (stage, target) in &change.delete {
                rows.retain(|row| row.key.stage != *stage || row.key.target != *target);
            }
            let is_dispatching = workflow::decision(&request.document) == Some(Decision::Dispatch);
            for row in change.put {
                let place = rows.iter_mut().find(|other| other.key == row.key);
                match place {
                    Some(place) => *place = row,
                    None => {
                        let key = (id, row.key.stage, row.key.target.clone());
                        let seen = self.tokens.get(&key).copied().unwrap_or_default();
                        assert!(row.token > seen, "a token came again: {row:?}");
                        let is_outward =
                            matches!(row.key.stage, Stage::Dispatch | Stage::Notification);
                        assert!(is_dispatching || !is_outward, "it is kept back: {row:?}");
                        rows.push(row);
                    }
                }
            }
            rows.sort_by(|a, b| a.key.cmp(&b.key));
            self.log
                .extend(change.log.into_iter().map(|entry| (id, entry)));
            self.requests.insert(id, (request, rows));
            self.see_tokens(id);
            self.check(id);
        }
        for wake in plan.wakes {
            let row = self
                .rows(wake.key.request)
                .iter()
                .find(|row| row.key == wake.key);
            let row = row.expect("a wake has its row");
            assert!(
                row.state == WorkState::Ready && row.is_due(self.now),
                "{row:?}"
            );
            assert_eq!(row.token, wake.token);
        }
    }

    fn check(&self, id: RequestId) {
        let (request, rows) = &self.requests[&id];
        let document = &request.document;
        let open = OpenWork::new(rows.clone());
        assert_eq!(request.status, workflow::status(document, &open));
        assert_eq!(workflow::next(request, &open), [], "a step is missing");
        if rows.is_empty() {
            let rests = request.status.is_terminal() || request.status == domain::Status::InReview;
            assert!(rests, "nobody moves it on: {:?}", request.status);
        } else {
            assert!(
                !request.status.is_terminal(),
                "{:?}: {rows:?}",
                request.status
            );
        }
        for row in rows {
            let expected = match &row.state {
                WorkState::Ready if row.due_at > self.now => Some(row.due_at),
                WorkState::Ready => Some(row.next_wake_at.expect("it is looked at")),
                WorkState::InFlight { lease_until } => Some(*lease_until),
                WorkState::Held { .. } | WorkState::Parked { .. } => None,
            };
            assert_eq!(row.next_wake_at, expected, "{row:?}");
            let is_outward = matches!(row.key.stage, Stage::Dispatch | Stage::Notification);
            if is_outward && workflow::decision(document) != Some(Decision::Dispatch) {
                let is_ending = matches!(row.state, WorkState::InFlight { .. }) && !row.again;
                assert!(is_ending, "it is kept back: {row:?}");
            }
        }
    }
}

impl Job {
    /// What a good stage settles with: made from the request as it was claimed.
    pub(crate) fn done(&self, findings: &Findings) -> Outcome {
        let document = &self.request.document;
        let sections = match self.claim.key.stage {
            Stage::Reading => {
                let mut source = document.source.clone();
                source.unread = None;
                vec![Section::Source(Box::new(source))]
            }
            Stage::Recording => vec![recording(document, findings)],
            Stage::Transcript => vec![transcript(document)],
            Stage::Analysis => judged(document, findings),
            Stage::Dispatch => vec![dispatched(document, &self.claim.key.target)],
            Stage::Notification => vec![Section::Notifications(NotificationsSection {
                is_done: true,
                messages: Vec::new(),
            })],
        };
        Outcome::Done {
            sections,
            aliases: Vec::new(),
        }
    }
}

fn recording(document: &Document, findings: &Findings) -> Section {
    Section::Recording(Box::new(RecordingSection {
        revision: document.revisions.recording,
        call: findings.api.clone(),
        is_refetched: document.revisions.recording > 0,
        audio: match findings.audio {
            Some(number) => Audio::Stored {
                name: "CAL1.mp3".to_owned(),
                sha256: number.to_string(),
                size_bytes: 1,
                duration_ms: 1,
            },
            None => Audio::Absent {
                reason: NoAudio::NeverArrived,
            },
        },
    }))
}

fn transcript(document: &Document) -> Section {
    let audio = document.recording.as_ref().map(|section| &section.audio);
    let Some(Audio::Stored { sha256, .. }) = audio else {
        panic!("there is no audio")
    };
    Section::Transcript(TranscriptSection {
        audio_sha256: sha256.clone(),
        engine: "chirp_3".to_owned(),
        state: TranscriptState::Spoken,
        language: None,
        turns: Vec::new(),
        billed_seconds: 1,
        revision: document.revisions.transcript,
    })
}

/// The text that an analysis reads.
pub(crate) fn read(document: &Document) -> String {
    let transcript = document.transcript.as_ref();
    transcript.map_or_else(String::new, |section| section.audio_sha256.clone())
}

/// What a qualification decides by.
pub(crate) fn reach(document: &Document) -> u64 {
    let call = document.call();
    [
        call.caller_number,
        call.caller_email,
        call.caller_postal_code,
    ]
    .iter()
    .flat_map(|text| text.as_deref().unwrap_or("-").bytes())
    .fold(7, |hash: u64, byte| {
        hash.wrapping_mul(31).wrapping_add(u64::from(byte))
    })
}

/// What a CRM shows.
pub(crate) fn shown(document: &Document) -> String {
    let call = document.call();
    format!(
        "{:?} {:?} {:?} {:?} {:?} {:?}",
        call.note,
        call.tags,
        call.caller_name,
        call.caller_number,
        call.caller_postal_code,
        document.analysis.as_ref().map(|section| &section.summary),
    )
}

fn judged(document: &Document, findings: &Findings) -> Vec<Section> {
    let mut sections = Vec::new();
    if workflow::needs_model(document) {
        sections.push(Section::Analysis(Box::new(analysis(document))));
    }
    sections.push(Section::Qualification(QualificationSection {
        revision: document.revisions.qualification,
        gate: findings.gate,
        area: findings.area,
        config_version: reach(document),
        destinations: findings
            .destinations
            .iter()
            .map(|connection| (name(connection), "hubspot".to_owned()))
            .collect(),
        notify: findings.notify,
    }));
    sections
}

pub(crate) fn analysis(document: &Document) -> AnalysisSection {
    AnalysisSection {
        revision: document.revisions.analysis,
        engine: Engine::Rules("1".to_owned()),
        prompt_version: "1".to_owned(),
        intent: CallerIntent::Quote,
        sentiment: Sentiment::Neutral,
        project_type: ProjectType::Kitchen,
        timeline: Timeline::Unknown,
        budget: Budget::Unknown,
        lead_score: 60,
        confidence: 0.5,
        reasons: Vec::new(),
        spam_likelihood: 5.0,
        summary: read(document),
        postal_code: None,
        address: None,
        is_blocked: false,
        tokens: Default::default(),
    }
}

fn dispatched(document: &Document, target: &str) -> Section {
    let section = DispatchSection {
        connector: "hubspot".to_owned(),
        state: DispatchState::Done,
        revision: document.revisions.dispatch,
        contact_id: Some("101".to_owned()),
        deal_id: Some("202".to_owned()),
        fields_hash: Some(shown(document)),
        dispatched_at: None,
        reason: None,
    };
    Section::Dispatch(name(target), section)
}

/// A time from now.
pub(crate) fn after(world: &World, seconds: u32) -> Timestamp {
    later(world.now, seconds * SECOND)
}
