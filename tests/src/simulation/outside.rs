//! The outside world in memory: the provider and its leads, the CRM, the mailbox, whoever transcribes.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use domain::{
    About, Alias, Author, Channel, ChatMessage, Claim, Clock as _, ConnectionName, EffectFailure,
    EffectKey, EffectTiming, Facts, Lookup, News, RequestId, later,
};
use jiff::Timestamp;
use testkit::lead::PROVIDER;

use super::{Failpoint, scene::Scene};

/// What begins the text of a lead's note. The version of the lead follows.
const NOTE: &str = "version ";

/// Outside effects that have no unique key at the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Medium {
    /// A message to a person. Whether it was sent cannot be looked up.
    Mail,
    /// A paid transcription. Whether it was begun cannot be looked up.
    Speech,
    /// A note beside the CRM's record. It can be looked up.
    Note,
}

impl Medium {
    pub(super) const fn timing(self) -> EffectTiming {
        let (call_seconds, lag_seconds, max_attempts) = match self {
            Self::Mail => (20, 60, 2),
            Self::Speech => (35, 5, 2),
            Self::Note => (20, 30, 2),
        };
        EffectTiming {
            call_deadline: Duration::from_secs(call_seconds),
            lag: Duration::from_secs(lag_seconds),
            not_before: None,
            max_attempts,
        }
    }

    pub(super) const fn can_be_looked_up(self) -> bool {
        matches!(self, Self::Note)
    }

    /// The first part of its effects' keys.
    pub(super) const fn kind(self) -> &'static str {
        match self {
            Self::Mail => "email",
            Self::Speech => "speech",
            Self::Note => "note",
        }
    }
}

/// Why a write did not end well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WriteError {
    /// No answer came.
    Unknown,
    /// It may succeed later.
    Throttled,
    /// The credentials are refused.
    Credentials,
    /// It will never succeed.
    Invalid,
}

impl EffectFailure for WriteError {
    fn is_outcome_unknown(&self) -> bool {
        *self == Self::Unknown
    }
}

/// A delivery that reports a version of a lead.
#[derive(Debug, Clone)]
pub(super) struct Report {
    pub(super) version: u32,
    pub(super) is_modified: bool,
    /// The lead's names, as far as the delivery says them.
    pub(super) names: Vec<String>,
    facts: Facts,
    delay: Duration,
}

impl Report {
    pub(super) fn body(&self) -> String {
        format!("{} {}{}", self.names.join("="), NOTE, self.version)
    }

    pub(super) fn news(&self) -> News {
        News {
            delivery_id: None,
            aliases: self.names.iter().map(|name| alias(name)).collect(),
            is_modified: self.is_modified,
            is_thin: false,
            is_addition: false,
            apart: domain::Apart::Never,
            delay: self.delay,
            facts: self.facts.clone(),
        }
    }
}

/// The version of a lead that these facts are of.
pub(super) fn version(facts: &Facts) -> Option<u32> {
    let note = facts.labels.note.as_deref()?;
    note.strip_prefix(NOTE)?.parse().ok()
}

pub(super) fn alias(name: &str) -> Alias {
    Alias {
        provider: PROVIDER.to_owned(),
        kind: "lead".to_owned(),
        value: name.to_owned(),
    }
}

/// What a CRM shows of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shown {
    note: Option<String>,
    address: Option<String>,
    /// What the channel says: how many messages, when the booking begins.
    about: Option<String>,
}

impl Shown {
    pub(super) fn of(facts: &Facts) -> Self {
        Self {
            note: facts.labels.note.clone(),
            address: facts.person.email.clone(),
            about: match &facts.about {
                About::Chat(chat) => Some(format!("{} messages", chat.messages.len())),
                About::Calendar(booking) => booking.starts_at.map(|at| at.to_string()),
                _ => None,
            },
        }
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |text: &Option<String>| text.clone().unwrap_or_else(|| "nothing".to_owned());
        let (note, address) = (text(&self.note), text(&self.address));
        write!(f, "{note} of {address}")?;
        self.about
            .iter()
            .try_for_each(|about| write!(f, ", {about}"))
    }
}

/// A record of the CRM.
#[derive(Debug, Clone)]
pub(super) struct CrmRecord {
    pub(super) shown: Shown,
    /// It was last written by a process that was frozen between its check and its write until it had lost its claim.
    pub(super) is_overwritten_late: bool,
}

/// Everything that is not ours.
#[derive(Default)]
pub(super) struct Outside(Mutex<State>);

#[derive(Default)]
struct State {
    leads: Vec<Facts>,
    versions: u32,
    deliveries: BTreeMap<String, Report>,
    crm: BTreeMap<(ConnectionName, RequestId), CrmRecord>,
    notes: BTreeMap<EffectKey, Timestamp>,
    receipts: Vec<(EffectKey, String)>,
    /// The newest version of each connection's secret that is refused.
    revoked: BTreeMap<ConnectionName, u64>,
}

