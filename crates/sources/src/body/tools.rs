//! What the tools that make forms wrap around the fields, taken off.
//!
//! Source: general knowledge of what Contact Form 7, Elementor, Gravity Forms, HubSpot, Jotform, Typeform and Webflow
//! send. UNCONFIRMED in details, which is why a tenant's own mapping goes before all of this.

use domain::PostalCode;

use super::{Body, Entry, MAX_DEPTH, MAX_FIELDS, MAX_NAME, RAW, scalar};
use crate::{Field, Fields, mapping};

/// JSON, as paths with dots.
pub(super) fn flatten(fields: &Fields<'_>, body: &mut Body) {
    if typeform(fields, body) || webflow(fields, body) {
        return;
    }
    let has_pairs = pairs_of_a_list(fields, body);
    for (name, field) in fields.members() {
        if !has_pairs || !matches!(name, "fields" | "context") {
            value_at(name, field, 1, body);
        }
    }
}

fn paths(fields: &Fields<'_>, prefix: &str, depth: usize, body: &mut Body) {
    for (name, field) in fields.members() {
        let path = if prefix.is_empty() {
            name.to_owned()
        } else {
            format!("{prefix}.{name}")
        };
        value_at(&path, field, depth, body);
    }
}

fn value_at(path: &str, field: &Field<'_>, depth: usize, body: &mut Body) {
    if depth > MAX_DEPTH || path.chars().count() > MAX_NAME {
        return;
    }
    match field {
        Field::Object(members) => paths(members, path, depth + 1, body),
        Field::List(items) => {
            if pairs_within(items, path, body) {
                return;
            }
            for (at, item) in items.iter().enumerate() {
                match scalar(item) {
                    Some(value) => body.add(&format!("{path}[]"), value),
                    None => value_at(&format!("{path}.{at}"), item, depth + 1, body),
                }
            }
        }
        field => {
            if let Some(value) = scalar(field) {
                body.add(path, value);
            }
        }
    }
}

/// A list `fields` of objects with `name` and `value`, as HubSpot's forms have it.
fn pairs_of_a_list(fields: &Fields<'_>, body: &mut Body) -> bool {
    let mut has_pairs = false;
    let list = fields.get("fields").map_or(&[][..], Field::items);
    for item in list {
        if let Field::Object(pair) = item
            && let (Some(name), Some(value)) = (pair.text("name"), pair.get("value"))
        {
            value_at(name, value, 2, body);
            has_pairs = true;
        }
    }
    if let Some(page) = fields.object("context").text("pageUri") {
        body.add("page_url", page);
    }
    has_pairs
}

/// A list of objects that each name a field and its value, as many tools have it: `[{"label": "Phone", "value": "…"}]`. A
/// tenant's mapping may say where it stands instead. Returns whether it is one.
pub(super) fn pairs_within(items: &[Field<'_>], path: &str, body: &mut Body) -> bool {
    const NAMES: [&str; 8] = [
        "label",
        "title",
        "question",
        "name",
        "key",
        "field",
        "column_name",
        "column_id",
    ];
    const VALUES: [&str; 4] = ["value", "answer", "values", "string_value"];
    let pair = |item: &Field<'_>| {
        let Field::Object(item) = item else {
            return None;
        };
        let names = || NAMES.iter().filter_map(|name| item.text(name));
        let says = |name: &&str| !name.trim().is_empty();
        let common = names().find(|name| mapping::is_common(name));
        let name = common.or_else(|| names().find(says))?.to_owned();
        let mut values = VALUES.iter();
        let value = values.find(|value| item.get(value).is_some())?;
        Some((name, *value))
    };
    let pairs: Option<Vec<_>> = items.iter().map(pair).collect();
    let Some(pairs) = pairs.filter(|pairs| !pairs.is_empty()) else {
        return false;
    };
    for (at, (item, (name, value))) in items.iter().zip(pairs).enumerate() {
        let Field::Object(item) = item else {
            continue;
        };
        let before = body.entries.len();
        if let Some(field) = item.get(value) {
            value_at(&name, field, 2, body);
        }
        if let [made] = body.entries.get_mut(before..).unwrap_or_default() {
            let place = if path.is_empty() {
                format!("{at}.{value}")
            } else {
                format!("{path}.{at}.{value}")
            };
            made.id.get_or_insert(place);
        }
    }
    true
}

