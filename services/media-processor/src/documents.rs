//! The stage `documents`: the files of a form.

use std::collections::BTreeMap;

use async_trait::async_trait;
use blobs::BlobKey;
use bytes::Bytes;
use domain::{
    About, Claimed, Classify as _, Disposition, DocumentFacts, DocumentReader, DocumentReading,
    DocumentsSection, EventId, Facts, KeptDocument, Outcome, PersonFacts, ReadValue, Record,
    Section, Stage, StageError, StageHandler, Usage,
};
use google::{DocumentAi, DocumentAiError};
use sources::{Verified, facts_of_values, files};
use store::{DeliveryQuery, configs::source_settings};

use crate::{Deps, gives_up, is_marked_spam};

/// A file's largest size: that of a form's body.
const MAX_BYTES: u64 = 8 * 1024 * 1024;
/// Older deliveries of a form that are looked through for its files.
const MAX_DELIVERIES: u32 = 50;
/// What was read with less confidence, in percent, is shown and fills nothing.
const MIN_PERCENT_SURE: u8 = 50;

/// Keeps the files of a form as blobs, and has them read where the office's configuration wants that.
///
/// In: a form with files. Out: its `documents` section. A file that cannot be read, or not now, is marked so, and the lead
/// goes on. A repeat keeps the same under the same names; what was read already is not read, or paid for, again.
pub(crate) struct Documents(pub(crate) Deps);

#[async_trait]
impl StageHandler for Documents {
    fn stage(&self) -> Stage {
        Stage::Documents
    }

    async fn handle(&self, job: &Claimed) -> Result<Outcome, StageError> {
        let document = &job.request.document;
        let About::Form(form) = &document.source.said.about else {
            return Ok(done(job, BTreeMap::new(), None));
        };
        let known = document.documents.as_ref();
        let is_kept = |(name, facts): (&String, &DocumentFacts)| {
            let file = known.and_then(|section| section.files.get(name));
            file.is_some_and(|file| file.sha256 == facts.sha256 && file.blob.is_some())
        };
        let mut delivered = self.delivered(job, document.source.last_event).await?;
        let is_there = |delivered: &[(String, Bytes)], facts: &DocumentFacts| {
            delivered.iter().any(|(sha256, _)| *sha256 == facts.sha256)
        };
        let is_missing =
            |entry: (&String, &DocumentFacts)| !is_kept(entry) && !is_there(&delivered, entry.1);
        if form.documents.iter().any(is_missing) {
            // A newer delivery came without it, before it was kept.
            delivered.extend(self.delivered_before(job).await?);
        }
        let mut kept = BTreeMap::new();
        for (name, facts) in &form.documents {
            let of_name = known.and_then(|section| section.files.get(name));
            let before = of_name.filter(|file| file.sha256 == facts.sha256);
            let file = self.keep(job, facts, before, &delivered).await?;
            kept.insert(name.clone(), file);
        }
        let said = self.said(job, &kept).await?;
        Ok(done(job, kept, said))
    }
}

impl Documents {
    /// The files of all older deliveries.
    async fn delivered_before(&self, job: &Claimed) -> Result<Vec<(String, Bytes)>, StageError> {
        let query = DeliveryQuery {
            request: Some(job.request.id),
            limit: MAX_DELIVERIES,
            ..DeliveryQuery::default()
        };
        let page = self.0.store.deliveries(&job.request.tenant, &query).await;
        let page = page.map_err(|error| StageError::ours(&error))?;
        let mut all = Vec::new();
        for delivery in page.items {
            if delivery.id != job.request.document.source.last_event {
                all.extend(self.delivered(job, delivery.id).await?);
            }
        }
        Ok(all)
    }

