use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

/// Writes a file: first under a temporary name beside it, then renamed, so that no partial file is ever seen.
///
/// A link keeps pointing to where it points, and what lies there is replaced. A device or a pipe (`/dev/null`, `/dev/stdout`)
/// takes the bytes as they come: a name put over it would take its place.
///
/// # Errors
/// The system's, when the folder is not there or full, or may not be written.
pub fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let target = path.canonicalize();
    let path = target.as_deref().unwrap_or(path);
    if let Ok(there) = path.metadata()
        && !there.is_file()
        && !there.is_dir()
    {
        return File::options().write(true).open(path)?.write_all(bytes);
    }
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new().prefix(".snn-").tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    // a temporary file is private; the result is as readable as any file the user makes
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        file.as_file().set_permissions(std::fs::Permissions::from_mode(0o644))?;
    }
    file.persist(path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_as_a_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        write_whole(&path, b"one").unwrap();
        write_whole(&path, b"two").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"two");
        assert!(write_whole(&folder.path().join("nowhere/file"), b"one").is_err());
        // a folder is no file to replace, and nothing temporary stays behind
        assert!(write_whole(folder.path(), b"one").is_err());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_and_devices_stay_what_they_are() {
        use std::os::unix::fs::FileTypeExt;
        let folder = tempfile::tempdir().unwrap();
        let (file, link, device) =
            (folder.path().join("file"), folder.path().join("link"), folder.path().join("device"));
        std::fs::write(&file, b"old").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        write_whole(&link, b"new").unwrap();
        assert_eq!(std::fs::read(&file).unwrap(), b"new");
        assert!(link.symlink_metadata().unwrap().is_symlink());
        // through a link: a mistake here would replace the link, not the machine's device
        std::os::unix::fs::symlink("/dev/null", &device).unwrap();
        write_whole(&device, b"gone").unwrap();
        assert!(device.symlink_metadata().unwrap().is_symlink());
        assert!(device.metadata().unwrap().file_type().is_char_device());
    }
}
