//! What is known of an office: where it stands, and when somebody is there.

use std::{fmt, str::FromStr};

use jiff::{Timestamp, civil::Weekday, tz::TimeZone};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    ConfigError, ConfigFault, Sound, completed,
    shape::{Member, Shape, Text},
};

/// An office as its company describes it. Strict when it is written ([`OfficeDetails::read`]), lenient when it is read.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct OfficeDetails {
    /// Its name, as people read it.
    pub name: String,
    /// Where it stands, in one line; may be empty.
    pub address: String,
    /// IANA name: `America/Chicago`.
    pub time_zone: String,
    /// When somebody is there, by the clocks of its time zone. `None`: nobody has said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub business_hours: Option<BusinessHours>,
}

/// When an office is open, by weekday. A day without spans is one on which it is closed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct BusinessHours {
    /// The spans of a Monday, in order.
    pub monday: Vec<TimeSpan>,
    /// Of a Tuesday.
    pub tuesday: Vec<TimeSpan>,
    /// Of a Wednesday.
    pub wednesday: Vec<TimeSpan>,
    /// Of a Thursday.
    pub thursday: Vec<TimeSpan>,
    /// Of a Friday.
    pub friday: Vec<TimeSpan>,
    /// Of a Saturday.
    pub saturday: Vec<TimeSpan>,
    /// Of a Sunday.
    pub sunday: Vec<TimeSpan>,
}

/// A part of a day. One that goes on behind midnight is two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimeSpan {
    /// Its first minute.
    pub from: TimeOfDay,
    /// Its end, which does not belong to it: up to `24:00`.
    pub to: TimeOfDay,
}

/// A time of the day, to the minute: `08:30`, up to `24:00`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TimeOfDay {
    minutes: u16,
}

const TIME_ZONE: Text = Text {
    about: "a time zone's IANA name, such as `America/Chicago`",
    pattern: "^[A-Za-z0-9_+/-]+$",
    max: 64,
    is_valid: |text| TimeZone::get(text).is_ok(),
};

const NAME: Text = Text {
    about: "1 to 100 characters on one line, not all of them blank",
    pattern: r"^[^\u0000-\u001f\u007f-\u009f]*[^\s\u0000-\u001f\u007f-\u009f][^\u0000-\u001f\u007f-\u009f]*$",
    max: 100,
    is_valid: |text| !text.trim().is_empty() && !text.chars().any(char::is_control),
};

const ADDRESS: Text = Text {
    about: "up to 300 characters on one line",
    pattern: r"^[^\u0000-\u001f\u007f-\u009f]*$",
    max: 300,
    is_valid: |text| !text.chars().any(char::is_control),
};

const TIME: Text = Text {
    about: "a time of the day from `00:00` to `24:00`",
    pattern: "^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$",
    max: 5,
    is_valid: |text| text.parse::<TimeOfDay>().is_ok(),
};

const SPANS: Shape = Shape::List {
    of: &Shape::Object(&[
        Member::required("from", Shape::Text(&TIME), "Its first minute."),
        Member::required(
            "to",
            Shape::Text(&TIME),
            "Its end, which is no longer part of it.",
        ),
    ]),
    min: 0,
    max: 6,
};

const HOURS: Shape = Shape::Object(&[
    Member::optional("monday", SPANS, ""),
    Member::optional("tuesday", SPANS, ""),
    Member::optional("wednesday", SPANS, ""),
    Member::optional("thursday", SPANS, ""),
    Member::optional("friday", SPANS, ""),
    Member::optional("saturday", SPANS, ""),
    Member::optional("sunday", SPANS, ""),
]);

const OFFICE: Shape = Shape::Object(&[
    Member::required("name", Shape::Text(&NAME), ""),
    Member::optional("address", Shape::Text(&ADDRESS), ""),
    Member::required("time_zone", Shape::Text(&TIME_ZONE), ""),
    Member::optional("business_hours", Shape::OrNull(&HOURS), ""),
]);

