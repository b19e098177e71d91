//! From a script to the answer of the recognizer.

use serde_json::{Value, json};

use super::Wish;
use crate::recordings::{Script, Turn};

/// How many turns come together in one result; clients must join the results.
const TURNS_PER_RESULT: usize = 4;

/// A `RecognizeResponse`, or the `BatchRecognizeResults` of one file.
pub(super) fn results(script: &Script, wish: &Wish, length_seconds: f64) -> Value {
    let language = wish.language.as_ref().unwrap_or(&script.language);
    let results: Vec<_> = script
        .turns
        .chunks(TURNS_PER_RESULT)
        .map(|turns| result(turns, wish, language))
        .collect();
    json!({ "results": results, "metadata": { "totalBilledDuration": billed(length_seconds) } })
}

/// Whole seconds, begun ones included.
pub(super) fn billed(length_seconds: f64) -> String {
    format!("{:.0}s", length_seconds.ceil())
}

fn result(turns: &[Turn], wish: &Wish, language: &str) -> Value {
    let transcript = turns
        .iter()
        .map(|turn| turn.text.as_str())
        .collect::<Vec<_>>()
        .join(" ");
    let mut alternative = json!({ "transcript": transcript, "confidence": 0.93 });
    if wish.word_times || wish.speakers {
        alternative["words"] = turns.iter().flat_map(|turn| words(turn, wish)).collect();
    }
    let end = turns.last().map_or(0.0, |turn| turn.end_seconds);
    json!({ "alternatives": [alternative], "resultEndOffset": offset(end), "languageCode": language })
}

/// The words of a turn, spread evenly over its time.
fn words<'a>(turn: &'a Turn, wish: &Wish) -> impl Iterator<Item = Value> + use<'a> {
    let texts: Vec<_> = turn.text.split_whitespace().collect();
    let step = (turn.end_seconds - turn.start_seconds) / (texts.len().max(1) as f64);
    let (start, word_times, speakers) = (turn.start_seconds, wish.word_times, wish.speakers);
    texts.into_iter().enumerate().map(move |(index, text)| {
        let mut word = json!({ "word": text });
        if word_times {
            let begin = start + step * index as f64;
            // A zero is not written, as it is the default of its type.
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
