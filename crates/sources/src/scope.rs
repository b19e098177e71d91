//! Whose the ids in a delivery are: two senders of one tenant may count by the same ones, and are never one for it.

use domain::{Alias, SourceId};

use crate::{Source, SourceSpec, Verified};

/// Among what an id that a source reads is given once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ids {
    /// Among everything of the provider: the same thing told at two URLs is one.
    OfProvider,
    /// Ids of these kinds among those of one account at the provider, all others among everything of the provider.
    OfAccount(&'static [&'static str]),
    /// Among what comes to one source: each sender counts for itself.
    OfSource,
}

/// Whose the ids of a delivery are.
#[derive(Debug, Clone)]
pub struct Scope {
    ids: Ids,
    source: SourceId,
    account: Option<String>,
}

impl Scope {
    /// That of a delivery to this source. Its body tells the account.
    pub fn of(source: &dyn Source, id: SourceId, delivery: &Verified) -> Self {
        const LONGEST: usize = 40;
        let scope = Self::of_source(source.spec(), id);
        if !matches!(scope.ids, Ids::OfAccount(_)) {
            return scope;
        }
        let hint = source.hint(delivery.content_type(), delivery.body());
        let account = hint.and_then(|hint| hint.accounts.into_iter().next());
        Self {
            account: account.filter(|account| account.len() <= LONGEST),
            ..scope
        }
    }

    /// That of what no body tells of this source.
    pub const fn of_source(spec: &SourceSpec, id: SourceId) -> Self {
        Self {
            ids: spec.ids,
            source: id,
            account: None,
        }
    }

    /// Within what deliveries are repeats of each other; none: whatever of the provider they came to.
    pub fn of_deliveries(&self) -> Option<String> {
        match self.ids {
            Ids::OfProvider => None,
            Ids::OfAccount(_) => {
                let account = self.account.clone();
                Some(account.unwrap_or_else(|| self.source.to_string()))
            }
            Ids::OfSource => Some(self.source.to_string()),
        }
    }

    /// These names as names of this scope. One of an account's has two, since not every body names its account: one of
    /// the account, by which another source of it knows the thing, and one of the source.
    pub fn named(&self, aliases: Vec<Alias>) -> Vec<Alias> {
        let source = self.source.to_string();
        let mut named = Vec::with_capacity(aliases.len());
        for alias in aliases {
            let is_scoped = match self.ids {
                Ids::OfProvider => false,
                Ids::OfAccount(kinds) => kinds.contains(&alias.kind.as_str()),
                Ids::OfSource => true,
            };
            if is_scoped {
                let account = self.account.as_ref();
                named.extend(account.map(|account| alias.scoped(account)));
                named.push(alias.scoped(&source));
            } else {
                named.push(alias);
            }
        }
        named
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use domain::Reading;
    use serde_json::json;

    use super::*;
    use crate::{SOURCES, read_as_set};

    const ONE: &str = "src_00000000000000000000000000000001";
    const OTHER: &str = "src_00000000000000000000000000000002";

    /// The names of a ticket that an event at this source tells of, and within what the event is a repeat.
    fn told(source: &str, account: Option<&str>) -> (Vec<Alias>, Option<String>) {
        let zendesk = SOURCES.iter().find(|known| known.spec().slug == "zendesk");
        let zendesk = *zendesk.unwrap();
        let body = match account {
            Some(account) => json!({
                "id": "evt-1",
                "type": "zen:event-type:ticket.created",
                "account_id": account,
                "detail": { "id": "5158", "subject": "Kitchen", "description": "A kitchen." },
            }),
            None => json!({ "ticket_id": "5158", "title": "Kitchen" }),
        };
        let headers = BTreeMap::from([("content-type".to_owned(), "application/json".to_owned())]);
        let body = body.to_string().into_bytes().into();
        let delivery = Verified::restored(zendesk.spec(), "zendesk-sha256", headers, body);
        let (delivery, id) = (delivery.unwrap(), source.parse().unwrap());
        let read = read_as_set(zendesk, id, &[], &json!({}), &delivery, None);
        let Ok(Reading::News(news)) = read else {
            panic!("it is a ticket");
        };
        let scope = Scope::of(zendesk, id, &delivery);
        (news.aliases, scope.of_deliveries())
    }

    #[test]
    fn a_ticket_is_its_accounts_whoever_tells_of_it() {
        let shares = |one: &(Vec<Alias>, _), other: &(Vec<Alias>, _)| {
            one.0.iter().any(|alias| other.0.contains(alias))
        };
        let event = told(ONE, Some("11111111"));
        let trigger = told(ONE, None);
        let by_another_url = told(OTHER, Some("11111111"));
        let of_another_account = told(OTHER, Some("33333333"));
        assert!(shares(&event, &trigger));
        assert!(shares(&event, &by_another_url));
        assert_eq!(event.1, by_another_url.1);
        for other in [&event, &trigger] {
            assert!(!shares(other, &of_another_account));
            assert_ne!(other.1, of_another_account.1);
        }
        assert!(!shares(&trigger, &told(OTHER, None)));
        for (aliases, _) in [&event, &trigger, &of_another_account] {
            for alias in aliases {
                assert!(alias.provider.len() <= 64, "{alias:?}");
                let former = alias.unscoped().unwrap();
                assert_eq!((&*former.provider, &*former.value), ("zendesk", "5158"));
            }
        }
    }

    #[test]
    fn every_source_of_no_one_providers_ids_counts_by_itself() {
        let id: SourceId = ONE.parse().unwrap();
        for (slug, is_of_provider) in [
            ("callrail", true),
            ("calendly", true),
            ("acuity", true),
            ("intercom", true),
            ("sendgrid", true),
            ("webforms", false),
            ("signedwebhook", false),
        ] {
            let source = SOURCES.iter().find(|known| known.spec().slug == slug);
            let scope = Scope::of_source(source.unwrap().spec(), id);
            let alias = Alias {
                provider: slug.to_owned(),
                kind: "thing".to_owned(),
                value: "7777".to_owned(),
            };
            let named = scope.named(vec![alias.clone()]);
            assert_eq!(scope.of_deliveries().is_none(), is_of_provider, "{slug}");
            assert_eq!(named[0] == alias, is_of_provider, "{slug}");
            let former = named[0].unscoped();
            assert_eq!(former, (!is_of_provider).then_some(alias), "{slug}");
        }
    }
}
