//! What Google answers about a stranger's file, and about the address that a stranger typed.
//!
//! Each client asks a server on this machine that answers everything with the input.

use std::{
    net::Ipv4Addr,
    sync::{LazyLock, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use domain::{AddressMap as _, DocumentReader, MapAddress, MapAnswer};
use google::{DocumentAi, DocumentAiConfig, Maps, MapsConfig, Tokens};
use http_client::{Client, Options, Url};
use secrecy::SecretString;
use tokio::{
    net::TcpListener,
    runtime::{Builder, Runtime},
};

use crate::{
    provider_answer::{Answer, serve},
    text::assert_line,
};

const PROCESSOR: &str = "projects/p/locations/us/processors/1";

struct World {
    runtime: Runtime,
    answer: Answer,
    documents: DocumentAi,
    maps: Maps,
}

/// One at a time, as there is one answer.
static WORLD: LazyLock<Mutex<World>> = LazyLock::new(|| Mutex::new(World::begin()));

/// Answers with `data`.
pub fn check(data: &[u8]) {
    let world = WORLD.lock().unwrap_or_else(PoisonError::into_inner);
    *world.answer.lock().unwrap_or_else(PoisonError::into_inner) = Bytes::copy_from_slice(data);
    world.runtime.block_on(async {
        for reader in [DocumentReader::FormParser, DocumentReader::Extractor] {
            is_bounded(&world.documents, reader).await;
        }
        is_on_the_globe(&world.maps).await;
    });
}

impl World {
    fn begin() -> Self {
        let begun = || -> std::io::Result<Self> {
            let runtime = Builder::new_current_thread().enable_all().build()?;
            let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))?;
            let address = format!("http://{}", listener.local_addr()?);
            let url: Url = address.parse().map_err(std::io::Error::other)?;
            let answer = Answer::default();
            runtime.spawn(serve(listener, answer.clone()));
            let options = Options {
                allow_loopback: true,
                ..Options::default()
            };
            let client = Client::new(options).map_err(std::io::Error::other)?;
            let config = DocumentAiConfig {
                base_url: url.clone(),
                form_parser: PROCESSOR.parse().ok(),
                extractor: PROCESSOR.parse().ok(),
            };
            let tokens = Tokens::fixed(SecretString::from("token"));
            let maps = MapsConfig {
                key: SecretString::from("key"),
                geocoding_url: url.clone(),
                validation_url: Some(url),
                timeout: Duration::from_secs(3),
            };
            Ok(Self {
                documents: DocumentAi::new(client.clone(), tokens, config),
                maps: Maps::new(client, maps),
                runtime,
                answer,
            })
        };
        match begun() {
            Ok(world) => world,
            Err(error) => panic!("no server can be had on this machine: {error}"),
        }
    }
}

/// Whatever stands in a file, what is kept of it has its bounds.
async fn is_bounded(documents: &DocumentAi, reader: DocumentReader) {
    let process = documents.process(reader, "application/pdf", b"%PDF-1.7");
    let Ok(read) = process.await else { return };
    assert!(read.values.len() <= 100, "{}", read.values.len());
    for value in &read.values {
        assert_line(&value.name, 100);
        assert!(!value.value.is_empty(), "a field of nothing");
        assert!(value.value.chars().count() <= 2_000);
        assert!(value.percent_sure <= 100);
    }
}

async fn is_on_the_globe(maps: &Maps) {
    let Some(address) = MapAddress::new("12 Elm St, Round Rock, TX", None, None) else {
        panic!("it is an address")
    };
    let Ok(MapAnswer::Found { at }) = maps.locate(&address).await else {
        return;
    };
    assert!((-90.0..=90.0).contains(&at.latitude), "{at:?}");
    assert!((-180.0..=180.0).contains(&at.longitude), "{at:?}");
}
