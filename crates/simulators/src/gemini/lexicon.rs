//! The words by which things are recognised.

/// A kind of project, by its own name and the words that speak of it.
#[derive(Debug, PartialEq)]
pub(super) struct Topic {
    pub(super) name: &'static str,
    pub(super) words: &'static [&'static str],
    /// Parts of the names that a list of choices may use for it.
    pub(super) choices: &'static [&'static str],
}

/// The kinds of projects; of equally likely ones the earlier is meant.
pub(super) const TOPICS: &[Topic] = &[
    Topic {
        name: "whole home",
        words: &[
            "whole home",
            "whole house",
            "entire house",
            "entire home",
            "gut renovation",
            "whole-home",
            "full home",
        ],
        choices: &[
            "whole",
            "full home",
            "full house",
            "entire",
            "home renovation",
            "renovation",
            "remodel",
        ],
    },
    Topic {
        name: "kitchen",
        words: &[
            "kitchen",
            "cabinets",
            "countertops",
            "countertop",
            "backsplash",
        ],
        choices: &["kitchen"],
    },
    Topic {
        name: "bathroom",
        words: &["bathroom", "shower", "bathtub", "tub", "vanity"],
        choices: &["bath"],
    },
    Topic {
        name: "addition",
        words: &["addition", "extension", "extra room"],
        choices: &["addition", "extension"],
    },
    Topic {
        name: "basement",
        words: &["basement"],
        choices: &["basement"],
    },
    Topic {
        name: "roof",
        words: &["roof", "roofing", "shingles"],
        choices: &["roof"],
    },
    Topic {
        name: "deck",
        words: &["deck", "patio", "pergola", "porch"],
        choices: &["deck", "outdoor", "patio", "exterior"],
    },
    Topic {
        name: "flooring",
        words: &["flooring", "hardwood", "tile floor"],
        choices: &["floor"],
    },
    Topic {
        name: "windows",
        words: &["windows", "siding"],
        choices: &["window", "exterior"],
    },
    Topic {
        name: "painting",
        words: &["painting", "paint"],
        choices: &["paint"],
    },
    Topic {
        name: "plumbing",
        words: &["plumbing", "water heater", "pipe", "pipes"],
        choices: &["plumb", "repair"],
    },
    Topic {
        name: "electrical",
        words: &["electrical", "electrician", "wiring"],
        choices: &["electric", "repair"],
    },
    Topic {
        name: "heating",
        words: &["hvac", "furnace", "air conditioning"],
        choices: &["hvac", "heat", "repair"],
    },
    Topic {
        name: "garage",
        words: &["garage"],
        choices: &["garage"],
    },
    Topic {
        name: "landscaping",
        words: &["landscaping", "garden", "fence"],
        choices: &["landscap", "outdoor", "exterior"],
    },
];

/// What only those say who sell something to everybody.
pub(super) const SPAM: &[&str] = &[
    "business listing",
    "google listing",
    "seo",
    "search engine",
    "first page of google",
    "search results",
    "press one",
    "press 1",
    "press nine",
    "press 9",
    "warranty",
    "loan",
    "loans",
    "merchant cash",
    "pre-approved",
    "preapproved",
    "credit card",
    "interest rate",
    "lower your interest",
    "you have won",
    "final notice",
    "social security",
    "bitcoin",
    "crypto",
    "backlinks",
    "web traffic",
    "important message about",
    "removed from our list",
    "student debt",
    "listing specialist",
    "guest post",
    "casino",
];

/// What sellers say who may have something else in mind.
pub(super) const PITCH: &[&str] = &[
    "partnership",
    "partnerships",
    "partner with",
    "decision maker",
    "quick demo",
    "a demo",
    "what we offer",
    "our services",
    "our product",
    "our platform",
    "our software",
    "help you grow",
    "each other grow",
    "grow your business",
    "we work with",
    "increase your",
    "more leads",
    "qualified leads",
    "marketing",
    "advertising",
    "special offer",
    "with the owner",
    "for the owner",
];

/// What cannot wait.
pub(super) const URGENT: &[&str] = &[
    "right away",
    "asap",
    "as soon as possible",
    "emergency",
    "urgent",
    "urgently",
    "immediately",
    "today if",
    "come today",
    "someone today",
    "leaking",
    "flooding",
];

/// What pleased people say.
pub(super) const PLEASED: &[&str] = &[
    "great",
    "thanks",
    "thank you",
    "perfect",
    "wonderful",
    "love",
    "excited",
    "happy",
    "good things",
    "relief",
    "appreciate",
    "awesome",
    "easy",
    "please",
    "look forward",
    "works",
];

/// What displeased people say.
pub(super) const DISPLEASED: &[&str] = &[
    "angry",
    "upset",
    "terrible",
    "awful",
    "disappointed",
    "complaint",
    "complain",
    "unacceptable",
    "frustrated",
    "ruined",
    "emergency",
    "leaking",
    "worst",
    "refund",
    "rude",
    "lawyer",
    "falling apart",
    "broken",
];

/// Places that are recognised by name.
pub(super) const CITIES: &[&str] = &[
    "Round Rock",
    "Cedar Park",
    "Georgetown",
    "Pflugerville",
    "Leander",
    "Lakeway",
    "Dripping Springs",
    "Kyle",
    "Buda",
    "Hutto",
    "Bee Cave",
    "Bastrop",
    "San Marcos",
    "Manor",
    "Taylor",
    "Austin",
    "Dallas",
    "Fort Worth",
    "Plano",
    "Houston",
    "San Antonio",
    "El Paso",
    "Denver",
    "Chicago",
    "Phoenix",
    "New York",
];

/// What the names of streets end in.
pub(super) const STREETS: &[&str] = &[
    "street",
    "st",
    "avenue",
    "ave",
    "lane",
    "ln",
    "road",
    "rd",
    "drive",
    "dr",
    "boulevard",
    "blvd",
    "court",
    "ct",
    "way",
    "place",
    "trail",
    "circle",
    "loop",
    "parkway",
    "terrace",
];
