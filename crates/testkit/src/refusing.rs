//! An address where nobody listens.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::net::TcpSocket;

/// A port that refuses every connection for as long as this lives. It is bound without listening: a port that was
/// merely let go is soon another test's server.
#[derive(Debug)]
pub struct RefusingPort(TcpSocket);

impl RefusingPort {
    /// # Panics
    /// If no port is free.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "takes a port")]
    pub fn new() -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket
            .bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
            .expect("a free port");
        Self(socket)
    }

    /// `http://127.0.0.1:PORT`.
    ///
    /// # Panics
    /// If the socket has no address.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.0.local_addr().expect("an address"))
    }
}
