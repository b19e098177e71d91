//! Google Maps: where an address is.
//!
//! - Geocoding v3 is asked first. What it says counts where it knows the very house: a point on its roof or between its
//!   neighbors, the only one, of the whole address, with the ZIP code that was given.
//! - Address Validation costs more, and is asked only of what Geocoding is doubtful about, where its address is set.
//! - Both take an API key, not a token. Geocoding takes it in the query alone, which [`http_client`] never prints.
//!
//! Source: Geocoding API v3 reference, "Address Validation: understand the response" (read 2026-11). UNCONFIRMED: that
//! answers without a result are billed, too.

mod geocoding;
mod validation;

use std::{fmt, time::Duration};

use async_trait::async_trait;
use domain::{AddressMap, Coordinates, MapAddress, MapAnswer, MapFault};
use http_client::{Client, HttpError, Response, StatusClass, UnreadableBody, Url};
use secrecy::SecretString;
use settings::Reader;

/// Answers about one address are short.
const MAX_ANSWER_BYTES: u64 = 256 * 1024;

/// Which services are asked, and how.
#[derive(Clone)]
pub struct MapsConfig {
    /// The API key.
    pub key: SecretString,
    /// Geocoding.
    pub geocoding_url: Url,
    /// Address Validation. None where nobody wants to pay for it.
    pub validation_url: Option<Url>,
    /// Longest time for one question; a lead waits for two at most.
    pub timeout: Duration,
}

impl fmt::Debug for MapsConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MapsConfig").finish_non_exhaustive()
    }
}

impl MapsConfig {
    /// Reads the settings. None without a key: no map is asked then.
    pub fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let key = reader.secret(
            "GOOGLE_MAPS_KEY",
            "API key of Google Maps, by which addresses are looked up where ZIP code and town do not tell whether a lead is \
             in a service area that is drawn on a map. Without it none is.",
        );
        let geocoding_url = reader.url(
            "GEOCODING_BASE_URL",
            "https://maps.googleapis.com",
            "Google's Geocoding API.",
        );
        let validation_url = reader.optional_url(
            "ADDRESS_VALIDATION_BASE_URL",
            "Google's Address Validation API, such as https://addressvalidation.googleapis.com: asked of addresses that \
             Geocoding is doubtful about. Without it they stay unknown.",
        );
        let timeout = reader.duration(
            "GOOGLE_MAPS_TIMEOUT",
            Duration::from_secs(3),
            "Longest time for one question about an address. A lead waits for two at most.",
        );
        Some(Self {
            key: key?,
            geocoding_url,
            validation_url,
            timeout,
        })
    }
}

/// Asks Google Maps. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Maps {
    http: Client,
    config: MapsConfig,
}

impl Maps {
    /// A client for these services.
    pub const fn new(http: Client, config: MapsConfig) -> Self {
        Self { http, config }
    }
}

#[async_trait]
impl AddressMap for Maps {
    async fn locate(&self, address: &MapAddress) -> Result<MapAnswer, MapFault> {
        let answer = self.geocode(address).await?;
        match (&answer, &self.config.validation_url) {
            (MapAnswer::Doubtful, Some(url)) => self.validate(url, address).await,
            _ => Ok(answer),
        }
    }
}

/// What failed before there was an answer to read.
fn unreached(error: &HttpError) -> MapFault {
    MapFault::Unavailable(error.to_string())
}

fn unreadable(error: &UnreadableBody) -> MapFault {
    MapFault::Unavailable(error.to_string())
}

/// The answer of a service that says by its status how it went.
fn of_status(response: Response) -> Result<Response, MapFault> {
    let status = response.status.as_u16();
    match response.class() {
        StatusClass::Ok => Ok(response),
        StatusClass::Throttled | StatusClass::ServerFault => {
            Err(MapFault::Unavailable(format!("status {status}")))
        }
        StatusClass::Unauthorized | StatusClass::Rejected => {
            Err(MapFault::Refused(format!("status {status}")))
        }
    }
}

/// Coordinates that are on the globe.
fn on_globe(latitude: Option<f64>, longitude: Option<f64>) -> Option<Coordinates> {
    let (latitude, longitude) = (latitude?, longitude?);
    let is_real = (-90.0..=90.0).contains(&latitude) && (-180.0..=180.0).contains(&longitude);
    is_real.then_some(Coordinates {
        latitude,
        longitude,
    })
}

/// Whether a ZIP code of an answer, which may have four more digits, is the one that was asked for; any is where none was.
fn is_asked_code(address: &MapAddress, found: Option<&str>) -> bool {
    address.postal_code().is_none_or(|asked| {
        found.is_some_and(|found| found.split('-').next() == Some(asked.as_str()))
    })
}
