//! What may happen next, for the explorer.

use stateright::{Model, Property};

use crate::config::{Check, Config, Server};
use crate::posting::Next;
use crate::properties;
use crate::state::{ALL_SEGMENTS, CommitId, DEVICES, Device, SEGMENTS, State};

/// What a server says to a commit that is posted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// It is the head now.
    Taken,
    /// The same, but the answer does not arrive.
    Unheard,
    /// Another one came first.
    HeadMoved,
    /// A blob that it names is not there.
    BlobMissing,
}

/// One thing that happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// A device begins its next operation.
    Begin(usize),
    /// A device sends a segment, and hears that it is stored.
    Send(usize, u8),
    /// A device asks for the head, and is shown a commit and the log that ends with another one.
    Ask(usize, u8, u8),
    /// A person accepts, on a device that is halted, what the server shows.
    Accept(usize, u8),
    /// A device posts a commit.
    Post(usize, Answer),
    /// A device finds that there is nothing left to commit.
    Conclude(usize),
    /// A device takes what is done off its queue.
    Tidy(usize),
    /// The process of a device ends.
    End(usize),
    /// The segments that were sent for a plan are dropped, as no commit named them for long.
    RunOut(u8),
}

/// A space, its devices and its server.
#[derive(Debug, Clone)]
pub struct Space(pub Config);

impl Space {
    fn device_steps(&self, state: &State, number: usize, steps: &mut Vec<Step>) {
        let Self(config) = self;
        let &Device { head, job, halted, .. } = state.device(number);
        let may_begin = halted.is_none() || !config.has(Check::HaltAtBegin);
        if job.is_none() && head.is_some() && may_begin && config.next_plan(state, number).is_some() {
            steps.push(Step::Begin(number));
        }
        if let Some(job) = job {
            let missing = (0..SEGMENTS).filter(|segment| job.stored & 1 << segment == 0 && !job.is_done);
            steps.extend(missing.map(|segment| Step::Send(number, segment)));
            if job.is_done {
                steps.push(Step::Tidy(number));
            }
        }
        match state.next(config, number) {
            Next::Wait => {}
            Next::Nothing => steps.push(Step::Conclude(number)),
            Next::Post(_) if halted.is_some() && config.has(Check::HaltAtPost) => {}
            Next::Post(made) => {
                let plan = job.map(|job| job.plan).unwrap_or_default();
                let answers = self.answers(state, made.parent, made.change.put.map(|_| plan));
                steps.extend(answers.into_iter().map(|answer| Step::Post(number, answer)));
            }
        }
        if state.crashes > 0 && head.is_some() {
            steps.push(Step::End(number));
        }
    }

    /// What the server may answer to a commit on `parent` that names the content of `plan`.
    fn answers(&self, state: &State, parent: CommitId, plan: Option<u8>) -> Vec<Answer> {
        let Self(config) = self;
        if state.commits.len() >= config.commits {
            return Vec::new();
        }
        if config.server == Server::Lying {
            return vec![Answer::Taken, Answer::Unheard, Answer::HeadMoved];
        }
        let is_stored = plan.is_none_or(|plan| state.stored.get(usize::from(plan)) == Some(&ALL_SEGMENTS));
        if parent != state.head && config.has(Check::ServerSwap) {
            vec![Answer::HeadMoved]
        } else if !is_stored && config.has(Check::ServerPresence) {
            vec![Answer::BlobMissing]
        } else if state.faults > 0 {
            vec![Answer::Taken, Answer::Unheard]
        } else {
            vec![Answer::Taken]
        }
    }

    /// What the server may show to a device that asks for the head.
    fn heads(&self, state: &State, device: usize, steps: &mut Vec<Step>) {
        if self.0.server == Server::Honest {
            if state.device(device).head != Some(state.head) {
                steps.push(Step::Ask(device, state.head, state.head));
            }
            return;
        }
        let commits = || (0..).take(state.commits.len());
        let mut looks = Vec::new();
        for (head, log) in commits().flat_map(|head| commits().map(move |log| (head, log))) {
            let look = state.look(&self.0, device, head, log);
            // Of those that come to the same, one is enough.
            if !looks.contains(&look) {
                looks.push(look);
                steps.push(Step::Ask(device, head, log));
            }
        }
        if state.acceptances > 0 && state.device(device).halted.is_some() {
            steps.extend(commits().map(|head| Step::Accept(device, head)));
        }
    }

    /// The plans whose segments may run out: no commit of the honest server names them.
    fn runs_out(state: &State) -> impl Iterator<Item = u8> + '_ {
        let partial = (0_u8..).zip(&state.stored).filter(|(_, stored)| **stored != 0);
        partial.map(|(plan, _)| plan).filter(|plan| state.faults > 0 && !state.has_put(state.head, *plan))
    }
}

impl Model for Space {
    type State = State;
    type Action = Step;

    fn init_states(&self) -> Vec<State> {
        let workloads = (0_u8..).zip(&self.0.workloads);
        workloads.map(|(number, plans)| State::start(&self.0, number, plans.len())).collect()
    }

    fn actions(&self, state: &State, steps: &mut Vec<Step>) {
        for number in 0..DEVICES {
            self.device_steps(state, number, steps);
            self.heads(state, number, steps);
        }
        steps.extend(Self::runs_out(state).map(Step::RunOut));
    }

    fn next_state(&self, state: &State, step: Step) -> Option<State> {
        let Self(config) = self;
        if let Step::Ask(device, head, log) = step {
            return state.ask(config, device, head, log);
        }
        let mut next = state.clone();
        match step {
            Step::Begin(number) => {
                let (plan, head) = (config.next_plan(state, number)?, state.device(number).head?);
                next.begin(config, number, plan, head);
            }
            Step::Send(number, segment) => {
                let mut job = state.device(number).job?;
                *next.stored.get_mut(usize::from(job.plan))? |= 1 << segment;
                job.stored |= 1 << segment;
                next.device_mut(number).job = Some(job);
            }
            Step::Post(number, answer) => {
                let Next::Post(made) = state.next(config, number) else { return None };
                next.post(config, number, made, answer);
            }
            Step::Accept(number, head) => next.accept(config, number, head),
            Step::Conclude(number) => next.finish(config, number),
            Step::Tidy(number) => next.device_mut(number).job = None,
            Step::End(number) => {
                if config.server == Server::Honest {
                    next.crashes -= 1;
                }
                next.end_process(config, number);
            }
            Step::RunOut(plan) => {
                next.faults -= 1;
                *next.stored.get_mut(usize::from(plan))? = 0;
            }
            Step::Ask(..) => return None,
        }
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::of(self.0.server)
    }
}
