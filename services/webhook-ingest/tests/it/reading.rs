//! What is understood of genuine bodies that are not as they should be.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use domain::{Document, RequestId, Status};
use serde_json::{Value, json};
use store::{RequestQuery, Store as _};

use crate::world::{Answer, CALLRAIL, COMPANY, SHARED, World};

const ADDRESS: &str = "192.0.2.1";
const MODIFIED: &str = "/v1/hooks/callrail-token/call-modified";

/// A call of our own; `changes` replace its members.
fn body(changes: &Value) -> String {
    let mut body = json!({
        "resource_id": "CAL0142aa", "company_resource_id": COMPANY, "answered": true, "duration": "184",
        "customer_name": "Ada Moss", "customer_phone_number": "+15125550143",
        "start_time": "2026-03-17T09:41:02.101-05:00",
    });
    let members = body.as_object_mut().unwrap();
    members.extend(changes.as_object().unwrap().clone());
    body.to_string()
}

fn id(answer: &Answer) -> RequestId {
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    let id = answer.body["request_id"].as_str();
    id.unwrap_or_else(|| panic!("{answer:?}")).parse().unwrap()
}

async fn deliver(world: &World, path: &str, changes: &Value) -> RequestId {
    id(&world.signed(ADDRESS, path, body(changes).as_bytes()).await)
}

async fn document(world: &World, id: RequestId) -> (Status, Document) {
    let view = world.store.request(&world.tenant, id).await.unwrap();
    let request = view.unwrap().request;
    (request.status, request.document)
}

