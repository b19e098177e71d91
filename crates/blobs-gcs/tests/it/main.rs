//! Blobs in a simulated Cloud Storage, over real HTTP.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use blobs::{BlobError, BlobKey, Blobs as _, ByteStream, content};
use blobs_gcs::{GcsBlobs, GcsConfig, GcsError, PIECE_BYTES};
use bytes::Bytes;
use domain::TenantId;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use google::Tokens;
use http_client::{Client, Options};
use sha2::{Digest as _, Sha256};
use simulators::{Config, Fault, Simulators};

blobs::contract_suite!(open);

const BUCKET: &str = "calls";

async fn open() -> (GcsBlobs, Simulators) {
    let mut config = Config::default();
    config.of::<simulators::storage::Config>().buckets = vec![BUCKET.to_owned()];
    config.of::<simulators::storage::Config>().tokens = vec![simulators::GOOGLE_TOKEN.to_owned()];
    let simulators = Simulators::start(config).await.unwrap();
    (
        client(&simulators, BUCKET, simulators::GOOGLE_TOKEN).await,
        simulators,
    )
}

async fn client(simulators: &Simulators, bucket: &str, token: &str) -> GcsBlobs {
    let http = Client::new(Options {
        allow_loopback: true,
        ..Options::default()
    });
    let config = GcsConfig {
        base_url: simulators.storage().base_url().parse().unwrap(),
        bucket: bucket.to_owned(),
    };
    let tokens = Tokens::fixed(token.to_owned().into());
    GcsBlobs::open(http.unwrap(), tokens, config).await.unwrap()
}

fn key() -> BlobKey {
    BlobKey::new(&TenantId::new("tenant_demo").unwrap(), "CAL1.mp3").unwrap()
}

fn other() -> BlobKey {
    BlobKey::new(&TenantId::new("tenant_demo").unwrap(), "CAL2.mp3").unwrap()
}

/// Content of so many pieces as go up at a time.
fn pieces(count: usize) -> ByteStream {
    let piece = Bytes::from((0..=250).cycle().take(PIECE_BYTES).collect::<Vec<u8>>());
    stream::iter(std::iter::repeat_n(piece, count))
        .map(Ok)
        .boxed()
}

fn cause(error: BlobError) -> GcsError {
    match error {
        BlobError::Store(cause) => *cause.downcast().unwrap(),
        other => panic!("{other:?}"),
    }
}

async fn is_missing(blobs: &GcsBlobs) -> bool {
    matches!(blobs.get(&key()).await, Err(BlobError::NotFound))
}

/// How many requests had this method and path.
fn count(simulators: &Simulators, method: &str, path: &str) -> usize {
    let requests = simulators.storage().requests();
    requests
        .iter()
        .filter(|request| request.method == method && request.path.starts_with(path))
        .count()
}

#[tokio::test]
async fn a_blob_is_an_object_with_its_type_in_the_bucket() {
    let (blobs, simulators) = open().await;
    blobs.put(&key(), content("hello")).await.unwrap();
    let objects = simulators.storage().objects();
    let [object] = objects.as_slice() else {
        panic!("{objects:?}")
    };
    assert_eq!(
        (
            object.bucket.as_str(),
            object.name.as_str(),
            object.size_bytes
        ),
        (BUCKET, "tenant_demo/CAL1.mp3", 5)
    );
    assert_eq!(object.content_type.as_deref(), Some("audio/mpeg"));
    assert_eq!(blobs.uri(&key()), "gs://calls/tenant_demo/CAL1.mp3");
}

#[tokio::test]
async fn an_upload_that_ends_after_its_first_piece_stores_nothing() {
    let (blobs, simulators) = open().await;
    let cut = pieces(3).chain(stream::iter([Err("the line went dead".into())]));
    let error = blobs.put(&key(), cut.boxed()).await.unwrap_err();
    assert!(
        matches!(&error, BlobError::Source(cause) if cause.to_string() == "the line went dead"),
        "{error:?}"
    );
    assert_eq!(
        simulators.storage().open_uploads(),
        1,
        "a piece had gone up"
    );
    assert!(is_missing(&blobs).await);
}

