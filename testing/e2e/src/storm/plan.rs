//! What a device will do, all of it from the seed.

use super::content::Content;
use crate::content::Generated;
use crate::wire::{Kind, Moment};

/// Folders that are there at the begin. The first is never moved or removed, so what is put there can only be replaced.
pub(super) const FOLDERS: [&str; 5] = ["/s", "/a", "/b", "/a/c", "/b/d"];
/// Folders that are moved, copied and removed with all that is in them.
const UNSTEADY: [&str; 5] = ["/a/c", "/b/d", "/b/g0", "/a/g1", "/b"];
/// Names of files in each folder that all devices write to.
const SHARED_NAMES: u64 = 4;
/// Names of folders that all devices send.
const SHARED_FOLDERS: u64 = 2;
const MIB: u64 = 1 << 20;

/// One thing that a device does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Operation {
    /// Sends a file.
    PutFile {
        content: Content,
        target: String,
    },
    /// Sends what it reads from stdin.
    PutStream {
        content: Content,
        target: String,
    },
    /// Sends a folder `name` into `into`.
    PutFolder {
        name: String,
        files: Vec<(String, Content)>,
        into: String,
    },
    /// Types the last `put` of a file or folder again.
    Again,
    MakeFolder {
        path: String,
    },
    Move {
        from: String,
        to: String,
    },
    Copy {
        from: String,
        to: String,
    },
    Remove {
        path: String,
    },
    Get {
        path: String,
    },
    /// Gives back at once what nothing refers to.
    Reclaim,
    Resume,
}

/// What happens to an operation while it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Calm,
    /// SIGKILL at the moment.
    Killed(Moment),
    /// All its connections end at the moment.
    Cut(Moment),
}

/// An operation and what happens to it.
#[derive(Debug, Clone)]
pub(super) struct Step {
    pub(super) operation: Operation,
    pub(super) fate: Fate,
}

/// The dice of one device.
pub(super) struct Planner {
    random: Generated,
    device: u32,
    /// Numbers of contents and names that no other step uses.
    next: u64,
    /// The large file that it sent last, and where to.
    large: Option<(Content, String)>,
}

impl Planner {
    pub(super) fn new(seed: u64, device: u32) -> Self {
        let random = Generated::new(seed.wrapping_mul(1009).wrapping_add(u64::from(device)), 0);
        Self { random, device, next: 0, large: None }
    }

    pub(super) fn step(&mut self) -> Step {
        let operation = self.operation();
        let fate = self.fate(&operation);
        Step { operation, fate }
    }

    fn operation(&mut self) -> Operation {
        match self.random.below(100) {
            0..36 => self.put_file(),
            36..40 => Operation::PutStream { content: self.content(), target: self.file() },
            40..52 => self.put_folder(),
            52..56 => Operation::Again,
            56..61 => Operation::MakeFolder { path: self.folder().to_owned() },
            61..73 => self.relocation(|from, to| Operation::Move { from, to }),
            73..77 => self.relocation(|from, to| Operation::Copy { from, to }),
            77..86 => Operation::Remove { path: self.shared_file() },
            86..88 => Operation::Remove { path: self.unsteady().to_owned() },
            88..93 => Operation::Get { path: self.wanted() },
            93..96 => Operation::Reclaim,
            _ => Operation::Resume,
        }
    }

    fn fate(&mut self, operation: &Operation) -> Fate {
        match self.random.below(100) {
            0..22 => Fate::Killed(self.moment(operation)),
            22..36 => Fate::Cut(self.moment(operation)),
            _ => Fate::Calm,
        }
    }

    fn moment(&mut self, operation: &Operation) -> Moment {
        let random = &mut self.random;
        if matches!(operation, Operation::Get { .. }) {
            return Moment::Received(random.below(6 * MIB));
        }
        let bytes = match operation {
            Operation::PutFile { content, .. } | Operation::PutStream { content, .. } => content.size + 40_000,
            Operation::PutFolder { files, .. } => files.iter().map(|(_, content)| content.size).sum::<u64>() + 40_000,
            _ => 30_000,
        };
        match random.below(8) {
            0 | 1 => Moment::Sent(random.below(bytes)),
            2 => Moment::Received(random.below(20_000)),
            3 => Moment::Arrives(Kind::Commit, 1),
            4 | 5 => Moment::Answer(Kind::Commit, 1),
            6 => Moment::Answer(Kind::PutBlob, 1),
            _ => Moment::Body(Kind::PutBlob, 1, random.below(bytes)),
        }
    }

    fn put_file(&mut self) -> Operation {
        if let Some((before, target)) = self.large.clone()
            && self.one_in(12)
        {
            let mut content = self.content();
            let same = before.size.min(4 * MIB);
            content.like = Some((before.seed, same));
            content.size = same + 1 + self.random.below(MIB);
            return Operation::PutFile { content, target };
        }
        let (content, target) = (self.content(), self.file());
        if content.size > 4 * MIB {
            self.large = Some((content, target.clone()));
        }
        Operation::PutFile { content, target }
    }

    fn put_folder(&mut self) -> Operation {
        let name = format!("g{}", self.random.below(SHARED_FOLDERS));
        let into = format!("{}/", self.folder());
        let files = (0..2 + self.random.below(14)).map(|number| {
            let name = if self.one_in(2) { format!("n{number}") } else { format!("u{}-{}", self.device, self.next) };
            (name, self.content())
        });
        Operation::PutFolder { name, files: files.collect(), into }
    }

    fn relocation(&mut self, make: impl Fn(String, String) -> Operation) -> Operation {
        if self.one_in(4) {
            let from = self.unsteady().to_owned();
            let to = if self.one_in(2) { format!("{}/", self.folder()) } else { self.own_name("/s", "m") };
            return make(from, to);
        }
        let from = self.shared_file();
        make(from, self.file())
    }

    fn content(&mut self) -> Content {
        let size = match self.random.below(40) {
            0..32 => 16 + self.random.below(60_000),
            32..38 => 100_000 + self.random.below(2 * MIB),
            _ => 4 * MIB + 1 + self.random.below(4 * MIB),
        };
        self.next += 1;
        // Contents differ by more than a bit, or their streams might begin alike.
        let seed = (u64::from(self.device) << 40 | self.next << 8) + 1;
        Content { seed, size, like: None }
    }

    /// What is worth getting: most of it is there.
    fn wanted(&mut self) -> String {
        match (self.random.below(3), &self.large) {
            (0, Some((_, target))) => target.clone(),
            (1, _) => self.folder().to_owned(),
            _ => self.shared_file(),
        }
    }

    fn file(&mut self) -> String {
        if self.one_in(2) {
            return self.shared_file();
        }
        let folder = self.folder();
        self.own_name(folder, "u")
    }

    fn shared_file(&mut self) -> String {
        format!("{}/f{}", self.folder(), self.random.below(SHARED_NAMES))
    }

    fn own_name(&mut self, folder: &str, kind: &str) -> String {
        self.next += 1;
        format!("{folder}/{kind}{}-{}", self.device, self.next)
    }

    fn folder(&mut self) -> &'static str {
        FOLDERS[self.below(FOLDERS.len())]
    }

    fn unsteady(&mut self) -> &'static str {
        UNSTEADY[self.below(UNSTEADY.len())]
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.random.below(bound as u64)).expect("less than a usize")
    }

    fn one_in(&mut self, chances: u64) -> bool {
        self.random.below(chances) == 0
    }
}
