//! The file system of a bad disk: every operation is done on the folder beneath, when and if the mood allows.
#![expect(clippy::disallowed_methods, reason = "the kernel gets the number of an error, which fs_err keeps to itself")]

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use fuser::{
    BsdFileFlags, Errno, FileAttr, FileHandle, FileType, Filesystem, FopenFlags, Generation, INodeNo, LockOwner,
    OpenFlags, RenameFlags, ReplyAttr, ReplyCreate, ReplyData, ReplyDirectory, ReplyEmpty, ReplyEntry, ReplyOpen,
    ReplyWrite, Request, TimeOrNow, WriteFlags,
};

use super::beneath::{attributes, read_at};
use super::lock;
use super::mood::{Failed, Mood};
use super::names::Names;
use super::unsynced::Unsynced;

/// For how long the kernel may believe what it was told. Nobody else changes what lies beneath.
const TTL: Duration = Duration::from_mins(1);

/// An entry of a folder that is being read.
type Listed = (INodeNo, FileType, OsString);

pub(super) struct Passing {
    mood: Arc<Mood>,
    names: Mutex<Names>,
    unsynced: Arc<Mutex<Unsynced>>,
    files: Mutex<HashMap<u64, Arc<File>>>,
    folders: Mutex<HashMap<u64, Arc<Vec<Listed>>>>,
    next_handle: AtomicU64,
}

impl Passing {
    pub(super) fn new(root: PathBuf, mood: Arc<Mood>, unsynced: Arc<Mutex<Unsynced>>) -> Self {
        let (files, folders) = (Mutex::default(), Mutex::default());
        Self { mood, names: Mutex::new(Names::new(root)), unsynced, files, folders, next_handle: AtomicU64::new(1) }
    }

    fn path(&self, number: INodeNo) -> Result<PathBuf, Failed> {
        lock(&self.names).path(number.0).ok_or(Failed(Errno::ENOENT))
    }

    fn path_in(&self, folder: INodeNo, name: &OsStr) -> Result<PathBuf, Failed> {
        lock(&self.names).path_in(folder.0, name).ok_or(Failed(Errno::ENOENT))
    }

    fn file(&self, handle: FileHandle) -> Result<Arc<File>, Failed> {
        lock(&self.files).get(&handle.0).cloned().ok_or(Failed(Errno::EBADF))
    }

    fn keep(&self, file: File) -> FileHandle {
        let handle = self.next_handle.fetch_add(1, Ordering::SeqCst);
        lock(&self.files).insert(handle, Arc::new(file));
        FileHandle(handle)
    }

    fn entry(&self, folder: INodeNo, name: &OsStr) -> Result<FileAttr, Failed> {
        let metadata = fs::symlink_metadata(self.path_in(folder, name)?)?;
        Ok(attributes(lock(&self.names).number(folder.0, name), &metadata))
    }

    fn attributes(&self, number: INodeNo, handle: Option<FileHandle>) -> Result<FileAttr, Failed> {
        let metadata = match handle.map(|handle| self.file(handle)) {
            Some(Ok(file)) => file.metadata()?,
            _ => fs::symlink_metadata(self.path(number)?)?,
        };
        Ok(attributes(number.0, &metadata))
    }

    fn list(&self, folder: INodeNo) -> Result<Vec<Listed>, Failed> {
        let mut listed = Vec::new();
        for entry in fs::read_dir(self.path(folder)?)? {
            let entry = entry?;
            let number = lock(&self.names).number(folder.0, &entry.file_name());
            let kind = FileType::from_std(entry.file_type()?).unwrap_or(FileType::RegularFile);
            listed.push((INodeNo(number), kind, entry.file_name()));
        }
        Ok(listed)
    }

    fn resize(&self, number: INodeNo, handle: Option<FileHandle>, size: u64) -> Result<(), Failed> {
        let file = match handle {
            Some(handle) => self.file(handle)?,
            None => Arc::new(File::options().read(true).write(true).open(self.path(number)?)?),
        };
        lock(&self.unsynced).before_resize(number.0, &file, size)?;
        Ok(file.set_len(size)?)
    }
}

