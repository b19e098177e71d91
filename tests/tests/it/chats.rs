//! Chats: from a website's chat to CRM and mail, whatever order its pieces come in.

use domain::{RequestId, Status};
use jiff::{Timestamp, ToSpan as _};
use pipeline::demo;
use rand::{SeedableRng as _, rngs::StdRng, seq::SliceRandom as _};
use serde_json::Value;
use simulators::{
    SampleDelivery,
    intercom::{Message, Wanted, Who},
    zendesk::{self, Comment},
};
use tests::{Form, World, in_both_forms};

in_both_forms![
    a_chat_at_intercom_is_one_request_whatever_is_written_later,
    a_ticket_at_zendesk_is_one_request_whatever_is_written_later,
    a_conversation_of_sunshine_is_one_request_whatever_is_written_later,
    thirty_messages_in_any_order_are_one_request,
    an_update_of_an_unknown_chat_is_no_lead,
];

/// Sets how long a chat has to be quiet.
async fn quiet_for(world: &World, seconds: u64) {
    let offices = world.store.offices(&world.tenant()).await.unwrap();
    for mut office in offices {
        office.config.chat.quiet_seconds = seconds;
        world.store.put_office(&office).await.unwrap();
    }
}

async fn requests(world: &World) -> Vec<Value> {
    let answer = world.get("/v1/tenants/tenant_demo/requests").await;
    answer.body["items"].as_array().cloned().unwrap_or_default()
}

/// The demo tenant's only request, once there is one.
async fn only_request(world: &World) -> RequestId {
    world
        .eventually("the webhook arrives", async || {
            !requests(world).await.is_empty()
        })
        .await;
    let items = requests(world).await;
    assert_eq!(items.len(), 1, "{items:?}");
    items[0]["request_id"].as_str().unwrap().parse().unwrap()
}

/// What the CRM shows.
fn crm(world: &World) -> String {
    let deals = serde_json::to_value(world.simulators().hubspot().deals()).unwrap();
    assert_eq!(deals.as_array().unwrap().len(), 1, "{deals}");
    deals[0]["properties"].to_string()
}

/// What of the deal is ours to keep up to date. Its description is written once: people go on with it.
fn ours(world: &World) -> String {
    let deals = serde_json::to_value(world.simulators().hubspot().deals()).unwrap();
    let properties = deals[0]["properties"].as_object().unwrap();
    let ours = properties
        .iter()
        .filter(|(name, _)| name.starts_with("lead_intake_"));
    ours.map(|(name, value)| format!("{name}: {value}\n"))
        .collect()
}

/// How often the model was asked.
fn judgments(world: &World) -> usize {
    world.simulators().gemini().requests().len()
}

async fn a_chat_at_intercom_is_one_request_whatever_is_written_later(form: Form) {
    let world = World::of(form).await;
    quiet_for(&world, 1).await;
    let intercom = world.simulators().intercom();
    let id = intercom.begin(Wanted::default());
    intercom.write(&id, Message::person("What is your budget?").from(Who::Bot));
    let budget = intercom.write(&id, Message::person("Around $50k, my roof leaks, too."));
    let request = only_request(&world).await;
    world.becomes(request, Status::Completed).await;

    let shown = world.shown(request).await;
    assert_eq!(shown["channel"], "chat");
    assert_eq!(shown["headline"], "chat from Dana Whitfield");
    assert_eq!(shown["contact"]["phone"], "+15125550142");
    let messages = shown["about"]["messages"].as_array().unwrap();
    let from: Vec<_> = messages.iter().map(|message| &message["from"]).collect();
    assert_eq!(from, ["customer", "bot", "customer"], "{messages:?}");
    let first = crm(&world);
    assert!(first.contains("200 sq ft kitchen"), "{first}");
    assert!(first.contains("Bot: What is your budget?"), "{first}");
    let mails = world.simulators().sendgrid().mails();
    assert_eq!(mails.len(), 1);
    let mail = format!("{:?}", mails[0]);
    assert!(
        mail.contains("Dana Whitfield") && !mail.contains("caller"),
        "{mail}"
    );

    // A later message changes the same deal, and tells nobody.
    intercom.write(&id, Message::person("We could start in March already."));
    world
        .eventually("the deal shows the later message", async || {
            crm(&world).contains("start in March")
        })
        .await;
    world.becomes(request, Status::Completed).await;
    intercom.write(
        &id,
        Message::person("A designer will call.").from(Who::Admin),
    );
    intercom.close(&id);
    world
        .eventually("the chat is closed", async || {
            world.shown(request).await["about"]["status"] == "closed"
        })
        .await;
    world.becomes(request, Status::Completed).await;

    // What was taken back is nowhere any more.
    intercom.redact(&id, &budget);
    world
        .eventually("the deal forgets what was taken back", async || {
            !ours(&world).contains("roof leaks")
        })
        .await;
    world.becomes(request, Status::Completed).await;
    let shown = world.shown(request).await;
    assert!(
        !shown["about"].to_string().contains("roof leaks"),
        "{shown}"
    );
    assert_eq!(only_request(&world).await, request);
    assert_eq!(world.simulators().sendgrid().mails().len(), 1);
    world.finish().await;
}

