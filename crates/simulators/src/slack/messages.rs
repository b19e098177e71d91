//! What a message may be, and what Slack makes of its texts.

use serde_json::Value;

use super::Message;

const MAX_BLOCKS: usize = 50;
const MAX_TEXT: usize = 40_000;

/// A message, not in its channel yet.
///
/// # Errors
/// Slack's word for what is wrong.
pub(super) fn read(
    channel: &str,
    text: &str,
    blocks: &Value,
    metadata: &Value,
) -> Result<Message, &'static str> {
    let blocks = match blocks {
        Value::Null => Vec::new(),
        Value::Array(blocks) => blocks.clone(),
        _ => return Err("invalid_blocks"),
    };
    if text.is_empty() && blocks.is_empty() {
        return Err("no_text");
    }
    if text.chars().count() > MAX_TEXT {
        return Err("msg_too_long");
    }
    if blocks.len() > MAX_BLOCKS || !blocks.iter().all(is_block) {
        return Err("invalid_blocks");
    }
    let is_metadata = metadata.is_null()
        || (metadata["event_type"].is_string() && metadata["event_payload"].is_object());
    if !is_metadata {
        return Err("invalid_arguments");
    }
    Ok(Message {
        channel: channel.to_owned(),
        ts: String::new(),
        text: text.to_owned(),
        blocks,
        metadata: metadata.clone(),
        is_by_webhook: false,
    })
}

fn is_block(block: &Value) -> bool {
    let list = |name: &str| block[name].as_array();
    match block["type"].as_str() {
        Some("header") => block["text"]["type"] == "plain_text" && is_text(&block["text"], 150),
        Some("section") => {
            let has_text = block["text"].is_object();
            let fields = list("fields");
            let are_fields = fields.is_none_or(|fields| {
                (1..=10).contains(&fields.len()) && fields.iter().all(|field| is_text(field, 2_000))
            });
            (has_text || fields.is_some())
                && (!has_text || is_text(&block["text"], 3_000))
                && are_fields
        }
        Some("context") => list("elements").is_some_and(|elements| {
            (1..=10).contains(&elements.len())
                && elements.iter().all(|element| is_text(element, 3_000))
        }),
        Some("divider") => true,
        _ => false,
    }
}

fn is_text(text: &Value, max: usize) -> bool {
    let is_kind = matches!(text["type"].as_str(), Some("plain_text" | "mrkdwn"));
    let length = text["text"].as_str().map_or(0, |text| text.chars().count());
    is_kind && (1..=max).contains(&length)
}

/// What stands between `<` and `>` in its texts.
pub(super) fn mentions(message: &Message) -> Vec<String> {
    let mut texts = vec![message.text.as_str()];
    for block in &message.blocks {
        collect(block, &mut texts);
    }
    let mut found = Vec::new();
    for text in texts {
        let opened = text.split('<').skip(1);
        let named = opened.filter_map(|rest| rest.split_once('>'));
        found.extend(named.map(|(name, _)| name.to_owned()));
    }
    found
}

fn collect<'a>(value: &'a Value, texts: &mut Vec<&'a str>) {
    match value {
        Value::String(text) => texts.push(text),
        Value::Array(items) => items.iter().for_each(|item| collect(item, texts)),
        Value::Object(members) => members.values().for_each(|member| collect(member, texts)),
        _ => {}
    }
}
