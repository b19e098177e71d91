//! Telephone numbers, as people, forms and carriers write them.

use std::fmt;

use phonenumber::metadata::DATABASE;
use serde::{Deserialize, Serialize};

use crate::{ContactError, text};

/// Longest text that is taken for a number, in bytes.
const MAX_RAW: usize = 64;
/// Most digits of a number with its country code (ITU-T E.164), and the least that any country has.
const DIGITS: std::ops::RangeInclusive<usize> = 8..=15;
/// Least digits before an extension: the shortest number that is dialed without its area code.
const MIN_BEFORE_EXTENSION: usize = 7;
/// Most digits of an extension.
const MAX_EXTENSION: usize = 7;

/// A telephone number in E.164 form: `+15125550142`. Prints redacted in `Debug`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct E164(String);

impl E164 {
    /// Reads a number as people and providers write it; without a country code it is taken for a US one. An extension
    /// behind it is left out.
    ///
    /// Numbers that no exchange has assigned are kept (`+15551234567` is what documentation uses): only the form is
    /// checked here.
    ///
    /// # Errors
    /// [`ContactError::Phone`] when it has no form of a number.
    pub fn parse(raw: &str) -> Result<Self, ContactError> {
        Self::parse_with_extension(raw).map(|(number, _)| number)
    }

    /// The same, and the digits of the extension: `77` of `(512) 555-0153 x77`.
    ///
    /// # Errors
    /// [`ContactError::Phone`] when it has no form of a number.
    pub fn parse_with_extension(raw: &str) -> Result<(Self, Option<String>), ContactError> {
        if raw.len() > MAX_RAW {
            return Err(ContactError::Phone);
        }
        // What most providers deliver needs no rules of a country.
        if is_plain_us(raw) {
            return Ok((Self(raw.to_owned()), None));
        }
        let plain = in_ascii(raw).to_ascii_lowercase();
        let plain = plain.trim();
        let (number, extension) = split_extension(plain.strip_prefix("tel:").unwrap_or(plain));
        let number = match international(number) {
            Some(digits) => of_country(&digits),
            None => of_the_us(number),
        };
        let number = number
            .filter(|number| is_e164(number))
            .ok_or(ContactError::Phone)?;
        Ok((Self(number), extension.map(str::to_owned)))
    }

    /// The first number of several that were written into one field, as in `512-555-0142 or 512-555-0143`, with its
    /// extension.
    pub fn first_of(raw: &str) -> Option<(Self, Option<String>)> {
        if raw.len() > MAX_RAW {
            return None;
        }
        let plain = in_ascii(raw).to_ascii_lowercase();
        let plain = plain.replace(" or ", "/").replace(" and ", "/");
        let mut parts = plain.split(['/', ';', '|', '&', ',', '\n']);
        parts.find_map(|part| {
            let digits = part.bytes().filter(u8::is_ascii_digit).count();
            let number = Self::parse_with_extension(part).ok()?;
            (digits >= 10).then_some(number)
        })
    }

    /// The number, with its plus sign.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether nobody can be reached or recognized by it: a caller who withheld theirs, or a number that stands in for
    /// one, such as `+19999999999`.
    pub fn reaches_nobody(&self) -> bool {
        let digits = self.0.trim_start_matches('+');
        let national = digits.strip_prefix('1').filter(|rest| rest.len() == 10);
        is_word(digits) || is_filler(digits) || national.is_some_and(is_us_junk)
    }
}

impl E164 {
    /// The two letters of the only country that has its code; none where several share it, as for +1.
    pub fn country(&self) -> Option<String> {
        let digits = self.0.trim_start_matches('+');
        let regions = (1..=3).find_map(|length| {
            let (code, _) = digits.split_at_checked(length)?;
            DATABASE.by_code(&code.parse::<u16>().ok()?)
        })?;
        match regions.as_slice() {
            [only] => {
                Some(only.id().to_owned()).filter(|id| id.bytes().all(|b| b.is_ascii_uppercase()))
            }
            _ => None,
        }
    }

    /// Whether it can be one person's: neither a company's freephone number nor one that reaches nobody. What is not
    /// personal joins nobody.
    pub fn is_personal(&self) -> bool {
        !self.reaches_nobody() && !self.is_toll_free()
    }

    /// Whether it is a freephone number of North America: a company's, whoever of it calls.
    pub fn is_toll_free(&self) -> bool {
        let codes = ["800", "833", "844", "855", "866", "877", "888"];
        let national = self.0.strip_prefix("+1").filter(|rest| rest.len() == 10);
        national.is_some_and(|rest| codes.iter().any(|code| rest.starts_with(code)))
    }
}

