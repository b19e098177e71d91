//! How results become turns.
//!
//! The text of a result is what was said. Its words add voices and times; they may be fewer than the text, or those of
//! the whole audio. Results may say again what earlier ones said (interim and cumulative results, channels that hear
//! both people, windows that overlap), and nothing is told twice.

use std::collections::HashSet;

use domain::{Turn, text};

use super::payload::{Alternative, SpeechResult};
use crate::call::millis;

/// Longest word, in characters. A language without spaces has a sentence in one.
const MAX_WORD: usize = 20_000;
/// How far ahead a word of the text is looked for among the words with times.
const MOST_AHEAD: usize = 16;
/// Two words that begin so close together are the same, if they are equal.
const SAME_TIME_MS: u64 = 250;
/// So many equal words in a row are no chance. Fewer may be said twice: `yes, yes`.
const LEAST_REPEATED: usize = 4;

/// A word as it was spoken.
struct Spoken {
    text: String,
    /// In lower case, without punctuation.
    folded: String,
    label: Option<String>,
    start_ms: u64,
    end_ms: u64,
    /// Whether the times are the word's own, and not those of its result.
    is_timed: bool,
}

/// A result that was taken.
struct Heard {
    words: Vec<Spoken>,
    end_ms: Option<u64>,
}

/// Joins consecutive words of one voice over all results.
///
/// A word without a label belongs to whom spoke before. Where there are no word times, a word has the time of its
/// result, which lasts from the end of the one before.
pub(super) fn turns(results: &[SpeechResult]) -> Vec<Turn> {
    let mut conversation = Conversation::default();
    let mut start_ms = 0;
    for result in results {
        let end_ms = result.result_end_offset.as_deref().and_then(millis);
        if let Some(best) = result.alternatives.first() {
            let words = spoken(best, start_ms, end_ms.unwrap_or(start_ms));
            conversation.hear(Heard { words, end_ms });
        }
        start_ms = start_ms.max(end_ms.unwrap_or(start_ms));
    }
    conversation.into_turns()
}

/// The words of a result between these times.
fn spoken(best: &Alternative, start_ms: u64, end_ms: u64) -> Vec<Spoken> {
    let word = |raw: &str| {
        let text = text::line(raw, MAX_WORD)?;
        Some(Spoken {
            folded: folded(&text),
            text,
            label: None,
            start_ms,
            end_ms,
            is_timed: false,
        })
    };
    let mut listed = Vec::new();
    for raw in &best.words {
        let Some(mut word) = word(&raw.word) else {
            continue;
        };
        let start = raw.start_offset.as_deref();
        let end = raw.end_offset.as_deref().and_then(millis);
        if start.is_some() || end.is_some() {
            // A zero is omitted, because it is the default of its type.
            word.start_ms = start.map_or(0, |start| millis(start).unwrap_or(start_ms));
            word.end_ms = end.unwrap_or(end_ms);
            word.is_timed = word.end_ms > 0;
        }
        let label = raw.speaker_label.as_deref();
        word.label = label.and_then(|label| text::line(label, 20));
        listed.push(word);
    }
    let written: Vec<_> = best
        .transcript
        .split_whitespace()
        .filter_map(word)
        .collect();
    // The same in other pieces: a language without spaces.
    let is_divided_otherwise = || written.len() != listed.len() && said(&written) == said(&listed);
    if written.is_empty() || is_divided_otherwise() {
        listed
    } else {
        aligned(written, &listed, end_ms)
    }
}

