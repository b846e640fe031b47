//! What breaks beside the devices: the server, its disk, the network. All of it from the seed, counted in operations.

use std::io::Write as _;
use std::thread;
use std::time::Duration;

use super::journal::Journal;
use super::totals::Totals;
use crate::bad_disk::BadDisk;
use crate::content::Generated;
use crate::disk::SmallDisk;
use crate::wire::{Faults, Wire};
use crate::world::World;

/// How often it is seen how far the devices are.
const LOOK: Duration = Duration::from_millis(2);
/// About as long as a short operation takes.
const WITHIN: Duration = Duration::from_millis(120);
/// What fills a disk.
const BALLAST: &str = "ballast";
const PIECE: usize = 256 << 10;

/// The world that the weather acts on.
pub(super) struct Weather<'a> {
    pub(super) world: &'a mut World,
    /// Beneath the server's disk.
    pub(super) small: &'a SmallDisk,
    /// The server's disk.
    pub(super) disk: &'a mut BadDisk,
    pub(super) wires: Vec<Wire>,
    pub(super) journal: &'a Journal,
    pub(super) random: Generated,
    pub(super) totals: &'a mut Totals,
}

impl Weather<'_> {
    /// Breaks one thing after the other until the devices have done all of theirs; then nothing is broken any more.
    pub(super) fn act(&mut self) {
        let devices = u32::try_from(self.wires.len()).unwrap_or(u32::MAX);
        loop {
            let pause = 1 + self.below(2 * devices);
            if !self.wait_for(pause) {
                break;
            }
            match self.below(14) {
                0..2 => self.kill_server(),
                2..5 => self.cut_power(),
                5 => self.cut_all(),
                6..8 => self.bad_network(),
                8..10 => self.full_disk(),
                10..12 => self.slow_disk(),
                _ => self.failing_disk(),
            }
        }
        for wire in &self.wires {
            wire.misbehave(None);
            self.totals.cuts += wire.faults();
        }
    }

    fn kill_server(&mut self) {
        self.wait_within();
        self.stop_server();
        self.start_server();
    }

    /// The server dies with all that it has not synced.
    fn cut_power(&mut self) {
        self.wait_within();
        self.stop_server();
        let seed = self.random.below(u64::MAX);
        self.disk.lose_power(seed);
        self.totals.power_cuts += 1;
        self.start_server();
    }

    fn stop_server(&mut self) {
        self.world.kill_server();
        self.cut_wires();
        self.totals.server_kills += 1;
    }

    fn start_server(&mut self) {
        self.world.start_server();
        let address = self.world.server().address();
        self.wires.iter().for_each(|wire| wire.lead_to(address));
    }

    fn cut_all(&mut self) {
        self.cut_wires();
        self.totals.cuts += 1;
    }

    fn cut_wires(&self) {
        self.wires.iter().for_each(Wire::break_connections);
    }

    /// The connections of one device break for a while: each drops, stalls or resets.
    fn bad_network(&mut self) {
        let chosen = self.below(u32::try_from(self.wires.len()).unwrap_or(1)) as usize;
        let most = 20_000 + self.random.below(3 << 20);
        let faults = Faults::new(self.random.below(u64::MAX), 2_000, most);
        self.wires[chosen].misbehave(Some(faults));
        let pause = 1 + self.below(4);
        self.wait_for(pause);
        self.wires[chosen].misbehave(None);
    }

    /// Next to nothing more can be written to the disk of the server for a while.
    fn full_disk(&mut self) {
        let ballast = self.small.path().join(BALLAST);
        let mut file = fs_err::File::create(&ballast).expect("an empty file fits");
        let piece = vec![0; PIECE];
        while file.write_all(&piece).is_ok() {}
        let room = self.random.below(3 << 20);
        let len = file.metadata().expect("it was just written").len();
        file.set_len(len.saturating_sub(room)).expect("a file can be made shorter");
        self.totals.full_disks += 1;
        let pause = 1 + self.below(4);
        self.wait_for(pause);
        let dies = self.below(4) == 0;
        if dies {
            self.stop_server();
        }
        fs_err::remove_file(&ballast).expect("a file can be removed");
        if dies {
            self.start_server();
        }
    }

    /// Whatever the server does with its disk takes milliseconds for a while.
    fn slow_disk(&mut self) {
        self.disk.slow_down(Duration::from_micros(200 + self.random.below(8_000)));
        self.totals.slow_disks += 1;
        let pause = 1 + self.below(4);
        self.wait_for(pause);
        self.disk.recover();
    }

    /// Some of what the server writes or syncs fails for a while.
    fn failing_disk(&mut self) {
        let per_mille = 5 + self.below(200);
        self.disk.fail(per_mille);
        self.totals.failing_disks += 1;
        let pause = 1 + self.below(3);
        self.wait_for(pause);
        self.disk.recover();
    }

    /// Waits for a moment within an operation, which the count of them does not tell.
    fn wait_within(&mut self) {
        thread::sleep(WITHIN.mul_f64(f64::from(self.below(1000)) / 1000.0));
    }

    /// Waits until the devices have begun so many operations more; false when they begin no more.
    fn wait_for(&self, operations: u32) -> bool {
        let until = self.journal.operations() + operations;
        let devices = u32::try_from(self.wires.len()).unwrap_or(u32::MAX);
        while self.journal.operations() < until {
            if self.journal.devices_done() >= devices {
                return false;
            }
            thread::sleep(LOOK);
        }
        true
    }

    fn below(&mut self, bound: u32) -> u32 {
        u32::try_from(self.random.below(u64::from(bound))).expect("less than a u32")
    }
}
