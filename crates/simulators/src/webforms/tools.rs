//! What is posted when somebody sends a form: by a browser, by a page's script, or by the tool that made the form.
//!
//! Source: the tools' own documents and samples where they are public (Typeform, Webflow, Gravity Forms' entry object),
//! bodies that others published (Jotform, Elementor, Contact Form 7). UNCONFIRMED: which fields beside the form's own
//! each version sends.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use url::form_urlencoded::Serializer;

/// How a form is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tool {
    /// A page's own script.
    Json,
    /// A browser, a plain form.
    Urlencoded,
    /// A browser, a form with files.
    Multipart,
    /// Contact Form 7, as its page posts it.
    #[serde(rename = "contact-form-7")]
    ContactForm7,
    /// Gravity Forms' add-on for webhooks, all fields.
    GravityForms,
    /// Elementor's action "Webhook", with all its data.
    Elementor,
    /// A webhook of a Webflow site.
    Webflow,
    /// A webhook of Typeform.
    Typeform,
    /// A webhook of Jotform.
    Jotform,
}

/// What somebody enters.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Wanted {
    /// How the form is sent.
    pub tool: Tool,
    /// The first name.
    pub first_name: String,
    /// The last name.
    pub last_name: String,
    /// The e-mail address.
    pub email: String,
    /// The telephone number.
    pub phone: String,
    /// The ZIP code.
    pub zip: String,
    /// What is to be done.
    pub project: String,
    /// The person's own words.
    pub message: String,
    /// The field that nobody sees.
    pub trap: String,
    /// The name of the field with a bot check's token.
    pub check: String,
    /// The token.
    pub token: String,
    /// The file of a form that takes one.
    pub photo: Vec<u8>,
}

impl Default for Wanted {
    fn default() -> Self {
        let text = str::to_owned;
        Self {
            tool: Tool::Json,
            first_name: text("Dana"),
            last_name: text("Whitfield"),
            email: text("dana.whitfield@example.com"),
            phone: text("(512) 555-0142"),
            zip: text("78664"),
            project: text("Kitchen"),
            message: text(
                "We want to open the wall to the dining room of our 200 sq ft kitchen. Our budget is around $50k.",
            ),
            trap: String::new(),
            check: text("cf-turnstile-response"),
            token: String::new(),
            photo: b"\xff\xd8\xff\xe0\x00\x10JFIF\x00 a small picture of a kitchen".to_vec(),
        }
    }
}

/// A post as it leaves.
#[derive(Debug, Clone)]
pub(super) struct Post {
    pub(super) content_type: &'static str,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Vec<u8>,
}

const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";
const BROWSER_PARTS: &str = "multipart/form-data; boundary=----WebKitFormBoundary7MA4YWxkTrZu0gW";
const JOTFORM_PARTS: &str =
    "multipart/form-data; boundary=------------------------d74496d66958873e";

/// The page that the form is on.
const PAGE: &str = "https://www.remodel.example.com/quote";

impl Tool {
    /// Whether it names its submissions by ids of its own.
    pub(super) const fn has_ids(self) -> bool {
        matches!(self, Self::Webflow | Self::Typeform | Self::Jotform)
    }

    /// Whether a person's browser posts, so that the page's origin comes with it.
    pub(super) const fn is_browser(self) -> bool {
        matches!(self, Self::Json | Self::Urlencoded | Self::Multipart)
    }

    /// The post of a form. `id` names the submission where the tool does.
    pub(super) fn post(self, wanted: &Wanted, id: &str, key: &str, at: Timestamp) -> Post {
        let post = |content_type, body| Post {
            content_type,
            headers: Vec::new(),
            body,
        };
        match self {
            Self::Json => post(JSON, script(wanted).to_string().into_bytes()),
            Self::Urlencoded => post(FORM, browser(wanted)),
            Self::Multipart => post(BROWSER_PARTS, parts(wanted)),
            Self::ContactForm7 => post(FORM, contact_form_7(wanted)),
            Self::GravityForms => post(JSON, gravity(wanted, at).to_string().into_bytes()),
            Self::Elementor => post(FORM, elementor(wanted)),
            Self::Webflow => post(JSON, webflow(wanted, id, at).to_string().into_bytes()),
            Self::Typeform => {
                let body = typeform(wanted, id, at).to_string().into_bytes();
                let key = hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes());
                let signature = STANDARD.encode(hmac::sign(&key, &body));
                Post {
                    content_type: JSON,
                    headers: vec![("typeform-signature", format!("sha256={signature}"))],
                    body,
                }
            }
            Self::Jotform => post(JOTFORM_PARTS, jotform(wanted, id)),
        }
    }
}

