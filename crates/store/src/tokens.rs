//! What requests are found by. A request is said in tokens, a filter in clauses over them, and both stores keep nothing
//! but which request has which token: so they find alike, and what a token is can change here alone.
//!
//! Tokens are short: what they say, a dot, the value. Words are compared without case and accents. Numbers are said by
//! all their ends and beginnings, names and towns by their beginnings, so that no store has to look for a part of a
//! token.

use std::collections::{BTreeMap, BTreeSet};

use domain::{About, AreaVerdict, ChatMessage, E164, LeadRequest, text::folded};

use crate::finding::{Area, RequestFilter};

/// Text of a request that is looked at, in bytes.
const MAX_TEXT_BYTES: usize = 32 * 1024;
/// Tokens of a request at most: what comes first in it counts.
const MAX_TOKENS: usize = 2_000;
/// Longest word, in characters. What is longer is found by its beginning.
const MAX_WORD: usize = 40;
/// Beginnings of a name that find it, in characters.
const BEGINNINGS: std::ops::RangeInclusive<usize> = 2..=10;
/// Digits by which a telephone number is found at least.
const MIN_DIGITS: usize = 3;
/// Digits from which on what is written with blanks and dashes is one number.
const NUMBER_DIGITS: std::ops::RangeInclusive<usize> = 7..=18;
/// Digits that no extension of a number has any more.
const MAX_EXTENSION: usize = 8;
/// Longest text that is searched for, in characters.
const MAX_QUERY: usize = 200;
/// Words that are searched for at most.
const MAX_QUERY_WORDS: usize = 16;

/// The token that every request has.
pub const EVERY: &str = "all";
/// The token of a request without a score.
pub const NO_SCORE: &str = "s.none";
/// The token of a request whose source names no office.
const NO_OFFICE: &str = "of.none";
/// The token of a request whose person somebody should call.
pub const NEEDS_CALL: &str = "nc.1";
/// How often the scores of 0 to 127 can be halved.
pub const SCORE_LEVELS: u32 = 7;

/// Any of these tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clause {
    /// At least one.
    pub any_of: Vec<String>,
    /// Whether they are words that people wrote or said, and not facts of the request.
    pub is_of_words: bool,
}

impl Clause {
    fn facts(any_of: Vec<String>) -> Self {
        Self {
            any_of,
            is_of_words: false,
        }
    }

    /// The clause of one fact.
    pub fn fact(token: impl Into<String>) -> Self {
        Self::facts(vec![token.into()])
    }

    /// The same, or what another one means.
    fn or(mut self, other: Option<&Self>) -> Self {
        for token in other.into_iter().flat_map(|other| &other.any_of) {
            if !self.any_of.contains(token) {
                self.any_of.push(token.clone());
            }
        }
        self
    }

    /// Whether something with these tokens is meant.
    pub fn is_met_by(&self, tokens: &BTreeSet<String>) -> bool {
        self.any_of.iter().any(|token| tokens.contains(token))
    }
}

/// What somebody searches for: words and numbers, all of which must be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchText(Vec<Clause>);

impl SearchText {
    /// Reads what a person typed. Nothing in it is an operator.
    ///
    /// # Errors
    /// What it should be instead, without the text.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.chars().count() > MAX_QUERY {
            return Err(format!("at most {MAX_QUERY} characters"));
        }
        let clauses = searched(&folded(text));
        match clauses.len() {
            0 => Err("at least one letter or digit".to_owned()),
            1..=MAX_QUERY_WORDS => Ok(Self(clauses)),
            _ => Err(format!("at most {MAX_QUERY_WORDS} words")),
        }
    }
}

/// The token of the scores that agree in all but their last `level` bits.
pub fn score_token(level: u32, node: u32) -> String {
    format!("s{level}.{node}")
}

