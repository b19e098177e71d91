//! What every [`Blobs`] must do, as tests. [`contract_suite!`](crate::contract_suite) runs them against an adapter.
#![expect(clippy::unwrap_used, reason = "tests")]
#![expect(missing_docs, reason = "the names of tests are their descriptions")]

use bytes::Bytes;
use domain::TenantId;
use futures::{FutureExt as _, StreamExt as _, TryStreamExt as _, stream};

use crate::{BlobError, BlobKey, Blobs, ByteStream, content};

/// Expands to a module of `#[tokio::test]`s. `$make` is the path of an async function without parameters that returns
/// an empty store and whatever must outlive it: `async fn make() -> (impl Blobs, impl Sized)`.
#[macro_export]
macro_rules! contract_suite {
    ($make:path) => {
        $crate::contract_suite!(@tests $make;
            what_was_put_is_read_back,
            the_hash_and_the_size_are_those_of_the_content,
            an_empty_blob_is_a_blob,
            a_large_blob_is_streamed_both_ways,
            a_part_of_a_blob_is_read_alone,
            a_blob_that_is_not_there_is_not_found,
            putting_again_replaces_the_content,
            two_writers_of_one_key_leave_the_content_of_one,
            content_that_ends_early_leaves_nothing,
            content_that_ends_early_changes_nothing,
            a_put_that_is_dropped_leaves_nothing,
            a_blob_larger_than_asked_for_is_not_read,
            deleting_can_be_repeated,
            tenants_do_not_see_each_others_blobs,
            uris_name_bucket_tenant_and_name,
        );
    };
    (@tests $make:path; $($name:ident),+ $(,)?) => {
        mod blobs_contract {
            use super::*;
            $(
                #[tokio::test]
                async fn $name() {
                    let (blobs, _guard) = $make().await;
                    $crate::contract::$name(&blobs).await;
                }
            )+
        }
    };
}

fn key(name: &str) -> BlobKey {
    BlobKey::new(&TenantId::new("tenant_a").unwrap(), name).unwrap()
}

fn breaking_off() -> ByteStream {
    stream::iter([
        Ok(Bytes::from_static(b"half")),
        Err("the line went dead".into()),
    ])
    .boxed()
}

async fn is_missing(blobs: &impl Blobs, key: &BlobKey) -> bool {
    matches!(blobs.get(key).await, Err(BlobError::NotFound))
}

pub async fn what_was_put_is_read_back(blobs: &impl Blobs) {
    let pieces = ["he", "", "llo"].map(|piece| Ok(Bytes::from_static(piece.as_bytes())));
    blobs
        .put(&key("a.txt"), stream::iter(pieces).boxed())
        .await
        .unwrap();
    assert_eq!(blobs.read(&key("a.txt"), 5).await.unwrap(), "hello");
    assert_eq!(blobs.get(&key("a.txt")).await.unwrap().size_bytes, 5);
}

pub async fn the_hash_and_the_size_are_those_of_the_content(blobs: &impl Blobs) {
    let stored = blobs.put(&key("a.txt"), content("abc")).await.unwrap();
    // Source: FIPS 180-4, the example of one block.
    assert_eq!(
        stored.sha256,
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    );
    assert_eq!(stored.size_bytes, 3);
}

pub async fn an_empty_blob_is_a_blob(blobs: &impl Blobs) {
    assert_eq!(
        blobs
            .put(&key("a.txt"), stream::empty().boxed())
            .await
            .unwrap()
            .size_bytes,
        0
    );
    assert_eq!(blobs.read(&key("a.txt"), 0).await.unwrap(), "");
}

pub async fn a_large_blob_is_streamed_both_ways(blobs: &impl Blobs) {
    let piece = Bytes::from((0..=255).cycle().take(256 * 1024).collect::<Vec<u8>>());
    let pieces = 20;
    let source = stream::iter(std::iter::repeat_n(piece.clone(), pieces))
        .map(Ok)
        .boxed();
    let stored = blobs.put(&key("a.mp3"), source).await.unwrap();
    assert_eq!(stored.size_bytes, (piece.len() * pieces) as u64);

    let opened = blobs.get(&key("a.mp3")).await.unwrap();
    let mut at = 0;
    let mut read = opened.content;
    while let Some(part) = read.try_next().await.unwrap() {
        assert!(
            part.len() <= 4 * 1024 * 1024,
            "a piece of {} bytes",
            part.len()
        );
        for (offset, byte) in part.iter().enumerate() {
            assert_eq!(
                usize::from(*byte),
                (at + offset) % 256,
                "at {}",
                at + offset
            );
        }
        at += part.len();
    }
    assert_eq!(at as u64, stored.size_bytes);
}

