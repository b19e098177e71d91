//! A store of a few requests in memory, and stages that answer as a test says.

use std::{collections::BTreeMap, time::Duration};

use domain::{
    About, AnalysisSection, AreaBasis, AreaVerdict, Audio, Author, Channel, ChatMessage, Claim,
    ClaimResult, ConnectionName, DetailsAnswer, DetailsSection, DispatchSection, Document, EventId,
    Facts, LeadRequest, News, NoAudio, NoDetails, OpenWork, Origin, Outcome, ParkCause, Plan,
    QualificationSection, RecordingSection, RequestId, RequestState, RetryPolicy, ReviewAction,
    Section, SettleContext, SpamGate, Stage, Stale, Status, TranscriptSection, VerdictKind,
    WorkRow, WorkState, later,
    lead::thread,
    transition::{self, LogEntry},
    workflow::{self, Route},
};
use jiff::Timestamp;
use testkit::lead;
use uuid::Uuid;

pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const LEASE: Duration = Duration::from_secs(60);

/// The version of the one connection that holds are about.
pub(crate) const SECRET: u64 = 2;

/// Requests of one channel and their rows, as a store keeps them.
#[derive(Debug, Clone)]
pub(crate) struct World {
    pub(crate) channel: Channel,
    pub(crate) now: Timestamp,
    pub(crate) requests: BTreeMap<RequestId, (LeadRequest, Vec<WorkRow>)>,
    pub(crate) log: Vec<(RequestId, LogEntry)>,
    events: u128,
    /// The highest token that each step ever had.
    tokens: BTreeMap<(RequestId, &'static str, String), u64>,
}

/// Claimed work, with the request as it was then.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    pub(crate) claim: Claim,
    pub(crate) request: LeadRequest,
}

/// What the stages find.
#[derive(Debug, Clone)]
pub(crate) struct Findings {
    /// The API's answer; `None` if there is no account for it.
    pub(crate) api: Option<Facts>,
    pub(crate) audio: Option<u8>,
    pub(crate) gate: SpamGate,
    pub(crate) area: AreaVerdict,
    pub(crate) destinations: Vec<&'static str>,
    pub(crate) notify: bool,
}

impl Default for Findings {
    fn default() -> Self {
        Self {
            api: Some(Facts::default()),
            audio: Some(1),
            gate: SpamGate::Pass,
            area: AreaVerdict::In(AreaBasis::Everywhere),
            destinations: vec![lead::CRM],
            notify: true,
        }
    }
}

impl Findings {
    pub(crate) fn without_audio() -> Self {
        Self {
            audio: None,
            ..Self::default()
        }
    }

    pub(crate) fn outside_the_area() -> Self {
        Self {
            area: AreaVerdict::Out(AreaBasis::PostalCode),
            ..Self::default()
        }
    }

    pub(crate) fn gated(gate: SpamGate) -> Self {
        Self {
            gate,
            ..Self::default()
        }
    }

    /// The API says this note.
    pub(crate) fn noted(text: &str) -> Self {
        let mut api = Facts::default();
        api.labels.note = Some(text.to_owned());
        Self {
            api: Some(api),
            ..Self::default()
        }
    }
}

pub(crate) fn name(text: &str) -> ConnectionName {
    ConnectionName::new(text).unwrap()
}

/// A message of a chat that names its number.
pub(crate) fn message(number: u8) -> (String, ChatMessage) {
    let message = ChatMessage::new(Author::Customer, None, &format!("message {number}"));
    (format!("msg-{number}"), message)
}

/// What a later delivery or the API can change beside a lead's contact and labels, for the stages of its channel.
pub(crate) fn change(about: &mut About, number: u8) {
    match about {
        About::Phone(call) => call.has_recording = Some(number > 0),
        About::Text(facts) => facts.messages.extend([message(number)]),
        About::Chat(facts) => facts.messages.extend([message(number)]),
        About::Form(facts) => {
            let answer = format!("answer {number}");
            facts.answers.insert("Budget".to_owned(), answer);
        }
        About::Calendar(facts) => {
            facts.starts_at = Some(later(Timestamp::UNIX_EPOCH, u32::from(number) * SECOND));
        }
        About::Api(facts) => {
            let answer = format!("answer {number}");
            facts.answers.insert("Budget".to_owned(), answer);
        }
        About::Unrecognized(_) => {}
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
        connection: name(lead::CRM),
        version,
        reason: "refused".to_owned(),
        answer: None,
    }
}