impl RequestFilter {
    /// The clauses that a request must meet, all of them. `covers` says the rest.
    pub fn clauses(&self) -> Vec<Clause> {
        let mut clauses = Vec::new();
        if !self.statuses.is_empty() {
            let statuses = self.statuses.iter();
            clauses.push(Clause::facts(
                statuses.map(|status| fact("st", status.as_str())).collect(),
            ));
        }
        let facts = [
            self.channel.map(|channel| fact("ch", channel.as_str())),
            self.source.map(|source| fact("so", &source.to_string())),
            self.area.map(|area| fact("ar", area.as_str())),
            self.project_type
                .map(|project| fact("pt", project.as_str())),
            self.intent.map(|intent| fact("in", intent.as_str())),
        ];
        clauses.extend(facts.into_iter().flatten().map(Clause::fact));
        if let Some(office) = self.office {
            let none = self.or_no_office.then(|| NO_OFFICE.to_owned());
            let named = fact("of", &office.to_string());
            clauses.push(Clause::facts([named].into_iter().chain(none).collect()));
        }
        if self.score_from.is_some() || self.score_to.is_some() {
            let (from, to) = (self.score_from.unwrap_or(0), self.score_to.unwrap_or(100));
            clauses.push(Clause::facts(score_range(from.into(), to.into())));
        }
        if self.needs_call {
            clauses.push(Clause::fact(NEEDS_CALL));
        }
        if let Some(SearchText(searched)) = &self.text {
            clauses.extend(searched.iter().cloned());
        }
        clauses
    }

    /// Whether it came in the time that is asked for.
    pub fn covers(&self, request: &LeadRequest) -> bool {
        let at = request.created_at;
        self.from.is_none_or(|from| at >= from) && self.to.is_none_or(|to| at < to)
    }

    /// Whether a request is meant.
    pub fn is_met_by(&self, request: &LeadRequest) -> bool {
        if !self.covers(request) {
            return false;
        }
        let (words, facts): (Vec<_>, Vec<_>) = self
            .clauses()
            .into_iter()
            .partition(|clause| clause.is_of_words);
        let mut tokens = facts_of(request);
        facts.iter().all(|clause| clause.is_met_by(&tokens)) && {
            if !words.is_empty() {
                add_words(request, &mut tokens);
            }
            words.iter().all(|clause| clause.is_met_by(&tokens))
        }
    }
}

/// The tokens that together are these scores, and no others.
fn score_range(from: u32, to: u32) -> Vec<String> {
    let (mut tokens, mut next) = (Vec::new(), from);
    while next <= to {
        let mut level = 0;
        // The largest block that begins here and does not end too late.
        while level + 1 < SCORE_LEVELS
            && next.is_multiple_of(1 << (level + 1))
            && next + (1 << (level + 1)) - 1 <= to
        {
            level += 1;
        }
        tokens.push(score_token(level, next >> level));
        next += 1 << level;
    }
    tokens
}

/// Every token of a request.
pub fn of_request(request: &LeadRequest) -> BTreeSet<String> {
    let mut tokens = facts_of(request);
    add_words(request, &mut tokens);
    tokens
}

/// What is known of a request whose document this build cannot read.
pub fn of_unreadable(status: &str, channel: Option<&str>) -> BTreeSet<String> {
    let channel = channel.map(|channel| fact("ch", channel));
    [Some(EVERY.to_owned()), Some(fact("st", status)), channel]
        .into_iter()
        .flatten()
        .chain([NO_SCORE.to_owned()])
        .collect()
}

fn fact(of: &str, value: &str) -> String {
    format!("{of}.{value}")
}

fn facts_of(request: &LeadRequest) -> BTreeSet<String> {
    let document = &request.document;
    let source = &document.source;
    let mut tokens = BTreeSet::from([
        EVERY.to_owned(),
        fact("st", request.status.as_str()),
        fact("ch", document.channel_word()),
        fact("so", &source.source.to_string()),
    ]);
    tokens.insert(match source.office {
        Some(office) => fact("of", &office.to_string()),
        None => NO_OFFICE.to_owned(),
    });
    if let Some(qualification) = &document.qualification {
        let area = match qualification.area {
            AreaVerdict::In(_) => Area::In,
            AreaVerdict::Out(_) => Area::Out,
            AreaVerdict::Unknown => Area::Unknown,
        };
        tokens.insert(fact("ar", area.as_str()));
    }
    if document.needs_call() {
        tokens.insert(NEEDS_CALL.to_owned());
    }
    match &document.analysis {
        Some(analysis) => {
            tokens.insert(fact("pt", analysis.project_type.as_str()));
            tokens.insert(fact("in", analysis.intent.as_str()));
            let score = u32::from(analysis.lead_score);
            tokens.extend((0..SCORE_LEVELS).map(|level| score_token(level, score >> level)));
        }
        None => {
            tokens.insert(NO_SCORE.to_owned());
        }
    }
    tokens
}