/// Typeform: `form_response` with a list of typed answers, and the questions in `definition`.
fn typeform(fields: &Fields<'_>, body: &mut Body) -> bool {
    let response = fields.object("form_response");
    let answers = response.get("answers").map_or(&[][..], Field::items);
    if response.text("token").is_none() && answers.is_empty() {
        return false;
    }
    let definition = response.object("definition");
    let questions = definition.get("fields").map_or(&[][..], Field::items);
    let question_of = |id: &str| {
        questions.iter().find_map(|question| match question {
            Field::Object(question) if question.text("id") == Some(id) => question.text("title"),
            _ => None,
        })
    };
    for (field, name) in [
        ("token", "submission_id"),
        ("form_id", "form"),
        ("submitted_at", "submitted_at"),
    ] {
        if let Some(value) = response.text(field) {
            body.add(name, value);
        }
    }
    paths(response.object("hidden"), "", 1, body);
    let mut has_consent = false;
    for answer in answers {
        let Field::Object(answer) = answer else {
            continue;
        };
        let kind = answer.text("type").unwrap_or_default();
        let field = answer.object("field");
        let values = match answer.get(kind) {
            Some(Field::Object(choice)) => choice
                .get("labels")
                .map_or(&[][..], Field::items)
                .iter()
                .filter_map(scalar)
                .chain(choice.text("label").map(str::to_owned))
                .chain(choice.text("other").map(str::to_owned))
                .collect(),
            Some(value) => scalar(value).into_iter().collect(),
            None => Vec::new(),
        };
        let asked = field.text("id").and_then(question_of);
        let own = field.text("ref");
        let common = own.filter(|name| mapping::is_common(name));
        let is_consent = field.text("type") == Some("legal") && !has_consent;
        has_consent |= is_consent;
        let name = match kind {
            _ if is_consent => "consent",
            "email" => "email",
            "phone_number" => "phone",
            _ => common.or(asked).or(own).unwrap_or("Answer"),
        };
        if !values.is_empty() && body.entries.len() < MAX_FIELDS {
            let name = name.chars().take(MAX_NAME).collect();
            body.entries.push(Entry {
                name,
                values,
                is_question: true,
                id: None,
                beside: asked.filter(|_| is_consent).map(str::to_owned),
            });
        }
    }
    true
}

/// Webflow: `data` with the fields by their labels, beside the form's name; newer ones wrap that in `payload`.
fn webflow(fields: &Fields<'_>, body: &mut Body) -> bool {
    let outer = match fields.get("payload") {
        Some(Field::Object(payload)) if fields.text("triggerType").is_some() => payload,
        _ => fields,
    };
    let is_one = outer.text("formId").is_some()
        || outer.text("submittedAt").is_some()
        || outer.text("siteId").is_some();
    let Some(Field::Object(data)) = outer.get("data").filter(|_| is_one) else {
        return false;
    };
    for (field, name) in [
        ("name", "form"),
        ("id", "submission_id"),
        ("submittedAt", "submitted_at"),
    ] {
        if let Some(value) = outer.text(field) {
            body.add(name, value);
        }
    }
    paths(data, "", 1, body);
    true
}

/// Names with brackets as paths, and without what a tool puts before each.
pub(super) fn unwrap(body: &mut Body) {
    if let Some(raw) = body.value(RAW).map(str::to_owned) {
        jotform(&raw, body);
    }
    for entry in &mut body.entries {
        if entry.name.contains('[') {
            entry.name = entry
                .name
                .replace("][", ".")
                .replace('[', ".")
                .replace(']', "");
        }
        for prefix in ["form_fields.", "data.fields."] {
            if let Some(bare) = entry.name.strip_prefix(prefix) {
                entry.name = bare.to_owned();
            }
        }
        // Elementor, of a field without a label.
        if let Some(bare) = entry.name.strip_prefix("No Label ") {
            entry.name = bare.to_owned();
        }
        // Gravity Forms, as a browser posts it.
        if let Some(number) = entry.name.strip_prefix("input_")
            && number
                .bytes()
                .all(|byte| byte.is_ascii_digit() || byte == b'_')
        {
            entry.name = number.replace('_', ".");
        }
    }
    elementor(body);
    gravity(body);
    entries_housekeeping(body);
}

