use serde_json::{Value, json};
use simulators::Fault;

use crate::world::{Answer, World, client, get, send};

/// The smallest length of a piece that is not the last.
const QUANTUM: usize = 256 * 1024;

fn url(world: &World, path: &str) -> String {
    format!("{}{path}", world.simulators.storage().base_url())
}

/// Begins a resumable upload and gives its URL.
async fn begin(world: &World, query: &str) -> String {
    let url = url(
        world,
        &format!("/upload/storage/v1/b/calls/o?uploadType=resumable&name=a/b.mp3{query}"),
    );
    let answer = send(
        client()
            .post(url)
            .bearer_auth("any")
            .json(&json!({ "contentType": "audio/mpeg" })),
    )
    .await;
    assert_eq!(answer.status, 200);
    answer.header("location").to_owned()
}

async fn piece(location: &str, range: &str, bytes: Vec<u8>) -> Answer {
    send(
        client()
            .put(location)
            .header("content-range", range)
            .body(bytes),
    )
    .await
}

async fn object(world: &World, query: &str) -> Answer {
    let url = url(world, &format!("/storage/v1/b/calls/o/a%2Fb.mp3{query}"));
    send(client().get(url).bearer_auth("any")).await
}

#[tokio::test]
async fn an_upload_of_unknown_length_is_asked_about_and_finished() {
    let world = World::start().await;
    let location = begin(&world, "").await;
    let nothing = piece(&location, "bytes */*", Vec::new()).await;
    assert_eq!((nothing.status, nothing.header("range")), (308, ""));

    let first = piece(&location, "bytes 0-262143/*", vec![1; QUANTUM]).await;
    assert_eq!(
        (first.status, first.header("range")),
        (308, "bytes=0-262143")
    );
    let asked = piece(&location, "bytes */*", Vec::new()).await;
    assert_eq!(
        (asked.status, asked.header("range")),
        (308, "bytes=0-262143")
    );
    object(&world, "").await.expect(404);

    let last = piece(&location, "bytes 262144-262148/262149", vec![2; 5])
        .await
        .expect(200);
    assert_eq!(
        (&last["size"], &last["contentType"]),
        (&json!("262149"), &json!("audio/mpeg"))
    );
    let again = piece(&location, "bytes */*", Vec::new()).await.expect(200);
    assert_eq!(again, last);
    assert_eq!(object(&world, "").await.expect(200), last);
}

#[tokio::test]
async fn pieces_that_overlap_are_joined_and_gaps_are_not_filled() {
    let world = World::start().await;
    let location = begin(&world, "").await;
    piece(&location, "bytes 0-524287/*", vec![1; 2 * QUANTUM]).await;
    let gap = piece(&location, "bytes 786432-786436/786437", vec![3; 5]).await;
    assert_eq!((gap.status, gap.header("range")), (308, "bytes=0-524287"));
    let mut overlap = vec![9; QUANTUM];
    overlap.extend([2; 5]);
    piece(&location, "bytes 262144-524292/524293", overlap)
        .await
        .expect(200);
    let content = object(&world, "?alt=media").await.bytes;
    assert_eq!(content.len(), 2 * QUANTUM + 5);
    assert!(content.starts_with(&vec![1; 2 * QUANTUM]) && content.ends_with(&[2; 5]));
}

#[tokio::test]
async fn a_piece_that_is_not_what_it_says_is_refused() {
    let world = World::start().await;
    for (range, length) in [
        ("bytes 0-9/*", 10),
        ("bytes 0-9/20", 10),
        ("bytes 0-9/10", 9),
        ("0-9/10", 10),
    ] {
        let location = begin(&world, "").await;
        let refused = piece(&location, range, vec![1; length]).await;
        assert_eq!(refused.status, 400, "{range}");
    }
    assert!(world.simulators.storage().objects().is_empty());
}

#[tokio::test]
async fn hashes_are_compared_and_an_object_that_differs_is_not_there() {
    let world = World::start().await;
    let put = async |hash: &str| {
        let location = begin(&world, "").await;
        send(
            client()
                .put(location)
                .header("x-goog-hash", hash)
                .body("hello"),
        )
        .await
    };
    // Source: RFC 3720 (CRC32C) and RFC 1321 (MD5), calculated over `hello` by other tools.
    let refused = put("crc32c=AAAAAA==").await.expect(400);
    assert!(
        refused["error"]["message"]
            .as_str()
            .unwrap()
            .contains("mnG7TA=="),
        "{refused}"
    );
    put("md5=AAAAAAAAAAAAAAAAAAAAAA==").await.expect(400);
    object(&world, "").await.expect(404);
    put("crc32c=mnG7TA==,md5=XUFAKrxLKna5cZ2REBfFkg==")
        .await
        .expect(200);
    let read = object(&world, "?alt=media").await;
    assert_eq!(
        read.header("x-goog-hash"),
        "crc32c=mnG7TA==,md5=XUFAKrxLKna5cZ2REBfFkg=="
    );
    assert_eq!(read.header("x-goog-stored-content-length"), "5");
    assert!(!read.header("x-goog-generation").is_empty() && !read.header("etag").is_empty());
}

