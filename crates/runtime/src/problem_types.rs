//! The types of problems: each is a page of the documentation, and its `type` on the wire for ever.

use http::StatusCode;

/// A kind of problem.
#[derive(Debug, PartialEq, Eq)]
pub struct ProblemType {
    /// The last part of its `type`: `/problems/<kind>`.
    pub kind: &'static str,
    /// The status that it comes with.
    pub status: StatusCode,
    /// The kind in words.
    pub title: &'static str,
    /// When it comes, and what to do then.
    pub about: &'static str,
}

macro_rules! problem_types {
    ($($name:ident $kind:literal $status:ident $title:literal $about:literal;)+) => {
        $(
            #[doc = $title]
            pub(crate) static $name: ProblemType = ProblemType {
                kind: $kind,
                status: StatusCode::$status,
                title: $title,
                about: $about,
            };
        )+

        /// Every type, by status.
        pub static PROBLEM_TYPES: &[&ProblemType] = &[$(&$name),+];
    };
}

problem_types! {
    BAD_REQUEST "bad-request" BAD_REQUEST "The request cannot be understood"
        "The body is not JSON, the query string cannot be read, or the body ended early. `detail` says where. Correct the call.";
    UNAUTHORIZED "unauthorized" UNAUTHORIZED "The caller is not authenticated"
        "There is no token, or it has expired or is not genuine. Get a new token, and send it as `Authorization: Bearer <token>`.";
    FORBIDDEN "forbidden" FORBIDDEN "The caller may not do this"
        "The token is good, and its role is not enough. `detail` names the role. Ask an administrator of the company for it.";
    NOT_FOUND "not-found" NOT_FOUND "Not found"
        "There is nothing at this path, or no such thing, or it belongs to a company that the token is not for: nobody learns which. Check the ids.";
    METHOD_NOT_ALLOWED "method-not-allowed" METHOD_NOT_ALLOWED "The method is not supported here"
        "The path exists, and takes other methods. The `Allow` header lists them.";
    REQUEST_TIMEOUT "request-timeout" REQUEST_TIMEOUT "The request was too slow"
        "The body did not arrive in time. Send the request again.";
    CONFLICT "conflict" CONFLICT "The current state does not allow this"
        "The thing is in another state, or another one has its name. `detail` says what would have to be. Look at it again, then decide.";
    IDEMPOTENCY_KEY_IN_USE "idempotency-key-in-use" CONFLICT "A call of this name is still running"
        "An equal call under the same `Idempotency-Key` has no answer yet. Send the call again after the time in the `Retry-After` header.";
    IDEMPOTENCY_ANSWER_GONE "idempotency-answer-gone" CONFLICT "The call was made before, and its answer is not kept"
        "An equal call under the same `Idempotency-Key` succeeded. Its answer held a secret, or was too long to keep. Nothing was done again. Look at what it made; if a secret was lost, replace it.";
    PRECONDITION_FAILED "precondition-failed" PRECONDITION_FAILED "Somebody else has changed it"
        "The `If-Match` header names another version than the newest. Read the newest version, apply the change to it, and send it with its `ETag`.";
    TOO_LARGE "too-large" PAYLOAD_TOO_LARGE "The body is too large"
        "Send less.";
    UNSUPPORTED_MEDIA_TYPE "unsupported-media-type" UNSUPPORTED_MEDIA_TYPE "The body has another media type"
        "Send JSON, and say so in the `Content-Type` header.";
    UNPROCESSABLE "unprocessable" UNPROCESSABLE_ENTITY "The content is not valid"
        "The call is understood, and something in it is not valid. `errors` names every fault with its field. Correct all of them.";
    IDEMPOTENCY_KEY_REUSED "idempotency-key-reused" UNPROCESSABLE_ENTITY "The name belongs to another call"
        "The `Idempotency-Key` was used for a call with another path or body within the last 24 hours. Send each new call under a new key.";
    PRECONDITION_REQUIRED "precondition-required" PRECONDITION_REQUIRED "The call does not say which version it changes"
        "Another person could have changed it meanwhile. Read it, and send its `ETag` as `If-Match` with the change.";
    TOO_MANY_REQUESTS "too-many-requests" TOO_MANY_REQUESTS "Too many requests"
        "The caller, or the company, is over its rate limit. Wait for the time in the `Retry-After` header. `RateLimit-Policy` and `RateLimit` tell the limits, and what is left of them.";
    INTERNAL "internal" INTERNAL_SERVER_ERROR "Something went wrong"
        "It failed on our side. Try again; if it fails again, send us the `request_id`.";
    UNAVAILABLE "unavailable" SERVICE_UNAVAILABLE "Not available right now"
        "The service is at capacity, starting or ending. Try again after the time in the `Retry-After` header.";
}
