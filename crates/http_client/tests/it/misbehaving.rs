//! What a call reports when something goes wrong: may the other side have received it?

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use http_client::{Client, HttpError, Limits, Options, StatusCode};
use testkit::{RefusingPort, StoppedTime};
use tokio::{
    sync::Notify,
    time::{Instant, sleep},
};

use crate::{SHORT, client, scripted};

#[tokio::test]
async fn a_refused_connection_means_nothing_was_sent() {
    let nobody = RefusingPort::new();
    let url = format!("{}/v1?key=s3cret", nobody.url());
    let error = client().post(url).json(&1).send().await.unwrap_err();
    assert!(
        matches!(error, HttpError::NotSent { .. }) && error.is_not_sent(),
        "{error:?}"
    );
    assert!(
        !format!("{error} {error:?}").contains("s3cret"),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_secret_path_is_not_shown() {
    let nobody = RefusingPort::new();
    let origin = nobody.url();
    let error = client()
        .post(format!("{origin}/services/s3cret"))
        .secret_path()
        .json(&1)
        .send()
        .await
        .unwrap_err();
    let text = format!("{error} {error:?}");
    assert!(
        text.contains(&format!("{origin}/…")) && !text.contains("s3cret"),
        "{text}"
    );
}

#[tokio::test]
async fn a_name_that_does_not_resolve_means_nothing_was_sent() {
    let error = client()
        .post("https://nowhere.invalid/")
        .json(&1)
        .send()
        .await
        .unwrap_err();
    assert!(matches!(error, HttpError::NotSent { .. }), "{error:?}");
}

#[tokio::test]
async fn a_handshake_that_never_ends_means_nothing_was_sent() {
    let time = StoppedTime::begin();
    let address = scripted(|peer| peer.stay_silent()).await;
    let options = Options {
        allow_loopback: true,
        connect_timeout: SHORT,
        ..Options::default()
    };
    let client = Client::new(options).unwrap();
    let sending = client.get(format!("https://{address}/")).send();
    let error = time
        .pass_until("it is given up", sending)
        .await
        .unwrap_err();
    assert!(matches!(error, HttpError::NotSent { .. }), "{error:?}");
}

#[tokio::test]
async fn a_handshake_that_is_refused_means_nothing_was_sent() {
    let address = scripted(async |mut peer| {
        peer.send("HTTP/1.1 400 Bad Request\r\n\r\n").await;
    })
    .await;
    let error = client()
        .get(format!("https://{address}/"))
        .send()
        .await
        .unwrap_err();
    assert!(matches!(error, HttpError::NotSent { .. }), "{error:?}");
}

#[tokio::test]
async fn a_deadline_that_passes_before_a_connection_sends_nothing() {
    let time = StoppedTime::begin();
    let address = scripted(|peer| peer.stay_silent()).await;
    let client = client();
    let request = client.post(format!("https://{address}/")).json(&1);
    let sending = request.deadline(SHORT).send();
    let error = time
        .pass_until("it is given up", sending)
        .await
        .unwrap_err();
    assert!(matches!(error, HttpError::NotSent { .. }), "{error:?}");
}

#[tokio::test]
async fn a_deadline_after_the_request_went_out_is_unknown() {
    let time = StoppedTime::begin();
    let arrived = Arc::new(Notify::new());
    let has_arrived = arrived.clone();
    let address = scripted(move |mut peer| {
        let arrived = arrived.clone();
        async move {
            peer.read_until("[1]").await;
            arrived.notify_one();
            peer.stay_silent().await;
        }
    })
    .await;
    let client = client();
    let request = client.post(format!("http://{address}/")).json(&[1]);
    let sending = request.deadline(SHORT).send();
    let (error, ()) = tokio::join!(time.stand_until("it is given up", sending), async {
        has_arrived.notified().await;
        time.pass(SHORT * 2).await;
    });
    let error = error.unwrap_err();
    assert!(
        matches!(error, HttpError::Unknown { status: None, .. }) && !error.is_not_sent(),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_connection_that_ends_without_an_answer_is_unknown() {
    let address = scripted(async |mut peer| {
        peer.read_until("[1]").await;
    })
    .await;
    let error = client()
        .post(format!("http://{address}/"))
        .json(&[1])
        .send()
        .await
        .unwrap_err();
    assert!(
        matches!(error, HttpError::Unknown { status: None, .. }),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_reset_after_the_request_is_unknown() {
    let address = scripted(async |mut peer| {
        peer.read_until("[1]").await;
        peer.reset();
    })
    .await;
    let error = client()
        .post(format!("http://{address}/"))
        .json(&[1])
        .send()
        .await
        .unwrap_err();
    assert!(
        matches!(error, HttpError::Unknown { status: None, .. }),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_pooled_connection_that_dies_makes_the_outcome_unknown() {
    let requests = Arc::new(AtomicUsize::new(0));
    let seen = requests.clone();
    let address = scripted(move |mut peer| {
        let seen = seen.clone();
        async move {
            peer.read_until("[1]").await;
            seen.fetch_add(1, Ordering::SeqCst);
            peer.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
                .await;
            peer.read_until("[2]").await;
            seen.fetch_add(1, Ordering::SeqCst);
        }
    })
    .await;
    let (client, url) = (client(), format!("http://{address}/"));
    assert_eq!(
        client.post(&url).json(&[1]).send().await.unwrap().body,
        "ok"
    );
    let error = client.post(&url).json(&[2]).send().await.unwrap_err();
    assert!(
        matches!(error, HttpError::Unknown { status: None, .. }),
        "{error:?}"
    );
    assert_eq!(requests.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_body_that_is_cut_is_unknown_with_its_status() {
    for is_reset in [false, true] {
        let address = scripted(move |mut peer| async move {
            peer.read_until("\r\n\r\n").await;
            peer.send("HTTP/1.1 201 Created\r\ncontent-length: 100\r\n\r\nhalf")
                .await;
            if is_reset {
                peer.reset();
            }
        })
        .await;
        let error = client()
            .get(format!("http://{address}/"))
            .send()
            .await
            .unwrap_err();
        assert!(
            matches!(
                error,
                HttpError::Unknown {
                    status: Some(StatusCode::CREATED),
                    ..
                }
            ),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn a_body_that_comes_too_slowly_is_unknown_with_its_status() {
    let time = StoppedTime::begin();
    let address = scripted(async |mut peer| {
        peer.read_until("\r\n\r\n").await;
        peer.send("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf")
            .await;
        peer.stay_silent().await;
    })
    .await;
    let (client, url) = (client(), format!("http://{address}/"));
    // Its head arrives at once. A deadline of many steps leaves it the time that the machine takes for that.
    let sending = client.get(&url).deadline(SHORT * 10).send();
    let error = time
        .pass_until("it is given up", sending)
        .await
        .unwrap_err();
    assert!(
        matches!(
            error,
            HttpError::Unknown {
                status: Some(StatusCode::OK),
                ..
            }
        ),
        "{error:?}"
    );

    let limits = Limits {
        max_bytes: 1_000,
        idle: SHORT,
        total: SHORT * 100,
    };
    let mut answer = client.get(&url).send_streaming(limits).await.unwrap();
    assert_eq!(answer.chunk().await.unwrap().unwrap(), "half");
    let error = time.pass_until("it is given up", answer.chunk()).await;
    let error = error.unwrap_err();
    assert!(
        matches!(
            error,
            HttpError::Unknown {
                status: Some(StatusCode::OK),
                ..
            }
        ),
        "{error:?}"
    );
}

#[tokio::test]
async fn an_endless_trickle_ends_with_the_total_deadline() {
    let time = StoppedTime::begin();
    let address = scripted(async |mut peer| {
        peer.read_until("\r\n\r\n").await;
        peer.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
            .await;
        while peer.stream.try_write(b"1\r\nx\r\n").is_ok() {
            sleep(SHORT / 10).await;
        }
    })
    .await;
    let limits = Limits {
        max_bytes: u64::MAX,
        idle: SHORT * 2,
        total: SHORT * 3,
    };
    let begun = Instant::now();
    let (client, url) = (client(), format!("http://{address}/"));
    let mut answer = client.get(url).send_streaming(limits).await.unwrap();
    let reading = async {
        loop {
            match answer.chunk().await {
                Ok(piece) => assert!(piece.is_some()),
                Err(error) => return error,
            }
        }
    };
    let error = time.pass_until("it is given up", reading).await;
    assert!(begun.elapsed() >= limits.total, "{error:?}");
    assert!(
        matches!(
            error,
            HttpError::Unknown {
                status: Some(StatusCode::OK),
                ..
            }
        ),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_body_over_the_limit_is_not_read_whether_announced_or_not() {
    for head in [
        "content-length: 11\r\n\r\n",
        "transfer-encoding: chunked\r\n\r\nb\r\n",
        "connection: close\r\n\r\n",
    ] {
        let address = scripted(move |mut peer| async move {
            peer.read_until("\r\n\r\n").await;
            peer.send(&format!("HTTP/1.1 200 OK\r\n{head}hello world"))
                .await;
        })
        .await;
        let error = client()
            .get(format!("http://{address}/"))
            .max_body_bytes(10)
            .send()
            .await
            .unwrap_err();
        assert!(
            matches!(
                error,
                HttpError::TooLarge {
                    limit_bytes: 10,
                    ..
                }
            ),
            "{head:?} {error:?}"
        );
        assert_eq!(error.status(), Some(StatusCode::OK));
        assert!(!error.is_not_sent());
    }
}

#[tokio::test]
async fn this_machine_is_not_called_unless_allowed_not_even_by_name() {
    let calls = Arc::new(AtomicUsize::new(0));
    let seen = calls.clone();
    let address = scripted(move |_| {
        seen.fetch_add(1, Ordering::SeqCst);
        async {}
    })
    .await;
    let client = Client::new(Options::default()).unwrap();
    for host in ["localhost", "127.0.0.1", "[::1]", "0x7f.1"] {
        let error = client
            .get(format!("https://{host}:{}/", address.port()))
            .send()
            .await
            .unwrap_err();
        assert!(
            matches!(error, HttpError::Blocked { .. }) && error.is_not_sent(),
            "{host}: {error:?}"
        );
    }
    let error = client
        .get(format!("http://localhost:{}/", address.port()))
        .send()
        .await
        .unwrap_err();
    assert!(matches!(error, HttpError::BadUrl(_)), "{error:?}");
    assert_eq!(calls.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn what_cannot_be_built_is_not_sent() {
    let client = client();
    let error = client.get("no url").send().await.unwrap_err();
    assert!(matches!(error, HttpError::BadUrl(_)), "{error:?}");
    let error = client
        .get("http://localhost/")
        .header("x", "a\nb")
        .send()
        .await
        .unwrap_err();
    assert!(matches!(error, HttpError::BadRequest(_)), "{error:?}");
    let error = client
        .get("http://localhost/")
        .bearer(&"s3cret\n".into())
        .send()
        .await
        .unwrap_err();
    assert!(
        matches!(error, HttpError::BadRequest(_)) && !format!("{error:?}").contains("s3cret"),
        "{error:?}"
    );
    let error = client
        .get("http://localhost/")
        .header("a b", "c")
        .send()
        .await
        .unwrap_err();
    assert!(matches!(error, HttpError::BadRequest(_)), "{error:?}");
}
