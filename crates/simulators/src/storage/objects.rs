//! Objects and the files that hold their content.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Conditions, Object as Shown, Provider as _, Storage, invalid};
use crate::provider::lock;

const PIECE_BYTES: usize = 256 * 1024;

/// The objects of all buckets.
#[derive(Default)]
pub(crate) struct Buckets {
    /// Created with the first content.
    folder: Mutex<Option<TempDir>>,
    files: AtomicU64,
    /// Changed under the lock of `by_name`.
    last_generation: AtomicI64,
    by_name: Mutex<BTreeMap<(String, String), Arc<Object>>>,
}

/// A file of content. It is removed when the last object or upload that uses it is dropped.
pub(super) struct Content(PathBuf);

impl Content {
    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Content {
    fn drop(&mut self) {
        // If this fails, the file is removed with its folder.
        drop(std::fs::remove_file(&self.0));
    }
}

/// An object before it is stored.
#[derive(Clone)]
pub(super) struct Draft {
    pub(super) bucket: String,
    pub(super) name: String,
    pub(super) content_type: Option<String>,
    pub(super) metadata: Value,
    pub(super) expected: Checks,
    pub(super) conditions: Conditions,
}

/// A stored object.
pub(super) struct Object {
    pub(super) draft: Draft,
    pub(super) generation: i64,
    pub(super) created: Timestamp,
    pub(super) sums: Sums,
    content: Content,
}

/// The checksums that a sender expects, as base64.
#[derive(Clone, Default)]
pub(super) struct Checks {
    crc32c: Option<String>,
    md5: Option<String>,
}

/// The length and the checksums of the content.
pub(super) struct Sums {
    pub(super) size_bytes: u64,
    pub(super) crc32c: u32,
    md5: md5::Digest,
}

impl Buckets {
    /// A new, empty file.
    pub(super) fn new_content(&self) -> io::Result<Content> {
        let mut folder = lock(&self.folder);
        let folder = match &mut *folder {
            Some(folder) => folder,
            none => none.insert(
                tempfile::Builder::new()
                    .prefix("simulated-storage-")
                    .tempdir()?,
            ),
        };
        let number = self.files.fetch_add(1, Ordering::Relaxed);
        let content = Content(folder.path().join(number.to_string()));
        File::create(content.path())?;
        Ok(content)
    }

    /// Stores an object, if its checksums and conditions hold.
    pub(super) fn store(
        &self,
        draft: Draft,
        content: Content,
        sums: Sums,
        now: Timestamp,
    ) -> Result<Arc<Object>, Response> {
        draft.expected.check(&sums)?;
        let key = (draft.bucket.clone(), draft.name.clone());
        let mut by_name = lock(&self.by_name);
        let before = by_name.get(&key).map_or(0, |object| object.generation);
        draft.conditions.check(before)?;
        // Microseconds, as the real ones. What matters is that they rise.
        let last = self.last_generation.load(Ordering::Relaxed);
        let generation = now.as_microsecond().max(last + 1);
        self.last_generation.store(generation, Ordering::Relaxed);
        let object = Arc::new(Object {
            draft,
            generation,
            created: now,
            sums,
            content,
        });
        by_name.insert(key, Arc::clone(&object));
        Ok(object)
    }

    /// The content of an object, for another simulator. It stays readable if the object is replaced or deleted.
    pub(crate) async fn open(&self, bucket: &str, name: &str) -> Option<tokio::fs::File> {
        let object = self.find(bucket, name)?;
        tokio::fs::File::open(object.path()).await.ok()
    }

    pub(super) fn find(&self, bucket: &str, name: &str) -> Option<Arc<Object>> {
        let key = (bucket.to_owned(), name.to_owned());
        lock(&self.by_name).get(&key).cloned()
    }

    /// Removes an object, if the conditions hold.
    pub(super) fn remove(
        &self,
        bucket: &str,
        name: &str,
        conditions: &Conditions,
    ) -> Result<(), Response> {
        let key = (bucket.to_owned(), name.to_owned());
        let mut by_name = lock(&self.by_name);
        let object = by_name.get(&key).ok_or_else(|| missing(bucket, name))?;
        conditions.check(object.generation)?;
        by_name.remove(&key);
        Ok(())
    }

    /// The objects of a bucket after the name `after`, in the order of their names.
    pub(super) fn list(&self, bucket: &str, prefix: &str, after: Option<&str>) -> Vec<Arc<Object>> {
        let by_name = lock(&self.by_name);
        let found = by_name.iter().filter(|((of, name), _)| {
            of == bucket
                && name.starts_with(prefix)
                && after.is_none_or(|after| name.as_str() > after)
        });
        found.map(|(_, object)| Arc::clone(object)).collect()
    }

    pub(super) fn shown(&self) -> Vec<Shown> {
        let by_name = lock(&self.by_name);
        by_name.values().map(|object| object.shown()).collect()
    }
}

pub(super) fn missing(bucket: &str, name: &str) -> Response {
    Storage::error(
        StatusCode::NOT_FOUND,
        &format!("No such object: {bucket}/{name}"),
    )
}

impl Object {
    pub(super) fn path(&self) -> &Path {
        self.content.path()
    }

