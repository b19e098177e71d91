//! Links: two requests of one person, who came by two doors. A link shows; it changes neither request.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{RequestId, words::words};

words! {
    /// What two linked requests have in common.
    #[derive(PartialOrd, Ord)]
    pub enum LinkReason ("a reason") {
        /// The telephone number.
        Phone => "phone",
        /// The e-mail address.
        Email => "email",
    }
}

/// That another request is the same person's. The other one has its twin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// The other request.
    pub request: RequestId,
    /// What both have in common.
    pub reason: LinkReason,
    /// How the other one reached the company: the channel's word.
    pub channel: String,
    /// When the other one came.
    pub came_at: Timestamp,
    /// When it was linked.
    pub at: Timestamp,
    /// Who linked it.
    pub by: String,
    /// Who took the link back; then it is not made again, for whatever reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unlinked: Option<Unlinked>,
}

/// That somebody took a link back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unlinked {
    /// Who: the subject of their token.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

impl Link {
    /// Who makes links without being asked.
    pub const BY_ITSELF: &'static str = "pipeline";

    /// Whether nobody took it back.
    pub const fn is_active(&self) -> bool {
        self.unlinked.is_none()
    }
}

impl LinkReason {
    /// As people read it.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Phone => "same telephone number",
            Self::Email => "same e-mail address",
        }
    }

    /// What it is, in words.
    pub const fn thing(self) -> &'static str {
        match self {
            Self::Phone => "telephone number",
            Self::Email => "e-mail address",
        }
    }
}

/// Of what a linked request tells a reader: what the person did, how long before, and how they are known to be the same:
/// `called two days ago (same telephone number)`. None for one that came later, or that was taken back.
pub fn tell(link: &Link, came_at: Timestamp) -> Option<String> {
    if !link.is_active() || link.came_at >= came_at {
        return None;
    }
    let did = match link.channel.as_str() {
        "phone" => "called",
        "text" => "sent a text message",
        "form" => "sent a form",
        "calendar" => "booked a time",
        "chat" => "wrote in a chat",
        _ => "got in touch",
    };
    let seconds = came_at.duration_since(link.came_at).as_secs();
    let ago = match seconds {
        ..3_600 => "within the hour before".to_owned(),
        3_600..86_400 => counted(seconds / 3_600, "hour"),
        _ => counted(seconds / 86_400, "day"),
    };
    Some(format!("{did} {ago} ({})", link.reason.sentence()))
}

fn counted(number: i64, of: &str) -> String {
    const WORDS: [&str; 10] = [
        "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
    ];
    let plural = if number == 1 { "" } else { "s" };
    let index = usize::try_from(number - 1).ok();
    match index.and_then(|index| WORDS.get(index)) {
        Some(word) => format!("{word} {of}{plural} ago"),
        None => format!("{number} {of}{plural} ago"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_tells_what_the_person_did_before() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let link = |channel: &str, came: &str| Link {
            request: RequestId::from_uuid(uuid::Uuid::from_u128(1)),
            reason: LinkReason::Phone,
            channel: channel.to_owned(),
            came_at: at(came),
            at: at(came),
            by: Link::BY_ITSELF.to_owned(),
            unlinked: None,
        };
        let now = at("2026-11-20T12:00:00Z");
        for (channel, came, told) in [
            ("phone", "2026-11-18T11:00:00Z", "called two days ago"),
            (
                "form",
                "2026-11-20T11:30:00Z",
                "sent a form within the hour before",
            ),
            (
                "chat",
                "2026-11-20T10:59:00Z",
                "wrote in a chat one hour ago",
            ),
            ("fax", "2026-11-01T12:00:00Z", "got in touch 19 days ago"),
        ] {
            let told = Some(format!("{told} (same telephone number)"));
            assert_eq!(tell(&link(channel, came), now), told);
        }
        assert_eq!(tell(&link("phone", "2026-11-21T12:00:00Z"), now), None);
        let mut taken_back = link("phone", "2026-11-18T11:00:00Z");
        taken_back.unlinked = Some(Unlinked {
            by: "ann".to_owned(),
            at: now,
        });
        assert_eq!(tell(&taken_back, now), None);
    }
}