pub async fn a_part_of_a_blob_is_read_alone(blobs: &impl Blobs) {
    let piece = Bytes::from((0..=255).cycle().take(300 * 1024).collect::<Vec<u8>>());
    let key = key("a.mp3");
    blobs.put(&key, content(piece.clone())).await.unwrap();
    for (start, length, end) in [
        (0, 1, 1),
        (0, 307_200, 307_200),
        (70_001, 200_000, 270_001),
        (307_199, 1, 307_200),
        (307_000, 100_000, 307_200),
    ] {
        let part = blobs.get_part(&key, start, length).await.unwrap();
        let part: Vec<Bytes> = part.try_collect().await.unwrap();
        let first = usize::try_from(start).unwrap();
        assert_eq!(part.concat(), piece[first..end], "{length} from {start}");
    }
    let none = blobs.get_part(&self::key("b.mp3"), 0, 1).await;
    assert!(matches!(none, Err(BlobError::NotFound)));
}

pub async fn a_blob_that_is_not_there_is_not_found(blobs: &impl Blobs) {
    assert!(is_missing(blobs, &key("a.txt")).await);
    assert!(matches!(
        blobs.read(&key("a.txt"), 1).await,
        Err(BlobError::NotFound)
    ));
}

pub async fn putting_again_replaces_the_content(blobs: &impl Blobs) {
    for text in ["one", "one", "another"] {
        blobs.put(&key("a.txt"), content(text)).await.unwrap();
        assert_eq!(blobs.read(&key("a.txt"), 100).await.unwrap(), text);
    }
}

pub async fn two_writers_of_one_key_leave_the_content_of_one(blobs: &impl Blobs) {
    let (a, b) = ("a".repeat(100_000), "b".repeat(50_000));
    let key = key("a.txt");
    let (first, second) = futures::join!(
        blobs.put(&key, content(a.clone())),
        blobs.put(&key, content(b.clone()))
    );
    assert!(first.is_ok() && second.is_ok(), "{first:?} {second:?}");
    let left = blobs.read(&key, 100_000).await.unwrap();
    assert!(left == a || left == b, "a mixture of {} bytes", left.len());
}

pub async fn content_that_ends_early_leaves_nothing(blobs: &impl Blobs) {
    let error = blobs.put(&key("a.txt"), breaking_off()).await.unwrap_err();
    assert!(
        matches!(&error, BlobError::Source(cause) if cause.to_string() == "the line went dead"),
        "{error:?}"
    );
    assert!(is_missing(blobs, &key("a.txt")).await);
}

pub async fn content_that_ends_early_changes_nothing(blobs: &impl Blobs) {
    blobs.put(&key("a.txt"), content("old")).await.unwrap();
    assert!(blobs.put(&key("a.txt"), breaking_off()).await.is_err());
    assert_eq!(blobs.read(&key("a.txt"), 100).await.unwrap(), "old");
}

pub async fn a_put_that_is_dropped_leaves_nothing(blobs: &impl Blobs) {
    let endless = stream::iter([Ok(Bytes::from_static(b"half"))])
        .chain(stream::pending())
        .boxed();
    let key = key("a.txt");
    let mut put = Box::pin(blobs.put(&key, endless));
    for _ in 0..100 {
        assert!(put.as_mut().now_or_never().is_none());
        tokio::task::yield_now().await;
    }
    drop(put);
    assert!(is_missing(blobs, &key).await);
}

pub async fn a_blob_larger_than_asked_for_is_not_read(blobs: &impl Blobs) {
    blobs.put(&key("a.txt"), content("hello")).await.unwrap();
    let error = blobs.read(&key("a.txt"), 4).await.unwrap_err();
    assert!(
        matches!(
            error,
            BlobError::TooLarge {
                size_bytes: 5,
                max_bytes: 4
            }
        ),
        "{error:?}"
    );
}

pub async fn deleting_can_be_repeated(blobs: &impl Blobs) {
    blobs.put(&key("a.txt"), content("hello")).await.unwrap();
    for _ in 0..2 {
        blobs.delete(&key("a.txt")).await.unwrap();
        assert!(is_missing(blobs, &key("a.txt")).await);
    }
}

pub async fn tenants_do_not_see_each_others_blobs(blobs: &impl Blobs) {
    let of_b = BlobKey::new(&TenantId::new("tenant_b").unwrap(), "a.txt").unwrap();
    blobs.put(&key("a.txt"), content("of a")).await.unwrap();
    assert!(is_missing(blobs, &of_b).await);
    blobs.put(&of_b, content("of b")).await.unwrap();
    blobs.delete(&of_b).await.unwrap();
    assert_eq!(blobs.read(&key("a.txt"), 100).await.unwrap(), "of a");
}

#[expect(
    clippy::unused_async,
    reason = "all tests of the suite are called alike"
)]
pub async fn uris_name_bucket_tenant_and_name(blobs: &impl Blobs) {
    let uri = blobs.uri(&key("CAL1.mp3"));
    assert!(
        uri.starts_with("gs://") && uri.ends_with("/tenant_a/CAL1.mp3"),
        "{uri}"
    );
}