#[tokio::test]
async fn conditions_on_the_generation_are_held() {
    let world = World::start().await;
    let only_new = "&ifGenerationMatch=0";
    let first = begin(&world, only_new).await;
    let second = begin(&world, only_new).await;
    let stored = piece(&first, "bytes 0-4/5", b"first".to_vec())
        .await
        .expect(200);
    let lost = piece(&second, "bytes 0-5/6", b"second".to_vec())
        .await
        .expect(412);
    assert_eq!(lost["error"]["errors"][0]["reason"], "conditionNotMet");
    let generation = stored["generation"].as_str().unwrap();
    object(&world, "?ifGenerationMatch=1").await.expect(412);
    let read = object(
        &world,
        &format!("?alt=media&ifGenerationMatch={generation}"),
    )
    .await;
    assert_eq!(read.bytes, b"first");
    let url = url(&world, "/storage/v1/b/calls/o/a%2Fb.mp3");
    let delete = |query: String| send(client().delete(format!("{url}{query}")).bearer_auth("any"));
    delete("?ifGenerationMatch=1".into()).await.expect(412);
    delete(format!("?ifGenerationMatch={generation}"))
        .await
        .expect(204);
    delete(String::new()).await.expect(404);
}

#[tokio::test]
async fn content_is_read_in_ranges() {
    let world = World::start().await;
    let location = begin(&world, "").await;
    piece(&location, "bytes 0-9/10", b"0123456789".to_vec())
        .await
        .expect(200);
    let url = url(&world, "/storage/v1/b/calls/o/a%2Fb.mp3?alt=media");
    let read = |range: &str| send(client().get(&url).bearer_auth("any").header("range", range));
    let part = read("bytes=2-4").await;
    assert_eq!(
        (part.status, part.header("content-range")),
        (206, "bytes 2-4/10")
    );
    assert_eq!(part.bytes, b"234");
    assert_eq!(read("bytes=-3").await.bytes, b"789");
    read("bytes=10-").await.expect(416);
}

#[tokio::test]
async fn lists_come_by_prefix_in_pages() {
    let world = World::start().await;
    for name in ["t/a", "t/b", "t/c", "u/a"] {
        let url = url(
            &world,
            &format!("/upload/storage/v1/b/calls/o?uploadType=media&name={name}"),
        );
        send(client().post(url).bearer_auth("any").body("x"))
            .await
            .expect(200);
    }
    let page = async |query: &str| {
        let url = url(
            &world,
            &format!("/storage/v1/b/calls/o?prefix=t/&maxResults=2{query}"),
        );
        send(client().get(url).bearer_auth("any")).await.expect(200)
    };
    let names = |page: &Value| -> Vec<_> {
        let items = page["items"].as_array().unwrap();
        items
            .iter()
            .map(|item| item["name"].as_str().unwrap().to_owned())
            .collect()
    };
    let first = page("").await;
    assert_eq!(names(&first), ["t/a", "t/b"]);
    let token = first["nextPageToken"].as_str().unwrap();
    let last = page(&format!("&pageToken={token}")).await;
    assert_eq!(names(&last), ["t/c"]);
    assert_eq!(last["nextPageToken"], Value::Null);
    let odd = url(&world, "/storage/v1/b/calls/o?maxResults=many&other=1");
    let refused = send(client().get(odd).bearer_auth("any")).await.expect(400);
    assert_eq!(refused["error"]["errors"][0]["reason"], "invalid");
}

#[tokio::test]
async fn who_has_no_token_is_refused_in_googles_words() {
    let world = World::start().await;
    let refused = get(&url(&world, "/storage/v1/b/calls/o/x"))
        .await
        .expect(401);
    assert_eq!(refused["error"]["errors"][0]["reason"], "authError");
    let url = url(
        &world,
        "/upload/storage/v1/b/calls/o?uploadType=media&name=x",
    );
    send(client().post(url).body(vec![0; 1_000_000]))
        .await
        .expect(401);
}

#[tokio::test]
async fn what_was_received_is_remembered_without_content() {
    let world = World::start().await;
    let storage = world.simulators.storage();
    storage.answer_next_to("PUT", Fault::Status(503), 1);
    let location = begin(&world, "").await;
    piece(&location, "bytes 0-4/5", b"hello".to_vec())
        .await
        .expect(503);
    piece(&location, "bytes 0-4/5", b"hello".to_vec())
        .await
        .expect(200);
    assert!(!format!("{:?}", storage.requests()).contains("hello"));
    let view = get(&url(&world, "/_sim/objects")).await.expect(200);
    assert_eq!(view["objects"][0]["name"], "a/b.mp3");
    assert_eq!(
        view["counts"],
        json!({ "objects": 1, "by_bucket": { "calls": 1 }, "uploads_open": 0 })
    );
}
