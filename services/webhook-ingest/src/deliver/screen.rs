//! What a source whose URL anybody may know asks for before its deliveries are stored, and how browsers are answered.

use std::{net::IpAddr, num::NonZeroU32, sync::Arc, time::Duration};

use axum::{
    extract::Request,
    response::{IntoResponse, Response},
};
use domain::{Clock, SourceId};
use governor::{
    Quota as Rate, RateLimiter, clock::Clock as _, middleware::NoOpMiddleware,
    state::keyed::DashMapStateStore,
};
use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{
        ACCEPT, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
        ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_MAX_AGE, CACHE_CONTROL, CONTENT_TYPE, ORIGIN,
        VARY,
    },
};
use jiff::Timestamp;
use runtime::{ClientAddr, Json, Network, Problem, RateClock};
use serde::Serialize;
use sources::{Door, Source, Turned, Verification, Verified, Visit};

use super::{Addressed, Ingest, Refused, Target};
use crate::{answer, directory::KeyedSource};

/// Posts of one neighborhood of addresses to one source, in a minute.
const PER_NEIGHBORHOOD: u32 = 20;
/// Posts to one source, in a minute.
const PER_SOURCE: u32 = 600;

type Limits<K> = RateLimiter<K, DashMapStateStore<K>, RateClock, NoOpMiddleware<Duration>>;

/// How often a public URL may be posted to.
pub(crate) struct Pace {
    clock: RateClock,
    neighborhoods: Limits<(SourceId, IpAddr)>,
    sources: Limits<SourceId>,
}

impl Pace {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        let rate = |per_minute| Rate::per_minute(NonZeroU32::new(per_minute).expect("not zero"));
        let clock = RateClock(clock);
        Self {
            neighborhoods: RateLimiter::dashmap_with_clock(rate(PER_NEIGHBORHOOD), clock.clone()),
            sources: RateLimiter::dashmap_with_clock(rate(PER_SOURCE), clock.clone()),
            clock,
        }
    }

    /// Counts a post.
    ///
    /// # Errors
    /// How long to wait, where there were too many.
    fn count(&self, source: SourceId, address: Option<IpAddr>) -> Result<(), Duration> {
        let now = self.clock.now();
        if let Some(address) = address {
            let key = (source, neighborhood(address));
            let counted = self.neighborhoods.check_key(&key);
            counted.map_err(|refused| refused.wait_time_from(now))?;
        }
        let counted = self.sources.check_key(&source);
        counted.map_err(|refused| refused.wait_time_from(now))
    }

    /// Forgets who may post as often as anybody again.
    pub(crate) fn forget_rested(&self) {
        self.neighborhoods.retain_recent();
        self.neighborhoods.shrink_to_fit();
        self.sources.retain_recent();
        self.sources.shrink_to_fit();
    }
}

/// The /24 of an IPv4 address, the /64 of another: whoever has one of its addresses can mostly have the others.
fn neighborhood(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4((address.to_bits() & !0xff).into()),
        IpAddr::V6(address) => IpAddr::V6((address.to_bits() >> 64 << 64).into()),
    }
}

/// What a browser is told of who may read an answer. Nothing for sources that sign.
#[derive(Default)]
pub(super) struct Readers {
    is_public: bool,
    welcome: Option<HeaderValue>,
    /// Whether the answer becomes the page that a person sees.
    pub(super) wants_page: bool,
}

impl Readers {
    pub(super) fn of(addressed: &Addressed, headers: &HeaderMap) -> Self {
        let Some((door, known)) = addressed.door() else {
            return Self::default();
        };
        let origin = headers.get(ORIGIN);
        let welcome = origin.filter(|origin| {
            let origin = origin.to_str().unwrap_or_default();
            door.is_welcome(&known.settings, origin)
        });
        let text = |name| {
            headers
                .get(name)
                .and_then(|value: &HeaderValue| value.to_str().ok())
        };
        let is_form = text(CONTENT_TYPE).is_some_and(|kind| !kind.contains("json"));
        let is_page = text(ACCEPT).is_some_and(|accept| accept.contains("text/html"));
        Self {
            is_public: true,
            welcome: welcome.cloned(),
            wants_page: is_form && is_page,
        }
    }

    /// The answer, with what browsers go by.
    pub(super) fn tell(&self, mut response: Response) -> Response {
        if self.is_public {
            let headers = response.headers_mut();
            headers.append(VARY, HeaderValue::from_static("Origin"));
            if let Some(origin) = &self.welcome {
                headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            }
        }
        response
    }
}

