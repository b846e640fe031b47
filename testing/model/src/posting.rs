//! An edit becomes a commit: applied, posted, merged (`anonicloud_client::space::commit`, `upload::begun`).

use crate::config::{Check, Config, Operation, Server};
use crate::model::Answer;
use crate::state::{ALL_SEGMENTS, Attempt, Change, CommitId, Finding, Job, State};
use crate::tree::{Tree, Version, Versions};

/// What is to be posted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Made {
    pub(crate) parent: CommitId,
    pub(crate) tree: Tree,
    pub(crate) change: Change,
}

/// How far an operation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// Its segments are not all stored, or the head is not known.
    Wait,
    /// There is nothing to commit: the tree has it, or it is gone.
    Nothing,
    /// This is to be posted.
    Post(Made),
}

/// What an upload finds at its path (`Client::standing`).
enum Standing {
    /// This is what it replaces.
    Waiting(Option<Version>),
    Committed,
}

impl State {
    /// A device begins its next plan, on the head that it acts on.
    pub(crate) fn begin(&mut self, config: &Config, device: usize, plan: u8, head: CommitId) {
        if self.device(device).was_contradicted {
            self.note(Finding::BegunHalted);
        }
        let before = match config.operation(self, plan) {
            Operation::Put(path) => self.commit(head).tree.at(path),
            Operation::Remove(_) => None,
        };
        // What a lying server says of blobs changes nothing of what is read.
        let stored = if config.server == Server::Lying { ALL_SEGMENTS } else { 0 };
        let device = self.device_mut(device);
        device.begun += 1;
        device.job = Some(Job { plan, before, stored, attempt: None, is_done: false });
    }

    fn standing(&self, head: CommitId, path: u8, version: Version, before: Option<Version>) -> Standing {
        let there = self.commit(head).tree.at(path);
        if there == before {
            return Standing::Waiting(before);
        }
        let older = |newer: &Version| self.predecessor(head, *newer);
        let mut line = std::iter::successors(there, older).take_while(|newer| Some(*newer) != before);
        if line.any(|newer| newer == version) {
            return Standing::Committed;
        }
        // Overtaken, or removed: then it comes back.
        Standing::Waiting(if there.is_some() { before } else { None })
    }

    /// What the operation of `device` comes to on the head that its process has.
    pub(crate) fn next(&self, config: &Config, device: usize) -> Next {
        let (Some(job), Some(head)) = (self.device(device).job, self.device(device).head) else { return Next::Wait };
        if job.is_done {
            return Next::Wait;
        }
        match config.operation(self, job.plan) {
            Operation::Put(_) if job.stored != ALL_SEGMENTS && config.has(Check::BlobsAwaited) => Next::Wait,
            Operation::Put(path) => self.next_put(config, head, job, path),
            Operation::Remove(path) => match (job.attempt, self.commit(head).tree.at(path)) {
                (Some(attempt), _) => Next::Post(self.merged(config, head, job, attempt)),
                (None, None) => Next::Nothing,
                (None, Some(there)) => {
                    let mut tree = self.commit(head).tree;
                    tree.set(path, None);
                    let change = Change { takes: Versions::default().with(there), ..Change::default() };
                    Next::Post(Made { parent: head, tree, change })
                }
            },
        }
    }

    fn next_put(&self, config: &Config, head: CommitId, job: Job, path: u8) -> Next {
        let (base, version) = (self.commit(head).tree, job.plan);
        let checks_there = config.has(Check::AlreadyThere);
        if let Some(attempt) = job.attempt {
            // `has_version_of`: then it is planned anew, and found to be committed.
            let is_there = base.at(path) == Some(version) && checks_there;
            return if is_there { Next::Nothing } else { Next::Post(self.merged(config, head, job, attempt)) };
        }
        let before = match self.standing(head, path, version, job.before) {
            Standing::Committed if checks_there => return Next::Nothing,
            Standing::Committed => job.before,
            Standing::Waiting(before) => before,
        };
        if checks_there && base.has(version) {
            return Next::Nothing;
        }
        let mut tree = base;
        let mut takes = Versions::default();
        if base.at(path) == before || !config.has(Check::Before) {
            tree.set(path, Some(version));
            takes = before.map_or(takes, |before| takes.with(before));
        } else {
            tree.copies = base.copies.with(version);
        }
        let put = Some(version);
        let change = Change { put, predecessor: before, takes };
        Next::Post(Made { parent: head, tree, change })
    }

    fn merged(&self, config: &Config, head: CommitId, job: Job, attempt: Attempt) -> Made {
        let theirs = self.commit(head).tree;
        let Attempt { base, ours, takes } = attempt;
        let tree = if config.has(Check::Merge) { Tree::merge(base, ours, theirs) } else { ours };
        let put = matches!(config.operation(self, job.plan), Operation::Put(_)).then_some(job.plan);
        let change = Change { put, predecessor: job.before, takes };
        Made { parent: head, tree, change }
    }

    /// A device posts what it made, and hears `answer`.
    pub(crate) fn post(&mut self, config: &Config, device: usize, made: Made, answer: Answer) {
        let Some(job) = self.device(device).job else { return };
        let Made { parent, tree, change } = made;
        if change.put.is_some() && job.stored != ALL_SEGMENTS {
            self.note(Finding::Unsent);
        }
        if self.device(device).was_contradicted {
            self.note(Finding::PostedHalted);
        }
        let is_believed = answer == Answer::HeadMoved && !config.has(Check::CasHeeded);
        let is_taken = matches!(answer, Answer::Taken | Answer::Unheard);
        let is_kept = is_taken || is_believed || config.server == Server::Lying;
        let base = self.commit(parent).tree;
        let posted = is_kept.then(|| self.append(parent, tree, change));
        if let Some(posted) = posted.filter(|_| is_taken && config.server == Server::Honest) {
            self.head = posted;
        }
        match (answer, posted) {
            (Answer::Unheard, _) => {
                // With a lying server it is no fault: that one may say nothing as often as it likes.
                self.faults = self.faults.saturating_sub(1);
                self.end_process(config, device);
            }
            (Answer::BlobMissing, _) => {
                // It is planned anew, and what the server has is asked for.
                let stored = self.stored.get(usize::from(job.plan)).copied().unwrap_or_default();
                let there = if config.has(Check::MissingHeeded) { stored } else { ALL_SEGMENTS };
                self.device_mut(device).job = Some(Job { attempt: None, stored: job.stored & there, ..job });
            }
            (Answer::HeadMoved, _) if !is_believed => {
                let attempt = Attempt { base, ours: tree, takes: change.takes };
                let device = self.device_mut(device);
                device.job = Some(Job { attempt: Some(attempt), ..job });
                device.head = device.mark.filter(|_| config.asks_in_vain());
            }
            (_, Some(posted)) => {
                self.finish(config, device);
                self.adopt(config, device, posted);
            }
            (_, None) => {}
        }
    }

    /// The operation of a device is done: a person is told so. A put is taken off the queue after that.
    pub(crate) fn finish(&mut self, config: &Config, device: usize) {
        let Some(job) = self.device(device).job else { return };
        let is_put = matches!(config.operation(self, job.plan), Operation::Put(_)) && config.server == Server::Honest;
        if is_put {
            self.acknowledged = self.acknowledged.with(job.plan);
        }
        self.device_mut(device).job = is_put.then_some(Job { attempt: None, is_done: true, ..job });
    }
}
