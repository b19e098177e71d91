//! Somebody who watches a tenant live.

use serde_json::Value;
use tokio::time::timeout;

use super::PATIENCE;

/// A stream of live events.
pub struct Watcher {
    response: reqwest::Response,
    unread: String,
}

impl Watcher {
    pub(super) const fn of(response: reqwest::Response) -> Self {
        Self {
            response,
            unread: String::new(),
        }
    }

    /// Reads on until something like this was told about a request.
    pub async fn told(&mut self, what: &str, is_it: impl Fn(&Value) -> bool) -> Value {
        let reading = async {
            loop {
                let block = self.block().await;
                let of = |name: &str| block.lines().find_map(|line| line.strip_prefix(name));
                if of("event:").map(str::trim) != Some("request") {
                    continue;
                }
                let told: Value = serde_json::from_str(of("data:").unwrap_or("null")).unwrap();
                if is_it(&told) {
                    return told;
                }
            }
        };
        let told = timeout(PATIENCE, reading).await;
        told.unwrap_or_else(|_| panic!("nobody was told: {what}"))
    }

    async fn block(&mut self) -> String {
        loop {
            if let Some((block, rest)) = self.unread.split_once("\n\n") {
                let block = block.to_owned();
                self.unread = rest.to_owned();
                return block;
            }
            let piece = self.response.chunk().await.unwrap();
            let piece = piece.expect("the stream goes on");
            self.unread.push_str(&String::from_utf8_lossy(&piece));
        }
    }
}
