//! The checks of a message, and the mails that a valid one results in.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::Mail;

const HELP: &str = "http://sendgrid.com/docs/API_Reference/Web_API_v3/Mail/errors.html#message.";

const RECIPIENTS: usize = 1000;
const CUSTOM_ARGS_BYTES: usize = 10_000;

/// Everything that is wrong with a message. Empty if it can be sent.
pub(super) fn faults(message: &Value, now: Timestamp) -> Vec<Value> {
    let mut faults = Vec::new();
    let mut fault = |field: &str, anchor: &str, text: &str| {
        faults.push(json!({ "message": text, "field": field, "help": format!("{HELP}{anchor}") }));
    };
    if !is_address(&message["from"]) {
        fault(
            "from.email",
            "from",
            "The from email does not contain a valid address.",
        );
    }
    let people = message["personalizations"]
        .as_array()
        .map_or(&[][..], Vec::as_slice);
    if people.is_empty() || people.len() > 1000 {
        let text =
            "The personalizations field is required and must have 1 to 1000 personalizations.";
        fault("personalizations", "personalizations", text);
    }
    let mut recipients = 0;
    for (index, person) in people.iter().enumerate() {
        let at = format!("personalizations.{index}");
        if person["to"].as_array().is_none_or(Vec::is_empty) {
            let text = "The to array is required for all personalization objects, and must have at least one \
                        email object with a valid email address.";
            fault(&format!("{at}.to"), "personalizations.to", text);
        }
        let mut seen = BTreeSet::new();
        for kind in ["to", "cc", "bcc"] {
            for (number, address) in person[kind].as_array().into_iter().flatten().enumerate() {
                recipients += 1;
                let field = format!("{at}.{kind}.{number}.email");
                if !is_address(address) {
                    fault(
                        &field,
                        &format!("personalizations.{kind}"),
                        "Does not contain a valid address.",
                    );
                } else if !seen.insert(address["email"].as_str().unwrap_or_default().to_lowercase())
                {
                    let text = "Each email address in the personalization block should be unique between to, cc, \
                                and bcc.";
                    fault(&field, "personalizations", text);
                }
            }
        }
        let arguments = custom_args(message, person);
        if arguments
            .iter()
            .map(|(name, value)| name.len() + value.len())
            .sum::<usize>()
            > CUSTOM_ARGS_BYTES
        {
            fault(
                &format!("{at}.custom_args"),
                "custom_args",
                "The custom_args exceed 10000 bytes.",
            );
        }
        let is_text = |args: &Value| {
            args.as_object()
                .is_none_or(|args| args.values().all(Value::is_string))
        };
        if !is_text(&person["custom_args"]) || !is_text(&message["custom_args"]) {
            fault(
                &format!("{at}.custom_args"),
                "custom_args",
                "The custom_args must be strings.",
            );
        }
        let has_subject = |value: &Value| {
            value["subject"]
                .as_str()
                .is_some_and(|text| !text.is_empty())
        };
        if message["template_id"].is_null() && !has_subject(message) && !has_subject(person) {
            let text = "The subject is required. You can get around this requirement if you use a template with a \
                        subject defined.";
            fault("subject", "subject", text);
        }
    }
    if recipients > RECIPIENTS {
        fault(
            "personalizations",
            "personalizations",
            "There are more than 1000 recipients.",
        );
    }
    content(message, &mut fault);
    if message["categories"]
        .as_array()
        .is_some_and(|categories| categories.len() > 10)
    {
        fault(
            "categories",
            "categories",
            "You may only have up to 10 categories.",
        );
    }
    let longest = now
        .checked_add(SignedDuration::from_hours(72))
        .unwrap_or(Timestamp::MAX);
    if message["send_at"]
        .as_i64()
        .is_some_and(|at| at > longest.as_second())
    {
        fault(
            "send_at",
            "send_at",
            "Scheduling more than 72 hours in advance is forbidden.",
        );
    }
    let sandbox = &message["mail_settings"]["sandbox_mode"]["enable"];
    if !sandbox.is_null() && !sandbox.is_boolean() {
        fault(
            "mail_settings.sandbox_mode.enable",
            "mail_settings",
            "Invalid type. Expected: boolean.",
        );
    }
    faults
}

fn content(message: &Value, fault: &mut impl FnMut(&str, &str, &str)) {
    let template = message["template_id"].as_str();
    if template.is_some_and(|template| !template.starts_with("d-")) {
        fault(
            "template_id",
            "template_id",
            "The template_id must be a valid dynamic template.",
        );
    }
    let parts = message["content"].as_array().map_or(&[][..], Vec::as_slice);
    if parts.is_empty() && template.is_none() {
        let text = "Unless a valid template_id is provided, the content parameter is required. There must be at \
                    least one defined content block.";
        fault("content", "content", text);
    }
    for (index, part) in parts.iter().enumerate() {
        if part["type"].as_str().is_none_or(str::is_empty) {
            fault(
                &format!("content.{index}.type"),
                "content.type",
                "The content type is required.",
            );
        }
        if part["value"].as_str().is_none_or(str::is_empty) {
            let text = "The content value must be a string at least one character in length.";
            fault(&format!("content.{index}.value"), "content.value", text);
        }
    }
    let types: Vec<_> = parts
        .iter()
        .filter_map(|part| part["type"].as_str())
        .collect();
    let html = types.iter().position(|kind| *kind == "text/html");
    let plain = types.iter().position(|kind| *kind == "text/plain");
    if let (Some(html), Some(plain)) = (html, plain)
        && html < plain
    {
        let text =
            "If present, text/plain and text/html may only be provided once, text/plain first.";
        fault("content", "content", text);
    }
}

fn is_address(value: &Value) -> bool {
    let Some((name, host)) = value["email"]
        .as_str()
        .and_then(|email| email.split_once('@'))
    else {
        return false;
    };
    !name.is_empty()
        && host.contains('.')
        && host.split('.').all(|part| !part.is_empty())
        && !format!("{name}{host}")
            .chars()
            .any(|letter| letter.is_whitespace() || letter == '@')
}

fn custom_args(message: &Value, person: &Value) -> BTreeMap<String, String> {
    let none = Map::new();
    let all = [message, person].map(|place| place["custom_args"].as_object().unwrap_or(&none));
    let arguments = all.into_iter().flatten();
    arguments
        .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
        .collect()
}

/// One mail per personalization.
pub(super) fn mails(message: &Value, message_id: &str, at: Timestamp) -> Vec<Mail> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let part = |kind: &str| {
        let parts = message["content"].as_array().into_iter().flatten();
        parts
            .filter(|part| part["type"] == kind)
            .map(|part| text(&part["value"]))
            .next()
            .unwrap_or_default()
    };
    let categories = message["categories"]
        .as_array()
        .into_iter()
        .flatten()
        .map(text)
        .collect::<Vec<_>>();
    let people = message["personalizations"].as_array().into_iter().flatten();
    people
        .map(|person| Mail {
            message_id: message_id.to_owned(),
            at,
            from: text(&message["from"]["email"]),
            to: ["to", "cc", "bcc"]
                .iter()
                .flat_map(|kind| person[*kind].as_array().into_iter().flatten())
                .map(|address| text(&address["email"]))
                .collect(),
            subject: person["subject"]
                .as_str()
                .map_or_else(|| text(&message["subject"]), str::to_owned),
            text: part("text/plain"),
            html: part("text/html"),
            custom_args: custom_args(message, person),
            template_id: message["template_id"].as_str().map(str::to_owned),
            template_data: person["dynamic_template_data"].clone(),
            categories: categories.clone(),
        })
        .collect()
}
