//! From a script to the recognizer's answer.

use serde_json::{Value, json};

use super::Features;
use crate::recordings::{Script, Turn};

/// The number of turns in one result. Clients must join the results.
const TURNS_PER_RESULT: usize = 4;

/// A `RecognizeResponse`, or the `BatchRecognizeResults` of one file.
pub(super) fn results(script: &Script, features: &Features, length_seconds: f64) -> Value {
    let language = features.language.as_ref().unwrap_or(&script.language);
    let results: Vec<_> = script
        .turns
        .chunks(TURNS_PER_RESULT)
        .map(|turns| result(turns, features, language))
        .collect();
    json!({ "results": results, "metadata": { "totalBilledDuration": billed(length_seconds) } })
}

/// Seconds, rounded up.
pub(super) fn billed(length_seconds: f64) -> String {
    format!("{:.0}s", length_seconds.ceil())
}

fn result(turns: &[Turn], features: &Features, language: &str) -> Value {
    let transcript = turns
        .iter()
        .map(|turn| turn.text.as_str())
        .collect::<Vec<_>>()
        .join(" ");
    let mut alternative = json!({ "transcript": transcript, "confidence": 0.93 });
    if features.word_times || features.speakers {
        alternative["words"] = turns
            .iter()
            .flat_map(|turn| words(turn, features))
            .collect();
    }
    let end = turns.last().map_or(0.0, |turn| turn.end_seconds);
    json!({ "alternatives": [alternative], "resultEndOffset": offset(end), "languageCode": language })
}

/// The words of a turn, spread evenly over its time.
fn words<'a>(turn: &'a Turn, features: &Features) -> impl Iterator<Item = Value> + use<'a> {
    let texts: Vec<_> = turn.text.split_whitespace().collect();
    let step = (turn.end_seconds - turn.start_seconds) / (texts.len().max(1) as f64);
    let (start, word_times, speakers) =
        (turn.start_seconds, features.word_times, features.speakers);
    texts.into_iter().enumerate().map(move |(index, text)| {
        let mut word = json!({ "word": text });
        if word_times {
            let begin = start + step * index as f64;
            // Zero is the default of its type, which Google does not write.
            if begin > 0.0 {
                word["startOffset"] = json!(offset(begin));
            }
            word["endOffset"] = json!(offset(begin + step));
        }
        if speakers {
            word["speakerLabel"] = json!(turn.speaker);
        }
        word
    })
}

fn offset(seconds: f64) -> String {
    format!("{seconds:.3}s")
}
