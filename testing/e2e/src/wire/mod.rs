//! The wire between the devices and the server: counts what passes, stands still at a moment, breaks by a seed.

mod fault;
mod pump;
mod request;
mod state;

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use socket2::{Domain, Socket, Type};

pub use self::fault::Faults;
pub use self::request::{Kind, Seen};
pub use self::state::Conversation;
use self::state::Shared;
use crate::device::Running;

/// The address that the server sees all clients come from.
pub const CLIENT_ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 77));

/// An instant in what passes; requests are counted per kind, from 1, from when the wire was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a test chooses one")]
pub enum Moment {
    /// The request arrived and nothing of it has passed.
    Arrives(Kind, u32),
    /// So many bytes of its body have passed.
    Body(Kind, u32, u64),
    /// The server answered, and nothing of the answer has passed: the deed is done, and the client does not know.
    Answer(Kind, u32),
    /// The answer has passed.
    Done(Kind, u32),
    /// So many bytes have gone to the server.
    Sent(u64),
    /// So many bytes have come from the server.
    Received(u64),
}

/// A wire; its threads end with the process.
#[derive(Clone)]
pub struct Wire {
    address: SocketAddr,
    shared: Arc<Shared>,
}

impl Wire {
    /// A wire to `server`, with an end for clients on a free port.
    pub fn open(server: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("a socket has an address");
        let shared = Arc::new(Shared::default());
        let wire = Self { address, shared: Arc::clone(&shared) };
        wire.lead_to(server);
        thread::spawn(move || {
            for (id, client) in (0..).zip(listener.incoming().flatten()) {
                // A server that is down looks to the client as it would without the wire: the connection ends.
                if let Some(server) = connect(&shared) {
                    drop(client.set_nodelay(true));
                    pump::join(&shared, id, client, server);
                }
            }
        });
        wire
    }

    /// What clients take for the server's address.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Leads new connections to `server` from now on.
    pub fn lead_to(&self, server: SocketAddr) {
        self.shared.lock().target = Some(server);
    }

    /// Stands still at `moment`.
    pub fn hold(&self, moment: Moment) {
        self.shared.hold(moment);
    }

    /// Waits until it stands still; false when `run` ended before.
    /// Waits until it stands still; false when `run` ended before.
    pub fn wait_held(&self, run: &mut Running) -> bool {
        self.wait_held_unless(|| run.has_ended())
    }

    /// Waits until it stands still; false when `gone` said before that it never will.
    pub fn wait_held_unless(&self, gone: impl FnMut() -> bool) -> bool {
        self.shared.wait_held(gone)
    }

    /// Moves again after standing still, and forgets a moment that did not come.
    pub fn release(&self) {
        self.shared.release(false);
    }

    /// Ends every connection; what stood still is lost. New connections pass.
    pub fn cut(&self) {
        self.shared.release(true);
    }

    /// Ends every connection, and waits on for the moment that it was told.
    pub fn break_connections(&self) {
        self.shared.end_all();
    }

    /// Breaks the connections that begin from now on; `None` for an end of that.
    pub fn misbehave(&self, faults: Option<Faults>) {
        self.shared.lock().faults = faults;
    }

    /// Connections that were broken so far.
    pub fn faults(&self) -> u32 {
        self.shared.lock().faults_done
    }

    /// Bytes that have gone to the server.
    pub fn sent(&self) -> u64 {
        self.shared.lock().sent
    }

    /// Bytes that have come from the server.
    pub fn received(&self) -> u64 {
        self.shared.lock().received
    }

    /// All requests so far, in order of their begin.
    pub fn requests(&self) -> Vec<Seen> {
        self.shared.lock().requests.clone()
    }

    /// Keeps all that passes from now on, both ways.
    pub fn record(&self) {
        self.shared.lock().record = Some(BTreeMap::new());
    }

    /// All that was kept, connection by connection.
    pub fn recorded(&self) -> Vec<Conversation> {
        let record = self.shared.lock().record.clone().unwrap_or_default();
        record.into_values().collect()
    }
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wire").field("address", &self.address).finish_non_exhaustive()
    }
}

fn connect(shared: &Shared) -> Option<TcpStream> {
    let target = shared.lock().target?;
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).ok()?;
    socket.bind(&SocketAddr::from((CLIENT_ADDRESS, 0)).into()).ok()?;
    socket.connect(&target.into()).ok()?;
    socket.set_tcp_nodelay(true).ok()?;
    Some(socket.into())
}
