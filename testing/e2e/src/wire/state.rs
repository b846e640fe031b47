//! What all connections of a wire share, and the one place where they stop.

use std::collections::{BTreeMap, HashMap};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::Moment;
use super::fault::Faults;
use super::request::Seen;

/// Both ends of a connection, and the request that is under way on it.
pub(super) struct Connection {
    pub(super) client: TcpStream,
    pub(super) server: TcpStream,
    request: Option<usize>,
}

/// All that passed on one connection.
#[derive(Debug, Clone, Default)]
#[expect(clippy::exhaustive_structs, reason = "tests take it apart")]
pub struct Conversation {
    /// From the client.
    pub to_server: Vec<u8>,
    /// From the server.
    pub to_client: Vec<u8>,
}

/// A moment that is waited for.
struct Hold {
    moment: Moment,
    /// Requests of its kind since it was set.
    seen: u32,
    /// The request that it is about, once it came.
    request: Option<usize>,
    sent_before: u64,
    received_before: u64,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) target: Option<SocketAddr>,
    pub(super) connections: HashMap<u64, Connection>,
    pub(super) requests: Vec<Seen>,
    pub(super) sent: u64,
    pub(super) received: u64,
    pub(super) faults: Option<Faults>,
    pub(super) faults_done: u32,
    pub(super) record: Option<BTreeMap<u64, Conversation>>,
    hold: Option<Hold>,
    /// Nothing passes.
    held: bool,
}

/// Which way bytes go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    ToServer,
    ToClient,
}

/// The state, and the bell that rings at every change of it.
#[derive(Default)]
pub(super) struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

impl Shared {
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn hold(&self, moment: Moment) {
        let mut state = self.lock();
        let (sent_before, received_before) = (state.sent, state.received);
        state.hold = Some(Hold { moment, seen: 0, request: None, sent_before, received_before });
    }

    /// Waits until everything stands still, or `gone` says that it never will.
    pub(super) fn wait_held(&self, mut gone: impl FnMut() -> bool) -> bool {
        loop {
            let state = self.lock();
            let wait = self.changed.wait_timeout_while(state, Duration::from_millis(20), |state| !state.held);
            let (state, _) = wait.unwrap_or_else(PoisonError::into_inner);
            if state.held {
                return true;
            }
            drop(state);
            if gone() {
                return self.lock().held;
            }
        }
    }

    /// Lets go; with `cut`, of every connection too.
    pub(super) fn release(&self, cut: bool) {
        let mut state = self.lock();
        state.hold = None;
        state.held = false;
        drop(state);
        if cut {
            self.end_all();
        }
        self.changed.notify_all();
    }

    /// Ends every connection.
    pub(super) fn end_all(&self) {
        let mut state = self.lock();
        for connection in state.connections.drain().map(|(_, connection)| connection) {
            end(&connection);
        }
        drop(state);
        self.changed.notify_all();
    }

    pub(super) fn enter(&self, id: u64, client: TcpStream, server: TcpStream) {
        self.lock().connections.insert(id, Connection { client, server, request: None });
    }

    /// Ends both sides of a connection.
    pub(super) fn leave(&self, id: u64) {
        if let Some(connection) = self.lock().connections.remove(&id) {
            end(&connection);
        }
        self.changed.notify_all();
    }

    /// Ends the server's side alone, and forgets the client's.
    pub(super) fn forget_client(&self, id: u64) {
        let connection = self.lock().connections.remove(&id);
        // It may have ended already.
        drop(connection.map(|connection| connection.server.shutdown(Shutdown::Both)));
    }

    /// Waits for as long as the connection is not ended from elsewhere, at most `longest`.
    pub(super) fn stall(&self, id: u64, longest: Duration) {
        let state = self.lock();
        let wait = self.changed.wait_timeout_while(state, longest, |state| state.connections.contains_key(&id));
        drop(wait.unwrap_or_else(PoisonError::into_inner));
    }

