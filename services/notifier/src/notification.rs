//! The stage `notification`.

use std::{collections::BTreeMap, future::Future, time::Duration};

use async_trait::async_trait;
use domain::{
    Brief, Claimed, Classify, Disposition, EffectFailure, EffectKey, EffectOutcome, EffectTiming,
    Effects, Link, Lookup, NotificationRecord, NotificationsSection, Outcome, Record, Section,
    Stage, StageError, StageHandler, Usage, effect::REFUSED, later, text,
};
use http_client::{Exchange, with_last_exchange};
use jiff::Timestamp;
use store::PersonIdentity;

use crate::Deps;

/// The word for a message that the provider took.
const SENT: &str = "sent";
/// How often a receipt, or a message whose answer was lost, is looked for.
pub(crate) const LOOK: Duration = Duration::from_secs(10);
/// The same, while another connection takes nothing: it is asked again each time.
const LOOK_WHILE_STOPPED: Duration = Duration::from_secs(60);

/// Sends the message about a request to each recipient of its office.
///
/// In: a request whose dispatches have ended, or wait. Out: `notifications`, once every message has ended; where none
/// reached anybody, the settle parks the step, and a redrive sends new messages. A repeat
/// sends no message again. A mail whose answer was lost waits for the provider's receipt, and is sent once more when
/// that does not come; a message to a chat is looked for there. What stops one way, or one connection, lets the others
/// go on. Messages show the request as it was claimed.
pub(crate) struct Notification {
    pub(crate) deps: Deps,
    /// Since when the provider's events can reach us.
    pub(crate) since: Timestamp,
}

/// A message to one recipient.
pub(crate) struct Message {
    /// By what way.
    pub(crate) channel: String,
    /// Who gets it, as people are shown.
    pub(crate) recipient: String,
    /// Our name of it.
    pub(crate) id: String,
    /// What it is made of.
    pub(crate) template: &'static str,
    /// What is counted of it, and at whom; none where nobody is asked to send it.
    pub(crate) by: Option<(&'static str, &'static str)>,
}

/// What came of the messages of one connection.
#[derive(Default)]
pub(crate) struct Round {
    /// The messages that have ended.
    pub(crate) ended: Vec<(Message, Ended)>,
    /// When to look again for what came of one.
    look_at: Option<Timestamp>,
    /// What is waited for then, for people.
    awaits: &'static str,
    /// What stopped the rest.
    stopped: Option<StageError>,
}

/// Where a message stands.
pub(crate) enum Progress {
    Ended(Ended),
    /// What came of it is not known before then.
    Unknown(Timestamp),
}

/// A message that has ended.
pub(crate) struct Ended {
    ending: Ending,
    tried: Tried,
}

/// A try to send a message, as far as the provider had part in it.
#[derive(Default)]
pub(crate) struct Tried {
    /// How long it took, and what was answered last; none where the provider was not called.
    call: Option<(Duration, Exchange)>,
}

/// How a message ended.
enum Ending {
    Sent { provider_id: String },
    NotSent { word: &'static str, reason: String },
}

/// What came of beginning a message.
pub(crate) enum Begun<E> {
    Ended(Ended),
    NotYet(Timestamp),
    GaveUp(Tried),
    Failed(E, Tried),
}

#[async_trait]
impl StageHandler for Notification {
    fn stage(&self) -> Stage {
        Stage::Notification
    }

    async fn handle(&self, job: &Claimed) -> Result<Outcome, StageError> {
        let brief = Brief::new(&job.request, &job.config);
        let brief = match self.links(job).await? {
            Some(links) => brief.linked_to(&links, job.request.created_at),
            None => brief,
        };
        let mut rounds = vec![self.mail(job, &brief).await];
        rounds.extend(self.posts(job, &brief).await);
        self.outcome(job, rounds)
    }
}

impl Notification {
    pub(crate) fn new(deps: Deps) -> Self {
        let since = deps.clock.now();
        Self { deps, since }
    }

