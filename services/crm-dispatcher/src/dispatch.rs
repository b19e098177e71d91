//! The stage `dispatch`.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use crm::{CONNECTORS, Connector, Known, Mapping, PushError, Pushed};
use domain::{
    Account, Brief, Claimed, Classify, ConnectionName, DispatchAttempt, DispatchSection,
    DispatchState, Effects, Outcome, Record, RemoteIds, Section, Stage, StageError, StageHandler,
    TenantId,
};
use http_client::with_last_exchange;
use store::{ConfigKind, ConnectionState, Identified, PersonIdentity};

use crate::Deps;

/// How long it is not noted again that a CRM takes an account that counted as refused.
const ACCEPTED_AGAIN: Duration = Duration::from_secs(600);
/// How long the claim must hold for a push.
const PUSH_LEASE: Duration = Duration::from_secs(60);

/// Pushes a request into the CRM of one connection.
///
/// In: a qualified request; the work's target names the connection. Out: that connection's entry of `dispatches`.
/// A repeat finds what was written by the CRM's unique keys and changes nothing more. Every try is recorded.
pub(crate) struct Dispatch {
    deps: Deps,
    /// Accounts of which it was noted a while ago that their CRM takes them after all, with the version of their secret.
    accepted: Mutex<BTreeMap<(TenantId, ConnectionName, u64), Duration>>,
}

impl Dispatch {
    pub(crate) fn new(deps: Deps) -> Self {
        Self {
            deps,
            accepted: Mutex::default(),
        }
    }
}

#[async_trait]
impl StageHandler for Dispatch {
    fn stage(&self) -> Stage {
        Stage::Dispatch
    }

    async fn handle(&self, job: &Claimed) -> Result<Outcome, StageError> {
        let name = target(job)?;
        let connector = self.connector(job, &name)?;
        let tenant = &job.row.key.tenant;
        let account = self
            .deps
            .accounts
            .open(tenant, &name, connector.slug())
            .await?;
        let mapping = self.mapping(job, &name, connector.slug()).await?;
        let identified = self.person(job).await?;
        if !self.is_still_ours(job).await? {
            // Whoever has the work now goes on; this outcome is settled by nobody.
            let now = self.deps.clock.now();
            return Ok(Outcome::wait(
                now,
                "another worker has taken over the dispatch",
            ));
        }
        let brief = Brief::new(&job.request, &job.config)
            .from_person(identified.person)
            .linked_to(&identified.links, job.request.created_at);
        let before = job.request.document.dispatches.get(&name);
        let before = before.filter(|section| section.connector == connector.slug());
        let known = before.map(known).unwrap_or_default();
        let lead = (&brief, &mapping);
        let mut pushed = self.push(job, connector, lead, &account, &known).await;
        if matches!(pushed, Err(PushError::Unauthorized { .. }))
            && self.deps.accounts.invalidate(&account).await
        {
            let account = self
                .deps
                .accounts
                .open(tenant, &name, connector.slug())
                .await?;
            pushed = self.push(job, connector, lead, &account, &known).await;
        }
        let pushed =
            pushed.map_err(|error| StageError::from_provider(&error, Some(account.held_by())))?;
        self.note_accepted(&account).await;
        let section = self.section(job, connector, before, pushed);
        Ok(Outcome::done(Section::Dispatch(name, section)))
    }
}

impl Dispatch {
    fn connector(
        &self,
        job: &Claimed,
        name: &ConnectionName,
    ) -> Result<&dyn Connector, StageError> {
        let qualification = job.request.document.qualification.as_ref();
        let slug = qualification
            .and_then(|section| section.destinations.get(name))
            .map_or("", String::as_str);
        let connector = self.deps.connectors.get(slug).map(Arc::as_ref);
        connector.ok_or_else(|| {
            StageError::permanent(format!(
                "there is no connector `{slug}`: correct the office's destinations"
            ))
        })
    }

    /// The connection's mapping as it is now. One that this build cannot read is tried again: a newer build can.
    async fn mapping(
        &self,
        job: &Claimed,
        name: &ConnectionName,
        connector: &str,
    ) -> Result<Mapping, StageError> {
        let (store, tenant) = (&self.deps.store, &job.row.key.tenant);
        let saved = store
            .config(tenant, ConfigKind::Mapping, name.as_str(), None)
            .await
            .map_err(|error| StageError::ours(&error))?;
        let spec = CONNECTORS.iter().find(|spec| spec.slug == connector);
        let (Some(saved), Some(spec)) = (saved, spec) else {
            return Ok(Mapping::default());
        };
        Mapping::saved(spec.mapping, &saved.json, saved.version)
            .map_err(|error| StageError::ours(&error))
    }

