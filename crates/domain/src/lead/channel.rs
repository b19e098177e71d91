//! Channels: how a lead reached the company, and what is gathered for it.

use crate::{Stage, words::words};

words! {
    /// How a lead reached the company.
    #[derive(PartialOrd, Ord)]
    pub enum Channel ("a channel") {
        /// A telephone call.
        Phone => "phone",
        /// A text message to a telephone number.
        Text => "text",
        /// A form on a website.
        Form => "form",
        /// A booking in a calendar.
        Calendar => "calendar",
        /// A chat on a website or in an app.
        Chat => "chat",
        /// A lead that another system posted to our API.
        Api => "api",
    }
}

impl Channel {
    /// The stages that fetch what the delivery itself does not carry, in order. Reading comes before them and analysis
    /// after them, for every channel.
    pub const fn gathering(self) -> &'static [Stage] {
        match self {
            Self::Phone => &[Stage::Details, Stage::Recording, Stage::Transcript],
            Self::Calendar => &[Stage::Details, Stage::Booking],
            Self::Chat => &[Stage::Details],
            Self::Form => &[Stage::Documents],
            Self::Text | Self::Api => &[],
        }
    }

    /// Whether what is known of the person's place comes from the record of their number, and was not typed by them.
    pub(crate) const fn is_by_number(self) -> bool {
        match self {
            Self::Phone | Self::Text => true,
            Self::Form | Self::Calendar | Self::Chat | Self::Api => false,
        }
    }

    /// The stages that run one after another until the request is qualified.
    pub fn pipeline(self) -> impl Iterator<Item = Stage> {
        let gathering = self.gathering().iter().copied();
        std::iter::once(Stage::Reading)
            .chain(gathering)
            .chain(std::iter::once(Stage::Analysis))
    }

    /// The stage that comes after one, where nothing was gathered before and nothing stops the request.
    pub fn next_stage(self, stage: Stage) -> Option<Stage> {
        let mut stages = self
            .pipeline()
            .chain([Stage::Dispatch, Stage::Notification]);
        stages.find(|candidate| *candidate == stage)?;
        stages.next()
    }

    /// Where a stage stands in this channel's workflow, dispatch and notification included. `None` if the channel does
    /// not have it.
    pub fn position(self, stage: Stage) -> Option<usize> {
        self.pipeline()
            .chain([Stage::Dispatch, Stage::Notification])
            .position(|candidate| candidate == stage)
    }
}
