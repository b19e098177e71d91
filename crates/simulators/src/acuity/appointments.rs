//! The appointments of the simulated Acuity, and how they are shown.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, civil};
use serde::Deserialize;
use serde_json::{Value, json};
use url::form_urlencoded;

/// The type of a webhook's body.
pub(super) const FORM: &str = "application/x-www-form-urlencoded";

/// How many appointments are kept that were only read.
const INVENTED: usize = 10_000;

/// How an appointment differs from the usual one.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Wanted {
    /// The person's first name.
    pub first_name: String,
    /// Their last name.
    pub last_name: String,
    /// Their number; may be empty.
    pub phone: String,
    /// Their address.
    pub email: String,
    /// Their time zone.
    pub time_zone: String,
    /// When it begins.
    pub starts_at: Timestamp,
    /// How long it takes.
    pub minutes: i64,
    /// What was booked.
    pub service: String,
    /// The calendar's id.
    pub calendar_id: u64,
    /// Where it takes place.
    pub location: String,
    /// The company's own note.
    pub notes: String,
    /// Questions of the intake form, with their answers.
    pub answers: Vec<(String, String)>,
    /// It was canceled.
    pub canceled: bool,
    /// It was canceled because the person did not come.
    pub no_show: bool,
    /// It does not exist, or the key may not see it.
    pub missing: bool,
}

impl Default for Wanted {
    fn default() -> Self {
        let text = str::to_owned;
        Self {
            first_name: text("Dana"),
            last_name: text("Whitfield"),
            phone: text("5125550142"),
            email: text("dana.whitfield@example.com"),
            time_zone: text("America/Chicago"),
            starts_at: Timestamp::constant(1_796_054_400, 0),
            minutes: 60,
            service: text("In-home kitchen estimate"),
            calendar_id: 7_714_021,
            location: text("78664, Round Rock TX"),
            notes: String::new(),
            answers: vec![
                (text("Square feet"), text("200")),
                (text("Project"), text("Kitchen remodel, new cabinets")),
                (text("ZIP code"), text("78664")),
            ],
            canceled: false,
            no_show: false,
            missing: false,
        }
    }
}

/// What people do to an appointment.
#[derive(Debug, Clone)]
pub(super) enum Action {
    Cancel,
    NoShow,
    /// To this time, or a day later.
    Move(Option<Timestamp>),
    /// A note of the company's.
    Change(String),
}

impl Action {
    /// As webhooks call it.
    pub(super) const fn word(&self) -> &'static str {
        match self {
            Self::Cancel | Self::NoShow => "canceled",
            Self::Move(_) => "rescheduled",
            Self::Change(_) => "changed",
        }
    }
}

/// A webhook's body: `ids` are those of the calendar and of the kind of appointment.
pub(super) fn body(action: &str, id: &str, (calendar, kind): (u64, u64)) -> String {
    form_urlencoded::Serializer::new(String::new())
        .append_pair("action", action)
        .append_pair("id", id)
        .append_pair("calendarID", &calendar.to_string())
        .append_pair("appointmentTypeID", &kind.to_string())
        .finish()
}

/// The kind of all appointments here.
pub(super) const KIND: u64 = 58_210_034;

struct Appointment {
    wanted: Wanted,
    made: Timestamp,
    /// Nobody booked it.
    is_invented: bool,
}

/// An appointment's id: one of another run is another appointment's.
fn fresh() -> String {
    rand::random_range(1_000_000_000_u64..10_000_000_000).to_string()
}

/// All appointments by id.
#[derive(Default)]
pub(super) struct Appointments {
    known: BTreeMap<String, Appointment>,
    invented: usize,
}

impl Appointments {
    pub(super) fn book(&mut self, id: Option<&str>, wanted: Wanted, now: Timestamp) -> String {
        let id = id.map_or_else(fresh, str::to_owned);
        let booked = Appointment {
            wanted,
            made: now,
            is_invented: false,
        };
        self.known.insert(id.clone(), booked);
        id
    }

    pub(super) fn act(&mut self, id: &str, action: &Action, now: Timestamp) {
        let known = self.known.entry(id.to_owned());
        let wanted = &mut known
            .or_insert_with(|| Appointment {
                wanted: Wanted::default(),
                made: now,
                is_invented: true,
            })
            .wanted;
        match action {
            Action::Cancel => wanted.canceled = true,
            Action::NoShow => (wanted.canceled, wanted.no_show) = (true, true),
            Action::Move(to) => {
                let later = wanted.starts_at.checked_add(24.hours());
                wanted.starts_at = to.or(later.ok()).unwrap_or(wanted.starts_at);
            }
            Action::Change(notes) => wanted.notes.clone_from(notes),
        }
    }