fn full_name(wanted: &Wanted) -> String {
    format!("{} {}", wanted.first_name, wanted.last_name)
}

fn script(wanted: &Wanted) -> Value {
    let mut body = json!({
        "form_id": "kitchen-quote", "name": full_name(wanted), "email": wanted.email, "phone": wanted.phone,
        "zip": wanted.zip, "project_type": wanted.project, "message": wanted.message,
        "consent": { "sms": true, "email": true, "text_version": "2026-01" },
        "page": { "url": PAGE, "referrer": "https://www.google.com/", "utm_source": "google", "utm_medium": "cpc" },
        "website": wanted.trap,
    });
    if !wanted.token.is_empty() {
        body[&wanted.check] = json!(wanted.token);
    }
    body
}

/// The fields of a plain form, in their order.
fn entered(wanted: &Wanted) -> Vec<(String, String)> {
    let name = full_name(wanted);
    let mut fields: Vec<_> = [
        ("form_id", "kitchen-quote"),
        ("name", &name),
        ("email", &wanted.email),
        ("phone", &wanted.phone),
        ("zip", &wanted.zip),
        ("project_type", &wanted.project),
        ("message", &wanted.message),
        ("website", &wanted.trap),
        ("page_url", PAGE),
        ("utm_source", "google"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    if !wanted.token.is_empty() {
        fields.push((wanted.check.clone(), wanted.token.clone()));
    }
    fields
}

fn browser(wanted: &Wanted) -> Vec<u8> {
    let mut form = Serializer::new(String::new());
    form.extend_pairs(entered(wanted));
    form.finish().into_bytes()
}

/// A part of a multipart form; `file` is its name and type.
fn part(boundary: &str, name: &str, file: Option<(&str, &str)>, content: &[u8]) -> Vec<u8> {
    let mut head = format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"");
    if let Some((name, kind)) = file {
        head.push_str(&format!("; filename=\"{name}\"\r\nContent-Type: {kind}"));
    }
    head.push_str("\r\n\r\n");
    [head.as_bytes(), content, b"\r\n"].concat()
}

fn parts(wanted: &Wanted) -> Vec<u8> {
    const BOUNDARY: &str = "----WebKitFormBoundary7MA4YWxkTrZu0gW";
    let mut body = Vec::new();
    for (name, value) in entered(wanted) {
        body.extend(part(BOUNDARY, &name, None, value.as_bytes()));
    }
    let file = Some(("kitchen.jpg", "image/jpeg"));
    body.extend(part(BOUNDARY, "photo", file, &wanted.photo));
    body.extend(format!("--{BOUNDARY}--\r\n").into_bytes());
    body
}

fn contact_form_7(wanted: &Wanted) -> Vec<u8> {
    Serializer::new(String::new())
        .append_pair("_wpcf7", "1234")
        .append_pair("_wpcf7_version", "6.0")
        .append_pair("_wpcf7_locale", "en_US")
        .append_pair("_wpcf7_unit_tag", "wpcf7-f1234-p9-o1")
        .append_pair("your-name", &full_name(wanted))
        .append_pair("your-email", &wanted.email)
        .append_pair("your-phone", &wanted.phone)
        .append_pair("your-zip", &wanted.zip)
        .append_pair("services[]", &wanted.project)
        .append_pair("services[]", "Flooring")
        .append_pair("your-message", &wanted.message)
        .finish()
        .into_bytes()
}

fn gravity(wanted: &Wanted, at: Timestamp) -> Value {
    json!({
        "id": "4711", "form_id": "3", "post_id": null, "date_created": at.strftime("%Y-%m-%d %H:%M:%S").to_string(),
        "is_starred": "0", "is_read": "0", "ip": "192.0.2.9", "source_url": PAGE, "user_agent": "Mozilla/5.0",
        "currency": "USD", "payment_status": null, "status": "active", "created_by": null,
        "1.3": wanted.first_name, "1.6": wanted.last_name, "2": wanted.email, "3": wanted.phone,
        "4.1": "1204 Cedar Bend", "4.3": "Round Rock", "4.4": "TX", "4.5": wanted.zip, "5": wanted.message,
    })
}

fn elementor(wanted: &Wanted) -> Vec<u8> {
    let mut form = Serializer::new(String::new());
    form.append_pair("form[id]", "7f3c2b1")
        .append_pair("form[name]", "Quote");
    let name = full_name(wanted);
    for (id, kind, title, value) in [
        ("name", "text", "Name", &name),
        ("email", "email", "Email", &wanted.email),
        ("phone", "tel", "Phone", &wanted.phone),
        ("zip", "text", "ZIP", &wanted.zip),
        ("message", "textarea", "Message", &wanted.message),
    ] {
        for (part, value) in [
            ("id", id),
            ("type", kind),
            ("title", title),
            ("value", value),
            ("raw_value", value),
            ("required", "0"),
        ] {
            form.append_pair(&format!("fields[{id}][{part}]"), value);
        }
    }
    form.append_pair("meta[page_url][title]", "Page URL")
        .append_pair("meta[page_url][value]", PAGE)
        .append_pair("meta[remote_ip][title]", "Remote IP")
        .append_pair("meta[remote_ip][value]", "192.0.2.9")
        .append_pair("meta[credit][title]", "Powered by")
        .append_pair("meta[credit][value]", "Elementor");
    form.finish().into_bytes()
}

fn webflow(wanted: &Wanted, id: &str, at: Timestamp) -> Value {
    json!({
        "triggerType": "form_submission",
        "payload": {
            "name": "Quote form", "siteId": "65427cf400e02b306eaa049c",
            "data": {
                "Name": full_name(wanted), "Email": wanted.email, "Phone Number": wanted.phone, "ZIP": wanted.zip,
                "Project Details": wanted.message,
            },
            "schema": [], "submittedAt": at, "id": id, "formId": "65429eadebe8a9f3a30f62d0",
            "formElementId": "4e038d2c-6a1e-4953-7be9-a59a2b453177",
        },
    })
}

fn typeform(wanted: &Wanted, id: &str, at: Timestamp) -> Value {
    let questions = [
        ("DlXFaesGBpoF", "short_text", "name", "What is your name?"),
        (
            "SMEUb7VJz92Q",
            "email",
            "mail",
            "Where can we write to you?",
        ),
        ("RUqkXSeXBXSd", "phone_number", "phone", "Your number"),
        ("k6TP9oLGgHjl", "multiple_choice", "rooms", "Which rooms?"),
        (
            "JFZ3Rm2Q7nhC",
            "long_text",
            "message",
            "What are your plans?",
        ),
    ];
    let fields: Vec<_> = questions
        .iter()
        .map(|(id, kind, name, title)| json!({ "id": id, "title": title, "type": kind, "ref": name }))
        .collect();
    let answers = [
        ("text", json!(full_name(wanted))),
        ("email", json!(wanted.email)),
        ("phone_number", json!(wanted.phone)),
        ("choices", json!({ "labels": [wanted.project, "Flooring"] })),
        ("text", json!(wanted.message)),
    ];
    let answers: Vec<_> = answers
        .into_iter()
        .zip(questions)
        .map(|((kind, value), (id, field, name, _))| {
            let mut answer =
                json!({ "type": kind, "field": { "id": id, "type": field, "ref": name } });
            answer[kind] = value;
            answer
        })
        .collect();
    json!({
        "event_id": "01JD0A7Z5W4Q9N", "event_type": "form_response",
        "form_response": {
            "form_id": "lT4Z3j", "token": id, "landed_at": at, "submitted_at": at,
            "hidden": { "utm_source": "newsletter" },
            "definition": { "id": "lT4Z3j", "title": "Quote", "fields": fields },
            "answers": answers,
        },
    })
}

fn jotform(wanted: &Wanted, id: &str) -> Vec<u8> {
    const BOUNDARY: &str = "------------------------d74496d66958873e";
    let raw = json!({
        "slug": "submit/232043218765432", "jsExecutionTracker": "build-date=>init", "buildDate": "1773758100000",
        "q3_fullName3": { "first": wanted.first_name, "last": wanted.last_name },
        "q4_email4": wanted.email,
        "q5_phoneNumber5": { "full": wanted.phone },
        "q6_address6": {
            "addr_line1": "1204 Cedar Bend", "addr_line2": "", "city": "Round Rock", "state": "TX", "postal": wanted.zip,
        },
        "q7_services": [wanted.project, "Flooring"],
        "q8_message": wanted.message,
        "event_id": "1773758100000_232043218765432_AbCdEfG",
    });
    let pretty = format!("Full Name:{}, Email:{}", full_name(wanted), wanted.email);
    let raw = raw.to_string();
    let mut body = Vec::new();
    for (name, value) in [
        ("action", ""),
        ("webhookURL", "https://leads.example.com/"),
        ("username", "remodel"),
        ("formID", "232043218765432"),
        ("type", "WEB"),
        ("formTitle", "Quote"),
        ("submissionID", id),
        ("ip", "192.0.2.9"),
        ("pretty", &pretty),
        ("rawRequest", &raw),
    ] {
        body.extend(part(BOUNDARY, name, None, value.as_bytes()));
    }
    body.extend(format!("--{BOUNDARY}--\r\n").into_bytes());
    body
}
