//! The stage `notification`.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use accounts::AccountError;
use async_trait::async_trait;
use domain::{
    Account, Brief, Claimed, Classify, EffectFailure as _, EffectKey, EffectOutcome, EffectTiming,
    Effects, EmailAddress, Link, Lookup, Message, NotificationRecord, NotificationRules,
    NotificationsSection, Outcome, Record, Section, Stage, StageError, StageHandler, StoreError,
    TenantId, Usage, effect::REFUSED, later, text,
};
use http_client::{Exchange, with_last_exchange};
use jiff::Timestamp;
use notify::{
    CALL_DEADLINE, Content, EmailChannel, LEAD_TEMPLATE, Mail, SendError, lead_mail, message_id,
};
use store::{Connection, PersonIdentity};

use crate::Deps;

/// How often a message is begun, when what came of it stays unknown.
const MAX_ATTEMPTS: u32 = 2;
/// The word for a message that the provider took.
const SENT: &str = "sent";
/// How often a receipt is looked for.
const LOOK: Duration = Duration::from_secs(10);

/// Sends the mail about a request to each recipient of its office.
///
/// In: a request whose dispatches have ended, or wait. Out: `notifications`, once every message has ended; where none
/// reached anybody, the settle parks the step, and a redrive sends new messages. A repeat
/// sends no message again; one whose answer was lost waits for the provider's receipt, and is sent once more when
/// that does not come. The mail shows the request as it was claimed.
pub(crate) struct Notification {
    deps: Deps,
    /// Since when the provider's events can reach us.
    since: Timestamp,
}

/// What it takes to send.
struct Sender<'a> {
    from: &'a EmailAddress,
    from_name: String,
    channel: &'a dyn EmailChannel,
    account: Account,
}

/// Why there is no sender.
enum NoSender {
    /// The tenant has set none up: the request goes on without mail.
    NotSetUp { word: &'static str, reason: String },
    /// It could not be opened now.
    Failed(StageError),
}

/// Where a message stands.
enum Progress {
    Ended(Ended),
    /// What came of it is not known before then.
    Unknown(Timestamp),
}

/// A message that has ended.
struct Ended {
    ending: Ending,
    tried: Tried,
}

/// A try to send a message, as far as the provider had part in it.
#[derive(Default)]
struct Tried {
    /// How long it took, and what was answered last; none where the provider was not called.
    call: Option<(Duration, Exchange)>,
}

/// How a message ended.
enum Ending {
    Sent { provider_id: String },
    NotSent { word: &'static str, reason: String },
}

#[async_trait]
impl StageHandler for Notification {
    fn stage(&self) -> Stage {
        Stage::Notification
    }

