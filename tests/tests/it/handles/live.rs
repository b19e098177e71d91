//! What happens, as the command prints it.

use domain::Status;
use serde_json::Value;
use tests::World;

use super::{command, delivered};

#[tokio::test]
async fn what_happens_is_printed() {
    let world = World::start().await;
    let start = command(&world, &["live", "watch", "--after", "0", "--events", "1"]).await;
    assert!(start.unwrap().contains("config.put"), "of the demo tenant");
    let request = delivered(&world, "CALwatched").await.to_string();
    let line = ["live", "watch", "--after", "0", "--events", "4"];
    let printed = command(&world, &line).await.unwrap();
    let received = printed.lines().find(|line| line.contains(&request));
    let received = received.unwrap();
    assert!(
        received.contains("received") && received.contains("from"),
        "{printed}"
    );
    assert!(printed.contains("watching"), "{printed}");

    // Goes on behind an id, also while nothing has happened yet.
    let id = delivered(&world, "CALalsowatched").await;
    world.becomes(id, Status::Completed).await;
    let line = ["live", "watch", "--after", "2", "--events", "1", "--json"];
    let printed = command(&world, &line).await.unwrap();
    let events = serde_json::Deserializer::from_str(&printed).into_iter::<Value>();
    let events: Vec<_> = events.map(Result::unwrap).collect();
    let last = events.last().unwrap();
    assert_eq!(
        (&last["id"], &last["event"], &last["data"]["request_id"]),
        (&"3".into(), &"request".into(), &request.as_str().into())
    );
    world.finish().await;
}
