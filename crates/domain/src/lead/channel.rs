//! Channels: how a lead reached the company, and what is gathered for it.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::Stage;

/// How a lead reached the company. The words are on the wire for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// A telephone call.
    Phone,
    /// A text message to a telephone number.
    Text,
    /// A form on a website.
    Form,
    /// A booking in a calendar.
    Calendar,
    /// A chat on a website or in an app.
    Chat,
    /// A lead that another system posted to our API.
    Api,
}

impl Channel {
    /// Every channel.
    pub const ALL: [Self; 6] = [
        Self::Phone,
        Self::Text,
        Self::Form,
        Self::Calendar,
        Self::Chat,
        Self::Api,
    ];

    /// As it is stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Phone => "phone",
            Self::Text => "text",
            Self::Form => "form",
            Self::Calendar => "calendar",
            Self::Chat => "chat",
            Self::Api => "api",
        }
    }

    /// The stages that fetch what the delivery itself does not carry, in order. Reading comes before them and analysis
    /// after them, for every channel.
    pub const fn gathering(self) -> &'static [Stage] {
        match self {
            Self::Phone => &[Stage::Details, Stage::Recording, Stage::Transcript],
            Self::Calendar | Self::Chat => &[Stage::Details],
            Self::Text | Self::Form | Self::Api => &[],
        }
    }

    /// The stages that run one after another until the request is qualified.
    pub fn pipeline(self) -> impl Iterator<Item = Stage> {
        let gathering = self.gathering().iter().copied();
        std::iter::once(Stage::Reading)
            .chain(gathering)
            .chain(std::iter::once(Stage::Analysis))
    }

    /// Where a stage stands in this channel's workflow, dispatch and notification included. `None` if the channel does
    /// not have it.
    pub fn position(self, stage: Stage) -> Option<usize> {
        self.pipeline()
            .chain([Stage::Dispatch, Stage::Notification])
            .position(|candidate| candidate == stage)
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Channel {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|channel| channel.as_str() == text)
            .ok_or_else(|| {
                format!(
                    "a channel is one of {}",
                    Self::ALL.map(Self::as_str).join(", ")
                )
            })
    }
}
