//! The clients against simulated providers, over real HTTP.
#![expect(clippy::unwrap_used, reason = "tests")]

mod document_ai;
mod gemini;
mod maps;
mod secret_manager;
mod speech;

use google::Tokens;
use http_client::{Client, Options};
use simulators::{Config, Simulators};

/// A client that reaches the simulators.
fn http() -> Client {
    Client::new(Options {
        allow_loopback: true,
        ..Options::default()
    })
    .unwrap()
}

/// The token that the simulators know.
fn good_token() -> Tokens {
    Tokens::fixed(simulators::GOOGLE_TOKEN.to_owned().into())
}

fn bad_token() -> Tokens {
    Tokens::fixed("revoked".to_owned().into())
}

async fn start() -> Simulators {
    Simulators::start(Config::default()).await.unwrap()
}
