//! Google's Document AI: a form parser and a custom extractor.
//!
//! - Auth: a bearer token. 401 `UNAUTHENTICATED` without a good one.
//! - `processors/{id}:process`, or `…/processorVersions/{version}:process`, with a `rawDocument`. The processors are
//!   `form-parser` and `extractor`; others are not found.
//! - It reads PDFs whose text is not compressed ([`paper`] makes such), a line for each text that is shown. `Label: value` is
//!   a field, `[x] label` and `[ ] label` are boxes. What begins with `~` is hard to read, so its confidence is low. Photos
//!   are taken, and nothing stands in them.
//! - The form parser answers `pages[].formFields`, and e-mail addresses and numbers of the whole text as `entities`; the
//!   extractor answers the fields as `entities`.
//! - Of the answer only what `fieldMask` names is sent.
//!
//! Source: Document AI v1 reference and "Form Parser" (read 2026-11). UNCONFIRMED: the exact messages of errors, and 15
//! pages at most, 30 with `imagelessMode`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::config::{ProviderConfig, Setup};
use crate::control::{self, Page};
use crate::extract::{Authorized, JsonBody, Path};
use crate::google;
use crate::provider::{Provider, Shared};
use crate::{SimulatorSpec, Simulators};

/// The simulator's line in the table.
pub(crate) const SPEC: SimulatorSpec = SimulatorSpec {
    slug: DocumentAi::SLUG,
    name: "Document AI",
    setting: Some("DOCUMENT_AI_BASE_URL"),
    is_cloud_only: false,
    has_view: false,
    is_google: true,
    credential: google::TOKEN,
    webhook_key_setting: None,
    demo: None,
    start: control::start::<DocumentAi>,
};

/// The handle of the simulated Document AI.
pub type Simulator = control::Simulator<DocumentAi>;

impl Simulators {
    /// The simulated Document AI.
    pub fn document_ai(&self) -> &Simulator {
        self.get()
    }
}

/// The simulated form parser.
pub const FORM_PARSER: &str = "projects/simulated-project/locations/us/processors/form-parser";
/// The simulated extractor.
pub const EXTRACTOR: &str = "projects/simulated-project/locations/us/processors/extractor";

const MAX_BYTES: usize = 40 * 1024 * 1024;
const MAX_PAGES: usize = 15;
const MAX_PAGES_IMAGELESS: usize = 30;
const KINDS: [(&str, &[u8]); 7] = [
    ("application/pdf", b"%PDF-"),
    ("image/bmp", b"BM"),
    ("image/gif", b"GIF8"),
    ("image/jpeg", b"\xff\xd8\xff"),
    ("image/png", b"\x89PNG"),
    ("image/tiff", b""),
    ("image/webp", b"RIFF"),
];

/// How the simulated Document AI behaves.
#[derive(Debug, Clone)]
pub struct Config {
    /// The bearer tokens that are accepted.
    pub tokens: Vec<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            tokens: vec![google::TOKEN.to_owned()],
        }
    }
}

impl ProviderConfig for Config {}

/// The state of the simulated Document AI.
pub struct DocumentAi {
    config: Config,
    pages_read: AtomicU64,
}

impl Provider for DocumentAi {
    const SLUG: &'static str = "document_ai";
    const BODY_LIMIT_BYTES: usize = 60 * 1024 * 1024;

    type Config = Config;
    type Caller = ();

    fn new(config: Config, _setup: &Setup) -> Self {
        Self {
            config,
            pages_read: AtomicU64::new(0),
        }
    }

    fn routes() -> Router<Arc<Shared<Self>>> {
        const PROCESSORS: &str = "/v1/projects/{project}/locations/{location}/processors";
        Router::new()
            .route(&format!("{PROCESSORS}/{{call}}"), post(process))
            .route(
                &format!("{PROCESSORS}/{{processor}}/processorVersions/{{call}}"),
                post(process_by_version),
            )
    }

    fn authorize(sim: &Shared<Self>, request: &Parts) -> Result<(), Response> {
        google::authorize(request, &sim.provider.config.tokens, &[])
    }

