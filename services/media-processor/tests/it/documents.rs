//! The stage `documents`.

use blobs::BlobError;
use domain::{
    About, DocumentReader, DocumentReading, DocumentsSection, Outcome, Record, RequestId, Stage,
    WorkflowConfig,
};
use serde_json::json;
use simulators::{Fault, document_ai::paper};

use crate::world::World;

const CALL: &str = "processors/form-parser:process";

/// A form with a file in the field `scan`, which its sender calls a picture.
fn form(fields: &[(&str, &str)], file: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, value) in fields {
        let part =
            format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
        body.extend(part.into_bytes());
    }
    body.extend(
        b"--b\r\nContent-Disposition: form-data; name=\"scan\"; filename=\"../my scan.png\"\r\nContent-Type: image/png\r\n\r\n",
    );
    body.extend(file);
    body.extend(b"\r\n--b--\r\n");
    body
}

/// What stands on the paper: one field is hard to read.
fn scan() -> Vec<u8> {
    paper(&[
        "Full Name: Dana Ortiz",
        "Phone: (512) 555-0142",
        "E-mail: paper@example.com",
        "~ZIP: 78664",
        "Age of the roof: 20 years",
        "[x] Call me in the evening",
        "[ ] Senior discount",
    ])
}

const TYPED: [(&str, &str); 2] = [("email", "typed@example.com"), ("message", "See the scan.")];

async fn world(read_by: Option<DocumentReader>) -> World {
    let world = World::start().await;
    let mut config = WorkflowConfig::default();
    config.documents.read_by = read_by;
    world.set_up_forms(config).await;
    world
}

async fn delivered(world: &World, fields: &[(&str, &str)], file: &[u8]) -> RequestId {
    let request = world.deliver_form(form(fields, file)).await;
    assert_eq!(world.open(request).await.key.stage, Stage::Documents);
    request
}

async fn section(world: &World, request: RequestId) -> DocumentsSection {
    world.request(request).await.document.documents.unwrap()
}

/// The only one of them.
fn only<T>(files: &std::collections::BTreeMap<String, T>) -> &T {
    assert_eq!(files.len(), 1);
    files.values().next().unwrap()
}

fn reading(section: &DocumentsSection) -> &DocumentReading {
    &only(&section.files).reading
}

#[tokio::test]
async fn a_file_that_a_newer_delivery_lacks_is_kept() {
    let world = world(None).await;
    let named = [("submission_id", "s-1"), ("email", "typed@example.com")];
    let request = delivered(&world, &named, &scan()).await;
    // The same submission again, corrected and without its file, before anybody looked at the first.
    let mut again = Vec::new();
    for (name, value) in [named[0], named[1], ("message", "By Friday, please.")] {
        let part =
            format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
        again.extend(part.into_bytes());
    }
    again.extend(b"--b--\r\n");
    assert_eq!(world.deliver_form(again).await, request);
    world.step(request).await;
    let kept = section(&world, request).await;
    let name = only(&kept.files).blob.clone().unwrap();
    assert_eq!(world.blob(&name).await.unwrap(), scan());
}

#[tokio::test]
async fn another_file_in_the_same_place_is_kept_beside_the_first() {
    let world = world(None).await;
    let first = delivered(&world, &TYPED, &scan()).await;
    world.step(first).await;
    // The same words once more within minutes, with the picture that was meant.
    let meant = b"%PDF-1.7 the one that was meant".to_vec();
    assert_eq!(world.deliver_form(form(&TYPED, &meant)).await, first);
    world.step(first).await;
    let kept = section(&world, first).await;
    assert_eq!(kept.files.len(), 2, "{kept:?}");
    let mut bytes = Vec::new();
    for file in kept.files.values() {
        bytes.push(world.blob(file.blob.as_ref().unwrap()).await.unwrap());
    }
    assert!(bytes.contains(&scan()) && bytes.contains(&meant));
    // What came before comes again: it is kept already.
    assert_eq!(world.deliver_form(form(&TYPED, &scan())).await, first);
    assert_eq!(section(&world, first).await.files, kept.files);
}