    /// The request's links, where no CRM had it asked whose it is: then it is asked here.
    async fn links(&self, job: &Claimed) -> Result<Option<Vec<Link>>, StageError> {
        if job.request.person.is_some() {
            return Ok(None);
        }
        let identities = PersonIdentity::of(&job.request.document.facts().contact());
        let window = job.config.workflow.links.window();
        let key = &job.row.key;
        let store = &self.deps.store;
        let identified = store.person_for_request(&key.tenant, key.request, &identities, window);
        let identified = identified.await;
        Ok(Some(
            identified.map_err(|error| StageError::ours(&error))?.links,
        ))
    }

    /// Does what sends a message once, and says what came of it.
    pub(crate) async fn once<E, L, W>(
        &self,
        job: &Claimed,
        key: &EffectKey,
        timing: EffectTiming,
        lookup: impl FnOnce() -> L,
        write: impl FnOnce() -> W,
    ) -> Result<Begun<E>, StageError>
    where
        E: EffectFailure,
        L: Future<Output = Result<Lookup, E>>,
        W: Future<Output = Result<String, E>>,
    {
        let Deps { store, clock, .. } = &self.deps;
        let effects = Effects::new(store.clone(), clock.clone(), job.claim_token());
        let started = clock.monotonic();
        let (outcome, last) = with_last_exchange(effects.once(key, timing, lookup, write)).await;
        let took = clock.monotonic().saturating_sub(started);
        let tried = Tried {
            call: last.map(|last| (took, last)),
        };
        match outcome {
            EffectOutcome::Done(remote_id) => Ok(Begun::Ended(Ended {
                ending: ending(remote_id),
                tried,
            })),
            EffectOutcome::NotYet(at) => Ok(Begun::NotYet(at)),
            EffectOutcome::GaveUp => Ok(Begun::GaveUp(tried)),
            EffectOutcome::Failed(error) => Ok(Begun::Failed(error, tried)),
            EffectOutcome::Stale => Err(StageError::ours(&"the claim is no longer valid")),
            EffectOutcome::Store(error) => Err(StageError::ours(&error)),
        }
    }

    /// What all rounds come to. What is to be tried again is, before anything waits for a person: a connection that takes
    /// nothing holds up no message by another.
    fn outcome(&self, job: &Claimed, rounds: Vec<Round>) -> Result<Outcome, StageError> {
        let (mut ended, mut stopped) = (Vec::new(), Vec::new());
        let mut look_at: Option<(Timestamp, &str)> = None;
        for round in rounds {
            ended.extend(round.ended);
            stopped.extend(round.stopped);
            let at = round.look_at.map(|at| (at, round.awaits));
            look_at = look_at.into_iter().chain(at).min();
        }
        // Nobody is called before the time that they named.
        let retry = stopped.iter().filter_map(|error| match error.disposition {
            Disposition::Retry { after } => Some((after, error)),
            Disposition::Hold | Disposition::Park => None,
        });
        if let Some((_, error)) = retry.max_by_key(|(after, _)| *after) {
            return Err(error.clone());
        }
        if let Some((at, awaits)) = look_at {
            let pause = if stopped.is_empty() {
                LOOK
            } else {
                LOOK_WHILE_STOPPED
            };
            return Ok(Outcome::wait(
                at.min(later(self.deps.clock.now(), pause)),
                awaits,
            ));
        }
        let is_held = |error: &&StageError| error.disposition == Disposition::Hold;
        if let Some(error) = stopped.iter().find(is_held).or(stopped.first()) {
            return Err(error.clone());
        }
        Self::record_usage(job, &ended);
        Ok(self.done(job, ended))
    }