/// What Gravity Forms keeps of each entry beside its fields, and says nothing of the person.
fn entries_housekeeping(body: &mut Body) {
    const NAMES: [&str; 16] = [
        "post_id",
        "date_updated",
        "is_starred",
        "is_read",
        "is_approved",
        "is_fulfilled",
        "ip",
        "user_agent",
        "currency",
        "payment_status",
        "payment_date",
        "payment_amount",
        "payment_method",
        "transaction_id",
        "transaction_type",
        "created_by",
    ];
    if body.value("form_id").is_some() && body.entries.iter().any(|e| e.name == "is_starred") {
        let is_kept = |entry: &Entry| !NAMES.contains(&entry.name.as_str());
        body.entries.retain(|entry| is_kept(entry));
    }
}

/// Jotform: everything once more in a field that holds JSON, each name behind the question's number.
fn jotform(raw: &str, body: &mut Body) {
    let Ok(fields) = Fields::read(Some("application/json"), raw.as_bytes(), |_| true) else {
        body.unread.push(RAW.to_owned());
        return;
    };
    body.entries
        .retain(|entry| entry.name != RAW && entry.name != "pretty");
    let mut within = Body::default();
    paths(&fields, "", 1, &mut within);
    for mut entry in within.entries {
        let numbered = entry
            .name
            .strip_prefix('q')
            .and_then(|rest| rest.split_once('_'));
        if let Some((number, name)) = numbered
            && !number.is_empty()
            && number.bytes().all(|byte| byte.is_ascii_digit())
        {
            entry.name = without_number(name, number);
        } else {
            // Cookies, timings and the like of the tool.
            continue;
        }
        let mut known = body.entries.iter();
        if !known.any(|known| known.name == entry.name) {
            body.entries.push(entry);
        }
    }
    jotform_phones(body);
}

/// Jotform's telephone numbers are in parts, whatever their question is called: `{"area": "512", "phone": "555-0177"}`,
/// with the country's code where the form asks for it, or `{"full": "(512) 555-0177"}` where it has a mask. Only a part
/// that is used is taken away.
fn jotform_phones(body: &mut Body) {
    let numbers: Vec<(String, String, Vec<&str>)> = body
        .entries
        .iter()
        .filter_map(|entry| {
            let (question, part) = entry.name.rsplit_once('.')?;
            let of = |part: &str| body.value(&format!("{question}.{part}"));
            match part {
                "phone" => {
                    let (area, number) = (of("area")?, of("phone")?);
                    let code: String = of("country").unwrap_or_default().to_owned();
                    let code: String = code.chars().filter(char::is_ascii_digit).collect();
                    let (before, used) = if code.is_empty() {
                        (code, vec!["area", "phone"])
                    } else {
                        (format!("+{code} "), vec!["area", "phone", "country"])
                    };
                    let full = format!("{before}({area}) {number}");
                    Some((question.to_owned(), full, used))
                }
                "full" if is_like_a_number(of("full")?) => {
                    let full = of("full")?.to_owned();
                    Some((question.to_owned(), full, vec!["full"]))
                }
                _ => None,
            }
        })
        .collect();
    // The parts say that it is a telephone number, whatever words ask for it.
    let is_phone = |name: &str| mapping::is_name_of("phone", name);
    let mut has_phone = body.entries.iter().any(|entry| is_phone(&entry.name))
        || numbers.iter().any(|(question, ..)| is_phone(question));
    for (question, full, used) in numbers {
        let name = if has_phone {
            question.clone()
        } else {
            has_phone = true;
            "phone".to_owned()
        };
        let is_used = |entry: &Entry| {
            let part = entry.name.strip_prefix(&question);
            let part = part.and_then(|rest| rest.strip_prefix('.'));
            part.is_some_and(|part| used.contains(&part))
        };
        let place = body.entries.iter().position(is_used);
        body.entries.retain(|entry| !is_used(entry));
        let mut entry = Entry::new(name, full);
        entry.id = Some(question.clone());
        let place = place.unwrap_or_default().min(body.entries.len());
        body.entries.insert(place, entry);
    }
}