/// The operations that a server uses; all others are refused as unknown.
impl Filesystem for Passing {
    fn lookup(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        self.mood.take_time();
        match self.entry(parent, name) {
            Ok(attributes) => reply.entry(&TTL, &attributes, Generation(0)),
            Err(Failed(error)) => reply.error(error),
        }
    }

    fn getattr(&self, _: &Request, ino: INodeNo, fh: Option<FileHandle>, reply: ReplyAttr) {
        match self.attributes(ino, fh) {
            Ok(attributes) => reply.attr(&TTL, &attributes),
            Err(Failed(error)) => reply.error(error),
        }
    }

    fn setattr(
        &self,
        _: &Request,
        ino: INodeNo,
        mode: Option<u32>,
        _: Option<u32>,
        _: Option<u32>,
        size: Option<u64>,
        _: Option<TimeOrNow>,
        _: Option<TimeOrNow>,
        _: Option<SystemTime>,
        fh: Option<FileHandle>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<BsdFileFlags>,
        reply: ReplyAttr,
    ) {
        let done = self.mood.change().and_then(|()| {
            if let Some(size) = size {
                self.resize(ino, fh, size)?;
            }
            if let Some(mode) = mode {
                fs::set_permissions(self.path(ino)?, fs::Permissions::from_mode(mode & 0o7777))?;
            }
            self.attributes(ino, fh)
        });
        match done {
            Ok(attributes) => reply.attr(&TTL, &attributes),
            Err(Failed(error)) => reply.error(error),
        }
    }

    fn mkdir(&self, _: &Request, parent: INodeNo, name: &OsStr, mode: u32, _: u32, reply: ReplyEntry) {
        let done = self.mood.change().and_then(|()| {
            let path = self.path_in(parent, name)?;
            fs::DirBuilder::new().mode(mode).create(&path)?;
            lock(&self.unsynced).made(parent.0, path);
            self.entry(parent, name)
        });
        match done {
            Ok(attributes) => reply.entry(&TTL, &attributes, Generation(0)),
            Err(Failed(error)) => reply.error(error),
        }
    }

    fn unlink(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        answer(
            reply,
            self.mood.change().and_then(|()| {
                let path = self.path_in(parent, name)?;
                let mut names = lock(&self.names);
                let number = names.number(parent.0, name);
                lock(&self.unsynced).remove(parent.0, number, path)?;
                names.remove(parent.0, name);
                Ok(())
            }),
        );
    }

    fn rmdir(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        answer(
            reply,
            self.mood.change().and_then(|()| {
                fs::remove_dir(self.path_in(parent, name)?)?;
                lock(&self.names).remove(parent.0, name);
                Ok(())
            }),
        );
    }

    fn rename(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        newparent: INodeNo,
        newname: &OsStr,
        flags: RenameFlags,
        reply: ReplyEmpty,
    ) {
        answer(
            reply,
            self.mood.change().and_then(|()| {
                if !flags.is_empty() {
                    return Err(Failed(Errno::EINVAL));
                }
                let mut names = lock(&self.names);
                let from = names.path_in(parent.0, name).ok_or(Failed(Errno::ENOENT))?;
                let to = names.path_in(newparent.0, newname).ok_or(Failed(Errno::ENOENT))?;
                let over = to.is_file().then(|| names.number(newparent.0, newname));
                lock(&self.unsynced).rename([parent.0, newparent.0], from, to, over)?;
                names.rename((parent.0, name), (newparent.0, newname));
                Ok(())
            }),
        );
    }

    fn open(&self, _: &Request, ino: INodeNo, _: OpenFlags, reply: ReplyOpen) {
        let opened = self.path(ino).and_then(|path| Ok(File::options().read(true).write(true).open(path)?));
        match opened {
            Ok(file) => reply.opened(self.keep(file), FopenFlags::empty()),
            Err(Failed(error)) => reply.error(error),
        }
    }