/// The tokens of a request's words, in its fields' order of importance, until there are enough.
struct Words<'a> {
    tokens: &'a mut BTreeSet<String>,
    bytes_left: usize,
}

impl Words<'_> {
    fn add(&mut self, text: &str) {
        self.each(text, |tokens, word| {
            tokens.insert(word);
        });
    }

    /// Words that are found by their beginnings, too.
    fn add_name(&mut self, text: &str) {
        self.each(text, |tokens, word| {
            let bare = word.strip_prefix("w.").unwrap_or(&word);
            for (length, (end, _)) in bare.char_indices().enumerate() {
                if BEGINNINGS.contains(&length)
                    && let Some(beginning) = bare.get(..end)
                {
                    tokens.insert(fact("p", beginning));
                }
            }
            tokens.insert(word);
        });
    }

    fn each(&mut self, text: &str, mut keep: impl FnMut(&mut BTreeSet<String>, String)) {
        let text = text.get(..text.floor_char_boundary(self.bytes_left));
        let text = text.unwrap_or_default();
        self.bytes_left -= text.len();
        for word in words(&folded(text)) {
            if self.tokens.len() >= MAX_TOKENS {
                return;
            }
            keep(self.tokens, word);
        }
    }

    fn add_number(&mut self, number: &str) {
        let digits: String = number.chars().filter(char::is_ascii_digit).collect();
        for start in 0..digits.len().saturating_sub(MIN_DIGITS - 1) {
            self.tokens
                .extend(digits.get(start..).map(|end| fact("d", end)));
        }
        for whole in [Some(digits.as_str()), national(&digits)]
            .into_iter()
            .flatten()
        {
            for end in MIN_DIGITS..=whole.len() {
                self.tokens
                    .extend(whole.get(..end).map(|begin| fact("n", begin)));
            }
        }
    }
}

/// A number as it is dialed within its country, without what is dialed before it.
fn national(digits: &str) -> Option<&str> {
    // Source: ITU-T E.164, list of assigned country codes: of all others the code has three digits.
    const TWO_DIGITS: &str = "20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 61 62 63 64 65 \
                              66 81 82 84 86 90 91 92 93 94 95 98";
    if let Some(rest) = digits.strip_prefix('1') {
        return Some(rest).filter(|rest| rest.len() == 10);
    }
    if let Some(rest) = digits.strip_prefix('7') {
        return Some(rest);
    }
    let has_two = TWO_DIGITS.split(' ').any(|code| digits.starts_with(code));
    digits.get(if has_two { 2 } else { 3 }..)
}