fn is_like_a_number(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let is_sign = |c: char| c.is_ascii_digit() || " +-().".contains(c);
    (7..=15).contains(&digits) && text.chars().all(is_sign)
}

/// Jotform's own names end in the question's number too: `q3_fullName3` is `fullName`.
fn without_number(name: &str, number: &str) -> String {
    let (own, part) = match name.split_once('.') {
        Some((own, part)) => (own, Some(part)),
        None => (name, None),
    };
    let own = own.strip_suffix(number).filter(|own| !own.is_empty());
    let own = own.unwrap_or_else(|| name.split('.').next().unwrap_or(name));
    match part {
        Some(part) => format!("{own}.{part}"),
        None => own.to_owned(),
    }
}

/// Elementor with all its data: `fields[name][value]` beside ids, titles and types of the same. A field that was added to
/// a form is called `field_1a2b3c4` unless somebody gave it another name: then its type, else its title, says what it is.
fn elementor(body: &mut Body) {
    let is_one = body
        .entries
        .iter()
        .any(|entry| entry.name.starts_with("fields.") && entry.name.ends_with(".raw_value"));
    if !is_one {
        return;
    }
    let names: Vec<String> = body
        .entries
        .iter()
        .filter_map(|entry| entry.name.strip_prefix("fields.")?.strip_suffix(".value"))
        .map(str::to_owned)
        .collect();
    let texts = body.entries.iter().filter(|entry| {
        entry.name.ends_with(".type") && entry.values.first().is_some_and(|kind| kind == "textarea")
    });
    let has_one_text = texts.count() == 1;
    // By id: the name that it gets, and whether that is a question.
    let mut named: Vec<(String, String, bool)> = Vec::new();
    let titles: Vec<(String, String)> = names
        .iter()
        .filter_map(|id| {
            let title = body.value(&format!("fields.{id}.title"))?;
            Some((id.clone(), title.to_owned()))
        })
        .collect();
    for id in &names {
        let of = |part: &str| body.value(&format!("fields.{id}.{part}"));
        let is_free = |name: &str| {
            !names.iter().any(|known| known == name)
                && !named.iter().any(|(_, known, _)| known == name)
        };
        let lacks = |field: &str| !names.iter().any(|known| mapping::is_name_of(field, known));
        let is_made_up = id.starts_with("field_") && !mapping::is_common(id);
        let title = of("title").filter(|_| is_made_up);
        let kind = match of("type").filter(|_| is_made_up) {
            Some("tel") if lacks("phone") => Some("phone"),
            Some("email") if lacks("email") => Some("email"),
            Some("acceptance") if lacks("consent") => Some("acceptance"),
            Some("textarea")
                if has_one_text && lacks("message") && !title.is_some_and(mapping::is_common) =>
            {
                Some("message")
            }
            _ => None,
        };
        let (name, is_question) = match (kind.filter(|kind| is_free(kind)), title) {
            (Some(kind), _) => (kind.to_owned(), false),
            (None, Some(title)) if is_free(title) => (title.to_owned(), true),
            (None, _) => (id.clone(), false),
        };
        named.push((id.clone(), name, is_question));
    }
    body.entries.retain_mut(|entry| {
        let rest = entry.name.strip_prefix("fields.");
        match rest.and_then(|rest| rest.rsplit_once('.')) {
            Some((id, "value")) => {
                if let Some((id, name, is_question)) = named.iter().find(|(known, ..)| known == id)
                {
                    entry.id = Some(id.clone());
                    entry.is_question = *is_question;
                    let mut titles = titles.iter();
                    entry.beside = titles
                        .find(|(known, _)| known == id)
                        .map(|(_, title)| title.clone());
                    entry.name = name.chars().take(MAX_NAME).collect();
                }
                true
            }
            Some(_) => false,
            None => match entry.name.strip_prefix("meta.") {
                Some("page_url.value") => {
                    entry.name = "page_url".to_owned();
                    true
                }
                Some(_) => false,
                None => true,
            },
        }
    });
}

