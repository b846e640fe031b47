//! One moment: what the devices have on disk and in memory, what the server has, what was found to be wrong.

use crate::config::{Config, Server};
use crate::tree::{Tree, Version, Versions};

/// Devices of the account.
pub(crate) const DEVICES: usize = 3;
/// Full segments of each file.
pub(crate) const SEGMENTS: u8 = 2;
/// All segments, a bit for each.
pub(crate) const ALL_SEGMENTS: u8 = (1 << SEGMENTS) - 1;

/// A commit, by its place among all that were ever sent, in their order: its hash.
pub(crate) type CommitId = u8;
/// The genesis.
pub(crate) const GENESIS: CommitId = 0;

/// What a device signed. What its fields `prev` and history root say is one thing here, as both name all that came before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Commit {
    pub(crate) seq: u8,
    pub(crate) parent: Option<CommitId>,
    pub(crate) tree: Tree,
    pub(crate) change: Change,
}

/// What a commit is there for; no reader sees that but by the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(crate) struct Change {
    /// The version that it brings.
    pub(crate) put: Option<Version>,
    /// The version that this one was made on.
    pub(crate) predecessor: Option<Version>,
    /// What its operation was meant to take out.
    pub(crate) takes: Versions,
}

/// A commit that lost: the tree it was made on, and its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Attempt {
    pub(crate) base: Tree,
    pub(crate) ours: Tree,
    pub(crate) takes: Versions,
}

/// An operation under way. Of a put, the plan and what it replaces are durable before anything is sent (job and ticket).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Job {
    pub(crate) plan: u8,
    /// The version that stood at the path when it began.
    pub(crate) before: Option<Version>,
    /// In memory: segments that the server said it has.
    pub(crate) stored: u8,
    /// In memory: what lost the compare-and-swap.
    pub(crate) attempt: Option<Attempt>,
    /// In memory: it is done, and not tidied up.
    pub(crate) is_done: bool,
}

/// How what was shown contradicts what was known (`anonicloud_client::space::halt::Contradiction`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Contradiction {
    /// An earlier commit was shown as the newest.
    Older,
    /// Another commit in the same place.
    Replaced,
    /// A later commit that does not go on from the one that was known.
    Forked,
}

/// One device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(crate) struct Device {
    /// On disk: the newest head.
    pub(crate) mark: Option<CommitId>,
    /// On disk: why it writes nothing.
    pub(crate) halted: Option<Contradiction>,
    /// On disk: a person has accepted a loss.
    pub(crate) has_accepted: bool,
    /// In memory: the head that the process acts on. `None` when it has to ask before it goes on.
    pub(crate) head: Option<CommitId>,
    pub(crate) job: Option<Job>,
    /// Plans that it has begun.
    pub(crate) begun: u8,
    /// No device knows this: the head that it acted on last, whatever was lost since.
    pub(crate) seen: Option<CommitId>,
    /// No device knows this: it was shown what contradicts what it had seen.
    pub(crate) was_contradicted: bool,
}

/// What went wrong, a bit for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Finding {
    /// A device took a head older than one it had acted on.
    WentBack,
    /// A device took a head that does not follow from the one it had acted on.
    Crossed,
    /// Two devices that had gone different ways took heads of one history.
    Joined,
    /// A device was shown a head that does not follow, and said nothing.
    Untold,
    /// A device was shown a contradiction, and is not halted.
    Unhalted,
    /// A device that had been shown a contradiction began an operation.
    BegunHalted,
    /// A device that had been shown a contradiction posted a commit.
    PostedHalted,
    /// A device took a head without content that its history has and nobody took out.
    Lost,
    /// A device took a tree that has one version twice.
    Twice,
    /// A device called an honest server a liar.
    FalseAlarm,
    /// A commit was sent before its blobs were known to be stored.
    Unsent,
}

/// One moment.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct State {
    /// Which workload.
    pub(crate) workload: u8,
    pub(crate) commits: Vec<Commit>,
    pub(crate) devices: [Device; DEVICES],
    /// The honest server's head.
    pub(crate) head: CommitId,
    /// Segments that the honest server has, for each plan.
    pub(crate) stored: Vec<u8>,
    /// Versions whose put ended well for a person.
    pub(crate) acknowledged: Versions,
    /// Pairs of devices that have acted on heads of which neither follows the other, a bit for each.
    pub(crate) forked: u8,
    pub(crate) acceptances: u8,
    pub(crate) crashes: u8,
    pub(crate) faults: u8,
    pub(crate) findings: u16,
}

impl State {
    /// The state that a workload begins with: the devices know the first commit, which has an empty tree.
    pub(crate) fn start(config: &Config, workload: u8, plans: usize) -> Self {
        let genesis = Commit { parent: None, seq: 0, tree: Tree::default(), change: Change::default() };
        let device = |number| {
            let mark = Some(GENESIS).filter(|_| !config.is_new(number));
            Device { mark, head: mark.filter(|_| config.asks_in_vain()), seen: mark, ..Device::default() }
        };
        Self {
            workload,
            commits: vec![genesis],
            devices: std::array::from_fn(device),
            head: GENESIS,
            stored: if config.server == Server::Honest { vec![0; plans] } else { Vec::new() },
            acknowledged: Versions::default(),
            forked: 0,
            acceptances: config.acceptances,
            crashes: config.crashes,
            faults: config.faults,
            findings: 0,
        }
    }

    pub(crate) fn device(&self, number: usize) -> &Device {
        self.devices.get(number).expect("there are as many devices as numbers")
    }

    pub(crate) fn device_mut(&mut self, number: usize) -> &mut Device {
        self.devices.get_mut(number).expect("there are as many devices as numbers")
    }

    pub(crate) const fn note(&mut self, finding: Finding) {
        self.findings |= 1 << finding as u16;
    }

    pub(crate) const fn has(&self, finding: Finding) -> bool {
        self.findings & 1 << finding as u16 != 0
    }
}
