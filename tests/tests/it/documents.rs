//! Files of forms: from a visitor's upload over Document AI to CRM and mail, and back out through the API.

use domain::{DocumentReader, RequestId, Status};
use http::StatusCode;
use serde_json::json;
use simulators::{
    document_ai::paper,
    webforms::{Tool, Wanted},
};
use tests::{Form, World, in_both_forms};

in_both_forms![what_stands_in_a_file_fills_the_form_and_reaches_crm_and_mail];

async fn read_by(world: &World, reader: DocumentReader) {
    for mut office in world.store.offices(&world.tenant()).await.unwrap() {
        office.config.documents.read_by = Some(reader);
        world.store.put_office(&office).await.unwrap();
    }
}

/// The newest of so many requests, once they are there.
async fn newest_of(world: &World, count: usize) -> RequestId {
    let list = async || {
        let answer = world.get("/v1/tenants/tenant_demo/requests").await;
        answer.body["items"].as_array().cloned().unwrap_or_default()
    };
    world
        .eventually("the lead arrives", async || list().await.len() >= count)
        .await;
    list().await[0]["request_id"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap()
}

async fn what_stands_in_a_file_fills_the_form_and_reaches_crm_and_mail(form: Form) {
    let world = World::of(form).await;
    read_by(&world, DocumentReader::FormParser).await;
    let document_ai = world.simulators().document_ai();
    let website = world.simulators().webforms();
    let scan = paper(&[
        "Phone: (512) 555-0171",
        "E-mail: paper@example.com",
        "ZIP: 78664",
        "Age of the kitchen: 31 years",
    ]);
    // The page says that it is a picture; its bytes say what it is.
    let told = website.submit(Wanted {
        tool: Tool::Multipart,
        phone: String::new(),
        zip: String::new(),
        photo: scan.clone(),
        ..Wanted::default()
    });
    assert!(told.await.status < 400);
    let request = newest_of(&world, 1).await;
    world.becomes(request, Status::Completed).await;
    let shown = world.shown(request).await;
    assert_eq!(shown["contact"]["phone"], "+15125550171");
    assert_eq!(shown["contact"]["email"], "dana.whitfield@example.com");
    assert_eq!(shown["contact"]["state"], "TX", "{}", shown["contact"]);
    assert_eq!(shown["about"]["answers"]["Age of the kitchen"], "31 years");
    let fields = shown["normalized"]["fields"].as_array().unwrap();
    let phone = fields
        .iter()
        .find(|field| field["field"] == "phone")
        .unwrap();
    assert_eq!(
        (&phone["from"], &phone["is_derived"], &phone["percent_sure"]),
        (&json!("document"), &json!(true), &json!(97))
    );
    let documents = shown["documents"].as_object().unwrap();
    let (name, file) = documents.iter().next().unwrap();
    assert_eq!(documents.len(), 1);
    assert_eq!(file["kind"], "application/pdf");
    assert_eq!(file["name"], "kitchen.jpg");
    assert_eq!(file["reading"]["state"], "read");
    assert_eq!(document_ai.pages_read(), 1);

    // Its text reached both.
    let contacts = serde_json::to_string(&world.simulators().hubspot().contacts()).unwrap();
    assert!(contacts.contains("5550171"), "{contacts}");
    let mails = world.simulators().sendgrid().mails();
    assert_eq!(mails.len(), 1);
    let mail = format!("{:?}", mails[0]);
    assert!(
        mail.contains("31 years") && mail.contains("5550171"),
        "{mail}"
    );

    // Whoever may, saves it; no browser shows it.
    let path = format!("/v1/tenants/tenant_demo/requests/{request}/documents/{name}");
    let (status, headers, bytes) = world.download(&path).await;
    assert_eq!((status, bytes), (StatusCode::OK, scan));
    assert_eq!(
        headers["content-disposition"],
        "attachment; filename=\"kitchen.pdf\""
    );
    assert_eq!(headers["content-type"], "application/pdf");
    assert_eq!(headers["x-content-type-options"], "nosniff");
    let (status, ..) = world.download(&format!("{path}0")).await;
    assert_eq!(status, StatusCode::NOT_FOUND);

    // A structured form costs nothing.
    let told = website.submit(Wanted {
        email: "ada.fenn@example.com".to_owned(),
        ..Wanted::default()
    });
    assert!(told.await.status < 400);
    let plain = newest_of(&world, 2).await;
    world.becomes(plain, Status::Completed).await;
    assert_eq!(world.shown(plain).await["documents"], json!(null));
    assert_eq!(document_ai.pages_read(), 1);
    world.finish().await;
}
