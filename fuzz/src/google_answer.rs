//! What Google answers about a stranger's file, and about the address that a stranger typed.
//!
//! Each client asks a server on this machine that answers everything with the input.

use std::{
    sync::{LazyLock, Mutex, PoisonError},
    time::Duration,
};

use domain::{AddressMap as _, DocumentReader, MapAddress, MapAnswer};
use google::{DocumentAi, DocumentAiConfig, Maps, MapsConfig, Tokens};
use secrecy::SecretString;

use crate::{answering::Server, text::assert_line};

const PROCESSOR: &str = "projects/p/locations/us/processors/1";

struct World {
    server: Server,
    documents: DocumentAi,
    maps: Maps,
}

/// One at a time, as there is one answer.
static WORLD: LazyLock<Mutex<World>> = LazyLock::new(|| Mutex::new(World::begin()));

/// Answers with `data`.
pub fn check(data: &[u8]) {
    let world = WORLD.lock().unwrap_or_else(PoisonError::into_inner);
    world.server.asked(data, async {
        for reader in [DocumentReader::FormParser, DocumentReader::Extractor] {
            is_bounded(&world.documents, reader).await;
        }
        is_on_the_globe(&world.maps).await;
    });
}

impl World {
    fn begin() -> Self {
        let server = Server::begin();
        let config = DocumentAiConfig {
            base_url: server.url.clone(),
            form_parser: PROCESSOR.parse().ok(),
            extractor: PROCESSOR.parse().ok(),
        };
        let tokens = Tokens::fixed(SecretString::from("token"));
        let maps = MapsConfig {
            key: SecretString::from("key"),
            geocoding_url: server.url.clone(),
            validation_url: Some(server.url.clone()),
            timeout: Duration::from_secs(3),
        };
        Self {
            documents: DocumentAi::new(server.client.clone(), tokens, config),
            maps: Maps::new(server.client.clone(), maps),
            server,
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
