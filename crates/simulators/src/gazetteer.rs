//! Towns that the simulated map knows, and where it puts a house.

/// A town.
pub(crate) struct Town {
    pub(crate) name: &'static str,
    pub(crate) state: &'static str,
    pub(crate) state_name: &'static str,
    pub(crate) county: &'static str,
    pub(crate) codes: &'static [&'static str],
    /// Its middle.
    latitude: f64,
    longitude: f64,
}

const fn texan(
    name: &'static str,
    county: &'static str,
    codes: &'static [&'static str],
    latitude: f64,
    longitude: f64,
) -> Town {
    Town {
        name,
        state: "TX",
        state_name: "Texas",
        county,
        codes,
        latitude,
        longitude,
    }
}

/// The towns.
pub(crate) static TOWNS: &[Town] = &[
    texan(
        "Austin",
        "Travis County",
        &["78701", "78702", "78703", "78704", "78745", "78757"],
        30.2672,
        -97.7431,
    ),
    texan(
        "Round Rock",
        "Williamson County",
        &["78664", "78665", "78681"],
        30.5083,
        -97.6789,
    ),
    texan(
        "Cedar Park",
        "Williamson County",
        &["78613"],
        30.5052,
        -97.8203,
    ),
    texan(
        "Georgetown",
        "Williamson County",
        &["78626", "78628"],
        30.6333,
        -97.6770,
    ),
    texan(
        "Pflugerville",
        "Travis County",
        &["78660"],
        30.4394,
        -97.6200,
    ),
    texan("San Marcos", "Hays County", &["78666"], 29.8833, -97.9414),
    texan(
        "San Antonio",
        "Bexar County",
        &["78205", "78212"],
        29.4241,
        -98.4936,
    ),
    texan(
        "Dallas",
        "Dallas County",
        &["75201", "75204"],
        32.7767,
        -96.7970,
    ),
    texan(
        "Houston",
        "Harris County",
        &["77002", "77007"],
        29.7604,
        -95.3698,
    ),
    Town {
        name: "Denver",
        state: "CO",
        state_name: "Colorado",
        county: "Denver County",
        codes: &["80202"],
        latitude: 39.7392,
        longitude: -104.9903,
    },
];

/// An address as it was understood.
pub(crate) struct Understood {
    pub(crate) town: &'static Town,
    /// The ZIP code that was named, else the town's first.
    pub(crate) code: String,
    pub(crate) house: Option<String>,
    pub(crate) street: Option<String>,
    /// Whether all that was named belongs together.
    pub(crate) is_whole: bool,
    pub(crate) latitude: f64,
    pub(crate) longitude: f64,
}

/// Understands an address; `further` is a ZIP code that was named beside it. None if no town is meant.
pub(crate) fn understand(address: &str, further: Option<&str>) -> Option<Understood> {
    let cleaned = address.replace([',', '.'], " ");
    let words: Vec<&str> = cleaned.split_whitespace().collect();
    let house = words
        .first()
        .filter(|word| word.starts_with(|c: char| c.is_ascii_digit()) && word.len() <= 6);
    let rest = words
        .get(usize::from(house.is_some())..)
        .unwrap_or_default();
    let is_code = |word: &str| {
        let five = word.split('-').next().unwrap_or_default();
        five.len() == 5 && five.bytes().all(|byte| byte.is_ascii_digit())
    };
    let written = rest.iter().find(|word| is_code(word));
    let code = written
        .copied()
        .or(further)
        .map(|code| code.split('-').next().unwrap_or(code));
    let lower = format!(" {} ", rest.join(" ").to_lowercase());
    let named = TOWNS
        .iter()
        .find(|town| lower.contains(&format!(" {} ", town.name.to_lowercase())));
    let by_code = code.and_then(|code| TOWNS.iter().find(|town| town.codes.contains(&code)));
    // A ZIP code restricts where is looked.
    let town = match (code, by_code) {
        (Some(_), None) => return None,
        (Some(_), Some(town)) => town,
        (None, _) => named?,
    };
    let is_whole = named.is_none_or(|named| named.name == town.name);
    let street_end = named.map_or(lower.len(), |named| {
        let at = lower.find(&format!(" {} ", named.name.to_lowercase()));
        at.unwrap_or(lower.len())
    });
    let street = lower.get(..street_end).unwrap_or_default();
    let street: Vec<&str> = street
        .split_whitespace()
        .filter(|word| !is_code(word) && *word != town.state.to_lowercase())
        .collect();
    let street = (!street.is_empty()).then(|| street.join(" "));
    // Somewhere within a mile of the middle, the same for the same street and house.
    let seed = format!(
        "{} {}",
        house.unwrap_or(&""),
        street.as_deref().unwrap_or_default()
    );
    let hash = seed.bytes().fold(17_u32, |hash, byte| {
        hash.wrapping_mul(31).wrapping_add(u32::from(byte))
    });
    let off = |part: u32| f64::from(part % 200) / 10_000.0 - 0.01;
    Some(Understood {
        code: code.unwrap_or(town.codes[0]).to_owned(),
        house: house.map(|house| (*house).to_owned()),
        is_whole,
        latitude: town.latitude + off(hash),
        longitude: town.longitude + off(hash / 200),
        street,
        town,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_house_is_within_a_mile_of_its_towns_middle() {
        let found = understand("12 Elm St, Round Rock, TX", Some("78664")).unwrap();
        assert_eq!(
            (found.town.name, found.code.as_str()),
            ("Round Rock", "78664")
        );
        assert_eq!(found.house.as_deref(), Some("12"));
        assert_eq!(found.street.as_deref(), Some("elm st"));
        assert!(found.is_whole);
        assert!((found.latitude - found.town.latitude).abs() <= 0.01);
        let again = understand("12 Elm St Round Rock TX 78664", None).unwrap();
        assert_eq!(again.street, found.street);
        assert!((again.latitude - found.latitude).abs() < f64::EPSILON);
    }

    #[test]
    fn a_zip_code_restricts_where_is_looked() {
        let torn = understand("12 Elm St, Austin, TX", Some("75201")).unwrap();
        assert_eq!(torn.town.name, "Dallas");
        assert!(!torn.is_whole);
        assert!(understand("12 Elm St, Austin, TX", Some("99999")).is_none());
        assert!(understand("12 Elm St, Atlantis", None).is_none());
        assert!(understand("", None).is_none());
    }
}