    async fn handle(&self, job: &Claimed) -> Result<Outcome, StageError> {
        let rules = &job.config.workflow.notifications;
        let recipients = recipients(job, rules);
        let sender = match self.sender(job, rules).await {
            Ok(sender) => sender,
            Err(NoSender::Failed(error)) => return Err(error),
            Err(NoSender::NotSetUp { word, reason }) => {
                let ending = || Ended {
                    ending: Ending::NotSent {
                        word,
                        reason: reason.clone(),
                    },
                    tried: Tried::default(),
                };
                let ended = recipients.into_iter().map(|(id, to)| (id, to, ending()));
                return Ok(self.done(job, ended.collect()));
            }
        };
        let brief = Brief::new(&job.request, &job.config);
        let brief = match self.links(job).await? {
            Some(links) => brief.linked_to(&links, job.request.created_at),
            None => brief,
        };
        let content = lead_mail(&brief, &job.config.tenant_name, catalogue::name)
            .map_err(|error| StageError::permanent(error.to_string()))?;
        let (mut ended, mut look_at) = (Vec::new(), None);
        for (id, to) in recipients {
            match self.send(job, &sender, to, &id, &content).await? {
                Progress::Ended(message) => ended.push((id, to, message)),
                Progress::Unknown(at) => {
                    look_at = Some(look_at.map_or(at, |earlier: Timestamp| earlier.min(at)));
                }
            }
        }
        Ok(match look_at {
            Some(at) => {
                let until = at.min(later(self.deps.clock.now(), LOOK));
                Outcome::wait(
                    until,
                    "the answer to a mail was lost: waiting for its receipt",
                )
            }
            None => {
                Self::record_usage(job, &sender, &ended);
                self.done(job, ended)
            }
        })
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

    async fn sender<'a>(
        &'a self,
        job: &'a Claimed,
        rules: &'a NotificationRules,
    ) -> Result<Sender<'a>, NoSender> {
        let from = rules.from.as_ref().ok_or_else(|| NoSender::NotSetUp {
            word: "no_sender",
            reason: "the office's configuration names no sender".to_owned(),
        })?;
        let connection = self.connection(&job.row.key.tenant, rules).await?;
        let channel = self.deps.channels.get(&connection.provider);
        let channel = channel.map(Arc::as_ref).ok_or_else(|| {
            let Connection { name, provider, .. } = &connection;
            NoSender::not_connected(format!(
                "the connection `{name}` belongs to {provider}, which sends no e-mail"
            ))
        })?;
        let from_name = rules
            .from_name
            .as_deref()
            .unwrap_or(&job.config.tenant_name);
        Ok(Sender {
            from,
            from_name: text::line(from_name, 100).unwrap_or_else(|| from.as_str().to_owned()),
            channel,
            account: self.deps.accounts.open_connection(connection).await?,
        })
    }

    /// The connection that the rules name, else the first to a provider that sends e-mail.
    async fn connection(
        &self,
        tenant: &TenantId,
        rules: &NotificationRules,
    ) -> Result<Connection, NoSender> {
        let store = &self.deps.store;
        if let Some(name) = &rules.connection {
            let connection = store.connection(tenant, name).await?;
            return connection.ok_or_else(|| {
                NoSender::not_connected(format!("there is no connection `{name}`"))
            });
        }
        let connections = store.connections(tenant).await?;
        let is_channel =
            |connection: &Connection| self.deps.channels.get(&connection.provider).is_some();
        connections.into_iter().find(is_channel).ok_or_else(|| {
            NoSender::not_connected("there is no connection to a provider of e-mail".to_owned())
        })
    }

    /// Sends one message, unless that was done.
    async fn send(
        &self,
        job: &Claimed,
        sender: &Sender<'_>,
        to: &EmailAddress,
        id: &str,
        content: &Content,
    ) -> Result<Progress, StageError> {
        let key = EffectKey::of_message(id)
            .ok_or_else(|| StageError::permanent("the message's name is not one of ours"))?;
        let lag = Duration::from_secs(job.config.workflow.notifications.unknown_wait_seconds);
        let timing = EffectTiming {
            call_deadline: CALL_DEADLINE,
            lag,
            not_before: Some(later(self.since, lag)),
            max_attempts: MAX_ATTEMPTS,
        };
        let mail = Mail {
            from: sender.from,
            from_name: &sender.from_name,
            to,
            content,
            message_id: id,
            request: Some(job.request.id),
        };
        let effects = Effects::new(
            self.deps.store.clone(),
            self.deps.clock.clone(),
            job.claim_token(),
        );
        let Sender {
            channel, account, ..
        } = sender;
        // The provider's receipt ends the effect by itself: one that is still open has not come. The last mail waits
        // until the provider is in order.
        let lookup = async || channel.is_up(account).await.map(|()| Lookup::Absent);
        let write = async || match channel.send(&mail, account).await {
            Ok(id) => Ok(id.0),
            Err(error @ SendError::Refused { .. }) => Ok(refused(&error)),
            Err(error) => Err(error),
        };
        let started = self.deps.clock.monotonic();
        let (outcome, last) = with_last_exchange(effects.once(&key, timing, lookup, write)).await;
        let took = self.deps.clock.monotonic().saturating_sub(started);
        let tried = Tried {
            call: last.map(|last| (took, last)),
        };
        match outcome {
            EffectOutcome::Done(remote_id) => Ok(Progress::Ended(Ended {
                ending: ending(remote_id),
                tried,
            })),
            EffectOutcome::NotYet(at) => Ok(Progress::Unknown(at)),
            EffectOutcome::GaveUp => Ok(Progress::Ended(Ended {
                ending: Ending::NotSent {
                    word: "unconfirmed",
                    reason: format!(
                        "handed over {MAX_ATTEMPTS} times, and never confirmed: it may have arrived"
                    ),
                },
                tried,
            })),
            EffectOutcome::Failed(error) => {
                self.record(job, to, error.word(), None, tried);
                if error.is_outcome_unknown() {
                    return Ok(Progress::Unknown(later(self.deps.clock.now(), LOOK)));
                }
                Err(StageError::from_provider(&error, Some(account.held_by())))
            }
            EffectOutcome::Stale => Err(StageError::ours(&"the claim is no longer valid")),
            EffectOutcome::Store(error) => Err(StageError::ours(&error)),
        }
    }

