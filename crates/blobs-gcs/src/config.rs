//! The bucket, and the service that has it.

use http_client::Url;
use settings::Reader;

/// The bucket that holds the blobs.
#[derive(Debug, Clone)]
pub struct GcsConfig {
    /// The service.
    pub base_url: Url,
    /// The bucket's name, without `gs://`.
    pub bucket: String,
}

impl GcsConfig {
    /// Cloud Storage's own.
    pub const BASE_URL: &'static str = "https://storage.googleapis.com";

    /// Reads the settings.
    pub fn read(reader: &mut Reader<'_>) -> Self {
        const BUCKET: &str = "BLOBS_BUCKET";
        let base_url = reader.url("STORAGE_BASE_URL", Self::BASE_URL, "Cloud Storage.");
        let bucket: String = reader.required(
            BUCKET,
            "Bucket of Cloud Storage that recordings and attachments are kept in.",
        );
        if !bucket.is_empty() && !is_bucket(&bucket) {
            let advice = "write the name alone, without `gs://` or a path";
            reader.fault(BUCKET, "it is not the name of a bucket", advice);
        }
        Self { base_url, bucket }
    }

    /// The base URL without the slash at its end.
    pub(crate) fn base(&self) -> &str {
        self.base_url.as_str().trim_end_matches('/')
    }
}

/// Source: Cloud Storage, "Bucket naming guidelines".
fn is_bucket(text: &str) -> bool {
    let is_end = |byte: Option<&u8>| {
        byte.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    let bytes = text.as_bytes();
    (3..=222).contains(&bytes.len())
        && is_end(bytes.first())
        && is_end(bytes.last())
        && bytes.iter().all(|byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_' | b'.')
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_buckets_are_told_from_uris_and_paths() {
        for name in ["calls", "my-calls.example.com", "a_1"] {
            assert!(is_bucket(name), "{name}");
        }
        for name in [
            "gs://calls",
            "calls/",
            "ab",
            "Calls",
            "-calls",
            "calls.",
            "c lls",
            "cälls",
        ] {
            assert!(!is_bucket(name), "{name}");
        }
    }
}
