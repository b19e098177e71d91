//! The content of the sealed file, and the seal.

use std::collections::BTreeMap;

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use domain::TenantId;
use secrecy::{ExposeSecret, SecretBox, SecretString, zeroize::Zeroizing};
use serde::{Deserialize, Serialize};

use crate::{SecretName, SecretsError};

pub(crate) const KEY_BYTES: usize = 32;

/// A known text that is sealed with the key, so that a wrong key is noticed. Stored as `proof` in every vault.
const CHECK_TEXT: &str = "this vault and this key belong together";

/// Seals and opens with one key: AES-256-GCM with a random nonce each time.
pub(crate) struct Seal {
    key: RandomizedNonceKey,
}

/// A sealed text. Its owner is authenticated with it, so that it opens for no other.
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

    fn seal(&self, text: &str, owner: &str) -> Sealed {
        // The cipher works in place, so this copy of the text must not stay in memory.
        let mut bytes = Zeroizing::new(Vec::with_capacity(text.len() + AES_256_GCM.tag_len()));
        bytes.extend_from_slice(text.as_bytes());
        let nonce = self
            .key
            .seal_in_place_append_tag(Aad::from(owner), &mut *bytes)
            .expect("a secret is shorter than the cipher's limit");
        Sealed {
            nonce: STANDARD.encode(nonce.as_ref()),
            sealed: STANDARD.encode(&*bytes),
        }
    }

    fn open(&self, sealed: &Sealed, owner: &str) -> Option<SecretString> {
        let nonce: [u8; NONCE_LEN] = STANDARD.decode(&sealed.nonce).ok()?.try_into().ok()?;
        let mut bytes = Zeroizing::new(STANDARD.decode(&sealed.sealed).ok()?);
        let nonce = Nonce::assume_unique_for_key(nonce);
        let text = self
            .key
            .open_in_place(nonce, Aad::from(owner), &mut bytes)
            .ok()?;
        std::str::from_utf8(text).ok().map(SecretString::from)
    }
}

/// All secrets of all tenants, sealed one by one.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Vault {
    format: u32,
    #[serde(rename = "proof")]
    check: Sealed,
    secrets: BTreeMap<TenantId, BTreeMap<SecretName, Versions>>,
}

#[derive(Clone, Default, Serialize, Deserialize)]
struct Versions {
    /// The number of the newest version ever. It outlives the versions, so that no number is reused.
    last: u64,
    sealed: BTreeMap<u64, Sealed>,
}

impl Vault {
    pub(crate) const FORMAT: u32 = 1;

    pub(crate) fn new(seal: &Seal) -> Self {
        Self {
            format: Self::FORMAT,
            check: seal.seal(CHECK_TEXT, "proof"),
            secrets: BTreeMap::new(),
        }
    }

    pub(crate) fn format(&self) -> u32 {
        self.format
    }

    /// Whether this vault was sealed with this key.
    pub(crate) fn is_opened_by(&self, seal: &Seal) -> bool {
        seal.open(&self.check, "proof")
            .is_some_and(|text| text.expose_secret() == CHECK_TEXT)
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

/// No part can contain a line end, so the text is unambiguous.
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
    fn a_sealed_text_opens_for_its_key_and_owner_alone() {
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
    fn a_text_moved_to_another_tenant_does_not_open() {
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