#[tokio::test]
async fn the_company_is_found_behind_what_is_broken() {
    let world = World::start().await;
    let call = |number: usize, before: &[u8]| {
        let sound = body(&json!({ "resource_id": format!("CAL0142{number}") }));
        [
            b"{\"a_note\": ",
            before,
            b", ",
            sound.split_at(1).1.as_bytes(),
        ]
        .concat()
    };
    let utf_16 = |body: &[u8]| -> Vec<u8> {
        let text = std::str::from_utf8(body).unwrap();
        text.encode_utf16().flat_map(u16::to_le_bytes).collect()
    };
    let broken: [&[u8]; 8] = [
        b"\"caf\xe9\"",
        br#""\ud83d""#,
        b"\"\0\"",
        b"1e400",
        b"NaN",
        b"",
        b"\"\xc3\"",
        br#""\q""#,
    ];
    let mut bodies: Vec<_> = broken
        .iter()
        .enumerate()
        .map(|(at, value)| call(at, value))
        .collect();
    bodies.push([b"\xef\xbb\xbf", call(20, b"1").as_slice()].concat());
    bodies.push([b"\xff\xfe", utf_16(&call(21, b"1")).as_slice()].concat());
    bodies.push(utf_16(&call(22, b"1")));
    for body in &bodies {
        let answer = world.signed(ADDRESS, SHARED, body).await;
        let (status, document) = document(&world, id(&answer)).await;
        assert_eq!(
            status,
            Status::Received,
            "{}",
            String::from_utf8_lossy(body)
        );
        assert_eq!(
            document.source.said.person.name.as_deref(),
            Some("Ada Moss")
        );
        assert!(
            document.source.said.unread_fields.is_empty(),
            "nobody needs it"
        );
    }
    assert_eq!(world.requests().await, bodies.len());
    // What no key has signed is refused as before.
    let forged = [("signature", "AAAAAAAAAAAAAAAAAAAAAAAAAAA=")];
    let answer = world
        .send(ADDRESS, SHARED, &forged, bodies[0].clone())
        .await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn an_odd_field_is_kept_by_name_alone() {
    let world = World::start().await;
    let odd = json!({ "duration": "a while", "tags": 7, "id": "no id" });
    let call = deliver(&world, CALLRAIL, &odd).await;
    let (status, document) = document(&world, call).await;
    assert_eq!(status, Status::Received);
    let unread: Vec<_> = document.source.said.unread_fields.into_iter().collect();
    assert_eq!(unread, ["duration", "id", "tags"]);
}

#[tokio::test]
async fn a_stand_in_for_an_id_joins_no_calls() {
    let world = World::start().await;
    for stand_in in [
        json!(0),
        json!("null"),
        json!("-"),
        json!("none"),
        json!("000"),
        json!(7),
    ] {
        let text = stand_in.to_string().replace('"', "");
        let call = |number| json!({ "resource_id": format!("CAL{number}{text}x"), "id": stand_in });
        let first = deliver(&world, CALLRAIL, &call(1)).await;
        let second = deliver(&world, SHARED, &call(2)).await;
        assert_ne!(first, second, "{stand_in}");
    }
}

#[tokio::test]
async fn a_call_is_joined_by_the_id_it_had_first() {
    let world = World::start().await;
    let first = json!({ "resource_id": null, "id": 904_110_142 });
    let first = deliver(&world, CALLRAIL, &first).await;
    let (_, before) = document(&world, first).await;
    assert_eq!(before.facts().external_id.as_deref(), Some("904110142"));
    let both = json!({ "id": 904_110_142, "note": "later" });
    assert_eq!(deliver(&world, CALLRAIL, &both).await, first);
    // From here on either id alone leads to it.
    let numbered = json!({ "resource_id": "", "id": "904110142", "note": "last" });
    assert_eq!(deliver(&world, MODIFIED, &numbered).await, first);
    assert_eq!(deliver(&world, CALLRAIL, &json!({})).await, first);
    let (_, after) = document(&world, first).await;
    assert_eq!(after.facts().external_id.as_deref(), Some("CAL0142aa"));
    assert_eq!(world.requests().await, 1);
}

#[tokio::test]
async fn calls_that_began_at_one_moment_stay_apart() {
    let world = World::start().await;
    let ids = [
        json!({ "resource_id": null, "id": 904_110_143 }),
        json!({ "resource_id": null, "id": 904_110_144 }),
        json!({ "resource_id": "CAL0143aa" }),
        json!({ "resource_id": "CAL0143bb", "id": 904_110_145 }),
        json!({ "resource_id": null, "id": 904_110_146 }),
    ];
    for id in &ids {
        let mut call = json!({ "tracking_phone_number": "+15125550117" });
        let members = call.as_object_mut().unwrap();
        members.extend(id.as_object().unwrap().clone());
        deliver(&world, CALLRAIL, &call).await;
    }
    assert_eq!(world.requests().await, ids.len());
}

#[tokio::test]
async fn equal_bytes_at_two_urls_are_a_repeat() {
    let world = World::start().await;
    let urls = [SHARED, CALLRAIL, MODIFIED, "/v1/hooks/callrail-token"];
    for first in 0..urls.len() {
        let body = body(&json!({ "resource_id": format!("CAL0142{first}") }));
        // A URL that does not use it takes nothing away.
        let unused = "/v1/hooks/callrail-token/convert-assist";
        let answer = world.signed(ADDRESS, unused, body.as_bytes()).await;
        assert_eq!(answer.body["request_id"], Value::Null);
        let mut answers = Vec::new();
        for at in 0..urls.len() {
            let url = urls[(first + at) % urls.len()];
            answers.push(world.signed(ADDRESS, url, body.as_bytes()).await);
        }
        for (at, answer) in answers.iter().enumerate() {
            assert_eq!(id(answer), id(&answers[0]));
            assert_eq!(answer.body["duplicate"] == true, at > 0, "{answer:?}");
        }
    }
    assert_eq!(world.requests().await, urls.len());
}

#[tokio::test]
async fn a_text_or_a_form_at_a_calls_url_is_no_call() {
    let world = World::start().await;
    for other in [
        json!({ "id": "q7", "resource_id": "SCI0142", "source_number": "***0143", "content": "STOP" }),
        json!({ "id": 7, "form_data": { "full_name": "Ada Moss" }, "form_url": "https://remodel.example.com/" }),
    ] {
        let mut requests = BTreeSet::new();
        for url in [CALLRAIL, MODIFIED, "/v1/hooks/callrail-token"] {
            let answer = world
                .signed(ADDRESS, url, other.to_string().as_bytes())
                .await;
            assert_eq!(answer.status, StatusCode::OK);
            requests.insert(id(&answer));
        }
        assert_eq!(requests.len(), 1, "it is one, whichever URL it came to");
    }
    assert_eq!(world.requests().await, 2);
}

#[tokio::test]
async fn each_conversation_of_one_body_is_a_request_of_its_own() {
    let world = World::start().await;
    let key = "sunshine-shared-key-0001";
    let tenant = world.tenant_with("zendesk", key.to_owned().into()).await;
    let path = format!("/v1/hooks/{tenant}");
    let event = |number: u32, conversation: &str, name: &str| {
        json!({
            "id": format!("68b1c2d4e4f5a6b7c8d9e0{number:02}"), "type": "conversation:message",
            "payload": {
                "conversation": { "id": conversation, "type": "personal" },
                "message": {
                    "id": format!("67ab5f55155becd183e284{number:02}"), "received": "2026-03-17T15:02:05.200Z",
                    "author": { "type": "user", "user": { "profile": { "givenName": name } } },
                    "content": { "type": "text", "text": "Do you do showers?" },
                },
            },
        })
    };
    let body = |events: &[Value]| {
        let app = json!({ "id": "5d8cff3cd55b040010928b5b" });
        json!({ "app": app, "events": events }).to_string()
    };
    let (ada, bo) = ("67ab5f53a96f98663935c301", "67ab5f53a96f98663935c302");
    let events = [
        event(1, ada, "Ada"),
        event(2, bo, "Bo"),
        event(3, ada, "Ada"),
    ];
    let nameless = event(4, "", "Cy");
    let both = body(&events);
    let all = RequestQuery {
        limit: 200,
        ..RequestQuery::default()
    };
    let names = async || {
        let page = world.store.list_requests(&tenant, &all).await.unwrap();
        let requests = page.items.into_iter();
        let mut names: Vec<_> = requests
            .map(|request| (request.status, request.document.source.said.person.name))
            .collect();
        names.sort_by(|one, other| one.1.cmp(&other.1));
        names
    };
    let send = async |body: &str| {
        let headers = [("x-api-key", key), ("content-type", "application/json")];
        let answer = world.send(ADDRESS, &path, &headers, body.to_owned()).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        answer
    };
    let first = send(&both).await;
    let found = names().await;
    let expected = ["Ada", "Bo"].map(|name| Some(name.to_owned()));
    assert_eq!(
        found
            .iter()
            .map(|(_, name)| name.clone())
            .collect::<Vec<_>>(),
        expected
    );
    // A repeat makes nothing twice, and one of them alone is known.
    assert_eq!(id(&send(&both).await), id(&first));
    send(&body(&events[1..2])).await;
    assert_eq!(names().await.len(), 2);
    // What names no conversation is seen by a person, and hides nobody beside it.
    send(&body(&[nameless, events[0].clone()])).await;
    let found = names().await;
    assert_eq!(found.len(), 3, "{found:?}");
    assert_eq!(found[0].1, None);
    assert_eq!(found[0].0, Status::Parked);
}
