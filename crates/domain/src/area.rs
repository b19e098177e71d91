//! The service area: where a company works.

mod map;
mod meeting;
mod polygon;

use serde::{Deserialize, Serialize};

pub use self::{
    map::{AddressMap, MapAddress, MapAnswer, MapFault},
    polygon::Polygon,
};
use crate::{ConfigFault, PostalCode};

/// Where a company works: any of these makes a place part of it. With none given, it works everywhere.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ServiceArea {
    /// ZIP codes, whole (`78664`) or their first three or four digits, with `x` in place of the others (`786xx`).
    pub postal_codes: Vec<String>,
    /// Towns with their state.
    pub cities: Vec<City>,
    /// Everything around a point.
    pub radius: Option<Radius>,
    /// Areas drawn on a map.
    pub polygons: Vec<Polygon>,
}

/// A town.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct City {
    /// Its name: `Round Rock`.
    pub name: String,
    /// Two letters: `TX`.
    pub state: String,
}

/// A circle on the globe.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Radius {
    /// Degrees, north positive.
    pub latitude: f64,
    /// Degrees, east positive.
    pub longitude: f64,
    /// Statute miles.
    pub miles: f64,
}

/// A point on the globe, in degrees.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Coordinates {
    /// North positive.
    pub latitude: f64,
    /// East positive.
    pub longitude: f64,
}

/// What is known of where a lead's project is. Only what was said or typed for the project speaks against an area: what
/// a caller's record says belongs to their number, and people keep their numbers.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Place {
    /// The ZIP code, as the lead said or wrote it.
    pub postal_code: Option<PostalCode>,
    /// The address, as the lead said or wrote it: free text.
    pub address: Option<String>,
    /// ZIP code of the caller's record.
    pub caller_postal_code: Option<PostalCode>,
    /// Town and state of the caller's number: a hint that the number was given out there, not where the project is.
    pub caller_city: Option<(String, String)>,
    /// Looked-up coordinates.
    pub coordinates: Option<Coordinates>,
}

/// Whether a place is in the area, and what says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "area", content = "because")]
pub enum AreaVerdict {
    /// In the area.
    In(AreaBasis),
    /// Outside.
    Out(AreaBasis),
    /// Cannot be known: dispatched, and flagged.
    Unknown,
}

/// What an [`AreaVerdict`] rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AreaBasis {
    /// The company works everywhere.
    Everywhere,
    /// The ZIP code.
    PostalCode,
    /// Coordinates and the radius.
    Radius,
    /// Coordinates and the areas drawn on a map.
    Polygon,
    /// A town of the area is named in the address. It can only speak for the area.
    Address,
    /// The town of the caller's number. It can speak for the area, never against it: people keep their numbers.
    CallerCity,
}

impl ServiceArea {
    /// Most points of all areas drawn on a map together.
    pub const MAX_POINTS: usize = 5_000;

    /// Whether a text is one of [`ServiceArea::postal_codes`].
    pub fn is_postal_code(text: &str) -> bool {
        let digits = text.trim_end_matches('x');
        text.len() == 5 && digits.len() >= 3 && digits.bytes().all(|byte| byte.is_ascii_digit())
    }

    /// Whether a point can decide: a radius or an area drawn on a map is given.
    pub fn is_drawn(&self) -> bool {
        self.radius.is_some() || !self.polygons.is_empty()
    }

    /// Whether `place` is in the area. A ZIP code decides before coordinates, those before the caller's record.
    pub fn verdict(&self, place: &Place) -> AreaVerdict {
        let is_drawn = self.is_drawn();
        if self.postal_codes.is_empty() && self.cities.is_empty() && !is_drawn {
            return AreaVerdict::In(AreaBasis::Everywhere);
        }
        let drawn = place.coordinates.filter(|_| is_drawn);
        let drawn = drawn.map(|at| self.drawn(at));
        let said = |code: &Option<PostalCode>| code.clone().filter(|code| !code.is_placeholder());
        match (&said(&place.postal_code), drawn) {
            (Some(code), _) if self.has_postal_code(code) => {
                return AreaVerdict::In(AreaBasis::PostalCode);
            }
            (_, Some(verdict)) => return verdict,
            // A list of ZIP codes speaks against one that it lacks only where nothing but the list draws the area.
            (Some(_), None) if !self.postal_codes.is_empty() && !is_drawn => {
                return AreaVerdict::Out(AreaBasis::PostalCode);
            }
            _ => {}
        }
        if place
            .address
            .as_deref()
            .is_some_and(|address| self.names_city(address))
        {
            return AreaVerdict::In(AreaBasis::Address);
        }
        let recorded = said(&place.caller_postal_code);
        if recorded.is_some_and(|code| self.has_postal_code(&code)) {
            return AreaVerdict::In(AreaBasis::PostalCode);
        }
        match &place.caller_city {
            Some((name, state)) if self.has_city(name, state) => {
                AreaVerdict::In(AreaBasis::CallerCity)
            }
            _ => AreaVerdict::Unknown,
        }
    }

