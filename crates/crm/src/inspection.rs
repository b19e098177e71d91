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
}
