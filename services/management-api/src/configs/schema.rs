//! What a configuration looks like.

use std::{borrow::Cow, sync::LazyLock};

use axum::response::IntoResponse;
use domain::WorkflowConfig;
use http::header::CONTENT_TYPE;
use serde_json::Value;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{Object, RefOr, Schema},
};

static SCHEMA: LazyLock<String> = LazyLock::new(|| format!("{:#}\n", WorkflowConfig::schema()));

/// A configuration, as the API's description shows it: the served schema.
pub(crate) struct WorkflowConfigBody;

impl PartialSchema for WorkflowConfigBody {
    fn schema() -> RefOr<Schema> {
        let mut schema = WorkflowConfig::schema();
        if let Value::Object(members) = &mut schema {
            // Those are of a document of its own.
            members.retain(|name, _| !name.starts_with('$'));
        }
        let schema = serde_json::from_value(schema);
        RefOr::T(schema.unwrap_or_else(|_| Schema::Object(Object::new())))
    }
}

impl ToSchema for WorkflowConfigBody {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("WorkflowConfig")
    }
}

/// The JSON Schema of a configuration: draft 2020-12, closed, with defaults.
///
/// What it takes is saved, unless two fields contradict each other, two items of a list name the same (two destinations
/// one connection, two addresses one mailbox), a drawn area crosses itself, or a connection is missing.
#[utoipa::path(
    get,
    path = "/v1/schemas/workflow-config",
    tag = "configuration",
    responses((status = OK, description = "The schema.", content_type = "application/schema+json", body = Object))
)]
pub(crate) async fn show_workflow_schema() -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/schema+json")], SCHEMA.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_description_holds_the_whole_schema() {
        let shown = serde_json::to_value(WorkflowConfigBody::schema()).unwrap();
        let mut whole = WorkflowConfig::schema();
        let members = whole.as_object_mut().unwrap();
        members.retain(|name, _| !name.starts_with('$'));
        assert_eq!(shown, whole);
    }
}