async fn a_ticket_at_zendesk_is_one_request_whatever_is_written_later(form: Form) {
    let world = World::of(form).await;
    quiet_for(&world, 1).await;
    let zendesk = world.simulators().zendesk();
    let id = zendesk.make(zendesk::Wanted::default());
    zendesk.comment(&id, Comment::agent("What is your budget?"));
    zendesk.comment(&id, Comment::internal("Sounds cheap."));
    zendesk.comment(&id, Comment::person("Around 18k, tub to shower."));
    let request = only_request(&world).await;
    world.becomes(request, Status::Completed).await;

    let shown = world.shown(request).await;
    assert_eq!(shown["channel"], "chat");
    assert_eq!(shown["contact"]["phone"], "+15125550163");
    let first = crm(&world);
    assert!(first.contains("tub to shower"), "{first}");
    assert!(first.contains("Company: What is your budget?"), "{first}");
    assert!(!first.contains("Sounds cheap"), "{first}");
    assert_eq!(world.simulators().sendgrid().mails().len(), 1);

    zendesk.comment(&id, Comment::person("We could start in March already."));
    world
        .eventually("the deal shows the later comment", async || {
            crm(&world).contains("start in March")
        })
        .await;
    zendesk.solve(&id);
    world
        .eventually("the ticket is solved", async || {
            world.shown(request).await["about"]["status"] == "closed"
        })
        .await;
    world.becomes(request, Status::Completed).await;
    assert_eq!(only_request(&world).await, request);
    assert_eq!(
        world.simulators().sendgrid().mails().len(),
        1,
        "nobody is told twice"
    );
    world.finish().await;
}

/// Sunshine Conversations sign nothing: their webhook repeats a key.
async fn a_conversation_of_sunshine_is_one_request_whatever_is_written_later(form: Form) {
    let world = World::of(form).await;
    quiet_for(&world, 1).await;
    let zendesk = world.simulators().zendesk();
    let id = "67ab5f53a96f98663935c3f9";
    let first = zendesk.say(id, "Do you do tub to shower conversions in 78681?", false);
    // Whoever does not know the key says nothing.
    let path = format!("/v1/hooks/{}", demo::token("zendesk"));
    let forged = [
        ("content-type", first.content_type),
        ("x-api-key", "a guess"),
    ];
    let answer = world.post(&path, &forged, first.body.clone()).await;
    assert_eq!(answer.status, 401, "{answer:?}");
    assert_eq!(requests(&world).await, [Value::Null; 0]);

    deliver_to(&world, "zendesk", &first).await;
    let answer = zendesk.say(id, "We do. What is your budget?", true);
    deliver_to(&world, "zendesk", &answer).await;
    let budget = zendesk.say(id, "Around 18k for the whole bathroom remodel.", false);
    deliver_to(&world, "zendesk", &budget).await;
    let request = only_request(&world).await;
    world.becomes(request, Status::Completed).await;

    let shown = world.shown(request).await;
    assert_eq!(shown["channel"], "chat");
    assert_eq!(shown["contact"]["name"], "Sam Reyes");
    assert_eq!(shown["contact"]["email"], "sam.reyes@example.com");
    let messages = shown["about"]["messages"].as_array().unwrap();
    let from: Vec<_> = messages.iter().map(|message| &message["from"]).collect();
    assert_eq!(from, ["customer", "agent", "customer"], "{messages:?}");
    let first_deal = crm(&world);
    assert!(first_deal.contains("tub to shower"), "{first_deal}");
    assert!(first_deal.contains("What is your budget?"), "{first_deal}");
    let mails = world.simulators().sendgrid().mails();
    assert_eq!(mails.len(), 1);
    assert!(format!("{:?}", mails[0]).contains("Sam Reyes"));

    // A later message changes the same deal, a repeat nothing, and nobody is told twice.
    let later = zendesk.say(id, "We could start in March already.", false);
    deliver_to(&world, "zendesk", &later).await;
    deliver_to(&world, "zendesk", &budget).await;
    world
        .eventually("the deal shows the later message", async || {
            crm(&world).contains("start in March")
        })
        .await;
    world.becomes(request, Status::Completed).await;
    assert_eq!(only_request(&world).await, request);
    assert_eq!(world.simulators().sendgrid().mails().len(), 1);
    world.finish().await;
}