    /// What radius and polygons say of coordinates.
    fn drawn(&self, at: Coordinates) -> AreaVerdict {
        if self.radius.is_some_and(|radius| radius.contains(at)) {
            return AreaVerdict::In(AreaBasis::Radius);
        }
        if self.polygons.iter().any(|polygon| polygon.contains(at)) {
            return AreaVerdict::In(AreaBasis::Polygon);
        }
        AreaVerdict::Out(if self.polygons.is_empty() {
            AreaBasis::Radius
        } else {
            AreaBasis::Polygon
        })
    }

    fn has_postal_code(&self, code: &PostalCode) -> bool {
        let code = code.as_str();
        let mut patterns = self.postal_codes.iter();
        patterns.any(|pattern| {
            code.starts_with(pattern.trim_end_matches('x')) && code.len() == pattern.len()
        })
    }

    fn has_city(&self, name: &str, state: &str) -> bool {
        self.cities.iter().any(|city| {
            city.name.eq_ignore_ascii_case(name.trim())
                && city.state.eq_ignore_ascii_case(state.trim())
        })
    }

    /// Whether a town of the area stands in `address` as whole words, or one of its ZIP codes behind the first word,
    /// which is a house's number.
    fn names_city(&self, address: &str) -> bool {
        let words = |text: &str| {
            let lower = text.to_lowercase();
            let words: Vec<_> = lower
                .split(|c: char| !c.is_alphanumeric())
                .filter(|w| !w.is_empty())
                .collect();
            format!(" {} ", words.join(" "))
        };
        let address = words(address);
        let mut codes = address.split_whitespace().skip(1);
        self.cities
            .iter()
            .any(|city| address.contains(&words(&city.name)))
            || codes
                .any(|word| PostalCode::parse(word).is_ok_and(|code| self.has_postal_code(&code)))
    }

    /// What is wrong with the areas drawn on a map, where each field alone is well.
    pub(crate) fn faults(&self) -> Vec<ConfigFault> {
        const PATH: &str = "service_area.polygons";
        if self.polygons.iter().map(Polygon::points).sum::<usize>() > Self::MAX_POINTS {
            let wanted = format!("at most {} points in all", Self::MAX_POINTS);
            return vec![ConfigFault::new(PATH, wanted)];
        }
        let polygons = self.polygons.iter().enumerate();
        let faults = polygons.map(|(index, polygon)| polygon.faults(&format!("{PATH}.{index}")));
        faults.flatten().collect()
    }
}

