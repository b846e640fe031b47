//! A disk that is slow or fails for a while: a file system in user space that passes everything on to a folder beneath.

mod beneath;
mod mood;
mod names;
mod passing;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use fuser::{BackgroundSession, Config, MountOption};

use self::mood::Mood;
use self::passing::Passing;

/// Operations that are served at once, as by a disk with a queue.
const AT_ONCE: usize = 4;
/// For how long the end of the disk is waited for.
const UNMOUNT_DEADLINE: Duration = Duration::from_secs(10);

/// A mounted disk, unmounted when dropped.
#[derive(Debug)]
pub struct BadDisk {
    mood: Arc<Mood>,
    place: PathBuf,
    session: Option<BackgroundSession>,
}

impl BadDisk {
    /// Mounts the folder `beneath` at `place`, a folder that nothing else uses. `seed` decides how long operations take and which fail.
    pub fn mount(beneath: &Path, place: &Path, seed: u64) -> Self {
        fs_err::create_dir_all(place).expect("the folder of the test can be written to");
        let mood = Arc::new(Mood::new(seed));
        let mut config = Config::default();
        config.mount_options = vec![MountOption::FSName("bad-disk".to_owned())];
        config.n_threads = Some(AT_ONCE);
        let session = fuser::spawn_mount(Passing::new(beneath.to_path_buf(), Arc::clone(&mood)), place, &config);
        let session = session.expect("a bad disk needs /dev/fuse and the right to mount, so root");
        Self { mood, place: place.to_path_buf(), session: Some(session) }
    }

    /// Its root.
    pub fn place(&self) -> &Path {
        &self.place
    }

    /// From now on every operation takes up to twice so long.
    pub fn slow_down(&self, usual: Duration) {
        self.mood.slow_down(usual);
    }

    /// From now on so many of a thousand operations that change something fail.
    pub fn fail(&self, per_mille: u32) {
        self.mood.fail(per_mille);
    }

    /// Operations that failed because they were told to.
    pub fn failures(&self) -> u32 {
        self.mood.failures()
    }

    /// Is as good as the folder beneath again.
    pub fn recover(&self) {
        self.mood.slow_down(Duration::ZERO);
        self.mood.fail(0);
    }
}

impl Drop for BadDisk {
    fn drop(&mut self) {
        self.recover();
        let Some(session) = self.session.take() else { return };
        let (ended, end) = mpsc::channel();
        thread::spawn(move || drop(ended.send(session.umount_and_join())));
        if !matches!(end.recv_timeout(UNMOUNT_DEADLINE), Ok(Ok(()))) {
            // Somebody still uses it: it goes when they do.
            drop(std::process::Command::new("umount").arg("--lazy").arg(&self.place).status());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};

    use super::*;

    fn disk() -> (tempfile::TempDir, BadDisk) {
        let folder = tempfile::tempdir().unwrap();
        let beneath = folder.path().join("beneath");
        fs_err::create_dir(&beneath).unwrap();
        let disk = BadDisk::mount(&beneath, &folder.path().join("place"), 1);
        (folder, disk)
    }

    #[test]
    fn what_is_written_lies_beneath() {
        let (folder, disk) = disk();
        let (place, beneath) = (disk.place().to_path_buf(), folder.path().join("beneath"));
        fs_err::create_dir(place.join("a")).unwrap();
        fs_err::write(place.join("a/f"), vec![7; 300_000]).unwrap();
        fs_err::rename(place.join("a"), place.join("b")).unwrap();
        fs_err::rename(place.join("b/f"), place.join("g")).unwrap();
        assert_eq!(fs_err::read(beneath.join("g")).unwrap(), vec![7; 300_000]);
        let mut file = fs_err::File::options().read(true).append(true).open(place.join("g")).unwrap();
        file.write_all(b"end").unwrap();
        file.sync_all().unwrap();
        fs_err::remove_file(place.join("g")).unwrap();
        let mut text = Vec::new();
        file.read_to_end(&mut text).unwrap();
        assert!(text.is_empty(), "it was read from where it was written");
        assert_eq!(file.metadata().unwrap().len(), 300_003);
        drop(file);
        let names: Vec<_> = crate::tree::list(&place).into_keys().collect();
        assert_eq!(names, ["b"]);
        fs_err::remove_dir(place.join("b")).unwrap();
        assert!(crate::tree::list(&beneath).is_empty());
    }

    #[test]
    fn it_fails_when_told_and_recovers() {
        let (_folder, disk) = disk();
        disk.fail(1000);
        assert!(fs_err::write(disk.place().join("f"), "content").is_err());
        assert!(disk.failures() > 0);
        disk.recover();
        fs_err::write(disk.place().join("f"), "content").unwrap();
        disk.fail(1000);
        assert_eq!(fs_err::read(disk.place().join("f")).unwrap(), b"content", "reading goes on");
    }
}
