//! Constants that lie in files beside the model. Only files within the model's folder are read.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Component, Path, PathBuf};

use crate::proto::TensorProto;

/// Why the data is not read, and what helps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) reason: String,
    pub(crate) remedy: &'static str,
}

const COPY: &str = "copy the data files of the model next to it";
const INSIDE: &str = "save the model again with its data in the model's own folder";
const AGAIN: &str = "export the model again";

/// Reads the `expected` bytes of a tensor from the file it names.
pub(crate) fn read(tensor: &TensorProto, folder: Option<&Path>, expected: usize) -> Result<Vec<u8>, Refusal> {
    let entry = |key: &str| {
        tensor.external_data.iter().find(|e| e.key.as_deref() == Some(key)).and_then(|e| e.value.as_deref())
    };
    let refuse = |reason: String, remedy| Refusal { reason, remedy };
    let number = |key: &str| match entry(key) {
        None | Some("") => Ok(None),
        Some(text) => {
            text.parse::<u64>().map(Some).map_err(|_| refuse(format!("but its {key} `{text}` is not a number"), AGAIN))
        }
    };
    let location = entry("location").ok_or_else(|| refuse("but does not name it".into(), AGAIN))?;
    let offset = number("offset")?.unwrap_or(0);
    if let Some(length) = number("length")?
        && length != expected as u64
    {
        return Err(refuse(format!("`{location}`, as {length} bytes where its shape needs {expected}"), AGAIN));
    }
    let Some(folder) = folder else {
        return Err(refuse(
            format!("`{location}`, which cannot be found for a model given as bytes"),
            "import it by its path",
        ));
    };
    let path = resolve(folder, location)?;
    let io = |error: std::io::Error| refuse(format!("`{location}`, which cannot be read: {error}"), COPY);
    let mut file = File::open(&path).map_err(io)?;
    let metadata = file.metadata().map_err(io)?;
    if !metadata.is_file() {
        return Err(refuse(format!("`{location}`, which is not a regular file"), INSIDE));
    }
    let end = offset.checked_add(expected as u64);
    if end.is_none_or(|end| end > metadata.len()) {
        return Err(refuse(
            format!("`{location}`, which has {} bytes but must have {expected} from byte {offset} on", metadata.len()),
            COPY,
        ));
    }
    file.seek(SeekFrom::Start(offset)).map_err(io)?;
    let mut bytes = vec![0; expected];
    file.read_exact(&mut bytes).map_err(io)?;
    Ok(bytes)
}

/// The path of a file within `folder`: no absolute path, no `..`, no way out through links.
fn resolve(folder: &Path, location: &str) -> Result<PathBuf, Refusal> {
    let outside = || Refusal { reason: format!("`{location}`, which lies outside the model's folder"), remedy: INSIDE };
    let relative = Path::new(location);
    let within = relative.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    // A file from another system may use its separators.
    if !within || location.contains('\\') || location.is_empty() {
        return Err(outside());
    }
    let missing = |error: std::io::Error| Refusal {
        reason: format!("`{location}`, which cannot be read: {error}"),
        remedy: COPY,
    };
    let folder = folder.canonicalize().map_err(missing)?;
    let path = folder.join(relative).canonicalize().map_err(missing)?;
    // Opening a device or a pipe may block or act: look first.
    if !path.metadata().map_err(missing)?.is_file() {
        return Err(Refusal { reason: format!("`{location}`, which is not a regular file"), remedy: INSIDE });
    }
    if path.starts_with(&folder) { Ok(path) } else { Err(outside()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::StringStringEntryProto;

    fn external(entries: &[(&str, &str)]) -> TensorProto {
        let entry = |&(key, value): &(&str, &str)| StringStringEntryProto {
            key: Some(key.to_owned()),
            value: Some(value.to_owned()),
        };
        TensorProto { external_data: entries.iter().map(entry).collect(), ..TensorProto::default() }
    }

    fn reason(entries: &[(&str, &str)], folder: &Path, expected: usize) -> String {
        read(&external(entries), Some(folder), expected).unwrap_err().reason
    }

    #[test]
    fn only_files_within_the_folder_are_read() {
        let outer = tempfile::tempdir().unwrap();
        let folder = outer.path().join("model");
        std::fs::create_dir_all(folder.join("sub")).unwrap();
        std::fs::write(outer.path().join("secret.bin"), [7; 8]).unwrap();
        std::fs::write(folder.join("sub/weights.bin"), [1, 2, 3, 4, 5, 6, 7, 8]).unwrap();
        let read_from = |location: &str| read(&external(&[("location", location)]), Some(&folder), 8);
        assert_eq!(read_from("sub/weights.bin").unwrap(), [1, 2, 3, 4, 5, 6, 7, 8]);
        assert_eq!(read_from("./sub/weights.bin").unwrap().len(), 8);
        for escape in ["../secret.bin", "sub/../../secret.bin", "/etc/hostname", "", "..\\secret.bin"] {
            assert!(read_from(escape).unwrap_err().reason.contains("outside"), "{escape}");
        }
        assert!(read_from("none.bin").unwrap_err().reason.contains("cannot be read"));
        assert!(read_from("sub").unwrap_err().reason.contains("regular"));
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(outer.path().join("secret.bin"), folder.join("link.bin")).unwrap();
            assert!(read_from("link.bin").unwrap_err().reason.contains("outside"));
        }
    }

    #[test]
    fn offset_and_length_are_checked_before_reading() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("w"), [1, 2, 3, 4, 5, 6, 7, 8]).unwrap();
        let at = |offset, length| [("location", "w"), ("offset", offset), ("length", length)];
        assert_eq!(read(&external(&at("4", "4")), Some(folder.path()), 4).unwrap(), [5, 6, 7, 8]);
        assert!(reason(&at("5", "4"), folder.path(), 4).contains("must have"));
        assert!(reason(&at("0", "8"), folder.path(), 4).contains("where its shape needs"));
        assert!(reason(&at("x", "4"), folder.path(), 4).contains("not a number"));
        assert!(reason(&at("18446744073709551615", "4"), folder.path(), 4).contains("must have"));
        assert!(reason(&[("location", "w")], folder.path(), 1 << 60).contains("must have"));
        assert!(read(&external(&[("location", "w")]), None, 4).unwrap_err().reason.contains("as bytes"));
    }
}
