//! Outside effects: intended before, settled after.

use domain::{EffectEnd, EffectIntent, EffectKey, WorkState};

use super::*;

const CALL: Duration = Duration::from_secs(20);

fn done(remote_id: &str) -> EffectEnd {
    EffectEnd::Done {
        remote_id: remote_id.to_owned(),
    }
}

/// A claim of a new request, and the key of an effect.
async fn begin(subject: &Subject) -> (TenantId, Claimed, EffectKey) {
    let tenant = subject.tenant("a");
    let id = subject.request(&Lead::new(&tenant, "1")).await;
    let job = subject.claim(&tenant, id, FIRST, "").await;
    let key = EffectKey::new("note", &id, "crm", &"0");
    (tenant, job, key)
}

pub async fn an_effect_is_begun_once(subject: &Subject) {
    let (_, job, key) = begin(subject).await;
    let begun_at = (subject.now)();
    let store = &subject.store;
    assert_eq!(
        store.intend(&job.claim_token(), &key, CALL).await.unwrap(),
        EffectIntent::Begin
    );
    subject.wait(SECOND).await;
    let unknown = EffectIntent::Unknown {
        intended_at: begun_at,
        attempts: 1,
    };
    assert_eq!(
        store.intend(&job.claim_token(), &key, CALL).await.unwrap(),
        unknown
    );
    // Of many at once, one begins.
    let other = EffectKey::new("note", &job.request.id, "second", &"0");
    let claim = job.claim_token();
    let intents = (0..10).map(|_| store.intend(&claim, &other, CALL));
    let intents = futures::future::join_all(intents).await;
    let begun = intents
        .into_iter()
        .filter(|intent| *intent.as_ref().unwrap() == EffectIntent::Begin);
    assert_eq!(begun.count(), 1);
}

pub async fn an_effect_that_is_done_stays_done(subject: &Subject) {
    let (_, job, key) = begin(subject).await;
    let store = &subject.store;
    store.intend(&job.claim_token(), &key, CALL).await.unwrap();
    store
        .conclude(&job.claim_token(), &key, done("r-1"))
        .await
        .unwrap();
    store
        .conclude(&job.claim_token(), &key, EffectEnd::Refused)
        .await
        .unwrap();
    store
        .conclude(&job.claim_token(), &key, done("r-2"))
        .await
        .unwrap();
    let remote_id = "r-1".to_owned();
    let known = EffectIntent::Done { remote_id };
    assert_eq!(
        store.intend(&job.claim_token(), &key, CALL).await.unwrap(),
        known
    );
    assert_eq!(
        store
            .intend_again(&job.claim_token(), &key, CALL)
            .await
            .unwrap(),
        known
    );
}

pub async fn a_refused_effect_can_be_begun_again(subject: &Subject) {
    let (_, job, key) = begin(subject).await;
    let store = &subject.store;
    store.intend(&job.claim_token(), &key, CALL).await.unwrap();
    store
        .conclude(&job.claim_token(), &key, EffectEnd::Refused)
        .await
        .unwrap();
    assert_eq!(
        store.intend(&job.claim_token(), &key, CALL).await.unwrap(),
        EffectIntent::Begin
    );
    let intent = store.intend(&job.claim_token(), &key, CALL).await.unwrap();
    assert!(
        matches!(intent, EffectIntent::Unknown { attempts: 1, .. }),
        "{intent:?}"
    );
}

pub async fn an_unknown_effect_is_begun_again_only_on_demand(subject: &Subject) {
    let (_, job, key) = begin(subject).await;
    let store = &subject.store;
    store.intend(&job.claim_token(), &key, CALL).await.unwrap();
    subject.wait(SECOND).await;
    assert_eq!(
        store
            .intend_again(&job.claim_token(), &key, CALL)
            .await
            .unwrap(),
        EffectIntent::Begin
    );
    let unknown = EffectIntent::Unknown {
        intended_at: (subject.now)(),
        attempts: 2,
    };
    assert_eq!(
        store.intend(&job.claim_token(), &key, CALL).await.unwrap(),
        unknown
    );
}

