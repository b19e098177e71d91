//! Files of forms: kept before the form is judged, and what is read of them fills gaps alone.

use std::time::Duration;

use domain::{
    About, Channel, DocumentFacts, DocumentReading, DocumentsSection, Facts, FormFacts, Normalized,
    Outcome, PersonFacts, Section, Stage, Status, WorkflowConfig, later, workflow,
};
use testkit::lead;

use crate::world::{Findings, World, change};

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

/// What was read of a file.
fn read(document: &domain::Document) -> DocumentsSection {
    let said = Facts {
        person: PersonFacts {
            name: some("Paper Name"),
            email: some("paper@example.com"),
            ..PersonFacts::default()
        },
        about: About::Form(FormFacts {
            answers: [("Age of the roof".to_owned(), "20 years".to_owned())].into(),
            ..FormFacts::default()
        }),
        ..Facts::nothing(Channel::Form)
    };
    DocumentsSection {
        said: Some(Box::new(said)),
        percent_sure: [("name".to_owned(), 97), ("email".to_owned(), 91)].into(),
        ..lead::kept(document)
    }
}

/// A form with a file, of somebody who left out the e-mail address.
fn form(world: &mut World) -> domain::RequestId {
    let news = world.edit(|facts| {
        facts.about = lead::news(Channel::Form).facts.about;
        facts.person.name = some("Ann Lee");
    });
    world.receive(Ok(news))
}

#[test]
fn what_is_read_fills_what_the_person_left_out_and_nothing_else() {
    let mut world = World::of(Channel::Form);
    let id = form(&mut world);
    assert_eq!(world.open(id), [Stage::Documents], "the form waits for it");
    let job = world.claim(id, Stage::Documents);
    let section = read(world.document(id));
    let outcome = Outcome::done(Section::Documents(Box::new(section)));
    world.settle(&job, outcome).unwrap();
    assert_eq!(world.open(id), [Stage::Analysis]);

    let document = world.document(id);
    let facts = document.facts();
    assert_eq!(facts.person.name, some("Ann Lee"), "typed");
    assert_eq!(facts.person.email, some("paper@example.com"), "read");
    let normalized = Normalized::of_request(document);
    let marks = |field: &str| {
        let found = normalized.fields.iter().find(|known| known.field == field);
        let found = found.unwrap();
        (found.from, found.is_derived, found.percent_sure)
    };
    assert_eq!(marks("email"), ("document", true, Some(91)));
    assert_eq!(marks("name"), ("name", false, None));
    let About::Form(form) = &facts.about else {
        panic!("it is a form");
    };
    assert_eq!(form.answers["Age of the roof"], "20 years");
}

#[test]
fn a_form_without_files_is_judged_at_once() {
    let mut world = World::of(Channel::Form);
    let id = world.lead();
    assert_eq!(world.open(id), [Stage::Analysis]);
    world.replay(id, Stage::Documents).unwrap();
    assert_eq!(
        world.open(id),
        [Stage::Analysis],
        "there is nothing to keep"
    );
}

#[test]
fn another_file_is_kept_and_what_it_says_is_judged_anew() {
    let mut world = World::of(Channel::Form);
    let id = form(&mut world);
    world.drain(&Findings::default());
    let file = DocumentFacts {
        field: "plan".to_owned(),
        name: None,
        kind: "application/pdf".to_owned(),
        bytes: 7,
        sha256: "6f".repeat(32),
    };
    let later_form = world.edit(|facts| {
        let About::Form(form) = &mut facts.about else {
            panic!("it is a form");
        };
        form.documents.insert("part-9".to_owned(), file.clone());
    });
    world.event(id, &later_form);
    assert!(world.open(id).contains(&Stage::Documents));
    let job = world.claim(id, Stage::Documents);
    let section = read(world.document(id));
    assert!(
        section
            .files
            .values()
            .all(|file| file.reading == DocumentReading::Off)
    );
    world
        .settle(&job, Outcome::done(Section::Documents(Box::new(section))))
        .unwrap();
    assert!(
        world.open(id).contains(&Stage::Analysis),
        "its words are new"
    );
    world.drain(&Findings::default());
    assert_eq!(world.status(id), Status::Completed);
}

#[test]
fn texts_are_judged_once_after_a_pause() {
    let config = WorkflowConfig::default();
    let mut world = World::of(Channel::Text);
    let id = world.lead();
    let until =
        |world: &World| workflow::pause(world.document(id), Stage::Analysis, &config, world.now);
    let quiet = Duration::from_secs(config.texts.quiet_seconds);
    assert_eq!(until(&world), Some(later(world.now, quiet)));
    for number in 1..=3 {
        world.now = later(world.now, quiet / 2);
        world.event(id, &world.edit(|facts| change(&mut facts.about, number)));
        assert_eq!(until(&world), Some(later(world.now, quiet)));
    }
    world.now = later(world.now, quiet);
    assert_eq!(until(&world), None);
    world.drain(&Findings::default());
    assert_eq!(world.status(id), Status::Completed);
    assert_eq!(world.document(id).talk, None, "all of it is judged");
    // However long they write, it is judged in the end.
    world.event(id, &world.edit(|facts| change(&mut facts.about, 4)));
    let began = world.now;
    let longest = later(began, Duration::from_secs(config.texts.longest_seconds));
    let mut number = 4;
    while let Some(ends) = until(&world) {
        assert!(ends <= longest);
        number += 1;
        world.now = later(world.now, quiet / 2);
        world.event(id, &world.edit(|facts| change(&mut facts.about, number)));
    }
    assert!(world.now >= longest);
}
