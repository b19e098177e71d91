//! `pipeline live`.

use std::time::Duration;

use anyhow::bail;
use serde_json::Value;
use tokio::time::sleep;

use super::session::TenantSession;

/// The pause before the first attempt to connect again, and the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// The longest block that is taken.
const MAX_BLOCK_BYTES: usize = 4 * 1024 * 1024;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Prints what happens, until it is stopped. Connects again by itself, and misses nothing.
    #[command(after_help = "Examples:\n  pipeline live watch --tenant acme\n  \
                            pipeline live watch --json --events 10 --after 4711")]
    Watch {
        /// Begins behind the event with this id. Default: now.
        #[arg(long, value_name = "ID")]
        after: Option<String>,
        /// Ends after so many changes.
        #[arg(long, value_name = "NUMBER")]
        events: Option<u64>,
    },
}

pub(super) async fn run(tenant: &mut TenantSession<'_>, command: Command) -> anyhow::Result<()> {
    let Command::Watch { after, events } = command;
    let mut watch = Watch {
        place: after,
        left: events.unwrap_or(u64::MAX),
    };
    let (mut pause, mut has_begun) = (FIRST_PAUSE, false);
    while watch.left > 0 {
        match tenant.listen("live", watch.place.as_deref()).await {
            Ok(mut answer) => {
                has_begun = true;
                let mut blocks = Blocks::default();
                // However a stream breaks off, the next one goes on behind its last event.
                while let Ok(Some(piece)) = answer.chunk().await {
                    pause = FIRST_PAUSE;
                    for block in blocks.take(&piece)? {
                        watch.show(tenant, &block)?;
                    }
                    if watch.left == 0 {
                        return Ok(());
                    }
                }
            }
            Err(error) if !has_begun => return Err(error),
            Err(error) => tracing::debug!("no stream: {error:#}"),
        }
        sleep(pause).await;
        pause = LONGEST_PAUSE.min(pause * 2);
    }
    Ok(())
}

/// How far the watching is.
struct Watch {
    /// The last id.
    place: Option<String>,
    /// Changes that are still to be shown.
    left: u64,
}

impl Watch {
    fn show(&mut self, tenant: &mut TenantSession<'_>, block: &Block) -> anyhow::Result<()> {
        if self.left == 0 {
            return Ok(());
        }
        if let Some(id) = &block.id {
            self.place = Some(id.clone());
        }
        let Some((event, data)) = &block.event else {
            return Ok(());
        };
        let answer = serde_json::json!({ "event": event, "id": block.id, "data": data });
        tenant
            .session
            .show(&answer, |session| session.say(&line(event, data)))?;
        if !matches!(event.as_str(), "hello" | "counts" | "reset") {
            self.left -= 1;
        }
        Ok(())
    }
}

/// An event as one line.
fn line(event: &str, data: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let parts = match event {
        "hello" => vec![text(&data["now"]), "watching".to_owned()],
        "reset" => vec![
            "what happened before is no longer kept: lists show it".to_owned(),
            text(&data["reason"]),
        ],
        "counts" => {
            let count = |name: &str| format!("{name} {}", data[name]);
            let names = ["call_now", "in_review", "quarantined", "held", "parked"];
            vec![names.map(count).join(", ")]
        }
        "request" => {
            let request = &data["request"];
            vec![
                text(&data["at"]),
                text(&data["request_id"]),
                text(&data["cause"]),
                text(&request["status"]),
                text(&request["headline"]),
            ]
        }
        _ => vec![
            text(&data["at"]),
            event.to_owned(),
            text(&data["object"]),
            text(&data["cause"]),
        ],
    };
    parts.join("  ")
}

/// A block of a stream of server-sent events.
#[derive(Debug, Default, PartialEq)]
struct Block {
    id: Option<String>,
    event: Option<(String, Value)>,
}

/// Cuts a stream into its blocks.
#[derive(Default)]
struct Blocks {
    bytes: Vec<u8>,
}

impl Blocks {
    /// The blocks that end within this piece.
    fn take(&mut self, piece: &[u8]) -> anyhow::Result<Vec<Block>> {
        self.bytes.extend_from_slice(piece);
        let mut blocks = Vec::new();
        while let Some(end) = self.bytes.windows(2).position(|pair| pair == b"\n\n") {
            let rest = self.bytes.split_off(end + 2);
            let block = std::mem::replace(&mut self.bytes, rest);
            blocks.push(Block::read(&String::from_utf8_lossy(&block)));
        }
        if self.bytes.len() > MAX_BLOCK_BYTES {
            bail!("the server sends what is no stream of events");
        }
        Ok(blocks)
    }
}

impl Block {
    fn read(text: &str) -> Self {
        let (mut id, mut name, mut data) = (None, None, Value::Null);
        for line in text.lines() {
            match line.split_once(':') {
                Some(("id", value)) => id = Some(value.trim_start().to_owned()),
                Some(("event", value)) => name = Some(value.trim_start().to_owned()),
                Some(("data", value)) => data = serde_json::from_str(value).unwrap_or_default(),
                _ => {}
            }
        }
        Self {
            id,
            event: name.map(|name| (name, data)),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn blocks_are_cut_wherever_the_pieces_end() {
        let text = b": alive\nid: 7\n\nid: 8\nevent: source\ndata: {\"object\":\"src_1\"}\n\nid: 9";
        for cut in 0..text.len() {
            let mut blocks = Blocks::default();
            let (one, other) = text.split_at(cut);
            let mut read = blocks.take(one).unwrap();
            read.extend(blocks.take(other).unwrap());
            let beat = Block {
                id: Some("7".to_owned()),
                event: None,
            };
            let change = Block {
                id: Some("8".to_owned()),
                event: Some(("source".to_owned(), json!({ "object": "src_1" }))),
            };
            assert_eq!(read, [beat, change], "{cut}");
        }
    }

    #[test]
    fn every_count_is_told() {
        let counts =
            json!({ "call_now": 31, "in_review": 2, "quarantined": 3, "held": 0, "parked": 1 });
        let line = line("counts", &counts);
        for (name, count) in counts.as_object().unwrap() {
            assert!(line.contains(&format!("{name} {count}")), "{line}");
        }
    }

    #[test]
    fn what_never_ends_is_refused() {
        let mut blocks = Blocks::default();
        assert!(blocks.take(&vec![b'x'; MAX_BLOCK_BYTES]).is_ok());
        assert!(blocks.take(b"x").is_err());
    }
}
