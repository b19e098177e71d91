//! The browser that calls a route of signing in: its cookie, and proof that no other website made it call.

use axum::extract::FromRequestParts;
use domain::text;
use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{CACHE_CONTROL, COOKIE, HOST, ORIGIN, SET_COOKIE, USER_AGENT},
    request::Parts,
};
use runtime::{Network, Problem};
use store::{Device, SessionCookie, people::sessions::LONGEST};
use url::{Host, Url};

use crate::{Deps, auth::client_of};

/// The cookie's name.
pub(crate) const NAME: &str = "pipeline_session";
/// The only paths that the cookie is sent to.
const PATH: &str = "/v1/sign-in";
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
/// The longest name of a browser that is kept, in characters.
const MAX_USER_AGENT: usize = 200;
/// The longest cookies that are looked at, in bytes.
const MAX_COOKIES: usize = 16 * 1024;

/// A caller of a route of signing in. Rejection: 403 when another website made it call, or when it names a host that is
/// neither this machine nor the server's own: a name of somebody else's can be made to lead here.
#[derive(Debug)]
pub(crate) struct Browser {
    cookies: HeaderMap,
    user_agent: String,
    address: String,
    network: Network,
    is_loopback: bool,
}

impl FromRequestParts<Deps> for Browser {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, deps: &Deps) -> Result<Self, Problem> {
        let browser = Navigation::from_request_parts(parts, deps).await?.0;
        let site = parts.headers.get(SEC_FETCH_SITE);
        let is_own = site.is_none_or(|site| site == "same-origin" || site == "none");
        let origin = parts.headers.get(ORIGIN);
        let is_own_origin =
            origin.is_none_or(|origin| is_of(origin, &browser.host, &deps.public_url));
        if is_own && is_own_origin {
            return Ok(browser.browser);
        }
        Err(Problem::forbidden(
            "Another website made this call. Only pages of this server may sign in here.",
        ))
    }
}

/// The same where a page of the issuer leads here: no cookie of a session is read then.
#[derive(Debug)]
pub(crate) struct Navigation(pub(crate) Hosted);

/// A caller and the host that it named.
#[derive(Debug)]
pub(crate) struct Hosted {
    pub(crate) browser: Browser,
    host: String,
}

impl FromRequestParts<Deps> for Navigation {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, deps: &Deps) -> Result<Self, Problem> {
        let host = host_of(parts);
        let is_loopback = is_loopback(&host);
        if !is_loopback && !is_public(&host, &deps.public_url) {
            return Err(Problem::forbidden(
                "Signing in works by this server's own name alone. Call it by that of the setting PUBLIC_URL, or on its \
                 own machine.",
            ));
        }
        let client = client_of(parts);
        let agent = parts
            .headers
            .get(USER_AGENT)
            .and_then(|agent| agent.to_str().ok());
        let mut cookies = HeaderMap::new();
        for value in parts.headers.get_all(COOKIE) {
            cookies.append(COOKIE, value.clone());
        }
        Ok(Self(Hosted {
            browser: Browser {
                cookies,
                user_agent: agent
                    .and_then(|agent| text::line(agent, MAX_USER_AGENT))
                    .unwrap_or_default(),
                address: client.0.to_canonical().to_string(),
                network: client.network(),
                is_loopback,
            },
            host,
        }))
    }
}

impl Browser {
    /// What the person sees of it.
    pub(crate) fn device(&self) -> Device {
        Device {
            user_agent: self.user_agent.clone(),
            address: self.address.clone(),
        }
    }