impl Default for World {
    fn default() -> Self {
        Self::of(Channel::Phone)
    }
}

impl World {
    pub(crate) fn of(channel: Channel) -> Self {
        Self {
            channel,
            now: Timestamp::UNIX_EPOCH,
            requests: BTreeMap::new(),
            log: Vec::new(),
            events: 0,
            tokens: BTreeMap::new(),
        }
    }

    fn origin(&mut self) -> Origin {
        self.events += 1;
        Origin {
            event: EventId::from_uuid(Uuid::from_u128(self.events)),
            ..lead::origin(self.channel)
        }
    }

    /// A delivery that reports an edit.
    pub(crate) fn edit(&self, say: impl FnOnce(&mut Facts)) -> News {
        let mut facts = Facts::nothing(self.channel);
        say(&mut facts);
        News {
            is_modified: true,
            facts,
            ..lead::news(self.channel)
        }
    }

    /// A first report that says nothing but its channel.
    pub(crate) fn report(&self) -> News {
        News {
            is_modified: false,
            ..self.edit(|_| ())
        }
    }

    /// An edit of the note.
    pub(crate) fn note(&self, text: &str) -> News {
        self.edit(|facts| facts.labels.note = Some(text.to_owned()))
    }

    /// An edit that moves the person, so that the request is qualified again.
    pub(crate) fn moved(&self) -> News {
        self.edit(|facts| {
            facts.person.postal_code = Some("10001".to_owned());
            facts.labels.note = Some("moved".to_owned());
        })
    }

    pub(crate) fn receive(&mut self, news: Result<News, String>) -> RequestId {
        let origin = self.origin();
        let id = RequestId::from_uuid(Uuid::from_u128(1_000 + self.events));
        let plan = transition::receive(id, &origin, news, self.now);
        self.write(plan);
        id
    }

    /// A lead that came in.
    pub(crate) fn lead(&mut self) -> RequestId {
        self.receive(Ok(self.edit(|_| ())))
    }

    /// The first stage after reading; of a form, one without files.
    pub(crate) fn first(&self) -> Stage {
        let mut stages = self.channel.pipeline().skip(1);
        stages.find(|stage| *stage != Stage::Documents).unwrap()
    }

    pub(crate) fn state(&self, id: RequestId) -> RequestState {
        let (request, rows) = self.requests[&id].clone();
        RequestState::new(request, OpenWork::new(rows))
    }

    /// The request that goes on.
    pub(crate) fn follow(&self, mut id: RequestId) -> RequestId {
        while let Some(into) = self.document(id).merged_into {
            id = into;
        }
        id
    }

    /// News of a request.
    pub(crate) fn event(&mut self, id: RequestId, news: &News) {
        self.event_of_all(&[id], news);
    }

