//! The description of the API as a page that people read: made of the document alone, without scripts and without
//! anything from elsewhere.

use std::{collections::BTreeMap, sync::LazyLock};

use axum::response::{Html, IntoResponse};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::header::CONTENT_SECURITY_POLICY;
use minijinja::{Environment, Value as Shown, context, value::Serde};
use runtime::{PROBLEM_TYPES, Problem, ProblemType};
use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::{openapi_json, problem_pages, roles};

const PAGE: &str = include_str!("page.html");
const PROBLEM: &str = include_str!("problem.html");
pub(crate) const STYLE: &str = include_str!("style.css");

/// What the pages may load: the style in them, and nothing else.
pub(crate) static POLICY: LazyLock<String> = LazyLock::new(|| {
    let style = STANDARD.encode(Sha256::digest(STYLE));
    format!(
        "default-src 'none'; style-src 'sha256-{style}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
});

static RENDERED: LazyLock<Result<String, String>> =
    LazyLock::new(|| render().map_err(|error| error.to_string()));

/// This description, as a page.
#[utoipa::path(
    get,
    path = "/v1/docs",
    tag = "service",
    responses((status = OK, description = "A page.", content_type = "text/html", body = String))
)]
pub(crate) async fn show_docs() -> Result<impl IntoResponse, Problem> {
    let page = RENDERED.as_ref().map_err(Problem::internal)?;
    Ok((
        [(CONTENT_SECURITY_POLICY, problem_pages::policy()?)],
        Html(page.as_str()),
    ))
}

/// The page of a type of problem.
pub(crate) fn problem_page(of: &ProblemType) -> Result<String, minijinja::Error> {
    environment()?
        .get_template("problem.html")?
        .render(context! { problem => problem(of), style => style() })
}

fn render() -> Result<String, minijinja::Error> {
    // A document of our own is JSON.
    let api: Value = serde_json::from_str(&openapi_json()).unwrap_or_default();
    let problems: Vec<_> = PROBLEM_TYPES.iter().map(|of| problem(of)).collect();
    environment()?.get_template("page.html")?.render(context! {
        info => shape(&api["info"]),
        groups => groups(&api),
        schemas => schemas(&api),
        problems,
        style => style(),
    })
}

fn style() -> Shown {
    Shown::from_safe_string(STYLE.to_owned())
}

fn environment() -> Result<Environment<'static>, minijinja::Error> {
    let mut environment = Environment::new();
    environment.add_template("page.html", PAGE)?;
    environment.add_template("problem.html", PROBLEM)?;
    environment.add_filter("words", |text: String| words(&text));
    Ok(environment)
}

/// A text of the description as HTML: what stands between backticks is code, an empty line ends a paragraph.
fn words(text: &str) -> Shown {
    let escaped = text
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    let mut html = String::new();
    for (at, part) in escaped.split('`').enumerate() {
        match at % 2 {
            0 => html.push_str(&part.replace("\n\n", "<br><br>")),
            _ => html.push_str(&format!("<code>{part}</code>")),
        }
    }
    Shown::from_safe_string(html)
}

fn shape(value: &impl Serialize) -> Shown {
    Shown::from(Serde(value))
}

fn problem(of: &ProblemType) -> Shown {
    context! {
        kind => of.kind,
        status => of.status.as_u16(),
        title => of.title,
        about => of.about,
    }
}

/// The operations by their tags, in the description's order.
fn groups(api: &Value) -> Vec<Shown> {
    let mut by_tag = BTreeMap::<&str, Vec<Shown>>::new();
    for (path, item) in api["paths"].as_object().into_iter().flatten() {
        for (method, operation) in item.as_object().into_iter().flatten() {
            let tag = operation["tags"][0].as_str().unwrap_or_default();
            by_tag
                .entry(tag)
                .or_default()
                .push(shown(path, method, operation));
        }
    }
    let tags = api["tags"].as_array().into_iter().flatten();
    tags.map(|tag| {
        let name = tag["name"].as_str().unwrap_or_default();
        context! {
            name,
            description => tag["description"].as_str(),
            operations => by_tag.remove(name).unwrap_or_default(),
        }
    })
    .collect()
}