    fn create(&self, _: &Request, parent: INodeNo, name: &OsStr, mode: u32, _: u32, _: i32, reply: ReplyCreate) {
        let done = self.mood.change().and_then(|()| {
            let path = self.path_in(parent, name)?;
            let is_new = !path.exists();
            let mut options = File::options();
            let file = options.read(true).write(true).create(true).truncate(false).mode(mode).open(&path)?;
            if is_new {
                lock(&self.unsynced).made(parent.0, path);
            }
            Ok((self.keep(file), self.entry(parent, name)?))
        });
        match done {
            Ok((handle, attributes)) => reply.created(&TTL, &attributes, Generation(0), handle, FopenFlags::empty()),
            Err(Failed(error)) => reply.error(error),
        }
    }

    fn read(
        &self,
        _: &Request,
        _: INodeNo,
        fh: FileHandle,
        offset: u64,
        size: u32,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyData,
    ) {
        self.mood.take_time();
        match self.file(fh).and_then(|file| Ok(read_at(&file, offset, size)?)) {
            Ok(bytes) => reply.data(&bytes),
            Err(Failed(error)) => reply.error(error),
        }
    }

    fn write(
        &self,
        _: &Request,
        ino: INodeNo,
        fh: FileHandle,
        offset: u64,
        data: &[u8],
        _: WriteFlags,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        let done = self.mood.change().and_then(|()| {
            let file = self.file(fh)?;
            lock(&self.unsynced).before_write(ino.0, &file, offset, data.len() as u64)?;
            Ok(file.write_all_at(data, offset)?)
        });
        match done {
            Ok(()) => reply.written(u32::try_from(data.len()).unwrap_or(u32::MAX)),
            Err(Failed(error)) => reply.error(error),
        }
    }

    fn flush(&self, _: &Request, _: INodeNo, _: FileHandle, _: LockOwner, reply: ReplyEmpty) {
        reply.ok();
    }

    fn release(
        &self,
        _: &Request,
        _: INodeNo,
        fh: FileHandle,
        _: OpenFlags,
        _: Option<LockOwner>,
        _: bool,
        reply: ReplyEmpty,
    ) {
        lock(&self.files).remove(&fh.0);
        reply.ok();
    }

    fn fsync(&self, _: &Request, ino: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        answer(reply, self.mood.change().map(|()| lock(&self.unsynced).file_synced(ino.0)));
    }

    fn fsyncdir(&self, _: &Request, ino: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        answer(reply, self.mood.change().map(|()| lock(&self.unsynced).folder_synced(ino.0)));
    }

    fn opendir(&self, _: &Request, ino: INodeNo, _: OpenFlags, reply: ReplyOpen) {
        self.mood.take_time();
        match self.list(ino) {
            Ok(listed) => {
                let handle = self.next_handle.fetch_add(1, Ordering::SeqCst);
                lock(&self.folders).insert(handle, Arc::new(listed));
                reply.opened(FileHandle(handle), FopenFlags::empty());
            }
            Err(Failed(error)) => reply.error(error),
        }
    }

    fn readdir(&self, _: &Request, _: INodeNo, fh: FileHandle, offset: u64, mut reply: ReplyDirectory) {
        let listed = lock(&self.folders).get(&fh.0).cloned().unwrap_or_default();
        let entries = (1..).zip(listed.iter()).skip(usize::try_from(offset).unwrap_or(usize::MAX));
        // What is added last ends the buffer.
        entries.take_while(|(next, (number, kind, name))| !reply.add(*number, *next, *kind, name)).for_each(drop);
        reply.ok();
    }

    fn releasedir(&self, _: &Request, _: INodeNo, fh: FileHandle, _: OpenFlags, reply: ReplyEmpty) {
        lock(&self.folders).remove(&fh.0);
        reply.ok();
    }
}

fn answer(reply: ReplyEmpty, done: Result<(), Failed>) {
    match done.err() {
        None => reply.ok(),
        Some(Failed(error)) => reply.error(error),
    }
}