fn add_words(request: &LeadRequest, tokens: &mut BTreeSet<String>) {
    let document = &request.document;
    let (contact, facts) = (document.contact(), document.facts());
    let mut words = Words {
        tokens,
        bytes_left: MAX_TEXT_BYTES,
    };
    match (&contact.phone, &facts.person.phone) {
        (Some(number), _) => words.add_number(number.as_str()),
        // One that is no number is found as it was written.
        (None, Some(raw)) => words.add(raw),
        (None, None) => {}
    }
    words.add(contact.extension.as_deref().unwrap_or_default());
    let email = contact.email.as_ref().map(domain::EmailAddress::as_str);
    // A host beyond ASCII is written in two ways: as mail takes it, and as the person did.
    let written = facts.person.email.as_deref().filter(|it| !it.is_ascii());
    for name in [
        contact.name.as_deref(),
        email,
        written,
        contact.city.as_deref(),
    ] {
        words.add_name(name.unwrap_or_default());
    }
    let postal_code = document.postal_code().map(domain::PostalCode::as_str);
    let analysis = document.analysis.as_ref();
    let said_address = analysis.and_then(|analysis| analysis.address.as_deref());
    let summary = analysis.map(|analysis| analysis.summary.as_str());
    for text in [
        postal_code,
        contact.address.as_deref(),
        said_address,
        summary,
    ] {
        words.add(text.unwrap_or_default());
    }
    let answered = |words: &mut Words<'_>, answers: &BTreeMap<String, String>| {
        answers.values().for_each(|answer| words.add(answer));
    };
    let wrote = |words: &mut Words<'_>, messages: &BTreeMap<String, ChatMessage>| {
        messages
            .values()
            .for_each(|message| words.add(&message.text));
    };
    match &facts.about {
        About::Form(form) => {
            words.add(form.message.as_deref().unwrap_or_default());
            answered(&mut words, &form.answers);
        }
        About::Api(lead) => {
            words.add(lead.message.as_deref().unwrap_or_default());
            answered(&mut words, &lead.answers);
        }
        About::Calendar(booking) => {
            for text in [&booking.service, &booking.message] {
                words.add(text.as_deref().unwrap_or_default());
            }
            answered(&mut words, &booking.answers);
        }
        About::Chat(chat) => {
            words.add(chat.subject.as_deref().unwrap_or_default());
            wrote(&mut words, &chat.messages);
        }
        About::Text(texts) => wrote(&mut words, &texts.messages),
        About::Phone(_) | About::Unrecognized(_) => {}
    }
    words.add(facts.labels.note.as_deref().unwrap_or_default());
    for turn in document.transcript.iter().flat_map(|said| &said.turns) {
        words.add(&turn.text);
    }
}

const fn is_apostrophe(c: char) -> bool {
    matches!(c, '\'' | '\u{2019}' | '\u{2018}' | '\u{02bc}' | '`')
}

/// Scripts that are written without blanks: each of their characters is a word.
const fn is_unspaced(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{20000}'..='\u{323af}')
}

/// The tokens of folded text's words. An address is a word as a whole, too; `o'brien` is `obrien`, `o` and `brien`.
fn words(folded: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    for chunk in folded.split_whitespace() {
        tokens.extend(address(chunk));
        let joined = pieces(chunk);
        for piece in &joined {
            if piece.contains(is_apostrophe) {
                let parts = piece.split(is_apostrophe);
                tokens.extend(parts.filter(|part| !part.is_empty()).map(word));
            }
            let bare: String = piece.chars().filter(|c| !is_apostrophe(*c)).collect();
            if !bare.is_empty() {
                tokens.push(word(&bare));
            }
        }
    }
    tokens
}

fn word(text: &str) -> String {
    let cut: String = text.chars().take(MAX_WORD).collect();
    fact("w", &cut)
}

/// The words of a chunk without blanks, apostrophes left in.
fn pieces(chunk: &str) -> Vec<String> {
    let (mut pieces, mut current) = (Vec::new(), String::new());
    for c in chunk.chars() {
        let is_part = c.is_alphanumeric() || is_apostrophe(c);
        if is_part && !is_unspaced(c) {
            current.push(c);
            continue;
        }
        pieces.push(std::mem::take(&mut current));
        if is_part {
            pieces.push(c.to_string());
        }
    }
    pieces.push(current);
    pieces.retain(|piece| piece.chars().any(char::is_alphanumeric));
    pieces
}

/// The token of an e-mail address.
fn address(chunk: &str) -> Option<String> {
    let bare = chunk.trim_matches(|c: char| !c.is_alphanumeric());
    let (name, domain) = bare.split_once('@')?;
    let is_one = !name.is_empty() && !domain.is_empty() && bare.len() <= 254;
    is_one.then(|| fact("e", bare))
}

