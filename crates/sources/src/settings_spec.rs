//! What a tenant can set for a source, beside its key and its accounts.

use std::fmt;

use domain::{ConfigError, ConfigFault, shape::Shape};
use serde_json::{Value, json};

/// The settings of a source: their shape, their defaults, and what the shape alone cannot say.
#[derive(Clone, Copy)]
pub struct SettingsSpec {
    /// What can be set: the checks and the JSON Schema are made from it.
    pub shape: &'static Shape,
    /// What applies where nothing is set, as an object of the shape.
    pub defaults: fn() -> Value,
    /// What is wrong with settings whose fields are well one by one.
    pub contradictions: fn(&Value) -> Vec<ConfigFault>,
}

impl SettingsSpec {
    /// Nothing can be set.
    pub const NONE: Self = Self {
        shape: &Shape::Object(&[]),
        defaults: || json!({}),
        contradictions: |_| Vec::new(),
    };

    /// Checks settings before they are stored. A field that the shape does not have is a fault.
    ///
    /// # Errors
    /// [`ConfigError`] with every fault that was found.
    pub fn check(&self, settings: &Value) -> Result<(), ConfigError> {
        self.shape.read(settings, self.contradictions)
    }

    /// `settings`, which may leave out what they do not change, with the defaults in place of what they leave out.
    pub fn with_defaults(&self, settings: &Value) -> Value {
        Shape::with_defaults(settings, &(self.defaults)())
    }

    /// What the settings look like: a JSON Schema of the draft 2020-12. `slug` and `name` are the source's.
    pub fn schema(&self, slug: &str, name: &str) -> Value {
        let mut schema = self.shape.schema(Some(&(self.defaults)()));
        schema["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
        schema["$id"] = json!(format!("/v1/schemas/source-settings/{slug}"));
        schema["title"] = json!(format!("Settings of a source of {name}"));
        schema
    }
}

impl fmt::Debug for SettingsSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SettingsSpec").finish_non_exhaustive()
    }
}
