//! What is wrong with a call, collected so that all of it is told at once.

use std::fmt::Display;

use domain::ConfigFault;
use http::StatusCode;
use runtime::{Problem, without_value};
use serde::{
    Deserialize,
    de::{DeserializeOwned, IntoDeserializer as _, value::Error},
};
use utoipa::IntoParams;

use crate::{
    cursor::{BehindName, Cursor},
    query::Query,
};

/// How long a page is when nobody says.
pub(crate) const DEFAULT_LIMIT: u32 = 50;
/// The longest page.
pub(crate) const MAX_LIMIT: u32 = 200;

/// Which part of a list to show.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Paging {
    /// At most so many.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200, default = 50)]
    limit: Option<String>,
    /// Where the page before ended: its `next_cursor`.
    cursor: Option<String>,
}

impl Query<Paging> {
    /// The length of the page, and what the one before ended with.
    pub(crate) fn read<C: Cursor>(self) -> Result<(u32, Option<C>), Problem> {
        let (paging, mut faults) = self.open();
        let limit = faults.limit(paging.limit.as_deref());
        let cursor = faults.cursor(paging.cursor.as_deref());
        faults.finish(PARAMETERS)?;
        Ok((limit, cursor))
    }
}

/// The longest page of a list that is read whole, which is also its length when nobody says.
const WHOLE_LIMIT: usize = 500;

/// Which part to show of a list that fits into one page unless somebody wants less.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct WholePaging {
    /// At most so many.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 500, default = 500)]
    limit: Option<String>,
    /// Where the page before ended: its `next_cursor`.
    cursor: Option<String>,
}

impl Query<WholePaging> {
    /// The part of the list `LIST` that is asked for.
    pub(crate) fn read<const LIST: u8>(self) -> Result<Part<LIST>, Problem> {
        let (paging, mut faults) = self.open();
        let limit = faults.read("limit", paging.limit.as_deref(), |text| {
            match text.parse() {
                Ok(limit @ 1..=WHOLE_LIMIT) => Ok(limit),
                _ => Err(format!("a number from 1 to {WHOLE_LIMIT}")),
            }
        });
        let behind: Option<BehindName<LIST>> = faults.cursor(paging.cursor.as_deref());
        faults.finish(PARAMETERS)?;
        Ok(Part {
            limit: limit.unwrap_or(WHOLE_LIMIT),
            behind,
        })
    }
}

/// A part of a list that is read whole.
#[derive(Debug)]
pub(crate) struct Part<const LIST: u8> {
    limit: usize,
    behind: Option<BehindName<LIST>>,
}

impl<const LIST: u8> Part<LIST> {
    /// The items of this part, and the cursor behind them if there are more. `name` tells each item from all others; where
    /// items can go, their list is in the order of their names.
    pub(crate) fn of<T>(
        self,
        items: Vec<T>,
        name: impl Fn(&T) -> String,
    ) -> (Vec<T>, Option<String>) {
        self.of_shown(items, name, |_| true)
    }

    /// The same of a list of which not all is shown.
    pub(crate) fn of_shown<T>(
        self,
        mut items: Vec<T>,
        name: impl Fn(&T) -> String,
        is_shown: impl Fn(&T) -> bool,
    ) -> (Vec<T>, Option<String>) {
        if let Some(BehindName(behind)) = &self.behind {
            let there = items.iter().position(|item| name(item) == *behind);
            // One that is gone since.
            let next = || items.iter().position(|item| name(item) > *behind);
            let begin = there.map(|at| at + 1).or_else(next);
            items.drain(..begin.unwrap_or(items.len()));
        }
        items.retain(is_shown);
        let has_more = items.len() > self.limit;
        items.truncate(self.limit);
        let last = items.last().filter(|_| has_more);
        let next = last.map(|last| BehindName::<LIST>(name(last)).encode());
        (items, next)
    }
}

/// Fields, and what is wrong with each.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    found: Vec<(String, &'static str, String)>,
    /// Fields that were told and hold a stand-in since: what else is said of them, of what is in them and of what they are
    /// in, is about that.
    told: Vec<String>,
    /// How many of those that were found are of headers.
    headers: usize,
}

