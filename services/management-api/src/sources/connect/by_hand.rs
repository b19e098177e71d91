//! Connecting a source whose provider has no API for webhooks: all that is ours is done, and the rest is said.

use runtime::Problem;
use store::{DeliveryQuery, TokenHash};

use super::{
    ConnectStep, ConnectedSource, Connecting, Failed, Made, NewConnectedSource, StepName,
    create::{self, Webhook},
    urls,
};

/// Deliveries that are looked through for one of the provider's.
const LOOKED_AT: u32 = 50;

impl Connecting<'_> {
    /// Keeps the account, creates the source, and says what a person does at the provider. Once its deliveries come and
    /// have a key that verifies them, it is connected.
    pub(super) async fn by_hand(
        &self,
        new: NewConnectedSource,
    ) -> Result<ConnectedSource, Problem> {
        let mut steps = Vec::new();
        let made = match self.prepare(new, &mut steps).await? {
            Ok(made) => made,
            Err(failed) => {
                steps.push(ConnectStep::failed(failed));
                return Ok(ConnectedSource {
                    is_connected: false,
                    source: None,
                    steps,
                    by_hand: Vec::new(),
                    webhooks: Vec::new(),
                    signing_key: None,
                });
            }
        };
        let Made { source, url, key } = made;
        let (name, id) = (self.spec.name, source.id);
        let has_come = self.has_come(&source).await?;
        let has_key = !self.spec.verification.needs_key() || !source.key_names.is_empty();
        let mut by_hand = Vec::new();
        if has_come {
            let detail = format!("Deliveries of {name} come.");
            steps.push(ConnectStep::done(StepName::Webhooks, detail));
        } else {
            by_hand.push(self.spec.set_up.to_owned());
        }
        if has_key {
            let detail = "Whatever has to be signed is verified by the source's own key.";
            steps.push(ConnectStep::done(StepName::SigningKey, detail.to_owned()));
        } else {
            by_hand.push(format!(
                "Store the signing key that {name} shows as a key of the source, such as by `pipeline source add-key {id}`."
            ));
        }
        if !has_come {
            by_hand.push(format!(
                "Have {name} send something, then connect it again: that says whether it came."
            ));
            let detail = format!(
                "{name} has no API for this, and nothing has come yet: enter the URL there."
            );
            steps.push(ConnectStep::failed(Failed(StepName::Webhooks, detail)));
        }
        if !has_key {
            let detail =
                format!("Only {name} knows its signing key: store it as a key of the source.");
            steps.push(ConnectStep::failed(Failed(StepName::SigningKey, detail)));
        }
        let webhooks: Vec<Webhook> = if has_come {
            Vec::new()
        } else {
            create::webhooks(self.spec, &url)
        };
        Ok(ConnectedSource {
            is_connected: has_come && has_key,
            source: Some(source.into()),
            steps,
            by_hand,
            webhooks,
            signing_key: key.and_then(|key| key.shown()),
        })
    }

    /// Keeps what was entered, and finds or creates the source; a failure says what to do.
    async fn prepare(
        &self,
        new: NewConnectedSource,
        steps: &mut Vec<ConnectStep>,
    ) -> Result<Result<Made, Failed>, Problem> {
        let name = self.name(&new)?;
        // What has no API that we call can do without.
        let needs_account = self.spec.apis.is_some();
        if self.spec.account.is_some() && (needs_account || new.secret.is_some()) {
            let account = match self.account(&new, &name).await? {
                Ok(account) => account,
                Err(detail) => return Ok(Err(Failed(StepName::Connection, detail))),
            };
            let kept = self.keep(&name, new.secret, &account).await?;
            steps.push(ConnectStep::done(StepName::Connection, kept));
        }
        let Some(source) = self.known(&name).await? else {
            let made = self.create(&name, new.office_id, new.accounts).await?;
            if let Ok(made) = &made {
                let detail = format!("The source {} is created.", made.source.id);
                steps.push(ConnectStep::done(StepName::Source, detail));
            }
            return Ok(made.map_err(|detail| Failed(StepName::Source, detail)));
        };
        let own = source.id.to_string();
        let url = if source.token == Some(TokenHash::of(&own)) {
            Some(create::url(self.deps, self.spec, &own))
        } else {
            urls::find(self.deps, &source).await?
        };
        let Some(url) = url else {
            let detail = format!(
                "The source {} was created before, and its URL was shown once, then. Enter it at {}; if it is lost, disable \
                 the source and connect under another `connection`.",
                source.id, self.spec.name
            );
            return Ok(Err(Failed(StepName::Source, detail)));
        };
        let detail = format!("The source {} was there already.", source.id);
        steps.push(ConnectStep::done(StepName::Source, detail));
        Ok(Ok(Made {
            source,
            url,
            key: None,
        }))
    }

    /// Whether a delivery of the provider's has come. A test of ours is none.
    async fn has_come(&self, source: &store::Source) -> Result<bool, Problem> {
        let query = DeliveryQuery {
            sources: Some([source.id].into()),
            limit: LOOKED_AT,
            ..DeliveryQuery::default()
        };
        let page = self.deps.store.deliveries(&source.tenant, &query).await?;
        let is_theirs = |delivery: &store::DeliverySummary| {
            delivery.remark.as_deref() != Some(::sources::TEST_REMARK)
        };
        Ok(page.items.iter().any(is_theirs))
    }
}
