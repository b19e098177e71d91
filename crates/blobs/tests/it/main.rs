//! Blobs in a folder.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::path::Path;

use blobs::{BlobKey, Blobs as _, FolderBlobs, content};
use domain::TenantId;
use tempfile::TempDir;

blobs::contract_suite!(open);

async fn open() -> (FolderBlobs, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    (
        FolderBlobs::open(folder.path().join("blobs"))
            .await
            .unwrap(),
        folder,
    )
}

fn key() -> BlobKey {
    BlobKey::new(&TenantId::new("tenant_demo").unwrap(), "CAL1.mp3").unwrap()
}

fn files_in(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

#[tokio::test]
async fn a_blob_is_a_file_in_its_tenants_folder() {
    let (blobs, folder) = open().await;
    blobs.put(&key(), content("hello")).await.unwrap();
    assert_eq!(
        std::fs::read(folder.path().join("blobs/tenant_demo/CAL1.mp3")).unwrap(),
        b"hello"
    );
    assert_eq!(files_in(&folder.path().join("blobs/.incoming")), [""; 0]);
}

#[tokio::test]
async fn a_put_that_fails_leaves_no_file_behind() {
    let (blobs, folder) = open().await;
    let broken = futures::stream::iter([Ok("half".into()), Err("gone".into())]);
    assert!(blobs.put(&key(), Box::pin(broken)).await.is_err());
    assert_eq!(files_in(&folder.path().join("blobs/.incoming")), [""; 0]);
}

#[tokio::test]
async fn what_a_crash_left_is_removed_and_blobs_stay() {
    let (blobs, folder) = open().await;
    let incoming = folder.path().join("blobs/.incoming");
    std::fs::write(incoming.join("4711-0"), "half").unwrap();
    blobs.put(&key(), content("hello")).await.unwrap();
    blobs.remove_leftovers().await.unwrap();
    assert_eq!(files_in(&incoming), [""; 0]);
    assert_eq!(blobs.read(&key(), 100).await.unwrap(), "hello");
}

#[tokio::test]
async fn uris_name_a_bucket() {
    let (blobs, _folder) = open().await;
    assert_eq!(
        blobs.uri(&key()),
        "gs://embedded-audio/tenant_demo/CAL1.mp3"
    );
}
