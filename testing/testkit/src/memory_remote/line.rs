//! What happens on the way between one device and the server.

use core::fmt;
use core::pin::Pin;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use anonicloud_client::remote::{Arrived, RemoteError, RemoteResult};
use anonicloud_proto::api::ErrorCode;
use anonicloud_proto::commit::HeadAnswer;
use bytes::Bytes;

use super::asked::refused;

type Event = Pin<Box<dyn Future<Output = ()>>>;

/// The line of a device; clones are the same line.
#[derive(Clone, Default)]
pub struct Line(Rc<RefCell<Events>>);

#[derive(Default)]
struct Events {
    before_commits: VecDeque<Event>,
    before_blobs: VecDeque<Event>,
    refused_commits: VecDeque<ErrorCode>,
    refused_blobs: VecDeque<Option<ErrorCode>>,
    lost_commits: u32,
    forgotten_sessions: u32,
    cuts: VecDeque<usize>,
    after_heads: VecDeque<Event>,
    last_head: Option<HeadAnswer>,
    repeats_head: bool,
}

impl Line {
    /// Something that goes on while the next commit without such an event is under way, before it reaches the server.
    pub fn before_commit(&self, event: impl Future<Output = ()> + 'static) {
        self.0.borrow_mut().before_commits.push_back(Box::pin(event));
    }

    /// The same for the next time that a blob is asked for.
    pub fn before_blob(&self, event: impl Future<Output = ()> + 'static) {
        self.0.borrow_mut().before_blobs.push_back(Box::pin(event));
    }

    /// Refuses the next commit.
    pub fn refuse_commit(&self, code: ErrorCode) {
        self.0.borrow_mut().refused_commits.push_back(code);
    }

    /// Refuses each of the next requests for a blob, or lets it through.
    pub fn refuse_blobs(&self, codes: impl IntoIterator<Item = Option<ErrorCode>>) {
        self.0.borrow_mut().refused_blobs.extend(codes);
    }

    /// Loses the answers of the next `count` commits that are applied.
    pub fn lose_commits(&self, count: u32) {
        self.0.borrow_mut().lost_commits = count;
    }

    /// Has the server forget the sessions of the account that the next `count` requests are made in.
    pub fn forget_account_sessions(&self, count: u32) {
        self.0.borrow_mut().forgotten_sessions = count;
    }

    /// Cuts each of the next answers with a blob after so many bytes, if it has more.
    pub fn cut_blobs(&self, after: impl IntoIterator<Item = usize>) {
        self.0.borrow_mut().cuts.extend(after);
    }

    /// Something that goes on while the answer with the next head is under way, after it left the server.
    pub fn after_head(&self, event: impl Future<Output = ()> + 'static) {
        self.0.borrow_mut().after_heads.push_back(Box::pin(event));
    }

    /// Gives the head that came last for the next one.
    pub fn repeat_head(&self) {
        self.0.borrow_mut().repeats_head = true;
    }

    /// What goes on before this commit, and whether it gets through then.
    pub(super) async fn commit(&self) -> RemoteResult<()> {
        let event = self.0.borrow_mut().before_commits.pop_front();
        if let Some(event) = event {
            event.await;
        }
        self.0.borrow_mut().refused_commits.pop_front().map_or(Ok(()), |code| Err(refused(code)))
    }

    /// The same for a request for a blob.
    pub(super) async fn blob_request(&self) -> RemoteResult<()> {
        let event = self.0.borrow_mut().before_blobs.pop_front();
        if let Some(event) = event {
            event.await;
        }
        self.0.borrow_mut().refused_blobs.pop_front().flatten().map_or(Ok(()), |code| Err(refused(code)))
    }

    /// Whether a request finds its session of the account.
    pub(super) fn account_request(&self) -> RemoteResult<()> {
        let forgotten = &mut self.0.borrow_mut().forgotten_sessions;
        if *forgotten == 0 {
            return Ok(());
        }
        *forgotten -= 1;
        Err(refused(ErrorCode::SessionExpired))
    }

    /// The answer of a commit as it comes to the device.
    pub(super) fn commit_answer<T>(&self, answer: RemoteResult<T>) -> RemoteResult<T> {
        let lost = &mut self.0.borrow_mut().lost_commits;
        if answer.is_err() || *lost == 0 {
            return answer;
        }
        *lost -= 1;
        Err(RemoteError::Unreachable("the answer was lost".into()))
    }

    /// A head as it comes to the device, and what goes on meanwhile.
    pub(super) fn head_answer(&self, answer: HeadAnswer) -> (HeadAnswer, Option<Event>) {
        let events = &mut *self.0.borrow_mut();
        let repeated = events.last_head.take().filter(|_| std::mem::take(&mut events.repeats_head));
        let answer = repeated.unwrap_or(answer);
        events.last_head = Some(answer.clone());
        (answer, events.after_heads.pop_front())
    }

    /// The bytes of a blob as they come to the device.
    pub(super) fn blob(&self, bytes: Bytes) -> RemoteResult<Bytes> {
        let cut = self.0.borrow_mut().cuts.pop_front().filter(|cut| *cut < bytes.len());
        let cause = "the connection broke".into();
        match cut {
            None => Ok(bytes),
            Some(0) => Err(RemoteError::Unreachable(cause)),
            Some(cut) => {
                Err(RemoteError::Cut { arrived: Arrived(bytes.slice(..cut)), whole: bytes.len() as u64, cause })
            }
        }
    }
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Line(..)")
    }
}