    /// The ids of an appointment's calendar and kind.
    pub(super) fn ids(&self, id: &str) -> (u64, u64) {
        let calendar = self.known.get(id).map(|known| known.wanted.calendar_id);
        let calendar = calendar.unwrap_or_else(|| Wanted::default().calendar_id);
        (calendar, KIND)
    }

    /// As the API shows it; an invented one if nobody booked it.
    pub(super) fn show(&mut self, id: &str, now: Timestamp) -> Option<Value> {
        let is_id = (1..=20).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_digit());
        if !is_id {
            return None;
        }
        if !self.known.contains_key(id) && self.invented < INVENTED {
            self.invented += 1;
            self.book(Some(id), Wanted::default(), now);
            if let Some(invented) = self.known.get_mut(id) {
                invented.is_invented = true;
            }
        }
        let known = self.known.get(id)?;
        (!known.wanted.missing).then(|| shown(id, known))
    }

    /// Those that somebody booked, from a day on, by the time of beginning.
    pub(super) fn list(&self, from: Option<civil::Date>, is_canceled: bool) -> Vec<Value> {
        let zone = TimeZone::get("America/Chicago").unwrap_or(TimeZone::UTC);
        let day = |at: Timestamp| at.to_zoned(zone.clone()).date();
        let mut found: Vec<_> = self
            .known
            .iter()
            .filter(|(_, known)| !known.is_invented && !known.wanted.missing)
            .filter(|(_, known)| known.wanted.canceled == is_canceled)
            .filter(|(_, known)| from.is_none_or(|from| day(known.wanted.starts_at) >= from))
            .collect();
        found.sort_by_key(|(_, known)| known.wanted.starts_at);
        found
            .into_iter()
            .map(|(id, known)| shown(id, known))
            .collect()
    }

    pub(super) fn view(&self) -> Vec<Value> {
        let known = self.known.iter();
        known.map(|(id, known)| shown(id, known)).collect()
    }
}

fn shown(id: &str, appointment: &Appointment) -> Value {
    let Appointment { wanted, made, .. } = appointment;
    let zone = TimeZone::get("America/Chicago").unwrap_or(TimeZone::UTC);
    let starts_at = wanted.starts_at.to_zoned(zone.clone());
    let ends_at = starts_at.checked_add(wanted.minutes.minutes());
    let ends_at = ends_at.unwrap_or_else(|_| starts_at.clone());
    let values: Vec<_> = (1_u32..)
        .zip(&wanted.answers)
        .map(|(number, (question, answer))| {
            json!({ "id": 21_502_990 + number, "fieldID": number, "name": question, "value": answer })
        })
        .collect();
    let number: u64 = id.parse().unwrap_or_default();
    let mut shown = json!({
        "id": number,
        "firstName": wanted.first_name,
        "lastName": wanted.last_name,
        "phone": wanted.phone,
        "email": wanted.email,
        "date": starts_at.strftime("%B %-d, %Y").to_string(),
        "time": starts_at.strftime("%-I:%M%P").to_string(),
        "endTime": ends_at.strftime("%-I:%M%P").to_string(),
        "dateCreated": made.to_zoned(zone).strftime("%B %-d, %Y").to_string(),
        "datetime": starts_at.strftime("%Y-%m-%dT%H:%M:%S%z").to_string(),
        "price": "0.00",
        "paid": "no",
        "amountPaid": "0.00",
        "type": wanted.service,
        "appointmentTypeID": KIND,
        "addonIDs": [],
        "classID": null,
        "category": "Estimates",
        "duration": wanted.minutes.to_string(),
        "calendar": "Luis Ortega",
        "calendarID": wanted.calendar_id,
        "canClientCancel": true,
        "canClientReschedule": true,
        "location": wanted.location,
        "certificate": null,
        "confirmationPage": format!("https://acuityscheduling.com/schedule.php?owner=1&id[]={id}&action=appt"),
        "formsText": "",
        "notes": wanted.notes,
        "timezone": wanted.time_zone,
        "forms": [{ "id": 1, "name": "Project", "values": values }],
        "labels": [{ "id": 3, "name": "New lead", "color": "pink" }],
    });
    if wanted.canceled {
        shown["canceled"] = json!(true);
        shown["noShow"] = json!(wanted.no_show);
    }
    shown
}
