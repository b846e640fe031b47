//! A wire that is read: it passes bytes between a client and the server and knows the sessions that were used over it.

use super::FuzzError;
use std::{
    io::{self, Read as _, Write as _},
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex, PoisonError},
    thread,
};

const ACCOUNT: &str = "/v1/account";
const SPACE: &str = "/v1/spaces/";

/// What each connection sent to the server.
type Sent = Arc<Mutex<Vec<Vec<u8>>>>;

/// A listener whose threads end with the process.
pub(super) struct Recorder {
    address: SocketAddr,
    sent: Sent,
}

/// Sessions as the header carries them.
#[derive(PartialEq, Eq)]
pub(super) struct Sessions {
    account: String,
    space: String,
    space_id: String,
}

impl Sessions {
    /// The account's.
    pub(super) fn account(&self) -> &str {
        &self.account
    }

    /// The space's.
    pub(super) fn space(&self) -> &str {
        &self.space
    }

    /// Which space.
    pub(super) fn space_id(&self) -> &str {
        &self.space_id
    }
}

impl Recorder {
    /// Listens on a free port and passes every connection on to `server`.
    pub(super) fn open(server: SocketAddr) -> Result<Self, io::Error> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let (address, sent) = (listener.local_addr()?, Sent::default());
        let kept = Arc::clone(&sent);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                // A server that is down looks to the client as it would without this: the connection ends.
                if let Ok(server) = TcpStream::connect(server) {
                    drop(join(&client, &server, &kept));
                }
            }
        });
        Ok(Self { address, sent })
    }

    /// Where clients connect.
    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The newest sessions that were used.
    pub(super) fn sessions(&self) -> Result<Sessions, FuzzError> {
        let sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        let requests: Vec<_> = sent.iter().flat_map(|bytes| requests(bytes)).collect();
        let newest = |of: &str| requests.iter().rfind(|(path, _)| path.starts_with(of)).cloned();
        let (_, account) = newest(ACCOUNT).ok_or(FuzzError::NoSession("the account"))?;
        let (path, space) = newest(SPACE).ok_or(FuzzError::NoSession("the space"))?;
        let id = path.strip_prefix(SPACE).and_then(|rest| rest.split('/').next()).unwrap_or_default();
        Ok(Sessions { account, space, space_id: id.to_owned() })
    }
}

/// Path and session of each request that has one, in what a connection sent.
fn requests(bytes: &[u8]) -> Vec<(String, String)> {
    let text = String::from_utf8_lossy(bytes);
    let heads = text.split("\r\n\r\n").filter_map(|head| {
        // The body of the request before may stand in front of it.
        let (line, headers) = head.rsplit_once(" HTTP/1.1\r\n")?;
        let (_, path) = line.rsplit_once(' ')?;
        let session = headers.lines().find_map(|header| header.strip_prefix("authorization: Bearer "))?;
        Some((path.to_owned(), session.to_owned()))
    });
    heads.collect()
}

fn join(client: &TcpStream, server: &TcpStream, sent: &Sent) -> Result<(), io::Error> {
    let (mut from_client, mut to_server) = (client.try_clone()?, server.try_clone()?);
    let (mut from_server, mut to_client) = (server.try_clone()?, client.try_clone()?);
    let sent = Arc::clone(sent);
    thread::spawn(move || {
        let place = {
            let mut sent = sent.lock().unwrap_or_else(PoisonError::into_inner);
            sent.push(Vec::new());
            sent.len() - 1
        };
        let mut buffer = vec![0; 64 << 10];
        while let Ok(length @ 1..) = from_client.read(&mut buffer) {
            let bytes = buffer.get(..length).unwrap_or_default();
            if let Some(kept) = sent.lock().unwrap_or_else(PoisonError::into_inner).get_mut(place) {
                kept.extend_from_slice(bytes);
            }
            if to_server.write_all(bytes).is_err() {
                break;
            }
        }
        drop(to_server.shutdown(Shutdown::Write));
    });
    thread::spawn(move || {
        drop(io::copy(&mut from_server, &mut to_client));
        drop(to_client.shutdown(Shutdown::Write));
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_are_found_behind_the_bodies_of_other_requests() {
        let sent = b"POST /v1/spaces/ab/sessions/start HTTP/1.1\r\nhost: x\r\n\r\n{\"a\":1}GET /v1/account HTTP/1.1\r\n\
            authorization: Bearer one\r\nhost: x\r\n\r\n\xff\xffPUT /v1/spaces/ab/head HTTP/1.1\r\nauthorization: Bearer two\r\n\r\n";
        let recorder =
            Recorder { address: ([127, 0, 0, 1], 1).into(), sent: Arc::new(Mutex::new(vec![sent.to_vec()])) };
        let Ok(found) = recorder.sessions() else { panic!("both are there") };
        assert_eq!((found.account(), found.space(), found.space_id()), ("one", "two", "ab"));
        let recorder = Recorder { address: ([127, 0, 0, 1], 1).into(), sent: Sent::default() };
        assert!(matches!(recorder.sessions(), Err(FuzzError::NoSession(_))));
    }
}