/// Posts a webhook to the demo tenant's source, as Intercom does.
async fn deliver(world: &World, delivery: &SampleDelivery) {
    deliver_to(world, "intercom", delivery).await;
}

async fn deliver_to(world: &World, source: &str, delivery: &SampleDelivery) {
    let path = format!("/v1/hooks/{}", demo::token(source));
    let mut headers = vec![("content-type", delivery.content_type)];
    let signature = delivery.signature.iter();
    headers.extend(signature.map(|(name, value)| (*name, value.as_str())));
    let answer = world.post(&path, &headers, delivery.body.clone()).await;
    assert_eq!(answer.status, 200, "{answer:?}");
}

/// Every number below `count` once, in an order that nobody chose. A run that fails says by which seed.
#[expect(clippy::print_stdout, reason = "a seed that is worth reading")]
fn shuffled(count: usize) -> Vec<usize> {
    let seed = rand::random();
    println!("the order comes from the seed {seed}");
    let mut numbers: Vec<_> = (0..count).collect();
    numbers.shuffle(&mut StdRng::seed_from_u64(seed));
    numbers
}

async fn thirty_messages_in_any_order_are_one_request(form: Form) {
    let world = World::of(form).await;
    quiet_for(&world, 10).await;
    let intercom = world.simulators().intercom();
    let id = "215471000777001";
    intercom.register(id, Wanted::default());
    // Whatever clock the world has, they were written one after another before it.
    let began: Timestamp = "2026-11-02T15:00:00Z".parse().unwrap();
    let mut expected = vec![Wanted::default().text];
    intercom.switch_webhooks(false);
    for number in 1..30_i64 {
        let text = format!("Message {number} about the kitchen.");
        let from = [Who::Person, Who::Admin, Who::Bot][usize::try_from(number % 3).unwrap()];
        let at = began.checked_add((60 * number).seconds()).unwrap();
        intercom.write(id, Message::person(&text).from(from).at(at));
        expected.push(text);
    }
    let told = intercom.told(id);
    assert_eq!(told.len(), 30);
    // A person's words come first: of what an agent says of an unknown chat nothing is made.
    deliver(&world, &told[3]).await;
    for number in shuffled(told.len()) {
        deliver(&world, &told[number]).await;
        if number % 4 == 0 {
            deliver(&world, &told[number]).await;
        }
    }
    let request = only_request(&world).await;
    world.becomes(request, Status::Completed).await;
    let shown = world.shown(request).await;
    let messages = shown["about"]["messages"].as_array().unwrap();
    let texts: Vec<_> = messages
        .iter()
        .filter_map(|message| message["text"].as_str())
        .collect();
    // The opening message began when the simulator was told of it: after all of the others.
    let (last, before) = texts.split_last().unwrap();
    assert_eq!(*last, expected[0]);
    assert_eq!(before, &expected[1..], "ordered by when they were written");
    assert_eq!(only_request(&world).await, request);
    assert_eq!(world.simulators().sendgrid().mails().len(), 1);
    assert_eq!(judgments(&world), 1, "judged once, after the pause");
    crm(&world);
    world.finish().await;
}

async fn an_update_of_an_unknown_chat_is_no_lead(form: Form) {
    let world = World::of(form).await;
    quiet_for(&world, 1).await;
    let intercom = world.simulators().intercom();
    let id = "215471000777002";
    intercom.register(id, Wanted::default());
    intercom.close(id);
    intercom.delete("215471000777003");
    world
        .eventually("both are taken", async || intercom.webhooks_waiting() == 0)
        .await;
    assert_eq!(requests(&world).await, [Value::Null; 0]);

    // Whoever writes on is one, and the whole thread comes with it.
    intercom.write(id, Message::person("Are you still there?"));
    let request = only_request(&world).await;
    world.becomes(request, Status::Completed).await;
    let shown = world.shown(request).await.to_string();
    assert!(shown.contains("200 sq ft kitchen"), "{shown}");
    world.finish().await;
}
