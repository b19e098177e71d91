//! The page on which people sign in: it redeems the code in its fragment, or leads to the other ways, and says who is
//! signed in and what can be done next. It loads nothing but what stands in it.

use std::sync::LazyLock;

use axum::{
    extract::State,
    response::{Html, IntoResponse},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{
    HeaderName, HeaderValue,
    header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS},
};
use minijinja::{Environment, context, value::Value};
use runtime::Problem;
use sha2::{Digest as _, Sha256};

use crate::{Deps, dashboard::Files};

const PAGE: &str = include_str!("page.html");
const SCRIPT: &str = include_str!("page.js");
const STYLE: &str = include_str!("page.css");

const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");

/// What the page may do: run its own script, look as it says, and call the server that it came from.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    let hash = |text: &str| STANDARD.encode(Sha256::digest(text));
    format!(
        "default-src 'none'; script-src 'sha256-{}'; style-src 'sha256-{}'; connect-src 'self'; base-uri 'none'; \
         form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
        hash(SCRIPT),
        hash(STYLE)
    )
});

/// Why the issuer's answer signed nobody in, as the page is told: a word in its fragment, which it has sentences for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The browser did not begin, or too long ago, or the answer belongs to another attempt.
    OtherAttempt,
    /// The issuer signed nobody in, or what it says is not valid.
    NotVouched,
    /// The issuer has not verified the address.
    NotVerified,
    /// Nobody has invited the address.
    NotInvited,
    /// The issuer does not answer.
    Unavailable,
}

impl Refused {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::OtherAttempt => "other-attempt",
            Self::NotVouched => "not-vouched",
            Self::NotVerified => "not-verified",
            Self::NotInvited => "not-invited",
            Self::Unavailable => "unavailable",
        }
    }
}

/// The page on which people sign in.
///
/// `#code=…` behind it is redeemed once. It needs scripts; the same can be had by `POST /v1/sign-in`.
#[utoipa::path(
    get,
    path = "/sign-in",
    tag = "sign-in",
    responses((status = OK, description = "A page.", content_type = "text/html", body = String))
)]
pub(crate) async fn show_sign_in(State(deps): State<Deps>) -> Result<impl IntoResponse, Problem> {
    let page = render(&deps).map_err(Problem::internal)?;
    let policy = HeaderValue::try_from(POLICY.as_str()).map_err(Problem::internal)?;
    let headers = [
        (CONTENT_SECURITY_POLICY, policy),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (OPENER_POLICY, HeaderValue::from_static("same-origin")),
    ];
    Ok((headers, Html(page)))
}

fn render(deps: &Deps) -> Result<String, minijinja::Error> {
    let own = |text: &str| Value::from_safe_string(text.to_owned());
    let sign_in = deps.sign_in.as_deref();
    let mut environment = Environment::new();
    environment.add_template("page.html", PAGE)?;
    environment.get_template("page.html")?.render(context! {
        script => own(SCRIPT),
        style => own(STYLE),
        has_oidc => sign_in.is_some_and(super::SignIn::has_oidc),
        has_mail => sign_in.is_some_and(|sign_in| sign_in.asked().is_some()),
        is_simulated => deps.is_simulated,
        has_dashboard => Files::embedded().is_built(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_a_sentence_for_each_refusal() {
        for refused in [
            Refused::OtherAttempt,
            Refused::NotVouched,
            Refused::NotVerified,
            Refused::NotInvited,
            Refused::Unavailable,
        ] {
            let word = format!("\"{}\":", refused.as_str());
            assert!(SCRIPT.contains(&word), "{word}");
        }
    }

    #[test]
    fn the_script_writes_text_alone() {
        for way in [
            "innerHTML",
            "outerHTML",
            "insertAdjacent",
            "eval(",
            "document.write",
        ] {
            assert!(!SCRIPT.contains(way), "{way}");
        }
        // Either would end the element that holds it.
        assert!(!SCRIPT.contains("</") && !STYLE.contains("</"));
    }
}
