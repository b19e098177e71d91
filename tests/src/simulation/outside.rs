//! The outside world in memory: the provider and its calls, the CRM, the mailbox, whoever transcribes.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use domain::{
    Alias, CallFacts, Claim, Clock as _, ConnectionName, EffectFailure, EffectKey, EffectTiming,
    Inbound, Lookup, RequestId, later,
};
use jiff::Timestamp;

use super::{Failpoint, scene::Scene};

/// What begins the text of a call's note: the version of the call follows.
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
    /// Later, perhaps.
    Throttled,
    /// The credentials are not taken.
    Credentials,
    /// Never.
    Invalid,
}

impl EffectFailure for WriteError {
    fn is_outcome_unknown(&self) -> bool {
        *self == Self::Unknown
    }
}

/// What the provider tells of a call in a delivery.
#[derive(Debug, Clone)]
pub(super) struct News {
    pub(super) version: u32,
    pub(super) is_modified: bool,
    /// The call's names, as far as the delivery says them.
    pub(super) names: Vec<String>,
    facts: CallFacts,
    delay: Duration,
}

impl News {
    pub(super) fn body(&self) -> String {
        format!("{} {}{}", self.names.join("="), NOTE, self.version)
    }

    pub(super) fn inbound(&self) -> Inbound {
        Inbound {
            aliases: self.names.iter().map(|name| alias(name)).collect(),
            is_modified: self.is_modified,
            delay: self.delay,
            call: self.facts.clone(),
        }
    }
}

/// The version of a call that these facts are of.
pub(super) fn version(facts: &CallFacts) -> Option<u32> {
    facts.note.as_deref()?.strip_prefix(NOTE)?.parse().ok()
}

pub(super) fn alias(name: &str) -> Alias {
    Alias {
        provider: "callrail".to_owned(),
        kind: "call".to_owned(),
        value: name.to_owned(),
    }
}

/// What a CRM shows of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shown {
    pub(super) note: Option<String>,
    pub(super) address: Option<String>,
}

impl Shown {
    pub(super) fn of(call: &CallFacts) -> Self {
        Self {
            note: call.note.clone(),
            address: call.caller_email.clone(),
        }
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |text: &Option<String>| text.clone().unwrap_or_else(|| "nothing".to_owned());
        write!(f, "{} of {}", text(&self.note), text(&self.address))
    }
}

/// A record of the CRM.
#[derive(Debug, Clone)]
pub(super) struct CrmRecord {
    pub(super) shown: Shown,
    /// It was last written by a process that stood still between its check and its write until it had lost its claim.
    pub(super) is_overwritten_late: bool,
}

/// Everything that is not ours.
#[derive(Default)]
pub(super) struct Outside(Mutex<State>);

#[derive(Default)]
struct State {
    calls: Vec<CallFacts>,
    versions: u32,
    deliveries: BTreeMap<String, News>,
    crm: BTreeMap<(ConnectionName, RequestId), CrmRecord>,
    notes: BTreeMap<EffectKey, Timestamp>,
    receipts: Vec<(EffectKey, String)>,
    /// The newest version of each connection's secret that is not taken any more.
    revoked: BTreeMap<ConnectionName, u64>,
}

impl Outside {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    // --- the provider's calls

    pub(super) fn calls(&self) -> u32 {
        u32::try_from(self.lock().calls.len()).unwrap()
    }

    /// Both names of a call.
    pub(super) fn names(call: u32) -> Vec<String> {
        vec![format!("CAL{call}"), format!("{call}00")]
    }

    /// A call rings.
    pub(super) fn ring(&self, scene: &Scene) -> u32 {
        let mut state = self.lock();
        let call = u32::try_from(state.calls.len()).unwrap();
        state.calls.push(CallFacts {
            call_id: Some(format!("CAL{call}")),
            has_recording: scene.draws.chance(40).then_some(true),
            ..CallFacts::default()
        });
        call
    }

    /// The call changes, and the provider tells so under these names.
    pub(super) fn change(&self, scene: &Scene, call: u32, names: Vec<String>) -> News {
        let mut state = self.lock();
        state.versions += 1;
        let version = state.versions;
        let facts = &mut state.calls[usize::try_from(call).unwrap()];
        let is_first = facts.note.is_none();
        facts.note = Some(format!("{NOTE}{version}"));
        if is_first || scene.draws.chance(25) {
            // Addresses are quickly read; numbers are not, in a build for tests.
            facts.caller_email = Some(format!("caller{version}@example.com"));
        }
        if scene.draws.chance(15) {
            facts.has_recording = Some(true);
        }
        let news = News {
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
        state.deliveries.insert(news.body(), news.clone());
        news
    }

    /// What was told of a version.
    pub(super) fn news(&self, version: u32) -> Option<News> {
        let state = self.lock();
        let mut news = state.deliveries.values();
        news.find(|news| news.version == version).cloned()
    }

    /// What a delivery says.
    pub(super) fn read(&self, body: &str) -> Option<News> {
        self.lock().deliveries.get(body).cloned()
    }

    /// The call as the provider's API shows it.
    pub(super) fn call(&self, id: &str) -> Option<CallFacts> {
        let state = self.lock();
        let mut calls = state.calls.iter();
        calls
            .find(|call| call.call_id.as_deref() == Some(id))
            .cloned()
    }

    // --- credentials

    /// The secret of this version is not taken any more.
    pub(super) fn revoke(&self, connection: &ConnectionName, version: u64) {
        let mut state = self.lock();
        let known = state.revoked.entry(connection.clone()).or_default();
        *known = version.max(*known);
    }

    pub(super) fn takes(&self, connection: &ConnectionName, version: u64) -> bool {
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
        // Mostly well: effects without a unique key come behind it.
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
        // Where several attempts are under way, it is as nasty as can be: who comes late is sent away, and must not
        // speak for those who came meanwhile; they hear nothing.
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
        // Who waited for longer than the call may take has mostly given it up.
        let given_up_at = later(now, medium.timing().call_deadline);
        if scene.clock.now() > given_up_at && scene.draws.chance(70) {
            return Err(WriteError::Unknown);
        }
        fate.answer().map(|()| remote_id(key))
    }

    /// Looks for an effect that may have been done. Notes show after the lag at the latest.
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

    /// The mailbox's word on a message, once.
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

/// What the outside calls an effect.
fn remote_id(key: &EffectKey) -> String {
    format!("remote {}", key.as_str())
}

/// What becomes of a write.
#[derive(Debug, Clone, Copy)]
enum Fate {
    Taken,
    /// Taken, but nobody hears.
    AnswerLost,
    /// Not taken, and nobody hears.
    Lost,
    Refused(WriteError),
}

impl Fate {
    /// Drawn anew for each write, of which so many of a hundred go wrong.
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
