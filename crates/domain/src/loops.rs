//! Words that come again and again. A machine that listens to silence hears them, and a model that loses its thread
//! writes them; nobody says them.

use std::collections::BTreeSet;

/// Longest phrase that is looked for, in words.
const MAX_PHRASE: usize = 12;
/// A phrase that comes so often in a row is a loop; a short one must come for this many words.
const LEAST_ROUNDS: usize = 5;
const LEAST_WORDS: usize = 8;
/// Longest phrase of a loop that says nothing, in words. What a longer one says counts once.
const MAX_EMPTY_PHRASE: usize = 4;
/// So many different words beside loops still say nothing: `okay`, `thank you`.
const MAX_REST: usize = 2;

/// How recognizers end silence, because their training ends so.
///
/// Source: reports on speech recognition's hallucinations (read 2026-11).
const CLOSINGS: [&str; 8] = [
    "thank you so much for watching",
    "thank you for watching",
    "thanks for watching",
    "please subscribe to my channel",
    "like and subscribe",
    "please subscribe",
    "see you in the next video",
    "see you in the next one",
];

/// A word with the place behind it, folded so that case and punctuation do not count.
struct Word {
    folded: String,
    end: usize,
}

/// A phrase that comes again and again: its first word, its length, and the word behind its last round.
struct Loop {
    start: usize,
    phrase: usize,
    end: usize,
}

/// Whether some words of the text come again and again.
pub fn is_in(text: &str) -> bool {
    !find(&words(text)).is_empty()
}

/// The text with the first round of each loop, and how often it came: `you [repeated 44 times]`. `None` if there is no
/// loop.
pub fn shortened(text: &str) -> Option<String> {
    let words = words(text);
    let loops = find(&words);
    if loops.is_empty() {
        return None;
    }
    let end_of = |count: usize| count.checked_sub(1).map_or(0, |last| words[last].end);
    let (mut short, mut done) = (String::new(), 0);
    for found in loops {
        let rounds = (found.end - found.start) / found.phrase;
        let kept = end_of(done)..end_of(found.start + found.phrase);
        short.push_str(text.get(kept).unwrap_or_default());
        short.push_str(&format!(" [repeated {rounds} times]"));
        done = found.end;
    }
    short.push_str(text.get(end_of(done)..).unwrap_or_default());
    Some(short)
}

/// Whether the text has nothing but loops of a few words and closings of videos: then nobody is known to have spoken.
pub fn say_nothing(text: &str) -> bool {
    let words = words(text);
    let loops = find(&words);
    let is_looped = |at: usize| {
        let mut loops = loops.iter();
        loops
            .any(|found| found.phrase <= MAX_EMPTY_PHRASE && (found.start..found.end).contains(&at))
    };
    let rest: Vec<&str> = (0..words.len())
        .filter(|at| !is_looped(*at))
        .map(|at| words[at].folded.as_str())
        .filter(|word| !word.is_empty())
        .collect();
    let mut rest = rest.join(" ");
    let before = rest.len();
    for closing in CLOSINGS {
        rest = rest.replace(closing, "");
    }
    let (has_closing, count) = (rest.len() < before, rest.split_whitespace().count());
    let different = rest.split_whitespace().collect::<BTreeSet<_>>().len();
    if count >= 2 * LEAST_WORDS {
        return different <= LEAST_WORDS.min(count / 8);
    }
    match (loops.is_empty(), has_closing) {
        (false, _) => different <= MAX_REST,
        (true, has_closing) => has_closing && count == 0,
    }
}

fn words(text: &str) -> Vec<Word> {
    let mut end = 0;
    let pieces = text.split_inclusive(char::is_whitespace);
    let word = |piece: &str| {
        let start = end;
        end += piece.len();
        let word = piece.trim_end();
        (!word.is_empty()).then(|| Word {
            folded: folded(word),
            end: start + word.len(),
        })
    };
    pieces.filter_map(word).collect()
}

fn folded(word: &str) -> String {
    let mut folded = String::with_capacity(word.len());
    for c in word.chars().filter(|c| c.is_alphanumeric()) {
        if c.is_ascii() {
            folded.push(c.to_ascii_lowercase());
        } else {
            folded.extend(c.to_lowercase());
        }
    }
    folded
}

/// Every loop, from the first on. Of two phrases that begin at one word, the shorter.
fn find(words: &[Word]) -> Vec<Loop> {
    let mut loops = Vec::new();
    let mut start = 0;
    while start < words.len() {
        let rounds_of = |phrase: usize| {
            // Most phrases are not said twice, and their first word tells.
            let again = words.get(start + phrase)?;
            if again.folded != words[start].folded {
                return None;
            }
            let first = words.get(start..start + phrase)?;
            let rounds = words.get(start..)?.chunks_exact(phrase);
            let is_same = |round: &&[Word]| {
                let mut pairs = round.iter().zip(first);
                pairs.all(|(word, first)| word.folded == first.folded)
            };
            let rounds = rounds.take_while(is_same).count();
            let is_loop = rounds >= LEAST_ROUNDS && rounds * phrase >= LEAST_WORDS;
            is_loop.then_some((phrase, rounds))
        };
        match (1..=MAX_PHRASE).find_map(rounds_of) {
            Some((phrase, rounds)) => {
                let end = start + phrase * rounds;
                loops.push(Loop { start, phrase, end });
                start = end;
            }
            None => start += 1,
        }
    }
    loops
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(phrase: &str, count: usize) -> String {
        vec![phrase; count].join(" ")
    }

    #[test]
    fn words_out_of_silence_say_nothing() {
        for text in [
            format!("{} Thanks for watching.", times("you", 44)),
            times("You.", 9),
            times("Thank you.", 30),
            times("I'm sorry.", 600),
            format!("Okay. {} Bye.", times("the", 20)),
            "Thanks for watching.".to_owned(),
            "Thank you for watching! Please subscribe.".to_owned(),
            format!("{} {}", times("you", 7), times("you're you you", 9)),
            times("...", 12),
        ] {
            assert!(say_nothing(&text), "{text}");
        }
    }

    #[test]
    fn what_somebody_says_is_something() {
        for text in [
            "",
            "Bye.",
            "Thank you.",
            "Hello? Hello? Hello?",
            "No, no, no, no. I said the bathroom.",
            "It is 512 555 0142, again 512 555 0142.",
            "Thanks for watching the house while we were away.",
            &format!(
                "{} My kitchen is under water, please come.",
                times("you", 44)
            ),
            &times("Please call me back about the roof", 6),
        ] {
            assert!(!say_nothing(text), "{text}");
        }
    }

    #[test]
    fn a_loop_is_cut_to_its_first_round() {
        let call_me = times("Call me about the roof.", 7);
        for (text, expected) in [
            (times("you", 44), "you [repeated 44 times]".to_owned()),
            (
                format!("Hi there. {} My roof leaks.", times("Um,", 12)),
                "Hi there. Um, [repeated 12 times] My roof leaks.".to_owned(),
            ),
            (
                format!("{call_me}  {}", times("é", 8)),
                "Call me about the roof. [repeated 7 times]  é [repeated 8 times]".to_owned(),
            ),
        ] {
            assert_eq!(shortened(&text), Some(expected));
        }
        for text in ["", "no no no no no no", "Ann Lee, Ann Lee, Ann Lee"] {
            assert_eq!(shortened(text), None, "{text}");
            assert!(!is_in(text), "{text}");
        }
        assert!(is_in(&times("kitchen", 300)));
    }
}
