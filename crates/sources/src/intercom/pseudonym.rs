//! The names that Intercom invents for people who have not said theirs: a color and a thing, `Violet Suitcase`, sometimes
//! with a place behind: `Blue Whale from Austin`.
//!
//! Source: Intercom's OpenAPI description, examples of `pseudonym` (read 2026-11). UNCONFIRMED: which colors and things
//! there are.

/// Colors that nobody is called by.
const COLORS: [&str; 22] = [
    "aqua",
    "azure",
    "beige",
    "black",
    "blue",
    "brown",
    "charcoal",
    "cyan",
    "fuchsia",
    "gold",
    "green",
    "indigo",
    "lime",
    "magenta",
    "maroon",
    "orange",
    "pink",
    "purple",
    "red",
    "teal",
    "turquoise",
    "yellow",
];

/// Colors that are names of people, too: of these, only a thing behind makes an invented name.
const NAMES: [&str; 14] = [
    "amber", "coral", "crimson", "gray", "hazel", "ivory", "jade", "lavender", "olive", "rose",
    "ruby", "scarlet", "silver", "violet",
];

const THINGS: [&str; 38] = [
    "acorn",
    "airplane",
    "apple",
    "balloon",
    "bear",
    "bicycle",
    "boat",
    "book",
    "camera",
    "car",
    "cat",
    "chair",
    "clock",
    "cloud",
    "dog",
    "duck",
    "elephant",
    "fish",
    "flower",
    "guitar",
    "house",
    "kite",
    "lamp",
    "octopus",
    "peacock",
    "pencil",
    "piano",
    "rabbit",
    "rocket",
    "spaceship",
    "suitcase",
    "television",
    "tiger",
    "train",
    "tree",
    "umbrella",
    "whale",
    "zebra",
];

/// Whether a name is, or may well be, an invented one.
pub(super) fn is_pseudonym(name: &str) -> bool {
    let lower = name.to_lowercase();
    let name = lower.split_once(" from ").map_or(&*lower, |(name, _)| name);
    let words: Vec<_> = name.split_whitespace().collect();
    match words[..] {
        [color, thing] => {
            COLORS.contains(&color) || (NAMES.contains(&color) && THINGS.contains(&thing))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invented_names_are_told_from_names() {
        for invented in [
            "Blue Whale",
            "Violet Suitcase",
            "Brown Peacock from Dublin",
            "green house",
        ] {
            assert!(is_pseudonym(invented), "{invented}");
        }
        for name in [
            "Dana Whitfield",
            "Violet Ortega",
            "Amber Hill",
            "Rose",
            "Blue",
            "Ann Brown",
            "Ruby Jones from Austin",
        ] {
            assert!(!is_pseudonym(name), "{name}");
        }
    }
}
