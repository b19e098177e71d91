//! What a workflow configuration looks like, and its checks.

use serde::Deserialize as _;
use serde_json::{Value, json};

use super::{
    ConfigError, ConfigFault, Sound, completed,
    shape::{Bounds, Member, Shape, Text},
};
use crate::{
    ConnectionName, DocumentReader, EmailAddress, RequiredField, ServiceArea, WorkflowConfig,
};

/// One line that people read.
const LINE: Text = Text {
    about: "1 to 100 characters on one line",
    pattern: r"^[^\u0000-\u001f\u007f-\u009f]+$",
    max: 100,
    is_valid: |text| !text.is_empty() && !text.chars().any(char::is_control),
};

const POSTAL_CODE: Text = Text {
    about: "a ZIP code such as `78664`, or the first three or four digits of some, such as `786xx` or `7866x`",
    pattern: "^[0-9]{3}([0-9]{2}|[0-9]x|xx)$",
    max: 5,
    is_valid: ServiceArea::is_postal_code,
};

const TOWN: Text = Text {
    about: "a town's name, of up to 100 characters",
    pattern: "[A-Za-z0-9]",
    max: 100,
    is_valid: |text| text.bytes().any(|byte| byte.is_ascii_alphanumeric()),
};

const STATE: Text = Text {
    about: "a state's two letters, such as `TX`",
    pattern: "^[A-Za-z]{2}$",
    max: 2,
    is_valid: |text| text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_alphabetic()),
};

const NAME: Text = Text {
    about: "a name of 1 to 63 of `a-z`, `0-9`, `_` and `-`, the first a letter or a digit",
    pattern: "^[a-z0-9][a-z0-9_-]{0,62}$",
    max: 63,
    is_valid: |text| ConnectionName::new(text).is_ok(),
};

const EMAIL: Text = Text {
    about: "a bare e-mail address, such as `name@example.com`",
    pattern: r"^(?=.{1,64}@)[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*@(?=.{3,253}$)([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$",
    max: 318,
    is_valid: |text| text.trim() == text && EmailAddress::parse(text).is_ok(),
};

const PERCENT: Shape = Shape::Number(Bounds::new(0.0, 100.0));
const LATITUDE: Shape = Shape::Number(Bounds::new(-90.0, 90.0));
const LONGITUDE: Shape = Shape::Number(Bounds::new(-180.0, 180.0));

const RING: Shape = Shape::List {
    of: &Shape::Tuple(&[LONGITUDE, LATITUDE]),
    min: 3,
    max: ServiceArea::MAX_POINTS,
};

const CITY: Shape = Shape::Object(&[
    Member::required("name", Shape::Text(&TOWN), "The town's name."),
    Member::required("state", Shape::Text(&STATE), "Its state's two letters."),
]);

const RADIUS: Shape = Shape::Object(&[
    Member::required("latitude", LATITUDE, "Degrees, north positive."),
    Member::required("longitude", LONGITUDE, "Degrees, east positive."),
    Member::required(
        "miles",
        Shape::Number(Bounds {
            min: 0.0,
            max: 12_500.0,
            is_above: true,
        }),
        "Statute miles.",
    ),
]);

const POLYGON: Shape = Shape::Object(&[
    Member::required("name", Shape::Text(&LINE), "What people call the area."),
    Member::required(
        "ring",
        RING,
        "Its corners in order, as [longitude, latitude] in degrees. The first may be repeated at the end. Edges are \
         straight and must not cross; one that spans more than 180 degrees of longitude goes across the date line.",
    ),
    Member::optional(
        "holes",
        Shape::List {
            of: &RING,
            min: 0,
            max: 20,
        },
        "What is left out of it, drawn in the same way, inside of its ring.",
    ),
]);

const SERVICE_AREA: Shape = Shape::Object(&[
    Member::optional(
        "postal_codes",
        Shape::List {
            of: &Shape::Text(&POSTAL_CODE),
            min: 0,
            max: 5_000,
        },
        "ZIP codes, whole (`78664`) or their first three or four digits (`786xx`, `7866x`).",
    ),
    Member::optional(
        "cities",
        Shape::List {
            of: &CITY,
            min: 0,
            max: 1_000,
        },
        "Towns with their states. They speak for a lead, never against it.",
    ),
    Member::optional(
        "radius",
        Shape::OrNull(&RADIUS),
        "Everything around a point, for leads whose coordinates are known.",
    ),
    Member::optional(
        "polygons",
        Shape::List {
            of: &POLYGON,
            min: 0,
            max: 50,
        },
        "Areas drawn on a map, for leads whose coordinates are known. All together have at most 5,000 points.",
    ),
]);

