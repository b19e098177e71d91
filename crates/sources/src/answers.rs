//! Answers to the questions of a booking page or a form: what they say of the person, and the rest word for word.

use std::collections::BTreeMap;

use domain::{EmailAddress, PersonFacts, PostalCode, text};

use crate::{fields::line, mapping};

/// Answers that are kept beside those about the person.
const MAX_ANSWERS: usize = 40;
const MAX_QUESTION: usize = 100;
const MAX_ANSWER: usize = 2_000;

/// What was answered. An answer is taken for a telephone number, an address or the like only where its question asks for
/// that and it can be one.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    /// What they say of the person.
    pub(crate) person: PersonFacts,
    /// The others, by question.
    pub(crate) others: BTreeMap<String, String>,
}

impl Answers {
    /// Takes an answer. One that is empty says nothing.
    pub(crate) fn add(&mut self, question: &str, answer: &str) {
        let answer = answer.trim();
        if answer.is_empty() || self.is_about_person(&question.to_lowercase(), answer) {
            return;
        }
        let question = line(question, MAX_QUESTION).unwrap_or_else(|| "Answer".to_owned());
        let is_room = self.others.len() < MAX_ANSWERS;
        match self.others.get_mut(&question) {
            // A page may ask one thing twice.
            Some(known) => *known = text::bounded(&format!("{known}; {answer}"), MAX_ANSWER),
            None if is_room => {
                self.others
                    .insert(question, text::bounded(answer, MAX_ANSWER));
            }
            None => {}
        }
    }

    /// Takes an address and a number from answers whose questions say nothing of them, as a form has them whose fields
    /// have numbers for names. Only where nothing else can be meant.
    pub(crate) fn find_unnamed(&mut self) {
        for field in ["email", "phone"] {
            let known = match field {
                "email" => &mut self.person.email,
                _ => &mut self.person.phone,
            };
            if known.is_some() {
                continue;
            }
            let like = self
                .others
                .iter()
                .filter(|(question, answer)| mapping::is_alone(field, question, answer));
            let like: Vec<_> = like
                .map(|(question, answer)| (question.clone(), answer.clone()))
                .collect();
            if let [(question, answer)] = like.as_slice() {
                self.others.remove(question);
                *known = line(answer, 254);
            }
        }
    }

    /// Whether it says something of the person that was not known. Then it is kept there.
    fn is_about_person(&mut self, question: &str, answer: &str) -> bool {
        const OF_PHONES: [&str; 6] = [
            "phone",
            "cell",
            "mobile",
            "text you",
            "call you",
            "reach you",
        ];
        let asks = |words: &[&str]| words.iter().any(|word| question.contains(word));
        let asks_mail = asks(&["email", "e-mail"]);
        let asks_for = |field| mapping::asks_for(field, question, answer);
        let is_plain = |field| mapping::is_name_of(field, question);
        let person = &mut self.person;
        let (place, max) = if (asks(&OF_PHONES) && is_like_a_number(answer)) || asks_for("phone") {
            (&mut person.phone, 64)
        } else if (asks_mail && EmailAddress::parse(answer).is_ok()) || asks_for("email") {
            (&mut person.email, 254)
        } else if asks(&["zip", "postal code"]) && PostalCode::parse(answer).is_ok() {
            (&mut person.postal_code, 20)
        } else if asks(&["address"]) && !asks_mail && answer.contains(|c: char| c.is_ascii_digit())
        {
            (&mut person.address, 200)
        } else if ["name", "full name", "your name", "your full name"]
            .contains(&question.trim_matches([' ', ':', '*', '?']))
            || ((is_plain("name") || asks_for("name")) && answer.chars().any(char::is_alphabetic))
        {
            (&mut person.name, 200)
        } else {
            return false;
        };
        if place.is_some() {
            return false;
        }
        *place = line(answer, max);
        place.is_some()
    }
}

/// Whether it can be a telephone number. Parsing one is dear, and an accepted delivery waits for this.
fn is_like_a_number(answer: &str) -> bool {
    let digits = answer.bytes().filter(u8::is_ascii_digit).count();
    let is_sign = |c: char| c.is_ascii_digit() || " +-().#ext".contains(c);
    (7..=20).contains(&digits) && answer.chars().all(is_sign)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_about_the_person_need_both_question_and_form() {
        let mut answers = Answers::default();
        for (question, answer) in [
            ("Best cell to reach you?", "512 555 0142"),
            ("A second phone", "512-555-0143"),
            ("Did you phone us before?", "No"),
            ("What is your budget", "5125550144"),
            ("E-Mail address", "dana@example.com"),
            ("Project address", "1204 Cedar Bend"),
            ("ZIP code", "78664"),
            ("Full name:", "Dana Whitfield"),
            ("Rooms", "Kitchen\nBath"),
            ("Rooms", "Hall"),
            ("Notes", " "),
            (" ", "spring"),
        ] {
            answers.add(question, answer);
        }
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(
            answers.person,
            PersonFacts {
                name: text("Dana Whitfield"),
                phone: text("512 555 0142"),
                email: text("dana@example.com"),
                address: text("1204 Cedar Bend"),
                postal_code: text("78664"),
                ..PersonFacts::default()
            }
        );
        let others: Vec<_> = answers.others.iter().map(|(q, a)| (&**q, &**a)).collect();
        assert_eq!(
            others,
            [
                ("A second phone", "512-555-0143"),
                ("Answer", "spring"),
                ("Did you phone us before?", "No"),
                ("Rooms", "Kitchen\nBath; Hall"),
                ("What is your budget", "5125550144"),
            ]
        );
    }

    #[test]
    fn answers_are_bounded() {
        let mut answers = Answers::default();
        for number in 0..500 {
            answers.add(&format!("{number} {}", "q".repeat(500)), &"a".repeat(9_000));
            answers.add("twice", &"b".repeat(1_500));
        }
        assert_eq!(answers.others.len(), MAX_ANSWERS);
        let longest = answers.others.values().map(|answer| answer.chars().count());
        assert_eq!(longest.max(), Some(MAX_ANSWER));
    }
}