#[tokio::test]
async fn a_short_upload_whose_answer_is_lost_is_sent_again() {
    let (blobs, simulators) = open().await;
    simulators
        .storage()
        .answer_next_to("POST /upload", Fault::ResetAfterWrite, 1);
    blobs.put(&key(), content("hello")).await.unwrap();
    assert_eq!(count(&simulators, "POST", "/upload"), 2);
    assert_eq!(blobs.read(&key(), 100).await.unwrap(), "hello");
}

/// Google's client would leave the piece out.
#[tokio::test]
async fn a_long_upload_whose_connection_breaks_can_be_repeated() {
    let (blobs, simulators) = open().await;
    blobs.put(&key(), content("old")).await.unwrap();
    simulators
        .storage()
        .answer_next_to("PUT /upload", Fault::ResetAfterWrite, 1);
    let error = cause(blobs.put(&key(), pieces(3)).await.unwrap_err());
    assert!(matches!(error, GcsError::Broken { .. }), "{error:?}");
    assert_eq!(blobs.read(&key(), 100).await.unwrap(), "old");

    let stored = blobs.put(&key(), pieces(3)).await.unwrap();
    assert_eq!(stored.size_bytes, 3 * PIECE_BYTES as u64);
    let read = blobs.read(&key(), u64::MAX).await.unwrap();
    let expected: Vec<_> = pieces(3).try_collect().await.unwrap();
    assert!(read == expected.concat());
}

#[tokio::test]
async fn the_hash_is_that_of_what_is_stored_when_pieces_go_up_twice() {
    let (blobs, simulators) = open().await;
    simulators
        .storage()
        .answer_next_to("PUT /upload", Fault::Status(503), 2);
    let resumed = blobs.put(&key(), pieces(2)).await.unwrap();
    let expected: Vec<_> = pieces(2).try_collect().await.unwrap();
    assert_eq!(
        resumed.sha256,
        hex::encode(Sha256::digest(expected.concat()))
    );
    assert!(blobs.read(&key(), u64::MAX).await.unwrap() == expected.concat());
}

#[tokio::test]
async fn an_upload_that_was_altered_on_its_way_is_refused() {
    let (blobs, simulators) = open().await;
    let storage = simulators.storage();
    storage.answer_next_to("/upload", Fault::Altered, 2);
    for content in [content("hello"), pieces(2)] {
        let error = cause(blobs.put(&key(), content).await.unwrap_err());
        assert!(matches!(error, GcsError::Rejected { .. }), "{error:?}");
        assert!(error.to_string().contains("CRC32C"), "{error}");
        assert!(is_missing(&blobs).await);
    }
}

/// A resumed upload is sent without its checksum: then the object is there when the difference is noticed.
#[tokio::test]
async fn a_resumed_upload_that_was_altered_is_removed_again() {
    let (blobs, simulators) = open().await;
    let storage = simulators.storage();
    storage.answer_next_to("PUT /upload", Fault::Status(503), 1);
    storage.answer_next_to("PUT /upload", Fault::Altered, 1);
    let error = cause(blobs.put(&key(), pieces(2)).await.unwrap_err());
    assert!(matches!(error, GcsError::Damaged), "{error:?}");
    assert!(is_missing(&blobs).await);
    assert_eq!(count(&simulators, "DELETE", "/storage"), 1);
}

#[tokio::test]
async fn a_blob_that_is_altered_on_its_way_back_is_refused() {
    let (blobs, simulators) = open().await;
    blobs.put(&key(), content("hello")).await.unwrap();
    simulators.storage().answer_next(Fault::Altered);
    let error = cause(blobs.read(&key(), 100).await.unwrap_err());
    assert!(matches!(error, GcsError::Damaged), "{error:?}");
    assert_eq!(blobs.read(&key(), 100).await.unwrap(), "hello");
}

#[tokio::test]
async fn a_download_that_breaks_off_goes_on_where_it_was() {
    let (blobs, simulators) = open().await;
    blobs.put(&key(), pieces(1)).await.unwrap();
    simulators
        .storage()
        .answer_next_to("GET /storage", Fault::ResetAfterWrite, 1);
    let read = blobs.read(&key(), u64::MAX).await;
    let expected: Vec<_> = pieces(1).try_collect().await.unwrap();
    // Half of the first answer may or may not have arrived; the content is whole either way.
    assert!(read.unwrap() == expected.concat());
    assert_eq!(count(&simulators, "GET", "/storage"), 2);
}

