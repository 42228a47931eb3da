//! A file as a feed's response. Its time of modification says nothing: the hash of its bytes decides
//! whether it is new.

use std::io::ErrorKind;
use std::path::Path;

use tokio::io::AsyncReadExt;

use super::error::FetchError;
use super::{Fetched, Validators};

/// Reads a whole file of at most `max_bytes`.
pub async fn read(path: &Path, max_bytes: u64) -> Result<Fetched, FetchError> {
    let failed = |error: std::io::Error| match error.kind() {
        ErrorKind::NotFound => FetchError::Missing,
        _ => FetchError::Unreadable(error),
    };
    // Looked at before it is opened: to open a pipe waits for its other end.
    let kind = tokio::fs::metadata(path).await.map_err(failed)?.file_type();
    if !kind.is_file() {
        let found = if kind.is_dir() { "a directory" } else { "a device, a pipe or a socket" };
        return Err(FetchError::NotAFile { found });
    }
    let file = tokio::fs::File::open(path).await.map_err(failed)?;
    let mut bytes = Vec::new();
    // One byte more than allowed tells a file that is too large, also one that grows meanwhile.
    file.take(max_bytes.saturating_add(1)).read_to_end(&mut bytes).await.map_err(failed)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > max_bytes) {
        return Err(FetchError::TooLarge { limit: max_bytes });
    }
    Ok(Fetched::body(bytes, Validators::default(), None))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn told(path: &Path, max_bytes: u64) -> String {
        match read(path, max_bytes).await {
            Ok(Fetched::Body { bytes, validators, http_status, sha256 }) => {
                assert_eq!((validators, http_status), (Validators::default(), None));
                format!("{} {}", String::from_utf8(bytes).unwrap(), &sha256[..8])
            }
            Ok(Fetched::NotModified) => "not modified".to_owned(),
            Err(error) => error.to_string(),
        }
    }

    #[tokio::test]
    async fn a_file_is_read_whole_or_not_at_all() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("feed.csv");
        assert_eq!(told(&path, 5).await, "there is no such file");
        assert_eq!(told(directory.path(), 5).await, "expected a file, found a directory");
        assert_eq!(told(Path::new("/dev/null"), 5).await, "expected a file, found a device, a pipe or a socket");
        std::fs::write(&path, "a,b\n1").unwrap();
        // Found with: printf 'a,b\n1' | sha256sum
        assert_eq!(told(&path, 5).await, "a,b\n1 08d13e84");
        assert_eq!(told(&path, 4).await, "more than 4 bytes; raise `max_bytes` if the feed is so large");
        assert_eq!(told(&path.join("x"), 4).await, "the file cannot be read");
    }
}
