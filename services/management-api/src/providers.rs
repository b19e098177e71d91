//! Providers, as the API's description shows them: what this build knows is what is taken.

use std::borrow::Cow;

use catalogue::Provider;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, Type},
};

/// The slug of a provider that webhooks come from.
pub(crate) struct SourceProvider;

/// The slug of a provider that a tenant can have an account at.
pub(crate) struct AccountProvider;

/// A pattern, not a list of values: programs that were made from an older description go on with a provider that is new.
fn slugs(about: &str, is_meant: impl Fn(&Provider) -> bool) -> RefOr<Schema> {
    let providers = catalogue::providers();
    let meant = providers.iter().filter(|provider| is_meant(provider));
    let slugs: Vec<_> = meant.map(|provider| provider.slug).collect();
    let pattern = format!("^({})$", slugs.join("|"));
    ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some(about))
        .pattern(Some(pattern))
        .into()
}

impl PartialSchema for SourceProvider {
    fn schema() -> RefOr<Schema> {
        let about = "A provider that webhooks come from, by its slug.";
        slugs(about, |provider| provider.is_source)
    }
}

impl ToSchema for SourceProvider {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("SourceProvider")
    }
}

impl PartialSchema for AccountProvider {
    fn schema() -> RefOr<Schema> {
        let about = "A provider that a tenant can have an account at, by its slug.";
        slugs(about, |provider| provider.account.is_some())
    }
}

impl ToSchema for AccountProvider {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("AccountProvider")
    }
}