/// The words of the text, with voices and times of those listed words that they are.
fn aligned(mut written: Vec<Spoken>, listed: &[Spoken], end_ms: u64) -> Vec<Spoken> {
    let is_begin = |window: &[Spoken]| is_same(window, written.get(..window.len()).unwrap_or(&[]));
    let begin = written.len().min(3);
    let mut next = listed.windows(begin).position(is_begin).unwrap_or(0);
    let (mut first, mut last) = (None, None);
    for (at, word) in written.iter_mut().enumerate() {
        let ahead = listed.iter().enumerate().skip(next).take(MOST_AHEAD);
        let mut ahead = ahead.filter(|(_, other)| other.folded == word.folded);
        if let Some((place, other)) = ahead.next() {
            word.label.clone_from(&other.label);
            (word.start_ms, word.end_ms) = (other.start_ms, other.end_ms);
            word.is_timed = other.is_timed;
            next = place + 1;
            first.get_or_insert(at);
            last = Some((at, other.end_ms));
        } else if let Some((_, before)) = last {
            (word.start_ms, word.end_ms) = (before, before);
        }
    }
    if let Some(first) = first {
        let label = written[first].label.clone();
        for word in written.iter_mut().take(first) {
            word.label.clone_from(&label);
            word.end_ms = word.start_ms;
        }
    }
    if let Some((last, before)) = last {
        for word in written.iter_mut().skip(last + 1) {
            word.end_ms = end_ms.max(before);
        }
    }
    written
}

/// What was said so far.
#[derive(Default)]
struct Conversation {
    results: Vec<Heard>,
    /// All of it, folded.
    said: String,
    /// Words with times, and the quarter of a second in which each begins.
    begins: HashSet<(String, u64)>,
}

impl Conversation {
    /// Takes what a result says that was not said before.
    fn hear(&mut self, mut new: Heard) {
        let place = if self.is_timed() && new.words.iter().any(|word| word.is_timed) {
            self.compare_times(&mut new)
        } else {
            self.compare_words(&mut new)
        };
        if new.words.is_empty() {
            return;
        }
        if let Some(place) = place {
            self.results.insert(place, new);
            self.recount();
        } else {
            self.said.push_str(&said(&new.words));
            self.begins.extend(begins(&new.words));
            self.results.push(new);
        }
    }

    fn is_timed(&self) -> bool {
        !self.begins.is_empty()
    }

    /// An equal word at an equal time is the same word. Answers the new result's place where it replaces others.
    fn compare_times(&mut self, new: &mut Heard) -> Option<usize> {
        let is_known = |word: &Spoken| {
            let at = word.start_ms / SAME_TIME_MS;
            let near = at.saturating_sub(1)..=at + 1;
            word.is_timed
                && near
                    .into_iter()
                    .any(|at| self.begins.contains(&(word.folded.clone(), at)))
        };
        let starts = || new.words.iter().filter(|word| word.is_timed);
        let from = starts().map(|word| word.start_ms).min().unwrap_or(0);
        let to = starts().map(|word| word.start_ms).max().unwrap_or(0);
        let is_within = |word: &Spoken| {
            word.is_timed && (from..=to.saturating_add(SAME_TIME_MS)).contains(&word.start_ms)
        };
        let known = new.words.iter().filter(|word| is_known(word)).count();
        let earlier = self.results.iter().flat_map(|heard| &heard.words);
        let earlier = earlier.filter(|word| is_within(word)).count();
        if known == 0 {
            return None;
        }
        let is_all_known = known == new.words.len();
        if !is_all_known && known * 10 >= earlier * 6 && new.words.len() >= earlier {
            // The whole of that time, heard better.
            let mut results = self.results.iter();
            let first = results.position(|heard| heard.words.iter().any(is_within));
            for heard in &mut self.results {
                heard.words.retain(|word| !is_within(word));
            }
            let kept = self.results.iter().take(first? + 1);
            let place = kept.filter(|heard| !heard.words.is_empty()).count();
            self.results.retain(|heard| !heard.words.is_empty());
            return Some(place);
        }
        if known * 2 >= new.words.len() {
            new.words.retain(|word| !is_known(word));
        } else {
            let overlap = new.words.iter().take_while(|word| is_known(word)).count();
            new.words.drain(..overlap);
        }
        None
    }