impl Outside {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    // --- the provider's leads

    pub(super) fn leads(&self) -> u32 {
        u32::try_from(self.lock().leads.len()).unwrap()
    }

    /// Both names of a lead.
    pub(super) fn names(lead: u32) -> Vec<String> {
        vec![format!("LEAD{lead}"), format!("{lead}00")]
    }

    /// A lead comes to the provider.
    pub(super) fn arrive(&self, scene: &Scene) -> u32 {
        let mut state = self.lock();
        let lead = u32::try_from(state.leads.len()).unwrap();
        // Channels whose API can tell which of two deliveries is the newer one.
        let channels = [
            (7, Channel::Phone),
            (2, Channel::Chat),
            (1, Channel::Calendar),
        ];
        let mut facts = Facts::nothing(scene.draws.weighted(&channels).unwrap());
        facts.external_id = Some(format!("LEAD{lead}"));
        if let About::Phone(call) = &mut facts.about {
            call.has_recording = scene.draws.chance(40).then_some(true);
        }
        state.leads.push(facts);
        lead
    }

    /// The lead changes, and the provider reports it under these names.
    pub(super) fn change(&self, scene: &Scene, lead: u32, names: Vec<String>) -> Report {
        let mut state = self.lock();
        state.versions += 1;
        let version = state.versions;
        let facts = &mut state.leads[usize::try_from(lead).unwrap()];
        let is_first = facts.labels.note.is_none();
        facts.labels.note = Some(format!("{NOTE}{version}"));
        if is_first || scene.draws.chance(25) {
            // E-mail addresses parse quickly. Phone numbers do not, in a build for tests.
            facts.person.email = Some(format!("lead{version}@example.com"));
        }
        if scene.draws.chance(15) {
            change_about(&mut facts.about, version);
        }
        let report = Report {
            version,
            is_modified: !is_first && scene.draws.chance(80),
            names,
            facts: facts.clone(),
            delay: if is_first && scene.draws.chance(15) {
                Duration::from_secs(60)
            } else {
                Duration::ZERO
            },
        };
        state.deliveries.insert(report.body(), report.clone());
        report
    }

    /// The report of a version.
    pub(super) fn report(&self, version: u32) -> Option<Report> {
        let state = self.lock();
        let mut reports = state.deliveries.values();
        reports.find(|report| report.version == version).cloned()
    }

    /// What a delivery says.
    pub(super) fn read(&self, body: &str) -> Option<Report> {
        self.lock().deliveries.get(body).cloned()
    }

    /// The lead as the provider's API states it.
    pub(super) fn lead(&self, id: &str) -> Option<Facts> {
        let state = self.lock();
        let mut leads = state.leads.iter();
        leads
            .find(|lead| lead.external_id.as_deref() == Some(id))
            .cloned()
    }

    // --- credentials

    /// The provider refuses this version of the secret and older ones from now on.
    pub(super) fn revoke(&self, connection: &ConnectionName, version: u64) {
        let mut state = self.lock();
        let known = state.revoked.entry(connection.clone()).or_default();
        *known = version.max(*known);
    }

    pub(super) fn accepts(&self, connection: &ConnectionName, version: u64) -> bool {
        let state = self.lock();
        state
            .revoked
            .get(connection)
            .is_none_or(|known| version > *known)
    }

    // --- the CRM

    /// Writes the record of a request; the newest write counts.
    pub(super) async fn upsert(
        &self,
        scene: &Scene,
        connection: &ConnectionName,
        claim: &Claim,
        shown: Shown,
    ) -> Result<(), WriteError> {
        // It mostly succeeds, so that runs get to the effects behind it, which have no unique key.
        let fate = Fate::draw(scene, scene.habits.roughness.min(20));
        if fate.is_taken() {
            let record = CrmRecord {
                shown,
                is_overwritten_late: !scene.audit.is_current(claim, scene.clock.now()),
            };
            let key = (connection.clone(), claim.key.request);
            self.lock().crm.insert(key, record);
        }
        scene.gates.pass(Failpoint::AfterUpsert).await;
        fate.answer()
    }

    pub(super) fn record(
        &self,
        connection: &ConnectionName,
        request: RequestId,
    ) -> Option<CrmRecord> {
        self.lock().crm.get(&(connection.clone(), request)).cloned()
    }

    // --- what has no unique key

