//! Markup of messages, as text. Whoever chats chooses it, so nothing of it is trusted: tags go, their words stay.

use std::iter::Peekable;

/// The words of markup, with a line for each paragraph. Text without markup comes back as it is.
pub(crate) fn text(markup: &str) -> String {
    if !markup.contains(['<', '&']) {
        return markup.trim().to_owned();
    }
    let mut words = String::with_capacity(markup.len());
    let mut rest = markup;
    while let Some(at) = rest.find(['<', '&']) {
        let (before, from) = rest.split_at(at);
        words.push_str(before);
        rest = match from.strip_prefix('<') {
            Some(tag) => after_tag(tag, from, &mut words),
            None => after_entity(from, &mut words),
        };
    }
    words.push_str(rest);
    lines(&words)
}

/// Skips a tag, and puts a line end or a blank in its place where a reader sees one.
fn after_tag<'m>(tag: &'m str, from: &'m str, words: &mut String) -> &'m str {
    let name: String = tag
        .trim_start_matches('/')
        .chars()
        .take_while(char::is_ascii_alphanumeric)
        .collect::<String>()
        .to_ascii_lowercase();
    if name.is_empty() && !tag.starts_with('!') {
        // A bare `<`, as in `budget < 20k`.
        words.push('<');
        return from.get(1..).unwrap_or_default();
    }
    if matches!(name.as_str(), "script" | "style") && !tag.starts_with('/') {
        let lower = tag.to_ascii_lowercase();
        let end = lower.find(&format!("</{name}")).unwrap_or(tag.len());
        return past(tag.get(end..).unwrap_or_default());
    }
    match name.as_str() {
        "br" | "p" | "div" | "li" | "ul" | "ol" | "tr" | "table" | "blockquote" | "h1" | "h2"
        | "h3" | "h4" | "h5" | "h6" => words.push('\n'),
        "td" | "th" | "img" => words.push(' '),
        _ => {}
    }
    past(tag)
}

/// What stands behind the next `>`.
fn past(tag: &str) -> &str {
    tag.find('>')
        .and_then(|at| tag.get(at + 1..))
        .unwrap_or_default()
}

/// Decodes an entity once. What is none stays as it is.
fn after_entity<'m>(from: &'m str, words: &mut String) -> &'m str {
    const LONGEST: usize = 10;
    let entity = from
        .find(';')
        .filter(|end| *end <= LONGEST)
        .and_then(|end| Some((from.get(1..end)?, from.get(end + 1..)?)));
    if let Some((name, rest)) = entity
        && let Some(letter) = letter(name)
    {
        words.push(letter);
        return rest;
    }
    words.push('&');
    from.get(1..).unwrap_or_default()
}

fn letter(name: &str) -> Option<char> {
    let number = name.strip_prefix('#');
    if let Some(number) = number {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16).ok()?,
            None => number.parse().ok()?,
        };
        return char::from_u32(code);
    }
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => ' ',
        "ndash" => '–',
        "mdash" => '—',
        "hellip" => '…',
        "rsquo" => '’',
        "lsquo" => '‘',
        "ldquo" => '“',
        "rdquo" => '”',
        _ => return None,
    })
}

/// Lines without blanks around them, and without more than one empty line in a row.
fn lines(text: &str) -> String {
    let mut lines = text.lines().map(str::trim).peekable();
    let mut clean = String::with_capacity(text.len());
    while let Some(line) = lines.next() {
        if line.is_empty() {
            skip_empty(&mut lines);
            continue;
        }
        if !clean.is_empty() {
            clean.push('\n');
        }
        clean.push_str(line);
    }
    clean
}

fn skip_empty<'t>(lines: &mut Peekable<impl Iterator<Item = &'t str>>) {
    while lines.next_if(|line| line.is_empty()).is_some() {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_becomes_its_words() {
        for (markup, words) in [
            ("plain words", "plain words"),
            (
                "<p>Hi, a 200 sq ft kitchen?</p>",
                "Hi, a 200 sq ft kitchen?",
            ),
            ("<p>One</p><p>Two<br/>Three</p>", "One\nTwo\nThree"),
            ("A &amp; B &lt;b&gt; &#39;c&#x27;", "A & B <b> 'c'"),
            ("&amp;lt;script&amp;gt;", "&lt;script&gt;"),
            ("budget < 20k & soon", "budget < 20k & soon"),
            ("x<script>alert('<p>')</script>y", "xy"),
            ("<!-- no -->seen<img src=x onerror=alert(1)>", "seen"),
            ("<p>cut off <a href=\"https://exa", "cut off"),
            ("&unknown; &#xd800; &#;", "&unknown; &#xd800; &#;"),
            ("<script>never ends", ""),
        ] {
            assert_eq!(text(markup), words, "{markup}");
        }
    }
}