impl OfficeDetails {
    /// Checks an office before it is stored, and reads it. A field that it does not have is a fault.
    ///
    /// # Errors
    /// [`ConfigError`] with every fault that was found.
    pub fn read(json: &Value) -> Result<Self, ConfigError> {
        let mut faults = OFFICE.faults(json);
        let sound = Sound::of(json, &faults, &["business_hours"]);
        let details = Self::deserialize(&sound.json);
        match &details {
            Ok(details) => sound.tell(details.contradictions(), &mut faults),
            Err(error) => faults.push(ConfigFault::new("", error.to_string())),
        }
        match details {
            Ok(details) if faults.is_empty() => Ok(details),
            _ => Err(ConfigError { faults }),
        }
    }

    /// An office as it was described, with what is empty in place of what it leaves out. What this build does not know, and
    /// what it cannot read, stays as it is.
    pub fn with_defaults(json: &Value) -> Value {
        let read = Self::deserialize(json).unwrap_or_default();
        let defaults = json!({
            "name": read.name,
            "address": read.address,
            "time_zone": read.time_zone,
            "business_hours": read.business_hours,
        });
        completed(json, &defaults)
    }

    /// Whether somebody is there at this time; `None` where nobody has said when.
    pub fn is_open(&self, at: Timestamp) -> Option<bool> {
        let hours = self.business_hours.as_ref()?;
        let zone = TimeZone::get(&self.time_zone).ok()?;
        let local = at.to_zoned(zone);
        let minute = TimeOfDay::of(local.hour(), local.minute());
        let mut spans = hours.of(local.weekday()).iter();
        Some(spans.any(|span| span.from <= minute && minute < span.to))
    }

    fn contradictions(&self) -> Vec<ConfigFault> {
        let mut faults = Vec::new();
        for (day, spans) in self.business_hours.iter().flat_map(BusinessHours::days) {
            let mut open_until = None;
            for (index, span) in spans.iter().enumerate() {
                let path = format!("business_hours.{day}.{index}");
                if span.to <= span.from {
                    let wanted = "a time behind `from`; what goes on behind midnight is a span of the next day";
                    faults.push(ConfigFault::new(format!("{path}.to"), wanted));
                }
                if open_until.is_some_and(|until| span.from < until) {
                    let wanted = "a time at which the span before has ended";
                    faults.push(ConfigFault::new(format!("{path}.from"), wanted));
                }
                open_until = Some(span.to);
            }
        }
        faults
    }
}

impl BusinessHours {
    /// Each day with its spans, from Monday on.
    pub fn days(&self) -> [(&'static str, &[TimeSpan]); 7] {
        [
            ("monday", &self.monday),
            ("tuesday", &self.tuesday),
            ("wednesday", &self.wednesday),
            ("thursday", &self.thursday),
            ("friday", &self.friday),
            ("saturday", &self.saturday),
            ("sunday", &self.sunday),
        ]
    }

    fn of(&self, day: Weekday) -> &[TimeSpan] {
        match day {
            Weekday::Monday => &self.monday,
            Weekday::Tuesday => &self.tuesday,
            Weekday::Wednesday => &self.wednesday,
            Weekday::Thursday => &self.thursday,
            Weekday::Friday => &self.friday,
            Weekday::Saturday => &self.saturday,
            Weekday::Sunday => &self.sunday,
        }
    }
}

impl TimeOfDay {
    const DAY: u16 = 24 * 60;

    fn of(hour: i8, minute: i8) -> Self {
        let part = |number: i8| u16::from(number.unsigned_abs());
        Self {
            minutes: part(hour) * 60 + part(minute),
        }
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.minutes / 60, self.minutes % 60)
    }
}

impl FromStr for TimeOfDay {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let two = |text: &str| {
            let is_number = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
            text.parse::<u16>().ok().filter(|_| is_number)
        };
        let (hours, minutes) = text.split_once(':').ok_or(TIME.about)?;
        let (hours, minutes) = two(hours).zip(two(minutes)).ok_or(TIME.about)?;
        let time = Self {
            minutes: hours * 60 + minutes,
        };
        (minutes < 60 && time.minutes <= Self::DAY)
            .then_some(time)
            .ok_or(TIME.about)
    }
}