pub async fn a_late_refusal_does_not_reopen_what_another_began_again(subject: &Subject) {
    let (tenant, slow, key) = begin(subject).await;
    let store = &subject.store;
    store.intend(&slow.claim_token(), &key, CALL).await.unwrap();
    subject.wait(CALL + LEASE).await;
    let job = subject.claim(&tenant, slow.request.id, FIRST, "").await;
    let again = store
        .intend_again(&job.claim_token(), &key, CALL)
        .await
        .unwrap();
    assert_eq!(again, EffectIntent::Begin);
    store
        .conclude(&slow.claim_token(), &key, EffectEnd::Refused)
        .await
        .unwrap();
    let intent = store.intend(&job.claim_token(), &key, CALL).await.unwrap();
    assert!(
        matches!(intent, EffectIntent::Unknown { attempts: 2, .. }),
        "{intent:?}"
    );
    // That it happened is true whoever says so.
    store
        .conclude(&slow.claim_token(), &key, done("r-1"))
        .await
        .unwrap();
    let intent = store.intend(&job.claim_token(), &key, CALL).await.unwrap();
    assert!(matches!(intent, EffectIntent::Done { .. }), "{intent:?}");
}

pub async fn an_effect_that_was_given_up_is_not_begun_blindly(subject: &Subject) {
    let (_, job, key) = begin(subject).await;
    let (store, claim) = (&subject.store, job.claim_token());
    store.intend(&claim, &key, CALL).await.unwrap();
    let given_up = EffectEnd::GivenUp;
    store.conclude(&claim, &key, given_up).await.unwrap();
    let intent = store.intend(&claim, &key, CALL).await.unwrap();
    assert!(
        matches!(intent, EffectIntent::Unknown { attempts: 1, .. }),
        "{intent:?}"
    );
    store.conclude(&claim, &key, done("r-1")).await.unwrap();
    let intent = store.intend(&claim, &key, CALL).await.unwrap();
    assert!(matches!(intent, EffectIntent::Done { .. }), "{intent:?}");
}

pub async fn a_stale_claim_begins_nothing(subject: &Subject) {
    let (tenant, stale, key) = begin(subject).await;
    subject.wait(LEASE).await;
    let valid = subject.claim(&tenant, stale.request.id, FIRST, "").await;
    let store = &subject.store;
    assert_eq!(
        store
            .intend(&stale.claim_token(), &key, CALL)
            .await
            .unwrap(),
        EffectIntent::Stale
    );
    assert_eq!(
        store
            .intend_again(&stale.claim_token(), &key, CALL)
            .await
            .unwrap(),
        EffectIntent::Stale
    );
    assert_eq!(
        store
            .intend(&valid.claim_token(), &key, CALL)
            .await
            .unwrap(),
        EffectIntent::Begin
    );
    subject.settle(&valid, retry()).await;
    assert_eq!(
        store
            .intend(&valid.claim_token(), &key, CALL)
            .await
            .unwrap(),
        EffectIntent::Stale
    );
}

pub async fn an_intent_renews_the_lease_past_the_call(subject: &Subject) {
    let (tenant, job, key) = begin(subject).await;
    subject.wait(LEASE - SECOND).await;
    subject
        .store
        .intend(&job.claim_token(), &key, CALL)
        .await
        .unwrap();
    let row = subject
        .row(&tenant, job.request.id, FIRST, "")
        .await
        .unwrap();
    let WorkState::InFlight { lease_until } = row.state else {
        panic!("it is at work: {row:?}")
    };
    assert!(lease_until > subject.after(CALL));
    assert_eq!(row.next_wake_at, Some(lease_until));
}

pub async fn the_end_of_an_effect_that_nobody_intended_is_not_kept(subject: &Subject) {
    let (_, job, key) = begin(subject).await;
    subject
        .store
        .conclude(&job.claim_token(), &key, done("r-1"))
        .await
        .unwrap();
    let intent = subject
        .store
        .intend(&job.claim_token(), &key, CALL)
        .await
        .unwrap();
    assert_eq!(intent, EffectIntent::Begin);
}
