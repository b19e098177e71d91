//! Messages about a request to places in a team's chat, connection by connection: what one does not take holds up no
//! other.

use std::{collections::BTreeMap, time::Duration};

use domain::{
    Account, Brief, ChannelRecipient, Claimed, ConnectionName, EffectFailure as _, EffectKey,
    EffectTiming, Stage, StageError, later,
};
use notify::{CALL_DEADLINE, ChatChannel, LEAD_POST_TEMPLATE, Post, PostError, lead_post, post_id};

use crate::notification::{Begun, Ended, LOOK, Message, Notification, Progress, Round, refused};

/// How often a message is begun. Each but the first follows a look that has not found the one before.
const MAX_ATTEMPTS: u32 = 5;
/// How long a message may take to show in the history of its channel.
const LAG: Duration = Duration::from_secs(10);

/// The places of one connection, by the names of their messages.
type Places<'a> = BTreeMap<String, &'a ChannelRecipient>;

impl Notification {
    /// Posts a message to each place of the rules.
    pub(crate) async fn posts(&self, job: &Claimed, brief: &Brief) -> Vec<Round> {
        let revision = job.request.document.revisions.of(Stage::Notification);
        let mut connections: BTreeMap<&ConnectionName, Places<'_>> = BTreeMap::new();
        for place in &job.config.workflow.notifications.channels {
            let places = connections.entry(&place.connection).or_default();
            let id = post_id(job.request.id, place, revision);
            places.entry(id).or_insert(place);
        }
        let mut rounds = Vec::new();
        for (name, places) in connections {
            rounds.push(self.posts_by(job, brief, name, places).await);
        }
        rounds
    }

    /// The same by one connection.
    async fn posts_by(
        &self,
        job: &Claimed,
        brief: &Brief,
        name: &ConnectionName,
        places: Places<'_>,
    ) -> Round {
        let connection = self.deps.store.connection(&job.row.key.tenant, name).await;
        let connection = match connection {
            Ok(connection) => connection,
            Err(error) => return Round::failed(StageError::ours(&error)),
        };
        let channel = connection
            .as_ref()
            .and_then(|connection| self.deps.channels.chat(&connection.provider));
        let (Some(connection), Some(channel)) = (connection, channel) else {
            let reason = format!("there is no connection `{name}` that posts to a team's chat");
            return not_connected(places, &reason);
        };
        let provider = connection.provider.clone();
        let (places, others): (Places<'_>, Places<'_>) = places
            .into_iter()
            .partition(|(_, place)| place.channel == provider);
        let reason = format!("the connection `{name}` belongs to {provider}");
        let mut round = not_connected(others, &reason);
        if places.is_empty() {
            return round;
        }
        let account = match self.deps.accounts.open_connection(connection).await {
            Ok(account) => account,
            Err(error) => {
                round.stop(error.into());
                return round;
            }
        };
        for (id, place) in places {
            let message = Message {
                by: Some(("chat_messages", channel.slug())),
                ..message(&id, place)
            };
            let posted = self.post(job, brief, channel.as_ref(), &account, place, &message);
            match posted.await {
                Ok(progress) => round.add(message, progress),
                // It is the provider's, or the secret's: the others would meet the same.
                Err(error) => {
                    round.stop(error);
                    break;
                }
            }
        }
        round
    }

    /// Posts one message, unless that was done.
    async fn post(
        &self,
        job: &Claimed,
        brief: &Brief,
        channel: &dyn ChatChannel,
        account: &Account,
        place: &ChannelRecipient,
        message: &Message,
    ) -> Result<Progress, StageError> {
        let key = EffectKey::of_post(&place.channel, &message.id)
            .ok_or_else(|| StageError::permanent("the message's name is not one of ours"))?;
        let timing = EffectTiming {
            call_deadline: CALL_DEADLINE,
            lag: LAG,
            not_before: None,
            max_attempts: MAX_ATTEMPTS,
        };
        let company = &job.config.tenant_name;
        let content = lead_post(brief, company, catalogue::name, place.shows_contact);
        let post = Post {
            to: place.to.as_deref(),
            content: &content,
            message_id: &message.id,
            request: job.request.id,
        };
        let lookup = async || channel.find(&post, job.request.created_at, account).await;
        let write = async || match channel.post(&post, account).await {
            Ok(id) => Ok(id.0),
            Err(error @ PostError::Refused { .. }) => Ok(refused(&error)),
            Err(error) => Err(error),
        };
        match self.once(job, &key, timing, lookup, write).await? {
            Begun::Ended(ended) => Ok(Progress::Ended(ended)),
            Begun::NotYet(at) => Ok(Progress::Unknown(at)),
            Begun::GaveUp(tried) => {
                let reason = "the answer was lost, and nobody tells what came of it: look in the channel. It is not posted \
                              again by itself, so that it does not stand there twice";
                let ended = Ended::unconfirmed(reason.to_owned(), tried);
                Ok(Progress::Ended(ended))
            }
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

fn message(id: &str, place: &ChannelRecipient) -> Message {
    Message {
        channel: place.channel.clone(),
        recipient: place.to_string(),
        id: id.to_owned(),
        template: LEAD_POST_TEMPLATE,
        by: None,
    }
}

/// Places that no connection leads to: the request goes on without them.
fn not_connected(places: Places<'_>, reason: &str) -> Round {
    let mut round = Round::new("the answer to a message was lost: looking for it in its channel");
    let ended = places.into_iter().map(|(id, place)| {
        let ended = Ended::not_sent("no_connection", reason.to_owned());
        (message(&id, place), ended)
    });
    round.ended.extend(ended);
    round
}
