//! The stage `notification`.

use std::{collections::BTreeMap, time::Duration};

use async_trait::async_trait;
use domain::{
    Claimed, Classify, Disposition, EffectTiming, Effects, EmailAddress, Lookup, Message,
    NotificationRecord, NotificationRules, NotificationsSection, Once, Outcome, Record, Section,
    Stage, StageError, StageHandler, Usage, later, text,
};
use jiff::Timestamp;
use notify::{
    Content, LEAD_TEMPLATE, effect_key, lead_mail, message_id,
    sendgrid::{CALL_DEADLINE, Mail, SendError},
};
use secrecy::SecretString;
use secrets::{SecretName, SecretsError};
use store::Connection;

use crate::Deps;

/// How often a message is begun, when what came of it stays unknown.
const MAX_ATTEMPTS: u32 = 2;
/// How often a receipt is looked for.
const LOOK: Duration = Duration::from_secs(10);
/// Marks the remote id of a message that the provider refused for good: it has ended, and is not sent again.
const REFUSED: &str = "refused: ";

/// Sends the mail about a request to each recipient of its office.
///
/// In: a request whose dispatches have ended, or wait. Out: `notifications`, once every message has ended. A repeat
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
    key: SecretString,
    connection: Connection,
}

/// Where a message stands.
enum Progress {
    Ended(Ending),
    /// What came of it is not known; look then.
    Unknown(Timestamp),
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
        let sender = match self.sender(job, rules).await? {
            Ok(sender) => sender,
            Err((word, reason)) => {
                let ending = || Ending::NotSent {
                    word,
                    reason: reason.clone(),
                };
                return Ok(self.done(
                    job,
                    recipients.into_values().map(|to| (to, ending())).collect(),
                ));
            }
        };
        let content = lead_mail(&job.request, &job.config)
            .map_err(|error| StageError::permanent(error.to_string()))?;
        let (mut ended, mut look_at) = (Vec::new(), None);
        for (id, to) in recipients {
            match self.send(job, &sender, to, &id, &content).await? {
                Progress::Ended(ending) => ended.push((to, ending)),
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
                    "the answer to a mail was lost: its receipt is waited for",
                )
            }
            None => self.done(job, ended),
        })
    }
}

impl Notification {
    pub(crate) fn new(deps: Deps) -> Self {
        let since = deps.clock.now();
        Self { deps, since }
    }