/// What folded text asks for.
fn searched(folded: &str) -> Vec<Clause> {
    let folded: String = folded
        .chars()
        .map(|c| if is_dash(c) { '-' } else { c })
        .collect();
    let split: Vec<&str> = folded.split_whitespace().collect();
    let chunks = split.iter().enumerate();
    let chunks = chunks.filter_map(|(at, chunk)| match chunk.strip_prefix("tel:") {
        // A number in several pieces has the scheme of its URL before the first of them.
        Some("") if split.get(at + 1).is_some_and(|next| is_numeric(next)) => None,
        Some(rest) if is_numeric(rest) => Some(rest),
        _ => Some(bare_number(chunk)),
    });
    let chunks: Vec<&str> = chunks.collect();
    let whole = whole_number(&chunks);
    let mut clauses = Vec::new();
    let mut left = chunks.as_slice();
    while !left.is_empty() {
        let numeric = left.iter().take_while(|chunk| is_numeric(chunk)).count();
        let (group, behind) = left.split_at(numeric.max(1));
        let digits: String = group.iter().flat_map(|chunk| digits_of(chunk)).collect();
        if numeric > 0 && NUMBER_DIGITS.contains(&digits.len()) {
            clauses.push(number(&group.join(" "), &digits));
            left = behind_extension(behind);
            continue;
        }
        for chunk in group {
            match address(chunk) {
                Some(address) => clauses.push(said(vec![address])),
                None => clauses.extend(
                    pieces(chunk)
                        .iter()
                        .map(|piece| term(piece).or(whole.as_ref())),
                ),
            }
        }
        left = behind;
    }
    clauses
}

/// The number that all chunks are together, where there is nothing in them but digits and what stands between those: the
/// beginning of a number is written with gaps, too.
fn whole_number(chunks: &[&str]) -> Option<Clause> {
    let all = chunks.join(" ");
    let digits: String = digits_of(&all).collect();
    let is_one = all.chars().all(|c| c == ' ' || is_number_part(c))
        && (MIN_DIGITS..=*NUMBER_DIGITS.end()).contains(&digits.len());
    is_one.then(|| number(&all, &digits))
}

fn digits_of(chunk: &str) -> impl Iterator<Item = char> {
    chunk.chars().filter(char::is_ascii_digit)
}

/// Dashes of every width.
const fn is_dash(c: char) -> bool {
    matches!(
        c,
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{fe58}' | '\u{fe63}'
    )
}

/// Of a telephone number in one piece, the number without the scheme of its URL and without its extension: whoever has the
/// number is meant.
fn bare_number(chunk: &str) -> &str {
    let bare = chunk.strip_prefix("tel:").unwrap_or(chunk);
    let end = bare.find(|c: char| c.is_alphabetic() || matches!(c, '#' | ';'));
    let (number, behind) = bare.split_at(end.unwrap_or(bare.len()));
    let is_whole = behind.is_empty() || extension(behind).is_some_and(|digits| !digits.is_empty());
    let is_number = is_numeric(number) && NUMBER_DIGITS.contains(&digits_of(number).count());
    if is_whole && is_number { number } else { chunk }
}

/// What follows the word for an extension, which may be nothing; none for something else.
fn extension(chunk: &str) -> Option<&str> {
    const WORDS: [&str; 4] = ["extension", "ext", "x", "#"];
    let chunk = chunk.trim_start_matches(';');
    let digits = WORDS.iter().find_map(|word| chunk.strip_prefix(word))?;
    let digits = digits.trim_start_matches(['.', ':', '=']);
    let is_extension = digits.len() < MAX_EXTENSION && digits.bytes().all(|b| b.is_ascii_digit());
    is_extension.then_some(digits)
}

/// What stands behind a number's extension.
fn behind_extension<'a, 'b>(chunks: &'b [&'a str]) -> &'b [&'a str] {
    match chunks {
        [word, left @ ..] if extension(word).is_some_and(|digits| !digits.is_empty()) => left,
        [word, digits, left @ ..]
            if extension(word) == Some("")
                && digits.len() < MAX_EXTENSION
                && digits.bytes().all(|b| b.is_ascii_digit()) =>
        {
            left
        }
        _ => chunks,
    }
}

