//! A server on this machine that answers everything with one input, for the clients that ask it.

use std::{
    future::Future,
    net::Ipv4Addr,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use http_client::{Client, Options, Url};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    runtime::{Builder, Runtime},
};

/// What is answered to whatever is asked.
type Answer = Arc<Mutex<Bytes>>;

/// The server, and a client that may ask it.
pub(crate) struct Server {
    runtime: Runtime,
    answer: Answer,
    pub(crate) url: Url,
    pub(crate) client: Client,
}

impl Server {
    /// # Panics
    /// If no server can be had on this machine.
    pub(crate) fn begin() -> Self {
        let begun = || -> std::io::Result<Self> {
            let runtime = Builder::new_current_thread().enable_all().build()?;
            let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))?;
            let address = format!("http://{}", listener.local_addr()?);
            let url = address.parse().map_err(std::io::Error::other)?;
            let answer = Answer::default();
            runtime.spawn(serve(listener, answer.clone()));
            let options = Options {
                allow_loopback: true,
                ..Options::default()
            };
            let client = Client::new(options).map_err(std::io::Error::other)?;
            Ok(Self {
                runtime,
                answer,
                url,
                client,
            })
        };
        match begun() {
            Ok(server) => server,
            Err(error) => panic!("no server can be had on this machine: {error}"),
        }
    }

    /// Lets `asking` ask, and answers it with `data`.
    pub(crate) fn asked(&self, data: &[u8], asking: impl Future<Output = ()>) {
        *self.answer.lock().unwrap_or_else(PoisonError::into_inner) = Bytes::copy_from_slice(data);
        self.runtime.block_on(asking);
    }
}

async fn serve(listener: TcpListener, answer: Answer) {
    while let Ok((stream, _)) = listener.accept().await {
        let body = answer
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        // Whoever hangs up has heard enough.
        tokio::spawn(async move { tell(stream, &body).await.ok() });
    }
}

/// Hears one request to its end, and answers it.
async fn tell(mut stream: TcpStream, answer: &[u8]) -> std::io::Result<()> {
    let mut heard = Vec::new();
    loop {
        let ended = heard.windows(4).position(|end| end == b"\r\n\r\n");
        if let Some(end) = ended {
            let head = String::from_utf8_lossy(&heard[..end]).to_ascii_lowercase();
            let mut lengths = head
                .lines()
                .filter_map(|line| line.strip_prefix("content-length:"));
            let length: usize = lengths.next().map_or(0, |n| n.trim().parse().unwrap_or(0));
            if heard.len() >= end + 4 + length {
                break;
            }
        }
        if stream.read_buf(&mut heard).await? == 0 {
            return Ok(());
        }
    }
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        answer.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(answer).await?;
    stream.shutdown().await
}
