//! What is wrong with a call, collected so that all of it is told at once.

use std::fmt::Display;

use domain::ConfigFault;
use runtime::{Problem, without_value};
use serde::{
    Deserialize,
    de::{DeserializeOwned, IntoDeserializer as _, value::Error},
};
use utoipa::IntoParams;

use crate::cursor::Cursor;

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

impl Paging {
    /// The length of the page, and what the one before ended with.
    pub(crate) fn read<C: Cursor>(&self) -> Result<(u32, Option<C>), Problem> {
        let mut faults = Faults::default();
        let limit = faults.limit(self.limit.as_deref());
        let cursor = faults.cursor(self.cursor.as_deref());
        faults.finish(PARAMETERS)?;
        Ok((limit, cursor))
    }
}

/// Fields, and what is wrong with each.
#[derive(Default)]
pub(crate) struct Faults(Vec<(String, &'static str, String)>);

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
        self.0.push((field.into(), code, message.into()));
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
        if self.0.is_empty() {
            return Ok(());
        }
        let problem = Problem::unprocessable(what);
        Err(self
            .0
            .into_iter()
            .fold(problem, |problem, (field, code, message)| {
                problem.with_coded_error(field, code, message)
            }))
    }
}

/// What the fields of a query string are of.
pub(crate) const PARAMETERS: &str = "A parameter is not valid. See `errors`.";
/// What the fields of a body are of.
pub(crate) const BODY: &str = "The body is not valid. See `errors`.";

/// One of the words of a closed list.
pub(crate) fn word<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    let read: Result<T, Error> = T::deserialize(text.into_deserializer());
    read.map_err(|error| without_value(&error.to_string()))
}
