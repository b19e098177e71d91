//! The API's description: which routes there are, and what they take. That it is the one that is checked in is a test of
//! `management-api`.

use std::collections::BTreeMap;

use http::Method;
use management_api::openapi_json;
use serde_json::{Value, json};

/// A route of the description.
pub(super) struct Route {
    pub(super) method: Method,
    pub(super) path: String,
    /// The parameters of its path.
    pub(super) params: Vec<String>,
    /// The parameters of its query.
    pub(super) query: Vec<String>,
    /// What its query cannot be without, as the description shows it: empty, or beginning with `?`.
    pub(super) needed: String,
    /// What it takes, as the description shows it.
    pub(super) body: Option<Body>,
    /// Whether it changes one version and no other, by `If-Match`.
    pub(super) is_of_a_version: bool,
    pub(super) is_public: bool,
}

pub(super) struct Body {
    pub(super) example: Value,
    pub(super) members: Vec<String>,
    /// Members of its parts: names and, for the items of lists, `0`, with dots between.
    pub(super) nested: Vec<String>,
}

impl Body {
    /// The example, or what `instead` has in place of its members, with a value at the path of a nested member.
    pub(super) fn with(&self, instead: &Value, path: &str, value: &str) -> Value {
        let mut body = self.example.clone();
        for (name, value) in instead.as_object().into_iter().flatten() {
            body[name] = value.clone();
        }
        let mut place = &mut body;
        for name in path.split('.') {
            if let ("0", false) = (name, place.is_array()) {
                *place = json!([null]);
            }
            place = match place {
                Value::Array(items) => {
                    if items.is_empty() {
                        items.push(Value::Null);
                    }
                    &mut items[0]
                }
                _ => &mut place[name],
            };
        }
        *place = json!(value);
        body
    }
}

/// The members of a schema's parts, at every depth.
fn nested(api: &Value, schema: &Value, path: &str, found: &mut Vec<String>) {
    let below = |name: &str| match path {
        "" => name.to_owned(),
        path => format!("{path}.{name}"),
    };
    if let Some(reference) = schema["$ref"].as_str() {
        let named = api.pointer(reference.trim_start_matches('#')).unwrap();
        return nested(api, named, path, found);
    }
    for choice in schema["oneOf"].as_array().into_iter().flatten() {
        nested(api, choice, path, found);
    }
    if schema["items"].is_object() {
        let item = below("0");
        if path.contains('.') || schema["items"]["type"] == "string" {
            found.push(item.clone());
        }
        nested(api, &schema["items"], &item, found);
    }
    for (name, member) in schema["properties"].as_object().into_iter().flatten() {
        let member_path = below(name);
        // Of a list, its items are meant.
        if !path.is_empty() && !member["items"].is_object() {
            found.push(member_path.clone());
        }
        nested(api, member, &member_path, found);
    }
}

/// What a tenant has, by the names of parameters and members.
pub(super) type Objects = BTreeMap<&'static str, String>;

impl Route {
    pub(super) fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    pub(super) fn is_of_a_tenant(&self) -> bool {
        self.params.iter().any(|param| param == "tenant_id")
    }

    /// The parameters that name something of a tenant.
    pub(super) fn objects(&self) -> impl Iterator<Item = &String> {
        self.params.iter().filter(|param| *param != "tenant_id")
    }

    /// The path with these in the places of its parameters.
    pub(super) fn filled(&self, objects: &Objects) -> String {
        self.params.iter().fold(self.path.clone(), |path, param| {
            let object = objects.get(param.as_str()).unwrap_or_else(|| {
                panic!(
                    "{}: this test does not know what to put in the place of `{param}`: add what makes one to \
                     `MAKERS` in tests/tests/it/isolation/makers.rs",
                    self.name()
                )
            });
            path.replace(&format!("{{{param}}}"), object)
        })
    }

    pub(super) fn example(&self) -> Option<&Value> {
        self.body.as_ref().map(|body| &body.example)
    }
}

/// Every route of the description.
pub(super) fn routes() -> Vec<Route> {
    let api: Value = serde_json::from_str(&openapi_json()).unwrap();
    let mut routes = Vec::new();
    for (path, methods) in api["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let name = format!("{method} {path}");
            let named = |place: &str| {
                let all = operation["parameters"].as_array().into_iter().flatten();
                let of_place = all.filter(|param| param["in"] == json!(place));
                of_place
                    .map(|param| param["name"].as_str().unwrap().to_owned())
                    .collect::<Vec<_>>()
            };
            let body = (!operation["requestBody"].is_null()).then(|| {
                let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
                let schema = match schema["$ref"].as_str() {
                    Some(reference) => api.pointer(reference.trim_start_matches('#')).unwrap(),
                    None => schema,
                };
                let example = schema["example"].clone();
                assert!(
                    !example.is_null(),
                    "{name}: its body has no example in the description"
                );
                let members = schema["properties"].as_object().into_iter().flatten();
                let mut of_parts = Vec::new();
                nested(&api, schema, "", &mut of_parts);
                Body {
                    example,
                    members: members.map(|(name, _)| name.clone()).collect(),
                    nested: of_parts,
                }
            });
            let needed = operation["parameters"].as_array().into_iter().flatten();
            let needed = needed
                .filter(|param| param["in"] == "query" && param["required"] == true)
                .map(|param| {
                    let example = param["example"]
                        .as_str()
                        .unwrap_or_else(|| panic!("{name}: describe {param} with an example"));
                    format!("{}={example}", param["name"].as_str().unwrap())
                });
            let needed: Vec<_> = needed.collect();
            let params = named("path");
            let written = path.matches('{').count();
            assert_eq!(
                params.len(),
                written,
                "{name}: not every parameter of its path is described"
            );
            routes.push(Route {
                method: method.to_uppercase().parse().unwrap(),
                path: path.clone(),
                params,
                query: named("query"),
                needed: match needed.is_empty() {
                    true => String::new(),
                    false => format!("?{}", needed.join("&")),
                },
                body,
                is_of_a_version: named("header").iter().any(|name| name == "If-Match"),
                // A session opens what is its person's alone, and no tenant.
                is_public: operation["security"]
                    .as_array()
                    .is_none_or(|asked| !asked.iter().any(|asked| asked["bearer"].is_array())),
            });
        }
    }
    assert!(routes.len() > 20, "the description is not all there");
    routes
}
