//! Who else has webhooks in the account that is being connected.

use ::sources::{Registration, tokens};
use domain::Account;
use runtime::Problem;
use store::{SourceState, TokenHash};

use super::Connecting;

/// URLs of an account that are looked up: nobody has as many sources in one.
const LOOKED_UP: usize = 50;

impl Connecting<'_> {
    /// What is said where the provider posts the same to another source of this server: of another company, whose name
    /// nobody learns, or of this one. None where the settings of the account say which part of it is this tenant's.
    pub(super) async fn warning(
        &self,
        there: &[Registration],
        own: &store::Source,
        account: &Account,
    ) -> Result<Option<String>, Problem> {
        let mut is_anothers = false;
        let mut again = None;
        for token in tokens(there).into_iter().take(LOOKED_UP) {
            let hash = TokenHash::of(token);
            let found = self.deps.store.source_by_token_across_tenants(&hash);
            let other = found.await?.filter(|found| {
                found.state == SourceState::Active && found.provider == own.provider
            });
            match other {
                Some(other) if other.tenant != own.tenant => is_anothers = true,
                Some(other) if other.id != own.id => again = Some(other.id),
                Some(_) | None => {}
            }
        }
        let mut narrowed_by = self.spec.narrowed_by.iter();
        let is_narrowed = narrowed_by.any(|key| !account.setting(key).trim().is_empty());
        let name = self.spec.name;
        Ok(if is_anothers && !is_narrowed {
            Some(format!(
                "BUT another company on this server has connected this account of {name}, too: the same leads come to both, and \
                 each sees the other's customers. {}",
                self.spec.when_shared
            ))
        } else {
            again.map(|id| {
                format!(
                    "The source {id} of this company has this account, too: whatever comes by both is one request, and one of \
                     them is enough."
                )
            })
        })
    }
}
