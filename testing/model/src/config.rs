//! What is explored: the plans of the devices, the bounds, the server, the checks that are taken out.

use crate::state::{DEVICES, State};

/// What a device sets out to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// Puts a new version at a path.
    Put(u8),
    /// Removes what is at a path.
    Remove(u8),
}

/// An operation and the device that does it. A device does its own in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// Which device.
    pub device: usize,
    /// What it does; of a put, the place of the plan in the workload names the version.
    pub operation: Operation,
}

/// A check of the product that a run can do without.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Check {
    /// A head is durable before it is acted on.
    MarkDurable,
    /// A process begins with the head that the device has kept.
    MarkRead,
    /// An answer older than the mark, or another one in its place, is refused.
    Behind,
    /// A head with the number after the mark names the mark, whether a log comes with it or not.
    Successor,
    /// A commit of the log names the one before it.
    Prev,
    /// A commit of the log names the root over all commits before it.
    History,
    /// The log that is read passes the head that was shown.
    LogEnd,
    /// What contradicts the mark halts the space.
    Halt,
    /// A log that ends early halts nothing.
    EarlyEnd,
    /// What contradicts the mark is not read any further.
    ShownLeft,
    /// The halt is durable before the error is told.
    HaltDurable,
    /// A halted device begins nothing.
    HaltAtBegin,
    /// A halted device posts nothing, also of what is under way.
    HaltAtPost,
    /// A refused compare-and-swap is no success.
    CasHeeded,
    /// Who lost the compare-and-swap merges.
    Merge,
    /// An edit says what stood at its path.
    Before,
    /// A version that the tree has is not put again.
    AlreadyThere,
    /// A commit waits for the answers to all of its blobs.
    BlobsAwaited,
    /// Who is told that a blob is missing asks what is there, and sends it.
    MissingHeeded,
    /// The honest server takes a commit on its head alone.
    ServerSwap,
    /// The honest server takes a commit whose blobs are there.
    ServerPresence,
}

/// Who answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Server {
    /// One that keeps the rules; answers are lost, uploads run out.
    Honest,
    /// One that keeps every commit it was ever sent and answers each request with whatever of it suits it.
    Lying,
}

/// One exploration.
#[derive(Debug, Clone)]
pub struct Config {
    /// Who answers.
    pub server: Server,
    /// What the devices may set out to do; each is a start of its own.
    pub workloads: Vec<Vec<Plan>>,
    /// Whether the last device is new: it knows no head, and takes the first one it is shown.
    pub last_is_new: bool,
    /// Times that a process may end in the middle. With a lying server one is as many as there are.
    pub crashes: u8,
    /// Answers that may be lost and uploads that may run out, with an honest server.
    pub faults: u8,
    /// Losses that a person may accept.
    pub acceptances: u8,
    /// Commits that may ever be sent, the first of the space among them.
    pub commits: usize,
    /// The checks that are taken out.
    pub without: Vec<Check>,
}

impl Config {
    /// Whether `check` is made.
    pub(crate) fn has(&self, check: Check) -> bool {
        !self.without.contains(&check)
    }

    /// Whether a device that has to ask for the head before it goes on may as well go on with the one it has kept: a lying
    /// server may show it just that, and any other answer may as well come later.
    pub(crate) fn asks_in_vain(&self) -> bool {
        self.server == Server::Lying && self.has(Check::MarkDurable) && self.has(Check::MarkRead)
    }

    /// Whether a device begins without a head.
    pub(crate) const fn is_new(&self, device: usize) -> bool {
        self.last_is_new && device + 1 == DEVICES
    }

    /// The plan with this number.
    pub(crate) fn operation(&self, state: &State, plan: u8) -> Operation {
        let plans = self.workloads.get(usize::from(state.workload)).expect("a state is of one of the workloads");
        plans.get(usize::from(plan)).expect("a job is of one of the plans").operation
    }

    /// The number of the plan that a device begins next.
    pub(crate) fn next_plan(&self, state: &State, device: usize) -> Option<u8> {
        let plans = self.workloads.get(usize::from(state.workload))?;
        let mut own = (0_u8..).zip(plans).filter(|(_, plan)| plan.device == device);
        own.nth(usize::from(state.device(device).begun)).map(|(number, _)| number)
    }
}
