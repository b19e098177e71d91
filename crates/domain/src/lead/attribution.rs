//! How a person found the company: the first visit and the last, in one set of words whatever the provider calls them.

use std::collections::BTreeMap;

/// One visit, by our word for each fact.
pub type Visit = BTreeMap<&'static str, String>;

/// The first and the last visit.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Visits {
    /// The one that began it; empty where nobody says.
    pub first: Visit,
    /// The one in which the person got in touch; what a provider tells without saying which.
    pub last: Visit,
}

/// Our word, and what providers call the same.
const WORDS: [(&str, &[&str]); 13] = [
    ("source", &["utm_source", "source_name", "source"]),
    ("medium", &["utm_medium", "medium"]),
    ("campaign", &["utm_campaign", "campaign"]),
    ("term", &["utm_term", "term"]),
    ("content", &["utm_content", "content"]),
    ("keyword", &["keyword", "keywords"]),
    ("landing_page", &["landing_page", "landing_page_url"]),
    (
        "referrer",
        &["referrer", "referring_url", "referrer_domain"],
    ),
    ("gclid", &["gclid"]),
    ("gbraid", &["gbraid"]),
    ("wbraid", &["wbraid"]),
    ("fbclid", &["fbclid"]),
    ("msclkid", &["msclkid"]),
];

impl Visits {
    /// Of what a provider says. Its names of the first visit begin with `first_`, those of the last with nothing or with
    /// `last_`.
    pub fn of(attribution: &BTreeMap<String, String>) -> Self {
        let visit = |prefixes: &[&str]| {
            let known = WORDS.iter().filter_map(|(word, names)| {
                let mut names = names
                    .iter()
                    .flat_map(|name| prefixes.iter().map(move |prefix| format!("{prefix}{name}")));
                let value = names.find_map(|name| attribution.get(&name))?;
                Some((*word, value.clone()))
            });
            known.collect()
        };
        Self {
            first: visit(&["first_"]),
            last: visit(&["", "last_"]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn providers_words_become_ours() {
        let said = [
            ("first_source", "bing"),
            ("utm_source", "google"),
            ("source_name", "Google Ads"),
            ("keywords", "kitchen remodel"),
            ("landing_page_url", "https://example.com"),
            ("gclid", "g-1"),
            ("device_type", "mobile"),
        ];
        let said = said.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let visits = Visits::of(&BTreeMap::from(said));
        assert_eq!(
            visits.first,
            BTreeMap::from([("source", "bing".to_owned())])
        );
        let last: Vec<_> = visits.last.iter().map(|(k, v)| (*k, v.as_str())).collect();
        assert_eq!(
            last,
            [
                ("gclid", "g-1"),
                ("keyword", "kitchen remodel"),
                ("landing_page", "https://example.com"),
                ("source", "google"),
            ]
        );
    }
}