    /// Without times only a row of words tells what was said before. Dropping a sentence that somebody did say twice
    /// takes nothing from what it says.
    fn compare_words(&mut self, new: &mut Heard) -> Option<usize> {
        let last = self.results.last()?;
        let (words, count) = (said(&new.words), last.words.len());
        let is_longer = |before: &str| words.len() > before.len() && words.starts_with(before);
        let is_all = self.results.len() > 1 && is_longer(&self.said);
        let is_extension = new.words.len() > count
            && is_same(&last.words, new.words.get(..count).unwrap_or(&[]))
            && (count >= LEAST_REPEATED || is_one_voice(&last.words, &new.words));
        // An interim result may end within a word.
        let is_interim = || count + 1 >= LEAST_REPEATED && is_longer(&said(&last.words));
        let is_at_one_time = |other: &Heard| new.end_ms.is_some() && other.end_ms == new.end_ms;
        let is_told = |heard: &Heard| is_at_one_time(heard) && said(&heard.words) == words;
        let is_begin_of_last = new.words.len() <= count
            && is_same(&new.words, last.words.get(..new.words.len()).unwrap_or(&[]))
            && (new.words.len() >= LEAST_REPEATED || is_at_one_time(last));
        if is_all {
            return Some(self.replace_from(0, new));
        }
        if is_extension || is_interim() {
            return Some(self.replace_from(self.results.len() - 1, new));
        }
        if is_begin_of_last || self.results.iter().any(is_told) {
            new.words.clear();
        } else {
            let most = count.min(new.words.len());
            let is_tail = |length: &usize| {
                let tail = last.words.get(count - length..).unwrap_or(&[]);
                is_same(tail, new.words.get(..*length).unwrap_or(&[]))
            };
            let overlap = (LEAST_REPEATED..=most.min(MOST_AHEAD * 4))
                .rev()
                .find(is_tail);
            new.words.drain(..overlap.unwrap_or(0));
        }
        None
    }

    /// Forgets the results from this one on, in whose place the new one comes.
    fn replace_from(&mut self, place: usize, new: &mut Heard) -> usize {
        let replaced = self.results.drain(place..);
        if let Some(start) = replaced.flat_map(|heard| heard.words).next() {
            for word in new.words.iter_mut().filter(|word| !word.is_timed) {
                word.start_ms = word.start_ms.min(start.start_ms);
            }
        }
        place
    }

    fn recount(&mut self) {
        self.said = self
            .results
            .iter()
            .map(|heard| said(&heard.words))
            .collect();
        let results = self.results.iter();
        self.begins = results.flat_map(|heard| begins(&heard.words)).collect();
    }

    fn into_turns(self) -> Vec<Turn> {
        let mut turns: Vec<Turn> = Vec::new();
        for word in self.results.into_iter().flat_map(|heard| heard.words) {
            match turns.last_mut() {
                Some(turn)
                    if word
                        .label
                        .as_ref()
                        .is_none_or(|label| *label == turn.speaker) =>
                {
                    turn.text.push(' ');
                    turn.text.push_str(&word.text);
                    turn.end_ms = turn.end_ms.max(word.end_ms);
                }
                _ => turns.push(Turn {
                    speaker: word.label.unwrap_or_else(|| "1".to_owned()),
                    start_ms: word.start_ms,
                    end_ms: word.end_ms.max(word.start_ms),
                    text: word.text,
                }),
            }
        }
        turns
    }
}

fn folded(word: &str) -> String {
    let letters = word.chars().filter(|c| c.is_alphanumeric());
    let folded: String = letters.flat_map(char::to_lowercase).collect();
    if folded.is_empty() {
        word.to_owned()
    } else {
        folded
    }
}

fn said(words: &[Spoken]) -> String {
    words.iter().map(|word| word.folded.as_str()).collect()
}

fn begins(words: &[Spoken]) -> impl Iterator<Item = (String, u64)> {
    let timed = words.iter().filter(|word| word.is_timed);
    timed.map(|word| (word.folded.clone(), word.start_ms / SAME_TIME_MS))
}

