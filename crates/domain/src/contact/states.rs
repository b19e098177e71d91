//! The state of a ZIP code, by its first three digits.
//!
//! Source: USPS, "L002 3-Digit ZIP Code Prefix Matrix" as general knowledge; UNCONFIRMED for prefixes that are unused or
//! belong to the military and to territories, which are left out.

use crate::PostalCode;

/// First and last prefix, and the state that all of them are in.
const PREFIXES: &[(u16, u16, &str)] = &[
    (5, 5, "NY"),
    (10, 27, "MA"),
    (28, 29, "RI"),
    (30, 38, "NH"),
    (39, 49, "ME"),
    (50, 54, "VT"),
    (55, 55, "MA"),
    (56, 59, "VT"),
    (60, 69, "CT"),
    (70, 89, "NJ"),
    (100, 149, "NY"),
    (150, 196, "PA"),
    (197, 199, "DE"),
    (200, 200, "DC"),
    (201, 201, "VA"),
    (202, 205, "DC"),
    (206, 219, "MD"),
    (220, 246, "VA"),
    (247, 268, "WV"),
    (270, 289, "NC"),
    (290, 299, "SC"),
    (300, 319, "GA"),
    (320, 339, "FL"),
    (341, 342, "FL"),
    (344, 344, "FL"),
    (346, 347, "FL"),
    (349, 349, "FL"),
    (350, 352, "AL"),
    (354, 369, "AL"),
    (370, 385, "TN"),
    (386, 397, "MS"),
    (398, 399, "GA"),
    (400, 427, "KY"),
    (430, 459, "OH"),
    (460, 479, "IN"),
    (480, 499, "MI"),
    (500, 528, "IA"),
    (530, 549, "WI"),
    (550, 567, "MN"),
    (570, 577, "SD"),
    (580, 588, "ND"),
    (590, 599, "MT"),
    (600, 629, "IL"),
    (630, 658, "MO"),
    (660, 679, "KS"),
    (680, 693, "NE"),
    (700, 714, "LA"),
    (716, 729, "AR"),
    (730, 732, "OK"),
    (733, 733, "TX"),
    (734, 749, "OK"),
    (750, 799, "TX"),
    (800, 816, "CO"),
    (820, 831, "WY"),
    (832, 838, "ID"),
    (840, 847, "UT"),
    (850, 865, "AZ"),
    (870, 884, "NM"),
    (885, 885, "TX"),
    (889, 898, "NV"),
    (900, 961, "CA"),
    (967, 968, "HI"),
    (970, 979, "OR"),
    (980, 994, "WA"),
    (995, 999, "AK"),
];

impl PostalCode {
    /// The two letters of the state that it is in, where all codes that begin like it are.
    pub fn state(&self) -> Option<&'static str> {
        let prefix: u16 = self.as_str().get(..3)?.parse().ok()?;
        let found = PREFIXES
            .iter()
            .find(|(first, last, _)| (*first..=*last).contains(&prefix));
        found.map(|(_, _, state)| *state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_are_in_order_and_apart() {
        assert!(PREFIXES.iter().all(|(first, last, _)| first <= last));
        assert!(PREFIXES.windows(2).all(|pair| pair[0].1 < pair[1].0));
    }

    #[test]
    fn a_code_has_the_state_of_its_prefix() {
        let state = |raw: &str| PostalCode::parse(raw).unwrap().state();
        assert_eq!(state("78664"), Some("TX"));
        assert_eq!(state("02139"), Some("MA"));
        assert_eq!(state("90210-1234"), Some("CA"));
        assert_eq!(state("00123"), None);
    }
}
