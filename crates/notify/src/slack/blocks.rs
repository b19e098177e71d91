//! A message as blocks, within Slack's limits. Pure.
//!
//! What came from outside is escaped, so that nobody is mentioned and no link is made by it, and cut so that it fits after
//! that. `verbatim` keeps Slack from making links and mentions of bare words.
//!
//! Source: docs.slack.dev, "Formatting message text", "Blocks" (read 2026-11). UNCONFIRMED: the limits of 150, 2,000 and
//! 3,000 characters, and that they count what is escaped as it is sent.

use serde_json::{Value, json};

use crate::LeadPost;

/// Longest header.
const MAX_HEADER: usize = 150;
/// Longest text of a section.
const MAX_SECTION: usize = 3_000;
/// Longest field of a section.
const MAX_FIELD: usize = 2_000;
/// Fields of a section.
const MAX_FIELDS: usize = 10;
/// Longest text that is shown where blocks are not.
const MAX_FALLBACK: usize = 4_000;

/// What notifications and screen readers have of a message.
pub(super) fn fallback(post: &LeadPost) -> String {
    escaped(&format!("{} · {}", post.headline, post.wants), MAX_FALLBACK)
}

/// The message: headline, what is wanted, facts, warnings, summary, and which lead it is.
pub(super) fn blocks(post: &LeadPost) -> Vec<Value> {
    let mut blocks = vec![json!({
        "type": "header",
        "text": { "type": "plain_text", "text": escaped(&post.headline, MAX_HEADER), "emoji": false },
    })];
    blocks.extend(section(&[post.wants.as_str()], ""));
    let fields = post.facts.iter().take(MAX_FIELDS).map(|fact| {
        let label = format!("*{}*\n", escaped(&fact.label, 200));
        let room = MAX_FIELD - label.chars().count();
        markdown(&format!("{label}{}", escaped(&fact.value, room)))
    });
    let fields: Vec<_> = fields.collect();
    if !fields.is_empty() {
        blocks.push(json!({ "type": "section", "fields": fields }));
    }
    let warnings: Vec<_> = post.warnings.iter().map(String::as_str).collect();
    blocks.extend(section(&warnings, ":warning: "));
    let summary: Vec<_> = post.summary.iter().map(String::as_str).collect();
    blocks.extend(section(&summary, ""));
    blocks.push(json!({
        "type": "context",
        "elements": [markdown(&escaped(&post.footer, MAX_FIELD))],
    }));
    blocks
}

/// Lines of text, each begun with `mark`, which is ours. None where there is nothing to say.
fn section(lines: &[&str], mark: &str) -> Option<Value> {
    let mut text = String::new();
    for line in lines.iter().filter(|line| !line.is_empty()) {
        let begun = match text.as_str() {
            "" => mark.to_owned(),
            _ => format!("\n{mark}"),
        };
        let taken = text.chars().count() + begun.chars().count();
        let Some(room) = MAX_SECTION.checked_sub(taken).filter(|room| *room > 10) else {
            break;
        };
        text.push_str(&begun);
        text.push_str(&escaped(line, room));
    }
    (!text.is_empty()).then(|| json!({ "type": "section", "text": markdown(&text) }))
}

fn markdown(text: &str) -> Value {
    json!({ "type": "mrkdwn", "text": text, "verbatim": true })
}

/// Text as Slack shows it and does nothing with it, of at most `max` characters as they are sent. What is cut ends in `…`,
/// never within a character that is written as several.
fn escaped(text: &str, max: usize) -> String {
    let pieces = text.chars().map(|letter| match letter {
        '&' => "&amp;".to_owned(),
        '<' => "&lt;".to_owned(),
        '>' => "&gt;".to_owned(),
        other => other.to_string(),
    });
    let pieces: Vec<String> = pieces.collect();
    let whole: usize = pieces.iter().map(|piece| piece.chars().count()).sum();
    if whole <= max {
        return pieces.concat();
    }
    let mut room = max.saturating_sub(1);
    let fits = |piece: &&String| match room.checked_sub(piece.chars().count()) {
        Some(left) => {
            room = left;
            true
        }
        None => false,
    };
    let mut cut: String = pieces.iter().take_while(fits).map(String::as_str).collect();
    cut.push('…');
    cut
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Fact;

    fn post(text: &str) -> LeadPost {
        let text = || text.to_owned();
        LeadPost {
            headline: text(),
            wants: text(),
            facts: vec![
                Fact {
                    label: text(),
                    value: text()
                };
                12
            ],
            warnings: vec![text(); 12],
            summary: Some(text()),
            footer: text(),
        }
    }

    /// Every text in a value, with the limit of where it stands.
    fn texts(blocks: &[Value]) -> Vec<(usize, String)> {
        let mut found = Vec::new();
        let text = |value: &Value| value["text"].as_str().unwrap().to_owned();
        for block in blocks {
            match block["type"].as_str().unwrap() {
                "header" => found.push((MAX_HEADER, text(&block["text"]))),
                "context" => found.push((MAX_SECTION, text(&block["elements"][0]))),
                _ => {
                    if block["text"].is_object() {
                        found.push((MAX_SECTION, text(&block["text"])));
                    }
                    let fields = block["fields"].as_array().cloned().unwrap_or_default();
                    assert!(fields.len() <= MAX_FIELDS);
                    found.extend(fields.iter().map(|field| (MAX_FIELD, text(field))));
                }
            }
        }
        found
    }

    #[test]
    fn nobody_is_mentioned_and_nothing_is_linked_by_a_lead() {
        let hostile = "<!channel> <@U012> <https://evil.example|our site> & <#C1> <!subteam^S1>";
        let blocks = blocks(&post(hostile));
        for (_, text) in texts(&blocks) {
            assert!(!text.contains('<') && !text.contains('>'), "{text}");
            assert!(text.contains("&lt;!channel&gt;"), "{text}");
        }
        assert!(!fallback(&post(hostile)).contains('<'));
        // Bare addresses and names are left as they are.
        let json = Value::from(blocks).to_string();
        assert_eq!(
            json.matches("mrkdwn").count(),
            json.matches("\"verbatim\":true").count()
        );
    }

    #[test]
    fn what_is_written_as_several_characters_is_never_cut_within() {
        assert_eq!(escaped("a&b", 7), "a&amp;b");
        assert_eq!(escaped("a&b", 6), "a…");
        assert_eq!(escaped("&&&", 11), "&amp;&amp;…");
        assert_eq!(escaped("", 5), "");
    }

    proptest! {
        #[test]
        fn every_text_fits(text in "[a-z&<>é\u{1f600} ]{1,4000}") {
            let post = post(&text);
            let blocks = blocks(&post);
            prop_assert!(blocks.len() <= 50);
            for (max, text) in texts(&blocks) {
                prop_assert!(text.chars().count() <= max && !text.is_empty());
                prop_assert!(!text.contains('<'));
            }
            prop_assert!(fallback(&post).chars().count() <= MAX_FALLBACK);
        }
    }
}