    /// What it takes to send, or why no mail can be sent at all: then the request goes on without.
    async fn sender<'a>(
        &self,
        job: &'a Claimed,
        rules: &'a NotificationRules,
    ) -> Result<Result<Sender<'a>, (&'static str, String)>, StageError> {
        let Some(from) = &rules.from else {
            return Ok(Err((
                "no_sender",
                "the office's configuration names no sender".to_owned(),
            )));
        };
        let name = &rules.connection;
        let connection = self.deps.store.connection(&job.row.key.tenant, name).await;
        let connection = match connection.map_err(|error| StageError::ours(&error))? {
            Some(connection) if connection.provider == "sendgrid" => connection,
            Some(_) => {
                return Ok(Err((
                    "no_connection",
                    format!("the connection `{name}` is none to SendGrid"),
                )));
            }
            None => {
                return Ok(Err((
                    "no_connection",
                    format!("there is no connection `{name}`"),
                )));
            }
        };
        let from_name = rules
            .from_name
            .as_deref()
            .unwrap_or(&job.config.tenant_name);
        let from_name = text::line(from_name, 100).unwrap_or_else(|| from.as_str().to_owned());
        let key = self.key(&connection).await?;
        Ok(Ok(Sender {
            from,
            from_name,
            key,
            connection,
        }))
    }

    /// The connection's key. One that is not there or damaged is entered anew, which releases the work.
    async fn key(&self, connection: &Connection) -> Result<SecretString, StageError> {
        let name =
            SecretName::new(connection.name.as_str()).map_err(|error| StageError::ours(&error))?;
        let found = self
            .deps
            .secrets
            .get(&connection.tenant, &name, Some(connection.secret_version))
            .await;
        found.map_err(|error| match error {
            SecretsError::NotFound | SecretsError::Damaged => StageError {
                disposition: Disposition::Hold,
                reason: error.to_string(),
                answer: None,
                connection: Some((connection.name.clone(), connection.version)),
            },
            SecretsError::Store(_) => StageError::ours(&error),
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
        let key = effect_key(id)
            .ok_or_else(|| StageError::permanent("a message's name is none of ours"))?;
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
            tenant: &job.row.key.tenant,
            request: job.request.id,
        };
        let effects = Effects::new(
            self.deps.store.clone(),
            self.deps.clock.clone(),
            job.proof(),
        );
        // The provider's receipt ends the effect by itself: one that is still open has not come. The last mail is kept
        // until the provider is in order.
        let lookup = async || {
            self.deps
                .sendgrid
                .is_up(&sender.key)
                .await
                .map(|()| Lookup::Absent)
        };
        let write = async || match self.deps.sendgrid.send(&mail, &sender.key).await {
            Ok(id) => Ok(id.0),
            Err(error @ SendError::Refused { .. }) => Ok(refused(&error)),
            Err(error) => Err(error),
        };
        match effects.once(&key, timing, lookup, write).await {
            Once::Done(remote_id) => Ok(Progress::Ended(ending(remote_id))),
            Once::NotYet(at) => Ok(Progress::Unknown(at)),
            Once::GaveUp => Ok(Progress::Ended(Ending::NotSent {
                word: "unconfirmed",
                reason: format!(
                    "handed over {MAX_ATTEMPTS} times, and never confirmed: it may have arrived"
                ),
            })),
            Once::Failed(SendError::Failed { .. } | SendError::OutcomeUnknown(_)) => {
                self.record(job, to, "unknown", None);
                Ok(Progress::Unknown(later(self.deps.clock.now(), LOOK)))
            }
            Once::Failed(error) => {
                let Connection { name, version, .. } = &sender.connection;
                Err(StageError::from_provider(
                    &error,
                    Some((name.clone(), *version)),
                ))
            }
            Once::Stale => Err(StageError::ours(&"the claim is no longer valid")),
            Once::Store(error) => Err(StageError::ours(&error)),
        }
    }

    /// Every message has ended: what is stored of each.
    fn done(&self, job: &Claimed, ended: Vec<(&EmailAddress, Ending)>) -> Outcome {
        let mut messages = Vec::new();
        for (to, ending) in ended {
            let (word, provider_id, reason) = match ending {
                Ending::Sent { provider_id } => ("sent", Some(provider_id), None),
                Ending::NotSent { word, reason } => (word, None, Some(reason)),
            };
            self.record(job, to, word, provider_id.clone());
            messages.push(Message {
                channel: "email".to_owned(),
                recipient: to.as_str().to_owned(),
                is_sent: reason.is_none(),
                provider_id,
                reason,
            });
        }
        let sent = messages.iter().filter(|message| message.is_sent).count();
        if sent > 0 {
            job.record(Record::Usage(Usage {
                unit: "emails".to_owned(),
                amount: u64::try_from(sent).unwrap_or(u64::MAX),
                by: "sendgrid".to_owned(),
            }));
        }
        Outcome::done(Section::Notifications(NotificationsSection {
            is_done: true,
            messages,
        }))
    }

    /// Keeps what came of an attempt: a second one is seen by whoever wonders about two mails.
    fn record(&self, job: &Claimed, to: &EmailAddress, outcome: &str, provider_id: Option<String>) {
        job.record(Record::Notification(NotificationRecord {
            channel: "email".to_owned(),
            recipient: to.as_str().to_owned(),
            template: LEAD_TEMPLATE.to_owned(),
            at: self.deps.clock.now(),
            outcome: outcome.to_owned(),
            provider_id,
        }));
    }
}

/// Who gets a message, by its name: the same address twice is one recipient.
fn recipients<'a>(
    job: &Claimed,
    rules: &'a NotificationRules,
) -> BTreeMap<String, &'a EmailAddress> {
    let revision = job.request.document.revisions.notification;
    rules
        .email
        .iter()
        .map(|to| (message_id(job.request.id, to, revision), to))
        .collect()
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
