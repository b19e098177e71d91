//! The client against servers that behave, and servers that do not.
#![expect(clippy::unwrap_used, reason = "tests")]

mod misbehaving;
mod tenants;
mod well_behaved;

use std::{net::SocketAddr, time::Duration};

use http_client::{Client, Options};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

/// A client that may call this machine.
fn client() -> Client {
    Client::new(Options {
        allow_loopback: true,
        ..Options::default()
    })
    .unwrap()
}

/// A limit that passes in a test. A test in which one passes has [`testkit::StoppedTime`], so that none passes early.
const SHORT: Duration = Duration::from_millis(100);

/// A server that lets `script` handle each connection by hand.
async fn scripted<F>(script: impl Fn(Peer) -> F + Send + 'static) -> SocketAddr
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(script(Peer { stream }));
        }
    });
    address
}

/// One connection, as a server sees it.
struct Peer {
    stream: TcpStream,
}

impl Peer {
    /// Reads one request whose body ends with `end`, and gives all of it.
    async fn read_until(&mut self, end: &str) -> String {
        let mut text = String::new();
        let mut buffer = [0; 1024];
        while !text.ends_with(end) {
            let read = self.stream.read(&mut buffer).await.unwrap();
            assert!(read > 0, "the client left after {text:?}");
            text.push_str(std::str::from_utf8(&buffer[..read]).unwrap());
        }
        text
    }

    async fn send(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).await.unwrap();
    }

    /// Ends the connection with a reset instead of an orderly end.
    fn reset(self) {
        self.stream.set_zero_linger().unwrap();
    }

    /// Keeps the connection open and says nothing until the client leaves.
    async fn stay_silent(mut self) {
        let mut buffer = [0; 1024];
        while self
            .stream
            .read(&mut buffer)
            .await
            .is_ok_and(|read| read > 0)
        {}
    }
}