    fn error(status: StatusCode, message: &str) -> Response {
        google::error(status, message)
    }

    fn usual_message(status: StatusCode) -> &'static str {
        google::usual_message(status)
    }

    fn bad_json(reason: &str) -> Response {
        google::bad_json(reason)
    }

    fn view(sim: &Shared<Self>, _page: &Page) -> Value {
        json!({ "pages_read": sim.provider.pages_read.load(Ordering::Relaxed) })
    }
}

impl Simulator {
    /// How many pages were read, and would be charged for.
    pub fn pages_read(&self) -> u64 {
        self.shared.provider.pages_read.load(Ordering::Relaxed)
    }
}

type Sim = State<Arc<Shared<DocumentAi>>>;

async fn process(
    State(sim): Sim,
    _: Authorized<DocumentAi>,
    Path((_, _, call)): Path<(String, String, String)>,
    JsonBody(body): JsonBody<Value>,
) -> Result<Response, Response> {
    match call.split_once(':') {
        Some((processor, "process")) => answer(&sim, processor, &body),
        _ => Err(DocumentAi::refuse(StatusCode::NOT_FOUND)),
    }
}

async fn process_by_version(
    State(sim): Sim,
    _: Authorized<DocumentAi>,
    Path((_, _, processor, call)): Path<(String, String, String, String)>,
    JsonBody(body): JsonBody<Value>,
) -> Result<Response, Response> {
    match call.split_once(':') {
        Some((_, "process")) => answer(&sim, &processor, &body),
        _ => Err(DocumentAi::refuse(StatusCode::NOT_FOUND)),
    }
}

fn answer(sim: &Shared<DocumentAi>, processor: &str, body: &Value) -> Result<Response, Response> {
    let is_extractor = match processor {
        "form-parser" => false,
        "extractor" => true,
        other => {
            let message = format!("Processor with id '{other}' not found.");
            return Err(google::error(StatusCode::NOT_FOUND, &message));
        }
    };
    const KNOWN: [&str; 9] = [
        "rawDocument",
        "gcsDocument",
        "inlineDocument",
        "skipHumanReview",
        "imagelessMode",
        "fieldMask",
        "processOptions",
        "labels",
        "name",
    ];
    let members = body.as_object().into_iter().flatten();
    if let Some((name, _)) = members
        .into_iter()
        .find(|(name, _)| !KNOWN.contains(&name.as_str()))
    {
        let reason = format!("Unknown name \"{name}\": Cannot find field.");
        return Err(google::bad_json(&reason));
    }
    let content = content(&body["rawDocument"])?;
    let lines = lines(&content);
    let pages = pages(&content);
    let max_pages = match body["imagelessMode"].as_bool() {
        Some(true) => MAX_PAGES_IMAGELESS,
        _ => MAX_PAGES,
    };
    if pages > max_pages {
        let message = format!(
            "Document pages exceed the limit: {max_pages} got {pages}. Try using imageless mode to increase the limit, \
             or batch processing."
        );
        return Err(google::invalid(&message));
    }
    let count = u64::try_from(pages).unwrap_or(u64::MAX);
    sim.provider.pages_read.fetch_add(count, Ordering::Relaxed);
    let whole = Paper::of(&lines).document(is_extractor, pages, &body["rawDocument"]["mimeType"]);
    let document = masked(whole, body["fieldMask"].as_str());
    Ok(Json(json!({ "document": document })).into_response())
}

/// The bytes of a raw document.
fn content(raw: &Value) -> Result<Vec<u8>, Response> {
    let Some(content) = raw["content"]
        .as_str()
        .filter(|content| !content.is_empty())
    else {
        return Err(google::invalid(
            "Request contains an invalid argument: no document.",
        ));
    };
    let content = STANDARD
        .decode(content)
        .map_err(|_| google::invalid("Invalid value at 'raw_document.content' (TYPE_BYTES)"))?;
    if content.len() > MAX_BYTES {
        return Err(google::invalid("Document size exceeds the limit: 40 MB."));
    }
    let kind = raw["mimeType"].as_str().unwrap_or_default();
    let Some((_, sign)) = KINDS.iter().find(|(known, _)| *known == kind) else {
        return Err(google::invalid(&format!(
            "Unsupported input file format: {kind}."
        )));
    };
    if !content.starts_with(sign) {
        return Err(google::invalid(
            "Unable to process document: the file is corrupt.",
        ));
    }
    Ok(content)
}

