//! Step three: whether it is genuine.

use std::sync::Arc;

use http::HeaderMap;
use sources::{SignatureError, Source, Verified};

use super::{Addressed, Ingest, Read, Refused};
use crate::{answer, directory::KeyedSource, refusals::Refusal};

/// A delivery that its source's keys have verified.
pub(super) struct Genuine {
    pub(super) source: &'static dyn Source,
    pub(super) known: Arc<KeyedSource>,
    pub(super) delivery: Verified,
    pub(super) event: Option<String>,
    pub(super) named: Vec<String>,
}

impl Ingest {
    /// Verifies a delivery by the keys of the source that it claims to be from. One that claims nothing known costs the
    /// same work, so that time does not tell who exists.
    pub(super) fn verify(&self, read: Read, headers: &HeaderMap) -> Result<Genuine, Refused> {
        let Read {
            addressed,
            body,
            named,
        } = read;
        let Addressed {
            source,
            known,
            event,
            network,
            permit: _permit,
            ..
        } = addressed;
        let (spec, now) = (source.spec(), self.clock.now());
        let refuse = |known: Option<&KeyedSource>, error: Option<SignatureError>| {
            self.count_failure(network);
            let refusal = Refusal::unverified(spec.slug, known, error, network);
            self.refusals.note(refusal);
        };
        let Some(known) = known else {
            sources::verify_dummy(spec, headers, &body, now);
            refuse(None, None);
            return Err(answer::not_verified().into());
        };
        match sources::verify(spec, &known.source.schemes, &known.keys, headers, body, now) {
            Ok(delivery) => Ok(Genuine {
                source,
                known,
                delivery,
                event,
                named,
            }),
            Err(error) => {
                refuse(Some(&known), Some(error));
                // The key that would verify it may be the one that is missing.
                Err(if known.lacks_keys {
                    answer::busy().into()
                } else {
                    answer::not_verified().into()
                })
            }
        }
    }
}
