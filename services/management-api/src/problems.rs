//! Problems, as the API's description shows them.

use std::collections::BTreeMap;

use jwks::Unavailable;
use utoipa::{
    IntoResponses, ToSchema,
    openapi::{ContentBuilder, Ref, RefOr, Response, ResponseBuilder},
};

use crate::preconditions::Version;

/// The media type of problems.
pub(crate) const MEDIA_TYPE: &str = "application/problem+json";

/// Answers that an issuer's keys are not there.
pub(crate) fn of_keys(unavailable: Unavailable) -> runtime::Problem {
    runtime::Problem::unavailable(
        "The keys that tokens are checked with cannot be fetched from their issuer. Try again after the time in the \
         `Retry-After` header.",
        unavailable.retry_after,
    )
}

/// Why there is no answer (RFC 9457).
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "describes `runtime::Problem`, which is what is sent"
)]
pub(crate) struct Problem {
    /// The kind of problem, which does not change: `/problems/not-found`.
    r#type: String,
    /// The kind in words.
    title: String,
    /// The status of the answer.
    status: u16,
    /// What went wrong here, and what to do about it.
    detail: String,
    /// The id to find this call by in the service's logs.
    #[schema(nullable = false)]
    request_id: Option<String>,
    /// What is wrong, part by part.
    #[schema(nullable = false)]
    errors: Option<Vec<FieldError>>,
    /// With 412: the version that the caller saw; null if there is none, or if it was not kept.
    #[schema(required = false)]
    seen: Option<Version>,
    /// With 412: the newest version; null if there is none.
    #[schema(required = false)]
    current: Option<Version>,
}

impl Problem {
    /// The schema's name.
    pub(crate) const NAME: &'static str = "Problem";
}

impl FieldError {
    /// The schema's name.
    pub(crate) const NAME: &'static str = "FieldError";
}

/// One thing that is wrong with a call.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "describes `runtime::FieldError`, which is what is sent"
)]
pub(crate) struct FieldError {
    /// The parameter, or the path of the field.
    field: String,
    /// What kind of fault, for programs: `missing`, `unknown_field`, `duplicate_field`, `wrong_type`, `wrong_length`,
    /// `too_long`, `out_of_range`, `invalid`, and what a route names beside.
    code: String,
    /// What is wrong with it.
    message: String,
}

macro_rules! problem_responses {
    ($($(#[$doc:meta])* $name:ident { $($status:literal: $description:literal),+ $(,)? })+) => {$(
        $(#[$doc])*
        pub(crate) struct $name;

        impl IntoResponses for $name {
            fn responses() -> BTreeMap<String, RefOr<Response>> {
                BTreeMap::from([$(($status.to_owned(), problem($description).into())),+])
            }
        }
    )+};
}

problem_responses! {
    /// What a route under a tenant answers when it does not answer.
    TenantProblems {
        "401": "No token, or one that is not valid.",
        "403": "The token's role does not allow this.",
        "404": "No such tenant or thing, or the token is not for its tenant.",
        "500": "It failed on our side.",
        "503": "Too busy: try again after `Retry-After`.",
    }

    /// What a route of signing in answers when it does not answer.
    SignInProblems {
        "401": "Nobody is signed in here, or no longer.",
        "403": "The call came from another website, or by another host's name.",
        "404": "There is no such thing, or nobody signs in at this server.",
        "409": "The code was used already, or has expired; `detail` says how to get another.",
        "429": "Too many attempts: try again after `Retry-After`.",
        "500": "It failed on our side.",
        "503": "Too busy: try again after `Retry-After`.",
    }

    /// What a route about the caller answers when it does not answer.
    CallerProblems {
        "401": "No token, or one that is not valid.",
        "403": "The caller is no person.",
        "500": "It failed on our side.",
        "503": "Too busy: try again after `Retry-After`.",
    }

    /// What a route over all tenants answers when it does not answer.
    PlatformProblems {
        "401": "No token, or one that is not valid.",
        "403": "The token's role does not allow this.",
        "500": "It failed on our side.",
        "503": "Too busy: try again after `Retry-After`.",
    }

    /// What the route of the keys answers when it does not answer.
    KeysProblems {
        "503": "The issuer's keys cannot be fetched: try again after `Retry-After`.",
    }

    /// What a route over the providers that are known answers beside.
    NoSuchProvider {
        "404": "There is no such provider.",
    }

    /// What a page answers beside when there is none.
    NoSuchPage {
        "404": "There is no such page.",
    }

    /// What a route with parameters in its query answers beside.
    QueryProblems {
        "422": "A parameter is not valid; `errors` names it.",
    }

    /// What a route answers beside whose query string another program made.
    UnreadQuery {
        "400": "The query string cannot be read.",
    }

    /// What a route with a body answers beside.
    BodyProblems {
        "400": "The body is not JSON.",
        "413": "The body is too large.",
        "415": "The body is not said to be JSON.",
        "422": "The body, or a header, is not valid; `errors` names what.",
    }

    /// What a route answers beside that changes one version and no other.
    Preconditions {
        "412": "Somebody changed it meanwhile: `seen` and `current` hold the version that `If-Match` names and the newest.",
        "428": "There is a version already: say in `If-Match` which one you saw.",
    }

    /// What a route answers beside when the state of the thing can be in the way.
    Conflict {
        "409": "The present state does not allow this; `detail` says what would.",
    }
}

pub(crate) fn problem(description: &str) -> Response {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name(Problem::NAME)));
    ResponseBuilder::new()
        .description(description)
        .content(MEDIA_TYPE, content.build())
        .build()
}
