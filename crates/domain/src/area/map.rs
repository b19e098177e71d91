//! Asking a map where an address is.

use std::fmt;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::Coordinates;
use crate::{PostalCode, text};

/// Looks addresses up on a map.
#[async_trait]
pub trait AddressMap: Send + Sync {
    /// Where an address is. A repeat costs as much as the first time.
    ///
    /// # Errors
    /// [`MapFault`]: nothing is known of the address then.
    async fn locate(&self, address: &MapAddress) -> Result<MapAnswer, MapFault>;
}

/// What a map says of an address.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "said")]
pub enum MapAnswer {
    /// It knows the house.
    Found {
        /// Where it is.
        at: Coordinates,
    },
    /// It knows several, or another one than was asked for, or the street alone.
    Doubtful,
    /// It knows none.
    NotFound,
}

/// Why a map did not answer. Whether an address is in an area stays unknown.
#[derive(Debug, Clone, thiserror::Error)]
pub enum MapFault {
    /// An operator has to look: the key is not, or no longer, good for this. Says why, without the address.
    #[error("the map refuses us: {0}")]
    Refused(String),
    /// It asks us to slow down, fails, or does not answer in time.
    #[error("the map does not answer: {0}")]
    Unavailable(String),
}

/// An address that can be asked for: a house and its street, and a ZIP code or a town with them. Prints nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct MapAddress {
    line: String,
    postal_code: Option<PostalCode>,
    is_code_in_line: bool,
}

impl MapAddress {
    /// Longest address that is asked for, in characters.
    const MAX_CHARS: usize = 200;

    /// The address in a text, with the ZIP code and the town that were given beside it. None if the text names no house
    /// with a street, if nothing says which town is meant, or if it has another ZIP code than was given.
    pub fn new(
        address: &str,
        postal_code: Option<&PostalCode>,
        town: Option<(&str, Option<&str>)>,
    ) -> Option<Self> {
        let whole = text::line(&text::harmless(address), Self::MAX_CHARS)?;
        if whole.ends_with('…') {
            return None;
        }
        let line = without_unit(&whole);
        let words = words(&line);
        let house = words.iter().position(|word| is_house_number(word))?;
        let street = words.get(house + 1)?;
        if !street.chars().any(char::is_alphabetic) {
            return None;
        }
        let written = words.iter().skip(house + 2);
        let mut written = written.filter_map(|word| PostalCode::parse(word).ok());
        let written = written.next().filter(|code| !code.is_placeholder());
        let given = postal_code.filter(|code| !code.is_placeholder());
        if written.as_ref().zip(given).is_some_and(|(a, b)| a != b) {
            return None;
        }
        let mut has_town = line.contains(',') || words.iter().skip(house + 2).any(|w| is_state(w));
        let mut line = line;
        if let Some((city, state)) = town {
            if !contains_words(&line, city) {
                line = format!("{line}, {}", text::line(city, 100)?);
                if let Some(state) = state {
                    line = format!("{line}, {}", text::line(state, 20)?);
                }
            }
            has_town = true;
        }
        let is_code_in_line = written.is_some();
        let postal_code = written.or_else(|| given.cloned());
        (has_town || postal_code.is_some()).then_some(Self {
            line,
            postal_code,
            is_code_in_line,
        })
    }

    /// The address in one line, without apartment or suite. Its ZIP code is in it where it was written so.
    pub fn line(&self) -> &str {
        &self.line
    }

    /// Its ZIP code.
    pub fn postal_code(&self) -> Option<&PostalCode> {
        self.postal_code.as_ref()
    }

    /// The ZIP code that [`MapAddress::line`] lacks.
    pub fn further_postal_code(&self) -> Option<&PostalCode> {
        self.postal_code.as_ref().filter(|_| !self.is_code_in_line)
    }

    /// The same for every way of writing an address that people use: words in upper case, common ones shortened, the ZIP
    /// code last.
    pub fn normalized(&self) -> String {
        let code = self.postal_code.as_ref().map_or("", PostalCode::as_str);
        let mut normalized = String::new();
        for word in words(&self.line) {
            let folded: String = word.chars().filter(|c| c.is_alphanumeric()).collect();
            let folded = folded.to_uppercase();
            let is_code = PostalCode::parse(word).is_ok_and(|found| found.as_str() == code);
            // The house's number is no ZIP code, though it may look like one.
            if !folded.is_empty() && (!is_code || normalized.is_empty()) {
                normalized.push_str(short(&folded));
                normalized.push(' ');
            }
        }
        normalized.push_str(code);
        normalized
    }
}

impl fmt::Debug for MapAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MapAddress(redacted)")
    }
}

/// Words, without the punctuation around them.
fn words(line: &str) -> Vec<&str> {
    let trimmed = line
        .split(|c: char| c.is_whitespace() || c == ',')
        .map(|word| word.trim_matches(|c: char| !c.is_alphanumeric() && c != '#'));
    trimmed.filter(|word| !word.is_empty()).collect()
}

/// `12`, `12B`, `12-14`, `1200`.
fn is_house_number(word: &str) -> bool {
    let digits = word.bytes().filter(u8::is_ascii_digit).count();
    let letters = word.bytes().filter(u8::is_ascii_alphabetic).count();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '/';
    word.starts_with(|c: char| c.is_ascii_digit())
        && (1..=6).contains(&digits)
        && letters <= 1
        && word.chars().all(is_plain)
}