/// `+1` and ten digits whose area code and exchange could be such (North American Numbering Plan).
fn is_plain_us(raw: &str) -> bool {
    let Some([area, _, _, exchange, ..]) = raw.strip_prefix("+1").map(str::as_bytes) else {
        return false;
    };
    let is_lead = |digit: &u8| (b'2'..=b'9').contains(digit);
    raw.len() == 12
        && raw.bytes().skip(1).all(|c| c.is_ascii_digit())
        && is_lead(area)
        && is_lead(exchange)
}

/// The words ANONYMOUS, RESTRICTED, BLOCKED, UNKNOWN, UNAVAILABLE, WITHHELD and OUT OF AREA typed on a telephone's
/// keys, as carriers deliver them in place of a number. PRIVATE is too short for a number.
fn is_word(digits: &str) -> bool {
    const WORDS: [&str; 7] = [
        "266696687",
        "7378742833",
        "2562533",
        "8656696",
        "86282452253",
        "94844353",
        "688632732",
    ];
    let bare = digits.strip_prefix('1').unwrap_or(digits);
    WORDS.contains(&digits) || WORDS.contains(&bare)
}

/// One digit over and over, or the digits in their order.
fn is_filler(digits: &str) -> bool {
    let mut others = digits.bytes().skip(1).zip(digits.bytes());
    others.all(|(digit, before)| digit == before)
        || "01234567890123".contains(digits)
        || "9876543210".contains(digits)
}

/// The ten digits behind `+1`: no area code begins with 0 or 1 (North American Numbering Plan).
fn is_us_junk(national: &str) -> bool {
    is_word(national) || is_filler(national) || national.starts_with(['0', '1'])
}

/// The text with digits of every script, the wide plus sign and blanks of every width in ASCII, and without marks that
/// no screen shows.
fn in_ascii(raw: &str) -> String {
    let plain = |c: char| match c {
        '\u{ff0b}' => '+',
        c if c.is_ascii() => c,
        c => digit(c).unwrap_or(' '),
    };
    let visible = text::harmless(raw);
    let kept = visible
        .chars()
        .filter(|c| !matches!(c, '\u{ad}' | '\u{2060}'));
    kept.map(plain).collect()
}

/// A decimal digit of another script.
fn digit(c: char) -> Option<char> {
    // Where the digits 0 to 9 of a script begin: Unicode's general category Nd, the scripts that phones are sold in.
    const ZEROS: [u32; 22] = [
        0x0660, 0x06f0, 0x07c0, 0x0966, 0x09e6, 0x0a66, 0x0ae6, 0x0b66, 0x0be6, 0x0c66, 0x0ce6,
        0x0d66, 0x0de6, 0x0e50, 0x0ed0, 0x0f20, 0x1040, 0x17e0, 0x1810, 0xff10, 0x1d7ce, 0x1d7f6,
    ];
    let code = u32::from(c);
    let value = ZEROS
        .iter()
        .find_map(|zero| code.checked_sub(*zero).filter(|value| *value < 10))?;
    char::from_digit(value, 10)
}

/// The number, and the digits behind a mark of an extension: `x77`, `ext. 77`, `;ext=77`, `#77`, `,77`.
fn split_extension(raw: &str) -> (&str, Option<&str>) {
    const MARKS: [&str; 8] = ["extension", "extn", "ext", "xtn", "x", "#", ",", ";"];
    let whole = raw.trim_end_matches(['#', ')', ' ']);
    let head = whole.trim_end_matches(|c: char| c.is_ascii_digit());
    let Some((_, extension)) = whole.split_at_checked(head.len()) else {
        return (raw, None);
    };
    let head = head.trim_end_matches([' ', ':', '.', '=', '-']);
    let marked = MARKS.iter().find_map(|mark| {
        let (number, tail) = head.split_at_checked(head.len().checked_sub(mark.len())?)?;
        (tail == *mark).then_some(number)
    });
    let digits = |text: &str| text.bytes().filter(u8::is_ascii_digit).count();
    match marked {
        Some(number)
            if (1..=MAX_EXTENSION).contains(&extension.len())
                && digits(number) >= MIN_BEFORE_EXTENSION =>
        {
            (
                number.trim_end_matches([' ', ',', ';', '.', '(', '-']),
                Some(extension),
            )
        }
        _ => (raw, None),
    }
}

