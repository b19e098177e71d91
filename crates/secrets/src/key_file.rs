//! Files that hold a key: readable by their owner alone, and written whole or not at all.

use std::{
    fs::{self, DirBuilder, File, Metadata, OpenOptions},
    io::{self, ErrorKind, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use secrecy::zeroize::Zeroizing;

/// Why a key file could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// Others may read it.
    #[error("the key {} may be read by others (mode {mode:o}); run `chmod 600` on it, and replace what it protects if anyone else has an account here", path.display())]
    Exposed {
        path: PathBuf,
        /// Its permissions: `0o644`.
        mode: u32,
    },
    #[error("cannot read or write {}: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
}

/// Reads a key file; `None` if there is none.
///
/// # Errors
/// [`KeyFileError::Exposed`] if group or others have any permission for it.
pub fn read_key_file(path: &Path) -> Result<Option<Zeroizing<Vec<u8>>>, KeyFileError> {
    let mode = match fs::metadata(path) {
        Ok(metadata) => metadata.permissions().mode() & 0o777,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(at(path)(error)),
    };
    if mode & 0o077 != 0 {
        let path = path.to_owned();
        return Err(KeyFileError::Exposed { path, mode });
    }
    let content = fs::read(path).map_err(at(path))?;
    Ok(Some(Zeroizing::new(content)))
}

/// Writes a key file with mode `0600`, and its folder with `0700` if it is missing. Two processes must not write one file
/// at the same time.
///
/// # Errors
/// [`KeyFileError::Io`]
pub fn write_key_file(path: &Path, content: &[u8]) -> Result<(), KeyFileError> {
    if let Some(folder) = path.parent() {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(at(folder))?;
    }
    replace(path, content).map(drop).map_err(at(path))
}

/// Replaces a file by one with mode `0600`. Readers see the old content or the new, never a part, and the new content
/// survives a power failure.
pub(crate) fn replace(path: &Path, content: &[u8]) -> io::Result<Metadata> {
    let next = path.with_extension("new");
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&next)?;
    file.write_all(content)?;
    file.sync_all()?;
    let metadata = file.metadata()?;
    fs::rename(&next, path)?;
    if let Some(folder) = path.parent() {
        File::open(folder)?.sync_all()?;
    }
    Ok(metadata)
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> KeyFileError {
    let path = path.to_owned();
    move |source| KeyFileError::Io { path, source }
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;

    use super::*;

    #[test]
    fn a_key_file_reads_back_and_only_its_owner_may_read_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys").join("some.key");
        assert!(read_key_file(&path).unwrap().is_none());
        for content in [b"first".as_slice(), b"second"] {
            write_key_file(&path, content).unwrap();
            assert_eq!(read_key_file(&path).unwrap().unwrap().as_slice(), content);
        }
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&path), 0o600);
        assert_eq!(mode(path.parent().unwrap()), 0o700);
        assert!(!path.with_extension("new").exists());
    }

    #[test]
    fn a_key_file_that_others_may_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("some.key");
        write_key_file(&path, b"s3cret").unwrap();
        for mode in [0o640, 0o604, 0o610, 0o666] {
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            let refused = read_key_file(&path).unwrap_err();
            let is_exposed =
                matches!(refused, KeyFileError::Exposed { mode: found, .. } if found == mode);
            assert!(is_exposed, "{refused}");
        }
    }
}
