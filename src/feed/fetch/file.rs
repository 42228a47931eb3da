//! A file as a feed's response. Its time of modification says nothing: the hash of its bytes decides
//! whether it is new.

use std::io::ErrorKind;
use std::path::Path;

use tokio::io::AsyncReadExt;

use super::error::FetchError;
use super::{Fetched, Validators};
use crate::base::limits::FILES_MAX;
use crate::feed::Listed;

/// Reads a whole file of at most `max_bytes`.
pub async fn read(path: &Path, max_bytes: u64) -> Result<Fetched, FetchError> {
    let failed = FetchError::of_file;
    is_file(&tokio::fs::metadata(path).await.map_err(failed)?)?;
    let file = tokio::fs::File::open(path).await.map_err(failed)?;
    let mut bytes = Vec::new();
    // One byte more than allowed tells a file that is too large, also one that grows meanwhile.
    file.take(max_bytes.saturating_add(1)).read_to_end(&mut bytes).await.map_err(failed)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > max_bytes) {
        return Err(FetchError::TooLarge { limit: max_bytes });
    }
    Ok(Fetched::body(bytes, Validators::default(), None))
}

/// Refuses what is no file. It is looked at before it is opened: to open a pipe waits for its other end.
pub fn is_file(metadata: &std::fs::Metadata) -> Result<(), FetchError> {
    let kind = metadata.file_type();
    let found = if kind.is_dir() { "a directory" } else { "a device, a pipe or a socket" };
    if kind.is_file() { Ok(()) } else { Err(FetchError::NotAFile { found }) }
}

/// The files of a directory that are neither hidden nor links, the last written last, as a JSON array of [`Listed`].
pub async fn list(path: &Path) -> Result<Fetched, FetchError> {
    let failed = |error: std::io::Error| match error.kind() {
        ErrorKind::NotADirectory => FetchError::NotADirectory,
        _ => FetchError::of_file(error),
    };
    let mut entries = tokio::fs::read_dir(path).await.map_err(failed)?;
    let mut files = Vec::new();
    while let Some(entry) = entries.next_entry().await.map_err(failed)? {
        let name = entry.file_name().to_string_lossy().into_owned();
        // A file that went away meanwhile is none of the list. A link is none either: whoever may put files into
        // the folder is not to have any other file read.
        let Ok(metadata) = tokio::fs::symlink_metadata(entry.path()).await else { continue };
        if name.starts_with('.') || !metadata.is_file() {
            continue;
        }
        let modified = metadata.modified().ok().and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
        let modified = modified.map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX));
        files.push(Listed { name, bytes: metadata.len(), modified });
        if files.len() > FILES_MAX {
            return Err(FetchError::TooManyFiles(FILES_MAX));
        }
    }
    files.sort_by(|a, b| (a.modified, &a.name).cmp(&(b.modified, &b.name)));
    // Names and numbers are always JSON.
    let bytes = serde_json::to_vec(&files).unwrap_or_default();
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

    async fn listed(path: &Path) -> String {
        match list(path).await {
            Ok(Fetched::Body { bytes, .. }) => {
                let files: Vec<Listed> = serde_json::from_slice(&bytes).unwrap();
                let told = files.iter().map(|file| format!("{} {} {}", file.name, file.bytes, file.modified));
                told.collect::<Vec<_>>().join("\n")
            }
            Ok(Fetched::NotModified) => "not modified".to_owned(),
            Err(error) => error.to_string(),
        }
    }

    #[tokio::test]
    async fn a_folder_is_its_files_in_the_order_of_their_times() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(listed(&directory.path().join("no")).await, "there is no such file");
        assert_eq!(listed(directory.path()).await, "");
        for (name, seconds) in [("b.csv", 5), ("a.csv", 7), (".hidden", 1), ("c.csv", 5)] {
            let file = std::fs::File::create(directory.path().join(name)).unwrap();
            file.set_modified(std::time::UNIX_EPOCH + std::time::Duration::from_secs(seconds)).unwrap();
        }
        std::fs::create_dir(directory.path().join("done")).unwrap();
        std::os::unix::fs::symlink("/etc/passwd", directory.path().join("link.csv")).unwrap();
        assert_eq!(listed(directory.path()).await, "b.csv 0 5000\nc.csv 0 5000\na.csv 0 7000");
        assert_eq!(listed(&directory.path().join("a.csv")).await, "expected a directory, found a file");
    }
}
