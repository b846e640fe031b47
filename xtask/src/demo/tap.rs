//! A wire that counts: it passes bytes between the clients and the server and knows how many went to the server.

use std::{
    io::{self, Read as _, Write as _},
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

/// A listener whose threads end with the process.
pub(super) struct Tap {
    address: SocketAddr,
    sent: Arc<AtomicU64>,
}

impl Tap {
    /// Listens on a free port and passes every connection on to `server`.
    pub(super) fn open(server: SocketAddr) -> Result<Self, io::Error> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let sent = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&sent);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                // A server that is down looks to the client as it would without the tap: the connection ends.
                if let Ok(server) = TcpStream::connect(server) {
                    drop(join(&client, &server, &counter));
                }
            }
        });
        Ok(Self { address, sent })
    }

    /// Where clients connect.
    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Bytes passed to the server so far.
    pub(super) fn bytes_sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }
}

fn join(client: &TcpStream, server: &TcpStream, sent: &Arc<AtomicU64>) -> Result<(), io::Error> {
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (from_client, to_server) = (client.try_clone()?, server.try_clone()?);
    let (from_server, to_client) = (server.try_clone()?, client.try_clone()?);
    let sent = Arc::clone(sent);
    thread::spawn(move || pump(from_client, to_server, &sent));
    thread::spawn(move || pump(from_server, to_client, &AtomicU64::new(0)));
    Ok(())
}

/// Passes bytes until either side ends, then ends both.
fn pump(mut from: TcpStream, mut to: TcpStream, counter: &AtomicU64) {
    let mut buffer = vec![0; 256 << 10];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        if buffer.get(..length).is_none_or(|bytes| to.write_all(bytes).is_err()) {
            break;
        }
        counter.fetch_add(length as u64, Ordering::Relaxed);
    }
    // Either may be gone already; then it needs no end.
    drop(to.shutdown(Shutdown::Write));
    drop(from.shutdown(Shutdown::Read));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_pass_both_ways_and_those_to_the_server_are_counted() {
        let server = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let tap = Tap::open(server.local_addr().expect("an address")).expect("a free port");
        let mut client = TcpStream::connect(tap.address()).expect("the tap listens");
        client.write_all(&[1; 1000]).expect("the tap reads");
        client.shutdown(Shutdown::Write).expect("the connection is open");
        let (mut peer, _) = server.accept().expect("the tap connects");
        let mut request = Vec::new();
        peer.read_to_end(&mut request).expect("the tap passes on");
        peer.write_all(b"reply").expect("the tap reads");
        drop(peer);
        let mut reply = String::new();
        client.read_to_string(&mut reply).expect("the tap passes back");
        assert_eq!((request.len(), reply.as_str(), tap.bytes_sent()), (1000, "reply", 1000));
    }
}
