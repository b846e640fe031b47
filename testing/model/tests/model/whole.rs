//! With all checks.

use anonicloud_model::config::Config;
use anonicloud_model::model::Space;
use stateright::{Checker as _, Model as _};

use super::worlds;

/// Goes through every state, and prints how many there are.
fn explore(config: Config) {
    let checker = Space(config).checker().spawn_bfs().join();
    let (states, steps) = (checker.unique_state_count(), checker.state_count());
    println!("{states} states, {steps} steps, depth {}", checker.max_depth());
    checker.assert_properties();
}

#[test]
fn with_an_honest_server_all_converge_and_nothing_is_lost() {
    explore(worlds::honest());
}

#[test]
fn a_lying_server_halts_whom_it_shows_a_contradiction() {
    explore(worlds::lying());
}

#[test]
fn a_device_that_accepted_a_loss_goes_on_from_there() {
    explore(worlds::lying_until_accepted());
}

#[test]
fn a_lying_server_never_joins_the_sides_of_a_long_fork() {
    explore(worlds::lying_at_length());
}

#[test]
fn a_lying_server_halts_a_new_device_once_it_has_shown_it_a_head() {
    explore(worlds::lying_to_a_new_device());
}
