//! A disk that is slow or fails for a while, or loses what is not synced: a file system in user space that passes everything on to a folder beneath.

mod beneath;
mod mood;
mod names;
mod passing;
mod unsynced;

use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use fuser::{BackgroundSession, Config, MountOption};

use self::mood::Mood;
use self::passing::Passing;
use self::unsynced::Unsynced;

/// Operations that are served at once, as by a disk with a queue.
const AT_ONCE: usize = 4;
/// For how long the end of the disk is waited for. Who made a mount namespace meanwhile has it until that ends, so it may
/// not come; what was under way when the last user died is over by then.
const UNMOUNT_DEADLINE: Duration = Duration::from_secs(1);

/// A mounted disk, unmounted when dropped.
#[derive(Debug)]
pub struct BadDisk {
    mood: Arc<Mood>,
    unsynced: Arc<Mutex<Unsynced>>,
    shown: PathBuf,
    place: PathBuf,
    session: Option<BackgroundSession>,
}

impl BadDisk {
    /// Mounts what is in the folder `beneath` at `place`, a folder that nothing else uses. `seed` decides how long operations take and which fail.
    pub fn mount(beneath: &Path, place: &Path, seed: u64) -> Self {
        fs_err::create_dir_all(place).expect("the folder of the test can be written to");
        let (shown, removed) = unsynced::folders(beneath);
        let (mood, unsynced) = (Arc::new(Mood::new(seed)), Arc::new(Mutex::new(Unsynced::new(removed))));
        let mut disk = Self { mood, unsynced, shown, place: place.to_path_buf(), session: None };
        disk.show();
        disk
    }

    fn show(&mut self) {
        let mut config = Config::default();
        config.mount_options = vec![MountOption::FSName("bad-disk".to_owned())];
        config.n_threads = Some(AT_ONCE);
        let passing = Passing::new(self.shown.clone(), Arc::clone(&self.mood), Arc::clone(&self.unsynced));
        let session = fuser::spawn_mount(passing, &self.place, &config);
        self.session = Some(session.expect("a bad disk needs /dev/fuse and the right to mount, so root"));
    }

    /// The power goes and comes back: of what nobody has synced all is lost, or some; `seed` says what. Nobody may use the disk.
    pub fn lose_power(&mut self, seed: u64) {
        self.hide();
        lock(&self.unsynced).lose(seed).expect("what is beneath a disk can be written to");
        self.show();
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

    fn hide(&mut self) {
        self.recover();
        let Some(session) = self.session.take() else { return };
        let (ended, end) = mpsc::channel();
        thread::spawn(move || drop(ended.send(session.umount_and_join())));
        if !matches!(end.recv_timeout(UNMOUNT_DEADLINE), Ok(Ok(()))) {
            // If it is still there, somebody uses it: it goes when they do.
            let mut unmount = std::process::Command::new("umount");
            drop(unmount.arg("--lazy").arg(&self.place).stderr(std::process::Stdio::null()).status());
        }
    }
}

impl Drop for BadDisk {
    fn drop(&mut self) {
        self.hide();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
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
        let (place, beneath) = (disk.place().to_path_buf(), folder.path().join("beneath/shown"));
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

    fn cut_at(folder: &tempfile::TempDir, seed: u64) -> BadDisk {
        let beneath = folder.path().join(seed.to_string());
        fs_err::create_dir(&beneath).unwrap();
        let disk = BadDisk::mount(&beneath, &folder.path().join("place"), seed);
        let place = disk.place();
        fs_err::write(place.join("replaced"), vec![1; 10_000]).unwrap();
        fs_err::write(place.join("removed"), vec![2; 10_000]).unwrap();
        for name in ["replaced", "removed", ""] {
            fs_err::File::open(place.join(name)).unwrap().sync_all().unwrap();
        }
        disk
    }

    #[test]
    fn what_is_synced_survives_a_power_cut() {
        let folder = tempfile::tempdir().unwrap();
        for seed in 0..20 {
            let mut disk = cut_at(&folder, seed);
            let place = disk.place().to_path_buf();
            fs_err::write(place.join("new"), vec![3; 10_000]).unwrap();
            fs_err::remove_file(place.join("removed")).unwrap();
            fs_err::rename(place.join("new"), place.join("replaced")).unwrap();
            for name in ["replaced", ""] {
                fs_err::File::open(place.join(name)).unwrap().sync_all().unwrap();
            }
            disk.lose_power(seed);
            assert_eq!(fs_err::read(place.join("replaced")).unwrap(), vec![3; 10_000], "{seed}");
            assert_eq!(crate::tree::list(&place).into_keys().collect::<Vec<_>>(), ["replaced"], "{seed}");
        }
    }

    #[test]
    fn what_is_not_synced_may_be_lost_in_part() {
        let folder = tempfile::tempdir().unwrap();
        let mut found = std::collections::BTreeSet::new();
        for seed in 0..60 {
            let mut disk = cut_at(&folder, seed);
            let place = disk.place().to_path_buf();
            let mut file = fs_err::File::options().write(true).open(place.join("replaced")).unwrap();
            file.write_all(&[4; 8192]).unwrap();
            fs_err::remove_file(place.join("removed")).unwrap();
            fs_err::write(place.join("new"), "new").unwrap();
            fs_err::File::open(place.join("new")).unwrap().sync_all().unwrap();
            drop(file);
            disk.lose_power(seed);
            let bytes = fs_err::read(place.join("replaced")).unwrap();
            assert_eq!(bytes.len(), 10_000);
            assert_eq!(bytes[8192..], [1; 10_000 - 8192], "what was not written to is as it was");
            let is_new = [0, 4095, 4096, 8191].map(|place| bytes[place] == 4);
            let names: Vec<_> = crate::tree::list(&place).into_keys().collect();
            if names.iter().any(|name| name == "removed") {
                assert_eq!(fs_err::read(place.join("removed")).unwrap(), vec![2; 10_000]);
                assert!(!names.iter().any(|name| name == "new"), "the newest change is lost first");
            }
            found.insert((is_new, names.len()));
        }
        // All, none, one page alone, a torn one; both names changed, one, none.
        for expected in [[true; 4], [false; 4], [true, true, false, false], [false, true, true, true]] {
            assert!(found.iter().any(|(is_new, _)| *is_new == expected), "{expected:?} of {found:?}");
        }
        assert!([1, 2].iter().all(|count| found.iter().any(|(_, names)| names == count)), "{found:?}");
    }
}
