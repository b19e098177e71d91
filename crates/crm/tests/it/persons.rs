//! Whose contact a telephone number leads to.

use crm::contract::{Bench as _, first_push, known, push};
use domain::{Brief, Document};

use crate::world::{World, call};

const OFFICE: &str = "(512) 555-0142";

/// A call from the office's number, by this person.
fn caller(request: u128, person: u128, name: Option<&str>) -> Brief {
    let name = name.map(str::to_owned);
    call(request, person, |document: &mut Document| {
        let said = &mut document.source.said.person;
        (said.name, said.email) = (name, None);
    })
}

async fn office(names: &[(&str, &str)]) -> (World, Vec<String>) {
    let world = World::start().await;
    let add = |(first, last): &(&str, &str)| {
        let typed = [
            ("phone", OFFICE),
            ("firstname", *first),
            ("lastname", *last),
        ];
        world.hubspot().add_contact(&typed)
    };
    let ids = names.iter().map(add).collect();
    (world, ids)
}

#[tokio::test]
async fn callers_of_one_office_get_their_own_deals() {
    let names = [("Mara", "Quill"), ("Theo", "Hart"), ("Nia", "Voss")];
    let (world, ids) = office(&names).await;
    let theo = first_push(&world, &caller(1, 8, Some("Theo Hart"))).await;
    let theo = theo.unwrap();
    assert_eq!(theo.remote_ids.get("contact"), Some(ids[1].as_str()));

    let pia = first_push(&world, &caller(2, 9, Some("Pia Lund"))).await;
    let pia = pia.unwrap();
    let contacts = world.hubspot().contacts();
    assert_eq!(contacts.len(), 4);
    let new = contacts
        .iter()
        .find(|contact| contact.property("firstname") == "Pia")
        .unwrap();
    let shown = ["lastname", "phone", "lead_external_id"].map(|name| new.property(name));
    assert_eq!(
        shown,
        [
            "Lund",
            "+15125550142",
            "per_00000000000000000000000000000009"
        ]
    );
    let notice = "3 other contacts have the number +15125550142, and none has the name Pia Lund.";
    assert!(new.property("lead_intake_notice").starts_with(notice));
    let deals = world.hubspot().deals();
    for property in ["description", "lead_intake_details"] {
        assert!(
            deals[1].property(property).starts_with(notice),
            "{property}"
        );
        assert!(!deals[0].property(property).contains("other contacts"));
    }
    for contact in contacts
        .iter()
        .filter(|contact| contact.property("firstname") != "Pia")
    {
        let ours = contact.property("lead_external_id");
        assert_ne!(ours, "per_00000000000000000000000000000009");
    }

    let again = push(&world, &caller(2, 9, Some("Pia Lund")), &known(&pia)).await;
    assert!(!again.unwrap().is_changed);
    let next = first_push(&world, &caller(3, 9, Some("Pia Lund"))).await;
    assert_eq!(
        next.unwrap().remote_ids.get("contact"),
        pia.remote_ids.get("contact")
    );
    assert_eq!(world.hubspot().contacts().len(), 4);
    let told = world.hubspot().deals()[2]
        .property("lead_intake_details")
        .to_owned();
    assert!(told.starts_with(notice), "the notice stays: {told}");
}

#[tokio::test]
async fn callers_that_share_a_person_have_contacts_of_their_own() {
    let names = [("Mara", "Quill"), ("Theo", "Hart"), ("Nia", "Voss")];
    let (world, ids) = office(&names).await;
    // One number is one person to us.
    let mut contacts = Vec::new();
    for (request, name) in (1..).zip(["Theo Hart", "Nia Voss", "Pia Lund", "Ada Fenn", "Pia Lund"])
    {
        let pushed = first_push(&world, &caller(request, 8, Some(name))).await;
        contacts.push(
            pushed
                .unwrap()
                .remote_ids
                .get("contact")
                .unwrap()
                .to_owned(),
        );
    }
    assert_eq!(contacts[..2], ids[1..]);
    assert!(!ids.contains(&contacts[2]) && !ids.contains(&contacts[3]));
    assert_ne!(contacts[2], contacts[3]);
    assert_eq!(contacts[2], contacts[4], "the same caller again");
    let all = world.hubspot().contacts();
    assert_eq!(all.len(), 5);
    for (contact, name) in all.iter().zip(["Mara", "Theo", "Nia", "Pia", "Ada"]) {
        assert_eq!(contact.property("firstname"), name);
    }
    let nobody = first_push(&world, &caller(9, 8, None)).await.unwrap();
    let nobody = nobody.remote_ids.get("contact").map(str::to_owned);
    assert_eq!(nobody.as_ref(), Some(&contacts[0]), "who has our key");
}

#[tokio::test]
async fn an_address_outweighs_another_name() {
    let world = World::start().await;
    let first = first_push(&world, &call(1, 9, |_| ())).await.unwrap();
    let married = call(2, 9, |document| {
        document.source.said.person.name = Some("Ann Hart".to_owned());
    });
    let second = first_push(&world, &married).await.unwrap();
    assert_eq!(
        first.remote_ids.get("contact"),
        second.remote_ids.get("contact")
    );
}

#[tokio::test]
async fn a_number_of_another_person_leads_to_nobody() {
    for (first, last) in [("Mara", "Quill"), ("Dana", "Lee"), ("", "Cedar Works")] {
        let (world, ids) = office(&[(first, last)]).await;
        let pushed = first_push(&world, &caller(1, 9, Some("Dan Lee"))).await;
        let pushed = pushed.unwrap();
        assert_ne!(
            pushed.remote_ids.get("contact"),
            Some(ids[0].as_str()),
            "{last}"
        );
        let other = &world.hubspot().contacts()[0];
        assert_eq!(other.property("lead_external_id"), "", "{first} {last}");
        assert_eq!(other.property("city"), "", "nothing of our lead is there");
    }
}

#[tokio::test]
async fn several_contacts_and_no_name_lead_to_nobody() {
    let (world, ids) = office(&[("Mara", "Quill"), ("Theo", "Hart")]).await;
    let pushed = first_push(&world, &caller(1, 9, None)).await.unwrap();
    let contact = pushed.remote_ids.get("contact").unwrap();
    assert!(!ids.iter().any(|id| id == contact));
    let details = world.hubspot().deals()[0]
        .property("lead_intake_details")
        .to_owned();
    assert!(details.starts_with("2 other contacts have"), "{details}");
}

#[tokio::test]
async fn the_only_contact_of_a_number_takes_a_nameless_caller() {
    let (world, ids) = office(&[("Mara", "Quill")]).await;
    let pushed = first_push(&world, &caller(1, 9, None)).await.unwrap();
    assert_eq!(pushed.remote_ids.get("contact"), Some(ids[0].as_str()));
    let (world, ids) = office(&[("", "")]).await;
    let pushed = first_push(&world, &caller(1, 9, Some("Pia Lund")))
        .await
        .unwrap();
    assert_eq!(pushed.remote_ids.get("contact"), Some(ids[0].as_str()));
    assert_eq!(world.hubspot().contacts()[0].property("lastname"), "Lund");
}
