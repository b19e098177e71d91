//! Whether a provider still posts a source's webhooks, and what is done when it does not.

use ::sources::{Registration, WebhooksApi, Wiring, our_url};
use domain::{StoreError, metric_names};
use jiff::Timestamp;
use secrecy::SecretString;
use secrets::SecretRef;
use store::{
    AuditAction, Sweep, SweepStep, TokenHash,
    sweeps::{Off, SweepState},
};

use super::{ACTOR, Access, Fault, LEASE, noted, urls, write};
use crate::Deps;

/// Looks once, and registers again what is off.
pub(super) async fn look(
    deps: &Deps,
    access: &Access<'_>,
    claimed: &Sweep,
    mut state: SweepState,
) -> Result<(), StoreError> {
    let now = deps.clock.now();
    match check(deps, access, claimed, &mut state).await {
        Ok(()) => {
            let due_at = state.looked(now);
            write(deps, claimed, state, due_at).await?;
        }
        Err(fault) => {
            let due_at = noted(claimed, &mut state, fault, now)?;
            write(deps, claimed, state, due_at).await?;
        }
    }
    Ok(())
}

async fn check(
    deps: &Deps,
    access: &Access<'_>,
    claimed: &Sweep,
    state: &mut SweepState,
) -> Result<(), Fault> {
    let Some(api) = &access.apis.webhooks else {
        return Ok(());
    };
    let there = registered(access, &**api).await?;
    let url = url(deps, access, &there).await?;
    let failing_since = url
        .as_ref()
        .and_then(|url| failing_since(&api.wanted(&access.account, url), &there));
    if let (Some(since), None) = (failing_since, state.failing_since) {
        tracing::warn!(
            tenant.id = %claimed.tenant, source.id = %claimed.source,
            "{} has got nothing through to source {} since {since:.0}: it tries again, and switches the webhook off in the end. \
             Test the source", access.spec.name, claimed.source
        );
    }
    state.failing_since = failing_since;
    let Some(url) = url else {
        // It was entered by a person in a place that the API does not show, or never.
        return Ok(());
    };
    // Who entered the URL by hand may have chosen some events: these must go on.
    let wanted: Vec<_> = api.wanted(&access.account, &url);
    let posted = |(event, url): &&(String, String)| {
        let is_it = |known: &Registration| known.event == *event && known.url == *url;
        there.iter().any(is_it) || state.posted.contains(event)
    };
    let wanted: Vec<_> = wanted.iter().filter(posted).cloned().collect();
    state.posted = wanted.iter().map(|(event, _)| event.clone()).collect();
    let Wiring::Off(events) = Wiring::of(&wanted, &there) else {
        if state.off.take().is_some() {
            tracing::info!(
                tenant.id = %claimed.tenant, source.id = %claimed.source,
                "{} posts to source {} again", access.spec.name, claimed.source
            );
        }
        return Ok(());
    };
    if state.off.is_none() {
        told_off(deps, access, claimed, state, events).await?;
    }
    repair(deps, access, claimed, state, &**api, &wanted).await
}

/// Since when the provider gets nothing through to one of these, as far as it tells.
fn failing_since(wanted: &[(String, String)], there: &[Registration]) -> Option<Timestamp> {
    let is_ours = |known: &&Registration| {
        let mut wanted = wanted.iter();
        known.is_on && wanted.any(|(event, url)| known.event == *event && known.url == *url)
    };
    let ours = there.iter().filter(is_ours);
    ours.filter_map(|known| known.failing_since).min()
}

pub(crate) async fn registered(
    access: &Access<'_>,
    api: &dyn WebhooksApi,
) -> Result<Vec<Registration>, Fault> {
    access.admit(api.requests()).await?;
    let there = api
        .registered(&access.account, &access.source.accounts)
        .await;
    match there {
        Ok(there) => Ok(there),
        Err(error) => Err(access.failed(error).await),
    }
}

/// The source's URL at this server, whose token the provider has, or is kept. One that is seen is kept, should it be removed
/// there.
async fn url(
    deps: &Deps,
    access: &Access<'_>,
    there: &[Registration],
) -> Result<Option<String>, Fault> {
    let source = access.source;
    let internal = |_| {
        Fault::Store(StoreError::Failed(
            "the secrets cannot be reached".to_owned(),
        ))
    };
    let kept = urls::find(deps, source).await.map_err(internal)?;
    let seen = our_url(there, |token| source.token == Some(TokenHash::of(token)));
    let seen = seen.map(|seen| urls::here(deps, access.spec, &seen));
    if let Some(seen) = &seen
        && kept.as_ref() != Some(seen)
    {
        let kept = urls::keep(deps, &source.tenant, source.id, seen);
        kept.await.map_err(internal)?;
    }
    Ok(seen.or(kept))
}

