//! The real server and the real client: one test per promise.

#[cfg(test)]
mod adopted;
#[cfg(test)]
mod again;
#[cfg(test)]
mod away;
#[cfg(test)]
mod check;
#[cfg(test)]
mod commands;
#[cfg(test)]
mod conformance;
#[cfg(test)]
mod cuts;
#[cfg(test)]
mod devices;
#[cfg(test)]
mod disks;
#[cfg(test)]
mod door;
#[cfg(test)]
mod downloads;
#[cfg(test)]
mod downloads_cut;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod folders;
#[cfg(test)]
mod halted;
#[cfg(test)]
mod in_place;
#[cfg(test)]
mod interrupted;
#[cfg(test)]
mod keys;
#[cfg(test)]
mod keys_keyring;
#[cfg(test)]
mod keys_keyring_killed;
#[cfg(test)]
mod keys_killed;
#[cfg(test)]
mod keys_remembered;
#[cfg(test)]
mod keys_typed;
#[cfg(test)]
mod keys_waiting;
#[cfg(test)]
mod large;
#[cfg(test)]
mod limit;
#[cfg(test)]
mod lost;
#[cfg(test)]
mod memory;
#[cfg(test)]
mod moved_and_freed;
#[cfg(test)]
mod offline;
#[cfg(test)]
mod overtaken;
#[cfg(test)]
mod privacy;
#[cfg(test)]
mod profiles;
#[cfg(test)]
mod queue;
#[cfg(test)]
mod reclaim;
#[cfg(test)]
mod reclaim_meanwhile;
#[cfg(test)]
mod refusals;
#[cfg(test)]
mod repack;
#[cfg(test)]
mod restarts;
#[cfg(test)]
mod round_trip;
#[cfg(test)]
mod selection;
#[cfg(test)]
mod shared_pack;
#[cfg(test)]
mod sifted;
#[cfg(test)]
mod size;
#[cfg(test)]
mod storms;
#[cfg(test)]
mod together;
#[cfg(test)]
mod transfer;
#[cfg(test)]
mod watch;