const SPAM: Shape = Shape::Object(&[
    Member::optional(
        "review_from",
        PERCENT,
        "From this likelihood on, in percent, a person decides. Not above `quarantine_above`.",
    ),
    Member::optional(
        "quarantine_above",
        PERCENT,
        "Above this likelihood, in percent, the lead is quarantined.",
    ),
]);

const DESTINATION: Shape = Shape::Object(&[
    Member::required("connector", Shape::Text(&NAME), "The CRM's slug."),
    Member::required(
        "connection",
        Shape::Text(&NAME),
        "The tenant's connection to it; each destination has another one.",
    ),
]);

const PLACE: Text = Text {
    about: "the provider's id of a place, of 1 to 80 letters, digits, `_`, `-`, `.` and `:`",
    pattern: "^[A-Za-z0-9_.:-]+$",
    max: 80,
    is_valid: |text| {
        let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"_.:-".contains(&byte);
        !text.is_empty() && text.bytes().all(is_part)
    },
};

const CHANNEL_RECIPIENT: Shape = Shape::Object(&[
    Member::required("channel", Shape::Text(&NAME), "The provider's slug."),
    Member::required(
        "connection",
        Shape::Text(&NAME),
        "The tenant's connection to it.",
    ),
    Member::optional(
        "to",
        Shape::OrNull(&Shape::Text(&PLACE)),
        "The provider's id of the place that the message goes to. Null: where the connection leads by itself.",
    ),
    Member::optional(
        "shows_contact",
        Shape::Flag,
        "Whether the lead's telephone number and e-mail address are shown whole. Otherwise most of them is masked, because \
         many people read there.",
    ),
]);

const NOTIFICATIONS: Shape = Shape::Object(&[
    Member::optional(
        "email",
        Shape::Set {
            of: &Shape::Text(&EMAIL),
            max: 50,
        },
        "Who is told by e-mail; each gets a message of their own. Each address once: capital letters make no other one.",
    ),
    Member::optional(
        "from",
        Shape::OrNull(&Shape::Text(&EMAIL)),
        "The sender: an address that the e-mail provider has verified. Needed where there are recipients.",
    ),
    Member::optional(
        "from_name",
        Shape::OrNull(&Shape::Text(&LINE)),
        "The sender's name as mail programs show it. Null: the tenant's name.",
    ),
    Member::optional(
        "connection",
        Shape::OrNull(&Shape::Text(&NAME)),
        "The connection that e-mail leaves by. Null: the tenant's first, by name, to a provider that carries e-mail.",
    ),
    Member::optional(
        "channels",
        Shape::List {
            of: &CHANNEL_RECIPIENT,
            min: 0,
            max: 20,
        },
        "Who is told by another way than e-mail: places in a team's chat. Each gets a message of its own.",
    ),
    Member::optional(
        "unknown_wait_seconds",
        Shape::Whole { max: 86_400 },
        "How long a mail whose answer was lost is waited for before it is sent once more, in seconds.",
    ),
]);

const RETRY: Shape = Shape::Object(&[
    Member::optional(
        "fast_ms",
        Shape::List {
            of: &Shape::Whole { max: 600_000 },
            min: 0,
            max: 20,
        },
        "The pauses between the first attempts, in milliseconds. With n pauses there are n + 1 attempts before the slow \
         lane.",
    ),
    Member::optional(
        "slow_lane",
        Shape::Flag,
        "Whether attempts go on over three days after that. Without it the step is parked then.",
    ),
    Member::optional(
        "jitter",
        Shape::Number(Bounds::new(0.0, 1.0)),
        "The share of a pause by which it may be longer, drawn anew each time.",
    ),
]);

const RECORDING: Shape = Shape::Object(&[Member::optional(
    "wait_seconds",
    Shape::List {
        of: &Shape::Whole { max: 86_400 },
        min: 0,
        max: 24,
    },
    "The pauses between attempts to fetch a recording, in seconds. After the last one the call goes on without it.",
)]);

impl RequiredField {
    /// Some of them, in a configuration.
    pub const LIST: Shape = Shape::Set {
        of: &Shape::Word(Self::WORDS),
        max: Self::ALL.len(),
    };
}

const LINKS: Shape = Shape::Object(&[Member::optional(
    "window_days",
    Shape::Whole { max: 90 },
    "How many days two requests with one telephone number or e-mail address may be apart. 0: none are linked.",
)]);