/// Whether these are the same words.
fn is_same(some: &[Spoken], others: &[Spoken]) -> bool {
    let mut pairs = some.iter().zip(others);
    some.len() == others.len() && pairs.all(|(word, other)| word.folded == other.folded)
}

/// Whether no two of these pairs of words are of different voices.
fn is_one_voice(some: &[Spoken], others: &[Spoken]) -> bool {
    let mut pairs = some.iter().zip(others);
    pairs.all(|(word, other)| match (&word.label, &other.label) {
        (Some(label), Some(other)) => label == other,
        _ => true,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(results: Value) -> Vec<Turn> {
        let results: Vec<SpeechResult> = serde_json::from_value(results).unwrap();
        turns(&results)
    }

    /// What was said, with the voices.
    fn script(results: Value) -> String {
        let turns = read(results).into_iter();
        let lines = turns.map(|turn| format!("{}: {}", turn.speaker, turn.text));
        lines.collect::<Vec<_>>().join("\n")
    }

    /// A result of this text that ends then, without words.
    fn plain(text: &str, end: &str) -> Value {
        json!({ "alternatives": [{ "transcript": text }], "resultEndOffset": end })
    }

    /// A result of this text, whose words are half a second each and begin at this second.
    fn timed(text: &str, label: &str, from: u32) -> Value {
        let words: Vec<Value> = text
            .split(' ')
            .zip(0_u32..)
            .map(|(word, number)| {
                let start = from * 1_000 + number * 500;
                let offset = |ms: u32| format!("{}.{:03}s", ms / 1_000, ms % 1_000);
                json!({ "word": word, "startOffset": offset(start), "endOffset": offset(start + 400),
                    "speakerLabel": label })
            })
            .collect();
        json!({ "alternatives": [{ "transcript": text, "words": words }] })
    }

    /// The same with a text of its own.
    fn titled(text: &str, mut result: Value) -> Value {
        result["alternatives"][0]["transcript"] = json!(text);
        result
    }

    #[test]
    fn words_that_are_listed_no_more_are_still_told() {
        let text = "I need a new roof, and my number is 512 555 0142.";
        for listed in ["I need a new", "I need", "my number is", "a roof and 0142"] {
            let result = titled(text, timed(listed, "2", 3));
            assert_eq!(script(json!([result])), format!("2: {text}"), "{listed}");
        }
        let other = titled(text, timed("something else altogether", "2", 3));
        assert_eq!(script(json!([other])), format!("1: {text}"));
    }

    #[test]
    fn the_text_keeps_the_voices_of_its_words() {
        let mut words = timed("Cedar Works hello I need a roof", "1", 0);
        for word in 3..7 {
            words["alternatives"][0]["words"][word]["speakerLabel"] = json!("2");
        }
        let result = titled("Cedar Works, hello! I need a new roof soon.", words);
        let turns = read(json!([result]));
        let told: Vec<_> = turns
            .iter()
            .map(|turn| (turn.speaker.as_str(), turn.start_ms, turn.text.as_str()))
            .collect();
        assert_eq!(
            told,
            [
                ("1", 0, "Cedar Works, hello!"),
                ("2", 1_500, "I need a new roof soon.")
            ]
        );
    }

    #[test]
    fn interim_results_are_told_once() {
        let whole = "Hi, this is Mara Quill about a kitchen.";
        for results in [
            json!([
                plain("Hi,", "1s"),
                plain("Hi, this is", "2s"),
                plain("Hi, this is Mara Qui", "3s"),
                plain(whole, "5s")
            ]),
            json!([
                timed("Hi, this", "1", 0),
                timed("Hi, this is Mara", "1", 0),
                timed(whole, "1", 0)
            ]),
            json!([
                plain("Hi, this is", "2s"),
                plain("Mara Quill about", "3s"),
                timed(whole, "1", 0)
            ]),
            json!([plain(whole, "5s"), plain("Hi, this is Mara", "3s")]),
            json!([plain(whole, "5s"), plain(whole, "5s"), plain(whole, "5s")]),
        ] {
            let told = script(results.clone());
            assert_eq!(told, format!("1: {whole}"), "{results}");
        }
        let revised = json!([
            timed("I need a kit in Hutto", "1", 2),
            timed("I need a kitchen in Hutto", "1", 2),
            timed("I need a kitchen in Hutto please", "1", 2)
        ]);
        assert_eq!(script(revised), "1: I need a kitchen in Hutto please");
    }

    #[test]
    fn what_is_heard_better_keeps_its_place() {
        let results = json!([
            timed("Cedar Works", "1", 0),
            timed("my roof leaks", "2", 3),
            timed("Cedar Works how can", "1", 0),
        ]);
        assert_eq!(script(results), "1: Cedar Works how can\n2: my roof leaks");
    }

    #[test]
    fn channels_that_hear_both_people_are_told_once() {
        let (agent, caller) = ("Cedar Works how can I help", "I need a new roof soon");
        let results = json!([
            timed(agent, "1", 0),
            timed(caller, "2", 5),
            timed(agent, "1", 0),
            timed(caller, "2", 5)
        ]);
        let expected = format!("1: {agent}\n2: {caller}");
        assert_eq!(script(results), expected);
        let untimed = json!([
            plain(agent, "3s"),
            plain(caller, "8s"),
            plain(agent, "3s"),
            plain(caller, "8s")
        ]);
        assert_eq!(script(untimed), format!("1: {agent} {caller}"));
    }

    #[test]
    fn windows_that_overlap_are_told_once() {
        let results = json!([
            timed("my roof leaks over the porch and", "1", 0),
            timed("the porch and the kitchen is wet too I fear", "1", 2)
        ]);
        let whole = "1: my roof leaks over the porch and the kitchen is wet too I fear";
        assert_eq!(script(results), whole);
        let untimed = json!([
            plain("my roof leaks over the porch and", "3s"),
            plain("over the porch and the kitchen is wet too I fear", "6s")
        ]);
        assert_eq!(script(untimed), whole);
    }

    #[test]
    fn what_is_said_twice_is_told_twice() {
        let voiced = |text: &str, label: &str| json!({ "alternatives": [{ "transcript": text, "words": [{ "word": text, "speakerLabel": label }] }] });
        for (results, expected) in [
            (
                json!([timed("Hello?", "1", 0), timed("Hello?", "1", 4)]),
                "1: Hello? Hello?",
            ),
            (
                json!([plain("Yes.", "1s"), plain("Yes.", "3s")]),
                "1: Yes. Yes.",
            ),
            (
                json!([
                    timed("call me back please", "1", 0),
                    timed("call me back please", "1", 9)
                ]),
                "1: call me back please call me back please",
            ),
            (
                json!([voiced("Yeah.", "1"), voiced("Yeah.", "2")]),
                "1: Yeah.\n2: Yeah.",
            ),
        ] {
            assert_eq!(script(results.clone()), expected, "{results}");
        }
    }

    #[test]
    fn results_may_lack_everything() {
        let text = |text: &str| json!({ "alternatives": [{ "transcript": text, "words": [] }] });
        let results = json!([
            {}, { "alternatives": [] }, { "alternatives": [{}] },
            plain("Hi, this is about a bathroom in Hutto.", "9.4s"), text(" Call me after five, please. "),
        ]);
        let told = "1: Hi, this is about a bathroom in Hutto. Call me after five, please.";
        assert_eq!(script(results), told);
        let spaceless = json!([{ "alternatives": [{ "transcript": "你好吗", "words": [
            { "word": "你好", "speakerLabel": "1" }, { "word": "吗", "speakerLabel": "2" } ] }] }]);
        assert_eq!(script(spaceless), "1: 你好\n2: 吗");
    }
}
