//! What happened in a storm, in numbers.

use core::fmt;
use core::ops::AddAssign;

/// What happened in one storm or several.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Totals {
    /// Storms.
    pub runs: u32,
    /// Operations that were begun.
    pub operations: u32,
    /// Clients that were killed.
    pub client_kills: u32,
    /// Times that the server was killed and started again.
    pub server_kills: u32,
    /// Times of them that what it had not synced was lost.
    pub power_cuts: u32,
    /// Connections, or all connections of a device, that were broken.
    pub cuts: u32,
    /// Times that the server's disk was full.
    pub full_disks: u32,
    /// Times that the server's disk was slow.
    pub slow_disks: u32,
    /// Times that the server's disk failed at random.
    pub failing_disks: u32,
    /// Contents that were acknowledged.
    pub acknowledged: u32,
    /// Bytes of them.
    pub acknowledged_bytes: u64,
    /// Acknowledged contents that a later operation may have removed or replaced, and that are not there.
    pub excused: u32,
    /// Files at the end.
    pub files: u32,
}

impl AddAssign for Totals {
    fn add_assign(&mut self, other: Self) {
        self.runs += other.runs;
        self.operations += other.operations;
        self.client_kills += other.client_kills;
        self.server_kills += other.server_kills;
        self.power_cuts += other.power_cuts;
        self.cuts += other.cuts;
        self.full_disks += other.full_disks;
        self.slow_disks += other.slow_disks;
        self.failing_disks += other.failing_disks;
        self.acknowledged += other.acknowledged;
        self.acknowledged_bytes += other.acknowledged_bytes;
        self.excused += other.excused;
        self.files += other.files;
    }
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { operations, client_kills, server_kills, power_cuts, cuts, .. } = self;
        write!(f, "{operations} operations, {client_kills} + {server_kills} kills of clients and servers, ")?;
        write!(f, "{power_cuts} with a power cut, {cuts} cuts, ")?;
        let Self { full_disks, slow_disks, failing_disks, .. } = self;
        write!(f, "{full_disks} full, {slow_disks} slow and {failing_disks} failing disks; ")?;
        let mib = self.acknowledged_bytes >> 20;
        let Self { acknowledged, excused, files, .. } = self;
        write!(f, "{acknowledged} contents of {mib} MiB acknowledged, of them {excused} removed or replaced, ")?;
        write!(f, "{files} files at the end")
    }
}
