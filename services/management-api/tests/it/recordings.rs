//! Recordings: heard whole or in parts, with a token or by a link.

use blobs::{BlobKey, Blobs as _, FolderBlobs, content};
use domain::{Audio, Outcome, RecordingSection, RequestId, Section, Stage};
use http_client::Response;
use management_api::auth::Role::Viewer;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::{
    openapi::assert_is_as_described,
    world::{World, body, problem, tenant},
};

const NAME: &str = "CAL1-recording.mp3";

/// Nothing that a decoder takes: the API looks into no recording.
fn audio() -> Vec<u8> {
    (0..=255).cycle().take(100_000).collect()
}

/// A call of tenant `a` whose recording is archived.
async fn recorded(world: &World) -> RequestId {
    let request = world.call(1).await;
    world.ask().await;
    let blobs = FolderBlobs::open(world.folder().join("blobs"))
        .await
        .unwrap();
    let key = BlobKey::new(&tenant("a"), NAME).unwrap();
    let stored = blobs.put(&key, content(audio())).await.unwrap();
    let audio = Audio::Stored {
        name: NAME.to_owned(),
        sha256: stored.sha256,
        size_bytes: stored.size_bytes,
        duration_ms: 180_000,
    };
    let section = Section::Recording(RecordingSection { revision: 0, audio });
    world
        .settle(Stage::Recording, Outcome::done(section), Vec::new())
        .await;
    request
}

fn path(request: RequestId) -> String {
    format!("/v1/tenants/a/requests/{request}/recording")
}

async fn part(world: &World, path: &str, headers: &[(&str, &str)]) -> Response {
    let token = world.token(&[Viewer], &["a"]);
    let mut request = world.call_openly("GET", path).bearer(&token);
    for (name, value) in headers {
        request = request.header(*name, value);
    }
    request.send().await.unwrap()
}

async fn link(world: &World, request: RequestId) -> Value {
    let path = format!("{}/link", path(request));
    let link = body(&world.call_as(Viewer, "POST", &path, None).await);
    assert_is_as_described(&link, "RecordingLink");
    link
}

#[tokio::test]
async fn a_recording_is_heard_whole_and_in_parts() {
    let world = World::start().await;
    let path = path(recorded(&world).await);
    let whole = part(&world, &path, &[]).await;
    assert_eq!(
        (whole.status.as_u16(), &whole.body[..]),
        (200, &audio()[..])
    );
    let tag = format!("\"{}\"", hex::encode(Sha256::digest(audio())));
    for (name, value) in [
        ("content-type", "audio/mpeg"),
        ("content-length", "100000"),
        ("accept-ranges", "bytes"),
        ("etag", &tag),
        ("cache-control", "private, no-store"),
        ("x-content-type-options", "nosniff"),
    ] {
        assert_eq!(whole.header(name), Some(value), "{name}");
    }
    for (range, first, end) in [
        ("bytes=0-", 0, 100_000),
        ("bytes=65536-65999", 65_536, 66_000),
        ("bytes=-5", 99_995, 100_000),
    ] {
        let some = part(&world, &path, &[("range", range), ("if-range", &tag)]).await;
        assert_eq!(some.status, 206, "{range}");
        assert_eq!(some.body[..], audio()[first..end], "{range}");
        let which = format!("bytes {first}-{}/100000", end - 1);
        assert_eq!(some.header("content-range"), Some(which.as_str()));
        assert_eq!(some.header("content-type"), Some("audio/mpeg"));
    }
    for headers in [
        [("range", "bytes=100000-"), ("if-range", tag.as_str())],
        [("range", "bytes=5-9"), ("if-range", "\"of-another\"")],
    ] {
        let whole = part(&world, &path, &headers).await;
        assert_eq!((whole.status.as_u16(), whole.body.len()), (200, 100_000));
    }
}

#[tokio::test]
async fn a_link_opens_one_recording_for_five_minutes_and_nothing_else() {
    let world = World::start().await;
    let request = recorded(&world).await;
    let shown = link(&world, request).await;
    let url = shown["url"].as_str().unwrap();
    assert_eq!(shown["expires_at"], "2020-06-01T12:05:00Z");
    let heard = world.get_openly(url).await;
    assert_eq!(
        (heard.status.as_u16(), &heard.body[..]),
        (200, &audio()[..])
    );

    let (_, token) = url.split_once("?link=").unwrap();
    // Neither another's, nor another recording, nor what somebody made up.
    let other = world.call(2).await;
    let elsewhere = path(request).replace("/a/", "/b/");
    let sealed = token.rsplit_once('.').unwrap().0;
    for refused in [
        format!("{}?link={token}", path(other)),
        format!("{elsewhere}?link={token}"),
        format!("{}?link={sealed}.AAAA", path(request)),
        format!("{}?link=", path(request)),
        path(request),
    ] {
        problem(&world.get_openly(&refused).await, 401);
    }
    // A token opens no recording as a link, and a link nothing as a token.
    let viewer = world.token(&[Viewer], &["a"]);
    let as_link = format!("{}?link={}", path(request), viewer.expose_secret());
    problem(&world.get_openly(&as_link).await, 401);
    let as_token = SecretString::from(token.to_owned());
    problem(
        &world.get_with("/v1/tenants/a/requests", &as_token).await,
        401,
    );

    world.clock.advance(std::time::Duration::from_secs(299));
    assert_eq!(world.get_openly(url).await.status, 200);
    world.clock.advance(std::time::Duration::from_secs(1));
    problem(&world.get_openly(url).await, 401);
}

#[tokio::test]
async fn a_call_that_cannot_be_heard_says_why() {
    let world = World::start().await;
    let request = world.call(1).await;
    let waited_for = problem(&world.get(&path(request)).await, 409);
    assert!(
        waited_for["detail"]
            .as_str()
            .unwrap()
            .contains("still waited for")
    );
    world.gather().await;
    for (method, path) in [
        ("GET", path(request)),
        ("POST", format!("{}/link", path(request))),
    ] {
        let absent = problem(&world.call_as(Viewer, method, &path, None).await, 409);
        assert!(
            absent["detail"].as_str().unwrap().contains("not connected"),
            "{absent}"
        );
        let of_b = path.replace("/a/", "/b/");
        problem(&world.call_as(Viewer, method, &of_b, None).await, 404);
    }
}

#[tokio::test]
async fn a_recording_whose_file_is_gone_is_not_found() {
    let world = World::start().await;
    let request = recorded(&world).await;
    let blobs = FolderBlobs::open(world.folder().join("blobs"))
        .await
        .unwrap();
    let key = BlobKey::new(&tenant("a"), NAME).unwrap();
    blobs.delete(&key).await.unwrap();
    let gone = problem(&world.get(&path(request)).await, 404);
    assert_eq!(gone["detail"], json!("The recording is not kept any more."));
    let gone = part(&world, &path(request), &[("range", "bytes=5-")]).await;
    problem(&gone, 404);
}
