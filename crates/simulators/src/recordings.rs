//! The recordings of this crate, and what is said in them.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// What is said in a recording, by whom and when.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Script {
    /// What the call is about, for people.
    #[serde(default)]
    pub title: String,
    /// BCP-47 code of the language spoken.
    #[serde(default = "english")]
    pub language: String,
    /// The caller.
    #[serde(default)]
    pub caller: Caller,
    /// Length of the whole recording.
    pub duration_seconds: f64,
    /// The turns in the order in which they are spoken. None at all is silence.
    pub turns: Vec<Turn>,
}

/// The caller, as caller ID shows them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Caller {
    /// The name of the line's owner.
    pub name: String,
    /// The city of the line. Empty if unknown.
    pub city: String,
    /// The state of the line. Empty if unknown.
    pub state: String,
}

/// One person speaking without a break.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Turn {
    /// The label of the speaker: `"1"` answers the phone, `"2"` calls.
    pub speaker: String,
    /// The words with punctuation.
    pub text: String,
    /// When it starts.
    pub start_seconds: f64,
    /// When it ends.
    pub end_seconds: f64,
}

/// A recording with its script.
#[derive(Debug)]
pub struct Recording {
    /// Its name in the control API.
    pub name: &'static str,
    /// The whole MP3 file.
    pub mp3: &'static [u8],
    /// What is said in it.
    pub script: Script,
    pub(crate) sha256: String,
}

/// The recording of a call that nobody registered.
pub const DEFAULT: &str = "kitchen-quote";

macro_rules! recordings {
    ($($name:literal),+ $(,)?) => {
        [$((
            $name,
            include_bytes!(concat!("recordings/", $name, ".mp3")).as_slice(),
            include_str!(concat!("recordings/", $name, ".json")),
        )),+]
    };
}

/// Every recording by name.
pub static RECORDINGS: LazyLock<BTreeMap<&'static str, Recording>> = LazyLock::new(|| {
    recordings![
        "bathroom-leak",
        "kitchen-quote",
        "long-call",
        "no-place",
        "out-of-area",
        "spam-robocall",
        "unsure-pitch",
        "whole-home",
    ]
    .into_iter()
    .map(|(name, mp3, script)| {
        let script = serde_json::from_str(script).expect("the scripts of this crate are valid");
        (
            name,
            Recording {
                name,
                mp3,
                script,
                sha256: hex::encode(Sha256::digest(mp3)),
            },
        )
    })
    .collect()
});

/// The recording of this name.
pub fn recording(name: &str) -> Option<&'static Recording> {
    RECORDINGS.get(name)
}

/// The recording with exactly these bytes.
pub(crate) fn by_sha256(sha256: &str) -> Option<&'static Recording> {
    RECORDINGS
        .values()
        .find(|recording| recording.sha256 == sha256)
}

/// What two people say in audio without a script.
pub(crate) fn unscripted(duration_seconds: f64) -> Script {
    let turn = |speaker: &str, text: &str, from: f64, to: f64| Turn {
        speaker: speaker.to_owned(),
        text: text.to_owned(),
        start_seconds: from * duration_seconds,
        end_seconds: to * duration_seconds,
    };
    Script {
        title: "Audio without a script".to_owned(),
        language: english(),
        caller: Caller::default(),
        duration_seconds,
        turns: vec![
            turn("1", "Thanks for calling. How can I help you?", 0.0, 0.3),
            turn(
                "2",
                "Hello, I would like a quote for a remodeling project at my house.",
                0.35,
                0.7,
            ),
            turn("1", "Of course, somebody will call you back.", 0.75, 0.95),
        ],
    }
}

fn english() -> String {
    "en-US".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mp3::Probe;

    #[test]
    fn every_recording_is_small_and_as_long_as_its_script_says() {
        for recording in RECORDINGS.values() {
            let Recording {
                name, mp3, script, ..
            } = recording;
            let mut probe = Probe::default();
            probe.push(mp3);
            let seconds = probe.finish().unwrap().as_secs_f64();
            assert!(
                (seconds - script.duration_seconds).abs() < 0.3,
                "{name}: {seconds}"
            );
            assert!(mp3.len() < 154_000, "{name}: {}", mp3.len());
            let times = script
                .turns
                .iter()
                .flat_map(|turn| [turn.start_seconds, turn.end_seconds]);
            assert!(times.is_sorted(), "{name}");
            assert_eq!(
                by_sha256(&recording.sha256).map(|found| found.name),
                Some(*name)
            );
        }
        assert!(recording("long-call").unwrap().script.duration_seconds > 61.0);
        assert!(recording(DEFAULT).is_some());
    }
}
