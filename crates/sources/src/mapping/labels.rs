//! Names of fields that are sentences, or have words around them: `Phone (optional)`, `Best number to reach you`.
//!
//! The last resort, where no field has a common name. What is in the field has to be what its words ask for, so that a
//! box by which somebody agrees to be called is no telephone number.

use super::derived::{is_email, is_number, zip_within};

/// Whose a number or an address is that is not the person's.
const OTHERS: [&str; 37] = [
    "agent",
    "alternate",
    "alternative",
    "assigned",
    "branch",
    "business",
    "company",
    "dealer",
    "emergency",
    "employer",
    "fax",
    "friend",
    "friends",
    "husband",
    "landlord",
    "location",
    "manager",
    "neighbor",
    "office",
    "other",
    "partner",
    "realtor",
    "recipient",
    "referral",
    "referred",
    "referrer",
    "rep",
    "second",
    "secondary",
    "sender",
    "site",
    "spouse",
    "spouses",
    "staff",
    "store",
    "tracking",
    "wife",
];

/// Fields that are about a number or an address, and hold none.
const ABOUT: [&str; 16] = [
    "agree",
    "best_time",
    "code",
    "confirmed",
    "consent",
    "country",
    "opt",
    "optin",
    "permission",
    "policy",
    "preference",
    "receive",
    "subject",
    "time",
    "type",
    "verified",
];

/// Words that ask for nothing by themselves.
const FILLERS: [&str; 36] = [
    "a",
    "and",
    "are",
    "at",
    "below",
    "client",
    "complete",
    "contact",
    "customer",
    "enter",
    "field",
    "first_and",
    "full",
    "here",
    "homeowner",
    "homeowners",
    "is",
    "lead",
    "legal",
    "like",
    "my",
    "of",
    "optional",
    "owner",
    "owners",
    "person",
    "please",
    "preferred",
    "required",
    "s",
    "the",
    "visitor",
    "what",
    "whats",
    "you",
    "your",
];

/// Whether the words of a name ask for this field of ours, and `value` can be it.
pub(super) fn asks_for(field: &str, name: &str, value: &str) -> bool {
    let asks: fn(&[String]) -> bool = match field {
        "email" if is_email(value) && value.len() <= 254 => {
            |words| has(words, &["email", "emails", "mail", "correo"]) && !is_of_others(words)
        }
        "phone" if is_number(value) && value.len() <= 64 => |words| {
            let is_phone = has(
                words,
                &[
                    "phone",
                    "telephone",
                    "tel",
                    "mobile",
                    "cell",
                    "cellphone",
                    "telefono",
                    "celular",
                    "movil",
                    "whatsapp",
                ],
            );
            let is_number = has(words, &["number", "numero", "no"])
                && has(
                    words,
                    &[
                        "reach", "call", "text", "contact", "best", "callback", "daytime", "your",
                    ],
                );
            (is_phone || is_number) && !is_of_others(words)
        },
        "zip" if zip_within(value).is_some() => {
            |words| has(words, &["zip", "zipcode", "postal", "postcode"]) && !has(words, &OTHERS)
        }
        "first_name" if is_named(value) => {
            |words| is_all(words, &[&["first", "name"], &["given", "name"]])
        }
        "last_name" if is_named(value) => |words| {
            is_all(
                words,
                &[&["last", "name"], &["family", "name"], &["surname"]],
            )
        },
        "name" if is_named(value) => |words| {
            is_all(
                words,
                &[
                    &["name"],
                    &["names"],
                    &["nombre"],
                    &["first", "last", "name"],
                    &["first", "last"],
                    &["name", "first", "last"],
                    &["nombre", "apellido"],
                ],
            )
        },
        "message" if value.chars().any(char::is_alphabetic) => |words| {
            let begins = |sentence: &[&str]| {
                words.len() >= sentence.len()
                    && words
                        .iter()
                        .zip(sentence)
                        .all(|(word, wanted)| word == wanted)
            };
            let is_asked = begins(&["tell", "us"])
                || begins(&["how", "can", "we"])
                || begins(&["how", "may", "we"])
                || begins(&["what", "can", "we"])
                || begins(&["please", "describe"])
                || begins(&["describe"])
                || begins(&["anything", "else"])
                || has(
                    words,
                    &["message", "comment", "comments", "mensaje", "comentarios"],
                );
            is_asked
                && !has(words, &ABOUT)
                && !has(words, &["sms", "text", "messages", "heard", "hear"])
        },
        _ => return false,
    };
    asks(&words(name))
}

/// Whether a name says that what it names is somebody else's than the person's who sends the form.
pub(super) fn is_somebody_elses(name: &str) -> bool {
    is_of_others(&words(name))
}

fn is_of_others(words: &[String]) -> bool {
    has(words, &OTHERS) || has(words, &ABOUT)
}

fn has(words: &[String], wanted: &[&str]) -> bool {
    words.iter().any(|word| wanted.contains(&word.as_str()))
}

/// Whether these words, and others that ask for nothing, are all.
fn is_all(words: &[String], wanted: &[&[&str]]) -> bool {
    let telling: Vec<_> = words
        .iter()
        .map(String::as_str)
        .filter(|word| !FILLERS.contains(word))
        .collect();
    wanted.iter().any(|wanted| *wanted == telling)
}

fn is_named(value: &str) -> bool {
    let is_long = value.chars().count() > 100;
    value.chars().any(char::is_alphabetic) && !is_long && !value.contains('@')
}

/// The words of a name's last part, without what stands in brackets and without the number that a tool puts behind it:
/// `yourPhoneNumber_2` is `your`, `phone`, `number`.
pub(super) fn words(name: &str) -> Vec<String> {
    const LONGEST: usize = 200;
    let mut words: Vec<String> = Vec::new();
    let mut is_open = false;
    let mut is_small = false;
    let mut depth = 0_usize;
    for c in name.chars().take(LONGEST) {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        let c = super::without_accent(c);
        if depth > 0 || !c.is_alphanumeric() {
            if c == '&' && depth == 0 {
                words.push("and".to_owned());
            }
            (is_open, is_small) = (false, false);
            continue;
        }
        if !is_open || (is_small && c.is_uppercase()) {
            words.push(String::new());
            is_open = true;
        }
        is_small = c.is_lowercase();
        if let Some(word) = words.last_mut() {
            word.extend(c.to_lowercase());
        }
    }
    // `e-mail` and `e mail`.
    while let Some(at) = words
        .windows(2)
        .position(|pair| matches!(pair, [e, mail] if e == "e" && mail == "mail"))
    {
        words.remove(at);
        if let Some(word) = words.get_mut(at) {
            "email".clone_into(word);
        }
    }
    while words.len() > 1
        && words
            .last()
            .is_some_and(|word| word.bytes().all(|b| b.is_ascii_digit()))
    {
        words.pop();
    }
    words
}
