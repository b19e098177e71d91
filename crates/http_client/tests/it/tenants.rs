//! What a tenant enters leads to public addresses alone.

use std::{
    io,
    net::IpAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use http_client::{Client, HttpError, Names, Options};

use crate::scripted;

/// A name server that gives another answer each time, the last one for ever.
#[derive(Debug)]
struct Changing(Mutex<Vec<Vec<IpAddr>>>);

impl Changing {
    fn new(answers: &[&[&str]]) -> Arc<Self> {
        let parse = |answer: &&[&str]| answer.iter().map(|ip| ip.parse().unwrap()).collect();
        Arc::new(Self(Mutex::new(answers.iter().rev().map(parse).collect())))
    }
}

#[async_trait]
impl Names for Changing {
    async fn addresses(&self, _: &str) -> io::Result<Vec<IpAddr>> {
        let mut answers = self.0.lock().unwrap();
        let last = answers.last().cloned().unwrap_or_default();
        if answers.len() > 1 {
            answers.pop();
        }
        Ok(last)
    }
}

fn client(names: Arc<dyn Names>, tenants_allow_loopback: bool) -> Client {
    Client::new(Options {
        // What our own calls may do says nothing of a tenant's.
        allow_loopback: true,
        allow_private: true,
        tenants_allow_loopback,
        names: Some(names),
        ..Options::default()
    })
    .unwrap()
}

#[tokio::test]
async fn a_name_that_leads_inside_is_refused_when_it_is_entered() {
    for address in [
        "127.0.0.1",
        "10.0.0.7",
        "169.254.169.254",
        "::1",
        "::ffff:169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "fd00:ec2::254",
    ] {
        // One bad address among good ones is enough.
        let names = Changing::new(&[&["93.184.215.14", address]]);
        let answer = client(names, false)
            .check_tenants_url("https://crm.example.com/leads")
            .await;
        assert!(
            matches!(&answer, Err(HttpError::Blocked { host }) if host == "crm.example.com"),
            "{address}: {answer:?}"
        );
    }
    let client = client(Changing::new(&[&[]]), false);
    let answer = client.check_tenants_url("https://crm.example.com/").await;
    assert!(matches!(answer, Err(HttpError::BadUrl(_))), "{answer:?}");
}

#[tokio::test]
async fn a_name_that_changes_after_it_was_entered_reaches_nobody_inside() {
    let calls = Arc::new(AtomicUsize::new(0));
    let seen = calls.clone();
    let address = scripted(move |_| {
        seen.fetch_add(1, Ordering::SeqCst);
        async {}
    })
    .await;
    for inside in ["127.0.0.1", "169.254.169.254", "::1", "10.0.0.7"] {
        let client = client(Changing::new(&[&["93.184.215.14"], &[inside]]), false);
        let url = "https://rebinding.example.com/leads";
        client.check_tenants_url(url).await.unwrap();
        let error = client.post(url).to_a_tenants_url().json(&1).send().await;
        let error = error.unwrap_err();
        assert!(
            matches!(error, HttpError::Blocked { .. }) && error.is_not_sent(),
            "{inside}: {error:?}"
        );
    }
    let here = format!("http://127.0.0.1:{}/", address.port());
    let client = client(Changing::new(&[&[]]), false);
    let error = client.post(&here).to_a_tenants_url().json(&1).send().await;
    assert!(matches!(error, Err(HttpError::Blocked { .. })), "{error:?}");
    assert!(client.check_tenants_url(&here).await.is_err());
    assert_eq!(calls.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_redirect_to_the_inside_is_an_answer_and_no_call() {
    let inside = Arc::new(AtomicUsize::new(0));
    let seen = inside.clone();
    let secret = scripted(move |_| {
        seen.fetch_add(1, Ordering::SeqCst);
        async {}
    })
    .await;
    let redirecting = scripted(move |mut peer| async move {
        peer.read_until("1").await;
        let to = format!("http://{secret}/latest/meta-data");
        peer.send(&format!(
            "HTTP/1.1 307 Temporary Redirect\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n"
        ))
        .await;
    })
    .await;
    let client = client(Changing::new(&[&[]]), true);
    let url = format!("http://{redirecting}/leads");
    client.check_tenants_url(&url).await.unwrap();
    let answer = client.post(&url).to_a_tenants_url().json(&1).send().await;
    assert_eq!(answer.unwrap().status.as_u16(), 307);
    assert_eq!(inside.load(Ordering::SeqCst), 0);
}
