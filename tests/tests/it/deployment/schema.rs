//! Modules against the provider's schema: what `terraform validate` would see if the provider could be fetched here.
//!
//! `terraform/schema` holds the part of the schema that the modules use, from the published bindings of
//! `hashicorp/google`. Rules inside the provider (one of two arguments, patterns of names) are not in it.

use std::{collections::BTreeMap, fs};

use hcl::{Block, Body, Expression};
use serde::Deserialize;

use super::{modules::Modules, root};

#[derive(Deserialize)]
struct Schema {
    resources: BTreeMap<String, BlockSchema>,
    data: BTreeMap<String, BlockSchema>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct BlockSchema {
    arguments: BTreeMap<String, Argument>,
    blocks: BTreeMap<String, Nested>,
}

#[derive(Deserialize)]
struct Argument {
    kind: String,
    #[serde(default)]
    required: bool,
    #[serde(default)]
    values: Vec<String>,
}

#[derive(Deserialize)]
struct Nested {
    block: BlockSchema,
    #[serde(default)]
    required: bool,
    #[serde(default)]
    repeats: bool,
    /// Written with `=`.
    #[serde(default)]
    is_argument: bool,
}

/// What every resource takes.
const META_ARGUMENTS: [&str; 4] = ["count", "for_each", "depends_on", "provider"];
const META_BLOCKS: [&str; 2] = ["lifecycle", "timeouts"];

pub(super) fn faults(modules: &Modules) -> Vec<String> {
    let text = fs::read_to_string(root().join("terraform/schema/google-6.50.0.json")).unwrap();
    let schema: Schema = serde_json::from_str(&text).unwrap();
    let mut faults = Vec::new();
    for blocks in modules.modules() {
        let declared = Declared::of(&blocks);
        for block in blocks {
            let labels: Vec<_> = block.labels().iter().map(hcl::BlockLabel::as_str).collect();
            let (known, kind) = match block.identifier() {
                "resource" => (&schema.resources, "resource"),
                "data" => (&schema.data, "data source"),
                _ => {
                    declared.check(block.identifier(), block.body(), &mut faults);
                    continue;
                }
            };
            let [of_type, name] = labels.as_slice() else {
                faults.push(format!("a {kind} without type and name"));
                continue;
            };
            let place = format!("{of_type}.{name}");
            declared.check(&place, block.body(), &mut faults);
            match known.get(*of_type) {
                Some(known) => check(&place, block.body(), known, true, &mut faults),
                None => faults.push(format!("{place}: the schema has no such {kind}")),
            }
        }
    }
    faults
}

fn check(place: &str, body: &Body, known: &BlockSchema, is_outer: bool, faults: &mut Vec<String>) {
    let mut given: BTreeMap<&str, usize> = BTreeMap::new();
    for attribute in body.attributes() {
        let key = attribute.key();
        *given.entry(key).or_default() += 1;
        if is_outer && META_ARGUMENTS.contains(&key) {
            continue;
        }
        match (known.arguments.get(key), known.blocks.get(key)) {
            (Some(argument), _) => check_value(place, key, attribute.expr(), argument, faults),
            (None, Some(nested)) if nested.is_argument => {}
            (None, Some(_)) => faults.push(format!("{place}: `{key}` is a block, not an argument")),
            (None, None) => faults.push(format!("{place}: it takes no `{key}`")),
        }
    }
    for block in body.blocks() {
        let is_dynamic = block.identifier() == "dynamic";
        let (key, inner) = if is_dynamic {
            let Some((label, content)) = content_of(block) else {
                faults.push(format!(
                    "{place}: a dynamic block without a name or `content`"
                ));
                continue;
            };
            (label, content)
        } else {
            (block.identifier(), block.body())
        };
        if is_outer && META_BLOCKS.contains(&key) {
            continue;
        }
        let count = given.entry(key).or_default();
        *count += 1;
        match known.blocks.get(key) {
            Some(nested) => {
                if *count > 1 && !nested.repeats && !is_dynamic {
                    faults.push(format!("{place}: there can be one `{key}` only"));
                }
                check(
                    &format!("{place}.{key}"),
                    inner,
                    &nested.block,
                    false,
                    faults,
                );
            }
            None if known.arguments.contains_key(key) => {
                faults.push(format!("{place}: `{key}` is an argument, not a block"));
            }
            None => faults.push(format!("{place}: it takes no block `{key}`")),
        }
    }
    let arguments = known
        .arguments
        .iter()
        .filter(|(_, it)| it.required)
        .map(|(key, _)| key);
    let blocks = known
        .blocks
        .iter()
        .filter(|(_, it)| it.required)
        .map(|(key, _)| key);
    for key in arguments.chain(blocks) {
        if !given.contains_key(key.as_str()) {
            faults.push(format!("{place}: `{key}` is missing"));
        }
    }
}

fn content_of(dynamic: &Block) -> Option<(&str, &Body)> {
    let label = dynamic.labels().first()?.as_str();
    let content = dynamic
        .body()
        .blocks()
        .find(|block| block.identifier() == "content")?;
    Some((label, content.body()))
}

fn check_value(
    place: &str,
    key: &str,
    value: &Expression,
    argument: &Argument,
    faults: &mut Vec<String>,
) {
    if let Expression::String(text) = value
        && !argument.values.is_empty()
        && !argument.values.contains(text)
    {
        faults.push(format!("{place}: `{key}` cannot be `{text}`"));
    }
    let is_of_kind = match value {
        Expression::String(_) => !matches!(argument.kind.as_str(), "list" | "set" | "map"),
        Expression::Bool(_) => matches!(argument.kind.as_str(), "bool" | "any"),
        Expression::Number(_) => matches!(argument.kind.as_str(), "number" | "string" | "any"),
        Expression::Array(_) => matches!(argument.kind.as_str(), "list" | "set" | "any"),
        Expression::Object(_) => matches!(argument.kind.as_str(), "map" | "any"),
        // What is computed is known to Terraform alone.
        _ => true,
    };
    if !is_of_kind {
        faults.push(format!("{place}: `{key}` is a {}", argument.kind));
    }
}

/// What a module declares, and so may refer to.
struct Declared(Vec<String>);

impl Declared {
    fn of(blocks: &[&Block]) -> Self {
        let mut names = Vec::new();
        for block in blocks {
            let labels: Vec<_> = block.labels().iter().map(hcl::BlockLabel::as_str).collect();
            match (block.identifier(), labels.as_slice()) {
                ("variable", [name]) => names.push(format!("var.{name}")),
                ("module", [name]) => names.push(format!("module.{name}")),
                ("resource", [of_type, name]) => names.push(format!("{of_type}.{name}")),
                ("data", [of_type, name]) => names.push(format!("data.{of_type}.{name}")),
                ("locals", _) => {
                    let keys = block
                        .body()
                        .attributes()
                        .map(|it| format!("local.{}", it.key()));
                    names.extend(keys);
                }
                _ => {}
            }
        }
        Self(names)
    }