    /// News that name several requests, the first of them the canonical one.
    pub(crate) fn event_of_all(&mut self, ids: &[RequestId], news: &News) {
        let origin = self.origin();
        let mut states: Vec<_> = ids.iter().map(|id| self.state(self.follow(*id))).collect();
        let first = states.remove(0);
        let plan = transition::receive_again(first, states, &origin, news, self.now);
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
            jitter: 0.0,
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

    /// Runs the stages of a new lead up to its analysis, that one not included.
    pub(crate) fn gather(&mut self, id: RequestId, findings: &Findings) {
        for stage in self.channel.gathering() {
            if workflow::needs(self.document(id), *stage) {
                self.run(id, *stage, findings);
            }
        }
    }

    /// Runs the stages of a new lead up to its route.
    pub(crate) fn qualify(&mut self, id: RequestId, findings: &Findings) {
        self.gather(id, findings);
        self.run(id, Stage::Analysis, findings);
    }

    /// A lead that is done, and everybody was notified.
    pub(crate) fn completed(&mut self, findings: &Findings) -> RequestId {
        let id = self.lead();
        self.qualify(id, findings);
        for _ in &findings.destinations {
            self.run(id, Stage::Dispatch, findings);
        }
        self.run(id, Stage::Notification, findings);
        assert!(self.rows(id).is_empty());
        id
    }

    pub(crate) fn status(&self, id: RequestId) -> Status {
        self.requests[&id].0.status
    }

    /// The stages that ended well since this entry of the log.
    pub(crate) fn done_since(&self, seen: usize) -> Vec<Stage> {
        let done = self.log[seen..].iter();
        done.filter(|(_, entry)| entry.outcome == "done")
            .map(|(_, entry)| entry.stage.unwrap())
            .collect()
    }

    /// Gives the connection a new secret.
    pub(crate) fn replace_secret(&mut self) {
        for id in self.requests.keys().copied().collect::<Vec<_>>() {
            let plan = transition::release(
                self.state(id),
                &name(lead::CRM),
                transition::ReleaseReason::Replaced,
                self.now,
            );
            self.write(plan);
        }
    }

    /// Redrives what is held or parked; returns how many rows.
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
        let is_quarantined = workflow::route(&state.request().document)
            .is_some_and(|decision| decision == Route::Quarantine);
        let action = match decision {
            VerdictKind::Approved if is_quarantined => ReviewAction::Release,
            VerdictKind::Approved => ReviewAction::Approve,
            VerdictKind::Rejected => ReviewAction::Reject,
        };
        let plan = transition::decide(state, action, "ann", self.now)
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

    /// Does everything that is left, with stages that succeed; returns how many steps that took.
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
                .entry((id, row.key.stage.as_str(), row.key.target.clone()))
                .or_default();
            assert!(row.token >= *seen, "a token went back: {row:?}");
            *seen = row.token;
        }
    }

    /// Writes a plan as a store does, and checks what must hold after each.
    pub(crate) fn write(&mut self, plan: Plan) {
        for change in plan.changes {
            let request = change.request;
            let id = request.id;
            let known = self.requests.remove(&id);
            assert_eq!(known.is_none(), change.is_new);
            let was = known.as_ref().map(|(request, _)| request.status);
            assert_eq!(change.is_published, was != Some(request.status));
            let (version, mut rows) =
                known.map_or((0, Vec::new()), |(request, rows)| (request.version, rows));
            assert_eq!(request.version, version + 1);
            for (stage, target) in &change.delete {
                rows.retain(|row| row.key.stage.as_str() != *stage || row.key.target != *target);
            }
            let is_dispatching = workflow::route(&request.document) == Some(Route::Dispatch);
            for row in change.put {
                let place = rows.iter_mut().find(|other| other.key == row.key);
                match place {
                    Some(place) => *place = row,
                    None => {
                        let key = (id, row.key.stage.as_str(), row.key.target.clone());
                        let seen = self.tokens.get(&key).copied().unwrap_or_default();
                        assert!(row.token > seen, "a token came again: {row:?}");
                        let is_outward =
                            matches!(row.key.stage, Stage::Dispatch | Stage::Notification);
                        assert!(is_dispatching || !is_outward, "it is withheld: {row:?}");
                        rows.push(row);
                    }
                }
            }
            rows.sort_by_key(|row| {
                (
                    Stage::ALL.iter().position(|stage| *stage == row.key.stage),
                    row.key.target.clone(),
                )
            });
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
            let rests = request.status.is_terminal() || request.status == Status::InReview;
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
            if is_outward && workflow::route(document) != Some(Route::Dispatch) {
                let is_ending =
                    matches!(row.state, WorkState::InFlight { .. }) && !row.rerun_requested;
                assert!(is_ending, "it is withheld: {row:?}");
            }
        }
    }
}

impl Job {
    /// What a stage that succeeds settles with: made from the request as it was claimed.
    pub(crate) fn done(&self, findings: &Findings) -> Outcome {
        let document = &self.request.document;
        let (stage, target) = (self.claim.key.stage, &self.claim.key.target);
        let sections = match stage {
            Stage::Reading => {
                let mut source = document.source.clone();
                source.unread = None;
                vec![Section::Source(Box::new(source))]
            }
            Stage::Details => vec![Section::Details(details(document, findings))],
            Stage::Documents => vec![Section::Documents(Box::new(lead::kept(document)))],
            Stage::Recording => vec![Section::Recording(recording(document, findings))],
            Stage::Transcript => vec![Section::Transcript(TranscriptSection {
                turns: Vec::new(),
                ..lead::transcript(document)
            })],
            Stage::Booking => vec![Section::Booking(lead::booking(document))],
            Stage::Analysis => judged(document, findings),
            Stage::Dispatch => {
                let section = DispatchSection {
                    fields_hash: Some(shown(document)),
                    ..lead::dispatched(document)
                };
                vec![Section::Dispatch(name(target), section)]
            }
            Stage::Notification => vec![Section::Notifications(lead::notified())],
        };
        Outcome::Done {
            sections,
            aliases: Vec::new(),
        }
    }
}

