//! Mail about a request, by the one connection that the office's mail leaves by.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use accounts::AccountError;
use domain::{
    Account, Brief, Claimed, EffectFailure as _, EffectKey, EffectTiming, EmailAddress, Lookup,
    NotificationRules, Stage, StageError, StoreError, TenantId, later, text,
};
use notify::{
    CALL_DEADLINE, Content, EmailChannel, LEAD_TEMPLATE, Mail, SendError, lead_mail, message_id,
};
use store::Connection;

use crate::notification::{Begun, Ended, LOOK, Message, Notification, Progress, Round, refused};

/// How often a mail is begun, when what came of it stays unknown.
const MAX_ATTEMPTS: u32 = 2;

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

impl Notification {
    /// Sends a mail to each address of the rules.
    pub(crate) async fn mail(&self, job: &Claimed, brief: &Brief) -> Round {
        let rules = &job.config.workflow.notifications;
        let recipients = recipients(job, rules);
        let mut round = Round::new("the answer to a mail was lost: waiting for its receipt");
        if recipients.is_empty() {
            return round;
        }
        let message = |id: &str, to: &EmailAddress| Message {
            channel: "email".to_owned(),
            recipient: to.as_str().to_owned(),
            id: id.to_owned(),
            template: LEAD_TEMPLATE,
            by: None,
        };
        let sender = match self.sender(job, rules).await {
            Ok(sender) => sender,
            Err(NoSender::Failed(error)) => return Round::failed(error),
            Err(NoSender::NotSetUp { word, reason }) => {
                let ended = recipients.iter().map(|(id, to)| {
                    let ended = Ended::not_sent(word, reason.clone());
                    (message(id, to), ended)
                });
                round.ended.extend(ended);
                return round;
            }
        };
        let content = match lead_mail(brief, &job.config.tenant_name, catalogue::name) {
            Ok(content) => content,
            Err(error) => return Round::failed(StageError::permanent(error.to_string())),
        };
        for (id, to) in recipients {
            let message = Message {
                by: Some(("emails", sender.channel.slug())),
                ..message(&id, to)
            };
            match self.send(job, &sender, to, &message, &content).await {
                Ok(progress) => round.add(message, progress),
                // It is the provider's, or the key's: the others would meet the same.
                Err(error) => {
                    round.stop(error);
                    break;
                }
            }
        }
        round
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
        let channel = self.deps.channels.email(&connection.provider);
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
            |connection: &Connection| self.deps.channels.email(&connection.provider).is_some();
        connections.into_iter().find(is_channel).ok_or_else(|| {
            NoSender::not_connected("there is no connection to a provider of e-mail".to_owned())
        })
    }

    /// Sends one mail, unless that was done.
    async fn send(
        &self,
        job: &Claimed,
        sender: &Sender<'_>,
        to: &EmailAddress,
        message: &Message,
        content: &Content,
    ) -> Result<Progress, StageError> {
        let key = EffectKey::of_message(&message.id)
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
            message_id: &message.id,
            request: Some(job.request.id),
        };
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
        let unconfirmed =
            format!("handed over {MAX_ATTEMPTS} times, and never confirmed: it may have arrived");
        match self.once(job, &key, timing, lookup, write).await? {
            Begun::Ended(ended) => Ok(Progress::Ended(ended)),
            Begun::NotYet(at) => Ok(Progress::Unknown(at)),
            Begun::GaveUp(tried) => Ok(Progress::Ended(Ended::unconfirmed(unconfirmed, tried))),
            Begun::Failed(error, tried) => {
                self.record(job, message, error.word(), None, tried);
                if error.is_outcome_unknown() {
                    return Ok(Progress::Unknown(later(self.deps.clock.now(), LOOK)));
                }
                Err(StageError::from_provider(&error, Some(account.held_by())))
            }
        }
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
