//! Effects: when one may begin, and what its end makes of its record.

use domain::{
    Claim, Effect, EffectEnd, EffectIntent, EffectKey, EffectState, Receipt, Stage, WorkKey,
    effect::{conclude, happened, intend},
    later,
};
use jiff::Timestamp;
use testkit::lead;

use crate::world::SECOND;

const BEGUN_AT: Timestamp = Timestamp::UNIX_EPOCH;

fn claim(token: u64) -> Claim {
    let request = lead::request(domain::Channel::Form);
    let key = WorkKey {
        tenant: request.tenant,
        request: request.id,
        stage: Stage::Dispatch,
        target: lead::CRM.to_owned(),
    };
    Claim { key, token }
}

/// An effect that was begun twice, the last time by the claim with token 1.
fn known(state: EffectState) -> Effect {
    Effect {
        owner: Effect::owner_of(&claim(1)),
        state,
        intended_at: BEGUN_AT,
        attempts: 2,
        remote_id: (state == EffectState::Done).then(|| "101".to_owned()),
    }
}

fn done(remote_id: &str) -> EffectEnd {
    let remote_id = remote_id.to_owned();
    EffectEnd::Done { remote_id }
}

#[test]
fn an_effect_begins_unless_it_may_have_happened() {
    let now = later(BEGUN_AT, 60 * SECOND);
    let begun = |attempts| {
        Some(Effect {
            owner: Effect::owner_of(&claim(2)),
            state: EffectState::Intended,
            intended_at: now,
            attempts,
            remote_id: None,
        })
    };
    let unknown = EffectIntent::Unknown {
        intended_at: BEGUN_AT,
        attempts: 2,
    };
    let done = EffectIntent::Done {
        remote_id: "101".to_owned(),
    };
    let (intended, refused) = (EffectState::Intended, EffectState::Refused);
    let given_up = EffectState::GivenUp;
    for (state, is_seen_absent, intent, saved) in [
        (None, false, EffectIntent::Begin, begun(1)),
        (None, true, EffectIntent::Begin, begun(1)),
        (Some(intended), false, unknown.clone(), None),
        (Some(intended), true, EffectIntent::Begin, begun(3)),
        // Given up is no better known: whoever asks again looks first.
        (Some(given_up), false, unknown, None),
        (Some(given_up), true, EffectIntent::Begin, begun(3)),
        (Some(refused), false, EffectIntent::Begin, begun(2)),
        (Some(refused), true, EffectIntent::Begin, begun(2)),
        (Some(EffectState::Done), false, done.clone(), None),
        (Some(EffectState::Done), true, done, None),
    ] {
        let effect = state.map(known);
        let answer = intend(effect.as_ref(), &claim(2), now, is_seen_absent);
        assert_eq!(answer, (intent, saved), "{state:?} {is_seen_absent}");
    }
}

#[test]
fn an_end_is_saved_unless_it_is_known_or_superseded() {
    let saved = |state, remote_id: Option<&str>| {
        Some(Effect {
            remote_id: remote_id.map(str::to_owned),
            ..known(state)
        })
    };
    let (intended, refused) = (EffectState::Intended, EffectState::Refused);
    let given_up = EffectState::GivenUp;
    for (state, token, end, expected) in [
        (intended, 1, done("7"), saved(EffectState::Done, Some("7"))),
        // The claim may be lost by now; what happened has happened.
        (intended, 2, done("7"), saved(EffectState::Done, Some("7"))),
        (refused, 1, done("7"), saved(EffectState::Done, Some("7"))),
        (EffectState::Done, 1, done("7"), None),
        (intended, 1, EffectEnd::Refused, saved(refused, None)),
        (intended, 2, EffectEnd::Refused, None),
        (refused, 1, EffectEnd::Refused, None),
        (EffectState::Done, 1, EffectEnd::Refused, None),
        (intended, 2, EffectEnd::GivenUp, saved(given_up, None)),
        (refused, 1, EffectEnd::GivenUp, None),
        (EffectState::Done, 1, EffectEnd::GivenUp, None),
        (given_up, 1, EffectEnd::Refused, None),
        (given_up, 1, done("7"), saved(EffectState::Done, Some("7"))),
    ] {
        let answer = conclude(known(state), &claim(token), &end);
        assert_eq!(answer, expected, "{state:?} by {token}: {end:?}");
    }
}

#[test]
fn a_receipt_makes_an_effect_done_once() {
    for state in [
        EffectState::Intended,
        EffectState::Refused,
        EffectState::GivenUp,
    ] {
        let effect = happened(known(state), &receipt("delivered", false)).unwrap();
        let found = (effect.state, effect.remote_id.as_deref());
        assert_eq!(found, (EffectState::Done, Some("7")));
    }
    let again = happened(known(EffectState::Done), &receipt("delivered", false));
    assert_eq!(again, None);
}

#[test]
fn a_message_that_will_not_arrive_has_ended_unsent() {
    for state in EffectState::ALL {
        let effect = happened(known(state), &receipt("dropped", true)).unwrap();
        let remote_id = effect.remote_id.as_deref().unwrap();
        assert_eq!(effect.state, EffectState::Done);
        assert!(
            remote_id.starts_with("refused: ") && remote_id.contains("`dropped`: Bounced Address"),
            "{remote_id}"
        );
        assert_eq!(happened(effect.clone(), &receipt("dropped", true)), None);
        assert_eq!(happened(effect, &receipt("delivered", false)), None);
    }
}

fn receipt(event: &str, is_undelivered: bool) -> Receipt {
    Receipt {
        effect: EffectKey::new("email", &"req", "0a", &0),
        event: event.to_owned(),
        is_undelivered,
        remote_id: "7".to_owned(),
        at: None,
        reason: is_undelivered.then(|| "Bounced Address".to_owned()),
    }
}

#[test]
fn an_owner_is_one_run_of_one_step() {
    assert_eq!(
        Effect::owner_of(&claim(3)),
        "req_00000000000000000000000000000007/dispatch#3"
    );
}

#[test]
fn an_effects_state_reads_back_as_it_is_stored() {
    for state in [
        EffectState::Intended,
        EffectState::Done,
        EffectState::Refused,
        EffectState::GivenUp,
    ] {
        assert_eq!(state.as_str().parse(), Ok(state));
    }
    assert!("begun".parse::<EffectState>().is_err());
}

#[test]
fn a_message_id_leads_to_its_effect() {
    let request = "req_00000000000000000000000000000007";
    let hash = "0123456789abcdef";
    let key = EffectKey::of_message(&format!("{request}.{hash}.2")).unwrap();
    assert_eq!(key.as_str(), format!("email/{request}/{hash}/2"));
    for other in [
        String::new(),
        request.to_owned(),
        format!("{request}.{hash}"),
        format!("{request}.{hash}.02"),
        format!("{request}.{hash}.+2"),
        format!("{request}.{hash}.2.3"),
        format!("{request}.{hash}.-1"),
        format!("{request}.0123456789ABCDEF.2"),
        format!("{request}.{hash}0.2"),
        format!("evt_00000000000000000000000000000007.{hash}.2"),
    ] {
        assert_eq!(EffectKey::of_message(&other), None, "{other}");
    }
}