    /// Notes that the CRM takes an account that counted as refused, and lets what was held for it go on: the relay finds
    /// it. One push in ten minutes says so, lest a CRM that takes some leads and refuses others is asked for all of them
    /// with each one that it takes. Should it fail, the next push that is done says it.
    async fn note_accepted(&self, account: &Account) {
        let (name, version) = account.held_by();
        let (store, tenant) = (&self.deps.store, &account.tenant);
        let is_refused = |known: &store::Connection| {
            known.state == ConnectionState::Refused && known.version == version
        };
        let known = store.connection(tenant, &name).await;
        if !known.is_ok_and(|known| known.as_ref().is_some_and(is_refused)) {
            return;
        }
        let now = self.deps.clock.monotonic();
        let key = (tenant.clone(), name.clone(), version);
        let is_early = |at: &Duration| now.saturating_sub(*at) < ACCEPTED_AGAIN;
        {
            let mut accepted = self.accepted();
            accepted.retain(|_, at| is_early(at));
            if accepted.contains_key(&key) {
                return;
            }
        }
        if store.accept_secret(tenant, &name, version).await.is_ok() {
            self.accepted().insert(key, now);
        }
    }

    fn accepted(&self) -> MutexGuard<'_, BTreeMap<(TenantId, ConnectionName, u64), Duration>> {
        let accepted = self.accepted.lock();
        accepted.unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the claim holds, asked of the store right before the CRM is written to: a process that was stopped for
    /// longer than its lease must not write what is out of date by then.
    async fn is_still_ours(&self, job: &Claimed) -> Result<bool, StageError> {
        let renewed = self.deps.store.renew(&job.claim_token(), PUSH_LEASE).await;
        renewed.map_err(|error| StageError::ours(&error))
    }

    /// Who it is from: asked before the first effect, so that every CRM gets the same person.
    async fn person(&self, job: &Claimed) -> Result<Identified, StageError> {
        let identities = PersonIdentity::of(&job.request.document.facts().contact());
        let window = job.config.workflow.links.window();
        let key = &job.row.key;
        let person = self
            .deps
            .store
            .person_for_request(&key.tenant, key.request, &identities, window)
            .await;
        person.map_err(|error| StageError::ours(&error))
    }

    /// Pushes once, and records the try.
    async fn push(
        &self,
        job: &Claimed,
        connector: &dyn Connector,
        (brief, mapping): (&Brief, &Mapping),
        account: &Account,
        known: &Known,
    ) -> Result<Pushed, PushError> {
        let effects = Effects::new(
            self.deps.store.clone(),
            self.deps.clock.clone(),
            job.claim_token(),
        );
        let (at, started) = (self.deps.clock.now(), self.deps.clock.monotonic());
        let pushed = connector.push(brief, mapping, account, known, &effects);
        let (pushed, last) = with_last_exchange(pushed).await;
        let took = self.deps.clock.monotonic().saturating_sub(started);
        let (outcome, external_ids) = match &pushed {
            Ok(pushed) => ("done", pushed.remote_ids.clone()),
            Err(error) => (error.word(), RemoteIds::default()),
        };
        // What went well is in the CRM: only of what failed it matters what was sent.
        let failed = last.as_ref().filter(|_| pushed.is_err());
        let answer = pushed.as_ref().err().and_then(Classify::answer);
        job.record(Record::Dispatch(DispatchAttempt {
            connector: connector.slug().to_owned(),
            connection: account.connection.clone(),
            at,
            latency_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            outcome: outcome.to_owned(),
            external_ids,
            answer: answer.or_else(|| failed.and_then(|last| last.answer.clone())),
            status: last.as_ref().and_then(|last| last.status),
            sent: failed.and_then(|last| last.sent.clone()),
            bytes_cut: failed.map_or(0, |last| last.bytes_cut),
            mapping_version: mapping.version(),
        }));
        pushed
    }

    fn section(
        &self,
        job: &Claimed,
        connector: &dyn Connector,
        before: Option<&DispatchSection>,
        pushed: Pushed,
    ) -> DispatchSection {
        let written_before = before
            .and_then(|section| section.dispatched_at)
            .filter(|_| !pushed.is_changed);
        DispatchSection {
            connector: connector.slug().to_owned(),
            state: DispatchState::Done,
            revision: job.request.document.revisions.of(Stage::Dispatch),
            remote_ids: pushed.remote_ids,
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

fn known(section: &DispatchSection) -> Known {
    Known {
        remote_ids: section.remote_ids.clone(),
        fields_hash: section.fields_hash.clone(),
    }
}
