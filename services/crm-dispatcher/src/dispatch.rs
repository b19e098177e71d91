//! The stage `dispatch`.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use crm::{Connector, Credential, Known, Lead, PushError, Pushed, Written};
use domain::{
    Claimed, Classify, ConnectionName, DispatchAttempt, DispatchSection, DispatchState,
    Disposition, Effects, Outcome, PersonId, Record, Section, Stage, StageError, StageHandler,
};
use secrecy::SecretString;
use secrets::{SecretName, SecretsError};
use store::{Connection, PersonIdentity};

use crate::Deps;

/// How long the claim must hold for a push.
const PUSH_LEASE: Duration = Duration::from_secs(60);

/// Pushes a request into the CRM of one connection.
///
/// In: a qualified request; the work's target names the connection. Out: that connection's entry of `dispatches`.
/// A repeat finds what was written by the CRM's unique keys and changes nothing more. Every try is recorded.
pub(crate) struct Dispatch {
    deps: Deps,
}

/// Where a request goes.
struct Destination<'a> {
    connector: &'a Arc<dyn Connector>,
    credential: Credential,
}

#[async_trait]
impl StageHandler for Dispatch {
    fn stage(&self) -> Stage {
        Stage::Dispatch
    }

    async fn handle(&self, job: &Claimed) -> Result<Outcome, StageError> {
        let name = target(job)?;
        let destination = self.destination(job, &name).await?;
        let person = self.person(job).await?;
        if !self.is_still_ours(job).await? {
            // Whoever has the work now goes on; this outcome is settled by nobody.
            let now = self.deps.clock.now();
            return Ok(Outcome::wait(
                now,
                "another worker has taken the dispatch over",
            ));
        }
        let before = job.request.document.dispatches.get(&name);
        let pushed = self.push(job, &destination, person, before).await?;
        Ok(Outcome::done(Section::Dispatch(
            name,
            self.section(job, &destination, before, pushed),
        )))
    }
}

impl Dispatch {
    pub(crate) fn new(deps: Deps) -> Self {
        Self { deps }
    }

    /// Whether the claim holds, asked of the store right before the CRM is written to: a process that was stopped for
    /// longer than its lease must not write what is out of date by then.
    async fn is_still_ours(&self, job: &Claimed) -> Result<bool, StageError> {
        let renewed = self.deps.store.renew(&job.proof(), PUSH_LEASE).await;
        renewed.map_err(|error| StageError::ours(&error))
    }

    /// Connector and credential, or what a person must do to have them.
    async fn destination(
        &self,
        job: &Claimed,
        name: &ConnectionName,
    ) -> Result<Destination<'_>, StageError> {
        let tenant = &job.row.key.tenant;
        let qualification = job.request.document.qualification.as_ref();
        let slug = qualification
            .and_then(|section| section.destinations.get(name))
            .map_or("", String::as_str);
        let connector = self.deps.connectors.get(slug).ok_or_else(|| {
            StageError::permanent(format!(
                "there is no connector `{slug}`: correct the office's destinations"
            ))
        })?;
        let connection = self
            .deps
            .store
            .connection(tenant, name)
            .await
            .map_err(|error| StageError::ours(&error))?;
        let connection = connection.ok_or_else(|| {
            StageError::permanent(format!(
                "there is no connection `{name}`: connect the account, then redrive"
            ))
        })?;
        if connection.provider != connector.slug() {
            return Err(StageError::permanent(format!(
                "the connection `{name}` is one to {}, not to {slug}: correct the office's destinations",
                connection.provider
            )));
        }
        let token = self.secret(&connection).await?;
        let Connection {
            tenant,
            name,
            version,
            ..
        } = connection;
        Ok(Destination {
            connector,
            credential: Credential {
                tenant,
                connection: name,
                version,
                token,
            },
        })
    }

    /// The connection's secret. One that is not there or damaged is entered anew, which releases the work.
    async fn secret(&self, connection: &Connection) -> Result<SecretString, StageError> {
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

    /// Who it is from: asked before the first effect, so that every CRM gets the same person.
    async fn person(&self, job: &Claimed) -> Result<PersonId, StageError> {
        let contact = domain::workflow::contact(&job.request.document.call());
        let identities: Vec<_> = [
            contact.phone.map(PersonIdentity::Phone),
            contact.email.map(PersonIdentity::Email),
        ]
        .into_iter()
        .flatten()
        .collect();
        let key = &job.row.key;
        let person = self
            .deps
            .store
            .person_for_request(&key.tenant, key.request, &identities)
            .await;
        person.map_err(|error| StageError::ours(&error))
    }

    async fn push(
        &self,
        job: &Claimed,
        destination: &Destination<'_>,
        person: PersonId,
        before: Option<&DispatchSection>,
    ) -> Result<Pushed, StageError> {
        let Destination {
            connector,
            credential,
        } = destination;
        let lead = Lead::new(&job.request, person, &job.config);
        let effects = Effects::new(
            self.deps.store.clone(),
            self.deps.clock.clone(),
            job.proof(),
        );
        let (at, started) = (self.deps.clock.now(), self.deps.clock.monotonic());
        let pushed = connector
            .push(&lead, credential, before.and_then(known).as_ref(), &effects)
            .await;
        let took = self.deps.clock.monotonic().saturating_sub(started);
        job.record(Record::Dispatch(DispatchAttempt {
            connector: connector.slug().to_owned(),
            connection: credential.connection.clone(),
            at,
            latency_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            outcome: pushed
                .as_ref()
                .map_or_else(PushError::word, |_| "done")
                .to_owned(),
            external_ids: pushed.as_ref().map(external_ids).unwrap_or_default(),
            answer: pushed.as_ref().err().and_then(Classify::answer),
        }));
        let connection = (credential.connection.clone(), credential.version);
        pushed.map_err(|error| StageError::from_provider(&error, Some(connection)))
    }

    fn section(
        &self,
        job: &Claimed,
        destination: &Destination<'_>,
        before: Option<&DispatchSection>,
        pushed: Pushed,
    ) -> DispatchSection {
        let is_unchanged =
            (pushed.contact, pushed.deal) == (Written::Unchanged, Written::Unchanged);
        let written_before = before
            .and_then(|section| section.dispatched_at)
            .filter(|_| is_unchanged);
        DispatchSection {
            connector: destination.connector.slug().to_owned(),
            state: DispatchState::Done,
            revision: job.request.document.revisions.dispatch,
            contact_id: Some(pushed.contact_id),
            deal_id: Some(pushed.deal_id),
            fields_hash: Some(pushed.fields_hash),
            dispatched_at: Some(written_before.unwrap_or_else(|| self.deps.clock.now())),
            reason: None,
        }
    }
}

fn target(job: &Claimed) -> Result<ConnectionName, StageError> {
    ConnectionName::new(&job.row.key.target).map_err(|_| {
        StageError::permanent("the work names no connection: correct the office's destinations")
    })
}

/// What the last push answered, when it was whole.
fn known(section: &DispatchSection) -> Option<Known> {
    Some(Known {
        contact_id: section.contact_id.clone()?,
        deal_id: section.deal_id.clone()?,
        fields_hash: section.fields_hash.clone()?,
    })
}

fn external_ids(pushed: &Pushed) -> BTreeMap<String, String> {
    [("contact", &pushed.contact_id), ("deal", &pushed.deal_id)]
        .into_iter()
        .map(|(name, id)| (name.to_owned(), id.clone()))
        .collect()
}