impl Faults {
    /// Notes what a field should be.
    pub(crate) fn add(&mut self, field: impl Into<String>, message: impl Into<String>) {
        self.add_coded(field, "invalid", message);
    }

    /// The same with a code for programs.
    pub(crate) fn add_coded(
        &mut self,
        field: impl Into<String>,
        code: &'static str,
        message: impl Into<String>,
    ) {
        let field = field.into();
        if !self.told.iter().any(|told| is_about(told, &field)) {
            self.found.push((field, code, message.into()));
        }
    }

    /// Nothing further is noted about these fields.
    pub(crate) fn hold_stand_ins(&mut self, fields: impl IntoIterator<Item = String>) {
        self.told.extend(fields);
    }

    /// A header that was read, else `instead`; notes what is wrong with it then.
    ///
    /// # Errors
    /// What is no fault of the call.
    pub(crate) fn header<T>(&mut self, read: Result<T, Problem>, instead: T) -> Result<T, Problem> {
        match read {
            Ok(header) => Ok(header),
            Err(problem) if problem.status() == StatusCode::UNPROCESSABLE_ENTITY => {
                for fault in problem.errors() {
                    self.headers += 1;
                    self.found
                        .push((fault.field.clone(), fault.code, fault.message.clone()));
                }
                Ok(instead)
            }
            Err(problem) => Err(problem),
        }
    }

    /// Notes what is wrong with a configuration that stands at `part` of the body; empty: it is the body.
    pub(crate) fn of_part(&mut self, part: &str, faults: Vec<ConfigFault>) {
        for ConfigFault {
            path,
            code,
            message,
        } in faults
        {
            let path = match (part, path.as_str()) {
                ("", path) => path.to_owned(),
                (part, "") => part.to_owned(),
                (part, path) => format!("{part}.{path}"),
            };
            self.add_coded(path, code, message);
        }
    }

    /// Reads a field that may be absent.
    pub(crate) fn read<T, E: Display>(
        &mut self,
        field: &'static str,
        text: Option<&str>,
        read: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        match read(text?) {
            Ok(value) => Some(value),
            Err(error) => {
                self.add(field, error.to_string());
                None
            }
        }
    }

    /// The length of a page.
    pub(crate) fn limit(&mut self, text: Option<&str>) -> u32 {
        self.read("limit", text, |text| match text.parse() {
            Ok(limit @ 1..=MAX_LIMIT) => Ok(limit),
            _ => Err(format!("a number from 1 to {MAX_LIMIT}")),
        })
        .unwrap_or(DEFAULT_LIMIT)
    }

    /// Where the page before ended.
    pub(crate) fn cursor<C: Cursor>(&mut self, text: Option<&str>) -> Option<C> {
        self.read("cursor", text, C::decode)
    }

    /// Refuses a call with anything wrong; `what` is what the fields are of.
    ///
    /// # Errors
    /// 422 with all of it.
    pub(crate) fn finish(self, what: &'static str) -> Result<(), Problem> {
        if self.found.is_empty() {
            return Ok(());
        }
        let problem = Problem::unprocessable(match self.headers {
            0 => what,
            headers if headers == self.found.len() => HEADER,
            _ => CALL,
        });
        Err(self
            .found
            .into_iter()
            .fold(problem, |problem, (field, code, message)| {
                problem.with_coded_error(field, code, message)
            }))
    }
}

/// Whether what is said of `field` is about a field that was told, about what is in it, or about what it is in.
fn is_about(told: &str, field: &str) -> bool {
    let is_in = |inner: &str, outer: &str| {
        outer.is_empty()
            || inner
                .strip_prefix(outer)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    is_in(field, told) || is_in(told, field)
}

/// What the fields of a query string are of.
pub(crate) const PARAMETERS: &str = "A parameter is not valid. See `errors`.";
/// What the fields of a body are of.
pub(crate) const BODY: &str = "The body is not valid. See `errors`.";
/// What is wrong where it is headers alone.
const HEADER: &str = "A header is not valid. See `errors`.";
/// What is wrong where it is headers and more.
const CALL: &str = "The call is not valid. See `errors`.";

/// One of the words of a closed list.
pub(crate) fn word<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    let read: Result<T, Error> = T::deserialize(text.into_deserializer());
    read.map_err(|error| without_value(&error.to_string()))
}
