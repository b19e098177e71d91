//! A lead's contact in one form, and how the person found the company in our words.

use serde::Serialize;
use utoipa::ToSchema;

/// A lead's contact in one form.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = NormalizedContact)]
pub(super) struct Normalized {
    /// The fields, each once.
    fields: Vec<Field>,
    /// What looks like a slip. Nothing is changed for it.
    doubts: Vec<Doubt>,
}

/// One field in its form.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = NormalizedField)]
struct Field {
    /// Its name: `phone`, `state`.
    field: &'static str,
    /// Its value.
    value: String,
    /// The field of `person` that says it; `document` for what only a file says.
    from: &'static str,
    /// Whether another field than itself, or a file, says it.
    is_derived: bool,
    /// How sure the reader of the files is, in percent, where only a file says it.
    percent_sure: Option<u8>,
}

/// What looks like a slip of the pen.
#[derive(Debug, Serialize, ToSchema)]
struct Doubt {
    /// The field.
    field: &'static str,
    /// What kind of slip: `domain_looks_mistyped`, `not_a_phone`, `not_an_email`, `not_a_zip_code`, `in_another_state` (a ZIP code
    /// of another state than was said).
    code: &'static str,
    /// What may be meant.
    suggestion: Option<String>,
}

impl From<domain::Normalized> for Normalized {
    fn from(normalized: domain::Normalized) -> Self {
        let fields = normalized.fields.into_iter().map(|field| Field {
            field: field.field,
            value: field.value,
            from: field.from,
            is_derived: field.is_derived,
            percent_sure: field.percent_sure,
        });
        let doubts = normalized.doubts.into_iter().map(|doubt| Doubt {
            field: doubt.field,
            code: doubt.code,
            suggestion: doubt.suggestion,
        });
        Self {
            fields: fields.collect(),
            doubts: doubts.collect(),
        }
    }
}

/// How the person found the company.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Visits {
    /// The visit that began it.
    first: Visit,
    /// The visit in which the person got in touch.
    last: Visit,
}

macro_rules! visit {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {
        /// One visit.
        #[derive(Debug, Serialize, ToSchema)]
        struct Visit { $($(#[$doc])* $name: Option<String>),+ }

        impl From<domain::lead::attribution::Visit> for Visit {
            fn from(mut visit: domain::lead::attribution::Visit) -> Self {
                Self { $($name: visit.remove(stringify!($name))),+ }
            }
        }
    };
}

visit! {
    /// Where it came from: a search engine, a newsletter.
    source,
    /// How: `cpc`, `email`.
    medium,
    /// The campaign.
    campaign,
    /// The campaign's term.
    term,
    /// The campaign's content.
    content,
    /// What was searched for.
    keyword,
    /// The first page that was seen.
    landing_page,
    /// The page that led to the website.
    referrer,
    /// Google's id of the click.
    gclid,
    /// Google's id of the click, from an app to the web.
    gbraid,
    /// Google's id of the click, from the web to an app.
    wbraid,
    /// Meta's id of the click.
    fbclid,
    /// Microsoft's id of the click.
    msclkid,
}

impl From<domain::Visits> for Visits {
    fn from(visits: domain::Visits) -> Self {
        Self {
            first: visits.first.into(),
            last: visits.last.into(),
        }
    }
}
