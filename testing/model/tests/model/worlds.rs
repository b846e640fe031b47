//! What is explored. The figures of each stand in docs/design/0008-model.md.

use Operation::{Put, Remove};
use anonicloud_model::config::{Config, Operation, Plan, Server};

fn plans(plans: &[(usize, Operation)]) -> Vec<Plan> {
    plans.iter().map(|(device, operation)| Plan { device: *device, operation: *operation }).collect()
}

/// Edits of one file and of another, and a removal; a process ends once, and an answer or an upload is lost once.
pub(crate) fn honest() -> Config {
    Config {
        server: Server::Honest,
        workloads: vec![
            plans(&[(0, Put(0)), (1, Put(0)), (2, Remove(0))]),
            plans(&[(0, Put(0)), (1, Put(0)), (1, Put(1))]),
        ],
        last_is_new: false,
        crashes: 1,
        faults: 1,
        acceptances: 0,
        commits: 8,
        without: Vec::new(),
    }
}

/// Each device writes: three commits beside the first one.
pub(crate) fn lying() -> Config {
    Config {
        server: Server::Lying,
        workloads: vec![plans(&[(0, Put(0)), (1, Put(0)), (2, Put(1))])],
        last_is_new: false,
        crashes: 1,
        faults: 0,
        acceptances: 0,
        commits: 4,
        without: Vec::new(),
    }
}

/// Two devices write and one reads: four commits beside the first one, so that one side of a fork is longer by two.
pub(crate) fn lying_at_length() -> Config {
    Config { workloads: vec![plans(&[(0, Put(0)), (1, Put(0))])], commits: 5, ..lying() }
}

/// The same, and the one that reads has just come and knows nothing.
pub(crate) fn lying_to_a_new_device() -> Config {
    Config { last_is_new: true, ..lying_at_length() }
}

/// Two devices write and one reads, with three commits beside the first one; a person accepts a loss on one of them.
pub(crate) fn lying_until_accepted() -> Config {
    Config { workloads: vec![plans(&[(0, Put(0)), (1, Put(0))])], acceptances: 1, ..lying() }
}
