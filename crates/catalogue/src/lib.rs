//! Every provider's description in one list.
//!
//! A provider describes itself in its own folder, once for each part that it plays: as a source of webhooks, as a CRM, as
//! a channel that messages leave by. Here these are put together by slug, so that whoever deals with accounts, settings
//! or help texts loops over providers and names none.

use std::collections::BTreeMap;

use domain::{AccountSpec, BaseUrl};
use notify::{CheckPlace, MakeChannel};

/// A provider, with every part that it plays.
#[derive(Debug, Clone, Copy)]
pub struct Provider {
    /// Its name in URLs, rows and settings.
    pub slug: &'static str,
    /// Its name for people.
    pub name: &'static str,
    /// Whether webhooks come from it.
    pub is_source: bool,
    /// Whether one call connects it as a source: its API registers webhooks. Else a person enters the URLs there.
    pub is_connected_by_call: bool,
    /// Whether leads are pushed into it.
    pub is_crm: bool,
    /// Whether e-mail to people leaves by it.
    pub is_mailer: bool,
    /// Whether messages to people are posted to a team's chat there, and what may be a place in it.
    pub chat: Option<CheckPlace>,
    /// What a tenant enters to connect an account. `None` if it needs none: its webhooks are all there is.
    pub account: Option<AccountSpec>,
    /// Where its API is, if it has one that we call.
    pub base_url: Option<BaseUrl>,
}

impl Provider {
    /// Whether messages to people leave by it.
    pub fn is_channel(&self) -> bool {
        self.is_mailer || self.chat.is_some()
    }
}

/// Every provider, by slug.
pub fn providers() -> Vec<Provider> {
    let mut found = BTreeMap::new();
    for source in sources::SOURCES {
        let spec = source.spec();
        let provider = entry(
            &mut found,
            spec.slug,
            spec.name,
            spec.account,
            spec.base_url,
        );
        provider.is_source = true;
        provider.is_connected_by_call = spec.is_connected_by_call;
    }
    for spec in crm::CONNECTORS {
        let (account, base_url) = (Some(spec.account), spec.base_url());
        entry(&mut found, spec.slug, spec.name, account, base_url).is_crm = true;
    }
    for spec in notify::CHANNELS {
        let (account, base_url) = (Some(spec.account), Some(spec.base_url));
        let provider = entry(&mut found, spec.slug, spec.name, account, base_url);
        match spec.make {
            MakeChannel::Email(_) => provider.is_mailer = true,
            MakeChannel::Chat { check, .. } => provider.chat = Some(check),
        }
    }
    found.into_values().collect()
}

/// A provider's entry, with an account and an address if another part of it has named none yet.
fn entry<'a>(
    found: &'a mut BTreeMap<&'static str, Provider>,
    slug: &'static str,
    name: &'static str,
    account: Option<AccountSpec>,
    base_url: Option<BaseUrl>,
) -> &'a mut Provider {
    let provider = found.entry(slug).or_insert(Provider {
        slug,
        name,
        is_source: false,
        is_connected_by_call: false,
        is_crm: false,
        is_mailer: false,
        chat: None,
        account: None,
        base_url: None,
    });
    provider.account = provider.account.or(account);
    provider.base_url = provider.base_url.or(base_url);
    provider
}

/// The name of a provider for people; its slug if this build does not know it.
pub fn name(slug: &str) -> &str {
    let found = providers()
        .into_iter()
        .find(|provider| provider.slug == slug);
    found.map_or(slug, |provider| provider.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_with_two_parts_has_one_entry() {
        let all = providers();
        let mut slugs: Vec<_> = all.iter().map(|provider| provider.slug).collect();
        slugs.dedup();
        assert_eq!(slugs.len(), all.len());
        for provider in &all {
            assert!(
                provider.is_source || provider.is_crm || provider.is_channel(),
                "{provider:?}"
            );
            // Whoever is called needs something to be called with.
            assert!(
                provider.base_url.is_none() || provider.account.is_some(),
                "{provider:?}"
            );
        }
        assert!(
            all.iter()
                .any(|provider| provider.is_source && provider.is_mailer)
        );
    }
}