    /// The files of a delivery, by their hashes as they were told when it came.
    async fn delivered(
        &self,
        job: &Claimed,
        event: EventId,
    ) -> Result<Vec<(String, Bytes)>, StageError> {
        let source = &job.request.document.source;
        let event = self.0.store.event(&job.request.tenant, event);
        let event = event.await.map_err(|error| StageError::ours(&error))?;
        let reader = self.0.sources.reader_of(&source.provider);
        let delivery = event.zip(reader).and_then(|(event, reader)| {
            Verified::restored(reader.spec(), &event.scheme, event.headers, event.body)
        });
        Ok(delivery
            .map(|delivery| files(&delivery))
            .unwrap_or_default())
    }

    /// Keeps a file and has it read, unless both was done `before`.
    async fn keep(
        &self,
        job: &Claimed,
        facts: &DocumentFacts,
        before: Option<&KeptDocument>,
        delivered: &[(String, Bytes)],
    ) -> Result<KeptDocument, StageError> {
        let mut kept = KeptDocument {
            sha256: facts.sha256.clone(),
            blob: before.and_then(|file| file.blob.clone()),
            reading: DocumentReading::Off,
        };
        let mut delivered = delivered.iter();
        let content = delivered.find(|(sha256, _)| *sha256 == facts.sha256);
        let content = content.map(|(_, bytes)| bytes.clone());
        if kept.blob.is_none() {
            let Some(bytes) = &content else {
                tracing::error!(
                    tenant.id = %job.request.tenant, request.id = %job.request.id,
                    "a file of this form is in none of its deliveries any more, and is not kept"
                );
                return Ok(kept);
            };
            let key = key(job, facts)?;
            let put = self.0.blobs.put(&key, blobs::content(bytes.clone())).await;
            put.map_err(|error| StageError::ours(&error))?;
            kept.blob = Some(key.name().to_owned());
        }
        kept.reading = match before.map(|file| &file.reading) {
            Some(reading @ DocumentReading::Read { .. }) => reading.clone(),
            _ => self.read(job, facts, &kept, content).await?,
        };
        Ok(kept)
    }

    /// Has a kept file read. Fails only while it is worth another try.
    async fn read(
        &self,
        job: &Claimed,
        facts: &DocumentFacts,
        kept: &KeptDocument,
        content: Option<Bytes>,
    ) -> Result<DocumentReading, StageError> {
        let Some(by) = job.config.workflow.documents.read_by else {
            return Ok(DocumentReading::Off);
        };
        if !DocumentAi::takes(&facts.kind) {
            return Ok(DocumentReading::Unsupported);
        }
        if is_marked_spam(job) {
            return Ok(DocumentReading::Suspected);
        }
        let content = match (content, &kept.blob) {
            (Some(content), _) => content,
            (None, Some(name)) => self.stored(job, name).await?,
            (None, None) => return Ok(DocumentReading::Off),
        };
        match self.0.documents.process(by, &facts.kind, &content).await {
            Ok(read) => {
                record(job, by, read.pages);
                Ok(DocumentReading::Read {
                    by: by.as_str().to_owned(),
                    pages: read.pages,
                    values: read.values,
                })
            }
            Err(error) if is_worth_a_try(job, &error) => {
                Err(StageError::from_provider(&error, None))
            }
            Err(error) => {
                report(job, &error);
                Ok(DocumentReading::Failed {
                    reason: error.answer().unwrap_or_else(|| error.to_string()),
                })
            }
        }
    }

    async fn stored(&self, job: &Claimed, name: &str) -> Result<Bytes, StageError> {
        let key = BlobKey::new(&job.request.tenant, name)
            .map_err(|error| StageError::permanent(error.to_string()))?;
        let read = self.0.blobs.read(&key, MAX_BYTES).await;
        read.map_err(|error| StageError::ours(&error))
    }