    /// Every message has ended: what is stored of each.
    fn done(&self, job: &Claimed, ended: Vec<(String, &EmailAddress, Ended)>) -> Outcome {
        let mut messages = Vec::new();
        for (id, to, Ended { ending, tried }) in ended {
            let (word, provider_id, reason) = match ending {
                Ending::Sent { provider_id } => (SENT, Some(provider_id), None),
                Ending::NotSent { word, reason } => (word, None, Some(reason)),
            };
            self.record(job, to, word, provider_id.clone(), tried);
            messages.push(Message {
                channel: "email".to_owned(),
                recipient: to.as_str().to_owned(),
                id: Some(id),
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

    fn record_usage(job: &Claimed, sender: &Sender<'_>, ended: &[(String, &EmailAddress, Ended)]) {
        let is_sent = |message: &Ended| matches!(message.ending, Ending::Sent { .. });
        let sent = ended
            .iter()
            .filter(|(.., message)| is_sent(message))
            .count();
        if sent > 0 {
            job.record(Record::Usage(Usage {
                unit: "emails".to_owned(),
                amount: u64::try_from(sent).unwrap_or(u64::MAX),
                by: sender.channel.slug().to_owned(),
            }));
        }
    }

    /// Keeps what came of an attempt: a second one explains a second mail.
    fn record(
        &self,
        job: &Claimed,
        to: &EmailAddress,
        outcome: &str,
        provider_id: Option<String>,
        tried: Tried,
    ) {
        let (took, last) = tried.call.unzip();
        // What went well has no more to tell.
        let failed = last.as_ref().filter(|_| outcome != SENT);
        let answer = failed.and_then(|last| last.answer.clone());
        job.record(Record::Notification(NotificationRecord {
            channel: "email".to_owned(),
            recipient: to.as_str().to_owned(),
            template: LEAD_TEMPLATE.to_owned(),
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

impl NoSender {
    fn not_connected(reason: String) -> Self {
        Self::NotSetUp {
            word: "no_connection",
            reason,
        }
    }
}

impl From<StoreError> for NoSender {
    fn from(error: StoreError) -> Self {
        Self::Failed(StageError::ours(&error))
    }
}

impl From<AccountError> for NoSender {
    fn from(error: AccountError) -> Self {
        Self::Failed(error.into())
    }
}

/// Who gets a message, by its name: the same address twice is one recipient, as it was spelled first.
fn recipients<'a>(
    job: &Claimed,
    rules: &'a NotificationRules,
) -> BTreeMap<String, &'a EmailAddress> {
    let revision = job.request.document.revisions.of(Stage::Notification);
    let mut recipients = BTreeMap::new();
    for to in &rules.email {
        let id = message_id(job.request.id, to, revision);
        recipients.entry(id).or_insert(to);
    }
    recipients
}

/// What the record of effects keeps of a message that the provider refused for good.
fn refused(error: &SendError) -> String {
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
