//! Calls of the API that their callers named.

use super::*;
use crate::{Begun, Call, CallAnswer};

const HOUR: Duration = Duration::from_secs(3_600);

fn call(subject: &Subject, name: &str, body: &str) -> Call {
    Call::new(Some(subject.tenant(name)), "ann", "key", &[body.as_bytes()])
}

async fn begin(subject: &Subject, call: &Call) -> Begun {
    let begun = subject.store.begin_call_across_tenants(call);
    begun.await.unwrap()
}

async fn end(subject: &Subject, call: &Call, answer: Option<&CallAnswer>) {
    let ended = subject.store.end_call_across_tenants(call, answer);
    ended.await.unwrap();
}

pub async fn a_call_is_answered_once_and_remembered(subject: &Subject) {
    let first = call(subject, "a", "body");
    assert_eq!(begin(subject, &first).await, Begun::Now);
    assert_eq!(begin(subject, &first).await, Begun::Running);
    let other = call(subject, "a", "another body");
    assert_eq!(begin(subject, &other).await, Begun::Other);
    let answer = CallAnswer::Kept {
        status: 201,
        content_type: "application/json".to_owned(),
        location: Some("/v1/things/1".to_owned()),
        etag: Some("\"1\"".to_owned()),
        body: b"{\"id\":1}".to_vec(),
    };
    end(subject, &first, Some(&answer)).await;
    assert_eq!(begin(subject, &first).await, Begun::Before(answer));
    assert_eq!(begin(subject, &other).await, Begun::Other);
    for answer in [CallAnswer::NotKept, CallAnswer::Itself] {
        end(subject, &first, Some(&answer)).await;
        assert_eq!(begin(subject, &first).await, Begun::Before(answer));
    }
}

pub async fn a_call_is_its_callers_and_its_tenants_own(subject: &Subject) {
    assert_eq!(
        begin(subject, &call(subject, "a", "body")).await,
        Begun::Now
    );
    assert_eq!(
        begin(subject, &call(subject, "b", "body")).await,
        Begun::Now
    );
    let scoped = format!("{}ann", subject.scope);
    let of_nobody = Call::new(None, &scoped, "key", &[b"body"]);
    assert_eq!(begin(subject, &of_nobody).await, Begun::Now);
    let of_another = Call::new(Some(subject.tenant("a")), "ben", "key", &[b"body"]);
    assert_eq!(begin(subject, &of_another).await, Begun::Now);
}

pub async fn a_call_without_an_answer_begins_anew(subject: &Subject) {
    let call = call(subject, "a", "body");
    assert_eq!(begin(subject, &call).await, Begun::Now);
    end(subject, &call, None).await;
    assert_eq!(begin(subject, &call).await, Begun::Now);
    // Its process has died.
    subject.wait(Duration::from_secs(61)).await;
    assert_eq!(begin(subject, &call).await, Begun::Now);
    end(subject, &call, Some(&CallAnswer::NotKept)).await;
    subject.wait(23 * HOUR).await;
    assert_eq!(
        begin(subject, &call).await,
        Begun::Before(CallAnswer::NotKept)
    );
    subject.wait(2 * HOUR).await;
    assert_eq!(begin(subject, &call).await, Begun::Now);
}

pub async fn of_two_equal_calls_at_once_one_begins(subject: &Subject) {
    let call = call(subject, "a", "body");
    let (one, other) = futures::join!(begin(subject, &call), begin(subject, &call));
    let mut begun = [one, other];
    begun.sort_by_key(|begun| *begun != Begun::Now);
    assert_eq!(begun, [Begun::Now, Begun::Running]);
}