/// The digits from the country code on, of a number that begins with a plus sign or with what is dialed in its place:
/// 011 in the US, 00 in most other countries. Nobody's area code begins with 0.
fn international(raw: &str) -> Option<String> {
    let begin = raw.find(|c: char| c == '+' || c.is_ascii_alphanumeric())?;
    let (_, number) = raw.split_at_checked(begin)?;
    let is_part = |c: char| c.is_ascii_digit() || " +-./()[]~".contains(c);
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    let prefixes = ["011", "00"];
    let bare = prefixes
        .iter()
        .find_map(|prefix| digits.strip_prefix(prefix));
    match (number.starts_with('+'), bare) {
        _ if !number.chars().all(is_part) => None,
        // The prefix behind a plus sign says the same twice.
        (true, Some(bare)) => Some(bare.to_owned()),
        (true, None) => Some(digits),
        (false, bare) => bare
            .filter(|bare| bare.len() >= MIN_BEFORE_EXTENSION && !bare.starts_with('0'))
            .map(str::to_owned),
    }
}

/// A number by the rules of the country that its code names: what is dialed only within the country is left out.
fn of_country(digits: &str) -> Option<String> {
    if digits.starts_with('1') {
        return of_the_us(&format!("+{digits}"));
    }
    let (code, national, region) = (1..=3).find_map(|length| {
        let (code, national) = digits.split_at_checked(length)?;
        let regions = DATABASE.by_code(&code.parse::<u16>().ok()?)?;
        Some((code, national, *regions.first()?))
    })?;
    let as_it_is = || format!("+{code}{national}");
    if region.descriptors().general().is_match(national) {
        return Some(as_it_is());
    }
    match region.id().parse() {
        Ok(country) => formatted(country, &as_it_is()),
        // Numbers of no country, such as international freephone.
        Err(_) => Some(as_it_is()),
    }
}

fn of_the_us(raw: &str) -> Option<String> {
    let number = formatted(phonenumber::country::Id::US, raw)?;
    // Ten digits behind `+1`: anything else was cut, or is a part of a number.
    (!number.starts_with("+1") || number.len() == "+15125550142".len()).then_some(number)
}

fn formatted(country: phonenumber::country::Id, raw: &str) -> Option<String> {
    let parsed = phonenumber::parse(Some(country), raw).ok()?;
    Some(parsed.format().mode(phonenumber::Mode::E164).to_string())
}

/// A plus sign and as many digits as a number may have.
fn is_e164(text: &str) -> bool {
    text.strip_prefix('+').is_some_and(|digits| {
        DIGITS.contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit())
    })
}

/// Reads a stored number by its form alone, so that one which an earlier build read by other rules stays readable.
impl TryFrom<String> for E164 {
    type Error = ContactError;

    fn try_from(text: String) -> Result<Self, ContactError> {
        if is_e164(&text) {
            Ok(Self(text))
        } else {
            Err(ContactError::Phone)
        }
    }
}

impl From<E164> for String {
    fn from(number: E164) -> Self {
        number.0
    }
}