impl Addressed {
    /// The door of the source, if anybody may know its URL.
    fn door(&self) -> Option<(&'static dyn Door, &KeyedSource)> {
        Some((self.source.door()?, self.known.as_deref()?))
    }
}

/// A page's token.
#[derive(Debug, Serialize)]
struct PageToken {
    page_token: String,
}

impl Ingest {
    /// Looks at a delivery to a public URL. What it finds is noted in the delivery.
    pub(super) async fn screen(
        &self,
        source: &'static dyn Source,
        known: &KeyedSource,
        headers: &HeaderMap,
        (client, network): (Option<ClientAddr>, Option<Network>),
        delivery: Verified,
        now: Timestamp,
    ) -> Result<Verified, Refused> {
        let Some(door) = source.door() else {
            return Ok(delivery);
        };
        let (slug, tenant) = (source.spec().slug, &known.source.tenant);
        // A server posts what many people sent.
        let is_signed = delivery.scheme() != Verification::PUBLIC_FORM_KEY;
        let address = client.filter(|_| !is_signed).map(|client| client.0);
        if let Err(wait) = self.pace.count(known.source.id, address) {
            self.refusals
                .note("too_many_posts", slug, Some(tenant), network);
            return Err(Problem::too_many_requests(wait).into());
        }
        let visit = Visit {
            settings: &known.settings,
            keys: &known.keys,
            secret: known.secret.as_ref(),
            headers,
            checks: &self.bot_checks,
            now,
        };
        door.screen(&visit, delivery).await.map_err(|turned| {
            self.refusals
                .note(turned.reason, slug, Some(tenant), network);
            turned_away(turned)
        })
    }

    /// Tells a browser whether a script of a page may post here.
    pub(crate) async fn preflight(&self, target: Target<'_>, request: Request) -> Response {
        let (parts, _) = request.into_parts();
        let addressed = match self.address(target, &parts).await {
            Ok(addressed) => addressed,
            Err(Refused(response)) => return *response,
        };
        let readers = Readers::of(&addressed, &parts.headers);
        if readers.welcome.is_none() {
            if addressed.known.is_none() {
                self.count_failure(addressed.network);
            }
            let told = Problem::forbidden(
                "Scripts of this page may not post here. Add its domain to the source's settings.",
            );
            return readers.tell(told.into_response());
        }
        let headers = [
            (ACCESS_CONTROL_ALLOW_METHODS, "POST"),
            (
                ACCESS_CONTROL_ALLOW_HEADERS,
                "content-type, idempotency-key",
            ),
            (ACCESS_CONTROL_MAX_AGE, "600"),
        ];
        readers.tell((StatusCode::NO_CONTENT, headers).into_response())
    }

    /// Gives a page the token by which it says later when it was loaded.
    pub(crate) async fn page_token(&self, target: Target<'_>, request: Request) -> Response {
        let (parts, _) = request.into_parts();
        let addressed = match self.address(target, &parts).await {
            Ok(addressed) => addressed,
            Err(Refused(response)) => return *response,
        };
        let readers = Readers::of(&addressed, &parts.headers);
        let Some((door, known)) = addressed.door() else {
            self.count_failure(addressed.network);
            return answer::not_verified();
        };
        let response = match door.page_token(&known.keys, self.clock.now()) {
            Some(page_token) => (
                [(CACHE_CONTROL, "no-store")],
                Json(PageToken { page_token }),
            )
                .into_response(),
            None => Problem::not_found("The source has no key to sign page tokens with: add one.")
                .into_response(),
        };
        readers.tell(response)
    }
}

/// The answer to a delivery that is not stored.
pub(super) fn turned_away(turned: Turned) -> Refused {
    let problem = match turned.status {
        413 => Problem::too_large_here().with_error("body", turned.detail),
        415 => Problem::unsupported_media_type(turned.detail),
        403 => Problem::forbidden(turned.detail),
        _ => Problem::bad_request(turned.detail),
    };
    problem.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_one_neighborhood_count_as_one() {
        for (address, expected) in [
            ("192.0.2.77", "192.0.2.0"),
            ("::ffff:192.0.2.77", "192.0.2.0"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ] {
            let found = neighborhood(address.parse().unwrap());
            assert_eq!(found, expected.parse::<IpAddr>().unwrap());
        }
    }
}