/// Tells everybody that webhooks are off.
async fn told_off(
    deps: &Deps,
    access: &Access<'_>,
    claimed: &Sweep,
    state: &mut SweepState,
    events: Vec<String>,
) -> Result<(), Fault> {
    let (provider, source) = (access.spec.name, claimed.source);
    let listed = events.join(", ");
    state.off = Some(Off {
        since: deps.clock.now(),
        events,
        remedy: String::new(),
    });
    let act = AuditAction::new(ACTOR, "source.webhook_off", &source)
        .saying(format!("{provider} no longer posts {listed}"));
    metrics::counter!(metric_names::WEBHOOKS_OFF_TOTAL, "provider" => access.spec.slug)
        .increment(1);
    tracing::error!(
        tenant.id = %claimed.tenant, source.id = %source,
        "{provider} no longer posts {listed} to source {source} of tenant {}: the webhook was switched off or removed; \
         it is registered again now", claimed.tenant
    );
    step(deps, claimed, state, act).await
}

/// Registers what was posted again.
async fn repair(
    deps: &Deps,
    access: &Access<'_>,
    claimed: &Sweep,
    state: &mut SweepState,
    api: &dyn WebhooksApi,
    wanted: &[(String, String)],
) -> Result<(), Fault> {
    let (provider, source) = (access.spec.name, claimed.source);
    let key = newest_key(deps, access.source).await;
    access.admit(api.requests() + 2).await?;
    let accounts = &access.source.accounts;
    let registered = api
        .register(&access.account, accounts, wanted, key.as_ref())
        .await;
    if let Err(error) = registered {
        if let Some(off) = &mut state.off {
            off.remedy = format!(
                "It could not be registered again: {error}. Switch it on at {provider}, or connect the source again."
            );
        }
        return Err(access.failed(error).await);
    }
    let off = state.off.take();
    state.repaired_at = Some(deps.clock.now());
    let events = off.map(|off| off.events.join(", ")).unwrap_or_default();
    let act = AuditAction::new(ACTOR, "source.webhook_registered", &source)
        .saying(format!("{provider} posts {events} again"));
    tracing::info!(
        tenant.id = %claimed.tenant, source.id = %source,
        "the webhooks of source {source} are registered again at {provider}"
    );
    step(deps, claimed, state, act).await
}

/// Writes how it stands, together with an entry of the audit log, which those who watch are told, too.
async fn step(
    deps: &Deps,
    claimed: &Sweep,
    state: &SweepState,
    act: AuditAction,
) -> Result<(), Fault> {
    let step = SweepStep {
        state: state.clone(),
        due_at: domain::later(deps.clock.now(), LEASE),
        lines: Vec::new(),
        act: Some(act),
    };
    if deps.store.step_sweep(&claimed.proof(), step).await? {
        Ok(())
    } else {
        // Another process has it by now, and tells.
        Err(Fault::NoRoom(LEASE))
    }
}

/// The source's newest signing key.
pub(crate) async fn newest_key(deps: &Deps, source: &store::Source) -> Option<SecretString> {
    let name: SecretRef = source.key_names.first()?.parse().ok()?;
    let key = deps
        .secrets
        .get(&source.tenant, &name.name, Some(name.version));
    key.await.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_webhooks_fail_at_is_not_ours() {
        let at = |second| Timestamp::from_second(second).ok();
        let known = |url: &str, is_on, since| Registration {
            event: "made".to_owned(),
            url: url.to_owned(),
            is_on,
            failing_since: since,
        };
        let wanted = [("made".to_owned(), "https://ours/1".to_owned())];
        let there = [
            known("https://theirs/", true, at(1)),
            known("https://ours/1", false, at(2)),
            known("https://ours/1", true, at(4)),
            known("https://ours/1", true, at(3)),
        ];
        assert_eq!(failing_since(&wanted, &there), at(3));
        assert_eq!(failing_since(&wanted, &there[..2]), None);
    }
}
