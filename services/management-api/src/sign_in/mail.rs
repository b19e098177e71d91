//! The sender of the installation: it mails people the links that they sign in by.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use domain::{Account, ConnectionName, EmailAddress, InvitationId, TenantId};
use notify::{Channels, EmailChannel, Mail, SignInReason, email_channels, sign_in_mail};
use secrecy::SecretString;
use serde::Serialize;
use settings::Reader;
use store::{OneTimeCode, Purpose, TenantRole};
use tokio::sync::Semaphore;
use utoipa::ToSchema;

use super::PAGE;

/// What the account of the sender is called where an account has a tenant and a name.
const OWN: &str = "platform";
/// Mails that nobody waits for and that are on their way at once. More are not sent.
const MAX_UNDERWAY: usize = 16;

/// Who mails people the links that they sign in by.
#[derive(Debug, Clone)]
pub struct SignInMailConfig {
    /// The provider's slug.
    pub provider: String,
    /// What opens the account there.
    pub key: SecretString,
    /// The sender: an address that the provider has verified.
    pub from: EmailAddress,
    /// The sender's name, as mail programs show it.
    pub from_name: String,
}

impl SignInMailConfig {
    /// Reads `SIGN_IN_MAIL_FROM` and what belongs to it; none where it is not set.
    pub fn read(reader: &mut Reader<'_>) -> Option<Self> {
        const FROM: &str = "SIGN_IN_MAIL_FROM";
        const KEY: &str = "SIGN_IN_MAIL_KEY";
        const PROVIDER: &str = "SIGN_IN_MAIL_PROVIDER";
        let from = reader.optional::<String>(
            FROM,
            "Address that people get their links to sign in from; the provider has verified it. Without it the operator \
             hands codes over.",
        );
        let from_name = reader.get(
            "SIGN_IN_MAIL_NAME",
            "Leads".to_owned(),
            "Name of that sender, as mail programs show it.",
        );
        let key = reader.secret(KEY, "Key of the account that sends those mails.");
        let known: Vec<_> = email_channels().map(|spec| spec.slug).collect();
        let usual = known.first().copied().unwrap_or_default();
        let provider = reader.get(
            PROVIDER,
            usual.to_owned(),
            "Provider that sends those mails.",
        );
        let from = from?;
        if !known.contains(&provider.as_str()) {
            let remedy = format!("write one of {}", known.join(", "));
            reader.fault(PROVIDER, "there is no such provider", remedy);
        }
        if key.is_none() {
            let remedy = "copy an API key that may send mail from the provider";
            reader.fault(KEY, "it is missing", remedy);
        }
        let from = match EmailAddress::parse(&from) {
            Ok(from) => from,
            Err(error) => {
                reader.fault(FROM, "it is no address", error.to_string());
                return None;
            }
        };
        Some(Self {
            provider,
            key: key.unwrap_or_default(),
            from,
            from_name,
        })
    }
}

/// What came of a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Mailed {
    /// The provider took it.
    Sent,
    /// The provider did not take it, or did not answer. The server's log says why.
    Failed,
    /// This installation sends no mail: its operator hands the code over, or sets `SIGN_IN_MAIL_FROM`.
    NoSender,
}

/// Mails links.
pub struct Postman {
    channel: Arc<dyn EmailChannel>,
    account: Account,
    from: EmailAddress,
    from_name: String,
    /// What links begin with.
    page: String,
    underway: Arc<Semaphore>,
}

impl Postman {
    /// Sends by these channels; `public_url` is where people reach the server. None where the provider has no channel, or
    /// nobody knows that URL.
    pub fn new(config: SignInMailConfig, public_url: &str, channels: &Channels) -> Option<Self> {
        if public_url.is_empty() {
            return None;
        }
        Some(Self {
            channel: channels.email(&config.provider)?.clone(),
            account: Account {
                tenant: TenantId::new(OWN).ok()?,
                connection: ConnectionName::new(OWN).ok()?,
                version: 1,
                secret: config.key,
                settings: BTreeMap::new(),
            },
            from: config.from,
            from_name: config.from_name,
            page: format!("{public_url}{PAGE}"),
            underway: Arc::new(Semaphore::new(MAX_UNDERWAY)),
        })
    }