#[tokio::test]
async fn what_passes_by_itself_is_tried_again() {
    let (blobs, simulators) = open().await;
    let storage = simulators.storage();
    for fault in [Fault::Status(503), Fault::RateLimit, Fault::Status(500)] {
        storage.answer_next_to("POST /upload", fault.clone(), 1);
        blobs.put(&key(), content("hello")).await.unwrap();
        storage.answer_next_to("POST /upload", fault.clone(), 1);
        storage.answer_next_to("PUT /upload", fault.clone(), 1);
        blobs.put(&other(), pieces(2)).await.unwrap();
        storage.answer_next_to("GET /storage", fault, 1);
        assert_eq!(blobs.read(&key(), 100).await.unwrap(), "hello");
    }
}

#[tokio::test]
async fn an_outage_ends_with_an_error_that_can_be_repeated() {
    let (blobs, simulators) = open().await;
    let storage = simulators.storage();
    storage.always(Fault::Status(503));
    let is_outage =
        |error| matches!(cause(error), GcsError::Unavailable { status } if status.as_u16() == 503);
    let key = key();
    let (put, get) = tokio::join!(blobs.put(&key, content("hello")), blobs.get(&key));
    assert!(is_outage(put.unwrap_err()) && is_outage(get.err().unwrap()));
    assert!(is_outage(blobs.delete(&key).await.unwrap_err()));
    storage.clear_faults();
    blobs.put(&key, content("hello")).await.unwrap();
}

#[tokio::test]
async fn insufficient_credentials_are_an_error_with_the_missing_role() {
    let (_, simulators) = open().await;
    let blobs = client(&simulators, BUCKET, "revoked").await;
    for error in [
        blobs.put(&key(), content("hello")).await.unwrap_err(),
        blobs.get(&key()).await.err().unwrap(),
        blobs.delete(&key()).await.unwrap_err(),
    ] {
        let error = cause(error);
        let text = error.to_string();
        assert!(matches!(error, GcsError::Unauthorized { .. }), "{error:?}");
        assert!(
            text.contains("roles/storage.objectUser") && text.contains("`calls`"),
            "{text}"
        );
        assert!(!format!("{error:?}").contains("revoked"), "{error:?}");
    }
    assert!(matches!(
        blobs.check().await,
        Err(GcsError::Unauthorized { .. })
    ));
}

#[tokio::test]
async fn a_bucket_that_is_not_there_is_named() {
    let (blobs, simulators) = open().await;
    blobs.check().await.unwrap();
    let elsewhere = client(&simulators, "nowhere", simulators::GOOGLE_TOKEN).await;
    let error = cause(elsewhere.put(&key(), content("hello")).await.unwrap_err());
    assert!(error.to_string().contains("no bucket `nowhere`"), "{error}");
    let error = elsewhere.check().await.unwrap_err();
    assert!(error.to_string().contains("no bucket `nowhere`"), "{error}");
}

#[tokio::test]
async fn an_upload_takes_content_no_faster_than_it_goes_up() {
    let (blobs, simulators) = open().await;
    let storage = simulators.storage();
    storage.always_to("PUT /upload", Fault::Slow(Duration::from_secs(600)));
    let taken = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&taken);
    let small = Bytes::from(vec![0; PIECE_BYTES / 8]);
    let endless = stream::repeat_with(move || {
        counter.fetch_add(1, Ordering::Relaxed);
        Ok(small.clone())
    });
    let key = key();
    let put = blobs.put(&key, endless.boxed());
    let begun = async {
        while count(&simulators, "POST", "/upload") == 0 || taken.load(Ordering::Relaxed) < 8 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        // It could take more now, if it wanted to.
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        ended = put => panic!("{ended:?}"),
        () = begun => {}
    }
    let taken = taken.load(Ordering::Relaxed);
    assert!((8..=10).contains(&taken), "{taken} pieces");
}