impl TryFrom<String> for TimeOfDay {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<TimeOfDay> for String {
    fn from(time: TimeOfDay) -> Self {
        time.to_string()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn austin() -> Value {
        json!({
            "name": "Austin",
            "time_zone": "America/Chicago",
            "business_hours": {
                "friday": [{ "from": "08:00", "to": "12:00" }, { "from": "13:00", "to": "17:30" }],
                "saturday": [{ "from": "20:00", "to": "24:00" }],
                "sunday": [{ "from": "00:00", "to": "02:30" }],
            },
        })
    }

    #[test]
    fn hours_are_those_of_the_offices_clocks() {
        let office = OfficeDetails::read(&austin()).unwrap();
        for (at, is_open) in [
            ("2026-11-27T08:00:00-06:00", true),
            ("2026-11-27T11:59:59-06:00", true),
            ("2026-11-27T12:00:00-06:00", false),
            ("2026-11-27T13:00:00-06:00", true),
            ("2026-11-27T17:30:00-06:00", false),
            ("2026-11-26T09:00:00-06:00", false),
            // In summer the clocks are an hour ahead.
            ("2026-07-03T08:00:00-05:00", true),
            ("2026-07-03T08:00:00-06:00", true),
            ("2026-07-03T07:30:00-05:00", false),
            // Over midnight, and over the hour that the clocks skip or show twice.
            ("2026-11-28T23:59:00-06:00", true),
            ("2026-11-29T00:00:00-06:00", true),
            ("2026-03-08T01:59:00-06:00", true),
            ("2026-03-08T03:00:00-05:00", false),
            ("2026-11-01T01:30:00-05:00", true),
            ("2026-11-01T01:30:00-06:00", true),
            ("2026-11-01T02:30:00-06:00", false),
        ] {
            let time = at.parse().unwrap();
            assert_eq!(office.is_open(time), Some(is_open), "{at}");
        }
        let quiet = OfficeDetails {
            business_hours: None,
            ..office
        };
        assert_eq!(quiet.is_open(Timestamp::UNIX_EPOCH), None);
    }

    #[test]
    fn every_fault_is_named_with_its_path() {
        let json = json!({
            "name": "",
            "address": 5,
            "zone": "America/Chicago",
            "time_zone": "America/Austin",
            "business_hours": { "monday": [{ "from": "8:00", "to": "24:01" }], "mon": [] },
        });
        let paths = |json: &Value| {
            let error = OfficeDetails::read(json).unwrap_err();
            let paths = error.faults.into_iter().map(|fault| fault.path);
            paths.collect::<Vec<_>>()
        };
        assert_eq!(
            paths(&json),
            [
                "name",
                "address",
                "time_zone",
                "business_hours.monday.0.from",
                "business_hours.monday.0.to",
                "business_hours.mon",
                "zone",
            ]
        );
        let blank = json!({ "name": " \u{a0}", "time_zone": "America/Chicago" });
        assert_eq!(paths(&blank), ["name"]);
        // One bad time hides no other span.
        let json = json!({
            "name": "Austin",
            "time_zone": "America/Chicago",
            "business_hours": {
                "monday": [{ "from": "8:00", "to": "10:00" }, { "from": "17:00", "to": "09:00" }],
                "tuesday": [{ "from": "17:00", "to": "09:00" }],
            },
        });
        assert_eq!(
            paths(&json),
            [
                "business_hours.monday.0.from",
                "business_hours.monday.1.to",
                "business_hours.tuesday.0.to"
            ]
        );
        let json = json!({
            "name": "Austin",
            "time_zone": "America/Chicago",
            "business_hours": { "friday": [
                { "from": "22:00", "to": "02:00" },
                { "from": "08:00", "to": "12:00" },
                { "from": "11:59", "to": "13:00" },
            ] },
        });
        assert_eq!(
            paths(&json),
            ["business_hours.friday.0.to", "business_hours.friday.2.from",]
        );
    }

    #[test]
    fn what_is_written_reads_back() {
        let office = OfficeDetails::read(&austin()).unwrap();
        let json = serde_json::to_value(&office).unwrap();
        assert_eq!(OfficeDetails::read(&json).unwrap(), office);
        assert_eq!(json["business_hours"]["friday"][1]["to"], "17:30");
        assert_eq!(json["business_hours"]["monday"], json!([]));
    }
}
