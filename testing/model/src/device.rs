//! A device and its head: asked for, followed, taken, or the space halted (`anonicloud_client::space::{head, follow, halt}`).

use crate::config::{Check, Config, Operation, Server};
use crate::state::{ALL_SEGMENTS, CommitId, Contradiction, DEVICES, Device, Finding, Job, State};

/// Why a head is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refused {
    /// A genuine commit excludes what was read.
    Contradicted(Contradiction),
    /// The log ends early: that proves nothing.
    Unproven,
}

/// What comes of a head that is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Look {
    answer: Result<CommitId, Refused>,
    is_contradicted: bool,
}

/// The bit of a pair: of three devices, the one that is not in it names it.
const fn pair(one: usize, other: usize) -> u8 {
    1 << (DEVICES - one - other)
}

impl State {
    /// What the device knows (`Client::known_state`).
    fn known(&self, config: &Config, device: usize) -> Option<CommitId> {
        let Device { mark, head, .. } = *self.device(device);
        mark.filter(|_| config.has(Check::MarkRead)).or(head)
    }

    /// The head that a device has after it was shown `head` and the log that ends with `log` (`Client::sync`).
    fn follow(&self, config: &Config, device: usize, head: CommitId, log: CommitId) -> Result<CommitId, Refused> {
        // `trust_first`: the frontier that comes with the head is tied to it.
        let Some(known) = self.known(config, device) else { return Ok(head) };
        let (seq, known_seq) = (self.commit(head).seq, self.commit(known).seq);
        if config.has(Check::Behind) && seq < known_seq {
            return Err(Refused::Contradicted(Contradiction::Older));
        }
        if config.has(Check::Behind) && seq == known_seq && head != known {
            return Err(Refused::Contradicted(Contradiction::Replaced));
        }
        let is_successor = self.commit(head).parent == Some(known);
        if config.has(Check::Successor) && seq == known_seq + 1 && !is_successor {
            return Err(Refused::Contradicted(Contradiction::Forked));
        }
        if known_seq >= seq {
            return Ok(known);
        }
        let mut page: Vec<CommitId> = self.chain(log).take_while(|id| self.commit(*id).seq > known_seq).collect();
        page.reverse();
        let mut at = known;
        for id in page {
            let is_next = self.commit(id).parent == Some(at);
            if !is_next && (config.has(Check::Prev) || config.has(Check::History)) {
                return Err(Refused::Contradicted(Contradiction::Forked));
            }
            at = id;
            if config.has(Check::LogEnd) && self.commit(at).seq == seq && at != head {
                return Err(Refused::Contradicted(Contradiction::Replaced));
            }
        }
        match self.commit(at).seq < seq {
            true if config.has(Check::EarlyEnd) => Err(Refused::Unproven),
            true => Err(Refused::Contradicted(Contradiction::Older)),
            false => Ok(at),
        }
    }

    /// What a device makes of `head` and `log`, and whether they contradict what it has acted on.
    pub(crate) fn look(&self, config: &Config, device: usize, head: CommitId, log: CommitId) -> Look {
        let answer = self.follow(config, device, head, log);
        let is_contradicted = self.device(device).seen.is_some_and(|seen| self.contradicts(seen, head, log));
        Look { answer, is_contradicted }
    }

    /// A device asks for the head, and is shown `head` and `log`; `None` when that changes nothing.
    pub(crate) fn ask(&self, config: &Config, device: usize, head: CommitId, log: CommitId) -> Option<Self> {
        let Look { answer, is_contradicted } = self.look(config, device, head, log);
        let &Device { halted, head: acted_on, .. } = self.device(device);
        match answer {
            Ok(taken) if Some(taken) == acted_on && !is_contradicted => return None,
            Err(Refused::Unproven) if !is_contradicted => return None,
            _ => {}
        }
        let mut next = self.clone();
        match answer {
            Ok(taken) => {
                if is_contradicted {
                    next.note(Finding::Untold);
                }
                next.adopt(config, device, taken);
            }
            Err(Refused::Contradicted(contradiction)) => {
                if config.has(Check::Halt) && halted.is_none() {
                    next.device_mut(device).halted = Some(contradiction);
                }
                if !config.has(Check::ShownLeft) {
                    next.adopt(config, device, head);
                }
            }
            Err(Refused::Unproven) => {}
        }
        if answer.is_err() && config.server == Server::Honest {
            next.note(Finding::FalseAlarm);
        }
        if is_contradicted {
            let device = next.device_mut(device);
            device.was_contradicted = true;
            if device.halted.is_none() {
                next.note(Finding::Unhalted);
            }
        }
        (next != *self).then_some(next)
    }

    /// A device takes over a head: durable, then acted on (`Client::adopt`).
    pub(crate) fn adopt(&mut self, config: &Config, device: usize, head: CommitId) {
        if let Some(seen) = self.device(device).seen
            && !self.follows(head, seen)
        {
            self.note(if self.follows(seen, head) { Finding::WentBack } else { Finding::Crossed });
        }
        if self.loses(head) {
            self.note(Finding::Lost);
        }
        if self.commit(head).tree.has_twice() {
            self.note(Finding::Twice);
        }
        self.compare_with_others(device, head);
        let device = self.device_mut(device);
        device.head = Some(head);
        device.seen = Some(head);
        if config.has(Check::MarkDurable) {
            device.mark = Some(head);
        }
    }

    /// Notes which devices go another way than `device` with `head`, and which did before.
    fn compare_with_others(&mut self, device: usize, head: CommitId) {
        for other in (0..DEVICES).filter(|other| *other != device) {
            let Some(seen) = self.device(other).seen else { continue };
            let pair = pair(device, other);
            if !self.are_of_one_history(head, seen) {
                self.forked |= pair;
            } else if self.forked & pair != 0 {
                self.note(Finding::Joined);
            }
        }
    }

    /// A person accepts what the server shows, read from the genesis on (`Client::accept`): the device goes on from there, and
    /// plans anew what was under way.
    pub(crate) fn accept(&mut self, config: &Config, device: usize, head: CommitId) {
        self.acceptances -= 1;
        for other in (0..DEVICES).filter(|other| *other != device) {
            self.forked &= !pair(device, other);
        }
        let accepting = self.device_mut(device);
        (accepting.halted, accepting.was_contradicted, accepting.has_accepted) = (None, false, true);
        accepting.job = accepting.job.map(|job| Job { attempt: None, ..job });
        accepting.seen = None;
        self.adopt(config, device, head);
    }

    /// The process of a device ends: what is in memory is gone.
    pub(crate) fn end_process(&mut self, config: &Config, device: usize) {
        let job = self.device(device).job.filter(|job| matches!(config.operation(self, job.plan), Operation::Put(_)));
        let device = self.device_mut(device);
        device.head = device.mark.filter(|_| config.asks_in_vain());
        let stored = if config.server == Server::Lying { ALL_SEGMENTS } else { 0 };
        device.job = job.map(|job| Job { stored, attempt: None, is_done: false, ..job });
        if !config.has(Check::HaltDurable) {
            device.halted = None;
        }
    }
}
