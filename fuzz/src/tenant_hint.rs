//! Whose delivery a body claims to be, before any of it is verified.
//!
//! The product reads no more of a body than it must. Here the whole body is read, slowly and as a tree, and must name the
//! same tenant. Of two members of one name the first counts; of those that name a tenant, the first two. What a broken
//! body names depends on how it is mended, so there only the form of what is named is checked.

use std::fmt;

use domain::TenantId;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use sources::{Source, Sources, TenantHint, callrail::CallRail};

const ACCOUNTS: [&str; 3] = ["company_resource_id", "company_id", "callrail_company_id"];
const TENANT: &str = "tenant_id";
/// So many members are looked at.
const ENOUGH: usize = 2;

/// Looks for the tenant in `data`.
pub fn check(data: &[u8]) {
    for content_type in [
        None,
        Some("application/json"),
        Some("Application/Problem+JSON; charset=utf-8"),
        Some("application/x-www-form-urlencoded"),
    ] {
        let hint = CallRail.hint(content_type, data);
        if is_sound(content_type, data) {
            assert_eq!(hint, by_whole_body(content_type, data), "{content_type:?}");
        }
        for source in Sources::standard().iter() {
            check_source(source, content_type, data);
        }
        for account in hint.iter().flat_map(|hint| &hint.accounts) {
            assert!((1..=64).contains(&account.len()), "{account:?}");
            let is_safe = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
            assert!(account.bytes().all(is_safe), "{account:?}");
        }
    }
}

/// The sources whose bodies name an account in one member.
const OF_ONE_MEMBER: [(&str, &str); 3] = [
    ("acuity", "calendarID"),
    ("calendly", "created_by"),
    ("intercom", "app_id"),
];
/// The sources whose bodies are never asked.
const OF_NONE: [&str; 3] = ["sendgrid", "signedwebhook", "webforms"];

fn check_source(source: &dyn Source, content_type: Option<&str>, data: &[u8]) {
    let slug = source.spec().slug;
    let hint = source.hint(content_type, data);
    assert_eq!(source.hint(content_type, data), hint, "{slug}: another");
    let accounts = hint.iter().flat_map(|hint| &hint.accounts);
    for account in accounts {
        let is_line = account.bytes().all(|byte| byte.is_ascii_graphic());
        assert!((1..=200).contains(&account.len()) && is_line, "{account:?}");
    }
    if OF_NONE.contains(&slug) {
        assert_eq!(hint, None, "{slug}");
    }
    let member = OF_ONE_MEMBER.iter().find(|(known, _)| *known == slug);
    if let Some((_, member)) = member
        && is_sound(content_type, data)
    {
        let expected = first(content_type, data, member);
        let accounts = hint.map(|hint| hint.accounts);
        assert_eq!(accounts, expected.map(|account| vec![account]), "{slug}");
    }
}

/// The account in the first member of this name, by the whole body.
fn first(content_type: Option<&str>, body: &[u8], member: &str) -> Option<String> {
    let members = if is_json(content_type, body) {
        json(body)
    } else {
        form(body)
    };
    let (_, value) = members.into_iter().find(|(name, _)| name == member)?;
    let value = value?.trim().to_owned();
    let is_id = (1..=200).contains(&value.len()) && value.bytes().all(|b| b.is_ascii_graphic());
    is_id.then_some(value)
}

fn is_json(content_type: Option<&str>, body: &[u8]) -> bool {
    let first = body.iter().find(|byte| byte.is_ascii_graphic());
    let says_json = || content_type.is_some_and(|kind| kind.to_lowercase().contains("json"));
    first.is_some_and(|byte| b"{[".contains(byte)) || says_json()
}

/// Whether nothing of it has to be mended.
fn is_sound(content_type: Option<&str>, body: &[u8]) -> bool {
    if is_json(content_type, body) {
        return serde_json::from_slice::<Value>(body).is_ok();
    }
    let is_lost = |text: &str| text.contains(char::REPLACEMENT_CHARACTER);
    !body.contains(&0) && !url::form_urlencoded::parse(body).any(|(_, value)| is_lost(&value))
}

fn by_whole_body(content_type: Option<&str>, body: &[u8]) -> Option<TenantHint> {
    let members = if is_json(content_type, body) {
        json(body)
    } else {
        form(body)
    };
    let mut named: Vec<(String, Option<String>)> = Vec::new();
    for (name, value) in members {
        let is_wanted = ACCOUNTS.contains(&name.as_str()) || name == TENANT;
        if is_wanted && named.len() < ENOUGH && !named.iter().any(|(known, _)| *known == name) {
            named.push((name, value));
        }
    }
    let text = |wanted: &str| {
        let (_, value) = named.iter().find(|(name, _)| name == wanted)?;
        value.as_deref().map(str::trim)
    };
    let is_id = |id: &&str| {
        let is_safe = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        !id.is_empty() && id.len() <= 64 && id.chars().all(is_safe)
    };
    let accounts: Vec<_> = ACCOUNTS
        .into_iter()
        .filter_map(text)
        .filter(is_id)
        .filter(|id| !is_placeholder(id))
        .map(str::to_owned)
        .collect();
    let tenant = text(TENANT).and_then(|slug| TenantId::new(slug).ok());
    (!accounts.is_empty() || tenant.is_some()).then_some(TenantHint { accounts, tenant })
}

/// Whether it only stands in for an id.
fn is_placeholder(id: &str) -> bool {
    let words = "null none nil undefined nan na unknown empty true false";
    let is_negative =
        |digits: &str| !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit());
    id.strip_prefix("CAL")
        .unwrap_or(id)
        .chars()
        .all(|c| "0-_".contains(c))
        || words.split(' ').any(|word| word == id.to_lowercase())
        || id.strip_prefix('-').is_some_and(is_negative)
}

/// A form's members; a list has no text.
fn form(body: &[u8]) -> Vec<(String, Option<String>)> {
    url::form_urlencoded::parse(body)
        .map(|(name, value)| match name.strip_suffix("[]") {
            Some(name) => (name.to_owned(), None),
            None => (name.into_owned(), Some(value.into_owned())),
        })
        .collect()
}

/// The members of the outermost object with their texts, as many as there are before it breaks.
fn json(body: &[u8]) -> Vec<(String, Option<String>)> {
    let mut members = Vec::new();
    let mut json = serde_json::Deserializer::from_slice(body);
    // What broke off, broke off.
    Members(&mut members).deserialize(&mut json).ok();
    members
        .into_iter()
        .map(|(name, value)| (name, text(&value)))
        .collect()
}

/// Numbers are texts.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => match (number.as_u64(), number.as_i64(), number.as_f64()) {
            (Some(number), _, _) => Some(number.to_string()),
            (_, Some(number), _) => Some(number.to_string()),
            (_, _, number) => number.map(|number| number.to_string()),
        },
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

struct Members<'m>(&'m mut Vec<(String, Value)>);

impl<'de> DeserializeSeed<'de> for Members<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Members<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        while let Some(member) = members.next_entry()? {
            self.0.push(member);
        }
        Ok(())
    }
}