    /// Every message has ended: what is stored of each.
    fn done(&self, job: &Claimed, ended: Vec<(Message, Ended)>) -> Outcome {
        let mut messages = Vec::new();
        for (message, Ended { ending, tried }) in ended {
            let (word, provider_id, reason) = match ending {
                Ending::Sent { provider_id } => (SENT, Some(provider_id), None),
                Ending::NotSent { word, reason } => (word, None, Some(reason)),
            };
            self.record(job, &message, word, provider_id.clone(), tried);
            messages.push(domain::Message {
                channel: message.channel,
                recipient: message.recipient,
                id: Some(message.id),
                is_sent: reason.is_none(),
                provider_id,
                reason,
            });
        }
        Outcome::done(Section::Notifications(NotificationsSection {
            is_done: true,
            messages,
        }))
    }

    fn record_usage(job: &Claimed, ended: &[(Message, Ended)]) {
        let mut used = BTreeMap::<_, u64>::new();
        for (message, ended) in ended {
            if let (Some(by), Ending::Sent { .. }) = (message.by, &ended.ending) {
                *used.entry(by).or_default() += 1;
            }
        }
        for ((unit, by), amount) in used {
            job.record(Record::Usage(Usage {
                unit: unit.to_owned(),
                amount,
                by: by.to_owned(),
            }));
        }
    }

    /// Keeps what came of an attempt: a second one explains a second message.
    pub(crate) fn record(
        &self,
        job: &Claimed,
        message: &Message,
        outcome: &str,
        provider_id: Option<String>,
        tried: Tried,
    ) {
        let (took, last) = tried.call.unzip();
        // What went well has no more to tell.
        let failed = last.as_ref().filter(|_| outcome != SENT);
        let answer = failed.and_then(|last| last.answer.clone());
        job.record(Record::Notification(NotificationRecord {
            channel: message.channel.clone(),
            recipient: message.recipient.clone(),
            template: message.template.to_owned(),
            at: self.deps.clock.now(),
            outcome: outcome.to_owned(),
            provider_id,
            latency_ms: took.map(|took| u64::try_from(took.as_millis()).unwrap_or(u64::MAX)),
            status: last.as_ref().and_then(|last| last.status),
            bytes_cut: match &answer {
                Some(_) => failed.map_or(0, |last| last.bytes_cut),
                None => 0,
            },
            answer,
        }));
    }
}

impl Round {
    /// Nothing has begun. `awaits` is what a message whose answer is lost waits for.
    pub(crate) fn new(awaits: &'static str) -> Self {
        Self {
            awaits,
            ..Self::default()
        }
    }

    /// Nothing could be begun.
    pub(crate) fn failed(error: StageError) -> Self {
        Self {
            stopped: Some(error),
            ..Self::default()
        }
    }

    pub(crate) fn add(&mut self, message: Message, progress: Progress) {
        match progress {
            Progress::Ended(ended) => self.ended.push((message, ended)),
            Progress::Unknown(at) => {
                self.look_at = Some(self.look_at.map_or(at, |earlier| earlier.min(at)));
            }
        }
    }

    /// The rest of the connection's messages waits, what is not known of others with it.
    pub(crate) fn stop(&mut self, error: StageError) {
        self.stopped = Some(error);
        self.look_at = None;
    }
}

impl Ended {
    /// Nobody was asked to send it.
    pub(crate) fn not_sent(word: &'static str, reason: String) -> Self {
        Self {
            ending: Ending::NotSent { word, reason },
            tried: Tried::default(),
        }
    }

    /// It may have arrived.
    pub(crate) fn unconfirmed(reason: String, tried: Tried) -> Self {
        let word = "unconfirmed";
        Self {
            ending: Ending::NotSent { word, reason },
            tried,
        }
    }
}

/// What the record of effects keeps of a message that the provider refused for good.
pub(crate) fn refused(error: &impl Classify) -> String {
    let words = error.answer().unwrap_or_default();
    text::bounded(&format!("{REFUSED}{error}: {words}"), 500)
}

fn ending(remote_id: String) -> Ending {
    match remote_id.strip_prefix(REFUSED) {
        Some(reason) => Ending::NotSent {
            word: "refused",
            reason: reason.to_owned(),
        },
        None => Ending::Sent {
            provider_id: remote_id,
        },
    }
}
