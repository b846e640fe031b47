//! What is true in every state, and what happens in some (spec: 3-spaces, "Freshness" and "Merge"; docs/design/0008-model.md).

use stateright::{Model as _, Property};

use crate::config::Server;
use crate::model::{Space, Step};
use crate::state::{ALL_SEGMENTS, Contradiction, Device, Finding, Job, State};

/// The properties of a space with this server.
pub(crate) fn of(server: Server) -> Vec<Property<Space>> {
    let of_server = match server {
        Server::Honest => honest(),
        Server::Lying => lying(),
    };
    devices().into_iter().chain(of_server).collect()
}

fn always(name: &'static str, condition: fn(&Space, &State) -> bool) -> Property<Space> {
    Property::always(name, condition)
}

fn sometimes(name: &'static str, condition: fn(&Space, &State) -> bool) -> Property<Space> {
    Property::sometimes(name, condition)
}

/// What devices do whoever answers.
fn devices() -> Vec<Property<Space>> {
    vec![
        always("no device goes back", |_, state| !state.has(Finding::WentBack)),
        always("no device crosses over", |_, state| !state.has(Finding::Crossed)),
        always("histories that parted never join", |_, state| !state.has(Finding::Joined)),
        always("what a device acted on is durable", |_, state| {
            state.devices.iter().all(|device| device.mark == device.seen)
        }),
        always("no head lacks what its history has", |_, state| !state.has(Finding::Lost)),
        always("no tree has a version twice", |_, state| !state.has(Finding::Twice)),
        always("content is stored before it is named", |_, state| !state.has(Finding::Unsent)),
    ]
}

fn lying() -> Vec<Property<Space>> {
    vec![
        always("a contradiction is told", |_, state| !state.has(Finding::Untold)),
        always("a contradiction halts", |_, state| !state.has(Finding::Unhalted)),
        always("nothing but a contradiction halts", |_, state| {
            state.devices.iter().all(|device| device.halted.is_none() || device.was_contradicted)
        }),
        always("a halted device begins nothing", |_, state| !state.has(Finding::BegunHalted)),
        always("a halted device posts nothing", |_, state| !state.has(Finding::PostedHalted)),
        sometimes("an older head is shown", |_, state| is_halted(state, Contradiction::Older)),
        sometimes("a replaced commit is shown", |_, state| is_halted(state, Contradiction::Replaced)),
        sometimes("a fork is shown", |_, state| is_halted(state, Contradiction::Forked)),
        sometimes("who accepted a loss writes again", |space, state| {
            let wrote = |device: &Device| device.has_accepted && device.job.is_some_and(|job| job.attempt.is_some());
            space.0.acceptances == 0 || state.devices.iter().any(wrote)
        }),
        sometimes("two devices go different ways", |_, state| state.forked != 0),
        sometimes("each device goes its own way", |_, state| state.forked == 0b111),
        sometimes("all devices are halted", |_, state| state.devices.iter().all(|device| device.halted.is_some())),
    ]
}

fn is_halted(state: &State, why: Contradiction) -> bool {
    state.devices.iter().any(|device| device.halted == Some(why))
}

fn honest() -> Vec<Property<Space>> {
    vec![
        always("no device halts", |_, state| {
            !state.has(Finding::FalseAlarm) && state.devices.iter().all(|device| device.halted.is_none())
        }),
        always("no head names a missing blob", |_, state| {
            let mut named = state.commit(state.head).tree.versions().iter();
            named.all(|version| state.stored.get(usize::from(version)) == Some(&ALL_SEGMENTS))
        }),
        always("what was acknowledged stays", |_, state| {
            state.acknowledged.iter().all(|version| state.has_put(state.head, version)) && !state.loses(state.head)
        }),
        always("nobody is stuck", |space, state| is_at_rest(space, state) || goes_on(space, state)),
        Property::eventually("all converge", is_at_rest),
        sometimes("a swap is lost and merged", |_, state| state.devices.iter().any(|device| is_merging(state, device))),
        sometimes("both sides of a conflict stand", |_, state| state.commit(state.head).tree.copies.iter().count() > 0),
        sometimes("an upload is cut", |_, state| {
            jobs(state).any(|job| job.stored == 0 && state.stored.get(usize::from(job.plan)) != Some(&0))
        }),
        sometimes("the answer to a commit is lost", |_, state| {
            jobs(state).any(|job| !job.is_done && state.has_put(state.head, job.plan))
        }),
    ]
}

fn jobs(state: &State) -> impl Iterator<Item = Job> {
    state.devices.iter().filter_map(|device| device.job)
}

/// Whether a commit that lost is about to be merged with another tree than it was made on.
fn is_merging(state: &State, device: &Device) -> bool {
    let (Some(Job { attempt: Some(attempt), .. }), Some(head)) = (device.job, device.head) else { return false };
    attempt.base != state.commit(head).tree
}

/// Whether all that was planned is done, and all devices have the newest head.
fn is_at_rest(space: &Space, state: &State) -> bool {
    (0..).zip(&state.devices).all(|(number, device)| {
        device.job.is_none() && device.head == Some(state.head) && space.0.next_plan(state, number).is_none()
    })
}

/// Whether a step of a device leads on: neither the end of a process nor a fault, which nobody may wait for.
fn goes_on(space: &Space, state: &State) -> bool {
    let mut steps = Vec::new();
    space.actions(state, &mut steps);
    let mut own = steps.into_iter().filter(|step| !matches!(step, Step::End(_) | Step::RunOut(_)));
    own.any(|step| space.next_state(state, step).is_some_and(|next| next != *state))
}