    /// Does an effect that was begun by this claim.
    pub(super) async fn write(
        &self,
        scene: &Scene,
        medium: Medium,
        key: &EffectKey,
        claim: &Claim,
    ) -> Result<String, WriteError> {
        let now = scene.clock.now();
        let Some(begun_at) = scene.audit.begun_at(key, claim) else {
            scene
                .audit
                .fault(format!("{} is done without being begun", key.as_str()));
            return Err(WriteError::Invalid);
        };
        let is_late = now > later(begun_at, medium.timing().call_deadline);
        // Several attempts at once get the worst answers: the late one is refused, and must not conclude for the others,
        // whose answers are lost.
        let is_contested = scene.audit.attempts(key) > 1;
        let fate = if is_late && scene.goes_wrong(60) {
            Fate::Refused(WriteError::Throttled)
        } else if is_contested && scene.goes_wrong(70) {
            Fate::AnswerLost
        } else {
            Fate::draw(scene, scene.habits.roughness)
        };
        scene.count("write", fate.word());
        if fate.is_taken() {
            if is_late {
                scene.count("write", "late");
            }
            scene.audit.taken(medium, key, begun_at, is_late);
            let mut state = self.lock();
            if medium == Medium::Note {
                state.notes.entry(key.clone()).or_insert(now);
            }
            if medium == Medium::Mail {
                state.receipts.push((key.clone(), remote_id(key)));
            }
        }
        scene.gates.pass(Failpoint::AfterWrite).await;
        // A caller that waited past its deadline has mostly given up.
        let given_up_at = later(now, medium.timing().call_deadline);
        if scene.clock.now() > given_up_at && scene.draws.chance(70) {
            return Err(WriteError::Unknown);
        }
        fate.answer().map(|()| remote_id(key))
    }

    /// Looks for an effect that may have been done.
    pub(super) async fn look_up(
        &self,
        scene: &Scene,
        medium: Medium,
        key: &EffectKey,
    ) -> Result<Lookup, WriteError> {
        let found = self.lock().notes.contains_key(key) && medium.can_be_looked_up();
        scene.gates.pass(Failpoint::AfterLookup).await;
        if scene.goes_wrong(5) {
            return Err(WriteError::Throttled);
        }
        Ok(if found {
            Lookup::Found(remote_id(key))
        } else {
            Lookup::Absent
        })
    }

    /// A receipt of the mailbox, each once.
    pub(super) fn take_receipt(&self, scene: &Scene) -> Option<(EffectKey, String)> {
        let mut state = self.lock();
        let count = u64::try_from(state.receipts.len()).unwrap();
        if count == 0 {
            return None;
        }
        let index = usize::try_from(scene.draws.below(count)).unwrap();
        Some(state.receipts.remove(index))
    }

    pub(super) fn has_receipts(&self) -> bool {
        !self.lock().receipts.is_empty()
    }
}

/// A recording, a message more, a slot that moved.
fn change_about(about: &mut About, version: u32) {
    match about {
        About::Phone(call) => call.has_recording = Some(true),
        About::Chat(chat) => {
            let message = ChatMessage::new(Author::Customer, None, &format!("message {version}"));
            chat.messages.insert(format!("msg{version}"), message);
        }
        About::Calendar(booking) => {
            booking.starts_at = Timestamp::from_second(i64::from(version) * 3_600).ok();
        }
        About::Text(_) | About::Form(_) | About::Api(_) | About::Unrecognized(_) => {}
    }
}

/// What the outside calls an effect.
fn remote_id(key: &EffectKey) -> String {
    format!("remote {}", key.as_str())
}

/// What becomes of a write.
#[derive(Debug, Clone, Copy)]
enum Fate {
    Taken,
    /// Taken, but the answer is lost.
    AnswerLost,
    /// Not taken, and the answer is lost.
    Lost,
    Refused(WriteError),
}

impl Fate {
    /// Drawn for each write. `roughness` percent of them go wrong.
    fn draw(scene: &Scene, roughness: u64) -> Self {
        if !scene.goes_wrong(roughness) {
            return Self::Taken;
        }
        let fates = [
            (8, Self::AnswerLost),
            (4, Self::Lost),
            (5, Self::Refused(WriteError::Throttled)),
            (1, Self::Refused(WriteError::Credentials)),
            (1, Self::Refused(WriteError::Invalid)),
        ];
        scene.draws.weighted(&fates).unwrap()
    }

    const fn is_taken(self) -> bool {
        matches!(self, Self::Taken | Self::AnswerLost)
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Taken => "taken",
            Self::AnswerLost => "answer lost",
            Self::Lost => "lost",
            Self::Refused(_) => "refused",
        }
    }

    const fn answer(self) -> Result<(), WriteError> {
        match self {
            Self::Taken => Ok(()),
            Self::AnswerLost | Self::Lost => Err(WriteError::Unknown),
            Self::Refused(error) => Err(error),
        }
    }
}