const CHAT: Shape = Shape::Object(&[
    Member::optional(
        "quiet_seconds",
        Shape::Whole { max: 3_600 },
        "How long nobody has to have written before a chat is judged, in seconds. A chat that is closed is judged at once.",
    ),
    Member::optional(
        "longest_seconds",
        Shape::Whole { max: 86_400 },
        "The longest time from the first message that was not judged, in seconds. Not below `quiet_seconds`.",
    ),
]);

const TEXTS: Shape = Shape::Object(&[
    Member::optional(
        "quiet_seconds",
        Shape::Whole { max: 3_600 },
        "How long nobody has to have written before text messages are judged, in seconds.",
    ),
    Member::optional(
        "longest_seconds",
        Shape::Whole { max: 86_400 },
        "The longest time from the first message that was not judged, in seconds. Not below `quiet_seconds`.",
    ),
]);

const DOCUMENTS: Shape = Shape::Object(&[Member::optional(
    "read_by",
    Shape::OrNull(&Shape::Word(DocumentReader::WORDS)),
    "Who reads the files of forms: Document AI's `form_parser`, or the `extractor` for the company's own forms. What is read \
     fills only what the person left out. Null: files are kept and not read.",
)]);

const WORKFLOW: Shape = Shape::Object(&[
    Member::optional(
        "service_area",
        SERVICE_AREA,
        "Where the company works: any of these makes a place part of it. Empty: everywhere.",
    ),
    Member::optional(
        "spam",
        SPAM,
        "From which likelihood on a lead is held back as spam.",
    ),
    Member::optional(
        "destinations",
        Shape::List {
            of: &DESTINATION,
            min: 0,
            max: 10,
        },
        "The CRMs that get each qualified lead.",
    ),
    Member::optional(
        "notifications",
        NOTIFICATIONS,
        "Who is told of a qualified lead, and how.",
    ),
    Member::optional("retry", RETRY, "How failed steps are tried again."),
    Member::optional(
        "recording",
        RECORDING,
        "How long a recording is waited for.",
    ),
    Member::optional(
        "links",
        LINKS,
        "Which requests are linked as one person's, who came by two doors.",
    ),
    Member::optional(
        "required_fields",
        RequiredField::LIST,
        "The fields that the company wants of every lead. Those that are missing are shown with the lead, which goes on.",
    ),
    Member::optional("chat", CHAT, "When a chat is judged."),
    Member::optional("texts", TEXTS, "When text messages are judged."),
    Member::optional(
        "documents",
        DOCUMENTS,
        "What becomes of the files of forms, beside being kept.",
    ),
]);

impl WorkflowConfig {
    /// Checks a configuration before it is stored, and reads it. A field that it does not have is a fault.
    ///
    /// # Errors
    /// [`ConfigError`] with every fault that was found.
    pub fn read(json: &Value) -> Result<Self, ConfigError> {
        Self::read_with(json, |_| Vec::new())
    }

    /// The same, with what `further` checks find in all that is sound of it: whatever is wrong is told at once.
    ///
    /// # Errors
    /// [`ConfigError`] with every fault that was found.
    pub fn read_with(
        json: &Value,
        further: impl FnOnce(&Self) -> Vec<ConfigFault>,
    ) -> Result<Self, ConfigError> {
        let mut faults = WORKFLOW.faults(json);
        let (drawn, beside) = with_rings_of_faulty_polygons(json, &faults);
        let sound = Sound::of(&drawn, &beside, &["service_area", "notifications"]);
        match Self::deserialize(&sound.json) {
            Ok(config) => {
                sound.tell(config.contradictions(), &mut faults);
                sound.tell(further(&config), &mut faults);
                if faults.is_empty() {
                    return Ok(config);
                }
            }
            Err(error) => faults.push(ConfigFault::new("", error.to_string())),
        }
        Err(ConfigError { faults })
    }

    /// The same of JSON in a text.
    ///
    /// # Errors
    /// [`ConfigError`] with every fault that was found.
    pub fn parse(json: &str) -> Result<Self, ConfigError> {
        let json = serde_json::from_str(json).map_err(|error| ConfigError {
            faults: vec![ConfigFault::new("", format!("it is not JSON: {error}"))],
        })?;
        Self::read(&json)
    }

    /// Checks a configuration that was not read.
    ///
    /// # Errors
    /// [`ConfigError`] with every fault that was found.
    pub fn check(&self) -> Result<(), ConfigError> {
        Self::read(&self.to_json()).map(drop)
    }

