//! What a property of a schema is about, by its name and by what is around it.

/// What a property is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Concept {
    Intent,
    Sentiment,
    Project,
    Timeline,
    Budget,
    LeadScore,
    Confidence,
    Quotes,
    Spam,
    Summary,
    PostalCode,
    Address,
    City,
    State,
    Location,
    FirstName,
    LastName,
    Name,
    Email,
    Phone,
    Language,
    Callback,
    Unknown,
}

impl Concept {
    /// From the name of a property; the first rule that fits.
    pub(super) fn of(name: &str) -> Self {
        let name = snake(name);
        let has = |parts: &[&str]| parts.iter().any(|part| name.contains(part));
        let is = |names: &[&str]| names.contains(&name.as_str());
        match () {
            () if has(&["summary", "synopsis", "overview", "gist"]) => Self::Summary,
            () if has(&["zip", "postal", "postcode"]) => Self::PostalCode,
            () if has(&["email", "e_mail"]) => Self::Email,
            () if has(&["phone", "callback_number", "mobile"]) => Self::Phone,
            () if has(&["callback", "call_back", "follow_up"]) => Self::Callback,
            () if has(&["company", "business", "agent", "staff"]) => Self::Unknown,
            () if has(&["spam", "robocall", "solicit"]) => Self::Spam,
            () if has(&["confidence", "certainty"]) => Self::Confidence,
            () if has(&["address", "street"]) => Self::Address,
            () if has(&["city", "town"]) => Self::City,
            () if is(&["state", "province", "region"]) => Self::State,
            () if has(&["location", "place"]) => Self::Location,
            () if has(&["first_name", "given_name", "firstname"]) => Self::FirstName,
            () if has(&["last_name", "family_name", "surname", "lastname"]) => Self::LastName,
            () if has(&["language", "locale"]) => Self::Language,
            () if has(&["sentiment", "mood", "emotion", "tone"]) => Self::Sentiment,
            () if has(&["intent", "purpose", "call_type"]) => Self::Intent,
            () if has(&[
                "timeline",
                "timeframe",
                "time_frame",
                "urgen",
                "start",
                "when",
            ]) =>
            {
                Self::Timeline
            }
            () if has(&["budget", "price"]) => Self::Budget,
            () if has(&["project", "service", "job_type", "work_type", "topic"]) => Self::Project,
            () if is(&["name"])
                || has(&[
                    "caller_name",
                    "customer_name",
                    "contact_name",
                    "full_name",
                    "person_name",
                ]) =>
            {
                Self::Name
            }
            () if has(&["score", "lead_quality", "qualified", "is_lead"]) => Self::LeadScore,
            () if speaks_of_quotes(&name) => Self::Quotes,
            () => Self::Unknown,
        }
    }
}

/// Whether a name is that of verbatim evidence.
pub(super) fn speaks_of_quotes(name: &str) -> bool {
    [
        "quote",
        "evidence",
        "verbatim",
        "excerpt",
        "span",
        "reason",
        "rationale",
        "explanation",
        "signal",
    ]
    .iter()
    .any(|part| name.contains(part))
}

/// `leadScore` → `lead_score`.
pub(super) fn snake(name: &str) -> String {
    let mut snake = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && snake.ends_with(|last: char| last.is_ascii_lowercase()) {
            snake.push('_');
        }
        snake.push(if letter.is_alphanumeric() {
            letter.to_ascii_lowercase()
        } else {
            '_'
        });
    }
    snake
}

/// Where in the schema we are.
#[derive(Debug, Clone, Default)]
pub(super) struct Place {
    pub(super) name: String,
    /// What the objects around it are about; the innermost that is about something.
    pub(super) around: Option<Concept>,
    /// Inside a list of evidence: which piece.
    pub(super) piece: Option<usize>,
    /// Inside a list of evidence: another property takes the words themselves.
    pub(super) is_beside_quote: bool,
}

impl Place {
    pub(super) fn below(&self, name: &str) -> Self {
        let around = match Concept::of(&self.name) {
            Concept::Unknown | Concept::Quotes => self.around,
            concept => Some(concept),
        };
        Self {
            name: name.to_owned(),
            around,
            piece: self.piece,
            is_beside_quote: false,
        }
    }

    /// A name that says nothing takes the meaning of what is around it.
    pub(super) fn concept(&self) -> Concept {
        let name = snake(&self.name);
        let is_bare = [
            "value",
            "score",
            "level",
            "label",
            "type",
            "kind",
            "category",
            "amount",
            "indicator",
            "range",
            "result",
            "class",
            "likelihood",
            "probability",
            "text",
            "code",
            "bucket",
            "percent",
            "months",
            "dollars",
        ]
        .contains(&name.as_str());
        match self.around {
            Some(around) if is_bare => around,
            _ => Concept::of(&self.name),
        }
    }

    pub(super) fn wants_quote(&self) -> bool {
        let name = snake(&self.name);
        speaks_of_quotes(&name) && !name.contains("requested") && !self.is_beside_quote
    }
}

/// Whether a name can only be that of somebody's very words.
pub(super) fn is_verbatim(name: &str) -> bool {
    let name = snake(name);
    ["quote", "evidence", "verbatim", "excerpt", "span"]
        .iter()
        .any(|part| name.contains(part))
}