fn shown(path: &str, method: &str, operation: &Value) -> Shown {
    let parameters = operation["parameters"].as_array().into_iter().flatten();
    let parameters: Vec<_> = parameters
        .map(|parameter| {
            json!({
                "name": parameter["name"],
                "place": parameter["in"],
                "type": type_of(&parameter["schema"]),
                "description": parameter["description"],
                "required": parameter["required"],
            })
        })
        .collect();
    let answers = operation["responses"].as_object().into_iter().flatten();
    let answers: Vec<_> = answers
        .map(|(status, answer)| {
            let contents = answer["content"].as_object().into_iter().flatten();
            let types: Vec<_> = contents
                .map(|(media, content)| format!("{media}: {}", type_of(&content["schema"])))
                .collect();
            json!({ "status": status, "description": answer["description"], "types": types })
        })
        .collect();
    let body = &operation["requestBody"]["content"]["application/json"]["schema"];
    let mut asked = operation["security"].as_array().into_iter().flatten();
    let is_open = !asked.any(|asked| asked["bearer"].is_array());
    context! {
        id => operation["operationId"].as_str(),
        method => method.to_uppercase(),
        path,
        summary => operation["summary"].as_str(),
        description => operation["description"].as_str(),
        role => operation[roles::FIELD].as_str(),
        is_open,
        body => (!body.is_null()).then(|| type_of(body)),
        parameters => shape(&parameters),
        answers => shape(&answers),
    }
}

/// The shapes, by name.
fn schemas(api: &Value) -> Vec<Shown> {
    let schemas = api["components"]["schemas"]
        .as_object()
        .into_iter()
        .flatten();
    schemas
        .map(|(name, schema)| {
            let required = schema["required"].as_array().into_iter().flatten();
            let required: Vec<_> = required.filter_map(Value::as_str).collect();
            let fields = schema["properties"].as_object().into_iter().flatten();
            let fields: Vec<_> = fields
                .map(|(field, of)| {
                    json!({
                        "name": field,
                        "type": type_of(of),
                        "description": of["description"],
                        "required": required.contains(&field.as_str()),
                    })
                })
                .collect();
            let example = schema.get("example");
            context! {
                name,
                description => schema["description"].as_str(),
                type => fields.is_empty().then(|| type_of(schema)),
                fields => shape(&fields),
                example => example.and_then(|example| serde_json::to_string_pretty(example).ok()),
            }
        })
        .collect()
}

/// The type of a schema in a few words.
fn type_of(schema: &Value) -> String {
    if let Some(name) = schema["$ref"].as_str() {
        return name.rsplit('/').next().unwrap_or_default().to_owned();
    }
    if let Some(words) = schema["enum"].as_array() {
        let words: Vec<_> = words.iter().map(Value::to_string).collect();
        return words.join(" | ");
    }
    for choices in ["oneOf", "anyOf", "allOf"] {
        if let Some(choices) = schema[choices].as_array() {
            let choices: Vec<_> = choices.iter().map(type_of).collect();
            return choices.join(" | ");
        }
    }
    let name = |name: &Value| match name.as_str() {
        Some("array") => format!("list of {}", type_of(&schema["items"])),
        Some("object") if schema["additionalProperties"].is_object() => {
            format!("map of {}", type_of(&schema["additionalProperties"]))
        }
        Some("string") => match schema["format"].as_str() {
            Some(format) => format!("string ({format})"),
            None => "string".to_owned(),
        },
        Some(other) => other.to_owned(),
        None => "anything".to_owned(),
    };
    match schema["type"].as_array() {
        Some(names) => names.iter().map(name).collect::<Vec<_>>().join(" | "),
        None => name(&schema["type"]),
    }
}