#[tokio::test]
async fn a_file_is_kept_and_its_fields_fill_what_was_left_out() {
    let world = world(Some(DocumentReader::FormParser)).await;
    let request = delivered(&world, &TYPED, &scan()).await;
    let step = world.step(request).await;
    let usage = step.records.iter().map(|record| match record {
        Record::Usage(usage) => (usage.unit.as_str(), usage.amount, usage.by.as_str()),
        other => panic!("{other:?}"),
    });
    assert_eq!(
        usage.collect::<Vec<_>>(),
        [("document_pages", 1, "form_parser")]
    );

    let kept = section(&world, request).await;
    assert!(
        matches!(reading(&kept), DocumentReading::Read { pages: 1, values, .. } if values.len() == 6)
    );
    let name = only(&kept.files).blob.clone().unwrap();
    assert!(
        name.starts_with(&request.to_string()) && name.ends_with(".pdf"),
        "{name}"
    );
    assert_eq!(world.blob(&name).await.unwrap(), scan());

    let document = world.request(request).await.document;
    let facts = document.facts();
    let person = &facts.person;
    assert_eq!(
        person.email.as_deref(),
        Some("typed@example.com"),
        "typed wins"
    );
    assert_eq!(person.name.as_deref(), Some("Dana Ortiz"));
    assert_eq!(
        person.postal_code, None,
        "what is hard to read fills nothing"
    );
    let About::Form(form) = &facts.about else {
        panic!("it is a form");
    };
    assert_eq!(form.message.as_deref(), Some("See the scan."));
    assert_eq!(form.answers["Age of the roof"], "20 years");
    assert_eq!(form.answers["Call me in the evening"], "yes");
    assert_eq!(
        only(&form.documents).name.as_deref(),
        Some("../my scan.png")
    );
    let normalized = domain::Normalized::of_request(&document);
    let marks = |field: &str| {
        let found = normalized.fields.iter().find(|known| known.field == field);
        let found = found.unwrap();
        (found.from, found.is_derived, found.percent_sure)
    };
    assert_eq!(marks("phone"), ("document", true, Some(97)));
    assert_eq!(marks("first_name"), ("name", true, Some(97)));
    assert_eq!(marks("email"), ("email", false, None));

    // Nobody pays twice for what was read.
    world.replay(request, Stage::Documents).await;
    world.step(request).await;
    assert_eq!(section(&world, request).await.files, kept.files);
    assert_eq!(world.simulators.document_ai().pages_read(), 1);
}

#[tokio::test]
async fn an_extractor_reads_the_companys_own_forms() {
    let world = world(Some(DocumentReader::Extractor)).await;
    let request = delivered(&world, &TYPED, &scan()).await;
    world.step(request).await;
    let facts = world.request(request).await.document.facts();
    assert_eq!(facts.person.phone.as_deref(), Some("(512) 555-0142"));
    assert_eq!(facts.person.email.as_deref(), Some("typed@example.com"));
}

#[tokio::test]
async fn a_form_without_files_goes_nowhere_and_one_that_nobody_reads_is_kept() {
    let world = world(Some(DocumentReader::FormParser)).await;
    let plain = world.deliver_form(
        b"--b\r\nContent-Disposition: form-data; name=\"email\"\r\n\r\na@b.com\r\n--b--\r\n"
            .to_vec(),
    );
    let plain = plain.await;
    assert_eq!(world.open(plain).await.key.stage, Stage::Analysis);
    for (fields, file, expected) in [
        (
            &TYPED[..],
            b"PK an archive".to_vec(),
            DocumentReading::Unsupported,
        ),
        (
            &[TYPED[0], ("website", "https://spam.example.com")],
            scan(),
            DocumentReading::Suspected,
        ),
    ] {
        let request = delivered(&world, fields, &file).await;
        world.step(request).await;
        let kept = section(&world, request).await;
        assert_eq!(*reading(&kept), expected);
        let name = only(&kept.files).blob.clone().unwrap();
        assert_eq!(world.blob(&name).await.unwrap(), file);
    }
    assert_eq!(world.simulators.document_ai().pages_read(), 0);

    let off = self::world(None).await;
    let request = delivered(&off, &TYPED, &scan()).await;
    off.step(request).await;
    assert_eq!(
        *reading(&section(&off, request).await),
        DocumentReading::Off
    );
    assert_eq!(
        off.request(request).await.document.facts().person.name,
        None
    );
    assert!(matches!(
        off.blob("req_1.pdf").await,
        Err(BlobError::NotFound)
    ));
}

#[tokio::test]
async fn an_outage_is_waited_for_and_then_the_lead_goes_on_without() {
    let world = world(Some(DocumentReader::FormParser)).await;
    let outage = Fault::Status(503);
    world.simulators.document_ai().always_to(CALL, outage);
    let request = delivered(&world, &TYPED, &scan()).await;
    let tries = world.tries(request).await;
    assert!(tries > 5, "{tries}: the fast lane and some of the slow one");
    let kept = section(&world, request).await;
    assert!(kept.is_unread(), "{kept:?}");
    assert_eq!(world.open(request).await.key.stage, Stage::Analysis);

    // A person has it run again once the outage is over.
    world.simulators.document_ai().clear_faults();
    world.replay(request, Stage::Documents).await;
    world.step(request).await;
    assert!(!section(&world, request).await.is_unread());
}

#[tokio::test]
async fn a_file_that_is_refused_is_not_sent_again() {
    let world = world(Some(DocumentReader::FormParser)).await;
    // It begins like a picture, and is none that can be read.
    let error = json!({ "code": 400, "message": "corrupt", "status": "INVALID_ARGUMENT" });
    let refused = Fault::Answer {
        status: 400,
        retry_after_seconds: None,
        body: Some(json!({ "error": error })),
    };
    world
        .simulators
        .document_ai()
        .answer_next_to(CALL, refused, 1);
    let request = delivered(&world, &TYPED, &scan()).await;
    let step = world.step(request).await;
    assert!(
        matches!(step.outcome, Outcome::Done { .. }),
        "{:?}",
        step.outcome
    );
    let kept = section(&world, request).await;
    let failed = DocumentReading::Failed {
        reason: "corrupt".to_owned(),
    };
    assert_eq!(*reading(&kept), failed);
}
