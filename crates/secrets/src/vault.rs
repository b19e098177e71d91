//! The content of the sealed file, and the seal.

use std::collections::BTreeMap;

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use domain::TenantId;
use secrecy::{ExposeSecret, SecretBox, SecretString, zeroize::Zeroizing};
use serde::{Deserialize, Serialize};

use crate::{SecretName, SecretsError};

/// The length of a sealing key.
pub(crate) const KEY_BYTES: usize = 32;

/// What is sealed to recognise the key by.
const PROOF: &str = "this vault and this key belong together";

/// Seals and opens with one key: AES-256-GCM, a random nonce each time.
pub(crate) struct Seal {
    key: RandomizedNonceKey,
}

/// A sealed text. What it belongs to is part of the seal, so that it opens nowhere else.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Sealed {
    nonce: String,
    sealed: String,
}

impl Seal {
    pub(crate) fn new(key: &SecretBox<[u8; KEY_BYTES]>) -> Self {
        let key = RandomizedNonceKey::new(&AES_256_GCM, key.expose_secret())
            .expect("the key has the cipher's length");
        Self { key }
    }

    fn seal(&self, text: &str, belongs_to: &str) -> Sealed {
        // The cipher works in place: what it starts from is the copy that must not stay behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(text.len() + AES_256_GCM.tag_len()));
        bytes.extend_from_slice(text.as_bytes());
        let nonce = self
            .key
            .seal_in_place_append_tag(Aad::from(belongs_to), &mut *bytes)
            .expect("a secret is shorter than the cipher's limit");
        Sealed {
            nonce: STANDARD.encode(nonce.as_ref()),
            sealed: STANDARD.encode(&*bytes),
        }
    }

    fn open(&self, sealed: &Sealed, belongs_to: &str) -> Option<SecretString> {
        let nonce: [u8; NONCE_LEN] = STANDARD.decode(&sealed.nonce).ok()?.try_into().ok()?;
        let mut bytes = Zeroizing::new(STANDARD.decode(&sealed.sealed).ok()?);
        let nonce = Nonce::assume_unique_for_key(nonce);
        let text = self
            .key
            .open_in_place(nonce, Aad::from(belongs_to), &mut bytes)
            .ok()?;
        std::str::from_utf8(text).ok().map(SecretString::from)
    }
}

/// All secrets of all tenants, sealed one by one.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Vault {
    format: u32,
    proof: Sealed,
    secrets: BTreeMap<TenantId, BTreeMap<SecretName, Versions>>,
}

#[derive(Clone, Default, Serialize, Deserialize)]
struct Versions {
    /// The number of the newest version ever: it outlives the versions, so that no number is used twice.
    last: u64,
    sealed: BTreeMap<u64, Sealed>,
}

impl Vault {
    pub(crate) const FORMAT: u32 = 1;

    pub(crate) fn new(seal: &Seal) -> Self {
        Self {
            format: Self::FORMAT,
            proof: seal.seal(PROOF, "proof"),
            secrets: BTreeMap::new(),
        }
    }

    pub(crate) fn format(&self) -> u32 {
        self.format
    }

    /// Whether this vault was sealed with this key.
    pub(crate) fn is_opened_by(&self, seal: &Seal) -> bool {
        seal.open(&self.proof, "proof")
            .is_some_and(|text| text.expose_secret() == PROOF)
    }

    pub(crate) fn get(
        &self,
        seal: &Seal,
        tenant: &TenantId,
        name: &SecretName,
        version: Option<u64>,
    ) -> Result<SecretString, SecretsError> {
        let versions = self
            .secrets
            .get(tenant)
            .and_then(|names| names.get(name))
            .ok_or(SecretsError::NotFound)?;
        let found = match version {
            Some(version) => versions.sealed.get_key_value(&version),
            None => versions.sealed.last_key_value(),
        };
        let (version, sealed) = found.ok_or(SecretsError::NotFound)?;
        seal.open(sealed, &owner(tenant, name, *version))
            .ok_or(SecretsError::Damaged)
    }

    pub(crate) fn put(
        &mut self,
        seal: &Seal,
        tenant: &TenantId,
        name: &SecretName,
        value: &SecretString,
    ) -> u64 {
        let versions = self
            .secrets
            .entry(tenant.clone())
            .or_default()
            .entry(name.clone())
            .or_default();
        versions.last += 1;
        let sealed = seal.seal(value.expose_secret(), &owner(tenant, name, versions.last));
        versions.sealed.insert(versions.last, sealed);
        versions.last
    }

    pub(crate) fn delete(&mut self, tenant: &TenantId, name: &SecretName) {
        if let Some(versions) = self
            .secrets
            .get_mut(tenant)
            .and_then(|names| names.get_mut(name))
        {
            versions.sealed.clear();
        }
    }

    pub(crate) fn list(&self, tenant: &TenantId) -> Vec<SecretName> {
        let names = self.secrets.get(tenant).into_iter().flatten();
        names
            .filter(|(_, versions)| !versions.sealed.is_empty())
            .map(|(name, _)| name.clone())
            .collect()
    }
}

/// None of the parts can hold a line end.
fn owner(tenant: &TenantId, name: &SecretName, version: u64) -> String {
    format!("{tenant}\n{name}\n{version}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seal(byte: u8) -> Seal {
        Seal::new(&SecretBox::new(Box::new([byte; KEY_BYTES])))
    }

    #[test]
    fn what_is_sealed_opens_with_its_key_for_its_owner_only() {
        let sealed = seal(1).seal("s3cret", "a");
        assert_eq!(
            seal(1).open(&sealed, "a").unwrap().expose_secret(),
            "s3cret"
        );
        assert!(seal(1).open(&sealed, "b").is_none());
        assert!(seal(2).open(&sealed, "a").is_none());
    }

    #[test]
    fn the_same_text_is_never_sealed_alike() {
        assert_ne!(
            seal(1).seal("s3cret", "a").sealed,
            seal(1).seal("s3cret", "a").sealed
        );
    }

    #[test]
    fn what_was_altered_or_moved_to_another_tenant_does_not_open() {
        let (seal, name) = (seal(1), SecretName::new("key").unwrap());
        let (a, b) = (TenantId::new("a").unwrap(), TenantId::new("b").unwrap());
        let mut vault = Vault::new(&seal);
        vault.put(&seal, &a, &name, &"s3cret".into());
        let stolen = vault.secrets[&a].clone();
        vault.secrets.insert(b.clone(), stolen);
        assert!(matches!(
            vault.get(&seal, &b, &name, None),
            Err(SecretsError::Damaged)
        ));
        assert!(vault.get(&seal, &a, &name, None).is_ok());
    }
}
