//! What a tenant enters: a bot's token or a webhook's URL, and where messages go.

use std::collections::BTreeMap;

use domain::{Account, AccountFault, ProviderAnswer};
use http_client::Url;
use secrecy::{ExposeSecret as _, SecretString};

use super::HOOKS;
use crate::PostError;

/// The setting with the id of the channel that a bot posts to by default.
pub(super) const CHANNEL: &str = "channel";

/// What the secret of an account is.
pub(super) enum Secret {
    /// A bot's token.
    Bot(SecretString),
    /// The path of an incoming webhook. Its host is never taken from what was entered.
    Webhook(String),
}

impl Secret {
    pub(super) fn of(account: &Account) -> Result<Self, PostError> {
        Self::read(&account.secret).ok_or_else(|| PostError::Unauthorized {
            remedy: "enter a bot's token, or the URL of an incoming webhook",
            answer: ProviderAnswer::new("the secret is neither of them"),
        })
    }

    fn read(secret: &SecretString) -> Option<Self> {
        let text = secret.expose_secret();
        if !text.contains("://") {
            let is_token = text.strip_prefix("xoxb-").is_some_and(|rest| {
                let is_part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
                !rest.is_empty() && rest.bytes().all(is_part)
            });
            return is_token.then(|| Self::Bot(secret.clone()));
        }
        let url = Url::parse(text).ok()?;
        let is_hook = url.origin() == Url::parse(HOOKS).ok()?.origin()
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none();
        let parts: Vec<_> = url.path().strip_prefix("/services/")?.split('/').collect();
        let is_part =
            |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
        (is_hook && parts.len() == 3 && parts.iter().all(is_part))
            .then(|| Self::Webhook(url.path().to_owned()))
    }
}

/// Says what of an account cannot be right when it is entered.
pub(super) fn check(
    secret: &SecretString,
    settings: &BTreeMap<String, String>,
) -> Vec<AccountFault> {
    let channel = settings.get(CHANNEL).map(String::as_str);
    let fault = match (Secret::read(secret), channel) {
        (None, _) => AccountFault::of_secret(
            "a bot's token that begins with xoxb-, or the URL of an incoming webhook, \
             https://hooks.slack.com/services/T…/B…/…. Tokens of other kinds do not post as your app",
        ),
        (Some(Secret::Webhook(_)), None) => return Vec::new(),
        (Some(Secret::Webhook(_)), Some(_)) => AccountFault::of_setting(
            CHANNEL,
            "nothing: an incoming webhook posts to the channel that it was made for",
        ),
        (Some(Secret::Bot(_)), Some(id)) if is_place(id) => return Vec::new(),
        (Some(Secret::Bot(_)), _) => AccountFault::of_setting(
            CHANNEL,
            "the channel's id such as C08LEADS12X, not its name. It stands at the end of the channel's details",
        ),
    };
    vec![fault]
}

/// Says what of a recipient cannot be right. Only a bot's connection has the setting, so whatever has none is a webhook's.
pub(super) fn check_place(
    settings: &BTreeMap<String, String>,
    to: Option<&str>,
) -> Result<(), String> {
    match (settings.contains_key(CHANNEL), to) {
        (_, None) => Ok(()),
        (false, Some(_)) => Err(
            "null, or nothing: this connection is an incoming webhook, which posts to the channel that it was made for"
                .to_owned(),
        ),
        (true, Some(id)) if is_place(id) => Ok(()),
        (true, Some(_)) => Err(
            "the id of a channel or a person, such as C08LEADS12X, not a name. It stands at the end of the channel's details"
                .to_owned(),
        ),
    }
}

/// Where a bot's message goes.
pub(super) fn place<'a>(to: Option<&'a str>, account: &'a Account) -> Result<&'a str, PostError> {
    let place = to.unwrap_or_else(|| account.setting(CHANNEL));
    if is_place(place) {
        return Ok(place);
    }
    Err(PostError::Refused {
        remedy: "name the channel's id in the recipient, or enter it with the token",
        answer: ProviderAnswer::new("no channel is named"),
    })
}

/// Whether this is the id of a channel (`C…`, `G…`), of a direct message (`D…`) or of a person (`U…`, `W…`).
fn is_place(id: &str) -> bool {
    let mut bytes = id.bytes();
    let is_kind = bytes.next().is_some_and(|kind| b"CGDUW".contains(&kind));
    is_kind
        && (6..=30).contains(&id.len())
        && bytes.all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(secret: &str, channel: Option<&str>) -> Result<(), String> {
        let settings = channel.map(|id| (CHANNEL.to_owned(), id.to_owned()));
        let checked = check(&secret.into(), &settings.into_iter().collect());
        checked
            .into_iter()
            .next()
            .map_or(Ok(()), |fault| Err(fault.path))
    }

    fn of_channel() -> String {
        format!("settings.{CHANNEL}")
    }

    #[test]
    fn tokens_of_bots_and_slacks_webhooks_are_taken() {
        assert_eq!(checked("xoxb-1-2-abc", Some("C0123456789")), Ok(()));
        let hook = "https://hooks.slack.com/services/T0AB/B0CD/abcDEF123";
        assert_eq!(checked(hook, None), Ok(()));
        assert_eq!(checked(hook, Some("C0123456789")), Err(of_channel()));
        for channel in [
            None,
            Some("#leads"),
            Some("c0123456789"),
            Some("X0123456789"),
        ] {
            assert_eq!(checked("xoxb-1-2-abc", channel), Err(of_channel()));
        }
        for secret in [
            "xoxp-1-2-abc",
            "xapp-1-2-abc",
            "xoxb-",
            "http://hooks.slack.com/services/T0AB/B0CD/abc",
            "https://hooks.slack.com:8443/services/T0AB/B0CD/abc",
            "https://hooks.slack.com.example.com/services/T0AB/B0CD/abc",
            "https://example.com/services/T0AB/B0CD/abc",
            "https://hooks.slack.com@169.254.169.254/services/T0AB/B0CD/abc",
            "https://me:you@hooks.slack.com/services/T0AB/B0CD/abc",
            "https://169.254.169.254/services/T0AB/B0CD/abc",
            "https://0x7f000001/services/T0AB/B0CD/abc",
            "https://[::ffff:10.0.0.1]/services/T0AB/B0CD/abc",
            "https://hooks.slack.com/services/T0AB/B0CD",
            "https://hooks.slack.com/services/T0AB/B0CD/abc/more",
            "https://hooks.slack.com/services/T0AB/../B0CD/abc",
            "https://hooks.slack.com/services/T0AB/B0CD/abc?to=http://10.0.0.1",
            "https://hooks.slack.com/services/T0AB/B0CD/%2e%2e",
            "https://hooks.slack.com/workflows/T0AB/A0CD/1",
            "file:///etc/passwd",
        ] {
            assert_eq!(checked(secret, None), Err("secret".to_owned()), "{secret}");
        }
    }

    #[test]
    fn a_recipient_names_a_channel_where_a_bot_posts() {
        let bot = BTreeMap::from([(CHANNEL.to_owned(), "C0123456789".to_owned())]);
        let webhook = BTreeMap::new();
        assert_eq!(check_place(&bot, None), Ok(()));
        assert_eq!(check_place(&bot, Some("D0123456789")), Ok(()));
        assert_eq!(check_place(&webhook, None), Ok(()));
        assert!(check_place(&bot, Some("leads")).is_err());
        assert!(check_place(&webhook, Some("C0123456789")).is_err());
    }
}