/// Gravity Forms names the parts of a field by numbers behind a dot: of a name 3 is the first and 6 the last, of an
/// address 1 is the street, 3 the town, 4 the state and 5 the ZIP code.
fn gravity(body: &mut Body) {
    let numbers: Vec<(usize, String, String)> = body
        .entries
        .iter()
        .enumerate()
        .filter_map(|(at, entry)| {
            let (field, part) = entry.name.split_once('.')?;
            let is_number =
                |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
            (is_number(field) && is_number(part) && entry.says_something())
                .then(|| (at, field.to_owned(), part.to_owned()))
        })
        .collect();
    let has = |field: &str, wanted: &str| {
        numbers
            .iter()
            .any(|(_, known, part)| known == field && part == wanted)
    };
    let mut named = Vec::new();
    for (at, field, part) in &numbers {
        let said = |wanted: &str| {
            let mut parts = numbers.iter();
            let found = parts.find(|(_, known, part)| known == field && part == wanted);
            found.map(|(at, ..)| body.entries[*at].joined())
        };
        let is_address = is_gravity_address(said);
        let is_name = !is_address && (has(field, "3") || has(field, "6")) && {
            let mut parts = numbers.iter().filter(|(_, known, _)| known == field);
            parts.all(|(at, _, part)| {
                // Title, first, middle and last name, and what stands behind it.
                let is_part = matches!(part.as_str(), "2" | "3" | "4" | "6" | "8");
                is_part && !is_box(&body.entries[*at].joined())
            })
        };
        let name = match (part.as_str(), is_name, is_address) {
            ("3", true, _) => "first_name",
            ("6", true, _) => "last_name",
            ("1", _, true) => "street",
            ("3", _, true) => "city",
            ("4", _, true) => "state",
            ("5", _, true) => "zip",
            ("6", _, true) => "country",
            _ => continue,
        };
        named.push((*at, name));
    }
    for (at, name) in named {
        let is_taken = body.entries.iter().any(|entry| entry.name == name);
        if !is_taken {
            body.entries[at].name = name.to_owned();
        }
    }
}

/// Whether the parts of a field are those of an address. The ticked boxes of a list have such numbers, too, and each says
/// what stands beside it.
fn is_gravity_address(said: impl Fn(&str) -> Option<String>) -> bool {
    let has_digit = |text: &str| text.bytes().any(|byte| byte.is_ascii_digit());
    let (street, state, zip) = (said("1"), said("4"), said("5"));
    let is_street = street.as_deref().is_some_and(has_digit);
    let is_state = state
        .as_deref()
        .is_some_and(|state| !has_digit(state) && !is_box(state));
    let is_short = |state: &str| state.len() == 2 && state.bytes().all(|b| b.is_ascii_alphabetic());
    let has_letters = state.as_deref().is_some_and(is_short);
    match zip.as_deref() {
        Some(zip) if PostalCode::parse(zip).is_ok() => true,
        Some(zip) if !has_digit(zip) => false,
        Some(_) => is_street && is_state,
        None => street.is_some() && (has_letters || is_street && is_state),
    }
}

/// Whether a text is what stands beside the box of a list: work on a house, and nobody's name.
fn is_box(text: &str) -> bool {
    const WORK: [&str; 34] = [
        "addition",
        "additions",
        "basement",
        "bath",
        "bathroom",
        "bathrooms",
        "cabinets",
        "countertops",
        "deck",
        "decks",
        "doors",
        "electrical",
        "fence",
        "flooring",
        "floors",
        "garage",
        "gutters",
        "home",
        "hvac",
        "insulation",
        "kitchen",
        "kitchens",
        "painting",
        "patio",
        "plumbing",
        "porch",
        "remodel",
        "remodeling",
        "roof",
        "roofing",
        "siding",
        "tile",
        "window",
        "windows",
    ];
    let lower = text.to_lowercase();
    let mut words = lower.split(|c: char| !c.is_alphabetic());
    words.any(|word| WORK.contains(&word)) || text.bytes().any(|byte| byte.is_ascii_digit())
}