    /// What was read of all files, as facts.
    async fn said(
        &self,
        job: &Claimed,
        files: &BTreeMap<String, KeptDocument>,
    ) -> Result<Option<(Facts, BTreeMap<String, u8>)>, StageError> {
        let values: Vec<_> = files
            .values()
            .filter_map(|file| match &file.reading {
                DocumentReading::Read { values, .. } => Some(values),
                _ => None,
            })
            .flatten()
            .filter(|value| value.percent_sure >= MIN_PERCENT_SURE)
            .collect();
        if values.is_empty() {
            return Ok(None);
        }
        let source = job.request.document.source.source;
        let settings = source_settings(&*self.0.store, &job.request.tenant, source).await;
        let settings = settings.map_err(|error| StageError::ours(&error))?;
        let pairs: Vec<_> = values
            .iter()
            .map(|value| (value.name.as_str(), value.value.as_str()))
            .collect();
        let said = facts_of_values(&settings, &pairs);
        let sure = percent_sure(&said.person, &values);
        Ok(Some((said, sure)))
    }
}

/// How sure the reader is of each field of the person: as sure as of the least sure value that is in it.
fn percent_sure(person: &PersonFacts, values: &[&ReadValue]) -> BTreeMap<String, u8> {
    let of = |field: &&str| {
        let said = person.get(field)?;
        let parts = values
            .iter()
            .filter(|value| said.contains(value.value.trim()));
        let least = parts.map(|value| value.percent_sure).min();
        Some(((*field).to_owned(), least.unwrap_or(MIN_PERCENT_SURE)))
    };
    PersonFacts::FIELDS.iter().filter_map(of).collect()
}

/// Where a file is kept: its name is of our making, and the same for the same bytes.
fn key(job: &Claimed, facts: &DocumentFacts) -> Result<BlobKey, StageError> {
    let ending = match facts.kind.as_str() {
        "application/pdf" => "pdf",
        "image/bmp" => "bmp",
        "image/gif" => "gif",
        "image/jpeg" => "jpg",
        "image/png" => "png",
        "image/tiff" => "tiff",
        "image/webp" => "webp",
        _ => "bin",
    };
    let hash: String = facts.sha256.chars().take(32).collect();
    let name = format!("{}-{hash}.{ending}", job.request.id);
    BlobKey::new(&job.request.tenant, &name)
        .map_err(|error| StageError::permanent(error.to_string()))
}

/// Whether the next try may succeed and is still allowed. What an operator has to mend takes longer than the fast lane.
fn is_worth_a_try(job: &Claimed, error: &DocumentAiError) -> bool {
    let is_retried = matches!(error.disposition(), Disposition::Retry { .. });
    let fast = job.config.workflow.retry.fast_ms.len();
    let is_fast = usize::try_from(job.row.failures).is_ok_and(|failures| failures < fast);
    is_retried
        && (is_fast || !error.is_for_operators())
        && !gives_up(job, &StageError::from_provider(error, None))
}

/// Logs that a lead goes on without: as an error if an operator has to mend something.
fn report(job: &Claimed, error: &DocumentAiError) {
    let (tenant, id) = (&job.request.tenant, job.request.id);
    if error.is_for_operators() {
        tracing::error!(
            tenant.id = %tenant, request.id = %id, error = %error,
            "Document AI cannot be used, an operator must look; request {id} goes on without"
        );
    } else {
        tracing::warn!(
            tenant.id = %tenant, request.id = %id, error = %error,
            "a file could not be read; request {id} goes on without"
        );
    }
}

fn record(job: &Claimed, by: DocumentReader, pages: u32) {
    job.record(Record::Usage(Usage {
        unit: "document_pages".to_owned(),
        amount: u64::from(pages),
        by: by.as_str().to_owned(),
    }));
}

fn done(
    job: &Claimed,
    files: BTreeMap<String, KeptDocument>,
    said: Option<(Facts, BTreeMap<String, u8>)>,
) -> Outcome {
    let (said, percent_sure) = said.unzip();
    Outcome::done(Section::Documents(Box::new(DocumentsSection {
        revision: job.request.document.revisions.of(Stage::Documents),
        files,
        said: said.map(Box::new),
        percent_sure: percent_sure.unwrap_or_default(),
    })))
}
