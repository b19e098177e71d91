//! What a body says, and what it says twice.

use std::{cell::RefCell, collections::HashSet, fmt, ops::RangeInclusive};

use domain::text;
use serde::{
    Deserialize, Deserializer,
    de::{self, DeserializeSeed, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Number, Value};

use super::{MAX_FAULTS, MAX_NAME, below};
use crate::faults::Faults;

/// Between these every whole number has a floating-point number of its own.
const WHOLE: RangeInclusive<f64> = -9_007_199_254_740_991.0..=9_007_199_254_740_991.0;

/// A JSON value as it was sent. Of members with one name the last is kept, and the name is noted. A number without a
/// fraction is whole however it is written, as JSON Schema has it: 1.0 is 1. Source: JSON Schema 2020-12, section 4.2.3
/// ("mathematical integers"); RFC 8259, section 4 (names should be unique).
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) value: Value,
    /// The paths of members that have a name which stands there before, in the order of the body.
    twice: Vec<String>,
}

impl Said {
    /// Whether no name stands twice in one object.
    pub(crate) const fn is_plain(&self) -> bool {
        self.twice.is_empty()
    }

    /// A fault for each name that stands twice.
    pub(crate) fn faults(&self) -> Faults {
        let mut faults = Faults::default();
        for path in &self.twice {
            let message = "named twice: name it once, so that one value is meant";
            faults.add_coded(path, "duplicate_field", message);
        }
        faults
    }
}

impl<'de> Deserialize<'de> for Said {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        let twice = RefCell::default();
        let value = Place {
            path: String::new(),
            twice: &twice,
        }
        .deserialize(json)?;
        let twice = twice.into_inner();
        Ok(Self { value, twice })
    }
}

/// A value at a place of the body.
struct Place<'a> {
    path: String,
    twice: &'a RefCell<Vec<String>>,
}

impl Place<'_> {
    fn below(&self, name: &str) -> Self {
        Self {
            path: below(&self.path, &text::bounded(name, MAX_NAME)),
            twice: self.twice,
        }
    }
}

impl<'de> DeserializeSeed<'de> for Place<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Value, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Place<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: de::Error>(self, flag: bool) -> Result<Value, E> {
        Ok(flag.into())
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Value, E> {
        if number.fract() == 0.0
            && WHOLE.contains(&number)
            && let Ok(whole) = format!("{number:.0}").parse::<i64>()
        {
            return Ok(whole.into());
        }
        Ok(Number::from_f64(number).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Value, E> {
        Ok(text.into())
    }

    fn visit_string<E: de::Error>(self, text: String) -> Result<Value, E> {
        Ok(text.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(self.below(&list.len().to_string()))? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let (mut object, mut told) = (Map::new(), HashSet::new());
        while let Some(name) = members.next_key::<String>()? {
            let place = self.below(&name);
            if object.contains_key(&name) && told.insert(name.clone()) {
                let mut twice = self.twice.borrow_mut();
                if twice.len() < MAX_FAULTS {
                    twice.push(place.path.clone());
                }
            }
            let value = members.next_value_seed(place)?;
            object.insert(name, value);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn said(json: &str) -> Said {
        serde_json::from_str(json).unwrap()
    }

    fn twice(json: &str) -> Vec<String> {
        said(json).twice
    }

    #[test]
    fn names_that_stand_twice_are_found_at_every_depth() {
        assert_eq!(
            twice(r#"{"a":1,"b":{"a":1},"c":[{"a":1},{"a":2}]}"#),
            [""; 0]
        );
        assert_eq!(
            twice(r#"{"a":1,"b":[0,{"c":{"d":1,"d":2,"d":3}}],"a":{"e":1,"\u0065":2}}"#),
            ["b.1.c.d", "a", "a.e"]
        );
    }

    #[test]
    fn a_number_without_a_fraction_is_whole() {
        let whole = said("[1.0, 1e3, -0.0, -2.0, 0.5, 1e300, 18446744073709551615, -1]").value;
        let expected = json!([
            1,
            1000,
            0,
            -2,
            0.5,
            1e300,
            18_446_744_073_709_551_615_u64,
            -1
        ]);
        assert_eq!(whole, expected);
    }

    #[test]
    fn everything_else_is_read_as_it_is() {
        let json = json!({ "a": [null, true, "ä\n", { "b": {} }, []], "": 0.25 });
        assert_eq!(said(&json.to_string()).value, json);
    }
}
