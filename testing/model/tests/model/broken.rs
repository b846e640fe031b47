//! With a check taken out: which property fails then. Two checks that hide each other are taken out together.

use std::collections::BTreeSet;

use anonicloud_model::config::{Check, Config};
use anonicloud_model::model::Space;
use stateright::{Checker as _, HasDiscoveries, Model as _};

use super::worlds;

/// Explores until `property` fails.
fn fails(config: Config, without: &[Check], property: &'static str) {
    let config = Config { without: without.to_vec(), ..config };
    let is_found = HasDiscoveries::AnyOf(BTreeSet::from([property]));
    let checker = Space(config).checker().finish_when(is_found).spawn_bfs().join();
    let found = checker.discovery(property);
    let steps = found.unwrap_or_else(|| panic!("without {without:?} it holds that {property}")).into_actions();
    println!("without {without:?}: {} states, {steps:?}", checker.unique_state_count());
}

#[test]
fn a_head_that_is_not_durable_goes_back() {
    fails(worlds::lying(), &[Check::MarkDurable], "what a device acted on is durable");
    fails(worlds::lying(), &[Check::MarkDurable], "no device goes back");
}

#[test]
fn a_kept_head_that_is_not_read_goes_back() {
    fails(worlds::lying(), &[Check::MarkRead], "no device goes back");
    fails(worlds::lying(), &[Check::MarkRead], "histories that parted never join");
}

#[test]
fn an_older_head_passes_unnoticed() {
    fails(worlds::lying(), &[Check::Behind], "a contradiction is told");
}

#[test]
fn a_fork_shown_without_its_log_does_not_halt() {
    fails(worlds::lying(), &[Check::Successor], "a contradiction halts");
}

#[test]
fn a_log_that_is_not_chained_joins_two_histories() {
    let without = [Check::Prev, Check::History];
    fails(worlds::lying_at_length(), &without, "no device crosses over");
    fails(worlds::lying_at_length(), &without, "histories that parted never join");
}

#[test]
fn a_log_that_passes_by_the_head_is_not_told() {
    fails(worlds::lying(), &[Check::LogEnd], "a contradiction is told");
}

#[test]
fn a_contradiction_that_is_only_refused_does_not_halt() {
    fails(worlds::lying(), &[Check::Halt], "a contradiction halts");
}

#[test]
fn a_log_that_ends_early_halts_for_nothing() {
    fails(worlds::lying(), &[Check::EarlyEnd], "nothing but a contradiction halts");
}

#[test]
fn what_contradicts_takes_the_place_of_what_was_read() {
    fails(worlds::lying(), &[Check::ShownLeft], "no device goes back");
    fails(worlds::lying(), &[Check::ShownLeft], "no device crosses over");
}

#[test]
fn a_halt_in_memory_is_forgotten() {
    fails(worlds::lying(), &[Check::HaltDurable], "a halted device posts nothing");
}

#[test]
fn a_halt_that_is_not_looked_at_stops_nothing() {
    fails(worlds::lying(), &[Check::HaltAtBegin], "a halted device begins nothing");
    fails(worlds::lying(), &[Check::HaltAtPost], "a halted device posts nothing");
}

#[test]
fn a_refusal_taken_for_success_splits_the_history() {
    fails(worlds::honest(), &[Check::CasHeeded], "what was acknowledged stays");
    fails(worlds::honest(), &[Check::CasHeeded], "no device halts");
}

#[test]
fn a_server_without_the_swap_forks_by_itself() {
    fails(worlds::honest(), &[Check::ServerSwap], "what was acknowledged stays");
    fails(worlds::honest(), &[Check::ServerSwap], "no device halts");
}

#[test]
fn without_a_merge_edits_are_lost() {
    fails(worlds::honest(), &[Check::Merge], "no head lacks what its history has");
}

#[test]
fn an_edit_that_does_not_say_what_it_replaces_loses_that() {
    fails(worlds::honest(), &[Check::Before], "no head lacks what its history has");
}

#[test]
fn a_version_is_put_twice() {
    fails(worlds::honest(), &[Check::AlreadyThere], "no tree has a version twice");
}

#[test]
fn a_head_names_what_was_not_sent() {
    fails(worlds::honest(), &[Check::BlobsAwaited], "content is stored before it is named");
    let calm = Config { faults: 0, ..worlds::honest() };
    fails(calm, &[Check::BlobsAwaited, Check::ServerPresence], "no head names a missing blob");
}

#[test]
fn an_upload_that_sends_nothing_anew_is_stuck_also_where_the_end_of_its_process_would_help() {
    fails(worlds::honest(), &[Check::MissingHeeded], "nobody is stuck");
    let calm = Config { crashes: 0, ..worlds::honest() };
    fails(calm, &[Check::MissingHeeded], "nobody is stuck");
}

#[test]
fn a_head_names_what_ran_out() {
    fails(worlds::honest(), &[Check::ServerPresence], "no head names a missing blob");
}
