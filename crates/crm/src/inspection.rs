//! What a CRM's records are made of, as it says itself.

/// What the CRM says of an account that it takes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Inspection {
    /// The kinds of record that we write.
    pub objects: Vec<CrmObject>,
    /// What its owner should know, a sentence each: a limit that is almost reached, a field that is missing.
    pub notes: Vec<String>,
}

/// A kind of record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CrmObject {
    /// The CRM's name of it.
    pub name: String,
    /// Its fields, in the CRM's order.
    pub fields: Vec<CrmField>,
}

/// A field of a record.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CrmField {
    /// The CRM's name of it.
    pub name: String,
    /// What people call it.
    pub label: String,
    /// The CRM's type of its values.
    pub kind: String,
    /// Whether a record cannot be made without it.
    pub is_required: bool,
    /// The values that it takes; empty if any.
    pub options: Vec<String>,
    /// The longest text, in characters.
    pub max_length: Option<u32>,
    /// What its values are, in a word that all CRMs share.
    pub holds: Holds,
    /// Whether the CRM alone fills it.
    pub is_read_only: bool,
}

/// What a field holds, whatever the CRM calls it. The words are on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Holds {
    /// A text, also an address or a telephone number.
    Text,
    /// A number.
    Number,
    /// True or false.
    Flag,
    /// A day.
    Date,
    /// A moment.
    Time,
    /// One of its options.
    Choice,
    /// Some of its options.
    Choices,
    /// Whatever JSON has.
    Anything,
    /// Something else, such as a reference to another record.
    #[default]
    Other,
}

impl Holds {
    /// Everything that a field can hold.
    pub const ALL: [Self; 9] = [
        Self::Text,
        Self::Number,
        Self::Flag,
        Self::Date,
        Self::Time,
        Self::Choice,
        Self::Choices,
        Self::Anything,
        Self::Other,
    ];

    /// It as a word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Number => "number",
            Self::Flag => "flag",
            Self::Date => "date",
            Self::Time => "time",
            Self::Choice => "choice",
            Self::Choices => "choices",
            Self::Anything => "anything",
            Self::Other => "other",
        }
    }
}