impl fmt::Debug for E164 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("E164(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(raw: &str) -> Option<(String, Option<String>)> {
        let (number, extension) = E164::parse_with_extension(raw).ok()?;
        Some((number.into(), extension))
    }

    #[test]
    fn numbers_as_people_write_them_become_e164() {
        for (raw, expected) in [
            ("+15125550142", "+15125550142"),
            ("512-555-0142", "+15125550142"),
            ("(512) 555 0142", "+15125550142"),
            ("1 512 555 0142", "+15125550142"),
            ("tel:+1-512-555-0142", "+15125550142"),
            ("+15551234567", "+15551234567"),
            ("512\u{a0}555\u{2011}0142", "+15125550142"),
            ("\u{202d}+1 512 555 0142\u{202c}", "+15125550142"),
        ] {
            assert_eq!(read(raw), Some((expected.to_owned(), None)), "{raw}");
        }
    }

    #[test]
    fn a_plain_us_number_is_what_the_rules_make_of_it() {
        for area in 200..1_000 {
            for exchange in [200, 211, 455, 555, 911, 999] {
                let raw = format!("+1{area}{exchange}0142");
                assert!(is_plain_us(&raw));
                assert_eq!(of_the_us(&raw).as_deref(), Some(raw.as_str()));
            }
        }
        for raw in [
            "+1512555014",
            "+151255501423",
            "+11125550142",
            "+15121550142",
            "+1512555014x",
            "+1",
        ] {
            assert!(!is_plain_us(raw), "{raw}");
        }
    }

    #[test]
    fn a_number_is_read_by_its_own_country() {
        for (raw, expected) in [
            ("+44 20 7946 0958", "+442079460958"),
            ("+44 1632 960018", "+441632960018"),
            ("+44 (0)1632 960018", "+441632960018"),
            ("+44 01632 960018", "+441632960018"),
            ("0044 1632 960018", "+441632960018"),
            ("011 44 1632 960018", "+441632960018"),
            ("+011 44 1632 960018", "+441632960018"),
            ("+49 (0)30 23125 012", "+493023125012"),
            ("+39 06 5550 0142", "+390655500142"),
            ("+33 1 99 00 12 34", "+33199001234"),
            ("+52 55 5555 0142", "+525555550142"),
            ("+61 2 5550 0142", "+61255500142"),
            ("+353 20 915 0142", "+353209150142"),
        ] {
            assert_eq!(read(raw), Some((expected.to_owned(), None)), "{raw}");
        }
    }

    #[test]
    fn digits_of_every_script_are_digits() {
        for raw in [
            "\u{ff0b}\u{ff11}\u{ff15}\u{ff11}\u{ff12}\u{ff15}\u{ff15}\u{ff15}\u{ff10}\u{ff11}\u{ff14}\u{ff12}",
            "+१५१२५५५०१४२",
            "٥١٢-٥٥٥-٠١٤٢",
            "৫১২ ৫৫৫ ০১৪২",
            "๕๑๒ ๕๕๕ ๐๑๔๒",
        ] {
            assert_eq!(read(raw), Some(("+15125550142".to_owned(), None)), "{raw}");
        }
    }

    #[test]
    fn an_extension_is_kept_beside_the_number() {
        for raw in [
            "(512) 555-0153 x77",
            "+15125550153,77",
            "512-555-0153 ext. 77",
            "512-555-0153 Ext: 77",
            "512.555.0153 extension 77",
            "+15125550153;ext=77",
            "5125550153#77",
            "512 555 0153 (ext 77)",
            "+15125550153,,77#",
        ] {
            let expected = ("+15125550153".to_owned(), Some("77".to_owned()));
            assert_eq!(read(raw), Some(expected), "{raw}");
        }
        let abroad = ("+441632960018".to_owned(), Some("12".to_owned()));
        assert_eq!(read("+44 1632 960018 x12"), Some(abroad));
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for raw in [
            "",
            "anonymous",
            "12",
            "0000000",
            "***0157",
            "<script>",
            "+",
            "+1",
            "+1512555014",
            "+999 555 0142 01",
            "00",
            &"5".repeat(80),
        ] {
            assert_eq!(read(raw), None, "{raw}");
        }
    }

    #[test]
    fn a_number_that_stands_in_for_none_reaches_nobody() {
        for raw in [
            "+266696687",
            "+7378742833",
            "+17378742833",
            "+19999999999",
            "+15555555555",
            "(000) 000-0000",
            "1234567890",
            "0123456789",
            "9876543210",
            "+11111111111",
            "+10005550142",
            "+94844353",
        ] {
            let number = E164::parse(raw);
            assert!(
                number.map_or(true, |number| number.reaches_nobody()),
                "{raw}"
            );
        }
        for raw in [
            "+15125550142",
            "+15551234567",
            "+12345550142",
            "+441632960018",
        ] {
            assert!(!E164::parse(raw).unwrap().reaches_nobody(), "{raw}");
        }
    }

    #[test]
    fn a_stored_number_is_read_by_its_form_alone() {
        for stored in ["+44632960018", "+266696687", "+15125550142"] {
            assert!(E164::try_from(stored.to_owned()).is_ok(), "{stored}");
        }
        for stored in ["15125550142", "+1512a550142", "+1", ""] {
            assert!(E164::try_from(stored.to_owned()).is_err(), "{stored}");
        }
    }

    #[test]
    fn a_number_is_redacted_in_debug() {
        let phone = E164::parse("+15125550142").unwrap();
        assert!(!format!("{phone:?}").contains("512"));
    }

    #[test]
    fn the_first_of_several_numbers_is_found() {
        let first = |raw: &str| {
            let found = E164::first_of(raw);
            found.map(|(number, extension)| (number.as_str().to_owned(), extension))
        };
        let number = |extension: Option<&str>| {
            let extension = extension.map(str::to_owned);
            Some(("+15125550142".to_owned(), extension))
        };
        assert_eq!(first("512-555-0142 or 512-555-0143"), number(None));
        assert_eq!(first("none / (512) 555-0142"), number(None));
        assert_eq!(first("5125550142 x7; 5125550143"), number(Some("7")));
        assert_eq!(first("555-0142 or 555-0143"), None);
        assert_eq!(first("ask at the office"), None);
    }
}
