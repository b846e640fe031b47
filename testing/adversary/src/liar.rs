//! What a lying server knows and does: the lies that it was told to tell, and all that ever passed.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anonicloud_proto::ids::BlobId;
use bytes::Bytes;

use crate::call::{Answer, Call, Kind};
use crate::lie::Lie;

/// A call with what the honest server said.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Exchange {
    /// The call.
    pub call: Call,
    /// What the request says beside its body, as it came.
    pub head: String,
    /// Its body.
    pub request: Bytes,
    /// The answer before any lie.
    pub honest: Answer,
}

/// The will of a server; clones are the same one.
#[derive(Debug, Clone, Default)]
pub struct Liar(Arc<Mutex<Mind>>);

/// All that it knows.
#[derive(Debug, Default)]
pub(crate) struct Mind {
    lies: Vec<Lie>,
    told: usize,
    pub(crate) tape: Vec<Exchange>,
    /// Every blob that came whole, in order.
    pub(crate) blobs: Vec<(BlobId, Bytes)>,
}

impl Liar {
    /// Tells `lie` from now on.
    pub fn tell(&self, lie: Lie) {
        self.lock().lies.push(lie);
    }

    /// Is honest from now on. Gives how many answers were lies since the last time.
    pub fn stop(&self) -> usize {
        let mind = &mut *self.lock();
        mind.lies.clear();
        std::mem::take(&mut mind.told)
    }

    /// All that passed so far.
    pub fn tape(&self) -> Vec<Exchange> {
        self.lock().tape.clone()
    }

    /// How many calls passed so far.
    pub fn heard(&self) -> usize {
        self.lock().tape.len()
    }

    /// What is answered without asking the honest server.
    pub(crate) fn instead(&self, call: &Call, request: &[u8]) -> Option<Answer> {
        let mind = &mut *self.lock();
        let answer = mind.lies.iter().find_map(|lie| lie.instead(mind, call, request));
        mind.told += usize::from(answer.is_some());
        answer
    }

    /// What is said in place of an honest answer, which is kept.
    pub(crate) fn answer(&self, call: Call, head: String, request: Bytes, honest: Answer) -> Answer {
        let mind = &mut *self.lock();
        if let (Kind::PutBlob, Some(blob), 0) = (call.kind, call.blob, call.from) {
            mind.blobs.push((blob, request.clone()));
        }
        let mut answer = honest.clone();
        for lie in &mind.lies {
            if let Some(changed) = lie.change(mind, &call, &answer).filter(|changed| *changed != answer) {
                answer = changed;
                mind.told += 1;
            }
        }
        mind.tape.push(Exchange { call, head, request, honest });
        answer
    }

    fn lock(&self) -> MutexGuard<'_, Mind> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