    /// A request arrived and nothing of it was passed on. False when the connection is gone.
    pub(super) fn begin(&self, id: u64, seen: Seen) -> bool {
        let mut state = self.lock();
        let index = state.requests.len();
        if let Some(connection) = state.connections.get_mut(&id) {
            connection.request = Some(index);
        }
        if let Some(hold) = &mut state.hold
            && let Moment::Arrives(kind, nth)
            | Moment::Body(kind, nth, _)
            | Moment::Answer(kind, nth)
            | Moment::Done(kind, nth) = hold.moment
            && kind == seen.kind
        {
            hold.seen += 1;
            if hold.seen == nth {
                hold.request = Some(index);
            }
        }
        state.requests.push(seen);
        self.check(&mut state, index, |moment| matches!(moment, Moment::Arrives(..)));
        self.gate(state, id)
    }

    /// The server answers the request that is under way; nothing of the answer was passed back. False when the connection is gone.
    pub(super) fn answer_begins(&self, id: u64) -> bool {
        let mut state = self.lock();
        if let Some(index) = current(&state, id)
            && state.requests[index].answer == 0
        {
            self.check(&mut state, index, |moment| matches!(moment, Moment::Answer(..)));
        }
        self.gate(state, id)
    }

    /// How many of `len` bytes of a body may pass before a moment comes.
    pub(super) fn room(&self, id: u64, len: u64) -> u64 {
        let state = self.lock();
        match (&state.hold, current(&state, id)) {
            (Some(Hold { moment: Moment::Body(_, _, at), request, .. }), Some(index)) if *request == Some(index) => {
                len.min(at.saturating_sub(state.requests[index].body)).max(u64::from(state.requests[index].body >= *at))
            }
            _ => len,
        }
    }

    /// Counts bytes that are about to pass, as soon as they may. False when the connection is gone.
    pub(super) fn pass(&self, id: u64, way: Way, bytes: &[u8], body: u64) -> bool {
        let state = self.lock();
        let Some(mut state) = self.gated(state, id) else {
            return false;
        };
        let len = bytes.len() as u64;
        match way {
            Way::ToServer => state.sent += len,
            Way::ToClient => state.received += len,
        }
        if let Some(record) = &mut state.record {
            let conversation = record.entry(id).or_default();
            match way {
                Way::ToServer => conversation.to_server.extend_from_slice(bytes),
                Way::ToClient => conversation.to_client.extend_from_slice(bytes),
            }
        }
        if let Some(index) = current(&state, id) {
            match way {
                Way::ToServer => state.requests[index].body += body,
                Way::ToClient => state.requests[index].answer += len,
            }
        }
        true
    }

    /// Stands still if the moment has come with what was just passed. False when the connection is gone.
    pub(super) fn passed(&self, id: u64, way: Way) -> bool {
        let mut state = self.lock();
        let (sent, received) = (state.sent, state.received);
        if let Some(hold) = &state.hold
            && (matches!(hold.moment, Moment::Sent(bytes) if sent - hold.sent_before >= bytes)
                || matches!(hold.moment, Moment::Received(bytes) if received - hold.received_before >= bytes))
        {
            self.stop(&mut state);
        }
        if let Some(index) = current(&state, id) {
            let body = state.requests[index].body;
            self.check(&mut state, index, |moment| match (moment, way) {
                (Moment::Body(_, _, at), Way::ToServer) => body >= at,
                (Moment::Done(..), Way::ToClient) => true,
                _ => false,
            });
        }
        self.gate(state, id)
    }

    fn check(&self, state: &mut State, index: usize, reached: impl Fn(Moment) -> bool) {
        if state.hold.as_ref().is_some_and(|hold| hold.request == Some(index) && reached(hold.moment)) {
            self.stop(state);
        }
    }

    fn stop(&self, state: &mut State) {
        state.hold = None;
        state.held = true;
        self.changed.notify_all();
    }

    fn gate(&self, state: MutexGuard<'_, State>, id: u64) -> bool {
        self.gated(state, id).is_some()
    }

    fn gated<'a>(&self, state: MutexGuard<'a, State>, id: u64) -> Option<MutexGuard<'a, State>> {
        let wait = self.changed.wait_while(state, |state| state.held && state.connections.contains_key(&id));
        let state = wait.unwrap_or_else(PoisonError::into_inner);
        state.connections.contains_key(&id).then_some(state)
    }
}

fn current(state: &State, id: u64) -> Option<usize> {
    state.connections.get(&id).and_then(|connection| connection.request)
}

fn end(connection: &Connection) {
    // Either side may have ended already; then it needs no end.
    drop(connection.client.shutdown(Shutdown::Both));
    drop(connection.server.shutdown(Shutdown::Both));
}