    /// `json`, which may leave out what it does not change, with the defaults in place of what it leaves out, those of a
    /// list's items too. What this build does not know, and what it cannot read, stays as it is.
    pub fn with_defaults(json: &Value) -> Value {
        let read = Self::deserialize(json).unwrap_or_default();
        completed(json, &read.to_json())
    }

    /// What a configuration looks like: a JSON Schema of the draft 2020-12. It knows all that [`read`](Self::read)
    /// refuses but what two fields say together, and how areas are drawn.
    pub fn schema() -> Value {
        let mut schema = WORKFLOW.schema(Some(&Self::default().to_json()));
        schema["$schema"] = "https://json-schema.org/draft/2020-12/schema".into();
        schema["$id"] = "/v1/schemas/workflow-config".into();
        schema["title"] = "Workflow configuration of an office".into();
        schema
    }

    fn to_json(&self) -> Value {
        // What no number can be becomes null, which the shape refuses.
        serde_json::to_value(self).unwrap_or_else(|_| json!({}))
    }

    /// What is wrong where each field alone is well.
    fn contradictions(&self) -> Vec<ConfigFault> {
        let mut faults = self.service_area.faults();
        if self.spam.review_from > self.spam.quarantine_above {
            faults.push(ConfigFault::new(
                "spam.review_from",
                "a percentage that is not above `spam.quarantine_above`",
            ));
        }
        for (index, destination) in self.destinations.iter().enumerate() {
            let before = self.destinations.iter().take(index);
            if before
                .into_iter()
                .any(|before| before.connection == destination.connection)
            {
                faults.push(ConfigFault::new(
                    format!("destinations.{index}.connection"),
                    "another connection than those of the destinations before",
                ));
            }
        }
        for (name, policy) in [("chat", &self.chat), ("texts", &self.texts)] {
            if policy.longest_seconds < policy.quiet_seconds {
                faults.push(ConfigFault::new(
                    format!("{name}.longest_seconds"),
                    format!("seconds that are not below `{name}.quiet_seconds`"),
                ));
            }
        }
        let recipients = &self.notifications.email;
        for (index, recipient) in recipients.iter().enumerate() {
            if recipients
                .iter()
                .take(index)
                .any(|before| before.is_same_mailbox(recipient))
            {
                faults.push(ConfigFault::new(
                    format!("notifications.email.{index}"),
                    "another address than those before: each is told once, and capital letters make no other address",
                ));
            }
        }
        let places = &self.notifications.channels;
        for (index, place) in places.iter().enumerate() {
            let mut before = places.iter().take(index);
            if before.any(|before| before.is_same_place(place)) {
                faults.push(ConfigFault::new(
                    format!("notifications.channels.{index}"),
                    "another place than those before: each is told once",
                ));
            }
        }
        if !self.notifications.email.is_empty() && self.notifications.from.is_none() {
            faults.push(ConfigFault::new(
                "notifications.from",
                "the sender's address, because `notifications.email` has recipients",
            ));
        }
        faults
    }
}

/// A faulty polygon whose ring has no fault of its shape is drawn by its ring alone, so that its name does not hide that the
/// ring crosses itself. Returns what is to be checked, and the faults that are left in it.
fn with_rings_of_faulty_polygons(
    json: &Value,
    faults: &[ConfigFault],
) -> (Value, Vec<ConfigFault>) {
    let (mut drawn, mut left) = (json.clone(), faults.to_vec());
    let polygons = drawn.pointer_mut("/service_area/polygons");
    let polygons = polygons.and_then(Value::as_array_mut);
    for (index, polygon) in polygons.into_iter().flatten().enumerate() {
        let item = format!("service_area.polygons.{index}");
        let of_ring = format!("{item}.ring");
        let is_in = |path: &str, place: &str| {
            let below = path.strip_prefix(place);
            below.is_some_and(|below| below.is_empty() || below.starts_with('.'))
        };
        let is_faulty = left.iter().any(|fault| is_in(&fault.path, &item));
        let is_drawn = !left
            .iter()
            .any(|fault| fault.path == item || is_in(&fault.path, &of_ring));
        if let Some(ring) = polygon.get("ring").filter(|_| is_faulty && is_drawn) {
            *polygon = json!({ "name": "drawn", "ring": ring });
            left.retain(|fault| !is_in(&fault.path, &item));
        }
    }
    (drawn, left)
}

#[cfg(test)]
mod tests;