impl Radius {
    /// Great-circle distance by the haversine formula, on a sphere of the Earth's mean radius: off by at most 0.6 %.
    fn contains(self, at: Coordinates) -> bool {
        const EARTH_RADIUS_MILES: f64 = 3_958.8;
        let (lat1, lat2) = (self.latitude.to_radians(), at.latitude.to_radians());
        let half_lat = (lat2 - lat1) / 2.0;
        let half_lon = (at.longitude - self.longitude).to_radians() / 2.0;
        let h = half_lat.sin().powi(2) + lat1.cos() * lat2.cos() * half_lon.sin().powi(2);
        2.0 * EARTH_RADIUS_MILES * h.sqrt().min(1.0).asin() <= self.miles
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn austin() -> ServiceArea {
        ServiceArea {
            postal_codes: vec!["786xx".into(), "787xx".into(), "76574".into()],
            cities: vec![City {
                name: "Round Rock".into(),
                state: "TX".into(),
            }],
            ..ServiceArea::default()
        }
    }

    fn zip(code: &str) -> Place {
        Place {
            postal_code: Some(PostalCode::parse(code).unwrap()),
            ..Place::default()
        }
    }

    fn city(name: &str, state: &str) -> Place {
        Place {
            caller_city: Some((name.into(), state.into())),
            ..Place::default()
        }
    }

    #[test]
    fn zip_codes_decide_by_whole_code_and_by_prefix() {
        for (code, verdict) in [
            ("78600", AreaVerdict::In(AreaBasis::PostalCode)),
            ("78799", AreaVerdict::In(AreaBasis::PostalCode)),
            ("76574", AreaVerdict::In(AreaBasis::PostalCode)),
            ("78599", AreaVerdict::Out(AreaBasis::PostalCode)),
            ("78800", AreaVerdict::Out(AreaBasis::PostalCode)),
        ] {
            assert_eq!(austin().verdict(&zip(code)), verdict, "{code}");
        }
    }

    #[test]
    fn a_callers_town_speaks_for_the_area_but_never_against_it() {
        assert_eq!(
            austin().verdict(&city("round rock", "tx")),
            AreaVerdict::In(AreaBasis::CallerCity)
        );
        assert_eq!(
            austin().verdict(&city("Rochester", "PA")),
            AreaVerdict::Unknown
        );
        assert_eq!(austin().verdict(&Place::default()), AreaVerdict::Unknown);
    }

    #[test]
    fn a_town_of_the_area_is_found_in_an_address_as_whole_words() {
        let at = |text: &str| Place {
            address: Some(text.into()),
            ..Place::default()
        };
        assert_eq!(
            austin().verdict(&at("12 Elm St, Round Rock")),
            AreaVerdict::In(AreaBasis::Address)
        );
        assert_eq!(
            austin().verdict(&at("12 Ground Rockford")),
            AreaVerdict::Unknown
        );
    }

    #[test]
    fn a_zip_code_outranks_the_callers_town() {
        let place = Place {
            postal_code: zip("75201").postal_code,
            ..city("Round Rock", "TX")
        };
        assert_eq!(
            austin().verdict(&place),
            AreaVerdict::Out(AreaBasis::PostalCode)
        );
    }

    #[test]
    fn a_callers_record_speaks_for_the_area_but_never_against_it() {
        let recorded = |code: &str| Place {
            caller_postal_code: zip(code).postal_code,
            ..Place::default()
        };
        let inside = Place {
            address: Some("12 Elm St, Round Rock".into()),
            ..recorded("75201")
        };
        let outside = Place {
            postal_code: zip("75201").postal_code,
            ..recorded("78664")
        };
        for (place, verdict) in [
            (recorded("78664"), AreaVerdict::In(AreaBasis::PostalCode)),
            (recorded("75201"), AreaVerdict::Unknown),
            (recorded("00000"), AreaVerdict::Unknown),
            (inside, AreaVerdict::In(AreaBasis::Address)),
            (outside, AreaVerdict::Out(AreaBasis::PostalCode)),
        ] {
            assert_eq!(austin().verdict(&place), verdict, "{place:?}");
        }
    }

    #[test]
    fn a_placeholder_for_a_zip_code_says_nothing() {
        for code in ["00000", "99999", "11111", "12345"] {
            assert_eq!(austin().verdict(&zip(code)), AreaVerdict::Unknown, "{code}");
            let place = Place {
                postal_code: zip(code).postal_code,
                ..city("Round Rock", "TX")
            };
            let inside = AreaVerdict::In(AreaBasis::CallerCity);
            assert_eq!(austin().verdict(&place), inside, "{code}");
        }
    }

    #[test]
    fn a_zip_code_of_the_area_is_found_in_an_address() {
        let at = |text: &str| Place {
            address: Some(text.into()),
            ..Place::default()
        };
        let inside = AreaVerdict::In(AreaBasis::Address);
        assert_eq!(austin().verdict(&at("4 Oak Ave, TX 78704-1234")), inside);
        let unknown = AreaVerdict::Unknown;
        assert_eq!(austin().verdict(&at("78704 Oak Ave, Dallas")), unknown);
        assert_eq!(austin().verdict(&at("4 Oak Ave, TX 75201")), unknown);
    }

    #[test]
    fn without_an_area_everything_is_in() {
        assert_eq!(
            ServiceArea::default().verdict(&zip("10001")),
            AreaVerdict::In(AreaBasis::Everywhere)
        );
    }

    #[test]
    fn a_radius_is_measured_on_the_globe_and_across_the_date_line() {
        let area = |latitude, longitude, miles| ServiceArea {
            radius: Some(Radius {
                latitude,
                longitude,
                miles,
            }),
            ..ServiceArea::default()
        };
        let at = |latitude, longitude| Place {
            coordinates: Some(Coordinates {
                latitude,
                longitude,
            }),
            ..Place::default()
        };
        // Austin to Round Rock is about 17 miles.
        let (lat, lon) = (30.2672, -97.7431);
        assert_eq!(
            area(lat, lon, 20.0).verdict(&at(30.5083, -97.6789)),
            AreaVerdict::In(AreaBasis::Radius)
        );
        assert_eq!(
            area(lat, lon, 15.0).verdict(&at(30.5083, -97.6789)),
            AreaVerdict::Out(AreaBasis::Radius)
        );
        assert_eq!(
            area(0.0, 179.9, 20.0).verdict(&at(0.0, -179.9)),
            AreaVerdict::In(AreaBasis::Radius)
        );
        assert_eq!(
            area(lat, lon, 15.0).verdict(&zip("78664")),
            AreaVerdict::Unknown
        );
    }
}