/// How many pages a PDF says that it has; a photo is one.
fn pages(content: &[u8]) -> usize {
    let text = String::from_utf8_lossy(content);
    text.matches("/Type /Page ").count().max(1)
}

/// The texts that a PDF shows, in order: `(…) Tj`.
fn lines(content: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(content);
    let mut lines = Vec::new();
    let mut rest: &str = &text;
    while let Some((before, after)) = rest.split_once(") Tj") {
        let shown = before.rsplit_once('\n').map_or(before, |(_, last)| last);
        if let Some((_, shown)) = shown.split_once('(') {
            let plain = shown
                .replace("\\(", "(")
                .replace("\\)", ")")
                .replace("\\\\", "\\");
            lines.push(plain);
        }
        rest = after;
    }
    lines
}

/// A PDF of one page on which these lines stand.
pub fn paper(lines: &[&str]) -> Vec<u8> {
    let mut shown = String::from("BT /F1 12 Tf 14 TL 72 720 Td\n");
    for line in lines {
        let safe = line
            .replace('\\', "\\\\")
            .replace('(', "\\(")
            .replace(')', "\\)");
        shown.push_str(&format!("({safe}) Tj T*\n"));
    }
    shown.push_str("ET");
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>"
            .to_owned(),
        format!("<< /Length {} >>\nstream\n{shown}\nendstream", shown.len()),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>".to_owned(),
    ];
    let mut pdf = String::from("%PDF-1.4\n");
    let mut offsets = Vec::new();
    for (number, object) in (1..).zip(&objects) {
        offsets.push(pdf.len());
        pdf.push_str(&format!("{number} 0 obj\n{object}\nendobj\n"));
    }
    let xref = pdf.len();
    pdf.push_str(&format!(
        "xref\n0 {}\n0000000000 65535 f \n",
        objects.len() + 1
    ));
    for offset in offsets {
        pdf.push_str(&format!("{offset:010} 00000 n \n"));
    }
    pdf.push_str(&format!(
        "trailer\n<< /Size {} /Root 1 0 R >>\nstartxref\n{xref}\n%%EOF\n",
        objects.len() + 1
    ));
    pdf.into_bytes()
}

/// A field of a paper, by characters of the text.
struct PaperField {
    name: (usize, usize),
    value: (usize, usize),
    label: String,
    words: String,
    confidence: f64,
    /// Whether it is a box, and whether that is ticked.
    ticked: Option<bool>,
}

struct Paper {
    text: String,
    fields: Vec<PaperField>,
}

impl Paper {
    fn of(lines: &[String]) -> Self {
        let mut text = String::new();
        let mut fields = Vec::new();
        for line in lines {
            let (line, confidence) = match line.strip_prefix('~') {
                Some(faint) => (faint, 0.31),
                None => (line.as_str(), 0.97),
            };
            let start = text.chars().count();
            text.push_str(line);
            text.push('\n');
            let length = |part: &str| part.chars().count();
            let boxes = [("[x] ", true), ("[ ] ", false)];
            let ticked = boxes
                .iter()
                .find_map(|(mark, is_ticked)| Some((line.strip_prefix(mark)?, *is_ticked)));
            if let Some((label, is_ticked)) = ticked {
                fields.push(PaperField {
                    name: (start + 4, start + 4 + length(label)),
                    value: (start, start),
                    label: label.to_owned(),
                    words: String::new(),
                    confidence,
                    ticked: Some(is_ticked),
                });
            } else if let Some((label, words)) = line.split_once(':') {
                let name_end = start + length(label) + 1;
                fields.push(PaperField {
                    name: (start, name_end),
                    value: (name_end, start + length(line)),
                    label: label.to_owned(),
                    words: words.trim().to_owned(),
                    confidence,
                    ticked: None,
                });
            }
        }
        Self { text, fields }
    }