    /// Mails the link of a code to its address, or without the code, to who signs in at an issuer. `company` is the name
    /// of who invites.
    pub(crate) async fn bring(
        &self,
        code: Option<&str>,
        kept: &OneTimeCode,
        company: &str,
    ) -> Mailed {
        let (reason, lasts) = match &kept.purpose {
            Purpose::Invitation(invitation) => (
                SignInReason::Invitation {
                    company,
                    role: in_words(invitation.role),
                    is_code: code.is_some(),
                },
                kept.purpose.lasts(),
            ),
            Purpose::Link { .. } => (SignInReason::Asked, kept.purpose.lasts()),
            Purpose::Console { .. } => return Mailed::Failed,
        };
        let Some(to) = kept.email() else {
            return Mailed::Failed;
        };
        let code = code.map(|code| format!("#code={code}"));
        let link = format!("{}{}", self.page, code.unwrap_or_default());
        let content = match sign_in_mail(reason, &link, &words_of(lasts)) {
            Ok(content) => content,
            Err(error) => {
                tracing::error!("a link could not be mailed: {error}");
                return Mailed::Failed;
            }
        };
        let mail = Mail {
            from: &self.from,
            from_name: &self.from_name,
            to,
            content: &content,
            message_id: &name_of(kept.id),
            request: None,
        };
        match self.channel.send(&mail, &self.account).await {
            Ok(_) => Mailed::Sent,
            Err(error) => {
                tracing::warn!("{}: its link could not be mailed: {error}", kept.id);
                Mailed::Failed
            }
        }
    }

    /// Room for one more mail that nobody waits for.
    pub(crate) fn room(&self) -> Option<tokio::sync::OwnedSemaphorePermit> {
        self.underway.clone().try_acquire_owned().ok()
    }
}

/// The name of a mail at the provider: it says nothing to others.
fn name_of(id: InvitationId) -> String {
    format!("sign-in.{id}")
}

fn in_words(role: TenantRole) -> &'static str {
    match role {
        TenantRole::Viewer => "a viewer",
        TenantRole::Operator => "an operator",
        TenantRole::TenantAdmin => "an administrator",
    }
}

fn words_of(lasts: Duration) -> String {
    match lasts.as_secs() / 60 {
        minutes if minutes >= 2 * 24 * 60 => format!("{} days", minutes / (24 * 60)),
        minutes => format!("{minutes} minutes"),
    }
}

#[cfg(test)]
mod tests {
    use settings::Settings;

    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Option<SignInMailConfig>, String> {
        let settings = Settings::from_pairs(pairs.iter().copied());
        let read = settings.load(SignInMailConfig::read);
        read.map_err(|error| error.to_string())
    }

    #[test]
    fn a_sender_is_whole_or_none() {
        assert!(read(&[]).unwrap().is_none());
        let from = ("SIGN_IN_MAIL_FROM", "leads@example.com");
        let whole = read(&[from, ("SIGN_IN_MAIL_KEY", "key")]).unwrap();
        let usual = email_channels().next().unwrap().slug;
        assert_eq!(whole.unwrap().provider, usual);
        for (pairs, fault) in [
            (vec![from], "SIGN_IN_MAIL_KEY"),
            (
                vec![("SIGN_IN_MAIL_FROM", "leads"), ("SIGN_IN_MAIL_KEY", "key")],
                "SIGN_IN_MAIL_FROM",
            ),
            (
                vec![
                    from,
                    ("SIGN_IN_MAIL_KEY", "key"),
                    ("SIGN_IN_MAIL_PROVIDER", "pigeon"),
                ],
                "SIGN_IN_MAIL_PROVIDER",
            ),
            // A chat carries no mail.
            (
                vec![
                    from,
                    ("SIGN_IN_MAIL_KEY", "key"),
                    ("SIGN_IN_MAIL_PROVIDER", "slack"),
                ],
                "SIGN_IN_MAIL_PROVIDER",
            ),
        ] {
            let refused = read(&pairs).unwrap_err();
            assert!(refused.contains(fault), "{refused}");
        }
    }

    #[test]
    fn times_are_said_in_words() {
        let of = |seconds| words_of(Duration::from_secs(seconds));
        assert_eq!(
            (of(600), of(604_800)),
            ("10 minutes".to_owned(), "7 days".to_owned())
        );
    }
}