    pub(crate) const fn network(&self) -> Network {
        self.network
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// The cookie of its session.
    pub(crate) fn session(&self) -> Option<SessionCookie> {
        SessionCookie::parse(self.cookie(NAME)?)
    }

    /// A cookie by its name. Of two with one name none counts: another host of the same site may have set one.
    pub(crate) fn cookie(&self, name: &str) -> Option<&str> {
        let all = self.cookies.get_all(COOKIE).iter();
        let lines = all.filter_map(|line| line.to_str().ok());
        let mut found = lines
            .filter(|line| line.len() <= MAX_COOKIES)
            .flat_map(|line| line.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .filter(|(found, _)| *found == name)
            .map(|(_, value)| value);
        let first = found.next();
        first.filter(|_| found.next().is_none())
    }

    /// The headers of an answer that gives the browser its session's cookie.
    pub(crate) fn keep(&self, cookie: &SessionCookie) -> Result<HeaderMap, Problem> {
        let age = LONGEST.as_secs();
        let value = format!(
            "{NAME}={}; Path={PATH}; Max-Age={age}; HttpOnly; SameSite=Strict",
            cookie.value()
        );
        self.set([value])
    }

    /// The headers of an answer that takes it away.
    pub(crate) fn forget(&self) -> Result<HeaderMap, Problem> {
        self.set([format!(
            "{NAME}=; Path={PATH}; Max-Age=0; HttpOnly; SameSite=Strict"
        )])
    }

    /// The headers of an answer that sets cookies, and that nobody may keep. Only to this machine they go without TLS.
    pub(crate) fn set(
        &self,
        cookies: impl IntoIterator<Item = String>,
    ) -> Result<HeaderMap, Problem> {
        let mut headers = HeaderMap::new();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        for mut cookie in cookies {
            if !self.is_loopback {
                cookie.push_str("; Secure");
            }
            let value = HeaderValue::try_from(cookie).map_err(Problem::internal)?;
            headers.append(SET_COOKIE, value);
        }
        Ok(headers)
    }
}

/// The host that was named, in lower case, with its port.
fn host_of(parts: &Parts) -> String {
    let header = parts.headers.get(HOST).and_then(|host| host.to_str().ok());
    let authority = parts.uri.authority().map(http::uri::Authority::as_str);
    header.or(authority).unwrap_or_default().to_lowercase()
}

/// A host with its port as a URL.
fn url_of(host: &str) -> Option<Url> {
    let url = Url::parse(&format!("http://{host}/")).ok()?;
    let is_host_alone = url.username().is_empty() && url.password().is_none() && url.path() == "/";
    is_host_alone.then_some(url)
}

fn is_loopback(host: &str) -> bool {
    let url = url_of(host);
    match url.as_ref().and_then(Url::host) {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Whether the host is that of the server's own URL.
fn is_public(host: &str, public_url: &str) -> bool {
    let Ok(public) = Url::parse(public_url) else {
        return false;
    };
    let named = Url::parse(&format!("{}://{host}/", public.scheme()));
    url_of(host).is_some() && named.is_ok_and(|named| named.origin() == public.origin())
}

/// Whether a page of this origin is the server's own, called by this host.
fn is_of(origin: &HeaderValue, host: &str, public_url: &str) -> bool {
    let origin = origin
        .to_str()
        .ok()
        .and_then(|origin| Url::parse(origin).ok());
    let Some(origin) = origin else {
        return false;
    };
    let is_public = Url::parse(public_url).is_ok_and(|public| public.origin() == origin.origin());
    let by_host = url_of(host).is_some_and(|named| named.origin() == origin.origin());
    is_public || (by_host && is_loopback(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PUBLIC: &str = "https://leads.example";

    #[test]
    fn only_this_machine_and_the_servers_own_name_are_taken() {
        for host in ["127.0.0.1:8080", "localhost", "[::1]:8080", "127.3.2.1"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in [
            "",
            "leads.example",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "a@localhost",
            "localhost/x",
            "0.0.0.0",
        ] {
            assert!(!is_loopback(host), "{host}");
        }
        assert!(is_public("leads.example", PUBLIC) && is_public("leads.example:443", PUBLIC));
        for host in [
            "evil.example",
            "leads.example:8443",
            "leads.example@evil.example",
            "",
        ] {
            assert!(!is_public(host, PUBLIC) && !is_public(host, ""), "{host}");
        }
    }

    #[test]
    fn only_pages_of_the_server_are_taken() {
        let is_own =
            |origin: &'static str, host| is_of(&HeaderValue::from_static(origin), host, PUBLIC);
        assert!(is_own("http://127.0.0.1:8080", "127.0.0.1:8080"));
        assert!(is_own("https://leads.example", "leads.example"));
        for (origin, host) in [
            ("null", "127.0.0.1:8080"),
            ("http://127.0.0.1:9090", "127.0.0.1:8080"),
            ("http://localhost:8080", "127.0.0.1:8080"),
            ("http://leads.example", "leads.example"),
            ("https://evil.example", "leads.example"),
            ("https://leads.example.evil.example", "leads.example"),
        ] {
            assert!(!is_own(origin, host), "{origin} {host}");
        }
    }
}