/// A line without apartment, suite or unit: a map does not know them.
fn without_unit(line: &str) -> String {
    const UNITS: [&str; 7] = ["apt", "apartment", "ste", "suite", "unit", "rm", "room"];
    let mut kept: Vec<&str> = Vec::new();
    let mut is_unit_next = false;
    for word in line.split(' ') {
        let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
        let names_unit = UNITS.iter().any(|unit| bare.eq_ignore_ascii_case(unit));
        // `Suite` as the first word, or before the house, names something else.
        if names_unit && kept.len() >= 2 {
            is_unit_next = true;
        } else if is_unit_next || (word.starts_with('#') && kept.len() >= 2) {
            is_unit_next = false;
            let ends_part = word.ends_with(',');
            // What follows is another part of the address all the same.
            if ends_part && kept.last().is_some_and(|last| !last.ends_with(',')) {
                kept.push(",");
            }
        } else {
            kept.push(word);
        }
    }
    let line = kept.join(" ").replace(" ,", ",");
    line.trim_matches([' ', ',']).to_owned()
}

fn contains_words(line: &str, part: &str) -> bool {
    let folded = |text: &str| format!(" {} ", words(text).join(" ").to_lowercase());
    folded(line).contains(&folded(part))
}

/// A state's two letters. Only upper case counts: `in` and `or` are words.
fn is_state(word: &str) -> bool {
    const STATES: &str = "AL AK AZ AR CA CO CT DE DC FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH \
                          NJ NM NY NC ND OH OK OR PA RI SC SD TN TX UT VT VA WA WV WI WY PR";
    STATES.split(' ').any(|state| state == word)
}

/// Common words of streets, as the Postal Service shortens them.
fn short(word: &str) -> &str {
    match word {
        "AVENUE" | "AVEN" => "AVE",
        "BOULEVARD" => "BLVD",
        "CIRCLE" => "CIR",
        "COURT" => "CT",
        "DRIVE" => "DR",
        "EAST" => "E",
        "HIGHWAY" => "HWY",
        "LANE" => "LN",
        "NORTH" => "N",
        "PARKWAY" => "PKWY",
        "PLACE" => "PL",
        "ROAD" => "RD",
        "SOUTH" => "S",
        "SQUARE" => "SQ",
        "STREET" => "ST",
        "TERRACE" => "TER",
        "TRAIL" => "TRL",
        "WEST" => "W",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> PostalCode {
        PostalCode::parse(text).unwrap()
    }

    fn address(text: &str) -> Option<MapAddress> {
        MapAddress::new(text, None, None)
    }

    #[test]
    fn a_house_with_a_street_and_a_town_can_be_asked_for() {
        for text in [
            "12 Elm St, Round Rock",
            "12 Elm Street Round Rock TX",
            "1200 5th Ave, Austin, TX 78704",
            "12B Elm St 78664",
            "78704 Oak Ave, Dallas",
        ] {
            assert!(address(text).is_some(), "{text}");
        }
        for text in [
            "",
            "Round Rock",
            "Elm St, Round Rock",
            "78664",
            "12",
            "12 Elm St",
            "12 34, Austin",
            "the blue house in Austin",
        ] {
            assert!(address(text).is_none(), "{text}");
        }
        let endless = format!("12 Elm St, {}", "x".repeat(500));
        assert!(address(&endless).is_none());
    }

    #[test]
    fn town_and_zip_code_are_added_where_the_line_lacks_them() {
        let zip = code("78664");
        let asked = MapAddress::new("12 Elm St", Some(&zip), None).unwrap();
        assert_eq!(asked.line(), "12 Elm St");
        assert_eq!(asked.further_postal_code(), Some(&zip));
        let town = Some(("Round Rock", Some("TX")));
        let asked = MapAddress::new("12 Elm St", None, town).unwrap();
        assert_eq!(asked.line(), "12 Elm St, Round Rock, TX");
        assert_eq!(asked.postal_code(), None);
        let asked = MapAddress::new("12 Elm St, Round Rock 78664", Some(&zip), town).unwrap();
        assert_eq!(asked.line(), "12 Elm St, Round Rock 78664");
        assert_eq!(asked.postal_code(), Some(&zip));
        assert_eq!(asked.further_postal_code(), None, "it is written once");
        let filler = code("00000");
        assert!(MapAddress::new("12 Elm St", Some(&filler), None).is_none());
        let other = code("75201");
        let torn = MapAddress::new("12 Elm St, Round Rock 78664", Some(&other), None);
        assert!(torn.is_none(), "one of the two is wrong");
    }

    #[test]
    fn an_apartment_is_left_out() {
        for text in [
            "12 Elm St Apt 4, Austin, TX",
            "12 Elm St, Unit 4B, Austin, TX",
            "12 Elm St #4, Austin, TX",
            "12 Elm St, suite 200, Austin, TX",
        ] {
            assert_eq!(
                address(text).unwrap().line(),
                "12 Elm St, Austin, TX",
                "{text}"
            );
        }
    }

    #[test]
    fn ways_of_writing_an_address_are_one() {
        let plain = address("12 Elm Street, Austin TX 78704").unwrap();
        assert_eq!(plain.normalized(), "12 ELM ST AUSTIN TX 78704");
        for text in [
            "12 elm st., Austin, TX 78704-1234",
            "12 ELM ST Apt 9, 78704 Austin, TX",
            "12  Elm   St, Austin, TX, 78704",
        ] {
            assert_eq!(
                address(text).unwrap().normalized(),
                plain.normalized(),
                "{text}"
            );
        }
        let zip = code("78704");
        let beside = MapAddress::new("12 Elm St, Austin TX", Some(&zip), None).unwrap();
        assert_eq!(beside.normalized(), plain.normalized());
        let number = MapAddress::new("78704 Elm St, Austin TX", Some(&zip), None).unwrap();
        assert_eq!(number.normalized(), "78704 ELM ST AUSTIN TX 78704");
        assert_eq!(format!("{number:?}"), "MapAddress(redacted)");
    }
}
