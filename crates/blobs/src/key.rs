//! Keys that are safe as a path and as a part of a URI.

use std::fmt;

use domain::TenantId;

/// Extensions of recordings, documents and stored bodies.
const EXTENSIONS: [&str; 20] = [
    "aac", "bin", "bmp", "flac", "gif", "jpeg", "jpg", "json", "m4a", "mp3", "mp4", "ogg", "pdf",
    "png", "tif", "tiff", "txt", "wav", "webm", "webp",
];

const MAX_NAME: usize = 128;

/// A tenant and a name that we made; never raw input.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlobKey {
    tenant: TenantId,
    name: String,
}

/// Why a text names no blob. It is not repeated, because it may come from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BlobKeyError {
    /// Other characters, a leading dot, or too long.
    #[error("expected 1 to {MAX_NAME} of A-Z, a-z, 0-9, `_`, `-` and `.`, the first not a dot")]
    Name,
    /// No blob has this extension.
    #[error("expected one of the extensions that blobs have")]
    Extension,
}

impl BlobKey {
    /// `name` is canonical, such as a call's id and `.mp3`.
    ///
    /// # Errors
    /// [`BlobKeyError`] for a name that is not safe everywhere.
    pub fn new(tenant: &TenantId, name: &str) -> Result<Self, BlobKeyError> {
        let is_safe = (1..=MAX_NAME).contains(&name.len())
            && !name.starts_with('.')
            && name
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'));
        if !is_safe {
            return Err(BlobKeyError::Name);
        }
        match name.rsplit_once('.') {
            Some((_, extension)) if EXTENSIONS.contains(&extension) => Ok(Self {
                tenant: tenant.clone(),
                name: name.to_owned(),
            }),
            _ => Err(BlobKeyError::Extension),
        }
    }

    /// The tenant.
    pub fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// `<tenant>/<name>`.
impl fmt::Display for BlobKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.tenant, self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_our_making_are_keys() {
        let tenant = TenantId::new("tenant_demo").unwrap();
        for name in [
            "CAL8154748ae6bd4e278a7cddd38a662f4f.mp3",
            "a.b-c_d.wav",
            "req_1.json",
            &format!("{}.mp3", "a".repeat(124)),
        ] {
            assert_eq!(
                BlobKey::new(&tenant, name).unwrap().to_string(),
                format!("tenant_demo/{name}")
            );
        }
    }

    #[test]
    fn nothing_that_could_form_a_path_is_a_key() {
        let tenant = TenantId::new("tenant_demo").unwrap();
        for name in [
            "",
            ".mp3",
            "..",
            "../a.mp3",
            "a/b.mp3",
            "a\\b.mp3",
            "a\0.mp3",
            "a b.mp3",
            "é.mp3",
            "a%2f.mp3",
            &format!("{}.mp3", "a".repeat(125)),
        ] {
            assert_eq!(
                BlobKey::new(&tenant, name),
                Err(BlobKeyError::Name),
                "{name:?}"
            );
        }
        for name in ["a", "a.", "a.exe", "a.MP3", "a.mp3.sh", "mp3"] {
            assert_eq!(
                BlobKey::new(&tenant, name),
                Err(BlobKeyError::Extension),
                "{name:?}"
            );
        }
    }
}
