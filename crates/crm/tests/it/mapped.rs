//! What a mapping does to a record that is there.

use crm::{
    CONNECTORS, Known, Mapping,
    contract::{Bench as _, push_mapped},
};
use domain::{Brief, Channel};
use serde_json::{Value, json};

use crate::world::{World, brief};

fn mapping(fields: &Value) -> Mapping {
    let json = json!({ "fields": { "contacts": fields } });
    Mapping::read(CONNECTORS[0].mapping, &json).unwrap()
}

#[tokio::test]
async fn what_a_person_wrote_stays_unless_the_mapping_says_always() {
    let world = World::start().await;
    world.hubspot().add_property("contacts", "their_town", &[]);
    let lead = brief(Channel::Phone);
    let email = lead.email.as_ref().unwrap().as_str();
    let theirs = [("email", email), ("their_town", "Pflugerville")];
    world.hubspot().add_contact(&theirs);
    for (write, expected) in [("if_empty", "Pflugerville"), ("always", "Round Rock")] {
        let mapping =
            mapping(&json!({ "their_town": { "from": "property.city", "write": write } }));
        push_mapped(&world, &lead, &mapping, &Known::default())
            .await
            .unwrap();
        let contacts = world.hubspot().contacts();
        assert_eq!(contacts.len(), 1);
        assert_eq!(contacts[0].property("their_town"), expected, "{write}");
    }
}

#[tokio::test]
async fn a_name_that_a_mapping_writes_whole_does_not_double() {
    for (field, first, last) in [("firstname", "Ann", "Lee"), ("lastname", "", "Ann Lee")] {
        let world = World::start().await;
        let mapping = mapping(&json!({ field: "contact.name" }));
        for _ in 0..2 {
            push_mapped(&world, &brief(Channel::Phone), &mapping, &Known::default())
                .await
                .unwrap();
        }
        let contact = &world.hubspot().contacts()[0];
        let name = ["firstname", "lastname"].map(|name| contact.property(name));
        assert_eq!(name, [first, last], "{field}");
    }
}

#[tokio::test]
async fn a_contact_whose_names_a_mapping_takes_away_is_still_taken() {
    let world = World::start().await;
    let nameless = Brief {
        email: None,
        ..brief(Channel::Phone)
    };
    let mapping = mapping(&json!({ "firstname": null, "lastname": null }));
    push_mapped(&world, &nameless, &mapping, &Known::default())
        .await
        .unwrap();
    let contact = &world.hubspot().contacts()[0];
    assert_eq!(contact.property("lastname"), "Unknown person");
}

#[tokio::test]
async fn a_mapped_choice_is_written_as_the_crm_spells_it() {
    let world = World::start().await;
    let options = ["Kitchen remodel", "- other -"];
    world
        .hubspot()
        .add_property("contacts", "their_kind", &options);
    for (said, expected) in [
        ("kitchen REMODEL", "Kitchen remodel"),
        ("- other -", "- other -"),
    ] {
        let rule = json!({ "their_kind": { "value": said, "write": "always" } });
        push_mapped(
            &world,
            &brief(Channel::Phone),
            &mapping(&rule),
            &Known::default(),
        )
        .await
        .unwrap();
        let contact = &world.hubspot().contacts()[0];
        assert_eq!(contact.property("their_kind"), expected);
    }
}

#[tokio::test]
async fn a_number_in_another_form_is_the_same_number() {
    let world = World::start().await;
    let lead = brief(Channel::Phone);
    let national = json!({ "from": "contact.phone", "then": [{ "phone": "national" }] });
    let mapping = mapping(&json!({ "phone": national, "city": null }));
    for _ in 0..2 {
        push_mapped(&world, &lead, &mapping, &Known::default())
            .await
            .unwrap();
    }
    let contacts = world.hubspot().contacts();
    assert_eq!(contacts.len(), 1);
    assert_eq!(contacts[0].property("phone"), "(512) 555-0142");
    assert_eq!(contacts[0].property("mobilephone"), "");
    assert_eq!(contacts[0].property("city"), "", "taken away");
    assert_eq!(contacts[0].property("zip"), "78664", "as usual");
}