    pub(super) fn etag(&self) -> String {
        STANDARD.encode(self.generation.to_be_bytes())
    }

    pub(super) fn resource(&self, base_url: &str) -> Value {
        let Draft {
            bucket,
            name,
            metadata,
            content_type,
            ..
        } = &self.draft;
        let generation = self.generation.to_string();
        let path = format!("b/{bucket}/o/{}", encoded(name));
        let mut resource = json!({
            "kind": "storage#object",
            "id": format!("{bucket}/{name}/{generation}"),
            "selfLink": format!("{base_url}/storage/v1/{path}"),
            "mediaLink": format!("{base_url}/download/storage/v1/{path}?generation={generation}&alt=media"),
            "bucket": bucket,
            "name": name,
            "generation": generation,
            "metageneration": "1",
            "contentType": content_type.as_deref().unwrap_or("application/octet-stream"),
            "storageClass": "STANDARD",
            "size": self.sums.size_bytes.to_string(),
            "md5Hash": self.sums.md5(),
            "crc32c": self.sums.crc32c(),
            "etag": self.etag(),
            "timeCreated": self.created.to_string(),
            "updated": self.created.to_string(),
        });
        if metadata.is_object() {
            resource["metadata"] = metadata.clone();
        }
        resource
    }

    fn shown(&self) -> Shown {
        Shown {
            bucket: self.draft.bucket.clone(),
            name: self.draft.name.clone(),
            generation: self.generation,
            size_bytes: self.sums.size_bytes,
            crc32c: self.sums.crc32c,
            content_type: self.draft.content_type.clone(),
        }
    }
}

fn encoded(name: &str) -> String {
    url::form_urlencoded::byte_serialize(name.as_bytes())
        .collect::<String>()
        .replace('+', "%20")
}

impl Draft {
    /// From the query and the JSON of an upload.
    pub(super) fn new(
        bucket: String,
        name: Option<String>,
        json: &Value,
        conditions: Conditions,
    ) -> Result<Self, Response> {
        let text = |field: &str| json[field].as_str().map(str::to_owned);
        let name = name.or_else(|| text("name")).unwrap_or_default();
        if !(1..=1024).contains(&name.len())
            || name.contains(['\r', '\n'])
            || name == "."
            || name == ".."
        {
            return Err(invalid("Invalid object name."));
        }
        Ok(Self {
            bucket,
            name,
            content_type: text("contentType"),
            metadata: json["metadata"].clone(),
            expected: Checks {
                crc32c: text("crc32c"),
                md5: text("md5Hash"),
            },
            conditions,
        })
    }
}

impl Checks {
    /// Adds the values of `x-goog-hash`: `crc32c=…`, `md5=…`, in one header or in several.
    pub(super) fn add(&mut self, headers: &HeaderMap) {
        let values = headers.get_all("x-goog-hash").into_iter();
        let texts = values.filter_map(|value| value.to_str().ok());
        for (kind, sum) in texts
            .flat_map(|text| text.split(','))
            .filter_map(|part| part.trim().split_once('='))
        {
            match kind {
                "crc32c" => self.crc32c = Some(sum.to_owned()),
                "md5" => self.md5 = Some(sum.to_owned()),
                _ => {}
            }
        }
    }

    /// Adds the values of the metadata after the content.
    pub(super) fn add_json(&mut self, json: &Value) {
        for (field, to) in [("crc32c", &mut self.crc32c), ("md5Hash", &mut self.md5)] {
            if let Some(sum) = json[field].as_str() {
                *to = Some(sum.to_owned());
            }
        }
    }

    fn check(&self, sums: &Sums) -> Result<(), Response> {
        let pairs = [
            ("CRC32C", &self.crc32c, sums.crc32c()),
            ("MD5", &self.md5, sums.md5()),
        ];
        for (kind, provided, calculated) in pairs {
            if let Some(provided) = provided
                .as_ref()
                .filter(|provided| **provided != calculated)
            {
                let reason = format!(
                    "Provided {kind} hash \"{provided}\" doesn't match calculated {kind} hash \"{calculated}\"."
                );
                return Err(invalid(&reason));
            }
        }
        Ok(())
    }
}

impl Sums {
    /// Reads a file from its beginning to its end.
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        let mut file = File::open(path)?;
        let mut piece = vec![0; PIECE_BYTES];
        let (mut size_bytes, mut crc32c, mut md5) = (0, 0, md5::Context::new());
        loop {
            let read = file.read(&mut piece)?;
            let Some(piece) = piece.get(..read).filter(|piece| !piece.is_empty()) else {
                return Ok(Self {
                    size_bytes,
                    crc32c,
                    md5: md5.finalize(),
                });
            };
            size_bytes += piece.len() as u64;
            crc32c = crc32c::crc32c_append(crc32c, piece);
            md5.consume(piece);
        }
    }

    pub(super) fn crc32c(&self) -> String {
        STANDARD.encode(self.crc32c.to_be_bytes())
    }

    pub(super) fn md5(&self) -> String {
        STANDARD.encode(*self.md5)
    }
}