    fn document(&self, is_extractor: bool, pages: usize, kind: &Value) -> Value {
        let mut shown: Vec<_> = (1..=pages)
            .map(|number| json!({ "pageNumber": number, "formFields": [] }))
            .collect();
        let entities: Vec<_> = if is_extractor {
            self.fields.iter().enumerate().map(entity).collect()
        } else {
            if let Some(first) = shown.first_mut() {
                first["formFields"] = self.fields.iter().map(form_field).collect();
            }
            self.generic()
        };
        json!({ "mimeType": kind, "text": self.text, "pages": shown, "entities": entities })
    }

    /// What the form parser finds anywhere in the text.
    fn generic(&self) -> Vec<Value> {
        let words = self
            .text
            .split_whitespace()
            .filter(|word| word.contains('@'));
        words
            .map(|word| json!({ "type": "email", "mentionText": word, "confidence": 0.99 }))
            .collect()
    }
}

fn layout((start, end): (usize, usize), confidence: f64) -> Value {
    // What is 0 is left out.
    let segment = match (start, end) {
        (0, 0) => return json!({ "confidence": confidence }),
        (0, end) => json!({ "endIndex": end.to_string() }),
        (start, end) => json!({ "startIndex": start.to_string(), "endIndex": end.to_string() }),
    };
    json!({ "textAnchor": { "textSegments": [segment] }, "confidence": confidence })
}

fn form_field(field: &PaperField) -> Value {
    let mut shown = json!({
        "fieldName": layout(field.name, 0.99),
        "fieldValue": layout(field.value, field.confidence),
    });
    if let Some(is_ticked) = field.ticked {
        let kind = if is_ticked {
            "filled_checkbox"
        } else {
            "unfilled_checkbox"
        };
        shown["valueType"] = json!(kind);
    }
    shown
}

fn entity((number, field): (usize, &PaperField)) -> Value {
    let kind: String = field.label.trim().to_lowercase().replace([' ', '-'], "_");
    let words = match field.ticked {
        Some(true) => "yes",
        Some(false) => "",
        None => &field.words,
    };
    json!({ "id": number.to_string(), "type": kind, "mentionText": words, "confidence": field.confidence })
}

/// Only what a mask names: members of the document, and of its pages as `pages.…`.
fn masked(mut document: Value, mask: Option<&str>) -> Value {
    let Some(mask) = mask else {
        return document;
    };
    let names: Vec<_> = mask.split(',').map(str::trim).collect();
    if let Some(members) = document.as_object_mut() {
        members.retain(|name, _| {
            let within = format!("{name}.");
            names
                .iter()
                .any(|wanted| wanted == name || wanted.starts_with(&within))
        });
    }
    let is_whole = names.contains(&"pages");
    let pages = document["pages"].as_array_mut();
    for page in pages.into_iter().flatten().filter(|_| !is_whole) {
        if let Some(members) = page.as_object_mut() {
            members.retain(|name, _| names.contains(&format!("pages.{name}").as_str()));
        }
    }
    if document["pages"].is_null()
        && let Some(members) = document.as_object_mut()
    {
        members.remove("pages");
    }
    document
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_paper_is_read_as_it_was_written() {
        let written = [
            "Name: Zoë (Dana) Ortiz",
            "[x] Call me",
            "~Phone: 512 555 0142",
        ];
        let pdf = paper(&written);
        let read = lines(&pdf);
        assert_eq!(
            (read.as_slice(), pages(&pdf)),
            (&written.map(str::to_owned)[..], 1)
        );
        let paper = Paper::of(&read);
        let chars: Vec<_> = paper.text.chars().collect();
        let (start, end) = paper.fields[0].value;
        let value: String = chars[start..end].iter().collect();
        assert_eq!(value, " Zoë (Dana) Ortiz");
        assert_eq!(paper.fields[2].confidence, 0.31);
    }
}
