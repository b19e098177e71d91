//! What came in, views, versions and figures, by commands.

use std::fs;

use domain::Status;
use serde_json::{Value, json};
use tests::{World, sha1_signature};

use super::{command, delivered, json_of, printed_on};

#[tokio::test]
async fn what_came_in_is_listed_shown_and_read_again() {
    let world = World::start().await;
    let request = delivered(&world, "CALlooked").await;
    world.becomes(request, Status::Completed).await;
    let list = json_of(&world, &["delivery", "list", "--provider", "callrail"]).await;
    assert_eq!(list["items"][0]["request_id"], request.to_string());
    let event = list["items"][0]["event_id"].as_str().unwrap();
    let none = command(&world, &["delivery", "list", "--repeated"]).await;
    assert_eq!(none.unwrap().trim(), "No such delivery has come.");
    let shown = command(&world, &["delivery", "show", event]).await.unwrap();
    assert!(
        shown.contains("CALlooked") && shown.contains("Headers"),
        "{shown}"
    );
    let replayed = command(&world, &["delivery", "replay", event])
        .await
        .unwrap();
    assert!(replayed.contains(&request.to_string()), "{replayed}");
    world.becomes(request, Status::Completed).await;

    // One that another key signed is refused, and counted.
    let signature = sha1_signature("another key", b"{}");
    let headers = [
        ("content-type", "application/json"),
        ("signature", signature.as_str()),
    ];
    let path = "/v1/hooks/demo-callrail/post-call";
    world.post(path, &headers, b"{}".to_vec()).await;
    let refused = ["security-event", "list", "--reason", "wrong_signature"];
    world
        .eventually("the refusal is counted", async || {
            json_of(&world, &refused).await["items"]
                .as_array()
                .unwrap()
                .len()
                == 1
        })
        .await;
    let of_nobody = ["security-event", "list", "--of-nobody"];
    let none = command(&world, &of_nobody).await.unwrap();
    assert_eq!(none.trim(), "Nothing of the kind was refused.");

    let save = [
        "view",
        "save",
        "kitchens",
        "--name",
        "Kitchens",
        "--search",
        "q=kitchen",
    ];
    command(&world, &save).await.unwrap();
    let views = command(&world, &["view", "list"]).await.unwrap();
    assert!(views.contains("q=kitchen"), "{views}");
    command(&world, &["view", "remove", "kitchens"])
        .await
        .unwrap();
    let recounted = command(&world, &["figures", "recount"]).await.unwrap();
    assert!(
        recounted.starts_with("Looked at 1 requests; 0 of them"),
        "{recounted}"
    );
    world.finish().await;
}

#[tokio::test]
async fn who_was_late_is_shown_both_versions() {
    let world = World::start().await;
    let folder = world.data_folder();
    let file = folder.join("config.json");
    let shown = json_of(&world, &["config", "show"]).await;
    let seen = shown["version"].as_u64().unwrap();
    let set = async |percent: u32, further: &[&str]| {
        let mut config = shown["config"].clone();
        config["spam"]["review_from"] = json!(percent);
        fs::write(&file, config.to_string()).unwrap();
        let mut line = vec!["config", "set", file.to_str().unwrap()];
        line.extend(further);
        command(&world, &line).await
    };
    set(41, &[]).await.unwrap();
    let upon = &*seen.to_string();
    let late = set(42, &["--upon", upon]).await.unwrap_err();
    let newest = format!("What it is now: version {}, by ann", seen + 1);
    for part in [
        format!("What you saw: version {seen}"),
        newest,
        "\"review_from\": 41".to_owned(),
    ] {
        assert!(late.contains(&part), "{part}: {late}");
    }
    // For programs, as JSON.
    let line = [
        "config",
        "set",
        file.to_str().unwrap(),
        "--upon",
        upon,
        "--json",
    ];
    let (printed, refused) = printed_on(&folder, &line).await;
    assert!(refused.is_err(), "{printed}");
    let versions: Value = serde_json::from_str(&printed).unwrap();
    let number = |which: &str| versions[which]["version"].as_u64();
    assert_eq!(
        (number("seen"), number("current")),
        (Some(seen), Some(seen + 1))
    );
    world.finish().await;
}
