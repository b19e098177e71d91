//! The ids of a call.

use crate::{
    ReadError,
    fields::{Field, Fields},
};

/// Where a body names the call, the newer form first.
const NAMES: &[&str] = &["resource_id", "call_id", "id"];

/// What a body calls its call.
#[derive(Debug, Default)]
pub(in crate::callrail) struct Ids<'f> {
    /// Each id once, the canonical one first.
    pub(in crate::callrail) all: Vec<&'f str>,
    /// Members that should name the call, and hold what cannot be an id or is another call's.
    pub(super) odd: Vec<&'static str>,
}

impl<'f> Ids<'f> {
    /// Every id that a body names; an odd one is left out where there is a good one.
    ///
    /// # Errors
    /// [`ReadError`] if there is none.
    pub(in crate::callrail) fn of(fields: &'f Fields<'_>) -> Result<Self, ReadError> {
        let mut ids = Self::default();
        for name in NAMES {
            let Some(field) = fields.get(name).filter(|field| field.says_something()) else {
                continue;
            };
            match field.text() {
                Some(id) if is_placeholder(id) || ids.all.contains(&id) => {}
                Some(id) if is_id(id) && !(is_canonical(id) && ids.canonical().is_some()) => {
                    ids.all.push(id);
                }
                Some(_) | None => ids.odd.push(name),
            }
        }
        ids.all.sort_by_key(|id| !is_canonical(id));
        match (ids.all.is_empty(), ids.odd.first()) {
            (false, _) => Ok(ids),
            (true, Some(field)) => Err(ReadError::BadId {
                field,
                expected: "1 to 64 letters, digits, `_` and `-`",
            }),
            (true, None) => Err(ReadError::Missing { fields: NAMES }),
        }
    }

    /// The id that no other call has.
    pub(in crate::callrail) fn canonical(&self) -> Option<&'f str> {
        self.all.iter().copied().find(|id| is_canonical(id))
    }
}

/// Whether an id can be one of CallRail's: such an id is safe in a path and in a file's name.
pub(in crate::callrail) fn is_id(id: &str) -> bool {
    (1..=64).contains(&id.len())
        && id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}

/// Whether it is a call's id in the form that is given once: `CAL…`. The older numbers are, too, but only as far as the
/// sender fills them in.
pub(in crate::callrail) fn is_canonical(id: &str) -> bool {
    id.starts_with("CAL") && is_id(id) && !is_placeholder(id)
}

/// Whether it stands where a text, a number or an id is missing, and so says nothing: `null`, `-`, `0`, `-1`.
pub(in crate::callrail) fn is_placeholder(text: &str) -> bool {
    const WORDS: [&str; 12] = [
        "null",
        "none",
        "nil",
        "undefined",
        "nan",
        "n/a",
        "na",
        "unknown",
        "empty",
        "true",
        "false",
        "[object object]",
    ];
    let is_number_below_zero = text.strip_prefix('-').is_some_and(|digits| {
        !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
    });
    let without_prefix = text.strip_prefix("CAL").unwrap_or(text);
    is_number_below_zero
        || without_prefix.bytes().all(|byte| b"0-_.".contains(&byte))
        || WORDS.iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// Whether any member names something of another kind than a call: `SCI…` is a text message.
pub(super) fn has_prefix(fields: &Fields<'_>, prefix: &str) -> bool {
    let mut ids = NAMES.iter().filter_map(|name| fields.get(name)?.text());
    ids.any(|id| id.starts_with(prefix))
}

/// Whether any member names a call by its canonical id.
pub(super) fn names_call(fields: &Fields<'_>) -> bool {
    let mut ids = NAMES
        .iter()
        .filter_map(|name| fields.get(name).and_then(Field::text));
    ids.any(is_canonical)
}