fn details(document: &Document, findings: &Findings) -> DetailsSection {
    match &findings.api {
        Some(facts) => lead::details(document, facts.clone()),
        None => DetailsSection {
            answer: DetailsAnswer::Absent(NoDetails::NotConnected),
            ..lead::details(document, Facts::default())
        },
    }
}

fn recording(document: &Document, findings: &Findings) -> RecordingSection {
    let section = lead::recording(document);
    let audio = match (section.audio, findings.audio) {
        (
            Audio::Stored {
                name,
                size_bytes,
                duration_ms,
                ..
            },
            Some(number),
        ) => Audio::Stored {
            name,
            sha256: number.to_string(),
            size_bytes,
            duration_ms,
        },
        _ => Audio::Absent {
            reason: NoAudio::NeverArrived,
        },
    };
    RecordingSection { audio, ..section }
}

/// Who said what, in order: when a message came is none of its words.
fn said(messages: &BTreeMap<String, ChatMessage>) -> Vec<(Author, &str)> {
    let messages = thread::in_order(messages).into_iter();
    messages
        .map(|(_, message)| (message.from, message.text.as_str()))
        .collect()
}

/// The words that an analysis reads.
pub(crate) fn read(document: &Document) -> String {
    let transcript = document.transcript.as_ref();
    let spoken = transcript.map_or("", |section| &section.audio_sha256);
    match &document.facts().about {
        About::Text(facts) => format!("{:?}", said(&facts.messages)),
        About::Chat(facts) => format!("{:?} {:?}", facts.subject, said(&facts.messages)),
        About::Form(facts) => format!("{:?} {:?}", facts.message, facts.answers),
        About::Calendar(facts) => {
            format!(
                "{:?} {:?} {:?}",
                facts.service, facts.message, facts.answers
            )
        }
        About::Api(facts) => format!("{:?} {:?}", facts.message, facts.answers),
        About::Phone(_) | About::Unrecognized(_) => spoken.to_owned(),
    }
}

/// What a qualification decides by.
pub(crate) fn reach(document: &Document) -> u64 {
    let person = document.facts().person;
    [
        person.phone,
        person.email,
        person.postal_code,
        person.address,
    ]
    .iter()
    .flat_map(|text| text.as_deref().unwrap_or("-").bytes())
    .fold(7, |hash: u64, byte| {
        hash.wrapping_mul(31).wrapping_add(u64::from(byte))
    })
}

/// What a CRM shows.
pub(crate) fn shown(document: &Document) -> String {
    let Facts {
        person,
        labels,
        about,
        ..
    } = document.facts();
    let about = match about {
        // Later edits of a call's length and outcome are not worth another push.
        About::Phone(_) => None,
        about => Some(about),
    };
    let summary = document.analysis.as_ref().map(|section| &section.summary);
    format!("{labels:?} {person:?} {about:?} {summary:?}")
}

fn judged(document: &Document, findings: &Findings) -> Vec<Section> {
    let mut sections = Vec::new();
    if workflow::needs_model(document) {
        sections.push(Section::Analysis(Box::new(AnalysisSection {
            summary: read(document),
            ..lead::analysis(document)
        })));
    }
    let destinations = findings.destinations.iter();
    sections.push(Section::Qualification(QualificationSection {
        missing_fields: Default::default(),
        revision: document.revisions.of_qualification(),
        gate: findings.gate,
        gate_reason: None,
        area: findings.area,
        map: None,
        config_version: reach(document),
        destinations: destinations
            .map(|connection| (name(connection), lead::CRM.to_owned()))
            .collect(),
        notify: findings.notify,
    }));
    sections
}

/// A time from now.
pub(crate) fn after(world: &World, seconds: u32) -> Timestamp {
    later(world.now, seconds * SECOND)
}
