//! One connection: two threads, one a way.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use socket2::SockRef;

use super::fault::{Fault, STALL};
use super::request::{Head, Next, next_head};
use super::state::{Shared, Way};

const BUFFER: usize = 256 << 10;

/// Passes bytes both ways until either side ends.
pub(super) fn join(shared: &Arc<Shared>, id: u64, client: TcpStream, server: TcpStream) {
    let clones = (client.try_clone(), server.try_clone(), client.try_clone(), server.try_clone());
    let (Ok(client_end), Ok(server_end), Ok(to_client), Ok(from_server)) = clones else {
        return;
    };
    let mut state = shared.lock();
    let fault = state.faults.as_mut().map(super::fault::Faults::next_fault);
    drop(state);
    shared.enter(id, client_end, server_end);
    let left = Arc::new(AtomicU64::new(fault.map_or(u64::MAX, |(after, _)| after)));
    let fault = fault.map(|(_, fault)| fault);
    let back = Pump { shared: Arc::clone(shared), id, left: Arc::clone(&left), fault };
    let forth = Pump { shared: Arc::clone(shared), id, left, fault };
    thread::spawn(move || back.answers(from_server, to_client));
    thread::spawn(move || forth.requests(client, server));
}

struct Pump {
    shared: Arc<Shared>,
    id: u64,
    /// Bytes until the connection breaks.
    left: Arc<AtomicU64>,
    fault: Option<Fault>,
}

impl Pump {
    fn requests(self, client: TcpStream, mut server: TcpStream) {
        let mut from = BufReader::with_capacity(BUFFER, client);
        while let Ok(next) = next_head(&mut from) {
            let goes_on = match next {
                Next::Request(head) => self.request(head, &mut from, &mut server),
                Next::Unknown(bytes) => {
                    self.write(Way::ToServer, &bytes, 0, &mut server) && self.body(u64::MAX, &mut from, &mut server)
                }
                Next::End => false,
            };
            if !goes_on {
                break;
            }
        }
        if self.is_broken() && self.fault == Some(Fault::Reset) {
            // The last handle closes with nothing lingering: that is what sends a reset.
            drop(SockRef::from(from.get_ref()).set_linger(Some(Duration::ZERO)));
            self.shared.forget_client(self.id);
        } else {
            self.shared.leave(self.id);
        }
    }

    fn request(&self, head: Head, from: &mut BufReader<TcpStream>, server: &mut TcpStream) -> bool {
        self.shared.begin(self.id, head.seen)
            && self.write(Way::ToServer, &head.bytes, 0, server)
            && self.body(head.body_len, from, server)
    }

    fn body(&self, len: u64, from: &mut BufReader<TcpStream>, server: &mut TcpStream) -> bool {
        let mut left = len;
        while left > 0 {
            let Ok(buffer @ [_, ..]) = from.fill_buf() else {
                return false;
            };
            let room = self.shared.room(self.id, left.min(buffer.len() as u64));
            let passing = usize::try_from(room).unwrap_or(buffer.len());
            if !self.write(Way::ToServer, &buffer[..passing], room, server) {
                return false;
            }
            from.consume(passing);
            left -= room;
        }
        true
    }

    fn answers(self, mut server: TcpStream, mut client: TcpStream) {
        let mut buffer = vec![0; BUFFER];
        while let Ok(len @ 1..) = server.read(&mut buffer) {
            if !(self.shared.answer_begins(self.id) && self.write(Way::ToClient, &buffer[..len], 0, &mut client)) {
                break;
            }
        }
        if !(self.is_broken() && self.fault == Some(Fault::Reset)) {
            self.shared.leave(self.id);
        }
    }

    /// Passes bytes on; false when nothing more will pass.
    fn write(&self, way: Way, bytes: &[u8], body: u64, to: &mut TcpStream) -> bool {
        if !self.shared.pass(self.id, way, bytes, body) || to.write_all(bytes).is_err() {
            return false;
        }
        self.shared.passed(self.id, way) && !self.breaks(way, bytes.len() as u64)
    }

    /// Whether the connection is at the end of its life.
    fn breaks(&self, way: Way, passed: u64) -> bool {
        let before =
            self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| Some(left.saturating_sub(passed)));
        if before.is_ok_and(|left| left > passed) {
            return false;
        }
        self.shared.lock().faults_done += u32::from(before.is_ok_and(|left| left > 0));
        if self.fault == Some(Fault::Stall) {
            self.shared.stall(self.id, STALL);
        }
        if way == Way::ToClient || self.fault != Some(Fault::Reset) {
            self.shared.leave(self.id);
        }
        true
    }

    fn is_broken(&self) -> bool {
        self.left.load(Ordering::SeqCst) == 0
    }
}
