use serde_json::json;
use simulators::webforms::{ORIGIN, Tool, Wanted};

use crate::hook::Hook;
use crate::world::{World, client, send};

#[tokio::test]
async fn a_browser_says_where_its_page_is_and_a_tool_does_not() {
    let world = World::start().await;
    let hook = Hook::start(202).await;
    let website = world.simulators.webforms();
    world
        .simulators
        .post_webhooks_to("webforms", &hook.url("/hook"));
    for (tool, kind, is_browser) in [
        (Tool::Json, "application/json", true),
        (Tool::Urlencoded, "application/x-www-form-urlencoded", true),
        (Tool::Multipart, "multipart/form-data; ", true),
        (Tool::ContactForm7, "application/x-www-form-", false),
        (Tool::GravityForms, "application/json", false),
        (Tool::Elementor, "application/x-www-form-", false),
        (Tool::Webflow, "application/json", false),
        (Tool::Typeform, "application/json", false),
        (Tool::Jotform, "multipart/form-data; ", false),
    ] {
        let told = website
            .submit(Wanted {
                tool,
                // The receiver here reads texts alone.
                photo: b"GIF89a".to_vec(),
                ..Wanted::default()
            })
            .await;
        assert_eq!(told.status, 202, "{tool:?}");
        let post = hook.received().pop().unwrap();
        assert!(post.header("content-type").starts_with(kind), "{tool:?}");
        assert_eq!(post.has("origin"), is_browser, "{tool:?}");
        if is_browser {
            assert_eq!(post.header("origin"), ORIGIN);
        }
        assert!(post.body.contains("Whitfield"), "{tool:?}: {}", post.body);
        assert_eq!(post.has("typeform-signature"), tool == Tool::Typeform);
    }
}

#[tokio::test]
async fn two_clicks_are_two_posts_of_one_form() {
    let world = World::start().await;
    let hook = Hook::start(202).await;
    world
        .simulators
        .post_webhooks_to("webforms", &hook.url("/hook"));
    let base = world.simulators.webforms().base_url();
    let order =
        json!({ "tool": "urlencoded", "clicks": 2, "first_name": "Ada", "trap": "https://x" });
    let url = format!("{base}/_sim/submissions");
    let told = send(client().post(&url).json(&order)).await.expect(200);
    assert_eq!(told["answers"].as_array().unwrap().len(), 2);
    let posts = hook.received();
    assert_eq!(posts.len(), 2);
    assert_eq!(posts[0].body, posts[1].body);
    assert!(posts[0].body.contains("website=https"));
    for wrong in [
        json!({ "tool": "fax" }),
        json!({ "nmae": "x" }),
        json!({ "clicks": 101 }),
    ] {
        let refused = send(client().post(&url).json(&wrong)).await.expect(400);
        assert!(refused["error"].is_string(), "{wrong}");
    }
}