    /// Looks at each reference of a body, in its text: expressions nest in many ways, and references look alike in all.
    fn check(&self, place: &str, body: &Body, faults: &mut Vec<String>) {
        let text = hcl::format::to_string(body).unwrap();
        for reference in references(&text) {
            if !self.0.contains(&reference) {
                faults.push(format!("{place}: `{reference}` is declared nowhere"));
            }
        }
    }
}

/// The first parts of references: `var.a`, `local.a`, `module.a`, `data.type.a`, `google_type.a`.
fn references(text: &str) -> Vec<String> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_ascii_alphabetic()) {
        let from = rest.get(start..).unwrap();
        let end = from
            .find(|c: char| !is_name(c) && c != '.')
            .unwrap_or(from.len());
        let (word, after) = from.split_at(end);
        let is_after_dot = start > 0 && rest.as_bytes().get(start - 1) == Some(&b'.');
        let parts: Vec<_> = word.split('.').filter(|part| !part.is_empty()).collect();
        let taken = match parts.as_slice() {
            _ if is_after_dot => None,
            [head @ ("var" | "local" | "module"), name, ..] => Some(format!("{head}.{name}")),
            ["data", of_type, name, ..] => Some(format!("data.{of_type}.{name}")),
            [of_type, name, ..] if of_type.starts_with("google_") => {
                Some(format!("{of_type}.{name}"))
            }
            _ => None,
        };
        found.extend(taken);
        rest = after;
    }
    found.sort();
    found.dedup();
    found
}