fn said(any_of: Vec<String>) -> Clause {
    Clause {
        any_of,
        is_of_words: true,
    }
}

/// Nothing but digits and what numbers are written with.
fn is_numeric(chunk: &str) -> bool {
    chunk.chars().all(is_number_part) && chunk.contains(|c: char| c.is_ascii_digit())
}

fn is_number_part(c: char) -> bool {
    c.is_ascii_digit() || "+-./()_".contains(c)
}

/// A telephone number, with or without what is dialed before it, or a part of one.
fn number(written: &str, digits: &str) -> Clause {
    let read = E164::parse(written).ok();
    let read = read.map(|number| number.as_str().trim_start_matches('+').to_owned());
    let abroad = ["011", "00", "0"].map(|prefix| digits.strip_prefix(prefix).map(str::to_owned));
    let mut forms = vec![digits.to_owned()];
    forms.extend([read].into_iter().chain(abroad).flatten());
    let mut any_of: Vec<_> = forms
        .iter()
        .filter(|form| form.len() >= MIN_DIGITS)
        .flat_map(|form| [fact("d", form), fact("n", form)])
        .collect();
    any_of.push(word(digits));
    any_of.dedup();
    said(any_of)
}

/// A word, or the beginning of a name; digits may be an end or a beginning of a number.
fn term(piece: &str) -> Clause {
    let bare: String = piece.chars().filter(|c| !is_apostrophe(*c)).collect();
    let word = word(&bare);
    let mut any_of = Vec::new();
    let length = bare.chars().count();
    if BEGINNINGS.contains(&length) {
        any_of.push(fact("p", &bare));
    }
    if bare.chars().all(|c| c.is_ascii_digit()) && length >= MIN_DIGITS {
        any_of.extend([fact("d", &bare), fact("n", &bare)]);
    }
    any_of.push(word);
    said(any_of)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finds(text: &str, query: &str) -> bool {
        let mut tokens = BTreeSet::new();
        let mut words = Words {
            tokens: &mut tokens,
            bytes_left: MAX_TEXT_BYTES,
        };
        words.add_name(text);
        let SearchText(clauses) = SearchText::parse(query).unwrap();
        clauses.iter().all(|clause| clause.is_met_by(&tokens))
    }

    fn number_is_found(number: &str, query: &str) -> bool {
        let mut tokens = BTreeSet::new();
        let mut words = Words {
            tokens: &mut tokens,
            bytes_left: MAX_TEXT_BYTES,
        };
        words.add_number(number);
        let SearchText(clauses) = SearchText::parse(query).unwrap();
        clauses.iter().all(|clause| clause.is_met_by(&tokens))
    }

    #[test]
    fn words_are_found_without_case_accents_and_marks() {
        for (text, query) in [
            ("José Núñez", "jose nunez"),
            ("Jose Nunez", "JOSÉ"),
            ("Seán O’Brien", "o'brien"),
            ("Seán O'Brien", "obrien sean"),
            ("Meyer-Landrut", "landrut"),
            ("Ann Meyer", "mey"),
            ("ann.lee+x@example.com", "ann.lee+x@example.com"),
            ("ann.lee@example.com", "lee"),
            ("ｋｉｔｃｈｅｎ", "kitchen"),
            ("厨房改造", "厨房"),
            ("Straße 12", "straße 12"),
        ] {
            assert!(finds(text, query), "{query} in {text}");
        }
        for (text, query) in [("Ann Meyer", "yer"), ("Ann Meyer", "ann bob"), ("A", "b")] {
            assert!(!finds(text, query), "{query} in {text}");
        }
    }

    #[test]
    fn a_number_is_found_in_every_form() {
        for query in [
            "+15125550142",
            "15125550142",
            "5125550142",
            "(512) 555-0142",
            "512.555.0142",
            "1 512 555 0142",
            "001 512 555 0142",
            "555-0142",
            "0142",
            "142",
            "512",
            "512555",
            "512 555",
            "(512) 555",
            "(512) 555-",
            "512-555",
            "512-5",
            "512 / 555",
            "512.55",
            "+1 512",
            "1 512 5",
            "tel: 512 555",
            "555 0142",
            "01 42",
            "１５１２５５５０１４２",
            "512–555–0142",
            "512‑555‑0142",
            "512_555_0142",
            "tel:+15125550142",
            "tel: 512-555-0142",
            "tel:512 555-0142",
            "tel:(512) 555-0142",
            "TEL:+1-512-555-0142;ext=12",
            "+15125550142 x12",
            "(512) 555-0142 ext. 12",
            "512-555-0142x12",
            "512.555.0142 Extension 12",
        ] {
            assert!(number_is_found("+15125550142", query), "{query}");
        }
        for query in [
            "5125550143",
            "42",
            "555",
            "(512) 555-0143",
            "99995125550142",
            "512 556",
            "512-6",
            "5 12 kitchen",
            "tel:+15125550143",
            "512–555–0143",
            "512_555_0143 x12",
            "512-555-0142 kitchen",
        ] {
            assert!(!number_is_found("+15125550142", query), "{query}");
        }
        for query in [
            "+44 1632 960018",
            "01632 960018",
            "0044 1632 960018",
            "44 16",
            "01632",
            "01632 96",
        ] {
            assert!(number_is_found("+441632960018", query), "{query}");
        }
        for (number, query) in [
            ("+442079460018", "020 7946"),
            ("+74951234567", "495 12"),
            ("+358401234567", "040 12"),
        ] {
            assert!(number_is_found(number, query), "{query}");
        }
    }

    #[test]
    fn numbers_in_pieces_are_words_as_well() {
        for (text, query) in [
            ("12 Oak Street", "12 oak street"),
            ("12 Oak Street, Apt 500", "12 500"),
            ("Unit 512, on floor 55", "512 55"),
            ("on 2026-11-27", "2026-11"),
            ("kitchen for 40 thousand", "kitchen 40"),
            ("1-2-3 Kitchens", "1-2-3"),
        ] {
            assert!(finds(text, query), "{query} in {text}");
        }
        assert!(!finds("12 Oak Street", "12 500"));
    }

    #[test]
    fn a_hostile_search_is_a_plain_one_or_refused() {
        let long = "x".repeat(10_000);
        let many = "a ".repeat(60);
        for text in ["", " ", "\u{0}", "\"'()*-+~^:", "'", "…", &long, &many] {
            assert!(SearchText::parse(text).is_err(), "{text:.20}");
        }
        for text in [
            "a\" OR \"b",
            "NEAR(a b)",
            "a* AND NOT b",
            "col:x",
            "a\u{0}b",
            "%",
        ] {
            match SearchText::parse(text) {
                Ok(SearchText(clauses)) => assert!(
                    clauses
                        .iter()
                        .flat_map(|clause| &clause.any_of)
                        .all(|token| !token.contains(['"', '*', '\u{0}']))
                ),
                Err(_) => assert_eq!(text, "%"),
            }
        }
    }

    #[test]
    fn a_range_of_scores_is_few_tokens_and_exact() {
        for from in 0..=100_u32 {
            for to in from..=100 {
                let tokens = score_range(from, to);
                assert!(tokens.len() <= 12, "{from} to {to}: {tokens:?}");
                for score in 0..=100_u32 {
                    let is_said = (0..SCORE_LEVELS)
                        .any(|level| tokens.contains(&score_token(level, score >> level)));
                    assert_eq!(is_said, (from..=to).contains(&score), "{score}");
                }
            }
        }
    }

    #[test]
    fn what_is_looked_at_is_bounded() {
        let mut tokens = BTreeSet::new();
        let mut words = Words {
            tokens: &mut tokens,
            bytes_left: MAX_TEXT_BYTES,
        };
        for number in 0..100_000 {
            words.add(&format!("é{number} "));
        }
        assert_eq!(tokens.len(), MAX_TOKENS);
    }
}
